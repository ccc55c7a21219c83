//go:build linux

package display_test

import (
	"context"
	"image"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/fb"
	"github.com/loa-vn/loa/agent/display/tint"
	"github.com/loa-vn/loa/protocol/page"
)

// timed notes when frames have been shown.
type timed struct {
	display.Output
	mu sync.Mutex
	at []time.Time
}

func (o *timed) Show(ctx context.Context, f *page.Frame, dirty image.Rectangle) error {
	err := o.Output.Show(ctx, f, dirty)
	o.mu.Lock()
	o.at = append(o.at, time.Now())
	o.mu.Unlock()
	return err
}

// memory is a board whose framebuffer is a file.
func memory(b *testing.B, w, h int) *timed {
	b.Helper()
	file := filepath.Join(b.TempDir(), "fb")
	if err := os.WriteFile(file, make([]byte, 4*w*h), 0o600); err != nil {
		b.Fatal(err)
	}
	o, err := fb.New(fb.Config{
		Device: file, Width: w, Height: h, Colour: tint.Amber(),
		Layout: fb.Layout{Width: w, Height: h, Stride: 4 * w, Format: fb.XRGB8888},
	})
	if err != nil {
		b.Fatal(err)
	}
	return &timed{Output: o}
}

// used returns the processor time that this process has used.
func used(b *testing.B) time.Duration {
	b.Helper()
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// alerts is the time from an emergency's text to its pixels in the
// framebuffer of a board that shows a ticker: the 99th percentile of many, in ms.
func alerts(b *testing.B, rounds int) float64 {
	b.Helper()
	size := page.Board{Width: 1920, Height: 1080, Row: 48}
	ticker, _, err := page.Compose(size, page.Text{Kind: page.Ticker, Title: "Thông báo", Body: "Xã Bình An\nMời bà con đến nhà văn hóa thôn."})
	if err != nil {
		b.Fatal(err)
	}
	out := memory(b, size.Width, size.Height)
	board, err := display.New(display.Config{Output: out, Steady: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer board.Close()
	begun := func(id string) display.Event {
		for e := range board.Events() {
			if e.Kind == display.Begun && e.Job == id {
				return e
			}
		}
		b.Fatal("the board ended")
		return display.Event{}
	}
	var took []time.Duration
	for range rounds {
		if err := board.Show(display.Job{ID: "ticker", Pages: ticker}); err != nil {
			b.Fatal(err)
		}
		begun("ticker")
		from := time.Now()
		pages, _, err := page.Compose(size, page.Text{Kind: page.Emergency, Title: "Lũ đang lên nhanh", Body: "Bà con thôn Đông và thôn Đoài rời nhà ngay, đến trường tiểu học.", Sender: "UBND xã Bình An"})
		if err != nil {
			b.Fatal(err)
		}
		if err := board.Show(display.Job{ID: "alert", Pages: pages}); err != nil {
			b.Fatal(err)
		}
		took = append(took, begun("alert").At.Sub(from))
	}
	return p99(took)
}
