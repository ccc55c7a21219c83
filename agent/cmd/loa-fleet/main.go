// Command loa-fleet runs many pretended devices against a hub, in bad weather if
// wanted, for practice and for load tests: real agents, whose loudspeakers and
// boards are pretended. At its end it compares what the hub says with what they did.
// Exit statuses: 0 they agree, 1 failed or they differ, 2 refused, with one line on
// standard error that says what to do.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // zones do not depend on the machine

	"github.com/alecthomas/kong"
	"github.com/loa-vn/loa/agent/fleet"
)

// Exit statuses.
const (
	exitDone    = 0
	exitFailed  = 1
	exitRefused = 2
)

// version is set when it is built.
var version = "dev" //nolint:gochecknoglobals // set by the linker

var (
	// errDiffer: the report is written; the hub's word and the truth differ.
	errDiffer = errors.New("the hub says other than what the devices did: see the report, and run again with its seed")
	// errRefused is wrapped by what is wrong with the command line.
	errRefused = errors.New("refused")
)

type commands struct {
	Run     runCmd     `cmd:"" help:"Enrol a fleet where it is not enrolled yet, run it, and report."`
	Crew    crewCmd    `cmd:"" hidden:"" help:"One process of a fleet; its work is told on standard input."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// statusError is how a run of this command elsewhere ended, which has said why.
type statusError int

// Error implements error.
func (e statusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// session is what a command runs with.
type session struct {
	ctx         context.Context
	in          io.Reader
	out, errOut io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it as it stands
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run runs one command line and returns its exit status.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	var c commands
	exited := -1
	p, err := kong.New(&c, kong.Name("loa-fleet"), kong.Description("Many pretended devices of Loa."), kong.Writers(out, errOut), kong.Exit(func(status int) { exited = status }))
	if err != nil {
		fmt.Fprintln(errOut, "loa-fleet:", err)
		return exitFailed
	}
	k, err := p.Parse(args)
	if exited >= 0 {
		return exited // --help
	}
	if err != nil {
		fmt.Fprintln(errOut, "loa-fleet:", err, "(see loa-fleet --help)")
		return exitRefused
	}
	if err := k.Run(&session{ctx: ctx, in: in, out: out, errOut: errOut}); err != nil {
		if status, ok := errors.AsType[statusError](err); ok {
			return int(status)
		}
		fmt.Fprintln(errOut, "loa-fleet:", strings.Join(strings.Fields(err.Error()), " "))
		if errors.Is(err, errRefused) || errors.Is(err, fleet.ErrKind) {
			return exitRefused
		}
		return exitFailed
	}
	return exitDone
}

type versionCmd struct{}

// Run implements the command.
func (versionCmd) Run(s *session) error {
	_, err := fmt.Fprintln(s.out, "loa-fleet", version)
	return err
}
