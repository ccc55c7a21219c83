// Command bake makes the glyph atlases that package page embeds: a subset of
// GNU Unifont for rows of 16 px and of an outline font, at the size whose ink
// fits the row, for rows of 24 px and more.
//
// It decides which letters boards can draw and how large they are. It is run by
// hand when letters or sizes change, its output is committed, and nothing of it
// runs on the hub or on a device: outline rendering uses floating point, which
// differs between processors, and copying finished glyphs does not.
//
//	go run ./protocol/page/bake -hex /usr/share/unifont/unifont.hex \
//	    -outline /usr/share/fonts/truetype/noto/NotoSans-Bold.ttf -out protocol/page/atlas
//
// With -lunar it writes the table of package lunar, which is computed from
// astronomical series in floating point for the same reason.
//
// The atlas format is described in format.go.
package main
