package main

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"testing"
	"time"
)

// drawn is a small picture that differs by n.
func drawn(n uint8) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, 24, 16))
	for i := range img.Pix {
		img.Pix[i] = uint8(i) ^ n
	}
	return img
}

func TestAnyFalsifiedPictureIsFound(t *testing.T) {
	pages := []image.Image{drawn(1), drawn(2)}
	rest := drawn(99)
	begin := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	during := span{begin, begin.Add(19 * time.Second)}
	shown := func(images ...image.Image) []picture {
		out := []picture{{begin.Add(-time.Hour), rest}}
		for i, img := range images {
			out = append(out, picture{begin.Add(10*time.Millisecond + time.Duration(i)*5*time.Second), img})
		}
		return append(out, picture{begin.Add(20 * time.Second), rest})
	}
	sets := [][]image.Image{{drawn(7)}, pages}
	if err := shownAs(shown(drawn(1), drawn(2), drawn(1), drawn(2)), sets, during); err != nil {
		t.Error(err)
	}
	passing := append([]picture{{begin.Add(time.Millisecond), rest}}, shown(drawn(1), drawn(2), drawn(1), drawn(2))[1:]...)
	if err := shownAs(passing, sets, during); err != nil {
		t.Errorf("a passing rest: %v", err)
	}
	pixel := drawn(2)
	pixel.SetGray(23, 15, color.Gray{Y: pixel.GrayAt(23, 15).Y ^ 1})
	smaller := pixel.SubImage(image.Rect(0, 0, 24, 15))
	for name, images := range map[string][]image.Image{
		"nothing":       nil,
		"one pixel":     {drawn(1), pixel, drawn(1), drawn(2)},
		"another size":  {drawn(1), smaller, drawn(1), drawn(2)},
		"another order": {drawn(2), drawn(1), drawn(2), drawn(1)},
		"once only":     {drawn(1), drawn(2)},
		"one missing":   {drawn(1), drawn(1), drawn(1), drawn(1)},
		"the rest":      {drawn(1), drawn(2), rest, drawn(2)},
	} {
		if err := shownAs(shown(images...), sets, during); !errors.Is(err, errPicture) {
			t.Errorf("%s: %v, want errPicture", name, err)
		}
	}
	if err := shownAs(shown(drawn(1)), nil, during); !errors.Is(err, errPicture) {
		t.Errorf("no pages: %v", err)
	}
}

func TestAOnePageNoticeIsOnePicture(t *testing.T) {
	begin := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	if err := shownAs([]picture{{begin, drawn(1)}}, [][]image.Image{{drawn(1)}}, span{begin, begin.Add(time.Second)}); err != nil {
		t.Error(err)
	}
}

func TestPicturesAreComparedByPixelsWhateverTheirFile(t *testing.T) {
	grey := drawn(3)
	colours := image.NewNRGBA(grey.Bounds())
	for y := range 16 {
		for x := range 24 {
			colours.Set(x, y, grey.At(x, y))
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, colours); err != nil {
		t.Fatal(err)
	}
	img, err := readPNG(b.Bytes())
	if err != nil || !alike(img, grey) {
		t.Errorf("not alike, %v", err)
	}
	if _, err := readPNG(b.Bytes()[:b.Len()/2]); !errors.Is(err, errPicture) {
		t.Errorf("half a file: %v", err)
	}
}
