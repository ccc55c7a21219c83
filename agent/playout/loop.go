package playout

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/schedule"
)

const (
	// grace is how long a job may end after the schedule says so: what is in the
	// card's buffer, and a late first frame.
	grace = 2500 * time.Millisecond
	// journalEach is how often the position of what is on is stored.
	journalEach = 5 * time.Second
	retryStore  = 2 * time.Second
	// maxLag is how late a step may be before the device counts as having been off:
	// a process that hung has not played, whatever the schedule says.
	maxLag     = 3 * time.Second
	forgetEach = time.Hour
	// clockSet is how far the device's time and the monotonic clock may part between
	// two steps before the clock counts as set.
	clockSet = time.Second
	// steady is how long something is on before it is led to another instant, and
	// finest the difference that is worth it.
	steady = time.Second
	finest = 200 * time.Microsecond
	// keepFinals is how long finals are remembered: plays a day are counted by them.
	keepFinals = 48 * time.Hour
	// longest is how long the loop sleeps at most.
	longest = time.Minute
)

// Loop runs one medium. Tell it of updates from any goroutine; Run does the rest.
type Loop struct {
	cfg     Config
	lane    lane
	updates chan []inbox.Update
	lead    time.Duration // by which the loop runs ahead of the clock

	machine   *schedule.Machine // nil until it is known where the device stands
	mem       memory
	zone      *time.Location
	quiet     map[protocol.UnitID][]protocol.Quiet
	placement protocol.Placement
	sure      bool
	muted     bool
	brought   map[protocol.AiringID]bool // content is on the device, whatever it is worth
	there     map[protocol.AiringID]bool // and may be used
	doubted   map[protocol.AiringID]bool // brought, but not there yet
	statement map[protocol.AiringID]protocol.Digest
	unjudged  map[occ]bool            // became due before its documents came
	refused   map[occ]protocol.Reason // by documents that came after it was due
	early     []schedule.Event        // came before there was a machine

	jobs    map[string]*job
	current string // the job that should be on, "" for none
	owed    map[occ]owed
	proved  map[occ]bool // an output has said more of it than is stored
	trial   *trial       // a test tone that sounds
	serial  int

	wake    time.Time     // what the machine asked for
	last    time.Time     // the device's time at the last step
	local   time.Time     // and the local clock's, for its monotonic part
	blocked time.Duration // spent on the disk since the last step
	extra   store.Batch   // for the next batch
	unsaved []store.Batch // what the disk refused, in order
	noted   time.Time     // when the position was stored last
	forgot  time.Time
}

// job is a job that the output has.
type job struct {
	key   occ
	of    schedule.Key
	since time.Time
	rest  time.Duration // from its position to its end
	begin time.Time     // by the local clock, as the output was told last
	soon  bool          // it has not begun at an instant of the schedule's
	ends  time.Time     // by the local clock, whatever the schedule's is set to
	cut   bool          // by this loop
	done  bool          // the output has said its last word, maybe before the schedule's end
	on    On
}

// owed is a final whose receipt waits for the output's last word.
type owed struct {
	final schedule.Final
	until time.Time
}

// New returns a loop that goes on from what the store holds.
func New(cfg Config) (*Loop, error) {
	ln := lane{medium: cfg.Medium, zone: cfg.Zone, zones: cfg.Zones}
	mem, err := recall(cfg.Store, ln)
	if err != nil {
		return nil, fmt.Errorf("playout: %w", err)
	}
	lead := time.Duration(0)
	if o, ok := cfg.Output.(Leader); ok {
		lead = o.Lead()
	}
	l := &Loop{
		lead: lead, lane: ln,
		cfg: cfg, updates: make(chan []inbox.Update, 64), mem: mem, sure: true,
		quiet: map[protocol.UnitID][]protocol.Quiet{}, statement: map[protocol.AiringID]protocol.Digest{},
		brought: map[protocol.AiringID]bool{}, there: map[protocol.AiringID]bool{}, doubted: map[protocol.AiringID]bool{},
		unjudged: map[occ]bool{}, refused: map[occ]protocol.Reason{},
		jobs: map[string]*job{}, owed: map[occ]owed{}, proved: map[occ]bool{},
	}
	for _, f := range mem.owed {
		// The device went off before the output's last word.
		if f.Outcome == protocol.OutcomePlayed && !mem.tallies[occOf(f.Key)].Whole {
			f.Outcome, f.Reason = protocol.OutcomeCut, protocol.ReasonOff
		}
		l.owed[occOf(f.Key)] = owed{final: f}
	}
	return l, nil
}

// Tell passes updates on, in order, until ctx ends.
func (l *Loop) Tell(ctx context.Context, us []inbox.Update) {
	select {
	case l.updates <- us:
	case <-ctx.Done():
	}
}

// Run plays until ctx ends. It returns an error only if nothing can be played.
func (l *Loop) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var events []schedule.Event
		select {
		case <-ctx.Done():
			l.leave()
			return nil
		case us := <-l.updates:
			for i, u := range us {
				events = append(events, l.take(ctx, u, us[i+1:])...)
			}
		case e, ok := <-l.cfg.Output.Events():
			if !ok {
				return errors.New("playout: output closed")
			}
			events = l.heard(ctx, e)
		case <-timer.C:
		}
		events = append(events, l.doubts()...)
		timer.Reset(l.step(ctx, events))
	}
}

// leave cuts what is on and stores that, when the agent is asked to end.
func (l *Loop) leave() {
	ctx := context.Background()
	l.step(ctx, []schedule.Event{{Kind: schedule.EventOff}})
	deadline := time.After(300 * time.Millisecond)
	for slices.ContainsFunc(slices.Collect(maps.Values(l.jobs)), func(j *job) bool { return !j.done }) {
		select {
		case e, ok := <-l.cfg.Output.Events():
			if !ok {
				return
			}
			l.heard(ctx, e)
		case <-deadline:
			return
		}
	}
	l.step(ctx, nil)
}

// step lets the machine decide, stores, acts, and returns how long to sleep.
func (l *Loop) step(ctx context.Context, events []schedule.Event) time.Duration {
	now, uncertainty, _ := l.cfg.Clock.Now()
	local := time.Now()
	// The loop's time is that of what is heard.
	now = now.Add(l.lead)
	expected := l.last.Add(local.Sub(l.local))
	set := !l.last.IsZero() && now.Sub(expected).Abs() > clockSet
	l.last, l.local = now, local
	if set && l.machine != nil {
		l.at(ctx, expected, uncertainty, nil)
		l.machine.SetClock(now)
		l.cfg.Log.WarnContext(ctx, "clock set", "by", now.Sub(expected), "medium", l.cfg.Medium.String())
	}
	// While this loop waited for the disk, what is on went on: that is no lag.
	for l.current != "" && !l.wake.IsZero() && now.Sub(l.wake) > maxLag && now.Sub(l.wake) <= l.blocked+maxLag {
		l.at(ctx, l.wake, uncertainty, nil)
	}
	l.blocked = 0
	return l.at(ctx, now, uncertainty, events)
}

// at is step at an instant.
func (l *Loop) at(ctx context.Context, now time.Time, uncertainty time.Duration, events []schedule.Event) time.Duration {
	b := l.extra
	l.extra = store.Batch{}
	b.At = protocol.InstantOf(now)
	circumstances := l.circumstances(uncertainty)
	for _, key := range slices.SortedFunc(maps.Keys(l.owed), occ.compare) {
		o := l.owed[key]
		if l.placed() && (!l.open(key) || time.Now().After(o.until)) {
			l.settle(&b, o.final, circumstances)
			delete(l.owed, key)
		}
	}
	if l.machine == nil {
		l.early = append(l.early, events...)
		l.commit(ctx, b)
		return l.sleep(now)
	}
	eff := l.machine.Step(now, events...)
	asked := l.wake
	l.wake = eff.Wake
	for _, r := range eff.Refused {
		l.cfg.Log.WarnContext(ctx, "airing refused", "airing", r.Airing, "error", r.Err)
	}
	l.silence(eff)
	s := eff.Sounding
	begins := s != nil && !l.playing(*s)
	if begins {
		t := l.tally(occOf(s.Key))
		t.Volume = l.volume(*s)
		t.Unsaid++
	}
	l.aim()
	l.note(&b, eff, circumstances)
	l.position(&b, s, now)
	stored := l.commit(ctx, b)
	switch {
	case begins && !stored && !l.urgent(s.Airing):
		// What cannot be stored is not begun: it is a fault, and said when the disk
		// takes it.
		return l.unbegun(ctx, *s)
	case begins:
		soon := !s.Since.Equal(asked) && !s.Since.Equal(s.Start)
		if err := l.begin(ctx, *s, soon); err != nil {
			l.cfg.Log.ErrorContext(ctx, "not begun", "airing", s.Airing, "error", err)
			return l.unbegun(ctx, *s)
		}
	}
	if stored {
		l.forget(ctx, now)
	}
	return l.sleep(now)
}

// unbegun takes back that something begins: nobody will say a last word on it.
func (l *Loop) unbegun(ctx context.Context, s schedule.Sound) time.Duration {
	l.tally(occOf(s.Key)).Unsaid--
	return l.step(ctx, []schedule.Event{{Kind: schedule.EventFault, Airing: s.Airing, Start: s.Start, Silent: true}})
}

// placed says whether it is known where the device stands.
func (l *Loop) placed() bool { return len(l.placement.Path) > 0 }

// urgent says whether an airing sounds even if that cannot be stored: a warning
// is better repeated after a crash than not given.
func (l *Loop) urgent(id protocol.AiringID) bool {
	k := l.mem.wires[id]
	return k != nil && k.wire.Class == protocol.ClassEmergency && !k.wire.Drill
}

// sleep returns how long there is nothing to do.
func (l *Loop) sleep(now time.Time) time.Duration {
	d := longest
	if !l.wake.IsZero() {
		d = min(d, l.wake.Sub(now))
	}
	if l.current != "" {
		d = min(d, journalEach)
	}
	if len(l.unsaved) > 0 {
		d = min(d, retryStore)
	}
	for _, o := range l.owed {
		if l.placed() {
			d = min(d, time.Until(o.until)+time.Millisecond)
		}
	}
	return max(d, 0)
}

// playing says whether the output has what should be on.
func (l *Loop) playing(s schedule.Sound) bool {
	j, ok := l.jobs[l.current]
	return ok && j.key == occOf(s.Key) && j.since.Equal(s.Since)
}

// open says whether the output has yet to say its last word on an occurrence.
func (l *Loop) open(key occ) bool {
	for _, j := range l.jobs {
		if j.key == key && !j.done {
			return true
		}
	}
	return false
}

// silence cuts what should not be on any more. What has reached its length ends
// by itself.
func (l *Loop) silence(eff schedule.Effects) {
	j, ok := l.jobs[l.current]
	if !ok {
		return
	}
	if s := eff.Sounding; s != nil && j.key == occOf(s.Key) && len(eff.Actions) == 0 {
		j.since = s.Since // another instant if the clock was set: it goes on
		return
	}
	if eff.Sounding != nil && l.playing(*eff.Sounding) {
		return
	}
	// The first action is about what was on.
	ended := len(eff.Actions) > 0 && eff.Actions[0].Act == schedule.ActEnd && occOf(eff.Actions[0].Sound.Key) == j.key
	// Of a board, what ends makes room at once; of sound, the last frames are on
	// their way to the card.
	if !ended || (eff.Sounding != nil && l.cfg.Medium == protocol.MediumSound && time.Until(j.ends).Abs() > grace) {
		j.cut = true
		l.cfg.Output.Cut(l.current)
	}
	l.leaveCurrent()
}

// leaveCurrent notes that nothing should be on.
func (l *Loop) leaveCurrent() {
	if j := l.jobs[l.current]; j != nil && j.done {
		delete(l.jobs, l.current)
	}
	l.current = ""
	l.cfg.Playing(On{})
}

// begin hands the output what should be on.
func (l *Loop) begin(ctx context.Context, s schedule.Sound, soon bool) error {
	k, ok := l.mem.wires[s.Airing]
	if !ok {
		return fmt.Errorf("airing %s is unknown", s.Airing)
	}
	if err := l.late(k, s.Key); err != nil {
		return err
	}
	if l.lane.shadows(k.wire) {
		l.shadow(s)
		return nil
	}
	b, err := l.cfg.Approvals.Bulletin(k.wire)
	if err != nil {
		return err
	}
	if b.Board != nil && b.Board.Zone != k.wire.BoardZone {
		return fmt.Errorf("approved for zone %q of boards, published for %q: %w", b.Board.Zone, k.wire.BoardZone, envelope.ErrNotPermitted)
	}
	volume := l.tally(occOf(s.Key)).Volume
	begin := l.instant(s.Since)
	l.serial++
	id := fmt.Sprintf("%s-%d-%d", s.Airing, s.Start.UnixMilli(), l.serial)
	l.hush(protocol.ReasonBusy)
	if err := l.cfg.Output.Begin(Job{
		ID: id, Airing: k.wire, Bulletin: b, Zone: l.zone, Key: s.Key, Position: s.Position,
		Begin: begin, Soon: soon, Length: k.airing.Length, Volume: volume,
		Until: l.instant(k.wire.Until.Time()),
	}); err != nil {
		return err
	}
	j := &job{key: occOf(s.Key), of: s.Key, since: s.Since, rest: k.airing.Length - s.Position, begin: begin, soon: soon}
	j.ends = later(begin, time.Now()).Add(j.rest)
	l.jobs[id] = j
	l.current = id
	j.on = On{Airing: s.Airing, Volume: volume, Begin: begin.Add(-s.Position), Length: k.airing.Length}
	l.cfg.Playing(j.on)
	l.cfg.Log.InfoContext(ctx, "on", "airing", s.Airing, "medium", l.cfg.Medium.String(), "start", s.Start, "position", s.Position, "volume", volume)
	return nil
}

// instant is the local clock's at an instant of the loop's time.
func (l *Loop) instant(t time.Time) time.Time { return l.local.Add(l.lead + t.Sub(l.last)) }

// aim leads what is on to where it should be by what is known of the time now: the
// clock is corrected while it is on.
func (l *Loop) aim() {
	j, on := l.jobs[l.current]
	out, can := l.cfg.Output.(Aimer)
	if !on || !can || j.soon || j.cut || time.Since(j.begin) < steady {
		return
	}
	begin := l.instant(j.since)
	if by := begin.Sub(j.begin).Abs(); by < finest || by > clockSet {
		return
	}
	j.begin = begin
	out.Aim(l.current, begin)
}

// volume is the airing's, under the ceilings and the units' limits of every hour in which
// it will sound: it does not change on the way, for a long relay no more than for a notice.
func (l *Loop) volume(s schedule.Sound) int {
	k := l.mem.wires[s.Airing]
	if k == nil {
		return 0
	}
	set, volume := l.cfg.Settings(), int(k.wire.Volume)
	urgent := k.wire.Class == protocol.ClassEmergency && !k.wire.Drill
	for at, last := s.Since, s.End.Add(-time.Millisecond); ; at = at.Add(time.Hour) {
		over := !at.Before(last)
		if over {
			at = last
		}
		hour := at.In(l.zone).Hour()
		if volume = min(volume, set.Ceiling(hour)); !urgent {
			volume = min(volume, set.Limit(hour))
		}
		if over {
			return volume
		}
	}
}

func (l *Loop) tally(key occ) *tally {
	t := l.mem.tallies[key]
	if t == nil {
		t = &tally{}
		l.mem.tallies[key] = t
	}
	return t
}

// heard takes what the output says.
func (l *Loop) heard(ctx context.Context, e Event) []schedule.Event {
	switch e.Kind {
	case Fault, Restored:
		misfit := errors.Is(e.Err, display.ErrSize)
		l.cfg.Fault(l.cfg.Medium.String(), e.Kind == Fault && !misfit)
		l.cfg.Fault(l.cfg.Medium.String()+"-size", misfit)
		return nil
	case Begun:
		l.cfg.Log.InfoContext(ctx, "first frame", "job", e.Job, "medium", l.cfg.Medium.String(), "at", e.At.UTC())
		if j := l.jobs[e.Job]; j != nil {
			j.ends = time.Now().Add(j.rest - time.Since(e.At))
			if j.on.Begin = e.At.Add(j.rest - j.on.Length); l.current == e.Job {
				l.cfg.Playing(j.on)
			}
		}
		return nil
	}
	if l.toneEnded(e) {
		return nil
	}
	j, ok := l.jobs[e.Job]
	if !ok {
		return nil
	}
	// What ends before its length by the schedule stays the one that is on: an
	// emergency's pass is longer than its sound.
	if j.done = true; l.current != e.Job {
		delete(l.jobs, e.Job)
	}
	t := l.tally(j.key)
	t.Frames += e.Frames
	t.prove(e, j.rest < j.on.Length)
	t.Voice = max(t.Voice, e.Voice)
	if h := e.Heard; h != nil {
		if t.Heard == nil {
			t.Heard = &protocol.Heard{}
		}
		t.Heard.Listened, t.Heard.Recognised = t.Heard.Listened+h.Listened, t.Heard.Recognised+h.Recognised
	}
	l.proved[j.key] = true
	for _, p := range e.Pixels {
		if !slices.Contains(t.Pixels, p) && len(t.Pixels) < protocol.MaxPixels {
			t.Pixels = append(t.Pixels, p)
		}
	}
	if e.Whole || j.cut || l.current != e.Job {
		return nil
	}
	l.leaveCurrent()
	l.cfg.Log.WarnContext(ctx, "output failed", "job", e.Job, "error", e.Err)
	return []schedule.Event{{Kind: schedule.EventFault, Airing: j.of.Airing, Start: j.of.Start, Silent: e.Frames == 0 && len(e.Pixels) == 0}}
}
