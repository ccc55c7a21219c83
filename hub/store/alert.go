package store

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/loa-vn/loa/hub/alert"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Alerts keeps what operators must look at.
type Alerts struct{ db *DB }

// NewAlerts returns the store of alerts.
func NewAlerts(db *DB) *Alerts { return &Alerts{db: db} }

const alertColumns = `id, kind, device, subject, reason, first, last, since, raised, closed, coalesce(seen_by, ''), seen`

func scanAlert(r row) (alert.Alert, error) {
	var a alert.Alert
	var since, raised int64
	var closed, seen sql.NullInt64
	err := r.Scan(&a.ID, &a.Kind, &a.Device, &a.Subject, &a.Reason, &a.First, &a.Last, &since, &raised, &closed, &a.SeenBy, &seen)
	a.Since, a.Raised, a.Closed, a.Seen = fromMs(since), fromMs(raised), fromOptMs(closed), fromOptMs(seen)
	return a, kind(err)
}

// Open implements alert.Store.
func (s *Alerts) Open(ctx context.Context) ([]alert.Alert, error) {
	return all(ctx, s.db.read, scanAlert, `SELECT `+alertColumns+` FROM alarm WHERE closed IS NULL ORDER BY id`)
}

// Raise implements alert.Store.
func (s *Alerts) Raise(ctx context.Context, a alert.Alert) (alert.Alert, error) {
	err := s.db.WithTx(ctx, func(tx *sql.Tx) error {
		var err error
		a, err = one(ctx, tx, scanAlert, `INSERT INTO alarm (kind, device, subject, reason, first, last, since, raised) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (kind, device, subject) WHERE closed IS NULL DO UPDATE SET reason = excluded.reason, first = excluded.first, last = excluded.last
			RETURNING `+alertColumns, a.Kind, a.Device, a.Subject, a.Reason, int64(a.First), int64(a.Last), ms(a.Since), ms(a.Raised))
		return err
	})
	return a, err
}

// Close implements alert.Store.
func (s *Alerts) Close(ctx context.Context, id int64, at time.Time) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE alarm SET closed = ? WHERE id = ? AND closed IS NULL`, ms(at), id)
		return err
	})
}

// Alerts implements alert.Store.
func (s *Alerts) Alerts(ctx context.Context, since time.Time) ([]alert.Alert, error) {
	from := int64(0)
	if !since.IsZero() {
		from = ms(since)
	}
	return all(ctx, s.db.read, scanAlert, `SELECT `+alertColumns+` FROM alarm WHERE closed IS NULL OR raised >= ? ORDER BY closed IS NOT NULL, raised DESC, id DESC LIMIT 5000`, from)
}

// See implements alert.Store.
func (s *Alerts) See(ctx context.Context, id int64, by protocol.PersonID, at time.Time) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE alarm SET seen_by = ?, seen = ? WHERE id = ?`, by, ms(at), id)
		if err := affected(res, err, problem.ErrNotFound); err != nil {
			return err
		}
		return record(ctx, tx, audit.Act{At: at, By: by, Name: "alert seen", Subject: strconv.FormatInt(id, 10)})
	})
}
