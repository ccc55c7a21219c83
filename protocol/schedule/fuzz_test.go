package schedule

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// FuzzParseRule: a text is refused by part, or gives a rule that says the same
// again and whose starts are in order.
func FuzzParseRule(f *testing.F) {
	for _, r := range refusedRules() {
		f.Add(r.Rule)
	}
	for _, v := range []string{
		"FREQ=DAILY", "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,SU", "FREQ=MONTHLY;BYDAY=-1FR,2TU;COUNT=9",
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;UNTIL=20991231T235959Z", "freq=daily;until=20261231",
	} {
		f.Add(v)
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		protocoltest.HoldMemory(t, "rule", len(text), func() { _, _ = ParseRule(text) })
		rule, err := ParseRule(text)
		if err != nil {
			var refused *RuleError
			if !errors.As(err, &refused) || refused.Part == "" || !errors.Is(err, protocol.ErrInvalid) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if again, err := ParseRule(rule.String()); err != nil || again != rule {
			t.Fatalf("%q: %v, %v", text, again, err)
		}
		r := Recurrence{Start: LocalTime{2026, 1, 31, 2, 30, 0}, Rule: &rule}
		var last time.Time
		n := 0
		for s := range Expand(r, zone, last, time.Time{}) {
			if !s.After(last) {
				t.Fatalf("%q: %v after %v", text, s, last)
			}
			if last = s; n == 50 {
				break
			}
			n++
		}
	})
}

// FuzzTimeline: an input is refused by field in one line, or gives lines.
func FuzzTimeline(f *testing.F) {
	f.Add([]byte(goodFile))
	for _, r := range refusedFiles() {
		f.Add([]byte(r.Input))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		// Beside it, the table of its time zone.
		protocoltest.HoldMemoryBeside(t, "plan of a timeline", len(input), 64<<10, func() { _, _ = readPlan(input) })
		p, err := readPlan(input)
		if err != nil {
			var refused *FieldError
			if !errors.As(err, &refused) || refused.Field == "" || strings.ContainsAny(err.Error(), "\n\r") {
				t.Fatal(err)
			}
			return
		}
		if p.config.To.Sub(p.config.From) > 100*24*time.Hour {
			return // as long as it says, but not in a fuzz test
		}
		for _, a := range p.airings {
			if a.Passes > 1000 {
				return
			}
		}
		lines, err := Timeline(input)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			if !strings.HasPrefix(string(l), `{"airing":"`) || strings.Contains(string(l), "\n") {
				t.Fatalf("%s", l)
			}
		}
	})
}
