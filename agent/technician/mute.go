package technician

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/loa-vn/loa/agent/kept"
)

// Mute is the switch that mutes the device that keeps its data in Dir. It lasts over
// restarts and power cuts.
type Mute struct{ Dir string }

func (m Mute) path() string { return filepath.Join(m.Dir, "muted") }

// On says whether the device is muted here. What cannot be read counts as not muted:
// silence must have been asked for.
func (m Mute) On() bool {
	_, err := os.Stat(m.path())
	return err == nil
}

// Set mutes the device, or lets it sound again. It is durable when Set returns.
func (m Mute) Set(on bool) error {
	if !on {
		if err := os.Remove(m.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("unmute: %w", err)
		}
		return m.sync()
	}
	f, err := os.OpenFile(m.path(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("mute: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("mute: %w", err)
	}
	return m.sync()
}

func (m Mute) sync() error {
	if err := kept.SyncDir(m.Dir); err != nil {
		return fmt.Errorf("mute: %w", err)
	}
	return nil
}

// Watch calls changed with how the switch stands, and whenever that changes, until ctx
// ends.
func (m Mute) Watch(ctx context.Context, changed func(on bool)) error {
	was := m.On()
	changed(was)
	return watch(ctx, func() {
		if on := m.On(); on != was {
			was = on
			changed(on)
		}
	})
}
