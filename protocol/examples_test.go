package protocol_test

import (
	"testing"

	"github.com/loa-vn/loa/protocol/protocoltest"
)

// example is a valid message of one kind and edits of it.
type example struct {
	kind  string
	value func() protocoltest.Message // a new pointer each time
	edits []edit
}

// edit changes the example's value; want is what becomes of it.
type edit struct {
	name string
	want string
	do   func(protocoltest.Message)
}

// of returns an edit of a message of type T.
func of[T any](want, name string, do func(*T)) edit {
	return edit{name: name, want: want, do: func(m protocoltest.Message) { do(any(m).(*T)) }}
}

// refused returns an edit that must be refused as invalid.
func refused[T any](name string, do func(*T)) edit { return of("invalid", name, do) }

// taken returns an edit that leaves the message valid.
func taken[T any](name string, do func(*T)) edit { return of("ok", name, do) }

func ptr[T any](v T) *T { return &v }

// repeat returns n times v.
func repeat[T any](n int, v T) []T {
	vs := make([]T, n)
	for i := range vs {
		vs[i] = v
	}
	return vs
}

// examples returns every kind of message.
func examples(tb testing.TB) []example {
	tb.Helper()
	return append(append(contentExamples(tb), controlExamples(tb)...), append(trustExamples(tb), receiptExamples(tb)...)...)
}

func version[T any](set func(*T, uint64)) []edit {
	return []edit{
		of("version", "version 2", func(v *T) { set(v, 2) }),
		of("version", "version 0", func(v *T) { set(v, 0) }),
	}
}

// badIDs are strings that are no identifiers.
func badIDs() map[string]string {
	return map[string]string{
		"empty": "", "upper case": "Loa", "slash": "a/b", "plus": "+", "hash": "#", "dot": "a.b", "space": "a b",
		"accent": "thôn", "NUL": "a\x00", "65 long": string(repeat(65, byte('a'))), "newline": "a\n",
	}
}
