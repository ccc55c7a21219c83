package dispatch

import (
	"context"
	"log/slog"
	"maps"
	"os"
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
	// flightTime, for a slow line must not hold up the others.
	flightMost = 8 << 20
	flightTime = 100 * time.Millisecond
	// backlogMost is how many bytes may wait in all connections together before more is
	// added, and backlogWait how long that is waited for.
	backlogMost = 8 << 20
	backlogWait = 250 * time.Millisecond
	// roundIdle ends the round of a content that nobody asks for any more.
	roundIdle = 10 * time.Second
)

// maxWants is how many wishes wait to be looked at.
const maxWants = 1024

// contentSender answers wants: those that come together, and find room under way,
// are answered together; the others in their turn.
type contentSender struct {
	broker Broker
	blobs  Blobs
	log    *slog.Logger
	wants  chan wish

	// Of run alone.
	queue   []protocol.DeviceID // whose wishes wait, in their order
	wishes  map[protocol.DeviceID]protocol.Want
	flight  flight
	rounds  map[protocol.Digest]*round
	sources map[protocol.Digest]source
}

// wish is what one device wants.
type wish struct {
	device protocol.DeviceID
	want   protocol.Want
}

func newContentSender(b Broker, blobs Blobs, log *slog.Logger) *contentSender {
	return &contentSender{
		broker: b, blobs: blobs, log: log, wants: make(chan wish, maxWants),
		wishes: map[protocol.DeviceID]protocol.Want{}, flight: flight{handed: map[protocol.DeviceID]handful{}},
		rounds: map[protocol.Digest]*round{}, sources: map[protocol.Digest]source{},
	}
}

// want queues a request; one too many is dropped, for its sender asks again.
func (c *contentSender) want(device protocol.DeviceID, w protocol.Want) {
	select {
	case c.wants <- wish{device, w}:
	default:
		c.log.Warn("want dropped: too many at once")
	}
}

func (c *contentSender) run(ctx context.Context) {
	tidy := time.NewTicker(roundIdle)
	defer tidy.Stop()
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-c.wants:
			if len(c.queue) == 0 {
				next.Reset(gather)
			}
			c.take(w)
		case <-next.C:
			next.Reset(c.answer(ctx))
		case now := <-tidy.C:
			maps.DeleteFunc(c.rounds, func(_ protocol.Digest, r *round) bool { return now.Sub(r.used) > roundIdle })
		}
	}
}

// take queues a wish, together with what the same device wished for before and has
// not got: it asks for more as soon as a part has come. A device that only ever asks
// is heard with its last wish.
func (c *contentSender) take(w wish) {
	now := time.Now()
	c.flight.landed(w.device)
	for _, item := range w.want.Items { // it reads along from now on
		if c.rounds[item.Digest] == nil {
			c.rounds[item.Digest] = newRound()
		}
		c.rounds[item.Digest].join(w.device, item, now)
	}
	before, waits := c.wishes[w.device]
	if !waits {
		c.queue = append(c.queue, w.device)
	}
	if len(before.Items)+len(w.want.Items) <= protocol.MaxWantItems {
		w.want.Items = append(before.Items, w.want.Items...)
		w.want.Window = min(before.Window, flightMost) + min(w.want.Window, flightMost)
	}
	c.wishes[w.device] = w.want
}

// answer serves as many of those who wait as there is room for, and returns when to
// look again.
func (c *contentSender) answer(ctx context.Context) time.Duration {
	for len(c.wants) > 0 { // what has come meanwhile lands first
		c.take(<-c.wants)
	}
	now := time.Now()
	room := flightMost - c.flight.total(now)
	var batch []wish
	for len(c.queue) > 0 && room > 0 {
		w := wish{c.queue[0], c.wishes[c.queue[0]]}
		c.queue = c.queue[1:]
		delete(c.wishes, w.device)
		batch = append(batch, w)
		room -= int64(min(w.want.Window, flightMost))
	}
	if len(batch) > 0 {
		c.room(ctx)
		c.serve(ctx, batch)
	}
	switch {
	case len(c.queue) == 0:
		return time.Hour // the next wish says when
	case room > 0:
		return 0
	}
	return gather
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

// total is how many bytes are under way.
func (f *flight) total(now time.Time) int64 {
	maps.DeleteFunc(f.handed, func(_ protocol.DeviceID, h handful) bool { return now.Sub(h.at) > flightTime })
	var sum int64
	for _, h := range f.handed {
		sum += h.bytes
	}
	return sum
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
