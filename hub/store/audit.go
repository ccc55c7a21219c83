package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// record writes the record of an act into the transaction of the act itself.
// Who it was, from where, is the context's unless the act says.
func record(ctx context.Context, tx *sql.Tx, a audit.Act) error {
	if err := link(ctx, tx, a); err != nil {
		return fmt.Errorf("record %s: %w", a.Name, err)
	}
	return nil
}

func link(ctx context.Context, tx *sql.Tx, a audit.Act) error {
	if a.At.IsZero() {
		a.At = time.Now()
	}
	o := audit.OriginOf(ctx)
	if a.By == "" {
		a.By = o.Person
	}
	r := audit.Record{
		Version: protocol.Version, Seq: 1, At: protocol.InstantOf(a.At), Act: a.Name, Via: o.Via, Subject: a.Subject, Unit: a.Unit,
		Before: audit.Fields(a.Before), After: audit.Fields(a.After),
	}
	err := tx.QueryRowContext(ctx, `SELECT seq + 1, hash FROM audit ORDER BY seq DESC LIMIT 1`).Scan(&r.Seq, (*digestColumn)(&r.Prev))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	var parts []audit.Private
	part := func(person protocol.PersonID, values map[string]string) (string, error) {
		values["person"] = string(person)
		alias, p, commitment, err := private(ctx, tx, person, r.Seq, values)
		if err != nil {
			return "", err
		}
		parts = append(parts, p)
		r.Parts = append(r.Parts, audit.Part{Alias: alias, Commitment: commitment})
		return alias, nil
	}
	// Acts of people about themselves have one part.
	whole := map[string]string{}
	if a.About == a.By {
		for k, v := range a.Personal {
			whole[k] = v
		}
	}
	if a.By != "" {
		if o.Address != "" {
			whole["address"] = o.Address
		}
		if r.Who, err = part(a.By, whole); err != nil {
			return err
		}
	}
	switch {
	case a.About == "":
	case a.About == a.By:
		r.About = r.Who
	default:
		about := map[string]string{}
		for k, v := range a.Personal {
			about[k] = v
		}
		if r.About, err = part(a.About, about); err != nil {
			return err
		}
	}
	return appendRecord(ctx, tx, r, parts)
}

func appendRecord(ctx context.Context, tx *sql.Tx, r audit.Record, parts []audit.Private) error {
	encoded, err := protocol.Marshal(&r)
	if err != nil {
		return err
	}
	hash := audit.Hash(encoded)
	if _, err := tx.ExecContext(ctx, `INSERT INTO audit (seq, hash, bytes, at, act, who, about, subject, unit) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.Seq, hash[:], encoded, int64(r.At), r.Act, r.Who, r.About, r.Subject, r.Unit); err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := tx.ExecContext(ctx, `INSERT INTO audit_private (seq, alias, bytes) VALUES (?, ?, ?)`, p.Seq, p.Alias, p.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// private encodes what a record holds of a person and binds it.
func private(ctx context.Context, tx *sql.Tx, person protocol.PersonID, seq uint64, values map[string]string) (string, audit.Private, protocol.Digest, error) {
	alias, salt, err := pseudonym(ctx, tx, person)
	if err != nil {
		return "", audit.Private{}, protocol.Digest{}, err
	}
	encoded, err := protocol.Marshal(&audit.Personal{Fields: audit.Fields(values)})
	if err != nil {
		return "", audit.Private{}, protocol.Digest{}, err
	}
	return alias, audit.Private{Seq: seq, Alias: alias, Bytes: encoded}, audit.Commit(salt, seq, alias, encoded), nil
}

// pseudonym returns a person's name in records and their salt, made on first use.
func pseudonym(ctx context.Context, tx *sql.Tx, person protocol.PersonID) (alias string, salt []byte, err error) {
	err = tx.QueryRowContext(ctx, `SELECT alias, salt FROM audit_person WHERE person = ?`, person).Scan(&alias, &salt)
	if !errors.Is(err, sql.ErrNoRows) {
		return alias, salt, err
	}
	salt = make([]byte, 32)
	_, _ = rand.Read(salt) // never fails
	// Not by time: a pseudonym tells nothing of its person.
	alias = "p-" + rand.Text()
	_, err = tx.ExecContext(ctx, `INSERT INTO audit_person (alias, person, salt) VALUES (?, ?, ?)`, alias, person, salt)
	return alias, salt, err
}

// digestColumn scans a digest.
type digestColumn protocol.Digest

// Scan implements sql.Scanner.
func (d *digestColumn) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(d) {
		return fmt.Errorf("digest of %T: %w", v, protocol.ErrMalformed)
	}
	copy(d[:], b)
	return nil
}

// Audit is the record of acts.
type Audit struct{ db *DB }

// Audit returns the record of acts.
func (db *DB) Audit() *Audit { return &Audit{db: db} }

// Record writes an act that changes nothing else.
func (s *Audit) Record(ctx context.Context, a audit.Act) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error { return record(ctx, tx, a) })
}

// Checkpoint signs the chain's head unless the newest checkpoint does; it says
// whether there was anything to sign.
func (s *Audit) Checkpoint(ctx context.Context, signer *envelope.Signer, now time.Time) (bool, error) {
	made := false
	err := s.db.WithTx(ctx, func(tx *sql.Tx) error {
		c := audit.Checkpoint{Version: protocol.Version, Number: 1, At: protocol.InstantOf(now)}
		err := tx.QueryRowContext(ctx, `SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1`).Scan(&c.Seq, (*digestColumn)(&c.Hash))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		var signed uint64
		err = tx.QueryRowContext(ctx, `SELECT number + 1, seq FROM audit_checkpoint ORDER BY number DESC LIMIT 1`).Scan(&c.Number, &signed)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if signed >= c.Seq {
			return nil
		}
		sealed, err := c.Seal(signer)
		if err != nil {
			return err
		}
		made = true
		_, err = tx.ExecContext(ctx, `INSERT INTO audit_checkpoint (number, seq, bytes) VALUES (?, ?, ?)`, c.Number, c.Seq, sealed)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("checkpoint: %w", err)
	}
	return made, nil
}

// Material reads the whole chain for a check.
func (s *Audit) Material(ctx context.Context) (audit.Material, error) {
	var m audit.Material
	var err error
	if m.Rows, err = all(ctx, s.db.read, func(r row) (audit.Row, error) {
		var v audit.Row
		err := r.Scan(&v.Seq, &v.Hash, &v.Bytes)
		return v, err
	}, `SELECT seq, hash, bytes FROM audit ORDER BY seq`); err != nil {
		return m, err
	}
	if m.Privates, err = all(ctx, s.db.read, func(r row) (audit.Private, error) {
		var v audit.Private
		err := r.Scan(&v.Seq, &v.Alias, &v.Bytes)
		return v, err
	}, `SELECT seq, alias, bytes FROM audit_private ORDER BY seq, alias`); err != nil {
		return m, err
	}
	if m.Salts, err = all(ctx, s.db.read, func(r row) (audit.Salt, error) {
		var v audit.Salt
		err := r.Scan(&v.Alias, &v.Salt)
		return v, err
	}, `SELECT alias, salt FROM audit_person WHERE salt IS NOT NULL ORDER BY alias`); err != nil {
		return m, err
	}
	m.Checkpoints, err = all(ctx, s.db.read, scanBytes, `SELECT bytes FROM audit_checkpoint ORDER BY number`)
	return m, err
}

// Names implements api.Journal.
func (s *Audit) Names(ctx context.Context, ids []string) (map[string]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in := marks(len(ids))
	var args []any
	query := ""
	for i, of := range []string{
		`SELECT id, name FROM commune_group WHERE id IN (`,
		`SELECT id, name FROM rundown r WHERE revision = (SELECT max(revision) FROM rundown WHERE id = r.id) AND id IN (`,
		`SELECT id, title FROM bulletin WHERE id IN (`,
		`SELECT a.id, b.title FROM airing a JOIN bulletin b ON b.id = a.bulletin WHERE a.id IN (`,
		`SELECT id, coalesce(json_extract(content, '$.name'), '') FROM template WHERE id IN (`,
		`SELECT id, name FROM device WHERE id IN (`,
		`SELECT id, name FROM unit WHERE id IN (`,
	} {
		if i > 0 {
			query += ` UNION ALL `
		}
		query += of + in + `)`
		args = append(args, list(ids)...)
	}
	found, err := all(ctx, s.db.read, func(r row) ([2]string, error) {
		var v [2]string
		err := r.Scan(&v[0], &v[1])
		return v, err
	}, query, args...)
	names := map[string]string{}
	for _, f := range found {
		names[f[0]] = f[1]
	}
	return names, err
}

// Entries implements api.Journal.
func (s *Audit) Entries(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	where, args := `seq < ?`, []any{int64(q.Before)}
	if q.Before == 0 {
		where, args = `seq > ?`, []any{0}
	}
	add := func(sql string, v ...any) { where, args = where+` AND `+sql, append(args, v...) }
	if !q.From.IsZero() {
		add(`at >= ?`, ms(q.From))
	}
	if !q.To.IsZero() {
		add(`at < ?`, ms(q.To))
	}
	if q.Act != "" {
		add(`act = ?`, q.Act)
	}
	if q.Subject != "" {
		add(`(subject = ? OR about IN (SELECT alias FROM audit_person WHERE person = ?))`, q.Subject, q.Subject)
	}
	if q.Person != "" {
		add(`who IN (SELECT alias FROM audit_person WHERE person = ?)`, q.Person)
	}
	if q.Units != nil {
		add(`unit IN (`+marks(len(q.Units))+`)`, list(q.Units)...)
	}
	entries, err := all(ctx, s.db.read, func(r row) (audit.Entry, error) {
		var e audit.Entry
		var encoded []byte
		if err := r.Scan(&encoded); err != nil {
			return e, err
		}
		var err error
		e.Record, err = protocol.Unmarshal[audit.Record](encoded, audit.MaxRecord)
		return e, err
	}, `SELECT bytes FROM audit WHERE `+where+` ORDER BY seq DESC LIMIT ?`, append(args, q.Limit)...)
	if err != nil {
		return nil, err
	}
	for i := range entries {
		if err := s.personal(ctx, &entries[i]); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// personal reads what stands beside a record.
func (s *Audit) personal(ctx context.Context, e *audit.Entry) error {
	for _, p := range e.Record.Parts {
		b, err := one(ctx, s.db.read, scanBytes, `SELECT bytes FROM audit_private WHERE seq = ? AND alias = ?`, int64(e.Record.Seq), p.Alias)
		if errors.Is(err, problem.ErrNotFound) {
			continue // erased
		}
		if err != nil {
			return err
		}
		held, err := protocol.Unmarshal[audit.Personal](b, audit.MaxPersonal)
		if err != nil {
			return err
		}
		for _, f := range held.Fields {
			switch {
			case p.Alias == e.Record.Who && f.Name == "person":
				e.Person = protocol.PersonID(f.Value)
			case p.Alias == e.Record.Who && f.Name == "address":
				e.Address = f.Value
			case f.Name == "person":
				e.About = protocol.PersonID(f.Value)
			default:
				e.Personal = append(e.Personal, f)
			}
		}
		if e.Record.About == e.Record.Who {
			e.About = e.Person
		}
	}
	return nil
}

// adopt takes the events of older hubs into the chain, oldest first.
func adopt(ctx context.Context, tx *sql.Tx) error {
	acts, err := all(ctx, tx, func(r row) (audit.Act, error) {
		var a audit.Act
		var at int64
		var detail string
		if err := r.Scan(&at, &a.By, &a.Name, &a.Subject, &a.Unit, &detail); err != nil {
			return a, err
		}
		a.At = fromMs(at)
		return a, json.Unmarshal([]byte(detail), &a.After)
	}, `SELECT at, person, act, subject, unit, detail FROM event ORDER BY id`)
	if err != nil {
		return err
	}
	for _, a := range acts {
		if err := record(ctx, tx, a); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `DROP TABLE event`)
	return err
}

// Record implements account.Store.
func (a *Accounts) Record(ctx context.Context, act audit.Act) error {
	return a.db.Audit().Record(ctx, act)
}

// erasedName stands where a person's name was.
const erasedName = "(đã xoá / erased)"

// Erase implements account.Store. The act itself is recorded first, so that the
// chain says why what is personal is missing.
func (a *Accounts) Erase(ctx context.Context, id protocol.PersonID, c audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if err := record(ctx, tx, c); err != nil {
			return err
		}
		for _, q := range []string{
			`DELETE FROM audit_private WHERE alias = (SELECT alias FROM audit_person WHERE person = ?1)`,
			`UPDATE person SET name = '` + erasedName + `', password = '' WHERE id = ?1`,
			`UPDATE token SET name = '' WHERE person = ?1`,
			`UPDATE passkey SET name = '' WHERE person = ?1`,
			`DELETE FROM recovery_code WHERE person = ?1`,
			`DELETE FROM second_factor WHERE person = ?1`,
			`DELETE FROM login WHERE person = ?1`,
			`DELETE FROM person_identity WHERE person = ?1`,
			`DELETE FROM draft WHERE person = ?1`,
			`DELETE FROM answered WHERE person = ?1`,
			`UPDATE upload SET name = '' WHERE person = ?1`,
			`UPDATE uploader SET name = '' WHERE person = ?1`,
		} {
			if _, err := tx.ExecContext(ctx, q, id); err != nil {
				return fmt.Errorf("erase: %w", err)
			}
		}
		return hit(tx.ExecContext(ctx, `UPDATE audit_person SET person = NULL, salt = NULL, erased = ? WHERE person = ?`, ms(c.At), id))
	})
}
