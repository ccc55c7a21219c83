package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/agent/fleet"
)

// crews are the processes of a fleet.
type crews struct {
	session *session
	all     []*crew
}

// crew is one process with its share of the devices.
type crew struct {
	work work
	log  string // file
	past told   // of lives that were killed
	last told   // of this life, as it was told last

	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
	err *os.File
}

// start divides the devices and starts the processes. What was begun is ended when
// it fails.
func (c *runCmd) start(s *session, devices []fleet.Device, w fleet.Weather) (_ *crews, err error) {
	n := c.Processes
	if n == 0 {
		n = (len(devices) + each - 1) / each
	}
	n = min(max(1, n), len(devices))
	all := &crews{session: s}
	defer func() {
		if err != nil {
			err = errors.Join(err, all.end())
		}
	}()
	began := time.Now()
	for i := range n {
		share := devices[i*len(devices)/n : (i+1)*len(devices)/n]
		one := &crew{
			work: work{Seed: c.Seed, Weather: w, Began: began, Devices: share, Level: c.LogLevel, Journal: filepath.Join(c.Dir, fmt.Sprintf("journal-%d.jsonl", i))},
			log:  filepath.Join(c.Dir, fmt.Sprintf("crew-%d.log", i)),
		}
		// The truth of this run alone.
		if err := os.Remove(one.work.Journal); err != nil && !errors.Is(err, os.ErrNotExist) {
			return all, err
		}
		if err := one.start(s.ctx); err != nil {
			return all, err
		}
		all.all = append(all.all, one)
	}
	return all, nil
}

// start begins a life of the process.
func (c *crew) start(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if c.err, err = os.OpenFile(c.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	c.cmd = exec.CommandContext(ctx, self, "crew")
	c.cmd.Stderr = c.err
	c.cmd.SysProcAttr = group()
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	c.out = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("start a process of the fleet: %w", err), c.err.Close())
	}
	return json.NewEncoder(c.in).Encode(c.work)
}

// order gives an order and takes what is told after it.
func (c *crew) order(what string) error {
	if _, err := io.WriteString(c.in, what+"\n"); err != nil {
		return fmt.Errorf("%s: %w (see %s)", what, err, c.log)
	}
	if !c.out.Scan() {
		return fmt.Errorf("a process of the fleet has ended: see %s", c.log)
	}
	c.last = told{}
	return json.Unmarshal(c.out.Bytes(), &c.last)
}

// kill ends the process as a power cut would, and starts it again.
func (c *crew) kill(ctx context.Context) error {
	if err := c.order("state"); err != nil {
		return err
	}
	c.past = plus(c.past, c.last)
	c.past.Faults[fleet.Reboot] += len(c.work.Devices)
	c.last = told{}
	if err := c.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = c.cmd.Wait() // "killed"
	if err := c.err.Close(); err != nil {
		return err
	}
	return c.start(ctx)
}

func (c *crew) end() error {
	if c.cmd == nil || c.cmd.Process == nil {
		return nil
	}
	err := c.in.Close() // it ends by that
	if wait := c.cmd.Wait(); wait != nil {
		err = errors.Join(err, fmt.Errorf("a process of the fleet: %w (see %s)", wait, c.log))
	}
	return errors.Join(err, c.err.Close())
}

// plus adds what two lives told.
func plus(a, b told) told {
	sum := told{Faults: map[fleet.Kind]int{}, Failures: a.Failures + b.Failures, Memory: a.Memory + b.Memory, CPU: a.CPU + b.CPU}
	for _, t := range []told{a, b} {
		for k, n := range t.Faults {
			sum.Faults[k] += n
		}
	}
	return sum
}

// do gives an order to all.
func (cs *crews) do(ctx context.Context, what string) error {
	for _, c := range cs.all {
		var err error
		if what == "power" {
			err = c.kill(ctx)
		} else {
			err = c.order(what)
		}
		if err != nil {
			return err
		}
	}
	fmt.Fprintf(cs.session.errOut, "loa-fleet: %s\n", what)
	return nil
}

// compare compares what the hub said with the journals as they stand.
func (cs *crews) compare(said []fleet.Said) (fleet.Report, error) {
	journal := fleet.NewJournal(nil)
	sum := told{}
	for _, c := range cs.all {
		if err := c.order("state"); err != nil {
			return fleet.Report{}, err
		}
		life := plus(c.past, c.last)
		life.Memory = max(c.past.Memory, c.last.Memory) // one after the other
		sum = plus(sum, life)
		f, err := os.Open(c.work.Journal)
		if err != nil {
			return fleet.Report{}, err
		}
		if err := errors.Join(journal.Read(f), f.Close()); err != nil {
			return fleet.Report{}, err
		}
	}
	truth, err := journal.Deeds()
	if err != nil {
		return fleet.Report{}, err
	}
	r := fleet.Compare(said, truth)
	r.Faults, r.Failures, r.Memory, r.CPU = sum.Faults, sum.Failures, sum.Memory, sum.CPU
	return r, nil
}

// end ends all processes.
func (cs *crews) end() error {
	var errs []error
	for _, c := range cs.all {
		errs = append(errs, c.end())
	}
	return errors.Join(errs...)
}
