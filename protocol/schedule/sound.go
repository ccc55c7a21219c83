package schedule

import "github.com/loa-vn/loa/protocol"

// begin lets an occurrence, or an emergency's pass, sound from a position on.
func (m *Machine) begin(o *occurrence, position int64) {
	if position == 0 {
		o.position = 0
	}
	o.state, o.begun = StateOn, true
	o.since, o.from = m.now, position
	m.sounding = o
	m.touch(o)
	m.act(ActBegin, o, m.now, protocol.ReasonNone)
}

// close ends the stretch that sounds at t.
func (m *Machine) close(o *occurrence, t int64) {
	if t > o.since {
		o.plays = append(o.plays, stretch{o.since, t})
	}
	o.position = max(o.position, o.from+t-o.since)
	o.state = StateSuspended
	m.sounding = nil
	m.touch(o)
}

// cutShort is rule 7 for what sounds: by an emergency, by off or by muted.
func (m *Machine) cutShort(why protocol.Reason) {
	o := m.sounding
	if o == nil {
		return
	}
	m.act(ActCut, o, m.now, why)
	m.close(o, m.now)
	if o.of.emergency {
		m.interruptPass(o, why)
		return
	}
	if o.cut == protocol.ReasonNone {
		o.cut = why
	}
	if o.of.spec.AfterCut == protocol.Drop || o.deadline() < m.now {
		m.finish(o, protocol.OutcomeCut, o.cut)
	}
}

// fail is a fault of the output: final for an ordinary occurrence; a pass of an
// emergency is dropped, so that the next one is tried in its time.
func (m *Machine) fail(o *occurrence, silent bool) {
	if o != m.sounding {
		return
	}
	m.act(ActCut, o, m.now, protocol.ReasonFault)
	if silent {
		o.state = StateSuspended
		m.sounding = nil
		m.touch(o)
	} else {
		m.close(o, m.now)
	}
	switch {
	case o.of.emergency:
		m.countPass(o, m.now, protocol.ReasonFault)
	case len(o.plays) == 0:
		m.finish(o, protocol.OutcomeSkipped, protocol.ReasonFault)
	default:
		m.finish(o, protocol.OutcomeCut, protocol.ReasonFault)
	}
}

// remove is a stop or withdrawal of one occurrence that is not over.
func (m *Machine) remove(o *occurrence, why protocol.Reason) {
	switch {
	case o.of.emergency:
		m.finishEmergency(o, why)
	case o.state == StateOn:
		m.act(ActCut, o, m.now, why)
		m.close(o, m.now)
		m.finish(o, protocol.OutcomeCut, why)
	case o.state == StateSuspended:
		m.finish(o, protocol.OutcomeCut, o.cut)
	default:
		m.finish(o, protocol.OutcomeSkipped, why)
	}
}

// finish gives an occurrence its one outcome.
func (m *Machine) finish(o *occurrence, outcome protocol.Outcome, why protocol.Reason) {
	o.state, o.outcome, o.reason, o.final = StateFinal, outcome, why, m.now
	m.touch(o)
	if !m.silent {
		m.finals = append(m.finals, o)
	}
}

// vanish makes an occurrence that has not begun one that does not exist.
func (m *Machine) vanish(o *occurrence) {
	o.state, o.final = StateVanished, m.now
	m.touch(o)
}

// setClock follows a clock that was set from m.now to t. What sounds goes on from
// the position it has reached; its stretch until then keeps the old instants.
func (m *Machine) setClock(t int64) {
	if o := m.sounding; o != nil {
		if m.now > o.since {
			o.plays = append(o.plays, stretch{o.since, m.now})
		}
		o.from += m.now - o.since
		o.position = max(o.position, o.from)
		o.since = t
		m.touch(o)
	}
	if t > m.now {
		// What the jump passed over never had its time.
		sure := m.unsure
		m.unsure = true
		m.now = t
		m.takeStarts(t)
		m.tooLate()
		m.unsure = sure
	}
	m.now = t
	m.wake = t
}
