package e2e

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/fleet"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/e2e/figure"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
)

// absence is a fleet that is away for some days, and comes back.
type absence struct {
	days    int
	devices int
	// back is how long it took from coming back until everything was reconciled and
	// every receipt in.
	back time.Duration
}

// A device without a network plays its plan for days, while its village is merged
// into another and it is moved; nothing that it missed is played late, and what it
// did is known to the hub soon after it is back.
func TestDaysAway(t *testing.T) {
	t.Parallel()
	a := absence{days: 2, devices: 2}
	a.run(t)
}

// The same for a month with four airings a day.
func TestSoakAMonthAway(t *testing.T) {
	soak(t)
	a := absence{days: 30, devices: 4}
	a.run(t)
	if a.back > 10*time.Second {
		t.Errorf("reconciled after %s", a.back)
	}
}

func (a *absence) run(t *testing.T) {
	w := newWorld(t)
	devices := w.enlist(a.devices)
	var daily []bulletin.Bulletin
	for i, in := range []time.Duration{time.Hour, 5 * time.Hour, 14 * time.Hour, 20 * time.Hour} {
		units := []protocol.UnitID{commune}
		if i%2 == 1 {
			units = []protocol.UnitID{"thon-dong", "thon-doai"}
		}
		_, start := w.later(in)
		b := w.ready(spokenText(1))
		w.air(b, bulletin.Wish{When: bulletin.Rule, Start: start, Rule: fmt.Sprintf("FREQ=DAILY;COUNT=%d", a.days), Volume: 100, Units: units}, "duyet1")
		daily = append(daily, b)
	}
	cfg := fleet.Config{Seed: seed(t), Devices: devices}
	c := w.crew(cfg)
	for _, d := range devices {
		w.equipped(d.ID)
	}
	c.stop()

	// What they miss: the merger, their new place, a notice and an emergency.
	w.merge()
	for _, d := range devices {
		_, err := w.Registry.Place(t.Context(), registry.NewDevice{
			ID: d.ID, Name: string(d.ID), Unit: "thon-moi", Serves: map[protocol.UnitID]uint64{"thon-moi": uint64(1000 / a.devices)},
		}, registrar, "quantri")
		must(t, err)
	}
	notice := w.everywhere("")
	flood := w.ready(bulletin.Content{Class: protocol.ClassEmergency, Text: "Nước lũ đang lên.", Options: bulletin.SoundOptions{Wanted: true}})
	w.air(flood, bulletin.Wish{When: bulletin.Now, Passes: 1, Validity: 5}, "duyet1", "duyet2")

	cfg.Journal = fleet.NewJournal(nil)
	left := time.Now()
	var end time.Time
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(left)) // a bubble's time begins in 2000
		alone := cfg
		alone.Log = slog.New(slog.DiscardHandler)
		f := fleet.New(alone)
		f.CutLines(1)
		ctx, off := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- f.Run(ctx) }()
		time.Sleep(time.Duration(a.days) * 24 * time.Hour)
		off()
		must(t, <-ended)
		end = time.Now()
	})

	cfg.Ahead = end.Sub(time.Now().Round(0))
	began := time.Now()
	c = w.crew(cfg)
	owed := map[protocol.DeviceID]int{}
	truth, err := c.truth.Deeds()
	must(t, err)
	for k, d := range truth {
		if owed[k.Device]++; d.Whole != 1 {
			t.Errorf("%s: %+v", k, d)
		}
	}
	for _, d := range devices {
		if n := 4 * a.days; owed[d.ID] < n-4 || owed[d.ID] > n { // the last day is cut short
			t.Errorf("%s has played %d occurrences of %d", d.ID, owed[d.ID], n)
		}
	}
	for _, d := range devices {
		newest, err := w.Registry.Device(t.Context(), d.ID)
		must(t, err)
		w.until(string(d.ID)+" is reconciled", func() bool {
			s, err := w.Registry.State(t.Context(), d.ID)
			must(t, err)
			h := s.Heartbeat
			return s.Online && h.Placement == newest.Placement.Number && h.Unacked == 0 && h.Chain != nil && h.Chain.Seq >= uint64(4*a.days-3) && w.current(newest.Placement, h)
		})
	}
	a.back = time.Since(began)
	t.Logf("%d devices away for %d days, %d occurrences played: reconciled and every receipt in after %s", a.devices, a.days, len(truth), a.back)

	// What was missed is answered for, and not played late.
	missed := w.settled(notice, a.devices)
	if missed.Count.Skipped != a.devices {
		t.Errorf("the notice: %+v, want %d skipped", missed.Count, a.devices)
	}
	alarm := w.settled(flood, a.devices)
	if alarm.Count.Skipped != a.devices {
		t.Errorf("the emergency: %+v, want %d skipped", alarm.Count, a.devices)
	}
	for k, r := range c.once() {
		if d, sounded := truth[k]; sounded && (r.Outcome != protocol.OutcomePlayed || r.Frames != d.Frames) {
			t.Errorf("%s: %s with %d frames, played with %d", k, r.Outcome, r.Frames, d.Frames)
		}
	}
	for i, b := range daily {
		if got := w.report(b).Count; got.Played == 0 || got.Unknown != 0 {
			t.Errorf("daily airing %d: %+v", i, got)
		}
	}
	if os.Getenv(figuresEnv) != "" {
		a.print(t, w)
	}
}

// current says whether a heartbeat holds the newest plan of each unit of a placement.
func (w *world) current(p protocol.Placement, h protocol.Heartbeat) bool {
	w.t.Helper()
	for _, u := range p.Units() {
		newest, err := store.NewProgramme(w.DB).NewestPlan(w.t.Context(), u)
		if errors.Is(err, problem.ErrNotFound) {
			continue
		}
		must(w.t, err)
		if !slices.Contains(h.Plans, protocol.Held{Unit: u, Number: newest.Number}) {
			return false
		}
	}
	return true
}

// equipped waits until a device holds the newest plans and all that they need.
func (w *world) equipped(id protocol.DeviceID) {
	w.t.Helper()
	d, err := w.Registry.Device(w.t.Context(), id)
	must(w.t, err)
	w.until(string(id)+" has everything", func() bool {
		s, err := w.Registry.State(w.t.Context(), id)
		return err == nil && s.Online && s.Heartbeat.Missing == 0 && w.current(d.Placement, s.Heartbeat)
	})
}

// figuresEnv lets the month print figures for a benchmark.
const figuresEnv = "LOA_FIGURES"

// print says how long coming back took, beside a bare loop that shakes hands and
// writes as many rows.
func (a *absence) print(t *testing.T, w *world) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "bare.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	must(t, err)
	defer db.Close()
	_, err = db.Exec(`CREATE TABLE entry (device INTEGER, seq INTEGER, bytes BLOB, PRIMARY KEY (device, seq)) STRICT, WITHOUT ROWID`)
	must(t, err)
	began := time.Now()
	for d := range a.devices {
		conn, err := tls.Dial("tcp", w.MQTTAddr().String(), &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true}) // whom it speaks to is not measured
		must(t, err)
		must(t, conn.Close())
		for first := 0; first < 4*a.days; first += 20 {
			tx, err := db.Begin()
			must(t, err)
			for seq := first; seq < min(first+20, 4*a.days); seq++ {
				_, err := tx.Exec(`INSERT INTO entry VALUES (?, ?, ?)`, d, seq, make([]byte, 300))
				must(t, err)
			}
			must(t, tx.Commit())
		}
	}
	bare := time.Since(began).Seconds()
	must(t, figure.Print(figure.Under(
		fmt.Sprintf("%d devices back after %d days with 4 airings a day: reconciled, every receipt in (limit: TLS and SQLite alone)", a.devices, a.days),
		"s", []float64{a.back.Seconds()}, 10).Beside([]float64{bare})))
}

// BenchmarkGoalMonth runs the month in a process of its own: simulated time is a
// test's.
func BenchmarkGoalMonth(b *testing.B) {
	for b.Loop() {
		figuresOf(b, "TestSoakAMonthAway", soakEnv+"=1")
	}
}

// figuresOf runs a test in a process of its own, and prints the figures that it prints.
func figuresOf(b *testing.B, test string, env ...string) {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.timeout=30m")
	cmd.Env = append(append(os.Environ(), figuresEnv+"=1"), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, `{"name":`) {
			fmt.Print("\n" + line)
		}
	}
}
