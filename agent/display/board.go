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
	// Zone is where it stands: 0 is the main one, n is Config.Sides[n-1].
	Zone int
	// Pages are all of their zone's size. In the main zone they may be of the whole
	// board's instead and then cover the other zones.
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
	Zone int    // of the job
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

// Status is what the board shows in its main zone at the moment.
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
	// Steady keeps the pace of what crawls by a timer of the kernel's where there is one,
	// to a tenth of a millisecond; else the runtime's timers do.
	Steady bool
	Log    *slog.Logger
}

// Side is a zone beside the main one. When it has no job it shows something of its
// own: the time, a name. Clock is asked for those pages, of the zone's size, and until
// when they stand; a zone without any is dark.
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
	zones   []Side // the main one first

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
		output: cfg.Output, size: [2]int{w, h}, log: cfg.Log, idle: cfg.Idle,
		events: make(chan Event), wake: make(chan struct{}, 1),
	}
	main := Side{At: cfg.Main, Clock: cfg.Clock}
	if main.At.Empty() {
		main.At = image.Rect(0, 0, w, h)
	}
	b.zones = append([]Side{main}, cfg.Sides...)
	if err := b.apart(); err != nil {
		return nil, err
	}
	if err := b.fits(0, cfg.Idle); err != nil {
		return nil, fmt.Errorf("idle pages: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	b.courier = newCourier(cfg.Output, cfg.Steady)
	b.done.Go(func() { b.courier.run(ctx) })
	b.done.Go(func() { b.run(ctx) })
	return b, nil
}

// Show replaces what is shown in a zone, which ends, by a job. Errors: ErrEmpty,
// ErrSize, also for a zone that the board does not have; ErrClosed.
func (b *Board) Show(j Job) error {
	if len(j.Pages) == 0 {
		return fmt.Errorf("job %s: %w", j.ID, ErrEmpty)
	}
	if j.Zone < 0 || j.Zone >= len(b.zones) {
		return fmt.Errorf("job %s: zone %d of %d: %w", j.ID, j.Zone, len(b.zones), ErrSize)
	}
	if err := b.fits(j.Zone, j.Pages); err != nil {
		return fmt.Errorf("job %s: %w", j.ID, err)
	}
	return b.give(order{job: &j})
}

// Stop ends the job with that id, if it is shown or waits for its time.
func (b *Board) Stop(id string) error { return b.give(order{stop: id}) }

// Refresh asks Config.Clock again for what stands in the main zone when nothing is on.
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

// apart refuses zones that overlap or reach over the board.
func (b *Board) apart() error {
	board := image.Rect(0, 0, b.size[0], b.size[1])
	for i, z := range b.zones {
		if z.At.Empty() || !z.At.In(board) {
			return fmt.Errorf("zone %v on %v: %w", z.At, board, ErrSize)
		}
		for _, other := range b.zones[:i] {
			if z.At.Overlaps(other.At) {
				return fmt.Errorf("zones %v and %v overlap: %w", other.At, z.At, ErrSize)
			}
		}
	}
	return nil
}

// fits refuses pages that are neither of a zone's size nor, in the main one, of the
// board's.
func (b *Board) fits(zone int, pages []page.Page) error {
	at := b.zones[zone].At
	for i, p := range pages {
		size := [2]int{p.Board.Width, p.Board.Height}
		if size != [2]int{at.Dx(), at.Dy()} && (zone != 0 || size != b.size) {
			return fmt.Errorf("page %d is %dx%d px, zone %d of the board %dx%d: %w", i, p.Board.Width, p.Board.Height, zone, at.Dx(), at.Dy(), ErrSize)
		}
		if i > 0 && p.Board != pages[0].Board {
			return fmt.Errorf("pages of different sizes: %w", ErrSize)
		}
	}
	return nil
}
