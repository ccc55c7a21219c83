package protocol_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/loa-vn/loa/protocol/protocoltest"
)

// raw returns deterministic CBOR of anything, without any message's rules.
func raw(tb testing.TB, v any) []byte {
	tb.Helper()
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		tb.Fatalf("%v", err)
	}
	b, err := mode.Marshal(v)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	return b
}

// bites returns the bytes that hexadecimal digits stand for.
func bites(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// pair is a key and a value of a map, encoded.
type pair struct{ key, value []byte }

// split returns the pairs of an encoded map of small integers to anything.
func split(tb testing.TB, b []byte) []pair {
	tb.Helper()
	var m map[uint64]cbor.RawMessage
	if err := cbor.Unmarshal(b, &m); err != nil {
		tb.Fatalf("%v", err)
	}
	var keys []uint64
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	pairs := make([]pair, 0, len(m))
	for _, k := range keys {
		pairs = append(pairs, pair{raw(tb, k), m[k]})
	}
	return pairs
}

// join puts a head in front of pairs.
func join(head []byte, pairs []pair) []byte {
	b := bytes.Clone(head)
	for _, p := range pairs {
		b = append(append(b, p.key...), p.value...)
	}
	return b
}

// mapHead returns the shortest head of a map of n pairs.
func mapHead(n int) []byte {
	if n < 24 {
		return []byte{0xa0 | byte(n)}
	}
	return []byte{0xb8, byte(n)}
}

// hostile returns the ways in which bytes of any kind of message can be wrong,
// or have optional keys, made from a valid example.
func hostile(tb testing.TB, kind, name string, limit int, valid []byte) []protocoltest.Vector {
	tb.Helper()
	pairs := split(tb, valid)
	n := len(pairs)
	first := pairs[0]
	var vs []protocoltest.Vector
	add := func(name, expect, mentions string, b []byte) {
		vs = append(vs, protocoltest.Vector{Name: name, Kind: kind, Hex: b, Expect: expect, Mentions: mentions})
	}
	value := func(v string) []byte {
		return join(mapHead(n), append([]pair{{first.key, bites(v)}}, pairs[1:]...))
	}
	with := func(key, v string) []byte {
		return join(mapHead(n+1), append(slices.Clone(pairs), pair{bites(key), bites(v)}))
	}
	unknown, shown := "11", "17"
	if slices.Contains([]string{"airing", "heartbeat"}, kind) {
		unknown, shown = "18 63", "99"
	}
	at := fmt.Sprintf("%s.%d", name, first.key[0])
	needed := at // the first key that is always written
	if kind == "chunk" {
		needed = name + ".3"
	}
	empty := "malformed" // an empty array in the first key
	if kind == "want" {
		empty = "invalid"
	}

	add("unknown key", "unknown-key", name+"."+shown, insert(tb, pairs, bites(unknown), bites("00")))
	add("unknown key 999", "unknown-key", name+".999", with("19 03e7", "00"))
	add("optional key 1000", "ok", "", with("19 03e8", "00"))
	add("optional key of 2^31", "ok", "", with("1a 80000000", "f5"))
	add("optional key with content", "ok", "", with("19 03e9", "a2 01 82 a1 05 61 61 f4 18 63 a1 19 ffff 41 00"))
	add("optional key, 8 deep", "ok", "", with("19 03e8", "81 81 81 81 81 81 81 00"))
	add("optional key, 9 deep", "malformed", name+".1000[0]", with("19 03e8", "81 81 81 81 81 81 81 81 00"))
	add("optional key over 2^31", "malformed", name, with("1a 80000001", "00"))
	add("optional key with a float", "malformed", name+".1000", with("19 03e8", "f9 3c00"))
	add("optional key with null", "malformed", name+".1000", with("19 03e8", "f6"))
	add("optional key with a tag", "malformed", name+".1000", with("19 03e8", "c1 00"))
	add("optional key with a text key inside", "malformed", name+".1000", with("19 03e8", "a1 61 61 00"))
	add("optional key, longer than shortest inside", "malformed", name+".1000.1", with("19 03e8", "a1 01 18 05"))
	add("optional key, keys out of order inside", "malformed", name+".1000", with("19 03e8", "a2 02 00 01 00"))
	add("optional key, ends early", "malformed", name+".1000", with("19 03e8", "44 000000"))

	add("nothing", "malformed", name, nil)
	add("no map", "malformed", name, bites("80"))
	add("empty map", "malformed", needed+": missing", bites("a0"))
	if at == needed {
		add("first key missing", "malformed", at+": missing", join(mapHead(n-1), pairs[1:]))
	}
	add("last byte missing", "malformed", name, valid[:len(valid)-1])
	add("a byte too many", "malformed", name, append(bytes.Clone(valid), 0))
	add("another message after it", "malformed", name, append(bytes.Clone(valid), valid...))
	add("a tag before it", "malformed", name, append(bites("d9 d9f7"), valid...))
	add("indefinite map", "malformed", name, append(join([]byte{0xbf}, pairs), 0xff))
	add("head of map longer than shortest", "malformed", name, join([]byte{0xb9, 0, byte(n)}, pairs))
	add("key longer than shortest", "malformed", name, join(mapHead(n), append([]pair{{append([]byte{0x18}, first.key...), first.value}}, pairs[1:]...)))
	add("a key twice", "malformed", name, join(mapHead(n+1), append([]pair{first}, pairs...)))
	add("text key", "malformed", name, with("61 61", "00"))
	add("negative key", "malformed", name, with("20", "00"))
	add("more pairs claimed than there are", "malformed", name, join(mapHead(n+1), pairs))
	add("2^62 pairs claimed", "malformed", name, bites("bb 4000000000000000"))
	if n > 1 {
		turned := slices.Clone(pairs)
		turned[0], turned[1] = turned[1], turned[0]
		add("keys out of order", "malformed", "", join(mapHead(n), turned))
	}

	add("value null", "malformed", at, value("f6"))
	add("value undefined", "malformed", at, value("f7"))
	add("value a float", "malformed", at, value("fb 3ff0000000000000"))
	add("value a tag", "malformed", at, value("c2 41 01"))
	add("value a negative integer", "malformed", at, value("20"))
	add("value true", "malformed", at, value("f5"))
	add("value a simple number", "malformed", at, value("f8 ff"))
	add("value a map", "malformed", at, value("a1 01 00"))
	add("value an empty array", empty, "", value("80"))
	add("value an indefinite string", "malformed", at, value("5f 41 00 ff"))
	add("value an indefinite text", "malformed", at, value("7f 61 61 ff"))
	add("value an indefinite array", "malformed", at, value("9f ff"))
	add("value of reserved length", "malformed", at, value("1c"))
	add("value of 2^64-1 bytes", "malformed", at, value("5b ffffffffffffffff"))
	add("value of 2^64-1 letters", "malformed", at, value("7b ffffffffffffffff"))
	add("value of 2^64-1 items", "malformed", at, value("9b ffffffffffffffff"))
	add("value of 2^32-1 items", "malformed", at, value("9a ffffffff"))
	for _, p := range pairs {
		key := fmt.Sprintf("%s.%d", name, keyOf(p.key))
		if long := longer(p.value); long != nil {
			add(fmt.Sprintf("value %d longer than shortest", keyOf(p.key)), "malformed", key, replace(pairs, p, long))
		}
		if p.value[0] == 0x58 && p.value[1] == 32 {
			add(fmt.Sprintf("digest %d of 31 bytes", keyOf(p.key)), "malformed", key, replace(pairs, p, append([]byte{0x58, 31}, p.value[2:33]...)))
		}
		if p.value[0]>>5 == 3 {
			add(fmt.Sprintf("text %d as bytes", keyOf(p.key)), "malformed", key, replace(pairs, p, append([]byte{p.value[0] ^ 0x20}, p.value[1:]...)))
			add(fmt.Sprintf("text %d not UTF-8", keyOf(p.key)), "malformed", "", replace(pairs, p, bites("62 c328")))
		}
	}
	vs = append(vs, protocoltest.Vector{Name: "over its limit", Kind: kind, Hex: valid, Pad: limit + 1 - len(valid), Expect: "too-large", Mentions: name})
	return vs
}

// spelledOut returns valid bytes with one field more, that is left out because
// it is 0, false or empty: a second form of the same message.
func spelledOut(tb testing.TB, kind string, typ reflect.Type, valid []byte) []protocoltest.Vector {
	tb.Helper()
	var vs []protocoltest.Vector
	pairs := split(tb, valid)
	for f := range typ.NumField() {
		key := raw(tb, keyOfTag(tb, typ.Field(f)))
		if slices.ContainsFunc(pairs, func(p pair) bool { return bytes.Equal(p.key, key) }) {
			continue
		}
		var zero byte
		switch t := typ.Field(f).Type; t.Kind() {
		case reflect.String:
			zero = 0x60
		case reflect.Bool:
			zero = 0xf4
		case reflect.Slice:
			if zero = 0x80; t.Elem().Kind() == reflect.Uint8 {
				zero = 0x40
			}
		case reflect.Pointer:
			continue
		}
		vs = append(vs, protocoltest.Vector{
			Name: fmt.Sprintf("key %d, though empty", keyOf(key)), Kind: kind,
			Hex: insert(tb, pairs, key, []byte{zero}), Expect: "malformed",
		})
	}
	return vs
}

func keyOf(b []byte) uint64 {
	if b[0] < 24 {
		return uint64(b[0])
	}
	return uint64(b[1])
}

// insert puts a pair where its key belongs.
func insert(tb testing.TB, pairs []pair, key, value []byte) []byte {
	tb.Helper()
	all := append(slices.Clone(pairs), pair{key, value})
	slices.SortFunc(all, func(a, b pair) int { return bytes.Compare(a.key, b.key) })
	return join(mapHead(len(all)), all)
}

func replace(pairs []pair, old pair, value []byte) []byte {
	all := slices.Clone(pairs)
	for i := range all {
		if bytes.Equal(all[i].key, old.key) {
			all[i].value = value
		}
	}
	return join(mapHead(len(all)), all)
}

// longer returns an item with its head one size longer than it need be, nil for
// heads that cannot be.
func longer(item []byte) []byte {
	major, low := item[0]&0xe0, item[0]&0x1f
	if major == 0xe0 {
		return nil
	}
	if low < 24 {
		return append([]byte{major | 24, low}, item[1:]...)
	}
	if low < 27 {
		n := 1 << (low - 24)
		head := append([]byte{major | (low + 1)}, make([]byte, n)...)
		return append(append(head, item[1:1+n]...), item[1+n:]...)
	}
	return nil
}
