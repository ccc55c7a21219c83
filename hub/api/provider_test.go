package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/api"
)

// oidcProvider is a provider of log-ins on a real port: it keeps codes, checks
// PKCE, the client's secret and the redirect, and signs tokens (ES256).
type oidcProvider struct {
	t   *testing.T
	srv *httptest.Server
	key *ecdsa.PrivateKey

	mu    sync.Mutex
	codes map[string]url.Values // of the request that each was made for
	// claims are what it says of who logs in; change is called with what is signed.
	claims map[string]any
	change func(header, claims map[string]any)
	// signer is another key than the one that it shows.
	signer *ecdsa.PrivateKey
}

func newOIDCProvider(t *testing.T) *oidcProvider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &oidcProvider{t: t, key: key, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	p.srv = httptest.NewServer(mux)
	t.Cleanup(p.srv.Close)
	show := func(v any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { p.write(w, http.StatusOK, v) }
	}
	mux.HandleFunc("/.well-known/openid-configuration", show(map[string]any{
		"issuer": p.srv.URL, "authorization_endpoint": p.srv.URL + "/authorize", "token_endpoint": p.srv.URL + "/token", "jwks_uri": p.srv.URL + "/keys",
		"id_token_signing_alg_values_supported": []string{"ES256"},
	}))
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc("/keys", show(map[string]any{"keys": []any{map[string]any{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "1", "x": b64(point[1:33]), "y": b64(point[33:]),
	}}}))
	mux.HandleFunc("/authorize", p.authorize)
	mux.HandleFunc("/token", p.token)
	return p
}

func (p *oidcProvider) write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Error(err)
	}
}

// authorize logs whoever comes in, and sends them back with a code.
func (p *oidcProvider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("nonce") == "" || q.Get("state") == "" ||
		q.Get("response_type") != "code" || q.Get("client_id") != "loa" || q.Get("scope") != "openid email" {
		p.t.Errorf("asked to authorize with %v", q)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	code := rand.Text()
	p.codes[code] = q
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.srv.URL}, "session_state": {"x"}}.Encode(), http.StatusSeeOther)
}

func (p *oidcProvider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	proof := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	id, secret, basic := r.BasicAuth()
	if id, err := url.QueryUnescape(id); err != nil || !ok || b64(proof[:]) != asked.Get("code_challenge") || r.PostFormValue("redirect_uri") != asked.Get("redirect_uri") ||
		!basic || id != "loa" || secret != url.QueryEscape("bí mật của ứng dụng") {
		p.write(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	now := time.Now()
	header := map[string]any{"alg": "ES256", "kid": "1"}
	claims := map[string]any{"iss": p.srv.URL, "aud": "loa", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "nonce": asked.Get("nonce")}
	maps.Copy(claims, p.claims)
	if p.change != nil {
		p.change(header, claims)
	}
	p.write(w, http.StatusOK, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": p.sign(header, claims)})
}

func (p *oidcProvider) sign(header, claims map[string]any) string {
	var parts []string
	for _, m := range []map[string]any{header, claims} {
		b, err := json.Marshal(m)
		if err != nil {
			p.t.Error(err)
		}
		parts = append(parts, b64(b))
	}
	text := strings.Join(parts, ".")
	if header["alg"] == "none" {
		return text + "."
	}
	key := p.key
	if p.signer != nil {
		key = p.signer
	}
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		p.t.Error(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// goThere lets a browser begin a log-in and go to the provider; it returns with
// what the provider sent it back with.
func (b *browser) goThere() url.Values {
	b.f.t.Helper()
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, text := b.do("GET", "/api/v1/log-in/provider", "")
	if res.StatusCode != http.StatusSeeOther {
		b.f.t.Fatalf("begun with %d: %s", res.StatusCode, text)
	}
	there, err := b.client.Get(res.Header.Get("Location"))
	if err != nil {
		b.f.t.Fatal(err)
	}
	if err := there.Body.Close(); err != nil {
		b.f.t.Fatal(err)
	}
	back, err := url.Parse(there.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(back.String(), "http://hub.invalid/api/v1/log-in/provider/return?") {
		b.f.t.Fatalf("sent back to %s: %v", back, err)
	}
	return back.Query()
}

func (b *browser) comeBack(query url.Values) (int, string) {
	b.f.t.Helper()
	res, text := b.do("GET", api.ProviderReturn+"?"+query.Encode(), "")
	if res.StatusCode == http.StatusSeeOther && res.Header.Get("Location") != "/" {
		b.f.t.Errorf("sent to %s", res.Header.Get("Location"))
	}
	return res.StatusCode, text
}

func TestProviderLogsInWhomAnAdministratorHasLinked(t *testing.T) {
	p := newOIDCProvider(t)
	f := newFixtureWith(t, api.Options{}, p)
	ways := decode[api.WaysBody](t, f.stranger().want(http.StatusOK, "GET", "/api/v1/log-in", ""))
	if ways.Provider == nil || ways.Provider.Name != "Tài khoản của tỉnh" || ways.Provider.Path != "/api/v1/log-in/provider" {
		t.Errorf("ways %+v", ways)
	}
	p.claims = map[string]any{"sub": "248289", "email": "Soan.A@tinh.example", "email_verified": true}
	try := func() (*browser, int, string) {
		t.Helper()
		b := f.stranger()
		status, text := b.comeBack(b.goThere())
		return b, status, text
	}
	b, status, text := try()
	if status != http.StatusForbidden || !strings.Contains(text, "gắn với ai") || !strings.Contains(text, "administrator") {
		t.Errorf("nobody's account: %d %s", status, text)
	}
	b.want(http.StatusUnauthorized, "GET", "/api/v1/units", "")

	const path = "/api/v1/users/soan-a/identity"
	link := `{"name":" soan.a@tinh.example"}`
	f.logIn("soan-a").want(http.StatusForbidden, "PUT", path, link) // nobody links themselves
	f.logIn("quantri-b").want(http.StatusNotFound, "PUT", path, link)
	admin := f.logIn("quantri-a")
	admin.want(http.StatusNoContent, "PUT", path, link)
	admin.want(http.StatusConflict, "PUT", "/api/v1/users/vanhanh/identity", link)

	if b, status, text = try(); status != http.StatusSeeOther {
		t.Fatalf("log-in: %d %s", status, text)
	}
	me := decode[api.Me](t, b.want(http.StatusOK, "GET", "/api/v1/sessions", ""))
	held := decode[[]api.SessionBody](t, b.want(http.StatusOK, "GET", "/api/v1/users/soan-a/sessions", ""))
	if me.ID != "soan-a" || held[0].Way != account.WayProvider {
		t.Errorf("logged in as %+v by %+v", me, held)
	}

	// The provider's own id counts from now on: the same person under another name
	// is known, another person under the same name is not.
	p.claims["email"] = "ten.moi@tinh.example"
	if _, status, text = try(); status != http.StatusSeeOther {
		t.Errorf("with a new address: %d %s", status, text)
	}
	p.claims["email"], p.claims["sub"] = "soan.a@tinh.example", "999"
	if _, status, text = try(); status != http.StatusForbidden || !strings.Contains(text, "another account") {
		t.Errorf("the address given to another: %d %s", status, text)
	}
	p.claims["sub"] = "248289"

	// A second factor that the hub asks for must have been checked by the provider.
	admin.want(http.StatusNoContent, "PUT", "/api/v1/units/xa-a/second-factor", `{"roles":["editor"]}`)
	if _, status, text = try(); status != http.StatusForbidden || !strings.Contains(text, "second factor") {
		t.Errorf("without a second factor: %d %s", status, text)
	}
	p.claims["amr"] = []string{"pwd", "mfa"}
	if b, status, text = try(); status != http.StatusSeeOther {
		t.Errorf("with a second factor: %d %s", status, text)
	}
	b.want(http.StatusOK, "GET", "/api/v1/units", "")

	admin.want(http.StatusNoContent, "POST", "/api/v1/users/soan-a/disable", `{}`)
	b.want(http.StatusUnauthorized, "GET", "/api/v1/units", "")
	if _, status, text = try(); status != http.StatusForbidden || !strings.Contains(text, "disabled") {
		t.Errorf("a disabled person: %d %s", status, text)
	}
}

func TestProviderIsBelievedForThisLogInAlone(t *testing.T) {
	p := newOIDCProvider(t)
	f := newFixtureWith(t, api.Options{}, p)
	p.claims = map[string]any{"sub": "1", "email": "soan.a@tinh.example", "email_verified": true}
	f.logIn("quantri-a").want(http.StatusNoContent, "PUT", "/api/v1/users/soan-a/identity", `{"name":"soan.a@tinh.example"}`)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(header, claims map[string]any){
		"another nonce":           func(_, c map[string]any) { c["nonce"] = "x" },
		"no nonce":                func(_, c map[string]any) { delete(c, "nonce") },
		"for another client":      func(_, c map[string]any) { c["aud"] = "another" },
		"for another party too":   func(_, c map[string]any) { c["aud"] = []string{"loa", "another"} },
		"made for another party":  func(_, c map[string]any) { c["azp"] = "another" },
		"of another provider":     func(_, c map[string]any) { c["iss"] = "https://evil.example" },
		"over":                    func(_, c map[string]any) { c["exp"] = time.Now().Add(-time.Minute).Unix() },
		"without a signature":     func(h, _ map[string]any) { h["alg"] = "none" },
		"an address unverified":   func(_, c map[string]any) { c["email_verified"] = false },
		"nothing about that":      func(_, c map[string]any) { delete(c, "email_verified") },
		"without an address":      func(_, c map[string]any) { delete(c, "email") },
		"an address that is none": func(_, c map[string]any) { c["email"] = []string{"soan.a@tinh.example"} },
		"signed by another key":   func(_, _ map[string]any) { p.signer = other },
	} {
		t.Run(name, func(t *testing.T) {
			p.change, p.signer = change, nil
			b := f.stranger()
			if status, text := b.comeBack(b.goThere()); status != http.StatusForbidden {
				t.Errorf("status %d: %s", status, text)
			}
			b.want(http.StatusUnauthorized, "GET", "/api/v1/units", "")
		})
	}
	p.change, p.signer = nil, nil

	for name, steal := range map[string]func(victim *browser, own url.Values) (*browser, url.Values){
		"a code in another browser": func(_ *browser, q url.Values) (*browser, url.Values) { return f.stranger(), q },
		"a code of another's log-in": func(b *browser, _ url.Values) (*browser, url.Values) {
			return b, f.stranger().goThere()
		},
		"a code under one's own state": func(b *browser, q url.Values) (*browser, url.Values) {
			q.Set("code", f.stranger().goThere().Get("code")) // PKCE: the verifier is another's
			return b, q
		},
		"a code that nobody gave": func(b *browser, q url.Values) (*browser, url.Values) { q.Set("code", "x"); return b, q },
		"another provider's answer": func(b *browser, q url.Values) (*browser, url.Values) {
			q.Set("iss", "https://evil.example")
			return b, q
		},
		"refused at the provider": func(b *browser, q url.Values) (*browser, url.Values) {
			q.Set("error", "access_denied")
			return b, q
		},
	} {
		t.Run(name, func(t *testing.T) {
			victim := f.stranger()
			b, q := steal(victim, victim.goThere())
			if status, text := b.comeBack(q); status != http.StatusForbidden {
				t.Errorf("status %d: %s", status, text)
			}
			b.want(http.StatusUnauthorized, "GET", "/api/v1/units", "")
		})
	}
	t.Run("a way back counts once", func(t *testing.T) {
		b := f.stranger()
		q := b.goThere()
		if status, text := b.comeBack(q); status != http.StatusSeeOther {
			t.Fatalf("status %d: %s", status, text)
		}
		if status, _ := b.comeBack(q); status != http.StatusForbidden {
			t.Errorf("twice: status %d", status)
		}
	})
	for _, secret := range []string{"bí mật của ứng dụng", "code_verifier"} {
		if strings.Contains(f.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

func TestProviderThatIsAwayKeepsNobodyFromThePassword(t *testing.T) {
	p := newOIDCProvider(t)
	p.srv.Close()
	f := newFixtureWith(t, api.Options{}, p)
	res, text := f.stranger().do("GET", "/api/v1/log-in/provider", "")
	if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "mật khẩu") {
		t.Errorf("status %d: %s", res.StatusCode, text)
	}
	f.stranger().want(http.StatusOK, "POST", "/api/v1/sessions", fmt.Sprintf(`{"user":"soan-a","password":%q}`, password))
}
