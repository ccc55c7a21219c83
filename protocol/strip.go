package protocol

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// maxDepth is how deep arrays and maps may nest.
const maxDepth = 8

// strip checks that b is one CBOR item in the deterministic form (definite and
// shortest lengths, integer keys in ascending order) and returns it without the
// optional keys that t does not know. It allocates no more than len(b). An
// unknown key below OptionalKey is refused by name.
func strip(b []byte, t reflect.Type, name string) ([]byte, error) {
	s := stripper{in: b, out: make([]byte, 0, len(b))}
	if err := s.item(t, name, 0); err != nil {
		return nil, err
	}
	if s.at != len(b) {
		return nil, fmt.Errorf("%s: %d bytes too many: %w", name, len(b)-s.at, ErrMalformed)
	}
	return s.out, nil
}

type stripper struct {
	in  []byte
	at  int
	out []byte
}

// The major types of RFC 8949 section 3.1.
const (
	majorUint   = 0
	majorNegint = 1
	majorBytes  = 2
	majorText   = 3
	majorArray  = 4
	majorMap    = 5
	majorSimple = 7
)

// head reads an item's first bytes: its major type and its argument.
func (s *stripper) head(name string) (major byte, arg uint64, err error) {
	fail := func(why string) (byte, uint64, error) {
		return 0, 0, fmt.Errorf("%s: %s: %w", name, why, ErrMalformed)
	}
	if s.at >= len(s.in) {
		return fail("ends early")
	}
	first := s.in[s.at]
	major, low := first>>5, first&0x1f
	s.at++
	if low < 24 {
		return major, uint64(low), nil
	}
	if low > 27 {
		return fail("indefinite or reserved length")
	}
	n := 1 << (low - 24)
	if len(s.in)-s.at < n {
		return fail("ends early")
	}
	var buf [8]byte
	copy(buf[8-n:], s.in[s.at:s.at+n])
	arg = binary.BigEndian.Uint64(buf[:])
	s.at += n
	shortest := uint64(24)
	if n > 1 {
		shortest = 1 << (8 * n / 2)
	}
	if major != majorSimple && arg < shortest {
		return fail("not the shortest form")
	}
	return major, arg, nil
}

func (s *stripper) item(t reflect.Type, name string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: nested deeper than %d: %w", name, maxDepth, ErrMalformed)
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	from := s.at
	major, arg, err := s.head(name)
	if err != nil {
		return err
	}
	switch major {
	case majorUint, majorNegint:
	case majorBytes, majorText:
		if uint64(len(s.in)-s.at) < arg {
			return fmt.Errorf("%s: ends early: %w", name, ErrMalformed)
		}
		s.at += int(arg)
	case majorArray:
		if uint64(len(s.in)-s.at) < arg {
			return fmt.Errorf("%s: ends early: %w", name, ErrMalformed)
		}
		s.out = append(s.out, s.in[from:s.at]...)
		for range arg {
			if err := s.item(elemOf(t), name+"[]", depth+1); err != nil {
				return err
			}
		}
		return nil
	case majorMap:
		return s.pairs(t, name, arg, depth)
	case majorSimple:
		if b := s.in[from]; b != 0xf4 && b != 0xf5 {
			return fmt.Errorf("%s: neither true nor false: %w", name, ErrMalformed)
		}
	default:
		return fmt.Errorf("%s: tag: %w", name, ErrMalformed)
	}
	s.out = append(s.out, s.in[from:s.at]...)
	return nil
}

// pairs copies a map's pairs but for the optional keys that t does not know.
func (s *stripper) pairs(t reflect.Type, name string, n uint64, depth int) error {
	if uint64(len(s.in)-s.at) < 2*n {
		return fmt.Errorf("%s: ends early: %w", name, ErrMalformed)
	}
	kept, last := uint64(0), int64(-1)
	mark := len(s.out)
	for range n {
		from := s.at
		major, key, err := s.head(name)
		if err != nil {
			return err
		}
		if major != majorUint || key > 1<<31 {
			return fmt.Errorf("%s: a key that is no small integer: %w", name, ErrMalformed)
		}
		if int64(key) <= last {
			return fmt.Errorf("%s: keys out of order: %w", name, ErrMalformed)
		}
		last = int64(key)
		field, known := fieldOf(t, key)
		inner := name + "." + strconv.FormatUint(key, 10)
		if known {
			s.out = append(s.out, s.in[from:s.at]...)
			kept++
			if err := s.item(field, inner, depth+1); err != nil {
				return err
			}
			continue
		}
		if key < OptionalKey {
			return fmt.Errorf("%s: %w", inner, ErrUnknownKey)
		}
		before := len(s.out)
		if err := s.item(nil, inner, depth+1); err != nil {
			return err
		}
		s.out = s.out[:before]
	}
	// The head may have become shorter; it is written in front of the pairs.
	head := appendHead(nil, majorMap, kept)
	s.out = append(s.out, head...)
	copy(s.out[mark+len(head):], s.out[mark:len(s.out)-len(head)])
	copy(s.out[mark:], head)
	return nil
}

func appendHead(b []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, major<<5|byte(n))
	case n < 1<<8:
		return append(b, major<<5|24, byte(n))
	default:
		return append(b, major<<5|25, byte(n>>8), byte(n))
	}
}

func elemOf(t reflect.Type) reflect.Type {
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
		return t.Elem()
	}
	return nil
}

// fieldOf returns the type of t's field with that integer key. A nil t stands
// for the inside of an unknown optional key, where every key may stand.
func fieldOf(t reflect.Type, key uint64) (reflect.Type, bool) {
	if t == nil || t.Kind() != reflect.Struct {
		return nil, t == nil
	}
	want := strconv.FormatUint(key, 10)
	for i := range t.NumField() {
		tag, _, _ := strings.Cut(t.Field(i).Tag.Get("cbor"), ",")
		if tag == want {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}
