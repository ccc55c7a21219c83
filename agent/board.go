package agent

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/outputs"
	"github.com/loa-vn/loa/agent/kept"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// parts are the zones of the board that bulletins can be meant for.
func (a *Agent) parts(cfg config.Config) []playout.ScreenZone {
	var out []playout.ScreenZone
	for i, z := range cfg.Profile.Board.Zones {
		if z.Takes() {
			out = append(out, playout.ScreenZone{Name: z.Shows, Zone: i + 1, Size: page.Board{Width: z.Width, Height: z.Height, Row: z.Row}})
		}
	}
	return out
}

// open opens the board that a profile describes, and keeps it in a.board and a.screen.
func (a *Agent) open(cfg config.Config) (*playout.Screen, error) {
	b := cfg.Profile.Board
	out, err := outputs.Keep(outputs.Config{Line: b.Output, Width: b.Width, Height: b.Height, Dir: cfg.Data, Device: a.id.Device, Screen: a.opts.Screen})
	if err != nil {
		return nil, fmt.Errorf("board: %w", err)
	}
	main := b.Text()
	size := page.Board{Width: main.Width, Height: main.Height, Row: b.Row}
	var sides []display.Side
	idle := a.idle()
	standing := idle.Time
	for _, z := range b.Zones {
		side := display.Side{At: z.At()}
		size := page.Board{Width: z.Width, Height: z.Height, Row: z.Row}
		switch z.Shows {
		case "clock":
			side.Clock, standing = idle.Time(size), idle.Name // the time has its own place
		case "name", protocol.ZoneHeader:
			side.Clock = idle.Name(size)
		}
		sides = append(sides, side)
	}
	screen, err := playout.NewScreen(playout.ScreenConfig{
		Size: size, Whole: page.Board{Width: b.Width, Height: b.Height, Row: b.Row}, Zones: a.parts(cfg), Idle: standing(size),
		Memory:  kept.File{Path: filepath.Join(cfg.Data, "board.json")},
		Picture: func(d protocol.Digest) ([]byte, error) { return a.cache.Bytes(d, protocol.MaxPicture) },
		Open: func(clock func(time.Time) ([]page.Page, time.Time)) (*display.Board, error) {
			board, err := display.New(display.Config{
				Output: out, Clock: clock, Main: main.At(), Sides: sides, Steady: true, Log: a.log,
			})
			a.board = board
			return board, err
		},
	})
	if err != nil {
		return nil, fmt.Errorf("board: %w", err)
	}
	a.screen = screen
	return screen, nil
}

// idle makes what stands on the board when nothing is on.
func (a *Agent) idle() playout.Idle {
	return playout.Idle{
		Device: a.id.Device, Placement: a.inbox.Placement, Clock: a.clock, Zone: a.zone,
		Refused: func(err error) { a.log.Warn("no idle page", "error", err) },
	}
}

// zone is that of the plans held, or the system's.
func (a *Agent) zone() *time.Location {
	if z, err := time.LoadLocation(a.inbox.Zone()); err == nil && a.inbox.Zone() != "" {
		return z
	}
	return time.Local
}

// dimEvery is how often brightness is compared with the hour and the units' limits.
const dimEvery = 5 * time.Second

// dim keeps the board's brightness to the hour, under its units' limits, until ctx
// ends. With a time that cannot be trusted it is as bright as by day: too bright at
// night is better than unreadable by day.
func (a *Agent) dim(ctx context.Context) error {
	tick := time.NewTicker(dimEvery)
	defer tick.Stop()
	for {
		if percent := a.brightness(); int64(percent) != a.light.Load() {
			a.board.Brightness(percent)
			a.light.Store(int64(percent))
			a.state.Changed()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// brightness is what the board should have now, in per cent.
func (a *Agent) brightness() int {
	b := a.cfg.Load().Profile.Board.Brightness
	now, _, sure := a.clock.Now()
	if !sure {
		return b.Percent
	}
	hour := now.In(a.zone()).Hour()
	return min(b.At(hour), a.inbox.Limit(protocol.CapLight, hour))
}
