package dispatch

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Reader opens content by digest.
type Reader interface {
	Open(digest protocol.Digest) (*os.File, error)
}

// gather is how long wishes for content are collected, so that those who ask
// together are answered once.
const gather = 5 * time.Millisecond

// maxWants is how many wishes wait to be answered.
const maxWants = 1024

// contentSender answers wants. Each chunk goes once to everybody who is
// subscribed to its content; a device that misses it asks again.
type contentSender struct {
	broker Broker
	blobs  Blobs
	log    *slog.Logger
	wants  chan protocol.Want
	lists  map[protocol.Digest][]byte // chunk lists of what was asked for lately; of run alone
}

// maxLists is how many chunk lists are remembered: making one reads all of a
// content, and every device asks for its parts many times.
const maxLists = 64

func newContentSender(b Broker, blobs Blobs, log *slog.Logger) *contentSender {
	return &contentSender{broker: b, blobs: blobs, log: log, wants: make(chan protocol.Want, maxWants), lists: map[protocol.Digest][]byte{}}
}

// want queues a request; one too many is dropped, for its sender asks again.
func (c *contentSender) want(w protocol.Want) {
	select {
	case c.wants <- w:
	default:
		c.log.Warn("want dropped: too many at once")
	}
}

// part is one chunk of content or of its chunk list.
type part struct {
	digest protocol.Digest
	list   bool
	n      uint64
}

func (c *contentSender) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-c.wants:
			c.serve(ctx, c.collect(ctx, w))
		}
	}
}

// collect gathers what is asked for together.
func (c *contentSender) collect(ctx context.Context, first protocol.Want) []protocol.Want {
	all := []protocol.Want{first}
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

// serve sends the parts of all wants, each once, every want up to its window.
func (c *contentSender) serve(ctx context.Context, wants []protocol.Want) {
	sent := map[part]bool{}
	defer func() { c.log.Debug("content sent", "wants", len(wants), "parts", len(sent)) }()
	for _, w := range wants {
		left := int64(w.Window)
		for _, item := range w.Items {
			if left <= 0 || ctx.Err() != nil {
				break
			}
			if list := c.list(item.Digest); len(list) > 0 {
				left -= c.item(item, list, left, sent)
			}
		}
	}
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
// take, sent by this want or another.
func (c *contentSender) item(item protocol.WantItem, list []byte, window int64, sent map[part]bool) int64 {
	var used int64
	if item.List {
		for n := 0; n*protocol.ChunkSize < len(list); n++ {
			data := list[n*protocol.ChunkSize : min(len(list), (n+1)*protocol.ChunkSize)]
			c.publish(item.Digest, protocol.Chunk{List: true, N: uint64(n), Data: data}, sent)
			used += int64(len(data))
		}
	}
	f, err := c.blobs.Open(item.Digest)
	if err != nil {
		c.log.Warn("content not readable", "digest", item.Digest.String(), "err", err)
		return used
	}
	defer f.Close()
	buf := make([]byte, protocol.ChunkSize)
	for _, r := range item.Ranges {
		for n := r.First; n <= r.Last && used < window; n++ {
			got, err := f.ReadAt(buf, int64(n)*protocol.ChunkSize)
			if got == 0 {
				if err != io.EOF {
					c.log.Warn("content not readable", "digest", item.Digest.String(), "err", err)
				}
				break
			}
			c.publish(item.Digest, protocol.Chunk{N: n, Data: buf[:got]}, sent)
			used += int64(got)
		}
	}
	return used
}

func (c *contentSender) publish(digest protocol.Digest, chunk protocol.Chunk, sent map[part]bool) {
	key := part{digest, chunk.List, chunk.N}
	if sent[key] {
		return
	}
	sent[key] = true
	payload, err := protocol.Marshal(chunk)
	if err != nil {
		c.log.Error("chunk not encoded", "digest", digest.String(), "err", err)
		return
	}
	if err := c.broker.Publish(protocol.ChunkTopic(digest, chunk), payload, 0); err != nil {
		c.log.Warn("chunk not sent", "digest", digest.String(), "err", err)
	}
}
