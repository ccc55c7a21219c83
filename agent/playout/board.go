package playout

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// ScreenConfig is what a Screen needs.
type ScreenConfig struct {
	Size  page.Board // of what bulletins stand on
	Whole page.Board // of the whole board, which emergencies take
	// Zones are the parts beside Size that bulletins can be meant for.
	Zones []ScreenZone
	// Idle is what stands when nothing is on, and until when.
	Idle func(now time.Time) (pages []page.Page, until time.Time)
	// Picture returns the file of a picture by its digest.
	Picture func(protocol.Digest) ([]byte, error)
	// Memory keeps what is shown over a restart; nil for a board that forgets.
	Memory Memory
	// Open opens the board; clock is its display.Config.Clock.
	Open func(clock func(time.Time) ([]page.Page, time.Time)) (*display.Board, error)
}

// ScreenZone is a part of a board that bulletins can be meant for.
type ScreenZone struct {
	Name string // as airings have it
	Zone int    // the board's, display.Job.Zone
	Size page.Board
}

// Screen is the output of a LED board where bulletins stand; Zone gives those of its
// other parts. Between the passes of an emergency and after them it stands until its
// validity ends, over the whole board as long as no bulletin is on in another part; then,
// or when it is stopped or somebody at the board ends it, the board says for a minute that
// it is over.
type Screen struct {
	cfg    ScreenConfig
	board  *display.Board
	events []chan Event // by the board's zones; nil where there is no output
	wg     sync.WaitGroup

	mu     sync.Mutex
	alarms []standing       // that are valid, in the order of their last beginning
	over   *standing        // the one that ended last; until says how long that is shown
	busy   map[int]string   // the job that is on in each part beside the main one
	kept   map[int]*shownBy // what is on, for the memory, by zone
}

// NewScreen opens the board; Close closes it. Errors: those of Open.
func NewScreen(cfg ScreenConfig) (*Screen, error) {
	s := &Screen{cfg: cfg, events: []chan Event{make(chan Event, 16)}, busy: map[int]string{}, kept: map[int]*shownBy{}}
	for _, z := range cfg.Zones {
		for len(s.events) <= z.Zone {
			s.events = append(s.events, nil)
		}
		s.events[z.Zone] = make(chan Event, 16)
	}
	linger := s.recall(time.Now())
	board, err := cfg.Open(s.idle)
	if err != nil {
		return nil, err
	}
	s.board = board
	for _, j := range linger {
		if err := board.Show(j); err != nil {
			return nil, fmt.Errorf("what stood before: %w", errors.Join(err, board.Close()))
		}
	}
	s.wg.Go(s.pass)
	return s, nil
}

// Close ends the board.
func (s *Screen) Close() error {
	err := s.board.Close()
	s.wg.Wait()
	return err
}

// Events implements Output.
func (s *Screen) Events() <-chan Event { return s.events[0] }

// Cut implements Output.
func (s *Screen) Cut(job string) {
	// The only error says that the board was closed, which ends the job as well.
	_ = s.board.Stop(job)
}

// Begin implements Output. The set of pages is entered where it would be at the
// job's position.
func (s *Screen) Begin(j Job) error { return s.begin(j, 0, s.cfg.Size) }

// Zone returns the output of a part beside the main one.
func (s *Screen) Zone(z ScreenZone) Output { return zoneOutput{s, z} }

// zoneOutput is a part of a board. It is closed with its screen.
type zoneOutput struct {
	*Screen
	zone ScreenZone
}

// Begin implements Output.
func (z zoneOutput) Begin(j Job) error { return z.begin(j, z.zone.Zone, z.zone.Size) }

// Events implements Output.
func (z zoneOutput) Events() <-chan Event { return z.events[z.zone.Zone] }

func (s *Screen) begin(j Job, zone int, size page.Board) error {
	emergency := j.Airing.Class == protocol.ClassEmergency
	if emergency {
		size = s.cfg.Whole
	}
	pages, err := s.lay(size, j)
	if err != nil {
		return fmt.Errorf("begin %s: %w", j.ID, err)
	}
	job := display.Job{ID: j.ID, Zone: zone, Pages: pages, Begin: j.Begin.Add(-j.Position)}
	if emergency {
		job.Until = j.Begin.Add(j.Length)
	}
	s.mu.Lock()
	stands := len(s.alarms) > 0 || s.over != nil
	switch {
	case emergency:
		s.raise(j, pages)
	case zone == 0 && len(s.alarms) > 0: // a bulletin beside a valid emergency is not what must come back
	default:
		s.remember(zone, j, job.Begin)
	}
	if zone != 0 {
		s.busy[zone] = j.ID
	}
	s.mu.Unlock()
	if zone != 0 && stands { // it makes room for this
		_ = s.board.Refresh() // a board that was closed shows nothing
	}
	if err := s.board.Show(job); err != nil {
		return fmt.Errorf("begin %s: %w", j.ID, err)
	}
	return nil
}

// lay lays a job's bulletin out.
func (s *Screen) lay(size page.Board, j Job) ([]page.Page, error) {
	picture, err := s.picture(j)
	if err != nil {
		return nil, err
	}
	return Pages(size, j, picture)
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
	if b == nil || b.LayoutVersion == 0 || b.LayoutVersion > page.Version {
		return nil, fmt.Errorf("board layout of another version than 1 to %d: %w", page.Version, protocol.ErrVersion)
	}
	t := page.Text{Title: j.Bulletin.Title, Body: b.Text, Sender: b.Sender, Version: b.LayoutVersion}
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

// pass turns the board's events into the loops'.
func (s *Screen) pass() {
	defer func() {
		for _, c := range s.events {
			if c != nil {
				close(c)
			}
		}
	}()
	for e := range s.board.Events() {
		switch {
		case e.Kind == display.Fault && e.Err == nil:
			s.events[0] <- Event{Kind: Restored}
		case e.Kind == display.Fault:
			s.events[0] <- Event{Kind: Fault, Err: e.Err}
		case e.Job == "":
		case e.Kind == display.Begun:
			s.events[e.Zone] <- Event{Kind: Begun, Job: e.Job, At: e.At}
		case e.Kind == display.Ended:
			s.free(e.Zone, e.Job)
			s.events[e.Zone] <- ended(e)
		}
	}
}

// free notes that a part of the board has nothing on any more: an emergency that
// stands takes it again.
func (s *Screen) free(zone int, job string) {
	s.mu.Lock()
	again := zone != 0 && s.busy[zone] == job
	if again {
		delete(s.busy, zone)
	}
	again = again && (len(s.alarms) > 0 || s.over != nil)
	s.mu.Unlock()
	if again {
		_ = s.board.Refresh() // a board that was closed shows nothing
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
