package page

import (
	"time"

	"github.com/loa-vn/loa/protocol/page/lunar"
)

// Clock is shown when nothing is on and the time can be trusted: hour and minute,
// the day, its lunar date, and the unit's name where there is room. The time is
// shown in the zone that now carries; the page holds until the next full minute.
func Clock(b Board, unit string, now time.Time) ([]Page, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	name, _, _, err := clean(FieldSender, unit, MaxLetters)
	if err != nil {
		return nil, err
	}
	p := Page{Board: b}
	hour := [][]word{newest().ownWords(now.Format("15:04"))}
	switch b.rows() {
	case 1:
		text := area{0, 0, b.Width, b.Height}
		day := now.Format("15:04") + " " + weekday(now) + now.Format(" 2/1")
		if atlasOf(b.Row).width(day) > b.Width {
			day = now.Format("15:04")
		}
		p.Lines = append(p.Lines, text.label(day, b.Row, 0, false))
	case 2, 3:
		split := b.Width * 4 / 9
		left, right := area{0, 0, split, b.Height}, area{split, 0, b.Width - split, b.Height}
		p.Lines = append(p.Lines, left.centred(hour, b.Row)...)
		p.Lines = append(p.Lines, right.centred(narrowDay(now), b.Row)...)
	default:
		top, bottom := 0, b.Height
		if s := breakLines(words(name), b.Row, b.Width); len(s.lines) == 1 && b.rows() > 4 {
			top = b.Row
			p.Lines = append(p.Lines, area{0, 0, b.Width, top}.label(s.lines[0], b.Row, 0, false))
		}
		half := bottom - max(2*b.Row, (bottom-top)*2/5)
		large := area{0, top, b.Width, half - top}.centred(hour, b.Row)
		p.Lines = append(p.Lines, large...)
		under := area{0, half, b.Width, bottom - half}
		day := wideDay(now)
		if s := breakLines(day, b.Row, b.Width); len(s.lines) > len(day) {
			day = narrowDay(now)
		}
		p.Lines = append(p.Lines, under.centredTo(day, b.Row, large[0].Row-1)...) // the hour is read from afar
	}
	p.Letters = letters(p.Lines)
	return []Page{p}, nil
}

// centred puts paragraphs in the middle of an area at the largest row; lines that
// do not fit are left out, so the most important comes first.
func (a area) centred(ps [][]word, smallest int) []Line { return a.centredTo(ps, smallest, a.h) }

// centredTo is centred with rows of at most largest, or of the smallest.
func (a area) centredTo(ps [][]word, smallest, largest int) []Line {
	s := a.growTo(ps, smallest, largest)
	s.lines = s.lines[:min(len(s.lines), max(1, a.h/s.row))]
	return a.arrange(s, true)[0]
}

func words(ps []paragraph) [][]word {
	var ws [][]word
	for _, p := range ps {
		ws = append(ws, p.words(Version))
	}
	return ws
}

// newest is a draft of ours: what boards show without a bulletin is not signed.
func newest() draft { return draft{version: Version} }

// wideDay: "Thứ Hai, 23/11/2026" and "15/10 năm Bính Ngọ".
func wideDay(now time.Time) [][]word {
	ps := [][]word{newest().ownWords(weekday(now) + now.Format(", 2/1/2006"))}
	if d, err := lunar.Of(now.Date()); err == nil {
		ps = append(ps, newest().ownWords(d.String()+" năm "+d.YearName()))
	}
	return ps
}

// narrowDay: "Thứ Hai 23/11" and "15/10 âm lịch".
func narrowDay(now time.Time) [][]word {
	ps := [][]word{newest().ownWords(weekday(now) + now.Format(" 2/1"))}
	if d, err := lunar.Of(now.Date()); err == nil {
		name := "ÂL " + d.String()
		if !d.Leap {
			name = d.String() + " âm lịch"
		}
		ps = append(ps, newest().ownWords(name))
	}
	return ps
}

func weekday(t time.Time) string {
	names := [...]string{"Chủ nhật", "Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy"}
	return names[t.Weekday()]
}
