package refs

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"
)

// parse takes the objects out of a file. Named is a file that somebody named: if
// it holds nothing that is known, that is said of it.
func parse(name string, text []byte, named bool) Set {
	r := &reader{}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	r.page = newPage(name, text)
	switch {
	case isUTF16(text):
		if named || ours(name) {
			r.unread(r.page.whole(), Broken, "is UTF-16: save it as UTF-8")
		}
	case bytes.IndexByte(text[:min(len(text), sniffed)], 0) >= 0:
		if named || ours(name) {
			r.unread(r.page.whole(), Binary, "is binary")
		}
	case isHCL(name):
		r.unread(r.page.whole(), Terraform, "is not evaluated: give what `terraform show -json` prints")
	default:
		r.text(text, named)
	}
	r.finish(named)
	return r.set
}

const (
	// sniffed is how much of a file is looked at to tell that it is binary.
	sniffed = 8 << 10
	// maxGuess is how large a file is read as YAML that neither was named nor has
	// the name of such a one.
	maxGuess = 1 << 20
)

func (r *reader) text(text []byte, named bool) {
	start := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case len(start) == 0:
	case looksTOML(start):
		r.config(text, named)
	case start[0] == '{' && !bytes.HasPrefix(start, []byte("{{")), start[0] == '[':
		r.json(named)
	case named || hasAny(text, yamlWords()) && (ours(r.page.file) || len(text) <= maxGuess):
		r.yaml(text, named)
	}
}

func isUTF16(text []byte) bool {
	for _, start := range []string{"\xff\xfe", "\xfe\xff", "{\x00", "\x00{"} {
		if bytes.HasPrefix(text, []byte(start)) {
			return true
		}
	}
	return false
}

// isHCL goes by the name: nothing else is written in a .tf file.
func isHCL(name string) bool {
	for _, end := range []string{".tf", ".tf.json", ".tofu", ".tofu.json"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// ours reports whether a name is of a kind of file that can be read, so that it is
// said when it cannot. In a folder stand many other files.
func ours(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json", ".toml", ".tfstate":
		return true
	}
	return false
}

// looksTOML goes by the first line that is not a comment: a section, or a key
// before an equals sign. [1, 2] is JSON.
func looksTOML(start []byte) bool {
	for line := range bytes.Lines(start) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			name := bytes.TrimLeft(line, "[ \t")
			return len(name) > 0 && (name[0] >= 'a' && name[0] <= 'z' || name[0] >= 'A' && name[0] <= 'Z') && bytes.ContainsRune(name, ']') && !bytes.HasPrefix(name, []byte("true")) && !bytes.HasPrefix(name, []byte("false")) && !bytes.HasPrefix(name, []byte("null"))
		}
		if bytes.HasPrefix(line, []byte("{{")) {
			continue
		}
		key, _, ok := bytes.Cut(line, []byte("="))
		key = bytes.TrimSpace(key)
		return ok && len(key) > 0 && bytes.IndexFunc(key, func(c rune) bool {
			return c != '_' && c != '-' && c != '.' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
		}) < 0
	}
	return false
}

// yamlWords and jsonWords are words of which each text that holds anything for us
// has one: others need not be parsed.
func yamlWords() []string {
	return []string{"apiVersion", "serviceAccount", "rbac", "runners", "gitlabUrl", "runnerToken", "runnerRegistrationToken", "service-account", "script", "include", "variables", "id_tokens", "trigger", "extends", "stages"}
}

func jsonWords() []string {
	return []string{"Statement", "PolicyDocument", "RoleDetailList", "Document", "OpenIDConnectProviderList", "ClientIDList", "root_module", "lineage", "terraform_version", "apiVersion", "identity", "runners", "Role"}
}

func hasAny(text []byte, words []string) bool {
	for _, w := range words {
		if bytes.Contains(text, []byte(w)) {
			return true
		}
	}
	return false
}

func (r *reader) config(text []byte, named bool) {
	if !bytes.Contains(text, []byte("runners")) || !named && !ours(r.page.file) && !bytes.Contains(text, []byte("[[runners]]")) {
		return
	}
	r.templates = mask(text)
	r.page = newPage(r.page.file, r.templates.text)
	r.toml(r.page, FromTOML, Text{})
}

func (r *reader) json(named bool) {
	if !named && !hasAny(r.page.text, jsonWords()) && !ours(r.page.file) {
		return
	}
	all, err := r.jsonDocuments(r.page)
	if e, ok := errors.AsType[*syntaxError](err); ok {
		if ext := path.Ext(r.page.file); ext == ".yaml" || ext == ".yml" {
			r.yaml(r.page.text, named) // its flow style
			return
		}
		if named || ours(r.page.file) {
			r.broken(r.page, e)
		}
	}
	for _, n := range all {
		r.known(n, true, 0)
	}
}

func (r *reader) yaml(text []byte, named bool) {
	r.templates = mask(text)
	r.page = newPage(r.page.file, r.templates.text)
	all, broken := r.yamlDocuments(r.page)
	for _, n := range all {
		r.known(n, false, 0)
	}
	for _, e := range broken {
		if named || ours(r.page.file) {
			r.broken(r.page, e)
		}
	}
}

// known takes a document for what it is.
func (r *reader) known(n *node, fromJSON bool, depth int) {
	switch {
	case n == nil:
	case n.kind == formList && fromJSON && depth < maxNested:
		for _, i := range n.items {
			if r.more(i) {
				r.known(i, fromJSON, depth+1)
			}
		}
	case !n.isObject():
	case r.kube(n, 0):
	case fromJSON && (r.terraform(n) || r.aws(n)):
	case r.helm(n):
	case isDescription(n):
		r.unread(n.place(), Described, "is a description of ci-aws render")
	default:
		r.ci(n)
	}
}

// isDescription goes by the sections of ci-aws.yaml in which ci-aws render finds
// service accounts.
func isDescription(n *node) bool {
	for _, section := range append(n.get("jobs").all(), n.get("runner")) {
		if section.isObject() && section.has("service-account") {
			return true
		}
	}
	return false
}

// finish says what was left out, where anything was taken.
func (r *reader) finish(named bool) {
	some := r.set.objects() > 0
	if some {
		r.set.Files = 1
		for _, t := range r.twice {
			r.unread(t.page.place(t.lost), Duplicate, fmt.Sprintf("is a key that stands again in line %d, where it counts", t.page.place(t.at).Line))
		}
	} else {
		r.set.Others = 1
	}
	if n := len(r.templates.at); n > 0 && some && len(r.set.Pipelines) == 0 {
		why := notEvaluated
		if n > 1 {
			why = fmt.Sprintf("is the first of %d"+manyTemplates, n)
		}
		r.unread(r.page.place(r.templates.at[0]), Templated, why)
	}
	if !some && named && len(r.set.Unread) == 0 {
		why := "holds nothing that has to do with roles, service accounts or runners"
		if len(bytes.TrimSpace(r.page.text)) == 0 {
			why = "is empty"
		}
		r.unread(r.page.whole(), Nothing, why)
	}
	r.remember()
}

// objects counts what was taken.
func (s *Set) objects() int {
	return len(s.Accounts) + len(s.Roles) + len(s.Trusts) + len(s.Policies) + len(s.Providers) + len(s.Clusters) + len(s.Buckets) +
		len(s.KubeRoles) + len(s.Bindings) + len(s.Workloads) + len(s.Managers) + len(s.Runners) + len(s.Pipelines)
}
