package display

import (
	"context"
	"fmt"
	"image"
	"log/slog"
	"sync"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// Times of a board.
const (
	// Prompt is how late a page may come up and still count as shown.
	Prompt = time.Second
	// Patience is how long an output may take for a frame before it is at fault.
	Patience = 5 * time.Second
	// retryEvery is how often a page is sent again to an output that failed.
	retryEvery = time.Second
	// calm is the least time between two pages: six changes a second are three
	// flashes, the most that is safe for people with epilepsy (WCAG 2.2, 2.3.1).
	calm = time.Second / 6
)

// Job is a set of pages to be shown.
type Job struct {
	// ID comes back in every event. The board does not look at it.
	ID string
	// Pages are all of the board's size.
	Pages []page.Page
	// Begin is the instant of the first page, by the system's clock; afterwards
	// pages turn by the monotonic one. In the past: the set is entered where it
	// would be now. In the future: what is shown stays until then. Zero: at once.
	Begin time.Time
	// Until, if not zero, repeats the set until then; a page may be cut by it.
	// Otherwise the set is shown for page.Length, which is two passes.
	Until time.Time
}

// Showing is one page of a job as it came up.
type Showing struct {
	Page   int // index
	At     time.Time
	Digest protocol.Digest
	Proof  protocol.Proof // ProofRendered, or ProofShown if it was read back
}

// EventKind says what an Event tells.
type EventKind uint8

// The kinds of events.
const (
	// Begun: the output took the job's first frame.
	Begun EventKind = iota + 1
	// Ended: the job is over, by itself, by Stop, or because another one came.
	Ended
	// Fault: the output failed or recovered, with no word on the job's fate: its
	// pages go on being sent.
	Fault
)

// Event is a word of the board to its caller.
type Event struct {
	Kind EventKind
	Job  string // empty: the board was idle
	At   time.Time
	// Shown, in Ended: the pages that came up, in order, each turn once.
	Shown []Showing
	// Whole, in Ended: every turn of two passes came up within Prompt of its time.
	Whole bool
	// Missed, in Ended: turns that did not come up, or too late.
	Missed int
	// Dropped, in Ended: frames of moving text that the output was too slow for.
	Dropped int
	// Err, in Fault: what is wrong; nil when frames are taken again.
	Err error
}

// Status is what the board shows at the moment.
type Status struct {
	Job    string // empty: idle
	Shown  Showing
	Health Health
}

// Config is what a Board needs.
type Config struct {
	Output Output
	// Idle are the pages that stand when there is no job; they are repeated. None:
	// the board is dark.
	Idle []page.Page
	// Clock, if set, is asked instead of Idle for what stands from now on, and when
	// it is to be asked again, at least a second later.
	Clock func(now time.Time) (pages []page.Page, until time.Time)
	// Main is where jobs and idle pages stand; the zero value is the whole board.
	// A set whose pages have the whole board's size covers it all.
	Main image.Rectangle
	// Sides are the zones beside it.
	Sides []Side
	// Sleep is how the pace of what crawls is kept; Nap is made for it. nil: the
	// runtime's timers.
	Sleep func(time.Duration)
	Log   *slog.Logger
}

// Side is a zone that shows something of its own and has no jobs: the time, a
// name. Clock is asked for its pages, of the zone's size, and until when they stand.
type Side struct {
	At    image.Rectangle
	Clock func(now time.Time) (pages []page.Page, until time.Time)
}

// Board shows jobs on an output. All its methods return at once, but for Close.
type Board struct {
	output Output
	size   [2]int
	log    *slog.Logger
	events chan Event
	wake   chan struct{}
	cancel context.CancelFunc
	done   sync.WaitGroup

	courier *courier
	idle    []page.Page
	clock   func(time.Time) ([]page.Page, time.Time)
	main    image.Rectangle
	sides   []Side

	mu     sync.Mutex
	closed bool
	orders []order
	status Status
}

// order is a call of Show or Stop on its way to the goroutine that owns the canvas.
type order struct {
	job     *Job
	stop    string
	refresh bool
}

// New starts a board; it shows the idle pages until there is a job. The output is
// the board's from now on. Errors: ErrSize, also for zones that overlap or reach
// over the board.
func New(cfg Config) (*Board, error) {
	w, h := cfg.Output.Size()
	b := &Board{
		output: cfg.Output, size: [2]int{w, h}, log: cfg.Log, idle: cfg.Idle, clock: cfg.Clock,
		events: make(chan Event), wake: make(chan struct{}, 1), main: cfg.Main, sides: cfg.Sides,
	}
	if b.main.Empty() {
		b.main = image.Rect(0, 0, w, h)
	}
	if err := b.zones(); err != nil {
		return nil, err
	}
	if err := b.fits(cfg.Idle); err != nil {
		return nil, fmt.Errorf("idle pages: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	b.courier = newCourier(cfg.Output, cfg.Sleep)
	b.done.Go(func() { b.courier.run(ctx) })
	b.done.Go(func() { b.run(ctx) })
	return b, nil
}

// Show replaces what is shown, which ends, by a job. Errors: ErrEmpty, ErrSize,
// ErrClosed.
func (b *Board) Show(j Job) error {
	if len(j.Pages) == 0 {
		return fmt.Errorf("job %s: %w", j.ID, ErrEmpty)
	}
	if err := b.fits(j.Pages); err != nil {
		return fmt.Errorf("job %s: %w", j.ID, err)
	}
	return b.give(order{job: &j})
}

// Stop ends the job with that id, if it is shown or waits for its time.
func (b *Board) Stop(id string) error { return b.give(order{stop: id}) }

// Refresh asks Config.Clock again for what stands when nothing is on.
func (b *Board) Refresh() error { return b.give(order{refresh: true}) }

// Brightness sets the board's brightness in per cent, with the next frame.
func (b *Board) Brightness(percent int) { b.courier.brightness(min(max(percent, 0), 100)) }

// Events tells what became of the jobs, in order. Unread events are kept without
// limit, about two for each job. It is closed by Close.
func (b *Board) Events() <-chan Event { return b.events }

// Status returns what is shown now.
func (b *Board) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.status
	s.Health = b.output.Health()
	return s
}

// Close stops the board and closes its output. What was shown gets no more
// events, and unread ones are gone.
func (b *Board) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	b.mu.Unlock()
	b.cancel()
	err := b.output.Close()
	b.done.Wait()
	close(b.events)
	if err != nil {
		return fmt.Errorf("close board: %w", err)
	}
	return nil
}

func (b *Board) give(o order) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	b.orders = append(b.orders, o)
	select {
	case b.wake <- struct{}{}:
	default: // it is awake
	}
	return nil
}

// zones refuses zones that overlap or reach over the board.
func (b *Board) zones() error {
	board := image.Rect(0, 0, b.size[0], b.size[1])
	taken := []image.Rectangle{b.main}
	for _, s := range b.sides {
		taken = append(taken, s.At)
	}
	for i, z := range taken {
		if z.Empty() || !z.In(board) {
			return fmt.Errorf("zone %v on %v: %w", z, board, ErrSize)
		}
		for _, other := range taken[:i] {
			if z.Overlaps(other) {
				return fmt.Errorf("zones %v and %v overlap: %w", other, z, ErrSize)
			}
		}
	}
	return nil
}

// fits refuses pages that are neither of the main zone's size nor of the board's.
func (b *Board) fits(pages []page.Page) error {
	for i, p := range pages {
		size := [2]int{p.Board.Width, p.Board.Height}
		if size != b.size && size != [2]int{b.main.Dx(), b.main.Dy()} {
			return fmt.Errorf("page %d is %dx%d px, the board %dx%d: %w", i, p.Board.Width, p.Board.Height, b.size[0], b.size[1], ErrSize)
		}
		if i > 0 && p.Board != pages[0].Board {
			return fmt.Errorf("pages of different sizes: %w", ErrSize)
		}
	}
	return nil
}
