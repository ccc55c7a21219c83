package playout_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// TestWhatNobodyApprovedIsAnsweredForOnce: each start of an airing whose approval never
// holds is skipped, once, with the reason; then the device forgets the airing, though its
// rule has no end, and says nothing of it any more, also when it was off in between.
func TestWhatNobodyApprovedIsAnsweredForOnce(t *testing.T) {
	for name, x := range map[string]struct {
		documents error // nil: they never come
		rule      string
		crash     bool
		reason    protocol.Reason
	}{
		"by a stranger":                           {envelope.ErrStranger, "FREQ=DAILY;COUNT=3", false, protocol.ReasonBadSignature},
		"never there":                             {nil, "FREQ=DAILY;COUNT=3", false, protocol.ReasonNoContent},
		"by a stranger, without an end":           {envelope.ErrStranger, "FREQ=DAILY", false, protocol.ReasonBadSignature},
		"never there, without an end":             {nil, "FREQ=DAILY", false, protocol.ReasonNoContent},
		"without an end, off when it was dropped": {envelope.ErrStranger, "FREQ=DAILY", true, protocol.ReasonBadSignature},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, protocol.MediumSound)
				var dropped atomic.Bool
				w.holds = func(protocol.AiringID) bool { return !dropped.Load() }
				w.crash()
				w.boot()
				if x.documents != nil {
					w.document("a", x.documents)
				}
				a := w.airing("a", []string{"in=1h", "rule=" + x.rule, "late=5m"})
				w.tell(inbox.Accepted{Airing: a, Zone: "UTC", Arrived: protocol.InstantOf(w.now())},
					inbox.Content{Airing: "a", There: x.documents != nil})
				time.Sleep(2*24*time.Hour + 12*time.Hour) // three starts
				if x.crash {
					w.crash()
				}
				dropped.Store(true) // by the inbox, which asks its plans first
				w.held = slices.DeleteFunc(w.held, func(u inbox.Update) bool {
					_, accepted := u.(inbox.Accepted)
					_, content := u.(inbox.Content)
					return accepted || content
				})
				if x.crash {
					w.boot()
				} else {
					w.tell(inbox.Dropped{Airing: "a"})
				}
				time.Sleep(5 * 24 * time.Hour)
				w.crash()
				w.boot()
				time.Sleep(24 * time.Hour)
				w.stop()
				var want, got []protocol.Receipt
				for day := range 3 {
					at := w.start.Add(time.Hour).AddDate(0, 0, day)
					want = append(want, protocol.Receipt{Airing: "a", Start: protocol.InstantOf(at), Outcome: protocol.OutcomeSkipped, Reason: x.reason})
				}
				for _, r := range w.stored {
					got = append(got, protocol.Receipt{Airing: r.Airing, Start: r.Start, Outcome: r.Outcome, Reason: r.Reason})
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("receipts (-want +got):\n%s", diff)
				}
				all, err := w.disk.Occurrences()
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range all {
					if o.Airing == "a" || strings.HasPrefix(string(o.Airing), "stop-") {
						t.Errorf("kept for ever: %s of %d", o.Airing, o.Start)
					}
				}
			})
		})
	}
}
