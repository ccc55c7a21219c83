package technician

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Clear is the word that ends the emergency on the board of the device that keeps its
// data in Dir: a file, which the running agent takes away when it has seen it.
type Clear struct{ Dir string }

func (c Clear) path() string { return filepath.Join(c.Dir, "clear") }

// Give tells the running agent. It does not wait for it.
func (c Clear) Give() error {
	if err := os.WriteFile(c.path(), nil, 0o600); err != nil {
		return fmt.Errorf("clear: %w", err)
	}
	return nil
}

// Withdraw takes a word back that nobody has taken.
func (c Clear) Withdraw() error {
	if err := os.Remove(c.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("clear: %w", err)
	}
	return nil
}

// Taken says whether the running agent has taken it.
func (c Clear) Taken() bool {
	_, err := os.Stat(c.path())
	return errors.Is(err, fs.ErrNotExist)
}

// Watch calls given whenever the word was given, until ctx ends. One from before that is
// of another emergency, and is thrown away.
func (c Clear) Watch(ctx context.Context, given func()) error {
	if err := c.Withdraw(); err != nil {
		return err
	}
	return watch(ctx, func() {
		if os.Remove(c.path()) == nil {
			given()
		}
	})
}
