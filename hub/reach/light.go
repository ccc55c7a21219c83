package reach

import (
	"math"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// Sample is the light before a board at an instant.
type Sample struct {
	At  time.Time
	Lux float64
}

// What light has to do to prove what was shown.
const (
	leastSamples = 8
	mostSamples  = 600
	leastTurns   = 3   // different turns of pages that were measured
	leastSwing   = 0.1 // between the darkest and the brightest page, of the brightest
	closely      = 0.9 // how closely the light follows the pages (Pearson's r)
)

// follows says whether light measured before a board followed the pages that stood on
// it: as bright as each page is in its turn, through enough turns. Any lamp is bright;
// only the board knows when its pages turn and how many of their pixels are lit. Pages
// that are alike, or move, can't be told by their light.
func follows(pages []page.Page, began time.Time, light []Sample) bool {
	if len(pages) == 0 || len(light) < leastSamples {
		return false
	}
	level := make([]float64, len(pages))
	dark, bright := math.Inf(1), 0.0
	for i, p := range pages {
		if p.Crawl != nil {
			return false
		}
		sum := 0
		for _, v := range page.Render(p).Pix {
			sum += int(v)
		}
		level[i] = float64(sum)
		dark, bright = min(dark, level[i]), max(bright, level[i])
	}
	if bright-dark < leastSwing*bright {
		return false
	}
	length := page.Length(pages)
	turns := map[time.Duration]bool{}
	var expected, measured []float64
	for _, s := range light {
		elapsed := s.At.Sub(began)
		t, on := page.At(pages, elapsed%length)
		if elapsed < 0 || !on {
			return false
		}
		turns[elapsed+t.Left] = true // when it ends
		expected, measured = append(expected, level[t.Page]), append(measured, s.Lux)
	}
	return len(turns) >= leastTurns && correlation(expected, measured) >= closely
}

// correlation is Pearson's r; 0 where one of them never changes.
func correlation(a, b []float64) float64 {
	n := float64(len(a))
	var meanA, meanB float64
	for i := range a {
		meanA, meanB = meanA+a[i]/n, meanB+b[i]/n
	}
	var ab, aa, bb float64
	for i := range a {
		x, y := a[i]-meanA, b[i]-meanB
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// lit says whether light that was measured proves what a board showed: of the size whose
// pixels the device says it drew.
func lit(g Sighting, start time.Time, a Answer, aired []Aired, zone *time.Location) bool {
	for _, air := range aired {
		if air.ID != g.Airing {
			continue
		}
		for _, pages := range laid(air.Signed, air.Airing, start, zone) {
			if (drawn{page.Digests(pages)}).agrees(a.Pixels, a.Outcome == protocol.OutcomePlayed) {
				return follows(pages, a.Began, g.Light)
			}
		}
	}
	return false
}

// laid is a bulletin without a picture as it looks on each size of board that it was
// signed for.
func laid(b *protocol.Bulletin, a protocol.Airing, start time.Time, zone *time.Location) [][]page.Page {
	if b == nil || b.Board == nil || b.Board.Picture != nil || b.Board.LayoutVersion == 0 {
		return nil
	}
	t := page.Text{Title: b.Title, Body: b.Board.Text, Sender: b.Board.Sender, Version: b.Board.LayoutVersion}
	switch {
	case b.Class == protocol.ClassEmergency && a.Drill:
		t.Kind = page.Drill
	case b.Class == protocol.ClassEmergency:
		t.Kind = page.Emergency
	default:
		var err error
		if t.Kind, err = page.ParseKind(b.Board.Layout); err != nil {
			return nil
		}
	}
	if b.Class == protocol.ClassEmergency {
		t.Issued, t.Until = start.In(zone), a.Until.Time().In(zone)
	}
	var out [][]page.Page
	for _, s := range b.Board.Sizes {
		if pages, _, err := page.Lay(page.Board{Width: int(s.Width), Height: int(s.Height), Row: int(s.Row)}, t, nil); err == nil {
			out = append(out, pages)
		}
	}
	return out
}
