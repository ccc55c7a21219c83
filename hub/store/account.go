package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Accounts implements account.Store.
type Accounts struct{ db *DB }

// Accounts returns the people's part of the database.
func (db *DB) Accounts() *Accounts { return &Accounts{db: db} }

const personColumns = `SELECT p.id, p.name, p.created, p.disabled, p.must_change, k.kind, k.public FROM person p LEFT JOIN person_key k ON k.person = p.id`

func scanPerson(r row) (account.Person, error) {
	var p account.Person
	var created int64
	var disabled, kind sql.NullInt64
	var public []byte
	if err := r.Scan(&p.ID, &p.Name, &created, &disabled, &p.MustChange, &kind, &public); err != nil {
		return account.Person{}, err
	}
	p.Created, p.Disabled = fromMs(created), fromOptMs(disabled)
	if kind.Valid {
		p.Key = &protocol.Key{Kind: protocol.KeyKind(kind.Int64), Public: public}
	}
	return p, nil
}

type grantRow struct {
	person protocol.PersonID
	account.Grant
}

func scanGrant(r row) (grantRow, error) {
	var g grantRow
	err := r.Scan(&g.person, &g.Unit, &g.Role)
	return g, err
}

// Person returns one person. Error: problem.ErrNotFound.
func (a *Accounts) Person(ctx context.Context, id protocol.PersonID) (account.Person, error) {
	p, err := one(ctx, a.db.read, scanPerson, personColumns+` WHERE p.id = ?`, id)
	if err != nil {
		return account.Person{}, fmt.Errorf("person: %w", err)
	}
	grants, err := all(ctx, a.db.read, scanGrant, `SELECT person, unit, role FROM person_role WHERE person = ? ORDER BY unit, role`, id)
	if err != nil {
		return account.Person{}, fmt.Errorf("roles: %w", err)
	}
	for _, g := range grants {
		p.Grants = append(p.Grants, g.Grant)
	}
	return p, nil
}

// People returns everybody, by id.
func (a *Accounts) People(ctx context.Context) ([]account.Person, error) {
	people, err := all(ctx, a.db.read, scanPerson, personColumns+` ORDER BY p.id`)
	if err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	grants, err := all(ctx, a.db.read, scanGrant, `SELECT person, unit, role FROM person_role ORDER BY unit, role`)
	if err != nil {
		return nil, fmt.Errorf("roles: %w", err)
	}
	at := map[protocol.PersonID]int{}
	for i, p := range people {
		at[p.ID] = i
	}
	for _, g := range grants {
		if i, ok := at[g.person]; ok {
			people[i].Grants = append(people[i].Grants, g.Grant)
		}
	}
	return people, nil
}

// Name implements account.Store.
func (a *Accounts) Name(ctx context.Context, id protocol.PersonID) (name string, shared bool, err error) {
	err = a.db.read.QueryRowContext(ctx, `SELECT CASE p.name WHEN '`+erasedName+`' THEN '' ELSE p.name END, EXISTS (SELECT 1 FROM person q WHERE q.name = p.name AND q.id <> p.id)
		FROM person p WHERE p.id = ?`, id).Scan(&name, &shared)
	return name, shared, kind(err)
}

func scanString(r row) (string, error) {
	var s string
	err := r.Scan(&s)
	return s, err
}

func scanBytes(r row) ([]byte, error) {
	var b []byte
	err := r.Scan(&b)
	return b, err
}

// PasswordHash returns a person's password hash. Error: problem.ErrNotFound.
func (a *Accounts) PasswordHash(ctx context.Context, id protocol.PersonID) (string, error) {
	return one(ctx, a.db.read, scanString, `SELECT password FROM person WHERE id = ?`, id)
}

// Key returns a person's wrapped key. Error: problem.ErrNotFound.
func (a *Accounts) Key(ctx context.Context, id protocol.PersonID) (account.WrappedKey, error) {
	return one(ctx, a.db.read, func(r row) (account.WrappedKey, error) {
		var k account.WrappedKey
		var created int64
		err := r.Scan(&k.Public.Kind, &k.Public.Public, &k.Wrapped, &created)
		k.Created = fromMs(created)
		return k, err
	}, `SELECT kind, public, wrapped, created FROM person_key WHERE person = ?`, id)
}

// AddPerson stores a person. Error: problem.ErrConflict.
func (a *Accounts) AddPerson(ctx context.Context, p account.Person, hash string, key *account.WrappedKey, lists []registry.Document, c audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO person (id, name, password, created, must_change) VALUES (?, ?, ?, ?, ?)`, p.ID, p.Name, hash, ms(p.Created), p.MustChange); err != nil {
			return fmt.Errorf("add person: %w", err)
		}
		return setPerson(ctx, tx, p.ID, p.Grants, key, lists, c)
	})
}

// setPerson stores what goes with a person; no grants leave the roles.
func setPerson(ctx context.Context, tx *sql.Tx, id protocol.PersonID, grants []account.Grant, key *account.WrappedKey, lists []registry.Document, c audit.Act) error {
	for _, g := range grants {
		if _, err := tx.ExecContext(ctx, `INSERT INTO person_role (person, unit, role) VALUES (?, ?, ?)`, id, g.Unit, g.Role); err != nil {
			return fmt.Errorf("add role: %w", err)
		}
	}
	if key != nil {
		if _, err := tx.ExecContext(ctx, `INSERT INTO person_key (person, kind, public, wrapped, created) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (person) DO UPDATE SET kind = excluded.kind, public = excluded.public, wrapped = excluded.wrapped, created = excluded.created`,
			id, key.Public.Kind, key.Public.Public, key.Wrapped, ms(key.Created)); err != nil {
			return fmt.Errorf("store key: %w", err)
		}
	}
	if err := addDocuments(ctx, tx, lists); err != nil {
		return err
	}
	return record(ctx, tx, c)
}

// SetPassword replaces a password. Error: problem.ErrNotFound.
func (a *Accounts) SetPassword(ctx context.Context, id protocol.PersonID, hash string, oneTime bool, key *account.WrappedKey, lists []registry.Document, c audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hit(tx.ExecContext(ctx, `UPDATE person SET password = ?, must_change = ? WHERE id = ?`, hash, oneTime, id)); err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		if err := endLogins(ctx, tx, id); err != nil {
			return err
		}
		return setPerson(ctx, tx, id, nil, key, lists, c)
	})
}

// SetGrants replaces a person's roles. Error: problem.ErrNotFound.
func (a *Accounts) SetGrants(ctx context.Context, id protocol.PersonID, grants []account.Grant, key *account.WrappedKey, lists []registry.Document, c audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hit(tx.ExecContext(ctx, `UPDATE person SET name = name WHERE id = ?`, id)); err != nil {
			return fmt.Errorf("set roles: %w", err)
		}
		was, err := all(ctx, tx, scanGrant, `SELECT person, unit, role FROM person_role WHERE person = ? ORDER BY unit, role`, id)
		if err != nil {
			return fmt.Errorf("set roles: %w", err)
		}
		c.Before = map[string]string{}
		for _, g := range was {
			c.Before[string(g.Unit)+"/"+string(g.Role)] = "granted"
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM person_role WHERE person = ?`, id); err != nil {
			return fmt.Errorf("set roles: %w", err)
		}
		return setPerson(ctx, tx, id, grants, key, lists, c)
	})
}

// Disable ends a person's access. Error: problem.ErrNotFound.
func (a *Accounts) Disable(ctx context.Context, id protocol.PersonID, lists []registry.Document, c audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hit(tx.ExecContext(ctx, `UPDATE person SET disabled = ? WHERE id = ? AND disabled IS NULL`, ms(c.At), id)); err != nil {
			return fmt.Errorf("disable: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM person_key WHERE person = ?`, id); err != nil {
			return fmt.Errorf("disable: %w", err)
		}
		if err := endLogins(ctx, tx, id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE token SET revoked = ? WHERE person = ? AND revoked IS NULL`, ms(c.At), id); err != nil {
			return fmt.Errorf("disable: %w", err)
		}
		return setPerson(ctx, tx, id, nil, nil, lists, c)
	})
}

// Approvers returns a unit's newest list. Error: problem.ErrNotFound.
func (a *Accounts) Approvers(ctx context.Context, unit protocol.UnitID) ([]byte, error) {
	return one(ctx, a.db.read, scanBytes,
		`SELECT bytes FROM trust WHERE kind = ? AND subject = ? ORDER BY number DESC LIMIT 1`, string(envelope.KindApprovers), unit)
}

const tokenColumns = `SELECT id, person, name, scope, created, expires, revoked FROM token`

func scanToken(r row) (account.Token, error) {
	var t account.Token
	var created, expires int64
	var revoked sql.NullInt64
	if err := r.Scan(&t.ID, &t.Person, &t.Name, &t.Scope, &created, &expires, &revoked); err != nil {
		return account.Token{}, err
	}
	t.Created, t.Expires, t.Revoked = fromMs(created), fromMs(expires), fromOptMs(revoked)
	return t, nil
}

// AddToken stores a token by the hash of its secret.
func (a *Accounts) AddToken(ctx context.Context, t account.Token, hash [32]byte) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO token (id, person, name, scope, hash, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			t.ID, t.Person, t.Name, t.Scope, hash[:], ms(t.Created), ms(t.Expires)); err != nil {
			return err
		}
		return record(ctx, tx, audit.Act{At: t.Created, By: t.Person, About: t.Person, Name: "token made", Subject: t.ID, After: map[string]string{
			"name": t.Name, "scope": string(t.Scope), "expires": t.Expires.UTC().Format(time.RFC3339),
		}})
	})
}

// TokenByHash returns the token with this hash. Error: problem.ErrNotFound.
func (a *Accounts) TokenByHash(ctx context.Context, hash [32]byte) (account.Token, error) {
	return one(ctx, a.db.read, scanToken, tokenColumns+` WHERE hash = ?`, hash[:])
}

// Tokens returns a person's tokens, newest first.
func (a *Accounts) Tokens(ctx context.Context, person protocol.PersonID) ([]account.Token, error) {
	return all(ctx, a.db.read, scanToken, tokenColumns+` WHERE person = ? ORDER BY created DESC, id DESC`, person)
}

// RevokeToken ends one of a person's tokens. Error: problem.ErrNotFound.
func (a *Accounts) RevokeToken(ctx context.Context, person protocol.PersonID, id string, at time.Time) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hit(tx.ExecContext(ctx, `UPDATE token SET revoked = coalesce(revoked, ?) WHERE id = ? AND person = ?`, ms(at), id, person)); err != nil {
			return err
		}
		return record(ctx, tx, audit.Act{At: at, About: person, Name: "token revoked", Subject: id})
	})
}
