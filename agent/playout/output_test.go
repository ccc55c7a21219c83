package playout_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/outputs"
	"github.com/loa-vn/loa/agent/display/pngout"
	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/null"
	"github.com/loa-vn/loa/agent/player/opus"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
	"github.com/loa-vn/loa/protocol/schedule"
)

// shelf has one sound from an instant on.
type shelf struct {
	bytes []byte
	from  time.Time
}

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func (s shelf) Has(protocol.Digest) bool { return !time.Now().Before(s.from) }

func (s shelf) OpenSound(protocol.Digest) (io.ReadSeekCloser, error) {
	if !s.Has(protocol.Digest{}) {
		return nil, os.ErrNotExist
	}
	return file{bytes.NewReader(s.bytes)}, nil
}

func greeting(t *testing.T) ([]byte, int64) {
	t.Helper()
	b, err := os.ReadFile("../player/opus/testdata/greeting.opus")
	if err != nil {
		t.Fatal(err)
	}
	r, err := opus.Open(file{bytes.NewReader(b)})
	if err != nil {
		t.Fatal(err)
	}
	var frames int64
	for buf := make([]int16, 4800); ; {
		n, err := r.Read(buf)
		frames += int64(n)
		if errors.Is(err, io.EOF) {
			return b, frames
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnEmergencyIsToldByTheBestVoiceThatIsHere: its own sound; the siren until
// that is here, two seconds at least; the siren alone, for a pass, if it never
// comes, cannot be read, or fails on the way.
func TestAnEmergencyIsToldByTheBestVoiceThatIsHere(t *testing.T) {
	own, length := greeting(t)
	pass := 10 * time.Second
	siren := player.FramesIn(pass)
	torn := append(bytes.Clone(own[:len(own)/2]), make([]byte, 100)...)
	for name, tc := range map[string]struct {
		bytes  []byte
		after  time.Duration
		voice  protocol.Voice
		frames int64 // at least 0.1 s of precision
	}{
		"here":           {own, 0, protocol.VoiceDelivered, length},
		"after a second": {own, time.Second, protocol.VoiceDelivered, player.FramesIn(2*time.Second) + length},
		"never":          {own, time.Hour, protocol.VoiceSiren, siren},
		"unreadable":     {[]byte("no sound"), 0, protocol.VoiceSiren, siren},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := sounded(t, shelf{tc.bytes, time.Now().Add(tc.after)}, pass)
				if !e.Whole || e.Voice != tc.voice || e.Proof != protocol.ProofConsumed {
					t.Errorf("ended %+v, want whole by %s", e, tc.voice)
				}
				if off := int64(e.Frames) - tc.frames; off < -4800 || off > 4800 {
					t.Errorf("%d frames, want about %d", e.Frames, tc.frames)
				}
			})
		})
	}
	t.Run("torn", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if e := sounded(t, shelf{torn, time.Now()}, pass); !e.Whole {
				t.Errorf("ended %+v, want a whole pass", e)
			}
		})
	})
}

// sounded lets an emergency sound and returns the output's last word.
func sounded(t *testing.T, s shelf, pass time.Duration) playout.Event {
	t.Helper()
	out := playout.NewSound(player.New(null.New(1), slog.New(slog.DiscardHandler)), s)
	defer out.Close()
	c := protocol.ContentOf(s.bytes)
	j := playout.Job{ID: "e-1", Airing: protocol.Airing{ID: "e", Class: protocol.ClassEmergency, Sound: &c}, Begin: time.Now(), Length: pass, Volume: 80}
	if err := out.Begin(j); err != nil {
		t.Fatal(err)
	}
	for e := range out.Events() {
		if e.Kind == playout.Ended {
			return e
		}
	}
	t.Fatal("no last word")
	return playout.Event{}
}

// TestASoundThatIsNotHereIsNotWhole: an ordinary bulletin has no siren.
func TestASoundThatIsNotHereIsNotWhole(t *testing.T) {
	own, length := greeting(t)
	c := protocol.ContentOf(own)
	job := playout.Job{
		ID: "a-1", Airing: protocol.Airing{ID: "a", Class: protocol.ClassNormal, Sound: &c}, Length: player.Duration(length), Volume: 80,
		Bulletin: protocol.Bulletin{Sound: &protocol.Sound{Content: c, Frames: uint64(length)}},
	}
	for _, here := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := shelf{own, time.Now()}
			if !here {
				s.from = time.Now().Add(time.Hour)
			}
			out := playout.NewSound(player.New(null.New(1), slog.New(slog.DiscardHandler)), s)
			defer out.Close()
			if err := out.Begin(job); err != nil {
				t.Fatal(err)
			}
			for e := range out.Events() {
				if e.Kind != playout.Ended {
					continue
				}
				if e.Whole != here || (e.Frames == uint64(length)) != here || (e.Err == nil) != here {
					t.Errorf("here %t: ended %+v", here, e)
				}
				return
			}
		})
	}
	out := playout.NewSound(player.New(null.New(1), slog.New(slog.DiscardHandler)), shelf{})
	defer out.Close()
	job.Position = job.Length
	if err := out.Begin(job); err == nil {
		t.Error("a position at the end is taken")
	}
}

func boardJob(class protocol.Class, drill bool) playout.Job {
	zone := time.FixedZone("+07", 7*3600)
	start := time.Date(2026, 11, 23, 10, 0, 0, 0, zone)
	return playout.Job{
		ID: "b-1", Zone: zone, Key: schedule.Key{Airing: "b", Start: start}, Length: 20 * time.Second,
		Airing: protocol.Airing{ID: "b", Class: class, Drill: drill, Until: protocol.InstantOf(start.Add(2 * time.Hour))},
		Bulletin: protocol.Bulletin{Title: "Lịch tiêm phòng", Board: &protocol.Board{
			Text: "7h30 ngày 25/11 tại nhà văn hoá thôn Đông.", Sender: "UBND xã Bình An", Layout: "notice", LayoutVersion: page.Version,
		}},
	}
}

// TestPagesAreTheSignedText: what is composed is text, title and sender as signed,
// with the times of an emergency; another layout version is refused.
func TestPagesAreTheSignedText(t *testing.T) {
	size := page.Board{Width: 192, Height: 32, Row: 16}
	for name, tc := range map[string]struct {
		job  playout.Job
		kind page.Kind
	}{
		"notice":    {boardJob(protocol.ClassNormal, false), page.Notice},
		"emergency": {boardJob(protocol.ClassEmergency, false), page.Emergency},
		"drill":     {boardJob(protocol.ClassEmergency, true), page.Drill},
	} {
		text := page.Text{Kind: tc.kind, Title: tc.job.Bulletin.Title, Body: tc.job.Bulletin.Board.Text, Sender: tc.job.Bulletin.Board.Sender}
		if tc.kind != page.Notice {
			text.Issued, text.Until = tc.job.Key.Start, tc.job.Key.Start.Add(2*time.Hour)
		}
		want, _, err := page.Compose(size, text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := playout.Pages(size, tc.job, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: pages differ\n%s", name, diff)
		}
	}
	other := boardJob(protocol.ClassNormal, false)
	other.Bulletin.Board.LayoutVersion = page.Version + 1
	if _, err := playout.Pages(size, other, nil); err == nil {
		t.Error("a layout of another version is shown")
	}
}

// TestPagesFollowTheSignedLayout: what was approved to run runs, a picture stands
// beside its text, and a layout that is not known, or another class's, is refused.
func TestPagesFollowTheSignedLayout(t *testing.T) {
	size := page.Board{Width: 384, Height: 192, Row: 16}
	picture := page.Picture{W: 40, H: 30, Pix: make([]uint8, 40*30)}
	for _, kind := range []page.Kind{page.Notice, page.TwoLine, page.Ticker, page.Pictured} {
		job := boardJob(protocol.ClassNormal, false)
		job.Bulletin.Board.Layout = kind.String()
		job.Bulletin.Board.Text = "Tại nhà văn hoá thôn Đông.\nMang theo sổ tiêm chủng."
		var pic *page.Picture
		if kind == page.Pictured {
			pic = &picture
		}
		want, _, err := page.Lay(size, page.Text{
			Kind: kind, Title: job.Bulletin.Title, Body: job.Bulletin.Board.Text, Sender: job.Bulletin.Board.Sender,
		}, pic)
		if err != nil {
			t.Fatal(err)
		}
		got, err := playout.Pages(size, job, pic)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v: %v, pages differ\n%s", kind, err, diff)
		}
		if moves := got[0].Crawl != nil; moves != (kind == page.TwoLine || kind == page.Ticker) {
			t.Errorf("%v moves: %t", kind, moves)
		}
	}
	for _, layout := range []string{"emergency", "drill", "another", "picture"} {
		job := boardJob(protocol.ClassNormal, false)
		job.Bulletin.Board.Layout = layout
		if _, err := playout.Pages(size, job, nil); err == nil {
			t.Errorf("%s is shown as a notice", layout)
		}
	}
}

// TestAPictureThatIsDamagedIsAFault: what cannot be read as approved is not shown
// at all.
func TestAPictureThatIsDamagedIsAFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		size := page.Board{Width: 384, Height: 192, Row: 16}
		file, err := (page.Picture{W: 2, H: 2, Pix: make([]uint8, 4)}).File()
		if err != nil {
			t.Fatal(err)
		}
		for name, read := range map[string]func(protocol.Digest) ([]byte, error){
			"whole":     func(protocol.Digest) ([]byte, error) { return file, nil },
			"truncated": func(protocol.Digest) ([]byte, error) { return file[:len(file)-20], nil },
			"lost":      func(protocol.Digest) ([]byte, error) { return nil, os.ErrNotExist },
		} {
			s := screen(t, playout.ScreenConfig{Size: size, Picture: read}, display.Config{Output: newPanel(t, size)})
			job := boardJob(protocol.ClassNormal, false)
			job.Bulletin.Board.Layout, job.Bulletin.Board.Picture = protocol.LayoutPicture, &protocol.Picture{}
			if err := s.Begin(job); (err == nil) != (name == "whole") {
				t.Errorf("%s: %v", name, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestABoardProvesWhatItShowed: a set of its length is whole, with its pages'
// digests; one that is cut is not.
func TestABoardProvesWhatItShowed(t *testing.T) {
	size := page.Board{Width: 192, Height: 32, Row: 16}
	for _, cut := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			out, err := pngout.New(pngout.Config{Dir: t.TempDir(), Width: size.Width, Height: size.Height})
			if err != nil {
				t.Fatal(err)
			}
			s := screen(t, playout.ScreenConfig{Size: size}, display.Config{Output: out})
			defer s.Close()
			job := boardJob(protocol.ClassNormal, false)
			job.Begin = time.Now()
			pages, err := playout.Pages(size, job, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Begin(job); err != nil {
				t.Fatal(err)
			}
			if cut {
				time.Sleep(time.Second)
				s.Cut(job.ID)
			}
			for e := range s.Events() {
				if e.Kind != playout.Ended {
					continue
				}
				if e.Whole == cut || e.Proof != protocol.ProofRendered || len(e.Pixels) == 0 || (!cut && len(e.Pixels) != 2*len(pages)) {
					t.Errorf("cut %t: ended %+v, want %d turns", cut, e, 2*len(pages))
				}
				return
			}
		})
	}
}

// screen opens a board: without a Whole, of one part; without an Idle, dark when nothing
// is on.
func screen(t *testing.T, cfg playout.ScreenConfig, board display.Config) *playout.Screen {
	t.Helper()
	if cfg.Whole == (page.Board{}) {
		cfg.Whole = cfg.Size
	}
	if cfg.Idle == nil {
		cfg.Idle = func(now time.Time) ([]page.Page, time.Time) { return nil, now.Add(time.Hour) }
	}
	cfg.Open = func(clock func(time.Time) ([]page.Page, time.Time)) (*display.Board, error) {
		board.Clock, board.Log = clock, slog.New(slog.DiscardHandler)
		return display.New(board)
	}
	s, err := playout.NewScreen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// panel is an output in memory that keeps its picture.
type panel struct {
	display.Output
	whole image.Rectangle
	mu    sync.Mutex
	last  *page.Frame
}

func newPanel(t *testing.T, size page.Board) *panel {
	t.Helper()
	out, err := outputs.Open(outputs.Config{Line: "null", Width: size.Width, Height: size.Height})
	if err != nil {
		t.Fatal(err)
	}
	return &panel{Output: out, whole: image.Rect(0, 0, size.Width, size.Height), last: page.NewFrame(size.Width, size.Height)}
}

func (p *panel) Show(ctx context.Context, f *page.Frame, dirty image.Rectangle) error {
	p.mu.Lock()
	p.last = &page.Frame{W: f.W, H: f.H, Pix: slices.Clone(f.Pix)}
	p.mu.Unlock()
	return p.Output.Show(ctx, f, dirty)
}

// shows says whether one of the pages stands on the whole board.
func (p *panel) shows(pages []page.Page) bool { return p.part(p.whole, pages) }

// part says whether one of the pages stands at a place of the board; of moving ones it
// says whether anything does.
func (p *panel) part(at image.Rectangle, pages []page.Page) bool {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	part := page.NewFrame(at.Dx(), at.Dy())
	for y := range part.H {
		copy(part.Pix[y*part.W:(y+1)*part.W], p.last.Pix[(at.Min.Y+y)*p.last.W+at.Min.X:])
	}
	if len(pages) > 0 && pages[0].Crawl != nil {
		return slices.Max(part.Pix) > 0
	}
	return slices.Contains(page.Digests(pages), part.Digest())
}

// TestAnEmergencyStandsUntilItEndsAndThenIsSaidToBeOver: after its pass it stands
// until its validity ends, it is stopped, or somebody at the board ends it, then "đã hết
// hiệu lực" for a minute.
func TestAnEmergencyStandsUntilItEndsAndThenIsSaidToBeOver(t *testing.T) {
	size := page.Board{Width: 192, Height: 32, Row: 16}
	for _, how := range []string{"expired", "stopped", "key"} {
		synctest.Test(t, func(t *testing.T) {
			m := newPanel(t, size)
			s := screen(t, playout.ScreenConfig{Size: size}, display.Config{Output: m})
			defer s.Close()
			ends(s)
			job := boardJob(protocol.ClassEmergency, true)
			job.Begin, job.Until = time.Now(), time.Now().Add(2*time.Hour)
			alarm, err := playout.Pages(size, job, nil)
			if err != nil {
				t.Fatal(err)
			}
			over, err := page.Over(size, job.Bulletin.Title, true)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Begin(job); err != nil {
				t.Fatal(err)
			}
			for range 10 {
				time.Sleep(job.Length)
				if !m.shows(alarm) {
					t.Fatal("a valid emergency is not shown")
				}
			}
			s.Over("another")
			if !m.shows(alarm) {
				t.Error("the end of another emergency ended this one")
			}
			switch how {
			case "stopped":
				s.Over(job.Airing.ID)
			case "key":
				if id, ok := s.Clear(); !ok || id != job.Airing.ID {
					t.Errorf("ended %s, %t", id, ok)
				}
			default:
				time.Sleep(time.Until(job.Until))
			}
			time.Sleep(time.Second)
			if !m.shows(over) {
				t.Errorf("%s: it is not said to be over", how)
			}
			time.Sleep(58 * time.Second)
			if !m.shows(over) {
				t.Errorf("%s: it is said to be over for less than a minute", how)
			}
			time.Sleep(2 * time.Second)
			if m.shows(over) || m.shows(alarm) {
				t.Errorf("%s: still there after a minute", how)
			}
			if id, ok := s.Clear(); ok {
				t.Errorf("%s: the key ended %s, which did not stand", how, id)
			}
		})
	}
}

// memory keeps what a board shows, as a file would.
type memory struct{ b []byte }

func (m *memory) Load() ([]byte, error) { return m.b, nil }
func (m *memory) Save(b []byte) error   { m.b = b; return nil }

// TestWhatStoodComesBackAfterARestart: the last good frame is there at once, an
// emergency until its validity ends, a bulletin until the loop has had time to say
// what is on; neither if its time is over, or the board is another one.
func TestWhatStoodComesBackAfterARestart(t *testing.T) {
	size := page.Board{Width: 192, Height: 32, Row: 16}
	open := func(t *testing.T, m *memory, size page.Board) (*playout.Screen, *panel) {
		t.Helper()
		shown := newPanel(t, size)
		s := screen(t, playout.ScreenConfig{Size: size, Memory: m}, display.Config{Output: shown})
		ends(s)
		return s, shown
	}
	for name, x := range map[string]struct {
		class    protocol.Class
		off      time.Duration
		size     page.Board
		back     bool
		stays    time.Duration // then it is gone
		withdraw bool
	}{
		"emergency":                {class: protocol.ClassEmergency, off: time.Minute, size: size, back: true, stays: time.Hour},
		"emergency that is over":   {class: protocol.ClassEmergency, off: 3 * time.Hour, size: size},
		"emergency stopped":        {class: protocol.ClassEmergency, off: time.Minute, size: size, back: true, withdraw: true},
		"bulletin":                 {class: protocol.ClassNormal, off: time.Second, size: size, back: true, stays: 9 * time.Second},
		"bulletin that is over":    {class: protocol.ClassNormal, off: time.Minute, size: size},
		"bulletin of another size": {class: protocol.ClassNormal, off: time.Second, size: page.Board{Width: 128, Height: 64, Row: 16}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &memory{}
				s, _ := open(t, m, size)
				job := boardJob(x.class, false)
				job.Begin, job.Until = time.Now(), time.Now().Add(2*time.Hour)
				pages, err := playout.Pages(size, job, nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Begin(job); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(x.off)
				s, shown := open(t, m, x.size)
				defer s.Close()
				time.Sleep(time.Second)
				if got := shown.shows(pages); got != x.back {
					t.Fatalf("a second after the start: shown %t, want %t", got, x.back)
				}
				if x.withdraw {
					s.Over(job.Airing.ID)
					if time.Sleep(time.Second); shown.shows(pages) || m.b != nil {
						t.Error("a stopped emergency stands")
					}
				}
				if x.stays == 0 {
					return
				}
				if time.Sleep(x.stays - 2*time.Second); !shown.shows(pages) {
					t.Error("it went too soon")
				}
				if time.Sleep(2 * time.Hour); shown.shows(pages) {
					t.Error("it stands for good")
				}
			})
		})
	}
}
