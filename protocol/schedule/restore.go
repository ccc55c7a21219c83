package schedule

import (
	"maps"
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Kept is what was stored of a machine's effects: for each key the last record.
type Kept struct {
	Airings []AiringRecord
	Records []Record
	Stops   []StopRecord
	// At is the last instant at which the machine is known to have run. What
	// sounded then was cut "off" at that instant, or at the latest instant of a
	// record if that is later.
	At time.Time
}

// Restore returns a machine that goes on from what was stored, with its device
// off since then. Tell it EventOn, and whatever else is so, at the next step. A
// record whose airing is not among Airings, and an airing that is no longer
// valid for the configuration, are left out. Config.From must not be before that
// of the machine restored, nor before what was forgotten.
func Restore(cfg Config, kept Kept) (*Machine, error) {
	m, err := New(cfg)
	if err != nil {
		return nil, err
	}
	m.now = max(m.now, toMs(kept.At))
	for _, r := range kept.Records {
		m.now = max(m.now, m.latestOf(r))
	}
	m.takeBack(kept, true)
	m.instant(m.now, []Event{{Kind: EventOff}})
	return m, nil
}

// Move returns a machine for another path or zone that goes on from where m is: what
// sounds goes on, if its airing is valid there. kept is what was stored of m, the
// effects of its last step included; what is left out is so as with Restore, and
// whatever m owed for it is to be ended before.
func (m *Machine) Move(cfg Config, kept Kept) (*Machine, error) {
	n, err := New(cfg)
	if err != nil {
		return nil, err
	}
	n.now, n.seen = m.now, m.seen
	n.off, n.muted, n.unsure, n.missing = m.off, m.muted, m.unsure, maps.Clone(m.missing)
	n.takeBack(kept, m.off)
	n.wake = n.now
	return n, nil
}

// takeBack takes up what was stored. While the device is off, what has arrived is
// held back.
func (m *Machine) takeBack(kept Kept, off bool) {
	m.silent = true
	for _, r := range kept.Airings {
		if r.Airing == nil || m.byID[r.Airing.ID] != nil || r.Airing.Validate(m.cfg.Zone, m.cfg.Path) != nil {
			continue
		}
		m.readmit(r, off)
	}
	for _, r := range kept.Records {
		m.put(r)
	}
	for _, r := range kept.Stops {
		if r.Held {
			m.held = append(m.held, heldBack{at: toMs(r.At), stop: r})
		} else {
			m.stops = append(m.stops, r)
		}
	}
	m.takeStarts(m.now - 1)
	m.silent = false
}

// latestOf returns the latest instant that a record tells of.
func (m *Machine) latestOf(r Record) int64 {
	t := m.from
	for _, s := range r.Plays {
		t = max(t, toMs(s.To))
	}
	for _, at := range []time.Time{r.Since, r.At, r.Ended} {
		if !at.IsZero() {
			t = max(t, toMs(at))
		}
	}
	return t
}

// readmit takes a stored airing back.
func (m *Machine) readmit(r AiringRecord, off bool) {
	a := m.admit(r.Airing)
	a.accepted = r.Accepted
	if !r.Withdrawn.IsZero() {
		a.withdrawn = toMs(r.Withdrawn)
		if !a.emergency {
			m.follow(a, a.next)
		}
	}
	switch {
	case a.accepted:
	case off && a.arrives <= m.now:
		m.held = append(m.held, heldBack{at: a.arrives, airing: a})
	default:
		m.expect(a)
	}
}

// put takes a stored record back.
func (m *Machine) put(r Record) {
	a := m.byID[r.Airing]
	if a == nil {
		return
	}
	o, _ := a.find(toMs(r.Start))
	if o == nil {
		o = a.insert(toMs(r.Start))
	}
	o.state, o.cut, o.outcome, o.reason = r.State, r.Cut, r.Outcome, r.Reason
	o.position = r.Position.Milliseconds()
	o.whole, o.passed = r.Whole, r.Passes
	for _, s := range r.Plays {
		o.plays = append(o.plays, stretch{toMs(s.From), toMs(s.To)})
	}
	o.begun = r.State == StateOn || r.State == StateSuspended || len(r.Plays) > 0
	o.waiting = o.begun
	if !r.At.IsZero() {
		o.final = toMs(r.At)
	}
	if !r.Due.IsZero() {
		o.due = toMs(r.Due)
	}
	if !r.Ended.IsZero() {
		o.ended = toMs(r.Ended)
	}
	if r.State == StateOn {
		o.since, o.from = toMs(r.Since), r.From.Milliseconds()
		m.sounding = o
	}
	if !o.over() && !slices.Contains(m.open, o) && !slices.Contains(m.alarms, o) {
		if a.emergency {
			m.alarms = append(m.alarms, o)
		} else {
			m.open = append(m.open, o)
		}
	}
	m.alarms = slices.DeleteFunc(m.alarms, (*occurrence).over)
}

// Forgotten is what a machine has let go of, to be deleted from the store too.
type Forgotten struct {
	// Before is the instant before which no start is owed any more. It may be
	// earlier than asked for; it must be Config.From when the machine is restored.
	Before  time.Time
	Records []Key
	Airings []protocol.AiringID
	Stops   []StopRecord
}

// Forget lets go of occurrences that started before an instant and are over, of
// airings that have nothing ahead, and of stops that can act on nothing any more.
// Nothing that started before it is owed from then on, so nothing comes again.
func (m *Machine) Forget(before time.Time) Forgotten {
	limit := min(toMs(before), m.now)
	for _, list := range [][]*occurrence{m.open, m.alarms} {
		for _, o := range list {
			if !o.over() {
				limit = min(limit, o.start)
			}
		}
	}
	limit = max(limit, m.from)
	m.from = limit
	f := Forgotten{Before: m.time(limit)}
	m.airings = slices.DeleteFunc(m.airings, func(a *airing) bool {
		n, _ := slices.BinarySearchFunc(a.known, limit, func(o *occurrence, t int64) int {
			if o.start < t {
				return -1
			}
			return 1
		})
		for _, o := range a.known[:n] {
			f.Records = append(f.Records, m.key(o))
		}
		a.known = slices.Delete(a.known, 0, n)
		if len(a.known) > 0 || a.next < never || !a.accepted || slices.Contains(m.edited, a) {
			return false
		}
		f.Airings = append(f.Airings, a.spec.ID)
		delete(m.byID, a.spec.ID)
		delete(m.missing, a.spec.ID)
		if !a.emergency {
			m.queue.remove(a)
		}
		return true
	})
	m.stops = slices.DeleteFunc(m.stops, func(r StopRecord) bool {
		spent := toMs(r.At) < limit && toMs(r.Start) < limit
		if spent {
			f.Stops = append(f.Stops, r)
		}
		return spent
	})
	return f
}
