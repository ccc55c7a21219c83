package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/notebook"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Notebook keeps drafts, templates, maps, photographs and answers.
type Notebook struct{ db *DB }

// NewNotebook returns the store of a notebook.
func NewNotebook(db *DB) *Notebook { return &Notebook{db: db} }

func scanDraft(r row) (notebook.Draft, error) {
	var d notebook.Draft
	var changed int64
	if err := r.Scan(&d.ID, &d.Title, &d.Content, &changed); err != nil {
		return d, kind(err)
	}
	d.Changed = time.UnixMilli(changed).UTC()
	return d, nil
}

// Drafts implements notebook.Store; the newest comes first.
func (s *Notebook) Drafts(ctx context.Context, p protocol.PersonID) ([]notebook.Draft, error) {
	return all(ctx, s.db.read, scanDraft, `SELECT id, title, '', changed FROM draft WHERE person = ? ORDER BY changed DESC`, p)
}

// Draft implements notebook.Store.
func (s *Notebook) Draft(ctx context.Context, p protocol.PersonID, id string) (notebook.Draft, error) {
	return one(ctx, s.db.read, scanDraft, `SELECT id, title, content, changed FROM draft WHERE person = ? AND id = ?`, p, id)
}

// PutDraft implements notebook.Store.
func (s *Notebook) PutDraft(ctx context.Context, p protocol.PersonID, d notebook.Draft) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `INSERT INTO draft (person, id, title, content, changed) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET title = excluded.title, content = excluded.content, changed = excluded.changed WHERE draft.changed <= excluded.changed`,
			p, d.ID, d.Title, d.Content, ms(d.Changed))
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, problem.ErrConflict)
		}
		return nil
	})
}

// DeleteDraft implements notebook.Store; one that is gone already is no error.
func (s *Notebook) DeleteDraft(ctx context.Context, p protocol.PersonID, id string) error {
	return s.exec(ctx, `DELETE FROM draft WHERE person = ? AND id = ?`, p, id)
}

func (s *Notebook) exec(ctx context.Context, query string, args ...any) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
}

// act changes something and records it.
func (s *Notebook) act(ctx context.Context, a audit.Act, query string, args ...any) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return err
		}
		return record(ctx, tx, a)
	})
}

func scanTemplate(r row) (notebook.Template, error) {
	var t notebook.Template
	var content string
	if err := r.Scan(&t.ID, &t.Unit, &content); err != nil {
		return t, kind(err)
	}
	t.Own = true
	if err := json.Unmarshal([]byte(content), &t); err != nil {
		return t, fmt.Errorf("template %s: %w", t.ID, err)
	}
	return t, nil
}

// Templates implements notebook.Store.
func (s *Notebook) Templates(ctx context.Context, units []protocol.UnitID) ([]notebook.Template, error) {
	if len(units) == 0 {
		return nil, nil
	}
	args := make([]any, len(units))
	for i, u := range units {
		args[i] = u
	}
	return all(ctx, s.db.read, scanTemplate, `SELECT id, unit, content FROM template WHERE unit IN (?`+strings.Repeat(", ?", len(units)-1)+`) ORDER BY id`, args...)
}

// Template implements notebook.Store.
func (s *Notebook) Template(ctx context.Context, id string) (notebook.Template, error) {
	return one(ctx, s.db.read, scanTemplate, `SELECT id, unit, content FROM template WHERE id = ?`, id)
}

// PutTemplate implements notebook.Store.
func (s *Notebook) PutTemplate(ctx context.Context, t notebook.Template, by protocol.PersonID, at time.Time) error {
	content, err := json.Marshal(t)
	if err != nil {
		return err
	}
	act := audit.Act{At: at, By: by, Name: "template saved", Subject: t.ID, Unit: t.Unit, After: map[string]string{"content": protocol.DigestOf(content).String()}}
	return s.act(ctx, act, `INSERT INTO template (id, unit, content, changed, person) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET content = excluded.content, changed = excluded.changed, person = excluded.person`, t.ID, t.Unit, string(content), ms(at), by)
}

// DeleteTemplate implements notebook.Store.
func (s *Notebook) DeleteTemplate(ctx context.Context, id string) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		t, err := one(ctx, tx, scanTemplate, `DELETE FROM template WHERE id = ? RETURNING id, unit, content`, id)
		if errors.Is(err, problem.ErrNotFound) {
			return nil // gone already
		}
		if err != nil {
			return err
		}
		return record(ctx, tx, audit.Act{Name: "template deleted", Subject: id, Unit: t.Unit})
	})
}

// AllClear implements notebook.Store: the newest bulletin that calls off another.
func (s *Notebook) AllClear(ctx context.Context, cancels protocol.BulletinID) (protocol.BulletinID, error) {
	id, err := one(ctx, s.db.read, scanString, `SELECT bulletin FROM all_clear WHERE cancels = ? ORDER BY bulletin DESC LIMIT 1`, cancels)
	return protocol.BulletinID(id), err
}

// SetAllClear implements notebook.Store.
func (s *Notebook) SetAllClear(ctx context.Context, bulletin, cancels protocol.BulletinID) error {
	act := audit.Act{Name: "all-clear prepared", Subject: string(bulletin), After: map[string]string{"cancels": string(cancels)}}
	return s.act(ctx, act, `INSERT OR REPLACE INTO all_clear (bulletin, cancels) VALUES (?, ?)`, bulletin, cancels)
}

// Map implements notebook.Store.
func (s *Notebook) Map(ctx context.Context, unit protocol.UnitID) (string, error) {
	return one(ctx, s.db.read, scanString, `SELECT geojson FROM map WHERE unit = ?`, unit)
}

// PutMap implements notebook.Store.
func (s *Notebook) PutMap(ctx context.Context, unit protocol.UnitID, geojson string, by protocol.PersonID, at time.Time) error {
	act := audit.Act{At: at, By: by, Name: "map drawn", Subject: string(unit), Unit: unit, After: map[string]string{"geojson": protocol.DigestOf([]byte(geojson)).String()}}
	return s.act(ctx, act, `INSERT INTO map (unit, geojson, changed, person) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET geojson = excluded.geojson, changed = excluded.changed, person = excluded.person`, unit, geojson, ms(at), by)
}

func scanPhoto(r row) (notebook.Photo, error) {
	var p notebook.Photo
	var digest []byte
	var at int64
	if err := r.Scan(&digest, &p.Kind, &p.Person, &at); err != nil {
		return p, kind(err)
	}
	copy(p.Digest[:], digest)
	p.At = time.UnixMilli(at).UTC()
	return p, nil
}

// Photo implements notebook.Store.
func (s *Notebook) Photo(ctx context.Context, d protocol.DeviceID) (notebook.Photo, error) {
	return one(ctx, s.db.read, scanPhoto, `SELECT digest, kind, person, at FROM photo WHERE device = ?`, d)
}

// PutPhoto implements notebook.Store.
func (s *Notebook) PutPhoto(ctx context.Context, d protocol.DeviceID, p notebook.Photo) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		unit, err := unitOf(ctx, tx, d)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO photo (device, digest, kind, person, at) VALUES (?, ?, ?, ?, ?)`, d, p.Digest[:], p.Kind, p.Person, ms(p.At)); err != nil {
			return kind(err)
		}
		return record(ctx, tx, audit.Act{At: p.At, By: p.Person, Name: "device photographed", Subject: string(d), Unit: unit, After: map[string]string{"photo": p.Digest.String()}})
	})
}

func scanAnswer(r row) (notebook.Answer, error) {
	var a notebook.Answer
	return a, kind(r.Scan(&a.Request, &a.Status, &a.Kind, &a.Body))
}

// Begin implements notebook.Store.
func (s *Notebook) Begin(ctx context.Context, p protocol.PersonID, key, request string, at time.Time) (a notebook.Answer, fresh bool, err error) {
	err = s.db.WithTx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO answered (person, key, request, status, at) VALUES (?, ?, ?, 0, ?)`, p, key, request, ms(at))
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 1 {
			fresh = true
			return err
		}
		a, err = one(ctx, tx, scanAnswer, `SELECT request, status, kind, body FROM answered WHERE person = ? AND key = ?`, p, key)
		return err
	})
	return a, fresh, err
}

// Finish implements notebook.Store.
func (s *Notebook) Finish(ctx context.Context, p protocol.PersonID, key string, a notebook.Answer) error {
	return s.exec(ctx, `UPDATE answered SET status = ?, kind = ?, body = ? WHERE person = ? AND key = ?`, a.Status, a.Kind, a.Body, p, key)
}

// made notes with the key of the request in hand what has been made, in the same
// transaction: should the hub end before it answers, it is not made twice.
func made(ctx context.Context, tx *sql.Tx, id string) error {
	k, ok := notebook.KeyedOf(ctx)
	if !ok {
		return nil
	}
	body, err := json.Marshal(map[string]string{"id": id})
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE answered SET kind = 'application/json', body = ? WHERE person = ? AND key = ? AND status = 0`, body, k.Person, k.Key)
	return err
}

// Forget implements notebook.Store.
func (s *Notebook) Forget(ctx context.Context, p protocol.PersonID, key string) error {
	return s.exec(ctx, `DELETE FROM answered WHERE person = ? AND key = ?`, p, key)
}

// ForgetBefore implements notebook.Store.
func (s *Notebook) ForgetBefore(ctx context.Context, at time.Time) error {
	return s.exec(ctx, `DELETE FROM answered WHERE at < ?`, ms(at))
}
