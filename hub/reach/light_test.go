package reach

import (
	"math"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// measured is what a sensor tells every second before a board that shows these pages:
// daylight, and what the lit pixels add.
func measured(pages []page.Page, began time.Time, daylight func(i int) float64) []Sample {
	var out []Sample
	for i := range int(page.Length(pages) / time.Second) {
		t, on := page.At(pages, time.Duration(i)*time.Second)
		if !on {
			break
		}
		sum := 0.0
		for _, v := range page.Render(pages[t.Page]).Pix {
			sum += float64(v)
		}
		out = append(out, Sample{began.Add(time.Duration(i) * time.Second), daylight(i) + sum/5000})
	}
	return out
}

// Light proves what was shown only where it follows the pages: neither a lamp, nor
// another text, nor a board that stays as it is does that.
func TestLightProvesOnlyWhatItFollows(t *testing.T) {
	board := page.Board{Width: 192, Height: 32, Row: 16}
	compose := func(text page.Text) []page.Page {
		pages, _, err := page.Compose(board, text)
		if err != nil {
			t.Fatal(err)
		}
		return pages
	}
	pages := compose(page.Text{Kind: page.Notice, Title: "Lịch tiêm phòng", Body: "7h30 ngày 25/11 tại nhà văn hoá thôn Đông. Mang theo sổ.", Sender: "UBND xã Bình An"})
	other := compose(page.Text{Kind: page.Notice, Title: "Họp", Body: "Họp thôn để bàn việc làm đường ngõ xóm, mời mỗi hộ một người dự đúng giờ.", Sender: "Thôn"})
	began := time.Date(2026, 11, 26, 17, 0, 0, 0, time.UTC)
	dim := func(int) float64 { return 40 }
	cloud := func(i int) float64 { return 40 + 2*math.Sin(float64(i)) }
	good := measured(pages, began, cloud)
	for name, x := range map[string]struct {
		pages []page.Page
		light []Sample
		want  bool
	}{
		"follows":      {pages, good, true},
		"another text": {pages, measured(other, began, dim), false},
		"a lamp": {pages, func() (l []Sample) {
			for i := range 30 {
				l = append(l, Sample{began.Add(time.Duration(i) * time.Second), 400})
			}
			return l
		}(), false},
		"the evening": {pages, func() (l []Sample) {
			for i := range 30 {
				l = append(l, Sample{began.Add(time.Duration(i) * time.Second), float64(400 - 10*i)})
			}
			return l
		}(), false},
		"one value":              {pages, good[:1], false},
		"one page alone":         {pages, good[:3], false},
		"before it began":        {pages, measured(pages, began.Add(-time.Second), dim), false},
		"nothing that turns":     {pages[:1], measured(pages[:1], began, dim), false},
		"what moves":             {compose(page.Text{Kind: page.TwoLine, Title: "Họp", Body: "Mời bà con đến nhà văn hoá."}), good, false},
		"shifted by half a page": {pages, measured(pages, began.Add(2500*time.Millisecond), dim), false},
	} {
		if got := follows(x.pages, began, x.light); got != x.want {
			t.Errorf("%s: %t", name, got)
		}
	}

	// Of a board that says it drew these pages, that is to be seen; one value is light.
	b := &protocol.Bulletin{Class: protocol.ClassNormal, Title: "Lịch tiêm phòng", Board: &protocol.Board{
		Text: "7h30 ngày 25/11 tại nhà văn hoá thôn Đông. Mang theo sổ.", Sender: "UBND xã Bình An", Layout: "notice", LayoutVersion: page.Version,
		Sizes: []protocol.Pages{{Width: 192, Height: 32, Row: 16}},
	}}
	aired := []Aired{{Airing: protocol.Airing{ID: "a"}, Signed: b}}
	key := Key{Airing: "a", Device: "d", Medium: protocol.MediumBoard, Start: began.UnixMilli()}
	for name, x := range map[string]struct {
		g    Sighting
		want protocol.Proof
	}{
		"one value": {Sighting{Airing: "a", Device: "d", At: began, By: ByLight, Lux: 300}, protocol.ProofRendered},
		"a course":  {Sighting{Airing: "a", Device: "d", At: began, By: ByLight, Light: good}, protocol.ProofSeen},
	} {
		answers := map[Key]Answer{key: {
			Outcome: protocol.OutcomePlayed, Proof: protocol.ProofRendered, Began: began, Ended: began.Add(page.Length(pages)), Pixels: page.Digests(pages),
		}}
		sighted(aired, answers, []Sighting{x.g}, time.UTC)
		if a := answers[key]; a.Level() != x.want || !a.Lit {
			t.Errorf("%s: %s, lit %t", name, a.Level(), a.Lit)
		}
	}
}
