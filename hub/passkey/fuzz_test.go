package passkey

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	webauthn "github.com/go-webauthn/webauthn/protocol"
	server "github.com/go-webauthn/webauthn/webauthn"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// library is what reading WebAuthn takes, whatever comes: the decoders of JSON and CBOR,
// and a key.
const library = 128 << 10

var challenge = base64.RawURLEncoding.EncodeToString([]byte("the challenge of a fuzz test"))

// client is what a browser says it was asked, and where.
func client(tb testing.TB, kind string) []byte {
	tb.Helper()
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": protocoltest.Site().Origins[0], "crossOrigin": false})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func answer(tb testing.TB, response map[string][]byte) []byte {
	tb.Helper()
	text := map[string]string{}
	for k, v := range response {
		text[k] = base64.RawURLEncoding.EncodeToString(v)
	}
	id := base64.RawURLEncoding.EncodeToString([]byte("key"))
	b, err := json.Marshal(map[string]any{"id": id, "rawId": id, "type": "public-key", "response": text})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func ceremonies(tb testing.TB) *Ceremonies {
	tb.Helper()
	c, err := New(protocoltest.Site(), "Loa")
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// FuzzRegistration reads what a browser brings to register a passkey: what is taken is a
// key on P-256, made with its person verified.
func FuzzRegistration(f *testing.F) {
	c, now := ceremonies(f), time.Now()
	key := protocoltest.NewPasskey(f, "duyet1")
	data := slices.Concat(key.Assert(nil).AuthenticatorData[:32], []byte{0x5d, 0, 0, 0, 7}, make([]byte, 16), []byte{0, 3}, []byte("key"), key.Key().Public)
	attested := func(form string) []byte {
		b, err := cbor.Marshal(map[string]any{"fmt": form, "attStmt": map[string]any{}, "authData": data})
		if err != nil {
			f.Fatal(err)
		}
		return answer(f, map[string][]byte{"clientDataJSON": client(f, "webauthn.create"), "attestationObject": b})
	}
	id, _, err := c.Begin("duyet", "Duyệt", nil, now)
	if err != nil {
		f.Fatal(err)
	}
	begun := c.open[id]
	begun.session.Challenge = challenge
	finish := func(response []byte) (account.Credential, error) {
		c.open[id] = begun
		return c.Finish(id, "duyet", response, now)
	}
	if got, err := finish(attested("none")); err != nil || got.Key.ID() != key.Key().ID() {
		f.Fatalf("%+v, %v", got, err)
	}
	for _, form := range []string{"none", "packed", "tpm", "android-key", "fido-u2f", "apple"} {
		f.Add(attested(form))
	}
	f.Add([]byte(`{"id":"` + strings.Repeat("[", 5000)))
	f.Fuzz(func(t *testing.T, response []byte) {
		protocoltest.HoldMemoryBeside(t, "registration", len(response), library, func() { _, _ = finish(response) })
		got, err := finish(response)
		if err != nil && !errors.Is(err, problem.ErrInvalid) {
			t.Errorf("refused as %v", err)
		}
		if err == nil && (got.Key.Kind != protocol.KeyPasskey || len(got.ID) == 0) {
			t.Errorf("took %+v", got)
		}
	})
}

// FuzzLogIn reads what a stranger's browser brings to log in by passkey: nothing but what
// that passkey has signed logs in.
func FuzzLogIn(f *testing.F) {
	c, now := ceremonies(f), time.Now()
	key := protocoltest.NewPasskey(f, "duyet1")
	ticket, err := c.tickets.seal(server.SessionData{
		Challenge: challenge, RelyingPartyID: protocoltest.Site().ID, Expires: now.Add(life), UserVerification: webauthn.VerificationRequired,
	})
	if err != nil {
		f.Fatal(err)
	}
	said, public := client(f, "webauthn.get"), key.Key()
	a := key.Assert(nil, func(a *protocoltest.Asked) { a.Raw = said })
	response := map[string][]byte{"clientDataJSON": said, "authenticatorData": a.AuthenticatorData, "signature": a.Signature, "userHandle": []byte("duyet")}
	held := func(id []byte) (account.Passkey, error) {
		if string(id) != "key" {
			return account.Passkey{}, problem.ErrNotFound
		}
		return account.Passkey{Person: "duyet", Credential: account.Credential{ID: id, Key: public, Synced: true}}, nil
	}
	prove := func(ticket string, response []byte) error {
		clear(c.tickets.used)
		_, _, err := c.Prove(ticket, response, held, now)
		return err
	}
	good := answer(f, response)
	if err := prove(ticket, good); err != nil {
		f.Fatal(err)
	}
	f.Add(good, true)
	f.Add(good, false)
	delete(response, "userHandle")
	f.Add(answer(f, response), true)
	f.Fuzz(func(t *testing.T, b []byte, ours bool) {
		question := ticket
		if !ours {
			question = string(b)
		}
		protocoltest.HoldMemoryBeside(t, "log-in", len(b), library, func() { _ = prove(question, b) })
		err := prove(question, b)
		if err != nil && !errors.Is(err, problem.ErrUnauthorized) {
			t.Errorf("refused as %v", err)
		}
		if parsed, perr := webauthn.ParseCredentialRequestResponseBytes(b); err == nil && (perr != nil || !slices.Equal(parsed.Raw.AssertionResponse.AuthenticatorData, a.AuthenticatorData)) {
			t.Errorf("another answer logs in: %s", b)
		}
	})
}
