// Command loa-agent is Loa on a device: it enrols with a claim, runs, and says
// what is wrong with it. Exit statuses: 0 done, 1 failed, 2 refused, with one
// line on standard error that says what to do.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // zones do not depend on the machine

	"github.com/alecthomas/kong"
	"github.com/loa-vn/loa/agent"
	"github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/agent/identity"
	"github.com/loa-vn/loa/agent/player/cardtest"
	"github.com/loa-vn/loa/agent/player/speaker"
	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/agent/technician"
	"github.com/loa-vn/loa/protocol"
)

// Exit statuses.
const (
	exitDone    = 0
	exitFailed  = 1
	exitRefused = 2
)

// memoryLimit keeps the agent small on a board with little memory: the collector
// works harder before the limit instead of letting the heap double.
const memoryLimit = 24 << 20

// version is set when it is built.
var version = "dev" //nolint:gochecknoglobals // set by the linker

type commands struct {
	Config string `help:"Settings file." default:"${config}" env:"LOA_CONFIG" type:"path"`

	Enrol  enrolCmd  `cmd:"" help:"Make this device known to a hub with a claim."`
	Run    runCmd    `cmd:"" help:"Play, show and report until stopped."`
	Doctor doctorCmd `cmd:"" help:"Look at sound, clock, storage and hub, and say what to do."`

	Mute   muteCmd   `cmd:"" help:"Silence this device until loa-agent unmute, also over restarts."`
	Unmute unmuteCmd `cmd:"" help:"Let this device sound again."`
	Clear  clearCmd  `cmd:"" help:"End the emergency that stands on this device's board."`

	Version versionCmd `cmd:"" help:"Print the version."`
}

// session is what a command runs with.
type session struct {
	ctx         context.Context
	file        string
	out, errOut io.Writer
}

func main() {
	// The children come first: nothing else may run in their processes.
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "speaker":
			os.Exit(speaker.Child(os.Stdin, os.Stdout, os.Args[2:]))
		case "cardtest":
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			status := cardtest.Main(ctx, os.Args[2:], os.Stdout, os.Stderr)
			stop()
			os.Exit(status)
		}
	}
	debug.SetMemoryLimit(memoryLimit)
	debug.SetGCPercent(50)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it as it stands
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run runs one command line and returns its exit status.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	var c commands
	exited := -1
	p, err := kong.New(&c, kong.Name("loa-agent"), kong.Description("Loa on a device."), kong.Writers(out, errOut),
		kong.Vars{"config": config.DefaultPath}, kong.Exit(func(status int) { exited = status }))
	if err != nil {
		fmt.Fprintln(errOut, "loa-agent:", err)
		return exitFailed
	}
	k, err := p.Parse(args)
	if exited >= 0 {
		return exited // --help
	}
	if err != nil {
		fmt.Fprintf(errOut, "loa-agent: %v (see %s --help)\n", err, reached(err))
		return exitRefused
	}
	if err := k.Run(&session{ctx: ctx, file: c.Config, out: out, errOut: errOut}); err != nil {
		text, status := advice(err)
		fmt.Fprintln(errOut, "loa-agent:", strings.Join(strings.Fields(text), " "))
		return status
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
	return "loa-agent"
}

// advice says what to do about an error, and with which status to end.
func advice(err error) (string, int) {
	for _, a := range []struct {
		kind error
		do   string
	}{
		{protocol.ErrClaim, "this is not a claim: copy the whole text that begins with loa1. from the hub"},
		{identity.ErrEnrolled, "this device is enrolled already; to enrol it anew, remove its data folder's identity"},
		{identity.ErrNotEnrolled, "this device is not enrolled: run loa-agent enrol --hub URL --claim CODE"},
		{store.ErrUsed, "another loa-agent runs with this data folder: stop it first"},
	} {
		if errors.Is(err, a.kind) {
			return a.do + " (" + err.Error() + ")", exitRefused
		}
	}
	if errors.Is(err, config.ErrSettings) || errors.Is(err, protocol.ErrInvalid) {
		return err.Error(), exitRefused
	}
	return err.Error(), exitFailed
}

func (s *session) load() (config.Config, error) { return config.Load(s.file, os.LookupEnv) }

func (s *session) log(c config.Config) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Log.JSON {
		return slog.New(slog.NewJSONHandler(s.errOut, o))
	}
	return slog.New(slog.NewTextHandler(s.errOut, o))
}

type (
	muteCmd   struct{}
	unmuteCmd struct{}
)

// Run implements the command.
func (muteCmd) Run(s *session) error {
	return s.mute(true, "muted; the hub is told; next: loa-agent unmute")
}

// Run implements the command.
func (unmuteCmd) Run(s *session) error { return s.mute(false, "not muted here any more") }

// mute turns the switch that the running agent looks at.
func (s *session) mute(on bool, said string) error {
	c, err := s.load()
	if err != nil {
		return err
	}
	if err := (technician.Mute{Dir: c.Data}).Set(on); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, said)
	return err
}

type clearCmd struct{}

// patience is how long a command waits for the running agent.
const patience = 5 * time.Second

// Run implements the command.
func (clearCmd) Run(s *session) error {
	c, err := s.load()
	if err != nil {
		return err
	}
	command := technician.Clear{Dir: c.Data}
	if err := command.Give(); err != nil {
		return err
	}
	for over := time.After(patience); !command.Taken(); {
		select {
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-over:
			return errors.Join(errors.New("no loa-agent with a board runs here: start it with loa-agent run, or look at its log"), command.Withdraw())
		case <-time.After(patience / 50):
		}
	}
	_, err = fmt.Fprintln(s.out, "ended, if an emergency stood on the board; the hub is told")
	return err
}

type versionCmd struct{}

// Run implements the command.
func (versionCmd) Run(s *session) error {
	_, err := fmt.Fprintln(s.out, "loa-agent", version)
	return err
}

type enrolCmd struct {
	Hub   string `help:"Enrolment address of the hub: https://hub:8443" env:"LOA_HUB"`
	Claim string `help:"Claim as the hub printed it: loa1..." env:"LOA_CLAIM"`
	File  string `help:"Instead, without a network: file of loa-hub device stick, or of its answer; or the folder that holds one." type:"path"`
	USB   bool   `name:"usb" help:"Like --file, on whatever is plugged in."`
}

// Run implements the command.
func (e enrolCmd) Run(s *session) error {
	byFile := e.USB || e.File != ""
	if !byFile && (e.Hub == "" || e.Claim == "") {
		return fmt.Errorf("%w: give --hub and --claim as loa-hub device add printed them, or --file", protocol.ErrInvalid)
	}
	c, err := s.load()
	if err != nil {
		return err
	}
	dir := filepath.Join(c.Data, "identity")
	if byFile {
		return e.byFile(s, dir)
	}
	id, err := identity.Enrol(s.ctx, e.Hub, e.Claim, dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "enrolled as %s; next: loa-agent run\n", id.Device)
	return err
}

// byFile takes what a technician brought.
func (e enrolCmd) byFile(s *session, dir string) error {
	find := func() (string, error) { return identity.FindStick(e.File) }
	if e.USB {
		find = func() (string, error) { return identity.FindMedia("/") }
	}
	file, err := find()
	if err != nil {
		return err
	}
	stick, err := identity.ReadStick(file)
	if err != nil {
		return err
	}
	switch {
	case stick.Installation != nil:
		request, place, err := identity.Begin(*stick.Installation, dir)
		if err != nil {
			return err
		}
		back, err := identity.WriteRequest(file, place.Device, request)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "installed as %s (%s) in %s; it joins the hub when it reaches it, or with the answer to %s; next: loa-agent run\n",
			place.Device, stick.Installation.Name, place.Path[len(place.Path)-1], back)
		return err
	case stick.Answer != nil:
		id, err := identity.Finish(*stick.Answer, dir)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "enrolled as %s; next: loa-agent run\n", id.Device)
		return err
	}
	return fmt.Errorf("%s is a device's own request: take it to loa-hub device answer: %w", file, protocol.ErrInvalid)
}

// lookAgain is how often a board that nobody has set up looks for an identity.
const lookAgain = 2 * time.Second

// await waits for the device's identity. A board says meanwhile that nobody has set it
// up, and waits for that too; a device without one ends with what to do.
func (s *session) await(c config.Config, log *slog.Logger) error {
	dir := filepath.Join(c.Data, "identity")
	if _, err := identity.Load(dir); !errors.Is(err, identity.ErrNotEnrolled) || c.Profile.Board == nil {
		return identity.Await(s.ctx, dir, log)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	shown := make(chan error, 1)
	go func() { shown <- agent.ShowUnset(ctx, c, log) }()
	err := identity.Await(ctx, dir, log)
	if errors.Is(err, identity.ErrNotEnrolled) {
		log.WarnContext(ctx, "waiting to be enrolled", "next", err.Error())
	}
	for errors.Is(err, identity.ErrNotEnrolled) {
		select {
		case <-ctx.Done():
			err = nil
		case failed := <-shown: // the line in its profile is wrong
			cancel()
			return errors.Join(err, failed)
		case <-time.After(lookAgain):
			err = identity.Await(ctx, dir, log)
		}
	}
	cancel()
	return errors.Join(err, <-shown)
}

type runCmd struct{}

// Run implements the command.
func (runCmd) Run(s *session) error {
	c, err := s.load()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	log := s.log(c)
	if err := s.await(c, log); err != nil && s.ctx.Err() == nil {
		return err
	}
	select {
	case <-s.ctx.Done(): // it was told to end while it waited
		return nil
	default:
	}
	a, err := agent.New(c, agent.Options{Software: "loa-agent " + version, Log: log, Speaker: []string{self, "speaker"}, File: s.file})
	if err != nil {
		return err
	}
	log.InfoContext(s.ctx, "running", "device", a.Device())
	return errors.Join(a.Run(s.ctx), a.Close())
}
