package e2e

import (
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/protocol"
)

// An emergency takes two different people, of whom one may approve in a unit above:
// for a village here the commune, for a commune its province. Either alone airs
// nothing, and the device checks both lists by itself.
func TestAnEmergencyIsApprovedByOneHereAndOneAbove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must(t, w.Account.Add(t.Context(), account.NewPerson{
		ID: "duyet-thon", Name: "Trưởng thôn", Password: password, Grants: []account.Grant{{Unit: "thon-dong", Role: account.Approver}},
	}, registrar, "quantri"))
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	b, err := w.Bulletins.Create(t.Context(), w.actor("soan"), bulletin.Content{
		Unit: "thon-dong", Class: protocol.ClassEmergency, Text: "Cháy ở đầu thôn.", Options: bulletin.SoundOptions{Wanted: true},
	}, bulletin.FromText)
	must(t, err)
	w.until("the sound is made", func() bool {
		b, err = w.Bulletins.Get(t.Context(), w.actor("soan"), b.ID)
		must(t, err)
		return b.State == bulletin.Ready
	})
	r := w.air(b, bulletin.Wish{When: bulletin.Now, Units: []protocol.UnitID{"thon-dong"}, Passes: 1, Validity: 30}, "duyet-thon")
	if !r.Approved.IsZero() || w.report(b).Count.Expected != 0 {
		t.Fatal("aired with one signature")
	}
	if _, err := w.Approvals.Approve(t.Context(), w.actor("duyet-thon"), r.Digest, password); err == nil {
		t.Error("the same person approves twice")
	}
	_, err = w.Approvals.Approve(t.Context(), w.actor("duyet1"), r.Digest, password)
	must(t, err)
	w.settled(b, 1)
	w.countedOnce(b, reach.Count{Expected: 1, Played: 1})
}

// A deputy approves in the days of their dated right, for the leader who is away, and
// the device believes it by the registrar's list alone; neither before nor after.
func TestALeaderOnLeaveNeverStopsTheCommune(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must(t, w.Account.Add(t.Context(), account.NewPerson{
		ID: "pho", Name: "Phó chủ tịch", Password: password,
		Grants: []account.Grant{{Unit: commune, Role: account.Auditor}, {Unit: "thon-doai", Role: account.Approver}},
	}, registrar, "quantri"))
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	standIn := func(from, until time.Time) {
		t.Helper()
		must(t, w.Account.AddDeputy(t.Context(), account.Deputy{Person: "pho", For: "duyet1", Unit: commune, From: from, Until: until}, registrar, "quantri"))
	}
	wait := func(b bulletin.Bulletin) protocol.Digest {
		t.Helper()
		return w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100}).Digest
	}
	refused := func(when string, r protocol.Digest, want string) {
		t.Helper()
		if _, err := w.Approvals.Approve(t.Context(), w.actor("pho"), r, password); code(err) != want {
			t.Errorf("%s: %v, want %s", when, err, want)
		}
	}
	first := w.ready(spokenText(1))
	r := wait(first)
	refused("without a right", r, "not-approver")
	standIn(time.Now().Add(time.Hour), time.Now().Add(2*time.Hour))
	refused("before its first day", r, "not-approver")
	standIn(time.Now(), time.Now().Add(time.Hour))
	// What was put before the leader is put before the deputy anew: the device judges a
	// right by the instant that was signed.
	refused("of before", r, "before-right")
	must(t, w.Approvals.Return(t.Context(), w.actor("pho"), r, "Gửi lại."))
	first = w.ready(spokenText(1))
	r = wait(first)
	_, err := w.Approvals.Approve(t.Context(), w.actor("pho"), r, password)
	must(t, err)
	w.settled(first, 1)
	w.countedOnce(first, reach.Count{Expected: 1, Played: 1})

	must(t, w.Account.EndDeputy(t.Context(), commune, "pho", registrar, "quantri"))
	refused("after its end", wait(w.ready(spokenText(1))), "not-approver")
	if r := w.verified(); len(r.Problems) > 0 || r.Approvals != 1 {
		t.Errorf("verify: %q, %d approvals", r.Problems, r.Approvals)
	}
}
