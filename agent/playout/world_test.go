package playout_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// latency is what passes between a job's beginning and its first frame.
const latency = 200 * time.Millisecond

// world is one loop with a real store and machine, a fake output, and what the
// inbox would say. It runs in a synctest bubble, whose time begins at 2000-01-01
// 00:00 UTC; the plan's zone is UTC.
type world struct {
	t        *testing.T
	medium   protocol.Medium
	start    time.Time
	skew     atomic.Int64 // of the device's clock
	mu       sync.Mutex
	log      []string
	disk     *disk
	out      *output
	broken   atomic.Bool  // the output refuses jobs
	wordless atomic.Bool  // the output's last words do not come
	away     atomic.Bool  // the hub is not reached
	lower    atomic.Int64 // how far the units' limit is below 100 %
	held     []inbox.Update
	docs     map[protocol.AiringID]error // of those that are here
	relays   map[protocol.AiringID]bool  // those of live streams
	slot     [2]uint64                   // of the day, that these are approved for, in minutes
	grants   envelope.Grant
	zone     string // of the board, that the loop is for
	wrap     func(*output) playout.Output
	texts    map[protocol.AiringID]protocol.Bulletin // of boards, where what they say matters
	stored   []protocol.Receipt
	proves   atomic.Int64                 // what a board's output says of what ends; 0: rendered
	unsure   atomic.Bool                  // nobody vouches for the device's time
	holds    func(protocol.AiringID) bool // what the inbox still has; nil: all
	loop     *playout.Loop
	stop     func()

	playing playout.On
	tones   []protocol.ToneResult
}

func newWorld(t *testing.T, m protocol.Medium) *world {
	return newWorldWith(t, m, "", func(o *output) playout.Output { return o })
}

// newWorldWith is newWorld for a zone of a board; it lets the loop see its output
// through wrap.
func newWorldWith(t *testing.T, m protocol.Medium, zone string, wrap func(*output) playout.Output) *world {
	w := newDevice(t, m, zone, wrap)
	w.held = []inbox.Update{
		w.place(1, "xa", "thon"),
		inbox.Muted{},
		inbox.ClockSure{Sure: true},
		inbox.QuietHours{Unit: "xa", Zone: "UTC", Quiet: []protocol.Quiet{{Start: 22 * 60, End: 23 * 60}}},
	}
	w.boot()
	return w
}

// newDevice is newWorldWith of a device that has not started, and was never set up.
func newDevice(t *testing.T, m protocol.Medium, zone string, wrap func(*output) playout.Output) *world {
	dir := t.TempDir()
	st, err := store.Open(store.Config{
		Path: filepath.Join(dir, "agent.db"), Marker: filepath.Join(dir, "chain"), Now: protocol.InstantOf(time.Now()),
		Entropy: bytes.NewReader(make([]byte, 64)), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{
		t: t, medium: m, zone: zone, wrap: wrap, start: time.Now(), disk: &disk{Store: st}, docs: map[protocol.AiringID]error{}, relays: map[protocol.AiringID]bool{}, slot: [2]uint64{0, 24 * 60},
		grants: envelope.Grant{Statement: protocol.Statement{FirstDay: "1999-01-01", LastDay: "2001-01-01", PlaysPerDay: 100}},
	}
	w.disk.w = w
	w.disk.dies.Store(-1)
	return w
}

func (w *world) place(number uint64, path ...protocol.UnitID) inbox.Placed {
	return inbox.Placed{Placement: protocol.Placement{Number: number, From: protocol.InstantOf(w.start.Add(-time.Hour)), Path: path}}
}

func (w *world) say(format string, args ...any) {
	if w.disk.dead.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf("%s "+format, append([]any{w.stamp(w.now())}, args...)...))
}

func (w *world) stamp(t time.Time) string { return t.UTC().Format("15:04:05.000") }

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.skew.Load())).Round(0).UTC() }

// Now implements playout.Clock.
func (w *world) Now() (time.Time, time.Duration, bool) {
	return w.now(), uncertainty, !w.unsure.Load()
}

// uncertainty is what the device's clock says of itself, and with it every receipt.
const uncertainty = 5 * time.Millisecond

// Verdict implements playout.Approvals.
func (w *world) Verdict(a protocol.Airing) (envelope.Grant, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	err, here := w.docs[a.ID]
	if !here {
		return envelope.Grant{}, inbox.ErrMissing
	}
	return w.grants, err
}

// document says what is to be thought of an airing's documents.
func (w *world) document(id protocol.AiringID, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.docs[id] = err
}

// Bulletin implements playout.Approvals.
func (w *world) Bulletin(a protocol.Airing) (protocol.Bulletin, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.relays[a.ID] {
		b := protocoltest.RelayBulletin()
		b.Relay.From, b.Relay.To = w.slot[0], w.slot[1]
		return b, nil
	}
	if b, ok := w.texts[a.ID]; ok {
		return b, nil
	}
	if w.medium != protocol.MediumBoard {
		return protocol.Bulletin{}, nil
	}
	return protocol.Bulletin{Board: &protocol.Board{Zone: a.BoardZone}}, nil
}

// note touches what the loop and a test share.
func (w *world) note(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
}

// boot starts a loop on what the store has, and tells it what is held.
func (w *world) boot() {
	w.t.Helper()
	w.disk.dead.Store(false)
	w.out = &output{w: w, events: make(chan playout.Event, 1000), on: map[string]*play{}}
	cfg := playout.Config{
		Medium: w.medium, Zone: w.zone, Zones: []string{protocol.ZoneHeader, protocol.ZoneTicker}, Output: w.wrap(w.out), Store: w.disk, Clock: w, Approvals: w,
		Settings: func() playout.Settings {
			return playout.Settings{Ceiling: func(hour int) int { return 90 - 40*(hour%2) }, Limit: func(int) int { return 100 - int(w.lower.Load()) }, Config: protocol.DigestOf(nil)}
		},
		Known: func() bool { return !w.away.Load() }, Holds: w.holds, Receipts: func() {}, Playing: func(on playout.On) { w.note(func() { w.playing = on }) },
		Toned: func(r protocol.ToneResult) { w.note(func() { w.tones = append(w.tones, r) }) }, Reason: inbox.ReasonOf,
		Fault: func(name string, on bool) {
			if on != (w.disk.said == name) {
				w.say("fault %s %t", name, on)
				w.disk.said = map[bool]string{true: name}[on]
			}
		},
		Log: slog.New(slog.DiscardHandler),
	}
	if s, ok := cfg.Output.(*playout.Screen); ok {
		cfg.Over = s.Over
	}
	loop, err := playout.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := loop.Run(ctx); err != nil {
			w.t.Error(err)
		}
	}()
	w.loop, w.stop = loop, func() { cancel(); <-done }
	w.loop.Tell(ctx, slices.Clone(w.held))
	synctest.Wait()
}

// tell passes updates on; the inbox holds them from then on.
func (w *world) tell(us ...inbox.Update) {
	w.held = append(w.held, us...)
	w.loop.Tell(w.t.Context(), us)
}

// crash ends the loop so that nothing more is stored, and the sound with it.
func (w *world) crash() {
	w.disk.dead.Store(true)
	w.out.dead.Store(true)
	w.stop()
	w.log = append(w.log, w.stamp(w.now())+" crash")
}

// disk is a real store that may be full, slow, or lost with the device.
type disk struct {
	*store.Store
	w          *world
	full, dead atomic.Bool
	slow       atomic.Int64
	dies       atomic.Int64 // the device dies after so many commits; negative: never
	said       string
}

var errFull = errors.New("no space left on device")

func (d *disk) Commit(b store.Batch) error {
	if d.dies.Add(-1) == -1 { // nothing is said of what nobody keeps
		d.dead.Store(true)
		d.w.out.dead.Store(true)
	}
	if d.full.Load() || d.dead.Load() {
		return errFull
	}
	time.Sleep(time.Duration(d.slow.Load()))
	if d.dead.Load() {
		return errFull
	}
	if err := d.Store.Commit(b); err != nil {
		return err
	}
	d.w.note(func() { d.w.stored = append(d.w.stored, b.Receipts...) })
	for _, r := range b.Receipts {
		d.w.say("receipt %s", d.w.text(r))
		if r.Uncertainty != protocol.MillisOf(uncertainty) {
			d.w.t.Errorf("receipt of %s says that its time is uncertain by %d ms", r.Airing, r.Uncertainty)
		}
	}
	return nil
}

func (w *world) text(r protocol.Receipt) string {
	s := fmt.Sprintf("%s %s %s %s", r.Airing, w.stamp(r.Start.Time()), r.Outcome, r.Reason)
	for _, p := range r.Plays {
		s += fmt.Sprintf(" [%s %s]", w.stamp(p.From.Time()), w.stamp(p.To.Time()))
	}
	s = fmt.Sprintf("%s frames %d volume %d placement %d", s, r.Frames, r.Volume, r.Placement)
	if r.Keyed != 0 {
		s += " ended at the board " + w.stamp(r.Keyed.Time())
	}
	return s
}

// play is a job under way.
type play struct {
	playout.Job
	at          time.Time // of the first frame
	begun, over *time.Timer
}

// output pretends to be a card that takes jobs one after the other.
type output struct {
	w      *world
	events chan playout.Event
	on     map[string]*play
	free   time.Time
	dead   atomic.Bool
	mu     sync.Mutex
}

func (o *output) Events() <-chan playout.Event { return o.events }

func (o *output) Begin(j playout.Job) error {
	if o.w.broken.Load() {
		return errors.New("no card")
	}
	what := string(j.Airing.ID)
	if j.Bulletin.Relay != nil {
		what = "relay " + what
	}
	o.w.say("begin %s at %s volume %d", what, j.Position, j.Volume)
	o.mu.Lock()
	defer o.mu.Unlock()
	p := &play{Job: j, at: time.Now().Add(latency)}
	if o.free.After(p.at) {
		p.at = o.free
	}
	o.free = p.at.Add(j.Length - j.Position)
	o.on[j.ID] = p
	p.begun = time.AfterFunc(time.Until(p.at), func() { o.events <- playout.Event{Kind: playout.Begun, Job: j.ID, At: p.at} })
	p.over = time.AfterFunc(time.Until(o.free), func() { o.end(p, true, nil) })
	return nil
}

// under returns the jobs under way, the first begun first.
func (o *output) under() []*play {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.SortedFunc(maps.Values(o.on), func(a, b *play) int { return a.at.Compare(b.at) })
}

func (o *output) Cut(id string) {
	o.mu.Lock()
	p := o.on[id]
	o.mu.Unlock()
	if p != nil {
		o.w.say("cut %s", p.Airing.ID)
		o.end(p, false, nil)
	}
}

func (o *output) end(p *play, whole bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.on[p.ID] == nil || o.dead.Load() {
		return
	}
	delete(o.on, p.ID)
	p.begun.Stop()
	p.over.Stop()
	o.free = time.Now()
	e := playout.Event{Kind: playout.Ended, Job: p.ID, At: o.free, Whole: whole, Err: err, Proof: protocol.ProofConsumed}
	if o.w.medium == protocol.MediumBoard {
		e.Proof, e.Pixels = protocol.ProofRendered, []protocol.Digest{p.Airing.Bulletin.Digest}
		if proof := protocol.Proof(o.w.proves.Load()); proof != 0 {
			e.Proof = proof
		}
	} else {
		e.Frames = uint64(max(0, o.free.Sub(p.at).Milliseconds()) * 48)
	}
	if !o.w.wordless.Load() {
		o.events <- e
	}
}
