package protocol_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// Entries follow one another by seq and by hash, up to the signed head.
func TestLink(t *testing.T) {
	entries := protocoltest.Entries(t)
	r := protocoltest.Receipt()
	other := protocoltest.Encode(t, protocol.Entry{Seq: 2, Prev: protocol.DigestOf([]byte("other")), At: 1, Receipt: &r})
	after := protocoltest.Encode(t, protocol.Entry{Seq: 4, Prev: protocol.DigestOf(entries[2]), At: 1, Receipt: &r})
	beyond := protocoltest.Encode(t, protocol.Entry{Seq: 6, Prev: protocol.DigestOf(entries[2]), At: 1, Receipt: &r})
	head := protocoltest.Head
	for _, c := range []struct {
		name    string
		head    protocol.Head
		entries [][]byte
		want    string
	}{
		{"whole chain", head(entries, 5), entries, "ok"},
		{"its end", head(entries, 5), entries[1:], "ok"},
		{"one entry", head(entries[:1], 1), entries[:1], "ok"},
		{"after a loss", head([][]byte{beyond}, 6), append(slices.Clone(entries), beyond), "ok"},
		{"a seq inside a loss", head([][]byte{after}, 4), append(slices.Clone(entries), after), "invalid"},
		{"none", head(entries, 5), nil, "invalid"},
		{"head of a lower seq", head(entries, 3), entries, "invalid"},
		{"head of a higher seq", head(entries, 6), entries, "invalid"},
		{"head of another hash", head(entries[:2], 5), entries, "invalid"},
		{"one left out", head(entries, 5), [][]byte{entries[0], entries[2]}, "invalid"},
		{"turned round", head(entries[:1], 1), [][]byte{entries[1], entries[0]}, "invalid"},
		{"twice", head(entries[:1], 1), [][]byte{entries[0], entries[0]}, "invalid"},
		{"of another chain", head([][]byte{other}, 2), [][]byte{entries[0], other}, "invalid"},
		{"changed", head(entries, 5), [][]byte{entries[0], bytes.Replace(entries[1], []byte("binh-an"), []byte("binh-ab"), 1), entries[2]}, "invalid"},
		{"no entry", head(entries, 5), [][]byte{{0x80}}, "malformed"},
	} {
		got, err := protocol.Link(c.head, c.entries)
		if word := protocoltest.KindOf(err); word != c.want {
			t.Errorf("%s: %s, want %s (%v)", c.name, word, c.want, err)
		}
		if err == nil && len(got) != len(c.entries) {
			t.Errorf("%s: %d entries of %d", c.name, len(got), len(c.entries))
		}
	}
}

// A list of chunks names every byte once.
func TestChunks(t *testing.T) {
	for _, n := range []int{1, protocol.ChunkSize - 1, protocol.ChunkSize, protocol.ChunkSize + 1, 3 * protocol.ChunkSize} {
		b := protocoltest.SoundBytes(n)
		c := protocol.ContentOf(b)
		list := protocol.ChunkList(b)
		if protocol.DigestOf(list) != c.Chunks || len(list) != 32*c.Count() {
			t.Errorf("%d bytes: list of %d bytes for %d chunks", n, len(list), c.Count())
		}
		at := 0
		for i := range c.Count() {
			part := b[at : at+c.ChunkLength(i)]
			if d := protocol.DigestOf(part); !bytes.Equal(d[:], list[32*i:32*i+32]) {
				t.Errorf("%d bytes: chunk %d is not what the list says", n, i)
			}
			at += len(part)
		}
		if at != n || c.ChunkLength(c.Count()) != 0 || c.ChunkLength(-1) != 0 {
			t.Errorf("%d bytes: chunks of %d bytes in all", n, at)
		}
	}
}
