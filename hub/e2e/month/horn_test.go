package month

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/agent/receipt"
	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

var (
	errOff  = errors.New("no power")
	errLine = errors.New("no network")
	errCard = errors.New("card lost")
)

// horn is a device: the real loop, store and chain of receipts, a pretended
// loudspeaker and line.
type horn struct {
	o         *office
	id        protocol.DeviceID
	path      []protocol.UnitID
	placement protocol.Placement
	disk      *disk
	drain     *receipt.Drain
	online    atomic.Bool
	out       *output
	loop      *playout.Loop
	off       func() // ends the loop; nil while there is none

	held      []inbox.Update // what its inbox says at every start
	known     map[protocol.AiringID]bool
	withdrawn map[protocol.AiringID]bool
	stopped   map[protocol.StopID]bool
	zoned     map[protocol.UnitID]bool

	troubled map[protocol.Date]bool
	trouble  time.Time // since when something is wrong; zero for nothing
	unlucky  bool      // something is wrong, or will be
	sounded  []sounded

	mu       sync.Mutex
	receipts map[uint64]protocol.Receipt // that came to the hub, by their place in the chain
}

func newHorn(o *office, id protocol.DeviceID, path []protocol.UnitID) *horn {
	o.t.Helper()
	h := &horn{
		o: o, id: id, path: path, known: map[protocol.AiringID]bool{}, withdrawn: map[protocol.AiringID]bool{}, stopped: map[protocol.StopID]bool{},
		zoned: map[protocol.UnitID]bool{}, troubled: map[protocol.Date]bool{}, receipts: map[uint64]protocol.Receipt{},
		placement: protocol.Placement{Version: protocol.Version, Device: id, Number: 1, From: protocol.InstantOf(time.Now()), Path: path},
	}
	st, err := store.Open(store.Config{
		Path: filepath.Join(o.dir, string(id)+".db"), Marker: filepath.Join(o.dir, string(id)+".chain"), Now: protocol.InstantOf(time.Now()),
		Entropy: bytes.NewReader(bytes.Repeat([]byte(id), 32)), Log: slog.New(slog.DiscardHandler),
	})
	must(o.t, err)
	o.t.Cleanup(func() { must(o.t, st.Close()) })
	h.disk = &disk{Store: st, at: map[protocol.Medium]store.Journal{}}
	h.drain = receipt.New(receipt.Config{Device: id, Chain: st, Signer: protocoltest.Signer(o.t, string(id)), Send: h.send, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(o.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := h.drain.Run(ctx); err != nil {
			o.t.Error(err)
		}
	}()
	o.t.Cleanup(func() { cancel(); <-done })
	h.held = []inbox.Update{inbox.Placed{Placement: h.placement}, inbox.Muted{}, inbox.ClockSure{Sure: true}}
	return h
}

// disk is a real store of a device that may be off. Positions of what is on, which come
// every five seconds, are kept in memory.
type disk struct {
	*store.Store
	off atomic.Bool
	mu  sync.Mutex
	at  map[protocol.Medium]store.Journal
}

// Commit implements playout.Store.
func (d *disk) Commit(b store.Batch) error {
	if d.off.Load() {
		return errOff
	}
	d.mu.Lock()
	for _, m := range b.Idle {
		delete(d.at, m)
	}
	for _, j := range b.Journal {
		d.at[j.Medium] = j
	}
	d.mu.Unlock()
	b.Idle, b.Journal = nil, nil
	if len(b.Put)+len(b.Forget)+len(b.Receipts) == 0 {
		return nil
	}
	return d.Store.Commit(b)
}

// Journals implements playout.Store.
func (d *disk) Journals() ([]store.Journal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Values(d.at)), nil
}

// send brings a batch of receipts to the hub.
func (h *horn) send(ctx context.Context, batch []byte) error {
	if !h.online.Load() {
		return errLine
	}
	if err := h.o.ledger.Take(ctx, h.id, batch); err != nil {
		return err
	}
	b, err := protocol.Unmarshal[protocol.Batch](batch, protocol.MaxControl)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, raw := range b.Entries {
		e, err := protocol.Unmarshal[protocol.Entry](raw, protocol.MaxControl)
		if err != nil {
			return err
		}
		if e.Receipt != nil {
			h.receipts[e.Seq] = *e.Receipt
		}
	}
	return nil
}

func (h *horn) acknowledged(head protocol.Head) {
	if err := h.disk.Ack(head.Chain, head.Seq, head.Hash); err != nil {
		h.o.t.Errorf("%s: %v", h.id, err)
	}
	h.drain.Kick()
}

// Now implements playout.Clock.
func (h *horn) Now() (time.Time, time.Duration, bool) {
	return time.Now().Round(0).UTC(), time.Millisecond, true
}

// Verdict implements playout.Approvals.
func (h *horn) Verdict(a protocol.Airing) (envelope.Grant, error) { return h.o.statement(a) }

// Bulletin implements playout.Approvals.
func (h *horn) Bulletin(protocol.Airing) (protocol.Bulletin, error) { return protocol.Bulletin{}, nil }

// boot starts the device on what its disk holds, and connects it.
func (h *horn) boot() {
	h.disk.off.Store(false)
	h.online.Store(true)
	h.out = &output{h: h, events: make(chan playout.Event, 1000), on: map[string]*play{}}
	loop, err := playout.New(playout.Config{
		Medium: protocol.MediumSound, Output: h.out, Store: h.disk, Clock: h, Approvals: h, Reason: inbox.ReasonOf,
		Settings: func() playout.Settings {
			return playout.Settings{Ceiling: func(int) int { return 90 }, Limit: func(int) int { return 100 }, Config: protocol.DigestOf(nil)}
		},
		Known: h.online.Load, Receipts: h.drain.Kick, Playing: func(playout.On) {}, Fault: func(string, bool) {}, Log: slog.New(slog.DiscardHandler),
	})
	must(h.o.t, err)
	ctx, cancel := context.WithCancel(h.o.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := loop.Run(ctx); err != nil {
			h.o.t.Error(err)
		}
	}()
	h.loop, h.off = loop, func() { cancel(); <-done }
	h.loop.Tell(ctx, slices.Clone(h.held))
	h.receive()
	h.drain.Connected()
	synctest.Wait()
}

// cut takes the power away: nothing more is stored, and nothing sounds.
func (h *horn) cut() {
	h.disk.off.Store(true)
	h.online.Store(false)
	h.out.die()
	h.off()
	h.off = nil
}

// shut ends the device as its system does, with notice.
func (h *horn) shut() {
	h.off()
	h.off = nil
	h.online.Store(false)
}

// tell passes updates on; the inbox says them again at the next start.
func (h *horn) tell(us ...inbox.Update) {
	h.held = append(h.held, us...)
	h.loop.Tell(h.o.t.Context(), us)
	synctest.Wait()
}

// receive takes what is new of the plans of the device's path.
func (h *horn) receive() {
	if h.off == nil || !h.online.Load() {
		return
	}
	var us []inbox.Update
	for _, u := range h.path {
		p, ok := h.o.plans[u]
		if ok && !h.zoned[u] {
			h.zoned[u] = true
			us = append(us, inbox.QuietHours{Unit: u, Zone: p.Zone, Quiet: p.Quiet})
		}
		for _, a := range p.Airings {
			if h.known[a.ID] {
				continue
			}
			h.known[a.ID] = true
			us = append(us, inbox.Accepted{Airing: a, Zone: p.Zone, Arrived: protocol.InstantOf(time.Now())}, inbox.Content{Airing: a.ID, There: true})
		}
	}
	for _, u := range h.path {
		for _, w := range h.o.plans[u].Withdrawals {
			if !h.withdrawn[w.Airing] {
				h.withdrawn[w.Airing] = true
				us = append(us, inbox.Withdrawn{Airing: w.Airing, At: w.At})
			}
		}
		for _, s := range h.o.plans[u].Stops {
			if !h.stopped[s.ID] {
				h.stopped[s.ID] = true
				us = append(us, inbox.Stopped{Stop: s})
			}
		}
	}
	if len(us) > 0 {
		h.tell(us...)
	}
}

// note marks the days since something went wrong.
func (h *horn) note() {
	if h.trouble.IsZero() {
		return
	}
	now := time.Now()
	for t := h.trouble; t.Before(now); t = t.Add(time.Hour) {
		h.troubled[protocol.DateOf(t.In(h.o.zone))] = true
	}
	h.troubled[protocol.DateOf(now.In(h.o.zone))] = true
}

// sounded is what came out of a loudspeaker.
type sounded struct {
	airing   protocol.AiringID
	urgent   bool // an actual emergency
	from, to time.Time
}

// play is a job under way.
type play struct {
	playout.Job
	at          time.Time // of the first frame
	begun, over *time.Timer
}

// output pretends to be a loudspeaker that takes jobs one after the other.
type output struct {
	h      *horn
	events chan playout.Event
	mu     sync.Mutex
	on     map[string]*play
	free   time.Time
	dead   bool
}

// Lead implements playout.Leader.
func (o *output) Lead() time.Duration { return playout.Lead }

// Events implements playout.Output.
func (o *output) Events() <-chan playout.Event { return o.events }

// Begin implements playout.Output.
func (o *output) Begin(j playout.Job) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := &play{Job: j, at: time.Now()}
	if !j.Soon && j.Begin.After(p.at) {
		p.at = j.Begin
	}
	if o.free.After(p.at) {
		p.at = o.free
	}
	o.free = p.at.Add(j.Length - j.Position)
	o.on[j.ID] = p
	p.begun = time.AfterFunc(time.Until(p.at), func() { o.events <- playout.Event{Kind: playout.Begun, Job: j.ID, At: p.at} })
	p.over = time.AfterFunc(time.Until(o.free), func() { o.end(j.ID, true, nil) })
	return nil
}

// Cut implements playout.Output.
func (o *output) Cut(id string) { o.end(id, false, nil) }

// fail makes the card fail while it sounds.
func (o *output) fail() {
	o.mu.Lock()
	ids := slices.Sorted(maps.Keys(o.on))
	o.mu.Unlock()
	for _, id := range ids {
		o.end(id, false, errCard)
	}
}

func (o *output) end(id string, whole bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.on[id]
	if p == nil || o.dead {
		return
	}
	frames := o.silence(p)
	o.free = time.Now()
	o.events <- playout.Event{Kind: playout.Ended, Job: id, At: o.free, Frames: frames, Whole: whole, Proof: protocol.ProofConsumed, Err: err}
}

// silence ends a job and notes what of it was heard.
func (o *output) silence(p *play) (frames uint64) {
	delete(o.on, p.ID)
	p.begun.Stop()
	p.over.Stop()
	if now := time.Now(); now.After(p.at) {
		o.h.sounded = append(o.h.sounded, sounded{p.Airing.ID, p.Airing.Class == protocol.ClassEmergency && !p.Airing.Drill, p.at, now})
		frames = uint64(now.Sub(p.at).Milliseconds()) * protocol.SoundRate / 1000
	}
	return frames
}

// die takes the power away.
func (o *output) die() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dead = true
	for _, id := range slices.Sorted(maps.Keys(o.on)) {
		o.silence(o.on[id])
	}
}
