package catalogue

// pod is what the pod and its environment show beside the identity: expectations, shadowing.
var pod = []Case{}

// podTitles are the healthy facts of these cases' checks.
var podTitles = map[string]string{}
