// Package mute is the switch by which a technician at the device silences it: a file
// whose being there says so, which lasts over restarts and power cuts. The running
// agent looks at it twice a second; it needs neither network nor hub.
package mute

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// look is how often the running agent looks.
const look = 500 * time.Millisecond

// Switch is the switch of the device that keeps its data in Dir.
type Switch struct{ Dir string }

func (s Switch) path() string { return filepath.Join(s.Dir, "muted") }

// On says whether the device is muted here. What cannot be read counts as not muted:
// silence must have been asked for.
func (s Switch) On() bool {
	_, err := os.Stat(s.path())
	return err == nil
}

// Set mutes the device, or lets it sound again. It is durable when Set returns.
func (s Switch) Set(on bool) error {
	if !on {
		if err := os.Remove(s.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("unmute: %w", err)
		}
		return s.sync()
	}
	f, err := os.OpenFile(s.path(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("mute: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("mute: %w", err)
	}
	return s.sync()
}

func (s Switch) sync() error {
	d, err := os.Open(s.Dir)
	if err != nil {
		return fmt.Errorf("mute: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// Watch calls changed with how the switch stands, and whenever that changes, until ctx
// ends.
func (s Switch) Watch(ctx context.Context, changed func(on bool)) error {
	was := s.On()
	changed(was)
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if on := s.On(); on != was {
			was = on
			changed(on)
		}
	}
}
