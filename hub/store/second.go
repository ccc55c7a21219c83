package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Second implements account.SecondStore.
func (a *Accounts) Second(ctx context.Context, id protocol.PersonID) (account.SecondFactor, error) {
	return one(ctx, a.db.read, func(r row) (account.SecondFactor, error) {
		var f account.SecondFactor
		var created int64
		var confirmed sql.NullInt64
		err := r.Scan(&f.Sealed, &created, &confirmed, &f.Step)
		f.Created, f.Confirmed = fromMs(created), fromOptMs(confirmed)
		return f, err
	}, `SELECT sealed, created, confirmed, step FROM second_factor WHERE person = ?`, id)
}

// BeginSecond implements account.SecondStore.
func (a *Accounts) BeginSecond(ctx context.Context, id protocol.PersonID, f account.SecondFactor) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `INSERT INTO second_factor (person, sealed, created) VALUES (?, ?, ?)
			ON CONFLICT (person) DO UPDATE SET sealed = excluded.sealed, created = excluded.created, step = 0 WHERE confirmed IS NULL`, id, f.Sealed, ms(f.Created))
		return affected(r, err, problem.ErrConflict)
	})
}

// ConfirmSecond implements account.SecondStore.
func (a *Accounts) ConfirmSecond(ctx context.Context, id protocol.PersonID, step int64, codes [][32]byte, act audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE second_factor SET confirmed = ?, step = ? WHERE person = ? AND confirmed IS NULL`, ms(act.At), step, id)
		if err := affected(r, err, problem.ErrConflict); err != nil {
			return err
		}
		if err := addRecovery(ctx, tx, id, codes); err != nil {
			return err
		}
		return record(ctx, tx, act)
	})
}

// UseStep implements account.SecondStore.
func (a *Accounts) UseStep(ctx context.Context, id protocol.PersonID, step int64) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE second_factor SET step = ? WHERE person = ? AND step < ?`, step, id, step)
		return affected(r, err, problem.ErrConflict)
	})
}

// UseRecovery implements account.SecondStore.
func (a *Accounts) UseRecovery(ctx context.Context, id protocol.PersonID, hash [32]byte, act audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hit(tx.ExecContext(ctx, `DELETE FROM recovery_code WHERE person = ? AND hash = ?`, id, hash[:])); err != nil {
			return err
		}
		return record(ctx, tx, act)
	})
}

// EndSecond implements account.SecondStore.
func (a *Accounts) EndSecond(ctx context.Context, id protocol.PersonID, act audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM recovery_code WHERE person = ?`, id); err != nil {
			return err
		}
		app := hit(tx.ExecContext(ctx, `DELETE FROM second_factor WHERE person = ?`, id))
		keys := hit(tx.ExecContext(ctx, `UPDATE passkey SET log_in = 0 WHERE person = ? AND log_in = 1`, id))
		for _, err := range []error{app, keys} {
			if err != nil && !errors.Is(err, problem.ErrNotFound) {
				return err
			}
		}
		if app != nil && keys != nil {
			return problem.ErrNotFound
		}
		return record(ctx, tx, act)
	})
}
