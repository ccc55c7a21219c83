package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Uploads keeps who uploaded which sound.
type Uploads struct{ db *DB }

// NewUploads returns the store of uploads.
func NewUploads(db *DB) *Uploads { return &Uploads{db: db} }

// AddUpload notes an upload; the same bytes again change nothing.
func (s *Uploads) AddUpload(ctx context.Context, digest protocol.Digest, size int64, name string, by protocol.PersonID, at time.Time) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO upload (digest, size, name, person, created) VALUES (?, ?, ?, ?, ?)`,
			digest[:], size, name, by, ms(at))
		return err
	})
}
