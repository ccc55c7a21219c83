package inbox

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

func (d *desk) alarm(t *testing.T, a protocol.Alert) []byte {
	t.Helper()
	return protocoltest.Seal(t, d.w.Hub, envelope.KindAlert, a)
}

func TestAnAlertIsTakenOnceAndAnsweredEachTime(t *testing.T) {
	d := newDesk(t)
	a := d.w.Alert(t)
	b := d.alarm(t, a)
	for i := range 3 {
		d.get(unitTopic(protocol.VerbAlert), b)
		seen := d.seen(t)
		if len(seen) != 1 || !seen[0].Accepted || seen[0].Alert != protocol.DigestOf(b) {
			t.Errorf("time %d: said %+v", i, seen)
		}
		if got := find[Accepted](d.told()); len(got) != 1-min(i, 1) {
			t.Errorf("time %d: told %v", i, got)
		}
	}
	if _, err := d.Verdict(*a.Airing); err != nil {
		t.Errorf("verdict: %v", err)
	}
	// The plan brings the same airing under the same id.
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2000, *a.Airing)))
	if got := find[Accepted](d.told()); len(got) != 0 {
		t.Errorf("told twice: %v", got)
	}
	if got := find[Accepted](d.restart(t)); len(got) != 1 {
		t.Errorf("told after a restart: %v", got)
	}
}

func TestAnAlertIsRefusedWithItsReason(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(t *testing.T, d *desk, a *protocol.Alert)
		want   protocol.Reason
	}{
		"by one person": {func(t *testing.T, d *desk, a *protocol.Alert) {
			a.Approval = protocoltest.Approve(t, protocoltest.Statement(a.Bulletin, protocol.ClassEmergency), d.w.First)
		}, protocol.ReasonNotPermitted},
		"twice by one person": {func(t *testing.T, d *desk, a *protocol.Alert) {
			a.Approval = protocoltest.Approve(t, protocoltest.Statement(a.Bulletin, protocol.ClassEmergency), d.w.First, d.w.First)
		}, protocol.ReasonNotPermitted},
		"by strangers": {func(t *testing.T, _ *desk, a *protocol.Alert) {
			one, two := protocoltest.Signer(t, "one"), protocoltest.Signer(t, "two")
			a.Approval = protocoltest.Approve(t, protocoltest.Statement(a.Bulletin, protocol.ClassEmergency), one, two)
		}, protocol.ReasonBadSignature},
		"a drill sold as the real thing": {func(t *testing.T, d *desk, a *protocol.Alert) {
			s := protocoltest.Statement(a.Bulletin, protocol.ClassEmergency)
			s.Drill = true
			a.Approval = protocoltest.Approve(t, s, d.w.First, d.w.Second)
		}, protocol.ReasonNotPermitted},
		"over": {func(_ *testing.T, _ *desk, a *protocol.Alert) {
			a.Airing.Start, a.Airing.Until = "2026-11-23T09:00:00", protocoltest.At(-time.Minute)
		}, protocol.ReasonExpired},
		"outliving its approval": {func(_ *testing.T, _ *desk, a *protocol.Alert) {
			a.Airing.Until = protocoltest.At(60 * 24 * time.Hour)
		}, protocol.ReasonNotPermitted},
		"on a day that nobody approved": {func(t *testing.T, d *desk, a *protocol.Alert) {
			s := protocoltest.Statement(a.Bulletin, protocol.ClassEmergency)
			s.FirstDay = "2026-11-24"
			a.Approval = protocoltest.Approve(t, s, d.w.First, d.w.Second)
		}, protocol.ReasonNotPermitted},
		"ending before it starts": {func(_ *testing.T, _ *desk, a *protocol.Alert) {
			a.Airing.Start = "2026-11-23T13:00:00"
		}, protocol.ReasonFault},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			a := d.w.Alert(t)
			tc.change(t, d, &a)
			a.Airing.Bulletin, a.Airing.Approval = protocol.ContentOf(a.Bulletin), protocol.ContentOf(a.Approval)
			d.get(unitTopic(protocol.VerbAlert), d.alarm(t, a))
			seen := d.seen(t)
			if len(seen) != 1 || seen[0].Accepted || seen[0].Reason != tc.want {
				t.Errorf("said %+v, want %s", seen, tc.want)
			}
			if got := d.told(); len(got) != 0 {
				t.Errorf("told %v", got)
			}
			if got := d.held(t); len(got.Airings)+len(got.Documents) != 0 {
				t.Errorf("kept %+v", got)
			}
		})
	}
}

// TestWithAnUnsureClockOnlyAnAnswerCounts: a broker that kept an old alert can
// replay it; the nonce of this session it cannot know beforehand.
func TestWithAnUnsureClockOnlyAnAnswerCounts(t *testing.T) {
	d := newDesk(t)
	d.clock.Reading = unsure()
	d.Inbox.clock()
	d.told()
	a := d.w.Alert(t)
	refused := func(what string) {
		t.Helper()
		if seen := d.seen(t); len(seen) != 1 || seen[0].Reason != protocol.ReasonClockUnsure {
			t.Errorf("%s: said %+v", what, seen)
		}
		if got := find[Accepted](d.told()); len(got) != 0 {
			t.Errorf("%s: told %v", what, got)
		}
	}
	d.get(unitTopic(protocol.VerbAlert), d.alarm(t, a))
	refused("without nonce")
	a.Nonce = protocoltest.Nonce()
	d.get(deviceTopic(protocol.VerbAlert), d.alarm(t, a))
	refused("another nonce")
	d.begun()
	d.ask(true)
	ask, err := protocol.Unmarshal[protocol.Ask](d.said(protocol.VerbAsk)[0], protocol.MaxControl)
	if err != nil || !ask.Resync {
		t.Fatal(ask, err)
	}
	a.Nonce = ask.Nonce
	answer := d.alarm(t, a)
	d.get(deviceTopic(protocol.VerbAlert), answer)
	if seen := d.seen(t); len(seen) != 1 || !seen[0].Accepted {
		t.Errorf("the answer: said %+v", seen)
	}
	if got := find[Accepted](d.told()); len(got) != 1 {
		t.Errorf("the answer: told %v", got)
	}
	// After a power cut the same bytes answer nothing any more.
	if got := find[Accepted](d.restart(t)); len(got) != 0 {
		t.Errorf("after a restart: told %v", got)
	}
	d.get(deviceTopic(protocol.VerbAlert), answer)
	refused("the answer of the session before")
	d.clock.Reading = sureAt(protocoltest.Now())
	d.Inbox.clock()
	if got := find[Accepted](d.told()); len(got) != 1 {
		t.Errorf("once sure: told %v", got)
	}
}

func TestAnAlertThatIsCertainlyOverIsRefusedWithAnyClock(t *testing.T) {
	d := newDesk(t)
	d.ask(true)
	d.clock.Reading = unsure()
	d.clock.Floor = protocoltest.Now().Add(3 * time.Hour)
	a := d.w.Alert(t)
	a.Nonce = d.asked[0].nonce
	d.said(protocol.VerbAsk)
	d.get(deviceTopic(protocol.VerbAlert), d.alarm(t, a))
	if seen := d.seen(t); len(seen) != 1 || seen[0].Reason != protocol.ReasonExpired {
		t.Errorf("said %+v", seen)
	}
}

func TestAnEmergencyOfAPlanWaitsForItsApproval(t *testing.T) {
	d := newDesk(t)
	c := d.w.Claim(t, protocoltest.Emergency())
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2000, c.Airing)))
	if got := find[Accepted](d.told()); len(got) != 0 {
		t.Errorf("told before it can be judged: %v", got)
	}
	if d.contents.needed[0] != c.Airing.Bulletin {
		t.Error("its documents are not the first thing needed")
	}
	d.deliver(c)
	if got := find[Accepted](d.told()); len(got) != 1 {
		t.Errorf("told %v", got)
	}
	// One whose documents never come is told for the record when it is over.
	other := newDesk(t)
	other.get(unitTopic(protocol.VerbPlan), other.head(t, plan(2000, c.Airing)))
	other.clock.Reading = sureAt(c.Airing.Until.Time())
	other.tick()
	if got := find[Accepted](other.told()); len(got) != 1 {
		t.Errorf("told when over: %v", got)
	}
}

func TestAStopIsATombstone(t *testing.T) {
	d := newDesk(t)
	stop := protocoltest.Stop()
	b := d.alarm(t, protocol.Alert{Version: protocol.Version, Stop: &stop})
	for range 2 {
		d.get(unitTopic(protocol.VerbAlert), b)
		if seen := d.seen(t); len(seen) != 1 || !seen[0].Accepted {
			t.Errorf("said %+v", seen)
		}
	}
	if diff := cmp.Diff([]Update{Stopped{Stop: stop}}, d.told()); diff != "" {
		t.Error(diff)
	}
	got := d.restart(t)
	if len(find[Stopped](got)) != 1 {
		t.Errorf("after a restart: %v", got)
	}
	old := stop
	old.ID, old.At, old.Expires = "dung-cu", protocoltest.At(-2*time.Hour), protocoltest.At(-time.Hour)
	d.get(unitTopic(protocol.VerbAlert), d.alarm(t, protocol.Alert{Version: protocol.Version, Stop: &old}))
	if seen := d.seen(t); len(seen) != 1 || seen[0].Reason != protocol.ReasonExpired {
		t.Errorf("an expired one: said %+v", seen)
	}
	d.clock.Reading = sureAt(stop.Expires.Time().Add(72 * time.Hour))
	d.tick()
	if got := d.held(t); len(got.Stops)+len(got.Verdicts) != 0 {
		t.Errorf("kept for ever: %+v", got)
	}
}

func TestAFullDiskHoldsUpNoAlert(t *testing.T) {
	d := newDesk(t)
	d.disk.full = true
	d.get(unitTopic(protocol.VerbPlan), d.w.PlanHead(t))
	if got := d.told(); len(got) != 0 {
		t.Errorf("a plan that was not stored is told: %v", got)
	}
	a := d.w.Alert(t)
	d.get(unitTopic(protocol.VerbAlert), d.alarm(t, a))
	if got := find[Accepted](d.told()); len(got) != 1 {
		t.Errorf("told %v", got)
	}
	if _, err := d.Verdict(*a.Airing); err != nil {
		t.Errorf("verdict: %v", err)
	}
	d.disk.full = false
	d.get(unitTopic(protocol.VerbPlan), d.w.PlanHead(t))
	if got := find[Accepted](d.told()); len(got) != 1 {
		t.Errorf("with room again: told %v", got)
	}
	if diff := cmp.Diff([]bool{true, true, false}, d.faults); diff != "" {
		t.Errorf("fault storage: %s", diff)
	}
}

func (d *desk) command(t *testing.T, by *envelope.Signer, c protocol.Command) {
	t.Helper()
	c.Version, c.Device, c.At = protocol.Version, protocoltest.Speaker, protocoltest.At(0)
	d.get(deviceTopic(protocol.VerbCmd), protocoltest.Seal(t, by, envelope.KindCommand, c))
}

func TestMuteAndUnmuteGoByTheirNumber(t *testing.T) {
	d := newDesk(t)
	d.command(t, d.w.Hub, protocol.Command{Number: 10, Action: protocol.ActionMute})
	d.command(t, d.w.Hub, protocol.Command{Number: 9, Action: protocol.ActionUnmute})
	if diff := cmp.Diff([]Update{Muted{Muted: true}}, d.told()); diff != "" {
		t.Error(diff)
	}
	if got := find[Muted](d.restart(t)); !got[0].Muted || !d.Holdings().Muted {
		t.Errorf("after a restart %v", got)
	}
	d.command(t, d.w.Hub, protocol.Command{Number: 11, Action: protocol.ActionUnmute})
	if diff := cmp.Diff([]Update{Muted{}}, d.told()); diff != "" {
		t.Error(diff)
	}
}

func (d *desk) placement(t *testing.T, by *envelope.Signer, village protocol.UnitID, number uint64) []byte {
	t.Helper()
	p := protocoltest.Placement(protocoltest.Speaker, village)
	p.Number = number
	return protocoltest.Seal(t, by, envelope.KindPlacement, p)
}

func TestANewPlacementDropsWhatTheDeviceLeaves(t *testing.T) {
	d := newDesk(t)
	a := d.w.Claim(t, protocoltest.Bulletin()).Airing
	village := a
	village.ID, village.Unit = "lp-thon", protocoltest.Dong
	inDong := plan(2000, village)
	inDong.Unit = protocoltest.Dong
	h := protocoltest.PlanHead(protocoltest.Encode(t, inDong), 2000)
	h.Unit = protocoltest.Dong
	dongHead := protocoltest.Seal(t, d.w.Hub, envelope.KindPlan, h)
	d.get(protocol.UnitTopic(protocoltest.Dong, protocol.VerbPlan), dongHead)
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2000, a)))
	d.told()
	number := protocoltest.Number(0)
	d.command(t, d.w.Hub, protocol.Command{
		Number: 20, Action: protocol.ActionPlacement, Placement: d.placement(t, d.w.Registrar, protocoltest.Doai, number),
	})
	got := d.told()
	if p := find[Placed](got); len(p) != 1 || p[0].Placement.Path[1] != protocoltest.Doai {
		t.Errorf("told %v", got)
	}
	if diff := cmp.Diff([]Dropped{{Airing: "lp-thon"}}, find[Dropped](got)); diff != "" {
		t.Error(diff)
	}
	if held := d.held(t); len(held.Plans) != 1 || len(held.Airings) != 1 || d.hub.resubscribed != 1 {
		t.Errorf("held %+v, subscribed again %d times", held, d.hub.resubscribed)
	}
	d.restart(t)
	if d.Placement().Number != number {
		t.Errorf("placement %d after a restart", d.Placement().Number)
	}
	// Back again: the old plan of the village was seen before and stays refused.
	d.command(t, d.w.Hub, protocol.Command{
		Number: 21, Action: protocol.ActionPlacement, Placement: d.placement(t, d.w.Registrar, protocoltest.Dong, number+1),
	})
	d.told()
	d.get(protocol.UnitTopic(protocoltest.Dong, protocol.VerbPlan), dongHead)
	if got := find[Accepted](d.told()); len(got) != 0 {
		t.Errorf("an old plan of a unit that was left came back: %v", got)
	}
}

func TestAPlacementIsTheRegistrarsAlone(t *testing.T) {
	d := newDesk(t)
	newer := protocoltest.Number(0)
	other := protocoltest.Placement("loa-doai", protocoltest.Doai)
	other.Number = newer
	for name, placement := range map[string][]byte{
		"by the hub":         d.placement(t, d.w.Hub, protocoltest.Doai, newer),
		"by an approver":     d.placement(t, d.w.First, protocoltest.Doai, newer),
		"older":              d.placement(t, d.w.Registrar, protocoltest.Doai, protocoltest.Number(-23*time.Hour)),
		"a day ahead":        d.placement(t, d.w.Registrar, protocoltest.Doai, protocoltest.Number(25*time.Hour)),
		"of another device":  protocoltest.Seal(t, d.w.Registrar, envelope.KindPlacement, other),
		"with a changed bit": flip(d.placement(t, d.w.Registrar, protocoltest.Doai, newer)),
	} {
		before := d.held(t)
		d.command(t, d.w.Hub, protocol.Command{Number: 30, Action: protocol.ActionPlacement, Placement: placement})
		if diff := cmp.Diff(before, d.held(t)); diff != "" || len(d.told()) != 0 {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestAnotherDevicesPlaceIsNone: what the enrolment brought is refused as well, and
// nothing of it stays.
func TestAnotherDevicesPlaceIsNone(t *testing.T) {
	w := protocoltest.NewWorld(t)
	for name, placement := range map[string][]byte{
		"another device's": w.Placements["loa-doai"],
		"by the hub":       protocoltest.Seal(t, w.Hub, envelope.KindPlacement, protocoltest.Placement(protocoltest.Speaker, protocoltest.Dong)),
		"none":             nil,
	} {
		d := &desk{w: w, contents: &contents{}, clock: &clock{Reading: sureAt(protocoltest.Now())}, hub: &hub{}, dir: t.TempDir()}
		d.store(t)
		c := d.config()
		c.Placement = placement
		if _, err := New(c); err == nil {
			t.Errorf("%s: taken", name)
		}
		if h := d.held(t); h.Meta.Placement != nil || len(h.Lists) != 0 {
			t.Errorf("%s left %+v", name, h)
		}
	}
}

func TestAPlacementWaitsForItsListsAndItsDay(t *testing.T) {
	d := newDesk(t)
	registrar := protocoltest.Signer(t, "registrar of tomorrow")
	del := protocoltest.Delegation(protocol.RoleRegistrar, registrar.Key())
	del.Number = protocoltest.Number(0)
	list := protocoltest.Seal(t, d.w.Root, envelope.KindDelegation, del)
	p := protocoltest.Placement(protocoltest.Speaker, protocoltest.Doai)
	p.Number, p.From = protocoltest.Number(0), protocoltest.At(time.Hour)
	d.command(t, d.w.Hub, protocol.Command{
		Number: 40, Action: protocol.ActionPlacement, Placement: protocoltest.Seal(t, registrar, envelope.KindPlacement, p),
		Lists: []protocol.Content{protocol.ContentOf(list)},
	})
	if d.contents.needed[0] != protocol.ContentOf(list) {
		t.Fatal("the list is not asked for")
	}
	d.contents.put(list)
	d.arrived()
	d.tick()
	if got := find[Placed](d.told()); len(got) != 0 {
		t.Errorf("before its day: %v", got)
	}
	d.clock.Reading = sureAt(p.From.Time())
	d.tick()
	if got := find[Placed](d.told()); len(got) != 1 {
		t.Errorf("on its day: %v", got)
	}
}

func TestAnOlderListOfApproversIsRefused(t *testing.T) {
	d := newDesk(t)
	list := protocoltest.Approvers()
	list.Number = protocoltest.Number(-time.Minute)
	empty := protocoltest.Seal(t, d.w.Registrar, envelope.KindApprovers, list)
	send := func(number uint64, doc []byte) {
		p := plan(number)
		d.contents.put(doc)
		h := protocoltest.PlanHead(protocoltest.Encode(t, p), number, doc)
		d.get(unitTopic(protocol.VerbPlan), protocoltest.Seal(t, d.w.Hub, envelope.KindPlan, h))
		d.arrived()
	}
	send(2000, empty)
	c := d.w.Claim(t, protocoltest.Bulletin())
	d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2001, c.Airing)))
	d.deliver(c)
	if _, err := d.Verdict(c.Airing); err == nil {
		t.Error("an approver who was struck off still counts")
	}
	send(2002, d.w.Approvers) // the hub brings the old list back
	if _, err := d.Verdict(c.Airing); err == nil {
		t.Error("an older list came back")
	}
}

func TestAnAckMustBeOurs(t *testing.T) {
	d := newDesk(t)
	if err := d.disk.Commit(store.Batch{At: 1, Receipts: []protocol.Receipt{protocoltest.Receipt()}}); err != nil {
		t.Fatal(err)
	}
	at, err := d.disk.Head()
	if err != nil {
		t.Fatal(err)
	}
	own := protocol.Head{Device: protocoltest.Speaker, Chain: at.Chain, Seq: at.Seq, Hash: at.Hash}
	changed := own
	changed.Hash = protocol.DigestOf([]byte("x"))
	neighbour := own
	neighbour.Device = "loa-doai"
	for name, b := range map[string][]byte{
		"another hash":   protocoltest.Seal(t, d.w.Hub, envelope.KindAck, changed),
		"another device": protocoltest.Seal(t, d.w.Hub, envelope.KindAck, neighbour),
		"by a stranger":  protocoltest.Seal(t, protocoltest.Signer(t, "stranger"), envelope.KindAck, own),
		"our own batch":  protocoltest.Seal(t, d.w.Devices[protocoltest.Speaker], envelope.KindReceipt, own),
	} {
		d.get(deviceTopic(protocol.VerbAck), b)
		if now, err := d.disk.Head(); err != nil || now.Acked != 0 || d.acked != 0 {
			t.Errorf("%s: acknowledged up to %d", name, now.Acked)
		}
	}
	genuine := protocoltest.Seal(t, d.w.Hub, envelope.KindAck, own)
	d.clock.Reading = sureAt(protocoltest.Now().AddDate(1, 0, 1))
	d.get(deviceTopic(protocol.VerbAck), genuine)
	if now, err := d.disk.Head(); err != nil || now.Acked != 0 || d.acked != 0 {
		t.Errorf("by a hub whose time is over: acknowledged up to %d", now.Acked)
	}
	d.clock.Reading = sureAt(protocoltest.Now())
	d.get(deviceTopic(protocol.VerbAck), genuine)
	if now, err := d.disk.Head(); err != nil || now.Acked != at.Seq || d.acked != 1 {
		t.Errorf("acknowledged up to %d of %d", now.Acked, at.Seq)
	}
	d.command(t, d.w.Hub, protocol.Command{Number: 50, Action: protocol.ActionResync, Seq: 1})
	if now, err := d.disk.Head(); err != nil || now.Acked != 0 || d.acked != 2 {
		t.Errorf("asked again from 1: acknowledged up to %d", now.Acked)
	}
}

func TestAnAnswerCountsOnce(t *testing.T) {
	d := newDesk(t)
	d.ask(false)
	a := protocol.TimeAnswer{Device: protocoltest.Speaker, Nonce: d.asked[0].nonce, At: protocoltest.At(0)}
	b := protocoltest.Seal(t, d.w.Hub, envelope.KindTime, a)
	d.get(deviceTopic(protocol.VerbTime), b)
	d.get(deviceTopic(protocol.VerbTime), b)
	if len(d.clock.answers) != 1 {
		t.Errorf("%d answers taken", len(d.clock.answers))
	}
	// No hub can set a clock beyond the end of its own delegation.
	for _, reading := range []timesync.Reading{unsure(), sureAt(protocoltest.Now())} {
		d.ask(false)
		d.clock.Reading = reading
		late := protocol.TimeAnswer{
			Device: protocoltest.Speaker, Nonce: d.asked[len(d.asked)-1].nonce, At: protocoltest.At(400 * 24 * time.Hour),
		}
		d.get(deviceTopic(protocol.VerbTime), protocoltest.Seal(t, d.w.Hub, envelope.KindTime, late))
		if len(d.clock.answers) != 1 {
			t.Errorf("an answer after the end of the hub's delegation was taken, sure %v", reading.Sure)
		}
	}
}
