package page_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/protocol/page"
)

// still returns a page as it stands when its crawl is half through.
func still(p page.Page) *page.Frame {
	f := page.NewFrame(p.Board.Width, p.Board.Height)
	n := 0
	if p.Crawl != nil {
		n = p.Crawl.Frame(p.Crawl.Length() / 2)
	}
	page.NewReel(p).Draw(f, n)
	return f
}

func twoLines(t *testing.T, body string) page.Page {
	t.Helper()
	pages, ws, err := page.Compose(page.Board{Width: 192, Height: 32, Row: 16}, page.Text{Kind: page.TwoLine, Title: "Thông báo", Body: body})
	if err != nil || len(pages) != 1 || pages[0].Crawl == nil || len(ws) != 0 {
		t.Fatalf("%+v %v %v", pages, ws, err)
	}
	return pages[0]
}

func TestCrawlsCanBeRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		board, text := anyBoard(t), anyText(t)
		text.Kind = rapid.SampledFrom([]page.Kind{page.TwoLine, page.Ticker}).Draw(t, "layout")
		pages, warnings, err := page.Compose(board, text)
		if err != nil {
			return
		}
		c := pages[0].Crawl
		paged := len(warnings) > 0 && warnings[len(warnings)-1].Problem == page.Paged
		for _, w := range warnings {
			paged = paged || w.Problem == page.Paged
		}
		if paged != (c == nil) {
			t.Fatalf("paged %v, crawl %v", paged, c)
		}
		if c == nil {
			return
		}
		frames := c.Frame(c.Length() + time.Nanosecond) // the length is rounded down to one
		strip := frames*c.Step - c.W                    // px, at most a step too many
		n := utf8.RuneCountInString(c.Text)
		seconds := float64(strip) / float64(c.Step*c.Rate)
		if c.Length() > 45*time.Second || c.Step < 1 || float64(n)/seconds > 8.1*float64(strip)/float64(strip-c.Step+1) {
			t.Errorf("%d letters pass in %.1f s, %v in all", n, seconds, c.Length())
		}
		if visible := time.Duration(c.W) * time.Second / time.Duration(c.Step*c.Rate); visible < 3*time.Second {
			t.Errorf("a letter is visible for %v", visible)
		}
		if c.X < 0 || c.X+c.W > board.Width || c.Y < 0 || c.Y+c.Row > board.Height {
			t.Errorf("%+v leaves %+v", c, board)
		}
		for _, f := range []int{0, 1, frames - 1, frames} {
			if got := c.Frame(c.At(f)); got != f {
				t.Errorf("frame %d is due at %v, when frame %d stands", f, c.At(f), got)
			}
		}
	})
}

func TestACrawlMovesByWholePixelsFromEdgeToEdge(t *testing.T) {
	p := twoLines(t, "Mời bà con đến nhà văn hóa thôn.")
	c, reel := p.Crawl, page.NewReel(p)
	now, before := page.NewFrame(192, 32), page.NewFrame(192, 32)
	reel.Draw(before, 0)
	for i, v := range before.Pix[c.Y*192:] {
		if v != 0 {
			t.Fatalf("ink at %d before the text has come in", i)
		}
	}
	inks := 0
	last := c.Frame(c.Length())
	for n := 1; n <= last; n++ {
		reel.Draw(now, n)
		for y := range 32 {
			a, b := before.Pix[y*192:(y+1)*192], now.Pix[y*192:(y+1)*192]
			if y < c.Y && !bytes.Equal(a, b) {
				t.Fatalf("frame %d: the title moves", n)
			}
			if y >= c.Y && !bytes.Equal(a[c.Step:], b[:192-c.Step]) {
				t.Fatalf("frame %d, row %d: not the frame before, %d px on", n, y, c.Step)
			}
			if y >= c.Y {
				inks += bytes.Count(b, []byte{255})
			}
		}
		now, before = before, now
	}
	if inks == 0 || bytes.Contains(before.Pix[c.Y*192:], []byte{255}) {
		t.Errorf("%d px of ink, and the last frame is not dark", inks)
	}
}

func TestAdvanceDrawsWhatDrawDraws(t *testing.T) {
	p := twoLines(t, "Mời bà con đến nhà văn hóa thôn.")
	reel, f := page.NewReel(p), page.NewFrame(192, 32)
	reel.Draw(f, 0)
	for _, n := range []int{5, 90, 40} {
		want := page.NewFrame(192, 32)
		reel.Draw(want, n)
		if zone := reel.Advance(f, n); zone.Dy() != 16 || !bytes.Equal(f.Pix, want.Pix) {
			t.Errorf("frame %d differs, zone %v", n, zone)
		}
	}
}

func TestTextsTooLongToRunBecomePages(t *testing.T) {
	pages, ws, err := page.Compose(page.Board{Width: 192, Height: 32, Row: 16}, page.Text{
		Kind: page.TwoLine, Title: "Thông báo", Body: strings.Repeat("Nộp thuế đất trước cuối tháng. ", 12),
	})
	if err != nil || len(pages) < 3 || len(ws) != 1 || ws[0].Problem != page.Paged {
		t.Errorf("%d pages, %v, %v", len(pages), ws, err)
	}
}

func TestAdvancingAllocatesNothing(t *testing.T) {
	reel, f, n := page.NewReel(twoLines(t, "Mời bà con.")), page.NewFrame(192, 32), 0
	if got := testing.AllocsPerRun(50, func() { n++; reel.Advance(f, n) }); got != 0 {
		t.Errorf("%v allocations a frame", got)
	}
}

// One second of a ticker: at 60 frames for the small board, at 30 for the large.
func BenchmarkTicker(b *testing.B) {
	for _, x := range []struct {
		name  string
		board page.Board
		kind  page.Kind
	}{
		{"192x32", page.Board{Width: 192, Height: 32, Row: 16}, page.TwoLine},
		{"1920x1080", page.Board{Width: 1920, Height: 1080, Row: 96}, page.Ticker},
	} {
		b.Run(x.name, func(b *testing.B) {
			pages, _, err := page.Compose(x.board, page.Text{Kind: x.kind, Title: "Thông báo", Body: "Xã Bình An\nMời bà con đến nhà văn hóa thôn lúc 19:30 tối nay."})
			if err != nil || pages[0].Crawl == nil {
				b.Fatal(err)
			}
			reel, f := page.NewReel(pages[0]), page.NewFrame(x.board.Width, x.board.Height)
			reel.Draw(f, 0)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				reel.Advance(f, i%600)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)*float64(pages[0].Crawl.Rate)/1e7, "%core")
		})
	}
}
