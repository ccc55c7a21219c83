package playout

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// note puts what a step changed into a batch.
func (l *Loop) note(b *store.Batch, eff schedule.Effects, c circumstances) {
	put := func(s saved, airing protocol.AiringID, start time.Time) {
		if o, err := s.at(l.kept(airing), airing, start); err == nil {
			b.Put = append(b.Put, o)
		}
	}
	for _, f := range eff.Finals {
		key := occOf(f.Key)
		f.Reason = l.reason(key, f.Reason)
		if l.open(key) {
			l.tally(key).Owed = true
			f.Plays = slices.Clone(f.Plays)
			l.owed[key] = owed{final: f, until: l.lastWord(key).Add(grace)}
			continue
		}
		l.settle(b, f, c)
	}
	for _, r := range eff.Records {
		key := occOf(r.Key)
		r.Reason = l.reason(key, r.Reason)
		if r.State == schedule.StateFinal || r.State == schedule.StateVanished {
			delete(l.unjudged, key)
			delete(l.refused, key)
		}
		delete(l.proved, key)
		put(saved{Occurrence: &r, Tally: l.mem.tallies[occOf(r.Key)]}, r.Airing, r.Start)
		r.Plays = slices.Clone(r.Plays)
		l.mem.remember(r)
	}
	for key := range l.proved {
		if r := l.mem.record(key); r != nil && r.State != schedule.StateFinal {
			put(saved{Occurrence: r, Tally: l.mem.tallies[key]}, r.Airing, r.Start)
		}
	}
	clear(l.proved)
	for _, a := range eff.Airings {
		l.keep(b, a)
	}
	for _, s := range eff.Stops {
		put(saved{Stop: &s}, stopID(s), time.Time{})
		l.mem.stop(s)
	}
}

// keep stores an airing's record.
func (l *Loop) keep(b *store.Batch, a schedule.AiringRecord) {
	k := l.mem.wires[a.Airing.ID]
	if k == nil {
		return
	}
	l.mem.airing(a)
	wire, err := protocol.Marshal(k.wire)
	if err != nil {
		return
	}
	s := saved{Airing: &savedAiring{Wire: wire, Arrives: a.Airing.Arrives, Accepted: a.Accepted, Withdrawn: a.Withdrawn}}
	if o, err := s.at(l.kept(a.Airing.ID), a.Airing.ID, time.Time{}); err == nil {
		b.Put = append(b.Put, o)
	}
}

// reason is why an occurrence was skipped: of one that its documents forbade
// after it was due, the machine knows only that it did not begin, or that its content
// did not count as there.
func (l *Loop) reason(key occ, why protocol.Reason) protocol.Reason {
	switch why {
	case protocol.ReasonFault:
		if r, ok := l.refused[key]; ok {
			return r
		}
	case protocol.ReasonNoContent:
		k := l.mem.wires[key.airing]
		if k == nil || !l.unjudged[key] {
			return why
		}
		if _, err := l.cfg.Approvals.Verdict(k.wire); err != nil && !errors.Is(err, inbox.ErrMissing) {
			return l.cfg.Reason(err)
		}
	}
	return why
}

// lastWord is when the output should have said its last word on an occurrence,
// or now if that is later. A late first frame and a clock that was set count.
func (l *Loop) lastWord(key occ) time.Time {
	at := time.Now()
	for _, j := range l.jobs {
		if j.key == key && !j.done && !j.cut && j.ends.After(at) {
			at = j.ends
		}
	}
	return at
}

// settle writes the receipt of a final.
func (l *Loop) settle(b *store.Batch, f schedule.Final, c circumstances) {
	k, ok := l.mem.wires[f.Airing]
	if !ok {
		return
	}
	if l.lane.shadows(k.wire) {
		return // the loop that shows it answers
	}
	t := l.mem.tallies[occOf(f.Key)]
	b.Receipts = append(b.Receipts, receiptOf(f, k.wire, t, c))
	if t == nil || !t.Owed {
		return
	}
	t.Owed = false
	if r := l.mem.record(occOf(f.Key)); r != nil {
		if o, err := (saved{Occurrence: r, Tally: t}).at(l.kept(r.Airing), r.Airing, r.Start); err == nil {
			b.Put = append(b.Put, o)
		}
	}
}

func (l *Loop) circumstances(uncertainty time.Duration) circumstances {
	return circumstances{
		medium: l.cfg.Medium, uncertainty: uncertainty, config: l.cfg.Settings().Config, placement: l.placement.Number,
	}
}

// position notes where what is on stands, now and then.
func (l *Loop) position(b *store.Batch, s *schedule.Sound, now time.Time) {
	if s == nil {
		if !l.noted.IsZero() {
			b.Idle, l.noted = []protocol.Medium{l.lane.own()}, time.Time{}
		}
		return
	}
	if time.Since(l.noted) < journalEach && l.playing(*s) {
		return
	}
	if len(l.unsaved) > 0 && l.playing(*s) {
		return // the disk is full: a position is the least of it
	}
	l.noted = time.Now()
	b.Journal = []store.Journal{{
		Medium: l.lane.own(), Airing: s.Airing, Start: protocol.InstantOf(s.Start), Begun: protocol.InstantOf(s.Since),
		Position: protocol.MillisOf(s.Position + now.Sub(s.Since)), At: protocol.InstantOf(now),
	}}
}

// commit stores a batch behind what the disk has refused before. It says whether
// all is stored.
func (l *Loop) commit(ctx context.Context, b store.Batch) bool {
	if len(b.Put)+len(b.Forget)+len(b.Receipts)+len(b.Journal)+len(b.Idle) > 0 {
		l.unsaved = append(l.unsaved, b)
	}
	receipts := false
	began := time.Now()
	defer func() { l.blocked += time.Since(began) }()
	for len(l.unsaved) > 0 {
		if err := l.cfg.Store.Commit(l.unsaved[0]); err != nil {
			l.cfg.Log.ErrorContext(ctx, "not stored", "medium", l.cfg.Medium.String(), "error", err)
			l.cfg.Fault("storage", true)
			return false
		}
		receipts = receipts || len(l.unsaved[0].Receipts) > 0
		if l.unsaved = l.unsaved[1:]; len(l.unsaved) == 0 {
			l.cfg.Fault("storage", false)
		}
	}
	if receipts {
		l.cfg.Receipts()
	}
	return true
}

// forget lets go of what is long over.
func (l *Loop) forget(ctx context.Context, now time.Time) {
	if time.Since(l.forgot) < forgetEach || (l.cfg.Known != nil && !l.cfg.Known()) {
		return
	}
	first := l.forgot.IsZero()
	l.forgot = time.Now()
	if first {
		return
	}
	l.giveUp(ctx, now)
	f := l.machine.Forget(now.Add(-keepFinals))
	b := l.mem.forget(f, l.kept, l.lane.own())
	for _, key := range f.Records {
		delete(l.mem.tallies, occOf(key))
	}
	for _, id := range f.Airings {
		delete(l.there, id)
		delete(l.doubted, id)
		delete(l.statement, id)
	}
	l.commit(ctx, b)
}

// giveUp ends what is not held any more and has starts ahead all the same: it is over,
// but its rule has no end.
func (l *Loop) giveUp(ctx context.Context, now time.Time) {
	if l.cfg.Holds == nil {
		return
	}
	var events []schedule.Event
	for _, r := range l.mem.kept.Airings {
		a := r.Airing
		if a.Class == protocol.ClassEmergency || !r.Withdrawn.IsZero() || !slices.Contains(l.placement.Units(), a.Unit) || l.cfg.Holds(a.ID) {
			continue
		}
		for range schedule.Expand(a.Recurrence, l.zone, now, time.Time{}) {
			events = append(events, schedule.Event{Kind: schedule.EventWithdraw, Airing: a.ID, At: now})
			break
		}
	}
	if len(events) > 0 {
		l.step(ctx, events)
	}
}
