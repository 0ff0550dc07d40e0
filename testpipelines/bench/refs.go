package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
)

const (
	manifests   = 1000
	mostRefs    = time.Second
	mostRefsMem = 150 << 20 // bytes
	refsRuns    = 20
)

// refs times refs on a folder of manifests, beside a program that only reads
// them, and finds its peak memory. That it takes a second at most is promised of
// any machine, so here the clock itself is judged.
func (l *lab) refs(ctx context.Context, runs int, r *result) error {
	dir := filepath.Join(l.dir, "manifests")
	if err := writeManifests(dir, manifests); err != nil {
		return err
	}
	lines := 0
	for i := range manifests {
		_, text := manifest(i)
		lines += strings.Count(text, "\n")
	}
	runs = min(runs, refsRuns)
	took, err := race(ctx, runs,
		l.program("checks hold", "ci-aws", "refs", dir),
		contender{[]string{"sh", "-c", `cat "$0"/* | wc -l`, dir}, l.env, strconv.Itoa(lines)})
	if err != nil {
		return err
	}
	ours := fmt.Sprintf("%d manifests, %d runs: %s", manifests, runs, took[0])
	r.add("`ci-aws refs`", ours, mostRefs.String(), float64(took[0].median())/float64(mostRefs), atMost(1))
	r.add("`ci-aws refs`", ours, "`cat` of the files: "+took[1].String(), took[0].by(took[1]), beside)
	most := int64(0)
	for range (runs + 9) / 10 {
		bytes, err := l.peak(ctx, "refs", dir)
		if err != nil {
			return err
		}
		most = max(most, bytes)
	}
	r.add("`ci-aws refs`, peak memory", fmt.Sprintf("%d manifests: %s", manifests, mebibytes(most)), mebibytes(mostRefsMem), float64(most)/mostRefsMem, atMost(1))
	return nil
}

// writeManifests fills a new folder with n manifests, a file each.
func writeManifests(dir string, n int) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for i := range n {
		name, text := manifest(i)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// manifest is the file of a number: in turn a service account, a Role, what binds
// both, and the trust policy of the account's role. All names match.
func manifest(i int) (name, text string) {
	kinds := []struct{ name, text string }{
		{"account-N.yaml", `apiVersion: v1
kind: ServiceAccount
metadata:
  name: team-N-jobs
  namespace: gitlab
  annotations:
    eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/k8s-irsa-team-N-jobs
`},
		{"role-N.yaml", `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: team-N
  namespace: gitlab
rules:
  - apiGroups: [""]
    resources: [pods]
    verbs: [get, list]
`},
		{"binding-N.yaml", `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: team-N
  namespace: gitlab
subjects:
  - kind: ServiceAccount
    name: team-N-jobs
    namespace: gitlab
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: team-N
`},
		{"k8s-irsa-team-N-jobs.trust.json", iam.Trust{
			Partition: "aws", Account: "123456789012", Issuer: "https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
			Subject: "system:serviceaccount:gitlab:team-N-jobs", Audience: "sts.amazonaws.com",
		}.JSON() + "\n"},
	}
	kind, team := kinds[i%len(kinds)], strings.NewReplacer("-N", "-"+strconv.Itoa(i/len(kinds)))
	return team.Replace(kind.name), team.Replace(kind.text)
}
