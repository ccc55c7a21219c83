package cache

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
)

// ErrMissing: the content is not whole on this device.
var ErrMissing = errors.New("content missing")

// DefaultWindow is how many bytes are asked for at once, at most: what the hub's
// broker keeps for a device that is slow for a moment.
const DefaultWindow = 256 << 10

// DefaultLimit is how many bytes the content may take before what no plan needs
// is removed.
const DefaultLimit = 1 << 30

// State is where the cache remembers what is on the disk; *store.Store is one.
type State interface {
	Contents() ([]store.ContentState, error)
	PutContent(store.ContentState) error
	DropContent(protocol.Digest) error
}

// Network is how the cache asks. Only Run calls it; both calls return at once or
// soon.
type Network interface {
	// Bulk wishes for a connection that reads these filters; none closes it.
	// Cache.Ready says when they are read.
	Bulk(filters []string)
	// Want sends a request. An error means that it did not leave.
	Want(context.Context, protocol.Want) error
}

// Config is what a cache needs.
type Config struct {
	Dir     string
	State   State
	Network Network
	// Direct is preferred to Network while it works; nil for none.
	Direct Direct
	// Window is the most that is asked for at once, Limit of what is kept, in
	// bytes; 0 stands for the defaults.
	Window int
	Limit  int64
	// Changed hears that a content is whole, or was whole and is not any more. It
	// must not call the cache.
	Changed func(d protocol.Digest, there bool)
	// Fault raises or clears a fault of a heartbeat, here "storage".
	Fault func(name string, on bool)
	Log   *slog.Logger
}

// Cache is a device's content. It is safe for concurrent use.
type Cache struct {
	cfg        Config
	wake       chan struct{}
	wakeDirect chan struct{}

	// disk is held by whoever writes files and their state, or makes room, which takes long
	// on a slow card; starts and alerts must not wait for that, so mu never is. Whoever
	// needs both takes disk first. What is here of an entry changes under both and may be
	// read under either; its file is disk's alone, what was asked for is mu's.
	disk sync.Mutex

	mu      sync.Mutex
	entries map[protocol.Digest]*entry
	needs   []protocol.Content // most urgent first
	ready   map[protocol.Digest]bool
	filters []string
	pace    pace
	tries   int       // requests since something last arrived
	retryAt time.Time // when what was asked for counts as lost
	full    bool      // the disk refused; nothing is asked for until retryAt
	short   bool      // the disk refused since the last success: keep no spare content
	untidy  bool      // what may be removed is to be looked at

	failed    int       // attempts in a row that brought nothing by the direct way
	restUntil time.Time // before that, content comes over the bulk connection
}

// entry is one content under way or whole.
type entry struct {
	content protocol.Content
	list    []byte         // the checked chunk list, nil until it is whole
	parts   map[int][]byte // of the list
	have    []byte         // one bit a chunk
	asked   map[int]bool   // chunks
	listed  bool           // the list was asked for
	whole   bool
	refused bool // chunk list and digest contradict each other
	dirty   int  // chunks written since the state was saved
	file    *os.File
}

// New opens the cache's folder and takes up what the state says is on the disk.
func New(cfg Config) (*Cache, error) {
	if cfg.Window == 0 {
		cfg.Window = DefaultWindow
	}
	if cfg.Limit == 0 {
		cfg.Limit = DefaultLimit
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	states, err := cfg.State.Contents()
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	c := &Cache{
		cfg: cfg, wake: make(chan struct{}, 1), wakeDirect: make(chan struct{}, 1),
		pace: newPace(cfg.Window), entries: map[protocol.Digest]*entry{}, ready: map[protocol.Digest]bool{},
	}
	for _, s := range states {
		e := newEntry(s.Content)
		if info, err := os.Stat(c.path(s.Content.Digest)); err == nil && uint64(info.Size()) == s.Content.Size {
			e.whole = s.Whole
			if len(s.Have) == len(e.have) && protocol.DigestOf(s.List) == s.Content.Chunks {
				e.list, e.have = s.List, s.Have
			}
		}
		c.entries[s.Content.Digest] = e
	}
	return c, nil
}

func newEntry(content protocol.Content) *entry {
	e := &entry{
		content: content, parts: map[int][]byte{}, asked: map[int]bool{},
		have: make([]byte, (content.Count()+7)/8),
	}
	if content.Count() == 1 {
		// The list of a single chunk is the content's own digest.
		e.list = content.Digest[:]
	}
	return e
}

func (c *Cache) path(d protocol.Digest) string { return filepath.Join(c.cfg.Dir, d.String()) }

// Need says what is to be here, most urgent first; what is whole already counts
// as well, since only what is needed is safe from removal.
func (c *Cache) Need(contents []protocol.Content) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.needs = slices.Clone(contents)
	for _, content := range contents {
		e := c.entries[content.Digest]
		if e == nil || (e.refused && e.content != content) {
			c.entries[content.Digest] = newEntry(content)
		}
	}
	c.untidy = true
	c.kick()
}

// Has says whether a content is whole.
func (c *Cache) Has(d protocol.Digest) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[d]
	return e != nil && e.whole
}

// Missing returns how many of the needed contents are not whole.
func (c *Cache) Missing() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.missing())
}

// Needs returns how many bytes of storage the needed contents that are missing
// will still take; those that are under way have theirs already.
func (c *Cache) Needs() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum uint64
	for _, e := range c.missing() {
		if !slices.ContainsFunc(e.have, func(b byte) bool { return b != 0 }) {
			sum += e.content.Size
		}
	}
	return sum
}

// missing lists what is needed and may still come, most urgent first.
func (c *Cache) missing() []*entry {
	var list []*entry
	seen := map[protocol.Digest]bool{}
	for _, n := range c.needs {
		if e := c.entries[n.Digest]; !e.whole && !e.refused && !seen[n.Digest] {
			seen[n.Digest] = true
			list = append(list, e)
		}
	}
	return list
}

// Open returns a whole content's file, its digest checked just now. The caller
// closes it. Errors: ErrMissing; then it is fetched again if it is still needed.
func (c *Cache) Open(d protocol.Digest) (*os.File, error) {
	if !c.Has(d) {
		return nil, fmt.Errorf("content %s: %w", d, ErrMissing)
	}
	f, err := os.Open(c.path(d))
	if err == nil {
		err = checked(f, d)
	}
	if err == nil {
		return f, nil
	}
	if f != nil {
		err = errors.Join(err, f.Close())
	}
	c.cfg.Log.Warn("content damaged on the disk, fetched again", "digest", d.String(), "error", err)
	c.disk.Lock()
	c.mu.Lock()
	e := c.entries[d]
	c.mu.Unlock()
	if e != nil {
		c.reset(e)
	}
	c.disk.Unlock()
	c.kick()
	c.cfg.Changed(d, false)
	return nil, fmt.Errorf("content %s: %w", d, ErrMissing)
}

// checked compares a file with its digest and goes back to its beginning.
func checked(f *os.File, d protocol.Digest) error {
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if protocol.Digest(h.Sum(nil)) != d {
		return ErrMissing
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// Bytes returns a whole content of at most limit bytes. Errors: those of Open;
// protocol.ErrTooLarge.
func (c *Cache) Bytes(d protocol.Digest, limit int) ([]byte, error) {
	f, err := c.Open(d)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("content %s: %w", d, err)
	}
	if len(b) > limit {
		return nil, fmt.Errorf("content %s: %w", d, protocol.ErrTooLarge)
	}
	return b, nil
}

// reset begins a content anew. The caller holds disk.
func (c *Cache) reset(e *entry) {
	if e.file != nil {
		_ = e.file.Close() // what was written is given up anyway
	}
	c.mu.Lock()
	refused := e.refused
	*e = *newEntry(e.content)
	e.refused = refused
	c.mu.Unlock()
	if err := errors.Join(c.cfg.State.DropContent(e.content.Digest), remove(c.path(e.content.Digest))); err != nil {
		c.storage(err)
	}
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// storage reports that the disk failed. The caller holds disk.
func (c *Cache) storage(err error) {
	c.mu.Lock()
	known := c.full
	c.full, c.short, c.untidy = true, true, true
	c.mu.Unlock()
	if !known {
		c.cfg.Log.Error("content cannot be stored", "error", err, "full", errors.Is(err, syscall.ENOSPC))
	}
	c.cfg.Fault("storage", true)
}

func (c *Cache) kick() {
	for _, wake := range []chan struct{}{c.wake, c.wakeDirect} {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}
