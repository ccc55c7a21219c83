package page_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/loa-vn/loa/protocol/page"
)

// drawing is a grey ramp with a bright frame.
func drawing(w, h int) *image.RGBA {
	im := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			v := uint8(x * 255 / w)
			if x < 2 || y < 2 || x >= w-2 || y >= h-2 {
				v = 255
			}
			im.Set(x, y, color.RGBA{v, v, v, 255})
		}
	}
	return im
}

func pngFile(t *testing.T, im image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, im); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPicturesFitWholeAndAreNeverEnlarged(t *testing.T) {
	for _, x := range []struct{ w, h, intoW, intoH, wantW, wantH int }{
		{100, 50, 200, 200, 100, 50},
		{400, 200, 100, 100, 100, 50},
		{200, 400, 100, 100, 50, 100},
		{5000, 2, 76, 32, 76, 1},
	} {
		p, err := page.DecodePicture(pngFile(t, drawing(x.w, x.h)), x.intoW, x.intoH)
		if err != nil || p.W != x.wantW || p.H != x.wantH || len(p.Pix) != p.W*p.H {
			t.Errorf("%+v: %dx%d, %v", x, p.W, p.H, err)
		}
	}
	p, err := page.DecodePicture(pngFile(t, image.NewGray(image.Rect(0, 0, 4, 4))), 2, 2)
	if err != nil || !bytes.Equal(p.Pix, make([]uint8, 4)) {
		t.Errorf("black: %v %v", p, err)
	}
	half := image.NewGray(image.Rect(0, 0, 4, 2)) // columns of 0 and 200
	for i := range half.Pix {
		half.Pix[i] = uint8(i % 2 * 200)
	}
	p, err = page.DecodePicture(pngFile(t, half), 2, 2)
	if err != nil || !bytes.Equal(p.Pix, []uint8{100, 100}) {
		t.Errorf("means: %v %v", p, err)
	}
}

func TestPicturesThatCannotBeShownAreRefused(t *testing.T) {
	good := pngFile(t, drawing(64, 64))
	animated := bytes.Replace(bytes.Clone(good), []byte("IDAT"), []byte("acTL"), 1)
	huge := bytes.Clone(good)
	copy(huge[16:24], []byte{0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20}) // 20,000 x 20,000 in IHDR
	// the beginning of a JPEG file of 8x8 px with four components
	cmyk := []byte{0xff, 0xd8, 0xff, 0xc0, 0, 20, 8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0, 0xff, 0xda, 0, 2}
	if head, err := jpeg.DecodeConfig(bytes.NewReader(cmyk)); err != nil || head.ColorModel != color.CMYKModel {
		t.Fatalf("the file for print is none: %v, %v", head, err)
	}
	for name, file := range map[string][]byte{
		"CMYK": cmyk, "0 bytes": {}, "text": []byte("xin chào"), "truncated": good[:len(good)/2], "20,000x20,000": huge,
		"animated": animated, "over 8 MiB": make([]byte, page.MaxPictureBytes+1), "gif": []byte("GIF89a\x01\x00\x01\x00"),
	} {
		if _, err := page.DecodePicture(file, 100, 100); !errors.Is(err, page.ErrPicture) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := page.DecodePicture(good, 0, 10); !errors.Is(err, page.ErrPicture) {
		t.Errorf("no room: %v", err)
	}
}

func TestPicturesStandBesideTheText(t *testing.T) {
	board := page.Board{Width: 384, Height: 192, Row: 16}
	w, h := page.PictureRoom(board)
	pic, err := page.DecodePicture(pngFile(t, drawing(300, 300)), w, h)
	if err != nil {
		t.Fatal(err)
	}
	text := page.Text{Kind: page.Notice, Title: "Lịch tiêm phòng", Body: "Trẻ dưới 5 tuổi từ 7 giờ 30 đến 11 giờ, ngày 21/6.", Sender: "UBND xã Bình An"}
	pages, _, err := page.WithPicture(board, text, pic)
	if err != nil {
		t.Fatal(err)
	}
	f := page.Render(pages[0])
	y0 := (board.Height - pic.H) / 2
	for y := range pic.H {
		if got := f.Pix[(y0+y)*f.W : (y0+y)*f.W+pic.W]; !bytes.Equal(got, pic.Pix[y*pic.W:(y+1)*pic.W]) {
			t.Fatalf("row %d of the picture is not on the board", y)
		}
	}
	for _, l := range pages[0].Lines {
		if l.X < pic.W {
			t.Errorf("%q begins on the picture, at %d", l.Text, l.X)
		}
	}
	text.Kind = page.Emergency
	if _, _, err := page.WithPicture(board, text, pic); !errors.Is(err, page.ErrKind) {
		t.Errorf("emergency: %v", err)
	}
	text.Kind = page.Notice
	pic.W++
	if _, _, err := page.WithPicture(board, text, pic); !errors.Is(err, page.ErrPicture) {
		t.Errorf("picture whose size is not its pixels': %v", err)
	}
}

func FuzzDecodePicture(f *testing.F) {
	var p, j bytes.Buffer
	if err := errors.Join(png.Encode(&p, drawing(9, 7)), jpeg.Encode(&j, drawing(9, 7), nil)); err != nil {
		f.Fatal(err)
	}
	f.Add(p.Bytes())
	f.Add(j.Bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		if pic, err := page.DecodePicture(file, 64, 32); err == nil && (pic.W > 64 || pic.H > 32 || len(pic.Pix) != pic.W*pic.H) {
			t.Errorf("%dx%d with %d px", pic.W, pic.H, len(pic.Pix))
		}
	})
}
