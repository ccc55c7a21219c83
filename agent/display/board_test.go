package display_test

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// glass is an output in memory.
type glass struct {
	mu     sync.Mutex
	shown  []protocol.Digest
	takes  time.Duration // how long Show takes
	err    error         // what Show returns
	back   bool          // whether it can be read back
	other  bool          // it shows something else
	bright int
}

func (g *glass) Size() (int, int)       { return 192, 32 }
func (g *glass) Format() string         { return "memory" }
func (g *glass) Health() display.Health { return display.Health{Link: g.back} }
func (g *glass) Close() error           { return nil }
func (g *glass) set(f func())           { g.mu.Lock(); f(); g.mu.Unlock() }
func (g *glass) count() (n int)         { g.set(func() { n = len(g.shown) }); return n }

func (g *glass) Brightness(percent int) error { g.set(func() { g.bright = percent }); return nil }

func (g *glass) Show(ctx context.Context, f *page.Frame, _ image.Rectangle) (err error) {
	var takes time.Duration
	g.set(func() { takes, err = g.takes, g.err })
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	g.set(func() { g.shown = append(g.shown, f.Digest()) })
	return err
}

func (g *glass) ReadBack() (d protocol.Digest, ok bool) {
	g.set(func() {
		if d, ok = g.shown[len(g.shown)-1], g.back; g.other {
			d[0]++
		}
	})
	return d, ok
}

// three pages of 4 s each, so that two passes last 24 s
func threePages(t *testing.T) []page.Page {
	t.Helper()
	pages, _, err := page.Compose(page.Board{Width: 192, Height: 32, Row: 16}, page.Text{
		Kind: page.Notice, Body: "Một một một một một một\nHai\nBa\nBốn\nNăm\nSáu",
	})
	if err != nil || len(pages) != 3 || page.Length(pages) != 24*time.Second {
		t.Fatalf("%d pages, %v: %v", len(pages), page.Length(pages), err)
	}
	return pages
}

// start runs a board on g; everything it says is kept for said.
func start(t *testing.T, g *glass, idle ...page.Page) (b *display.Board, said func() []display.Event) {
	t.Helper()
	b, err := display.New(display.Config{Output: g, Idle: idle, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var events []display.Event
	go func() { // ends with Close
		for e := range b.Events() {
			mu.Lock()
			events = append(events, e)
			mu.Unlock()
		}
	}()
	return b, func() []display.Event {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(events)
	}
}

func kinds(events []display.Event) (ks []display.EventKind) {
	for _, e := range events {
		ks = append(ks, e.Kind)
	}
	return ks
}

func show(t *testing.T, b *display.Board, j display.Job) {
	t.Helper()
	if err := b.Show(j); err != nil {
		t.Fatal(err)
	}
}

func TestPagesStandForTheirDwellTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &glass{}
		b, said := start(t, g)
		defer b.Close()
		pages, from := threePages(t), time.Now()
		show(t, b, display.Job{ID: "a", Pages: pages})
		time.Sleep(23 * time.Second)
		if got := kinds(said()); !cmp.Equal(got, []display.EventKind{display.Begun}) {
			t.Fatalf("after 23 s: %v", got)
		}
		time.Sleep(time.Second)
		events := said()
		if len(events) != 2 || !events[0].At.Equal(from) || !events[1].At.Equal(from.Add(24*time.Second)) {
			t.Fatalf("events %+v", events)
		}
		var want []display.Showing
		digests := page.Digests(pages)
		for i := range 6 {
			want = append(want, display.Showing{Page: i % 3, At: from.Add(time.Duration(4*i) * time.Second), Digest: digests[i%3], Proof: protocol.ProofRendered})
		}
		if diff := cmp.Diff(display.Event{Kind: display.Ended, Job: "a", At: events[1].At, Shown: want, Whole: true}, events[1]); diff != "" {
			t.Errorf("end (-want +got):\n%s", diff)
		}
		time.Sleep(time.Second / 6)
		if said(); b.Status().Job != "" {
			t.Errorf("still shows %v", b.Status())
		}
	})
}

func TestIdlePagesStandWhenNothingIsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idle, err := page.Standby(page.Board{Width: 192, Height: 32, Row: 16}, "Xã Bình An")
		if err != nil {
			t.Fatal(err)
		}
		g := &glass{}
		b, said := start(t, g, idle...)
		defer b.Close()
		said()
		if got, want := b.Status().Shown.Digest, page.Digests(idle)[0]; got != want {
			t.Errorf("shows %v before the job, want %v", got, want)
		}
		show(t, b, display.Job{ID: "a", Pages: threePages(t)})
		time.Sleep(24*time.Second + time.Second/6)
		said()
		if got, want := b.Status().Shown.Digest, page.Digests(idle)[0]; got != want {
			t.Errorf("shows %v after the job, want %v", got, want)
		}
	})
}

// TestNothingComesUpBetweenTwoJobs: what follows a job at once, or cuts it, is not held up
// by idle pages that flash up between them.
func TestNothingComesUpBetweenTwoJobs(t *testing.T) {
	for name, stop := range map[string]bool{"ended": false, "stopped": true} {
		synctest.Test(t, func(t *testing.T) {
			idle, err := page.Standby(page.Board{Width: 192, Height: 32, Row: 16}, "Xã Bình An")
			if err != nil {
				t.Fatal(err)
			}
			g, pages := &glass{}, threePages(t)
			b, said := start(t, g, idle...)
			defer b.Close()
			show(t, b, display.Job{ID: "a", Pages: pages})
			if stop {
				time.Sleep(10 * time.Second)
				if err := b.Stop("a"); err != nil {
					t.Fatal(err)
				}
			} else {
				time.Sleep(24 * time.Second)
			}
			said()
			time.Sleep(20 * time.Millisecond) // what is stored before the next one begins
			n, at := g.count(), time.Now()
			show(t, b, display.Job{ID: "b", Pages: pages[:1]})
			events := said()
			if e := events[len(events)-1]; e.Kind != display.Begun || e.Job != "b" || !e.At.Equal(at) || g.count() != n+1 {
				t.Errorf("%s: %d frames came up before it, %+v", name, g.count()-n-1, e)
			}
			g.set(func() {
				if slices.Contains(g.shown[1:], page.Digests(idle)[0]) {
					t.Errorf("%s: idle pages flashed up", name)
				}
			})
		})
	}
}

func TestStopEndsOnlyItsJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &glass{}
		b, said := start(t, g)
		defer b.Close()
		show(t, b, display.Job{ID: "a", Pages: threePages(t)})
		time.Sleep(5 * time.Second)
		if err := b.Stop("b"); err != nil {
			t.Fatal(err)
		}
		if got := said(); len(got) != 1 {
			t.Fatalf("after another job's stop: %+v", got)
		}
		if err := b.Stop("a"); err != nil {
			t.Fatal(err)
		}
		got := said()
		if len(got) != 2 || got[1].Kind != display.Ended || got[1].Whole || len(got[1].Shown) != 2 || got[1].Missed != 4 {
			t.Errorf("events %+v", got)
		}
	})
}

func TestANewJobEndsTheOldOneAtItsBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &glass{}
		b, said := start(t, g)
		defer b.Close()
		from := time.Now()
		show(t, b, display.Job{ID: "a", Pages: threePages(t)})
		show(t, b, display.Job{ID: "b", Pages: threePages(t)[:1], Begin: from.Add(6 * time.Second)})
		time.Sleep(20 * time.Second)
		type said3 struct {
			Kind display.EventKind
			Job  string
			At   time.Duration
		}
		var got []said3
		for _, e := range said() {
			got = append(got, said3{e.Kind, e.Job, e.At.Sub(from)})
		}
		want := []said3{
			{display.Begun, "a", 0},
			{display.Ended, "a", 6 * time.Second},
			{display.Begun, "b", 6 * time.Second},
			{display.Ended, "b", 14 * time.Second},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestALateStartEntersWhereTheSetWouldBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &glass{}
		b, said := start(t, g)
		defer b.Close()
		show(t, b, display.Job{ID: "a", Pages: threePages(t), Begin: time.Now().Add(-5 * time.Second)})
		time.Sleep(20 * time.Second)
		got := said()
		if len(got) != 2 || got[1].Whole || got[1].Shown[0].Page != 1 || len(got[1].Shown) != 5 || got[1].Missed != 1 {
			t.Errorf("events %+v", got)
		}
	})
}

func TestUntilRepeatsAndCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &glass{}
		b, said := start(t, g)
		defer b.Close()
		show(t, b, display.Job{ID: "a", Pages: threePages(t), Until: time.Now().Add(61 * time.Second)})
		time.Sleep(62 * time.Second)
		got := said()
		if len(got) != 2 || len(got[1].Shown) != 16 || !got[1].Whole {
			t.Errorf("events %+v", got)
		}
	})
}

func TestASlowOutputLosesPagesAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &glass{takes: 3 * time.Second}
		b, said := start(t, g)
		defer b.Close()
		show(t, b, display.Job{ID: "a", Pages: threePages(t)})
		time.Sleep(30 * time.Second)
		got := said()
		end := got[len(got)-1]
		if end.Kind != display.Ended || end.Whole || end.Missed != 6 {
			t.Errorf("pages that came up 3 s late count as shown: %+v", end)
		}
	})
}

func TestAStalledOutputIsAFaultAndItsReturnToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &glass{}
		b, said := start(t, g)
		defer b.Close()
		said()
		g.set(func() { g.takes = 17 * time.Second })
		show(t, b, display.Job{ID: "a", Pages: threePages(t), Until: time.Now().Add(time.Minute)})
		time.Sleep(6 * time.Second)
		got := said()
		if len(got) != 1 || !errors.Is(got[0].Err, display.ErrStalled) {
			t.Fatalf("after 6 s: %+v", got)
		}
		g.set(func() { g.takes = 0 })
		time.Sleep(12 * time.Second)
		if got = said(); len(got) != 3 || got[1].Kind != display.Fault || got[1].Err != nil || got[2].Kind != display.Begun {
			t.Errorf("after its return: %+v", got)
		}
	})
}

func TestAFailedPageIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("no controller")
		g := &glass{}
		b, said := start(t, g)
		defer b.Close()
		said()
		g.set(func() { g.err, g.shown = gone, nil })
		show(t, b, display.Job{ID: "a", Pages: threePages(t)})
		time.Sleep(3500 * time.Millisecond)
		got := said()
		if len(got) != 1 || !errors.Is(got[0].Err, gone) || g.count() != 4 {
			t.Fatalf("%d frames, events %+v", g.count(), got)
		}
		g.set(func() { g.err = nil })
		time.Sleep(21 * time.Second)
		if got = said(); len(got) != 4 || got[2].Kind != display.Begun || got[3].Whole || got[3].Missed != 1 {
			t.Errorf("events %+v", got)
		}
	})
}

func TestProofIsNeverMoreThanWasReadBack(t *testing.T) {
	for _, x := range []struct {
		name  string
		glass *glass
		proof protocol.Proof
		err   error
	}{
		{"blind", &glass{}, protocol.ProofRendered, nil},
		{"read back", &glass{back: true}, protocol.ProofShown, nil},
		{"something else", &glass{back: true, other: true}, 0, display.ErrOther},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, said := start(t, x.glass)
			defer b.Close()
			show(t, b, display.Job{ID: "a", Pages: threePages(t)})
			events := said()
			if x.err != nil {
				if len(events) != 1 || !errors.Is(events[0].Err, x.err) {
					t.Errorf("%s: %+v", x.name, events)
				}
				return
			}
			if got := b.Status().Shown.Proof; got != x.proof {
				t.Errorf("%s: proof %v, want %v", x.name, got, x.proof)
			}
		})
	}
}

func TestACrawlMovesAtItsPaceAndASlowOutputSkips(t *testing.T) {
	pages, _, err := page.Compose(page.Board{Width: 192, Height: 32, Row: 16}, page.Text{Kind: page.TwoLine, Title: "Thông báo", Body: "Mời bà con đến họp."})
	if err != nil || pages[0].Crawl == nil {
		t.Fatal(err)
	}
	length := pages[0].Crawl.Length()
	frames := pages[0].Crawl.Frame(length)
	for _, x := range []struct {
		takes     time.Duration
		want      int
		dropped   int
		tolerance int
	}{
		{0, 2 * frames, 0, 2},
		{50 * time.Millisecond, int(2 * length / (50 * time.Millisecond)), 2*frames - int(2*length/(50*time.Millisecond)), 4},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := &glass{}
			b, said := start(t, g)
			defer b.Close()
			said()
			g.set(func() { g.shown, g.takes = nil, x.takes })
			show(t, b, display.Job{ID: "a", Pages: pages})
			time.Sleep(2*length - time.Millisecond)
			n := g.count()
			time.Sleep(10 * time.Millisecond)
			events := said()
			if len(events) != 2 || !events[1].Whole || events[1].Shown[0].Digest != page.Digests(pages)[0] {
				t.Fatalf("events %+v", events)
			}
			if d := events[1].Dropped; n < x.want-x.tolerance || n > x.want+x.tolerance || d < x.dropped-x.tolerance || d > x.dropped+x.tolerance {
				t.Errorf("an output of %v a frame showed %d frames and lost %d, want %d and %d", x.takes, n, d, x.want, x.dropped)
			}
		})
	}
}

func TestTheClockIsAskedAgainWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, asked := &glass{}, 0
		b, err := display.New(display.Config{Output: g, Log: slog.New(slog.DiscardHandler), Clock: func(now time.Time) ([]page.Page, time.Time) {
			asked++
			pages, err := page.Standby(page.Board{Width: 192, Height: 32, Row: 16}, now.Format("15:04"))
			if err != nil {
				t.Error(err)
			}
			return pages, now.Truncate(time.Minute).Add(time.Minute)
		}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5*time.Minute + time.Second)
		want, err := page.Standby(page.Board{Width: 192, Height: 32, Row: 16}, "00:05")
		if err != nil || b.Status().Shown.Digest != page.Digests(want)[0] {
			t.Errorf("another time is shown (%v)", err)
		}
		if err := b.Close(); err != nil || asked != 6 {
			t.Errorf("asked %d times (%v)", asked, err)
		}
	})
}

func TestBrightnessReachesTheOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &glass{}
		b, said := start(t, g)
		defer b.Close()
		b.Brightness(130)
		said()
		g.set(func() {
			if g.bright != 100 {
				t.Errorf("brightness %d", g.bright)
			}
		})
	})
}

func TestJobsThatDoNotFitAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := start(t, &glass{})
		if err := b.Show(display.Job{ID: "a"}); !errors.Is(err, display.ErrEmpty) {
			t.Errorf("no pages: %v", err)
		}
		other := []page.Page{{Board: page.Board{Width: 384, Height: 192, Row: 16}}}
		if err := b.Show(display.Job{ID: "a", Pages: other}); !errors.Is(err, display.ErrSize) {
			t.Errorf("another board's pages: %v", err)
		}
		if _, err := display.New(display.Config{Output: &glass{}, Idle: other}); !errors.Is(err, display.ErrSize) {
			t.Errorf("another board's idle page: %v", err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := b.Show(display.Job{ID: "a", Pages: threePages(t)}); !errors.Is(err, display.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		if err := b.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}
