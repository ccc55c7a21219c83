package cache

import (
	"context"
	"errors"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Direct is another way to content than the bulk connection, preferred while it
// works; *fetch.Source is one.
type Direct interface {
	Available() bool
	List(ctx context.Context, c protocol.Content) ([]byte, error)
	Chunks(ctx context.Context, c protocol.Content, first, last int, take func(n int, data []byte) error) error
}

const (
	// stretch is how many chunks one request asks for: 1 MiB.
	stretch = 64
	// directTries is how often in a row the direct way may bring nothing before
	// content comes over the bulk connection again, for directRest.
	directTries = 3
	directRest  = 5 * time.Minute
)

var (
	// errWrong: what came is not what the signed list says.
	errWrong = errors.New("not the signed content")
	// errNoNeed: it is not needed any more, or is here.
	errNoNeed = errors.New("not needed any more")
)

// Announced says that a new connection has told where content is: the direct way
// is tried again.
func (c *Cache) Announced() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed, c.restUntil = 0, time.Time{}
	c.kick()
}

// directly says whether content is to come by the direct way now. The caller
// holds mu.
func (c *Cache) directly(now time.Time) bool {
	return c.cfg.Direct != nil && c.cfg.Direct.Available() && !now.Before(c.restUntil)
}

// fetch gets what is missing by the direct way until ctx ends.
func (c *Cache) fetch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wakeDirect:
		case <-timer.C:
		}
		for c.fetchNext(ctx) {
		}
		timer.Reset(retryFirst)
	}
}

// fetchNext gets the list or the next chunks of the most urgent content, and says
// whether to go on at once.
func (c *Cache) fetchNext(ctx context.Context) bool {
	c.mu.Lock()
	missing := c.missing()
	if ctx.Err() != nil || len(missing) == 0 || c.full || !c.directly(time.Now()) {
		c.mu.Unlock()
		return false
	}
	e := missing[0]
	content, listed := e.content, e.list != nil
	first, last := e.gap(stretch)
	c.mu.Unlock()
	var err error
	if listed {
		err = c.cfg.Direct.Chunks(ctx, content, first, last, func(n int, data []byte) error { return c.offer(content, n, data) })
	} else {
		err = c.fetchList(ctx, content)
	}
	switch {
	case ctx.Err() != nil:
		return false
	case err == nil, errors.Is(err, errNoNeed):
		return true
	}
	c.cfg.Log.Debug("content did not come directly", "digest", content.Digest.String(), "error", err)
	return c.directFailed()
}

// directFailed counts an attempt that ended badly; after some that brought nothing
// the bulk connection takes over.
func (c *Cache) directFailed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed++; c.failed < directTries {
		return true
	}
	c.cfg.Log.Info("content comes over MQTT for a while", "rest", directRest)
	c.failed, c.restUntil = 0, time.Now().Add(directRest)
	c.kick()
	return false
}

func (c *Cache) fetchList(ctx context.Context, content protocol.Content) error {
	list, err := c.cfg.Direct.List(ctx, content)
	if err != nil {
		return err
	}
	c.disk.Lock()
	defer c.disk.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[content.Digest]
	if e == nil || e.list != nil {
		return errNoNeed
	}
	if protocol.DigestOf(list) != content.Chunks {
		return errWrong
	}
	e.list, e.listed, c.failed = list, false, 0
	return nil
}

// offer takes one chunk that came directly.
func (c *Cache) offer(content protocol.Content, n int, data []byte) error {
	there, err := c.takeChunk(content.Digest, n, data)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.failed = 0
	c.mu.Unlock()
	if there {
		c.kick()
		c.cfg.Changed(content.Digest, true)
	}
	return nil
}

// gap returns the first run of chunks that are missing, at most so many.
func (e *entry) gap(most int) (first, last int) {
	count := e.content.Count()
	for first < count && e.has(first) {
		first++
	}
	first = min(first, count-1)
	for last = first; last+1 < count && last+1-first < most && !e.has(last+1); last++ {
	}
	return first, last
}
