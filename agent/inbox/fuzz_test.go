package inbox

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// FuzzTake brings a device whatever a broker can say: what nobody signed changes nothing
// that the device holds or tells its playout.
func FuzzTake(f *testing.F) {
	d := newDesk(f)
	claim := d.w.Claim(f, protocoltest.Bulletin())
	d.get(unitTopic(protocol.VerbPlan), protocoltest.Seal(f, d.w.Hub, envelope.KindPlan, protocoltest.PlanHead(protocoltest.Encode(f, plan(1000)), 1000)))
	d.told()
	stranger := protocoltest.Signer(f, "stranger")
	good := plan(2000, claim.Airing)
	for verb, b := range map[protocol.Verb][]byte{
		protocol.VerbPlan:  protocoltest.Seal(f, stranger, envelope.KindPlan, protocoltest.PlanHead(protocoltest.Encode(f, good), good.Number)),
		protocol.VerbAlert: protocoltest.Seal(f, stranger, envelope.KindAlert, d.w.Alert(f)),
		protocol.VerbCmd:   protocoltest.Seal(f, stranger, envelope.KindCommand, protocoltest.Command()),
		protocol.VerbTime:  protocoltest.Seal(f, stranger, envelope.KindTime, protocol.TimeAnswer{Device: protocoltest.Speaker, Nonce: protocoltest.Nonce(), At: protocoltest.At(0)}),
		protocol.VerbAck:   {},
	} {
		f.Add(deviceTopic(verb), b)
		f.Add(unitTopic(verb), b)
	}
	held := func(tb testing.TB) any {
		h, err := d.disk.Held()
		if err != nil {
			tb.Fatal(err)
		}
		return h
	}
	before := held(f)
	f.Fuzz(func(t *testing.T, topic string, b []byte) {
		// Beside it, a verdict on what is refused, and a page of the store.
		protocoltest.HoldMemoryBeside(t, "message to a device", len(topic)+len(b), 64<<10, func() {
			d.get(topic, b)
			d.said("")
		})
		if got := d.told(); len(got) != 0 {
			t.Errorf("told %v", got)
		}
		if diff := cmp.Diff(before, held(t)); diff != "" {
			t.Error(diff)
		}
		if len(d.clock.answers) != 0 {
			t.Error("taken for the time")
		}
	})
}
