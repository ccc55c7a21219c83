// Package inbox watches the drop folders: other programs put sound or text files
// there, one folder a unit, and each becomes a bulletin of that folder's author.
// It decides when a file is finished and where it goes afterwards: to done, or to
// rejected with the reason beside it. It never looks inside a file, never follows
// links, and never deletes anything.
package inbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Settled is how long a file must not have changed to be finished.
const Settled = 2 * time.Second

// lookEvery is how often unfinished files are looked at.
const lookEvery = 500 * time.Millisecond

// Taker makes a bulletin of a file and returns when it is ready, or with a
// problem that says why it can't be one.
type Taker interface {
	TakeFile(ctx context.Context, unit protocol.UnitID, author protocol.PersonID, path string) error
}

// Config says what is watched.
type Config struct {
	Drop     string // holds one folder for each unit
	Done     string
	Rejected string
	People   map[protocol.UnitID]protocol.PersonID
	Log      *slog.Logger
}

// file is what is known of a file that is not finished.
type file struct {
	size    int64
	changed time.Time // of its contents
	since   time.Time // when it was first seen like that
}

// Inbox watches. Use New and Run.
type Inbox struct {
	cfg   Config
	taker Taker
	seen  map[string]file
	busy  map[string]bool
	mu    sync.Mutex
}

// New makes the folders that are missing.
func New(cfg Config, taker Taker) (*Inbox, error) {
	dirs := []string{cfg.Done, cfg.Rejected}
	for unit := range cfg.People {
		if !protocol.ValidID(unit) {
			return nil, fmt.Errorf("drop folder of %q: %w", unit, problem.ErrInvalid)
		}
		dirs = append(dirs, filepath.Join(cfg.Drop, string(unit)))
	}
	for _, d := range dirs {
		if err := os.MkdirAll(d, 0o750); err != nil {
			return nil, fmt.Errorf("drop folder: %w", err)
		}
	}
	return &Inbox{cfg: cfg, taker: taker, seen: map[string]file{}, busy: map[string]bool{}}, nil
}

// Run watches until ctx ends; what is being taken then is taken again later.
func (in *Inbox) Run(ctx context.Context) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch drop folders: %w", err)
	}
	defer w.Close()
	for unit := range in.cfg.People {
		if err := w.Add(filepath.Join(in.cfg.Drop, string(unit))); err != nil {
			return fmt.Errorf("watch drop folder of %s: %w", unit, err)
		}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		in.look(ctx, &wg, time.Now())
		// With nothing unfinished there is nothing to look at until an event comes.
		if tick.Stop(); len(in.seen) > 0 {
			tick.Reset(lookEvery)
		}
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-w.Events:
			if !ok {
				return errors.New("watch drop folders: the watcher ended")
			}
		case err := <-w.Errors:
			// An overflow may have lost an event; looking again finds the file.
			in.cfg.Log.WarnContext(ctx, "drop folders", "error", err)
		case <-tick.C:
		}
	}
}

// look takes every finished file.
func (in *Inbox) look(ctx context.Context, wg *sync.WaitGroup, now time.Time) {
	there := map[string]bool{}
	for unit, author := range in.cfg.People {
		dir := filepath.Join(in.cfg.Drop, string(unit))
		entries, err := os.ReadDir(dir)
		if err != nil {
			in.cfg.Log.WarnContext(ctx, "drop folder unreadable", "unit", unit, "error", err)
			continue
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() || unfinished(e.Name()) {
				continue
			}
			there[path] = true
			if in.settled(path, info, now) {
				wg.Go(func() { in.take(ctx, unit, author, path) })
			}
		}
	}
	for path := range in.seen {
		if !there[path] {
			delete(in.seen, path)
		}
	}
}

// unfinished are names that programs use while they write.
func unfinished(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") ||
		slices.Contains([]string{".part", ".tmp", ".crdownload", ".partial"}, strings.ToLower(filepath.Ext(name)))
}

// settled says whether a file has not changed for long enough.
func (in *Inbox) settled(path string, info fs.FileInfo, now time.Time) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.busy[path] {
		return false
	}
	f, ok := in.seen[path]
	if !ok || f.size != info.Size() || !f.changed.Equal(info.ModTime()) {
		in.seen[path] = file{size: info.Size(), changed: info.ModTime(), since: now}
		return false
	}
	if now.Sub(f.since) < Settled {
		return false
	}
	in.busy[path] = true
	delete(in.seen, path)
	return true
}

// take makes a bulletin of a file and moves it away.
func (in *Inbox) take(ctx context.Context, unit protocol.UnitID, author protocol.PersonID, path string) {
	defer func() {
		in.mu.Lock()
		delete(in.busy, path)
		in.mu.Unlock()
	}()
	err := in.taker.TakeFile(ctx, unit, author, path)
	if ctx.Err() != nil {
		return // taken again after the restart
	}
	to := in.cfg.Done
	if err != nil {
		to = in.cfg.Rejected
		in.cfg.Log.WarnContext(ctx, "file rejected", "unit", unit, "file", filepath.Base(path), "error", err)
	}
	moved, moveErr := in.move(path, filepath.Join(to, string(unit)))
	if moveErr != nil {
		in.cfg.Log.ErrorContext(ctx, "file stays in its drop folder", "file", path, "error", moveErr)
		return
	}
	if err != nil {
		if werr := os.WriteFile(moved+".reason.txt", []byte(reason(err)), 0o640); werr != nil {
			in.cfg.Log.ErrorContext(ctx, "reason not written", "file", moved, "error", werr)
		}
	}
}

// reason is what to do, in both languages.
func reason(err error) string {
	var p *problem.Problem
	if errors.As(err, &p) {
		return p.Vi + "\n" + p.En + "\n"
	}
	return "Máy chủ gặp lỗi khi nhận tệp này. Hãy bỏ tệp vào lại sau.\nThe hub failed to take this file. Drop it again later.\n"
}

// move renames a file into a folder, under a name that is free there.
func (in *Inbox) move(path, dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("move: %w", err)
	}
	name := filepath.Base(path)
	ext := filepath.Ext(name)
	for n := 1; n < 10_000; n++ {
		to := filepath.Join(dir, name)
		if n > 1 {
			to = filepath.Join(dir, fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext))
		}
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(path, to); err != nil {
				return "", fmt.Errorf("move: %w", err)
			}
			return to, nil
		}
	}
	return "", fmt.Errorf("move %s: no free name", name)
}
