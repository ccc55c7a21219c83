package dispatch

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/protocol"
)

// line keeps what was published, and to whom alone.
type line struct {
	mu     sync.Mutex
	topics map[string]int
}

func (l *line) PublishTo(clientID, topic string, _ []byte, _ byte) error {
	return l.Publish(clientID+" "+topic, nil, 0)
}

func (l *line) Backlog() int { return 0 }

func (l *line) Publish(topic string, _ []byte, _ byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.topics[topic]++
	return nil
}

// shelf is a folder of blobs that counts how often it is read through.
type shelf struct {
	dir   string
	mu    sync.Mutex
	reads int
}

func (s *shelf) Open(d protocol.Digest) (*os.File, error) {
	return os.Open(filepath.Join(s.dir, d.String()))
}

func (s *shelf) Chunks(d protocol.Digest) ([]byte, int64, error) {
	s.mu.Lock()
	s.reads++
	s.mu.Unlock()
	b, err := os.ReadFile(filepath.Join(s.dir, d.String()))
	return protocol.ChunkList(b), int64(len(b)), err
}

func (s *shelf) put(t *testing.T, b []byte) protocol.Digest {
	t.Helper()
	d := protocol.DigestOf(b)
	if err := os.WriteFile(filepath.Join(s.dir, d.String()), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// Those who ask together are answered once, each up to its window, and content is
// read through once for all. Whoever asks again gets it alone, but not while it is
// still under way to it; whoever comes later gets it alone at once.
func TestWhoAskTogetherAreAnsweredOnce(t *testing.T) {
	s := &shelf{dir: t.TempDir()}
	d := s.put(t, bytes.Repeat([]byte("x"), 5*protocol.ChunkSize))
	chunk := func(n uint64) string { return protocol.ChunkTopic(d, protocol.Chunk{N: n}) }
	synctest.Test(t, func(t *testing.T) {
		l := &line{topics: map[string]int{}}
		c := newContentSender(l, s, slog.New(slog.DiscardHandler))
		var wg sync.WaitGroup
		ctx, end := context.WithCancel(t.Context())
		defer wg.Wait()
		defer end()
		wg.Go(func() { c.run(ctx) })
		ask := func(device string, window, first, last uint64) {
			item := protocol.WantItem{Digest: d, List: first == 0, Ranges: []protocol.Range{{First: first, Last: last}}}
			c.want(protocol.DeviceID(device), protocol.Want{Items: []protocol.WantItem{item}, Window: window * protocol.ChunkSize})
		}
		sent := func(after time.Duration, want map[string]int) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			l.mu.Lock()
			defer l.mu.Unlock()
			if diff := cmp.Diff(want, l.topics); diff != "" {
				t.Error(diff)
			}
			clear(l.topics)
		}
		for i := range 200 {
			ask(fmt.Sprintf("loa-%d", i), 3, 0, 4) // the list takes a little of the window
		}
		ask("loa-200", 1, 4, 4)
		sent(2*gather, map[string]int{
			protocol.ChunkTopic(d, protocol.Chunk{List: true}): 1, chunk(0): 1, chunk(1): 1, chunk(2): 1, chunk(4): 1,
		})
		ask("loa-7", 1, 2, 2)
		sent(2*gather, map[string]int{}) // it is under way
		ask("loa-late", 2, 1, 2)
		sent(2*gather, map[string]int{"loa-late.bulk " + chunk(1): 1, "loa-late.bulk " + chunk(2): 1})
		time.Sleep(flying)
		ask("loa-7", 1, 2, 2)
		sent(2*gather, map[string]int{"loa-7.bulk " + chunk(2): 1})
		if s.reads != 1 {
			t.Errorf("read through %d times", s.reads)
		}
		time.Sleep(3 * roundIdle)
		ask("loa-9", 1, 2, 2)
		sent(2*gather, map[string]int{chunk(2): 1}) // another wave
	})
}

// A window is counted in bytes that are sent: two short texts before a sound leave
// room for the sound's list in the smallest window.
func TestShortContentsLeaveRoomInTheWindow(t *testing.T) {
	s := &shelf{dir: t.TempDir()}
	short := []protocol.Digest{s.put(t, []byte("một")), s.put(t, []byte("hai"))}
	sound := s.put(t, bytes.Repeat([]byte("x"), 9*protocol.ChunkSize))
	l := &line{topics: map[string]int{}}
	c := newContentSender(l, s, slog.New(slog.DiscardHandler))
	want := protocol.Want{Window: 2 * protocol.ChunkSize}
	topics := map[string]int{}
	for _, d := range short {
		want.Items = append(want.Items, protocol.WantItem{Digest: d, Ranges: []protocol.Range{{}}})
		topics[protocol.ChunkTopic(d, protocol.Chunk{})] = 1
	}
	want.Items = append(want.Items, protocol.WantItem{Digest: sound, List: true})
	topics[protocol.ChunkTopic(sound, protocol.Chunk{List: true})] = 1
	c.serve(t.Context(), []wish{{"loa-1", want}})
	if diff := cmp.Diff(topics, l.topics); diff != "" {
		t.Error(diff)
	}
}

// A device takes no chunk before it has the list: one that went to all before it
// asked for chunks is not under way to it, though it had asked for the list.
func TestChunksBeforeTheListAreSentAgainAtOnce(t *testing.T) {
	s := &shelf{dir: t.TempDir()}
	d := s.put(t, bytes.Repeat([]byte("x"), 2*protocol.ChunkSize))
	list := protocol.Want{Window: 4 * protocol.ChunkSize, Items: []protocol.WantItem{{Digest: d, List: true}}}
	chunks := protocol.Want{Window: 4 * protocol.ChunkSize, Items: []protocol.WantItem{{Digest: d, Ranges: []protocol.Range{{Last: 1}}}}}
	synctest.Test(t, func(t *testing.T) {
		l := &line{topics: map[string]int{}}
		c := newContentSender(l, s, slog.New(slog.DiscardHandler))
		for _, w := range []wish{{"loa-fast", list}, {"loa-slow", list}, {"loa-fast", chunks}, {"loa-slow", chunks}} {
			c.serve(t.Context(), []wish{w})
			time.Sleep(time.Millisecond)
		}
		first, second := protocol.ChunkTopic(d, protocol.Chunk{}), protocol.ChunkTopic(d, protocol.Chunk{N: 1})
		ls := protocol.ChunkTopic(d, protocol.Chunk{List: true})
		want := map[string]int{ls: 1, "loa-slow.bulk " + ls: 1, first: 1, second: 1, "loa-slow.bulk " + first: 1, "loa-slow.bulk " + second: 1}
		if diff := cmp.Diff(want, l.topics); diff != "" {
			t.Error(diff)
		}
	})
}

func TestReconcileHoldsEachDeviceOnceWithItsLastWord(t *testing.T) {
	r := newRounds()
	for n := range uint64(3) {
		for i := range 100 {
			r.add(protocol.Heartbeat{Device: protocol.DeviceID(fmt.Sprintf("loa-%03d", i)), Connection: n})
		}
	}
	for i := range 100 {
		h, ok := r.next()
		if want := protocol.DeviceID(fmt.Sprintf("loa-%03d", i)); !ok || h.Device != want || h.Connection != 2 {
			t.Fatalf("%+v, %t; want %s with its last word", h, ok, want)
		}
		if i == 0 {
			// What a device says while it is served makes another round, afterwards.
			r.add(protocol.Heartbeat{Device: h.Device, Connection: 9})
		}
		if i > 0 {
			r.done(h.Device)
		}
	}
	if h, ok := r.next(); ok {
		t.Errorf("%s is served twice at a time", h.Device)
	}
	r.done("loa-000")
	if h, ok := r.next(); !ok || h.Connection != 9 {
		t.Errorf("%+v, %t; want the word that came meanwhile", h, ok)
	}
}
