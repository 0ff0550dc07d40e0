package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Quote returns s as the format's reader takes it for one value, byte for byte. The error says what the format
// cannot carry, without the value; no format carries a NUL byte, since no environment does.
func Quote(f Format, s string) (string, error) {
	if strings.ContainsRune(s, 0) {
		return "", errors.New("the value holds a NUL byte")
	}
	switch f {
	case Sh:
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'", nil
	case Fish:
		return "'" + fishEscapes.Replace(s) + "'", nil
	case Dotenv:
		return s, checkDotenv(s)
	case JSON:
		return quoteJSON(s)
	default:
		return "", fmt.Errorf("unknown format %q", f)
	}
}

// fishEscapes writes a line break outside the quotes, because `eval (…)` turns a real one into a blank.
var fishEscapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `'\n'`)

// checkDotenv refuses what GitLab's reader of dotenv reports would change: it splits at line breaks, strips white
// space from both ends, replaces bytes that are not UTF-8, and has the runner expand what follows a dollar sign.
// There is no quoting and no escape.
// https://gitlab.com/gitlab-org/gitlab/-/blob/master/app/services/ci/parse_dotenv_artifact_service.rb
func checkDotenv(s string) error {
	switch {
	case strings.ContainsAny(s, "\r\n"):
		return errors.New("the value holds a line break, which a dotenv file cannot carry")
	case s != strings.Trim(s, " \t\v\f"):
		return errors.New("the value begins or ends with white space, which GitLab strips from a dotenv file")
	case strings.Contains(s, "$"):
		return errors.New("the value holds a dollar sign, which GitLab expands in a dotenv file")
	case !utf8.ValidString(s):
		return errors.New("the value is not UTF-8, as a dotenv file must be")
	}
	return nil
}

func quoteJSON(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", errors.New("the value is not UTF-8, as JSON must be")
	}
	b, err := json.Marshal(s)
	if err != nil {
		return "", errors.New("the value has no form in JSON")
	}
	return string(b), nil
}
