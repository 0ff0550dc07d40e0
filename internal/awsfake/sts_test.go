package awsfake

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"
)

// aMoment is the time in the clock of every test that fixes it.
func aMoment() *fixed { return &fixed{time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)} }

func TestAnExchangeSaysWhoWasLetIn(t *testing.T) {
	clock := aMoment()
	c := reference(t, Config{Now: clock.now})
	out, err := c.stsClient(nil).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(JobRole), RoleSessionName: aws.String("group-project-4711"), DurationSeconds: aws.Int32(900),
		Policy:           aws.String(BucketPolicy + strings.Repeat(" ", 1024-len(BucketPolicy))),
		WebIdentityToken: aws.String(must[string](t)(c.Issuer().Mint(PodToken{}))),
	})
	if err != nil {
		t.Fatal(err)
	}
	type facts struct {
		ARN, Subject, Audience, Provider string
		Expires                          time.Time
		Packed                           int32
	}
	want := facts{
		ARN:      "arn:aws:sts::123456789012:assumed-role/k8s-irsa-gitlab-jobs/group-project-4711",
		Subject:  "system:serviceaccount:gitlab:gitlab-jobs",
		Audience: STSAudience,
		Provider: ClusterIssuer,
		Expires:  clock.at.Add(900 * time.Second),
		Packed:   50,
	}
	got := facts{*out.AssumedRoleUser.Arn, *out.SubjectFromWebIdentityToken, *out.Audience, *out.Provider, *out.Credentials.Expiration, *out.PackedPolicySize} //nolint:staticcheck // STS still sends it
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// causes are the states of the cloud, the token and the call that make STS give
// each answer that a state can cause.
func causes() map[string]func(*Cloud, *sts.AssumeRoleWithWebIdentityInput) error {
	type input = sts.AssumeRoleWithWebIdentityInput
	minted := func(p PodToken) func(*Cloud, *input) error {
		return func(c *Cloud, in *input) error {
			token, err := c.Issuer().Mint(p)
			in.WebIdentityToken = &token
			return err
		}
	}
	role := func(arn string) func(*Cloud, *input) error {
		return func(_ *Cloud, in *input) error { in.RoleArn = &arn; return nil }
	}
	return map[string]func(*Cloud, *input) error{
		"no-provider":    role("arn:aws:iam::210987654321:role/k8s-irsa-gitlab-jobs"),
		"wrong-audience": minted(PodToken{Audience: "sts.amazon.com"}),
		"expired":        minted(PodToken{Age: 24*time.Hour + 6*time.Minute}),
		"too-old":        minted(PodToken{Age: 441398 * time.Second, Lifetime: 1000 * time.Hour}),
		"trust-denied":   minted(PodToken{ServiceAccount: "default"}),
		"arn-invalid":    role("arn:aws:iam::::123456789012:role/x"),
		"arn-short":      role(""),
		"session-name":   func(_ *Cloud, in *input) error { in.RoleSessionName = aws.String("feature/foo"); return nil },
		"duration-max":   func(_ *Cloud, in *input) error { in.DurationSeconds = aws.Int32(7200); return nil },
		"policy-too-large": func(_ *Cloud, in *input) error {
			in.Policy = aws.String(BucketPolicy + strings.Repeat(" ", 2068-len(BucketPolicy)))
			return nil
		},
		"policy-malformed": func(_ *Cloud, in *input) error { in.Policy = aws.String(`{"Statement":`); return nil },
		"not-a-jwt":        func(_ *Cloud, in *input) error { in.WebIdentityToken = aws.String("$ID_TOKEN"); return nil },
		"missing-audience": func(c *Cloud, in *input) error {
			token, err := c.Issuer().MintClaims(map[string]any{"sub": "system:serviceaccount:gitlab:gitlab-jobs"})
			in.WebIdentityToken = &token
			return err
		},
		"no-verification-key": func(c *Cloud, _ *input) error { c.Issuer().Rotate(); return nil },
	}
}

func TestWhatAStateCanCauseIsAnsweredAsAWSDoes(t *testing.T) {
	for id, cause := range causes() {
		t.Run(id, func(t *testing.T) {
			clock := aMoment()
			c := reference(t, Config{Now: clock.now})
			in := &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: aws.String(JobRole), RoleSessionName: aws.String("s1"),
				WebIdentityToken: aws.String(must[string](t)(c.Issuer().Mint(PodToken{}))),
			}
			if err := cause(c, in); err != nil {
				t.Fatal(err)
			}
			_, err := c.stsClient(nil).AssumeRoleWithWebIdentity(t.Context(), in)
			want := c.answer(id)
			switch id { // whose texts hold an example's values
			case "no-provider":
				want.Message = "No OpenIDConnect provider found in your account for " + ClusterIssuer
			case "expired":
				want.Message = fmt.Sprintf("Token expired: current date/time %d must be before the expiration date/time%d", clock.at.Unix(), clock.at.Unix()-360)
			}
			if diff := cmp.Diff(want, answerOf(err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryAnswerCanBeReplayed(t *testing.T) {
	c := reference(t, Config{})
	token := must[string](t)(c.Issuer().Mint(PodToken{}))
	for _, v := range must[[]Vector](t)(Vectors("sts")) {
		c.ClearFaults()
		if err := c.Inject(Fault{Vector: v.ID}); err != nil {
			t.Fatal(err)
		}
		_, err := c.stsClient(nil).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(JobRole), RoleSessionName: aws.String("s1"), WebIdentityToken: &token,
		})
		if diff := cmp.Diff(answer{v.HTTP, v.Code, v.Message}, answerOf(err)); diff != "" {
			t.Errorf("%s: %s", v.ID, diff)
		}
	}
}

func TestChecksComeInAWSsOrder(t *testing.T) {
	clock := aMoment()
	c := reference(t, Config{Now: clock.now})
	exchange := func(arn, token string, seconds int32) answer {
		_, err := c.stsClient(nil).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: &arn, RoleSessionName: aws.String("s1"), WebIdentityToken: &token, DurationSeconds: &seconds,
		})
		return answerOf(err)
	}
	worst := must[string](t)(c.Issuer().Mint(PodToken{ServiceAccount: "x", Audience: "y", Age: 48 * time.Hour}))
	expired := must[string](t)(c.Issuer().Mint(PodToken{ServiceAccount: "x", Age: 48 * time.Hour}))
	stranger := must[string](t)(c.Issuer().Mint(PodToken{ServiceAccount: "x"}))
	forged := worst[:strings.LastIndexByte(worst, '.')+1] + "AAAA"
	for _, s := range []struct {
		name, arn, token string
		seconds          int32
		want             string
	}{
		{"a parameter before the ARN", "arn:aws:iam::1:role/aaaaaaa", "nothing", 5, "ValidationError: 1 validation error detected: Value '5' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{"the ARN before the token", "arn:aws:iam::1:role/aaaaaaa", "nothing", 7200, "ValidationError: Request ARN is invalid"},
		{"the token's form before its provider", "arn:aws:iam::210987654321:role/x", "nothing", 7200, "InvalidIdentityToken: Provided Token is not a Login With Amazon token"},
		{"the provider before the signature", "arn:aws:iam::210987654321:role/x", forged, 7200, "InvalidIdentityToken: No OpenIDConnect provider found in your account for " + ClusterIssuer},
		{"the signature before the audience", JobRole, forged, 7200, "InvalidIdentityToken: The web identity token that was passed could not be validated by AWS. Get a new identity token from the identity provider and then retry the request."},
		{"the audience before the expiry", JobRole, worst, 7200, "InvalidIdentityToken: Incorrect token audience"},
		{"the expiry before the trust", JobRole, expired, 7200, "ExpiredTokenException: Token expired: current date/time 1795442400 must be before the expiration date/time1795356000"},
		{"the trust before the duration", JobRole, stranger, 7200, "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity"},
		{"a role that is not there is a role that does not trust", JobRole + "x", stranger, 900, "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity"},
	} {
		t.Run(s.name, func(t *testing.T) {
			got := exchange(s.arn, s.token, s.seconds)
			if got.Code+": "+got.Message != s.want {
				t.Errorf("%s: %s\nwant %s", got.Code, got.Message, s.want)
			}
		})
	}
}

func TestATokenIsTakenFiveMinutesLonger(t *testing.T) {
	clock := aMoment()
	c := reference(t, Config{Now: clock.now})
	token := must[string](t)(c.Issuer().Mint(PodToken{Lifetime: time.Hour}))
	for after, want := range map[time.Duration]string{Leeway: "", Leeway + time.Second: "ExpiredTokenException"} {
		clock.at = aMoment().at.Add(time.Hour + after)
		_, err := c.stsClient(nil).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(JobRole), RoleSessionName: aws.String("s1"), WebIdentityToken: &token,
		})
		if got := answerOf(err).Code; got != want {
			t.Errorf("%v after exp: %q, want %q", after, got, want)
		}
	}
}

func TestAudienceIsAzpWhereTheTokenHasOne(t *testing.T) {
	c := reference(t, Config{})
	now := time.Now().Unix()
	claims := map[string]any{
		"sub": "system:serviceaccount:gitlab:gitlab-jobs", "aud": "other", "azp": STSAudience, "exp": now + 60, "iat": now,
	}
	exchange := func() string {
		token := must[string](t)(c.Issuer().MintClaims(claims))
		_, err := c.stsClient(nil).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(JobRole), RoleSessionName: aws.String("s1"), WebIdentityToken: &token,
		})
		return answerOf(err).Message
	}
	if got := exchange(); got != "" {
		t.Error(got)
	}
	claims["azp"], claims["aud"] = "other", STSAudience
	if got, want := exchange(), "Incorrect token audience"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestGitLabsTokenGetsTheRoleThatTrustsIt(t *testing.T) {
	c := reference(t, Config{})
	for ref, want := range map[string]string{"main": "", "feature": "AccessDenied"} {
		token := must[string](t)(c.GitLab().MintJob(JobToken{Ref: ref}))
		_, err := c.stsClient(nil).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(GitLabRole), RoleSessionName: aws.String("s1"), WebIdentityToken: &token,
		})
		if got := answerOf(err).Code; got != want {
			t.Errorf("ref %s: %q, want %q", ref, got, want)
		}
	}
}

func TestTheSDKsOwnProvidersAreServed(t *testing.T) {
	c := reference(t, Config{})
	web := stscreds.NewWebIdentityRoleProvider(c.stsClient(nil), JobRole, tokenFunc(func() ([]byte, error) {
		token, err := c.Issuer().Mint(PodToken{})
		return []byte(token), err
	}))
	chained := stscreds.NewAssumeRoleProvider(c.stsClient(aws.NewCredentialsCache(web)), DeployRole, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "chained"
	})
	out, err := c.stsClient(aws.NewCredentialsCache(chained)).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := *out.Arn, "arn:aws:sts::123456789012:assumed-role/deploy/chained"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for action, want := range map[string]int{"AssumeRoleWithWebIdentity": 1, "AssumeRole": 1, "GetCallerIdentity": 1, "GetObject": 0, "": 3} {
		if got := c.Calls(action); got != want {
			t.Errorf("%d calls of %q, want %d", got, action, want)
		}
	}
	if got := c.Received("AssumeRole")[0].Form.Get("RoleSessionName"); got != "chained" {
		t.Errorf("session name %q was recorded", got)
	}
}

type tokenFunc func() ([]byte, error)

func (f tokenFunc) GetIdentityToken() ([]byte, error) { return f() }

func TestChainingHoldsToTheTrustOfTheNextRole(t *testing.T) {
	c := reference(t, Config{})
	keys := jobKeys(t, c)
	const name = "arn:aws:sts::123456789012:assumed-role/k8s-irsa-gitlab-jobs/group-project-4711"
	for _, s := range []struct {
		name, trust string
		change      func(*sts.AssumeRoleInput)
		want        string
	}{
		{"the role is trusted", deployTrust, nil, ""},
		{"the session is trusted", trustOf(name, ""), nil, ""},
		{"the account is trusted, and the caller's policy allows it", trustOf("arn:aws:iam::123456789012:root", ""), nil, ""},
		{"another role is trusted", trustOf(GitLabRole, ""), nil, "AccessDenied: User: " + name + " is not authorized to perform: sts:AssumeRole on resource: " + DeployRole},
		{"an external id is asked for", trustOf(JobRole, "x-1"), nil, "AccessDenied: User: " + name + " is not authorized to perform: sts:AssumeRole on resource: " + DeployRole},
		{"the external id is given", trustOf(JobRole, "x-1"), func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String("x-1") }, ""},
		{"tags without the right to tag", trustOf(JobRole, ""), func(in *sts.AssumeRoleInput) {
			in.Tags = []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}
		}, "AccessDenied: User: " + name + " is not authorized to perform: sts:TagSession on resource: " + DeployRole},
		{"tags", deployTrust, func(in *sts.AssumeRoleInput) {
			in.Tags = []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}
		}, ""},
		{"more than an hour", deployTrust, func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3601) }, "ValidationError: " + c.answer("duration-chained").Message},
		{"a role that is not there", deployTrust, func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String(DeployRole + "x") }, "AccessDenied: User: " + name + " is not authorized to perform: sts:AssumeRole on resource: " + DeployRole + "x"},
	} {
		t.Run(s.name, func(t *testing.T) {
			if err := c.SetTrust(DeployRole, s.trust); err != nil {
				t.Fatal(err)
			}
			in := &sts.AssumeRoleInput{RoleArn: aws.String(DeployRole), RoleSessionName: aws.String("next")}
			if s.change != nil {
				s.change(in)
			}
			_, err := c.stsClient(keys).AssumeRole(t.Context(), in)
			if got := answerOf(err); strings.TrimPrefix(got.Code+": "+got.Message, ": ") != s.want {
				t.Errorf("%s: %s\nwant %s", got.Code, got.Message, s.want)
			}
		})
	}
}

func trustOf(principal, externalID string) string {
	condition := ""
	if externalID != "" {
		condition = `, "Condition": {"StringEquals": {"sts:ExternalId": "` + externalID + `"}}`
	}
	return `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "` + principal + `"}, "Action": "sts:AssumeRole"` + condition + `}}`
}

func TestSignedSTSCallsAreChecked(t *testing.T) {
	clock := aMoment()
	c := reference(t, Config{Now: clock.now})
	keys := must[aws.Credentials](t)(jobKeys(t, c).Retrieve(t.Context()))
	const mismatch = "SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	for _, s := range []struct {
		name             string
		id, secret, sent string
		off              time.Duration // the cloud's clock against the caller's
		want             string
	}{
		{"unknown key", "ASIAZZZZZZZZZZZZZZZZ", keys.SecretAccessKey, keys.SessionToken, 0, "InvalidClientTokenId: " + c.answer("invalid-key").Message},
		{"no session token", keys.AccessKeyID, keys.SecretAccessKey, "", 0, "InvalidClientTokenId: " + c.answer("invalid-key").Message},
		{"wrong secret", keys.AccessKeyID, keys.SecretAccessKey + "x", keys.SessionToken, 0, mismatch},
		{"right", keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken, 0, ""},
	} {
		t.Run(s.name, func(t *testing.T) {
			clock.at = time.Now()
			c.mu.Lock()
			stored := c.sessions[keys.AccessKeyID]
			stored.expires = clock.at.Add(time.Hour)
			c.sessions[keys.AccessKeyID] = stored
			c.mu.Unlock()
			_, err := c.stsClient(static(s.id, s.secret, s.sent)).GetCallerIdentity(t.Context(), nil)
			if got := answerOf(err); strings.TrimPrefix(got.Code+": "+got.Message, ": ") != s.want {
				t.Errorf("%s: %s\nwant %s", got.Code, got.Message, s.want)
			}
		})
	}
	c.ExpireSessions()
	_, err := c.stsClient(static(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken)).GetCallerIdentity(t.Context(), nil)
	if got, want := answerOf(err), (answer{403, "ExpiredToken", "The security token included in the request is expired"}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestAClockThatIsOffIsRefusedWithBothTimes(t *testing.T) {
	clock := &fixed{time.Now()}
	c := reference(t, Config{Now: clock.now})
	keys := jobKeys(t, c)
	clock.at = clock.at.Add(10 * time.Minute)
	_, err := c.stsClient(keys).GetCallerIdentity(t.Context(), nil)
	now := clock.at.UTC()
	got := answerOf(err)
	tail := fmt.Sprintf(" is now earlier than %s (%s - 5 min.)", now.Add(-5*time.Minute).Format(amzDate), now.Format(amzDate))
	if got.Code != "SignatureDoesNotMatch" || !strings.HasPrefix(got.Message, "Signature expired: ") || !strings.HasSuffix(got.Message, tail) {
		t.Errorf("%+v, want …%s", got, tail)
	}
}

func TestASessionIsAsShortAsATestWants(t *testing.T) {
	clock := aMoment()
	c := reference(t, Config{Now: clock.now, SessionLength: 3 * time.Second})
	out, err := c.stsClient(nil).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(JobRole), RoleSessionName: aws.String("s1"),
		WebIdentityToken: aws.String(must[string](t)(c.Issuer().Mint(PodToken{}))),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := *out.Credentials.Expiration, clock.at.Add(3*time.Second); !got.Equal(want) {
		t.Errorf("%v, want %v", got, want)
	}
}
