package page

import (
	_ "embed" // the atlases
)

// The atlases, in the format described in protocol/page/bake.
var (
	//go:embed atlas/unifont16.atlas
	atlas16 string
	//go:embed atlas/noto24.atlas
	atlas24 string
	//go:embed atlas/noto32.atlas
	atlas32 string
	//go:embed atlas/noto48.atlas
	atlas48 string
	//go:embed atlas/noto96.atlas
	atlas96 string
	//go:embed atlas/noto160.atlas
	atlas160 string
)

// Offsets and sizes of the atlas format.
const (
	atlasHeader = 14
	atlasRecord = 16
)

// atlas is a set of glyphs of one row height, read in place.
type atlas struct {
	data   string
	glyphs int // number of glyphs
	runs   int // offset of the run section
}

// glyph is one letter: where its ink lies relative to the pen and to the top of
// the row, and the ink as runs of grey levels.
type glyph struct {
	advance, left, top, w, h int
	runs                     string
}

// atlasOf returns the atlas of a row height that is one of Rows.
func atlasOf(row int) atlas {
	var data string
	switch row {
	case 16:
		data = atlas16
	case 24:
		data = atlas24
	case 32:
		data = atlas32
	case 48:
		data = atlas48
	case 96:
		data = atlas96
	case 160:
		data = atlas160
	}
	n := be16(data, 12)
	return atlas{data: data, glyphs: n, runs: atlasHeader + n*atlasRecord + 4*(n+1)}
}

// find returns the index of r's glyph.
func (a atlas) find(r rune) (int, bool) {
	lo, hi := 0, a.glyphs
	for lo < hi {
		mid := (lo + hi) / 2
		if be32(a.data, atlasHeader+mid*atlasRecord) < int(r) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < a.glyphs && be32(a.data, atlasHeader+lo*atlasRecord) == int(r)
}

// has says whether r can be drawn as itself; glyph 0 is the missing letter's box.
func (a atlas) has(r rune) bool {
	_, ok := a.find(r)
	return ok && r > 0
}

// glyph returns the glyph of r, or the box.
func (a atlas) glyph(r rune) glyph {
	i, ok := a.find(r)
	if !ok || r <= 0 {
		i = 0
	}
	at := atlasHeader + i*atlasRecord
	offset := atlasHeader + a.glyphs*atlasRecord + 4*i
	return glyph{
		advance: be16(a.data, at+4),
		left:    int(int16(be16(a.data, at+6))),
		top:     be16(a.data, at+8),
		w:       be16(a.data, at+10),
		h:       be16(a.data, at+12),
		runs:    a.data[a.runs+be32(a.data, offset) : a.runs+be32(a.data, offset+4)],
	}
}

// width returns the px that s takes, from pen to pen.
func (a atlas) width(s string) int {
	w := 0
	for _, r := range s {
		w += a.glyph(r).advance
	}
	return w
}

func be16(s string, at int) int { return int(s[at])<<8 | int(s[at+1]) }

func be32(s string, at int) int { return be16(s, at)<<16 | be16(s, at+2) }
