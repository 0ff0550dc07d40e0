package catalogue

// bucket is S3's answers.
var bucket = []Case{}

// bucketTitles are the healthy facts of these cases' checks.
var bucketTitles = map[string]string{}
