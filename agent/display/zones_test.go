package display_test

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/protocol/page"
)

// pane is an output in memory that keeps its picture and counts.
type pane struct {
	glass
	mu   sync.Mutex
	last *page.Frame
}

func (p *pane) Size() (int, int) { return 320, 32 }

func (p *pane) Show(ctx context.Context, f *page.Frame, dirty image.Rectangle) error {
	p.mu.Lock()
	p.last = &page.Frame{W: f.W, H: f.H, Pix: append([]uint8(nil), f.Pix...)}
	p.mu.Unlock()
	return p.glass.Show(ctx, f, dirty)
}

// part returns a part of the picture.
func (p *pane) part(at image.Rectangle) *page.Frame {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	f := page.NewFrame(at.Dx(), at.Dy())
	for y := range f.H {
		copy(f.Pix[y*f.W:(y+1)*f.W], p.last.Pix[(at.Min.Y+y)*p.last.W+at.Min.X:])
	}
	return f
}

func standby(t *testing.T, w, h int, name string) []page.Page {
	t.Helper()
	pages, err := page.Standby(page.Board{Width: w, Height: h, Row: 16}, name)
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// TestZonesStandSideBySideUntilASetTakesTheWholeBoard: a job stands in the main
// zone beside what the others show, with its own digest; pages of the board's size
// cover all of it, and the zones come back after them.
func TestZonesStandSideBySideUntilASetTakesTheWholeBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		main, side := image.Rect(0, 0, 192, 32), image.Rect(192, 0, 320, 32)
		out, asked := &pane{}, new(atomic.Int32)
		b, err := display.New(display.Config{
			Output: out, Main: main, Idle: standby(t, 192, 32, "Xã Bình An"), Log: slog.New(slog.DiscardHandler),
			Sides: []display.Side{{At: side, Clock: func(now time.Time) ([]page.Page, time.Time) {
				asked.Add(1)
				return standby(t, 128, 32, now.Format("15:04")), now.Truncate(time.Minute).Add(time.Minute)
			}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		ended := make(chan display.Event, 9)
		go func() {
			for e := range b.Events() {
				if e.Kind == display.Ended {
					ended <- e
				}
			}
		}()
		same := func(when string, at image.Rectangle, p page.Page) {
			t.Helper()
			if got := out.part(at); got.Digest() != page.Render(p).Digest() {
				t.Errorf("%s: another picture in %v", when, at)
			}
		}
		pages := threePages(t)
		if err := b.Show(display.Job{ID: "a", Pages: pages}); err != nil {
			t.Fatal(err)
		}
		same("job", main, pages[0])
		same("job", side, standby(t, 128, 32, time.Now().Format("15:04"))[0])
		if time.Sleep(time.Minute + time.Second); asked.Load() != 2 {
			t.Errorf("the zone was asked %d times", asked.Load())
		}
		same("a minute later", side, standby(t, 128, 32, time.Now().Format("15:04"))[0])
		if e := <-ended; !e.Whole || len(e.Shown) != 6 || e.Shown[1].Digest != page.Digests(pages)[1] {
			t.Errorf("ended %+v", e)
		}
		whole := standby(t, 320, 32, "Khẩn cấp")
		if err := b.Show(display.Job{ID: "b", Pages: whole}); err != nil {
			t.Fatal(err)
		}
		same("whole board", image.Rect(0, 0, 320, 32), whole[0])
		time.Sleep(page.Length(whole) + time.Second)
		same("afterwards", main, standby(t, 192, 32, "Xã Bình An")[0])
		same("afterwards", side, standby(t, 128, 32, time.Now().Format("15:04"))[0])
	})
}

func TestZonesThatOverlapOrReachOverTheBoardAreRefused(t *testing.T) {
	for _, at := range []image.Rectangle{image.Rect(191, 0, 320, 32), image.Rect(192, 0, 321, 32), {}} {
		_, err := display.New(display.Config{Output: &pane{}, Main: image.Rect(0, 0, 192, 32), Sides: []display.Side{{At: at}}, Log: slog.New(slog.DiscardHandler)})
		if !errors.Is(err, display.ErrSize) {
			t.Errorf("%v: %v", at, err)
		}
	}
}

// TestNothingFlashesOverThreeTimesASecond: however fast sets replace each other,
// at most six pages come up in a second, which are three flashes; the last stands.
func TestNothingFlashesOverThreeTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &pane{}
		b, err := display.New(display.Config{Output: out, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		go func() {
			for range b.Events() {
				continue
			}
		}()
		sets := [][]page.Page{standby(t, 320, 32, "Sáng"), standby(t, 320, 32, "Tối")}
		time.Sleep(time.Second)
		before := out.count()
		for i := range 101 {
			if err := b.Show(display.Job{ID: "a", Pages: sets[i%2]}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := out.count() - before; n > 7 { // the first at once, then six
			t.Errorf("%d pages in a second", n)
		}
		time.Sleep(time.Second)
		if got := out.part(image.Rect(0, 0, 320, 32)); got.Digest() != page.Render(sets[0][0]).Digest() {
			t.Error("the last set does not stand")
		}
	})
}
