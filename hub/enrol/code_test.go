package enrol_test

import (
	"bytes"
	"image/png"
	"strings"
	"testing"

	"github.com/loa-vn/loa/hub/enrol"
)

// A claim is drawn as a picture and for a terminal, both of the same modules.
func TestAClaimAsAQRCode(t *testing.T) {
	code, err := enrol.Code(enrol.Claim{Text: "loa1." + strings.Repeat("A", 26) + "." + strings.Repeat("B", 26)}, "https://hub.example:8443")
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(code.PNG()))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(code.Text(), "\n"), "\n")
	const scale, margin = 8, 4 // of the picture, whose margin is the standard's
	modules := picture.Bounds().Dx()/scale - 2*margin
	for y := range modules {
		for x := range modules {
			r, _, _, _ := picture.At((x+margin)*scale+1, (y+margin)*scale+1).RGBA()
			char := []rune(lines[(y+2)/2])[x+2]
			light := char == '█' || (char == '▀' && y%2 == 0) || (char == '▄' && y%2 == 1)
			if (r > 0x7fff) != light {
				t.Fatalf("module %d, %d differs", x, y)
			}
		}
	}
}
