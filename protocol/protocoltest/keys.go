package protocoltest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// PrivateKey returns the test key of a name: its Ed25519 seed is the SHA-256 of
// "loa test key, public knowledge: " and the name. Everybody can compute it.
func PrivateKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("loa test key, public knowledge: " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Signer returns a signer with the test key of a name.
func Signer(tb testing.TB, name string) *envelope.Signer {
	tb.Helper()
	s, err := envelope.NewSigner(PrivateKey(name))
	if err != nil {
		tb.Fatalf("signer %s: %v", name, err)
	}
	return s
}

// Seal encodes a message and seals it.
func Seal(tb testing.TB, s *envelope.Signer, kind envelope.Kind, m Message) []byte {
	tb.Helper()
	b, err := s.Seal(kind, Encode(tb, m))
	if err != nil {
		tb.Fatalf("seal %s: %v", kind, err)
	}
	return b
}

// Message is any message of the protocol.
type Message interface{ Validate() error }

// Encode returns the bytes of a valid message.
func Encode(tb testing.TB, m Message) []byte {
	tb.Helper()
	b, err := protocol.Marshal(m)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	return b
}

// Endorse returns a message signed by several roots.
func Endorse(tb testing.TB, kind envelope.Kind, m Message, roots ...*envelope.Signer) []byte {
	tb.Helper()
	e := protocol.Endorsed{Payload: Encode(tb, m)}
	for _, r := range roots {
		sig, err := r.Sign(kind, e.Payload)
		if err != nil {
			tb.Fatalf("endorse %s: %v", kind, err)
		}
		e.Signatures = append(e.Signatures, sig)
	}
	return Encode(tb, e)
}
