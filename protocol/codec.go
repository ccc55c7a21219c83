package protocol

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Instant is a moment in milliseconds since 1970-01-01T00:00:00Z.
type Instant int64

// InstantOf returns t, rounded down to a millisecond.
func InstantOf(t time.Time) Instant { return Instant(t.UnixMilli()) }

// Time returns i in UTC.
func (i Instant) Time() time.Time { return time.UnixMilli(int64(i)).UTC() }

// Millis is a duration in milliseconds.
type Millis int64

// Duration returns m as a time.Duration, or the longest one that there is: what is
// longer must not turn into something short.
func (m Millis) Duration() time.Duration {
	const most = Millis(math.MaxInt64 / time.Millisecond)
	return time.Duration(max(-most, min(most, m))) * time.Millisecond
}

// MillisOf returns d, rounded towards zero to a millisecond.
func MillisOf(d time.Duration) Millis { return Millis(d / time.Millisecond) }

// message is what can travel: it knows its rules.
type message interface{ Validate() error }

// Marshal returns the deterministic CBOR (RFC 8949 section 4.2.1) of a valid
// message. Errors: those of Validate.
func Marshal(m message) ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("encode %s: %w", typeName(reflect.TypeOf(m)), err)
	}
	b, err := encode(m)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", typeName(reflect.TypeOf(m)), err)
	}
	return b, nil
}

// MarshalTo appends what Marshal returns to buf, for those who use that again: chunks
// of content are many and long.
func MarshalTo(buf *bytes.Buffer, m message) error {
	err := m.Validate()
	if err == nil {
		var mode cbor.UserBufferEncMode
		if mode, err = cbor.CoreDetEncOptions().UserBufferEncMode(); err == nil {
			err = mode.MarshalToBuffer(m, buf)
		}
	}
	if err != nil {
		return fmt.Errorf("encode %s: %w", typeName(reflect.TypeOf(m)), err)
	}
	return nil
}

// Unmarshal reads one message of at most limit bytes and checks its rules.
// Errors: ErrTooLarge, ErrMalformed (not deterministic CBOR of that shape),
// ErrUnknownKey, ErrVersion, ErrInvalid.
func Unmarshal[T any, M interface {
	*T
	message
}](b []byte, limit int) (T, error) {
	var v T
	name := typeName(reflect.TypeOf(v))
	if len(b) > limit {
		return v, fmt.Errorf("%s of %d bytes, at most %d: %w", name, len(b), limit, ErrTooLarge)
	}
	known, err := strip(b, reflect.TypeOf(v), name)
	if err != nil {
		return v, err
	}
	dec, err := decoder()
	if err != nil {
		return v, fmt.Errorf("%s: %w", name, err)
	}
	if err := dec.Unmarshal(known, &v); err != nil {
		return *new(T), fmt.Errorf("%s: %w (%s)", name, ErrMalformed, firstLine(err))
	}
	if err := M(&v).Validate(); err != nil {
		return *new(T), fmt.Errorf("%s: %w", name, err)
	}
	again, err := encode(&v)
	if err != nil || !bytes.Equal(again, known) {
		return *new(T), fmt.Errorf("%s: not in its one deterministic form: %w", name, ErrMalformed)
	}
	return v, nil
}

func encode(v any) ([]byte, error) {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return nil, err
	}
	return mode.Marshal(v)
}

// decoder refuses what deterministic CBOR never holds, before it allocates.
func decoder() (cbor.DecMode, error) {
	return cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		MaxNestedLevels:   maxDepth,
		MaxArrayElements:  1 << 16,
		MaxMapPairs:       1 << 10,
		UTF8:              cbor.UTF8RejectInvalid,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	}.DecMode()
}

func typeName(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

func firstLine(err error) string {
	s, _, _ := bytes.Cut([]byte(err.Error()), []byte("\n"))
	return string(s)
}
