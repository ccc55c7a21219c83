package protocol_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

func FuzzBulletin(f *testing.F)    { fuzz(f, "bulletin") }
func FuzzStatement(f *testing.F)   { fuzz(f, "statement") }
func FuzzApproval(f *testing.F)    { fuzz(f, "approval") }
func FuzzAiring(f *testing.F)      { fuzz(f, "airing") }
func FuzzStop(f *testing.F)        { fuzz(f, "stop") }
func FuzzPlan(f *testing.F)        { fuzz(f, "plan") }
func FuzzPlanHead(f *testing.F)    { fuzz(f, "plan-head") }
func FuzzAlert(f *testing.F)       { fuzz(f, "alert") }
func FuzzSeen(f *testing.F)        { fuzz(f, "seen") }
func FuzzCommand(f *testing.F)     { fuzz(f, "command") }
func FuzzAsk(f *testing.F)         { fuzz(f, "ask") }
func FuzzTimeAnswer(f *testing.F)  { fuzz(f, "time-answer") }
func FuzzChunk(f *testing.F)       { fuzz(f, "chunk") }
func FuzzWant(f *testing.F)        { fuzz(f, "want") }
func FuzzHeartbeat(f *testing.F)   { fuzz(f, "heartbeat") }
func FuzzReceipt(f *testing.F)     { fuzz(f, "receipt") }
func FuzzEntry(f *testing.F)       { fuzz(f, "entry") }
func FuzzHead(f *testing.F)        { fuzz(f, "head") }
func FuzzBatch(f *testing.F)       { fuzz(f, "batch") }
func FuzzRoots(f *testing.F)       { fuzz(f, "roots") }
func FuzzEndorsed(f *testing.F)    { fuzz(f, "endorsed") }
func FuzzDelegation(f *testing.F)  { fuzz(f, "delegation") }
func FuzzApprovers(f *testing.F)   { fuzz(f, "approvers") }
func FuzzPlacement(f *testing.F)   { fuzz(f, "placement") }
func FuzzPopulations(f *testing.F) { fuzz(f, "populations") }
func FuzzFrames(f *testing.F)      { fuzz(f, "frames") }

// fuzz holds for one kind of message: nothing panics; a refusal is of one kind;
// what is read has one form in bytes; bytes without optional keys are that form,
// so no two of them mean the same.
func fuzz(f *testing.F, kind string) {
	d, ok := protocoltest.DecoderOf(kind)
	if !ok {
		f.Fatalf("no decoder of %s", kind)
	}
	for _, v := range protocoltest.LoadVectors(f, vectorDir) {
		if v.Kind == kind && v.Pad == 0 {
			f.Add([]byte(v.Hex))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		holdMemory(t, kind, d, b)
		in := bytes.Clone(b)
		v, again, err := d.Decode(b)
		if !bytes.Equal(in, b) {
			t.Fatalf("the decoder changed its input")
		}
		if err != nil {
			switch word := protocoltest.KindOf(err); word {
			case "malformed", "unknown-key", "too-large", "invalid", "version":
			default:
				t.Fatalf("refused as %s", word)
			}
			return
		}
		if len(again) > len(b) {
			t.Fatalf("%x grew to %x", b, again)
		}
		if !optional(t, b) && !bytes.Equal(again, b) {
			t.Fatalf("two forms of one message: %x and %x", b, again)
		}
		w, third, err := d.Decode(again)
		if err != nil || !bytes.Equal(third, again) {
			t.Fatalf("%x is no fixed point: %x, %v", again, third, err)
		}
		if diff := cmp.Diff(v, w); diff != "" {
			t.Fatalf("read differently the second time:\n%s", diff)
		}
	})
}

// optional says whether a map in b has a key that may be ignored. It is judged
// by the library alone, not by the code under test.
func optional(t *testing.T, b []byte) bool {
	t.Helper()
	var v any
	if err := cbor.Unmarshal(b, &v); err != nil {
		t.Fatalf("taken, yet no CBOR: %v", err)
	}
	var has func(any) bool
	has = func(v any) bool {
		switch v := v.(type) {
		case map[any]any:
			for k, e := range v {
				if n, ok := k.(uint64); (ok && n >= protocol.OptionalKey) || has(e) {
					return true
				}
			}
		case []any:
			for _, e := range v {
				if has(e) {
					return true
				}
			}
		}
		return false
	}
	return has(v)
}

func FuzzLink(f *testing.F) {
	entries := protocoltest.Entries(f)
	f.Add(entries[0], entries[1], entries[2], uint64(5))
	f.Add(entries[0], entries[2], entries[1], uint64(2))
	f.Add(entries[1], entries[1], entries[1], uint64(2))
	f.Fuzz(func(t *testing.T, a, b, c []byte, seq uint64) {
		head := protocoltest.Head([][]byte{c}, seq)
		protocoltest.HoldMemory(t, "entries", len(a)+len(b)+len(c), func() { _, _ = protocol.Link(head, [][]byte{a, b, c}) })
		got, err := protocol.Link(head, [][]byte{a, b, c})
		if err != nil {
			return
		}
		next := got[0].Seq
		for i, e := range got {
			if e.Seq != next {
				t.Fatalf("entry %d of seq %d, want %d", i, e.Seq, next)
			}
			next = e.Last() + 1
		}
		if next != seq+1 || got[1].Prev != protocol.DigestOf(a) || got[2].Prev != protocol.DigestOf(b) {
			t.Fatalf("taken, yet broken")
		}
	})
}

func FuzzTopics(f *testing.F) {
	for _, s := range topicSeeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		protocoltest.HoldMemory(t, "topic", len(s), func() {
			_, _, _ = protocol.ParseDeviceTopic(s)
			_, _, _ = protocol.ParseUnitTopic(s)
			_, _ = protocol.ParseChunkTopic(s)
			_, _, _ = protocol.ParseFramesTopic(s)
			_, _ = protocol.ParseSessionFilter(s)
			_, _ = protocol.ParseClient(s)
		})
		if d, v, err := protocol.ParseDeviceTopic(s); err == nil && protocol.DeviceTopic(d, v) != s {
			t.Errorf("%q read as another device's topic", s)
		}
		if u, v, err := protocol.ParseUnitTopic(s); err == nil && protocol.UnitTopic(u, v) != s {
			t.Errorf("%q read as another unit's topic", s)
		}
		if d, err := protocol.ParseChunkTopic(s); err == nil && protocol.ContentFilter(d)[:len(protocol.ContentFilter(d))-1] != s[:len(protocol.ContentFilter(d))-1] {
			t.Errorf("%q read as another content's topic", s)
		}
		if id, n, err := protocol.ParseFramesTopic(s); err == nil && protocol.FramesTopic(id, n) != s {
			t.Errorf("%q read as other frames", s)
		}
		if id, err := protocol.ParseSessionFilter(s); err == nil && protocol.SessionFilter(id) != s {
			t.Errorf("%q read as another session", s)
		}
		if c, err := protocol.ParseClient(s); err == nil && c.String() != s {
			t.Errorf("%q read as another client", s)
		}
		path := []protocol.UnitID{"binh-an", "binh-an-dong"}
		for _, bulk := range []bool{false, true} {
			c := protocol.Client{Device: "loa-dong", Bulk: bulk}
			if c.MayPublish(s) && (bulk || s[:len("loa/1/d/loa-dong/")] != "loa/1/d/loa-dong/") {
				t.Errorf("%s may publish %q", c, s)
			}
			if c.MaySubscribe(s, path) && strings.ContainsAny(s, "#") {
				t.Errorf("%s may subscribe to %q", c, s)
			}
		}
	})
}

func FuzzParseDigest(f *testing.F) {
	f.Add(protocol.DigestOf(nil).String())
	f.Add("")
	f.Add("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")
	f.Fuzz(func(t *testing.T, s string) {
		protocoltest.HoldMemory(t, "digest", len(s), func() { _, _ = protocol.ParseDigest(s) })
		if d, err := protocol.ParseDigest(s); err == nil && d.String() != s {
			t.Errorf("%q and %q are one digest", s, d)
		}
	})
}
