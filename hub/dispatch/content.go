package dispatch

import (
	"context"
	"io"
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
	// flying is how long a part that went to all counts as under way to those who
	// read along then: asking for it again does not send it again.
	flying = 500 * time.Millisecond
	// roundIdle ends the round of a content that nobody asks for any more.
	roundIdle = 10 * time.Second
	// backlogMost is how many bytes may wait in all connections together before the
	// next part goes to all, and backlogWait how long that is waited for: those who
	// read nothing must not hold up the others.
	backlogMost = 4 << 20
	backlogWait = 250 * time.Millisecond
)

// maxWants is how many wishes wait to be answered.
const maxWants = 1024

// contentSender answers wants. The first wish for a chunk sends it to everybody who
// is subscribed to its content; whoever missed it, as its line was slow or it came
// late, asks again and gets it alone, so that the slow cost the others nothing.
type contentSender struct {
	broker Broker
	blobs  Blobs
	log    *slog.Logger
	wants  chan wish
	lists  map[protocol.Digest][]byte // chunk lists of what was asked for lately; of run alone
	rounds map[protocol.Digest]*round // of run alone
}

// wish is what one device wants.
type wish struct {
	device protocol.DeviceID
	want   protocol.Want
}

// round is one content on its way to those who lack it.
type round struct {
	sent          map[part]time.Time              // to all
	lists, chunks map[protocol.DeviceID]time.Time // since when a device reads along
	used          time.Time
}

// maxLists is how many chunk lists are remembered: making one reads all of a
// content, and every device asks for its parts many times.
const maxLists = 64

func newContentSender(b Broker, blobs Blobs, log *slog.Logger) *contentSender {
	return &contentSender{
		broker: b, blobs: blobs, log: log, wants: make(chan wish, maxWants), lists: map[protocol.Digest][]byte{}, rounds: map[protocol.Digest]*round{},
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

// part is one chunk of content or of its chunk list.
type part struct {
	list bool
	n    uint64
}

func (c *contentSender) run(ctx context.Context) {
	tidy := time.NewTicker(roundIdle)
	defer tidy.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-c.wants:
			c.serve(ctx, c.collect(ctx, w))
		case now := <-tidy.C:
			maps.DeleteFunc(c.rounds, func(_ protocol.Digest, r *round) bool { return now.Sub(r.used) > roundIdle })
		}
	}
}

// collect gathers what is asked for together.
func (c *contentSender) collect(ctx context.Context, first wish) []wish {
	all := []wish{first}
	timer := time.NewTimer(gather)
	defer timer.Stop()
	for {
		select {
		case w := <-c.wants:
			if all = append(all, w); len(all) == cap(c.wants) {
				return all
			}
		case <-timer.C:
			return all
		case <-ctx.Done():
			return nil
		}
	}
}

// serve answers wishes that came together, each up to its window.
func (c *contentSender) serve(ctx context.Context, wishes []wish) {
	now := time.Now()
	for _, w := range wishes { // who asks now reads along in what follows
		for _, item := range w.want.Items {
			c.join(w.device, item, now)
		}
	}
	for _, w := range wishes {
		left := int64(w.want.Window)
		for _, item := range w.want.Items {
			if left <= 0 || ctx.Err() != nil {
				break
			}
			if list := c.list(item.Digest); len(list) > 0 {
				left -= c.item(ctx, w.device, item, list, left)
			}
		}
	}
}

// join notes what a device can use from now on: the list once it asks for
// anything, chunks only once it asks for chunks, since it takes none before it has
// the list.
func (c *contentSender) join(device protocol.DeviceID, item protocol.WantItem, now time.Time) {
	r := c.rounds[item.Digest]
	if r == nil {
		r = &round{sent: map[part]time.Time{}, lists: map[protocol.DeviceID]time.Time{}, chunks: map[protocol.DeviceID]time.Time{}}
		c.rounds[item.Digest] = r
	}
	r.used = now
	if _, ok := r.lists[device]; !ok {
		r.lists[device] = now
	}
	if _, ok := r.chunks[device]; !ok && len(item.Ranges) > 0 {
		r.chunks[device] = now
	}
}

// underWay says whether a part that went to all will still reach a device.
func (r *round) underWay(device protocol.DeviceID, p part, now time.Time) bool {
	at, sent := r.sent[p]
	since, joined := r.chunks[device]
	if p.list {
		since, joined = r.lists[device]
	}
	return sent && joined && now.Sub(at) < flying && !since.After(at)
}

// list returns a content's chunk list, nil if it is not there.
func (c *contentSender) list(d protocol.Digest) []byte {
	if list, ok := c.lists[d]; ok {
		return list
	}
	list, _, err := c.blobs.Chunks(d)
	if err != nil {
		c.log.Warn("content wanted that is not there", "digest", d.String(), "err", err)
		return nil // it may come
	}
	if len(c.lists) >= maxLists {
		clear(c.lists)
	}
	c.lists[d] = list
	return list
}

// item sends parts of one content and returns how many bytes of the window they
// take, sent for this wish or another.
func (c *contentSender) item(ctx context.Context, device protocol.DeviceID, item protocol.WantItem, list []byte, window int64) int64 {
	var used int64
	if item.List {
		for n := 0; n*protocol.ChunkSize < len(list); n++ {
			data := list[n*protocol.ChunkSize : min(len(list), (n+1)*protocol.ChunkSize)]
			used += int64(len(data))
			c.part(ctx, device, item.Digest, part{true, uint64(n)}, func() []byte { return data })
		}
	}
	f, err := c.blobs.Open(item.Digest)
	if err != nil {
		c.log.Warn("content not readable", "digest", item.Digest.String(), "err", err)
		return used
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		c.log.Warn("content not readable", "digest", item.Digest.String(), "err", err)
		return used
	}
	buf := make([]byte, protocol.ChunkSize)
	count := uint64(len(list) / len(protocol.Digest{}))
	for _, r := range item.Ranges {
		for n := r.First; n <= r.Last && n < count && used < window; n++ {
			used += min(protocol.ChunkSize, info.Size()-int64(n)*protocol.ChunkSize)
			c.part(ctx, device, item.Digest, part{false, n}, func() []byte {
				got, err := f.ReadAt(buf, int64(n)*protocol.ChunkSize)
				if err != nil && err != io.EOF {
					c.log.Warn("content not readable", "digest", item.Digest.String(), "err", err)
				}
				return buf[:got]
			})
		}
	}
	return used
}

// part sends one part: to all the first time, then to who asks for it again, unless
// it is still under way there.
func (c *contentSender) part(ctx context.Context, device protocol.DeviceID, d protocol.Digest, p part, read func() []byte) {
	r := c.rounds[d]
	now := time.Now()
	_, before := r.sent[p]
	if r.underWay(device, p, now) {
		return
	}
	data := read()
	if len(data) == 0 {
		return
	}
	chunk := protocol.Chunk{List: p.list, N: p.n, Data: data}
	payload, err := protocol.Marshal(chunk)
	if err != nil {
		c.log.Error("chunk not encoded", "digest", d.String(), "err", err)
		return
	}
	topic := protocol.ChunkTopic(d, chunk)
	if before {
		err = c.broker.PublishTo(protocol.Client{Device: device, Bulk: true}.String(), topic, payload, 0)
	} else {
		c.room(ctx)
		r.sent[p] = time.Now()
		err = c.broker.Publish(topic, payload, 0)
	}
	if err != nil {
		c.log.Warn("chunk not sent", "digest", d.String(), "err", err)
	}
}

// room waits until devices have taken what was sent to them, for a while.
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
