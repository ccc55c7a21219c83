package pngout_test

import (
	"context"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/pngout"
	"github.com/loa-vn/loa/protocol/page"
)

var _ display.Output = (*pngout.Output)(nil)

// frame returns a board with one pixel of the given level.
func frame(level uint8) *page.Frame {
	f := page.NewFrame(8, 4)
	f.Pix[9] = level
	return f
}

func names(t *testing.T, dir string) (ns []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		ns = append(ns, e.Name())
	}
	return ns
}

func TestFramesBecomeFilesThatSortByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		o, err := pngout.New(pngout.Config{Dir: dir, Width: 8, Height: 4, Keep: 3})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 { // the first two in one ms
			if i > 1 {
				time.Sleep(time.Second)
			}
			if err := o.Show(t.Context(), frame(uint8(50*i)), image.Rectangle{}); err != nil {
				t.Fatal(err)
			}
		}
		var want []string
		for i, at := range []string{"20000101T000001.000Z", "20000101T000002.000Z", "20000101T000003.000Z"} {
			want = append(want, at+"-"+frame(uint8(100 + 50*i)).Digest().String()[:12]+".png")
		}
		want = append(want, pngout.Current)
		if got := names(t, dir); !slices.Equal(got, want) {
			t.Errorf("files %v, want %v", got, want)
		}
	})
}

func TestTheSameFrameIsWrittenOnce(t *testing.T) {
	dir := t.TempDir()
	o, err := pngout.New(pngout.Config{Dir: dir, Width: 8, Height: 4})
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range []uint8{1, 1, 2, 2, 1} {
		if err := o.Show(t.Context(), frame(level), image.Rectangle{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, dir); len(got) != 4 {
		t.Errorf("files %v, want three frames and current.png", got)
	}
}

func TestCurrentIsTheNewestFramePixelByPixel(t *testing.T) {
	dir := t.TempDir()
	o, err := pngout.New(pngout.Config{Dir: dir, Width: 8, Height: 4})
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range []uint8{10, 200} {
		if err := o.Show(t.Context(), frame(level), image.Rectangle{}); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Open(filepath.Join(dir, pngout.Current))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	for y := range 4 {
		for x := range 8 {
			if want := frame(200).Image().At(x, y); got.At(x, y) != want {
				t.Errorf("%d,%d: %v, want %v", x, y, got.At(x, y), want)
			}
		}
	}
}

func TestARestartKeepsTheBoundAndForeignFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		o, err := pngout.New(pngout.Config{Dir: dir, Width: 8, Height: 4, Keep: 2})
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Show(t.Context(), frame(uint8(i)), image.Rectangle{}); err != nil {
			t.Fatal(err)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got := names(t, dir)
	if len(got) != 4 || !strings.Contains(got[1], frame(3).Digest().String()[:12]) || got[2] != pngout.Current || got[3] != "notes.txt" {
		t.Errorf("files %v", got)
	}
}

func TestFaultsAreSaid(t *testing.T) {
	dir := t.TempDir()
	o, err := pngout.New(pngout.Config{Dir: filepath.Join(dir, "x"), Width: 8, Height: 4})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Show(t.Context(), page.NewFrame(9, 4), image.Rectangle{}); !errors.Is(err, display.ErrSize) {
		t.Errorf("another size: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.Show(ended, frame(1), image.Rectangle{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "x")); err != nil {
		t.Fatal(err)
	}
	if err := o.Show(t.Context(), frame(1), image.Rectangle{}); err == nil || o.Health().Fault == nil {
		t.Errorf("folder gone: %v, health %v", err, o.Health())
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if err := o.Show(t.Context(), frame(1), image.Rectangle{}); !errors.Is(err, display.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if _, err := pngout.New(pngout.Config{Dir: dir}); !errors.Is(err, display.ErrSize) {
		t.Errorf("no size: %v", err)
	}
}
