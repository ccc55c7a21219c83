package kiosk_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/kiosk"
	"github.com/loa-vn/loa/agent/display/kiosk/kiosktest"
	"github.com/loa-vn/loa/protocol/page"
)

var _ display.Output = (*kiosk.Output)(nil)

func open(t *testing.T, w, h int, patience time.Duration) *kiosk.Output {
	t.Helper()
	o, err := kiosk.New(kiosk.Config{Listen: "127.0.0.1:0", Width: w, Height: h, Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

// browser is what the page does, in Go. With lie it answers another digest, mute
// it does not answer for frames.
type browser struct {
	o         *kiosk.Output
	lie, mute bool
}

// watch runs until the stream ends.
func (b browser) watch(ctx context.Context, up func()) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.o.URL()+"events", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	up()
	var f *page.Frame
	event := ""
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		name, data, _ := strings.Cut(lines.Text(), ": ")
		if name == "event" {
			event = data
		}
		if name != "data" {
			continue
		}
		var path string
		switch event {
		case "board":
			var w, h int
			if _, err := fmt.Sscan(data, &w, &h); err != nil {
				return err
			}
			f = page.NewFrame(w, h)
			continue
		case "frame":
			var n, y int
			var rows string
			if _, err := fmt.Sscan(data+" .", &n, &y, &rows); err != nil {
				return err
			}
			levels, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(rows, "."))
			if err != nil {
				return err
			}
			copy(f.Pix[y*f.W:], levels)
			path = fmt.Sprintf("drawn?n=%d", n)
			if b.mute {
				continue
			}
		case "ask":
			d := f.Digest()
			if b.lie {
				d[0]++
			}
			path = fmt.Sprintf("digest?k=%s&d=%s", data, d)
		default:
			continue
		}
		if res, err := http.Post(b.o.URL()+path, "", nil); err != nil {
			return err
		} else if res.Body.Close(); res.StatusCode != http.StatusNoContent {
			return errors.New(path + ": " + res.Status)
		}
	}
	return nil
}

// start runs a browser until the test ends, and returns when it is connected.
func (b browser) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	up, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- b.watch(ctx, func() { close(up) }) }()
	select {
	case <-up:
	case err := <-ended:
		t.Fatal(err)
	}
	return func() {
		cancel()
		if err := <-ended; err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}
}

func picture(level uint8) *page.Frame {
	f := page.NewFrame(16, 8)
	f.Pix[20] = level
	return f
}

func TestABrowserDrawsChangedRowsAndAnswersForThem(t *testing.T) {
	o := open(t, 16, 8, 10*time.Second)
	defer browser{o: o}.start(t)()
	for _, x := range []struct {
		level uint8
		dirty image.Rectangle
	}{{0, image.Rect(0, 0, 16, 8)}, {200, image.Rect(0, 1, 16, 2)}, {200, image.Rectangle{}}, {7, image.Rect(4, 1, 5, 2)}} {
		f := picture(x.level)
		if err := o.Show(t.Context(), f, x.dirty); err != nil {
			t.Fatal(err)
		}
		if d, ok := o.ReadBack(); !ok || d != f.Digest() {
			t.Errorf("level %d: read back %v, %v", x.level, d, ok)
		}
	}
	if h := o.Health(); !h.Link || h.Answered.IsZero() || h.Fault != nil {
		t.Errorf("health %+v", h)
	}
}

func TestABrowserThatComesLateGetsThePicture(t *testing.T) {
	o := open(t, 16, 8, 10*time.Second)
	f := picture(99)
	if err := o.Show(t.Context(), f, image.Rect(0, 0, 16, 8)); !errors.Is(err, kiosk.ErrNobody) {
		t.Errorf("nobody looks on: %v", err)
	}
	defer browser{o: o}.start(t)()
	if d, ok := o.ReadBack(); !ok || d != f.Digest() {
		t.Errorf("read back %v, %v", d, ok)
	}
}

func TestBrowsersAreNotBelievedWithoutProof(t *testing.T) {
	o := open(t, 16, 8, 10*time.Second)
	stop := browser{o: o, lie: true}.start(t)
	f := picture(5)
	if err := o.Show(t.Context(), f, image.Rect(0, 0, 16, 8)); err != nil {
		t.Fatal(err)
	}
	if d, _ := o.ReadBack(); d == f.Digest() {
		t.Error("another picture was taken for the frame")
	}
	stop()
	for _, path := range []string{"drawn", "drawn?n=x", "drawn?n=99", "digest?k=99&d=", "digest?k=1&d=zz", "digest?k=1&d=00"} {
		res, err := http.Post(o.URL()+path, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
}

func TestASilentBrowserIsAFault(t *testing.T) {
	o := open(t, 16, 8, 20*time.Millisecond)
	defer browser{o: o, mute: true}.start(t)()
	if err := o.Show(t.Context(), picture(1), image.Rect(0, 0, 16, 8)); !errors.Is(err, kiosk.ErrSilent) {
		t.Errorf("%v", err)
	}
	if err := o.Show(t.Context(), page.NewFrame(1, 1), image.Rectangle{}); !errors.Is(err, display.ErrSize) {
		t.Errorf("another size: %v", err)
	}
}

func TestTooManyBrowsersAreRefused(t *testing.T) {
	o := open(t, 16, 8, 0)
	for range 8 {
		defer browser{o: o}.start(t)()
	}
	if err := (browser{o: o}).watch(t.Context(), func() {}); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("the ninth: %v", err)
	}
}

// A real browser runs the real script.
func TestChromiumShowsTheBoard(t *testing.T) {
	o := open(t, 192, 32, 20*time.Second)
	kiosktest.Chromium(t, o)
	pages, _, err := page.Compose(page.Board{Width: 192, Height: 32, Row: 16}, page.Text{Kind: page.Emergency, Title: "Lũ", Body: "Rời nhà ngay"})
	if err != nil {
		t.Fatal(err)
	}
	for i, percent := range []int{100, 35} {
		if err := o.Brightness(percent); err != nil {
			t.Fatal(err)
		}
		f := page.Render(pages[i%len(pages)])
		if err := o.Show(t.Context(), f, image.Rect(0, 0, 192, 32)); err != nil {
			t.Fatal(err)
		}
		if d, ok := o.ReadBack(); !ok || d != f.Digest() {
			t.Errorf("page %d at %d %%: read back %v, %v", i, percent, d, ok)
		}
	}
}
