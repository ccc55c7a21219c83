package playout_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
	"pgregory.net/rapid"
)

// plan gives the world random airings of units that collide, all with their content.
func (w *world) plan(t *rapid.T, units ...string) []schedule.Airing {
	var all []schedule.Airing
	for i := range rapid.IntRange(1, 6).Draw(t, "airings") {
		f := []string{
			fmt.Sprintf("in=%ds", rapid.SampledFrom([]int{5, 20, 20, 40, 50, 90, 200}).Draw(t, "in")),
			fmt.Sprintf("for=%ds", rapid.SampledFrom([]int{1, 10, 30, 60}).Draw(t, "for")),
			fmt.Sprintf("unit=%s", rapid.SampledFrom(units).Draw(t, "unit")),
		}
		switch kind := rapid.SampledFrom([]string{"ordinary", "ordinary", "resume", "drop", "emergency", "drill"}).Draw(t, "kind"); kind {
		case "ordinary":
			f = append(f, fmt.Sprintf("late=%ds", rapid.SampledFrom([]int{0, 10, 60, 600}).Draw(t, "late")))
		default:
			f = append(f, kind)
		}
		id := protocol.AiringID(fmt.Sprintf("a%d", i))
		wire := w.airing(id, f)
		w.document(id, nil)
		w.tell(inbox.Accepted{Airing: wire, Zone: "UTC", Arrived: wire.Published}, inbox.Content{Airing: id, There: true})
		a, err := schedule.AiringOf(wire, w.medium, w.start)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *a)
	}
	return all
}

// receipts are the log's, one a line, without what only the output knows.
func (w *world) receipts() []string {
	var out []string
	for _, line := range w.log {
		if _, r, ok := strings.Cut(line, " receipt "); ok {
			r, _, _ = strings.Cut(r, " frames")
			out = append(out, r)
		}
	}
	slices.Sort(out)
	return out
}

func (w *world) forecast(t *rapid.T, all []schedule.Airing) []string {
	cfg := schedule.Config{
		Zone: time.UTC, Path: []protocol.UnitID{"xa", "thon"}, Quiet: []schedule.QuietPeriod{{Unit: "xa", Start: 22 * 60, End: 23 * 60}},
	}
	finals, err := schedule.Forecast(cfg, all, w.start, w.start.Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range finals {
		r := protocol.Receipt{Airing: f.Airing, Start: protocol.InstantOf(f.Start), Outcome: f.Outcome, Reason: f.Reason}
		for _, p := range f.Plays {
			r.Plays = append(r.Plays, protocol.Stretch{From: protocol.InstantOf(p.From), To: protocol.InstantOf(p.To)})
		}
		s, _, _ := strings.Cut(w.text(r), " frames")
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// TestWhatPlaysIsWhatWasForecast: where nothing fails, the receipts are the
// schedule's forecast, to the millisecond.
func TestWhatPlaysIsWhatWasForecast(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, rapid.SampledFrom([]protocol.Medium{protocol.MediumSound, protocol.MediumBoard}).Draw(rt, "medium"))
			all := w.plan(rt, "xa", "thon")
			time.Sleep(time.Hour)
			w.stop()
			if diff := cmp.Diff(w.forecast(rt, all), w.receipts()); diff != "" {
				t.Errorf("forecast against receipts\n%s\n%s", diff, strings.Join(w.log, "\n"))
			}
		})
	})
}

// TestOneReceiptAStartWhateverFails: the device dies at any commit, the disk is
// full or slow, the output fails, the clock is set: every start that is owed gets
// one receipt, and nothing begins after its own.
func TestOneReceiptAStartWhateverFails(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, protocol.MediumSound)
			all := w.plan(rt, "xa", "thon")
			for range rapid.IntRange(1, 8).Draw(rt, "steps") {
				w.disk.dies.Store(rapid.SampledFrom([]int64{-1, 0, 1, 2, 3, 4, 6, 9}).Draw(rt, "dies"))
				w.disk.full.Store(rapid.IntRange(0, 5).Draw(rt, "full") == 0)
				w.disk.slow.Store(int64(rapid.SampledFrom([]time.Duration{0, 0, 0, time.Second, 4 * time.Second}).Draw(rt, "slow")))
				w.broken.Store(rapid.IntRange(0, 7).Draw(rt, "broken") == 0)
				w.skew.Add(int64(rapid.SampledFrom([]time.Duration{0, 0, 0, -7 * time.Second, 9 * time.Second}).Draw(rt, "skew")))
				time.Sleep(time.Duration(rapid.IntRange(1, 90_000).Draw(rt, "for")) * time.Millisecond)
				synctest.Wait()
				if rapid.Bool().Draw(rt, "fails") {
					w.do("fail", nil)
				}
				if w.disk.dead.Load() || rapid.IntRange(0, 3).Draw(rt, "off") == 0 {
					w.crash()
					w.disk.dies.Store(-1)
					w.disk.full.Store(false)
					time.Sleep(time.Duration(rapid.IntRange(0, 60).Draw(rt, "dark")) * time.Second)
					w.boot()
				}
			}
			w.disk.dies.Store(-1)
			w.disk.full.Store(false)
			w.broken.Store(false)
			w.disk.slow.Store(0)
			time.Sleep(time.Hour)
			w.stop()
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

// key is the airing and start of a receipt's line.
func key(line string) string { return strings.Join(strings.Fields(line)[:2], " ") }

func (w *world) nothingAfterItsReceipt(t *testing.T) {
	over := map[string]bool{}
	for _, line := range w.log {
		f := strings.Fields(line)
		if f[1] == "begin" && over[f[2]] {
			t.Errorf("%s begins after its receipt\n%s", f[2], strings.Join(w.log, "\n"))
		}
		if f[1] == "receipt" {
			over[f[2]] = true
		}
	}
}
