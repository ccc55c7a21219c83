// Command demo shows the whole path of Loa on one machine: a hub and five devices
// of a made-up commune, bulletins that come in by four ways, are approved, played
// and confirmed, with a network that fails and a device that loses its power.
//
// It keeps a list of its own of what has to happen, and compares it with receipts,
// recordings and pictures. It drives only programs, commands and the HTTP API, as
// people would: it imports no package of Loa's and reads none of its databases.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// Exit statuses.
const (
	exitDone    = 0
	exitFailed  = 1
	exitRefused = 2
)

// limit is how long the run may take from the hub's listening on, with --once.
const limit = 3 * time.Minute

// errChecks: something did not happen as the driver's own list says.
var errChecks = errors.New("checks failed")

// options are the command line's.
type options struct {
	bin, data, samples string
	once               bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run runs one command line and returns its exit status.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	var o options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.StringVar(&o.bin, "bin", "bin", "folder of loa-hub and loa-agent")
	flags.StringVar(&o.data, "data", "demo-data", "folder for the run's own folder")
	flags.StringVar(&o.samples, "samples", filepath.Join("testdata", "bulletins"), "folder of sample bulletins")
	flags.BoolVar(&o.once, "once", false, "check, and end by itself")
	if err := flags.Parse(args); err != nil {
		return exitRefused
	}
	if flags.NArg() > 0 {
		fmt.Fprintln(errOut, "demo: give flags only; see --help")
		return exitRefused
	}
	d, err := newDemo(o, newScreen(out))
	if err != nil {
		fmt.Fprintln(errOut, "demo:", err)
		return exitRefused
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go whenOrphaned(ctx, cancel)
	t, err := d.show(ctx)
	if err == nil && !o.once {
		d.stay(ctx)
	}
	d.end()
	if err != nil {
		fmt.Fprintf(errOut, "demo: %v\n", err)
		fmt.Fprintf(errOut, "demo: nhật ký / logs: %s\n", d.logs())
	}
	if t != (tally{}) {
		fmt.Fprintln(out, t)
	}
	if err != nil {
		return exitFailed
	}
	return exitDone
}

// whenOrphaned ends the run when whoever started it is gone, so that nothing stays
// behind.
func whenOrphaned(ctx context.Context, cancel context.CancelFunc) {
	parent := os.Getppid()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if os.Getppid() != parent {
				cancel()
				return
			}
		}
	}
}

// tally is the run in one line.
type tally struct {
	Devices, Expected, Played, Unknown int
}

// String is the run's last line.
func (t tally) String() string {
	return fmt.Sprintf("demo: %d devices, %d expected, %d played, %d unknown", t.Devices, t.Expected, t.Played, t.Unknown)
}
