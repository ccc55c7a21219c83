package playout

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/schedule"
)

// take turns an update into the machine's events; rest came about together with it.
func (l *Loop) take(ctx context.Context, u inbox.Update, rest []inbox.Update) []schedule.Event {
	switch u := u.(type) {
	case inbox.Placed:
		if slices.Equal(l.placement.Units(), u.Placement.Units()) {
			l.placement = u.Placement
			return nil
		}
		l.rehome(u.Placement.Units(), rest)
		l.depart(ctx, u.Placement.Units())
		l.stand(u.Placement)
		return l.rebuild(ctx)
	case inbox.QuietHours:
		l.quiet[u.Unit] = u.Quiet
		if l.inZone(u.Zone) {
			return l.rebuild(ctx)
		}
		if l.machine != nil {
			if err := l.machine.SetQuiet(l.periods()); err != nil {
				l.cfg.Log.WarnContext(ctx, "quiet hours refused", "unit", u.Unit, "error", err)
			}
		}
	case inbox.Accepted:
		return l.accepted(ctx, u)
	case inbox.Withdrawn:
		l.over(func(a protocol.Airing) bool { return a.ID == u.Airing })
		return []schedule.Event{{Kind: schedule.EventWithdraw, Airing: u.Airing, At: u.At.Time()}}
	case inbox.Dropped:
		// The placement that dropped it came before, and with it its end here. Its content
		// may go now, and is told anew if the device comes back.
		delete(l.brought, u.Airing)
	case inbox.Stopped:
		s := u.Stop
		e := schedule.Event{Kind: schedule.EventStop, At: s.At.Time(), Airing: s.Airing}
		switch s.Scope {
		case protocol.ScopeOccurrence:
			e.Start = s.Start.Time()
		case protocol.ScopeUnit:
			e.Unit = s.Unit
		}
		l.over(func(a protocol.Airing) bool {
			depth := slices.Index(l.placement.Units(), s.Unit)
			return a.ID == s.Airing || s.Airing == "" && depth >= 0 && slices.Index(l.placement.Units(), a.Unit) >= depth && a.Published <= s.At
		})
		return []schedule.Event{e}
	case inbox.Keyed:
		return l.keyed(u)
	case inbox.Content:
		return l.content(u)
	case inbox.ClockSure:
		l.sure = u.Sure
		return []schedule.Event{{Kind: sureness(u.Sure)}}
	case inbox.Relisted: // doubts are asked again after every update
	case inbox.Tone:
		l.tone(ctx, u)
	case inbox.Muted:
		l.muted = u.Muted
		if l.muted {
			l.hush(protocol.ReasonMuted)
		}
		return []schedule.Event{{Kind: muteness(u.Muted)}}
	}
	return nil
}

// keyed ends an emergency on this device's board, where somebody asked for that: it is
// a stop of this airing here, and its receipt says by whom.
func (l *Loop) keyed(u inbox.Keyed) []schedule.Event {
	if l.cfg.Medium != protocol.MediumBoard {
		return nil
	}
	for _, r := range l.mem.kept.Records {
		if r.Airing == u.Airing && r.State != schedule.StateFinal {
			l.tally(occOf(r.Key)).Keyed = u.At
		}
	}
	return []schedule.Event{{Kind: schedule.EventStop, Airing: u.Airing, At: u.At.Time()}}
}

// over tells of the emergencies that match, which are stopped or withdrawn.
func (l *Loop) over(match func(protocol.Airing) bool) {
	if l.cfg.Over == nil {
		return
	}
	for id, k := range l.mem.wires {
		if k.wire.Class == protocol.ClassEmergency && match(k.wire) {
			l.cfg.Over(id)
		}
	}
}

func sureness(sure bool) schedule.Kind {
	if sure {
		return schedule.EventSure
	}
	return schedule.EventUnsure
}

func muteness(muted bool) schedule.Kind {
	if muted {
		return schedule.EventMute
	}
	return schedule.EventUnmute
}

// inZone takes the plans' zone and says whether it is another one than before. A plan
// that is dropped names none, which package time would take for UTC.
func (l *Loop) inZone(name string) bool {
	zone, err := time.LoadLocation(name)
	if name == "" || err != nil || (l.zone != nil && l.zone.String() == zone.String()) {
		return false
	}
	l.zone = zone
	return true
}

func (l *Loop) accepted(ctx context.Context, u inbox.Accepted) []schedule.Event {
	var events []schedule.Event
	if l.inZone(u.Zone) || l.machine == nil {
		events = l.rebuild(ctx)
	}
	if u.Airing.LengthFor(l.cfg.Medium) == 0 || !l.lane.takes(u.Airing) {
		if old := u.Airing.Replaces; old != "" { // over here all the same
			events = append(events, schedule.Event{Kind: schedule.EventWithdraw, Airing: old, At: u.Airing.Published.Time(), Spare: true})
		}
		return events
	}
	arrived := u.Arrived.Time()
	old, again := l.mem.wires[u.Airing.ID]
	if again {
		if old.wire.Unit == u.Airing.Unit {
			return events
		}
		arrived = old.airing.Arrives
	}
	a, err := schedule.AiringOf(u.Airing, l.cfg.Medium, arrived)
	if err != nil {
		l.cfg.Log.WarnContext(ctx, "airing refused", "airing", u.Airing.ID, "error", err)
		return events
	}
	l.know(u.Airing, a)
	if again && l.stands(a) {
		if l.machine != nil && !slices.Contains(l.placement.Units(), old.wire.Unit) {
			events = append(events, l.rebuild(ctx)...)
		}
		return events
	}
	events = append(events, schedule.Event{Kind: schedule.EventAiring, New: a})
	l.there[a.ID] = l.usable(a.ID)
	if !l.there[a.ID] {
		events = append(events, schedule.Event{Kind: schedule.EventMissing, Airing: a.ID})
	}
	return events
}

// know takes an airing for known, under its unit.
func (l *Loop) know(wire protocol.Airing, a *schedule.Airing) {
	l.mem.wires[a.ID] = &known{wire: wire, airing: a}
	delete(l.statement, a.ID)
}

// stands gives an airing that is kept another unit. It says false if none is
// kept. A machine that has it under the old one keeps it so until it is made
// anew; one that left it out with its unit is to be made anew.
func (l *Loop) stands(a *schedule.Airing) bool {
	i := slices.IndexFunc(l.mem.kept.Airings, func(r schedule.AiringRecord) bool { return r.Airing.ID == a.ID })
	if i < 0 {
		return false
	}
	r := l.mem.kept.Airings[i]
	r.Airing = a
	l.keep(&l.extra, r)
	return true
}

// content counts as there only if what was approved allows it: nothing begins
// on documents that say otherwise, whenever they came.
func (l *Loop) content(u inbox.Content) []schedule.Event {
	l.brought[u.Airing] = u.There && !(u.Unpictured && l.cfg.Medium == protocol.MediumBoard)
	if _, ok := l.mem.wires[u.Airing]; !ok {
		return nil
	}
	l.there[u.Airing] = l.usable(u.Airing)
	return []schedule.Event{l.thereness(u.Airing)}
}

// usable says whether an airing's content is here and its documents allow it. If
// only these stand against it, they are asked again: lists may still come.
func (l *Loop) usable(id protocol.AiringID) bool {
	ok := false
	if k := l.mem.wires[id]; k != nil && l.brought[id] {
		_, err := l.cfg.Approvals.Verdict(k.wire)
		ok = err == nil
	}
	if l.brought[id] && !ok {
		l.doubted[id] = true
	} else {
		delete(l.doubted, id)
	}
	return ok
}

// doubts asks again about content whose documents did not allow it.
func (l *Loop) doubts() []schedule.Event {
	var events []schedule.Event
	for _, id := range slices.Sorted(maps.Keys(l.doubted)) {
		if l.mem.wires[id] != nil && l.usable(id) {
			l.there[id] = true
			events = append(events, l.thereness(id))
		}
	}
	return events
}

func (l *Loop) thereness(id protocol.AiringID) schedule.Event {
	if l.there[id] {
		return schedule.Event{Kind: schedule.EventThere, Airing: id}
	}
	return schedule.Event{Kind: schedule.EventMissing, Airing: id}
}

// stand notes where the device stands, and since when in each unit: it owes their
// airings' starts from then on, and a move below a unit changes nothing of that.
func (l *Loop) stand(p protocol.Placement) {
	l.placement = p
	since := map[protocol.UnitID]time.Time{}
	for _, u := range p.Units() {
		at, ok := l.mem.since[u]
		if !ok {
			at = p.From.Time()
		}
		since[u] = at
	}
	if maps.EqualFunc(since, l.mem.since, time.Time.Equal) {
		return
	}
	l.mem.since = since
	if o, err := (saved{Since: since}).at(l.lane.own(), sinceID, time.Time{}); err == nil {
		l.extra.Put = append(l.extra.Put, o)
	}
}

// rehome puts what is known under the units that it has in the updates that follow a
// placement, so that it does not end with the unit that it stood under.
func (l *Loop) rehome(path []protocol.UnitID, rest []inbox.Update) {
	for _, u := range rest {
		next, ok := u.(inbox.Accepted)
		if !ok || !slices.Contains(path, next.Airing.Unit) {
			continue
		}
		old := l.mem.wires[next.Airing.ID]
		if old == nil || slices.Contains(path, old.wire.Unit) || !l.lane.takes(next.Airing) {
			continue
		}
		if a, err := schedule.AiringOf(next.Airing, l.cfg.Medium, old.airing.Arrives); err == nil {
			l.know(next.Airing, a)
			l.stands(a)
		}
	}
}

// depart ends what the device owes to units that it leaves: what is on is cut,
// what waits is skipped, as withdrawn. They may come back with a later placement,
// so neither is kept as withdrawn for good.
func (l *Loop) depart(ctx context.Context, path []protocol.UnitID) {
	if l.machine == nil {
		return
	}
	var left []schedule.AiringRecord
	events := []schedule.Event{}
	for _, a := range l.mem.kept.Airings {
		if slices.Contains(l.placement.Units(), a.Airing.Unit) && !slices.Contains(path, a.Airing.Unit) {
			left = append(left, a)
			events = append(events, schedule.Event{Kind: schedule.EventWithdraw, Airing: a.Airing.ID})
		}
	}
	stops := len(l.mem.kept.Stops)
	l.step(ctx, events)
	for _, a := range left {
		l.keep(&l.extra, a)
	}
	for _, s := range l.mem.kept.Stops[stops:] {
		l.extra.Forget = append(l.extra.Forget, store.Occurrence{Medium: l.lane.own(), Airing: stopID(s)})
	}
	l.mem.kept.Stops = l.mem.kept.Stops[:stops]
}

// orphans ends what had begun under units that the device left while it was off.
func (l *Loop) orphans() {
	_, uncertainty, _ := l.cfg.Clock.Now()
	for i := range l.mem.kept.Records {
		r := &l.mem.kept.Records[i]
		k := l.mem.wires[r.Airing]
		if k == nil || slices.Contains(l.placement.Units(), k.wire.Unit) || (r.State != schedule.StateOn && r.State != schedule.StateSuspended) {
			continue
		}
		if to := l.mem.kept.At; r.State == schedule.StateOn && to.After(r.Since) {
			r.Plays = append(r.Plays, schedule.Stretch{From: r.Since, To: to})
		}
		r.State, r.Outcome, r.Reason = schedule.StateFinal, protocol.OutcomeCut, r.Cut
		switch {
		case r.Whole > 0:
			r.Outcome, r.Reason = protocol.OutcomePlayed, protocol.ReasonNone
		case r.Reason == protocol.ReasonNone:
			r.Reason = protocol.ReasonOff
		}
		r.At = r.Start
		if n := len(r.Plays); n > 0 {
			r.At = r.Plays[n-1].To
		}
		if o, err := (saved{Occurrence: r, Tally: l.mem.tallies[occOf(r.Key)]}).at(l.kept(r.Airing), r.Airing, r.Start); err == nil {
			l.extra.Put = append(l.extra.Put, o)
		}
		f := schedule.Final{Key: r.Key, Outcome: r.Outcome, Reason: r.Reason, Plays: r.Plays, At: r.At}
		l.settle(&l.extra, f, l.circumstances(uncertainty))
	}
}

// rebuild makes the machine anew from what is stored, for another path or zone.
// What is on goes on.
func (l *Loop) rebuild(ctx context.Context) []schedule.Event {
	if l.zone == nil || len(l.placement.Path) == 0 {
		return nil
	}
	from := slices.MinFunc(slices.Collect(maps.Values(l.mem.since)), time.Time.Compare)
	cfg := schedule.Config{
		Zone: l.zone, Path: l.placement.Units(), Quiet: l.periods(), Judge: l.judge,
		From: later(from, l.mem.from), Since: l.mem.since, MaxLag: maxLag,
	}
	var machine *schedule.Machine
	var err error
	if l.machine != nil {
		l.step(ctx, nil)
		machine, err = l.machine.Move(cfg, l.mem.kept)
	} else {
		machine, err = schedule.Restore(cfg, l.mem.kept)
	}
	if err != nil {
		l.cfg.Log.ErrorContext(ctx, "no schedule", "error", err)
		return nil
	}
	l.machine, l.wake = machine, time.Time{}
	l.orphans()
	events := []schedule.Event{{Kind: schedule.EventOn}, {Kind: sureness(l.sure)}, {Kind: muteness(l.muted)}}
	for id := range l.mem.wires {
		l.there[id] = l.usable(id)
		events = append(events, l.thereness(id))
	}
	events = append(events, l.early...)
	l.early = nil
	return events
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func (l *Loop) periods() []schedule.QuietPeriod {
	var out []schedule.QuietPeriod
	for _, u := range l.placement.Path {
		for _, q := range l.quiet[u] {
			out = append(out, schedule.QuietPeriod{Unit: u, Start: int(q.Start), End: int(q.End)})
		}
	}
	return out
}

// judge is asked once, when an occurrence becomes due. Documents that are not
// here yet are no refusal: without them there is no content.
func (l *Loop) judge(j schedule.Judged) protocol.Reason {
	k, ok := l.mem.wires[j.Airing.ID]
	if !ok {
		return protocol.ReasonNotPermitted
	}
	why, err := l.permitted(k, j.Start, j.PlaysOn)
	if errors.Is(err, inbox.ErrMissing) {
		l.unjudged[occ{j.Airing.ID, j.Start.UnixMilli()}] = true
		return protocol.ReasonNone
	}
	return why
}

// late judges an occurrence before it begins if it could not be judged when it
// became due.
func (l *Loop) late(k *known, key schedule.Key) error {
	if !l.unjudged[occOf(key)] {
		return nil
	}
	why, err := l.permitted(k, key.Start, func(match func(*schedule.Airing) bool) (played, underWay int) {
		return l.mem.playsOn(key, l.zone, match)
	})
	if why != protocol.ReasonNone {
		l.refused[occOf(key)] = why
	} else {
		delete(l.unjudged, occOf(key))
	}
	return err
}

// permitted asks what was approved about one occurrence. The error goes with
// every reason.
func (l *Loop) permitted(k *known, start time.Time, plays func(func(*schedule.Airing) bool) (int, int)) (protocol.Reason, error) {
	grant, err := l.cfg.Approvals.Verdict(k.wire)
	if err == nil {
		err = grant.Day(protocol.DateOf(start.In(l.zone)))
	}
	if err == nil {
		err = l.slot(k.wire, start)
	}
	if err != nil {
		return l.cfg.Reason(err), err
	}
	statement := l.statementOf(k.airing.ID)
	played, underWay := plays(func(a *schedule.Airing) bool { return l.statementOf(a.ID) == statement })
	if uint64(played+underWay) >= grant.Statement.PlaysPerDay {
		return protocol.ReasonNotPermitted, fmt.Errorf("%d plays that day: %w", played+underWay, envelope.ErrNotPermitted)
	}
	return protocol.ReasonNone, nil
}

// slot refuses an occurrence of a relay whose window leaves the slot that was
// approved.
func (l *Loop) slot(a protocol.Airing, start time.Time) error {
	if a.Sound == nil || *a.Sound != a.Bulletin {
		return nil
	}
	b, err := l.cfg.Approvals.Bulletin(a)
	if err != nil {
		return err
	}
	if b.Relay != nil && !b.Relay.Within(start.In(l.zone), a.SoundFor.Duration()+a.Lateness.Duration()) {
		return fmt.Errorf("relay outside of its slot: %w", envelope.ErrNotPermitted)
	}
	return nil
}

// statementOf identifies the statement behind an airing, zero if it is not here.
func (l *Loop) statementOf(id protocol.AiringID) protocol.Digest {
	if d, ok := l.statement[id]; ok {
		return d
	}
	k, ok := l.mem.wires[id]
	if !ok {
		return protocol.Digest{}
	}
	d, err := statementDigest(l.cfg.Approvals.Verdict(k.wire))
	if err == nil {
		l.statement[id] = d
	}
	return d
}

func statementDigest(g envelope.Grant, err error) (protocol.Digest, error) {
	if err != nil {
		return protocol.Digest{}, err
	}
	b, err := protocol.Marshal(g.Statement)
	return protocol.DigestOf(b), err
}
