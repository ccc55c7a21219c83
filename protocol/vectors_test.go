package protocol_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/loa-vn/loa/protocol/protocoltest"
)

const vectorDir = "../testdata/protocol/vectors"

// longestVector keeps the files readable; what is longer is tested from the
// tables alone.
const longestVector = 2 << 10

// updating says whether the test was asked to write the vectors anew.
func updating() bool { return flag.Lookup("update").Value.String() == "true" }

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write testdata/protocol/vectors anew")
	m.Run()
}

// vectorsOf makes the vectors of one kind of message.
func vectorsOf(tb testing.TB, e example) []protocoltest.Vector {
	tb.Helper()
	d, ok := protocoltest.DecoderOf(e.kind)
	if !ok {
		tb.Fatalf("no decoder of %s", e.kind)
	}
	value := e.value()
	valid := raw(tb, value)
	vs := []protocoltest.Vector{{Name: "example", Kind: e.kind, Hex: valid, Expect: "ok"}}
	edits := slices.Clone(e.edits)
	slices.SortStableFunc(edits, func(a, b edit) int { return strings.Compare(a.name, b.name) })
	for _, ed := range edits {
		v := e.value()
		ed.do(v)
		vs = append(vs, protocoltest.Vector{Name: "rule: " + ed.name, Kind: e.kind, Hex: raw(tb, v), Expect: ed.want})
	}
	vs = append(vs, hostile(tb, e.kind, reflect.TypeOf(value).Elem().Name(), d.Limit, valid)...)
	vs = append(vs, spelledOut(tb, e.kind, reflect.TypeOf(value).Elem(), valid)...)
	for i := range vs {
		if vs[i].Expect == "ok" {
			_, again, err := d.Decode(vs[i].Hex)
			if err != nil {
				tb.Fatalf("%s, %s: %v", e.kind, vs[i].Name, err)
			}
			vs[i].Decoded = diagnose(tb, again)
		}
	}
	return vs
}

// Every example and every way of being wrong ends as its vector says, and the
// vectors are those of testdata.
func TestVectors(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range examples(t) {
		seen[e.kind] = true
		t.Run(e.kind, func(t *testing.T) {
			made := vectorsOf(t, e)
			for _, v := range made {
				checkVector(t, v)
			}
			made = slices.DeleteFunc(made, func(v protocoltest.Vector) bool { return len(v.Hex) > longestVector })
			file := filepath.Join(vectorDir, e.kind+".json")
			if updating() {
				protocoltest.Save(t, file, made)
			}
			held := protocoltest.Load[protocoltest.Vector](t, file)
			if diff := cmp.Diff(compact(t, held), compact(t, made)); diff != "" {
				t.Errorf("%s is not what the code makes (-file +made), see -update:\n%s", file, diff)
			}
			for _, v := range held {
				checkVector(t, v)
			}
		})
	}
	for _, d := range protocoltest.Decoders() {
		if !seen[d.Kind] {
			t.Errorf("no examples of %s", d.Kind)
		}
	}
}

func checkVector(t *testing.T, v protocoltest.Vector) {
	t.Helper()
	d, _ := protocoltest.DecoderOf(v.Kind)
	_, again, err := d.Decode(v.Bytes())
	if got := protocoltest.KindOf(err); got != v.Expect {
		t.Errorf("%s, %s: %s, want %s (%v)\n%.400x", v.Kind, v.Name, got, v.Expect, err, []byte(v.Hex))
		return
	}
	if err != nil && !strings.Contains(err.Error(), v.Mentions) {
		t.Errorf("%s, %s: %q does not name %s", v.Kind, v.Name, err, v.Mentions)
	}
	if err == nil && cmp.Diff(compact(t, v.Decoded), compact(t, diagnose(t, again))) != "" {
		t.Errorf("%s, %s: decoded as %s, want %s", v.Kind, v.Name, diagnose(t, again), v.Decoded)
	}
}

func compact(tb testing.TB, v any) string {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		tb.Fatalf("%v", err)
	}
	return strings.ReplaceAll(out.String(), "},{", "},\n{")
}

// diagnose returns CBOR as JSON: integer keys as text, byte strings as "h'..'".
func diagnose(tb testing.TB, b []byte) json.RawMessage {
	tb.Helper()
	var v any
	if err := cbor.Unmarshal(b, &v); err != nil {
		tb.Fatalf("%v", err)
	}
	out, err := json.Marshal(plain(v))
	if err != nil {
		tb.Fatalf("%v", err)
	}
	return out
}

func plain(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[fmt.Sprint(k)] = plain(e)
		}
		return m
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	case []byte:
		return fmt.Sprintf("h'%x'", v)
	}
	return v
}
