package inbox

import (
	"fmt"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// airings is how many a large plan holds, each with a bulletin and an approval of
// its own.
const airings = 500

// large is a desk whose documents have all come, and its plan.
func large(b *testing.B) (*desk, protocol.Plan) {
	b.Helper()
	d := newDesk(b)
	var all []protocol.Airing
	for i := range airings {
		doc := protocoltest.Bulletin()
		doc.ID = protocol.BulletinID(fmt.Sprintf("bt-%03d", i))
		c := d.w.Claim(b, doc)
		d.contents.put(c.Bulletin)
		d.contents.put(c.Approval)
		all = append(all, c.Airing)
	}
	d.contents.put(protocoltest.SoundBytes(40_000))
	return d, plan(protocoltest.Number(0), all...)
}

// taken has a desk take a plan and judge each of its airings, as before a start.
func (d *desk) taken(b *testing.B, head []byte, p protocol.Plan) {
	d.get(unitTopic(protocol.VerbPlan), head)
	d.arrived()
	if h := d.Holdings(); len(h.Plans) != 1 || h.Plans[0].Number != p.Number {
		b.Fatalf("holds %+v", h.Plans)
	}
	for _, a := range p.Airings {
		if _, err := d.Verdict(a); err != nil {
			b.Fatal(err)
		}
	}
}

// sealed puts a plan's body onto the device and returns its head.
func (d *desk) sealed(b *testing.B, p protocol.Plan) []byte {
	body := protocoltest.Encode(b, p)
	d.contents.put(body)
	return protocoltest.Seal(b, d.w.Hub, envelope.KindPlan, protocoltest.PlanHead(body, p.Number))
}

// A plan of 500 airings by a device that has judged none of them.
func BenchmarkPlanCold(b *testing.B) {
	for range b.N {
		b.StopTimer()
		d, p := large(b)
		head := d.sealed(b, p)
		b.StartTimer()
		d.taken(b, head, p)
	}
}

// The next plan, of the same airings: their approvals are known by their digests.
func BenchmarkPlanCached(b *testing.B) {
	d, p := large(b)
	d.taken(b, d.sealed(b, p), p)
	b.ResetTimer() // what was cold is not counted
	for range b.N {
		b.StopTimer()
		p.Number++
		head := d.sealed(b, p)
		b.StartTimer()
		d.taken(b, head, p)
	}
}
