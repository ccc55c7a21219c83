package speaker

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/loa-vn/loa/agent/player"
)

// The child is small: it holds a second of sound at most.
const (
	childGC     = 50
	childMemory = 12 << 20
)

// Child is the process that drives the card: it reads messages of the parent from stdin
// and plays, reporting on stdout, until stdin ends. args are those that the parent adds
// to Config.Child. It returns an exit status: 0 done, 1 the card failed, 2 refused.
//
// It sets the runtime's memory limits, and nothing else may run in its process.
func Child(stdin io.Reader, stdout io.Writer, args []string) int {
	debug.SetGCPercent(childGC)
	debug.SetMemoryLimit(childMemory)
	// One processor is enough for what the child does. With a second, idle one the runtime
	// leaves the first to the thread that waits in the card's driver for up to 10 ms, and
	// looks at it every 20 us meanwhile: that was most of what the child cost.
	runtime.GOMAXPROCS(1)
	hurry(os.Getpid())
	stay()
	say := &sender{w: writer{to: stdout}}

	flags := flag.NewFlagSet("speaker", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	channels := flags.Int("channels", 1, "")
	buffer := flags.Duration("buffer", DefaultBuffer, "")
	rate := flags.Int("rate", player.Rate, "")
	driver := flags.String("driver", DriverOto, "")
	if err := flags.Parse(args); err != nil {
		say.fault(err)
		return 2
	}
	c := Config{Channels: *channels, Buffer: *buffer, Rate: *rate, Driver: *driver}
	if err := c.complete(); err != nil {
		say.fault(err)
		return 2
	}
	e := newEngine(*channels, func(r report) {
		// A parent that is gone shows at stdin.
		_ = say.report(sayAt, r)
	})
	failed := make(chan error, 2)
	open := openOto
	if *driver == DriverALSA {
		open = openALSA
	}
	if err := open(e, card{*channels, *rate, *buffer}, failed); err != nil {
		say.fault(err)
		return 1
	}
	if err := say.report(sayReady, e.report()); err != nil {
		return 1
	}
	go func() { failed <- obey(e, *channels, stdin, say) }()
	if err := <-failed; err != nil {
		say.fault(err)
		return 1
	}
	return 0
}

// obey does what the parent says until it says no more, which is nil.
func obey(e *engine, channels int, stdin io.Reader, say *sender) error {
	in := reader{from: stdin}
	var pcm []int16
	for {
		kind, data, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch kind {
		case sayStart:
			at, err := parseInt(data)
			if err != nil {
				return err
			}
			e.start(at)
		case sayPCM:
			if pcm, err = parsePCM(pcm, data, channels); err != nil {
				return err
			}
			if err := e.feed.Put(pcm); err != nil {
				return err
			}
		case sayEnd:
			if err := e.feed.End(); err != nil {
				return err
			}
		case sayAim:
			at, err := parseInt(data)
			if err != nil {
				return err
			}
			e.feed.Aim(instant(at))
		case sayFlush:
			fade, err := parseInt(data)
			if err != nil {
				return err
			}
			e.feed.Flush(time.Duration(fade))
			if err := say.report(sayFlushed, e.report()); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: kind %q", errWire, kind)
		}
	}
}
