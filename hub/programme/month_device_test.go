package programme_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// loudspeaker is a device: the schedule's machine and what it keeps on its disk.
type loudspeaker struct {
	c        *commune
	name     string
	path     []protocol.UnitID
	m        *schedule.Machine // nil while it is off
	wake     time.Time
	kept     schedule.Kept
	airings  map[protocol.AiringID]schedule.AiringRecord
	approval map[protocol.AiringID]protocol.Digest
	records  map[string]schedule.Record
	online   bool
	on       string
	finals   map[string][]schedule.Final
	troubled map[protocol.Date]bool
	trouble  time.Time // since when something is wrong, zero for nothing
}

func (l *loudspeaker) misfortune() (begin, end func(time.Time)) {
	switch l.c.rng.IntN(4) {
	case 0: // power cut
		return l.crash, l.boot
	case 1: // the line is cut
		return func(time.Time) { l.online = false }, func(now time.Time) { l.online = true; l.receive(now) }
	case 2: // a technician
		return func(now time.Time) { l.step(now, schedule.Event{Kind: schedule.EventMute}) },
			func(now time.Time) { l.step(now, schedule.Event{Kind: schedule.EventUnmute}) }
	}
	var lost protocol.AiringID // content damaged, and fetched again
	return func(now time.Time) {
			ids := make([]protocol.AiringID, 0, len(l.airings))
			for id := range l.airings {
				ids = append(ids, id)
			}
			slices.Sort(ids)
			if len(ids) > 0 {
				lost = ids[l.c.rng.IntN(len(ids))]
				l.step(now, schedule.Event{Kind: schedule.EventMissing, Airing: lost})
			}
		}, func(now time.Time) {
			if lost != "" {
				l.step(now, schedule.Event{Kind: schedule.EventThere, Airing: lost})
			}
		}
}

// note marks the days since something went wrong.
func (l *loudspeaker) note(now time.Time) {
	if l.trouble.IsZero() {
		return
	}
	for t := l.trouble; !t.After(now); t = t.Add(time.Hour) {
		l.troubled[protocol.DateOf(t.In(l.c.zone))] = true
	}
	l.troubled[protocol.DateOf(now.In(l.c.zone))] = true
}

// receive takes what is new of the plans of the device's path.
func (l *loudspeaker) receive(now time.Time) {
	if l.m == nil || !l.online {
		return
	}
	var events []schedule.Event
	for _, u := range l.path {
		for _, wire := range l.c.plans[u].Airings {
			if _, known := l.airings[wire.ID]; known {
				continue
			}
			a, err := schedule.AiringOf(wire, protocol.MediumSound, now)
			must(l.c.t, err)
			l.airings[wire.ID], l.approval[wire.ID] = schedule.AiringRecord{Airing: a}, wire.Approval.Digest
			events = append(events, schedule.Event{Kind: schedule.EventAiring, New: a})
		}
	}
	slices.SortStableFunc(events, func(a, b schedule.Event) int { return cmp.Compare(a.New.ID, b.New.ID) })
	for _, u := range l.path {
		for _, w := range l.c.plans[u].Withdrawals {
			events = append(events, schedule.Event{Kind: schedule.EventWithdraw, Airing: w.Airing, At: w.At.Time()})
		}
		for _, s := range l.c.plans[u].Stops {
			events = append(events, schedule.Event{Kind: schedule.EventStop, Unit: s.Unit, Airing: s.Airing, At: s.At.Time()})
		}
	}
	l.step(now, events...)
}

// boot starts the device from its disk and connects it.
func (l *loudspeaker) boot(now time.Time) {
	cfg := schedule.Config{Zone: l.c.zone, Path: l.path, From: time.Date(2026, 11, 30, 9, 0, 0, 0, l.c.zone), Judge: l.judge}
	kept := l.kept
	for _, a := range l.airings {
		kept.Airings = append(kept.Airings, a)
	}
	for _, r := range l.records {
		kept.Records = append(kept.Records, r)
	}
	m, err := schedule.Restore(cfg, kept)
	must(l.c.t, err)
	l.m, l.online = m, true
	l.step(now, schedule.Event{Kind: schedule.EventOn})
	l.receive(now)
}

// judge is what a device asks of an approval: its days, and its plays a day.
func (l *loudspeaker) judge(j schedule.Judged) protocol.Reason {
	of := func(a *schedule.Airing) protocol.Digest { return l.approval[a.ID] }
	s := l.c.approvals[of(j.Airing)]
	switch day := protocol.DateOf(j.Start.In(l.c.zone)); {
	case day < s.FirstDay:
		return protocol.ReasonNotPermitted
	case day > s.LastDay:
		return protocol.ReasonExpired
	}
	played, underWay := j.PlaysOn(func(a *schedule.Airing) bool { return of(a) == of(j.Airing) })
	if uint64(played+underWay) >= s.PlaysPerDay {
		l.c.overplayed++
		return protocol.ReasonNotPermitted
	}
	return protocol.ReasonNone
}

// crash takes the power away.
func (l *loudspeaker) crash(now time.Time) {
	l.step(now)
	l.kept.At = now
	l.m, l.online, l.on = nil, false, ""
}

// step has the machine decide, and keeps what it says.
func (l *loudspeaker) step(now time.Time, events ...schedule.Event) {
	if l.m == nil {
		return
	}
	e := l.m.Step(now, events...)
	l.wake = e.Wake
	for _, r := range e.Refused {
		l.c.t.Errorf("%s refused %s: %v", l.name, r.Airing, r.Err)
	}
	for _, a := range e.Airings {
		l.airings[a.Airing.ID] = a
	}
	l.kept.Stops = append(l.kept.Stops, e.Stops...)
	for _, r := range e.Records {
		r.Plays = slices.Clone(r.Plays)
		l.records[key(r.Key)] = r
	}
	for _, a := range e.Actions {
		k := key(a.Sound.Key)
		switch {
		case a.Act == schedule.ActBegin && l.on != "":
			l.c.t.Errorf("%s: %s begins while %s sounds", l.name, k, l.on)
		case a.Act == schedule.ActBegin:
			l.on = k
		default:
			l.on = ""
		}
	}
	for _, f := range e.Finals {
		f.Plays = slices.Clone(f.Plays)
		l.finals[key(f.Key)] = append(l.finals[key(f.Key)], f)
		l.decent(f)
	}
}

func key(k schedule.Key) string { return fmt.Sprintf("%s@%d", k.Airing, k.Start.UnixMilli()) }

// decent checks that nothing but emergencies sounds at night: 21:30 to 05:00.
func (l *loudspeaker) decent(f schedule.Final) {
	if a := l.airings[f.Airing]; a.Airing == nil || a.Airing.Class == protocol.ClassEmergency {
		return
	}
	for _, p := range f.Plays {
		for _, t := range []time.Time{p.From, p.To.Add(-time.Millisecond)} {
			if m := t.In(l.c.zone).Hour()*60 + t.In(l.c.zone).Minute(); m < 5*60 || m >= 21*60+30 {
				l.c.t.Errorf("%s: %s sounds at %s", l.name, f.Airing, t.In(l.c.zone))
			}
		}
	}
}
