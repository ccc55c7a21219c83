// Package picture turns what an author uploads into the one form that boards take:
// grey levels, upright, whole, no larger than a board has room for. It decides which
// files can be shown, and says of each that it refuses why.
//
// Files are decoded in a process of their own, within limits and without network,
// one at a time: a hostile file can cost that process its life and nothing else.
// It never keeps a file, never shows part of a broken one, and never guesses.
package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/webp"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// Limits of a file. What a telephone takes is within them.
const (
	MaxBytes  = 24 << 20
	MaxSide   = 10_000   // px
	MaxPixels = 52 << 20 // px, about 54 million
)

// Why a file is refused.
var (
	ErrEmpty    = errors.New("empty file")
	ErrBytes    = errors.New("file too large")
	ErrForm     = errors.New("not PNG, JPEG, GIF or WebP")
	ErrPixels   = errors.New("picture too large")
	ErrAnimated = errors.New("picture moves")
	ErrPrint    = errors.New("colours for print (CMYK)")
	ErrDamaged  = errors.New("file is damaged or cut off")
	// ErrFailed: the process that decodes did not answer.
	ErrFailed = errors.New("picture not decoded")
)

// Convert decodes a file and makes of it what boards take. Where it is transparent
// it is dark. Errors: those above.
func Convert(file []byte) (page.Picture, error) {
	switch {
	case len(file) == 0:
		return page.Picture{}, ErrEmpty
	case len(file) > MaxBytes:
		return page.Picture{}, fmt.Errorf("%d bytes: %w", len(file), ErrBytes)
	}
	f, ok := formOf(file)
	if !ok {
		return page.Picture{}, ErrForm
	}
	// Size and kind are judged by the head, before anything is reserved for it.
	head, err := f.head(bytes.NewReader(file))
	if err != nil {
		return page.Picture{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	switch {
	case head.Width <= 0 || head.Height <= 0:
		return page.Picture{}, ErrDamaged
	case head.Width > MaxSide || head.Height > MaxSide || head.Width*head.Height > MaxPixels:
		return page.Picture{}, fmt.Errorf("%dx%d px: %w", head.Width, head.Height, ErrPixels)
	case head.ColorModel == color.CMYKModel:
		return page.Picture{}, ErrPrint
	case f.moves(file):
		return page.Picture{}, ErrAnimated
	}
	im, err := f.decode(bytes.NewReader(file))
	if err != nil {
		return page.Picture{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	turn := upright
	if f.name == "jpeg" {
		turn = orientation(file)
	}
	return shrink(grey(im), turn), nil
}

// form is one format of files.
type form struct {
	name   string
	head   func(*bytes.Reader) (image.Config, error)
	decode func(*bytes.Reader) (image.Image, error)
	moves  func(file []byte) bool
}

// formOf knows a file by its first bytes, whatever it is called.
func formOf(file []byte) (form, bool) {
	switch {
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		return form{
			name:   "png",
			head:   func(r *bytes.Reader) (image.Config, error) { return png.DecodeConfig(r) },
			decode: func(r *bytes.Reader) (image.Image, error) { return png.Decode(r) },
			moves:  apng,
		}, true
	case bytes.HasPrefix(file, []byte("\xff\xd8\xff")):
		return form{
			name:   "jpeg",
			head:   func(r *bytes.Reader) (image.Config, error) { return jpeg.DecodeConfig(r) },
			decode: func(r *bytes.Reader) (image.Image, error) { return jpeg.Decode(r) },
			moves:  func([]byte) bool { return false },
		}, true
	case bytes.HasPrefix(file, []byte("GIF87a")), bytes.HasPrefix(file, []byte("GIF89a")):
		return form{
			name:   "gif",
			head:   func(r *bytes.Reader) (image.Config, error) { return gif.DecodeConfig(r) },
			decode: func(r *bytes.Reader) (image.Image, error) { return gif.Decode(r) },
			moves:  gifMoves,
		}, true
	case len(file) >= 12 && string(file[:4]) == "RIFF" && string(file[8:12]) == "WEBP":
		return form{
			name:   "webp",
			head:   func(r *bytes.Reader) (image.Config, error) { return webp.DecodeConfig(r) },
			decode: func(r *bytes.Reader) (image.Image, error) { return webp.Decode(r) },
			moves:  webpMoves,
		}, true
	}
	return form{}, false
}

// apng looks for the chunk that announces frames; it stands before the pixels.
func apng(file []byte) bool {
	for at := 8; at+8 <= len(file); {
		kind := string(file[at+4 : at+8])
		if kind == "acTL" {
			return true
		}
		if kind == "IDAT" {
			return false
		}
		size := int64(binary.BigEndian.Uint32(file[at:]))
		if size > int64(len(file)) {
			return false
		}
		at += int(size) + 12
	}
	return false
}

// gifMoves counts descriptors of images, without unpacking any.
func gifMoves(file []byte) bool {
	blocks := func(at int) int { // past sub-blocks
		for at < len(file) && file[at] != 0 {
			at += int(file[at]) + 1
		}
		return at + 1
	}
	table := func(flags byte) int { // bytes of a table of colours
		if flags&0x80 == 0 {
			return 0
		}
		return 3 << (flags&7 + 1)
	}
	if len(file) < 13 {
		return false
	}
	images := 0
	for at := 13 + table(file[10]); at < len(file); {
		switch file[at] {
		case 0x21: // an extension
			at = blocks(at + 2)
		case 0x2c: // an image
			if images++; images > 1 || at+9 >= len(file) {
				return images > 1
			}
			at = blocks(at + 10 + table(file[at+9]) + 1)
		default:
			return false
		}
	}
	return false
}

// webpMoves reads the flag of an extended file.
func webpMoves(file []byte) bool {
	return len(file) > 20 && string(file[12:16]) == "VP8X" && file[20]&2 != 0
}

// grey turns colours into grey levels (Rec. 601, as JPEG has them), in integers.
func grey(im image.Image) page.Picture {
	b := im.Bounds()
	p := page.Picture{W: b.Dx(), H: b.Dy(), Pix: make([]uint8, b.Dx()*b.Dy())}
	switch im := im.(type) {
	case *image.YCbCr: // its first plane is what is wanted
		for y := range p.H {
			from := im.YOffset(b.Min.X, b.Min.Y+y)
			copy(p.Pix[y*p.W:(y+1)*p.W], im.Y[from:from+p.W])
		}
	case *image.Gray:
		for y := range p.H {
			from := im.PixOffset(b.Min.X, b.Min.Y+y)
			copy(p.Pix[y*p.W:(y+1)*p.W], im.Pix[from:from+p.W])
		}
	default:
		for y := range p.H {
			for x := range p.W {
				r, g, bl, _ := im.At(b.Min.X+x, b.Min.Y+y).RGBA()
				p.Pix[y*p.W+x] = uint8((299*r + 587*g + 114*bl) / 1000 >> 8)
			}
		}
	}
	return p
}

// shrink turns a picture upright and makes it as small as boards take it.
func shrink(p page.Picture, turn turning) page.Picture {
	w, h := protocol.MaxPictureW, protocol.MaxPictureH
	if turn.swaps() {
		w, h = h, w
	}
	return turn.apply(p.Fit(w, h))
}
