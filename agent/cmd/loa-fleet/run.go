package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/fleet"
	"github.com/loa-vn/loa/protocol"
	"golang.org/x/sync/errgroup"
)

type runCmd struct {
	Hub       string          `help:"Where devices enrol: https://hub:8443." required:"" env:"LOA_HUB"`
	API       string          `help:"Console and API: http://hub:8080." required:""`
	User      string          `help:"Who asks the hub, and adds devices: an administrator of the unit." required:""`
	Password  string          `name:"password-file" help:"File with that person's password." required:"" type:"existingfile"`
	Registrar string          `name:"registrar-password-file" help:"File with the registrar's password; not needed if all devices are enrolled." type:"existingfile"`
	Unit      protocol.UnitID `help:"Unit in which new devices stand." required:""`
	Devices   int             `help:"How many." default:"100"`
	Boards    int             `help:"Every how many-th has a board as well; 0 for none." default:"10"`
	Prefix    string          `help:"Of the devices' ids." default:"doi"`
	Dir       string          `help:"Folder of the devices' data; a fleet that is there already is used again." required:"" type:"path"`

	Seed      uint64        `help:"Chance for the weather; 0 takes a new one, which the report names."`
	Weather   string        `help:"Kinds of faults: all, none, or loss,delay,slow,cut,reboot,skew,disk." default:"none"`
	Every     time.Duration `help:"Mean time between two faults of one device." default:"2m"`
	For       time.Duration `help:"Mean time that one lasts." default:"20s"`
	HalfAt    time.Duration `help:"When half the lines are cut, from the start on; 0 for never."`
	HalfFor   time.Duration `help:"And for how long." default:"1m"`
	StormAt   time.Duration `help:"When all connections break at once; 0 for never."`
	PowerAt   time.Duration `help:"When all processes are killed and started again; 0 for never."`
	During    time.Duration `help:"How long they run in that weather." default:"10m"`
	Settle    time.Duration `help:"How long they then may take until every occurrence has its outcome." default:"10m"`
	Processes int           `help:"Into how many processes they are divided; 0 takes one for every 500."`
	Report    string        `help:"File for the report as JSON." type:"path"`
	LogLevel  string        `help:"What agents log into their process's file: debug, info, warn, error." default:"warn"`
}

// each is how many devices a process has, unless it is told otherwise.
const each = 500

// Run implements the command.
func (c *runCmd) Run(s *session) error {
	kinds, err := fleet.ParseKinds(c.Weather)
	if err != nil {
		return err
	}
	if c.Devices < 1 || c.Devices > 20_000 {
		return fmt.Errorf("%w: --devices is between 1 and 20000", errRefused)
	}
	if c.Seed == 0 {
		var b [8]byte
		_, _ = rand.Read(b[:])                            // never fails
		c.Seed = binary.LittleEndian.Uint64(b[:])>>16 + 1 // short enough to be typed
	}
	if slices.Contains(kinds, fleet.Disk) {
		if here, err := apart(s.ctx, s); err != nil || !here {
			return err
		}
	}
	password, err := secret(c.Password)
	if err != nil {
		return err
	}
	hub, err := fleet.LogIn(s.ctx, c.API, c.User, password)
	if err != nil {
		return err
	}
	devices, err := c.enrolled(s.ctx, s, hub)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "seed %d, %d devices in %s\n", c.Seed, len(devices), c.Dir)
	since := time.Now()
	weather := fleet.Weather{Kinds: kinds, Every: c.Every, For: c.For, Until: c.During}
	unmount, err := c.disks(devices, weather)
	defer unmount()
	if err != nil {
		return err
	}
	crews, err := c.start(s, devices, weather)
	if err != nil {
		return err
	}
	err = c.weather(s.ctx, crews)
	var r fleet.Report
	if err == nil {
		r, err = c.settle(s.ctx, hub, crews, devices, since)
	}
	if err := errors.Join(err, crews.end()); err != nil {
		return fmt.Errorf("seed %d: %w", c.Seed, err)
	}
	return c.report(s, r)
}

func (c *runCmd) report(s *session, r fleet.Report) error {
	if err := r.Text(s.out); err != nil {
		return err
	}
	if c.Report != "" {
		f, err := os.Create(c.Report)
		if err != nil {
			return fmt.Errorf("report: %w", err)
		}
		if err := errors.Join(r.JSON(f), f.Close()); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	if !r.Good() {
		return fmt.Errorf("seed %d: %w", c.Seed, errDiffer)
	}
	return nil
}

func secret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// enrolled returns the devices of the folder, and adds and enrols those that lack.
func (c *runCmd) enrolled(ctx context.Context, s *session, hub *fleet.Hub) ([]fleet.Device, error) {
	devices := make([]fleet.Device, c.Devices)
	place := fleet.Place{Unit: c.Unit, Sound: true}
	if c.Registrar != "" {
		var err error
		if place.Registrar, err = secret(c.Registrar); err != nil {
			return nil, err
		}
	}
	var told sync.Once
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range devices {
		d := fleet.Device{ID: protocol.DeviceID(fmt.Sprintf("%s-%05d", c.Prefix, i)), Sound: true}
		if d.Data = filepath.Join(c.Dir, string(d.ID)); c.Boards > 0 && i%c.Boards == 0 {
			d.Board = &protocol.Display{Width: 192, Height: 32, Row: 16}
		}
		devices[i] = d
		if _, err := os.Stat(filepath.Join(d.Data, "identity", "identity.json")); err == nil {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		g.Go(func() error {
			told.Do(func() { fmt.Fprintln(s.errOut, "loa-fleet: devices are enrolled, about ten a second") })
			p := place
			p.Board = d.Board
			claim, err := hub.Claim(ctx, d.ID, p)
			if err != nil {
				return err
			}
			return fleet.Enrol(ctx, c.Hub, claim, d.Data, i)
		})
	}
	return devices, g.Wait()
}

// disks gives each device whose disk will be full one of its own. What it returns
// brings back what the devices have then to where they had it.
func (c *runCmd) disks(devices []fleet.Device, w fleet.Weather) (unmount func(), err error) {
	var all []func()
	unmount = func() {
		for _, one := range all {
			one()
		}
	}
	for i, d := range devices {
		if !slices.ContainsFunc(w.Forecast(c.Seed, d.ID), func(f fleet.Fault) bool { return f.Kind == fleet.Disk }) {
			continue
		}
		own, off, err := fleet.OwnDisk(d)
		if err != nil {
			return unmount, err
		}
		devices[i] = own
		all = append(all, func() {
			// The next run goes on from what the device holds now. If that cannot be
			// kept it has lost its storage, and says so itself.
			_ = os.RemoveAll(d.Data)
			_ = os.CopyFS(d.Data, os.DirFS(own.Data))
			_ = off()
		})
	}
	return unmount, nil
}

// weather lets what comes over all at once come in its time, until it is over.
func (c *runCmd) weather(ctx context.Context, crews *crews) error {
	began := time.Now()
	events := map[string]time.Duration{}
	for what, at := range map[string]time.Duration{"half": c.HalfAt, "storm": c.StormAt, "power": c.PowerAt} {
		if at > 0 {
			events[what] = at
		}
	}
	if c.HalfAt > 0 {
		events["mend"] = c.HalfAt + c.HalfFor
	}
	for len(events) > 0 {
		next := ""
		for what, at := range events {
			if next == "" || at < events[next] {
				next = what
			}
		}
		if err := pause(ctx, time.Until(began.Add(events[next]))); err != nil {
			return err
		}
		delete(events, next)
		if err := crews.do(ctx, next); err != nil {
			return err
		}
	}
	return pause(ctx, time.Until(began.Add(c.During)))
}

// settle waits until every occurrence has its outcome, and compares.
func (c *runCmd) settle(ctx context.Context, hub *fleet.Hub, crews *crews, devices []fleet.Device, since time.Time) (fleet.Report, error) {
	mine := make(map[protocol.DeviceID]bool, len(devices))
	for _, d := range devices {
		mine[d.ID] = true
	}
	deadline := time.Now().Add(c.Settle)
	for {
		said, err := hub.Said(ctx, since, func(id protocol.DeviceID) bool { return mine[id] })
		if err != nil {
			return fleet.Report{}, err
		}
		r, err := crews.compare(said)
		if err != nil {
			return r, err
		}
		r.Seed, r.Devices = c.Seed, len(devices)
		if (r.Good() && r.Said["ahead"] == 0) || time.Now().After(deadline) {
			return r, nil
		}
		if err := pause(ctx, 2*time.Second); err != nil {
			return r, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(max(0, d))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
