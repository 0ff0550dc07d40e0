package awsfake

import (
	"cmp"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"gitlab.com/ci-aws/ci-aws/internal/iam"
)

// Config shapes a Cloud. The zero value is the reference set-up's.
type Config struct {
	Now          func() time.Time // the cloud's clock; nil: time.Now
	Region       string           // of the STS and S3 endpoints; empty: Region
	Issuer       string           // the cluster's iss; empty: ClusterIssuer
	GitLabIssuer string           // GitLab's iss; empty: GitLabIssuer
	// SessionLength, if not zero, is how long every session lasts, whatever was
	// asked for: a test of renewal cannot wait the 900 s that AWS gives at least.
	SessionLength time.Duration
}

// Cloud is a running fake. All its methods may be called at any time, from any
// goroutine: the next call to the fake sees the change.
type Cloud struct {
	now           func() time.Time
	region        string
	sessionLength time.Duration
	vectors       map[string]Vector
	cluster       *Issuer
	gitlab        *Issuer
	sts           *httptest.Server
	agent         *httptest.Server
	store         storage

	mu           sync.Mutex
	s3           map[string]*httptest.Server // by region
	roles        map[string]role             // by ARN
	policies     map[string]iam.Policy       // managed ones, by ARN
	providers    map[string][]string         // client ids by the provider's ARN
	associations map[string]string           // role ARNs by "namespace:service account"
	buckets      map[string]bucket           // by name
	keys         map[string]kmsKey           // by ARN
	checksums    map[string]http.Header      // of stored objects, by "bucket/key"
	sessions     map[string]session          // by access key id
	faults       []*Fault
	calls        []Call
}

// Role is an IAM role as it is given to AddRole.
type Role struct {
	ARN        string
	Trust      string        // the trust policy, JSON
	Policies   []string      // permission policies, JSON
	MaxSession time.Duration // zero: an hour, as IAM has it
}

type role struct {
	arn        iam.RoleARN
	trust      iam.Policy
	policies   []iam.Policy
	maxSession time.Duration
}

// Start gives a cloud that has issuers and endpoints but no provider, role or
// bucket yet; AddReference adds those of the reference set-up. Close it after use.
func Start(config Config) (*Cloud, error) {
	now := config.Now
	if now == nil {
		now = time.Now
	}
	vectors, err := loadVectors()
	if err != nil {
		return nil, err
	}
	c := &Cloud{
		now:           now,
		region:        cmp.Or(config.Region, Region),
		sessionLength: config.SessionLength,
		vectors:       vectors,
		store:         newStorage(),
		s3:            map[string]*httptest.Server{},
		roles:         map[string]role{},
		policies:      map[string]iam.Policy{},
		providers:     map[string][]string{},
		associations:  map[string]string{},
		buckets:       map[string]bucket{},
		keys:          map[string]kmsKey{},
		checksums:     map[string]http.Header{},
		sessions:      map[string]session{},
	}
	if c.cluster, err = NewIssuer(cmp.Or(config.Issuer, ClusterIssuer), now); err != nil {
		return nil, err
	}
	if c.gitlab, err = NewIssuer(cmp.Or(config.GitLabIssuer, GitLabIssuer), now); err != nil {
		c.cluster.Close()
		return nil, err
	}
	c.sts = listen(c.gate("sts", stsAction, c.serveSTS))
	c.agent = listen(c.gate("pod-identity", agentAction, c.serveAgent))
	return c, nil
}

// Close ends the cloud and every connection to it.
func (c *Cloud) Close() {
	c.mu.Lock()
	servers := []*httptest.Server{c.sts, c.agent}
	for _, s := range c.s3 {
		servers = append(servers, s)
	}
	c.mu.Unlock()
	for _, s := range servers {
		s.CloseClientConnections()
		s.Close()
	}
	c.cluster.Close()
	c.gitlab.Close()
}

// listen serves on a free port of loopback.
func listen(h http.Handler) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	return s
}

// STSURL is the endpoint for AWS_ENDPOINT_URL_STS. It takes calls signed for any region.
func (c *Cloud) STSURL() string { return c.sts.URL }

// S3URL is the endpoint of the cloud's region, for AWS_ENDPOINT_URL_S3.
func (c *Cloud) S3URL() string { return c.S3URLIn(c.region) }

// S3URLIn is the S3 endpoint of another region: it takes calls signed for that
// region only, and redirects from buckets of others.
func (c *Cloud) S3URLIn(region string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.s3[region]
	if !ok {
		s = listen(c.gate("s3", s3Action, func(w http.ResponseWriter, r *http.Request, body []byte) {
			c.serveS3(w, r, body, region)
		}))
		c.s3[region] = s
	}
	return s.URL
}

// PodIdentityURL is the URL for AWS_CONTAINER_CREDENTIALS_FULL_URI.
func (c *Cloud) PodIdentityURL() string { return c.agent.URL + "/v1/credentials" }

// Issuer is the cluster's token issuer.
func (c *Cloud) Issuer() *Issuer { return c.cluster }

// GitLab is the issuer of GitLab's ID tokens.
func (c *Cloud) GitLab() *Issuer { return c.gitlab }

// AddRole adds a role, or replaces the one of that ARN.
func (c *Cloud) AddRole(r Role) error {
	arn, err := iam.ParseRoleARN(r.ARN)
	if err != nil {
		return fmt.Errorf("role %q %w", r.ARN, err)
	}
	added := role{arn: arn, maxSession: cmp.Or(r.MaxSession, time.Hour)}
	if added.trust, err = iam.ParsePolicy([]byte(r.Trust)); err != nil {
		return fmt.Errorf("trust of role %q: %w", r.ARN, err)
	}
	for _, text := range r.Policies {
		p, err := iam.ParsePolicy([]byte(text))
		if err != nil {
			return fmt.Errorf("policy of role %q: %w", r.ARN, err)
		}
		added.policies = append(added.policies, p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roles[r.ARN] = added
	return nil
}

// RemoveRole takes a role away; sessions of it keep their keys but may do nothing.
func (c *Cloud) RemoveRole(arn string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.roles, arn)
}

// SetTrust replaces the trust policy of a role that exists.
func (c *Cloud) SetTrust(arn, policy string) error {
	p, err := iam.ParsePolicy([]byte(policy))
	if err != nil {
		return fmt.Errorf("trust of role %q: %w", arn, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.roles[arn]
	if !ok {
		return fmt.Errorf("no role %q", arn)
	}
	r.trust = p
	c.roles[arn] = r
	return nil
}

// AddPolicy adds a managed policy that sessions can name. An ARN that was not
// added allows nothing.
func (c *Cloud) AddPolicy(arn, policy string) error {
	p, err := iam.ParsePolicy([]byte(policy))
	if err != nil {
		return fmt.Errorf("policy %q: %w", arn, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.policies[arn] = p
	return nil
}

// AddProvider registers an issuer in an account, as IAM's OIDC providers are,
// with exactly these client ids.
func (c *Cloud) AddProvider(account, issuer string, clientIDs ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.providers[iam.ProviderARN(c.partition(), account, issuer)] = slices.Clone(clientIDs)
}

// RemoveProvider undoes AddProvider.
func (c *Cloud) RemoveProvider(account, issuer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.providers, iam.ProviderARN(c.partition(), account, issuer))
}

func (c *Cloud) partition() string { return iam.PartitionOfRegion(c.region) }

func (c *Cloud) role(arn string) (role, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.roles[arn]
	return r, ok
}
