package page

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/loa-vn/loa/protocol"
)

// Picture is grey levels, row by row.
type Picture struct {
	W, H int
	Pix  []uint8
}

// ErrPicture: a file that is no picture, or one that cannot be shown.
var ErrPicture = errors.New("picture cannot be shown")

// ReadPicture reads the file that a protocol.Picture names: PNG of 8-bit grey
// levels, at most protocol.MaxPictureW by MaxPictureH px. Anything else is
// ErrPicture. It needs at most two megabytes, whatever the file says of itself.
func ReadPicture(file []byte) (Picture, error) {
	if len(file) > protocol.MaxPicture {
		return Picture{}, fmt.Errorf("file of %d bytes: %w", len(file), ErrPicture)
	}
	head, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return Picture{}, fmt.Errorf("%w: %w", ErrPicture, err)
	}
	if head.ColorModel != color.GrayModel || head.Width > protocol.MaxPictureW || head.Height > protocol.MaxPictureH {
		return Picture{}, fmt.Errorf("%dx%d px: %w", head.Width, head.Height, ErrPicture)
	}
	im, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return Picture{}, fmt.Errorf("%w: %w", ErrPicture, err)
	}
	grey, ok := im.(*image.Gray)
	if !ok { // grey levels of which one is transparent
		return Picture{}, fmt.Errorf("with a transparent level: %w", ErrPicture)
	}
	p := Picture{W: head.Width, H: head.Height, Pix: make([]uint8, 0, head.Width*head.Height)}
	for y := range p.H {
		p.Pix = append(p.Pix, grey.Pix[y*grey.Stride:y*grey.Stride+p.W]...)
	}
	return p, nil
}

// File returns the file that ReadPicture reads.
func (p Picture) File() ([]byte, error) {
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	if err := enc.Encode(&b, &image.Gray{Pix: p.Pix, Stride: p.W, Rect: image.Rect(0, 0, p.W, p.H)}); err != nil {
		return nil, fmt.Errorf("write picture: %w", err)
	}
	return b.Bytes(), nil
}

// Fit makes a picture smaller until it fits into w by h px, whole; it never makes
// it larger. Each level is the mean of the pixels it stands for, in integers.
func (p Picture) Fit(w, h int) Picture {
	tw, th := Fitted(p.W, p.H, w, h)
	if tw == p.W && th == p.H {
		return p
	}
	out := Picture{W: tw, H: th, Pix: make([]uint8, tw*th)}
	for y := range th {
		y0, y1 := y*p.H/th, max((y+1)*p.H/th, y*p.H/th+1)
		for x := range tw {
			x0, x1 := x*p.W/tw, max((x+1)*p.W/tw, x*p.W/tw+1)
			sum := 0
			for sy := y0; sy < y1; sy++ {
				for _, v := range p.Pix[sy*p.W+x0 : sy*p.W+x1] {
					sum += int(v)
				}
			}
			n := (y1 - y0) * (x1 - x0)
			out.Pix[y*tw+x] = uint8((sum + n/2) / n)
		}
	}
	return out
}

// Fitted is the size that w by h px have within a room: the same shape, never
// larger, at least one px.
func Fitted(w, h, roomW, roomH int) (int, int) {
	if w > roomW {
		w, h = roomW, max(1, h*roomW/w)
	}
	if h > roomH {
		w, h = max(1, w*roomH/h), roomH
	}
	return w, h
}

// Lay is Compose for a text that may have a picture: of the kind Pictured it stands
// on the left, within two fifths of the board's width, and the text beside it as
// Compose would lay it out there. A board without room for one shows the text
// alone, with a warning. A picture with another kind of text, or none with this
// one, is ErrKind.
func Lay(b Board, t Text, pic *Picture) ([]Page, []Warning, error) {
	if (t.Kind == Pictured) != (pic != nil) {
		return nil, nil, fmt.Errorf("kind %v with or without a picture: %w", t.Kind, ErrKind)
	}
	if err := b.Validate(); err != nil {
		return nil, nil, err
	}
	if pic == nil {
		return Compose(b, t)
	}
	t.Kind = Notice
	w, h := PictureRoom(b)
	if w == 0 {
		pages, warnings, err := Compose(b, t)
		return pages, append(warnings, Warning{Field: FieldPicture, Problem: NoRoom}), err
	}
	if pic.W <= 0 || pic.H <= 0 || len(pic.Pix) != pic.W*pic.H {
		return nil, nil, fmt.Errorf("%dx%d px: %w", pic.W, pic.H, ErrPicture)
	}
	fit := pic.Fit(w, h)
	gap := b.Row / 2
	pages, warnings, err := Compose(Board{Width: b.Width - fit.W - gap, Height: b.Height, Row: b.Row}, t)
	if err != nil {
		return nil, nil, err
	}
	for i := range pages {
		p := &pages[i]
		p.Board = b
		p.Picture = &Placed{X: 0, Y: (b.Height - fit.H) / 2, Picture: fit}
		bars, lines := p.Bars, p.Lines
		p.Bars, p.Lines = make([]Bar, len(bars)), make([]Line, len(lines))
		for j, bar := range bars {
			bar.X += fit.W + gap
			p.Bars[j] = bar
		}
		for j, l := range lines {
			l.X += fit.W + gap
			p.Lines[j] = l
		}
	}
	return pages, warnings, nil
}

// PictureRoom returns the largest width and height of a picture beside a text,
// which keeps its eight rows' width; zero if nothing could be made out there.
func PictureRoom(b Board) (width, height int) {
	width = min(b.Width*2/5, b.Width-8*b.Row-b.Row/2)
	if width < 16 {
		return 0, 0
	}
	return width, b.Height
}

// Placed is a picture at its place on a page, px.
type Placed struct {
	X, Y int
	Picture
}

func (f *Frame) picture(p Placed) {
	for y := max(0, -p.Y); y < p.H && p.Y+y < f.H; y++ {
		for x := max(0, -p.X); x < p.W && p.X+x < f.W; x++ {
			f.Pix[(p.Y+y)*f.W+p.X+x] = p.Pix[y*p.W+x]
		}
	}
}
