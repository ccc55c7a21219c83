package outputs_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/fb"
	"github.com/loa-vn/loa/agent/display/kiosk"
	"github.com/loa-vn/loa/agent/display/kiosk/kiosktest"
	"github.com/loa-vn/loa/agent/display/outputs"
	"github.com/loa-vn/loa/agent/display/tint"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// screens is what stands at the other end of a profile's output: it returns the colours
// that people see, three bytes a pixel.
type screens func(t *testing.T) (rgb []byte)

// controller receives datagrams until a picture is whole.
func controller(at net.PacketConn, take func(datagram []byte) (rgb []byte, whole bool)) screens {
	return func(t *testing.T) []byte {
		t.Helper()
		buf := make([]byte, 65536)
		for {
			if err := at.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			n, _, err := at.ReadFrom(buf)
			if err != nil {
				t.Fatal(err)
			}
			if rgb, whole := take(buf[:n]); whole {
				return rgb
			}
		}
	}
}

// byDDP shows what it has at the push.
func byDDP(w, h int) func([]byte) ([]byte, bool) {
	rgb := make([]byte, 3*w*h)
	return func(b []byte) ([]byte, bool) {
		if b[0]&0x02 != 0 { // a question for its status
			return nil, false
		}
		copy(rgb[binary.BigEndian.Uint32(b[4:]):], b[10:])
		return rgb, b[0]&1 != 0
	}
}

// byTiles shows what it has when the last row has come.
func byTiles(w, h int) func([]byte) ([]byte, bool) {
	rgb := make([]byte, 3*w*h)
	return func(b []byte) ([]byte, bool) {
		var tw, th, x, y, layer int
		head, _, _ := bytes.Cut(b, []byte("255\n"))
		if _, err := fmt.Sscanf(string(head), "P6\n%d %d\n#FT: %d %d %d", &tw, &th, &x, &y, &layer); err != nil {
			return nil, false
		}
		pixels := b[len(head)+4:]
		for row := range th {
			copy(rgb[3*((y+row)*w+x):], pixels[3*row*tw:3*(row+1)*tw])
		}
		return rgb, y+th == h
	}
}

// rig puts a receiver at the place of a profile's; it returns the line with its address.
func rig(t *testing.T, b config.Board) (cfg outputs.Config, seen screens) {
	t.Helper()
	cfg = outputs.Config{Line: b.Output, Width: b.Width, Height: b.Height, Device: "bang-dong", Dir: t.TempDir()}
	kind, rest, _ := strings.Cut(b.Output, ":")
	_, query, _ := strings.Cut(rest, "?")
	switch kind {
	case "ddp", "flaschen":
		at, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = at.Close() })
		take := byDDP(b.Width, b.Height)
		if kind == "flaschen" {
			take = byTiles(b.Width, b.Height)
		}
		cfg.Line = fmt.Sprintf("%s:%s?%s", kind, at.LocalAddr(), query)
		return cfg, controller(at, take)
	case "fb":
		path := filepath.Join(t.TempDir(), "fb0")
		stride := 4*b.Width + 64
		if err := os.WriteFile(path, make([]byte, stride*b.Height), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg.Line = fmt.Sprintf("fb:%s?%s", path, query)
		cfg.Screen.Layout = fb.Layout{Width: b.Width, Height: b.Height, Stride: stride, Format: fb.XRGB8888}
		return cfg, func(t *testing.T) []byte {
			t.Helper()
			mem, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var rgb []byte
			for y := range b.Height {
				for x := range b.Width {
					p := mem[y*stride+4*x:]
					rgb = append(rgb, p[2], p[1], p[0])
				}
			}
			return rgb
		}
	}
	t.Fatalf("no receiver for %s", kind)
	return cfg, nil
}

// Every profile of a board, from its file to the pixels at the other end: what bulletins
// stand on, and the whole board for an emergency, in the profile's colour. Screens of
// DRM are tried beside the package that drives them, the browser below.
func TestEveryProfileLightsItsBoard(t *testing.T) {
	files, err := filepath.Glob("../../../firmware-config/boards/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, file := range files {
		p, err := config.LoadProfile(file)
		if err != nil {
			t.Fatal(err)
		}
		if p.Board == nil {
			continue
		}
		if kind, _ := p.Board.Kind(); kind == "drm" || kind == "kiosk" || kind == "png" {
			continue
		}
		tried++
		t.Run(p.Name, func(t *testing.T) {
			cfg, seen := rig(t, *p.Board)
			out, err := outputs.Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			lit(t, *p.Board, out, seen)
		})
	}
	if tried < 4 {
		t.Errorf("only %d profiles were tried", tried)
	}
}

// lit shows a notice and an emergency on a board, and looks at the other end.
func lit(t *testing.T, b config.Board, out display.Output, seen screens) {
	t.Helper()
	var sides []display.Side
	for _, z := range b.Zones {
		sides = append(sides, display.Side{At: z.At()})
	}
	board, err := display.New(display.Config{Output: out, Main: b.Text().At(), Sides: sides, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := board.Close(); err != nil {
			t.Error(err)
		}
	}()
	l, err := outputs.Parse(b.Output)
	if err != nil {
		t.Fatal(err)
	}
	colour := tint.Amber()
	if s := l.Options.Get("colour"); s != "" {
		if _, err := fmt.Sscanf(s, "%02x%02x%02x", &colour[0], &colour[1], &colour[2]); err != nil {
			t.Fatal(err)
		}
	}
	paint := tint.New(colour, 100, l.Options.Get("gamma") == "on")
	now := time.Now()
	for _, x := range []struct {
		at   image.Rectangle
		text page.Text
	}{
		{b.Text().At(), page.Text{Kind: page.Notice, Body: "Họp thôn 19:30"}},
		{image.Rect(0, 0, b.Width, b.Height), page.Text{Kind: page.Emergency, Title: "Lũ đang lên", Body: "Rời nhà ngay", Issued: now, Until: now.Add(time.Hour)}},
	} {
		pages, _, err := page.Compose(page.Board{Width: x.at.Dx(), Height: x.at.Dy(), Row: b.Row}, x.text)
		if err != nil {
			t.Fatal(err)
		}
		whole := page.NewFrame(b.Width, b.Height)
		first := page.Render(pages[0])
		for y := range first.H {
			copy(whole.Pix[(x.at.Min.Y+y)*whole.W+x.at.Min.X:], first.Pix[y*first.W:(y+1)*first.W])
		}
		want := paint.AppendRGB(nil, whole.Pix)
		id := protocol.DigestOf([]byte(x.text.Body)).String()
		if err := board.Show(display.Job{ID: id, Pages: pages}); err != nil {
			t.Fatal(err)
		}
		for e := range board.Events() {
			if e.Err != nil {
				t.Fatal(e.Err)
			}
			if e.Kind == display.Begun && e.Job == id {
				break
			}
		}
		for range 20 { // what was on its way may come first
			if got := seen(t); bytes.Equal(got, want) {
				want = nil
				break
			}
		}
		if want != nil {
			t.Errorf("%v: another picture", x.text.Kind)
		}
	}
}

// The profile for a browser, in a real one: the canvas has the very levels, by the
// digest that the page reckons of it.
func TestTheKiosksProfileInChromium(t *testing.T) {
	p, err := config.LoadProfile("../../../firmware-config/boards/screen-kiosk.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(p.Board.Output, "?")
	out, err := outputs.Open(outputs.Config{Line: "kiosk:127.0.0.1:0?" + query, Width: p.Board.Width, Height: p.Board.Height})
	if err != nil {
		t.Fatal(err)
	}
	page0, ok := out.(*kiosk.Output)
	if !ok {
		t.Fatalf("%T", out)
	}
	kiosktest.Chromium(t, page0)
	board, err := display.New(display.Config{Output: out, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer board.Close()
	pages, _, err := page.Compose(page.Board{Width: p.Board.Width, Height: p.Board.Height, Row: p.Board.Row}, page.Text{Kind: page.Notice, Title: "Họp thôn", Body: "19:30 tối nay"})
	if err != nil {
		t.Fatal(err)
	}
	if err := board.Show(display.Job{ID: "b", Pages: pages}); err != nil {
		t.Fatal(err)
	}
	for e := range board.Events() {
		if e.Kind == display.Begun {
			break
		}
	}
	if s := board.Status().Shown; s.Proof < protocol.ProofShown || s.Digest != pages[0].Digest() {
		t.Errorf("%s of %s", s.Proof, s.Digest)
	}
}
