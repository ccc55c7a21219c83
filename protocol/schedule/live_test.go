package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loa-vn/loa/protocol"
)

// liveDay is the day of these tests, at midnight in Viet Nam.
func liveDay(t testing.TB) time.Time {
	return time.Date(2026, 12, 1, 0, 0, 0, 0, benchZone(t))
}

func liveConfig(t testing.TB) Config {
	return Config{Zone: benchZone(t), Path: []protocol.UnitID{"tinh", "xa"}, From: liveDay(t).AddDate(0, 0, -1)}
}

// ordinary is a normal airing of 5 minutes at 05:00, published the day before.
func ordinary(t testing.TB, id protocol.AiringID, change func(*Airing)) Event {
	day := liveDay(t)
	a := &Airing{
		ID: id, Unit: "xa", Class: protocol.ClassNormal, Recurrence: Recurrence{Start: LocalTime{2026, 12, 1, 5, 0, 0}},
		Length: 5 * time.Minute, Lateness: DefaultLateness, Approved: day.Add(-15 * time.Hour), Published: day.Add(-15 * time.Hour),
	}
	if change != nil {
		change(a)
	}
	return Event{Kind: EventAiring, New: a}
}

func newMachine(t testing.TB, cfg Config) *Machine {
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// summary writes finals as scenarios do.
func summary(t testing.TB, finals []Final) []string {
	s := &scenario{zone: benchZone(t), day: LocalTimeOf(liveDay(t))}
	var out []string
	for _, f := range finals {
		line := fmt.Sprintf("%s %s %s", f.Airing, s.clock(f.Start), f.Outcome)
		if f.Reason != protocol.ReasonNone {
			line += fmt.Sprintf(" (%s)", f.Reason)
		}
		for _, p := range f.Plays {
			line += " " + s.clock(p.From) + "-" + s.clock(p.To)
		}
		out = append(out, line)
	}
	return out
}

// at is an instant of the day.
func at(t testing.TB, clock string) time.Time {
	d, err := time.Parse("15:04:05.999", clock)
	if err != nil {
		t.Fatal(err)
	}
	return liveDay(t).Add(d.Sub(d.Truncate(24 * time.Hour)))
}

func expectFinals(t testing.TB, e Effects, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, summary(t, e.Finals)); diff != "" {
		t.Errorf("finals\n%s", diff)
	}
}

// TestBegunIsRecordedBeforeSound: the step that begins something gives its record
// and what to do, and the next instant to be asked at (rule 9).
func TestBegunIsRecordedBeforeSound(t *testing.T) {
	m := newMachine(t, liveConfig(t))
	e := m.Step(at(t, "00:00:00"), ordinary(t, "a", nil))
	if len(e.Airings) != 1 || !e.Airings[0].Accepted || !e.Wake.Equal(at(t, "05:00:00")) || e.Sounding != nil {
		t.Fatalf("%+v", e)
	}
	e = m.Step(at(t, "05:00:00.003"))
	if len(e.Records) != 1 || e.Records[0].State != StateOn || !e.Records[0].Since.Equal(at(t, "05:00:00")) {
		t.Fatalf("%+v", e.Records)
	}
	if len(e.Actions) != 1 || e.Actions[0].Act != ActBegin || e.Sounding == nil || !e.Wake.Equal(at(t, "05:05:00")) || !e.Sounding.End.Equal(e.Wake) {
		t.Fatalf("%+v", e)
	}
	e = m.Step(e.Wake)
	expectFinals(t, e, "a 05:00:00 played 05:00:00-05:05:00")
	if len(e.Actions) != 1 || e.Actions[0].Act != ActEnd || e.Sounding != nil || !e.Wake.IsZero() {
		t.Fatalf("%+v", e)
	}
}

// TestAirtoldTwiceIsOne: an airing that is told again changes nothing.
// SCHEDULE.md 12.3
func TestAiringToldTwiceIsOne(t *testing.T) {
	m := newMachine(t, liveConfig(t))
	a := ordinary(t, "a", nil)
	m.Step(at(t, "04:00:00"), a, a)
	m.Step(at(t, "05:01:00"), a)
	e := m.Step(at(t, "05:30:00"), a)
	expectFinals(t, e, "a 05:00:00 played 05:00:00-05:05:00")
	if e = m.Step(at(t, "06:00:00"), a); len(e.Finals)+len(e.Records)+len(e.Airings) > 0 {
		t.Errorf("%+v", e)
	}
}

// TestToldLateIsNoPlan: an airing that does not say when it arrived arrives when
// it is told, also for a machine that is restored.
// SCHEDULE.md 12.3
func TestToldLateIsNoPlan(t *testing.T) {
	cfg := liveConfig(t)
	m := newMachine(t, cfg)
	a := ordinary(t, "a", func(a *Airing) { a.RDates = []LocalTime{{2026, 12, 1, 5, 30, 0}} })
	e := m.Step(at(t, "05:20:00"), a)
	expectFinals(t, e, "a 05:00:00 skipped (no plan)")
	if !e.Airings[0].Airing.Arrives.Equal(at(t, "05:20:00")) || !a.New.Arrives.IsZero() {
		t.Errorf("%+v", e.Airings[0].Airing)
	}
	m, err := Restore(cfg, Kept{Airings: slices.Clone(e.Airings), At: at(t, "05:20:00")})
	if err != nil {
		t.Fatal(err)
	}
	// Without its record it is found out again, and it is the same.
	e = m.Step(at(t, "05:50:00"), Event{Kind: EventOn})
	expectFinals(t, e, "a 05:00:00 skipped (no plan)", "a 05:30:00 skipped (off)")
}

// TestInvalidAiringIsRefused: the machine names the field and goes on.
func TestInvalidAiringIsRefused(t *testing.T) {
	m := newMachine(t, liveConfig(t))
	e := m.Step(at(t, "04:00:00"), ordinary(t, "a", func(a *Airing) { a.Unit = "thon" }), ordinary(t, "b", nil))
	if len(e.Refused) != 1 || e.Refused[0].Airing != "a" || e.Refused[0].Err.Error() != "unit: not one of the path" {
		t.Errorf("%+v", e.Refused)
	}
	if e = m.Step(at(t, "05:00:00")); e.Sounding == nil || e.Sounding.Airing != "b" {
		t.Errorf("%+v", e.Sounding)
	}
}

// TestJudgeIsAskedWhenDue: its reason is final at once, and it can count the
// whole plays of the occurrence's local date.
// SCHEDULE.md 12.4
func TestJudgeIsAskedWhenDue(t *testing.T) {
	cfg := liveConfig(t)
	var asked []string
	cfg.Judge = func(j Judged) protocol.Reason {
		played, underWay := j.PlaysOn(func(a *Airing) bool { return a.Class == protocol.ClassNormal })
		asked = append(asked, fmt.Sprintf("%s %s %d %d", j.Airing.ID, j.Start.Format("02T15:04"), played, underWay))
		switch {
		case j.Airing.Class == protocol.ClassEmergency:
			return protocol.ReasonBadSignature
		case played+underWay >= 2:
			return protocol.ReasonNotPermitted
		}
		return protocol.ReasonNone
	}
	m := newMachine(t, cfg)
	daily, err := ParseRule("FREQ=DAILY")
	if err != nil {
		t.Fatal(err)
	}
	m.Step(at(t, "00:00:00"), ordinary(t, "a", func(a *Airing) {
		a.Rule = &daily
		a.RDates = []LocalTime{{2026, 12, 1, 6, 0, 0}, {2026, 12, 1, 6, 1, 0}}
	}), ordinary(t, "e", func(a *Airing) {
		a.Class, a.Lateness, a.Until = protocol.ClassEmergency, 0, at(t, "07:00:00")
	}))
	e := m.Step(at(t, "23:00:00").AddDate(0, 0, 1))
	expectFinals(t, e, "e 05:00:00 skipped (bad signature)", "a 05:00:00 played 05:00:00-05:05:00",
		"a 06:01:00 skipped (not permitted)", "a 06:00:00 played 06:00:00-06:05:00", "a 1+05:00:00 played 1+05:00:00-1+05:05:00")
	want := []string{"a 01T05:00 0 0", "e 01T05:00 0 0", "a 01T06:00 1 0", "a 01T06:01 1 1", "a 02T05:00 0 0"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}

// TestFault: in the place of beginning it is skipped, as a cut it is cut; either
// is final; an emergency tries its next pass.
// SCHEDULE.md 12.5
func TestFault(t *testing.T) {
	cfg := liveConfig(t)
	m := newMachine(t, cfg)
	emergency := func(a *Airing) {
		a.Class, a.Lateness, a.Until, a.Passes = protocol.ClassEmergency, 0, at(t, "07:00:00"), 2
		a.Start.Hour = 6
	}
	m.Step(at(t, "04:00:00"), ordinary(t, "a", nil), ordinary(t, "b", func(a *Airing) { a.Order = 1 }),
		ordinary(t, "e", emergency), ordinary(t, "f", func(a *Airing) { emergency(a); a.Start.Minute = 30 }))
	m.Step(at(t, "05:00:00"))
	e := m.Step(at(t, "05:00:00.020"), Event{Kind: EventFault, Airing: "a", Start: at(t, "05:00:00"), Silent: true})
	expectFinals(t, e, "a 05:00:00 skipped (fault)")
	if e.Sounding == nil || e.Sounding.Airing != "b" {
		t.Fatalf("%+v", e)
	}
	e = m.Step(at(t, "05:01:00"), Event{Kind: EventFault, Airing: "b", Start: at(t, "05:00:00")})
	expectFinals(t, e, "b 05:00:00 cut (fault) 05:00:00.020-05:01:00")
	// A fault of what does not sound, or of nothing known, does nothing.
	e = m.Step(at(t, "05:02:00"), Event{Kind: EventFault, Airing: "b", Start: at(t, "05:00:00")}, Event{Kind: EventFault, Airing: "x"})
	expectFinals(t, e)
	m.Step(at(t, "06:00:00"))
	e = m.Step(at(t, "06:00:01"), Event{Kind: EventFault, Airing: "e", Start: at(t, "06:00:00"), Silent: true})
	if !e.Wake.Equal(at(t, "06:05:00")) {
		t.Fatalf("%+v", e)
	}
	expectFinals(t, m.Step(at(t, "06:20:00")), "e 06:00:00 played 06:05:00-06:10:00")
	for _, clock := range []string{"06:30:00", "06:35:00"} {
		m.Step(at(t, clock))
		e = m.Step(at(t, clock), Event{Kind: EventFault, Airing: "f", Start: at(t, "06:30:00"), Silent: true})
	}
	expectFinals(t, e, "f 06:30:00 skipped (fault)")
}

// TestStopActsOnWhatComesLater: a stop or withdrawal is kept for airings that are
// known later; what was too late when it came stays "no plan".
// SCHEDULE.md 12.3
func TestStopActsOnWhatComesLater(t *testing.T) {
	m := newMachine(t, liveConfig(t))
	m.Step(at(t, "05:05:00"), Event{Kind: EventStop, Unit: "tinh"})
	m.Step(at(t, "05:06:00"), Event{Kind: EventWithdraw, Airing: "w", At: at(t, "05:03:00")})
	e := m.Step(at(t, "05:07:00"),
		ordinary(t, "a", func(a *Airing) {
			a.RDates = []LocalTime{{2026, 12, 1, 4, 54, 0}, {2026, 12, 1, 5, 6, 0}}
			a.Arrives = at(t, "05:07:00")
		}),
		ordinary(t, "w", func(a *Airing) { a.RDates = []LocalTime{{2026, 12, 1, 5, 4, 0}, {2026, 12, 1, 9, 0, 0}} }))
	want := []string{
		"a 04:54:00 skipped (no plan)", "a 05:00:00 skipped (stopped)", "w 05:00:00 skipped (stopped)", "w 05:04:00 skipped (stopped)",
	}
	got := summary(t, e.Finals)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	expectFinals(t, m.Step(at(t, "12:00:00")), "a 05:06:00 played 05:07:00-05:12:00")
}

// TestOrdersForUnknownAirings: each kind of order received for an airing that is
// not known yet acts on it when it is told, and on nothing else.
func TestOrdersForUnknownAirings(t *testing.T) {
	starts := func(clocks ...LocalTime) func(*Airing) {
		return func(a *Airing) { a.Start, a.RDates, a.Length = clocks[0], clocks[1:], time.Second }
	}
	clock := func(hour, minute int) LocalTime { return LocalTime{2026, 12, 1, hour, minute, 0} }
	emergency := func(hour int, supersedes protocol.AiringID) func(*Airing) {
		return func(a *Airing) {
			a.Class, a.Lateness, a.Length, a.Start = protocol.ClassEmergency, 0, time.Second, clock(hour, 0)
			a.Until, a.Supersedes = at(t, "12:00:00"), supersedes
		}
	}
	m := newMachine(t, liveConfig(t))
	m.Step(at(t, "05:02:00"),
		Event{Kind: EventWithdraw, Airing: "w", At: at(t, "05:01:00")},
		Event{Kind: EventStop, Airing: "s"},
		Event{Kind: EventStop, Airing: "o", Start: at(t, "07:00:00")},
		Event{Kind: EventStop, Airing: "o", Start: at(t, "04:59:00")},
		ordinary(t, "e", emergency(8, "f")),
		ordinary(t, "b", func(a *Airing) {
			starts(clock(9, 0))(a)
			a.Published, a.Replaces = at(t, "05:01:00"), "r"
		}))
	e := m.Step(at(t, "05:05:00"),
		ordinary(t, "w", starts(clock(5, 0), clock(5, 1), clock(6, 0))),
		ordinary(t, "s", starts(clock(5, 1), clock(5, 2), clock(5, 3))),
		ordinary(t, "o", starts(clock(4, 59), clock(6, 30), clock(7, 0))),
		ordinary(t, "r", starts(clock(5, 0), clock(5, 1), clock(9, 0))),
		ordinary(t, "f", emergency(5, "")),
		ordinary(t, "g", emergency(5, "")))
	expectFinals(t, e,
		"w 05:00:00 skipped (withdrawn)", "s 05:01:00 skipped (stopped)", "s 05:02:00 skipped (stopped)",
		"o 04:59:00 skipped (stopped)", "o 07:00:00 skipped (stopped)", "r 05:00:00 skipped (withdrawn)", "f 05:00:00 skipped (superseded)")
	expectFinals(t, m.Step(at(t, "11:00:00")),
		"g 05:00:00 played 05:05:00-05:05:01", "s 05:03:00 played 05:05:01-05:05:02", "o 06:30:00 played 06:30:00-06:30:01",
		"e 08:00:00 played 08:00:00-08:00:01", "b 09:00:00 played 09:00:00-09:00:01")
}

// TestLateStepMeansOff: a step later than MaxLag after the wake finds the device
// off since; what sounded then ended if it was its end, and nothing is invented.
// SCHEDULE.md 12.2
func TestLateStepMeansOff(t *testing.T) {
	cfg := liveConfig(t)
	cfg.MaxLag = 2 * time.Second
	m := newMachine(t, cfg)
	m.Step(at(t, "00:00:00"), ordinary(t, "a", nil), ordinary(t, "b", func(a *Airing) { a.Start.Minute = 1 }),
		ordinary(t, "c", func(a *Airing) { a.Start.Minute = 40 }))
	m.Step(at(t, "05:00:00"))
	// The next wakes are 05:01:00 (b is due) and so on; the process hangs.
	e := m.Step(at(t, "05:45:00"))
	expectFinals(t, e, "a 05:00:00 cut (off) 05:00:00-05:01:00", "b 05:01:00 skipped (off)")
	if e.Sounding == nil || e.Sounding.Airing != "c" || !e.Sounding.Since.Equal(at(t, "05:45:00")) {
		t.Errorf("%+v", e.Sounding)
	}
	// Within the lag the plan's own instants count.
	e = m.Step(at(t, "05:50:01.900"))
	expectFinals(t, e, "c 05:40:00 played 05:45:00-05:50:00")
}

// TestClockSetBack: what sounds goes on from where it is, and nothing that has
// begun or is final comes again.
// SCHEDULE.md 12.7
func TestClockSetBack(t *testing.T) {
	m := newMachine(t, liveConfig(t))
	m.Step(at(t, "00:00:00"), ordinary(t, "a", nil), ordinary(t, "b", func(a *Airing) { a.Start.Hour = 4; a.Night = true }))
	m.Step(at(t, "04:30:00"))
	m.Step(at(t, "05:01:00"))
	e := m.Step(at(t, "03:30:00"))
	if e.Sounding == nil || e.Sounding.Airing != "a" || e.Sounding.Position != time.Minute || !e.Wake.Equal(at(t, "03:34:00")) {
		t.Fatalf("%+v %v", e.Sounding, e.Wake)
	}
	expectFinals(t, m.Step(at(t, "03:34:00")), "a 05:00:00 played 05:00:00-05:01:00 03:30:00-03:34:00")
	if e = m.Step(at(t, "06:00:00")); len(e.Finals)+len(e.Actions) > 0 {
		t.Errorf("%+v", e)
	}
}

// TestClockSetForward: with monotonic readings a jump is known: what sounds goes
// on, what the jump passed over is "clock unsure".
// SCHEDULE.md 12.7
func TestClockSetForward(t *testing.T) {
	now := time.Now() // only it has a monotonic reading
	cfg := liveConfig(t)
	cfg.From = now.Add(-time.Hour)
	m := newMachine(t, cfg)
	local := func(t time.Time) LocalTime { return LocalTimeOf(t.In(cfg.Zone)) }
	m.Step(now.Add(-time.Minute), ordinary(t, "a", func(a *Airing) {
		a.Start, a.Published, a.Approved, a.Night = local(now), now.Add(-time.Hour), now.Add(-time.Hour), true
	}), ordinary(t, "b", func(a *Airing) {
		a.Start, a.Published, a.Approved, a.Night = local(now.Add(30*time.Minute)), now.Add(-time.Hour), now.Add(-time.Hour), true
	}))
	e := m.Step(now.Add(time.Second))
	if e.Sounding == nil || e.Sounding.Airing != "a" {
		t.Fatalf("%+v", e)
	}
	// 10 s later by the monotonic clock, 2 hours later by the wall clock: as if
	// the last step had been at a wall clock that much later.
	m.seen = m.seen.Add(2*time.Hour - 10*time.Second)
	e = m.Step(now.Add(time.Second).Add(2 * time.Hour))
	if len(e.Finals) != 1 || e.Finals[0].Airing != "b" || e.Finals[0].Reason != protocol.ReasonClockUnsure {
		t.Errorf("%v", summary(t, e.Finals))
	}
	if e.Sounding == nil || e.Sounding.Airing != "a" {
		t.Errorf("%+v", e.Sounding)
	}
}

// TestForgetBringsNothingBack: what is forgotten does not come again, neither from
// the plan told again nor after a restart, and what is not over is kept.
// SCHEDULE.md 12.8
func TestForgetBringsNothingBack(t *testing.T) {
	cfg := liveConfig(t)
	m := newMachine(t, cfg)
	daily, err := ParseRule("FREQ=DAILY")
	if err != nil {
		t.Fatal(err)
	}
	once := ordinary(t, "once", nil)
	every := ordinary(t, "every", func(a *Airing) { a.Rule = &daily; a.Start.Hour = 6 })
	kept := map[Key]Record{}
	step := func(now time.Time, events ...Event) Effects {
		e := m.Step(now, events...)
		for _, r := range e.Records {
			kept[Key{r.Airing, r.Start.UTC()}] = r
		}
		return e
	}
	step(at(t, "00:00:00"), once, every, Event{Kind: EventStop, Airing: "gone", At: at(t, "00:00:00")})
	step(at(t, "06:00:30").AddDate(0, 0, 2))
	f := m.Forget(at(t, "00:00:00").AddDate(0, 0, 9))
	if !f.Before.Equal(at(t, "06:00:00").AddDate(0, 0, 2)) {
		t.Errorf("before %v: the one that sounds must stay", f.Before)
	}
	if len(f.Records) != 3 || !slices.Equal(f.Airings, []protocol.AiringID{"once"}) || len(f.Stops) != 1 {
		t.Errorf("%+v", f)
	}
	for _, k := range f.Records {
		delete(kept, Key{k.Airing, k.Start.UTC()})
	}
	if e := step(at(t, "06:01:00").AddDate(0, 0, 2), once, every); len(e.Finals)+len(e.Actions) > 0 {
		t.Errorf("%+v", e)
	}
	cfg.From = f.Before
	var records []Record
	for _, r := range kept {
		records = append(records, r)
	}
	m, err = Restore(cfg, Kept{
		Airings: []AiringRecord{{Airing: every.New, Accepted: true}}, Records: records, At: at(t, "06:01:30").AddDate(0, 0, 2),
	})
	if err != nil {
		t.Fatal(err)
	}
	e := step(at(t, "06:02:00").AddDate(0, 0, 2), Event{Kind: EventOn}, once)
	expectFinals(t, e)
	e = step(at(t, "07:00:00").AddDate(0, 0, 2))
	expectFinals(t, e, "every 2+06:00:00 played 2+06:00:00-2+06:01:30 2+06:02:00-2+06:07:00")
}

// TestWhatWasReplacedAndForgottenStaysReplaced: a device lets go of an airing that has
// nothing ahead, since another one took its place; after a crash it is told of both.
// SCHEDULE.md 12.3, 12.8
func TestWhatWasReplacedAndForgottenStaysReplaced(t *testing.T) {
	cfg := liveConfig(t)
	m := newMachine(t, cfg)
	daily, err := ParseRule("FREQ=DAILY")
	if err != nil {
		t.Fatal(err)
	}
	old := ordinary(t, "old", func(a *Airing) { a.Rule = &daily })
	edit := func() Event {
		return ordinary(t, "new", func(a *Airing) {
			a.Rule, a.Replaces, a.Start.Hour = &daily, "old", 6
			a.Published, a.Arrives = at(t, "12:00:00"), at(t, "12:00:00")
		})
	}
	kept := Kept{}
	note := func(e Effects) {
		for _, a := range e.Airings {
			kept.Airings = slices.DeleteFunc(kept.Airings, func(k AiringRecord) bool { return k.Airing.ID == a.Airing.ID })
			kept.Airings = append(kept.Airings, a)
		}
	}
	note(m.Step(at(t, "00:00:00"), old))
	note(m.Step(at(t, "12:00:00"), edit()))
	later := at(t, "12:00:00").AddDate(0, 0, 4)
	note(m.Step(later))
	f := m.Forget(later.AddDate(0, 0, -2))
	if len(f.Airings) != 1 || f.Airings[0] != "old" {
		t.Fatalf("forgotten: %v", f.Airings)
	}
	kept.Airings = slices.DeleteFunc(kept.Airings, func(k AiringRecord) bool { return k.Airing.ID == "old" })
	kept.At, cfg.From = later, f.Before
	again, err := Restore(cfg, kept)
	if err != nil {
		t.Fatal(err)
	}
	again.Step(later, Event{Kind: EventOn}, old, edit())
	got := summary(t, again.Step(later.AddDate(0, 0, 1)).Finals)
	if diff := cmp.Diff([]string{"new 5+06:00:00 played 5+06:00:00-5+06:05:00"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestASparingWithdrawalLetsGoOnWhatHasBegun: what was replaced by an airing that is
// nothing for this medium is over, but for what has begun.
// SCHEDULE.md 12.9
func TestASparingWithdrawalLetsGoOnWhatHasBegun(t *testing.T) {
	m := newMachine(t, liveConfig(t))
	m.Step(at(t, "00:00:00"), ordinary(t, "a", func(a *Airing) { a.RDates = []LocalTime{{2026, 12, 1, 6, 0, 0}} }))
	m.Step(at(t, "05:00:00"))
	e := m.Step(at(t, "05:01:00"), Event{Kind: EventWithdraw, Airing: "a", At: at(t, "05:01:00"), Spare: true})
	if e.Sounding == nil || len(e.Stops) != 1 || !e.Stops[0].Spare {
		t.Errorf("%+v", e)
	}
	expectFinals(t, m.Step(at(t, "12:00:00")), "a 05:00:00 played 05:00:00-05:05:00")
}

// TestQuietHoursChange: new periods count from the next step on.
func TestQuietHoursChange(t *testing.T) {
	cfg := liveConfig(t)
	cfg.Quiet = []QuietPeriod{{Unit: "xa", Start: 5 * 60, End: 6 * 60}}
	m := newMachine(t, cfg)
	m.Step(at(t, "04:00:00"), ordinary(t, "a", nil))
	if e := m.Step(at(t, "05:01:00")); e.Sounding != nil || m.Allowed(at(t, "05:01:00"), time.Second) {
		t.Fatalf("%+v", e)
	}
	if err := m.SetQuiet(nil); err != nil {
		t.Fatal(err)
	}
	if e := m.Step(at(t, "05:02:00")); e.Sounding == nil || !e.Sounding.Since.Equal(at(t, "05:02:00")) {
		t.Errorf("%+v", e)
	}
	if err := m.SetQuiet([]QuietPeriod{{Unit: "xa", Start: 0, End: 1440}}); err == nil {
		t.Error("24:00 was taken")
	}
	q := NewQuiet(cfg.Zone, cfg.Path, cfg.Quiet)
	if quiet, until := q.Next(at(t, "05:30:00")); !quiet || !until.Equal(at(t, "06:00:00")) || len(q.Periods()) != 1 {
		t.Error(quiet, until, q.Periods())
	}
}

// TestBadConfigurationIsRefused by field.
func TestBadConfigurationIsRefused(t *testing.T) {
	for want, cfg := range map[string]Config{
		"zone: missing":                   {Path: []protocol.UnitID{"xa"}},
		"path: empty":                     {Zone: time.UTC},
		"quiet_hours: not 00:00 to 23:59": {Zone: time.UTC, Path: []protocol.UnitID{"xa"}, Quiet: []QuietPeriod{{Unit: "xa", Start: -1}}},
	} {
		if _, err := New(cfg); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if _, err := Restore(cfg, Kept{}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestTellingAtArrivalIsTheSame: a machine that learns of an airing only when it
// arrives, and of stops before, ends like one that knew the file.
func TestTellingAtArrivalIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{rng: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 17))}
		input := g.plan()
		p, err := readPlan(input)
		if err != nil {
			t.Fatal(err)
		}
		withoutPast(p)
		// A device cannot know what an airing that it has not got yet replaced,
		// nor stop a start that it does not know; and off, it is told nothing.
		p.events = slices.DeleteFunc(p.events, func(e timed) bool { return e.Kind == EventOff })
		for i := range p.airings {
			p.airings[i].Replaces = ""
		}
		want := timelineOf(t, p)
		l := newLive(t, p.config)
		told := map[protocol.AiringID]bool{}
		tell := func(before int64, events []Event, now time.Time) {
			for {
				next := -1
				for i, a := range p.airings {
					if !told[a.ID] && a.Arrives.UnixMilli() <= before && (next < 0 || a.Arrives.Before(p.airings[next].Arrives)) {
						next = i
					}
				}
				if next < 0 {
					break
				}
				a := &p.airings[next]
				told[a.ID] = true
				if a.Arrives.Equal(now) {
					events = append(events, Event{Kind: EventAiring, New: a})
					continue
				}
				l.step(a.Arrives, append(togetherAt(p, told, a.Arrives), Event{Kind: EventAiring, New: a})...)
			}
			if len(events) > 0 {
				l.step(now, events...)
			}
		}
		for _, gr := range groups(p) {
			tell(gr.at.UnixMilli(), gr.events, gr.at)
		}
		tell(never, nil, time.Time{})
		l.drain()
		l.compare("told at arrival", want, input)
	})
}

// togetherAt returns the airings that arrive at one instant, and marks them told.
func togetherAt(p *plan, told map[protocol.AiringID]bool, now time.Time) []Event {
	var out []Event
	for i := range p.airings {
		if a := &p.airings[i]; !told[a.ID] && a.Arrives.Equal(now) {
			told[a.ID] = true
			out = append(out, Event{Kind: EventAiring, New: a})
		}
	}
	return out
}
