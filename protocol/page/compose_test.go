package page_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/loa-vn/loa/protocol/page"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// shown returns the text lines of pages, joined by "|", pages by "‖".
func shown(pages []page.Page) string {
	var ps []string
	for _, p := range pages {
		var ls []string
		for _, l := range p.Lines {
			ls = append(ls, l.Text)
		}
		if p.Crawl != nil {
			ls = append(ls, p.Crawl.Text)
		}
		ps = append(ps, strings.Join(ls, "|"))
	}
	return strings.Join(ps, "‖")
}

func TestLinesBreakWhereTheyMay(t *testing.T) {
	board := page.Board{Width: 192, Height: 32, Row: 16} // 24 letters a line
	for _, x := range []struct{ rule, body, want string }{
		{"fewest lines, then even ones", "Mời bà con đi họp thôn tối nay nhé", "Mời bà con đi họp|thôn tối nay nhé"},
		{"number and unit", "Nước dâng thêm khoảng 15,4 km nữa", "Nước dâng thêm|khoảng 15,4 km nữa"},
		{"amount and its unit by the head", "Mức thu năm nay là: 50.000 đồng/hộ gia đình", "Mức thu năm nay là:|50.000 đồng/hộ gia đình"},
		{"hours", "Có mặt tại đình lúc 7 giờ 30 sáng", "Có mặt tại đình|lúc 7 giờ 30 sáng"},
		{"whole date where it fits", "Chiều ngày 21 tháng 6 năm 2026", "Chiều|ngày 21 tháng 6 năm 2026"},
		{"phone number", "Gọi Trạm Y tế xã theo số 0912 345 678", "Gọi Trạm Y tế xã|theo số 0912 345 678"},
		{"class and numeral", "Báo động lũ hiện nay ở cấp III", "Báo động lũ hiện|nay ở cấp III"},
		{"no-break space of the author", "Xin mời bà con thôn\u00a0Đông\u00a0đến dự", "Xin mời bà con|thôn Đông đến dự"},
		{"dash stays with what is before", "Từ thôn Đông, thôn Đoài – về tới xã", "Từ thôn Đông,|thôn Đoài – về tới xã"},
		{"a place and its name", "Bà con ở thôn Đông Hà họp tại trường", "Bà con ở thôn Đông Hà|họp tại trường"},
		{"author's line ends", "Một\nHai\r\nBa", "Một|Hai‖Ba"},
		{"spaces are joined", "  Một \t  hai\u3000ba  ", "Một hai ba"},
		{"decomposed text", norm.NFD.String("Đề nghị"), "Đề nghị"},
	} {
		pages, warnings, err := page.Compose(board, page.Text{Kind: page.Notice, Body: x.body})
		if err != nil {
			t.Errorf("%s: %v", x.rule, err)
			continue
		}
		if diff := cmp.Diff(x.want, shown(pages)); diff != "" || len(warnings) != 0 {
			t.Errorf("%s (-want +got):\n%s%v", x.rule, diff, warnings)
		}
	}
}

func TestShortTextsGrowAndLongOnesTurnThePage(t *testing.T) {
	board := page.Board{Width: 192, Height: 32, Row: 16}
	pages, _, err := page.Compose(board, page.Text{Kind: page.Notice, Body: "Nghỉ học"})
	if err != nil || len(pages) != 1 || pages[0].Lines[0].Row != 32 {
		t.Errorf("two words fill the board: %v %v", pages, err)
	}
	pages, _, err = page.Compose(board, page.Text{Kind: page.Notice, Body: strings.Repeat("Nghỉ học ", 30)})
	if err != nil || len(pages) < 5 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for i, p := range pages {
		for _, l := range p.Lines {
			if l.Row != board.Row {
				t.Errorf("page %d has a line of row %d", i, l.Row)
			}
		}
	}
}

func TestWhatCannotBeDrawnIsABoxAndReported(t *testing.T) {
	board := page.Board{Width: 192, Height: 32, Row: 16}
	title := norm.NFD.String("Tiế") + "🙂" // positions count the composed form
	_, got, err := page.Compose(board, page.Text{
		Kind: page.Notice, Title: title, Body: "a\u200bb \u202e\u0301x", Sender: "中",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []page.Warning{
		{Field: page.FieldTitle, Pos: 3, Letter: '🙂', Problem: page.Missing},
		{Field: page.FieldBody, Pos: 1, Letter: '\u200b', Problem: page.Invisible},
		{Field: page.FieldBody, Pos: 4, Letter: '\u202e', Problem: page.Missing},
		{Field: page.FieldBody, Pos: 5, Letter: '\u0301', Problem: page.Missing},
		{Field: page.FieldSender, Pos: 0, Letter: '中', Problem: page.Missing},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	pages, _, err := page.Compose(board, page.Text{Kind: page.Notice, Body: "中"})
	if err != nil {
		t.Fatal(err)
	}
	box, missing := page.Render(pages[0]), pages[0]
	missing.Lines = []page.Line{{X: missing.Lines[0].X, Y: missing.Lines[0].Y, Row: missing.Lines[0].Row, Text: "\u4e00"}}
	if box.Digest() != page.Render(missing).Digest() {
		t.Error("two missing letters are drawn in different ways")
	}
}

// A text in a script that boards do not have is shown as boxes, each letter reported: none
// is dropped, none joins another, none turns the line round.
func TestTextsOfOtherScriptsAreBoxes(t *testing.T) {
	board := page.Board{Width: 192, Height: 32, Row: 16}
	for name, s := range map[string]string{
		"Arabic": "السلام", "Hebrew": "שלום", "Thai": "สวัสดี", "Devanagari": "नमस्ते", "Chinese": "你好", "Hangul": "안녕", "Khmer": "សួស្តី",
		"Tai Viet": "ꪎꪚꪱꪥ", "Cham": "ꨌꩌ", "runes": "ᚠᚢᚦ", "private": "\ue000\uf8ff\U000f0000", "emoji": "🚨🏽", "letters over letters": "x\u0336\u0489",
	} {
		pages, warnings, err := page.Compose(board, page.Text{Kind: page.Notice, Body: "Họp " + s + " nhé"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		missing := 0
		for _, w := range warnings {
			if w.Problem == page.Missing && w.Field == page.FieldBody && w.Pos >= 4 && w.Pos < 4+len([]rune(s)) {
				missing++
			}
		}
		all := strings.ReplaceAll(strings.ReplaceAll(shown(pages), "|", " "), "‖", " ")
		has := strings.TrimLeft(s, "x") // which boards have
		if want := len([]rune(has)); missing != want || len(warnings) != want || !strings.HasPrefix(all, "Họp ") || !strings.HasSuffix(all, " nhé") {
			t.Errorf("%s: %d of %d letters reported in %+v, shown %q", name, missing, want, warnings, all)
		}
	}
}

func TestLongWordsAreBrokenVisiblyAndReported(t *testing.T) {
	board := page.Board{Width: 192, Height: 32, Row: 16}
	pages, warnings, err := page.Compose(board, page.Text{Kind: page.Notice, Body: "ở " + strings.Repeat("x", 50) + " đây"})
	if err != nil {
		t.Fatal(err)
	}
	x := strings.Repeat("x", 23)
	if diff := cmp.Diff("ở|"+x+"-‖"+x+"-|xxxx đây", shown(pages)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]page.Warning{{Field: page.FieldBody, Pos: 2, Problem: page.Broken}}, warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestEveryPageOfAnEmergencyOrDrillCarriesItsMark(t *testing.T) {
	for _, board := range append(boards(), page.Board{Width: 192, Height: 16, Row: 16}, page.Board{Width: 1920, Height: 1080, Row: 48}) {
		for kind, mark := range map[page.Kind]string{page.Emergency: "KHẨN CẤP", page.Drill: "DIỄN TẬP"} {
			pages, _, err := page.Compose(board, page.Text{
				Kind: kind, Title: "Lũ", Body: strings.Repeat("Rời nhà ngay. ", 40), Sender: "UBND xã Bình An",
				Issued: time.Date(2026, 9, 21, 16, 5, 0, 0, time.UTC), Until: time.Date(2026, 9, 22, 1, 0, 0, 0, time.UTC),
			})
			if err != nil {
				t.Fatalf("%v: %v", board, err)
			}
			all := ""
			for i, p := range pages {
				s := strings.ReplaceAll(shown([]page.Page{p}), "|", " ")
				if all += " " + s; !strings.Contains(s, mark) {
					t.Errorf("%v, page %d says no %q: %s", board, i, mark, s)
				}
			}
			for _, want := range []string{"UBND", "16:05 ngày 21/9", "01:00 ngày 22/9"} {
				if !strings.Contains(strings.ReplaceAll(all, mark+" ", ""), want) {
					t.Errorf("%v, kind %d: no %q in %s", board, kind, want, all)
				}
			}
		}
	}
}

func TestTextsOutsideTheLimitsAreRefused(t *testing.T) {
	small := page.Board{Width: 192, Height: 32, Row: 16}
	for _, x := range []struct {
		name  string
		board page.Board
		text  page.Text
		want  error
	}{
		{"no text", small, page.Text{Kind: page.Notice}, page.ErrEmpty},
		{"blank text", small, page.Text{Kind: page.Notice, Title: " \n\u00a0", Body: "\u200b", Sender: "ai"}, page.ErrEmpty},
		{"no kind", small, page.Text{Body: "a"}, page.ErrKind},
		{"not UTF-8", small, page.Text{Kind: page.Notice, Body: "\xff"}, page.ErrNotText},
		{"4,001 letters", small, page.Text{Kind: page.Notice, Body: strings.Repeat("a ", 2000) + "b"}, page.ErrTooLong},
		{"limit is for all fields", small, page.Text{Kind: page.Notice, Title: "ab", Body: strings.Repeat("a", 3999)}, page.ErrTooLong},
		{"10,000-letter word", small, page.Text{Kind: page.Notice, Body: strings.Repeat("x", 10_000)}, page.ErrTooLong},
		{"200,000 letters", small, page.Text{Kind: page.Notice, Body: strings.Repeat("chữ ", 50_000)}, page.ErrTooLong},
		{"over 60 pages", small, page.Text{Kind: page.Notice, Body: strings.Repeat("chữ ", 1000)}, page.ErrTooManyPages},
		{"no board", page.Board{}, page.Text{Kind: page.Notice, Body: "a"}, page.ErrBoard},
		{"unknown row", page.Board{Width: 192, Height: 32, Row: 17}, page.Text{Kind: page.Notice, Body: "a"}, page.ErrBoard},
		{"less than a row", page.Board{Width: 192, Height: 15, Row: 16}, page.Text{Kind: page.Notice, Body: "a"}, page.ErrBoard},
		{"too narrow", page.Board{Width: 127, Height: 32, Row: 16}, page.Text{Kind: page.Notice, Body: "a"}, page.ErrBoard},
		{"too large", page.Board{Width: 4096, Height: 32, Row: 16}, page.Text{Kind: page.Notice, Body: "a"}, page.ErrBoard},
	} {
		if _, _, err := page.Compose(x.board, x.text); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", x.name, err, x.want)
		}
	}
}

func TestLayoutsHaveTheirNamesOnTheWire(t *testing.T) {
	for _, k := range []page.Kind{page.Notice, page.Emergency, page.Drill, page.TwoLine, page.Ticker} {
		if got, err := page.ParseKind(k.String()); err != nil || got != k {
			t.Errorf("%v: %v, %v", k, got, err)
		}
	}
	for _, s := range []string{"", "unknown(0)", "Notice"} {
		if k, err := page.ParseKind(s); !errors.Is(err, page.ErrKind) {
			t.Errorf("%q: %v, %v", s, k, err)
		}
	}
}

func TestStatesRefuseWhatPagesRefuse(t *testing.T) {
	b := page.Board{Width: 192, Height: 32, Row: 16}
	if _, err := page.Standby(page.Board{}, "x"); !errors.Is(err, page.ErrBoard) {
		t.Errorf("no board: %v", err)
	}
	if _, err := page.Unconfigured(b, "\xff", "x"); !errors.Is(err, page.ErrNotText) {
		t.Errorf("not text: %v", err)
	}
	if _, err := page.Over(b, strings.Repeat("chữ ", 900), false); !errors.Is(err, page.ErrTooManyPages) {
		t.Errorf("long title: %v", err)
	}
	if ps, err := page.Standby(b, ""); err != nil || len(ps) != 1 {
		t.Errorf("no name: %v %v", ps, err)
	}
}

func anyBoard(t *rapid.T) page.Board {
	row := rapid.SampledFrom(page.Rows()).Draw(t, "row")
	return page.Board{
		Row:    row,
		Width:  min(page.MaxWidth, rapid.IntRange(8*row, 30*row).Draw(t, "width")),
		Height: min(page.MaxHeight, rapid.IntRange(row, 14*row).Draw(t, "height")),
	}
}

func anyText(t *rapid.T) page.Text {
	letter := rapid.OneOf(
		rapid.SampledFrom([]rune("abcđêơư  ỆỔ07.,/-–•\u00a0\n ")),
		rapid.SampledFrom([]rune("\u0301\u0323\u202e\u200d🙂中\U0001F1FB\x00\x1b\u034f")),
		rapid.Rune(),
	)
	some := func(name string, n int) string {
		if rapid.IntRange(0, 3).Draw(t, name+" is a sentence") > 0 {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
				"Họp", "thôn", "7", "giờ", "30", "ngày", "21", "tháng", "6", "năm", "2026", "0912", "345", "nghiêng", "15,4", "km", "–", "dài-dài-dài-dài-dài-dài-dài-dài",
			}), 0, n/4).Draw(t, name), " ")
		}
		return rapid.StringOfN(letter, 0, n, -1).Draw(t, name)
	}
	kind := page.Kind(rapid.IntRange(1, 5).Draw(t, "kind"))
	text := page.Text{Kind: kind, Title: some("title", 60), Body: some("body", 300), Sender: some("sender", 40)}
	if rapid.Bool().Draw(t, "with validity") {
		text.Issued = time.Date(2026, 9, 21, 16, 5, 0, 0, time.UTC)
		text.Until = text.Issued.Add(30 * time.Hour)
	}
	return text
}

func TestNoLetterIsLostAndNoneLeavesTheBoard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		board, text := anyBoard(t), anyText(t)
		pages, warnings, err := page.Compose(board, text)
		if errors.Is(err, page.ErrEmpty) || errors.Is(err, page.ErrTooManyPages) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		checkInside(t, board, pages)

		// every letter of every field comes up, in order, on the pages
		left := map[page.Field]map[int]bool{}
		for _, w := range warnings {
			if w.Problem == page.Invisible {
				if left[w.Field] == nil {
					left[w.Field] = map[int]bool{}
				}
				left[w.Field][w.Pos] = true
			}
		}
		have := []rune(shown(pages))
		for field, s := range map[page.Field]string{page.FieldTitle: text.Title, page.FieldBody: text.Body, page.FieldSender: text.Sender} {
			at := 0
			for i, r := range []rune(norm.NFC.String(s)) {
				if left[field][i] || strings.ContainsRune(" \n\r\t\v\f", r) || fold(r) != r {
					continue // removed and reported, or a space, or drawn as its twin
				}
				n := slices.Index(have[at:], r)
				if n < 0 {
					t.Fatalf("%s: letter %d %q is on no page: %s", field, i, r, shown(pages))
				}
				at += n + 1
			}
		}
	})
}

// fold returns another letter for those that have a twin, by the same table in
// the negative: what is no letter, mark or sign of the text itself.
func fold(r rune) rune {
	if strings.ContainsRune("\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\u2010\u2011\u2012\u2015\u2212\u02bc\u2219\u22c5\u25cf\u25cb\u25a0\u25aa\u25e6\u2023\u2043", r) || r >= 0x2000 && r <= 0x200a {
		return ' '
	}
	return r
}

func checkInside(t *rapid.T, board page.Board, pages []page.Page) {
	for i, p := range pages {
		// the same page on a larger board shows whether anything was cut off
		wide := p
		wide.Board.Width, wide.Board.Height = board.Width+2*board.Row, board.Height+2*board.Row
		wide.Bars, wide.Lines = nil, nil
		for _, b := range p.Bars {
			b.X, b.Y = b.X+board.Row, b.Y+board.Row
			wide.Bars = append(wide.Bars, b)
		}
		for _, l := range p.Lines {
			l.X, l.Y = l.X+board.Row, l.Y+board.Row
			wide.Lines = append(wide.Lines, l)
			if l.Row < board.Row {
				t.Fatalf("page %d: a line of row %d on %v", i, l.Row, board)
			}
		}
		f := page.Render(wide)
		for j, v := range f.Pix {
			x, y := j%f.W-board.Row, j/f.W-board.Row
			if v != 0 && (x < 0 || y < 0 || x >= board.Width || y >= board.Height) {
				t.Fatalf("page %d of %v: ink at %d,%d: %s", i, board, x, y, shown(pages[i:i+1]))
			}
		}
	}
}

func TestSameTextGivesTheSamePages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		board, text := anyBoard(t), anyText(t)
		a, aw, aerr := page.Compose(board, text)
		text.Body = norm.NFD.String(text.Body) // also where it was the title's
		b, bw, berr := page.Compose(board, text)
		if diff := cmp.Diff([]any{a, aw, fmt.Sprint(aerr)}, []any{b, bw, fmt.Sprint(berr)}); diff != "" {
			t.Fatalf("composed and decomposed differ:\n%s", diff)
		}
	})
}

func FuzzComposeEndsAndStaysBounded(f *testing.F) {
	f.Add("Lũ", "Nước sông vượt báo động III 0,4 m.", "UBND", uint8(2), uint16(192), uint16(32))
	f.Add("\u202eabc", "a\u0301\u0301\u0301\u0301", "🙂", uint8(3), uint16(384), uint16(192))
	f.Fuzz(func(t *testing.T, title, body, sender string, kind uint8, w, h uint16) {
		b := page.Board{Width: int(w), Height: int(h), Row: 16}
		text := page.Text{Kind: page.Kind(kind), Title: title, Body: body, Sender: sender}
		// Beside it, the widths of all letters, and a try at each size of them.
		protocoltest.HoldMemoryBeside(t, "text for a board", len(title)+len(body)+len(sender), 1<<20, func() { _, _, _ = page.Compose(b, text) })
		pages, _, err := page.Compose(b, text)
		if err == nil && (len(pages) == 0 || len(pages) > page.MaxPages) {
			t.Errorf("%d pages", len(pages))
		}
	})
}

func TestClocksShowTheDayAndItsLunarDateWhereThereIsRoom(t *testing.T) {
	at := time.Date(2026, 2, 17, 0, 5, 0, 0, time.UTC) // the first day of the year Bính Ngọ
	for _, x := range []struct {
		board page.Board
		want  string
	}{
		{page.Board{Width: 128, Height: 16, Row: 16}, "00:05"},
		{page.Board{Width: 192, Height: 16, Row: 16}, "00:05 Thứ Ba 17/2"},
		{page.Board{Width: 192, Height: 32, Row: 16}, "00:05|Thứ Ba 17/2|1/1 âm lịch"},
		{page.Board{Width: 128, Height: 64, Row: 16}, "00:05|Thứ Ba 17/2|1/1 âm lịch"},
		{page.Board{Width: 384, Height: 192, Row: 16}, "Xã Bình An|00:05|Thứ Ba, 17/2/2026|1/1 năm Bính Ngọ"},
	} {
		pages, err := page.Clock(x.board, "Xã Bình An", at)
		if err != nil || shown(pages) != x.want {
			t.Errorf("%v: %s, %v; want %s", x.board, shown(pages), err, x.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		board := anyBoard(t)
		pages, err := page.Clock(board, "Xã Bình An", time.Unix(rapid.Int64Range(1e9, 4e9).Draw(t, "now"), 0).UTC())
		if err != nil {
			t.Fatal(err)
		}
		checkInside(t, board, pages)
		hour := slices.IndexFunc(pages[0].Lines, func(l page.Line) bool { return len(l.Text) >= 5 && l.Text[2] == ':' })
		for _, l := range pages[0].Lines { // the time is what is read from afar
			if over := l.Row > pages[0].Lines[hour].Row; over && board.Height/board.Row > 3 {
				t.Fatalf("%v: %q is larger than the time", board, l.Text)
			}
		}
	})
}

// The costliest texts within the limits, at the costliest board: one that all
// rows are tried on.
func BenchmarkComposeHostileText(b *testing.B) {
	for name, body := range map[string]string{
		"one word":     strings.Repeat("x", page.MaxLetters),
		"held words":   strings.Repeat("12 ", page.MaxLetters/3),
		"short words":  strings.Repeat("a ", page.MaxLetters/2),
		"paragraphs":   strings.Repeat("a\n", 600),
		"marks":        strings.Repeat("\u0301", 3800),
		"boxes":        strings.Repeat("🙂", page.MaxLetters),
		"no-breaks":    strings.Repeat("a\u00a0", page.MaxLetters/2),
		"plain notice": strings.Repeat("Mời bà con đi họp. ", page.MaxLetters/19),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := page.Compose(page.Board{Width: 1920, Height: 1080, Row: 16}, page.Text{Kind: page.Notice, Body: body}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestNoPageHasTheSenderAlone: nobody waits for a page that says only from whom a text is,
// and the pages of a text are even to a line.
func TestNoPageHasTheSenderAlone(t *testing.T) {
	const sender = "UBND xã Bình An"
	ours := []string{"KHẨN", "CẤP", "KHẨN CẤP", "DIỄN", "TẬP", "DIỄN TẬP"}
	issued := time.Date(2026, 9, 21, 16, 5, 0, 0, time.UTC)
	for _, b := range []page.Board{
		{Width: 192, Height: 32, Row: 16},
		{Width: 128, Height: 64, Row: 16},
		{Width: 320, Height: 160, Row: 32},
		{Width: 384, Height: 192, Row: 32},
		{Width: 640, Height: 320, Row: 48},
		{Width: 392, Height: 320, Row: 48},
		{Width: 256, Height: 192, Row: 32},
	} {
		for _, kind := range []page.Kind{page.Notice, page.Emergency, page.Drill} {
			for words := 1; words < 60; words++ {
				pages, _, err := page.Compose(b, page.Text{
					Kind: kind, Title: "Tin", Body: strings.Repeat("nghỉ ", words), Sender: sender, Issued: issued, Until: issued.Add(time.Hour),
				})
				if err != nil {
					t.Fatal(err)
				}
				var counts []int
				for i, p := range pages {
					text, n := "", 0
					for _, l := range p.Lines {
						if !slices.Contains(ours, l.Text) && !strings.Contains(l.Text, "/") {
							text, n = strings.TrimSpace(text+" "+l.Text), n+1
						}
					}
					if text == sender {
						t.Errorf("%v, kind %v, %d words: page %d of %d has the sender alone", b, kind, words, i+1, len(pages))
					}
					if strings.Contains(text, "nghỉ") && kind == page.Notice && !strings.Contains(text, sender) && len(p.Lines) == n {
						counts = append(counts, n)
					}
				}
				if len(counts) > 0 && slices.Max(counts) > slices.Min(counts)+1 {
					t.Errorf("%v, %d words: pages of %v lines", b, words, counts)
				}
			}
		}
	}
}
