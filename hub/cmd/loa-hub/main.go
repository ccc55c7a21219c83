// Command loa-hub is Loa's hub: it makes a new one, serves it, and looks after
// people, units and devices. Exit statuses: 0 done, 1 failed, 2 refused, with one
// line on standard error that says what to do.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/studio/picture"
)

// Exit statuses.
const (
	exitDone    = 0
	exitFailed  = 1
	exitRefused = 2
)

// errRefused: the command line asks for something that can't be.
var errRefused = errors.New("refused")

// commands are all commands; each is in a file of its own.
type commands struct {
	Config string `help:"Settings file." default:"${config}" env:"LOA_CONFIG" type:"path"`

	Init   initCmd   `cmd:"" help:"Make a new hub: keys, database, first administrator."`
	User   userCmd   `cmd:"" help:"People."`
	Unit   unitCmd   `cmd:"" help:"Units of administration."`
	Device deviceCmd `cmd:"" help:"Devices and their claims."`
	Broker brokerCmd `cmd:"" help:"What an MQTT broker elsewhere needs of the hub."`
	Trust  trustCmd  `cmd:"" help:"Roots, registrars, deputies: each act one step."`
	Serve  serveCmd  `cmd:"" help:"Serve console, enrolment and devices until stopped."`

	Backup  backupCmd  `cmd:"" help:"Back everything up while the hub runs."`
	Restore restoreCmd `cmd:"" help:"Bring a backup back into an empty data folder."`

	Verify   verifyCmd   `cmd:"" help:"Recompute approvals, receipts and coverage from what was signed."`
	Export   exportCmd   `cmd:"" help:"Write what was signed and done on some days to a file for an outside auditor."`
	Schedule scheduleCmd `cmd:"" help:"What sounds when."`
	Studio   studioCmd   `cmd:"" help:"What a text becomes."`

	Version versionCmd `cmd:"" help:"Print the version."`
}

type versionCmd struct{}

// Run implements the command.
func (versionCmd) Run(s *session) error {
	s.printf("loa-hub %s\n", version)
	return nil
}

// session is what a command runs with.
type session struct {
	ctx    context.Context
	file   string // of settings
	env    []string
	in     io.Reader
	out    io.Writer
	errOut io.Writer
}

// pictureChild makes this program the process that decodes one picture.
const pictureChild = "picture"

func main() {
	if len(os.Args) == 2 && os.Args[1] == pictureChild {
		os.Exit(picture.Child(os.Stdin, os.Stdout))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it as it stands
	status := run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run runs one command line and returns its exit status.
func run(ctx context.Context, args, env []string, in io.Reader, out, errOut io.Writer) int {
	var c commands
	exited := -1
	p, err := kong.New(&c, kong.Name("loa-hub"), kong.Description("Loa's hub."), kong.UsageOnError(), kong.Writers(out, errOut),
		kong.Vars{"config": config.DefaultFile}, kong.Exit(func(status int) { exited = status }))
	if err != nil {
		fmt.Fprintln(errOut, "loa-hub:", err)
		return exitFailed
	}
	k, err := p.Parse(args)
	if exited >= 0 {
		return exited // --help
	}
	if err != nil {
		fmt.Fprintf(errOut, "loa-hub: %s (see %s --help)\n", oneLine(err), reached(err))
		return exitRefused
	}
	s := &session{ctx: ctx, file: c.Config, env: env, in: in, out: out, errOut: errOut}
	if err := k.Run(s); err != nil {
		fmt.Fprintln(errOut, "loa-hub:", oneLine(err))
		return status(err)
	}
	return exitDone
}

// reached names the command that a line with a mistake got to.
func reached(err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if node := parse.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return "loa-hub"
}

// status tells a refusal from a failure.
func status(err error) int {
	for _, kind := range []error{
		errRefused, config.ErrInvalid, problem.ErrInvalid, problem.ErrConflict, problem.ErrForbidden, problem.ErrNotFound,
		problem.ErrTooLarge, problem.ErrUnauthorized, problem.ErrBusy,
	} {
		if errors.Is(err, kind) {
			return exitRefused
		}
	}
	var p *problem.Problem
	if errors.As(err, &p) && p.Code == "not-initialised" {
		return exitRefused
	}
	return exitFailed
}

// oneLine is what a person sees: what to do, if somebody wrote it.
func oneLine(err error) string {
	var p *problem.Problem
	text := err.Error()
	if errors.As(err, &p) {
		text = p.Vi + " / " + p.En
	} else if errors.Is(err, problem.ErrNotFound) {
		text += " (check the id; loa-hub user list, unit list, device list show them)"
	} else if file := (*fs.PathError)(nil); errors.Is(err, fs.ErrNotExist) && errors.As(err, &file) {
		said := file.Op + " " + file.Path + ": " + file.Err.Error()
		text = strings.Replace(text, said, "there is no file or folder "+file.Path+"; check its name", 1)
	} else if errors.Is(err, fs.ErrPermission) {
		text += " (run it as the user of the hub's service)"
	}
	return strings.Join(strings.Fields(text), " ")
}

// load reads the settings.
func (s *session) load() (config.Config, error) {
	c, err := config.Load(s.file, s.env)
	if errors.Is(err, fs.ErrNotExist) {
		return config.Config{}, fmt.Errorf("%w: there is no settings file %s; name another with --config, or run loa-hub init", errRefused, s.file)
	}
	return c, err
}

// with opens the hub's data for a command.
func (s *session) with(fn func(*hub.Base) error) error {
	c, err := s.load()
	if err != nil {
		return err
	}
	level, err := c.Log.Slog()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(s.errOut, &slog.HandlerOptions{Level: max(level, slog.LevelError)}))
	s.ctx = audit.With(s.ctx, audit.Origin{Via: "command"})
	b, err := hub.OpenBase(s.ctx, c, hub.ConfiguredMQTTURL(c), log, hub.Passwords{})
	if err != nil {
		return err
	}
	return errors.Join(fn(b), b.Close())
}

func (s *session) printf(format string, args ...any) {
	fmt.Fprintf(s.out, format, args...)
}
