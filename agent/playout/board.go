package playout

import (
	"fmt"
	"sync"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// Screen is the output of a LED board.
type Screen struct {
	board  *display.Board
	size   page.Board
	events chan Event
	wg     sync.WaitGroup
}

// NewScreen returns an output on a board of that size; Close closes both.
func NewScreen(b *display.Board, size page.Board) *Screen {
	s := &Screen{board: b, size: size, events: make(chan Event, 16)}
	s.wg.Go(s.pass)
	return s
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
	pages, err := Pages(s.size, j)
	if err != nil {
		return fmt.Errorf("begin %s: %w", j.ID, err)
	}
	job := display.Job{ID: j.ID, Pages: pages, Begin: j.Begin.Add(-j.Position)}
	if j.Airing.Class == protocol.ClassEmergency {
		job.Until = j.Begin.Add(j.Length)
	}
	if err := s.board.Show(job); err != nil {
		return fmt.Errorf("begin %s: %w", j.ID, err)
	}
	return nil
}

// Pages lays a job's bulletin out for a board: the text, layout and sender are
// the signed ones, the times of an emergency those of its airing.
func Pages(size page.Board, j Job) ([]page.Page, error) {
	b := j.Bulletin.Board
	if b == nil || b.LayoutVersion != page.Version {
		return nil, fmt.Errorf("board layout of another version than %d: %w", page.Version, protocol.ErrVersion)
	}
	t := page.Text{Kind: page.Notice, Title: j.Bulletin.Title, Body: b.Text, Sender: b.Sender}
	if b.Text == j.Bulletin.Title {
		t.Title = ""
	}
	if j.Airing.Class == protocol.ClassEmergency {
		t.Kind = page.Emergency
		if j.Airing.Drill {
			t.Kind = page.Drill
		}
		t.Issued, t.Until = j.Key.Start.In(j.Zone), j.Airing.Until.Time().In(j.Zone)
	}
	pages, _, err := page.Compose(size, t)
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
