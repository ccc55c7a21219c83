package cache_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/cache"
	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
)

// far is the hub at the other end of a bad line: it answers wants with chunks,
// some of them spoiled or lost.
type far struct {
	mu      sync.Mutex
	cache   *cache.Cache
	held    map[protocol.Digest][]byte
	spoil   func(protocol.Chunk) *protocol.Chunk // nil: delivered as it is
	wants   []protocol.Want
	queue   []protocol.Want // not answered yet
	busy    bool
	sent    map[string]int // by topic
	cut     int            // the line breaks after so many chunks; 0: never
	filters []string
}

func newFar(contents ...[]byte) *far {
	f := &far{held: map[protocol.Digest][]byte{}, sent: map[string]int{}}
	for _, b := range contents {
		f.held[protocol.DigestOf(b)] = b
	}
	return f
}

func (f *far) Bulk(filters []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.filters = filters
	c := f.cache
	go func() {
		f.mu.Lock()
		now := f.filters
		f.mu.Unlock()
		c.Ready(now)
	}()
}

func (f *far) Want(_ context.Context, w protocol.Want) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wants = append(f.wants, w)
	f.queue = append(f.queue, w)
	if !f.busy {
		f.busy = true
		go f.answer(f.cache)
	}
	return nil
}

// answer delivers what was wanted, in that order, until nothing is left.
func (f *far) answer(c *cache.Cache) {
	for {
		f.mu.Lock()
		if len(f.queue) == 0 {
			f.busy = false
			f.mu.Unlock()
			return
		}
		w := f.queue[0]
		f.queue = f.queue[1:]
		f.mu.Unlock()
		for _, it := range w.Items {
			f.mu.Lock()
			content := f.held[it.Digest]
			f.mu.Unlock()
			if it.List {
				list := protocol.ChunkList(content)
				for n := 0; n*protocol.ChunkSize < len(list); n++ {
					f.deliver(c, it.Digest, protocol.Chunk{List: true, N: uint64(n), Data: part(list, n)})
				}
			}
			for _, r := range it.Ranges {
				for n := r.First; n <= r.Last; n++ {
					f.deliver(c, it.Digest, protocol.Chunk{N: n, Data: part(content, int(n))})
				}
			}
		}
	}
}

func part(b []byte, n int) []byte {
	return b[n*protocol.ChunkSize : min(len(b), (n+1)*protocol.ChunkSize)]
}

func (f *far) deliver(c *cache.Cache, d protocol.Digest, chunk protocol.Chunk) {
	topic := protocol.ChunkTopic(d, chunk)
	f.mu.Lock()
	f.sent[topic]++
	total := 0
	for _, n := range f.sent {
		total += n
	}
	lost := f.cut > 0 && total > f.cut
	if f.spoil != nil && !lost {
		if other := f.spoil(chunk); other != nil {
			chunk = *other
		}
	}
	f.mu.Unlock()
	b, err := protocol.Marshal(chunk)
	if err == nil && !lost {
		c.Handle(topic, b)
	}
}

func (f *far) total() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.sent {
		n += c
	}
	return n
}

type site struct {
	dir   string
	store *store.Store
	cache *cache.Cache
	there chan protocol.Digest
	fault map[string]bool
	stop  func()
}

// open opens a cache on a real store in dir and runs it.
func open(t *testing.T, dir string, f *far, change func(*cache.Config)) *site {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(store.Config{
		Path: filepath.Join(dir, "agent.db"), Marker: filepath.Join(dir, "marker"), Entropy: rand.Reader, Log: log, Now: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	at := &site{dir: dir, store: s, there: make(chan protocol.Digest, 100), fault: map[string]bool{}}
	cfg := cache.Config{
		Dir: filepath.Join(dir, "cache"), State: s, Network: f, Log: log,
		Changed: func(d protocol.Digest, there bool) {
			if there {
				at.there <- d
			}
		},
		Fault: func(name string, on bool) { at.fault[name] = on },
	}
	if change != nil {
		change(&cfg)
	}
	if at.cache, err = cache.New(cfg); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	f.cache = at.cache
	f.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- at.cache.Run(ctx) }()
	at.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(at.stop)
	return at
}

func (at *site) await(t *testing.T, b []byte) {
	t.Helper()
	select {
	case d := <-at.there:
		if d != protocol.DigestOf(b) {
			t.Fatal("another content came first")
		}
	case <-time.After(time.Hour): // of the bubble's time
		t.Fatal("content never came")
	}
	got, err := at.cache.Bytes(protocol.DigestOf(b), len(b))
	if err != nil || !bytes.Equal(got, b) {
		t.Fatalf("content differs: %v", err)
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = mathrand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}).Read(b)
	return b
}

func TestContentComesInOrderOfUrgencyWithinTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		urgent, later, small := noise(900_000), noise(300_000), noise(700)
		f := newFar(urgent, later, small)
		at := open(t, t.TempDir(), f, func(c *cache.Config) { c.Window = 128 << 10 })
		at.cache.Need([]protocol.Content{protocol.ContentOf(small), protocol.ContentOf(urgent), protocol.ContentOf(later)})
		at.await(t, small)
		at.await(t, urgent)
		at.await(t, later)
		synctest.Wait()
		if at.cache.Missing() != 0 {
			t.Errorf("%d missing", at.cache.Missing())
		}
		for topic, n := range f.sent {
			if n != 1 {
				t.Errorf("%s came %d times", topic, n)
			}
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if first := f.wants[0].Items[0]; first.Digest != protocol.DigestOf(small) || first.List || len(first.Ranges) != 1 {
			t.Errorf("a small document takes more than one round trip: %+v", first)
		}
		for _, w := range f.wants {
			if err := w.Validate(); err != nil {
				t.Error(err)
			}
			bytes := 0
			for _, it := range w.Items {
				for _, r := range it.Ranges {
					bytes += int(r.Last-r.First+1) * protocol.ChunkSize
				}
			}
			if bytes > 128<<10+protocol.ChunkSize {
				t.Errorf("asked for %d bytes at once", bytes)
			}
		}
		if len(f.filters) != 0 {
			t.Errorf("still reads %v", f.filters)
		}
	})
}

func TestAFetchGoesOnWhereAKillLeftIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := noise(2_000_000)
		f := newFar(b)
		f.cut = 60
		at := open(t, dir, f, nil)
		at.cache.Need([]protocol.Content{protocol.ContentOf(b)})
		synctest.Wait()
		if at.cache.Has(protocol.DigestOf(b)) {
			t.Fatal("whole, though the line was cut")
		}
		// A kill: the state on the disk as it is now, without what Run saves at its end.
		copied := t.TempDir()
		if err := os.CopyFS(filepath.Join(copied, "cache"), os.DirFS(filepath.Join(dir, "cache"))); err != nil {
			t.Fatal(err)
		}
		at.stop()
		db, err := os.ReadFile(filepath.Join(dir, "agent.db"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(copied, "agent.db"), db, 0o600); err != nil {
			t.Fatal(err)
		}
		before := f.total()
		again := newFar(b)
		after := open(t, copied, again, nil)
		after.cache.Need([]protocol.Content{protocol.ContentOf(b)})
		after.await(t, b)
		chunks := protocol.ContentOf(b).Count()
		if again.total() > chunks-40 {
			t.Errorf("%d chunks again of %d, though %d had come", again.total(), chunks, before)
		}
		after.stop()
		// What is whole is never fetched again.
		third := newFar(b)
		last := open(t, copied, third, nil)
		last.cache.Need([]protocol.Content{protocol.ContentOf(b)})
		synctest.Wait()
		if third.total() != 0 || !last.cache.Has(protocol.DigestOf(b)) {
			t.Errorf("%d chunks of a whole content", third.total())
		}
	})
}

func TestAWrongChunkIsNotWrittenAndAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := noise(400_000)
		f := newFar(b)
		spoiled := map[uint64]bool{}
		f.spoil = func(c protocol.Chunk) *protocol.Chunk {
			if spoiled[c.N] || c.N%5 != 3 && !c.List {
				return nil
			}
			spoiled[c.N] = true
			c.Data = bytes.Repeat([]byte{1}, len(c.Data))
			return &c
		}
		at := open(t, t.TempDir(), f, nil)
		at.cache.Need([]protocol.Content{protocol.ContentOf(b)})
		at.await(t, b)
		if len(spoiled) < 4 {
			t.Fatalf("only %d spoiled", len(spoiled))
		}
	})
}

func TestAChunkListThatIsNotTheDigestsIsRefusedForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, other := noise(100_000), noise(100_001)[:100_000]
		lie := protocol.ContentOf(b)
		lie.Digest = protocol.DigestOf([]byte("something else"))
		f := newFar()
		f.held[lie.Digest] = b
		at := open(t, t.TempDir(), f, nil)
		at.cache.Need([]protocol.Content{lie})
		time.Sleep(time.Hour)
		synctest.Wait()
		if at.cache.Has(lie.Digest) || at.cache.Missing() != 0 || f.total() > 20 {
			t.Errorf("has %v, missing %d, %d chunks sent", at.cache.Has(lie.Digest), at.cache.Missing(), f.total())
		}
		// Whoever names the same digest truly is not held up by the lie.
		true_ := protocol.ContentOf(other)
		f.mu.Lock()
		f.held[true_.Digest] = other
		f.mu.Unlock()
		at.cache.Need([]protocol.Content{lie, true_})
		at.await(t, other)
	})
}

func TestNothingIsAskedBeforeRun(t *testing.T) {
	s, err := store.Open(store.Config{
		Path: filepath.Join(t.TempDir(), "agent.db"), Marker: filepath.Join(t.TempDir(), "marker"), Entropy: rand.Reader, Now: 1,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// A network that is not there yet would panic.
	c, err := cache.New(cache.Config{Dir: t.TempDir(), State: s, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c.Need([]protocol.Content{protocol.ContentOf(noise(100))})
	c.Ready(nil)
	if c.Missing() != 1 {
		t.Errorf("%d missing", c.Missing())
	}
}

func TestUnaskedContentIsLeftAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFar()
		at := open(t, t.TempDir(), f, nil)
		b := noise(100)
		f.deliver(at.cache, protocol.DigestOf(b), protocol.Chunk{Data: b})
		at.cache.Handle("loa/1/c/zz/0", nil)
		at.cache.Handle(protocol.ChunkTopic(protocol.DigestOf(b), protocol.Chunk{}), []byte("junk"))
		synctest.Wait()
		if at.cache.Has(protocol.DigestOf(b)) {
			t.Error("kept")
		}
		files, err := os.ReadDir(filepath.Join(at.dir, "cache"))
		if len(files) != 0 || err != nil {
			t.Errorf("%v %v", files, err)
		}
	})
}

func TestDamageOnTheDiskIsNoticedAndMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := noise(50_000)
		f := newFar(b)
		at := open(t, t.TempDir(), f, nil)
		at.cache.Need([]protocol.Content{protocol.ContentOf(b)})
		at.await(t, b)
		path := filepath.Join(at.dir, "cache", protocol.DigestOf(b).String())
		if err := os.WriteFile(path, noise(50_001)[:50_000], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := at.cache.Open(protocol.DigestOf(b)); !errors.Is(err, cache.ErrMissing) {
			t.Errorf("damaged content opens: %v", err)
		}
		at.await(t, b)
	})
}

func TestOnlyWhatNoPlanNeedsIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, kept, fresh := noise(40_000), noise(50_000), noise(60_000)
		f := newFar(old, kept, fresh)
		at := open(t, t.TempDir(), f, func(c *cache.Config) { c.Limit = 120_000 })
		at.cache.Need([]protocol.Content{protocol.ContentOf(old), protocol.ContentOf(kept)})
		for range 2 {
			<-at.there
		}
		at.cache.Need([]protocol.Content{protocol.ContentOf(kept), protocol.ContentOf(fresh)})
		at.await(t, fresh)
		synctest.Wait()
		if at.cache.Has(protocol.DigestOf(old)) || !at.cache.Has(protocol.DigestOf(kept)) {
			t.Errorf("old %v, kept %v", at.cache.Has(protocol.DigestOf(old)), at.cache.Has(protocol.DigestOf(kept)))
		}
	})
}

// full is a state that has no room for a while.
type full struct {
	*store.Store
	left int
}

func (f *full) PutContent(c store.ContentState) error {
	if f.left > 0 {
		f.left--
		return syscall.ENOSPC
	}
	return f.Store.PutContent(c)
}

func TestAFullDiskIsSaidAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := noise(50_000)
		f := newFar(b)
		var said []bool
		at := open(t, t.TempDir(), f, func(c *cache.Config) {
			c.State = &full{c.State.(*store.Store), 2}
			c.Fault = func(name string, on bool) {
				if name == "storage" && (len(said) == 0 || said[len(said)-1] != on) {
					said = append(said, on)
				}
			}
		})
		at.cache.Need([]protocol.Content{protocol.ContentOf(b)})
		at.await(t, b)
		synctest.Wait()
		if len(said) != 2 || !said[0] || said[1] {
			t.Errorf("fault storage: %v", said)
		}
	})
}

func TestAHubThatDoesNotAnswerIsAskedEverMoreSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := noise(100)
		f := newFar(b)
		f.cut = 1
		f.sent["something"] = 1
		at := open(t, t.TempDir(), f, nil)
		at.cache.Need([]protocol.Content{protocol.ContentOf(b)})
		time.Sleep(time.Hour)
		f.mu.Lock()
		asked := len(f.wants)
		f.cut = 0
		f.mu.Unlock()
		if asked < 25 || asked > 60 {
			t.Errorf("asked %d times in an hour", asked)
		}
		at.await(t, b)
	})
}

// slowCard is a state that waits, as a memory card may, before it has written.
type slowCard struct {
	cache.State
	writing chan struct{} // gets a note when it waits
	done    chan struct{} // is closed when it need not wait any more
}

func (s slowCard) PutContent(c store.ContentState) error {
	select {
	case s.writing <- struct{}{}:
	default:
	}
	<-s.done
	return s.State.PutContent(c)
}

// What is here can be opened, and the plan may change, while a slow card takes its time
// over something else: a start or an alert does not wait for it.
func TestASlowCardHoldsUpNobodyElse(t *testing.T) {
	dir := t.TempDir()
	here, coming := noise(5_000), noise(300_000)
	first := open(t, dir, newFar(here), nil)
	first.cache.Need([]protocol.Content{protocol.ContentOf(here)})
	first.await(t, here)
	first.stop()

	slow := slowCard{writing: make(chan struct{}, 1), done: make(chan struct{})}
	at := open(t, dir, newFar(here, coming), func(c *cache.Config) {
		slow.State = c.State
		c.State = slow
	})
	release := sync.OnceFunc(func() { close(slow.done) })
	t.Cleanup(release) // before the cache is closed
	at.cache.Need([]protocol.Content{protocol.ContentOf(here), protocol.ContentOf(coming)})
	<-slow.writing
	answered := make(chan error, 1)
	go func() {
		_, err := at.cache.Bytes(protocol.DigestOf(here), len(here))
		at.cache.Need([]protocol.Content{protocol.ContentOf(coming)})
		at.cache.Missing()
		answered <- err
	}()
	select {
	case err := <-answered:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("waits for the card")
	}
	release()
	at.await(t, coming)
}
