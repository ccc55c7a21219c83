package api_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/api"
	"github.com/loa-vn/loa/protocol/envelope"
)

// origin is where the fixture's console is said to be.
const origin = "http://localhost:8080"

// authenticator is a phone that holds one passkey.
type authenticator struct {
	t       *testing.T
	key     *ecdsa.PrivateKey
	id      []byte
	person  string
	counter uint32
	// What a test may change before it signs.
	origin, host string
	flags        byte
}

func newAuthenticator(t *testing.T) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &authenticator{t: t, key: key, id: []byte(rand.Text()), origin: origin, host: "localhost", flags: 0x1d}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// data is what an authenticator says of itself.
func (a *authenticator) data(flags byte) []byte {
	host := sha256.Sum256([]byte(a.host))
	a.counter++
	return binary.BigEndian.AppendUint32(append(host[:], flags), a.counter)
}

func (a *authenticator) client(kind string, challenge any) []byte {
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

// register makes the passkey of whoever a browser is logged in as.
func (a *authenticator) register(b *browser) api.PasskeyBody {
	a.t.Helper()
	begun := decode[struct {
		Registration string
		Options      struct {
			Challenge string
			User      struct{ ID string }
		}
	}](a.t, b.want(http.StatusCreated, "POST", "/api/v1/passkeys/registrations", ""))
	a.person = begun.Options.User.ID
	cose, err := envelope.PasskeyOf(&a.key.PublicKey)
	if err != nil {
		a.t.Fatal(err)
	}
	data := slices.Concat(a.data(a.flags|0x40), make([]byte, 16), binary.BigEndian.AppendUint16(nil, uint16(len(a.id))), a.id, cose.Public)
	attestation, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	if err != nil {
		a.t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"registration": begun.Registration, "name": "điện thoại", "credential": map[string]any{
		"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "response": map[string]any{
			"clientDataJSON": b64(a.client("webauthn.create", begun.Options.Challenge)), "attestationObject": b64(attestation),
		},
	}})
	if err != nil {
		a.t.Fatal(err)
	}
	return decode[api.PasskeyBody](a.t, b.want(http.StatusCreated, "POST", "/api/v1/passkeys", string(body)))
}

// asked is what a hub asks a browser at log-in.
type asked struct {
	Ticket  string
	Options struct {
		Challenge        string
		RPID             string `json:"rpId"`
		UserVerification string
		AllowCredentials []struct{ ID string }
	}
}

// answer is the body with which a browser logs in.
func (a *authenticator) answer(q asked) string {
	a.t.Helper()
	client, data := a.client("webauthn.get", q.Options.Challenge), a.data(a.flags)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(slices.Concat(data, hash[:]))
	sig, err := a.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		a.t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"ticket": q.Ticket, "credential": map[string]any{
		"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "response": map[string]any{
			"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(sig), "userHandle": a.person,
		},
	}})
	if err != nil {
		a.t.Fatal(err)
	}
	return string(body)
}

func TestPasskeyLogsInAndThePasswordAloneNoMore(t *testing.T) {
	f := newFixture(t, api.Options{PasskeyLogIn: true})
	phone := newAuthenticator(t)
	b := f.logIn("soan-a")
	key := phone.register(b)
	ask := func(body string) asked {
		t.Helper()
		return decode[asked](t, f.stranger().want(http.StatusOK, "POST", "/api/v1/sessions/passkey", body))
	}
	// A passkey that was only registered logs nobody in: a stolen session could have made it.
	f.stranger().want(http.StatusUnauthorized, "PUT", "/api/v1/sessions/passkey", phone.answer(ask(`{}`)))
	on := fmt.Sprintf("/api/v1/passkeys/%s/log-in", key.ID)
	b.want(http.StatusForbidden, "PUT", on, `{"on":true,"password":"sai mat khau"}`)
	f.logIn("quantri-a").want(http.StatusNotFound, "PUT", on, fmt.Sprintf(`{"on":true,"password":%q}`, password))
	recovery := decode[api.RecoveryBody](t, b.want(http.StatusOK, "PUT", on, fmt.Sprintf(`{"on":true,"password":%q}`, password))).Codes
	if len(recovery) != 10 {
		t.Fatalf("recovery codes %q", recovery)
	}

	q := ask(`{}`)
	if q.Options.UserVerification != "required" || q.Options.RPID != "localhost" || len(q.Options.AllowCredentials) != 0 {
		t.Errorf("asked %+v", q.Options)
	}
	in := f.stranger()
	good := phone.answer(q)
	if me := decode[api.Me](t, in.want(http.StatusOK, "PUT", "/api/v1/sessions/passkey", good)); me.ID != "soan-a" {
		t.Errorf("logged in as %+v", me)
	}
	in.want(http.StatusOK, "GET", "/api/v1/units", "")
	if held := decode[[]api.SessionBody](t, in.want(http.StatusOK, "GET", "/api/v1/users/soan-a/sessions", "")); len(held) != 2 || held[0].Way != account.WayPasskey || !held[0].Current {
		t.Errorf("sessions %+v", held)
	}
	f.stranger().want(http.StatusUnauthorized, "PUT", "/api/v1/sessions/passkey", good) // a ticket counts once

	// The password alone asks for it; with the password, authenticators without a list are named their key.
	if p := decode[api.Problem](t, f.stranger().want(http.StatusUnauthorized, "POST", "/api/v1/sessions", fmt.Sprintf(`{"user":"soan-a","password":%q}`, password))); p.Code != "second-factor" {
		t.Errorf("%+v", p)
	}
	f.stranger().want(http.StatusUnauthorized, "POST", "/api/v1/sessions/passkey", `{"user":"soan-a","password":"sai mat khau"}`)
	named := ask(fmt.Sprintf(`{"user":"soan-a","password":%q}`, password))
	if len(named.Options.AllowCredentials) != 1 || named.Options.AllowCredentials[0].ID != b64(phone.id) {
		t.Errorf("named %+v", named.Options)
	}
	f.stranger().want(http.StatusOK, "PUT", "/api/v1/sessions/passkey", phone.answer(named))
	f.stranger().want(http.StatusOK, "POST", "/api/v1/sessions", fmt.Sprintf(`{"user":"soan-a","password":%q,"code":%q}`, password, recovery[0]))

	for name, change := range map[string]func(*authenticator, *asked){
		"another site's page":        func(a *authenticator, _ *asked) { a.origin = "https://loa.evil.example" },
		"another site's key":         func(a *authenticator, _ *asked) { a.host = "evil.example" },
		"nobody was verified":        func(a *authenticator, _ *asked) { a.flags = 0x19 },
		"nobody was there":           func(a *authenticator, _ *asked) { a.flags = 0x1c },
		"another challenge":          func(_ *authenticator, q *asked) { q.Options.Challenge = b64([]byte(rand.Text())) },
		"a ticket of nobody":         func(_ *authenticator, q *asked) { q.Ticket = b64([]byte(rand.Text())) },
		"a changed ticket":           func(_ *authenticator, q *asked) { q.Ticket = q.Ticket[:len(q.Ticket)-6] + "AAAAAA" },
		"another person's handle":    func(a *authenticator, _ *asked) { a.person = b64([]byte("quantri")) },
		"another key of that name":   func(a *authenticator, _ *asked) { a.key = newAuthenticator(t).key },
		"a credential nobody has":    func(a *authenticator, _ *asked) { a.id = []byte("nobody's credential") },
		"a key copied to a cloud":    func(a *authenticator, _ *asked) { a.flags = 0x05 }, // it was synced when it was made
		"an answer with no question": func(_ *authenticator, q *asked) { q.Ticket = "" },
	} {
		t.Run(name, func(t *testing.T) {
			q, a := ask(`{}`), *phone
			change(&a, &q)
			out := f.stranger()
			out.want(http.StatusUnauthorized, "PUT", "/api/v1/sessions/passkey", a.answer(q))
			out.want(http.StatusUnauthorized, "GET", "/api/v1/units", "")
		})
	}

	// Whoever steals the session can't end the second factor by revoking the key.
	if p := decode[api.Problem](t, in.want(http.StatusConflict, "POST", fmt.Sprintf("/api/v1/passkeys/%s/revoke", key.ID), `{}`)); p.Code != "passkey-logs-in" {
		t.Errorf("%+v", p)
	}
	// Who lost the phone asks the administrator.
	f.logIn("quantri-a").want(http.StatusNoContent, "DELETE", "/api/v1/users/soan-a/second-factor", "")
	f.logIn("soan-a")
	f.stranger().want(http.StatusUnauthorized, "PUT", "/api/v1/sessions/passkey", phone.answer(ask(`{}`)))
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	f := newFixture(t, api.Options{})
	office, phone := f.stranger(), f.logIn("soan-a")
	office.header.Set("User-Agent", "Trình duyệt của "+strings.Repeat("xã ", 200))
	office.want(http.StatusOK, "POST", "/api/v1/sessions", fmt.Sprintf(`{"user":"soan-a","password":%q}`, password))
	const mine = "/api/v1/users/soan-a/sessions"
	held := decode[[]api.SessionBody](t, phone.want(http.StatusOK, "GET", mine, ""))
	if len(held) != 2 || held[0].Address != "127.0.0.1" || len([]rune(held[0].Browser)) > 200 || held[0].Current || !held[1].Current {
		t.Fatalf("sessions %+v", held)
	}
	// Nobody else's business, but an administrator's who governs the person.
	f.logIn("vanhanh").want(http.StatusNotFound, "GET", mine, "")
	f.logIn("quantri-b").want(http.StatusNotFound, "DELETE", mine, "")
	f.logIn("quantri-b").want(http.StatusNotFound, "DELETE", mine+"/"+held[0].ID, "")
	f.logIn("soan-dong").want(http.StatusNotFound, "DELETE", "/api/v1/users/soan-dong/sessions/"+held[0].ID, "") // not by one's own path either
	office.want(http.StatusOK, "GET", "/api/v1/units", "")
	phone.want(http.StatusNoContent, "DELETE", mine+"/"+held[0].ID, "")
	office.want(http.StatusUnauthorized, "GET", "/api/v1/units", "")
	phone.want(http.StatusNotFound, "DELETE", mine+"/"+held[0].ID, "")

	other := f.logIn("soan-a")
	other.want(http.StatusNoContent, "DELETE", mine, "") // all but the one that asks
	phone.want(http.StatusUnauthorized, "GET", "/api/v1/units", "")
	other.want(http.StatusOK, "GET", "/api/v1/units", "")
	f.logIn("quantri-a").want(http.StatusNoContent, "DELETE", mine, "")
	other.want(http.StatusUnauthorized, "GET", "/api/v1/units", "")

	out := f.logIn("soan-a")
	out.want(http.StatusNoContent, "DELETE", "/api/v1/sessions", "")
	if got := decode[[]api.SessionBody](t, f.logIn("quantri-a").want(http.StatusOK, "GET", mine, "")); len(got) != 0 {
		t.Errorf("after logging out %+v", got)
	}
}

func TestUnitDemandsASecondFactorOfItsRoles(t *testing.T) {
	f := newFixture(t, api.Options{})
	const demand = "/api/v1/units/xa-a/second-factor"
	f.logIn("soan-a").want(http.StatusForbidden, "PUT", demand, `{"roles":[]}`)
	f.logIn("quantri-b").want(http.StatusNotFound, "PUT", demand, `{"roles":["editor"]}`)
	admin := f.logIn("quantri-a")
	admin.want(http.StatusUnprocessableEntity, "PUT", demand, `{"roles":["chief"]}`)
	admin.want(http.StatusNoContent, "PUT", demand, `{"roles":["editor","editor"]}`)
	got := decode[api.DemandBody](t, f.logIn("vanhanh").want(http.StatusOK, "GET", "/api/v1/units/dong/second-factor", ""))
	if len(got.Roles) != 0 || !slices.Equal(got.InForce, []account.Role{account.Editor}) {
		t.Errorf("demands of the village %+v", got)
	}
	for user, status := range map[string]int{"soan-a": http.StatusForbidden, "soan-dong": http.StatusForbidden, "duyet-a": http.StatusOK, "quantri-b": http.StatusOK} {
		b := f.logIn(user)
		text := b.want(status, "GET", "/api/v1/units", "")
		if status == http.StatusForbidden && decode[api.Problem](t, text).Code != "second-factor-due" {
			t.Errorf("%s: %s", user, text)
		}
	}
	// Setting one up is all that is left to do; then it is asked for.
	b := f.logIn("soan-dong")
	e := decode[api.EnrolmentBody](t, b.want(http.StatusOK, "POST", "/api/v1/second-factor", ""))
	b.want(http.StatusOK, "PUT", "/api/v1/second-factor", fmt.Sprintf(`{"code":%q}`, phone(t, e.Secret, time.Now())))
	b.want(http.StatusOK, "GET", "/api/v1/units", "")
	f.stranger().want(http.StatusUnauthorized, "POST", "/api/v1/sessions", fmt.Sprintf(`{"user":"soan-dong","password":%q}`, password))
	admin.want(http.StatusNoContent, "PUT", demand, `{"roles":[]}`)
	f.logIn("soan-a").want(http.StatusOK, "GET", "/api/v1/units", "")
	if page := decode[recordPage](t, admin.want(http.StatusOK, "GET", "/api/v1/records?act=second+factor+demanded", "")); len(page.Records) != 2 {
		t.Errorf("records %+v", page.Records)
	}
}
