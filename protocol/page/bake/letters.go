package main

import (
	"slices"

	"golang.org/x/text/unicode/norm"
)

// letters returns every rune that a board can draw, sorted: ASCII, Latin-1, the
// Vietnamese letters of both cases, the letters that the minority languages
// written with breve and caron add (Ê Đê, Gia Rai, Ba Na), and punctuation,
// currency, mathematics as they stand in official texts.
func letters() []rune {
	var rs []rune
	for r := rune(0x20); r <= 0x7e; r++ {
		rs = append(rs, r)
	}
	for r := rune(0xa1); r <= 0xff; r++ {
		if r != 0xad { // the soft hyphen is no letter
			rs = append(rs, r)
		}
	}
	rs = append(rs, vietnamese()...)
	rs = append(rs, []rune("ĔĕĬĭŎŏŬŭČčŇňŠšŽž")...)
	rs = append(rs, []rune("–—‘’‚“”„†‡•…‰′″‹›⁄€₫™")...)
	slices.Sort(rs)
	return slices.Compact(rs)
}

// vietnamese returns the 146 Vietnamese letters: twelve vowels under six tones,
// and đ, in both cases; plain consonants are ASCII.
func vietnamese() []rune {
	var rs []rune
	for _, vowel := range "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY" {
		for _, tone := range []string{"", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323"} {
			rs = append(rs, []rune(norm.NFC.String(string(vowel)+tone))...)
		}
	}
	return append(rs, 'đ', 'Đ')
}
