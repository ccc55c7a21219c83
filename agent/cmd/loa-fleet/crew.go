package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/loa-vn/loa/agent/fleet"
)

// work is what a process of a fleet is told on its first line of input.
type work struct {
	Seed    uint64         `json:"seed"`
	Weather fleet.Weather  `json:"weather"`
	Began   time.Time      `json:"began"`
	Devices []fleet.Device `json:"devices"`
	Journal string         `json:"journal"` // appended to
	Level   string         `json:"level"`
}

// told is what a process says after each order, and at its end.
type told struct {
	Faults   map[fleet.Kind]int `json:"faults"`
	Failures int                `json:"failures"`
	Memory   uint64             `json:"memory"`    // most at a time, bytes
	CPU      float64            `json:"processor"` // seconds
}

// crewCmd is one process of a fleet. Each further line of its input is an order:
// "half" cuts half the lines, "mend" mends them, "storm" breaks all connections,
// "state" only asks. The end of its input ends it.
type crewCmd struct{}

// Run implements the command.
func (crewCmd) Run(s *session) error {
	in := bufio.NewReader(s.in)
	first, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("%w: this is a part of loa-fleet run", errRefused)
	}
	var w work
	if err := json.Unmarshal(first, &w); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	journal, err := os.OpenFile(w.Journal, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer journal.Close()
	var level slog.Level
	if err := level.UnmarshalText([]byte(w.Level)); err != nil {
		return fmt.Errorf("%w: --log-level: %w", errRefused, err)
	}
	f := fleet.New(fleet.Config{
		Seed: w.Seed, Weather: w.Weather, Began: w.Began, Devices: w.Devices, Journal: fleet.NewJournal(journal),
		Software: "loa-fleet " + version, Log: slog.New(slog.NewTextHandler(s.errOut, &slog.HandlerOptions{Level: level})),
	})
	ctx, end := context.WithCancel(s.ctx)
	defer end()
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	err = obey(in, json.NewEncoder(s.out), f)
	end()
	return errors.Join(err, <-ended)
}

// obey follows orders until there are no more.
func obey(in *bufio.Reader, out *json.Encoder, f *fleet.Fleet) error {
	mend := func() {}
	for {
		order, err := in.ReadString('\n')
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		switch order {
		case "half\n":
			mend = f.CutLines(0.5)
		case "mend\n":
			mend()
		case "storm\n":
			f.Storm()
		case "state\n":
		default:
			return fmt.Errorf("order %q: %w", order, errRefused)
		}
		if err := out.Encode(state(f)); err != nil {
			return err
		}
	}
}

func state(f *fleet.Fleet) told {
	t := told{Faults: f.Faults(), Failures: f.Failures()}
	t.Memory, t.CPU = usage()
	return t
}
