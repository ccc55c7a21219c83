package schedule

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loa-vn/loa/protocol"
)

// TestRuleRefusedByPart: what is outside the subset is refused by the name of its
// part (rule 1).
// SCHEDULE.md 2.1, 2.2, 2.3, 2.4
func TestRuleRefusedByPart(t *testing.T) {
	for _, c := range refusedRules() {
		_, err := ParseRule(c.Rule)
		var refused *RuleError
		if !errors.As(err, &refused) || refused.Part != c.Part {
			t.Errorf("%q: got %v, want a refusal of %s", c.Rule, err, c.Part)
		}
		if !errors.Is(err, protocol.ErrInvalid) {
			t.Errorf("%q: %v does not wrap ErrInvalid", c.Rule, err)
		}
	}
}

// refusedRule is a rule outside the subset, and the part to be named.
type refusedRule struct {
	Rule string `json:"rule"`
	Part string `json:"part"`
}

func refusedRules() []refusedRule {
	return []refusedRule{
		{"", "RRULE"},
		{"RRULE:FREQ=DAILY", "RRULE"},
		{"DAILY", "RRULE"},
		{"FREQ=DAILY;", "RRULE"},
		{";FREQ=DAILY", "RRULE"},
		{"FREQ DAILY", "RRULE"},
		{"FREQ=DAILY;=3", "RRULE"},
		{"FREQ=DAILY; COUNT=3", "RRULE"},
		{"FREQ=DAILY\nCOUNT=3", "FREQ"},
		{"COUNT=3", "FREQ"},
		{"FREQ=", "FREQ"},
		{"FREQ=HOURLY", "FREQ"},
		{"FREQ=MINUTELY", "FREQ"},
		{"FREQ=SECONDLY", "FREQ"},
		{"FREQ=DAILY;FREQ=DAILY", "FREQ"},
		{"FREQ=DAILY,WEEKLY", "FREQ"},
		{"FREQ=DAILY=3", "FREQ"},
		{"FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1", "BYSETPOS"},
		{"FREQ=YEARLY;BYWEEKNO=20", "BYWEEKNO"},
		{"FREQ=YEARLY;BYYEARDAY=100", "BYYEARDAY"},
		{"FREQ=DAILY;BYHOUR=5", "BYHOUR"},
		{"FREQ=DAILY;BYMINUTE=30", "BYMINUTE"},
		{"FREQ=DAILY;BYSECOND=0", "BYSECOND"},
		{"FREQ=DAILY;BYEASTER=0", "BYEASTER"},
		{"FREQ=YEARLY;RSCALE=CHINESE", "RSCALE"},
		{"FREQ=MONTHLY;SKIP=FORWARD", "SKIP"},
		{"FREQ=DAILY;X-LOA=1", "X-LOA"},
		{"FREQ=DAILY;DTSTART=20260101", "DTSTART"},
		{"FREQ=DAILY;INTERVAL=0", "INTERVAL"},
		{"FREQ=DAILY;INTERVAL=-1", "INTERVAL"},
		{"FREQ=DAILY;INTERVAL=+1", "INTERVAL"},
		{"FREQ=DAILY;INTERVAL=", "INTERVAL"},
		{"FREQ=DAILY;INTERVAL=1.5", "INTERVAL"},
		{"FREQ=DAILY;INTERVAL=9999999999", "INTERVAL"},
		{"FREQ=DAILY;COUNT=0", "COUNT"},
		{"FREQ=DAILY;COUNT=x", "COUNT"},
		{"FREQ=DAILY;COUNT=3;COUNT=3", "COUNT"},
		{"FREQ=DAILY;COUNT=3;UNTIL=20261231", "UNTIL"},
		{"FREQ=DAILY;UNTIL=20261231;COUNT=3", "UNTIL"},
		{"FREQ=DAILY;UNTIL=2026-12-31", "UNTIL"},
		{"FREQ=DAILY;UNTIL=20261231Z", "UNTIL"},
		{"FREQ=DAILY;UNTIL=20260230", "UNTIL"},
		{"FREQ=DAILY;UNTIL=20261231T246000", "UNTIL"},
		{"FREQ=DAILY;UNTIL=20261231T2359", "UNTIL"},
		{"FREQ=DAILY;UNTIL=", "UNTIL"},
		{"FREQ=DAILY;UNTIL=20261231T235959+07:00", "UNTIL"},
		{"FREQ=DAILY;UNTIL=20261231T", "UNTIL"},
		{"FREQ=WEEKLY;WKST=XX", "WKST"},
		{"FREQ=WEEKLY;WKST=MO,TU", "WKST"},
		{"FREQ=WEEKLY;WKST=1MO", "WKST"},
		{"FREQ=YEARLY;BYMONTH=0", "BYMONTH"},
		{"FREQ=YEARLY;BYMONTH=13", "BYMONTH"},
		{"FREQ=YEARLY;BYMONTH=-1", "BYMONTH"},
		{"FREQ=YEARLY;BYMONTH=1,", "BYMONTH"},
		{"FREQ=YEARLY;BYMONTH=5L", "BYMONTH"},
		{"FREQ=YEARLY;BYMONTH=001", "BYMONTH"},
		{"FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"},
		{"FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"},
		{"FREQ=MONTHLY;BYMONTHDAY=-32", "BYMONTHDAY"},
		{"FREQ=MONTHLY;BYMONTHDAY=1,,2", "BYMONTHDAY"},
		{"FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY"},
		{"FREQ=YEARLY;BYMONTHDAY=1", "BYMONTHDAY"},
		{"FREQ=WEEKLY;BYDAY=", "BYDAY"},
		{"FREQ=WEEKLY;BYDAY=M", "BYDAY"},
		{"FREQ=WEEKLY;BYDAY=XX", "BYDAY"},
		{"FREQ=WEEKLY;BYDAY=MO,", "BYDAY"},
		{"FREQ=MONTHLY;BYDAY=0MO", "BYDAY"},
		{"FREQ=MONTHLY;BYDAY=54MO", "BYDAY"},
		{"FREQ=MONTHLY;BYDAY=--1MO", "BYDAY"},
		{"FREQ=MONTHLY;BYDAY=100MO", "BYDAY"},
		{"FREQ=WEEKLY;BYDAY=1MO", "BYDAY"},
		{"FREQ=DAILY;BYDAY=-1MO", "BYDAY"},
		{"FREQ=YEARLY;BYDAY=1MO", "BYDAY"},
		{"FREQ=WEEKLY;BYDAY=6MO,TU", "BYDAY"},
		{"FREQ=YEARLY;BYDAY=20MO", "BYDAY"},
	}
}

// TestRuleTexts: equal texts are equal rules; names and values are in any case.
func TestRuleTexts(t *testing.T) {
	for _, text := range []string{
		"FREQ=DAILY", "INTERVAL=2;FREQ=WEEKLY;WKST=SU;BYDAY=MO,SU,MO", "freq=monthly;byday=+1mo,-5SU;bymonth=01,12",
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=+29,-1;COUNT=10", "FREQ=DAILY;UNTIL=20261231T235959z", "FREQ=YEARLY;BYDAY=MO",
		"FREQ=MONTHLY;BYDAY=53MO",
	} {
		a, err := ParseRule(text)
		b, err2 := ParseRule(text)
		if err != nil || err2 != nil || a != b || a.String() != text {
			t.Errorf("%q: %v %v, %v and %v", text, err, err2, a, b)
		}
	}
}

// drawRule makes a rule of the subset.
func drawRule(g *generator) string {
	freq := pick(g, "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
	out := "FREQ=" + freq
	if g.chance(50) {
		out += ";INTERVAL=" + pick(g, "1", "2", "3", "5", "13", "400")
	}
	if g.chance(30) {
		out += ";WKST=" + pick(g, "MO", "TU", "SU", "SA")
	}
	months := g.chance(40)
	if months {
		out += ";BYMONTH=" + pick(g, "1", "2", "3,10", "4,6,9,11", "12,1,2,3,4,5,6")
	}
	if freq != "WEEKLY" && (freq != "YEARLY" || months) && g.chance(40) {
		out += ";BYMONTHDAY=" + pick(g, "1", "31", "29,30", "-1", "-31,-1,15", "13", "-29", "1,2,3,4,5,6,7")
	}
	if g.chance(50) {
		days := pick(g, "MO", "FR", "SA,SU", "MO,TU,WE,TH,FR", "SU,TU", "MO,TU,WE,TH,FR,SA,SU")
		if freq == "MONTHLY" || (freq == "YEARLY" && months) {
			days = pick(g, days, "1MO", "-1FR", "5SU", "-5TU,2WE", "MO,-1SU", "1SA,3SA", "5MO,-5MO")
		}
		out += ";BYDAY=" + days
	}
	switch g.rng.IntN(4) {
	case 0:
		out += ";COUNT=" + pick(g, "1", "2", "7", "100")
	case 1:
		d := g.day.AddDate(0, 0, g.rng.IntN(800))
		out += ";UNTIL=" + d.Format("20060102") + pick(g, "", "T000000", "T050000", "T023000", "T013000Z", "T220000Z", "T210001Z")
	}
	return out
}

// TestExpandAgreesWithWalk: Expand agrees with a walk over all days and minutes,
// from any instant on (rule 1).
func TestExpandAgreesWithWalk(t *testing.T) {
	years := 2
	starts := 0
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{rng: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))}
		z := pick(g, generateZones()...)
		g.zone = newRefZone(z.zone)
		g.day, _ = time.Parse("2006-01-02", z.day)
		start, rule := g.local(), drawRule(g)
		if g.chance(30) {
			g.day = g.day.AddDate(0, -g.rng.IntN(12), -g.rng.IntN(31))
			start = g.day.Format("2006-01-02T") + g.clock()
		}
		exdates, rdates := []string{g.local(), start}[:g.rng.IntN(3)], []string{g.local(), g.local()}[:g.rng.IntN(3)]
		to := g.day.AddDate(years, 0, 0).UnixMilli()
		want := refStarts(g.zone, start, rule, exdates, rdates, to)
		starts += len(want)
		parsed, err := ParseRule(rule)
		if err != nil {
			t.Fatal(rule, err)
		}
		r := Recurrence{Rule: &parsed}
		r.Start, _ = ParseLocalTime(start)
		r.ExDates, _ = parseLocals("", exdates)
		r.RDates, _ = parseLocals("", rdates)
		for range 4 {
			// From the beginning, from a start, and from anywhere.
			from := g.day.AddDate(-1, 0, 0).UnixMilli()
			if len(want) > 0 && g.chance(50) {
				from = want[g.rng.IntN(len(want))] + pick(g, int64(0), 0, 1, -1)
			} else if g.chance(50) {
				from = g.day.UnixMilli() + g.rng.Int64N(int64(years)*365*86400000)
			}
			var got []int64
			for s := range Expand(r, g.zone.loc, fromMs(from, time.UTC), fromMs(to, time.UTC)) {
				got = append(got, s.UnixMilli())
			}
			i, _ := slices.BinarySearch(want, from)
			if diff := cmp.Diff(append([]int64(nil), want[i:]...), got); diff != "" && len(want[i:])+len(got) > 0 {
				t.Fatalf("%s %s %q ex %v r %v from %v: walk against Expand\n%s", g.zone.loc, start, rule, exdates, rdates, fromMs(from, time.UTC), diff)
			}
		}
	})
	if starts == 0 {
		t.Fatal("no starts were compared")
	}
}

// TestExpandFarAway: a rule that is decades old is entered where it is asked for,
// and its COUNT is still right.
func TestExpandFarAway(t *testing.T) {
	zone := benchZone(t)
	first := func(rule string, from time.Time) string {
		r := Recurrence{Start: LocalTime{2000, 1, 1, 5, 0, 0}}
		parsed, err := ParseRule(rule)
		if err != nil {
			t.Fatal(err)
		}
		r.Rule = &parsed
		for s := range Expand(r, zone, from, time.Time{}) {
			return s.Format(time.DateTime)
		}
		return "none"
	}
	for _, c := range []struct{ rule, from, want string }{
		{"FREQ=DAILY;INTERVAL=7", "2056-03-01", "2056-03-04 05:00:00"}, // Saturdays, as 2000-01-01
		{"FREQ=DAILY;COUNT=9132", "2024-12-31", "2024-12-31 05:00:00"}, // 25 years and their 7 leap days
		{"FREQ=DAILY;COUNT=9131", "2024-12-31", "none"},
		{"FREQ=MONTHLY;COUNT=301", "2025-01-01", "2025-01-01 05:00:00"},
		{"FREQ=MONTHLY;COUNT=300", "2025-01-01", "none"},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=7", "2021-01-01", "2024-02-29 05:00:00"},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=6", "2021-01-01", "none"},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2021-01-01", "none"},
		{"FREQ=WEEKLY;UNTIL=20201231", "2021-01-01", "none"},
	} {
		from, err := time.ParseInLocation(time.DateOnly, c.from, zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := first(c.rule, from); got != c.want {
			t.Errorf("%s from %s: got %s, want %s", c.rule, c.from, got, c.want)
		}
	}
}

// TestLeapYearsEndBeyondTheTable: past a zone's table package time gives each year
// 365 days; the last day of a leap year has starts all the same (rule 1).
func TestLeapYearsEndBeyondTheTable(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Ho_Chi_Minh"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, year := range []int{2040, 2096, 2400} {
			rule, err := ParseRule("FREQ=DAILY;COUNT=5")
			if err != nil {
				t.Fatal(err)
			}
			r := Recurrence{Start: LocalTime{year, 12, 29, 23, 30, 0}, Rule: &rule}
			day := 29
			for s := range Expand(r, zone, time.Time{}, time.Time{}) {
				if want := time.Date(year, 12, day, 23, 30, 0, 0, zone); !s.Equal(want) {
					t.Errorf("%s: got %v, want %v", name, s, want)
				}
				day++
			}
			if day != 34 {
				t.Errorf("%s %d: %d starts", name, year, day-29)
			}
		}
	}
}

// TestExpandText: lines of the command, numeric offsets, zero as +00:00.
func TestExpandText(t *testing.T) {
	got, err := ExpandText("UTC", "2026-12-01T05:00:00", "FREQ=DAILY", []string{"2026-12-02T05:00:00"}, []string{"2026-12-01T06:00:00"}, 3)
	want := []string{"2026-12-01T05:00:00+00:00", "2026-12-01T06:00:00+00:00", "2026-12-03T05:00:00+00:00"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for field, call := range map[string]func() ([]string, error){
		"zone":   func() ([]string, error) { return ExpandText("Mars", "2026-12-01T05:00:00", "", nil, nil, 1) },
		"start":  func() ([]string, error) { return ExpandText("UTC", "2026-12-01", "", nil, nil, 1) },
		"exdate": func() ([]string, error) { return ExpandText("UTC", "2026-12-01T05:00:00", "", []string{"x"}, nil, 1) },
		"rdate":  func() ([]string, error) { return ExpandText("UTC", "2026-12-01T05:00:00", "", nil, []string{"x"}, 1) },
		"count":  func() ([]string, error) { return ExpandText("UTC", "2026-12-01T05:00:00", "", nil, nil, -1) },
	} {
		_, err := call()
		var refused *FieldError
		if !errors.As(err, &refused) || refused.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

// TestLocalTimeText: what ParseLocalTime reads String writes; the rest is refused.
func TestLocalTimeText(t *testing.T) {
	for _, s := range []string{"2026-12-01T05:00:00", "0000-01-01T00:00:00", "2024-02-29T23:59:59", "9999-12-31T23:59:59"} {
		if l, err := ParseLocalTime(s); err != nil || l.String() != s {
			t.Errorf("%s: got %v, %v", s, l, err)
		}
	}
	for _, s := range []string{
		"", "2026-12-01", "2026-12-01T05:00", "2026-12-01T05:00:00Z", "2026-12-01 05:00:00", "2026-02-29T05:00:00", "2026-13-01T05:00:00",
		"2026-12-00T05:00:00", "2026-12-01T24:00:00", "2026-12-01T05:60:00", "2026-12-01T05:00:60", "+026-12-01T05:00:00", "2026-12-01T05:00:0٣",
	} {
		if l, err := ParseLocalTime(s); !errors.Is(err, protocol.ErrInvalid) {
			t.Errorf("%q: got %v, %v", s, l, err)
		}
	}
}

// TestSecondsOfAnOffsetAreLeftOut: RFC 3339 has no place for those of local mean
// time (SCHEDULE.md 11).
// SCHEDULE.md 11.5
func TestSecondsOfAnOffsetAreLeftOut(t *testing.T) {
	got, err := ExpandText("Asia/Ho_Chi_Minh", "1900-12-31T05:00:00", "", nil, nil, 1)
	if want := []string{"1900-12-31T05:00:00+07:06"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}
