package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/console"
)

// version is set when it is built.
var version = "dev" //nolint:gochecknoglobals // set by the linker

type serveCmd struct{}

// Run implements the command: it serves until it is asked to end.
func (serveCmd) Run(s *session) error {
	c, err := s.load()
	if err != nil {
		return err
	}
	level, err := c.Log.Slog()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(s.errOut, &slog.HandlerOptions{Level: level}))
	pages, built := console.Handler()
	if !built {
		log.WarnContext(s.ctx, "the console is not built: run `make console`, then build again")
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	debug.SetGCPercent(hub.GCPercent)
	h, err := hub.New(s.ctx, c, hub.Options{Version: version, Log: log, Console: pages, Pictures: []string{self, pictureChild}})
	if err != nil {
		return err
	}
	scheme := "http"
	if c.Console.TLS.Mode != "off" {
		scheme = "https"
	}
	s.printf("console %s://%s\nenrolment https://%s\nmqtt %s\n", scheme, h.WebAddr(), h.EnrolAddr(), h.MQTTAddr())
	log.InfoContext(s.ctx, "serving", "console", h.WebAddr().String(), "enrolment", h.EnrolAddr().String(), "mqtt", h.MQTTAddr().String())
	go giveBack(s.ctx)
	err = errors.Join(h.Run(s.ctx), h.Close())
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// A log-in or a signature needs 64 MB for a moment (argon2id). What the heap has
// grown by more than slack is collected and given back to the system, so that a
// small hub stays small; a large one is not collected more often for that.
const (
	slack     = 24 << 20
	lookEvery = 3 * time.Second
)

func giveBack(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	held := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapSys - m.HeapReleased
	}
	base := uint64(0)
	for {
		if now := held(); now > base+slack {
			debug.FreeOSMemory()
			base = held()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
