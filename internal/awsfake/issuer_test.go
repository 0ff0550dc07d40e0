package awsfake

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

// shape lists every key of a JSON object with the type of its value.
func shape(prefix string, object map[string]any) []string {
	var keys []string
	for name, value := range object {
		keys = append(keys, fmt.Sprintf("%s%s %T", prefix, name, value))
		if inner, ok := value.(map[string]any); ok {
			keys = append(keys, shape(prefix+name+".", inner)...)
		}
	}
	slices.Sort(keys)
	return keys
}

func header(t *testing.T, token string) map[string]any {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, algorithms())
	if err != nil {
		t.Fatal(err)
	}
	h := map[string]any{"alg": jws.Signatures[0].Header.Algorithm, "kid": jws.Signatures[0].Header.KeyID}
	for name, value := range jws.Signatures[0].Header.ExtraHeaders {
		h[string(name)] = value
	}
	return h
}

func TestPodTokensHaveTheShapeOfRealOnes(t *testing.T) {
	text, err := os.ReadFile("testdata/projected-token.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded []struct {
		ID              string
		Header, Payload map[string]any
	}
	if err := json.Unmarshal(text, &recorded); err != nil {
		t.Fatal(err)
	}
	for _, v := range recorded {
		t.Run(v.ID, func(t *testing.T) {
			iat := time.Unix(int64(v.Payload["iat"].(float64)), 0)
			i := must[*Issuer](t)(NewIssuer(ClusterIssuer, func() time.Time { return iat }))
			t.Cleanup(i.Close)
			token := must[string](t)(i.Mint(PodToken{AutoMounted: v.ID == "auto-mounted"}))
			claims, ok := unverified(token)
			if !ok {
				t.Fatal("not a JWT")
			}
			if diff := cmp.Diff(shape("", v.Header), shape("", header(t, token))); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(shape("", v.Payload), shape("", claims)); diff != "" {
				t.Error(diff)
			}
			for _, name := range []string{"aud", "exp", "iat", "nbf", "iss", "sub"} {
				if diff := cmp.Diff(v.Payload[name], claims[name]); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
			if kid := header(t, token)["kid"].(string); len(kid) != len(v.Header["kid"].(string)) {
				t.Errorf("kid %q", kid)
			}
		})
	}
}

func TestJobTokensHaveGitLabsClaims(t *testing.T) {
	i := must[*Issuer](t)(NewIssuer(GitLabIssuer, nil))
	t.Cleanup(i.Close)
	claims, _ := unverified(must[string](t)(i.MintJob(JobToken{RefType: "tag", Ref: "v1"})))
	for name, want := range map[string]any{
		"iss": GitLabIssuer, "aud": GitLabIssuer, "sub": "project_path:group/project:ref_type:tag:ref:v1", "ref_path": "refs/tags/v1",
	} {
		if claims[name] != want {
			t.Errorf("%s is %v, want %v", name, claims[name], want)
		}
	}
	for name := range strings.FieldsSeq(`exp nbf iat jti namespace_id namespace_path project_id project_path
		user_id user_login user_email user_access_level pipeline_id pipeline_source job_id ref ref_type ref_protected
		groups_direct runner_id runner_environment sha ci_config_ref_uri ci_config_sha project_visibility`) {
		if _, ok := claims[name]; !ok {
			t.Errorf("no %s", name)
		}
	}
}

func TestAnIssuerIsFoundByItsOwnURL(t *testing.T) {
	i := must[*Issuer](t)(NewIssuer("", nil))
	t.Cleanup(i.Close)
	token := must[string](t)(i.MintClaims(map[string]any{"sub": "x"}))
	claims, _ := unverified(token)
	if claims["iss"] != i.URL() {
		t.Fatalf("iss is %v, not %s", claims["iss"], i.URL())
	}
	var discovery struct {
		Issuer string
		JWKS   string `json:"jwks_uri"`
	}
	_, body := get(t, i.URL()+"/.well-known/openid-configuration", nil)
	if err := json.Unmarshal(body, &discovery); err != nil {
		t.Fatal(err)
	}
	var keys jose.JSONWebKeySet
	_, body = get(t, discovery.JWKS, nil)
	if err := json.Unmarshal(body, &keys); err != nil {
		t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(token, algorithms())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jws.Verify(keys); err != nil || discovery.Issuer != i.URL() {
		t.Errorf("the published keys of %s do not verify its token: %v", discovery.Issuer, err)
	}
}

func TestIssFillsInOnlyWhereItIsMissing(t *testing.T) {
	i := must[*Issuer](t)(NewIssuer("https://a", nil))
	t.Cleanup(i.Close)
	for _, c := range []struct{ in, want map[string]any }{
		{map[string]any{}, map[string]any{"iss": "https://a"}},
		{map[string]any{"iss": "https://b"}, map[string]any{"iss": "https://b"}},
		{map[string]any{"iss": nil}, map[string]any{}},
	} {
		before := maps.Clone(c.in)
		got, _ := unverified(must[string](t)(i.MintClaims(c.in)))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(before, c.in); diff != "" {
			t.Errorf("the argument was changed: %s", diff)
		}
	}
}
