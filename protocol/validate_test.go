package protocol_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// Validate refuses what a rule forbids, Marshal refuses the same, and what it
// takes can be read again.
func TestRules(t *testing.T) {
	for _, e := range examples(t) {
		for _, ed := range append([]edit{{name: "example", want: "ok", do: func(protocoltest.Message) {}}}, e.edits...) {
			t.Run(e.kind+"/"+ed.name, func(t *testing.T) {
				v := e.value()
				ed.do(v)
				want := ed.want
				if want == "malformed" {
					want = "invalid" // on the wire it is caught before its rules are asked
				}
				if got := protocoltest.KindOf(v.Validate()); got != want {
					t.Fatalf("Validate: %s, want %s", got, want)
				}
				b, err := protocol.Marshal(v)
				if got := protocoltest.KindOf(err); got != want {
					t.Fatalf("Marshal: %s, want %s", got, want)
				}
				if err != nil {
					return
				}
				d, _ := protocoltest.DecoderOf(e.kind)
				got, _, err := d.Decode(b)
				if err != nil {
					t.Fatalf("Unmarshal of what Marshal wrote: %v", err)
				}
				if diff := cmp.Diff(reflect.ValueOf(v).Elem().Interface(), got); diff != "" {
					t.Errorf("written and read (-written +read):\n%s", diff)
				}
			})
		}
	}
}

// Text that is no UTF-8 is refused when it is written, not only when it is read.
func TestTextIsUTF8(t *testing.T) {
	for _, e := range examples(t) {
		for i := 0; ; i++ {
			v := e.value()
			n := 0
			field := spoil(reflect.ValueOf(v).Elem(), "", i, &n)
			if field == "" {
				break
			}
			if err := v.Validate(); err == nil {
				t.Errorf("%s: %s may be text that is no UTF-8", e.kind, field)
			}
		}
	}
}

// spoil appends a byte that is no UTF-8 to the i-th string below v, and returns
// the name of its field, "" if there is none.
func spoil(v reflect.Value, name string, i int, n *int) string {
	switch v.Kind() {
	case reflect.String:
		if *n++; *n-1 == i {
			v.SetString(v.String() + "\xff")
			return name
		}
	case reflect.Pointer:
		if !v.IsNil() {
			copied := reflect.New(v.Type().Elem())
			copied.Elem().Set(v.Elem())
			v.Set(copied)
			return spoil(v.Elem(), name, i, n)
		}
	case reflect.Struct:
		for f := range v.NumField() {
			if found := spoil(v.Field(f), name+"."+v.Type().Field(f).Name, i, n); found != "" {
				return found
			}
		}
	case reflect.Slice:
		for e := range v.Len() {
			if found := spoil(v.Index(e), name, i, n); found != "" {
				return found
			}
		}
	}
	return ""
}

// firstOptional is the first optional key that has a meaning: those before it
// stand in the vectors for keys that nobody knows.
const firstOptional = protocol.OptionalKey + 100

// Every field has its own key, in ascending order: below the optional ones, or one
// of them and then left out when it says nothing.
func TestKeysOfFields(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] {
			return
		}
		seen[typ] = true
		last := uint64(0)
		for f := range typ.NumField() {
			key := keyOfTag(t, typ.Field(f))
			optional := key >= firstOptional && strings.HasSuffix(typ.Field(f).Tag.Get("cbor"), ",omitempty")
			if key <= last || (key >= protocol.OptionalKey && !optional) {
				t.Errorf("%s.%s has key %d after %d", typ.Name(), typ.Field(f).Name, key, last)
			}
			last = key
			walk(typ.Field(f).Type)
		}
	}
	for _, e := range examples(t) {
		walk(reflect.TypeOf(e.value()).Elem())
	}
	if len(seen) < 30 {
		t.Errorf("only %d types were looked at", len(seen))
	}
}

func keyOfTag(tb testing.TB, f reflect.StructField) uint64 {
	tb.Helper()
	var key uint64
	for _, c := range f.Tag.Get("cbor") {
		if c < '0' || c > '9' {
			break
		}
		key = key*10 + uint64(c-'0')
	}
	return key
}

// A number of milliseconds that no time.Duration holds must not pass for a short time.
func TestALengthBeyondAllMeasureIsRefused(t *testing.T) {
	b := protocoltest.Bulletin()
	raw := protocoltest.Encode(t, b)
	a := protocoltest.Airing(b, raw, raw)
	a.BoardFor = 1 << 58 // times a million it is 0 in 64 bits
	if got := protocoltest.KindOf(a.Validate()); got != "invalid" {
		t.Errorf("Validate: %s", got)
	}
	for _, m := range []protocol.Millis{1 << 58, 1<<63 - 1, -1 << 63} {
		if d := m.Duration(); (d > 0) != (m > 0) || d.Abs() < protocol.MaxLength {
			t.Errorf("%d ms are %s", m, d)
		}
	}
}
