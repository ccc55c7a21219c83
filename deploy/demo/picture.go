package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"time"
)

var errPicture = errors.New("the board's pictures are not the pages")

// picture is what a board showed from an instant on.
type picture struct {
	at    time.Time
	image image.Image
}

// readPNG reads one picture.
func readPNG(b []byte) (image.Image, error) {
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPicture, err)
	}
	return img, nil
}

// readPages reads pages as the hub serves them.
func readPages(raw [][]byte) ([]image.Image, error) {
	var out []image.Image
	for _, b := range raw {
		img, err := readPNG(b)
		if err != nil {
			return nil, err
		}
		out = append(out, img)
	}
	return out, nil
}

// alike says whether two pictures have the same pixels.
func alike(a, b image.Image) bool {
	if a.Bounds().Size() != b.Bounds().Size() {
		return false
	}
	size, am, bm := a.Bounds().Size(), a.Bounds().Min, b.Bounds().Min
	for y := range size.Y {
		for x := range size.X {
			ar, ag, ab, aa := a.At(am.X+x, am.Y+y).RGBA()
			br, bg, bb, ba := b.At(bm.X+x, bm.Y+y).RGBA()
			if ar != br || ag != bg || ab != bb || aa != ba {
				return false
			}
		}
	}
	return true
}

// shownAs checks that within a stretch a board showed pages and nothing else:
// from the first one on, in order, round and round, each at least once, and twice
// if it is not the only one (a picture that stays is one file). sets are the
// layouts that are right: pages that state the minute may differ by one.
func shownAs(pictures []picture, sets [][]image.Image, during span) error {
	var shown []picture
	for _, p := range pictures {
		if during.holds(p.at) {
			shown = append(shown, p)
		}
	}
	err := fmt.Errorf("%w: no pages to compare with", errPicture)
	for _, pages := range sets {
		if err = inOrder(shown, pages); err == nil {
			return nil
		}
	}
	return err
}

func inOrder(shown []picture, pages []image.Image) error {
	if len(pages) == 0 {
		return fmt.Errorf("%w: no pages to compare with", errPicture)
	}
	due := 2 * len(pages)
	if len(pages) == 1 {
		due = 1
	}
	if len(shown) < due {
		return fmt.Errorf("%w: %d pictures instead of %d", errPicture, len(shown), due)
	}
	for i, p := range shown {
		if !alike(p.image, pages[i%len(pages)]) {
			return fmt.Errorf("%w: picture %d, of %s, is not page %d", errPicture, i+1, p.at.Format("15:04:05.000"), i%len(pages)+1)
		}
	}
	return nil
}
