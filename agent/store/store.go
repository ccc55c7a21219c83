package store

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/loa-vn/loa/protocol"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Config says where the store is and how a chain begins.
type Config struct {
	// Path is the file, usually /var/lib/loa-agent/agent.db.
	Path string
	// Marker is a file outside of the store that exists once a chain has begun;
	// a store without a chain beside an existing marker was lost.
	Marker string
	// Genesis is why a chain begins, if it is known; 0 leaves it to the marker.
	Genesis protocol.Genesis
	// Now is the instant written into a new chain's first entry.
	Now protocol.Instant
	// Entropy is where a new chain's id comes from.
	Entropy io.Reader
	Log     *slog.Logger
	// Keep is how many acknowledged entries are kept, for a hub that lost its
	// own; 0 stands for DefaultKeep.
	Keep uint64
	// Most is how many entries may wait for the hub; what comes then is counted, and
	// said in a loss record once there is room. 0 stands for DefaultMost.
	Most uint64
}

// DefaultKeep is how many acknowledged entries a store keeps; DefaultMost is how many
// may wait: a hundred a day for seven years, some 100 MB.
const (
	DefaultKeep = 20_000
	DefaultMost = 250_000
)

// lockWait is how long Open waits for another process to let the file go.
const lockWait = 2 * time.Second

// Store is a device's memory. It is safe for concurrent use.
type Store struct {
	db   *bolt.DB
	keep uint64
	most uint64
}

// Open opens the store, making it if there is none, and begins a chain if it has
// none. A file that is damaged is put aside as "{path}.damaged", and the chain
// begins anew with "storage lost"; one that was never finished, for its chain's marker
// is missing, held nothing and is made anew. Errors: ErrUsed; those of the file system.
func Open(cfg Config) (*Store, error) {
	keep, most := cfg.Keep, cfg.Most
	if keep == 0 {
		keep = DefaultKeep
	}
	if most == 0 {
		most = DefaultMost
	}
	if err := os.MkdirAll(filepath.Dir(cfg.Path), 0o700); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	db, err := open(cfg.Path)
	damaged := errors.Is(err, errDamaged)
	if damaged {
		if _, statErr := os.Stat(cfg.Marker); errors.Is(statErr, os.ErrNotExist) {
			damaged = false
			if err := os.Remove(cfg.Path); err != nil {
				return nil, fmt.Errorf("remove unfinished store: %w", err)
			}
			db, err = open(cfg.Path)
		}
	}
	if damaged {
		cfg.Log.Error("storage is damaged, put aside and begun anew", "path", cfg.Path, "error", err)
		if err := os.Rename(cfg.Path, cfg.Path+".damaged"); err != nil {
			return nil, fmt.Errorf("put damaged store aside: %w", err)
		}
		db, err = open(cfg.Path)
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{db: db, keep: keep, most: most}
	if err := s.begin(cfg, damaged); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// errDamaged: the file is no consistent store.
var errDamaged = errors.New("damaged")

func open(path string) (*bolt.DB, error) {
	db, err := openChecked(path)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrUsed
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return db, err
}

// openChecked opens the file and walks all its pages once. A page that points
// outside of a torn file faults; that ends here as an error, too.
func openChecked(path string) (db *bolt.DB, err error) {
	before := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(before)
	defer func() {
		if p := recover(); p != nil {
			if db != nil {
				err = errors.Join(fmt.Errorf("%w: %v", errDamaged, p), db.Close())
			} else {
				err = fmt.Errorf("%w: %v", errDamaged, p)
			}
			db = nil
		}
	}()
	if info, statErr := os.Stat(path); statErr == nil && info.Size() > 0 && info.Size() < 4*int64(os.Getpagesize()) {
		return nil, fmt.Errorf("%w: %d bytes", errDamaged, info.Size())
	}
	db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: lockWait, PreLoadFreelist: true})
	if err != nil {
		return nil, err
	}
	if err := check(db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// check walks the pages in this goroutine, so that a fault is caught by its caller.
func check(db *bolt.DB) error {
	return db.View(func(tx *bolt.Tx) error {
		size := tx.Size()
		info, err := os.Stat(db.Path())
		if err != nil {
			return err
		}
		if info.Size() < size {
			return fmt.Errorf("%w: %d bytes of %d", errDamaged, info.Size(), size)
		}
		return tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
			return b.ForEach(func(_, _ []byte) error { return nil })
		})
	})
}

// Close ends all transactions and lets the file go.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// Check reports the first inconsistency of the file's pages. It is for tests and
// for a technician; Open makes a shorter check of its own.
func (s *Store) Check() error {
	return s.db.View(func(tx *bolt.Tx) error {
		var first error
		for err := range tx.Check() {
			first = errors.Join(first, err)
		}
		return first
	})
}

// The buckets.
const (
	bucketMeta        = "meta"
	bucketLists       = "lists"       // slot -> signed document
	bucketPlans       = "plans"       // unit -> HeldPlan
	bucketFloors      = "floors"      // unit -> highest number taken
	bucketAirings     = "airings"     // airing, 0, unit -> HeldAiring
	bucketWithdrawals = "withdrawals" // airing, 0, unit -> HeldWithdrawal
	bucketStops       = "stops"       // id -> Stop
	bucketVerdicts    = "verdicts"    // digest -> Verdict
	bucketDocuments   = "documents"   // digest -> bytes
	bucketContent     = "content"     // digest -> ContentState
	bucketOccurrences = "occurrences" // medium, airing, 0, start -> bytes
	bucketJournal     = "journal"     // medium -> Journal
	bucketChain       = "chain"       // last seq -> encoded protocol.Entry
)

func buckets() []string {
	return []string{
		bucketMeta, bucketLists, bucketPlans, bucketFloors, bucketAirings, bucketWithdrawals, bucketStops,
		bucketVerdicts, bucketDocuments, bucketContent, bucketOccurrences, bucketJournal, bucketChain,
	}
}

// Keys of the meta bucket.
const (
	keyPlacement  = "placement"
	keyCommand    = "command"
	keyFloor      = "floor"
	keyMuted      = "muted"
	keyConnection = "connection"
	keyHead       = "head" // ChainHead
	keyLost       = "lost" // lost
)
