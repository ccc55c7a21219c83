package store

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/protocol"
)

// Uploads keeps who uploaded which sound.
type Uploads struct{ db *DB }

// NewUploads returns the store of uploads.
func NewUploads(db *DB) *Uploads { return &Uploads{db: db} }

// AddUpload notes an upload; the same bytes again change nothing.
func (s *Uploads) AddUpload(ctx context.Context, digest protocol.Digest, size int64, name string, by protocol.PersonID, at time.Time) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO upload (digest, size, name, person, created) VALUES (?, ?, ?, ?, ?)`,
			digest[:], size, name, by, ms(at)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO uploader (digest, person, name, at) VALUES (?, ?, ?, ?)`, digest[:], by, name, ms(at)); err != nil {
			return err
		}
		return record(ctx, tx, audit.Act{At: at, By: by, Name: "sound uploaded", Subject: digest.String(), After: map[string]string{"bytes": strconv.FormatInt(size, 10)}})
	})
}

// UploadedBy implements api.Uploads.
func (s *Uploads) UploadedBy(ctx context.Context, digest protocol.Digest, by protocol.PersonID) (bool, error) {
	return one(ctx, s.db.read, func(r row) (bool, error) {
		var n int
		err := r.Scan(&n)
		return n > 0, err
	}, `SELECT (SELECT count(*) FROM uploader WHERE digest = ?1 AND person = ?2) + (SELECT count(*) FROM upload WHERE digest = ?1 AND person = ?2)`, digest[:], by)
}
