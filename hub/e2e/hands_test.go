package e2e

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// thief holds a running hub: its database, its operating key, all that it serves.
type thief struct {
	w   *world
	hub *envelope.Signer
	old programme.Airing // of a bulletin that was approved, and has played
}

// serve keeps what devices shall fetch.
func (th thief) serve(b []byte) protocol.Content {
	th.w.t.Helper()
	_, _, err := th.w.Blobs.Put(bytes.NewReader(b), int64(len(b)))
	must(th.w.t, err)
	return protocol.ContentOf(b)
}

// air has the hub publish the old airing once more under a new id, changed as the
// thief likes, and returns what the device signed of it.
func (th thief) air(change func(*programme.Airing)) protocol.Receipt {
	w := th.w
	w.t.Helper()
	now := time.Now()
	id, err := protocol.NewID(now, rand.Reader)
	must(w.t, err)
	a := th.old
	a.Wire.ID, a.Wire.Published = protocol.AiringID(id), protocol.InstantOf(now)
	a.Wire.Lateness = protocol.MillisOf(20 * time.Second) // what the device must fetch first may come late
	a.First, a.Last = now, now.Add(time.Minute)
	a.Wire.Start = now.Add(500 * time.Millisecond).In(w.Zone).Format("2006-01-02T15:04:05.000")
	change(&a)
	a.Wire.Unit = a.Units[0]
	must(w.t, store.NewProgramme(w.DB).Air(w.t.Context(), a, false))
	must(w.t, w.Publisher.Publish(w.t.Context(), a.Units))
	var said []protocol.Receipt
	w.until("the device answers for "+id, func() bool {
		said = w.answers(a.Wire.ID)
		return len(said) > 0
	})
	if len(said) != 1 {
		w.t.Errorf("%d receipts of one start", len(said))
	}
	return said[0]
}

// answers are all receipts of an airing.
func (w *world) answers(id protocol.AiringID) []protocol.Receipt {
	w.t.Helper()
	devices, err := w.Registry.Devices(w.t.Context())
	must(w.t, err)
	m, err := w.DB.Material(w.t.Context(), devices, reach.Media)
	must(w.t, err)
	var out []protocol.Receipt
	for _, e := range m.Entries {
		entry, err := protocol.Unmarshal[protocol.Entry](e.Bytes, protocol.MaxControl)
		must(w.t, err)
		if entry.Receipt != nil && entry.Receipt.Airing == id {
			out = append(out, *entry.Receipt)
		}
	}
	return out
}

// Whoever holds the hub's database and operating key can air again what was
// approved, within its approval, and nothing else: the device refuses it and says
// why in a receipt. Nor can they move a device.
func TestAHubInTheWrongHandsAirsNothingBeyondItsApprovals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	b := w.ready(spokenText(1))
	req := w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100, Units: []protocol.UnitID{"thon-dong"}, PlaysPerDay: 2}, "duyet1")
	w.settled(b, 1)
	th := thief{w: w}
	var err error
	th.hub, err = w.Keys.Hub()
	must(t, err)
	th.old, err = store.NewProgramme(w.DB).Airing(t.Context(), w.airing(b))
	must(t, err)

	// The approver's own key, for an approval of last week: the thief has only what it
	// signed then.
	approver, err := w.Account.Signer(t.Context(), "duyet1", password)
	must(t, err)
	signed := func(by *envelope.Signer, change func(*protocol.Statement)) protocol.Content {
		s, err := protocol.Unmarshal[protocol.Statement](req.Bytes, protocol.MaxApproval)
		must(t, err)
		change(&s)
		statement, err := protocol.Marshal(s)
		must(t, err)
		sig, err := by.Sign(envelope.KindApproval, statement)
		must(t, err)
		approval, err := protocol.Marshal(protocol.Approval{Statement: statement, Signatures: [][]byte{sig}})
		must(t, err)
		return th.serve(approval)
	}
	day := func(days int) protocol.Date { return protocol.DateOf(time.Now().AddDate(0, 0, days).In(w.Zone)) }
	frozen, err := w.Bulletins.Get(t.Context(), w.actor("soan"), b.ID)
	must(t, err)
	other, err := protocol.Unmarshal[protocol.Bulletin](readBlob(w, frozen.Digest), protocol.MaxBulletin)
	must(t, err)
	other.Text = "Không ai duyệt lời này."
	text, err := protocol.Marshal(other)
	must(t, err)

	for name, c := range map[string]struct {
		change func(*programme.Airing)
		reason protocol.Reason
	}{
		"on another unit": {func(a *programme.Airing) { a.Units = []protocol.UnitID{commune} }, protocol.ReasonNotPermitted},
		"at night":        {func(a *programme.Airing) { a.Wire.Night = true }, protocol.ReasonNotPermitted},
		"after its last day": {func(a *programme.Airing) {
			a.Wire.Approval = signed(approver, func(s *protocol.Statement) { s.FirstDay, s.LastDay = day(-8), day(-1) })
		}, protocol.ReasonExpired},
		"before its first day": {func(a *programme.Airing) {
			a.Wire.Approval = signed(approver, func(s *protocol.Statement) { s.FirstDay, s.LastDay = day(1), day(8) })
		}, protocol.ReasonNotPermitted},
		"other words": {func(a *programme.Airing) { a.Wire.Bulletin = th.serve(text) }, protocol.ReasonNotPermitted},
		"approved by the hub's key": {func(a *programme.Airing) {
			a.Wire.Bulletin = th.serve(text)
			a.Wire.Approval = signed(th.hub, func(s *protocol.Statement) { s.Bulletin = protocol.DigestOf(text) })
		}, protocol.ReasonNotPermitted},
		"approved by a key of its own": {func(a *programme.Airing) {
			a.Wire.Bulletin = th.serve(text)
			a.Wire.Approval = signed(stranger(t), func(s *protocol.Statement) { s.Bulletin = protocol.DigestOf(text) })
		}, protocol.ReasonBadSignature},
	} {
		if r := th.air(c.change); r.Outcome != protocol.OutcomeSkipped || r.Reason != c.reason {
			t.Errorf("%s: %s %s, want skipped %s", name, r.Outcome, r.Reason, c.reason)
		}
	}
	// Replayed as it was, it is the airing that has played; again, it plays within its
	// approval, and not once too often.
	must(t, w.Publisher.Publish(t.Context(), th.old.Units))
	if r := th.air(func(*programme.Airing) {}); r.Outcome != protocol.OutcomePlayed {
		t.Errorf("within its approval: %s %s", r.Outcome, r.Reason)
	}
	if r := th.air(func(*programme.Airing) {}); r.Outcome != protocol.OutcomeSkipped || r.Reason != protocol.ReasonNotPermitted {
		t.Errorf("once too often: %s %s", r.Outcome, r.Reason)
	}
	if n := len(w.answers(th.old.Wire.ID)); n != 1 {
		t.Errorf("replayed, the old airing has %d receipts", n)
	}

	// A placement by the hub's key moves nothing.
	device, err := w.Registry.Device(t.Context(), d.id)
	must(t, err)
	before := w.heartbeat(d).Placement
	moved := device.Placement
	moved.Number, moved.Path = uint64(time.Now().UnixMilli()), []protocol.UnitID{commune, "thon-doai"}
	payload, err := protocol.Marshal(moved)
	must(t, err)
	doc, err := th.hub.Seal(envelope.KindPlacement, payload)
	must(t, err)
	device.Placement, device.Unit = moved, "thon-doai"
	must(t, w.DB.Registry().PlaceDevice(t.Context(), device, registry.NewDocument(envelope.KindPlacement, string(d.id), moved.Number, doc, time.Now()),
		audit.Act{At: time.Now(), Name: "device placed"}))
	d.stop()
	d.start() // as it connects, the hub sends what it lacks
	w.until("the device refuses it", func() bool {
		return strings.Contains(w.log.String(), `msg="message refused"`) && strings.Contains(w.log.String(), "topic=loa/1/d/loa-dong/cmd")
	})
	if h := w.heartbeat(d); h.Placement != before {
		t.Errorf("the hub's key moved the device: placement %d, before %d", h.Placement, before)
	}
}

// readBlob returns a document that the hub serves.
func readBlob(w *world, d protocol.Digest) []byte {
	w.t.Helper()
	b, err := w.Blobs.Read(d, protocol.MaxBulletin)
	must(w.t, err)
	return b
}
