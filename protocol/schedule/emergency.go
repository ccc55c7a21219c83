package schedule

import "github.com/loa-vn/loa/protocol"

// pending says whether a pass of an emergency is due and has not begun.
func (m *Machine) pending(o *occurrence) bool {
	return o.of.accepted && o != m.sounding && !o.over() && o.due <= m.now && m.now < o.of.until
}

// takeForEmergency is step 5.
func (m *Machine) takeForEmergency() {
	if m.off || m.muted {
		return
	}
	var first *occurrence
	for _, o := range m.alarms {
		if !m.pending(o) || !m.mayTake(o) || !m.quietAllows(o, m.now, o.of.length) {
			continue
		}
		if first == nil || compareEmergencies(o, first) < 0 {
			first = o
		}
	}
	if first == nil {
		return
	}
	why := protocol.ReasonEmergency
	if first.of.spec.Drill {
		why = protocol.ReasonDrill
	}
	m.cutShort(why)
	m.begin(first, 0)
}

// mayTake says whether a pass may take the sound from what has it.
func (m *Machine) mayTake(o *occurrence) bool {
	s := m.sounding
	return s == nil || !s.of.emergency || (s.of.spec.Drill && !o.of.spec.Drill)
}

// interruptPass is what becomes of a pass that was cut: off and mute leave it due
// again at once; an actual emergency drops it.
func (m *Machine) interruptPass(o *occurrence, why protocol.Reason) {
	if why == protocol.ReasonEmergency {
		m.countPass(o, m.now, why)
		return
	}
	o.cut, o.ended, o.due = why, m.now, m.now
	m.finishIfDone(o)
}

// countPass counts a pass that was whole or dropped, and sets when the next is due.
func (m *Machine) countPass(o *occurrence, ended int64, why protocol.Reason) {
	o.passed++
	o.cut, o.ended = why, ended
	o.due = min(o.since+o.of.every, never)
	m.finishIfDone(o)
}

// finishIfDone finishes an emergency of which no pass can come any more.
func (m *Machine) finishIfDone(o *occurrence) {
	if o.passed >= o.of.passes || o.due >= o.of.until || o.of.until <= m.now {
		m.finishEmergency(o, protocol.ReasonNone)
	}
}

// finishEmergency ends an emergency, a sounding pass included. The reason is
// that of a stop, a withdrawal, a supersession, or none.
func (m *Machine) finishEmergency(o *occurrence, why protocol.Reason) {
	if o == m.sounding {
		m.act(ActCut, o, m.now, why)
		m.close(o, m.now)
		o.cut, o.ended = why, m.now
	}
	faulty := o.cut == protocol.ReasonFault && len(o.plays) == 0
	switch {
	case o.whole > 0:
		m.finish(o, protocol.OutcomePlayed, protocol.ReasonNone)
	case o.begun && !faulty:
		m.finish(o, protocol.OutcomeCut, o.cut)
	case why != protocol.ReasonNone:
		m.finish(o, protocol.OutcomeSkipped, why)
	case faulty:
		m.finish(o, protocol.OutcomeSkipped, protocol.ReasonFault)
	default:
		m.finish(o, protocol.OutcomeSkipped, m.hindrance(o, o.of.until-1))
	}
}
