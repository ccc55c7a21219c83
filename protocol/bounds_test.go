package protocol_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// Reading takes memory in proportion to the bytes that were sent, not to the
// lengths that they claim.
func TestMemoryIsBounded(t *testing.T) {
	for _, v := range protocoltest.LoadVectors(t, vectorDir) {
		d, _ := protocoltest.DecoderOf(v.Kind)
		holdMemory(t, v.Kind+", "+v.Name, d, v.Bytes())
	}
	for _, e := range examples(t) {
		d, _ := protocoltest.DecoderOf(e.kind)
		for _, ed := range e.edits {
			v := e.value()
			ed.do(v)
			holdMemory(t, e.kind+", "+ed.name, d, raw(t, v))
		}
	}
}

// The same for messages as long as their limit that are made to cost much.
func TestMemoryIsBoundedAtTheLimit(t *testing.T) {
	items := map[string][]byte{
		"zeros": {0}, "empty maps": {0xa0}, "empty arrays": {0x80}, "empty texts": {0x60}, "empty bytes": {0x40},
		"letters": {0x61, 'a'}, "one-byte strings": {0x41, 0}, "true": {0xf5}, "quiet hours": bites("a2 01 00 02 00"),
		"maps of one": bites("a1 01 00"), "withdrawals": bites("a2 01 61 61 02 00"), "floats": bites("f9 0000"),
	}
	for _, e := range examples(t) {
		d, _ := protocoltest.DecoderOf(e.kind)
		pairs := split(t, raw(t, e.value()))
		for name, item := range items {
			for _, p := range append(pairs, pair{key: bites("19 03e8")}) {
				room := d.Limit - len(raw(t, e.value())) - 16
				if room > 256<<10 {
					room = 256 << 10
				}
				many := head(0x80, room/len(item))
				many = append(many, bytes.Repeat(item, room/len(item))...)
				b := replace(pairs, p, many)
				if p.value == nil {
					b = join(mapHead(len(pairs)+1), append(pairs, pair{p.key, many}))
				}
				holdMemory(t, fmt.Sprintf("%s, key %x of many %s", e.kind, p.key, name), d, b)
			}
		}
	}
}

// head returns the shortest head of an item.
func head(major byte, n int) []byte {
	switch {
	case n < 24:
		return []byte{major | byte(n)}
	case n < 1<<8:
		return []byte{major | 24, byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{major | 25}, uint16(n))
	}
	return binary.BigEndian.AppendUint32([]byte{major | 26}, uint32(n))
}

func holdMemory(t *testing.T, name string, d protocoltest.Decoder, b []byte) {
	t.Helper()
	protocoltest.HoldMemory(t, name, len(b), func() {
		_, _, _ = d.Decode(b) // a refusal costs no more than an answer
	})
}

// The longest valid messages fit where they travel.
func TestLongestMessagesFit(t *testing.T) {
	id := string(repeat(protocol.MaxIDLength, byte('z')))
	receipt := protocoltest.Receipt()
	receipt.Airing, receipt.Unit, receipt.Medium = protocol.AiringID(id), protocol.UnitID(id), protocol.MediumBoard
	receipt.Proof, receipt.Frames, receipt.Plays = protocol.ProofShown, 0, stretches(protocol.MaxPlays)
	receipt.Pixels = repeat(protocol.MaxPixels, protocol.DigestOf([]byte("page")))
	entry := protocoltest.Encode(t, protocol.Entry{Seq: 1 << 60, Prev: protocol.DigestOf(nil), At: 1 << 60, Receipt: &receipt})
	chain := protocol.Head{Device: protocol.DeviceID(id), Chain: protocol.DigestOf(nil), Seq: 1 << 60, Hash: protocol.DigestOf(entry)}
	signed := protocoltest.Seal(t, protocoltest.Signer(t, "device"), "receipt", chain)

	placement := protocoltest.Placement(protocol.DeviceID(id), "x")
	placement.Path, placement.Name = nil, string(repeat(200, 'ễ'))
	for i := range 8 {
		placement.Path = append(placement.Path, protocol.UnitID(id[:63]+fmt.Sprint(i)))
	}
	placement.Predecessors = repeat(32, protocol.UnitID(id))
	placement.Tags, placement.Serves = repeat(16, id), nil
	for i := range 64 {
		placement.Serves = append(placement.Serves, protocol.Share{
			Village: protocol.UnitID(fmt.Sprintf("%s%02d", id[:62], i)), Share: 1000, By: protocol.PersonID(id), On: "2026-11-23",
		})
	}
	command := protocoltest.Command()
	command.Action, command.Device = protocol.ActionPlacement, protocol.DeviceID(id)
	command.Placement = protocoltest.Seal(t, protocoltest.Signer(t, "registrar"), "placement", placement)

	units := make([]protocol.UnitID, 1000)
	for i := range units {
		units[i] = protocol.UnitID(fmt.Sprintf("%s%03d", id[:61], i))
	}
	statement := protocoltest.Statement(nil, protocol.ClassEmergency)
	statement.Units, statement.Night, statement.NightReason = units, true, string(repeat(500, 'ễ'))
	populations := protocoltest.Populations()
	populations.Villages = nil
	for _, u := range units {
		populations.Villages = append(populations.Villages, protocol.Population{
			Village: u, People: 100_000_000, Source: string(repeat(160, byte('s'))), On: "2026-07-01",
		})
	}
	plan := protocoltest.PlanHead(make([]byte, protocol.MaxInlinePlan), 1<<60)
	plan.Unit, plan.Lists = protocol.UnitID(id), repeat(64, protocol.ContentOf(make([]byte, 100_000)))

	first, second := protocoltest.Signer(t, "duyet1"), protocoltest.Signer(t, "duyet2")
	for _, c := range []struct {
		name  string
		bytes []byte
		limit int
	}{
		{"batch of one entry", protocoltest.Encode(t, protocol.Batch{Head: signed, Entries: [][]byte{entry}}), protocol.MaxControl},
		{"command with a placement", protocoltest.Seal(t, first, "command", command), protocol.MaxControl},
		{"approval of 1000 units", protocoltest.Approve(t, statement, first, second, first, second), protocol.MaxApproval},
		{"populations of 1000 villages", protocoltest.Seal(t, first, "populations", populations), 256 << 10},
		{"plan head", protocoltest.Seal(t, first, "plan", plan), protocol.MaxControl},
		{"chunk", protocoltest.Encode(t, protocol.Chunk{List: true, N: 4096, Data: make([]byte, protocol.ChunkSize)}), protocol.MaxChunk},
	} {
		if len(c.bytes) > c.limit {
			t.Errorf("%s is %d bytes long, at most %d travel", c.name, len(c.bytes), c.limit)
		}
	}
}

func BenchmarkDecodePlan500(b *testing.B) {
	w := protocoltest.NewWorld(b)
	a := w.Claim(b, protocoltest.Bulletin()).Airing
	var airings []protocol.Airing
	for i := range 500 {
		a.ID = protocol.AiringID(fmt.Sprintf("lp-%04d", i))
		airings = append(airings, a)
	}
	plan := protocoltest.Encode(b, protocoltest.Plan(airings...))
	b.SetBytes(int64(len(plan)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := protocol.Unmarshal[protocol.Plan](plan, protocol.MaxPlan); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeHeartbeat(b *testing.B) {
	h := protocoltest.Encode(b, protocoltest.Heartbeat())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := protocol.Unmarshal[protocol.Heartbeat](h, protocol.MaxControl); err != nil {
			b.Fatal(err)
		}
	}
}
