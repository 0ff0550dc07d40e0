package catalogue

// runnerConfig is what a runner's config.toml says.
var runnerConfig = []Case{}

// runnerTitles are the healthy facts of these cases' checks.
var runnerTitles = map[string]string{}
