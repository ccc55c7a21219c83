package dispatch

import (
	"bytes"
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

// line keeps what was published.
type line struct {
	mu     sync.Mutex
	topics map[string]int
}

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
// read through once for all.
func TestWhoAskTogetherAreAnsweredOnce(t *testing.T) {
	s := &shelf{dir: t.TempDir()}
	d := s.put(t, bytes.Repeat([]byte("x"), 5*protocol.ChunkSize))
	synctest.Test(t, func(t *testing.T) {
		l := &line{topics: map[string]int{}}
		c := newContentSender(l, s, slog.New(slog.DiscardHandler))
		var wg sync.WaitGroup
		wg.Go(func() { c.run(t.Context()) })
		item := protocol.WantItem{Digest: d, List: true, Ranges: []protocol.Range{{First: 0, Last: 4}}}
		for range 200 {
			c.want(protocol.Want{Items: []protocol.WantItem{item}, Window: 3 * protocol.ChunkSize})
		}
		c.want(protocol.Want{Items: []protocol.WantItem{{Digest: d, Ranges: []protocol.Range{{First: 4, Last: 4}}}}, Window: protocol.ChunkSize})
		time.Sleep(2 * gather)
		synctest.Wait()
		want := map[string]int{}
		for n := range uint64(2) { // the list takes a little of the window
			want[protocol.ChunkTopic(d, protocol.Chunk{N: n})] = 1
		}
		want[protocol.ChunkTopic(d, protocol.Chunk{N: 2})] = 1
		want[protocol.ChunkTopic(d, protocol.Chunk{N: 4})] = 1
		want[protocol.ChunkTopic(d, protocol.Chunk{List: true})] = 1
		l.mu.Lock()
		defer l.mu.Unlock()
		if diff := cmp.Diff(want, l.topics); diff != "" {
			t.Error(diff)
		}
		if s.reads != 1 {
			t.Errorf("read through %d times", s.reads)
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
