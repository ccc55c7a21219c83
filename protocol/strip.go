package protocol

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep arrays and maps may nest.
const maxDepth = 8

// strip checks that b is one CBOR item in the deterministic form (definite and
// shortest lengths, integer keys in ascending order) and of t's shape: the right
// kind of item in every field, no field missing that is always written. It
// returns b without the optional keys that t does not know. An unknown key below
// OptionalKey is refused by name.
//
// Its own memory is that of one copy of b; since every element of an array
// stands for at least two bytes that were sent, decoding what it returns takes a
// bounded multiple of len(b).
func strip(b []byte, t reflect.Type, name string) ([]byte, error) {
	s := stripper{in: b, out: make([]byte, 0, len(b)), name: name, shapes: map[reflect.Type][]shapeField{}}
	if err := s.item(t, 0); err != nil {
		return nil, err
	}
	if s.at != len(b) {
		return nil, s.fail(0, fmt.Sprintf("%d bytes too many", len(b)-s.at), ErrMalformed)
	}
	return s.out, nil
}

type stripper struct {
	in     []byte
	at     int
	out    []byte
	name   string
	path   [maxDepth + 2]step
	shapes map[reflect.Type][]shapeField
}

// step is one level of the path to an item: a map's key or an array's index.
type step struct {
	n     uint64
	array bool
}

// shapeField is a field of a struct: its key, its type, whether it is always written.
type shapeField struct {
	key      uint64
	typ      reflect.Type
	required bool
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

// fail names the item at this depth, such as "Plan.7[3].17", in an error.
func (s *stripper) fail(depth int, why string, kind error) error {
	var b strings.Builder
	b.WriteString(s.name)
	for _, p := range s.path[:depth] {
		if p.array {
			b.WriteString("[" + strconv.FormatUint(p.n, 10) + "]")
		} else {
			b.WriteString("." + strconv.FormatUint(p.n, 10))
		}
	}
	if why == "" {
		return fmt.Errorf("%s: %w", b.String(), kind)
	}
	return fmt.Errorf("%s: %s: %w", b.String(), why, kind)
}

// head reads an item's first bytes: its major type and its argument.
func (s *stripper) head(depth int) (major byte, arg uint64, err error) {
	fail := func(why string) (byte, uint64, error) { return 0, 0, s.fail(depth, why, ErrMalformed) }
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

// item copies one item. A nil t stands for the inside of an unknown optional
// key, where everything may stand that the deterministic form allows.
func (s *stripper) item(t reflect.Type, depth int) error {
	if depth > maxDepth {
		return s.fail(depth, "nested too deep", ErrMalformed)
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	from := s.at
	major, arg, err := s.head(depth)
	if err != nil {
		return err
	}
	if t != nil && !holds(t, major) {
		return s.fail(depth, "another type of item", ErrMalformed)
	}
	left := uint64(len(s.in) - s.at)
	switch major {
	case majorUint, majorNegint:
	case majorBytes, majorText:
		if left < arg {
			return s.fail(depth, "ends early", ErrMalformed)
		}
		if t != nil && t.Kind() == reflect.Array && arg != uint64(t.Len()) {
			return s.fail(depth, fmt.Sprintf("%d bytes, not %d", arg, t.Len()), ErrMalformed)
		}
		if t != nil && arg == 0 && depth > 0 && s.path[depth-1].array {
			return s.fail(depth, "empty", ErrMalformed)
		}
		// In what is left out too: no reader may take what another refuses.
		if major == majorText && !utf8.Valid(s.in[s.at:s.at+int(arg)]) {
			return s.fail(depth, "text that is not UTF-8", ErrMalformed)
		}
		s.at += int(arg)
	case majorArray:
		if left < arg {
			return s.fail(depth, "ends early", ErrMalformed)
		}
		s.out = append(s.out, s.in[from:s.at]...)
		var elem reflect.Type
		if t != nil {
			elem = t.Elem()
		}
		for i := range arg {
			s.path[depth] = step{n: i, array: true}
			if err := s.item(elem, depth+1); err != nil {
				return err
			}
		}
		return nil
	case majorMap:
		return s.pairs(t, arg, depth)
	case majorSimple:
		if b := s.in[from]; b != 0xf4 && b != 0xf5 {
			return s.fail(depth, "neither true nor false", ErrMalformed)
		}
	default:
		return s.fail(depth, "tag", ErrMalformed)
	}
	s.out = append(s.out, s.in[from:s.at]...)
	return nil
}

// holds says whether a field of type t is written as that major type.
func holds(t reflect.Type, major byte) bool {
	switch t.Kind() {
	case reflect.Uint8, reflect.Uint64:
		return major == majorUint
	case reflect.Int64:
		return major == majorUint || major == majorNegint
	case reflect.Bool:
		return major == majorSimple
	case reflect.String:
		return major == majorText
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return major == majorBytes
		}
		return major == majorArray
	case reflect.Struct:
		return major == majorMap
	}
	return false
}

// pairs copies a map's pairs but for the optional keys that t does not know.
func (s *stripper) pairs(t reflect.Type, n uint64, depth int) error {
	if left := uint64(len(s.in) - s.at); left/2 < n {
		return s.fail(depth, "ends early", ErrMalformed)
	}
	fields := s.shape(t)
	kept, last := uint64(0), int64(-1)
	mark := len(s.out)
	for range n {
		from := s.at
		major, key, err := s.head(depth)
		if err != nil {
			return err
		}
		if major != majorUint || key > 1<<31 {
			return s.fail(depth, "a key that is no small integer", ErrMalformed)
		}
		if int64(key) <= last {
			return s.fail(depth, "keys out of order or twice", ErrMalformed)
		}
		last = int64(key)
		if fields, err = s.missing(fields, key, depth); err != nil {
			return err
		}
		s.path[depth] = step{n: key}
		before := len(s.out)
		if len(fields) > 0 && fields[0].key == key {
			s.out = append(s.out, s.in[from:s.at]...)
			kept++
			if err := s.item(fields[0].typ, depth+1); err != nil {
				return err
			}
			fields = fields[1:]
			continue
		}
		if t != nil && key < OptionalKey {
			return s.fail(depth+1, "", ErrUnknownKey)
		}
		if err := s.item(nil, depth+1); err != nil {
			return err
		}
		s.out = s.out[:before]
	}
	if _, err := s.missing(fields, 1<<63, depth); err != nil {
		return err
	}
	// The head may have become shorter; it is written in front of the pairs.
	var buf [3]byte
	s.out = slices.Insert(s.out, mark, appendHead(buf[:0], majorMap, kept)...)
	return nil
}

// missing drops the fields whose keys stand before key, and refuses the first
// of them that is always written.
func (s *stripper) missing(fields []shapeField, key uint64, depth int) ([]shapeField, error) {
	for len(fields) > 0 && fields[0].key < key {
		if fields[0].required {
			s.path[depth] = step{n: fields[0].key}
			return nil, s.fail(depth+1, "missing", ErrMalformed)
		}
		fields = fields[1:]
	}
	return fields, nil
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

// shape returns the fields of struct t in the order of their keys, none for nil.
func (s *stripper) shape(t reflect.Type) []shapeField {
	if t == nil {
		return nil
	}
	if fields, ok := s.shapes[t]; ok {
		return fields
	}
	fields := make([]shapeField, 0, t.NumField())
	for i := range t.NumField() {
		tag, options, _ := strings.Cut(t.Field(i).Tag.Get("cbor"), ",")
		key, err := strconv.ParseUint(tag, 10, 32)
		if err != nil {
			continue
		}
		fields = append(fields, shapeField{key: key, typ: t.Field(i).Type, required: !strings.Contains(options, "omitempty")})
	}
	slices.SortFunc(fields, func(a, b shapeField) int { return int(a.key) - int(b.key) })
	s.shapes[t] = fields
	return fields
}
