package e2e

import (
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// listed has the registrar sign the commune's next list of approvers.
func (w *world) listed(change func(*protocol.Approvers)) protocol.Approvers {
	w.t.Helper()
	signer, err := w.Registry.Registrar(w.t.Context(), registrar, commune)
	must(w.t, err)
	l, err := w.Account.Approvers(w.t.Context(), commune)
	must(w.t, err)
	now := time.Now()
	l.Number, l.Issued = uint64(now.UnixMilli()), protocol.InstantOf(now)
	change(&l)
	doc, err := registry.SealDocument(signer, envelope.KindApprovers, string(commune), l.Number, &l, now)
	must(w.t, err)
	must(w.t, w.DB.Accounts().AddLists(w.t.Context(), []registry.Document{doc}, audit.Act{At: now, Name: "approvers signed"}))
	return l
}

// Whoever holds a running hub, and assertions that an approver's own phone made
// elsewhere, without its person verified, or for other words, airs nothing with them;
// nor with the phone of an approver who was struck off, and the list on which they stood.
func TestAHubInTheWrongHandsHasNoPasskeyAndNoOlderList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	phone, other := protocoltest.NewPasskey(t, "duyet1"), protocoltest.NewPasskey(t, "thief")
	old := w.listed(func(l *protocol.Approvers) {
		site := protocoltest.Site()
		l.Site = &site
		for _, a := range l.People {
			if a.Person == "duyet1" {
				a.Key, a.From = phone.Key(), l.Issued
				l.People = append(l.People, a)
			}
		}
	})
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	b := w.ready(spokenText(1))
	req := w.air(b, bulletin.Wish{When: bulletin.Now, Units: []protocol.UnitID{"thon-dong"}, PlaysPerDay: 4}, "duyet1")
	w.settled(b, 1)
	th := thief{w: w}
	var err error
	th.old, err = store.NewProgramme(w.DB).Airing(t.Context(), w.airing(b))
	must(t, err)
	of := func(statement []byte, a protocol.Assertion) func(*programme.Airing) {
		approval, err := protocol.Marshal(protocol.Approval{Statement: statement, Signatures: [][]byte{}, Assertions: []protocol.Assertion{a}})
		must(t, err)
		return func(a *programme.Airing) { a.Wire.Approval = th.serve(approval) }
	}
	by := func(a protocol.Assertion) func(*programme.Airing) { return of(req.Bytes, a) }
	stolen := other.Assert(req.Bytes)
	stolen.Key = phone.Assert(req.Bytes).Key
	for name, c := range map[string]struct {
		assertion protocol.Assertion
		reason    protocol.Reason
	}{
		"on another site's page": {phone.Assert(req.Bytes, func(a *protocoltest.Asked) { a.Client["origin"] = "https://loa.evil.example" }), protocol.ReasonNotPermitted},
		"for another site's key": {phone.Assert(req.Bytes, func(a *protocoltest.Asked) { a.Host = "evil.example" }), protocol.ReasonNotPermitted},
		"nobody was verified":    {phone.Assert(req.Bytes, func(a *protocoltest.Asked) { a.Flags = 0x19 }), protocol.ReasonNotPermitted},
		"nobody was there":       {phone.Assert(req.Bytes, func(a *protocoltest.Asked) { a.Flags = 0x1c }), protocol.ReasonNotPermitted},
		"to log in":              {phone.Assert([]byte("a log-in at the hub")), protocol.ReasonBadSignature},
		"by another phone":       {stolen, protocol.ReasonBadSignature},
		"by a phone on no list":  {other.Assert(req.Bytes), protocol.ReasonBadSignature},
	} {
		if r := th.air(by(c.assertion)); r.Outcome != protocol.OutcomeSkipped || r.Reason != c.reason {
			t.Errorf("%s: %s %s, want skipped %s", name, r.Outcome, r.Reason, c.reason)
		}
	}
	if r := th.air(by(phone.Assert(req.Bytes))); r.Outcome != protocol.OutcomePlayed {
		t.Fatalf("the approver's phone, here and for this: %s %s", r.Outcome, r.Reason)
	}

	// The approver's right ends: nothing new is taken by it.
	w.listed(func(l *protocol.Approvers) {
		for i, a := range l.People {
			if a.Person == "duyet1" {
				l.People[i].Until = l.Issued
			}
		}
	})
	again := func(at time.Time, plays uint64) protocol.Receipt {
		t.Helper()
		s, err := protocol.Unmarshal[protocol.Statement](req.Bytes, protocol.MaxApproval)
		must(t, err)
		s.At, s.PlaysPerDay = protocol.InstantOf(at), plays
		statement, err := protocol.Marshal(s)
		must(t, err)
		return th.air(of(statement, phone.Assert(statement)))
	}
	if r := again(time.Now(), 10); r.Outcome != protocol.OutcomeSkipped || r.Reason != protocol.ReasonExpired {
		t.Errorf("after the end of the right: %s %s, want skipped expired", r.Outcome, r.Reason)
	}
	// Struck off, because the thief has that phone too, it helps no more to date a
	// statement back, nor to bring the list back on which it stood.
	must(t, w.Account.Strike(t.Context(), commune, "duyet1", registrar, "quantri"))
	for i, c := range []string{"with the newer list", "with the older one back"} {
		if r := again(old.Issued.Time().Add(time.Second), uint64(20+i)); r.Outcome != protocol.OutcomeSkipped || r.Reason != protocol.ReasonBadSignature {
			t.Errorf("struck off, %s: %s %s, want skipped bad signature", c, r.Outcome, r.Reason)
		}
		_, err = w.DB.Writer().ExecContext(t.Context(), `DELETE FROM trust WHERE kind = ? AND number > ?`, string(envelope.KindApprovers), old.Number)
		must(t, err)
	}
	if l, err := w.Account.Approvers(t.Context(), commune); err != nil || l.Number != old.Number {
		t.Errorf("the hub has list %d, want the older %d (%v)", l.Number, old.Number, err)
	}
}
