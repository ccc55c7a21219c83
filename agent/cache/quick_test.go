package cache_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/cache"
	"github.com/loa-vn/loa/protocol"
	"pgregory.net/rapid"
)

// thrifty is a hub that sends no part again for 1.5 s after it was handed to a
// connection, unless that has subscribed since, as Loa's does, and the line to it.
type thrifty struct {
	*far
	tell chan struct{}

	mu      sync.Mutex
	offline bool
	wishes  []string
	since   map[string]time.Time // by filter that is read
	handed  map[string]time.Time // by topic
}

const (
	oneWay = 5 * time.Millisecond
	flying = 1500 * time.Millisecond
)

func newThrifty(t *testing.T, contents ...[]byte) *thrifty {
	h := &thrifty{far: newFar(contents...), tell: make(chan struct{}, 1), since: map[string]time.Time{}, handed: map[string]time.Time{}}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { h.line(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return h
}

func (h *thrifty) Bulk(filters []string) {
	h.mu.Lock()
	h.wishes = filters
	h.mu.Unlock()
	select {
	case h.tell <- struct{}{}:
	default:
	}
}

// line subscribes to what is wished for and leaves the rest, a round trip at a time.
func (h *thrifty) line(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.tell:
		}
		h.mu.Lock()
		now := slices.Clone(h.wishes)
		h.mu.Unlock()
		time.Sleep(oneWay)
		h.mu.Lock()
		for f := range h.since {
			if !slices.Contains(now, f) {
				delete(h.since, f)
			}
		}
		for _, f := range now {
			if _, reads := h.since[f]; !reads {
				h.since[f] = time.Now()
			}
		}
		h.mu.Unlock()
		time.Sleep(oneWay)
		h.cache.Ready(now)
	}
}

func (h *thrifty) Want(_ context.Context, w protocol.Want) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.offline {
		return errors.New("not connected")
	}
	time.AfterFunc(oneWay, func() { h.serve(w) })
	return nil
}

func (h *thrifty) serve(w protocol.Want) {
	for _, it := range w.Items {
		content := h.held[it.Digest]
		if it.List {
			list := protocol.ChunkList(content)
			for n := 0; n*protocol.ChunkSize < len(list); n++ {
				h.hand(it.Digest, protocol.Chunk{List: true, N: uint64(n), Data: part(list, n)})
			}
		}
		for _, r := range it.Ranges {
			for n := r.First; n <= r.Last; n++ {
				h.hand(it.Digest, protocol.Chunk{N: n, Data: part(content, int(n))})
			}
		}
	}
}

func (h *thrifty) hand(d protocol.Digest, chunk protocol.Chunk) {
	topic := protocol.ChunkTopic(d, chunk)
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	since, reads := h.since[protocol.ContentFilter(d)]
	if at, ok := h.handed[topic]; ok && now.Sub(at) < flying && (!reads || since.Before(at)) {
		return
	}
	h.handed[topic] = now
	if !reads {
		return
	}
	time.AfterFunc(oneWay, func() { h.deliver(h.cache, d, chunk) })
}

// Whatever a device needs from one moment to the next, it asks for nothing that does
// not come: nothing waits for the repetition of a request.
func TestNeedsThatChangeQuicklyWaitForNoRepetition(t *testing.T) {
	contents := [][]byte{noise(100), noise(5000), noise(70_000), noise(400_000)}
	dir := t.TempDir()
	few := rapid.SliceOfNDistinct(rapid.IntRange(0, len(contents)-1), 0, len(contents), rapid.ID[int])
	rapid.Check(t, func(rt *rapid.T) {
		var needs [][]int
		var pauses []time.Duration
		for range rapid.IntRange(1, 20).Draw(rt, "changes") {
			needs = append(needs, few.Draw(rt, "needs"))
			pauses = append(pauses, time.Duration(rapid.IntRange(0, 40).Draw(rt, "ms"))*time.Millisecond)
		}
		missing := 0
		synctest.Test(t, func(t *testing.T) {
			h := newThrifty(t, contents...)
			at := open(t, dir, h.far, func(c *cache.Config) { c.Network, c.Limit = h, 1 })
			defer at.stop()
			need := func(few []int) {
				var needs []protocol.Content
				for _, i := range few {
					needs = append(needs, protocol.ContentOf(contents[i]))
				}
				at.cache.Need(needs)
			}
			for i := range needs {
				need(needs[i])
				time.Sleep(pauses[i])
			}
			need([]int{0, 1, 2, 3})
			time.Sleep(flying - 100*time.Millisecond)
			synctest.Wait()
			missing = at.cache.Missing()
			at.cache.Need(nil) // all of it is removed for the next time
			time.Sleep(10 * oneWay)
			synctest.Wait()
		})
		if missing > 0 {
			rt.Errorf("%d missing", missing)
		}
	})
}

// A request that could not leave goes out as soon as the hub is reached again, however
// long that took.
func TestRequestsGoOutAgainWhenTheHubIsReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := noise(50_000)
		h := newThrifty(t, b)
		h.offline = true
		at := open(t, t.TempDir(), h.far, func(c *cache.Config) { c.Network = h })
		defer at.stop()
		at.cache.Need([]protocol.Content{protocol.ContentOf(b)})
		time.Sleep(time.Hour) // the connection for content is there all the time
		h.mu.Lock()
		h.offline = false
		h.mu.Unlock()
		began := time.Now()
		at.cache.Online()
		at.await(t, b)
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
