package picture

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"runtime"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// TestMain lets the test binary be the process that decodes.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "picture" {
		os.Exit(Child(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

func decoder() *Decoder { return NewDecoder([]string{os.Args[0], "picture"}) }

// half is bright on the left and dark on the right.
func half(w, h int) *image.RGBA {
	im := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := uint8(0)
			if x < w/2 {
				v = 255
			}
			im.Set(x, y, color.RGBA{v, v, v, 255})
		}
	}
	return im
}

func asPNG(t testing.TB, im image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, im); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t testing.TB, im image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, im, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asGIF(t testing.TB, frames int) []byte {
	t.Helper()
	g := gif.GIF{}
	for range frames {
		g.Image = append(g.Image, image.NewPaletted(image.Rect(0, 0, 8, 8), color.Palette{color.Black, color.White}))
		g.Delay = append(g.Delay, 10)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// chunk is a chunk of a PNG file.
func chunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// header returns a PNG file that says of itself that it has this size.
func header(w, h uint32) []byte {
	ihdr := binary.BigEndian.AppendUint32(nil, w)
	ihdr = binary.BigEndian.AppendUint32(ihdr, h)
	ihdr = append(ihdr, 8, 2, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", ihdr)...)
	return append(file, chunk("IDAT", []byte{0x78, 0x9c})...)
}

// still is a WebP file of one pixel, without loss.
const still = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="

func TestPicturesOfEveryFormComeOutAsBoardsTakeThem(t *testing.T) {
	webp, err := base64.StdEncoding.DecodeString(still)
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		file []byte
		w, h int
	}{
		"png": {asPNG(t, half(40, 20)), 40, 20}, "jpeg": {asJPEG(t, half(40, 20)), 40, 20}, "gif": {asGIF(t, 1), 8, 8}, "webp": {webp, 1, 1},
		"grey": {asPNG(t, image.NewGray(image.Rect(0, 0, 5, 5))), 5, 5}, "16 bits": {asPNG(t, image.NewRGBA64(image.Rect(0, 0, 5, 5))), 5, 5},
		"large": {asPNG(t, image.NewGray(image.Rect(0, 0, 3000, 1000))), protocol.MaxPictureW, 256},
		"tall":  {asPNG(t, image.NewGray(image.Rect(0, 0, 10, 5000))), 2, protocol.MaxPictureH},
	} {
		file, err := decoder().Convert(t.Context(), x.file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p, err := page.ReadPicture(file); err != nil || p.W != x.w || p.H != x.h {
			t.Errorf("%s: %dx%d, %v", name, p.W, p.H, err)
		}
	}
}

// Each kind of file that the issue names is refused in its own words, and none
// of them costs this process anything.
func TestPicturesThatCannotBeShownAreRefusedWithTheReason(t *testing.T) {
	good := asPNG(t, half(64, 64))
	// the beginning of a JPEG file of 8x8 px with four components
	cmyk := []byte{0xff, 0xd8, 0xff, 0xc0, 0, 20, 8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0, 0xff, 0xda, 0, 2}
	apng := append(bytes.Clone(good[:33]), chunk("acTL", make([]byte, 8))...) // behind IHDR
	apng = append(apng, good[33:]...)
	webp := append([]byte("RIFF\x2a\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00"), make([]byte, 20)...)
	for name, x := range map[string]struct {
		file []byte
		want error
	}{
		"0 bytes":          {nil, ErrEmpty},
		"over 24 MiB":      {make([]byte, MaxBytes+1), ErrBytes},
		"text":             {[]byte("xin chào"), ErrForm},
		"SVG":              {[]byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), ErrForm},
		"20,000x20,000":    {header(20_000, 20_000), ErrPixels},
		"9,000x9,000":      {header(9_000, 9_000), ErrPixels},
		"a bomb's width":   {header(1<<31-1, 1), ErrPixels},
		"CMYK":             {cmyk, ErrPrint},
		"animated GIF":     {asGIF(t, 3), ErrAnimated},
		"animated PNG":     {apng, ErrAnimated},
		"truncated PNG":    {good[:len(good)/2], ErrDamaged},
		"truncated JPEG":   {asJPEG(t, half(64, 64))[:300], ErrDamaged},
		"truncated GIF":    {asGIF(t, 1)[:20], ErrDamaged},
		"head alone":       {good[:8], ErrDamaged},
		"animated WebP":    {webp, ErrAnimated},
		"size without end": {header(4000, 4000), ErrDamaged},
	} {
		if _, err := decoder().Convert(t.Context(), x.file); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", name, err, x.want)
		}
		vi, en := Message(x.want)
		other, _ := Message(errors.New("another"))
		if vi == "" || en == "" || vi == other {
			t.Errorf("%s: no words of its own", name)
		}
	}
}

func TestPicturesStandUprightHoweverTheCameraWasHeld(t *testing.T) {
	// bright where the letter stands: the left half of what the sensor saw
	for turn, bright := range map[turning]string{1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom"} {
		for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
			p, err := Convert(held(t, turn, order))
			if err != nil {
				t.Fatal(err)
			}
			at := map[string]int{"left": p.H/2*p.W + 1, "right": p.H/2*p.W + p.W - 2, "top": p.W + p.W/2, "bottom": (p.H-2)*p.W + p.W/2}
			for where, i := range at {
				if (p.Pix[i] > 200) != (where == bright) && (bright == "left" || bright == "right") == (where == "left" || where == "right") {
					t.Errorf("orientation %d: %d at the %s, want the %s bright", turn, p.Pix[i], where, bright)
				}
			}
			if wide := p.W == 64; wide == turn.swaps() {
				t.Errorf("orientation %d: %dx%d", turn, p.W, p.H)
			}
		}
	}
}

// held is a JPEG file of 64x32 px that says how the camera was held.
func held(t testing.TB, turn turning, order binary.ByteOrder) []byte {
	file := asJPEG(t, half(64, 32))
	mark := "MM"
	if order == binary.LittleEndian {
		mark = "II"
	}
	tiff := []byte(mark)
	u16 := func(v uint16) { b := make([]byte, 2); order.PutUint16(b, v); tiff = append(tiff, b...) }
	u32 := func(v uint32) { b := make([]byte, 4); order.PutUint32(b, v); tiff = append(tiff, b...) }
	u16(42)
	u32(8)
	u16(1)
	u16(0x0112)
	u16(3)
	u32(1)
	u16(uint16(turn))
	u16(0)
	exif := append([]byte("Exif\x00\x00"), tiff...)
	segment := append([]byte{0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(exif)+2))...)
	return append(append(bytes.Clone(file[:2]), append(segment, exif...)...), file[2:]...)
}

// Nothing of a picture but its pixels reaches a board: no place, no camera.
func TestWhatACameraNotedIsNotPassedOn(t *testing.T) {
	file, err := decoder().Convert(t.Context(), held(t, 6, binary.BigEndian))
	if err != nil || bytes.Contains(file, []byte("Exif")) || bytes.Contains(file, []byte("eXIf")) {
		t.Errorf("%v", err)
	}
}

func TestADecoderGivesUpWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := decoder().Convert(ctx, asPNG(t, half(8, 8))); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := NewDecoder(nil).Convert(t.Context(), asPNG(t, half(8, 8))); !errors.Is(err, ErrFailed) {
		t.Error(err)
	}
	if _, err := NewDecoder([]string{"/bin/false"}).Convert(t.Context(), asPNG(t, half(8, 8))); runtime.GOOS == "linux" && !errors.Is(err, ErrFailed) {
		t.Error(err)
	}
}

func FuzzConvert(f *testing.F) {
	f.Add(asPNG(f, half(9, 7)))
	f.Add(asJPEG(f, half(9, 7)))
	f.Add(asGIF(f, 2))
	f.Add(held(f, 6, binary.BigEndian))
	f.Fuzz(func(t *testing.T, file []byte) {
		if head, _, err := image.DecodeConfig(bytes.NewReader(file)); err == nil && head.Width*head.Height > 1<<20 {
			return // slow, and of no use to the search
		}
		// A picture takes its pixels, in colour with 16 bits at most, and grey levels of them.
		pixels := 0
		if head, _, err := image.DecodeConfig(bytes.NewReader(file)); err == nil {
			pixels = 16 * head.Width * head.Height
		}
		protocoltest.HoldMemoryBeside(t, "picture", len(file), pixels+256<<10, func() { _, _ = Convert(file) })
		p, err := Convert(file)
		if err == nil && (p.W < 1 || p.H < 1 || p.W > protocol.MaxPictureW || p.H > protocol.MaxPictureH || len(p.Pix) != p.W*p.H) {
			t.Errorf("%dx%d with %d px", p.W, p.H, len(p.Pix))
		}
	})
}
