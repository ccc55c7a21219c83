package month

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// editor does what an official does.
func (c *commune) editor() {
	switch n := c.rng.IntN(12); {
	case n < 3 || len(c.made) == 0:
		c.programme()
	case n < 6:
		c.edit()
	case n < 7:
		id := c.made[c.rng.IntN(len(c.made))]
		c.accept("withdraw", c.desk.Withdraw(c.t.Context(), operator(), id), "withdrawn-already")
	case n < 8:
		unit := []protocol.UnitID{"xa", "dong"}[c.rng.IntN(2)]
		_, err := c.service.Stop(c.t.Context(), operator(), unit, "")
		must(c.t, err)
	case n < 10:
		c.notice()
	default:
		c.emergency()
	}
	must(c.t, c.desk.Settle(c.t.Context()))
}

// accept fails the test unless an act was done, or refused in one of these ways.
func (c *commune) accept(what string, err error, refusals ...string) {
	c.t.Helper()
	if got := code(err); err != nil && !slices.Contains(refusals, got) {
		c.t.Errorf("%s: %v", what, err)
	}
}

// rundown is a random programme.
func (c *commune) rundown() programme.Rundown {
	unit := []protocol.UnitID{"tinh", "xa", "xa", "dong"}[c.rng.IntN(4)]
	now := time.Now().In(c.zone)
	start := time.Date(2026, 12, 1, 5+c.rng.IntN(16), 15*c.rng.IntN(4), 0, 0, c.zone)
	if start.Before(now) {
		start = start.AddDate(0, 0, int(now.Sub(start)/(24*time.Hour))+1)
	}
	rule := []string{"FREQ=DAILY", "FREQ=DAILY;COUNT=9", "FREQ=WEEKLY;BYDAY=MO,WE,FR", ""}[c.rng.IntN(4)]
	r := programme.Rundown{
		Unit: unit, Name: "Chương trình", Units: []protocol.UnitID{unit},
		Slot: programme.Slot{Start: start.Format("2006-01-02T15:04:05"), Minutes: 5 + 5*c.rng.IntN(6), Rule: rule, LastDay: "2027-01-31"},
	}
	if rule == "" {
		r.Slot.Lunar = []int{1, 8, 15, 23}
	}
	if c.rng.IntN(2) == 0 {
		r.Items = append(r.Items, programme.Item{Kind: programme.Opening, Bulletin: "mo"})
	}
	for range 1 + c.rng.IntN(4) {
		cut := []string{"restart", "resume", "drop"}[c.rng.IntN(3)]
		r.Items = append(r.Items, programme.Item{Kind: programme.Piece, Bulletin: c.piece(), AfterCut: cut})
	}
	if c.rng.IntN(2) == 0 {
		r.Items = append(r.Items, programme.Item{Kind: programme.Closing, Bulletin: "dong"})
	}
	return r
}

func (c *commune) piece() protocol.BulletinID {
	return protocol.BulletinID(fmt.Sprintf("tin-%d", c.rng.IntN(12)))
}

func (c *commune) programme() {
	r, err := c.desk.Save(c.t.Context(), operator(), c.rundown())
	c.accept("programme", err, "does-not-fit", "in-the-past")
	if err != nil {
		return
	}
	start, err := time.Parse("2006-01-02T15:04:05", r.Slot.Start)
	must(c.t, err)
	c.made, c.clocks = append(c.made, r.ID), append(c.clocks, start.Sub(start.Truncate(24*time.Hour)))
}

// edit changes a programme: its items, or its time too, or where it is aired.
func (c *commune) edit() {
	held, err := c.desk.Get(c.t.Context(), operator(), c.made[c.rng.IntN(len(c.made))])
	must(c.t, err)
	r := c.rundown()
	r.ID, r.Unit = held.ID, held.Unit
	if c.rng.IntN(2) == 0 {
		r.Slot = held.Slot
	}
	if c.rng.IntN(2) == 0 { // what stays in it is replaced, not withdrawn
		r.Items = held.Items
	}
	if r.Units = held.Units; held.Unit == "xa" && c.rng.IntN(3) == 0 {
		r.Units = []protocol.UnitID{[]protocol.UnitID{"xa", "dong"}[c.rng.IntN(2)]}
	}
	_, err = c.desk.Save(c.t.Context(), operator(), r)
	c.accept("edit", err, "does-not-fit", "in-the-past", "withdrawn-already")
}

// notice airs a bulletin once more, on some days at any time: it meets programmes,
// quiet hours and the plays that were approved.
func (c *commune) notice() {
	start := time.Now().In(c.zone).Add(time.Duration(2+c.rng.IntN(20*3600)) * time.Second)
	w := bulletin.Wish{
		Units: []protocol.UnitID{[]protocol.UnitID{"xa", "dong", "tinh"}[c.rng.IntN(3)]}, When: bulletin.Rule,
		Start: start.Format("2006-01-02T15:04:05"), Rule: "FREQ=DAILY;COUNT=" + fmt.Sprint(1+c.rng.IntN(4)), Volume: 80,
	}
	_, err := c.service.Again(c.t.Context(), operator(), c.requests[c.piece()], w)
	c.accept("notice", err, "outside-approval", "plays-used-up")
}

// emergency airs one now, or a drill, approved for it.
func (c *commune) emergency() {
	c.serial++
	c.bulletin(protocol.BulletinID(fmt.Sprintf("khan-%d", c.serial)), "xa", protocol.ClassEmergency, 20, bulletin.Wish{
		Units: []protocol.UnitID{"xa"}, When: bulletin.Now, Passes: 1 + c.rng.IntN(3), Validity: 1 + c.rng.IntN(20), Drill: c.rng.IntN(3) == 0,
	})
}

// account checks by the hub's own coverage that every occurrence that it expects has an
// outcome, that each came once, and that none came of which it knows nothing. It
// returns how many there are.
func (c *commune) account() int {
	c.t.Helper()
	came := map[reach.Key]int{}
	for _, h := range c.horns {
		h.mu.Lock()
		for _, r := range h.receipts {
			came[reach.Key{Airing: r.Airing, Device: h.id, Medium: r.Medium, Start: int64(r.Start)}]++
		}
		h.mu.Unlock()
	}
	for k, n := range came {
		if n > 1 {
			c.t.Errorf("%s of %s at %s has %d receipts", k.Airing, k.Device, time.UnixMilli(k.Start).In(c.zone), n)
		}
	}
	owed := 0
	c.ends = map[string]int{}
	for id := range c.requests {
		report, err := c.reach.Bulletin(c.t.Context(), operator(), id)
		must(c.t, err)
		owed += len(report.Lines)
		for _, l := range report.Lines {
			if l.Answer == nil {
				c.t.Errorf("%s of %s at %s is expected and has no outcome", l.Airing, l.Device, l.Start.In(c.zone))
			} else {
				c.ends[strings.TrimSpace(l.Answer.Outcome.String()+" "+l.Answer.Reason.String())]++
			}
			delete(came, l.Key())
		}
		if n := report.Count; n.Expected != n.Played+n.Cut+n.Skipped || n.Expected != len(report.Lines) {
			c.t.Errorf("coverage of %s: %+v of %d", id, n, len(report.Lines))
		}
	}
	for k := range came {
		c.t.Errorf("%s of %s at %s has an outcome, and nobody expects it", k.Airing, k.Device, time.UnixMilli(k.Start).In(c.zone))
	}
	return owed
}

// decent checks what came out of a loudspeaker: one thing at a time, and in quiet hours
// nothing but actual emergencies.
func (h *horn) decent() {
	var periods []schedule.QuietPeriod
	for _, u := range h.path {
		quiet, err := h.o.Quiet(h.o.t.Context(), u)
		must(h.o.t, err)
		for _, q := range quiet {
			periods = append(periods, schedule.QuietPeriod{Unit: u, Start: int(q.Start), End: int(q.End)})
		}
	}
	quiet := schedule.NewQuiet(h.o.zone, h.path, periods)
	var last sounded
	for _, s := range h.sounded {
		if s.from.Before(last.to) {
			h.o.t.Errorf("%s: %s sounds at %s, while %s does until %s", h.id, s.airing, s.from, last.airing, last.to)
		}
		if last = s; !s.urgent && !quiet.Allowed(s.from, s.to.Sub(s.from)) {
			h.o.t.Errorf("%s: %s sounds from %s to %s", h.id, s.airing, s.from.In(h.o.zone), s.to.In(h.o.zone))
		}
	}
}
