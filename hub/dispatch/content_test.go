package dispatch

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/protocol"
)

// line keeps what was published, and to whom.
type line struct {
	broadcasts bool

	mu     sync.Mutex
	topics map[string]int       // messages
	to     map[string]int       // bytes to each client
	lacks  map[string]time.Time // by client
	taken  bool                 // connections have taken all that they were handed
}

func newLine() *line {
	return &line{topics: map[string]int{}, to: map[string]int{}, lacks: map[string]time.Time{}}
}

func (l *line) PublishTo(clientIDs []string, topic string, payload []byte, _ byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.topics[topic]++
	for _, id := range clientIDs {
		l.to[id] += len(payload)
	}
	return nil
}

func (l *line) Broadcasts() bool { return l.broadcasts }

func (l *line) Backlog() int { return 0 }

func (l *line) Queued(client string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.taken {
		return 0
	}
	return l.to[client]
}

func (l *line) MayLack(client string, since time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lacks[client].After(since)
}

func (l *line) Publish(string, []byte, byte) error { return nil }

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

// running starts a sender of which only run touches what it holds.
func running(t *testing.T, l *line, s *shelf) *contentSender {
	c := newContentSender(l, s, slog.New(slog.DiscardHandler))
	var wg sync.WaitGroup
	ctx, end := context.WithCancel(t.Context())
	t.Cleanup(func() {
		end()
		wg.Wait()
	})
	wg.Go(func() { c.run(ctx) })
	return c
}

// chunks is a wish for chunks first to last.
func chunks(d protocol.Digest, window, first, last uint64) protocol.Want {
	item := protocol.WantItem{Digest: d, Ranges: []protocol.Range{{First: first, Last: last}}}
	return protocol.Want{Items: []protocol.WantItem{item}, Window: window * protocol.ChunkSize}
}

// Those who ask together are answered once, each up to its window, and content is
// read through once for all. Whoever asks again gets nothing while it is under way
// to it, but at once what its connection left out.
func TestWhoAskTogetherAreAnsweredOnce(t *testing.T) {
	s := &shelf{dir: t.TempDir()}
	d := s.put(t, bytes.Repeat([]byte("x"), 5*protocol.ChunkSize))
	chunk := func(n uint64) string { return protocol.ChunkTopic(d, protocol.Chunk{N: n}) }
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		c := running(t, l, s)
		sent := func(why string, want map[string]int) {
			t.Helper()
			time.Sleep(2 * gather)
			synctest.Wait()
			l.mu.Lock()
			defer l.mu.Unlock()
			if diff := cmp.Diff(want, l.topics); diff != "" {
				t.Errorf("%s: %s", why, diff)
			}
			clear(l.topics)
		}
		const window = 3
		crowd := flightMost/(window*protocol.ChunkSize) - 1 // there is room for them and one more
		for i := range crowd {
			w := chunks(d, window, 0, 4) // the list takes a little of the window
			w.Items[0].List = true
			c.want(protocol.DeviceID(fmt.Sprintf("loa-%d", i)), w)
		}
		c.want("loa-last", chunks(d, 1, 4, 4))
		sent("together", map[string]int{
			protocol.ChunkTopic(d, protocol.Chunk{List: true}): 1, chunk(0): 1, chunk(1): 1, chunk(2): 1, chunk(4): 1,
		})
		c.want("loa-7", chunks(d, 1, 2, 2))
		sent("under way", map[string]int{})
		l.mu.Lock()
		l.lacks["loa-7.bulk"] = time.Now()
		l.mu.Unlock()
		c.want("loa-7", chunks(d, 1, 2, 2))
		sent("left out", map[string]int{chunk(2): 1})
		c.want("loa-late", chunks(d, 2, 1, 2))
		sent("late", map[string]int{chunk(1): 1, chunk(2): 1})
		time.Sleep(flying)
		c.want("loa-7", chunks(d, 1, 2, 2))
		sent("much later", map[string]int{chunk(2): 1})
		if s.reads != 1 {
			t.Errorf("read through %d times", s.reads)
		}
	})
}

// A device that asks for more before it was answered gets all that it asked for.
func TestAWishIsNotForgottenForTheNextOne(t *testing.T) {
	s := &shelf{dir: t.TempDir()}
	d := s.put(t, bytes.Repeat([]byte("x"), 5*protocol.ChunkSize))
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		c := running(t, l, s)
		want := map[string]int{}
		for n := range uint64(4) {
			c.want("loa-1", chunks(d, 1, n, n))
			want[protocol.ChunkTopic(d, protocol.Chunk{N: n})] = 1
		}
		time.Sleep(2 * gather)
		synctest.Wait()
		if diff := cmp.Diff(want, l.topics); diff != "" {
			t.Error(diff)
		}
	})
}

// However many ask while others are served, each is heard: who had to ask once more
// would do so after two seconds.
func TestNobodyIsUnheardAmongMany(t *testing.T) {
	s := &shelf{dir: t.TempDir()}
	d := s.put(t, []byte("một"))
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		const devices = 5000
		c := newContentSender(l, s, slog.New(slog.DiscardHandler))
		for i := range devices { // before the sender looks
			c.want(protocol.DeviceID(fmt.Sprintf("loa-%d", i)), chunks(d, 1, 0, 0))
		}
		ctx, end := context.WithCancel(t.Context())
		defer end()
		go c.run(ctx)
		time.Sleep(flying)
		synctest.Wait()
		if len(l.to) != devices {
			t.Errorf("%d devices of %d were served", len(l.to), devices)
		}
	})
}

// However many ask, no more than flightMost is under way: the others wait until those
// who were served ask for more, or have had their time, which is short once their
// connections have taken all.
func TestNoMoreContentIsUnderWayThanMayStandBeforeAnAlert(t *testing.T) {
	s := &shelf{dir: t.TempDir()}
	d := s.put(t, bytes.Repeat([]byte("x"), 32*protocol.ChunkSize))
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		c := running(t, l, s)
		const devices, window = 200, 16
		for i := range devices {
			c.want(protocol.DeviceID(fmt.Sprintf("loa-%d", i)), chunks(d, window, 0, window-1))
		}
		served := func() []string {
			synctest.Wait()
			l.mu.Lock()
			defer l.mu.Unlock()
			return slices.Collect(maps.Keys(l.to))
		}
		atOnce := flightMost / (window * protocol.ChunkSize)
		time.Sleep(2 * gather)
		first := served()
		if len(first) != atOnce {
			t.Errorf("%d devices served at once, want %d", len(first), atOnce)
		}
		for _, client := range first[:5] {
			id, _, _ := strings.Cut(client, ".")
			c.want(protocol.DeviceID(id), chunks(d, window, window, 2*window-1))
		}
		time.Sleep(2 * gather)
		if n := len(served()); n != atOnce+5 {
			t.Errorf("%d devices served after five have asked for more, want %d", n, atOnce+5)
		}
		time.Sleep(2 * takenTime)
		if n := len(served()); n != atOnce+5 {
			t.Errorf("%d devices served while nothing was taken, want %d", n, atOnce+5)
		}
		l.mu.Lock()
		l.taken = true
		l.mu.Unlock()
		time.Sleep(gather)
		if n := len(served()); n != 2*atOnce+5 {
			t.Errorf("%d devices served after all was taken, want %d", n, 2*atOnce+5)
		}
		time.Sleep(devices / time.Duration(atOnce) * 2 * takenTime)
		if n := len(served()); n != devices {
			t.Errorf("%d devices served in the end, want %d", n, devices)
		}
	})
}

// On slow lines a wish waits for longer than a round that nobody asks for lasts.
func TestAWishOutlivesItsRound(t *testing.T) {
	l, s := newLine(), &shelf{dir: t.TempDir()}
	d := s.put(t, []byte("short"))
	c := newContentSender(l, s, slog.New(slog.DiscardHandler))
	c.take(wish{"d", chunks(d, protocol.ChunkSize, 0, 0)})
	c.tidy(time.Now().Add(2 * roundIdle))
	c.answer(t.Context())
	if l.to[protocol.Client{Device: "d", Bulk: true}.String()] == 0 {
		t.Error("nothing was sent")
	}
}

// Over a broker that sends everything to all, a part goes out once however many ask.
func TestABroadcastIsNotRepeatedForEachOfMany(t *testing.T) {
	s := &shelf{dir: t.TempDir()}
	d := s.put(t, bytes.Repeat([]byte("x"), 16*protocol.ChunkSize))
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		l.broadcasts = true
		c := running(t, l, s)
		want := map[string]int{}
		for n := range uint64(16) {
			want[protocol.ChunkTopic(d, protocol.Chunk{N: n})] = 1
		}
		for i := range 500 {
			c.want(protocol.DeviceID(fmt.Sprintf("loa-%d", i)), chunks(d, 16, 0, 15))
		}
		time.Sleep(10 * flightTime)
		synctest.Wait()
		if diff := cmp.Diff(want, l.topics); diff != "" {
			t.Error(diff)
		}
	})
}

// Ranges that no content has are answered with nothing, at once.
func TestRangesBeyondTheEndBringNothing(t *testing.T) {
	s := &shelf{dir: t.TempDir()}
	d := s.put(t, []byte("một"))
	l := newLine()
	c := newContentSender(l, s, slog.New(slog.DiscardHandler))
	for _, first := range []uint64{1, 1 << 50, 1<<63 + 1, math.MaxUint64} {
		c.take(wish{"loa-1", chunks(d, 1<<40, first, math.MaxUint64)})
		c.answer(t.Context())
	}
	if len(l.topics) > 0 {
		t.Errorf("sent %v", l.topics)
	}
}

// A window is counted in bytes that are sent: two short texts before a sound leave
// room for the sound's list in the smallest window.
func TestShortContentsLeaveRoomInTheWindow(t *testing.T) {
	s := &shelf{dir: t.TempDir()}
	short := []protocol.Digest{s.put(t, []byte("một")), s.put(t, []byte("hai"))}
	sound := s.put(t, bytes.Repeat([]byte("x"), 9*protocol.ChunkSize))
	l := newLine()
	c := newContentSender(l, s, slog.New(slog.DiscardHandler))
	want := protocol.Want{Window: 2 * protocol.ChunkSize}
	topics := map[string]int{}
	for _, d := range short {
		want.Items = append(want.Items, protocol.WantItem{Digest: d, Ranges: []protocol.Range{{}}})
		topics[protocol.ChunkTopic(d, protocol.Chunk{})] = 1
	}
	want.Items = append(want.Items, protocol.WantItem{Digest: sound, List: true})
	topics[protocol.ChunkTopic(sound, protocol.Chunk{List: true})] = 1
	c.take(wish{"loa-1", want})
	c.answer(t.Context())
	if diff := cmp.Diff(topics, l.topics); diff != "" {
		t.Error(diff)
	}
}

// A device takes no chunk before it has the list: one that a broker elsewhere sent to
// all before it asked for chunks is not under way to it, though it had asked for the list.
func TestChunksBeforeTheListAreSentAgainAtOnce(t *testing.T) {
	s := &shelf{dir: t.TempDir()}
	d := s.put(t, bytes.Repeat([]byte("x"), protocol.ChunkSize+1))
	list := protocol.Want{Window: 4 * protocol.ChunkSize, Items: []protocol.WantItem{{Digest: d, List: true}}}
	rest := chunks(d, 4, 0, 1)
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		l.broadcasts = true
		c := newContentSender(l, s, slog.New(slog.DiscardHandler))
		for _, w := range []wish{{"loa-fast", list}, {"loa-slow", list}, {"loa-fast", rest}, {"loa-slow", rest}, {"loa-slow", rest}, {"loa-fast", rest}} {
			c.take(w)
			c.answer(t.Context())
			time.Sleep(time.Millisecond)
		}
		want := map[string]int{
			protocol.ChunkTopic(d, protocol.Chunk{List: true}): 2, // to each as it came
			protocol.ChunkTopic(d, protocol.Chunk{}):           2,
			protocol.ChunkTopic(d, protocol.Chunk{N: 1}):       2,
		}
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
