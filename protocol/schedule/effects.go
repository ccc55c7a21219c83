package schedule

import (
	"time"

	"github.com/loa-vn/loa/protocol"
)

// act notes what has to be done to the output.
func (m *Machine) act(what Act, o *occurrence, at int64, why protocol.Reason) {
	if !m.silent {
		m.actions = append(m.actions, Action{Act: what, Sound: m.soundOf(o), At: m.time(at), Reason: why})
	}
}

// touch notes that an occurrence's record has changed.
func (m *Machine) touch(o *occurrence) {
	if !m.silent && !o.changed {
		o.changed = true
		m.touched = append(m.touched, o)
	}
}

// edit notes that an airing's record has changed.
func (m *Machine) edit(a *airing) {
	if !m.silent && !a.changed {
		a.changed = true
		m.edited = append(m.edited, a)
	}
}

func (m *Machine) time(ms int64) time.Time { return fromMs(ms, m.cfg.Zone) }

func (m *Machine) key(o *occurrence) Key { return Key{o.of.spec.ID, m.time(o.start)} }

func (m *Machine) soundOf(o *occurrence) Sound {
	s := Sound{Key: m.key(o), Since: m.time(o.since), Position: duration(o.from), End: m.time(o.end())}
	if o.of.emergency {
		s.Pass = o.passed + 1
	}
	return s
}

func duration(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// effects empties what was noted into the answer to a step.
func (m *Machine) effects() Effects {
	var e Effects
	if m.wake < never {
		e.Wake = m.time(m.wake)
	}
	if m.sounding != nil {
		m.sound = m.soundOf(m.sounding)
		e.Sounding = &m.sound
	}
	if len(m.actions)+len(m.touched)+len(m.edited)+len(m.newStops)+len(m.refused) == 0 {
		return e
	}
	m.records, m.ended, m.kept = m.records[:0], m.ended[:0], m.kept[:0]
	for _, o := range m.touched {
		o.changed = false
		m.records = append(m.records, m.record(o))
	}
	for _, o := range m.finals {
		m.ended = append(m.ended, m.final(o))
	}
	for _, a := range m.edited {
		a.changed = false
		m.kept = append(m.kept, m.airingRecord(a))
	}
	e.Actions, e.Finals, e.Records, e.Airings = m.actions, m.ended, m.records, m.kept
	e.Stops, e.Refused = m.newStops, m.refused
	m.touched, m.finals, m.edited = m.touched[:0], m.finals[:0], m.edited[:0]
	m.actions, m.newStops, m.refused = m.actions[:0], nil, nil
	return e
}

func (m *Machine) record(o *occurrence) Record {
	r := Record{
		Key: m.key(o), State: o.state, Cut: o.cut, Position: duration(o.position), Plays: m.plays(o),
		Outcome: o.outcome, Reason: o.reason, Whole: o.whole, Passes: o.passed,
	}
	if o.state == StateOn {
		r.Since, r.From = m.time(o.since), duration(o.from)
	}
	if o.over() {
		r.At = m.time(o.final)
	}
	if o.of.emergency {
		r.Due = m.time(o.due)
		if o.ended > minInstant {
			r.Ended = m.time(o.ended)
		}
	}
	return r
}

func (m *Machine) plays(o *occurrence) []Stretch {
	var out []Stretch
	for _, s := range o.plays {
		out = append(out, Stretch{m.time(s.from), m.time(s.to)})
	}
	return out
}

func (m *Machine) final(o *occurrence) Final {
	return Final{Key: m.key(o), Outcome: o.outcome, Reason: o.reason, Plays: m.plays(o), At: m.time(o.final)}
}

func (m *Machine) airingRecord(a *airing) AiringRecord {
	r := AiringRecord{Airing: a.spec, Accepted: a.accepted}
	if a.withdrawn < never {
		r.Withdrawn = m.time(a.withdrawn)
	}
	return r
}
