package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"slices"
	"testing"

	"github.com/loa-vn/loa/protocol/protocoltest"
)

// shot is a photograph of w x h with a red corner, as a phone writes it: Exif with
// an orientation and a place, in either byte order.
func shot(t *testing.T, w, h, turn int, order binary.AppendByteOrder) []byte {
	t.Helper()
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			p.Set(x, y, color.White)
			if x < w/4 && y < h/4 {
				p.Set(x, y, color.RGBA{R: 255, A: 255})
			}
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	mark := "MM"
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		mark = "II"
	}
	tiff := order.AppendUint16([]byte(mark), 42)
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, e := range [][2]uint16{{0x010f, 1}, {0x0112, uint16(turn)}} {
		tiff = order.AppendUint16(order.AppendUint16(tiff, e[0]), 3)
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(order.AppendUint16(tiff, e[1]), 0)
	}
	body := slices.Concat([]byte("Exif\x00\x00"), tiff, []byte("GPSLatitude 10.762622 GPSLongitude 106.660172"))
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2))
	comment := "\xff\xfe\x00\x10Nguyen Van An\n"
	return slices.Concat(b.Bytes()[:2], segment, body, []byte(comment), b.Bytes()[2:])
}

func TestNothingButThePictureIsKept(t *testing.T) {
	file := shot(t, 80, 40, 1, binary.BigEndian)
	for _, secret := range []string{"Exif", "GPSLatitude", "10.762622", "Nguyen Van An"} {
		if !bytes.Contains(file, []byte(secret)) {
			t.Fatalf("the photograph of the test lacks %s", secret)
		}
	}
	clean, err := Clean(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Exif", "GPSLatitude", "10.762622", "Nguyen Van An"} {
		if bytes.Contains(clean, []byte(secret)) {
			t.Errorf("kept %s", secret)
		}
	}
	// Of a JPEG file's segments only those that the picture needs are there.
	for at := 2; at+4 <= len(clean) && clean[at] == 0xff; {
		if m := clean[at+1]; m == 0xda {
			break
		} else if m >= 0xe1 && m <= 0xef || m == 0xfe {
			t.Errorf("segment %x is kept", m)
		}
		at += 2 + int(binary.BigEndian.Uint16(clean[at+2:]))
	}
}

func TestPicturesStandUpright(t *testing.T) {
	// Where the red corner comes to stand, as left/right and top/bottom.
	for turn, want := range map[int]string{0: "lt", 1: "lt", 2: "rt", 3: "rb", 4: "lb", 5: "lt", 6: "rt", 7: "rb", 8: "lb", 9: "lt"} {
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			clean, err := Clean(shot(t, 80, 40, turn, order))
			if err != nil {
				t.Fatal(err)
			}
			p, err := jpeg.Decode(bytes.NewReader(clean))
			if err != nil {
				t.Fatal(err)
			}
			w, h := p.Bounds().Dx(), p.Bounds().Dy()
			if wide := w == 80 && h == 40; wide != (turn < 5 || turn > 8) {
				t.Errorf("turn %d: %d x %d", turn, w, h)
			}
			got := ""
			for _, c := range []struct {
				name string
				x, y int
			}{{"lt", 3, 3}, {"rt", w - 4, 3}, {"lb", 3, h - 4}, {"rb", w - 4, h - 4}} {
				if r, g, _, _ := p.At(c.x, c.y).RGBA(); r > 0xc000 && g < 0x4000 {
					got += c.name
				}
			}
			if got != want {
				t.Errorf("turn %d in %v: the corner is at %q, want %q", turn, order, got, want)
			}
		}
	}
}

func TestLargePicturesAreMadeSmallAndHostileOnesRefused(t *testing.T) {
	clean, err := Clean(shot(t, 2400, 1200, 6, binary.BigEndian))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := jpeg.DecodeConfig(bytes.NewReader(clean)); err != nil || c.Width != 800 || c.Height != MaxSide {
		t.Errorf("%d x %d, %v", c.Width, c.Height, err)
	}
	// A PNG file of a few bytes that says it has 2^30 pixels.
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	bomb := b.Bytes()
	binary.BigEndian.PutUint32(bomb[16:], 1<<15)
	binary.BigEndian.PutUint32(bomb[20:], 1<<15)
	if _, err := Clean(bomb); err == nil {
		t.Error("a bomb was taken")
	}
	for name, file := range map[string][]byte{
		"nothing": nil, "text": []byte("<svg/>"), "half of one": shot(t, 80, 40, 1, binary.BigEndian)[:200], "a segment that goes on": []byte("\xff\xd8\xff\xe1\xff\xff"),
	} {
		if _, err := Clean(file); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00MM\x00*\x00\x00\x00\x08"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if turn := orientation(b); turn < 0 || turn > 0xffff {
			t.Errorf("turn %d", turn)
		}
		// What is larger than a test needs is not decoded.
		if size, _, err := image.DecodeConfig(bytes.NewReader(b)); err == nil && size.Width*size.Height > 1<<16 {
			return
		}
		// A photograph takes its pixels, in colour, and what it is made smaller and written with.
		pixels := 0
		if size, _, err := image.DecodeConfig(bytes.NewReader(b)); err == nil {
			pixels = 16 * size.Width * size.Height
		}
		protocoltest.HoldMemoryBeside(t, "photograph", len(b), pixels+256<<10, func() { _, _ = Clean(b) })
		if out, err := Clean(b); err == nil {
			if _, err := jpeg.DecodeConfig(bytes.NewReader(out)); err != nil {
				t.Error(err)
			}
		}
	})
}
