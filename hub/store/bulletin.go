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
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Jobs asks for background work in a transaction.
type Jobs interface {
	Enqueue(ctx context.Context, tx *sql.Tx, kind, subject string) (string, error)
}

// Bulletins keeps bulletins, requests for approval and their signatures.
type Bulletins struct {
	db   *DB
	jobs Jobs
}

// NewBulletins returns the store of bulletins.
func NewBulletins(db *DB, jobs Jobs) *Bulletins { return &Bulletins{db: db, jobs: jobs} }

const bulletinColumns = `id, work, revision, unit, class, title, text, board, language, author, origin, options, upload,
	state, problem, rendition, sound, wish, digest, bytes, created, changed, submitted, relay, layout, picture, board_zone`

// storedRendition is a rendition's column: its JSON does not show the chunks.
type storedRendition struct {
	bulletin.Rendition
	Chunks string `json:"chunks"`
}

func scanBulletin(r row) (bulletin.Bulletin, error) {
	var b bulletin.Bulletin
	var class, options string
	var upload, sound, dig []byte
	var rendition, wish, relay, picture sql.NullString
	var created, changed int64
	var submitted sql.NullInt64
	if err := r.Scan(&b.ID, &b.Work, &b.Revision, &b.Unit, &class, &b.Title, &b.Text, &b.Board, &b.Language, &b.Author, &b.Origin, &options, &upload,
		&b.State, &b.Problem, &rendition, &sound, &wish, &dig, &b.Bytes, &created, &changed, &submitted, &relay, &b.Layout, &picture, &b.BoardZone); err != nil {
		return b, kind(err)
	}
	var err error
	if b.Class, err = protocol.ParseName[protocol.Class](class); err != nil {
		return b, fmt.Errorf("bulletin %s: %w", b.ID, err)
	}
	if err := json.Unmarshal([]byte(options), &b.Options); err != nil {
		return b, fmt.Errorf("bulletin %s: %w", b.ID, err)
	}
	if rendition.Valid {
		if b.Rendition, err = parseRendition(rendition.String, sound); err != nil {
			return b, fmt.Errorf("bulletin %s: %w", b.ID, err)
		}
	}
	if wish.Valid {
		b.Wish = new(bulletin.Wish)
		if err := json.Unmarshal([]byte(wish.String), b.Wish); err != nil {
			return b, fmt.Errorf("bulletin %s: %w", b.ID, err)
		}
	}
	if relay.Valid {
		b.Relay = new(protocol.Relay)
		if err := json.Unmarshal([]byte(relay.String), b.Relay); err != nil {
			return b, fmt.Errorf("bulletin %s: %w", b.ID, err)
		}
	}
	if picture.Valid {
		if b.Picture, err = parsePicture(picture.String); err != nil {
			return b, fmt.Errorf("bulletin %s: %w", b.ID, err)
		}
	}
	b.Upload, b.Digest = digest(upload), digest(dig)
	b.Created, b.Changed, b.Submitted = fromMs(created), fromMs(changed), fromOptMs(submitted)
	return b, nil
}

// bulletinArgs returns the values of bulletinColumns.
func bulletinArgs(b bulletin.Bulletin) ([]any, error) {
	options, err := json.Marshal(b.Options)
	if err != nil {
		return nil, err
	}
	var rendition, wish, sound, relay any
	if b.Relay != nil {
		j, err := json.Marshal(b.Relay)
		if err != nil {
			return nil, err
		}
		relay = string(j)
	}
	if b.Rendition != nil {
		j, err := json.Marshal(storedRendition{*b.Rendition, b.Rendition.Content.Chunks.String()})
		if err != nil {
			return nil, err
		}
		rendition, sound = string(j), b.Rendition.Content.Digest[:]
	}
	picture, err := pictureColumn(b.Picture)
	if err != nil {
		return nil, err
	}
	if b.Wish != nil {
		j, err := json.Marshal(b.Wish)
		if err != nil {
			return nil, err
		}
		wish = string(j)
	}
	return []any{
		b.ID, b.Work, b.Revision, b.Unit, b.Class.String(), b.Title, b.Text, b.Board, b.Language, b.Author, b.Origin, string(options), optDigest(b.Upload),
		b.State, b.Problem, rendition, sound, wish, optDigest(b.Digest), b.Bytes, ms(b.Created), ms(b.Changed), optMs(b.Submitted), relay,
		b.Layout, picture, b.BoardZone,
	}, nil
}

// optDigest is the column for a digest that may be missing.
func optDigest(d protocol.Digest) any {
	if d.IsZero() {
		return nil
	}
	return d[:]
}

// among is a list that stands as one argument, however long: see idsOf. A statement
// takes no more than 32,766.
const among = `IN (SELECT value FROM json_each(?))`

// idsOf returns ids as the argument of among.
func idsOf[T ~string](ids []T) string {
	b, _ := json.Marshal(ids) // strings: no error
	return string(b)
}

// marks returns n question marks with commas.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

func (s *Bulletins) insert(ctx context.Context, tx *sql.Tx, b bulletin.Bulletin, prepare bool) error {
	args, err := bulletinArgs(b)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO bulletin (`+bulletinColumns+`) VALUES (`+marks(len(args))+`)`, args...); err != nil {
		return err
	}
	return s.prepare(ctx, tx, b, prepare)
}

func (s *Bulletins) prepare(ctx context.Context, tx *sql.Tx, b bulletin.Bulletin, prepare bool) error {
	if !prepare {
		return nil
	}
	_, err := s.jobs.Enqueue(ctx, tx, bulletin.JobPrepare, string(b.ID))
	return err
}

// CreateBulletin implements bulletin.Store.
func (s *Bulletins) CreateBulletin(ctx context.Context, b bulletin.Bulletin, prepare bool) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		if err := s.insert(ctx, tx, b, prepare); err != nil {
			return err
		}
		return errors.Join(record(ctx, tx, bulletinAct("bulletin written", b, b.Created)), made(ctx, tx, string(b.ID)))
	})
}

// ReviseBulletin implements bulletin.Store.
func (s *Bulletins) ReviseBulletin(ctx context.Context, b bulletin.Bulletin, before protocol.BulletinID, prepare bool) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE statement SET returned = ? WHERE bulletin = ? AND approved IS NULL AND returned IS NULL`,
			ms(b.Created), before); err != nil {
			return err
		}
		if err := s.insert(ctx, tx, b, prepare); err != nil {
			return err
		}
		act := bulletinAct("bulletin revised", b, b.Created)
		act.Before = map[string]string{"bulletin": string(before)}
		return record(ctx, tx, act)
	})
}

// bulletinAct is the record of what was done to a bulletin.
func bulletinAct(name string, b bulletin.Bulletin, at time.Time) audit.Act {
	after := map[string]string{"title": b.Title, "class": b.Class.String(), "state": string(b.State), "text": protocol.DigestOf([]byte(b.Text)).String()}
	if b.Layout != "" {
		after["layout"] = b.Layout
	}
	if b.BoardZone != "" {
		after["board_zone"] = b.BoardZone
	}
	if b.Picture != nil {
		after["picture"] = b.Picture.Content.Digest.String()
	}
	if !b.Digest.IsZero() {
		after["digest"] = b.Digest.String()
	}
	return audit.Act{At: at, Name: name, Subject: string(b.ID), Unit: b.Unit, After: after}
}

// ChangeBulletin implements bulletin.Store.
func (s *Bulletins) ChangeBulletin(ctx context.Context, b bulletin.Bulletin, was time.Time, prepare bool) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		held, err := one(ctx, tx, scanBulletin, `SELECT `+bulletinColumns+` FROM bulletin WHERE id = ?`, b.ID)
		if err != nil {
			return err
		}
		if err := s.change(ctx, tx, b, was); err != nil {
			return err
		}
		act := bulletinAct("bulletin changed", b, b.Changed)
		act.Before = bulletinAct("", held, was).After
		if err := record(ctx, tx, act); err != nil {
			return err
		}
		return s.prepare(ctx, tx, b, prepare)
	})
}

func (s *Bulletins) change(ctx context.Context, tx *sql.Tx, b bulletin.Bulletin, was time.Time) error {
	args, err := bulletinArgs(b)
	if err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, `UPDATE bulletin SET (`+bulletinColumns+`) = (`+marks(len(args))+`) WHERE id = ? AND changed = ?`,
		append(args, b.ID, ms(was))...)
	return affected(res, err, problem.ErrConflict)
}

// affected returns otherwise if a statement changed no row.
func affected(res sql.Result, err, otherwise error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return otherwise
	}
	return err
}

// Bulletin implements bulletin.Store.
func (s *Bulletins) Bulletin(ctx context.Context, id protocol.BulletinID) (bulletin.Bulletin, error) {
	return one(ctx, s.db.read, scanBulletin, `SELECT `+bulletinColumns+` FROM bulletin WHERE id = ?`, id)
}

// Revision implements bulletin.Store.
func (s *Bulletins) Revision(ctx context.Context, work protocol.BulletinID, revision int) (bulletin.Bulletin, error) {
	return one(ctx, s.db.read, scanBulletin, `SELECT `+bulletinColumns+` FROM bulletin WHERE work = ? AND revision = ?`, work, revision)
}

// Bulletins implements bulletin.Store.
func (s *Bulletins) Bulletins(ctx context.Context, units []protocol.UnitID, state bulletin.State, limit int) ([]bulletin.Bulletin, error) {
	args := append(list(units), state, state, limit)
	return all(ctx, s.db.read, scanBulletin, `SELECT `+bulletinColumns+` FROM bulletin b
		WHERE unit IN (`+marks(len(units))+`) AND (? = '' OR state = ?)
		AND revision = (SELECT max(revision) FROM bulletin WHERE work = b.work)
		ORDER BY changed DESC LIMIT ?`, args...)
}

// list returns ids as arguments.
func list[T any](ids []T) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}
