package programme_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/plan"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// A month of a commune with thirty devices: programmes, edits, withdrawals, stops
// and emergencies at the hub; outages, reboots, cut lines, mutes and missing
// content on the devices. Every occurrence is accounted for, exactly once, and
// where nothing failed what happened is what the hub had forecast.
func TestAMonthOfACommune(t *testing.T) {
	month(t, 1, 30, 30)
}

func TestSoakMonths(t *testing.T) {
	if os.Getenv("LOA_SOAK") == "" {
		t.Skip("LOA_SOAK=1 simulates many months")
	}
	base, many := uint64(time.Now().UnixNano()), uint64(60)
	if seed := os.Getenv("LOA_SEED"); seed != "" { // of a failure, to look at it again
		n, err := strconv.ParseUint(seed, 10, 64)
		must(t, err)
		base, many = n, 1
	}
	for i := range many {
		t.Run(fmt.Sprint(base+i), func(t *testing.T) { month(t, base+i, 30, 31) })
	}
}

// commune simulates one.
type commune struct {
	*office
	rng      *rand.Rand
	speakers []*loudspeaker
	plans    map[protocol.UnitID]protocol.Plan
	touched  map[protocol.Date]bool // on which plans changed
	made     []programme.RundownID
	serial   int
	// overplayed counts what was refused for its plays a day.
	overplayed int
}

func month(t *testing.T, seed uint64, devices, days int) {
	t.Helper()
	o := newOffice(t)
	c := &commune{
		office: o, rng: rand.New(rand.NewPCG(seed, 39)), plans: map[protocol.UnitID]protocol.Plan{}, touched: map[protocol.Date]bool{},
	}
	o.onPublish, o.plays = c.deliver, 2
	o.now = time.Date(2026, 11, 30, 9, 0, 0, 0, o.zone)
	for i := range 12 {
		class := protocol.ClassNormal
		if i%4 == 0 {
			class = protocol.ClassPriority
		}
		id := protocol.BulletinID(fmt.Sprintf("tin-%d", i))
		o.bulletin(id, "tinh", class, 20+c.rng.IntN(400))
		o.approve(id, "2027-03-31", "tinh")
	}
	for _, id := range []protocol.BulletinID{"mo", "dong"} {
		o.bulletin(id, "tinh", protocol.ClassNormal, 3)
		o.approve(id, "2027-03-31", "tinh")
	}
	from := o.now
	for i := range devices {
		path := []protocol.UnitID{"tinh", "xa-a", "dong"}
		if i%3 == 2 {
			path = path[:2]
		}
		l := &loudspeaker{
			c: c, name: fmt.Sprintf("loa-%02d", i), path: path, online: true, airings: map[protocol.AiringID]schedule.AiringRecord{}, approval: map[protocol.AiringID]protocol.Digest{},
			records: map[string]schedule.Record{}, finals: map[string][]schedule.Final{}, troubled: map[protocol.Date]bool{},
		}
		l.boot(from)
		c.speakers = append(c.speakers, l)
	}
	for range 3 {
		c.programme()
	}
	compared := 0
	for day := range days {
		midnight := time.Date(2026, 12, 1+day, 0, 0, 0, 0, o.zone)
		compared += c.day(midnight)
		if t.Failed() {
			t.Fatalf("seed %d, day %s", seed, protocol.DateOf(midnight))
		}
	}
	c.account(from, o.now)
	if t.Failed() {
		t.Fatalf("seed %d", seed)
	}
	if compared < devices*days/8 {
		t.Errorf("seed %d: only %d days of devices were compared with their forecast", seed, compared)
	}
	t.Logf("seed %d: %d days of devices compared with their forecast, %d programmes, %d plays over what was approved", seed, compared, len(c.made), c.overplayed)
}

// act is something that happens on a day.
type act struct {
	at time.Time
	do func(now time.Time)
}

// day lives through one, and compares untroubled devices with the forecast.
func (c *commune) day(midnight time.Time) (compared int) {
	c.until(midnight)
	date := protocol.DateOf(midnight)
	expected := map[protocol.UnitID][]string{}
	for _, u := range []protocol.UnitID{"xa-a", "dong"} {
		f, err := c.desk.Forecast(c.t.Context(), operator(), u, nil, date)
		must(c.t, err)
		expected[u] = []string{}
		for _, l := range f.Lines {
			expected[u] = append(expected[u], c.line(l.Airing, l.Start, l.Outcome, l.Reason, l.Begins, l.Ends))
		}
		slices.Sort(expected[u])
	}
	acts := c.misfortunes(midnight)
	if c.rng.IntN(3) == 0 {
		for range 1 + c.rng.IntN(3) {
			acts = append(acts, act{midnight.Add(time.Duration(c.rng.IntN(86_400_000)) * time.Millisecond), func(time.Time) { c.editor() }})
		}
	}
	slices.SortStableFunc(acts, func(a, b act) int { return a.at.Compare(b.at) })
	for _, a := range acts {
		c.until(a.at)
		a.do(c.now)
	}
	c.until(midnight.AddDate(0, 0, 1).Add(-time.Second))
	must(c.t, c.desk.Settle(c.t.Context()))
	for _, l := range c.speakers {
		l.note(c.now)
		if l.troubled[date] || c.touched[date] {
			continue
		}
		compared++
		got := []string{}
		for _, fs := range l.finals {
			for _, f := range fs {
				if protocol.DateOf(f.Start.In(c.zone)) != date {
					continue
				}
				var begins, ends time.Time
				if n := len(f.Plays); n > 0 {
					begins, ends = f.Plays[0].From, f.Plays[n-1].To
				}
				got = append(got, c.line(f.Airing, f.Start, f.Outcome, f.Reason, begins, ends))
			}
		}
		slices.Sort(got)
		if d := diff.Diff(expected[l.path[len(l.path)-1]], got); d != "" {
			c.t.Errorf("%s on %s (-forecast +happened):\n%s", l.name, date, d)
		}
	}
	return compared
}

func (c *commune) line(id protocol.AiringID, start time.Time, o protocol.Outcome, why protocol.Reason, begins, ends time.Time) string {
	clock := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.In(c.zone).Format("15:04:05.000")
	}
	return fmt.Sprintf("%s %s %s %s %s-%s", id, clock(start), o, why, clock(begins), clock(ends))
}

// until lets every device live up to an instant.
func (c *commune) until(t time.Time) {
	for {
		var next *loudspeaker
		for _, l := range c.speakers {
			if l.m != nil && !l.wake.IsZero() && !l.wake.After(t) && (next == nil || l.wake.Before(next.wake)) {
				next = l
			}
		}
		if next == nil {
			break
		}
		next.step(next.wake)
	}
	if t.After(c.now) {
		c.now = t
	}
}

// misfortunes are what goes wrong with devices on a day.
func (c *commune) misfortunes(midnight time.Time) []act {
	var acts []act
	for _, l := range c.speakers {
		if c.rng.IntN(4) != 0 || !l.trouble.IsZero() {
			continue
		}
		at := midnight.Add(4*time.Hour + time.Duration(c.rng.IntN(15*3600_000))*time.Millisecond)
		last := time.Duration(1+c.rng.IntN(3*3600_000)) * time.Millisecond
		if c.rng.IntN(5) == 0 {
			last += 30 * time.Hour // over days
		}
		begin, end := l.misfortune()
		acts = append(acts, act{at, func(now time.Time) { l.note(now); l.trouble = now; begin(now) }},
			act{at.Add(last), func(now time.Time) { end(now); l.note(now); l.trouble = time.Time{} }})
	}
	// What ends after midnight is done on the day it belongs to.
	for i := range acts {
		if e := midnight.AddDate(0, 0, 1).Add(-2 * time.Second); acts[i].at.After(e) {
			acts[i].at = e
		}
	}
	return acts
}

// editor does what an official does.
func (c *commune) editor() {
	switch n := c.rng.IntN(10); {
	case n < 3 || len(c.made) == 0:
		c.programme()
	case n < 6:
		c.edit()
	case n < 7:
		id := c.made[c.rng.IntN(len(c.made))]
		if err := c.desk.Withdraw(c.t.Context(), operator(), id); code(err) != "<nil>" && code(err) != "withdrawn-already" {
			c.t.Errorf("withdraw: %v", err)
		}
	case n < 8:
		unit := []protocol.UnitID{"xa-a", "dong"}[c.rng.IntN(2)]
		_, err := c.service.Stop(c.t.Context(), who(unit, account.Operator), unit, "")
		must(c.t, err)
	default:
		c.emergency()
	}
	must(c.t, c.desk.Settle(c.t.Context()))
}

// rundown is a random programme.
func (c *commune) rundown() programme.Rundown {
	unit := []protocol.UnitID{"tinh", "xa-a", "xa-a", "dong"}[c.rng.IntN(4)]
	start := time.Date(2026, 12, 1, 5+c.rng.IntN(16), 15*c.rng.IntN(4), 0, 0, c.zone)
	if start.Before(c.now) {
		start = start.AddDate(0, 0, int(c.now.Sub(start)/(24*time.Hour))+1)
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
		r.Items = append(r.Items, programme.Item{Kind: programme.Piece, Bulletin: protocol.BulletinID(fmt.Sprintf("tin-%d", c.rng.IntN(12))), AfterCut: cut})
	}
	if c.rng.IntN(2) == 0 {
		r.Items = append(r.Items, programme.Item{Kind: programme.Closing, Bulletin: "dong"})
	}
	return r
}

func (c *commune) programme() {
	r, err := c.desk.Save(c.t.Context(), operator(), c.rundown())
	switch code(err) {
	case "<nil>":
		c.made = append(c.made, r.ID)
	case "does-not-fit", "in-the-past":
	default:
		c.t.Errorf("programme: %v", err)
	}
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
	if r.Units = held.Units; held.Unit == "xa-a" && c.rng.IntN(3) == 0 {
		r.Units = []protocol.UnitID{[]protocol.UnitID{"xa-a", "dong"}[c.rng.IntN(2)]}
	}
	switch _, err := c.desk.Save(c.t.Context(), operator(), r); code(err) {
	case "<nil>", "does-not-fit", "in-the-past", "withdrawn-already":
	default:
		c.t.Errorf("edit: %v", err)
	}
}

// emergency airs one now, approved by two.
func (c *commune) emergency() {
	c.serial++
	id := protocol.BulletinID(fmt.Sprintf("khan-%d", c.serial))
	c.bulletin(id, "xa-a", protocol.ClassEmergency, 20)
	b, err := c.bulletins.Bulletin(c.t.Context(), id)
	must(c.t, err)
	w := bulletin.Wish{Units: []protocol.UnitID{"xa-a"}, When: bulletin.Now, Passes: 1 + c.rng.IntN(3), Validity: 1 + c.rng.IntN(20)}
	st, err := approval.Derive(b, b.Digest, w, c.zone, c.now)
	must(c.t, err)
	raw, err := protocol.Marshal(st)
	must(c.t, err)
	b.Wish = &w
	r := approval.Request{Digest: protocol.DigestOf(raw), Bytes: raw, Statement: st, Bulletin: b, Needed: 1, Created: c.now}
	must(c.t, c.bulletins.Submit(c.t.Context(), b, b.Changed, r))
	_, err = c.bulletins.Sign(c.t.Context(), r.Digest, approval.Signature{Person: "duyet", Bytes: []byte("chữ ký"), At: c.now})
	must(c.t, err)
	c.air(id, r.Digest)
}

// deliver makes the plans of units and brings them to whoever is there.
func (c *commune) deliver(units []protocol.UnitID) {
	c.touched[protocol.DateOf(c.now)] = true
	for _, u := range units {
		src, err := c.office.airings.PlanSource(c.t.Context(), u, c.now.Add(-plan.Keep))
		must(c.t, err)
		src.Held = c.plans[u].Number
		body, err := protocol.Marshal(plan.Build(src, "Asia/Ho_Chi_Minh", c.now))
		must(c.t, err)
		if c.plans[u], err = protocol.Unmarshal[protocol.Plan](body, protocol.MaxPlan); err != nil {
			c.t.Fatal(err)
		}
	}
	for _, l := range c.speakers {
		l.receive(c.now)
	}
}

// account checks that every start that was promised has exactly one outcome, on
// the airing or on what replaced it, and that nothing has two.
func (c *commune) account(from, to time.Time) {
	for _, l := range c.speakers {
		if l.m == nil {
			l.boot(c.now)
		}
		l.online = true
		l.receive(c.now)
		for !l.wake.IsZero() && l.wake.Before(c.now) {
			l.step(l.wake)
		}
		c.accountFor(l, from, to.Add(-6*time.Hour)) // what started later may go on
	}
}

func (c *commune) accountFor(l *loudspeaker, from, to time.Time) {
	type standing struct {
		wire   protocol.Airing
		cutoff time.Time
	}
	all := map[protocol.AiringID]*standing{}
	for _, u := range l.path {
		for _, a := range c.plans[u].Airings {
			if all[a.ID] == nil {
				all[a.ID] = &standing{wire: a}
			}
		}
	}
	cut := func(id protocol.AiringID, at time.Time) {
		if s := all[id]; s != nil && (s.cutoff.IsZero() || at.Before(s.cutoff)) {
			s.cutoff = at
		}
	}
	for _, u := range l.path {
		for _, w := range c.plans[u].Withdrawals {
			cut(w.Airing, w.At.Time())
		}
	}
	root := map[protocol.AiringID]protocol.AiringID{}
	for _, id := range slices.Sorted(maps.Keys(all)) { // ids grow with time
		s := all[id]
		root[id] = id
		if all[s.wire.Replaces] != nil {
			root[id] = root[s.wire.Replaces]
			cut(s.wire.Replaces, s.wire.Published.Time())
		}
	}
	type start struct {
		root protocol.AiringID
		at   int64
	}
	promised, answered := map[start]bool{}, map[start][]string{}
	for id, s := range all {
		rec, err := schedule.RecurrenceOf(s.wire)
		must(c.t, err)
		for t := range schedule.Expand(rec, c.zone, from, to) {
			if !t.Before(s.wire.Published.Time()) && (s.cutoff.IsZero() || t.Before(s.cutoff)) {
				promised[start{root[id], t.UnixMilli()}] = true
			}
			at := start{root[id], t.UnixMilli()}
			finals := l.finals[key(schedule.Key{Airing: id, Start: t})]
			if len(finals) > 1 {
				c.t.Errorf("%s: %s at %s has %d outcomes", l.name, id, t, len(finals))
			}
			for _, f := range finals {
				// A successor that came when it was too late answers for itself: "no plan",
				// whatever became of what it replaced (SCHEDULE.md, replacements).
				if f.Reason == protocol.ReasonNoPlan && s.wire.Replaces != "" && len(l.finals[key(schedule.Key{Airing: s.wire.Replaces, Start: t})]) > 0 {
					continue
				}
				answered[at] = append(answered[at], fmt.Sprintf("%s of %s: %s %s at %s", id, s.wire.Published.Time().In(c.zone).Format(time.DateTime), f.Outcome, f.Reason, f.At.In(c.zone).Format(time.DateTime)))
			}
		}
	}
	for s := range promised {
		if len(answered[s]) != 1 {
			c.t.Errorf("%s: %s at %s was promised and has outcomes %q", l.name, s.root, time.UnixMilli(s.at).In(c.zone), answered[s])
		}
	}
	for s, outcomes := range answered {
		if len(outcomes) > 1 {
			c.t.Errorf("%s: %s at %s has outcomes %q", l.name, s.root, time.UnixMilli(s.at).In(c.zone), outcomes)
		}
	}
	if len(promised) == 0 {
		c.t.Errorf("%s: only %d starts were promised", l.name, len(promised))
	}
}
