package inbox

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// errSame: the message says nothing that is not held already.
var errSame = errors.New("held already")

// ErrConflict: an airing under an id that stands for another one.
var ErrConflict = errors.New("another airing under the same id")

// decision is what a message brings: changes for the store, and what to say.
type decision struct {
	change store.Change
	// first is told before the airings, after behind them; airings and content
	// follow from the state (Inbox.reconcile).
	first, after []Update
	// conflicts are airings and stops of a plan that were left out, and why.
	conflicts []error
	// moved: the placement changed, and with it what is subscribed to.
	moved bool
}

// head decides about a signed plan head. unit is the topic's, or "" on the
// device's own topic. body returns a plan body that is on the device, or nil.
// Errors: errSame; those of the envelope and the codec.
func (s *state) head(b []byte, unit protocol.UnitID, body func(protocol.Content) []byte, now timesync.Reading) (decision, error) {
	payload, err := s.open(envelope.KindPlan, b, protocol.MaxControl)
	if err != nil {
		return decision{}, err
	}
	h, err := protocol.Unmarshal[protocol.PlanHead](payload, protocol.MaxControl)
	if err != nil {
		return decision{}, err
	}
	if unit != "" && h.Unit != unit {
		return decision{}, fmt.Errorf("plan of %s under the topic of %s: %w", h.Unit, unit, envelope.ErrNotPermitted)
	}
	if err := s.entitled(envelope.KindPlan, b, h.Unit, now.Trusted()); err != nil {
		return decision{}, err
	}
	held := s.plans[h.Unit]
	held.Unit = h.Unit
	switch {
	case bytes.Equal(b, held.Head), bytes.Equal(b, held.Next):
		return decision{}, errSame
	case h.Number == held.NextNumber && h.Plan == held.NextPlan:
		held.Next, held.Lists = b, h.Lists // the same plan with other lists
	case held.NextNumber == 0 && h.Number == held.Number && h.Plan == held.Plan:
		held.Head, held.Lists = b, h.Lists
		return decision{change: store.Change{Plans: []store.HeldPlan{held}}}, nil
	default:
		if err := envelope.Replay(max(s.floors[h.Unit], held.Newest()), h.Number, now.Trusted()); err != nil {
			return decision{}, err
		}
		held.Next, held.NextNumber, held.NextPlan, held.Lists = b, h.Number, h.Plan, h.Lists
	}
	raw := h.Body
	if len(raw) == 0 {
		raw = body(h.Plan)
	}
	if raw == nil {
		return decision{change: store.Change{Plans: []store.HeldPlan{held}}}, nil
	}
	return s.body(held, raw, now)
}

// body decides about the body of the head that waits in p. A body that breaks
// its rules is refused and its number is used up. Errors: those of the codec.
func (s *state) body(p store.HeldPlan, raw []byte, now timesync.Reading) (decision, error) {
	if protocol.DigestOf(raw) != p.NextPlan.Digest {
		return decision{}, fmt.Errorf("plan of %s: %w", p.Unit, protocol.ErrMalformed)
	}
	plan, err := protocol.Unmarshal[protocol.Plan](raw, protocol.MaxPlan)
	if err == nil && (plan.Unit != p.Unit || plan.Number != p.NextNumber) {
		err = fmt.Errorf("plan of %s: its head speaks of another: %w", p.Unit, protocol.ErrInvalid)
	}
	if err == nil {
		_, err = s.zone(plan.Zone)
	}
	if err != nil {
		return decision{}, err
	}
	d := s.takePlan(plan, now)
	p.Head, p.Number, p.Plan, p.Zone, p.Quiet, p.Limits = p.Next, p.NextNumber, p.NextPlan, plan.Zone, plan.Quiet, plan.Limits
	p.Next, p.NextNumber, p.NextPlan, p.Airings = nil, 0, protocol.Content{}, nil
	for _, a := range plan.Airings {
		p.Airings = append(p.Airings, a.ID)
	}
	d.change.Plans = append(d.change.Plans, p)
	return d, nil
}

// takePlan compares a plan with what is held. What it does not name stays.
func (s *state) takePlan(plan protocol.Plan, now timesync.Reading) decision {
	var d decision
	held, known := s.plans[plan.Unit]
	if !known || held.Zone != plan.Zone || !slices.Equal(held.Quiet, plan.Quiet) {
		d.first = append(d.first, QuietHours{Unit: plan.Unit, Zone: plan.Zone, Quiet: plan.Quiet})
	}
	for _, a := range plan.Airings {
		taken, err := s.takeAiring(a, plan.Zone, now)
		if err == nil {
			d.change.Airings = append(d.change.Airings, taken)
		} else if !errors.Is(err, errSame) {
			d.conflicts = append(d.conflicts, err)
		}
	}
	for _, w := range plan.Withdrawals {
		key := store.AiringKey{Airing: w.Airing, Unit: plan.Unit}
		if old, ok := s.withdrawals[key]; ok && old.At <= w.At {
			continue
		}
		d.change.Withdrawals = append(d.change.Withdrawals, store.HeldWithdrawal{Unit: plan.Unit, Airing: w.Airing, At: w.At})
		d.after = append(d.after, Withdrawn{Airing: w.Airing, At: w.At})
	}
	for _, st := range plan.Stops {
		if err := s.takeStop(st, now); err == nil {
			d.change.Stops = append(d.change.Stops, st)
			d.after = append(d.after, Stopped{Stop: st})
		} else if !errors.Is(err, errSame) {
			d.conflicts = append(d.conflicts, err)
		}
	}
	return d
}

// takeAiring decides whether an airing is new. Copies of one airing differ in
// their unit alone. Errors: errSame, ErrConflict; protocol.ErrInvalid.
func (s *state) takeAiring(a protocol.Airing, zone string, now timesync.Reading) (store.HeldAiring, error) {
	if s.depth(a.Unit) < 0 {
		return store.HeldAiring{}, fmt.Errorf("airing %s for %s: %w", a.ID, a.Unit, envelope.ErrNotPermitted)
	}
	start, err := s.startOf(a, zone)
	if err != nil {
		return store.HeldAiring{}, err
	}
	if a.Class == protocol.ClassEmergency && !a.Until.Time().After(start) {
		return store.HeldAiring{}, fmt.Errorf("emergency %s ends before it starts: %w", a.ID, protocol.ErrInvalid)
	}
	for _, u := range s.placement.Units() {
		copied, ok := s.airings[store.AiringKey{Airing: a.ID, Unit: u}]
		if !ok {
			continue
		}
		same := copied.Airing
		same.Unit = a.Unit
		if !reflect.DeepEqual(same, a) || copied.Zone != zone {
			return store.HeldAiring{}, fmt.Errorf("airing %s: %w", a.ID, ErrConflict)
		}
		if u == a.Unit {
			return store.HeldAiring{}, errSame
		}
	}
	taken := store.HeldAiring{Airing: a, Zone: zone, Arrived: max(now.Instant(), a.Published)}
	if now.Sure {
		taken.Checked = now.Instant()
	}
	return taken, nil
}

// startOf resolves an airing's local start well enough to tell what is urgent;
// the exact rule is the schedule's. Error: protocol.ErrInvalid.
func (s *state) startOf(a protocol.Airing, zone string) (time.Time, error) {
	loc, err := s.zone(zone)
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.ParseInLocation("2006-01-02T15:04:05.999", a.Start, loc)
	if err != nil {
		return time.Time{}, fmt.Errorf("airing %s: start: %w", a.ID, protocol.ErrInvalid)
	}
	return t, nil
}

// zone returns a zone by its IANA name. Error: protocol.ErrInvalid.
func (s *state) zone(name string) (*time.Location, error) {
	if loc, ok := s.zones[name]; ok {
		return loc, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("zone %.64q: %w", name, protocol.ErrInvalid)
	}
	s.zones[name] = loc
	return loc, nil
}

// takeStop decides whether a stop is new. Errors: errSame; envelope.ErrExpired,
// envelope.ErrNotPermitted.
func (s *state) takeStop(st protocol.Stop, now timesync.Reading) error {
	if _, ok := s.stops[st.ID]; ok {
		return errSame
	}
	if s.depth(st.Unit) < 0 {
		return fmt.Errorf("stop %s for %s: %w", st.ID, st.Unit, envelope.ErrNotPermitted)
	}
	if st.Expires <= latest(now) {
		return fmt.Errorf("stop %s: %w", st.ID, envelope.ErrExpired)
	}
	return nil
}
