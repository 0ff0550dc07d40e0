package cli

// Version is the version of this program. The templates and the release take it
// from here.
const Version = "0.1.0-dev"
