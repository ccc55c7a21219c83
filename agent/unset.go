package agent

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/outputs"
	"github.com/loa-vn/loa/protocol/page"
)

// ShowUnset shows on the board that a profile describes that nobody has set this device
// up yet, and by which name of a computer it is found in the network, until ctx ends.
func ShowUnset(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	b := cfg.Profile.Board
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	pages, err := page.Unconfigured(page.Board{Width: b.Width, Height: b.Height, Row: b.Row}, "", host)
	if err != nil {
		return fmt.Errorf("board: %w", err)
	}
	out, err := outputs.Keep(outputs.Config{Line: b.Output, Width: b.Width, Height: b.Height, Dir: cfg.Data})
	if err != nil {
		return fmt.Errorf("board: %w", err)
	}
	board, err := display.New(display.Config{Output: out, Idle: pages, Log: log})
	if err != nil {
		return fmt.Errorf("board: %w", err)
	}
	board.Brightness(b.Brightness.At(time.Now().Hour()))
	go func() {
		for range board.Events() { // of faults, which are logged
		}
	}()
	<-ctx.Done()
	return board.Close()
}
