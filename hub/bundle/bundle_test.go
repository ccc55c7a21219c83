package bundle_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/bundle"
	"github.com/loa-vn/loa/hub/verify"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// material is a little of each kind.
func material() (verify.Material, map[protocol.Digest][]byte) {
	from := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	doc := []byte("a document")
	m := verify.Material{
		From: from, To: from.AddDate(0, 1, 0), Zone: time.UTC, Stretch: true,
		Heads: []verify.Head{{}}, Entries: []verify.Entry{{}, {}},
	}
	m.Audit.Rows = []audit.Row{{Seq: 1, Bytes: []byte("a record")}}
	m.Audit.Checkpoints = [][]byte{bytes.Repeat([]byte{7}, 150)}
	return m, map[protocol.Digest][]byte{protocol.DigestOf(doc): doc}
}

func written(tb testing.TB) []byte {
	tb.Helper()
	m, docs := material()
	var b bytes.Buffer
	if err := bundle.Write(&b, m, docs, m.To); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func read(b []byte) (verify.Material, error) {
	m, _, err := bundle.Read(bytes.NewReader(b), int64(len(b)))
	return m, err
}

func TestABundleIsReadAsItWasWritten(t *testing.T) {
	want, docs := material()
	got, err := read(written(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{want.Heads, want.Entries, want.Audit.Rows, want.Audit.Checkpoints}, []any{got.Heads, got.Entries, got.Audit.Rows, got.Audit.Checkpoints}); diff != "" {
		t.Error(diff)
	}
	for d, doc := range docs {
		if b, err := got.Document(d); err != nil || !bytes.Equal(b, doc) {
			t.Errorf("document: %q, %v", b, err)
		}
	}
}

// changed returns a bundle with one of its files replaced.
func changed(tb testing.TB, name string, content []byte) []byte {
	tb.Helper()
	whole := written(tb)
	old, err := zip.NewReader(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		tb.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range old.File {
		if f.Name == name {
			w, err := z.Create(name)
			if err == nil {
				_, err = w.Write(content)
			}
			if err != nil {
				tb.Fatal(err)
			}
		} else if err := z.Copy(f); err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// Items that say nothing would make a long list of a small file.
func TestItemsOfNothingAreRefused(t *testing.T) {
	empty, err := cbor.Marshal(map[string]int{})
	if err != nil {
		t.Fatal(err)
	}
	for name, item := range map[string][]byte{"entries.cbor": empty, "checkpoints.cbor": {0x40}, "records.cbor": empty} {
		b := changed(t, name, bytes.Repeat(item, 1<<20))
		if _, err := read(b); !errors.Is(err, bundle.ErrBad) {
			t.Errorf("%s of a million items of nothing: %v", name, err)
		}
		hold(t, b)
	}
}

// hold holds the memory of reading a bundle, beside what its files unpack to: packed,
// they may be a thousandth.
func hold(t *testing.T, b []byte) {
	t.Helper()
	unpacked := 0
	if z, err := zip.NewReader(bytes.NewReader(b), int64(len(b))); err == nil {
		for _, f := range z.File {
			unpacked += int(min(f.UncompressedSize64, 16<<20))
		}
	}
	protocoltest.HoldMemoryBeside(t, "bundle", len(b)+unpacked, 1<<20, func() { _, _ = read(b) })
}

func FuzzRead(f *testing.F) {
	f.Add(written(f))
	f.Add(changed(f, "entries.cbor", []byte{0xa0, 0xa0}))
	f.Fuzz(func(t *testing.T, b []byte) {
		hold(t, b)
		if _, err := read(b); err != nil && !errors.Is(err, bundle.ErrBad) {
			t.Errorf("refused as %v", err)
		}
	})
}
