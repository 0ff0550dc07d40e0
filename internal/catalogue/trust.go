package catalogue

// trust is what a trust policy says that does not fit the token.
var trust = []Case{}

// trustTitles are the healthy facts of these cases' checks.
var trustTitles = map[string]string{}
