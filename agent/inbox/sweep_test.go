package inbox

import (
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

func TestWhatIsOverIsForgotten(t *testing.T) {
	d := newDesk(t)
	c := d.w.Claim(t, protocoltest.Bulletin())
	d.get(unitTopic(protocol.VerbPlan), d.head(t, protocoltest.Plan(c.Airing)))
	d.deliver(c)
	d.clock.Reading = sureAt(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	d.tick()
	if got := d.held(t); len(got.Airings) != 1 || len(got.Documents) != 2 || len(got.Stops) != 0 || len(got.Withdrawals) != 0 {
		t.Errorf("on the day after the last one: %d airings, %d documents, %d stops, %d withdrawals",
			len(got.Airings), len(got.Documents), len(got.Stops), len(got.Withdrawals))
	}
	later := plan(protocoltest.Number(time.Hour))
	later.Withdrawals = []protocol.Withdrawal{{Airing: c.Airing.ID, At: protocol.InstantOf(time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC))}}
	d.get(unitTopic(protocol.VerbPlan), d.head(t, later))
	d.swept = time.Time{}
	d.tick()
	if got := d.held(t); len(got.Airings) != 1 || len(got.Withdrawals) != 1 {
		t.Errorf("a withdrawal of what is held: %d airings, %d withdrawals", len(got.Airings), len(got.Withdrawals))
	}
	d.clock.Reading = sureAt(time.Date(2027, 1, 5, 0, 0, 0, 0, time.UTC))
	d.swept = time.Time{}
	d.tick()
	d.swept = time.Time{}
	d.tick()
	if got := d.held(t); len(got.Airings) != 0 || len(got.Documents) != 0 || len(got.Withdrawals) != 0 {
		t.Errorf("days after the last one: %d airings, %d documents, %d withdrawals", len(got.Airings), len(got.Documents), len(got.Withdrawals))
	}
}

// TestWhatNobodyApprovedIsForgottenToo: an airing whose approval never holds goes when it
// can sound no more, and its documents with it; not before, nor while a plan names it.
func TestWhatNobodyApprovedIsForgottenToo(t *testing.T) {
	endless := func(a *protocol.Airing) { a.Rule, a.ExDates, a.RDates = "FREQ=DAILY", nil, nil }
	by := func(name string, change func(*protocol.Statement)) func(*testing.T, *envelope.Claim) {
		return func(t *testing.T, c *envelope.Claim) {
			s := protocoltest.Statement(c.Bulletin, c.Airing.Class)
			change(&s)
			c.Approval = protocoltest.Approve(t, s, protocoltest.Signer(t, name))
		}
	}
	stranger := by("stranger", func(*protocol.Statement) {})
	long := by("stranger", func(s *protocol.Statement) { s.LastDay = "9999-12-31" })
	junk := func(_ *testing.T, c *envelope.Claim) { c.Approval = []byte("no approval") }
	day := func(s string) time.Time {
		at, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for name, tc := range map[string]struct {
		approve func(*testing.T, *envelope.Claim) // nil: it never comes
		rule    func(*protocol.Airing)
		last    time.Time // the last day on which it is held
	}{
		// Of its ten days one is left out: the last is 2 December. Two days for the receipts,
		// and one for the longest bulletin.
		"by a stranger":                         {stranger, nil, day("2026-12-05")},
		"by a stranger, for thousands of years": {long, nil, day("2026-12-05")},
		"never there":                           {nil, nil, day("2026-12-05")},
		"none at all":                           {junk, nil, day("2026-12-05")},
		// Without an end of its own it ends with what was signed, by whomever, or when its
		// plan would have let go of it.
		"by a stranger, without an end":                         {stranger, endless, day("2027-01-03")},
		"by a stranger, without an end, for thousands of years": {long, endless, day("2027-01-27")},
		"never there, without an end":                           {nil, endless, day("2027-01-27")},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			c := d.w.Claim(t, protocoltest.Bulletin())
			if tc.approve != nil {
				tc.approve(t, &c)
			}
			if tc.rule != nil {
				tc.rule(&c.Airing)
			}
			c.Airing.Approval = protocol.ContentOf(c.Approval)
			d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2000, c.Airing)))
			d.contents.put(c.Bulletin)
			if tc.approve != nil {
				d.contents.put(c.Approval)
			}
			d.arrived()
			if _, err := d.Verdict(c.Airing); err == nil {
				t.Fatal("it is approved")
			}
			held := func(at time.Time) bool {
				t.Helper()
				d.clock.Reading = sureAt(at)
				d.swept = time.Time{}
				d.tick()
				d.swept, d.Inbox.told = time.Time{}, time.Time{}
				d.tick()
				h := d.held(t)
				if len(h.Airings) == 0 && len(h.Documents) != 0 {
					t.Errorf("%d documents of nothing", len(h.Documents))
				}
				if d.Holds(c.Airing.ID) != (len(h.Airings) == 1) {
					t.Errorf("%d airings in the store, held: %t", len(h.Airings), d.Holds(c.Airing.ID))
				}
				return len(h.Airings) == 1
			}
			if !held(tc.last.AddDate(0, 6, 0)) {
				t.Error("gone while its plan names it")
			}
			d.get(unitTopic(protocol.VerbPlan), d.head(t, plan(2001)))
			if !held(tc.last.Add(-time.Hour)) {
				t.Error("gone while something of it is owed")
			}
			d.told()
			if held(tc.last.AddDate(0, 0, 2)) {
				t.Error("held for ever")
			}
			if got := find[Dropped](d.told()); len(got) != 1 {
				t.Errorf("told %v", got)
			}
			if got := find[Accepted](d.restart(t)); len(got) != 0 {
				t.Errorf("back after a restart: %v", got)
			}
		})
	}
}
