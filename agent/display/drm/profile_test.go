//go:build linux

package drm_test

import (
	"fmt"
	"image"
	"image/color"
	"log/slog"
	"testing"

	"github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/drm"
	"github.com/loa-vn/loa/agent/display/outputs"
	"github.com/loa-vn/loa/agent/display/tint"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// The profiles of screens, from their files to what is scanned out: a sender card takes
// the picture's upper left part, a television all of it. Proved is that the link is up.
func TestTheProfilesOfScreensLightThem(t *testing.T) {
	for name, screen := range map[string][2]uint16{"board-384x192": {1280, 720}, "board-640x320": {1280, 720}, "screen-1080p": {1920, 1080}} {
		t.Run(name, func(t *testing.T) {
			p, err := config.LoadProfile("../../../firmware-config/boards/" + name + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			b := p.Board
			card, pixel := drm.NewCard(t, screen[0], screen[1])
			out, err := outputs.Open(outputs.Config{Line: b.Output, Width: b.Width, Height: b.Height, Screen: outputs.Screen{Card: card}})
			if err != nil {
				t.Fatal(err)
			}
			var sides []display.Side
			for _, z := range b.Zones {
				sides = append(sides, display.Side{At: z.At()})
			}
			board, err := display.New(display.Config{Output: out, Main: b.Text().At(), Sides: sides, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			defer board.Close()
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
			paint := tint.New(colour, 100, false)
			for kind, at := range map[page.Kind]image.Rectangle{page.Notice: b.Text().At(), page.Drill: image.Rect(0, 0, b.Width, b.Height)} {
				pages, _, err := page.Compose(page.Board{Width: at.Dx(), Height: at.Dy(), Row: b.Row}, page.Text{Kind: kind, Title: "Diễn tập", Body: "Họp thôn 19:30"})
				if err != nil {
					t.Fatal(err)
				}
				if err := board.Show(display.Job{ID: kind.String(), Pages: pages}); err != nil {
					t.Fatal(err)
				}
				for e := range board.Events() {
					if e.Err != nil {
						t.Fatal(e.Err)
					}
					if e.Kind == display.Begun && e.Job == kind.String() {
						break
					}
				}
				if s := board.Status().Shown; s.Proof != protocol.ProofLinkUp || s.Digest != pages[0].Digest() {
					t.Errorf("%v: %s of %s", kind, s.Proof, s.Digest)
				}
				f := page.Render(pages[0])
				for y := range int(screen[1]) {
					for x := range int(screen[0]) {
						want := color.RGBA{A: 255}
						if in := image.Pt(x, y); in.In(at) {
							c := paint[f.Pix[(y-at.Min.Y)*f.W+x-at.Min.X]]
							want = color.RGBA{c[0], c[1], c[2], 255}
						}
						if got := pixel(x, y); got != want {
							t.Fatalf("%v: pixel %d,%d is %v, want %v", kind, x, y, got, want)
						}
					}
				}
			}
		})
	}
}
