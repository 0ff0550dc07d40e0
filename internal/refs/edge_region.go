package refs

import (
	"slices"
	"strings"

	"gitlab.com/ci-aws/ci-aws/internal/catalogue"
	"gitlab.com/ci-aws/ci-aws/internal/near"
	"gitlab.com/ci-aws/ci-aws/internal/report"
)

// awsRegions are the regions of all partitions.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
func awsRegions() []string {
	return strings.Fields(`af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2
		ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1
		cn-north-1 cn-northwest-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3
		eusc-de-east-1 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-gov-east-1 us-gov-west-1
		us-iso-east-1 us-iso-west-1 us-isob-east-1 us-isob-west-1 eu-isoe-west-1 us-isof-east-1 us-isof-south-1 us-west-1 us-west-2`)
}

// regionEnds are the places that name a region, with the region.
func (c *checker) regionEnds() map[string][]end {
	ends := map[string][]end{}
	add := func(e end) {
		if e.part != "" && usable(e.text) {
			ends[e.part] = append(ends[e.part], e)
		}
	}
	for i := range c.Runners {
		r := &c.Runners[i]
		if r.Cache.UsesS3() && r.Cache.S3.AWS() {
			add(whole("BucketLocation of "+runnerWhat(r), r.Cache.S3.BucketLocation))
		}
	}
	for _, b := range c.Buckets {
		add(whole("the region of the bucket "+quote(b.Name.Text), b.Region))
	}
	for _, e := range c.issuers {
		rest, eks := strings.CutPrefix(e.name, "oidc.eks.")
		if region, _, ok := strings.Cut(rest, "."); eks && ok && !c.toldName("issuer", e.name) {
			add(end{e.what, e.text, region, e.from + len("oidc.eks.")})
		}
	}
	for _, e := range c.pipelineRegions() {
		add(e)
	}
	return ends
}

// regions says which place names a region that AWS does not have. That one is
// another than the others' is no slip: a bucket and a job may have their own.
func (c *checker) regions() []report.Finding {
	ends := c.regionEnds()
	var all []report.Finding
	n := 0
	known := awsRegions()
	for _, region := range sortedKeys(ends) {
		got := distinct(ends[region])
		n += len(got)
		if slices.Contains(known, region) {
			continue
		}
		f := catalogue.Facts{"got": region, "what": got[0].what, "where": places(got)}
		meant := near.Of(region, known)
		// The usual one of those that are as near.
		for _, other := range sortedKeys(ends) {
			if slices.Contains(known, other) && near.Slip(region, other) != "" {
				meant = other
			}
		}
		if meant == "" {
			all = append(all, c.found("refs-region-new", f, got))
			continue
		}
		f["want"] = meant
		all = append(all, c.found("refs-region-unknown", f, got, c.patch(got, meant)...))
	}
	return judged("refs-region", n, "place", all...)
}

// bucketRegions compares all that says in which region a bucket is: BucketLocation,
// the bucket itself, and the KMS key, which has to be in the region of its bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
func (c *checker) bucketRegions() []report.Finding {
	var all []report.Finding
	names := map[string][]end{}
	for _, i := range c.s3Runners() {
		name := c.Runners[i].Cache.S3.BucketName
		names[name.Text] = append(names[name.Text], whole("", name))
	}
	for _, bucket := range sortedKeys(names) {
		said := map[string][]end{}
		var order []string
		add := func(e end) {
			if e.part == "" || !usable(e.text) {
				return
			}
			if len(said[e.part]) == 0 {
				order = append(order, e.part)
			}
			said[e.part] = append(said[e.part], e)
		}
		for _, i := range c.s3Runners() {
			if r := &c.Runners[i]; r.Cache.S3.BucketName.Text == bucket {
				add(whole("BucketLocation of "+runnerWhat(r), r.Cache.S3.BucketLocation))
			}
		}
		for _, b := range c.Buckets {
			if b.Name.Text == bucket {
				add(whole("the region of the bucket", b.Region))
			}
		}
		for _, i := range c.s3Runners() {
			if r := &c.Runners[i]; r.Cache.S3.BucketName.Text == bucket {
				add(keyRegion("the KMS key of "+runnerWhat(r), Text(r.Cache.S3.ServerSideEncryptionKeyID)))
			}
		}
		usual := ""
		for _, region := range order {
			if usual == "" || len(distinct(said[region])) > len(distinct(said[usual])) {
				usual = region
			}
		}
		for _, region := range order {
			if region == usual || !slices.Contains(awsRegions(), region) || !slices.Contains(awsRegions(), usual) {
				continue // refs-region says it
			}
			a, b := side{name: region, ends: said[region]}, side{name: usual, ends: said[usual]}
			if len(distinct(a.ends)) == len(distinct(b.ends)) {
				a, b = b, a // BucketLocation first
			}
			all = append(all, c.differ("refs-bucket-region", a, b, catalogue.Facts{"bucket": bucket}))
		}
	}
	return all
}

// keyRegion is the region in the ARN of a KMS key; without a part where it is none.
func keyRegion(what string, t Text) end {
	parts := strings.SplitN(t.Text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "kms" {
		return end{}
	}
	return end{what, t, parts[3], len("arn:") + len(parts[1]) + len(":kms:")}
}
