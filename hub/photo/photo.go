// Package photo takes photographs of devices as phones make them and gives them
// back upright, small, and without anything that the camera wrote beside the
// picture: where and when, by whom, with what. It decides what is kept of a
// photograph and never where.
package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	_ "image/png" // read as well
	"slices"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // read as well
)

// Bounds of a photograph, in pixels: what is read, and the longer side of what is
// kept.
const (
	MaxPixels = 24_000_000
	MaxSide   = 1600
	quality   = 82
)

// Kind is the media type of what Clean returns.
const Kind = "image/jpeg"

// Refusals.
var (
	ErrFormat = errors.New("not a JPEG, PNG or WebP picture")
	ErrLarge  = errors.New("too many pixels")
)

// Clean returns a photograph as a new JPEG file that holds its pixels alone.
// Errors: ErrFormat, ErrLarge.
func Clean(file []byte) ([]byte, error) {
	size, format, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil || size.Width < 1 || size.Height < 1 {
		return nil, fmt.Errorf("photograph: %w", ErrFormat)
	}
	if size.Width > MaxPixels/size.Height {
		return nil, fmt.Errorf("photograph of %d x %d: %w", size.Width, size.Height, ErrLarge)
	}
	picture, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("photograph: %w", ErrFormat)
	}
	turn := 1
	if format == "jpeg" {
		turn = orientation(file)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, upright(fit(picture), turn), &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("photograph: %w", err)
	}
	return out.Bytes(), nil
}

// fit makes a picture at most MaxSide long, on white where it is transparent.
func fit(p image.Image) *image.RGBA {
	w, h := p.Bounds().Dx(), p.Bounds().Dy()
	if longer := max(w, h); longer > MaxSide {
		w, h = max(1, w*MaxSide/longer), max(1, h*MaxSide/longer)
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(out, out.Bounds(), p, p.Bounds(), draw.Over, nil)
	return out
}

// upright turns a picture as its camera was held, 1 to 8 (Exif 2.32, tag 0x0112).
func upright(p *image.RGBA, turn int) *image.RGBA {
	if turn <= 1 || turn > 8 {
		return p
	}
	w, h := p.Bounds().Dx(), p.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if turn >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			to := image.Point{}
			switch turn {
			case 2:
				to = image.Pt(w-1-x, y)
			case 3:
				to = image.Pt(w-1-x, h-1-y)
			case 4:
				to = image.Pt(x, h-1-y)
			case 5:
				to = image.Pt(y, x)
			case 6:
				to = image.Pt(h-1-y, x)
			case 7:
				to = image.Pt(h-1-y, w-1-x)
			case 8:
				to = image.Pt(y, w-1-x)
			}
			from := p.PixOffset(x, y)
			copy(out.Pix[out.PixOffset(to.X, to.Y):][:4], p.Pix[from:from+4])
		}
	}
	return out
}

// orientation reads how the camera was held from a JPEG file's Exif segment; 1 if
// it does not say.
func orientation(file []byte) int {
	for at := 2; at+4 <= len(file) && file[at] == 0xff && file[at+1] != 0xda; {
		size := int(binary.BigEndian.Uint16(file[at+2:]))
		if size < 2 || at+2+size > len(file) {
			return 1
		}
		body := file[at+4 : at+2+size]
		if file[at+1] == 0xe1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")) {
			return tagged(body[6:])
		}
		at += 2 + size
	}
	return 1
}

// tagged looks the orientation up in the first directory of a TIFF header.
func tagged(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	at := int(order.Uint32(tiff[4:]))
	if at < 8 || at+2 > len(tiff) {
		return 1
	}
	entries := tiff[at+2:]
	for e := range slices.Chunk(entries[:min(len(entries), 12*int(order.Uint16(tiff[at:])))], 12) {
		if len(e) == 12 && order.Uint16(e) == 0x0112 {
			return int(order.Uint16(e[8:]))
		}
	}
	return 1
}
