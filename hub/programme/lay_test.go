package programme

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

var zone = time.FixedZone("+07", 7*3600)

// made is when the airings of these tests were published.
var made = time.Date(2026, 12, 1, 0, 0, 0, 0, zone)

func piece(title string, seconds int) part {
	return part{Item: Item{Kind: Piece}, title: title, class: protocol.ClassNormal, length: time.Duration(seconds) * time.Second}
}

func kind(k ItemKind, p part) part { p.Kind = k; return p }

func priority(p part) part { p.class = protocol.ClassPriority; return p }

func standIn(p part) part { p.StandIn = true; return p }

// morning is a daily slot at 05:00.
func morning(minutes int) Slot {
	return Slot{Start: "2026-12-01T05:00:00", Minutes: minutes, Rule: "FREQ=DAILY"}
}

// airings compiles a programme for one unit of a path, as the desk does.
func airings(t *testing.T, unit protocol.UnitID, slot Slot, parts ...part) []schedule.Airing {
	t.Helper()
	r := Rundown{Slot: slot}
	var out []schedule.Airing
	for i, tm := range r.timings(parts) {
		a, err := schedule.AiringOf(protocol.Airing{
			ID: protocol.AiringID(parts[i].title), Unit: unit, Class: parts[i].class, Start: tm.slot.Start, Rule: tm.slot.Rule,
			ExDates: tm.slot.ExDates, RDates: tm.slot.RDates, SoundFor: protocol.MillisOf(parts[i].length), Lateness: protocol.MillisOf(tm.lateness),
			Order: tm.order, AfterCut: tm.afterCut, Approved: protocol.InstantOf(made), Published: protocol.InstantOf(made),
		}, protocol.MediumSound, made)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, *a)
	}
	return out
}

// at is an event of a test, counted from 05:00.
type at struct {
	after time.Duration
	schedule.Event
}

// listen is what sounds on 1 December: "title 05:00:03-05:01:03", one a stretch.
func listen(t *testing.T, path []protocol.UnitID, all []schedule.Airing, events ...at) []string {
	t.Helper()
	m, err := schedule.New(schedule.Config{Zone: zone, Path: path, From: made, To: made.AddDate(0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var first []schedule.Event
	for i := range all {
		first = append(first, schedule.Event{Kind: schedule.EventAiring, New: &all[i]})
	}
	start := made.Add(5 * time.Hour)
	eff := m.Step(made, first...)
	if len(eff.Refused) > 0 {
		t.Fatalf("refused: %v", eff.Refused)
	}
	var plays []schedule.Final
	for {
		next := eff.Wake
		var now []schedule.Event
		if len(events) > 0 && (next.IsZero() || !start.Add(events[0].after).After(next)) {
			next, now = start.Add(events[0].after), []schedule.Event{events[0].Event}
			if now[0].Kind == schedule.EventFault {
				now[0].Start = eff.Sounding.Start
			}
			events = events[1:]
		}
		if next.IsZero() {
			break
		}
		eff = m.Step(next, now...)
		for _, f := range eff.Finals {
			f.Plays = slices.Clone(f.Plays)
			plays = append(plays, f)
		}
	}
	slices.SortStableFunc(plays, func(a, b schedule.Final) int { return first0(a).Compare(first0(b)) })
	var out []string
	for _, f := range plays {
		for _, p := range f.Plays {
			out = append(out, fmt.Sprintf("%s %s-%s", f.Airing, clock(p.From), clock(p.To)))
		}
	}
	return out
}

func clock(t time.Time) string { return strings.TrimSuffix(t.In(zone).Format("15:04:05.000"), ".000") }

func first0(f schedule.Final) time.Time {
	if len(f.Plays) == 0 {
		return f.Start
	}
	return f.Plays[0].From
}

var villagePath = []protocol.UnitID{"tinh", "xa", "thon"}

// programme is what most tests hear: four items and two chimes in half an hour.
func programme() []part {
	return []part{
		kind(Opening, piece("mo", 3)), priority(kind(Relay, piece("vov", 600))), standIn(priority(piece("nhac", 120))),
		piece("tin-1", 60), priority(piece("tin-2", 90)), kind(Closing, piece("dong", 3)),
	}
}

func TestItemsSoundInOrderWithoutGaps(t *testing.T) {
	got := listen(t, villagePath, airings(t, "xa", morning(30), programme()...))
	want := []string{
		"mo 05:00:00-05:00:03", "vov 05:00:03-05:10:03", "tin-2 05:10:03-05:11:33", "tin-1 05:11:33-05:12:33", "dong 05:12:33-05:12:36",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheOpeningChimeIsFirstBeforeARelayFromAbove(t *testing.T) {
	province := airings(t, "tinh", morning(20), priority(kind(Relay, piece("tinh-vov", 600))))
	got := listen(t, villagePath, append(province, airings(t, "xa", morning(30), programme()[:1]...)...))
	want := []string{"mo 05:00:00-05:00:03", "tinh-vov 05:00:03-05:10:03"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// Where the province has a chime of its own, that is the slot's, and no other.
	own := airings(t, "tinh", morning(20), kind(Opening, piece("tinh-mo", 4)), priority(kind(Relay, piece("tinh-vov", 600))))
	got = listen(t, villagePath, append(own, airings(t, "xa", morning(30), programme()...)...))
	if got[0] != "tinh-mo 05:00:00-05:00:04" || got[1] != "tinh-vov 05:00:04-05:10:04" || slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "mo ") }) {
		t.Errorf("two chimes: %q", got)
	}
	// Circular 39: national relay, province, commune.
	if !strings.HasPrefix(got[2], "vov 05:10:04") {
		t.Errorf("the commune does not follow: %q", got)
	}
}

func TestMissingContentSkipsTheItemAndNotTheProgramme(t *testing.T) {
	for _, missing := range []protocol.AiringID{"mo", "vov", "tin-1", "tin-2", "dong"} {
		got := listen(t, villagePath, airings(t, "xa", morning(30), programme()...), at{-time.Minute, schedule.Event{Kind: schedule.EventMissing, Airing: missing}})
		if slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, string(missing)+" ") }) {
			t.Errorf("%s sounded: %q", missing, got)
		}
		wantLast := "dong "
		if missing == "dong" {
			wantLast = "tin-1 "
		}
		// Without the relay its stand-in sounds.
		want := 4
		if missing == "vov" {
			want = 5
		}
		if len(got) != want || !strings.HasPrefix(got[len(got)-1], wantLast) {
			t.Errorf("without %s: %q", missing, got)
		}
	}
	// What comes late still sounds, and the closing chime is still last.
	got := listen(t, villagePath, airings(t, "xa", morning(30), programme()...),
		at{-time.Minute, schedule.Event{Kind: schedule.EventMissing, Airing: "tin-2"}}, at{12 * time.Minute, schedule.Event{Kind: schedule.EventThere, Airing: "tin-2"}})
	want := []string{"mo 05:00:00-05:00:03", "vov 05:00:03-05:10:03", "tin-1 05:10:03-05:11:03", "tin-2 05:12:00-05:13:30", "dong 05:13:30-05:13:33"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestALostRelayIsFollowedByItsStandIn(t *testing.T) {
	got := listen(t, villagePath, airings(t, "xa", morning(30), programme()...), at{2 * time.Minute, schedule.Event{Kind: schedule.EventFault, Airing: "vov"}})
	want := []string{
		"mo 05:00:00-05:00:03", "vov 05:00:03-05:02:00", "nhac 05:02:00-05:04:00", "tin-2 05:04:00-05:05:30", "tin-1 05:05:30-05:06:30", "dong 05:12:33-05:12:36",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// Too late for it to end within the relay's time: the next item goes on.
	got = listen(t, villagePath, airings(t, "xa", morning(30), programme()...), at{9 * time.Minute, schedule.Event{Kind: schedule.EventFault, Airing: "vov"}})
	if !strings.HasPrefix(got[2], "tin-2 05:09:00") {
		t.Errorf("after a relay lost at its end: %q", got)
	}
}

func TestAProgrammeThatIsHeldUpEndsWithItsSlot(t *testing.T) {
	// An hour of somebody else's before it: nothing of it sounds after 05:30.
	other := airings(t, "tinh", Slot{Start: "2026-12-01T04:59:00", Minutes: 120}, piece("dai", 15*60))
	got := listen(t, villagePath, append(other, airings(t, "xa", morning(30), programme()...)...))
	for _, s := range got {
		if s[len(s)-8:] > "05:30:00" {
			t.Errorf("after the slot: %q", s)
		}
	}
	if last := got[len(got)-1]; !strings.HasPrefix(last, "dong ") {
		t.Errorf("the closing chime is not last: %q", got)
	}
}

func TestWhatDoesNotFitIsNamed(t *testing.T) {
	for _, c := range []struct {
		name    string
		minutes int
		parts   []part
		field   string
		over    string
	}{
		{"all fit", 30, programme(), "", ""},
		{"exactly full", 5, []part{kind(Opening, piece("mo", 3)), piece("a", 294), kind(Closing, piece("dong", 3))}, "", ""},
		{"a second too much", 5, []part{kind(Opening, piece("mo", 3)), piece("a", 295), kind(Closing, piece("dong", 3))}, "items[1]", "1s"},
		{"the last one", 5, []part{piece("a", 120), piece("b", 200)}, "items[1]", "23s"},
		{"by the rules' order", 5, []part{piece("a", 120), priority(piece("b", 200))}, "items[0]", "23s"},
		{"a stand-in longer than its relay", 30, []part{kind(Relay, piece("r", 60)), standIn(piece("n", 90))}, "items[1]", "30s"},
	} {
		r := Rundown{Name: c.name, Slot: morning(c.minutes), Items: make([]Item, len(c.parts))}
		err := r.check(c.parts)
		if c.field == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		var p *problem.Problem
		if !errors.As(err, &p) || p.Code != "does-not-fit" || p.Field != c.field || !strings.Contains(p.En, c.over) || p.Vi == "" {
			t.Errorf("%s: %v, want %s by %s", c.name, err, c.field, c.over)
		}
	}
}

func TestOrdersThatCannotBeKeptAreRefused(t *testing.T) {
	good := programme()
	for name, change := range map[string]func([]part) []part{
		"empty":                       func([]part) []part { return nil },
		"opening chime in the middle": func(p []part) []part { p[0], p[1] = p[1], p[0]; return p },
		"closing chime in the middle": func(p []part) []part { p[4], p[5] = p[5], p[4]; return p },
		"closing chime of priority":   func(p []part) []part { p[5] = priority(p[5]); return p },
		"stand-in without relay":      func(p []part) []part { p[1], p[2] = p[2], p[1]; return p },
		"emergency":                   func(p []part) []part { p[3].class = protocol.ClassEmergency; return p },
		"without sound":               func(p []part) []part { p[3].length = 0; return p },
		"unknown kind":                func(p []part) []part { p[3].Kind = "jingle"; return p },
		"unknown way after a cut":     func(p []part) []part { p[3].AfterCut = "again"; return p },
	} {
		parts := change(slices.Clone(good))
		r := Rundown{Name: "Sáng", Slot: morning(30), Items: make([]Item, len(parts))}
		if err := r.check(parts); !errors.Is(err, problem.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSlotsThatNoScheduleHolds(t *testing.T) {
	for name, s := range map[string]Slot{
		"no date":              {Start: "05:00", Minutes: 30},
		"no length":            {Start: "2026-12-01T05:00:00"},
		"past midnight":        {Start: "2026-12-01T23:45:00", Minutes: 30},
		"unknown rule":         {Start: "2026-12-01T05:00:00", Minutes: 30, Rule: "FREQ=HOURLY"},
		"date at another hour": {Start: "2026-12-01T05:00:00", Minutes: 30, RDates: []string{"2026-12-02T06:00:00"}},
		"lunar day 31":         {Start: "2026-12-01T05:00:00", Minutes: 30, Lunar: []int{31}},
		"last day of no month": {Start: "2026-12-01T05:00:00", Minutes: 30, LastDay: "2026-13-01"},
		"last day far off":     {Start: "2026-12-01T05:00:00", Minutes: 30, LastDay: "2029-08-27"}, // the 1,001st
		"two years of lunar days": {
			Start: "2026-12-01T05:00:00", Minutes: 30, LastDay: "2028-11-30",
			Lunar: []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20},
		},
	} {
		if err := s.check(); !errors.Is(err, problem.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (Slot{Start: "2026-12-01T23:30:00", Minutes: 30, LastDay: "2029-08-26"}).check(); err != nil {
		t.Errorf("up to midnight, a thousand days: %v", err)
	}
}

func TestHolidaysAndLunarDaysBecomeDates(t *testing.T) {
	days := func(s Slot) []string {
		starts, err := s.Starts(zone, time.Unix(0, 0), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, at := range starts {
			out = append(out, at.In(zone).Format("02/01 15:04"))
		}
		return out
	}
	// Tết Bính Ngọ was on 17 February 2026; its eve on the 16th.
	got := days(Slot{Start: "2026-02-14T05:00:00", Minutes: 30, Rule: "FREQ=DAILY", LastDay: "2026-02-22", SkipHolidays: true})
	want := []string{"14/02 05:00", "15/02 05:00", "20/02 05:00", "21/02 05:00", "22/02 05:00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The first and the fifteenth of the lunar month, beside Mondays.
	got = days(Slot{Start: "2026-02-16T17:00:00", Minutes: 30, Rule: "FREQ=WEEKLY;BYDAY=MO", LastDay: "2026-03-05", Lunar: []int{1, 15}})
	want = []string{"16/02 17:00", "17/02 17:00", "23/02 17:00", "02/03 17:00", "03/03 17:00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for day, name := range map[protocol.Date]string{"2026-09-02": "Quốc khánh", "2026-04-26": "Giỗ Tổ Hùng Vương", "2026-09-03": ""} {
		if got := Holiday(day).Vi; got != name {
			t.Errorf("%s: %q, want %q", day, got, name)
		}
	}
}

func TestAnItemStartsWithItsSlotOnTheSameDays(t *testing.T) {
	for _, rule := range []string{"FREQ=DAILY;COUNT=5", "FREQ=DAILY;UNTIL=20261205T050000", "FREQ=DAILY;UNTIL=20261205", "FREQ=WEEKLY;BYDAY=TU,FR;COUNT=4", "FREQ=DAILY;UNTIL=20261204T220000Z"} {
		s := Slot{Start: "2026-12-01T05:00:00", Minutes: 30, Rule: rule, ExDates: []string{"2026-12-02T05:00:00"}, RDates: []string{"2026-12-20T05:00:00"}}
		slot, err := s.Starts(zone, time.Unix(0, 0), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		item, err := s.spelled().after(7*time.Second).Starts(zone, time.Unix(0, 0), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range slot {
			slot[i] = slot[i].Add(7 * time.Second)
		}
		if diff := cmp.Diff(slot, item); diff != "" {
			t.Errorf("%s: %s", rule, diff)
		}
	}
}
