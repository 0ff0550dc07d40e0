package awsfake

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
)

func TestToDeleteWhatIsNotThereMakesAMarkWhereVersionsAreKept(t *testing.T) {
	for name, tt := range map[string]struct {
		versioned bool
		deletes   int
		want      int // marks
	}{
		"no versions":    {false, 1, 0},
		"versions":       {true, 1, 1},
		"versions again": {true, 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			c := reference(t, Config{})
			if err := c.AddBucket(BucketSpec{Name: "b-1", Region: Region, Account: Account, Versioned: tt.versioned}); err != nil {
				t.Fatal(err)
			}
			if err := c.AddRole(Role{ARN: JobRole, Trust: c.ClusterTrust().JSON(), Policies: []string{`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`}}); err != nil {
				t.Fatal(err)
			}
			client, ctx, bucket := c.s3Client(jobKeys(t, c)), t.Context(), aws.String("b-1")
			var told, kept []string
			for range tt.deletes {
				out, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("k")})
				if err != nil {
					t.Fatal(err)
				}
				if aws.ToBool(out.DeleteMarker) {
					told = append(told, aws.ToString(out.VersionId))
				}
			}
			listed, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: bucket})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range listed.DeleteMarkers {
				kept = append(kept, *m.VersionId)
			}
			if diff := cmp.Diff(told, kept); diff != "" || len(kept) != tt.want || len(listed.Versions) != 0 {
				t.Errorf("%d marks, %d versions (-told +kept):\n%s", len(kept), len(listed.Versions), diff)
			}
		})
	}
}
