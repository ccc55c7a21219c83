package playout

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// overFor is how long a board says that an emergency is over.
const overFor = time.Minute

// ScreenConfig is what a Screen needs.
type ScreenConfig struct {
	Size  page.Board // of what bulletins stand on
	Whole page.Board // of the whole board, which emergencies take
	// Idle is what stands when nothing is on, and until when.
	Idle func(now time.Time) (pages []page.Page, until time.Time)
	// Picture returns the file of a picture by its digest.
	Picture func(protocol.Digest) ([]byte, error)
	// Memory keeps what is shown over a restart; nil for a board that forgets.
	Memory Memory
	// Open opens the board; clock is its display.Config.Clock.
	Open func(clock func(time.Time) ([]page.Page, time.Time)) (*display.Board, error)
}

// maxRemembered bounds what is kept, in bytes: a picture on many pages is not.
const maxRemembered = 512 << 10

// Memory keeps a little over a restart. Save replaces what was kept; nil
// empties it.
type Memory interface {
	Load() ([]byte, error)
	Save([]byte) error
}

// lingerFor is how long a bulletin that was on before a restart stands again, until
// the loop knows what is on now.
const lingerFor = 10 * time.Second

// Screen is the output of a LED board. Between the passes of an emergency and
// after them it stands until its validity ends; then, or when it is stopped, the
// board says for a minute that it is over.
type Screen struct {
	cfg    ScreenConfig
	board  *display.Board
	events chan Event
	wg     sync.WaitGroup

	mu    sync.Mutex
	last  *standing // a bulletin that was on before this start
	alarm *standing // nil: none is valid
	over  *standing // the one that has ended; until says how long that is shown
}

// standing is an emergency that was shown.
type standing struct {
	airing protocol.AiringID
	title  string
	pages  []page.Page
	until  time.Time // by the system's clock
}

// remembered is standing as Memory keeps it.
type remembered struct {
	Airing    protocol.AiringID
	Title     string
	Pages     []page.Page
	Until     time.Time
	Emergency bool
}

// remember keeps what has begun; a memory that fails costs a restart's picture only.
func (s *Screen) remember(r *remembered) {
	if s.cfg.Memory == nil {
		return
	}
	var b []byte
	if r != nil {
		var err error
		if b, err = json.Marshal(r); err != nil || len(b) > maxRemembered {
			b = nil
		}
	}
	_ = s.cfg.Memory.Save(b)
}

// recall takes up what stood before a restart, as far as it still fits this board.
func (s *Screen) recall(now time.Time) {
	if s.cfg.Memory == nil {
		return
	}
	b, err := s.cfg.Memory.Load()
	var r remembered
	if err != nil || len(b) == 0 || json.Unmarshal(b, &r) != nil || !now.Before(r.Until) || len(r.Pages) == 0 {
		return
	}
	size := s.cfg.Size
	if r.Emergency {
		size = s.cfg.Whole
	}
	for _, p := range r.Pages {
		if p.Board != size {
			return
		}
	}
	if r.Emergency {
		s.alarm = &standing{airing: r.Airing, title: r.Title, pages: r.Pages, until: r.Until}
		return
	}
	until := now.Add(lingerFor)
	if r.Until.Before(until) {
		until = r.Until
	}
	s.last = &standing{airing: r.Airing, pages: r.Pages, until: until}
}

// NewScreen opens the board; Close closes it. Errors: those of Open.
func NewScreen(cfg ScreenConfig) (*Screen, error) {
	s := &Screen{cfg: cfg, events: make(chan Event, 16)}
	s.recall(time.Now())
	board, err := cfg.Open(s.idle)
	if err != nil {
		return nil, err
	}
	s.board = board
	s.wg.Go(s.pass)
	return s, nil
}

// idle is what stands when no job is on.
func (s *Screen) idle(now time.Time) ([]page.Page, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.alarm; a != nil && now.Before(a.until) {
		return a.pages, a.until
	} else if a != nil {
		s.end(a.until)
	}
	if o := s.over; o != nil && now.Before(o.until) {
		if pages, err := page.Over(s.cfg.Whole, o.title); err == nil {
			return pages, o.until
		}
	}
	s.over = nil
	if l := s.last; l != nil && now.Before(l.until) {
		return l.pages, l.until
	}
	s.last = nil
	return s.cfg.Idle(now)
}

// end makes the emergency that stands one that is over; s.mu is held.
func (s *Screen) end(at time.Time) {
	s.over = &standing{airing: s.alarm.airing, title: s.alarm.title, until: at.Add(overFor)}
	s.alarm = nil
	s.remember(nil)
}

// Over says that an emergency is stopped or withdrawn: it stands no more.
func (s *Screen) Over(id protocol.AiringID) {
	s.mu.Lock()
	stood := s.alarm != nil && s.alarm.airing == id
	if stood {
		s.end(time.Now())
	}
	s.mu.Unlock()
	if stood {
		_ = s.board.Refresh() // a board that was closed shows nothing
	}
}

// Close ends the board.
func (s *Screen) Close() error {
	err := s.board.Close()
	s.wg.Wait()
	return err
}

// Events implements Output.
func (s *Screen) Events() <-chan Event { return s.events }

// Cut implements Output.
func (s *Screen) Cut(job string) {
	// The only error says that the board was closed, which ends the job as well.
	_ = s.board.Stop(job)
}

// Begin implements Output. The set of pages is entered where it would be at the
// job's position.
func (s *Screen) Begin(j Job) error {
	emergency := j.Airing.Class == protocol.ClassEmergency
	size := s.cfg.Size
	if emergency {
		size = s.cfg.Whole
	}
	picture, err := s.picture(j)
	if err != nil {
		return fmt.Errorf("begin %s: %w", j.ID, err)
	}
	pages, err := Pages(size, j, picture)
	if err != nil {
		return fmt.Errorf("begin %s: %w", j.ID, err)
	}
	job := display.Job{ID: j.ID, Pages: pages, Begin: j.Begin.Add(-j.Position)}
	kept := remembered{Airing: j.Airing.ID, Title: j.Bulletin.Title, Pages: pages, Until: job.Begin.Add(j.Length), Emergency: emergency}
	s.mu.Lock()
	s.last = nil
	if emergency {
		kept.Until, job.Until = j.Until, j.Begin.Add(j.Length)
		s.alarm, s.over = &standing{airing: j.Airing.ID, title: j.Bulletin.Title, pages: pages, until: j.Until}, nil
	}
	if emergency || s.alarm == nil { // a bulletin beside a valid emergency is not what must come back
		s.remember(&kept)
	}
	s.mu.Unlock()
	if err := s.board.Show(job); err != nil {
		return fmt.Errorf("begin %s: %w", j.ID, err)
	}
	return nil
}

// picture reads what a job's bulletin shows beside its text; nil for none.
func (s *Screen) picture(j Job) (*page.Picture, error) {
	if j.Bulletin.Board == nil || j.Bulletin.Board.Picture == nil {
		return nil, nil
	}
	file, err := s.cfg.Picture(j.Bulletin.Board.Picture.Content.Digest)
	if err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	p, err := page.ReadPicture(file)
	return &p, err
}

// Pages lays a job's bulletin out for a board: the text, layout, picture and sender
// are the signed ones, the times of an emergency those of its airing, and that it is
// one, or a drill, is the airing's word.
func Pages(size page.Board, j Job, picture *page.Picture) ([]page.Page, error) {
	b := j.Bulletin.Board
	if b == nil || b.LayoutVersion != page.Version {
		return nil, fmt.Errorf("board layout of another version than %d: %w", page.Version, protocol.ErrVersion)
	}
	t := page.Text{Title: j.Bulletin.Title, Body: b.Text, Sender: b.Sender}
	if j.Airing.Class == protocol.ClassEmergency {
		t.Kind = page.Emergency
		if j.Airing.Drill {
			t.Kind = page.Drill
		}
		t.Issued, t.Until = j.Key.Start.In(j.Zone), j.Airing.Until.Time().In(j.Zone)
	} else {
		var err error
		if t.Kind, err = page.ParseKind(b.Layout); err != nil {
			return nil, err
		}
		if t.Kind == page.Emergency || t.Kind == page.Drill {
			return nil, fmt.Errorf("layout %s of class %v: %w", b.Layout, j.Airing.Class, page.ErrKind)
		}
	}
	pages, _, err := page.Lay(size, t, picture)
	return pages, err
}

// pass turns the board's events into the loop's.
func (s *Screen) pass() {
	defer close(s.events)
	for e := range s.board.Events() {
		switch {
		case e.Kind == display.Fault && e.Err == nil:
			s.events <- Event{Kind: Restored}
		case e.Kind == display.Fault:
			s.events <- Event{Kind: Fault, Err: e.Err}
		case e.Job == "":
		case e.Kind == display.Begun:
			s.events <- Event{Kind: Begun, Job: e.Job, At: e.At}
		case e.Kind == display.Ended:
			s.events <- ended(e)
		}
	}
}

// ended sums a job up: its proof is the weakest of its pages'.
func ended(e display.Event) Event {
	out := Event{Kind: Ended, Job: e.Job, At: e.At, Whole: e.Whole, Err: e.Err}
	for i, s := range e.Shown {
		if i == 0 || s.Proof < out.Proof {
			out.Proof = s.Proof
		}
		out.Pixels = append(out.Pixels, s.Digest)
	}
	return out
}
