package display

import (
	"context"
	"errors"
	"image"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// Output is a board. One goroutine of Board calls Show, ReadBack and Brightness;
// the others may be called from any.
type Output interface {
	// Size returns the board's width and height in px; it never changes.
	Size() (width, height int)

	// Format names the form of the pixels for people: "png", "xrgb8888", "ddp rgb".
	Format() string

	// Show puts a frame of the board's size onto it and returns when the board, or
	// as much of the way to it as the output can see, has taken it. Only dirty
	// differs from the frame shown before; an output may send more. The frame is
	// valid until Show returns. When ctx ends, Show returns soon with its error.
	// After an error the next call gets everything as dirty.
	Show(ctx context.Context, f *page.Frame, dirty image.Rectangle) error

	// ReadBack returns the digest of what the board shows now, as page.Frame's
	// Digest, or false if the output has no way to know. It is asked after Show.
	ReadBack() (protocol.Digest, bool)

	// Health says what is known of the board at the moment.
	Health() Health

	// Brightness sets the brightness in per cent, 0 to 100, from the next frame
	// on. Outputs without brightness return ErrUnsupported.
	Brightness(percent int) error

	// Close ends the output; Show may be under way and then returns ErrClosed. What
	// the board shows afterwards is the output's matter. It is called once.
	Close() error
}

// Health is what an output knows of its board.
type Health struct {
	// Link is true if something at the other end is known to be there: a connector
	// with a screen, a controller that answers. Unknown is false.
	Link bool
	// Screen is true if a screen is known to hang on the very connector that the
	// frames go out by: what was read back then went out to it.
	Screen bool
	// Answered is when the other end last answered; zero if it never does.
	Answered time.Time
	// Fault is what is wrong, nil if nothing is known to be.
	Fault error
}

// Refusals and faults of boards.
var (
	// ErrSize: pages or frames of another size than the board's.
	ErrSize = errors.New("not the board's size")
	// ErrEmpty: a job without pages.
	ErrEmpty = errors.New("no pages")
	// ErrClosed: the board or output has been closed.
	ErrClosed = errors.New("board closed")
	// ErrUnsupported: the output cannot do that.
	ErrUnsupported = errors.New("not supported by this output")
	// ErrStalled: the output did not take a frame in time.
	ErrStalled = errors.New("board takes no frames")
	// ErrOther: what was read back is not what was sent.
	ErrOther = errors.New("board shows something else")
)
