package schedule

import (
	"slices"

	"github.com/loa-vn/loa/protocol"
)

// eventSupersede is a StopRecord's kind for an emergency that was superseded
// before it was known.
const eventSupersede = Kind(100)

// apply is step 3 for one event.
func (m *Machine) apply(e *Event) {
	switch e.Kind {
	case EventAiring:
		m.know(e.New)
	case EventStop, EventWithdraw:
		m.receive(e)
	case EventOff:
		if !m.off {
			m.off = true
			m.cutShort(protocol.ReasonOff)
		}
	case EventOn:
		if m.off {
			m.off = false
			m.takeHeld()
		}
	case EventMute:
		if !m.muted {
			m.muted = true
			m.cutShort(protocol.ReasonMuted)
		}
	case EventUnmute:
		m.muted = false
	case EventUnsure:
		m.unsure = true
	case EventSure:
		m.unsure = false
	case EventMissing, EventThere:
		m.setContent(e.Airing, e.Kind == EventMissing)
	case EventFault:
		if a := m.byID[e.Airing]; a != nil {
			if o, _ := a.find(toMs(e.Start)); o != nil {
				m.fail(o, e.Silent)
			}
		}
	}
}

func (m *Machine) setContent(id protocol.AiringID, missing bool) {
	if missing {
		m.missing[id] = true
	} else {
		delete(m.missing, id)
	}
	if a := m.byID[id]; a != nil {
		a.missing = missing
	}
}

// know takes an airing into the plan. One that is known already stays as it is;
// one that does not say when it arrived arrives now.
func (m *Machine) know(spec *Airing) {
	if m.byID[spec.ID] != nil {
		return
	}
	if now := m.time(m.now); spec.Arrives.IsZero() && now.After(spec.Published) {
		told := *spec
		told.Arrives = now
		spec = &told
	}
	if err := spec.Validate(m.cfg.Zone, m.cfg.Path); err != nil {
		m.refused = append(m.refused, Refusal{spec.ID, err})
		return
	}
	a := m.admit(spec)
	m.edit(a)
	m.takeStarts(m.now)
	stops := m.before(a)
	m.applyStops(a, stops)
	m.tooLate()
	m.applyStopsAhead(a, stops)
	m.expect(a)
}

// admit makes the machine's own view of a valid airing, and its first start.
func (m *Machine) admit(spec *Airing) *airing {
	a := newAiring(spec, m.cfg.Path)
	a.missing = m.missing[spec.ID]
	m.airings = append(m.airings, a)
	m.byID[spec.ID] = a
	from := m.from
	if since, ok := m.cfg.Since[spec.Unit]; ok {
		from = max(from, toMs(since))
	}
	if a.emergency {
		start := toMs(spec.Start.In(m.cfg.Zone)) + spec.Millis
		if o, _ := a.find(start); o == nil && start >= from && start < m.to {
			m.alarms = append(m.alarms, a.insert(start))
		}
		return a
	}
	a.starts.init(&spec.Recurrence, m.cfg.Zone, max(a.published, from))
	m.queue.push(a)
	m.follow(a, a.starts.next())
	return a
}

// expect puts an airing among those that are to arrive.
func (m *Machine) expect(a *airing) {
	i, _ := slices.BinarySearchFunc(m.arriving, a, func(x, y *airing) int {
		switch {
		case x.arrives != y.arrives && x.arrives < y.arrives:
			return -1
		case x.arrives != y.arrives || x.spec.ID > y.spec.ID:
			return 1
		case x.spec.ID < y.spec.ID:
			return -1
		}
		return 0
	})
	m.arriving = slices.Insert(m.arriving, i, a)
}

// accept is what arriving brings about: replacing, then superseding.
func (m *Machine) accept(b *airing) {
	a := m.byID[b.spec.Replaces]
	switch {
	case a == b: // itself: no effect
	case a != nil:
		m.succeed(b, a)
		m.withdraw(a, b.published, true)
	case b.spec.Replaces != "":
		m.keepStop(StopRecord{
			Kind: EventWithdraw, Airing: b.spec.Replaces,
			At: fromMs(b.published, m.cfg.Zone), Received: fromMs(m.now, m.cfg.Zone),
		})
	}
	b.accepted = true
	m.edit(b)
	f := m.byID[b.spec.Supersedes]
	switch {
	case f == b: // itself: no effect
	case f != nil && f.emergency:
		m.supersede(f)
	case f == nil && b.spec.Supersedes != "":
		at := fromMs(m.now, m.cfg.Zone)
		m.keepStop(StopRecord{Kind: eventSupersede, Airing: b.spec.Supersedes, At: at, Received: at})
	}
}

// succeed takes from b the starts at which a, or anything that a replaced, has
// begun or is final.
func (m *Machine) succeed(b, a *airing) {
	seen := []*airing{b}
	for ; a != nil && !slices.Contains(seen, a); a = m.byID[a.spec.Replaces] {
		seen = append(seen, a)
		for _, o := range a.known {
			if o.state == StateVanished || (!o.begun && o.state != StateFinal) {
				continue
			}
			if own := m.ownedStart(b, o.start); own != nil && !own.over() {
				m.vanish(own)
			}
		}
	}
}

// ownedStart returns the occurrence of an airing's start, made now if it is still
// ahead; nil if the airing does not owe that start.
func (m *Machine) ownedStart(a *airing, start int64) *occurrence {
	if o, _ := a.find(start); o != nil {
		return o
	}
	ahead := !a.emergency && start >= a.next && start < m.to && start < a.withdrawn
	if !ahead || !a.spec.has(m.cfg.Zone, start) {
		return nil
	}
	o := a.insert(start)
	m.open = append(m.open, o)
	return o
}

// supersede finishes an emergency.
func (m *Machine) supersede(f *airing) {
	for _, o := range f.known {
		if !o.over() {
			m.finishEmergency(o, protocol.ReasonSuperseded)
		}
	}
}

// receive takes a stop or a withdrawal, or holds it back.
func (m *Machine) receive(e *Event) {
	now := fromMs(m.now, m.cfg.Zone)
	r := StopRecord{Kind: e.Kind, Airing: e.Airing, Unit: e.Unit, Start: e.Start, At: e.At, Received: now, Spare: e.Spare}
	if e.At.IsZero() {
		r.At = now
	}
	if m.off {
		r.Held = true
		m.held = append(m.held, heldBack{at: toMs(r.At), stop: r})
		m.newStops = append(m.newStops, r)
		return
	}
	m.keepStop(r)
	m.carryOut(&r)
}

// keepStop remembers a stop for airings that are known later.
func (m *Machine) keepStop(r StopRecord) {
	if m.complete {
		return
	}
	same := func(k StopRecord) bool {
		return k.Kind == r.Kind && k.Airing == r.Airing && k.Unit == r.Unit && k.Start.Equal(r.Start) && k.At.Equal(r.At)
	}
	if !slices.ContainsFunc(m.stops, same) {
		m.stops = append(m.stops, r)
		m.newStops = append(m.newStops, r)
	}
}

// carryOut lets a stop act on the airings that are known.
func (m *Machine) carryOut(r *StopRecord) {
	if r.Airing == "" {
		for _, a := range m.airings {
			m.stopUnit(a, r)
		}
		return
	}
	a := m.byID[r.Airing]
	switch {
	case a == nil:
	case r.Kind == EventWithdraw:
		m.withdraw(a, toMs(r.At), r.Spare)
	case r.Kind == eventSupersede && a.emergency:
		m.supersede(a)
	case r.Kind == EventStop && r.Start.IsZero():
		m.stopUpTo(a, toMs(r.At))
	case r.Kind == EventStop:
		if o := m.ownedStart(a, toMs(r.Start)); o != nil && !o.over() {
			m.remove(o, protocol.ReasonStopped)
		}
	}
}

// stopUnit stops every ordinary airing of the device, and emergencies of the
// stop's unit or of units below it.
func (m *Machine) stopUnit(a *airing, r *StopRecord) {
	depth := slices.Index(m.cfg.Path, r.Unit)
	if depth < 0 || (a.emergency && a.depth < depth) {
		return
	}
	m.stopUpTo(a, toMs(r.At))
}

// stopUpTo stops the starts of an airing at or before w.
func (m *Machine) stopUpTo(a *airing, w int64) {
	for !a.emergency && a.next <= w { // only if w is after now
		m.takeStart(a)
	}
	for _, o := range a.known {
		if !o.over() && o.start <= w {
			m.remove(o, protocol.ReasonStopped)
		}
	}
}

// withdraw takes an airing out of the plan as of w; sparing lets go on what has
// begun.
func (m *Machine) withdraw(a *airing, w int64, sparing bool) {
	for !a.emergency && a.next < w { // only if w is after now
		m.takeStart(a)
	}
	for _, o := range a.known {
		switch {
		case o.over() || (o.begun && sparing):
		case o.begun || o.start < w:
			m.remove(o, protocol.ReasonWithdrawn)
		default:
			m.vanish(o)
		}
	}
	if w < a.withdrawn {
		a.withdrawn = w
		m.edit(a)
	}
	if !a.emergency && a.next >= a.withdrawn {
		m.follow(a, never)
	}
}

// before lists what was received before an airing is known that is about it: stops,
// and that it was replaced. A replacement may have been forgotten with its predecessor,
// and this be told again after a crash.
func (m *Machine) before(a *airing) []StopRecord {
	all := slices.Clone(m.stops)
	for _, b := range m.airings {
		if b != a && b.accepted && b.spec.Replaces == a.spec.ID {
			all = append(all, StopRecord{
				Kind: EventWithdraw, Airing: a.spec.ID, At: m.time(b.published), Received: m.time(b.arrives), Spare: true,
			})
		}
	}
	return all
}

// applyStops lets what was received earlier act on an airing that is known only now, as
// if it had been known: a start that was too late when a stop was received is not its
// matter.
func (m *Machine) applyStops(a *airing, stops []StopRecord) {
	for _, o := range slices.Clone(a.known) {
		end := o.latest() + 1
		if a.emergency {
			end = a.until
		}
		for i := range stops {
			if r := &stops[i]; !o.over() && toMs(r.Received) < end {
				m.stopEarlier(a, o, r)
			}
		}
	}
}

// applyStopsAhead is applyStops for the starts that are still ahead.
func (m *Machine) applyStopsAhead(a *airing, stops []StopRecord) {
	for i := range stops {
		r := &stops[i]
		switch {
		case r.Airing != a.spec.ID && r.Airing != "":
		case r.Kind == EventWithdraw:
			m.withdraw(a, toMs(r.At), r.Spare)
		case r.Kind == EventStop && r.Airing == "":
			m.stopUnit(a, r)
		case r.Kind == EventStop:
			m.carryOut(r)
		}
	}
}

// stopEarlier lets one stop received earlier act on one start that has not begun.
func (m *Machine) stopEarlier(a *airing, o *occurrence, r *StopRecord) {
	w := toMs(r.At)
	switch {
	case r.Airing == "":
		if depth := slices.Index(m.cfg.Path, r.Unit); depth >= 0 && (!a.emergency || a.depth >= depth) && o.start <= w {
			m.remove(o, protocol.ReasonStopped)
		}
	case r.Airing != a.spec.ID:
	case r.Kind == EventWithdraw && o.start < w:
		m.remove(o, protocol.ReasonWithdrawn)
	case r.Kind == EventWithdraw:
		m.vanish(o)
	case r.Kind == eventSupersede && a.emergency:
		m.finishEmergency(o, protocol.ReasonSuperseded)
	case r.Kind == EventStop && (toMs(r.Start) == o.start || (r.Start.IsZero() && o.start <= w)):
		m.remove(o, protocol.ReasonStopped)
	}
}
