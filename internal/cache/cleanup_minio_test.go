package cache

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"gitlab.com/ci-aws/ci-aws/internal/awsfake"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// TestMinIOKeepsNothing holds the removal to a real S3, in a bucket that keeps
// versions, one that never did, and one that does no more.
func TestMinIOKeepsNothing(t *testing.T) {
	bn := startMinIO(t)
	bn.b.Region = report.Value{Text: awsfake.Region, From: "--region"}
	for _, versioning := range []types.BucketVersioningStatus{"", types.BucketVersioningStatusEnabled, types.BucketVersioningStatusSuspended} {
		if versioning != "" {
			_, err := bn.sdk.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
				Bucket: &bn.b.Name.Text, VersioningConfiguration: &types.VersioningConfiguration{Status: versioning},
			})
			bn.must(err)
		}
		for _, expect := range []Expect{ReadWrite, Read, None} {
			t.Run(string(versioning)+" "+string(expect), func(t *testing.T) {
				r := Check(t.Context(), bn.cfg, Trial{Bucket: bn.b, Expect: report.Value{Text: string(expect), From: "--expect"}, Size: MinSize}, Caller{})
				if f := r.Objects[len(r.Objects)-1]; f.ID != checkDelete || f.Status != report.OK {
					t.Errorf("%s %s: %s", f.ID, f.Status, f.Cause)
				}
				if left := bn.all(func(next map[string][]string) (page, error) { return bn.c.listVersions(t.Context(), "", next) }); left != nil {
					t.Errorf("left are %+v", left)
				}
				uploads, err := bn.sdk.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bn.b.Name.Text})
				if err != nil || uploads.Uploads != nil {
					t.Errorf("uploads are %+v, %v", uploads, err)
				}
			})
		}
	}
}
