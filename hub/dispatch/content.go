package dispatch

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Reader opens content by digest.
type Reader interface {
	Open(digest protocol.Digest) (*os.File, error)
}

const (
	// gather is how long wishes for content are collected, so that those who ask
	// together are answered once.
	gather = 5 * time.Millisecond
	// flightMost is how many bytes of content may be under way to all devices together:
	// what is more urgent has no more than that before it, here and in the devices'
	// own queues. What a device was handed counts until it asks for more, at most
	// flightTime, for a slow line must not hold up the others; and at most takenTime
	// once its connection has taken all, for who has all asks for no more.
	flightMost = 6 << 20
	flightTime = 100 * time.Millisecond
	takenTime  = 20 * time.Millisecond
	// backlogMost is how many bytes may wait in all connections together before more is
	// added, and backlogWait how long that is waited for.
	backlogMost = 8 << 20
	backlogWait = 250 * time.Millisecond
	// roundIdle ends the round of a content that nobody asks for any more.
	roundIdle = 10 * time.Second
	// idle is when to look again while nobody waits: the next wish says when.
	idle = time.Hour
)

// contentSender answers wants: those that come together, and find room under way,
// are answered together; the others in their turn.
type contentSender struct {
	broker Broker
	blobs  Blobs
	log    *slog.Logger
	wake   chan struct{} // something is new

	mu    sync.Mutex
	fresh []wish                    // not looked at yet, one of each device
	place map[protocol.DeviceID]int // in fresh

	// Of run alone.
	queue   []protocol.DeviceID // whose wishes wait, in their order
	wishes  map[protocol.DeviceID]protocol.Want
	flight  flight
	rounds  map[protocol.Digest]*round
	sources map[protocol.Digest]source
	chunk   [protocol.ChunkSize]byte // that is being sent
	payload bytes.Buffer             // with it
}

// wish is what one device wants.
type wish struct {
	device protocol.DeviceID
	want   protocol.Want
}

func newContentSender(b Broker, blobs Blobs, log *slog.Logger) *contentSender {
	return &contentSender{
		broker: b, blobs: blobs, log: log, wake: make(chan struct{}, 1), place: map[protocol.DeviceID]int{},
		wishes: map[protocol.DeviceID]protocol.Want{}, flight: flight{handed: map[protocol.DeviceID]handful{}},
		rounds: map[protocol.Digest]*round{}, sources: map[protocol.Digest]source{},
	}
}

// want queues a request. It returns at once, however many ask.
func (c *contentSender) want(device protocol.DeviceID, w protocol.Want) {
	c.mu.Lock()
	if i, waits := c.place[device]; waits {
		c.fresh[i].want = together(c.fresh[i].want, w)
	} else {
		c.place[device] = len(c.fresh)
		c.fresh = append(c.fresh, wish{device, w})
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// together is what a device wished for before and has not got, and what it wishes for
// now: it asks for more as soon as a part has come. A device that only ever asks is
// heard with its last wish.
func together(before, w protocol.Want) protocol.Want {
	if len(before.Items)+len(w.Items) <= protocol.MaxWantItems {
		w.Items = slices.Concat(before.Items, w.Items)
		w.Window = min(before.Window, flightMost) + min(w.Window, flightMost)
	}
	return w
}

func (c *contentSender) run(ctx context.Context) {
	ticker := time.NewTicker(roundIdle)
	defer ticker.Stop()
	next := time.NewTimer(idle)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
			if len(c.queue) == 0 {
				next.Reset(gather)
			}
			c.look()
		case <-next.C:
			next.Reset(c.answer(ctx))
		case now := <-ticker.C:
			c.tidy(now)
		}
	}
}

// look takes all wishes that are new.
func (c *contentSender) look() {
	c.mu.Lock()
	fresh := c.fresh
	c.fresh = nil
	clear(c.place)
	c.mu.Unlock()
	for _, w := range fresh {
		c.take(w)
	}
}

// tidy ends the rounds that nobody has asked for or was sent a part of for a while.
func (c *contentSender) tidy(now time.Time) {
	maps.DeleteFunc(c.rounds, func(_ protocol.Digest, r *round) bool { return now.Sub(r.used) > roundIdle })
}

// take queues a wish, together with what the same device wished for before.
func (c *contentSender) take(w wish) {
	now := time.Now()
	c.flight.landed(w.device)
	for _, item := range w.want.Items { // it reads along from now on
		c.round(item.Digest, now).join(w.device, item, now)
	}
	before, waits := c.wishes[w.device]
	if !waits {
		c.queue = append(c.queue, w.device)
	}
	c.wishes[w.device] = together(before, w.want)
}

// answer serves as many of those who wait as there is room for, and returns when to
// look again.
func (c *contentSender) answer(ctx context.Context) time.Duration {
	c.look() // what has come meanwhile lands first
	now := time.Now()
	room := flightMost - c.flight.total(now, c.taken)
	var batch []wish
	for len(c.queue) > 0 && room > 0 {
		w := wish{c.queue[0], c.wishes[c.queue[0]]}
		c.queue = c.queue[1:]
		delete(c.wishes, w.device)
		batch = append(batch, w)
		room -= c.asked(w.want)
	}
	if len(batch) > 0 {
		c.room(ctx)
		c.serve(ctx, batch)
	}
	switch {
	case len(c.queue) == 0:
		return idle
	case room > 0:
		return 0
	}
	return gather
}

// asked is how many bytes a wish is for, its window at most; devices ask for the half
// of their window that is free.
func (c *contentSender) asked(w protocol.Want) int64 {
	var sum int64
	for _, item := range w.Items {
		s := c.source(item.Digest)
		if item.List {
			sum += int64(len(s.list))
		}
		for _, r := range item.Ranges {
			sum += min(s.size, int64(r.Last-r.First+1)*protocol.ChunkSize)
		}
	}
	return min(sum, int64(min(w.Window, flightMost)))
}

// flight is what is under way to devices.
type flight struct {
	handed map[protocol.DeviceID]handful
}

// handful is what a device was given and has not asked beyond.
type handful struct {
	bytes int64
	at    time.Time
}

func (f *flight) add(device protocol.DeviceID, bytes int64, now time.Time) {
	if bytes > 0 {
		f.handed[device] = handful{f.handed[device].bytes + bytes, now}
	}
}

// landed notes that a device asks for more.
func (f *flight) landed(device protocol.DeviceID) { delete(f.handed, device) }

// total is how many bytes are under way; taken says whether a device's connection has
// taken all that it was handed.
func (f *flight) total(now time.Time, taken func(protocol.DeviceID) bool) int64 {
	maps.DeleteFunc(f.handed, func(d protocol.DeviceID, h handful) bool {
		age := now.Sub(h.at)
		return age > flightTime || age > takenTime && taken(d)
	})
	var sum int64
	for _, h := range f.handed {
		sum += h.bytes
	}
	return sum
}

// taken says whether nothing waits here for a device; a broker elsewhere doesn't know.
func (c *contentSender) taken(d protocol.DeviceID) bool {
	return !c.broker.Broadcasts() && c.broker.Queued(protocol.Client{Device: d, Bulk: true}.String()) == 0
}

// room waits until devices have taken what was sent to them, for a while: those who
// read nothing must not hold up the others.
func (c *contentSender) room(ctx context.Context) {
	deadline := time.Now().Add(backlogWait)
	for c.broker.Backlog() > backlogMost && time.Now().Before(deadline) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Millisecond):
		}
	}
}
