package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

const loginColumns = `SELECT id, person, way, strong, began, expires, address, browser FROM login`

func scanSession(r row) (account.Session, error) {
	var s account.Session
	var began, expires int64
	err := r.Scan(&s.ID, &s.Person, &s.Way, &s.Strong, &began, &expires, &s.Address, &s.Browser)
	s.Began, s.Expires = fromMs(began), fromMs(expires)
	return s, err
}

// AddSession implements account.SessionStore.
func (a *Accounts) AddSession(ctx context.Context, s account.Session, hash string, act audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM login WHERE expires <= ?`, ms(s.Began)); err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, `INSERT INTO login (id, person, way, strong, began, expires, address, browser)
			SELECT ?, id, ?, ?, ?, ?, ?, ? FROM person WHERE id = ? AND password = ? AND disabled IS NULL`,
			s.ID, s.Way, s.Strong, ms(s.Began), ms(s.Expires), s.Address, s.Browser, s.Person, hash)
		if err := affected(r, err, problem.ErrConflict); err != nil {
			return err
		}
		return record(ctx, tx, act)
	})
}

// Session implements account.SessionStore.
func (a *Accounts) Session(ctx context.Context, id string, now time.Time) (account.Session, error) {
	return one(ctx, a.db.read, scanSession, loginColumns+` WHERE id = ? AND expires > ?`, id, ms(now))
}

// Sessions implements account.SessionStore.
func (a *Accounts) Sessions(ctx context.Context, person protocol.PersonID, now time.Time) ([]account.Session, error) {
	return all(ctx, a.db.read, scanSession, loginColumns+` WHERE person = ? AND expires > ? ORDER BY began DESC, id`, person, ms(now))
}

// EndSession implements account.SessionStore.
func (a *Accounts) EndSession(ctx context.Context, person protocol.PersonID, id string, act audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hit(tx.ExecContext(ctx, `DELETE FROM login WHERE id = ? AND person = ?`, id, person)); err != nil {
			return err
		}
		return record(ctx, tx, act)
	})
}

// EndSessions implements account.SessionStore.
func (a *Accounts) EndSessions(ctx context.Context, person protocol.PersonID, but string, act audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM login WHERE person = ? AND id <> ?`, person, but); err != nil {
			return err
		}
		return record(ctx, tx, act)
	})
}

// endLogins ends a person's log-ins in the transaction of what ends them.
func endLogins(ctx context.Context, tx *sql.Tx, person protocol.PersonID) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM login WHERE person = ?`, person); err != nil {
		return fmt.Errorf("end log-ins: %w", err)
	}
	return nil
}

func scanKnown(r row) (account.Known, error) {
	var k account.Known
	var issuer, subject sql.NullString
	err := r.Scan(&k.Person, &k.Name, &issuer, &subject)
	k.Issuer, k.Subject = issuer.String, subject.String
	return k, err
}

const identityColumns = `SELECT person, name, issuer, subject FROM person_identity`

// Identity implements account.IdentityStore.
func (a *Accounts) Identity(ctx context.Context, issuer, subject, name string) (account.Known, error) {
	return one(ctx, a.db.read, scanKnown, identityColumns+` WHERE issuer = ?1 AND subject = ?2 OR name = ?3 ORDER BY subject IS ?2 DESC LIMIT 1`, issuer, subject, name)
}

// IdentityOf implements account.IdentityStore.
func (a *Accounts) IdentityOf(ctx context.Context, person protocol.PersonID) (account.Known, error) {
	return one(ctx, a.db.read, scanKnown, identityColumns+` WHERE person = ?`, person)
}

// SetIdentity implements account.IdentityStore.
func (a *Accounts) SetIdentity(ctx context.Context, person protocol.PersonID, name string, act audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM person_identity WHERE person = ?`, person); err != nil {
			return err
		}
		if name != "" {
			if _, err := tx.ExecContext(ctx, `INSERT INTO person_identity (person, name) VALUES (?, ?)`, person, name); err != nil {
				return fmt.Errorf("set identity: %w", kind(err))
			}
		}
		return record(ctx, tx, act)
	})
}

// PinIdentity implements account.IdentityStore.
func (a *Accounts) PinIdentity(ctx context.Context, k account.Known, act audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE person_identity SET issuer = ?, subject = ? WHERE person = ? AND name = ? AND subject IS NULL`, k.Issuer, k.Subject, k.Person, k.Name)
		if err := affected(r, err, problem.ErrConflict); err != nil {
			return err
		}
		return record(ctx, tx, act)
	})
}

// Demands implements account.DemandStore.
func (a *Accounts) Demands(ctx context.Context) (map[protocol.UnitID][]account.Role, error) {
	rows, err := all(ctx, a.db.read, func(r row) (account.Grant, error) {
		var g account.Grant
		return g, r.Scan(&g.Unit, &g.Role)
	}, `SELECT unit, role FROM second_demand ORDER BY unit, role`)
	out := map[protocol.UnitID][]account.Role{}
	for _, g := range rows {
		out[g.Unit] = append(out[g.Unit], g.Role)
	}
	return out, err
}

// SetDemand implements account.DemandStore.
func (a *Accounts) SetDemand(ctx context.Context, unit protocol.UnitID, roles []account.Role, act audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM second_demand WHERE unit = ?`, unit); err != nil {
			return err
		}
		for _, r := range roles {
			if _, err := tx.ExecContext(ctx, `INSERT INTO second_demand (unit, role) VALUES (?, ?)`, unit, r); err != nil {
				return err
			}
		}
		return record(ctx, tx, act)
	})
}
