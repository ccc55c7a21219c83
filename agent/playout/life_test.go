package playout_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// The board of the day: bulletins on the left, the time beside them.
var (
	dayBoard = page.Board{Width: 384, Height: 80, Row: 16}
	dayMain  = page.Board{Width: 256, Height: 80, Row: 16}
	daySide  = page.Board{Width: 128, Height: 80, Row: 16}
)

// slack is how long after its instant a picture may come up: nothing may flash, and an
// alert has so long from its arrival to pixels.
const slack = 300 * time.Millisecond

// errAway is a controller that is not there.
var errAway = errors.New("controller away")

// film is a board that can be read back, notes every frame that comes up on it, and whose
// controller goes away and returns.
type film struct {
	display.Output
	now func() time.Time // the device's clock

	mu     sync.Mutex
	away   bool
	frames []shot
}

// shot is a frame as it came up.
type shot struct {
	at     time.Time // by the device's clock
	digest protocol.Digest
}

func (f *film) set(away bool) { f.mu.Lock(); f.away = away; f.mu.Unlock() }

func (f *film) Show(_ context.Context, p *page.Frame, _ image.Rectangle) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return errAway
	}
	f.frames = append(f.frames, shot{f.now(), p.Digest()})
	return nil
}

func (f *film) ReadBack() (protocol.Digest, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.frames[len(f.frames)-1].digest, true // asked after Show
}

// life is a board's: its device's loop, screen and film.
type life struct {
	*world
	film   *film
	screen *playout.Screen
	memory *memory
	placed atomic.Pointer[protocol.Placement] // the board asks for its name
}

// newLife is a device that was never set up, at midnight by its clock. The system's clock
// is 17 s ahead of that.
func newLife(t *testing.T) *life {
	l := &life{memory: &memory{}}
	l.placed.Store(&protocol.Placement{})
	l.world = newDevice(t, protocol.MediumBoard, "", func(*output) playout.Output { return l.screen })
	l.world.texts = map[protocol.AiringID]protocol.Bulletin{}
	time.Sleep(17 * time.Second)
	l.skew.Store(int64(-17 * time.Second))
	l.unsure.Store(true)
	l.held = []inbox.Update{inbox.ClockSure{}}
	l.film = &film{Output: newPanel(t, dayBoard).Output, now: l.now}
	return l
}

// start turns the device on; the loop hears what is held three seconds later.
func (l *life) start() {
	idle := playout.Idle{
		Device: "bang-dong", Placement: func() protocol.Placement { return *l.placed.Load() }, Clock: l.world,
		Zone: func() *time.Location { return time.UTC }, Refused: func(err error) { l.t.Error(err) },
	}
	l.screen = screen(l.t, playout.ScreenConfig{Size: dayMain, Whole: dayBoard, Idle: idle.Name(dayMain), Memory: l.memory}, display.Config{
		Output: l.film, Main: image.Rect(0, 0, dayMain.Width, dayMain.Height),
		Sides: []display.Side{{At: image.Rect(dayMain.Width, 0, dayBoard.Width, dayBoard.Height), Clock: idle.Time(daySide)}},
	})
	time.Sleep(3 * time.Second)
	l.boot()
}

// off takes the power away.
func (l *life) off() {
	l.crash()
	if err := l.screen.Close(); err != nil {
		l.t.Error(err)
	}
}

// sure says whether somebody vouches for the clock.
func (l *life) sure(sure bool) {
	l.unsure.Store(!sure)
	l.tell(inbox.ClockSure{Sure: sure})
}

// at is an instant of the day by the device's clock: "06:00:00".
func (l *life) at(clock string) time.Time {
	var h, m, s int
	if _, err := fmt.Sscanf(clock, "%d:%d:%d", &h, &m, &s); err != nil {
		l.t.Fatal(clock, err)
	}
	return time.Date(2000, 1, 1, h, m, s, 0, time.UTC)
}

// bring brings an airing, and its documents and content if they are there.
func (l *life) bring(a protocol.Airing, there bool) {
	text := l.notice(a.ID)
	l.world.texts[a.ID] = protocol.Bulletin{Title: text.Title, Board: &protocol.Board{Text: text.Body, Sender: text.Sender, Layout: "notice", LayoutVersion: page.Version}}
	l.document(a.ID, nil)
	l.tell(inbox.Accepted{Airing: a, Zone: "UTC", Arrived: protocol.InstantOf(l.now())}, inbox.Content{Airing: a.ID, There: there})
}

// alarm brings an emergency that begins now, for two passes of its pages a minute and a
// half apart.
func (l *life) alarm(id protocol.AiringID, passes uint64, until string, drill bool) {
	a := l.airing(id, []string{"board", "in=0s", map[bool]string{true: "drill", false: "emergency"}[drill]})
	a.Passes, a.Every, a.Until = passes, 90_000, protocol.InstantOf(l.at(until))
	a.BoardFor = protocol.MillisOf(l.set(dayBoard, l.warning(id, l.now(), a.Until.Time(), drill)).twice())
	l.bring(a, true)
}

// notice is a bulletin's text, of two pages where bulletins stand.
func (l *life) notice(id protocol.AiringID) page.Text {
	return page.Text{
		Kind: page.Notice, Title: "Tin " + string(id), Sender: "UBND xã Bình An",
		Body: "Mời bà con thôn Đông đến nhà văn hoá thôn lúc 19:30 để nghe phổ biến về việc dọn vệ sinh đường làng ngõ xóm.",
	}
}

// warning is an emergency's text.
func (l *life) warning(id protocol.AiringID, issued, until time.Time, drill bool) page.Text {
	text := l.notice(id)
	if text.Kind = page.Emergency; drill {
		text.Kind = page.Drill
	}
	text.Issued, text.Until = issued, until
	return text
}

// set is pages that stand one after the other, again and again.
type set []page.Page

func (l *life) pages(pages []page.Page, err error) set {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
	return pages
}

func (l *life) set(b page.Board, text page.Text) set {
	l.t.Helper()
	pages, _, err := page.Compose(b, text)
	return l.pages(pages, err)
}

var pageNumber = regexp.MustCompile(`^\d+/\d+$`)

// dwells are how long people need for each page: 1.5 s to find it and a second for ten
// letters that they have not read on a page before, at least 4 s.
func (s set) dwells() (out []time.Duration) {
	read := map[page.Line]bool{}
	for _, p := range s {
		n := 0
		for _, line := range p.Lines {
			if !read[line] && !pageNumber.MatchString(line.Text) {
				n += len([]rune(strings.ReplaceAll(line.Text, " ", "")))
			}
			read[line] = true
		}
		out = append(out, max(4*time.Second, 1500*time.Millisecond+time.Duration(n)*100*time.Millisecond))
	}
	return out
}

// twice is how long two passes take.
func (s set) twice() (d time.Duration) {
	for _, each := range s.dwells() {
		d += 2 * each
	}
	return d
}

// stretch is a set that must stand from an instant on, from its first page, until the
// next one.
type stretch struct {
	from  time.Time
	set   set
	whole bool          // it fills the board
	dark  bool          // nobody can say: no power, or no controller
	late  time.Duration // after which it must stand; 0: slack
}

// moment is a page that must stand from an instant on.
type moment struct {
	stretch
	page *page.Page
}

// moments are the pages of stretches one after the other.
func moments(all []stretch) (out []moment) {
	for i, s := range all {
		end := s.from.Add(24 * time.Hour)
		if i+1 < len(all) {
			end = all[i+1].from
		}
		if s.late == 0 {
			s.late = slack
		}
		if s.dark {
			out = append(out, moment{stretch: s})
			continue
		}
		dwells := s.set.dwells()
		for n := 0; s.from.Before(end); n++ {
			m := moment{stretch: s, page: &s.set[n%len(s.set)]}
			if len(out) == 0 || out[len(out)-1].page == nil || n == 0 || len(s.set) > 1 {
				out = append(out, m)
			}
			if len(s.set) == 1 {
				break
			}
			s.from, s.late = s.from.Add(dwells[n%len(s.set)]), slack
		}
	}
	return out
}

// due is a frame that must stand from an instant on.
type due struct {
	from   time.Time
	digest protocol.Digest
	dark   bool
	late   time.Duration
}

// dues puts the two parts of the board together.
func (l *life) dues(main, side []stretch) (out []due) {
	a, b := moments(main), moments(side)
	for i, j := -1, -1; i+1 < len(a) || j+1 < len(b); {
		var at time.Time
		switch {
		case j+1 == len(b), i+1 < len(a) && a[i+1].from.Before(b[j+1].from):
			at = a[i+1].from
		default:
			at = b[j+1].from
		}
		late := slack
		for i+1 < len(a) && a[i+1].from.Equal(at) {
			i++
			late = max(late, a[i].late)
		}
		for j+1 < len(b) && b[j+1].from.Equal(at) {
			j++
			late = max(late, b[j].late)
		}
		d := due{from: at, late: late, dark: a[i].dark}
		if !d.dark {
			d.digest = together(a[i], b[j]).Digest()
		}
		out = append(out, d)
	}
	return out
}

// together draws what stands on the whole board.
func together(main, side moment) *page.Frame {
	if main.whole {
		return page.Render(*main.page)
	}
	f := page.NewFrame(dayBoard.Width, dayBoard.Height)
	for x, p := range map[int]page.Page{0: *main.page, dayMain.Width: *side.page} {
		part := page.Render(p)
		for y := range part.H {
			copy(f.Pix[y*f.W+x:], part.Pix[y*part.W:(y+1)*part.W])
		}
	}
	return f
}

// compare holds the film against what must have stood at each instant: from the time it
// may be late on nothing else, and before that nothing but what stood before or is due.
func (l *life) compare(main, side []stretch) {
	l.t.Helper()
	dues := l.dues(main, side)
	wrong, judged := 0, 0
	for n, d := range dues {
		end := l.at("24:00:00")
		if n+1 < len(dues) {
			end = dues[n+1].from
		}
		if d.dark {
			continue
		}
		allowed := []protocol.Digest{d.digest}
		for p := n - 1; p >= 0 && (p == n-1 || dues[p+1].from.After(d.from.Add(-slack))); p-- {
			allowed = append(allowed, dues[p].digest)
		}
		late := d.from.Add(d.late)
		for _, s := range l.film.between(d.from, end) {
			judged++
			ok := s.digest == d.digest || s.to.Sub(late) <= 0 && (slices.Contains(allowed, s.digest) || n > 0 && dues[n-1].dark)
			if !ok && wrong < 12 {
				wrong++
				l.t.Errorf("%s to %s: another picture than that of %s", s.at.Format("15:04:05.000"), s.to.Format("15:04:05.000"), d.from.Format("15:04:05.000"))
			}
		}
	}
	l.t.Logf("%d stretches of %d frames compared with %d that were due", judged, len(l.film.frames), len(dues))
}

// span is a frame that stood for some time.
type span struct {
	shot
	to time.Time
}

// between returns what stood from one instant to another.
func (f *film) between(from, to time.Time) (out []span) {
	i, _ := slices.BinarySearchFunc(f.frames, from, func(s shot, at time.Time) int { return s.at.Compare(at) })
	for i = max(0, i-1); i < len(f.frames) && f.frames[i].at.Before(to); i++ {
		s := span{f.frames[i], to}
		if i+1 < len(f.frames) && f.frames[i+1].at.Before(to) {
			s.to = f.frames[i+1].at
		}
		if s.at.Before(from) {
			s.at = from
		}
		if s.to.After(s.at) {
			out = append(out, s)
		}
	}
	return out
}

// marked says that every page of a drill says so.
func (l *life) marked(sets ...set) {
	l.t.Helper()
	for _, s := range sets {
		for i, p := range s {
			words := ""
			for _, line := range p.Lines {
				words += line.Text + " "
			}
			if !strings.Contains(words, "DIỄN TẬP") {
				l.t.Errorf("page %d of a drill: %s", i, words)
			}
		}
	}
}

// answers are the receipts: outcome, reason and proof of each airing.
func (l *life) answers() map[protocol.AiringID]string {
	out := map[protocol.AiringID]string{}
	for _, r := range l.stored {
		if was, twice := out[r.Airing]; twice {
			l.t.Errorf("%s is answered for twice, %s before", r.Airing, was)
		}
		proof := ""
		if r.Proof != 0 {
			proof = r.Proof.String()
		}
		out[r.Airing] = strings.TrimSpace(fmt.Sprintf("%s %s", r.Outcome, r.Reason)) + " " + proof
	}
	return out
}
