package awsfake

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/johannesboyne/gofakes3"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
)

// BucketSpec is a bucket as it is given to AddBucket.
type BucketSpec struct {
	Name      string
	Region    string
	Account   string // its owner's; others need its Policy too
	Policy    string // the bucket policy, JSON; empty: none. Nobody blocks public access
	KMSKey    string // the ARN of the key for SSE-KMS, given to AddKey; empty: none
	Versioned bool
}

// KMSKey is a key as it is given to AddKey.
type KMSKey struct {
	ARN      string
	Policy   string // the key policy, JSON; empty: the default, by which the account's own policies decide
	Disabled bool
}

type bucket struct {
	BucketSpec
	policy *iam.Policy
}

type kmsKey struct {
	KMSKey
	policy iam.Policy
}

// AddBucket adds an empty bucket.
func (c *Cloud) AddBucket(b BucketSpec) error {
	added, err := newBucket(b)
	if err != nil {
		return err
	}
	if err := c.store.backend.CreateBucket(b.Name); err != nil {
		return fmt.Errorf("bucket %q: %w", b.Name, err)
	}
	if b.Versioned {
		on := gofakes3.VersioningConfiguration{Status: gofakes3.VersioningEnabled}
		if err := c.store.backend.SetVersioningConfiguration(b.Name, on); err != nil {
			return fmt.Errorf("bucket %q: %w", b.Name, err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buckets[b.Name] = added
	return nil
}

// SetBucketPolicy replaces the policy of a bucket that exists; "" takes it away.
func (c *Cloud) SetBucketPolicy(name, policy string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.buckets[name]
	if !ok {
		return fmt.Errorf("no bucket %q", name)
	}
	b.Policy = policy
	changed, err := newBucket(b.BucketSpec)
	if err != nil {
		return err
	}
	c.buckets[name] = changed
	return nil
}

func newBucket(b BucketSpec) (bucket, error) {
	added := bucket{BucketSpec: b}
	if b.Policy != "" {
		p, err := iam.ParsePolicy([]byte(b.Policy))
		if err != nil {
			return bucket{}, fmt.Errorf("policy of bucket %q: %w", b.Name, err)
		}
		added.policy = &p
	}
	return added, nil
}

// AddKey adds a KMS key of the reference account, or replaces the one of that ARN.
func (c *Cloud) AddKey(k KMSKey) error {
	root := "arn:" + c.partition() + ":iam::" + Account + ":root"
	p, err := iam.ParsePolicy([]byte(cmp.Or(k.Policy,
		`{"Statement":{"Effect":"Allow","Principal":{"AWS":"`+root+`"},"Action":"kms:*","Resource":"*"}}`)))
	if err != nil {
		return fmt.Errorf("policy of key %q: %w", k.ARN, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[k.ARN] = kmsKey{k, p}
	return nil
}

// permitS3 judges an S3 call by the bucket's policy and the caller's own, and
// then by the bucket's key. S3 gives its reasons to the owner's account only.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
func (c *Cloud) permitS3(caller session, b bucket, op s3Op, r *http.Request) *refusal {
	request := op.request(caller, b, r)
	if why := c.mayS3(caller, b, request); why == bare {
		return c.refuse("bare-denied")
	} else if why != "" {
		return c.refuse("no-identity-policy", fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %q %s",
			caller.arn, request.Action, request.Resource, why))
	}
	return c.permitKMS(caller, b, op)
}

// bare is a refusal without a reason.
const bare = "-"

// mayS3 says why a call is refused in AWS's words, bare, or "".
func (c *Cloud) mayS3(caller session, b bucket, request iam.Request) string {
	foreign := caller.account != b.Account
	byBucket, direct := iam.NotAllowed, iam.NotAllowed
	if b.policy != nil {
		byBucket, direct = resourcePolicy(*b.policy, caller, request)
	}
	switch {
	case byBucket == iam.Denied && foreign:
		return bare
	case byBucket == iam.Denied:
		return "with an explicit deny in a resource-based policy"
	case caller.anonymous() && direct == iam.Allowed:
		return ""
	case caller.anonymous():
		return bare
	}
	why := c.permit(caller, request)
	switch {
	case foreign && (byBucket != iam.Allowed || why != ""):
		return bare
	case !foreign && direct == iam.Allowed && why == noIdentityPolicy(request.Action):
		return ""
	}
	return why
}

// resourcePolicy judges by a resource's policy: with all names of the caller, and
// with its own, without those of its account.
func resourcePolicy(p iam.Policy, caller session, request iam.Request) (all, own iam.Decision) {
	names, account := caller.names()
	request.Principal = names
	own = p.Evaluate(request).Decision
	request.Principal = slices.Concat(names, account)
	return p.Evaluate(request).Decision, own
}

// permitKMS judges what S3 asks the bucket's key for in the caller's name.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
func (c *Cloud) permitKMS(caller session, b bucket, op s3Op) *refusal {
	var action string
	switch op.name {
	case "PutObject", "CreateMultipartUpload":
		action = "kms:GenerateDataKey"
	case "UploadPart", "CompleteMultipartUpload":
		action = "kms:Decrypt"
	case "GetObject":
		if _, err := c.store.backend.HeadObject(op.bucket, op.key); err == nil {
			action = "kms:Decrypt"
		}
	}
	if b.KMSKey == "" || action == "" {
		return nil
	}
	c.mu.Lock()
	key, ok := c.keys[b.KMSKey]
	c.mu.Unlock()
	request := iam.Request{Action: action, Resource: b.KMSKey, Context: caller.context()}
	all, own := iam.NotAllowed, iam.NotAllowed
	if ok {
		all, own = resourcePolicy(key.policy, caller, request)
	}
	user := "User: " + caller.arn + " is not authorized to perform: " + action
	if all != iam.Allowed {
		return c.refuse("kms", user+" on this resource because the resource does not exist in this Region, "+
			"no resource-based policies allow access, or a resource-based policy explicitly denies access")
	}
	if why := c.permit(caller, request); why != "" && (own != iam.Allowed || why != noIdentityPolicy(action)) {
		return c.refuse("kms", user+" on resource: "+b.KMSKey+" "+why)
	}
	if key.Disabled {
		return c.refuse("kms-disabled", b.KMSKey+" is disabled.")
	}
	return nil
}
