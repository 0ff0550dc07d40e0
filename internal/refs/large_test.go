package refs

import (
	"fmt"
	"strings"
	"testing"
)

// large is a set of n service accounts with n roles; each third has a slip.
func large(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		name, role := fmt.Sprintf("team-%d-jobs", i), fmt.Sprintf("k8s-irsa-team-%d-jobs", i)
		files[fmt.Sprintf("%d.yaml", i)] = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: " + name + "\n  namespace: gitlab\n  annotations:\n    eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/" + role + "\n"
		if i%3 == 0 {
			name = strings.Replace(name, "jobs", "job", 1)
		}
		files[role+trustFile] = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/A"}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": {"oidc.eks.eu-central-1.amazonaws.com/id/A:sub": "system:serviceaccount:gitlab:` + name + `", "oidc.eks.eu-central-1.amazonaws.com/id/A:aud": "sts.amazonaws.com"}}}]}`
	}
	return files
}

// TestEachSlipOfManyIsFoundOnce looks for one finding of each of 100 slips.
func TestEachSlipOfManyIsFoundOnce(t *testing.T) {
	n := 0
	for _, f := range Check(setOf(t, large(300)), Options{}).Report.Findings() {
		if f.ID == "refs-service-account" && f.Bad() {
			n++
		}
	}
	if n != 100 {
		t.Errorf("%d findings for 100 slips", n)
	}
}

// BenchmarkCheck judges 1,000 manifests.
func BenchmarkCheck(b *testing.B) {
	set := setOf(b, large(500))
	b.ReportAllocs()
	for b.Loop() {
		r := Check(set, Options{})
		_ = r.Graph.Tree()
	}
}
