package cache

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/silence"
)

// silent notes that nobody answered, or nobody who speaks as S3 does.
func (p *probe) silent(check string, err error) {
	f := p.factsOf(err)
	id, said := networkCase(err)
	seen := seenBy(err)
	var answer *s3Error
	switch {
	case errors.Is(err, context.Canceled):
		id = "s3-interrupted"
	case seen.status >= http.StatusInternalServerError:
		id = "s3-fault"
	case seen.status != 0 && (id == "s3-unreachable" || errors.As(err, &answer)):
		id = "s3-foreign-answer"
	}
	f["said"] = said
	f["timeout"] = p.waited().String()
	f.Say("proxy", silence.AtProxy(err))
	p.fail(check, id, f)
}

// waited is how long S3 has been asked, in the precision that people read.
func (p *probe) waited() time.Duration {
	d := time.Since(p.start)
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Second)
}

// networkCase names why no answer came: the case, and the system's own word for it.
func networkCase(err error) (id, said string) {
	switch reason, word := silence.Why(err); reason {
	case silence.NoName:
		return "s3-dns", ""
	case silence.NoTrust:
		return "s3-tls", ""
	case silence.NoTLS:
		return "s3-no-tls", ""
	case silence.Cut:
		return "s3-cut", ""
	case silence.Late, silence.TimedOut:
		return "s3-timeout", ""
	default:
		return "s3-unreachable", cmp.Or(word, "no connection")
	}
}
