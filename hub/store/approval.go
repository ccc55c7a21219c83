package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Submit implements approval.Store.
func (s *Bulletins) Submit(ctx context.Context, b bulletin.Bulletin, was time.Time, r approval.Request) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		if err := s.change(ctx, tx, b, was); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO statement (digest, bulletin, bytes, created, needed) VALUES (?, ?, ?, ?, ?)`,
			r.Digest[:], b.ID, r.Bytes, ms(r.Created), r.Needed); err != nil {
			return err
		}
		act := bulletinAct("bulletin submitted", b, r.Created)
		act.After["statement"] = r.Digest.String()
		return errors.Join(record(ctx, tx, act), made(ctx, tx, r.Digest.String()))
	})
}

const statementColumns = `digest, bulletin, bytes, created, needed, approved, returned, aired`

func scanRequest(r row) (approval.Request, error) {
	var q approval.Request
	var dig []byte
	var created int64
	var approved, returned, aired sql.NullInt64
	if err := r.Scan(&dig, &q.Bulletin.ID, &q.Bytes, &created, &q.Needed, &approved, &returned, &aired); err != nil {
		return q, kind(err)
	}
	q.Digest, q.Created = digest(dig), fromMs(created)
	q.Approved, q.Returned, q.Aired = fromOptMs(approved), fromOptMs(returned), fromOptMs(aired)
	var err error
	q.Statement, err = protocol.Unmarshal[protocol.Statement](q.Bytes, protocol.MaxControl)
	return q, err
}

func scanSignature(r row) (approval.Signature, error) {
	var s approval.Signature
	var at int64
	err := r.Scan(&s.Person, &s.Kind, &s.Bytes, &at)
	s.At = fromMs(at)
	return s, kind(err)
}

// complete reads a request's bulletin and signatures.
func complete(ctx context.Context, q querier, r approval.Request) (approval.Request, error) {
	var err error
	if r.Bulletin, err = one(ctx, q, scanBulletin, `SELECT `+bulletinColumns+` FROM bulletin WHERE id = ?`, r.Bulletin.ID); err != nil {
		return r, err
	}
	r.Signatures, err = all(ctx, q, scanSignature, `SELECT person, kind, bytes, at FROM signature WHERE statement = ? ORDER BY at, person`, r.Digest[:])
	return r, err
}

func request(ctx context.Context, q querier, digest protocol.Digest) (approval.Request, error) {
	r, err := one(ctx, q, scanRequest, `SELECT `+statementColumns+` FROM statement WHERE digest = ?`, digest[:])
	if err != nil {
		return r, err
	}
	return complete(ctx, q, r)
}

// Request implements approval.Store.
func (s *Bulletins) Request(ctx context.Context, digest protocol.Digest) (approval.Request, error) {
	return request(ctx, s.db.read, digest)
}

// Requests implements approval.Store.
func (s *Bulletins) Requests(ctx context.Context, units []protocol.UnitID) ([]approval.Request, error) {
	open, err := all(ctx, s.db.read, scanRequest, `SELECT `+statementColumns+` FROM statement
		WHERE approved IS NULL AND returned IS NULL AND bulletin IN (SELECT id FROM bulletin WHERE unit IN (`+marks(len(units))+`))
		ORDER BY created`, list(units)...)
	if err != nil {
		return nil, err
	}
	for i := range open {
		if open[i], err = complete(ctx, s.db.read, open[i]); err != nil {
			return nil, err
		}
	}
	return open, nil
}

// Sign implements approval.Store.
func (s *Bulletins) Sign(ctx context.Context, digest protocol.Digest, sig approval.Signature) (approval.Request, error) {
	var r approval.Request
	err := s.db.WithTx(ctx, func(tx *sql.Tx) error {
		var err error
		if r, err = request(ctx, tx, digest); err != nil {
			return err
		}
		if !r.Open() {
			return fmt.Errorf("request is not open: %w", problem.ErrConflict)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO signature (statement, person, kind, bytes, at) VALUES (?, ?, ?, ?, ?)`,
			digest[:], sig.Person, sig.Kind, sig.Bytes, ms(sig.At)); err != nil {
			return err
		}
		r.Signatures = append(r.Signatures, sig)
		act := audit.Act{At: sig.At, By: sig.Person, Name: "bulletin approved", Subject: string(r.Bulletin.ID), Unit: r.Bulletin.Unit, After: map[string]string{
			"statement": digest.String(), "signature": protocol.DigestOf(sig.Bytes).String(), "signatures": fmt.Sprintf("%d/%d", len(r.Signatures), r.Needed),
		}}
		if err := record(ctx, tx, act); err != nil {
			return err
		}
		if len(r.Signatures) < r.Needed {
			return nil
		}
		r.Approved, r.Bulletin.State = sig.At, bulletin.Approved
		if _, err := tx.ExecContext(ctx, `UPDATE statement SET approved = ? WHERE digest = ?`, ms(sig.At), digest[:]); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE bulletin SET state = ?, changed = ? WHERE id = ?`, bulletin.Approved, ms(sig.At), r.Bulletin.ID)
		return err
	})
	return r, err
}

// Return implements approval.Store.
func (s *Bulletins) Return(ctx context.Context, digest protocol.Digest, reason string, at time.Time) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE statement SET returned = ? WHERE digest = ? AND approved IS NULL AND returned IS NULL`, ms(at), digest[:])
		if err := affected(res, err, problem.ErrConflict); err != nil {
			return err
		}
		b, err := one(ctx, tx, scanBulletin, `UPDATE bulletin SET state = ?, problem = ?, changed = ? WHERE id = (SELECT bulletin FROM statement WHERE digest = ?)
			RETURNING `+bulletinColumns, bulletin.Returned, reason, ms(at), digest[:])
		if err != nil {
			return err
		}
		act := bulletinAct("bulletin returned", b, at)
		act.After["statement"], act.After["reason"] = digest.String(), reason
		return record(ctx, tx, act)
	})
}

// Unaired implements approval.Store.
func (s *Bulletins) Unaired(ctx context.Context) ([]protocol.Digest, error) {
	return all(ctx, s.db.read, func(r row) (protocol.Digest, error) {
		var d []byte
		err := r.Scan(&d)
		return digest(d), err
	}, `SELECT digest FROM statement WHERE approved IS NOT NULL AND aired IS NULL ORDER BY approved`)
}
