package picture

import (
	"encoding/binary"

	"github.com/loa-vn/loa/protocol/page"
)

// turning is how a picture has to be turned to stand upright, as EXIF's tag
// Orientation (JEITA CP-3451, 4.6.4) numbers it.
type turning uint8

const upright turning = 1

// swaps says whether width and height change places.
func (t turning) swaps() bool { return t >= 5 && t <= 8 }

// apply returns the picture upright.
func (t turning) apply(p page.Picture) page.Picture {
	if t <= upright || t > 8 {
		return p
	}
	out := page.Picture{W: p.W, H: p.H, Pix: make([]uint8, len(p.Pix))}
	if t.swaps() {
		out.W, out.H = p.H, p.W
	}
	for y := range out.H {
		for x := range out.W {
			sx, sy := x, y // where the pixel comes from
			switch t {
			case 2:
				sx = p.W - 1 - x
			case 3:
				sx, sy = p.W-1-x, p.H-1-y
			case 4:
				sy = p.H - 1 - y
			case 5:
				sx, sy = y, x
			case 6:
				sx, sy = y, p.H-1-x
			case 7:
				sx, sy = p.W-1-y, p.H-1-x
			case 8:
				sx, sy = p.W-1-y, x
			}
			out.Pix[y*out.W+x] = p.Pix[sy*p.W+sx]
		}
	}
	return out
}

// orientation reads how a JPEG file's camera was held; upright if it does not say.
func orientation(file []byte) turning {
	for at := 2; at+4 <= len(file) && file[at] == 0xff; {
		marker, size := file[at+1], int(binary.BigEndian.Uint16(file[at+2:]))
		if marker == 0xda || size < 2 || at+2+size > len(file) { // the pixels begin
			break
		}
		segment := file[at+4 : at+2+size]
		if marker == 0xe1 && len(segment) > 6 && string(segment[:6]) == "Exif\x00\x00" {
			return tag(segment[6:])
		}
		at += 2 + size
	}
	return upright
}

// tag finds the orientation in the first directory of a TIFF block.
func tag(tiff []byte) turning {
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case len(tiff) < 8:
		return upright
	case string(tiff[:2]) == "MM":
		order = binary.BigEndian
	case string(tiff[:2]) != "II":
		return upright
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return upright
	}
	n := int64(order.Uint16(tiff[at:]))
	for i := range n {
		e := at + 2 + 12*i
		if e+12 > int64(len(tiff)) {
			break
		}
		if order.Uint16(tiff[e:]) == 0x0112 {
			if v := order.Uint16(tiff[e+8:]); v >= 1 && v <= 8 {
				return turning(v)
			}
			break
		}
	}
	return upright
}
