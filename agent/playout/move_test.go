package playout_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/protocol"
	"pgregory.net/rapid"
)

// moves places the device anew at random instants of ten minutes, always below "xa",
// and takes it through crashes if there are some.
func (w *world) moves(t *rapid.T, crashes bool) {
	number := uint64(1)
	for range rapid.IntRange(1, 12).Draw(t, "moves") {
		time.Sleep(time.Duration(rapid.IntRange(1, 50_000).Draw(t, "for")) * time.Millisecond)
		synctest.Wait()
		number++
		path := rapid.SampledFrom([][]protocol.UnitID{{"xa"}, {"xa", "thon"}, {"xa", "ban"}, {"xa", "ban", "to"}}).Draw(t, "path")
		p := w.place(number, path...)
		p.Placement.From = protocol.InstantOf(w.now())
		w.tell(p)
		synctest.Wait()
		if crashes && rapid.IntRange(0, 3).Draw(t, "off") == 0 {
			w.crash()
			time.Sleep(time.Duration(rapid.IntRange(0, 20).Draw(t, "dark")) * time.Second)
			w.boot()
		}
	}
	time.Sleep(time.Hour)
	w.stop()
}

// TestMovesBelowAUnitChangeNothingOfIt: what is aired in a unit plays to the
// millisecond as was forecast, however a device is moved about below it meanwhile.
func TestMovesBelowAUnitChangeNothingOfIt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, rapid.SampledFrom([]protocol.Medium{protocol.MediumSound, protocol.MediumBoard}).Draw(rt, "medium"))
			all := w.plan(rt, "xa")
			w.moves(rt, false)
			if diff := cmp.Diff(w.forecast(rt, all), w.receipts()); diff != "" {
				t.Errorf("forecast against receipts\n%s\n%s", diff, strings.Join(w.log, "\n"))
			}
		})
	})
}

// TestOneReceiptAStartThroughMovesAndCrashes: every start in the unit that a device is
// moved about below gets one receipt.
func TestOneReceiptAStartThroughMovesAndCrashes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, protocol.MediumSound)
			all := w.plan(rt, "xa")
			w.moves(rt, true)
			var want, got []string
			for _, r := range w.forecast(rt, all) {
				want = append(want, key(r))
			}
			for _, r := range w.receipts() {
				got = append(got, key(r))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("owed against receipts\n%s\n%s", diff, strings.Join(w.log, "\n"))
			}
			w.nothingAfterItsReceipt(t)
		})
	})
}

// A village that comes to another commune: what stood in both plans, and is told
// under the village with the placement, goes on.
func TestWhatStandsUnderAUnitThatStaysGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, protocol.MediumSound)
		defer w.stop()
		a := w.airing("a", []string{"in=10s", "for=60s"})
		w.document("a", nil)
		w.tell(inbox.Accepted{Airing: a, Zone: "UTC", Arrived: a.Published}, inbox.Content{Airing: "a", There: true})
		time.Sleep(30 * time.Second)
		p := w.place(2, "xa-khac", "thon")
		p.Placement.From = protocol.InstantOf(w.now())
		a.Unit = "thon"
		w.tell(p, inbox.Accepted{Airing: a, Zone: "UTC", Arrived: a.Published})
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if diff := cmp.Diff([]string{"a 00:00:10.000 played  [00:00:10.000 00:01:10.000]"}, w.receipts()); diff != "" {
			t.Errorf("(-want +got):\n%s\n%s", diff, strings.Join(w.log, "\n"))
		}
	})
}
