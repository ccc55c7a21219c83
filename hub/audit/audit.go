// Package audit is the record of every act: who did what, from where, what was
// before and what is after. Records form a chain of hashes whose head the hub
// signs from time to time; what is personal stands beside the chain, bound to it
// by a commitment, so that it can be erased and the chain stays whole. The
// package says what a record is and checks chains; it reads no clock and stores
// nothing.
package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/veraison/go-cose"
)

// KindCheckpoint is what a signature of the hub over the chain's head is for.
const KindCheckpoint envelope.Kind = "checkpoint"

// Bounds of what is encoded, in bytes.
const (
	MaxRecord     = 16 << 10
	MaxPersonal   = 8 << 10
	MaxCheckpoint = 1 << 10
	// maxValue is the longest value of a field; longer ones are cut.
	maxValue = 500
)

// Origin is who acts, from where. The zero value is the hub itself.
type Origin struct {
	Person  protocol.PersonID
	Address string // of the network; "" for a command or the hub
	Via     string // session, token, command, drop
}

type originKey struct{}

// With returns a context whose acts have that origin.
func With(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf returns who acts in a context.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}

// Act is what somebody does, as the one who does it tells it to a store, which
// records it in the transaction of the act itself.
type Act struct {
	At   time.Time
	By   protocol.PersonID // "" takes the context's person
	Name string            // "bulletin submitted"
	// Subject is what the act is about; About whom, if it is a person.
	Subject string
	About   protocol.PersonID
	Unit    protocol.UnitID
	// Before and After are what changes. Personal are values of About that can be
	// erased: names and the like never go into the other two.
	Before, After map[string]string
	Personal      map[string]string
}

// Field is one value of a record.
type Field struct {
	Name  string `cbor:"1,keyasint"`
	Value string `cbor:"2,keyasint"`
}

// Fields puts values into their one order, cut to a sensible length.
func Fields(values map[string]string) []Field {
	var out []Field
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, Field{Name: name, Value: cut(values[name])})
	}
	return out
}

func cut(s string) string {
	s = strings.ToValidUTF8(s, "�")
	if utf8.RuneCountInString(s) > maxValue {
		return string([]rune(s)[:maxValue]) + "…"
	}
	return s
}

// Part binds what a record holds of one person, by their pseudonym.
type Part struct {
	Alias      string          `cbor:"1,keyasint"`
	Commitment protocol.Digest `cbor:"2,keyasint"`
}

// Record is one link of the chain.
type Record struct {
	Version uint64           `cbor:"1,keyasint"`
	Seq     uint64           `cbor:"2,keyasint"` // from 1, without gaps
	Prev    protocol.Digest  `cbor:"3,keyasint"` // of the record before; zero for the first
	At      protocol.Instant `cbor:"4,keyasint"`
	Act     string           `cbor:"5,keyasint"`
	Who     string           `cbor:"6,keyasint,omitempty"` // pseudonym; "" is the hub
	Via     string           `cbor:"7,keyasint,omitempty"`
	Subject string           `cbor:"8,keyasint,omitempty"`
	About   string           `cbor:"9,keyasint,omitempty"` // pseudonym
	Unit    protocol.UnitID  `cbor:"10,keyasint,omitempty"`
	Before  []Field          `cbor:"11,keyasint,omitempty"`
	After   []Field          `cbor:"12,keyasint,omitempty"`
	Parts   []Part           `cbor:"13,keyasint,omitempty"`
}

// Validate implements protocol's messages.
func (r Record) Validate() error {
	switch {
	case r.Version != protocol.Version:
		return protocol.ErrVersion
	case r.Seq == 0 || r.Act == "" || len(r.Parts) > 2:
		return protocol.ErrInvalid
	case (r.Seq == 1) != r.Prev.IsZero():
		return fmt.Errorf("only the first record has none before it: %w", protocol.ErrInvalid)
	}
	return nil
}

// Hash is what the next record and checkpoints name: the digest of the encoded
// record, which holds that of the one before.
func Hash(encoded []byte) protocol.Digest { return protocol.DigestOf(encoded) }

// Personal is what a record holds of one person.
type Personal struct {
	Fields []Field `cbor:"1,keyasint"`
}

// Validate implements protocol's messages.
func (p Personal) Validate() error {
	if len(p.Fields) == 0 {
		return protocol.ErrInvalid
	}
	return nil
}

// Commit binds a person's part of a record. The salt is secret and the person's
// own: once it is erased nobody can find out by guessing what was bound.
func Commit(salt []byte, seq uint64, alias string, encoded []byte) protocol.Digest {
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte("loa/1/audit\x00"))
	mac.Write(binary.BigEndian.AppendUint64(nil, seq))
	mac.Write([]byte(alias + "\x00"))
	mac.Write(encoded)
	return protocol.Digest(mac.Sum(nil))
}

// Checkpoint is the chain's head as the hub signed it.
type Checkpoint struct {
	Version uint64           `cbor:"1,keyasint"`
	Number  uint64           `cbor:"2,keyasint"` // from 1, without gaps
	Seq     uint64           `cbor:"3,keyasint"`
	Hash    protocol.Digest  `cbor:"4,keyasint"`
	At      protocol.Instant `cbor:"5,keyasint"`
}

// Validate implements protocol's messages.
func (c Checkpoint) Validate() error {
	switch {
	case c.Version != protocol.Version:
		return protocol.ErrVersion
	case c.Number == 0 || c.Seq == 0:
		return protocol.ErrInvalid
	}
	return nil
}

// Seal signs a checkpoint.
func (c Checkpoint) Seal(s *envelope.Signer) ([]byte, error) {
	payload, err := protocol.Marshal(&c)
	if err != nil {
		return nil, err
	}
	return s.Seal(KindCheckpoint, payload)
}

// OpenCheckpoint opens a checkpoint that one of the keys signed.
func OpenCheckpoint(b []byte, keys envelope.Keys) (Checkpoint, error) {
	payload, _, err := envelope.Open(KindCheckpoint, b, MaxCheckpoint, keys)
	if err != nil {
		return Checkpoint{}, err
	}
	return protocol.Unmarshal[Checkpoint](payload, MaxCheckpoint)
}

// PeekCheckpoint reads a checkpoint without checking who signed it.
func PeekCheckpoint(b []byte) (Checkpoint, error) {
	var msg cose.Sign1Message
	if err := msg.UnmarshalCBOR(b); err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", protocol.ErrMalformed)
	}
	return protocol.Unmarshal[Checkpoint](msg.Payload, MaxCheckpoint)
}
