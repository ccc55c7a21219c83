package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/loa-vn/loa/hub/problem"
)

// Sessions implements scs.CtxStore on the table of sessions. The tokens that it
// gets are hashes already.
type Sessions struct{ db *DB }

// Sessions returns the sessions' part of the database.
func (db *DB) Sessions() *Sessions { return &Sessions{db: db} }

// DeleteCtx forgets a session.
func (s *Sessions) DeleteCtx(ctx context.Context, token string) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM session WHERE token = ?`, token)
		return err
	})
}

// FindCtx returns a session's data unless it is over.
func (s *Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	b, err := one(ctx, s.db.read, scanBytes, `SELECT data FROM session WHERE token = ? AND expires > ?`, token, ms(time.Now()))
	if errors.Is(err, problem.ErrNotFound) {
		return nil, false, nil
	}
	return b, err == nil, err
}

// CommitCtx stores a session, and forgets those that are over.
func (s *Sessions) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM session WHERE expires <= ?`, ms(time.Now())); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO session (token, data, expires) VALUES (?, ?, ?)
			ON CONFLICT (token) DO UPDATE SET data = excluded.data, expires = excluded.expires`, token, b, ms(expiry))
		return err
	})
}

// Delete is DeleteCtx for callers without a context.
func (s *Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// Find is FindCtx for callers without a context.
func (s *Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx for callers without a context.
func (s *Sessions) Commit(token string, b []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, b, expiry)
}
