package cache

import (
	"context"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
)

const (
	// atOnce is how many contents are read at the same time.
	atOnce = 16
	// saveEvery is how many chunks may have to be fetched again after a kill.
	saveEvery = 16
	// Requests that bring nothing are repeated after 2 s, and ever more slowly.
	retryFirst = 2 * time.Second
	retryMost  = 2 * time.Minute
)

// Ready says which filters the bulk connection reads by now; with none, nothing that
// was asked for will come.
func (c *Cache) Ready(filters []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.ready)
	for _, f := range filters {
		if d, err := protocol.ParseChunkTopic(strings.TrimSuffix(f, "+") + "0"); err == nil {
			c.ready[d] = true
		}
	}
	for d, e := range c.entries {
		if !c.ready[d] {
			e.forgetAsked()
		}
	}
	c.untidy = true
	if len(filters) == 0 {
		c.tries, c.retryAt = 0, time.Time{}
	}
	c.kick()
}

// Online says that requests reach the hub anew: those before may not have.
func (c *Cache) Online() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgetAsked()
	c.tries = 0
	c.kick()
}

// forgetAsked treats what was asked for and did not come as lost.
func (c *Cache) forgetAsked() {
	for _, e := range c.entries {
		e.forgetAsked()
	}
	c.retryAt = time.Time{}
}

func (e *entry) forgetAsked() {
	clear(e.asked)
	e.listed = false
}

// subscribe tells the network what is to be read now.
func (c *Cache) subscribe(now time.Time) {
	var filters []string
	direct := c.directly(now)
	for _, e := range c.missing() {
		if len(filters) < atOnce && !direct {
			filters = append(filters, protocol.ContentFilter(e.content.Digest))
		}
	}
	if !slices.Equal(filters, c.filters) {
		c.filters = filters
		c.cfg.Network.Bulk(slices.Clone(filters))
	}
}

// Run asks for what is missing until ctx ends, then saves what has come.
func (c *Cache) Run(ctx context.Context) error {
	if c.cfg.Direct != nil {
		var wg sync.WaitGroup
		wg.Go(func() { c.fetch(ctx) })
		defer wg.Wait()
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return c.close()
		case <-c.wake:
		case <-timer.C:
		}
		timer.Reset(c.step(ctx, time.Now()))
	}
}

// close saves the state of what is under way.
func (c *Cache) close() error {
	c.disk.Lock()
	defer c.disk.Unlock()
	var errs []error
	for _, e := range c.known() {
		errs = append(errs, c.save(e, e.whole))
		if e.file != nil {
			errs = append(errs, e.file.Close())
			e.file = nil
		}
	}
	return errors.Join(errs...)
}

// step makes room, asks for what fits into the window, and returns when to look
// again.
func (c *Cache) step(ctx context.Context, now time.Time) time.Duration {
	c.mu.Lock()
	if !c.retryAt.IsZero() && !now.Before(c.retryAt) {
		c.pace.lost()
		c.forgetAsked()
		c.untidy, c.full = c.untidy || c.full, false
	}
	untidy := c.untidy
	c.untidy = false
	c.mu.Unlock()
	if untidy {
		c.evict()
	}
	c.mu.Lock()
	c.subscribe(now)
	want, bytes := c.next()
	if bytes == 0 {
		wait := retryMost
		if !c.retryAt.IsZero() {
			wait = max(time.Millisecond, c.retryAt.Sub(now))
		}
		if rest := c.restUntil.Sub(now); rest > 0 {
			wait = min(wait, rest) // then the direct way is tried again
		}
		c.mu.Unlock()
		return wait
	}
	underWay := c.outstanding()
	c.pace.request(now, c.tries == 0 && underWay == bytes, underWay)
	wait := backoff(c.tries)
	c.tries++
	c.retryAt = now.Add(wait)
	c.mu.Unlock()
	if err := c.cfg.Network.Want(ctx, want); err != nil && ctx.Err() == nil {
		c.cfg.Log.Debug("request for content did not leave", "error", err)
	}
	return wait
}

// backoff returns how long to wait for the answer to a request that follows n
// unanswered ones: doubling, with a quarter of chance.
func backoff(n int) time.Duration {
	wait := min(retryMost, retryFirst<<min(n, 10))
	return wait - time.Duration(rand.Int64N(int64(wait)/4+1))
}

// outstanding is how many bytes were asked for and have not come.
func (c *Cache) outstanding() int {
	sum := 0
	for _, e := range c.entries {
		for n := range e.asked {
			sum += e.content.ChunkLength(n)
		}
		if e.listed {
			sum += e.listSize()
		}
	}
	return sum
}

// next returns the request that fills the window, and the bytes that it asks
// for; 0 if there is nothing to ask for, or too little room for it to be worth it.
func (c *Cache) next() (protocol.Want, int) {
	room := c.pace.window - c.outstanding()
	if room < c.pace.window/2 || c.full {
		return protocol.Want{}, 0
	}
	want := protocol.Want{Window: uint64(c.pace.window)}
	asked := 0
	for _, e := range c.missing() {
		if !c.ready[e.content.Digest] || len(want.Items) == protocol.MaxWantItems {
			continue
		}
		item, bytes := e.ask(room - asked)
		if bytes > 0 {
			want.Items = append(want.Items, item)
			asked += bytes
		}
	}
	return want, asked
}

func (e *entry) listSize() int { return e.content.Count() * len(protocol.Digest{}) }

// ask returns what of one content fits into room bytes: its list first, then
// chunks in order. A list goes out even when it is larger than the room.
func (e *entry) ask(room int) (protocol.WantItem, int) {
	item := protocol.WantItem{Digest: e.content.Digest}
	if room <= 0 || e.listed {
		return item, 0
	}
	if e.list == nil {
		e.listed, item.List = true, true
		return item, e.listSize()
	}
	bytes := 0
	for n := range e.content.Count() {
		size := e.content.ChunkLength(n)
		if e.has(n) || e.asked[n] {
			continue
		}
		if bytes+size > room || len(item.Ranges) == protocol.MaxWantItems {
			break
		}
		e.asked[n] = true
		bytes += size
		if last := len(item.Ranges) - 1; last >= 0 && item.Ranges[last].Last == uint64(n-1) {
			item.Ranges[last].Last++
			continue
		}
		item.Ranges = append(item.Ranges, protocol.Range{First: uint64(n), Last: uint64(n)})
	}
	return item, bytes
}

func (e *entry) has(n int) bool { return e.have[n/8]&(1<<(n%8)) != 0 }

func (e *entry) all() bool {
	for n := range e.content.Count() {
		if !e.has(n) {
			return false
		}
	}
	return true
}

// Handle takes one message of the bulk connection. What was not asked for, does
// not decode, or is not what the signed list says, is left aside and asked for
// again.
func (c *Cache) Handle(topic string, payload []byte) {
	d, err := protocol.ParseChunkTopic(topic)
	if err != nil {
		return
	}
	chunk, err := protocol.Unmarshal[protocol.Chunk](payload, protocol.MaxChunk)
	if err != nil || topic != protocol.ChunkTopic(d, chunk) {
		return
	}
	if chunk.List {
		c.takeList(d, int(chunk.N), chunk.Data)
		c.kick()
		return
	}
	there, _ := c.takeChunk(d, int(chunk.N), chunk.Data) // what was refused is asked for again
	c.kick()
	if there {
		c.cfg.Changed(d, true)
	}
}

// arrived gives what else was asked for more time: the line works.
func (c *Cache) arrived(bytes int) {
	now := time.Now()
	c.tries = 0
	c.retryAt = now.Add(retryFirst)
	c.pace.arrived(now, bytes)
}

// takeList adds a part of a chunk list, and checks the list once all are here.
func (c *Cache) takeList(d protocol.Digest, n int, data []byte) {
	c.disk.Lock()
	defer c.disk.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[d]
	if e == nil || e.list != nil || e.refused {
		return
	}
	size := e.listSize()
	if n*protocol.ChunkSize >= size || len(data) != min(protocol.ChunkSize, size-n*protocol.ChunkSize) {
		return
	}
	e.parts[n] = data
	var list []byte
	for i := 0; i*protocol.ChunkSize < size; i++ {
		if e.parts[i] == nil {
			return
		}
		list = append(list, e.parts[i]...)
	}
	clear(e.parts)
	if protocol.DigestOf(list) != e.content.Chunks {
		c.cfg.Log.Warn("chunk list is not the signed one, asked for again", "digest", d.String())
		return
	}
	e.list, e.listed = list, false
	c.arrived(len(list))
}

// takeChunk checks and writes one chunk, whichever way it came; there says that it made
// the content whole. Errors: errNoNeed, errWrong, those of the disk.
func (c *Cache) takeChunk(d protocol.Digest, n int, data []byte) (there bool, err error) {
	c.disk.Lock()
	defer c.disk.Unlock()
	c.mu.Lock()
	e, full := c.entries[d], c.full
	c.mu.Unlock()
	switch {
	case e == nil || e.whole || e.refused || e.list == nil || full || len(data) != e.content.ChunkLength(n):
		return false, errNoNeed
	case e.has(n):
		return false, nil
	case protocol.DigestOf(data) != e.digest(n):
		c.cfg.Log.Warn("chunk is not the signed one, asked for again", "digest", d.String(), "chunk", n)
		return false, errWrong
	}
	if err := c.write(e, n, data); err != nil {
		c.storage(err)
		return false, err
	}
	c.mu.Lock()
	e.have[n/8] |= 1 << (n % 8)
	delete(e.asked, n)
	c.arrived(len(data))
	c.mu.Unlock()
	e.dirty++
	switch {
	case e.all():
		return c.finish(e)
	case e.dirty < saveEvery:
		return false, nil
	}
	if err := c.save(e, false); err != nil {
		c.storage(err)
		return false, err
	}
	return false, nil
}

// digest is that of a chunk, by the signed list.
func (e *entry) digest(n int) protocol.Digest {
	const size = len(protocol.Digest{})
	return protocol.Digest(e.list[n*size : (n+1)*size])
}

// write puts a chunk in its place in the file.
func (c *Cache) write(e *entry, n int, data []byte) error {
	if e.file == nil {
		f, err := os.OpenFile(c.path(e.content.Digest), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		if err := allocate(f, int64(e.content.Size)); err != nil {
			return errors.Join(err, f.Close())
		}
		e.file = f
	}
	_, err := e.file.WriteAt(data, int64(n)*protocol.ChunkSize)
	return err
}

// save makes the chunks durable, and only then the note that they are there.
func (c *Cache) save(e *entry, whole bool) error {
	if e.dirty == 0 {
		return nil
	}
	if e.file != nil {
		if err := e.file.Sync(); err != nil {
			return err
		}
	}
	if err := c.cfg.State.PutContent(store.ContentState{Content: e.content, List: e.list, Have: e.have, Whole: whole}); err != nil {
		return err
	}
	e.dirty = 0
	return nil
}

// finish checks the whole once more and remembers that it is here.
func (c *Cache) finish(e *entry) (there bool, err error) {
	digest := e.content.Digest
	_, err = e.file.Seek(0, io.SeekStart)
	if err == nil {
		err = checked(e.file, digest)
	}
	if errors.Is(err, ErrMissing) {
		c.cfg.Log.Error("chunk list and digest contradict each other, content refused", "digest", digest.String())
		c.mu.Lock()
		e.refused = true
		c.mu.Unlock()
		c.reset(e)
		return false, errWrong
	}
	if err == nil {
		err = c.save(e, true)
	}
	if err != nil {
		c.storage(err)
		c.reset(e)
		return false, err
	}
	err = e.file.Close()
	e.file = nil
	if err != nil {
		c.cfg.Log.Warn("content's file not closed", "error", err)
	}
	c.mu.Lock()
	e.whole = true
	short := c.short
	c.untidy, c.short = true, false
	c.mu.Unlock()
	if short {
		c.cfg.Fault("storage", false)
	}
	return true, nil
}

// known lists all contents.
func (c *Cache) known() []*entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Values(c.entries))
}

// evict removes what nothing needs while all together is over the limit, the
// least recently written first. What the bulk connection still reads stays known: the
// hub does not send it again over the same subscription just because it was forgotten
// here.
func (c *Cache) evict() {
	c.disk.Lock()
	defer c.disk.Unlock()
	type spare struct {
		e    *entry
		size int64
		at   time.Time
	}
	var total int64
	var spares []spare
	for _, e := range c.known() {
		info, err := os.Stat(c.path(e.content.Digest))
		switch {
		case err == nil:
			total += info.Size()
			spares = append(spares, spare{e, info.Size(), info.ModTime()})
		case !e.whole:
			c.forget(e)
		}
	}
	slices.SortFunc(spares, func(a, b spare) int { return a.at.Compare(b.at) })
	for _, s := range spares {
		if !c.crowded(total) {
			return
		}
		if c.forget(s.e) {
			c.reset(s.e)
			total -= s.size
		}
	}
}

// crowded says whether content that nothing needs is to make room.
func (c *Cache) crowded(total int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return total > c.cfg.Limit || c.short
}

// forget takes a content out of what is known, unless it is needed or still read.
func (c *Cache) forget(e *entry) bool {
	d := e.content.Digest
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ready[d] || slices.ContainsFunc(c.needs, func(n protocol.Content) bool { return n.Digest == d }) {
		return false
	}
	delete(c.entries, d)
	return true
}
