package page_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// drawing is a grey ramp with a bright frame.
func drawing(w, h int) page.Picture {
	p := page.Picture{W: w, H: h, Pix: make([]uint8, w*h)}
	for y := range h {
		for x := range w {
			v := uint8(x * 255 / w)
			if x < 2 || y < 2 || x >= w-2 || y >= h-2 {
				v = 255
			}
			p.Pix[y*w+x] = v
		}
	}
	return p
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
		{700, 2, 76, 32, 76, 1},
	} {
		if p := drawing(x.w, x.h).Fit(x.intoW, x.intoH); p.W != x.wantW || p.H != x.wantH || len(p.Pix) != p.W*p.H {
			t.Errorf("%+v: %dx%d", x, p.W, p.H)
		}
	}
	half := page.Picture{W: 4, H: 2, Pix: []uint8{0, 200, 0, 200, 0, 200, 0, 200}} // columns of 0 and 200
	if p := half.Fit(2, 2); !bytes.Equal(p.Pix, []uint8{100, 100}) {
		t.Errorf("means: %v", p)
	}
}

func TestAPictureReadsAsItWasWritten(t *testing.T) {
	want := drawing(300, 200)
	file, err := want.File()
	if err != nil {
		t.Fatal(err)
	}
	got, err := page.ReadPicture(file)
	if err != nil || got.W != want.W || got.H != want.H || !bytes.Equal(got.Pix, want.Pix) {
		t.Errorf("%dx%d, %v", got.W, got.H, err)
	}
}

func TestOnlyTheFormOfTheWireIsRead(t *testing.T) {
	good, err := drawing(64, 64).File()
	if err != nil {
		t.Fatal(err)
	}
	huge := bytes.Clone(good)
	binary.BigEndian.PutUint32(huge[16:], 20_000) // the width in IHDR
	rgb := image.NewRGBA(image.Rect(0, 0, 8, 8))
	for name, file := range map[string][]byte{
		"colours": pngFile(t, rgb), "0 bytes": {}, "text": []byte("xin chào"), "truncated": good[:len(good)/2], "20,000 wide": huge,
		"16 bits": pngFile(t, image.NewGray16(image.Rect(0, 0, 8, 8))), "a palette": pngFile(t, image.NewPaletted(image.Rect(0, 0, 8, 8), color.Palette{color.Black, color.White})),
		"over 1 MiB": make([]byte, protocol.MaxPicture+1),
	} {
		if _, err := page.ReadPicture(file); !errors.Is(err, page.ErrPicture) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPicturesStandBesideTheText(t *testing.T) {
	board := page.Board{Width: 384, Height: 192, Row: 16}
	pic := drawing(300, 300)
	w, h := page.PictureRoom(board)
	fit := pic.Fit(w, h)
	text := page.Text{Kind: page.Pictured, Title: "Lịch tiêm phòng", Body: "Trẻ dưới 5 tuổi từ 7 giờ 30 đến 11 giờ, ngày 21/6.", Sender: "UBND xã Bình An"}
	pages, warnings, err := page.Lay(board, text, &pic)
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	f := page.Render(pages[0])
	y0 := (board.Height - fit.H) / 2
	for y := range fit.H {
		if got := f.Pix[(y0+y)*f.W : (y0+y)*f.W+fit.W]; !bytes.Equal(got, fit.Pix[y*fit.W:(y+1)*fit.W]) {
			t.Fatalf("row %d of the picture is not on the board", y)
		}
	}
	for _, l := range pages[0].Lines {
		if l.X < fit.W {
			t.Errorf("%q begins on the picture, at %d", l.Text, l.X)
		}
	}
	for _, kind := range []page.Kind{page.Notice, page.Emergency, page.TwoLine} {
		text.Kind = kind
		if _, _, err := page.Lay(board, text, &pic); !errors.Is(err, page.ErrKind) {
			t.Errorf("%v with a picture: %v", kind, err)
		}
	}
	text.Kind = page.Pictured
	if _, _, err := page.Lay(board, text, nil); !errors.Is(err, page.ErrKind) {
		t.Errorf("no picture: %v", err)
	}
	pic.W++
	if _, _, err := page.Lay(board, text, &pic); !errors.Is(err, page.ErrPicture) {
		t.Errorf("picture whose size is not its pixels': %v", err)
	}
}

func TestABoardWithoutRoomShowsTheTextAloneAndSaysSo(t *testing.T) {
	pic := drawing(100, 100)
	board := page.Board{Width: 128, Height: 64, Row: 16}
	text := page.Text{Kind: page.Pictured, Title: "Lịch tiêm phòng", Body: "Ngày 21/6, từ 7 giờ 30."}
	pages, warnings, err := page.Lay(board, text, &pic)
	if err != nil || len(warnings) != 1 || warnings[0].Problem != page.NoRoom || warnings[0].Field != page.FieldPicture {
		t.Fatal(warnings, err)
	}
	text.Kind = page.Notice
	alone, _, err := page.Compose(board, text)
	if err != nil || len(pages) != len(alone) || pages[0].Digest() != alone[0].Digest() {
		t.Error(err)
	}
}

func FuzzReadPicture(f *testing.F) {
	file, err := drawing(9, 7).File()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Fuzz(func(t *testing.T, file []byte) {
		// Its pixels twice, and the decoder's window.
		pixels := 0
		if head, err := png.DecodeConfig(bytes.NewReader(file)); err == nil && head.Width <= protocol.MaxPictureW && head.Height <= protocol.MaxPictureH {
			pixels = 2 * head.Width * head.Height
		}
		protocoltest.HoldMemoryBeside(t, "picture", len(file), pixels+128<<10, func() { _, _ = page.ReadPicture(file) })
		if pic, err := page.ReadPicture(file); err == nil && (pic.W > protocol.MaxPictureW || pic.H > protocol.MaxPictureH || len(pic.Pix) != pic.W*pic.H) {
			t.Errorf("%dx%d with %d px", pic.W, pic.H, len(pic.Pix))
		}
	})
}
