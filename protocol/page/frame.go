package page

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"

	"github.com/loa-vn/loa/protocol"
)

// Frame is the picture of a board: one grey level a pixel, 0 dark to 255 full,
// row by row from the top. Len(Pix) is W*H. Gamma, colour and brightness are the
// output's.
type Frame struct {
	W, H int
	Pix  []uint8
}

// NewFrame returns a dark frame of w by h px.
func NewFrame(w, h int) *Frame { return &Frame{W: w, H: h, Pix: make([]uint8, w*h)} }

// Bounds returns the frame's pixels as a rectangle from 0, 0.
func (f *Frame) Bounds() image.Rectangle { return image.Rect(0, 0, f.W, f.H) }

// Digest identifies the picture: SHA-256 over the eight bytes "loafrm1\n", width
// and height as big-endian uint32, and Pix.
func (f *Frame) Digest() protocol.Digest {
	var head [16]byte
	copy(head[:], "loafrm1\n")
	binary.BigEndian.PutUint32(head[8:], uint32(f.W))
	binary.BigEndian.PutUint32(head[12:], uint32(f.H))
	h := sha256.New()
	h.Write(head[:])
	h.Write(f.Pix)
	return protocol.Digest(h.Sum(nil))
}

// Digest identifies all that a page shows. Without a crawl it is its frame's;
// with one SHA-256 over the eight bytes "loacrl1\n", the digest of the frame that
// Render draws, the digest of the crawl's strip, and X, Y, W, Rate and Step as
// big-endian uint32.
func (p Page) Digest() protocol.Digest {
	still := Render(p).Digest()
	c := p.Crawl
	if c == nil {
		return still
	}
	strip := NewReel(p).Strip().Digest()
	b := append([]byte("loacrl1\n"), still[:]...)
	b = append(b, strip[:]...)
	for _, n := range []int{c.X, c.Y, c.W, c.Rate, c.Step} {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return sha256.Sum256(b)
}

// Digests returns the digest of each page, in order.
func Digests(pages []Page) []protocol.Digest {
	ds := make([]protocol.Digest, 0, len(pages))
	for _, p := range pages {
		ds = append(ds, p.Digest())
	}
	return ds
}

// Image returns the frame as a picture in the amber of a LED board on black.
func (f *Frame) Image() image.Image {
	palette := make(color.Palette, 256)
	for i := range palette {
		palette[i] = color.RGBA{R: uint8(i), G: uint8(i * 176 / 255), A: 255}
	}
	return &image.Paletted{Pix: f.Pix, Stride: f.W, Rect: f.Bounds(), Palette: palette}
}

// WritePNG writes Image as PNG.
func (f *Frame) WritePNG(w io.Writer) error {
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	if err := enc.Encode(w, f.Image()); err != nil {
		return fmt.Errorf("write png: %w", err)
	}
	return nil
}

// Render draws what stands on a page, see Draw.
func Render(p Page) *Frame {
	f := NewFrame(p.Board.Width, p.Board.Height)
	f.Draw(p)
	return f
}

// Draw clears the frame and draws what stands on the page; a crawl's zone is
// dark, see Reel. What lies outside the frame is cut off. It allocates nothing.
func (f *Frame) Draw(p Page) {
	clear(f.Pix)
	if p.Picture != nil {
		f.picture(*p.Picture)
	}
	for _, b := range p.Bars {
		for y := max(0, b.Y); y < min(f.H, b.Y+b.H); y++ {
			for x := max(0, b.X); x < min(f.W, b.X+b.W); x++ {
				f.Pix[y*f.W+x] = 255
			}
		}
	}
	for _, l := range p.Lines {
		f.text(l)
	}
}

func (f *Frame) text(l Line) {
	a := atlasOf(l.Row)
	x := l.X
	for _, r := range l.Text {
		g := a.glyph(r)
		f.drawGlyph(g, x, l.Y, l.Inverse)
		x += g.advance
	}
}

// drawGlyph draws a glyph with its pen at x and the top of its row at y. Where
// the ink of neighbours meets the stronger level stands.
func (f *Frame) drawGlyph(g glyph, x, y int, inverse bool) {
	if g.w == 0 {
		return
	}
	x, y = x+g.left, y+g.top
	col, line := 0, 0
	for i := 0; i < len(g.runs); i++ {
		level, n := g.runs[i]>>4*17, int(g.runs[i]&15)
		if n == 0 {
			i++
			n = int(g.runs[i]) + 16
		}
		if level == 0 {
			col += n
			line, col = line+col/g.w, col%g.w
			continue
		}
		for ; n > 0; n-- {
			if px, py := x+col, y+line; px >= 0 && px < f.W && py >= 0 && py < f.H {
				p := &f.Pix[py*f.W+px]
				if inverse {
					*p = min(*p, 255-level)
				} else {
					*p = max(*p, level)
				}
			}
			if col++; col == g.w {
				line, col = line+1, 0
			}
		}
	}
}
