package refs

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// refers are the fields of the model that name what another place names too, and
// the edge that compares them. What is in none of them (the name of a runner, of a
// binding, of a pod) may be changed without harm.
var refers = map[string]string{
	"Accounts.Namespace": "namespace", "Accounts.Name": "service account",
	"Accounts.Annotations.Key": "annotation", "Accounts.Annotations.Value": "annotation",
	"Managers.Name": "service account", "Managers.Annotations.Value": "annotation",
	"Roles.Name": "role", "Roles.ARN": "role",
	"Roles.Trust.Statements.Principals.Name": "trust: provider", "Trusts.Statements.Principals.Name": "trust: provider",
	"Roles.Trust.Statements.Conditions.Key": "trust: key", "Trusts.Statements.Conditions.Key": "trust: key",
	"Roles.Trust.Statements.Conditions.Values": "trust: sub and aud", "Trusts.Statements.Conditions.Values": "trust: sub and aud",
	"Roles.Policies.Role": "role", "Roles.Policies.Statements.Resources": "policy: bucket", "Policies.Statements.Resources": "policy: bucket",
	"Providers.URL": "provider", "Providers.ClientIDs": "provider",
	"Buckets.Name": "bucket", "Buckets.Region": "region",
	"KubeRoles.Namespace": "binding", "KubeRoles.Name": "binding",
	"Bindings.Namespace": "binding", "Bindings.RoleName": "binding",
	"Bindings.Subjects.Name": "binding", "Bindings.Subjects.Namespace": "binding",
	"Workloads.Account": "debug pod", "Workloads.Namespace": "debug pod",
	"Runners.Kubernetes.Namespace": "runner: namespace", "Runners.Kubernetes.ServiceAccount": "runner: service_account",
	"Runners.Kubernetes.ServiceAccountOverwriteAllowed": "runner: allow-list",
	"Runners.Cache.S3.BucketName":                       "runner: bucket", "Runners.Cache.S3.BucketLocation": "runner: region", "Runners.Cache.Path": "runner: path",
	"Runners.Cache.S3.RoleARN":  "runner: RoleARN",
	"Pipelines.Variables.Value": "pipeline: variable", "Pipelines.Jobs.Variables.Value": "pipeline: variable", "Pipelines.Includes.Inputs.Values": "pipeline: input",
}

// spot is one text of the model and the field that it is in.
type spot struct {
	field string
	text  Text
}

func spots(v reflect.Value, field string, out []spot) []spot {
	switch v.Kind() { //nolint:exhaustive // no other kind holds a Text
	case reflect.Struct:
		if t, ok := reflect.TypeAssert[Text](v); ok {
			return append(out, spot{field, t})
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				name := strings.TrimPrefix(field+"."+f.Name, ".")
				if f.Anonymous {
					name = field
				}
				out = spots(v.Field(i), name, out)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			out = spots(v.Index(i), field, out)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			out = spots(v.Elem(), field, out)
		}
	}
	return out
}

// mutant is a set of files in which one name is changed in one place.
type mutant struct {
	edge, from, to string
	at             report.Place
	files          map[string]string
}

// names are what a text is made of that can be changed: the values of the set-up.
func mutants(files map[string]string, set Set, values []string) []mutant {
	var all []mutant
	done := map[string]bool{}
	for _, s := range spots(reflect.ValueOf(set), "", nil) {
		edge, refer := refers[s.field]
		if !refer || s.text.At.Line == 0 {
			continue
		}
		for _, name := range values {
			for _, at := range within(s.text.Text, name) {
				for _, to := range []string{changed(name), other(name)} {
					lines := strings.Split(files[s.text.At.File], "\n")
					line := lines[s.text.At.Line-1]
					column := strings.Index(line, s.text.Text)
					key := fmt.Sprint(s.text.At, at, to)
					if column < 0 || done[key] || elsewhere(s, to) {
						continue
					}
					done[key] = true
					column += at
					lines[s.text.At.Line-1] = line[:column] + to + line[column+len(name):]
					m := mutant{edge, name, to, s.text.At, maps.Clone(files)}
					m.files[s.text.At.File] = strings.Join(lines, "\n")
					all = append(all, m)
				}
			}
		}
	}
	return all
}

// elsewhere is the rule for mutants that change nothing that can be wrong: a bucket
// and a job may be in another region of AWS than the cluster, and nothing in these
// files says where the bucket is.
func elsewhere(s spot, to string) bool {
	fields := []string{"Runners.Cache.S3.BucketLocation", "Pipelines.Variables.Value", "Pipelines.Jobs.Variables.Value", "Pipelines.Includes.Inputs.Values"}
	return slices.Contains(fields, s.field) && slices.Contains(awsRegions(), s.text.Text) && slices.Contains(awsRegions(), to)
}

// within are the offsets at which a text has the name, not as a part of a longer
// one.
func within(text, name string) []int {
	var all []int
	letter := func(i int) bool {
		return i >= 0 && i < len(text) && (text[i] == '-' || text[i] >= '0' && text[i] <= '9' || text[i]|' ' >= 'a' && text[i]|' ' <= 'z')
	}
	for i := 0; i+len(name) <= len(text); i++ {
		if text[i:i+len(name)] == name && !letter(i-1) && !letter(i+len(name)) {
			all = append(all, i)
		}
	}
	return all
}

// changed is a name with another letter or digit at its end, other is a name that
// has nothing to do with it.
func changed(name string) string {
	last := name[len(name)-1]
	next := map[bool]byte{true: '7', false: 'q'}[last >= '0' && last <= '9']
	if last == next {
		next--
	}
	return name[:len(name)-1] + string(next)
}

func other(name string) string {
	switch {
	case strings.Trim(name, "0123456789") == "":
		return "998877665544"
	case strings.Contains(name, "sts."):
		return "something.example.com"
	case strings.HasPrefix(name, "eu-"):
		return "ap-south-1"
	case len(name) == 32:
		return "FEDCBA98FEDCBA98FEDCBA98FEDCBA98"
	}
	return "xylophone"
}

func folder(t testing.TB, dir string) map[string]string {
	t.Helper()
	files, root := map[string]string{}, os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, name)
		files[name] = string(text)
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatal("no files in", dir, err)
	}
	return files
}

func setOf(t testing.TB, files map[string]string) Set {
	t.Helper()
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	var set Set
	for _, name := range names {
		set.add(parse(name, []byte(files[name]), false))
	}
	set.join()
	return set
}

// tally counts the mutants of each edge.
type tally struct{ total, caught, voted, first int }

// values of the reference set-up that refer to each other.
func referenceValues() []string {
	return []string{
		"k8s-irsa-example-role", "k8s-irsa-gitlab-runner-common", "k8s-irsa-gitlab-jobs", "gitlab-runner", "gitlab-runner-common", "gitlab-jobs", "gitlab",
		"123456789012", "eu-central-1", "sts.amazonaws.com", "my-super-duper-gitlab-runner-cache", "0123456789ABCDEF0123456789ABCDEF",
	}
}

// hunt judges every mutant of the files. A mutant is caught where something fails
// or warns that did not before, and its place is among the ends.
func hunt(t *testing.T, files map[string]string, values []string, counts map[string]*tally) {
	t.Helper()
	base := setOf(t, files)
	before := map[string]bool{}
	for _, f := range Check(base, Options{}).Report.Findings() {
		if f.Bad() || f.Status == report.Warn {
			before[f.ID+f.Cause] = true
		}
	}
	places := map[string]int{}
	for _, s := range spots(reflect.ValueOf(base), "", nil) {
		if refers[s.field] != "" {
			for _, v := range values {
				places[v] += len(within(s.text.Text, v))
			}
		}
	}
	for _, m := range mutants(files, base, values) {
		n := counts[m.edge]
		if n == nil {
			n = &tally{}
			counts[m.edge] = n
		}
		n.total++
		caught, first := false, false
		var said []string
		for _, f := range Check(setOf(t, m.files), Options{}).Report.Findings() {
			if !f.Bad() && f.Status != report.Warn || before[f.ID+f.Cause] {
				continue
			}
			said = append(said, f.ID+": "+f.Cause)
			for i, p := range f.Where {
				if p.File == m.at.File && p.Line == m.at.Line {
					caught, first = true, first || i == 0
				}
			}
		}
		if caught {
			n.caught++
		} else {
			t.Errorf("%s: %q for %q at %s is not found; %q", m.edge, m.to, m.from, m.at, said)
		}
		if places[m.from] >= 3 {
			n.voted++
			if first {
				n.first++
			} else {
				t.Errorf("%s: %q for %q at %s is not first; %q", m.edge, m.to, m.from, m.at, said)
			}
		}
	}
}

func table(t *testing.T, counts map[string]*tally) {
	t.Helper()
	var edges []string
	for e := range counts {
		edges = append(edges, e)
	}
	slices.Sort(edges)
	all := tally{}
	for _, e := range edges {
		n := counts[e]
		t.Logf("%-26s caught %3d / %3d, first %3d / %3d", e, n.caught, n.total, n.first, n.voted)
		all = tally{all.total + n.total, all.caught + n.caught, all.voted + n.voted, all.first + n.first}
	}
	t.Logf("%-26s caught %3d / %3d, first %3d / %3d", "all", all.caught, all.total, all.first, all.voted)
}

// TestEverySingleChangeIsFound changes each name of the reference set-up in each
// place that refers to another, by one letter and into something else.
func TestEverySingleChangeIsFound(t *testing.T) {
	counts := map[string]*tally{}
	for _, dir := range []string{"short", "long", "jobs"} {
		hunt(t, folder(t, filepath.Join("testdata", dir)), referenceValues(), counts)
	}
	table(t, counts)
}
