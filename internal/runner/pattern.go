package runner

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// names are what Kubernetes takes for the name of a service account.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
var names = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`) })

// maxNames is how many names a list is read to have; a longer one was not
// written by hand.
const maxNames = 64

// pattern is what an allow-list lets pass.
type pattern struct {
	broken   string // why it is no regular expression; says nothing of its text
	anything bool
	anchored bool     // each match is a whole name
	plain    bool     // names and nothing else, with or without anchors
	names    []string // of a plain one
	stranger string   // a name that it lets pass and does not have in full, if one was found
}

// readPattern reads an allow-list; own is an account that is no stranger to it.
func readPattern(text, own string) pattern {
	re, err := regexp.Compile(text)
	if err != nil {
		if broken, ok := errors.AsType[*syntax.Error](err); ok {
			return pattern{broken: string(broken.Code)}
		}
		return pattern{broken: "it cannot be read"}
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return pattern{broken: "it cannot be read"}
	}
	p := pattern{
		// Two names that no list would hold on purpose.
		anything: re.MatchString("q7-x") && re.MatchString("zz"),
		anchored: anchored(tree, syntax.OpBeginText, true) && anchored(tree, syntax.OpEndText, false),
	}
	if written(text) {
		p.names, p.plain = spell(tree)
	}
	around := joined(joined([]string{"", "x-"}, examples(tree)), []string{"", "-x"})
	strange := func(name string) bool {
		return name != own && !slices.Contains(p.names, name) && re.MatchString(name) && names().MatchString(name)
	}
	for _, name := range around {
		if name = strings.ReplaceAll(name, "--", "-"); strange(name) {
			p.stranger = name
			break
		}
	}
	return p
}

// anchored reports whether every match has op at its start, or at its end.
func anchored(re *syntax.Regexp, op syntax.Op, start bool) bool {
	switch re.Op {
	case op:
		return true
	case syntax.OpCapture, syntax.OpPlus:
		return anchored(re.Sub[0], op, start)
	case syntax.OpAlternate:
		return !slices.ContainsFunc(re.Sub, func(s *syntax.Regexp) bool { return !anchored(s, op, start) })
	case syntax.OpConcat:
		last := re.Sub[len(re.Sub)-1]
		if start {
			last = re.Sub[0]
		}
		return anchored(last, op, start)
	}
	return false
}

// written reports whether an expression is one that a person reads as names: of
// characters that stand for themselves, bars, groups and anchors.
func written(text string) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
			if i == len(text) || !strings.ContainsRune(`Az.-_`, rune(text[i])) {
				return false
			}
		case strings.HasPrefix(text[i:], "(?:"):
			i += len("(?:") - 1
		case strings.IndexByte(`.+*?[]{}`, c) >= 0:
			return false
		}
	}
	return true
}

// spell gives every text that an expression matches, anchors aside. The parser
// makes classes of letters, and options, of alternatives that differ by them.
func spell(re *syntax.Regexp) (all []string, ok bool) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpEndText:
		return []string{""}, true
	case syntax.OpLiteral:
		return []string{string(re.Rune)}, true
	case syntax.OpCapture:
		return spell(re.Sub[0])
	case syntax.OpQuest:
		all, ok = spell(re.Sub[0])
		return append(all, ""), ok
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				if all = append(all, string(r)); len(all) > maxNames {
					return nil, false
				}
			}
		}
		return all, true
	case syntax.OpAlternate:
		for _, s := range re.Sub {
			more, ok := spell(s)
			if all = append(all, more...); !ok || len(all) > maxNames {
				return nil, false
			}
		}
		return all, true
	case syntax.OpConcat:
		all = []string{""}
		for _, s := range re.Sub {
			ends, ok := spell(s)
			if !ok || len(all)*len(ends) > maxNames {
				return nil, false
			}
			all = joined(all, ends)
		}
		return all, true
	}
	return nil, false
}

func joined(starts, ends []string) []string {
	var all []string
	for _, s := range starts {
		for _, e := range ends {
			all = append(all, s+e)
		}
	}
	return all
}

// examples are texts like those that an expression matches, built from the
// letters that it has itself; whether one matches has to be tried.
func examples(re *syntax.Regexp) []string {
	const longest = 253 // of a name
	var all []string
	switch re.Op {
	case syntax.OpLiteral:
		all = []string{strings.ToLower(string(re.Rune))}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		all = []string{"x"}
	case syntax.OpCharClass:
		all = []string{string(oneOf(re.Rune))}
	case syntax.OpCapture, syntax.OpStar, syntax.OpPlus, syntax.OpQuest:
		all = examples(re.Sub[0])
	case syntax.OpRepeat:
		for _, one := range examples(re.Sub[0]) {
			all = append(all, strings.Repeat(one, min(max(re.Min, 1), longest)))
		}
	case syntax.OpAlternate:
		for _, s := range re.Sub {
			all = append(all, examples(s)...)
		}
	case syntax.OpConcat:
		all = []string{""}
		for _, s := range re.Sub {
			all = joined(all, examples(s))
			all = all[:min(len(all), maxNames)]
		}
	default:
		all = []string{""}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return len(s) > longest })
	return all[:min(len(all), maxNames)]
}

// oneOf is a character of a class, one that names have if it has such.
func oneOf(class []rune) rune {
	for _, r := range "x7-" {
		for i := 0; i < len(class); i += 2 {
			if class[i] <= r && r <= class[i+1] {
				return r
			}
		}
	}
	if len(class) == 0 {
		return 'x'
	}
	return class[0]
}

func (r Runner) overwrite() report.Finding {
	const key = "service_account_overwrite_allowed"
	allowed := r.Kubernetes.ServiceAccountOverwriteAllowed
	if !allowed.Known() || allowed.Templated() {
		return holds("runner-overwrite", key, allowed)
	}
	p := readPattern(allowed.Text, r.Kubernetes.ServiceAccount.Text)
	kase := ""
	switch {
	case p.broken != "":
		return r.find("overwrite-invalid", catalogue.Facts{"pattern": allowed.Text, "why": p.broken}, allowed, key)
	case p.anything:
		kase = "overwrite-anything"
	case !p.plain:
		kase = "overwrite-pattern"
	case !p.anchored:
		kase = "overwrite-unanchored"
	default:
		return holds("runner-overwrite", key, allowed)
	}
	f := r.find(kase, catalogue.Facts{"pattern": allowed.Text}, allowed, key, r.allowList(p.names))
	if p.stranger != "" {
		f.Evidence = append(f.Evidence, report.Value{Text: p.stranger, From: "a name that it lets pass"})
	}
	return f
}

// allowList admits the names that are known: those of the list, else that of the
// jobs' own account.
func (r Runner) allowList(list []string) report.Snippet {
	accounts := valid(list)
	if len(accounts) == 0 {
		accounts = valid([]string{r.Kubernetes.ServiceAccount.Text})
	}
	if len(accounts) == 0 {
		accounts = []string{Placeholder}
	}
	return report.Snippet{For: "in the runner's configuration, with the names that jobs may choose", Text: OverwriteLines(accounts...)}
}

// valid are those of a list that a service account can be called, each once.
func valid(list []string) []string {
	var all []string
	for _, name := range list {
		if names().MatchString(name) && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}
