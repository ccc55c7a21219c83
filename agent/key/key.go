// Package key is the key at a board by which somebody there ends the emergency that
// stands on it: a button of the kernel's input devices, or one on a GPIO line. It says
// that the key was held for long enough, and when it can't be read; whoever is able to
// press it is believed, since a key hangs inside the board's case. It never knows what
// is on the board.
package key

import (
	"context"
	"io"
	"log/slog"
	"time"
)

// DefaultHold is how long a key has to be held: nobody ends an alarm by leaning
// against a case.
const DefaultHold = 3 * time.Second

// retryEvery is how often a key that cannot be read is tried again.
const retryEvery = time.Second

// Source is a key that can be read.
type Source interface {
	io.Closer
	// Next waits for the key to be pressed or let go. Close ends it with an error.
	Next() (pressed bool, err error)
}

// Button is a key that is watched.
type Button struct {
	// Open opens the key, again after every failure.
	Open func() (Source, error)
	Hold time.Duration // 0: DefaultHold
	// Fault says whether the key can be read.
	Fault func(on bool)
	Log   *slog.Logger
}

// Watch calls held each time that the key was held for long enough, once for each
// press, until ctx ends. A key that fails is let go.
func (b Button) Watch(ctx context.Context, held func()) error {
	if b.Hold == 0 {
		b.Hold = DefaultHold
	}
	failed := false
	for {
		source, err := b.Open()
		if err == nil {
			b.Fault(false)
			failed = false
			err = b.read(ctx, source, held)
		}
		if err != nil {
			if b.Fault(true); !failed {
				b.Log.WarnContext(ctx, "key not read", "error", err)
			}
			failed = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryEvery):
		}
	}
}

// read follows an open key until it fails or ctx ends.
func (b Button) read(ctx context.Context, source Source, held func()) error {
	type word struct {
		pressed bool
		err     error
	}
	words := make(chan word)
	over := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			pressed, err := source.Next()
			select {
			case words <- word{pressed, err}:
			case <-over:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	defer func() {
		close(over)
		_ = source.Close() // it was only read
		<-done
	}()
	var long <-chan time.Time // while the key is down, until it was held
	for {
		select {
		case <-ctx.Done():
			return nil
		case w := <-words:
			switch {
			case w.err != nil:
				return w.err
			case !w.pressed:
				long = nil
			case long == nil:
				long = time.After(b.Hold)
			}
		case <-long:
			long = make(chan time.Time) // nothing more until it is let go
			held()
		}
	}
}
