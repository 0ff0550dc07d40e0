package awsfake

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Issuer signs tokens and serves the discovery document and the keys by which
// others check them, over http on loopback.
type Issuer struct {
	name   string
	now    func() time.Time
	server *httptest.Server

	mu   sync.Mutex
	key  *rsa.PrivateKey // made when it is first needed
	down bool
}

// NewIssuer starts an issuer whose tokens say iss: name, which need not be where
// it listens; an empty name is the URL itself. A nil clock is time.Now.
func NewIssuer(name string, now func() time.Time) (*Issuer, error) {
	if now == nil {
		now = time.Now
	}
	i := &Issuer{name: name, now: now}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.serveDiscovery)
	mux.HandleFunc("GET /keys", i.serveKeys)
	i.server = listen(mux)
	if name == "" {
		i.name = i.server.URL
	}
	return i, nil
}

// Close ends the issuer's server.
func (i *Issuer) Close() {
	i.server.CloseClientConnections()
	i.server.Close()
}

// Name is the iss of the issuer's tokens.
func (i *Issuer) Name() string { return i.name }

// URL is where the issuer listens.
func (i *Issuer) URL() string { return i.server.URL }

// Rotate makes the issuer sign with a new key and withdraws the old one: tokens
// signed before have a kid that nobody knows any more.
func (i *Issuer) Rotate() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key = nil
}

// SetDown makes the discovery document and the keys unreachable (503), or
// reachable again. Tokens are signed all the same.
func (i *Issuer) SetDown(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

// MintClaims signs any claims with the issuer's key. Only iss is filled in, if
// it is not there; a nil iss leaves it out.
func (i *Issuer) MintClaims(claims map[string]any) (string, error) {
	claims = maps.Clone(claims)
	if iss, ok := claims["iss"]; !ok {
		claims["iss"] = i.name
	} else if iss == nil {
		delete(claims, "iss")
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encoding claims: %w", err)
	}
	key, err := i.signingKey()
	if err != nil {
		return "", err
	}
	kid, err := keyID(&key.PublicKey)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{
		Algorithm: jose.RS256,
		Key:       jose.JSONWebKey{Key: key, KeyID: kid},
	}, nil)
	if err != nil {
		return "", fmt.Errorf("making a signer: %w", err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return jws.CompactSerialize()
}

func (i *Issuer) signingKey() (*rsa.PrivateKey, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.key == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, fmt.Errorf("making a signing key: %w", err)
		}
		i.key = key
	}
	return i.key, nil
}

// keyID names a key as kube-apiserver does: by the hash of its DER form.
func keyID(key *rsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("encoding a public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// keys gives the published keys; false where nobody can reach them.
func (i *Issuer) keys() (jose.JSONWebKeySet, bool) {
	key, err := i.signingKey()
	if err != nil {
		return jose.JSONWebKeySet{}, false
	}
	kid, err := keyID(&key.PublicKey)
	if err != nil {
		return jose.JSONWebKeySet{}, false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: &key.PublicKey, KeyID: kid, Algorithm: string(jose.RS256), Use: "sig",
	}}}
	return set, !i.down
}

func (i *Issuer) serveDiscovery(w http.ResponseWriter, _ *http.Request) {
	if _, up := i.keys(); !up {
		http.Error(w, "", http.StatusServiceUnavailable)
		return
	}
	writeJSON(w, map[string]any{
		"issuer":                                i.name,
		"jwks_uri":                              i.server.URL + "/keys",
		"authorization_endpoint":                "urn:kubernetes:programmatic_authorization",
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"claims_supported":                      []string{"sub", "iss"},
	})
}

func (i *Issuer) serveKeys(w http.ResponseWriter, _ *http.Request) {
	set, up := i.keys()
	if !up {
		http.Error(w, "", http.StatusServiceUnavailable)
		return
	}
	writeJSON(w, set)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that went away needs no answer
}

// verdict is what a check of a token's signature comes to.
type verdict int

const (
	genuine verdict = iota
	noKey           // the issuer's keys are out of reach, or the token's is not among them
	forged
)

// algorithms are those that IAM's OIDC providers take.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512}
}

// unverified reads a token's claims without any check of its signature.
func unverified(token string) (map[string]any, bool) {
	jws, err := jose.ParseSignedCompact(token, append(algorithms(), jose.HS256, jose.HS384, jose.HS512,
		jose.PS256, jose.PS384, jose.PS512, jose.EdDSA))
	if err != nil {
		return nil, false
	}
	var claims map[string]any
	if json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &claims) != nil || claims == nil {
		return nil, false
	}
	return claims, true
}

// verify checks a token's signature by the issuer's published keys.
func (i *Issuer) verify(token string) verdict {
	set, up := i.keys()
	if !up {
		return noKey
	}
	jws, err := jose.ParseSignedCompact(token, algorithms())
	if err != nil {
		return forged
	}
	found := set.Key(jws.Signatures[0].Header.KeyID)
	if len(found) == 0 {
		return noKey
	}
	if !slices.ContainsFunc(found, func(k jose.JSONWebKey) bool { _, err := jws.Verify(k.Key); return err == nil }) {
		return forged
	}
	return genuine
}
