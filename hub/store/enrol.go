package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/enrol"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Enrolments implements enrol.Store. A claim stands with its device: its hash
// stays when it is used, its expiry does not.
type Enrolments struct{ db *DB }

// Enrolments returns the claims' part of the database.
func (db *DB) Enrolments() *Enrolments { return &Enrolments{db: db} }

// SetClaim gives a device a new claim. Errors: problem.ErrNotFound, enrol.ErrGone.
func (s *Enrolments) SetClaim(ctx context.Context, id protocol.DeviceID, hash [32]byte, expires time.Time, c audit.Act) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		err := hit(tx.ExecContext(ctx, `UPDATE device SET claim = ?, claim_expires = ? WHERE id = ? AND revoked IS NULL`, hash[:], ms(expires), id))
		if errors.Is(err, problem.ErrNotFound) {
			if _, err := one(ctx, tx, scanString, `SELECT id FROM device WHERE id = ?`, id); err != nil {
				return err
			}
			return enrol.ErrGone
		}
		if err != nil {
			return err
		}
		return record(ctx, tx, c)
	})
}

// Bind binds a device's key by its claim, in one transaction with the check.
// Errors: enrol.ErrSecret, or check's.
func (s *Enrolments) Bind(ctx context.Context, hash [32]byte, public []byte, at time.Time, check func(enrol.Pending) error) (protocol.DeviceID, error) {
	var id protocol.DeviceID
	err := s.db.WithTx(ctx, func(tx *sql.Tx) error {
		p, err := one(ctx, tx, func(r row) (enrol.Pending, error) {
			var p enrol.Pending
			var claim []byte
			var expires, enrolled, revoked sql.NullInt64
			if err := r.Scan(&p.Device, &claim, &expires, &enrolled, &p.Public, &revoked); err != nil {
				return enrol.Pending{}, err
			}
			p.Hash, p.Expires, p.Revoked = digest(claim), fromOptMs(expires), fromOptMs(revoked)
			if !expires.Valid {
				p.Used = fromOptMs(enrolled)
			}
			return p, nil
		}, `SELECT id, claim, claim_expires, enrolled, public, revoked FROM device WHERE claim = ?`, hash[:])
		if errors.Is(err, problem.ErrNotFound) {
			return enrol.ErrSecret
		}
		if err != nil {
			return err
		}
		if err := check(p); err != nil {
			return err
		}
		id = p.Device
		was := p.Public
		if !p.Used.IsZero() {
			return nil
		}
		if err := hit(tx.ExecContext(ctx, `UPDATE device SET public = ?, enrolled = ?, claim_expires = NULL WHERE id = ?`, public, ms(at), id)); err != nil {
			return fmt.Errorf("bind: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO device_key (device, public, bound) VALUES (?, ?, ?)`, id, public, ms(at)); err != nil {
			return fmt.Errorf("bind: %w", err)
		}
		unit, err := unitOf(ctx, tx, id)
		if err != nil {
			return err
		}
		return record(ctx, tx, audit.Act{At: at, Name: "device enrolled", Subject: string(id), Unit: unit, Before: keyField(was), After: keyField(public)})
	})
	return id, err
}

// keyField names a device's key in the record of acts.
func keyField(public []byte) map[string]string {
	if len(public) == 0 {
		return nil
	}
	return map[string]string{"key": fmt.Sprintf("%x", string(protocol.Key{Kind: protocol.KeyEd25519, Public: public}.ID()))}
}
