package main

import (
	"context"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/font/opentype"

	"github.com/loa-vn/loa/protocol/page"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// fontFile returns the file of an installed font.
func fontFile(t *testing.T, pattern, name string) string {
	t.Helper()
	out, err := exec.Command("fc-list", pattern, "file").Output()
	if err != nil {
		protocoltest.Missing(t, "fc-list")
	}
	for _, line := range strings.Fields(string(out)) {
		if file := strings.TrimSuffix(line, ":"); filepath.Base(file) == name {
			return file
		}
	}
	protocoltest.Missing(t, name)
	return ""
}

// cell is where a browser draws a letter: so many px wide and high, its origin so far in.
type cell struct {
	letter   rune
	row      int
	at       image.Point // of the cell
	size     image.Point
	origin   image.Point // in the cell
	baseline int         // of our own row
}

// Each of the 146 letters, at every size, as boards draw it, against what Chromium
// draws of the same font: they are the same shape, and none of the 145 others is as near.
// Boards copy finished glyphs and share no code with a browser.
func TestLettersLookAsABrowserDrawsThem(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		protocoltest.Missing(t, "chromium")
	}
	unifont, noto := fontFile(t, "Unifont", "unifont.otf"), fontFile(t, "Noto Sans:bold", "NotoSans-Bold.ttf")
	b, err := os.ReadFile(noto)
	if err != nil {
		t.Fatal(err)
	}
	outline, err := opentype.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	const columns = 24
	var svg strings.Builder
	var cells []cell
	top, width := 0, 0
	for _, row := range page.Rows() {
		family, size, baseline := "unifont", 16.0, unifontBaseline
		if row > unifontRow {
			_, sixteenths, base, err := fitting(outline, row, letters())
			if err != nil {
				t.Fatal(err)
			}
			family, size, baseline = "noto", float64(sixteenths)/16, base
		}
		room := image.Pt(row*3/2+16, row+16)
		for i, r := range vietnamese() {
			c := cell{r, row, image.Pt(i%columns*room.X, top+i/columns*room.Y), room, image.Pt(8, 8+baseline), baseline}
			cells = append(cells, c)
			fmt.Fprintf(&svg, `<text x="%d" y="%d" font-family="%s" font-size="%g">%c</text>`, c.at.X+c.origin.X, c.at.Y+c.origin.Y, family, size, r)
		}
		top += (len(vietnamese()) + columns - 1) / columns * room.Y
		width = max(width, columns*room.X)
	}
	dir := t.TempDir()
	html := fmt.Sprintf(`<!doctype html><meta charset="utf-8"><style>
@font-face{font-family:unifont;src:url("file://%s")}@font-face{font-family:noto;src:url("file://%s")}
body{margin:0;background:#000}text{fill:#fff;text-rendering:geometricPrecision}</style><svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d">%s</svg>`,
		unifont, noto, width, top, svg.String())
	if err := os.WriteFile(filepath.Join(dir, "letters.html"), []byte(html), 0o600); err != nil {
		t.Fatal(err)
	}
	shot := filepath.Join(dir, "letters.png")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-lcd-text", "--allow-file-access-from-files",
		"--force-device-scale-factor=1", "--user-data-dir="+filepath.Join(dir, "profile"), "--screenshot="+shot, fmt.Sprintf("--window-size=%d,%d", width, top),
		"--virtual-time-budget=10000", "file://"+filepath.Join(dir, "letters.html"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := os.Open(shot)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	im, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	compared(t, cells, im)
}

// alike is how alike two pictures of a letter have to be: the cosine of their grey levels,
// at the best place within two px. Measured: 0.996 or more at every size.
const alike = 0.99

// compared looks for each letter's nearest one in the browser's picture.
func compared(t *testing.T, cells []cell, im image.Image) {
	t.Helper()
	byRow := map[int][]cell{}
	for _, c := range cells {
		byRow[c.row] = append(byRow[c.row], c)
	}
	for row, cs := range byRow {
		references := make([]*page.Frame, len(cs))
		for i, c := range cs {
			references[i] = page.NewFrame(c.size.X, c.size.Y)
			for y := range c.size.Y {
				for x := range c.size.X {
					r, g, b, _ := im.At(c.at.X+x, c.at.Y+y).RGBA()
					references[i].Pix[y*c.size.X+x] = uint8((r + g + b) / 3 >> 8)
				}
			}
		}
		worst := 1.0
		for i, c := range cs {
			ours := page.Render(page.Page{
				Board: page.Board{Width: c.size.X, Height: c.size.Y, Row: row},
				Lines: []page.Line{{X: c.origin.X, Y: c.origin.Y - c.baseline, Row: row, Text: string(c.letter)}},
			})
			own, dx, dy := nearest(ours, references[i])
			worst = min(worst, own)
			if own < alike {
				t.Errorf("row %d: %q is like the browser's to %.3f", row, c.letter, own)
			}
			for j, other := range references {
				if j != i && likeness(ours, other, dx, dy) >= own {
					t.Errorf("row %d: %q looks like %q", row, c.letter, cs[j].letter)
				}
			}
		}
		t.Logf("row %d: the least alike letter to %.3f", row, worst)
	}
}

// nearest is the greatest likeness of two pictures, one moved by up to two px, and how.
func nearest(a, b *page.Frame) (best float64, dx, dy int) {
	for y := -2; y <= 2; y++ {
		for x := -2; x <= 2; x++ {
			if l := likeness(a, b, x, y); l > best {
				best, dx, dy = l, x, y
			}
		}
	}
	return best, dx, dy
}

// likeness is the cosine of two pictures' levels, the second one moved.
func likeness(a, b *page.Frame, dx, dy int) float64 {
	ab, aa, bb := 0, 0, 0
	for y := max(0, -dy); y < min(a.H, b.H-dy); y++ {
		from := max(0, -dx)
		p, q := a.Pix[y*a.W+from:(y+1)*a.W], b.Pix[(y+dy)*b.W+from+dx:(y+dy+1)*b.W]
		for i := range min(len(p), len(q)) {
			u, v := int(p[i]), int(q[i])
			ab, aa, bb = ab+u*v, aa+u*u, bb+v*v
		}
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return float64(ab) / math.Sqrt(float64(aa)*float64(bb))
}
