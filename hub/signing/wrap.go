// Package signing holds the keys of the hub: its own operating key, keys of
// registrars and approvers wrapped by their owners' passwords, and the authority
// that issues certificates. It decides nothing about who may sign what, and never
// keeps a password or an opened key longer than its caller does.
package signing

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// Kinds of failure.
var (
	// ErrWrongPassword: the password does not open the key, or the key was changed.
	ErrWrongPassword = errors.New("wrong password")
	// ErrMalformed: the bytes are no wrapped key.
	ErrMalformed = errors.New("not a wrapped key")
	// ErrMode: a key's file can be read by others than its owner.
	ErrMode = errors.New("key file is open to others")
)

// A wrapped key is, in bytes: "loakey1\n" (8), passes (4), memory in KiB (4),
// lanes (1), salt (16), public key (32), nonce (24), then the seed (32) sealed
// with XChaCha20-Poly1305 under argon2id (RFC 9106) of the password, all that
// stands before it being authenticated too.
const (
	magic      = "loakey1\n"
	saltSize   = 16
	headerSize = len(magic) + 4 + 4 + 1 + saltSize + ed25519.PublicKeySize + chacha20poly1305.NonceSizeX
	blobSize   = headerSize + ed25519.SeedSize + chacha20poly1305.Overhead
)

// Opening refuses a blob that asks for more than these bounds, so that a forged one
// can't exhaust the hub.
const (
	lanes     = 1
	maxPasses = 16
	maxMemory = 1 << 20
)

// Cost is the work of opening a key, and so of each guess at its password. The zero
// value stands for DefaultCost.
type Cost struct {
	Passes uint32
	Memory uint32 // KiB
}

// DefaultCost is three passes over 64 MiB (RFC 9106, 4: the second recommended option).
func DefaultCost() Cost { return Cost{Passes: 3, Memory: 64 << 10} }

func (c Cost) orDefault() Cost {
	if c == (Cost{}) {
		return DefaultCost()
	}
	return c
}

// Wrap returns a private key that only the password opens. An empty password is
// refused with ErrWrongPassword.
func Wrap(priv ed25519.PrivateKey, password string, cost Cost) ([]byte, error) {
	if len(priv) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("wrap a key of %d bytes: %w", len(priv), ErrMalformed)
	}
	if password == "" {
		return nil, fmt.Errorf("wrap without a password: %w", ErrWrongPassword)
	}
	cost = cost.orDefault()
	b := make([]byte, 0, blobSize)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint32(b, cost.Passes)
	b = binary.BigEndian.AppendUint32(b, cost.Memory)
	b = append(b, lanes)
	b = append(b, random(saltSize)...)
	b = append(b, publicOf(priv)...)
	b = append(b, random(chacha20poly1305.NonceSizeX)...)
	aead, err := cipherOf(b, password)
	if err != nil {
		return nil, fmt.Errorf("wrap: %w", err)
	}
	return aead.Seal(b, nonceOf(b), priv.Seed(), slices.Clone(b)), nil
}

// Unwrap opens what Wrap returned. Errors: ErrWrongPassword, ErrMalformed.
func Unwrap(blob []byte, password string) (ed25519.PrivateKey, error) {
	if _, err := Public(blob); err != nil {
		return nil, err
	}
	header := blob[:headerSize]
	aead, err := cipherOf(header, password)
	if err != nil {
		return nil, err
	}
	seed, err := aead.Open(nil, nonceOf(header), blob[headerSize:], header)
	if err != nil {
		return nil, ErrWrongPassword
	}
	priv := ed25519.NewKeyFromSeed(seed)
	clear(seed)
	return priv, nil
}

// Public returns the public half of a wrapped key, which needs no password and
// is believed only once the key was opened. Error: ErrMalformed.
func Public(blob []byte) (ed25519.PublicKey, error) {
	if len(blob) != blobSize || string(blob[:len(magic)]) != magic {
		return nil, ErrMalformed
	}
	at := headerSize - chacha20poly1305.NonceSizeX - ed25519.PublicKeySize
	return slices.Clone(blob[at : at+ed25519.PublicKeySize]), nil
}

func nonceOf(header []byte) []byte {
	return header[headerSize-chacha20poly1305.NonceSizeX : headerSize]
}

// cipherOf derives the key that a header and a password stand for.
func cipherOf(header []byte, password string) (interface {
	Seal(dst, nonce, plaintext, additionalData []byte) []byte
	Open(dst, nonce, ciphertext, additionalData []byte) ([]byte, error)
}, error,
) {
	p := header[len(magic):]
	time, mem, threads := binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:]), p[8]
	if time == 0 || time > maxPasses || mem < 8 || mem > maxMemory || threads == 0 || threads > 16 {
		return nil, ErrMalformed
	}
	key := argon2.IDKey([]byte(password), p[9:9+saltSize], time, mem, threads, chacha20poly1305.KeySize)
	defer clear(key)
	return chacha20poly1305.NewX(key)
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

func publicOf(priv ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(slices.Clone(priv[ed25519.SeedSize:]))
}
