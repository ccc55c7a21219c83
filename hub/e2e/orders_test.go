package e2e

import (
	"testing"

	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// lastHeard is what was heard of a device last.
func (w *world) lastHeard(id protocol.DeviceID) protocol.Heartbeat {
	w.t.Helper()
	states, err := w.Registry.States(w.t.Context())
	must(w.t, err)
	return states[id].Heartbeat
}

// TestATestToneIsAskedForAndAnswered: a device sounds a test tone and says so; while a
// bulletin is on it refuses one, and its heartbeat says how far and how loud that is.
func TestATestToneIsAskedForAndAnswered(t *testing.T) {
	w := newWorld(t)
	d := w.device(registry.NewDevice{ID: "loa-dong", Name: "Loa thôn Đông", Unit: "thon-dong", Sound: true, Serves: map[protocol.UnitID]uint64{"thon-dong": 1000}})
	w.online(d)
	tone := func() *protocol.ToneResult {
		t.Helper()
		w.until("the device to take a tone", func() bool { return w.lastHeard("loa-dong").ClockSure })
		n, err := w.Dispatch.Tone(t.Context(), "loa-dong", protocol.Tone{Length: 500, Volume: 40})
		must(t, err)
		var r *protocol.ToneResult
		w.until("an answer to the tone", func() bool {
			r = w.lastHeard("loa-dong").Tone
			return r != nil && r.Number == n
		})
		return r
	}
	if r := tone(); r.Reason != protocol.ReasonNone {
		t.Errorf("the tone did not sound: %s", r.Reason)
	}
	b := w.ready(spokenText(1))
	w.air(b, bulletin.Wish{Units: []protocol.UnitID{commune}, When: bulletin.Now, Volume: 70}, "duyet1")
	w.until("the bulletin to be on", func() bool { return w.lastHeard("loa-dong").Playing != "" })
	h := w.lastHeard("loa-dong")
	if p := h.Progress; p == nil || p.Volume != 70 || p.Length < 1000 || p.Position >= p.Length {
		t.Errorf("progress %+v", p)
	}
	if r := tone(); r.Reason != protocol.ReasonBusy {
		t.Errorf("a tone cut into a bulletin: %q", r.Reason)
	}
	w.settled(b, 1)
	w.countedOnce(b, reach.Count{Expected: 1, Played: 1})
}
