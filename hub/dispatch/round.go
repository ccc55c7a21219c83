package dispatch

import (
	"context"
	"io"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// flying is how long a part that was handed to a device's connection counts as
// under way: asking for it again does not send it again. It is the least time after
// which devices repeat a request that brought nothing.
const flying = 1500 * time.Millisecond

// maxSources is how many contents' chunk lists are remembered: making one reads all
// of a content, and every device asks for its parts many times.
const maxSources = 64

// part is one chunk of content or of its chunk list.
type part struct {
	list bool
	n    uint64
}

// parcel is a part that was handed to a device's connection.
type parcel struct {
	part part
	at   time.Duration // since the round began
}

// round is one content on its way to those who lack it.
type round struct {
	began  time.Time
	handed map[protocol.DeviceID][]parcel // the newest last
	// Of a broker that sends everything to all:
	sent          map[part]time.Time
	lists, chunks map[protocol.DeviceID]time.Time // since when a device reads along

	used time.Time
}

func newRound(now time.Time) *round {
	return &round{
		began: now, handed: map[protocol.DeviceID][]parcel{}, sent: map[part]time.Time{},
		lists: map[protocol.DeviceID]time.Time{}, chunks: map[protocol.DeviceID]time.Time{},
	}
}

// join notes what a device can use from now on: the list once it asks for
// anything, chunks only once it asks for chunks, since it takes none before it has
// the list.
func (r *round) join(device protocol.DeviceID, item protocol.WantItem, now time.Time) {
	r.used = now
	if _, ok := r.lists[device]; !ok {
		r.lists[device] = now
	}
	if _, ok := r.chunks[device]; !ok && len(item.Ranges) > 0 {
		r.chunks[device] = now
	}
}

// last returns when a part was last handed to a device's connection at a time at
// which the device could use it; zero for never.
func (r *round) last(device protocol.DeviceID, p part) time.Time {
	at := r.sent[p]
	since, joined := r.chunks[device]
	if p.list {
		since, joined = r.lists[device]
	}
	if !joined || since.After(at) {
		at = time.Time{}
	}
	given := r.handed[device]
	for i := len(given) - 1; i >= 0; i-- {
		if own := r.began.Add(given[i].at); given[i].part == p && own.After(at) {
			return own
		}
	}
	return at
}

// hand notes that a part was handed to a device's connection, and forgets what was so
// long ago: a content may have many parts, and many devices.
func (r *round) hand(device protocol.DeviceID, p part, now time.Time) {
	at := now.Sub(r.began)
	given := r.handed[device]
	for len(given) > 0 && at-given[0].at >= flying {
		given = given[1:]
	}
	r.handed[device] = append(given, parcel{p, at})
}

// source is what is remembered of a content that was asked for lately.
type source struct {
	list []byte // its chunk list
	size int64  // bytes
}

// length is that of a part in bytes, 0 if there is no such part.
func (s source) length(p part) int64 {
	whole := uint64(s.size)
	if p.list {
		whole = uint64(len(s.list))
	}
	if p.n >= (whole+protocol.ChunkSize-1)/protocol.ChunkSize {
		return 0
	}
	return int64(min(protocol.ChunkSize, whole-p.n*protocol.ChunkSize))
}

// answer is what goes out for one content: parts in their order, each with who asked.
type answer struct {
	digest  protocol.Digest
	source  source
	parts   []part
	clients map[part][]string
}

// serve answers wishes that came together, each up to its window.
func (c *contentSender) serve(ctx context.Context, wishes []wish) {
	now := time.Now()
	var answers []*answer
	of := map[protocol.Digest]*answer{}
	for _, w := range wishes {
		left := int64(w.want.Window)
		client := protocol.Client{Device: w.device, Bulk: true}.String()
		for _, item := range w.want.Items {
			if left <= 0 {
				break
			}
			a := of[item.Digest]
			if a == nil {
				a = &answer{digest: item.Digest, source: c.source(item.Digest), clients: map[part][]string{}}
				of[item.Digest] = a
				answers = append(answers, a)
			}
			left -= c.choose(a, w.device, client, item, left, now)
		}
	}
	for _, a := range answers {
		c.send(ctx, a)
	}
}

// source returns what is known of a content, nothing if it is not there.
func (c *contentSender) source(d protocol.Digest) source {
	if s, ok := c.sources[d]; ok {
		return s
	}
	list, size, err := c.blobs.Chunks(d)
	if err != nil {
		c.log.Warn("content wanted that is not there", "digest", d.String(), "error", err)
		return source{} // it may come
	}
	if len(c.sources) >= maxSources {
		clear(c.sources)
	}
	c.sources[d] = source{list, size}
	return c.sources[d]
}

// choose adds to an answer what one device asks for, and returns how many bytes of
// its window that takes, whether it is sent now or under way already.
func (c *contentSender) choose(a *answer, device protocol.DeviceID, client string, item protocol.WantItem, window int64, now time.Time) int64 {
	var used int64
	if item.List { // whole, even where it is longer than the window
		for p := (part{list: true}); a.source.length(p) > 0; p.n++ {
			used += a.source.length(p)
			c.address(a, device, client, p, now)
		}
	}
	for _, r := range item.Ranges {
		for p := (part{n: r.First}); p.n <= r.Last && a.source.length(p) > 0 && used < window; p.n++ {
			used += a.source.length(p)
			c.address(a, device, client, p, now)
		}
	}
	return used
}

// round returns the round of a content, begun anew if there is none.
func (c *contentSender) round(d protocol.Digest, now time.Time) *round {
	if c.rounds[d] == nil {
		c.rounds[d] = newRound(now)
	}
	return c.rounds[d]
}

// address sends a part to a device too, unless it is still under way there: handed to
// its connection, and nothing left out since.
func (c *contentSender) address(a *answer, device protocol.DeviceID, client string, p part, now time.Time) {
	r := c.round(a.digest, now) // the one it joined may have ended while its wish waited
	r.used = now
	if at := r.last(device, p); !at.IsZero() && now.Sub(at) < flying && !c.broker.MayLack(client, at) {
		return
	}
	if c.broker.Broadcasts() {
		r.sent[p] = now
	}
	r.hand(device, p, now)
	c.flight.add(device, a.source.length(p), now)
	if a.clients[p] == nil {
		a.parts = append(a.parts, p)
	}
	a.clients[p] = append(a.clients[p], client)
}

// send reads each part of an answer once and hands it to all who asked for it.
func (c *contentSender) send(ctx context.Context, a *answer) {
	if len(a.parts) == 0 {
		return
	}
	f, err := c.blobs.Open(a.digest)
	if err != nil {
		c.log.Warn("content not readable", "digest", a.digest.String(), "error", err)
		return
	}
	defer f.Close()
	for _, p := range a.parts {
		if ctx.Err() != nil {
			return
		}
		at := int64(p.n) * protocol.ChunkSize
		var data []byte
		if p.list {
			data = a.source.list[at : at+a.source.length(p)]
		} else {
			n, err := f.ReadAt(c.chunk[:], at)
			if err != nil && err != io.EOF {
				c.log.Warn("content not readable", "digest", a.digest.String(), "error", err)
			}
			data = c.chunk[:n]
		}
		if len(data) > 0 {
			c.publish(a, p, data)
		}
	}
}

func (c *contentSender) publish(a *answer, p part, data []byte) {
	chunk := protocol.Chunk{List: p.list, N: p.n, Data: data}
	c.payload.Reset()
	if err := protocol.MarshalTo(&c.payload, chunk); err != nil {
		c.log.Error("chunk not encoded", "digest", a.digest.String(), "error", err)
		return
	}
	if err := c.broker.PublishTo(a.clients[p], protocol.ChunkTopic(a.digest, chunk), c.payload.Bytes(), 0); err != nil {
		c.log.Warn("chunk not sent", "digest", a.digest.String(), "error", err)
	}
}
