package runner

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// ErrorFinding says why the configuration in file could not be used: an error of
// Read, of Pick, or of reading the file.
func ErrorFinding(file string, err error) report.Finding {
	f := catalogue.Facts{"file": file}
	var syntax *SyntaxError
	var pick *PickError
	var denied *fs.PathError
	switch {
	case errors.As(err, &syntax):
		f["position"] = "line " + strconv.Itoa(syntax.At.Line) + ", column " + strconv.Itoa(syntax.At.Column)
		f["what"] = syntax.What
		return at(catalogue.Find("config-syntax").Finding(f, nil), syntax.At)
	case errors.As(err, &pick):
		f["runner"], f["runners"], f["near"] = pick.Name, strings.Join(pick.Runners, ", "), pick.Near
		id := "config-no-such-runner"
		switch {
		case len(pick.Runners) == 0:
			id = "config-no-runner"
		case pick.Name == "":
			id = "config-many-runners"
		}
		return at(catalogue.Find(id).Finding(f, nil), report.Place{File: file})
	case errors.As(err, &denied):
		f["why"] = denied.Err.Error()
	default:
		f["why"] = err.Error()
	}
	return at(catalogue.Find("config-unreadable").Finding(f, nil), report.Place{File: file})
}

// at adds the places that a finding is about.
func at(f report.Finding, places ...report.Place) report.Finding {
	f.Where = append(f.Where, places...)
	return f
}

// evidence is a setting as a fact.
func evidence(key string, v Value) report.Value {
	text := v.Text
	if !v.Known() {
		text = "not set"
	}
	return report.Value{Text: text, From: key + ", " + where(v.At)}
}

// Findings checks what the configuration says by itself, in the order in which
// a job and then its cache use it. Each has its place.
func (r Runner) Findings() []report.Finding {
	found := r.slips()
	found = append(found, r.executor()...)
	return append(found, r.caches()...)
}

// find makes the finding of a case about this runner.
func (r Runner) find(id string, f catalogue.Facts, v Value, key string, paste ...report.Snippet) report.Finding {
	f["runner"] = r.Called()
	f["where"] = where(v.At)
	return at(catalogue.Find(id).Finding(f, []report.Value{evidence(key, v)}, paste...), v.At)
}

func holds(check, key string, v Value) report.Finding {
	return at(catalogue.Holds(check, evidence(key, v)), v.At)
}

func (r Runner) slips() []report.Finding {
	var found []report.Finding
	for _, s := range r.Slips {
		f := catalogue.Facts{"key": s.Key.Text, "section": s.Section, "meant": s.Meant}
		kase := "runner-key-slip"
		if s.Lost {
			kase = "runner-key-lost"
		}
		found = append(found, r.find(kase, f, s.Key, "key in "+s.Section))
	}
	if len(found) == 0 {
		found = append(found, at(catalogue.Holds("runner-keys"), r.At))
	}
	return found
}

func (r Runner) executor() []report.Finding {
	if e := r.Executor; e.Known() && e.Text != "kubernetes" {
		return []report.Finding{r.find("runner-not-kubernetes", catalogue.Facts{"executor": e.Text}, e, "executor")}
	}
	return append([]report.Finding{r.account(), r.overwrite()}, r.disturbs()...)
}

func (r Runner) account() report.Finding {
	const key = "service_account"
	account := r.Kubernetes.ServiceAccount
	f := catalogue.Facts{"account": account.Text, "namespace": "their namespace"}
	if ns := r.JobAccount().Namespace; ns.Known() {
		f["namespace"] = "the namespace " + quote(ns.Text)
	}
	switch {
	case !account.Known():
		return r.find("runner-default-account", f, account, key, report.Snippet{
			For: "in the runner's configuration, with the name of your jobs' service account", Text: ServiceAccountLines(Placeholder),
		})
	case account.Templated():
		return holds("runner-service-account", key, account)
	case !names().MatchString(account.Text):
		_, name, _ := strings.Cut(strings.TrimPrefix(account.Text, "system:serviceaccount:"), ":")
		if slash := strings.LastIndexByte(account.Text, '/'); slash >= 0 {
			name = account.Text[slash+1:]
		}
		var paste []report.Snippet
		if names().MatchString(name) {
			paste = []report.Snippet{{For: "in the runner's configuration", Text: ServiceAccountLines(name)}}
		}
		return r.find("runner-account-name", f, account, key, paste...)
	}
	return holds("runner-service-account", key, account)
}
