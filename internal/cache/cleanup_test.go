package cache_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	gocmp "github.com/google/go-cmp/cmp"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/cache"
)

func TestNothingIsLeftInTheBucket(t *testing.T) {
	for _, expect := range []cache.Expect{cache.ReadWrite, cache.Read, cache.None} {
		for _, versioned := range []bool{false, true} {
			t.Run(fmt.Sprint(expect, " ", versioned), func(t *testing.T) {
				w := newWorld(t, allowAll)
				w.addBucket(awsfake.BucketSpec{Versioned: versioned})
				w.try(expect)
				if left := w.left(); left != nil {
					t.Errorf("left are %q", left)
				}
			})
		}
	}
}

func TestWhatIsLeftIsNamedWithWhatDeletesIt(t *testing.T) {
	w := newWorld(t, can("s3:GetObject", "s3:PutObject", "s3:ListBucket"))
	all := w.try(cache.ReadWrite).Objects
	f := all[len(all)-1]
	for _, name := range w.left() {
		key := strings.TrimPrefix(name, "object ")
		if !strings.Contains(f.Cause, `"`+key+`"`) || !strings.Contains(f.Fix(), "aws s3api delete-object --bucket "+awsfake.Bucket+" --key "+key) {
			t.Errorf("%s is not named:\n%s\n%s", name, f.Cause, f.Fix())
		}
	}
}

func TestEachVersionThatIsLeftIsNamedWithItsID(t *testing.T) {
	for name, tt := range map[string]struct {
		actions []string
		want    int
	}{
		"a role that may only hide":         {[]string{"s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject"}, 4},
		"a role that may not even do that":  {[]string{"s3:GetObject", "s3:PutObject", "s3:ListBucket"}, 2},
		"a role that is told what there is": {[]string{"s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject", "s3:ListBucketVersions"}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, can(tt.actions...))
			w.addBucket(awsfake.BucketSpec{Versioned: true})
			w.bucket.Prefix = value(strings.Repeat("a-long-prefix/", 30), "Path")
			all := w.try(cache.ReadWrite).Objects
			f := all[len(all)-1]
			var said []string
			for _, v := range f.Evidence {
				if v.From == "left in the bucket" {
					said = append(said, v.Text)
				}
			}
			left := w.versions()
			slices.Sort(said)
			slices.Sort(left)
			if diff := gocmp.Diff(left, said); diff != "" || len(left) != tt.want {
				t.Errorf("%d are left, want %d (-left +said):\n%s", len(left), tt.want, diff)
			}
			for _, name := range left {
				_, id, _ := strings.Cut(name, `"`)
				id, key, _ := strings.Cut(id, `" of "`)
				if line := "aws s3api delete-object --bucket b-1 --key " + strings.TrimSuffix(key, `"`) + " --version-id " + id; !strings.Contains(f.Paste[0].Text, line) {
					t.Errorf("no %s in\n%s", line, f.Paste[0].Text)
				}
			}
		})
	}
}

func TestAHostilePrefixDoesNothingWhereItIsPasted(t *testing.T) {
	w := newWorld(t, can("s3:GetObject", "s3:PutObject", "s3:ListBucket"))
	w.bucket.Prefix = value("a'; $(touch x) `y`\nb", "Path")
	all := w.try(cache.ReadWrite).Objects
	lines := strings.Split(strings.TrimSpace(all[len(all)-1].Paste[0].Text), "\n")
	for _, line := range lines {
		if !strings.Contains(line, ` --key 'a'\''; $(touch x) `+"`y`"+`\nb/ci-aws-check/`) {
			t.Errorf("%s", line)
		}
	}
	if len(lines) != 2 {
		t.Errorf("%d lines", len(lines))
	}
}

// versions are what a person deletes one by one: the versions and marks of the
// bucket, each with its key.
func (w *world) versions() []string {
	w.t.Helper()
	all, err := w.owner().ListObjectVersions(w.t.Context(), &s3.ListObjectVersionsInput{Bucket: &w.bucket.Name.Text})
	if err != nil {
		w.t.Fatal(err)
	}
	var found []string
	for _, v := range all.Versions {
		found = append(found, "version \""+*v.VersionId+"\" of \""+*v.Key+"\"")
	}
	for _, m := range all.DeleteMarkers {
		found = append(found, "delete marker \""+*m.VersionId+"\" of \""+*m.Key+"\"")
	}
	return found
}
