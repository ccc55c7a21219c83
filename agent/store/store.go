package store

import (
	"io"
	"log/slog"

	"github.com/loa-vn/loa/protocol"
	bolt "go.etcd.io/bbolt"
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
	Keep int
}

// DefaultKeep is how many acknowledged entries a store keeps.
const DefaultKeep = 20_000

// Store is a device's memory. It is safe for concurrent use.
type Store struct {
	db  *bolt.DB
	cfg Config
}

// The exported surface, while it is being filled in:
//
//	func Open(Config) (*Store, error)
//	func (*Store) Close() error
//	func (*Store) Commit(Batch) error
//	func (*Store) Occurrences() ([]Occurrence, error)
//	func (*Store) Occurrence(m protocol.Medium, a protocol.AiringID, start protocol.Instant) ([]byte, error) // ErrNotFound
//	func (*Store) Journals() ([]Journal, error)
//	func (*Store) WholePlays(Play) (uint64, error)
//	func (*Store) Head() (ChainHead, error)
//	func (*Store) Airings() ([]HeldAiring, error)
//	func (*Store) Stops() ([]protocol.Stop, error)
//	func (*Store) Document(protocol.Digest) ([]byte, error) // bulletin or approval
