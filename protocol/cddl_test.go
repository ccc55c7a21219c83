package protocol_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loa-vn/loa/protocol"
)

// loa.cddl has every message with the keys that the code has, and marks those
// that may be left out.
func TestCDDLHasEveryKey(t *testing.T) {
	b, err := os.ReadFile("../testdata/protocol/loa.cddl")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`;.*`).ReplaceAllString(string(b), "")
	types := map[string]reflect.Type{
		"content": reflect.TypeFor[protocol.Content](), "sound": reflect.TypeFor[protocol.Sound](),
		"board": reflect.TypeFor[protocol.Board](), "pages": reflect.TypeFor[protocol.Pages](),
		"quiet": reflect.TypeFor[protocol.Quiet](), "withdrawal": reflect.TypeFor[protocol.Withdrawal](),
		"range": reflect.TypeFor[protocol.Range](), "key": reflect.TypeFor[protocol.Key](),
		"relay": reflect.TypeFor[protocol.Relay](), "limit": reflect.TypeFor[protocol.Limit](),
	}
	for _, e := range examples(t) {
		types[e.kind] = reflect.TypeOf(e.value()).Elem()
	}
	for name, typ := range types {
		want := map[string]bool{}
		for f := range typ.NumField() {
			key, options, _ := strings.Cut(typ.Field(f).Tag.Get("cbor"), ",")
			want[key] = strings.Contains(options, "omitempty")
		}
		if diff := cmp.Diff(want, cddlKeys(text, name)); diff != "" {
			t.Errorf("%s (-code +cddl; true: may be left out):\n%s", name, diff)
		}
	}
}

// cddlKeys returns the keys of a map's rule, but not of maps inside of it.
func cddlKeys(text, name string) map[string]bool {
	keys := map[string]bool{}
	_, body, ok := strings.Cut(text, "\n"+name+" = {")
	if !ok {
		return keys
	}
	depth, end := 1, 0
	var outer strings.Builder
	for ; end < len(body) && depth > 0; end++ {
		switch c := body[end]; {
		case c == '{':
			depth++
		case c == '}':
			depth--
		case depth == 1:
			outer.WriteByte(c)
		}
	}
	for _, m := range regexp.MustCompile(`(\? )?\b([0-9]+): `).FindAllStringSubmatch(outer.String(), -1) {
		keys[m[2]] = m[1] != ""
	}
	return keys
}
