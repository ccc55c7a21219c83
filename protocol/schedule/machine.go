package schedule

import (
	"cmp"
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Machine owns every choice of what sounds on one device and medium. It is not
// for use by several goroutines at once. What it answers depends only on its
// configuration and on the instants and events it was given, not on how many
// steps without events there were.
type Machine struct {
	cfg      Config
	from, to int64 // of starts owed
	now      int64
	seen     time.Time // the last step's instant, with its monotonic reading if it has one
	quiet    *Quiet
	zone     resolver

	off, muted, unsure bool
	missing            map[protocol.AiringID]bool

	airings  []*airing
	byID     map[protocol.AiringID]*airing
	queue    startQueue    // ordinary airings by next start
	arriving []*airing     // not yet arrived, by arrival, then id
	held     []heldBack    // arrived or received while off
	stops    []StopRecord  // received; act on airings known later
	open     []*occurrence // ordinary ones that have started and are not over
	alarms   []*occurrence // emergencies that are not over
	sounding *occurrence
	wake     int64
	stale    bool // the next step has something to look at in any case

	// For the next effects.
	silent   bool // nobody reads effects
	complete bool // no airing will be known later
	actions  []Action
	touched  []*occurrence
	finals   []*occurrence
	edited   []*airing
	newStops []StopRecord
	refused  []Refusal
	records  []Record
	ended    []Final
	kept     []AiringRecord
	sound    Sound
}

// heldBack is an airing or a stop that waits for the device to be on.
type heldBack struct {
	at     int64 // its own instant
	airing *airing
	stop   StopRecord
}

// New returns a machine whose device is on, sure of its clock, not muted, and
// knows no airing. It returns a *FieldError if the configuration has no zone or
// path, or a quiet period that is no time of day.
func New(cfg Config) (*Machine, error) {
	if cfg.Zone == nil {
		return nil, refuse("zone", "missing")
	}
	if len(cfg.Path) == 0 {
		return nil, refuse("path", "empty")
	}
	m := &Machine{
		cfg: cfg, from: minInstant, to: never, wake: never,
		zone:    resolver{zone: cfg.Zone},
		missing: map[protocol.AiringID]bool{},
		byID:    map[protocol.AiringID]*airing{},
	}
	if err := m.SetQuiet(cfg.Quiet); err != nil {
		return nil, err
	}
	if !cfg.From.IsZero() {
		m.from = toMs(cfg.From)
	}
	if !cfg.To.IsZero() {
		m.to = toMs(cfg.To)
	}
	m.now = m.from
	m.stale = false
	return m, nil
}

// SetQuiet replaces the quiet periods of the path's units, from the next step
// on. It does not end what sounds.
func (m *Machine) SetQuiet(periods []QuietPeriod) error {
	for _, p := range periods {
		if !p.valid() {
			return refuse("quiet_hours", "not 00:00 to 23:59")
		}
	}
	m.quiet = NewQuiet(m.cfg.Zone, m.cfg.Path, periods)
	m.stale = true // whatever waited for the old ones is looked at again
	return nil
}

// Allowed says whether something without night permission may sound for d from
// t on.
func (m *Machine) Allowed(t time.Time, d time.Duration) bool { return m.quiet.Allowed(t, d) }

// local returns the local seconds at an instant in ms.
func (m *Machine) local(t int64) int64 { return m.zone.local(floorDiv(t, 1000)) }

// Step takes the machine to now: first through every instant before it at which
// something changed by itself, then through now with these events in order. All
// events of one instant belong in one step.
//
// A now before the last one means that the clock was set back: what sounds goes
// on, and nothing that has begun or is final comes again. If both instants have
// a monotonic reading, a clock set forward is known too: what sounds goes on, and
// what the jump passed over is skipped as "clock unsure".
func (m *Machine) Step(now time.Time, events ...Event) Effects {
	t := toMs(now)
	if expected, jumped := m.expected(now, t); jumped {
		m.advance(expected, nil)
		m.setClock(t)
	} else if t < m.now {
		m.setClock(t)
	}
	m.seen = now
	m.advance(t, events)
	return m.effects()
}

// SetClock tells that the clock was set, and now shows now, for a caller whose
// instants carry no monotonic reading. What sounds goes on; what a jump forward
// passed over is skipped as "clock unsure". Step through the instant before first.
func (m *Machine) SetClock(now time.Time) {
	m.setClock(toMs(now))
	m.seen = now
}

// maxClockSlew is how far the clock and the monotonic one may part between two
// steps before the clock counts as set, in ms.
const maxClockSlew = 1000

// expected returns what t would be if the clock had not been set since the last
// step, as far as monotonic readings tell.
func (m *Machine) expected(now time.Time, t int64) (int64, bool) {
	if m.seen.IsZero() {
		return t, false
	}
	e := m.now + now.Sub(m.seen).Milliseconds()
	return e, e >= m.now && (t-e > maxClockSlew || e-t > maxClockSlew)
}

// advance takes the machine to t, which is not before its last instant.
func (m *Machine) advance(t int64, events []Event) {
	if m.cfg.MaxLag > 0 && !m.off && m.wake < never && t-m.wake > m.cfg.MaxLag.Milliseconds() {
		m.instant(m.wake, []Event{{Kind: EventOff}})
		m.catchUp(t)
		events = append([]Event{{Kind: EventOn}}, events...)
	}
	m.catchUp(t)
	if len(events) > 0 || m.wake <= t || m.stale {
		m.instant(t, events)
	}
	m.now = t
}

// catchUp goes through the instants before t.
func (m *Machine) catchUp(t int64) {
	for m.wake < t {
		m.instant(m.wake, nil)
	}
}

// instant is one instant, in the order of SCHEDULE.md.
func (m *Machine) instant(t int64, events []Event) {
	m.now = t
	m.stale = false
	m.takeStarts(t)
	m.endWhole()
	m.tooLate()
	for i := range events {
		m.apply(&events[i])
	}
	m.arrive()
	m.fallDue()
	m.takeForEmergency()
	m.choose()
	m.sweep()
	m.wake = m.nextChange()
}

// takeStarts makes the occurrences of starts at or before t.
func (m *Machine) takeStarts(t int64) {
	for len(m.queue) > 0 && m.queue[0].next <= t {
		m.takeStart(m.queue[0])
	}
}

// takeStart makes the occurrence of an airing's next start, unless it has one.
func (m *Machine) takeStart(a *airing) {
	if o, _ := a.find(a.next); o == nil {
		m.open = append(m.open, a.insert(a.next))
	}
	m.follow(a, a.starts.next())
}

// follow sets the next start of an airing, or never.
func (m *Machine) follow(a *airing, next int64) {
	if next >= m.to || next >= a.withdrawn {
		next = never
	}
	a.next = next
	m.queue.fix(a)
}

// endWhole is step 1.
func (m *Machine) endWhole() {
	o := m.sounding
	if o == nil || o.end() > m.now {
		return
	}
	end := o.end()
	m.act(ActEnd, o, end, protocol.ReasonNone)
	m.close(o, end)
	if !o.of.emergency {
		m.finish(o, protocol.OutcomePlayed, protocol.ReasonNone)
		return
	}
	o.whole++
	m.countPass(o, end, protocol.ReasonNone)
}

// tooLate is step 2.
func (m *Machine) tooLate() {
	for _, o := range m.open {
		switch {
		case o.state == stateAhead && o.latest() < m.now:
			m.finish(o, protocol.OutcomeSkipped, m.hindrance(o, o.latest()))
		case o.state == StateSuspended && o.deadline() < m.now:
			m.finish(o, protocol.OutcomeCut, o.cut)
		}
	}
	for _, o := range m.alarms {
		if !o.over() && o.of.until <= m.now && o != m.sounding {
			m.finishEmergency(o, protocol.ReasonNone)
		}
	}
}

// hindrance is why an occurrence could not begin at t, if the device was then as
// it is now.
func (m *Machine) hindrance(o *occurrence, t int64) protocol.Reason {
	a := o.of
	switch {
	case a.arrives > t:
		return protocol.ReasonNoPlan
	case m.off || !a.accepted:
		return protocol.ReasonOff
	case m.muted:
		return protocol.ReasonMuted
	case a.missing && !a.emergency:
		return protocol.ReasonNoContent
	case m.unsure && !a.emergency:
		return protocol.ReasonClockUnsure
	case !m.quietAllows(o, t, a.length):
		return protocol.ReasonQuietHours
	}
	return protocol.ReasonBusy
}

// quietAllows is rule 8 for an occurrence that would sound for d from t on.
func (m *Machine) quietAllows(o *occurrence, t, d int64) bool {
	if o.of.emergency {
		return !o.of.spec.Drill || m.quiet.allowed(t, d)
	}
	return o.of.spec.Night || m.quiet.allowed(t, d)
}

// arrive accepts the airings that arrive now, or holds them back.
func (m *Machine) arrive() {
	n := 0
	for n < len(m.arriving) && m.arriving[n].arrives <= m.now {
		n++
	}
	if n == 0 {
		return
	}
	arrived := slices.Clone(m.arriving[:n])
	m.arriving = slices.Delete(m.arriving, 0, n)
	for _, a := range arrived {
		if m.off {
			m.held = append(m.held, heldBack{at: a.arrives, airing: a})
		} else {
			m.accept(a)
		}
	}
}

// fallDue is step 4 for ordinary occurrences, and asks Judge for all.
func (m *Machine) fallDue() {
	for _, o := range m.open {
		if o.state == stateAhead && !o.waiting && o.of.accepted && o.start <= m.now {
			m.judge(o)
		}
	}
	for _, o := range m.alarms {
		if o.state == stateAhead && !o.waiting && m.pending(o) {
			m.judge(o)
		}
	}
}

func (m *Machine) judge(o *occurrence) {
	o.waiting = true
	if m.cfg.Judge == nil {
		return
	}
	why := m.cfg.Judge(Judged{Airing: o.of.spec, Start: fromMs(o.start, m.cfg.Zone), m: m})
	if why != protocol.ReasonNone {
		m.finish(o, protocol.OutcomeSkipped, why)
	}
}

// choose is step 6.
func (m *Machine) choose() {
	if m.off || m.muted || m.unsure || m.sounding != nil {
		return
	}
	var first *occurrence
	var at int64
	for _, o := range m.open {
		if first != nil && compareOrdinary(first, o) < 0 {
			continue
		}
		if position, ready := m.ready(o); ready {
			first, at = o, position
		}
	}
	if first != nil {
		m.begin(first, at)
	}
}

// ready says whether an ordinary occurrence may sound now, and from where.
func (m *Machine) ready(o *occurrence) (position int64, ready bool) {
	a := o.of
	if a.missing {
		return 0, false
	}
	switch o.state {
	case stateAhead:
		return 0, o.waiting && o.start <= m.now && m.quietAllows(o, m.now, a.length)
	case StateSuspended:
		fits := func(d int64) bool { return m.now+d <= o.windowEnd() && m.quietAllows(o, m.now, d) }
		if a.spec.AfterCut == protocol.Restart && fits(a.length) {
			return 0, true
		}
		q := o.resumeAt()
		return q, fits(a.length - q)
	}
	return 0, false
}

// nextChange returns the next instant at which something can change by itself.
func (m *Machine) nextChange() int64 {
	next := never
	waits := false
	if m.sounding != nil {
		next = m.sounding.end()
	}
	if len(m.queue) > 0 {
		next = min(next, m.queue[0].next)
	}
	if len(m.arriving) > 0 {
		next = min(next, m.arriving[0].arrives)
	}
	for _, o := range m.open {
		switch {
		case o.state == stateAhead && o.start > m.now: // the clock was set back
			next = min(next, o.start)
		case o.state == stateAhead:
			next = min(next, o.latest()+1)
			waits = true
		case o.state == StateSuspended:
			next = min(next, o.deadline()+1)
			waits = true
		}
	}
	for _, o := range m.alarms {
		if o.of.until > m.now {
			next = min(next, o.of.until)
		}
		switch {
		case o == m.sounding || !o.of.accepted:
		case o.due > m.now:
			next = min(next, o.due)
		case o.of.spec.Drill:
			waits = true
		}
	}
	if waits && !m.off && !m.muted {
		next = min(next, m.quiet.change(m.now))
	}
	return next
}

// sweep drops what is over from the lists of what is not.
func (m *Machine) sweep() {
	over := func(o *occurrence) bool { return o.over() }
	m.open = slices.DeleteFunc(m.open, over)
	m.alarms = slices.DeleteFunc(m.alarms, over)
}

// takeHeld accepts and carries out what was held back, in order of own instants;
// at equal ones airings by id, then stops as listed.
func (m *Machine) takeHeld() {
	held := m.held
	m.held = nil
	slices.SortStableFunc(held, func(a, b heldBack) int {
		if c := cmp.Compare(a.at, b.at); c != 0 {
			return c
		}
		switch {
		case a.airing != nil && b.airing != nil:
			return cmp.Compare(a.airing.spec.ID, b.airing.spec.ID)
		case a.airing != nil:
			return -1
		case b.airing != nil:
			return 1
		}
		return 0
	})
	for _, h := range held {
		if h.airing != nil {
			m.accept(h.airing)
			continue
		}
		h.stop.Held = false
		h.stop.Received = fromMs(m.now, m.cfg.Zone)
		m.keepStop(h.stop)
		m.carryOut(&h.stop)
	}
}
