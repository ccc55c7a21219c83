package page

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // a form of pictures
	_ "image/png"  // a form of pictures
)

// Picture is grey levels, row by row, as they stand on a board of that size.
type Picture struct {
	W, H int
	Pix  []uint8
}

// Limits of a picture's file.
const (
	MaxPictureBytes = 8 << 20
	MaxPictureSide  = 6000 // px
)

// ErrPicture: a file that is no picture, or one that cannot be shown.
var ErrPicture = errors.New("picture cannot be shown")

// DecodePicture reads a PNG or JPEG file and fits it into a board's width and
// height, whole, without making it larger than it is. Each level is the mean of
// the pixels it stands for, reckoned in integers, so hub and device get the same.
// Empty, truncated, too large and animated files and CMYK are ErrPicture.
func DecodePicture(file []byte, width, height int) (Picture, error) {
	if len(file) > MaxPictureBytes {
		return Picture{}, fmt.Errorf("file of %d bytes, at most %d: %w", len(file), MaxPictureBytes, ErrPicture)
	}
	head, form, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return Picture{}, fmt.Errorf("%w: %w", ErrPicture, err)
	}
	if head.Width <= 0 || head.Height <= 0 || head.Width > MaxPictureSide || head.Height > MaxPictureSide {
		return Picture{}, fmt.Errorf("%s of %dx%d px: %w", form, head.Width, head.Height, ErrPicture)
	}
	if head.ColorModel == color.CMYKModel {
		return Picture{}, fmt.Errorf("colours for print (CMYK): %w", ErrPicture)
	}
	if form == "png" && bytes.Contains(file[:min(len(file), 4096)], []byte("acTL")) {
		return Picture{}, fmt.Errorf("animated: %w", ErrPicture)
	}
	im, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return Picture{}, fmt.Errorf("%w: %w", ErrPicture, err)
	}
	return shrink(im, width, height)
}

// shrink fits a picture into w by h px.
func shrink(im image.Image, width, height int) (Picture, error) {
	b := im.Bounds()
	w, h := b.Dx(), b.Dy()
	if w > width {
		w, h = width, max(1, h*width/w)
	}
	if h > height {
		w, h = max(1, w*height/h), height
	}
	if w <= 0 || h <= 0 {
		return Picture{}, fmt.Errorf("into %dx%d px: %w", width, height, ErrPicture)
	}
	p := Picture{W: w, H: h, Pix: make([]uint8, w*h)}
	for y := range h {
		y0, y1 := b.Min.Y+y*b.Dy()/h, b.Min.Y+(y+1)*b.Dy()/h
		for x := range w {
			x0, x1 := b.Min.X+x*b.Dx()/w, b.Min.X+(x+1)*b.Dx()/w
			sum, n := uint64(0), uint64(0)
			for sy := y0; sy < max(y1, y0+1); sy++ {
				for sx := x0; sx < max(x1, x0+1); sx++ {
					r, g, bl, _ := im.At(sx, sy).RGBA() // on black where transparent
					sum += (299*uint64(r) + 587*uint64(g) + 114*uint64(bl)) / 1000 >> 8
					n++
				}
			}
			p.Pix[y*w+x] = uint8((sum + n/2) / n)
		}
	}
	return p, nil
}

// WithPicture lays a picture and a text out side by side: the picture on the left
// within two fifths of the board's width, the text on the rest as Compose would.
// The picture is DecodePicture's for at most that width and the board's height; see
// PictureRoom. Kinds that run or carry a mark do not take one: ErrKind.
func WithPicture(b Board, t Text, pic Picture) ([]Page, []Warning, error) {
	if t.Kind != Notice {
		return nil, nil, fmt.Errorf("picture with a text of kind %v: %w", t.Kind, ErrKind)
	}
	if err := b.Validate(); err != nil {
		return nil, nil, err
	}
	w, h := PictureRoom(b)
	if pic.W <= 0 || pic.H <= 0 || pic.W > w || pic.H > h || len(pic.Pix) != pic.W*pic.H {
		return nil, nil, fmt.Errorf("%dx%d px in a room of %dx%d: %w", pic.W, pic.H, w, h, ErrPicture)
	}
	gap := b.Row / 2
	pages, warnings, err := Compose(Board{Width: b.Width - pic.W - gap, Height: b.Height, Row: b.Row}, t)
	if err != nil {
		return nil, nil, err
	}
	for i := range pages {
		p := &pages[i]
		p.Board = b
		p.Picture = &Placed{X: 0, Y: (b.Height - pic.H) / 2, Picture: pic}
		bars, lines := p.Bars, p.Lines
		p.Bars, p.Lines = make([]Bar, len(bars)), make([]Line, len(lines))
		for j, bar := range bars {
			bar.X += pic.W + gap
			p.Bars[j] = bar
		}
		for j, l := range lines {
			l.X += pic.W + gap
			p.Lines[j] = l
		}
	}
	return pages, warnings, nil
}

// PictureRoom returns the largest width and height of a picture beside a text;
// the text keeps its eight rows' width.
func PictureRoom(b Board) (width, height int) {
	return max(0, min(b.Width*2/5, b.Width-8*b.Row-b.Row/2)), b.Height
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
