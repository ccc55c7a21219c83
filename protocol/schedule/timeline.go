package schedule

import (
	"cmp"
	"slices"
)

// lineTime is RFC 3339 with milliseconds and a numeric offset, "+00:00" for zero.
const lineTime = "2006-01-02T15:04:05.000-07:00"

// Timeline is `loa-hub schedule timeline`: it reads a plan and what happened to
// a device (JSON, see SCHEDULE.md) and returns what became of every occurrence,
// a compact JSON object each, sorted by start, then airing. Its error is a
// *FieldError naming the field, for exit status 2.
func Timeline(input []byte) ([][]byte, error) {
	p, err := readPlan(input)
	if err != nil {
		return nil, err
	}
	m, err := run(p.config, p.airings, p.events)
	if err != nil {
		return nil, err
	}
	all := m.outcomes()
	lines := make([][]byte, len(all))
	for i, o := range all {
		lines[i] = m.line(o)
	}
	return lines, nil
}

// timed is an event at its instant, in ms.
type timed struct {
	at int64
	Event
}

// run goes through a whole plan, with events in order, until all is final.
func run(cfg Config, airings []Airing, events []timed) (*Machine, error) {
	m, err := New(cfg)
	if err != nil {
		return nil, err
	}
	m.silent, m.complete = true, true
	for i := range airings {
		a := &airings[i]
		if err := a.Validate(cfg.Zone, cfg.Path); err != nil {
			return nil, err
		}
		if m.byID[a.ID] != nil {
			return nil, refuse("id", "an airing twice: %s", a.ID)
		}
		m.expect(m.admit(a))
	}
	events = m.beforeFirst(events)
	m.wake = m.from
	for len(events) > 0 {
		at := events[0].at
		var group []Event
		for len(events) > 0 && events[0].at == at {
			group = append(group, events[0].Event)
			events = events[1:]
		}
		m.catchUp(at)
		m.instant(at, group)
	}
	m.catchUp(never)
	return m, nil
}

// beforeFirst takes what arrived and was received before from, and returns the
// events that are left.
func (m *Machine) beforeFirst(events []timed) []timed {
	for len(m.arriving) > 0 && m.arriving[0].arrives < m.from {
		m.held = append(m.held, heldBack{at: m.arriving[0].arrives, airing: m.arriving[0]})
		m.arriving = m.arriving[1:]
	}
	for len(events) > 0 && events[0].at < m.from {
		e := events[0]
		events = events[1:]
		if e.Kind == EventStop || e.Kind == EventWithdraw {
			r := StopRecord{Kind: e.Kind, Airing: e.Airing, Unit: e.Unit, Start: e.Start, At: m.time(e.at)}
			m.held = append(m.held, heldBack{at: e.at, stop: r})
		}
	}
	m.takeHeld()
	return events
}

// outcomes returns all occurrences that have one, by start, then airing.
func (m *Machine) outcomes() []*occurrence {
	var all []*occurrence
	for _, a := range m.airings {
		for _, o := range a.known {
			if o.state == StateFinal {
				all = append(all, o)
			}
		}
	}
	slices.SortFunc(all, func(a, b *occurrence) int {
		if c := cmp.Compare(a.start, b.start); c != 0 {
			return c
		}
		return cmp.Compare(a.of.spec.ID, b.of.spec.ID)
	})
	return all
}

// line writes an occurrence. Identifiers and words need no escapes.
func (m *Machine) line(o *occurrence) []byte {
	b := make([]byte, 0, 192)
	b = append(b, `{"airing":"`...)
	b = append(b, o.of.spec.ID...)
	b = append(b, `","start":`...)
	b = m.appendTime(b, o.start)
	b = append(b, `,"outcome":"`...)
	b = append(b, o.outcome.String()...)
	b = append(b, `","reason":"`...)
	b = append(b, o.reason.String()...)
	b = append(b, `","plays":[`...)
	for i, s := range o.plays {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = m.appendTime(b, s.from)
		b = append(b, ',')
		b = m.appendTime(b, s.to)
		b = append(b, ']')
	}
	return append(b, `]}`...)
}

func (m *Machine) appendTime(b []byte, ms int64) []byte {
	b = append(b, '"')
	b = m.time(ms).AppendFormat(b, lineTime)
	return append(b, '"')
}
