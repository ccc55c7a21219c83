package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLettersAreSortedAndHoldAllOfVietnamese(t *testing.T) {
	ls := letters()
	if !slices.IsSorted(ls) || len(slices.Compact(slices.Clone(ls))) != len(ls) {
		t.Error("letters are not sorted or not distinct")
	}
	if n := len(vietnamese()); n != 146 {
		t.Errorf("%d Vietnamese letters", n)
	}
	for _, r := range vietnamese() {
		if _, ok := slices.BinarySearch(ls, r); !ok {
			t.Errorf("%q is missing", r)
		}
	}
}

// expand is the reading of format.go's runs, on its own.
func expand(runs []byte) (ink []uint8) {
	for i := 0; i < len(runs); i++ {
		level, n := runs[i]>>4, int(runs[i]&15)
		if n == 0 {
			i++
			n = int(runs[i]) + 16
		}
		ink = append(ink, slices.Repeat([]uint8{level}, n)...)
	}
	return ink
}

func TestRunsKeepTheInk(t *testing.T) {
	for _, n := range []int{1, 15, 16, 17, 270, 271, 272, 287, 543} {
		ink := append(slices.Repeat([]uint8{15}, n), 0, 7, 7)
		if diff := cmp.Diff(ink, expand(appendRuns(nil, ink))); diff != "" {
			t.Errorf("run of %d: %s", n, diff)
		}
	}
}

func TestGlyphsOutsideTheRowAreRefused(t *testing.T) {
	for _, g := range []glyph{
		{r: 'a', advance: 8, top: 10, w: 1, h: 7, ink: make([]uint8, 7)},
		{r: 'a', advance: 8, top: -1, w: 1, h: 1, ink: make([]uint8, 1)},
		{r: 'a', advance: 0},
		{r: 'a', advance: 8, w: 2, h: 2, ink: make([]uint8, 3)},
	} {
		if _, err := encode(16, 14, []glyph{g}); !errors.Is(err, errGlyph) {
			t.Errorf("%+v: %v", g, err)
		}
	}
}

func TestFontsWithHolesAreRefused(t *testing.T) {
	const hexA = "0041:0000000018242442427E424242420000\n"
	glyphs, err := readUnifont(strings.NewReader(hexA), []rune{'A'})
	if err != nil || len(glyphs) != 2 || glyphs[1].top != 4 || glyphs[1].h != 10 || glyphs[1].left != 1 || glyphs[1].w != 6 {
		t.Errorf("A: %+v, %v", glyphs, err)
	}
	if _, err := readUnifont(strings.NewReader(hexA), []rune{'Ẩ'}); !errors.Is(err, errGlyph) {
		t.Errorf("missing letter: %v", err)
	}
	if _, err := readUnifont(strings.NewReader("zz\n"), nil); !errors.Is(err, errGlyph) {
		t.Errorf("broken line: %v", err)
	}
}

// The committed atlases are those of the letters above.
func TestAtlasesHoldTheLetters(t *testing.T) {
	files, err := filepath.Glob("../atlas/*.atlas")
	if err != nil || len(files) != 6 {
		t.Fatalf("%v %v", files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(b[:8]) != magic {
			t.Errorf("%s begins with %q", file, b[:8])
		}
		var got []rune
		for at := 14; at < 14+16*(int(b[12])<<8|int(b[13])); at += 16 {
			got = append(got, rune(b[at])<<24|rune(b[at+1])<<16|rune(b[at+2])<<8|rune(b[at+3]))
		}
		if diff := cmp.Diff(append([]rune{0}, letters()...), got); diff != "" {
			t.Errorf("%s: bake again (-want +got):\n%s", file, diff)
		}
	}
}
