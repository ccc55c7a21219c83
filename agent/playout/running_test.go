package playout_test

import (
	"fmt"
	"image"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// runner is a board with a ticker below where bulletins stand, and the loops of both, in
// which text runs.
type runner struct {
	*life
	ticker *world
}

// on turns the device on; the loops hear what is held three seconds later.
func (r *runner) on() {
	r.life.film.Output = newPanel(r.t, wholeBoard).Output
	part := playout.ScreenZone{Name: protocol.ZoneTicker, Zone: 1, Size: tickerPart}
	r.screen = screen(r.t, playout.ScreenConfig{
		Size: mainPart, Whole: wholeBoard, Zones: []playout.ScreenZone{part}, Memory: r.memory,
		Idle: func(now time.Time) ([]page.Page, time.Time) {
			return r.pages(page.Standby(mainPart, "Thôn Đông")), now.Add(time.Hour)
		},
	}, display.Config{
		Output: r.film, Main: image.Rect(0, 0, mainPart.Width, mainPart.Height), Sides: []display.Side{{At: image.Rect(0, mainPart.Height, wholeBoard.Width, wholeBoard.Height)}},
	})
	time.Sleep(3 * time.Second)
	r.ticker.wrap = func(*output) playout.Output { return r.screen.Zone(part) }
	r.boot()
	r.ticker.boot()
}

func (r *runner) cutPower() {
	r.ticker.crash()
	r.off()
}

// plans brings an airing to both loops.
func (r *runner) plans(a protocol.Airing, b protocol.Bulletin, length time.Duration) {
	a.BoardFor = protocol.MillisOf(length)
	for _, w := range []*world{r.world, r.ticker} {
		w.note(func() { w.texts[a.ID] = b })
		w.document(a.ID, nil)
		w.tell(inbox.Accepted{Airing: a, Zone: "UTC", Arrived: protocol.InstantOf(w.now())}, inbox.Content{Airing: a.ID, There: true})
	}
}

// stood is what must stand in a part of the board from an instant on.
type stood struct {
	from  time.Time
	set   set       // none: dark
	began time.Time // of its first page; zero: from
	whole bool      // it fills the board
	off   bool      // no power
	ended time.Time // when another one was due, which may be late; zero: none yet
}

// turns is how long each page of a set stands: 1.5 s and a second for ten letters that
// stand, 4 s at least, and until what runs is through.
func (s set) turns() (out []time.Duration) {
	for i, long := range s.dwells() {
		if c := s[i].Crawl; c != nil {
			frames := (c.W + page.NewReel(s[i]).Strip().W + c.Step - 1) / c.Step
			long = max(long, time.Duration(frames)*time.Second/time.Duration(c.Rate))
		}
		out = append(out, long)
	}
	return out
}

// passes is how long two passes take.
func (s set) passes() (d time.Duration) {
	for _, each := range s.turns() {
		d += 2 * each
	}
	return d
}

// as is the page that stands at an instant, and when it came up.
func (s stood) as(at time.Time) (page.Page, time.Time) {
	begin := s.began
	if begin.IsZero() {
		begin = s.from
	}
	if !s.ended.IsZero() && at.After(s.ended) { // it stays as it was
		at = s.ended
	}
	for turns, n := s.set.turns(), 0; ; n++ {
		next := begin.Add(turns[n%len(turns)])
		if at.Before(next) || at.Equal(s.ended) && !at.After(next) {
			return s.set[n%len(turns)], begin
		}
		begin = next
	}
}

// past says whether the page that came up at an instant is over at another.
func (s stood) past(at, since time.Time) bool { return at.After(since.Add(s.set.turns()[0])) }

// draw draws what stands at an instant at a place of f. What runs moves a step at every
// frame, whose first has all of it beyond the right edge.
func (s stood) draw(f *page.Frame, top int, at time.Time) {
	if len(s.set) == 0 {
		return
	}
	p, since := s.as(at)
	part := page.Render(p)
	if c := p.Crawl; c != nil {
		strip := page.NewReel(p).Strip()
		n := int(at.Sub(since) * time.Duration(c.Rate) / time.Second)
		for y := range strip.H {
			for x := range c.W {
				if col := n*c.Step - c.W + x; col >= 0 && col < strip.W {
					part.Pix[(c.Y+y)*part.W+c.X+x] = strip.Pix[y*strip.W+col]
				}
			}
		}
	}
	for y := range part.H {
		copy(f.Pix[(top+y)*f.W:], part.Pix[y*part.W:(y+1)*part.W])
	}
}

// rows returns which of a table's rows hold at an instant: that of the instant, and
// for as long as a picture may be late that before it, or its page before.
func rows(table []stood, at time.Time) []stood {
	i, exact := slices.BinarySearchFunc(table, at, func(s stood, at time.Time) int { return s.from.Compare(at) })
	if !exact {
		i--
	}
	out := []stood{table[i]}
	if len(table[i].set) > 1 {
		if _, since := table[i].as(at); since.After(table[i].from) && at.Sub(since) < slack {
			before := table[i]
			before.ended = since
			out = append(out, before)
		}
	}
	late := slack
	if i > 0 && table[i-1].off {
		late = 2 * time.Second // the last good frame within that
	}
	if i > 0 && at.Sub(table[i].from) < late {
		before := table[i-1]
		before.ended = table[i].from
		out = append(out, before)
	}
	return out
}

// allowed are the pictures that may stand at an instant; none: nobody can say.
func allowed(main, ticker []stood, at time.Time) (out []protocol.Digest) {
	for _, m := range rows(main, at) {
		for _, k := range rows(ticker, at) {
			if m.off || k.off {
				return nil
			}
			f := page.NewFrame(wholeBoard.Width, wholeBoard.Height)
			if !m.whole {
				k.draw(f, mainPart.Height, at)
			}
			m.draw(f, 0, at)
			out = append(out, f.Digest())
		}
	}
	return out
}

// TestTextThatRunsThroughADay: two lines of which one runs, a text that runs through the
// ticker beside it, one too long to run, power that goes away in the middle of one, and an
// emergency that takes the whole board from one and makes room for it again. Every frame
// is the one of its instant, and every step of what runs comes up at its instant.
func TestTextThatRunsThroughADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &life{memory: &memory{}}
		r := &runner{life: l}
		l.world = newDevice(t, protocol.MediumBoard, "", func(*output) playout.Output { return l.screen })
		r.ticker = newDevice(t, protocol.MediumBoard, protocol.ZoneTicker, nil)
		for _, w := range []*world{l.world, r.ticker} {
			w.texts, w.held = map[protocol.AiringID]protocol.Bulletin{}, []inbox.Update{w.place(1, "xa", "thon"), inbox.Muted{}, inbox.ClockSure{Sure: true}}
		}
		l.film = &film{now: l.now}

		words := func(zone, text string) protocol.Bulletin {
			return protocol.Bulletin{Title: "Tin mới", Board: &protocol.Board{Text: text, Layout: "two-line", LayoutVersion: page.Version, Zone: zone}}
		}
		const meeting = "Mời bà con họp lúc 19:30 tại nhà văn hoá thôn Đông."
		body, short := words("", meeting), words(protocol.ZoneTicker, meeting)
		long := words(protocol.ZoneTicker, "Trạm Y tế xã tiêm phòng cho trẻ em từ 7:30 thứ Bảy. Bà con mang theo sổ theo dõi, đến đúng giờ ghi trong giấy mời, và ở lại ba mươi phút sau khi tiêm. "+
			"Nhà nào có trẻ đang sốt thì gọi cho trạm theo số 0912 345 678 để được hẹn ngày khác trong tháng. "+
			"Danh sách dán ở bảng tin, ai thấy thiếu tên con mình xin báo trước chiều thứ Sáu cho trưởng thôn hoặc y tế thôn. Xin cảm ơn.")
		lay := func(size page.Board, b protocol.Bulletin) set {
			return l.set(size, page.Text{Kind: page.TwoLine, Title: b.Title, Body: b.Board.Text})
		}
		two, runs, turns := lay(mainPart, body), lay(tickerPart, short), lay(tickerPart, long)
		if two[0].Crawl == nil || len(two[0].Lines) == 0 || len(runs) != 1 || runs[0].Crawl == nil || turns[0].Crawl != nil || len(turns) < 2 {
			t.Fatalf("the texts run otherwise: %+v", fmt.Sprint(len(two), len(runs), len(turns)))
		}
		until := l.at("12:10:00")
		alarm := func(size page.Board) set {
			return l.set(size, page.Text{Kind: page.Emergency, Title: "Lũ", Body: "Rời nhà ngay.", Issued: l.at("12:00:05"), Until: until})
		}
		flood := alarm(wholeBoard)
		airing := func(id protocol.AiringID, at string, fields ...string) protocol.Airing {
			return l.airing(id, append([]string{"board", "in=" + l.at(at).Sub(l.now()).String()}, fields...))
		}
		for _, x := range []struct {
			at string
			do func()
		}{
			{"00:00:00", r.on},
			{"05:00:00", func() {
				r.plans(airing("hai", "06:00:00"), body, two.passes())
				for id, at := range map[protocol.AiringID]string{"chay": "06:00:10", "dien": "10:00:00", "truoc-lu": "12:00:00"} {
					r.plans(airing(id, at, "zone=ticker"), short, runs.passes())
				}
				r.plans(airing("dai", "08:00:00", "zone=ticker"), long, turns.passes())
			}},
			{"10:00:07", r.cutPower},
			{"10:00:20", r.on},
			{"12:00:05", func() {
				a := airing("lu", "12:00:05", "emergency")
				a.Passes, a.Every, a.Until = 1, 90_000, protocol.InstantOf(until)
				r.plans(a, protocol.Bulletin{Title: "Lũ", Board: &protocol.Board{Text: "Rời nhà ngay.", LayoutVersion: page.Version}}, flood.passes())
			}},
			{"12:30:00", r.cutPower},
		} {
			time.Sleep(l.at(x.at).Sub(l.now()))
			synctest.Wait()
			x.do()
			synctest.Wait()
		}

		name := l.pages(page.Standby(mainPart, "Thôn Đông"))
		after := func(at string, sets ...set) time.Time {
			end := l.at(at)
			for _, s := range sets {
				end = end.Add(s.passes())
			}
			return end
		}
		mainTable := []stood{
			{from: l.at("00:00:00"), set: name},
			{from: l.at("06:00:00"), set: two},
			{from: after("06:00:00", two), set: name},
			{from: l.at("10:00:07"), off: true},
			{from: l.at("10:00:20"), set: name},
			{from: l.at("12:00:05"), set: flood, whole: true},
			{from: after("12:00:05", flood), set: alarm(mainPart)}, // beside what runs again
			{from: after("12:00:05", flood, runs), set: flood, whole: true},
			{from: until, set: l.pages(page.Over(wholeBoard, "Lũ", false)), whole: true},
			{from: l.at("12:11:00"), set: name},
			{from: l.at("12:30:00"), off: true},
		}
		tickerTable := []stood{
			{from: l.at("00:00:00")},
			{from: l.at("06:00:10"), set: runs},
			{from: after("06:00:10", runs)},
			{from: l.at("08:00:00"), set: turns},
			{from: after("08:00:00", turns)},
			{from: l.at("10:00:00"), set: runs},
			{from: l.at("10:00:07"), off: true},
			{from: l.at("10:00:20"), set: runs, began: l.at("10:00:00")}, // where it would be
			{from: l.at("10:00:23"), set: runs},                          // rule 7: it restarts
			{from: after("10:00:23", runs)},
			{from: l.at("12:00:00"), set: runs},
			{from: after("12:00:05", flood), set: runs}, // rule 7
			{from: after("12:00:05", flood, runs)},
			{from: l.at("12:30:00"), off: true},
		}
		wrong := 0
		for _, s := range l.film.frames {
			if ok := allowed(mainTable, tickerTable, s.at); ok != nil && !slices.Contains(ok, s.digest) {
				if wrong++; wrong < 8 {
					t.Errorf("%s: another picture than that of the instant", s.at.Format("15:04:05.000000"))
				}
			}
		}
		steps := 0
		for _, table := range [][]stood{mainTable, tickerTable} {
			for i, row := range table {
				if len(row.set) != 1 || row.set[0].Crawl == nil || i+1 == len(table) {
					continue
				}
				for at := row.from; at.Before(table[i+1].from); {
					p, since := row.as(at)
					n := int(at.Sub(since) * time.Duration(p.Crawl.Rate) / time.Second)
					steps++
					if ok := allowed(mainTable, tickerTable, at); ok != nil && !slices.Contains(ok, l.film.standing(at)) {
						if wrong++; wrong < 8 {
							t.Errorf("%s: step %d did not come up at its instant", at.Format("15:04:05.000000"), n)
						}
					}
					if at = since.Add(p.Crawl.At(n + 1)); row.past(at, since) {
						at = since.Add(row.set.turns()[0])
					}
				}
			}
		}
		t.Logf("%d frames and %d steps compared", len(l.film.frames), steps)
		got := l.answers()
		for id, a := range (&life{world: r.ticker}).answers() {
			got[id] = a
		}
		want := map[protocol.AiringID]string{
			"hai": "played shown", "chay": "played shown", "dai": "played shown", "dien": "played shown", "truoc-lu": "played shown", "lu": "played shown",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("receipts (-want +got):\n%s", diff)
		}
	})
}

// standing returns the picture that stands at an instant.
func (f *film) standing(at time.Time) protocol.Digest {
	i, exact := slices.BinarySearchFunc(f.frames, at, func(s shot, at time.Time) int { return s.at.Compare(at) })
	if exact {
		for i+1 < len(f.frames) && f.frames[i+1].at.Equal(at) {
			i++
		}
		return f.frames[i].digest
	}
	if i == 0 {
		return protocol.Digest{}
	}
	return f.frames[i-1].digest
}
