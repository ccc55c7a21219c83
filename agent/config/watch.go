package config

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long the files must be left alone before they are read again: an
// editor writes in several steps.
const settle = 500 * time.Millisecond

// Watcher reads the settings again whenever one of their files changes.
type Watcher struct {
	Path string
	Env  func(string) (string, bool)
	// Loaded gets settings that differ from those before and are good. With an error
	// those before stay in force.
	Loaded func(Config) error
	// Fault raises or clears the fault "config".
	Fault func(on bool)
	Log   *slog.Logger
}

// Run watches until ctx ends, beginning from the settings in force. It reads the
// files once at its start, so that nothing written before is missed. Errors: those
// of the file system's notifications.
func (w Watcher) Run(ctx context.Context, now Config) error {
	notes, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch settings: %w", err)
	}
	defer notes.Close()
	if err := follow(notes, now.Files); err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-notes.Events:
			if slices.ContainsFunc(now.Files, func(f string) bool { return concerns(e.Name, f) }) {
				timer.Reset(settle)
			}
		case err := <-notes.Errors:
			w.Log.Warn("settings are not watched closely", "error", err)
			timer.Reset(settle)
		case <-timer.C:
			now = w.load(now)
			if err := follow(notes, now.Files); err != nil {
				w.Log.Warn("settings are not watched", "error", err)
			}
		}
	}
}

// concerns says whether a change of name touches a file, also one that is swapped
// in through a symbolic link of its folder.
func concerns(name, file string) bool {
	return filepath.Dir(name) == filepath.Dir(file) &&
		(filepath.Base(name) == filepath.Base(file) || filepath.Base(name) == "..data")
}

// follow watches the folders, since editors replace files.
func follow(notes *fsnotify.Watcher, files []string) error {
	watched := notes.WatchList()
	for _, f := range files {
		if dir := filepath.Dir(f); !slices.Contains(watched, dir) {
			if err := notes.Add(dir); err != nil {
				return fmt.Errorf("watch %s: %w", dir, err)
			}
			watched = append(watched, dir)
		}
	}
	return nil
}

// load reads the files and returns the settings that are in force from now on.
func (w Watcher) load(now Config) Config {
	next, err := Load(w.Path, w.Env)
	if err == nil && !same(now, next) {
		err = w.Loaded(next)
	}
	if err != nil {
		w.Log.Error("settings not taken, those before stay in force", "error", err)
		w.Fault(true)
		return now
	}
	w.Fault(false)
	return next
}

func same(a, b Config) bool {
	one, errOne := a.Digest()
	two, errTwo := b.Digest()
	return errOne == nil && errTwo == nil && one == two
}
