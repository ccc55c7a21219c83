package protocoltest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Site is where the passkeys of the examples are used.
func Site() protocol.Site {
	return protocol.Site{ID: "loa.example", Origins: []string{"https://loa.example"}}
}

// Passkey is an authenticator with one key, that of its name: the scalar is the
// SHA-256 of "loa test passkey, public knowledge: " and the name.
type Passkey struct {
	tb   testing.TB
	priv *ecdsa.PrivateKey
}

// NewPasskey returns the passkey of a name.
func NewPasskey(tb testing.TB, name string) *Passkey {
	tb.Helper()
	scalar := sha256.Sum256([]byte("loa test passkey, public knowledge: " + name))
	priv, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		tb.Fatalf("passkey %s: %v", name, err)
	}
	return &Passkey{tb: tb, priv: priv}
}

// Key returns the public key.
func (p *Passkey) Key() protocol.Key {
	p.tb.Helper()
	k, err := envelope.PasskeyOf(&p.priv.PublicKey)
	if err != nil {
		p.tb.Fatalf("passkey: %v", err)
	}
	return k
}

// Asked is what an authenticator and a browser are asked for. Each field may be
// changed before the assertion is signed.
type Asked struct {
	Host   string
	Flags  byte
	Extra  []byte         // authenticator data behind its 37 bytes
	Client map[string]any // the client data
	Raw    []byte         // the client data instead, if not nil
}

// Assert signs a statement as a browser at Site would let it, but for change.
func (p *Passkey) Assert(statement []byte, change ...func(*Asked)) protocol.Assertion {
	p.tb.Helper()
	challenge := envelope.Challenge(statement)
	ask := Asked{Host: Site().ID, Flags: 0x1d, Client: map[string]any{
		"type": "webauthn.get", "challenge": base64.RawURLEncoding.EncodeToString(challenge[:]),
		"origin": Site().Origins[0], "crossOrigin": false,
	}}
	for _, c := range change {
		c(&ask)
	}
	client := ask.Raw
	if client == nil {
		var err error
		if client, err = json.Marshal(ask.Client); err != nil {
			p.tb.Fatalf("client data: %v", err)
		}
	}
	host := sha256.Sum256([]byte(ask.Host))
	data := slices.Concat(host[:], []byte{ask.Flags, 0, 0, 0, 7}, ask.Extra)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(slices.Concat(data, hash[:]))
	sig, err := p.priv.Sign(nil, digest[:], crypto.SHA256) // RFC 6979: always the same
	if err != nil {
		p.tb.Fatalf("assertion: %v", err)
	}
	return protocol.Assertion{Key: []byte(p.Key().ID()), AuthenticatorData: data, ClientData: client, Signature: sig}
}
