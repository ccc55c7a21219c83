package page_test

import (
	"strings"
	"testing"

	"github.com/loa-vn/loa/protocol/page"
)

// everyBoard has the boards of firmware-config.
func everyBoard() []page.Board {
	return append(boards(),
		page.Board{Width: 192, Height: 16, Row: 16},
		page.Board{Width: 128, Height: 64, Row: 16},
		page.Board{Width: 256, Height: 192, Row: 32},
		page.Board{Width: 320, Height: 160, Row: 32},
		page.Board{Width: 384, Height: 192, Row: 32},
		page.Board{Width: 448, Height: 224, Row: 32},
		page.Board{Width: 640, Height: 320, Row: 48},
		page.Board{Width: 640, Height: 360, Row: 48},
		page.Board{Width: 1920, Height: 1080, Row: 96},
	)
}

func TestATelephoneNumberStandsOnThePageOfItsWords(t *testing.T) {
	for _, b := range everyBoard() {
		if b.Height == b.Row {
			continue // a page is a line
		}
		pages, _, err := page.Compose(b, texts()[1].Text)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pages {
			s := strings.ReplaceAll(shown([]page.Page{p}), "|", " ")
			if strings.Contains(s, "0912") != strings.Contains(s, "Điện thoại: 0912 345 678.") {
				t.Errorf("%v: %s", b, shown(pages))
			}
		}
	}
}

// The title of an emergency does not look like its text: it stands inverse beside or below the
// mark, or alone on the first page.
func TestTheTitleOfAnEmergencyIsSeenToBeOne(t *testing.T) {
	for _, b := range everyBoard() {
		for _, x := range texts() {
			if x.Kind != page.Emergency && x.Kind != page.Drill {
				continue
			}
			pages, _, err := page.Compose(b, x.Text)
			if err != nil {
				t.Fatal(err)
			}
			inverse, plain := "", ""
			for _, l := range pages[0].Lines {
				if l.Inverse {
					inverse += l.Text + " "
				} else {
					plain += l.Text + " "
				}
			}
			first := strings.HasPrefix(x.Title, strings.TrimSpace(plain)) && plain != ""
			if !strings.Contains(inverse, x.Title) && !first {
				t.Errorf("%s on %v: %s", x.name, b, shown(pages))
			}
			for _, l := range pages[0].Lines {
				if l.Inverse && !strings.ContainsAny(l.Text, "/:") && !within(pages[0].Bars, l) {
					t.Errorf("%s on %v: %q stands on no bar", x.name, b, l.Text)
				}
			}
		}
	}
}

// within says whether a line stands on one of the bars, or on two that touch.
func within(bars []page.Bar, l page.Line) bool {
	for y := l.Y; y < l.Y+l.Row; y++ {
		on := false
		for _, b := range bars {
			on = on || b.Y <= y && y < b.Y+b.H && b.X <= l.X && l.X < b.X+b.W
		}
		if !on {
			return false
		}
	}
	return true
}

// Whoever sees what an emergency was also sees that it is over.
func TestWhatIsOverSaysSoOnTheSamePage(t *testing.T) {
	const title, over = "Lũ đang lên nhanh", "Đã hết hiệu lực"
	for _, b := range everyBoard() {
		for _, drill := range []bool{false, true} {
			pages, err := page.Over(b, title, drill)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range pages {
				s := strings.ReplaceAll(shown([]page.Page{p}), "|", " ")
				if drill && !strings.Contains(s, "DIỄN TẬP") {
					t.Errorf("%v: no word of a drill: %s", b, shown(pages))
				}
				if !drill && (!strings.Contains(s, title) || !strings.Contains(s, over)) {
					t.Errorf("%v: %s", b, shown(pages))
				}
			}
			if !drill && len(pages) != 1 {
				t.Errorf("%v: %d pages", b, len(pages))
			}
		}
	}
}
