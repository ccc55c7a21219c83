package schedule

import (
	"fmt"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// benchZone is where Loa is used.
func benchZone(tb testing.TB) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		tb.Fatal(err)
	}
	return zone
}

// dailyAirings are n airings a day, in a morning and an evening slot.
func dailyAirings(tb testing.TB, n int, from time.Time) []Airing {
	tb.Helper()
	rule, err := ParseRule("FREQ=DAILY")
	if err != nil {
		tb.Fatal(err)
	}
	out := make([]Airing, n)
	for i := range out {
		start := LocalTimeOf(from)
		start.Hour, start.Minute = 5+12*(i%2), i
		out[i] = Airing{
			ID: protocol.AiringID(fmt.Sprintf("a%03d", i)), Unit: "xa", Class: protocol.ClassNormal,
			Recurrence: Recurrence{Start: start, Rule: &rule},
			Length:     90 * time.Second, Lateness: DefaultLateness,
			Approved: from, Published: from,
		}
	}
	return out
}

// BenchmarkYear is a device's forecast for a year of 40 airings a day.
func BenchmarkYear(b *testing.B) {
	zone := benchZone(b)
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, zone)
	airings := dailyAirings(b, 40, from)
	cfg := Config{Zone: zone, Path: []protocol.UnitID{"tinh", "xa"}}
	b.ReportAllocs()
	for b.Loop() {
		finals, err := Forecast(cfg, airings, from, from.AddDate(1, 0, 0))
		if err != nil || len(finals) != 40*365 {
			b.Fatal(len(finals), err)
		}
	}
}

// BenchmarkStepIdle is a step at which nothing changes.
func BenchmarkStepIdle(b *testing.B) {
	m, now := runningMachine(b, 40)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Microsecond)
		m.Step(now)
	}
}

// BenchmarkDecision is a whole look at a plan of 40 airings at one instant.
func BenchmarkDecision(b *testing.B) {
	m, _ := runningMachine(b, 40)
	b.ReportAllocs()
	for b.Loop() {
		m.instant(m.now, nil)
	}
}

// BenchmarkWake is a step at which something begins, ends or becomes due, with
// its records: from wake to wake through days of 40 airings.
func BenchmarkWake(b *testing.B) {
	m, now := runningMachine(b, 40)
	e := m.Step(now)
	b.ReportAllocs()
	for b.Loop() {
		now = e.Wake
		e = m.Step(now)
	}
}

// runningMachine is a machine in the middle of a morning slot, something sounding
// and others waiting.
func runningMachine(b *testing.B, n int) (*Machine, time.Time) {
	b.Helper()
	zone := benchZone(b)
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, zone)
	m, err := New(Config{Zone: zone, Path: []protocol.UnitID{"tinh", "xa"}, From: from})
	if err != nil {
		b.Fatal(err)
	}
	airings := dailyAirings(b, n, from)
	var events []Event
	for i := range airings {
		events = append(events, Event{Kind: EventAiring, New: &airings[i]})
	}
	m.Step(from, events...)
	now := from.Add(5*time.Hour + 10*time.Minute)
	if e := m.Step(now); e.Sounding == nil {
		b.Fatal("nothing sounds")
	}
	return m, now
}

// BenchmarkExpandFar enters a rule ten years after its start.
func BenchmarkExpandFar(b *testing.B) {
	zone := benchZone(b)
	for _, text := range []string{"FREQ=DAILY", "FREQ=DAILY;COUNT=100000", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=5000", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"} {
		b.Run(text, func(b *testing.B) {
			rule, err := ParseRule(text)
			if err != nil {
				b.Fatal(err)
			}
			r := Recurrence{Start: LocalTime{2016, 1, 1, 5, 0, 0}, Rule: &rule}
			from := time.Date(2026, 1, 1, 0, 0, 0, 0, zone)
			b.ReportAllocs()
			for b.Loop() {
				for range Expand(r, zone, from, from.AddDate(0, 2, 0)) {
					break
				}
			}
		})
	}
}
