package oidc

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

const issuer = "https://provider.example"

// answers are a provider's by the ends of its paths; nil is one without end.
type answers map[string][]byte

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	res := &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{"Content-Type": {"application/json"}}, Request: r, Body: http.NoBody}
	for path, body := range a {
		if strings.HasSuffix(r.URL.Path, path) {
			res.StatusCode, res.Body = http.StatusOK, io.NopCloser(bytes.NewReader(body))
			if body == nil {
				res.Body = io.NopCloser(endless{})
			}
		}
	}
	return res, nil
}

// endless is space without end, in which a decoder of JSON looks on for a value.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// open seals nothing: what the browser carries is not what is tried here.
type open struct{}

func (open) Seal(b []byte, _ string) ([]byte, error)       { return b, nil }
func (open) OpenSealed(b []byte, _ string) ([]byte, error) { return b, nil }

func provider(a answers) *Provider {
	p := New(Config{Issuer: issuer, ClientID: "loa", Secret: "x", Name: "Tỉnh", Return: "https://loa.example/back", Claim: "email", Sealer: open{}})
	p.client.Transport = bounded{a}
	return p
}

// under is the ticket of a log-in that is under way, and what the browser brings back.
func under(tb testing.TB) (string, url.Values) {
	tb.Helper()
	text := encoded(tb, ticket{State: "state", Nonce: "nonce", Verifier: "verifier", Until: time.Now().Add(time.Hour)})
	return base64.RawURLEncoding.EncodeToString(text), url.Values{"state": {"state"}, "code": {"code"}}
}

func encoded(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// whole are the answers of a log-in that succeeds.
func whole(tb testing.TB) answers {
	tb.Helper()
	scalar := sha256.Sum256([]byte("provider of a test, public knowledge"))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		tb.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	text := b64(encoded(tb, map[string]any{"alg": "ES256", "kid": "1"})) + "." + b64(encoded(tb, map[string]any{
		"iss": issuer, "aud": "loa", "sub": "s", "iat": 1, "exp": int64(4e9), "nonce": "nonce", "email": "duyet@example.vn", "email_verified": true, "amr": []string{"mfa"},
	}))
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		tb.Fatal(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return answers{
		"/.well-known/openid-configuration": encoded(tb, map[string]any{
			"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token", "jwks_uri": issuer + "/keys",
			"id_token_signing_alg_values_supported": []string{"ES256"},
		}),
		"/keys":  encoded(tb, map[string]any{"keys": []any{map[string]any{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "1", "x": b64(point[1:33]), "y": b64(point[33:])}}}),
		"/token": encoded(tb, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": text + "." + b64(sig)}),
	}
}

func TestAnAnswerWithoutEndIsCutOff(t *testing.T) {
	for _, path := range []string{"/.well-known/openid-configuration", "/keys", "/token"} {
		a := whole(t)
		a[path] = nil
		ticket, query := under(t)
		if _, err := provider(a).Finish(t.Context(), ticket, query); !errors.Is(err, problem.ErrUnavailable) && !errors.Is(err, problem.ErrForbidden) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// FuzzProvider reads each of a provider's answers: nobody is logged in but whom a token
// of the provider's own key names.
func FuzzProvider(f *testing.F) {
	right := whole(f)
	paths := []string{"/.well-known/openid-configuration", "/keys", "/token"}
	ticket, query := under(f)
	ctx := f.Context()
	finish := func(path string, body []byte) (string, error) {
		a := answers{path: append([]byte{}, body...)}
		for p, b := range right {
			if p != path {
				a[p] = b
			}
		}
		id, err := provider(a).Finish(ctx, ticket, query)
		return id.Name, err
	}
	for i, path := range paths {
		if name, err := finish(path, right[path]); err != nil || name != "duyet@example.vn" {
			f.Fatal(path, name, err)
		}
		f.Add(uint8(i), right[path])
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		path := paths[int(which)%len(paths)]
		// Beside it, the three requests with the other two answers.
		protocoltest.HoldMemoryBeside(t, "answer of a provider", len(body), 128<<10, func() { _, _ = finish(path, body) })
		name, err := finish(path, body)
		if err != nil && !errors.Is(err, problem.ErrForbidden) && !errors.Is(err, problem.ErrUnavailable) {
			t.Errorf("refused as %v", err)
		}
		if err == nil && name != "duyet@example.vn" {
			t.Errorf("logged in as %q", name)
		}
	})
}
