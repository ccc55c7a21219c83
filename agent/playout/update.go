package playout

import (
	"context"
	"errors"
	"time"

	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/schedule"
)

// take turns an update into the machine's events.
func (l *Loop) take(ctx context.Context, u inbox.Update) []schedule.Event {
	switch u := u.(type) {
	case inbox.Placed:
		moved := !samePath(l.placement.Path, u.Placement.Path)
		l.placement = u.Placement
		if moved {
			return l.rebuild(ctx)
		}
	case inbox.QuietHours:
		l.quiet[u.Unit] = u.Quiet
		if l.inZone(u.Zone) {
			return l.rebuild(ctx)
		}
		if l.machine != nil {
			if err := l.machine.SetQuiet(l.periods()); err != nil {
				l.cfg.Log.WarnContext(ctx, "quiet hours refused", "unit", u.Unit, "err", err)
			}
		}
	case inbox.Accepted:
		return l.accepted(ctx, u)
	case inbox.Withdrawn:
		return []schedule.Event{{Kind: schedule.EventWithdraw, Airing: u.Airing, At: u.At.Time()}}
	case inbox.Dropped:
		return []schedule.Event{{Kind: schedule.EventWithdraw, Airing: u.Airing}}
	case inbox.Stopped:
		s := u.Stop
		e := schedule.Event{Kind: schedule.EventStop, At: s.At.Time(), Airing: s.Airing}
		switch s.Scope {
		case protocol.ScopeOccurrence:
			e.Start = s.Start.Time()
		case protocol.ScopeUnit:
			e.Unit = s.Unit
		}
		return []schedule.Event{e}
	case inbox.Content:
		return l.content(u)
	case inbox.ClockSure:
		l.sure = u.Sure
		return []schedule.Event{{Kind: sureness(u.Sure)}}
	case inbox.Muted:
		l.muted = u.Muted
		return []schedule.Event{{Kind: muteness(u.Muted)}}
	}
	return nil
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

func samePath(a, b []protocol.UnitID) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// inZone takes the plans' zone and says whether it is another one than before.
func (l *Loop) inZone(name string) bool {
	zone, err := time.LoadLocation(name)
	if err != nil || (l.zone != nil && l.zone.String() == zone.String()) {
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
	if _, known := l.mem.wires[u.Airing.ID]; known || u.Airing.LengthFor(l.cfg.Medium) == 0 {
		return events
	}
	a, err := schedule.AiringOf(u.Airing, l.cfg.Medium, u.Arrived.Time())
	if err != nil {
		l.cfg.Log.WarnContext(ctx, "airing refused", "airing", u.Airing.ID, "err", err)
		return events
	}
	l.mem.wires[a.ID] = &known{wire: u.Airing, airing: a}
	events = append(events, schedule.Event{Kind: schedule.EventAiring, New: a})
	if !l.there[a.ID] {
		events = append(events, schedule.Event{Kind: schedule.EventMissing, Airing: a.ID})
	}
	return events
}

// content counts as there only if what was approved allows it: nothing begins
// on documents that say otherwise, whenever they came.
func (l *Loop) content(u inbox.Content) []schedule.Event {
	k, ok := l.mem.wires[u.Airing]
	there := u.There
	if ok && there {
		_, err := l.cfg.Approvals.Verdict(k.wire)
		there = err == nil
	}
	l.there[u.Airing] = there
	if !ok {
		return nil
	}
	kind := schedule.EventMissing
	if there {
		kind = schedule.EventThere
	}
	return []schedule.Event{{Kind: kind, Airing: u.Airing}}
}

// rebuild makes the machine anew from what is stored, for another path or zone.
// What is on is cut, and may return.
func (l *Loop) rebuild(ctx context.Context) []schedule.Event {
	if l.zone == nil || len(l.placement.Path) == 0 {
		return nil
	}
	if l.machine != nil {
		l.step(ctx, []schedule.Event{{Kind: schedule.EventOff}})
	}
	cfg := schedule.Config{
		Zone: l.zone, Path: l.placement.Path, Quiet: l.periods(), Judge: l.judge,
		From: later(l.placement.From.Time(), l.mem.from), MaxLag: maxLag,
	}
	machine, err := schedule.Restore(cfg, l.mem.kept)
	if err != nil {
		l.cfg.Log.ErrorContext(ctx, "no schedule", "err", err)
		return nil
	}
	l.machine = machine
	events := []schedule.Event{{Kind: schedule.EventOn}, {Kind: sureness(l.sure)}, {Kind: muteness(l.muted)}}
	for id := range l.mem.wires {
		kind := schedule.EventMissing
		if l.there[id] {
			kind = schedule.EventThere
		}
		events = append(events, schedule.Event{Kind: kind, Airing: id})
	}
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
	grant, err := l.cfg.Approvals.Verdict(k.wire)
	if errors.Is(err, inbox.ErrMissing) {
		return protocol.ReasonNone
	}
	if err == nil {
		err = grant.Day(protocol.DateOf(j.Start.In(l.zone)))
	}
	if err != nil {
		return l.cfg.Reason(err)
	}
	statement := l.statementOf(j.Airing.ID)
	played, underWay := j.PlaysOn(func(a *schedule.Airing) bool { return l.statementOf(a.ID) == statement })
	if uint64(played+underWay) >= grant.Statement.PlaysPerDay {
		return protocol.ReasonNotPermitted
	}
	return protocol.ReasonNone
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
