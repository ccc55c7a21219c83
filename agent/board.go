package agent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/outputs"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// screen opens the board that a profile describes, and keeps it in a.board.
func (a *Agent) screen(cfg config.Config) (*playout.Screen, error) {
	b := cfg.Profile.Board
	out, err := outputs.Open(outputs.Config{Line: b.Output, Width: b.Width, Height: b.Height, Dir: cfg.Data, Device: a.id.Device})
	if err != nil {
		return nil, fmt.Errorf("board: %w", err)
	}
	main := b.Text()
	size := page.Board{Width: main.Width, Height: main.Height, Row: b.Row}
	var sides []display.Side
	for _, z := range b.Zones {
		show := a.name
		if z.Shows == "clock" {
			show = a.time
		}
		sides = append(sides, display.Side{At: z.At(), Clock: a.standing(page.Board{Width: z.Width, Height: z.Height, Row: z.Row}, show)})
	}
	idle := a.time
	if len(sides) > 0 { // the time, if it is wanted, has its own place
		idle = a.name
	}
	screen, err := playout.NewScreen(playout.ScreenConfig{
		Size: size, Whole: page.Board{Width: b.Width, Height: b.Height, Row: b.Row}, Idle: a.standing(size, idle),
		Memory:  kept{filepath.Join(cfg.Data, "board.json")},
		Picture: func(d protocol.Digest) ([]byte, error) { return a.cache.Bytes(d, protocol.MaxPicture) },
		Open: func(clock func(time.Time) ([]page.Page, time.Time)) (*display.Board, error) {
			board, err := display.New(display.Config{
				Output: out, Clock: clock, Main: main.At(), Sides: sides, Sleep: display.Nap, Log: a.log,
			})
			a.board = board
			return board, err
		},
	})
	if err != nil {
		return nil, fmt.Errorf("board: %w", err)
	}
	return screen, nil
}

// standing is what a part of the board shows when nothing is on, asked for again
// at every full minute: show's page, or, of a device that never had a placement,
// by which code its people find it in the registry.
func (a *Agent) standing(size page.Board, show func(page.Board, time.Time) ([]page.Page, error)) func(time.Time) ([]page.Page, time.Time) {
	return func(now time.Time) ([]page.Page, time.Time) {
		next := now.Truncate(time.Minute).Add(time.Minute)
		var pages []page.Page
		var err error
		if a.inbox.Placement().Name == "" {
			pages, err = page.Unconfigured(size, "", string(a.id.Device))
		} else {
			pages, err = show(size, now)
		}
		if err != nil {
			a.log.Warn("no idle page", "err", err)
			return nil, next
		}
		return pages, next
	}
}

// name is the page with the name of the board's place.
func (a *Agent) name(size page.Board, _ time.Time) ([]page.Page, error) {
	return page.Standby(size, a.inbox.Placement().Name)
}

// time is the page of the clock; without a time that can be trusted the name's.
func (a *Agent) time(size page.Board, _ time.Time) ([]page.Page, error) {
	now, _, sure := a.clock.Now()
	if !sure {
		return a.name(size, now)
	}
	return page.Clock(size, a.inbox.Placement().Name, now.In(a.zone()))
}

// zone is that of the plans held, or the system's.
func (a *Agent) zone() *time.Location {
	if z, err := time.LoadLocation(a.inbox.Zone()); err == nil && a.inbox.Zone() != "" {
		return z
	}
	return time.Local
}

// dim keeps the board's brightness to the hour until ctx ends. With a time that
// cannot be trusted it is as bright as by day: too bright at night is better than
// unreadable by day.
func (a *Agent) dim(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	last := 0
	for {
		b := a.cfg.Load().Profile.Board
		percent := b.Brightness.Percent
		if now, _, sure := a.clock.Now(); sure {
			percent = b.Brightness.At(now.In(a.zone()).Hour())
		}
		if percent != last {
			a.board.Brightness(percent)
			last = percent
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// kept is a small file that is replaced as a whole.
type kept struct{ path string }

// Load implements playout.Memory.
func (k kept) Load() ([]byte, error) { return os.ReadFile(k.path) }

// Save implements playout.Memory.
func (k kept) Save(b []byte) error {
	if b == nil {
		return os.Remove(k.path)
	}
	next := k.path + ".new"
	if err := os.WriteFile(next, b, 0o600); err != nil {
		return err
	}
	return os.Rename(next, k.path)
}
