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
	// keepFinals is how long finals are remembered: plays a day are counted by them.
	keepFinals = 48 * time.Hour
	// longest is how long the loop sleeps at most.
	longest = time.Minute
)

// Loop runs one medium. Tell it of updates from any goroutine; Run does the rest.
type Loop struct {
	cfg     Config
	updates chan []inbox.Update

	machine   *schedule.Machine // nil until it is known where the device stands
	mem       memory
	zone      *time.Location
	quiet     map[protocol.UnitID][]protocol.Quiet
	placement protocol.Placement
	sure      bool
	muted     bool
	there     map[protocol.AiringID]bool
	statement map[protocol.AiringID]protocol.Digest

	jobs    map[string]*job
	current string // the job that should be on, "" for none
	owed    map[occ]owed
	serial  int

	unsaved []store.Batch // what the disk refused, in order
	noted   time.Time     // when the position was stored last
	forgot  time.Time
}

// job is a job that the output has.
type job struct {
	key   occ
	of    schedule.Key
	since time.Time
	cut   bool // by this loop
	done  bool // the output has said its last word, maybe before the schedule's end
}

// owed is a final whose receipt waits for the output's last word.
type owed struct {
	final schedule.Final
	until time.Time
}

// New returns a loop that goes on from what the store holds.
func New(cfg Config) (*Loop, error) {
	mem, err := recall(cfg.Store, cfg.Medium)
	if err != nil {
		return nil, fmt.Errorf("playout: %w", err)
	}
	l := &Loop{
		cfg: cfg, updates: make(chan []inbox.Update, 64), mem: mem, sure: true,
		quiet: map[protocol.UnitID][]protocol.Quiet{}, there: map[protocol.AiringID]bool{},
		statement: map[protocol.AiringID]protocol.Digest{}, jobs: map[string]*job{}, owed: map[occ]owed{},
	}
	for _, f := range mem.owed {
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
			for _, u := range us {
				events = append(events, l.take(ctx, u)...)
			}
		case e, ok := <-l.cfg.Output.Events():
			if !ok {
				return errors.New("playout: output closed")
			}
			events = l.heard(ctx, e)
		case <-timer.C:
		}
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
	var b store.Batch
	b.At = protocol.InstantOf(now)
	circumstances := l.circumstances(uncertainty)
	for key, o := range l.owed {
		if !l.open(key) || time.Now().After(o.until) {
			l.settle(&b, o.final, circumstances)
			delete(l.owed, key)
		}
	}
	if l.machine == nil {
		l.commit(ctx, b)
		return l.sleep(now, time.Time{})
	}
	eff := l.machine.Step(now, events...)
	for _, r := range eff.Refused {
		l.cfg.Log.WarnContext(ctx, "airing refused", "airing", r.Airing, "err", r.Err)
	}
	l.silence(eff)
	l.note(&b, eff, circumstances)
	l.position(&b, eff.Sounding, now)
	if !l.commit(ctx, b) {
		// What cannot be stored is not begun: it is a fault, and said when the disk
		// takes it.
		if s := eff.Sounding; s != nil && !l.playing(*s) {
			return l.step(ctx, []schedule.Event{{Kind: schedule.EventFault, Airing: s.Airing, Start: s.Start, Silent: true}})
		}
		return l.sleep(now, eff.Wake)
	}
	if s := eff.Sounding; s != nil && !l.playing(*s) {
		if err := l.begin(ctx, *s, now); err != nil {
			l.cfg.Log.ErrorContext(ctx, "not begun", "airing", s.Airing, "err", err)
			return l.step(ctx, []schedule.Event{{Kind: schedule.EventFault, Airing: s.Airing, Start: s.Start, Silent: true}})
		}
	}
	l.forget(ctx, now)
	return l.sleep(now, eff.Wake)
}

// sleep returns how long there is nothing to do.
func (l *Loop) sleep(now, wake time.Time) time.Duration {
	d := longest
	if !wake.IsZero() {
		d = min(d, wake.Sub(now))
	}
	if l.current != "" {
		d = min(d, journalEach)
	}
	if len(l.unsaved) > 0 {
		d = min(d, retryStore)
	}
	for _, o := range l.owed {
		d = min(d, time.Until(o.until)+time.Millisecond)
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
	if !ok || (eff.Sounding != nil && l.playing(*eff.Sounding)) {
		return
	}
	ended := slices.ContainsFunc(eff.Actions, func(a schedule.Action) bool {
		return a.Act == schedule.ActEnd && occOf(a.Sound.Key) == j.key && a.Sound.Since.Equal(j.since)
	})
	// Of a board, what ends makes room at once; of sound, the last frames are on
	// their way to the card.
	if !ended || (eff.Sounding != nil && l.cfg.Medium == protocol.MediumSound && l.late(eff)) {
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
	l.cfg.Playing("")
}

// late says whether the end of what was on lies so far back that it can't be
// under way to the card.
func (l *Loop) late(eff schedule.Effects) bool {
	return eff.Sounding != nil && len(eff.Actions) > 0 && eff.Sounding.Since.Sub(eff.Actions[0].At) > grace
}

// begin hands the output what should be on.
func (l *Loop) begin(ctx context.Context, s schedule.Sound, now time.Time) error {
	k, ok := l.mem.wires[s.Airing]
	if !ok {
		return fmt.Errorf("airing %s is unknown", s.Airing)
	}
	b, err := l.cfg.Approvals.Bulletin(k.wire)
	if err != nil {
		return err
	}
	settings := l.cfg.Settings()
	volume := min(int(k.wire.Volume), settings.Ceiling(now.In(l.zone).Hour()))
	l.serial++
	id := fmt.Sprintf("%s-%d-%d", s.Airing, s.Start.UnixMilli(), l.serial)
	if err := l.cfg.Output.Begin(Job{
		ID: id, Airing: k.wire, Bulletin: b, Zone: l.zone, Key: s.Key, Position: s.Position,
		Begin: time.Now().Add(s.Since.Sub(now)), Length: k.airing.Length, Volume: volume,
	}); err != nil {
		return err
	}
	l.jobs[id] = &job{key: occOf(s.Key), of: s.Key, since: s.Since}
	l.current = id
	l.tally(occOf(s.Key)).Volume = volume
	l.cfg.Playing(s.Airing)
	l.cfg.Log.InfoContext(ctx, "on", "airing", s.Airing, "medium", l.cfg.Medium.String(), "start", s.Start, "position", s.Position, "volume", volume)
	return nil
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
		l.cfg.Fault(l.cfg.Medium.String(), e.Kind == Fault)
		return nil
	case Begun:
		l.cfg.Log.InfoContext(ctx, "first frame", "job", e.Job, "medium", l.cfg.Medium.String(), "at", e.At.UTC())
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
	t.Whole = t.Whole || e.Whole
	t.Proof, t.Voice = max(t.Proof, e.Proof), max(t.Voice, e.Voice)
	for _, p := range e.Pixels {
		if !slices.Contains(t.Pixels, p) {
			t.Pixels = append(t.Pixels, p)
		}
	}
	if e.Whole || j.cut || l.current != e.Job {
		return nil
	}
	l.leaveCurrent()
	l.cfg.Log.WarnContext(ctx, "output failed", "job", e.Job, "err", e.Err)
	return []schedule.Event{{Kind: schedule.EventFault, Airing: j.of.Airing, Start: j.of.Start, Silent: e.Frames == 0 && len(e.Pixels) == 0}}
}

// note puts what a step changed into a batch.
func (l *Loop) note(b *store.Batch, eff schedule.Effects, c circumstances) {
	put := func(s saved, airing protocol.AiringID, start time.Time) {
		if o, err := s.at(l.cfg.Medium, airing, start); err == nil {
			b.Put = append(b.Put, o)
		}
	}
	for _, f := range eff.Finals {
		if l.open(occOf(f.Key)) {
			l.tally(occOf(f.Key)).Owed = true
			f.Plays = slices.Clone(f.Plays)
			l.owed[occOf(f.Key)] = owed{final: f, until: time.Now().Add(grace)}
			continue
		}
		l.settle(b, f, c)
	}
	for _, r := range eff.Records {
		put(saved{Occurrence: &r, Tally: l.mem.tallies[occOf(r.Key)]}, r.Airing, r.Start)
		r.Plays = slices.Clone(r.Plays)
		l.mem.remember(r)
	}
	for _, a := range eff.Airings {
		k := l.mem.wires[a.Airing.ID]
		wire, err := protocol.Marshal(k.wire)
		if err != nil {
			continue
		}
		put(saved{Airing: &savedAiring{Wire: wire, Arrives: a.Airing.Arrives, Accepted: a.Accepted, Withdrawn: a.Withdrawn}}, a.Airing.ID, time.Time{})
		l.mem.airing(a)
	}
	for _, s := range eff.Stops {
		put(saved{Stop: &s}, stopID(s), time.Time{})
		l.mem.stop(s)
	}
}

// settle writes the receipt of a final.
func (l *Loop) settle(b *store.Batch, f schedule.Final, c circumstances) {
	k, ok := l.mem.wires[f.Airing]
	if !ok {
		return
	}
	t := l.mem.tallies[occOf(f.Key)]
	b.Receipts = append(b.Receipts, receiptOf(f, k.wire, t, c))
	if t == nil || !t.Owed {
		return
	}
	t.Owed = false
	for _, r := range l.mem.kept.Records {
		if occOf(r.Key) == occOf(f.Key) {
			if o, err := (saved{Occurrence: &r, Tally: t}).at(l.cfg.Medium, r.Airing, r.Start); err == nil {
				b.Put = append(b.Put, o)
			}
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
			b.Idle, l.noted = []protocol.Medium{l.cfg.Medium}, time.Time{}
		}
		return
	}
	if time.Since(l.noted) < journalEach && l.playing(*s) {
		return
	}
	l.noted = time.Now()
	b.Journal = []store.Journal{{
		Medium: l.cfg.Medium, Airing: s.Airing, Start: protocol.InstantOf(s.Start), Begun: protocol.InstantOf(s.Since),
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
	for len(l.unsaved) > 0 {
		if err := l.cfg.Store.Commit(l.unsaved[0]); err != nil {
			l.cfg.Log.ErrorContext(ctx, "not stored", "medium", l.cfg.Medium.String(), "err", err)
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
	if time.Since(l.forgot) < forgetEach {
		return
	}
	first := l.forgot.IsZero()
	l.forgot = time.Now()
	if first {
		return
	}
	f := l.machine.Forget(now.Add(-keepFinals))
	b := l.mem.forget(f, l.cfg.Medium)
	for _, key := range f.Records {
		delete(l.mem.tallies, occOf(key))
	}
	for _, id := range f.Airings {
		delete(l.there, id)
		delete(l.statement, id)
	}
	l.commit(ctx, b)
}
