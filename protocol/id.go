package protocol

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// Identifiers are 1 to 64 characters of a-z, 0-9 and "-". They are opaque: a
// unit's id is never its administrative code, which may change.
type (
	// UnitID names an administrative unit: a province, a commune, a village.
	UnitID string
	// DeviceID names one place where a device stands; a replacement keeps it.
	DeviceID string
	// AiringID names one immutable airing.
	AiringID string
	// BulletinID names one immutable revision of a bulletin.
	BulletinID string
	// PersonID names a person who writes, approves or operates.
	PersonID string
	// StopID names one stop order.
	StopID string
	// SessionID names the stream of one relay or live bulletin.
	SessionID string
)

// MaxIDLength is the length of the longest identifier, in bytes.
const MaxIDLength = 64

// ValidID says whether s is an identifier: [a-z0-9-]{1,64}.
func ValidID[T ~string](s T) bool {
	if len(s) == 0 || len(s) > MaxIDLength {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// NewID returns a UUIDv7 (RFC 9562) of now and the bytes of entropy, written in
// 26 letters and digits of lower-case base32, so that ids sort by their time.
func NewID(now time.Time, entropy io.Reader) (string, error) {
	var u [16]byte
	if _, err := io.ReadFull(entropy, u[6:]); err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return idEncoding().EncodeToString(u[:]), nil
}

// idEncoding is base32 with an alphabet in ASCII order, which keeps the order of
// the bytes, without padding.
func idEncoding() *base32.Encoding {
	return base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)
}

// validText says whether s is UTF-8 of at most n characters.
func validText(s string, n int) bool { return utf8.ValidString(s) && utf8.RuneCountInString(s) <= n }

// Digest is the SHA-256 of some bytes.
type Digest [sha256.Size]byte

// DigestOf returns the digest of b.
func DigestOf(b []byte) Digest { return sha256.Sum256(b) }

// IsZero says whether d is the zero value, which stands for "none".
func (d Digest) IsZero() bool { return d == Digest{} }

// String returns d as 64 lower-case hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// ParseDigest reads what String writes.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != hex.EncodedLen(len(d)) {
		return Digest{}, fmt.Errorf("digest of %d characters: %w", len(s), ErrInvalid)
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil || d.String() != s {
		return Digest{}, fmt.Errorf("digest: %w", ErrInvalid)
	}
	return d, nil
}
