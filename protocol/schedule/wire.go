package schedule

import (
	"fmt"
	"strconv"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// RecurrenceOf returns the starts of an airing as it travels. Errors: of
// ParseLocalTime and ParseRule, with the field's name.
func RecurrenceOf(a protocol.Airing) (Recurrence, error) {
	var r Recurrence
	text := a.Start
	if len(text) == localLength+len(".000") && text[localLength] == '.' {
		ms, err := strconv.ParseUint(text[localLength+1:], 10, 16)
		if err != nil || a.Rule != "" {
			return r, refuse("start", "not a local time")
		}
		r.Millis, text = int64(ms), text[:localLength]
	}
	var err error
	if r.Start, err = ParseLocalTime(text); err != nil {
		return r, fmt.Errorf("start: %w", err)
	}
	if a.Rule != "" {
		rule, err := ParseRule(a.Rule)
		if err != nil {
			return r, fmt.Errorf("rule: %w", err)
		}
		r.Rule = &rule
	}
	if r.ExDates, err = localTimes("exdates", a.ExDates); err != nil {
		return r, err
	}
	r.RDates, err = localTimes("rdates", a.RDates)
	return r, err
}

func localTimes(field string, texts []string) ([]LocalTime, error) {
	var out []LocalTime
	for _, s := range texts {
		t, err := ParseLocalTime(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
		out = append(out, t)
	}
	return out, nil
}

// AiringOf returns an airing as the machine of a medium takes it; it arrives at
// an instant, or when it was published if that is later. Errors: of RecurrenceOf;
// ErrInvalid if the airing is not for that medium.
func AiringOf(a protocol.Airing, m protocol.Medium, arrives time.Time) (*Airing, error) {
	r, err := RecurrenceOf(a)
	if err != nil {
		return nil, fmt.Errorf("airing %s: %w", a.ID, err)
	}
	length := a.LengthFor(m)
	if length <= 0 {
		return nil, fmt.Errorf("airing %s is not for %s: %w", a.ID, m, protocol.ErrInvalid)
	}
	out := &Airing{
		ID: a.ID, Unit: a.Unit, Class: a.Class, Recurrence: r, Length: length,
		Approved: a.Approved.Time(), Published: a.Published.Time(), Arrives: arrives, Replaces: a.Replaces,
		Lateness: a.Lateness.Duration(), Order: a.Order, AfterCut: a.AfterCut, Night: a.Night,
	}
	if out.Arrives.Before(out.Published) {
		out.Arrives = out.Published
	}
	if a.Class == protocol.ClassEmergency {
		out.Drill, out.Until, out.Passes, out.Every, out.Supersedes = a.Drill, a.Until.Time(), int(a.Passes), a.Every.Duration(), a.Supersedes
	}
	return out, nil
}
