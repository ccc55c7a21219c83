package envelope

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"

	"github.com/loa-vn/loa/protocol"
	"github.com/veraison/go-cose"
)

// Kinds of failure, beside those of package protocol.
var (
	// ErrSignature: the signature is not by the key it names, or the bytes were changed.
	ErrSignature = errors.New("bad signature")
	// ErrStranger: signed by a key that nobody in the chain vouches for.
	ErrStranger = errors.New("unknown key")
	// ErrNotPermitted: signed by a known key that may not sign this.
	ErrNotPermitted = errors.New("not permitted")
	// ErrExpired: the delegation, list or approval does not cover this instant.
	ErrExpired = errors.New("expired")
	// ErrOlder: a newer version is already held.
	ErrOlder = errors.New("older than what is held")
)

// Kind is what a signature is for; it is bound in as external_aad "loa/1/{kind}",
// so that a signature for one kind is none for another.
type Kind string

// The kinds.
const (
	KindRoots       Kind = "roots"
	KindDelegation  Kind = "delegation"
	KindApprovers   Kind = "approvers"
	KindPlacement   Kind = "placement"
	KindPopulations Kind = "populations"
	KindApproval    Kind = "approval"
	KindPlan        Kind = "plan"
	KindAlert       Kind = "alert"
	KindCommand     Kind = "command"
	KindAck         Kind = "ack"
	KindTime        Kind = "time"
	KindReceipt     Kind = "receipt"
	KindFrames      Kind = "frames"
)

func (k Kind) aad() []byte { return []byte(protocol.Root + string(k)) }

// Signer signs with one key.
type Signer struct {
	key protocol.Key
	raw crypto.Signer
}

// NewSigner returns a signer for an Ed25519 key, which may live outside of this
// process (crypto.Signer).
func NewSigner(raw crypto.Signer) (*Signer, error) {
	pub, ok := raw.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("signer: key of type %T: %w", raw.Public(), protocol.ErrInvalid)
	}
	return &Signer{key: protocol.Key{Kind: protocol.KeyEd25519, Public: pub}, raw: raw}, nil
}

// Key returns the public key.
func (s *Signer) Key() protocol.Key { return s.key }

// Seal returns payload inside a signed envelope.
func (s *Signer) Seal(kind Kind, payload []byte) ([]byte, error) { return s.sign(kind, payload, false) }

// Sign returns a detached signature of payload: an envelope without it.
func (s *Signer) Sign(kind Kind, payload []byte) ([]byte, error) { return s.sign(kind, payload, true) }

func (s *Signer) sign(kind Kind, payload []byte, detached bool) ([]byte, error) {
	signer, err := cose.NewSigner(cose.AlgorithmEdDSA, s.raw)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", kind, err)
	}
	msg := cose.NewSign1Message()
	msg.Headers.Protected.SetAlgorithm(cose.AlgorithmEdDSA)
	msg.Headers.Protected[cose.HeaderLabelKeyID] = []byte(s.key.ID())
	msg.Payload = payload
	if err := msg.Sign(noEntropy{}, kind.aad(), signer); err != nil {
		return nil, fmt.Errorf("sign %s: %w", kind, err)
	}
	if detached {
		msg.Payload = nil
	}
	b, err := msg.MarshalCBOR()
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", kind, err)
	}
	return b, nil
}

// noEntropy is what Ed25519 signs with: it needs none.
type noEntropy struct{}

func (noEntropy) Read([]byte) (int, error) { return 0, io.EOF }

// Keys finds the public key for a key id; false means that it is a stranger's.
type Keys func(protocol.KeyID) (protocol.Key, bool)

// One returns Keys that knows a single key.
func One(key protocol.Key) Keys {
	return func(id protocol.KeyID) (protocol.Key, bool) { return key, id == key.ID() }
}

// Open checks an envelope of at most limit bytes and returns its payload and who
// signed it. Errors: protocol.ErrTooLarge, protocol.ErrMalformed, ErrStranger,
// ErrSignature.
func Open(kind Kind, b []byte, limit int, keys Keys) ([]byte, protocol.Key, error) {
	msg, key, err := parse(kind, b, limit, keys)
	if err != nil {
		return nil, protocol.Key{}, err
	}
	if len(msg.Payload) == 0 {
		return nil, protocol.Key{}, fmt.Errorf("%s without payload: %w", kind, protocol.ErrMalformed)
	}
	if err := verify(kind, msg, key); err != nil {
		return nil, protocol.Key{}, err
	}
	return msg.Payload, key, nil
}

// Check checks a detached signature of payload and returns who made it.
// Errors: those of Open.
func Check(kind Kind, signature, payload []byte, keys Keys) (protocol.Key, error) {
	msg, key, err := parse(kind, signature, protocol.MaxAlert, keys)
	if err != nil {
		return protocol.Key{}, err
	}
	if msg.Payload != nil {
		return protocol.Key{}, fmt.Errorf("%s: payload in a detached signature: %w", kind, protocol.ErrMalformed)
	}
	msg.Payload = payload
	if err := verify(kind, msg, key); err != nil {
		return protocol.Key{}, err
	}
	return key, nil
}

// An envelope has one form: COSE_Sign1 with its tag, the protected headers
// {1: -8 (EdDSA), 4: key id of 16 bytes}, no others. So its first bytes are
// always opening, the key id and closing; then come the payload and a signature.
const (
	opening = "\xd2\x84\x55\xa2\x01\x27\x04\x50"
	closing = "\xa0"
	idSize  = 16
)

// SignedBy returns the id of the key that an envelope names, unchecked.
func SignedBy(b []byte) (protocol.KeyID, error) {
	rest, ok := bytes.CutPrefix(b, []byte(opening))
	if !ok || len(rest) < idSize || !bytes.HasPrefix(rest[idSize:], []byte(closing)) {
		return "", fmt.Errorf("envelope's headers: %w", protocol.ErrMalformed)
	}
	return protocol.KeyID(rest[:idSize]), nil
}

// Unverified returns what an envelope holds, whoever signed it, or nobody: for
// what proves itself by other signatures. Error: protocol.ErrMalformed.
func Unverified(b []byte) ([]byte, error) {
	var msg cose.Sign1Message
	if err := msg.UnmarshalCBOR(b); err != nil || len(msg.Payload) == 0 {
		return nil, fmt.Errorf("no envelope: %w", protocol.ErrMalformed)
	}
	return msg.Payload, nil
}

func parse(kind Kind, b []byte, limit int, keys Keys) (*cose.Sign1Message, protocol.Key, error) {
	if len(b) > limit {
		return nil, protocol.Key{}, fmt.Errorf("%s of %d bytes, at most %d: %w", kind, len(b), limit, protocol.ErrTooLarge)
	}
	id, err := SignedBy(b)
	if err != nil {
		return nil, protocol.Key{}, fmt.Errorf("%s: %w", kind, err)
	}
	var msg cose.Sign1Message
	if err := msg.UnmarshalCBOR(b); err != nil {
		return nil, protocol.Key{}, fmt.Errorf("%s: no envelope: %w", kind, protocol.ErrMalformed)
	}
	if again, err := msg.MarshalCBOR(); err != nil || !bytes.Equal(again, b) {
		return nil, protocol.Key{}, fmt.Errorf("%s: not in its one deterministic form: %w", kind, protocol.ErrMalformed)
	}
	key, ok := keys(id)
	if !ok {
		return nil, protocol.Key{}, fmt.Errorf("%s signed by %x: %w", kind, string(id), ErrStranger)
	}
	return &msg, key, nil
}

func verify(kind Kind, msg *cose.Sign1Message, key protocol.Key) error {
	if key.Kind != protocol.KeyEd25519 || len(key.Public) != ed25519.PublicKeySize {
		return fmt.Errorf("%s signed by a key of kind %s: %w", kind, key.Kind, ErrNotPermitted)
	}
	v, err := cose.NewVerifier(cose.AlgorithmEdDSA, ed25519.PublicKey(key.Public))
	if err != nil {
		return fmt.Errorf("%s: %w", kind, ErrSignature)
	}
	if err := msg.Verify(kind.aad(), v); err != nil {
		return fmt.Errorf("%s: %w", kind, ErrSignature)
	}
	return nil
}
