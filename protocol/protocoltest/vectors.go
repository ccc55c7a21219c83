package protocoltest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Hex is bytes, written in hexadecimal.
type Hex []byte

// MarshalText writes h.
func (h Hex) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

// UnmarshalText reads what MarshalText writes.
func (h *Hex) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// Vector is one example: bytes, and what becomes of them.
type Vector struct {
	// Name is unique in its file. That of a signed one ends in its version, "/v1".
	Name string `json:"name"`
	// Kind is the message, a rule of loa.cddl.
	Kind string `json:"kind"`
	Hex  Hex    `json:"hex"`
	// Pad is how many zero bytes follow Hex.
	Pad int `json:"pad,omitempty"`
	// Expect is "ok" or a word of Kinds.
	Expect string `json:"expect"`
	// Mentions is the field that the refusal must name, as "plan.7[0].17".
	Mentions string `json:"mentions,omitempty"`
	// Decoded is the message without unknown optional keys: maps with their
	// integer keys, byte strings as "h'..'".
	Decoded json.RawMessage `json:"decoded,omitempty"`
}

// Bytes returns the example's bytes.
func (v Vector) Bytes() []byte { return append(slices.Clone([]byte(v.Hex)), make([]byte, v.Pad)...) }

// Envelope is an example of one envelope.
type Envelope struct {
	Name string `json:"name"`
	For  string `json:"for"` // the kind that is bound in
	Hex  Hex    `json:"hex"`
	Pad  int    `json:"pad,omitempty"`
	// Limit is the most bytes that the reader takes.
	Limit int `json:"limit"`
	// Keys are the Ed25519 public keys that the reader knows.
	Keys []Hex `json:"keys"`
	// Payload is what was signed: inside, or beside a detached signature.
	Payload  Hex    `json:"payload"`
	Detached bool   `json:"detached,omitempty"`
	Expect   string `json:"expect"`
}

// Bytes returns the example's bytes.
func (v Envelope) Bytes() []byte { return append(slices.Clone([]byte(v.Hex)), make([]byte, v.Pad)...) }

// Story is an example of the chain of trust: what a device is given, in order.
type Story struct {
	Name  string `json:"name"`
	Roots []Hex  `json:"roots"`
	// Threshold is how many of Roots must sign, if that is more than one.
	Threshold uint64            `json:"threshold,omitempty"`
	Path      []protocol.UnitID `json:"path"` // of the device
	Steps     []Step            `json:"steps"`
}

// Step is one document given to a device.
type Step struct {
	// Do is "roots", "delegation", "approvers", "placement", "populations", "claim" (an
	// airing with its bulletin and approval), or a kind that the hub signs.
	Do  string `json:"do"`
	Hex Hex    `json:"hex"` // the envelope; for a claim the encoded airing
	// Bulletin and Approval are a claim's other documents.
	Bulletin Hex `json:"bulletin,omitempty"`
	Approval Hex `json:"approval,omitempty"`
	// Current is the placement that the device has, encoded.
	Current Hex `json:"current,omitempty"`
	// Unit is for whom the hub signed.
	Unit protocol.UnitID `json:"unit,omitempty"`
	// Now is trusted time in ms since 1970, 0 for an unsure clock.
	Now    protocol.Instant `json:"now"`
	Expect string           `json:"expect"`
}

// kinds are the words for the kinds of refusal.
func kinds() map[string]error {
	return map[string]error{
		"malformed":     protocol.ErrMalformed,
		"unknown-key":   protocol.ErrUnknownKey,
		"too-large":     protocol.ErrTooLarge,
		"invalid":       protocol.ErrInvalid,
		"version":       protocol.ErrVersion,
		"bad-signature": envelope.ErrSignature,
		"stranger":      envelope.ErrStranger,
		"not-permitted": envelope.ErrNotPermitted,
		"expired":       envelope.ErrExpired,
		"older":         envelope.ErrOlder,
	}
}

// KindOf returns the word for an error: "ok", or the one kind of refusal that it
// wraps, or its text if it wraps none or several.
func KindOf(err error) string {
	if err == nil {
		return "ok"
	}
	var words []string
	for word, kind := range kinds() {
		if errors.Is(err, kind) {
			words = append(words, word)
		}
	}
	if len(words) != 1 {
		return fmt.Sprintf("%d kinds: %v", len(words), err)
	}
	return words[0]
}

// LoadVectors reads the examples of all messages below a folder of vectors, a
// path relative to the test's.
func LoadVectors(tb testing.TB, dir string) []Vector {
	tb.Helper()
	var all []Vector
	for _, d := range Decoders() {
		all = append(all, Load[Vector](tb, filepath.Join(dir, d.Kind+".json"))...)
	}
	return all
}

// Load reads one file of examples.
func Load[T any](tb testing.TB, file string) []T {
	tb.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var vs []T
	if err := dec.Decode(&vs); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	return vs
}

// Save writes one file of examples.
func Save[T any](tb testing.TB, file string, vs []T) {
	tb.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(vs); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		tb.Fatalf("%v", err)
	}
}

// Merge returns the signed examples of a file with new ones after them. One that
// is already there never changes and is never dropped: Merge fails if an example
// of the same name is different. Give the changed one a new version in its name.
func Merge[T any](tb testing.TB, file string, made []T, name func(T) string) []T {
	tb.Helper()
	var held []T
	if _, err := os.Stat(file); err == nil {
		held = Load[T](tb, file)
	}
	for _, v := range made {
		if base, version, ok := strings.Cut(name(v), "/v"); !ok || base == "" || version == "" {
			tb.Fatalf("signed example %q: its name must end in a version, /v1", name(v))
		}
		at := slices.IndexFunc(held, func(h T) bool { return name(h) == name(v) })
		if at < 0 {
			held = append(held, v)
			continue
		}
		if a, b := marshal(tb, held[at]), marshal(tb, v); a != b {
			tb.Fatalf("signed example %q would change; give it a new version\nheld %s\nmade %s", name(v), a, b)
		}
	}
	return held
}

func marshal(tb testing.TB, v any) string {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	return string(b)
}
