package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

type scheduleCmd struct {
	Expand   expandCmd   `cmd:"" help:"Print the starts of a rule, one a line."`
	Timeline timelineCmd `cmd:"" help:"Print what sounds and what becomes of every occurrence of a plan."`
}

type expandCmd struct {
	Zone   string   `help:"IANA zone of the local times." required:""`
	Start  string   `help:"DTSTART as local time, 2026-12-01T05:00:00." required:""`
	Rule   string   `help:"RRULE without its name."`
	Exdate []string `help:"EXDATE as local time; may be repeated." sep:"none"`
	Rdate  []string `help:"RDATE as local time; may be repeated." sep:"none"`
	Count  int      `help:"How many starts to print." required:""`
}

// Run implements the command.
func (e expandCmd) Run(s *session) error {
	lines, err := schedule.ExpandText(e.Zone, e.Start, e.Rule, e.Exdate, e.Rdate, e.Count)
	if err != nil {
		return scheduleRefused(err)
	}
	for _, l := range lines {
		s.printf("%s\n", l)
	}
	return nil
}

// scheduleRefused marks what the contract refuses.
func scheduleRefused(err error) error {
	if errors.Is(err, protocol.ErrInvalid) || errors.Is(err, protocol.ErrMalformed) {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return err
}

type timelineCmd struct {
	File string `arg:"" help:"JSON like testdata/schedule/timeline-01-words.json; - for standard input."`
}

// maxTimeline is the longest plan that is read, in bytes.
const maxTimeline = 64 << 20

// Run implements the command.
func (t timelineCmd) Run(s *session) error {
	in := s.in
	if t.File != "-" {
		f, err := os.Open(t.File)
		if err != nil {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxTimeline))
	if err != nil {
		return fmt.Errorf("read %s: %w", t.File, err)
	}
	lines, err := schedule.Timeline(b)
	if err != nil {
		return scheduleRefused(err)
	}
	for _, l := range lines {
		s.printf("%s\n", l)
	}
	return nil
}
