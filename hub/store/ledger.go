package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/loa-vn/loa/hub/ledger"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/protocol"
)

// Ledger keeps what devices signed, and the outcomes derived from it.
type Ledger struct{ db *DB }

// NewLedger returns the store of receipts.
func NewLedger(db *DB) *Ledger { return &Ledger{db: db} }

// SaveBatches implements ledger.Store. Entries behind a gap are not kept: they
// come again once the gap is filled.
func (s *Ledger) SaveBatches(ctx context.Context, batches []ledger.Batch) ([]ledger.Result, error) {
	results := make([]ledger.Result, len(batches))
	err := s.db.WithTx(ctx, func(tx *sql.Tx) error {
		for i, b := range batches {
			r, err := saveBatch(ctx, tx, b)
			if err != nil {
				return fmt.Errorf("receipts of %s: %w", b.Head.Device, err)
			}
			results[i] = r
		}
		return nil
	})
	return results, err
}

// kept is where a chain stands.
type kept struct {
	seq  uint64 // the last that is covered
	hash protocol.Digest
}

func chainHead(ctx context.Context, tx *sql.Tx, head protocol.Head) (kept, error) {
	return one(ctx, tx, func(r row) (kept, error) {
		var k kept
		var hash, encoded []byte
		if err := r.Scan(&hash, &encoded); err != nil {
			return k, kind(err)
		}
		e, err := protocol.Unmarshal[protocol.Entry](encoded, protocol.MaxControl)
		k.seq, k.hash = e.Last(), digest(hash)
		return k, err
	}, `SELECT hash, bytes FROM entry WHERE device = ? AND chain = ? AND conflict = 0 ORDER BY seq DESC LIMIT 1`, head.Device, head.Chain[:])
}

func saveBatch(ctx context.Context, tx *sql.Tx, b ledger.Batch) (ledger.Result, error) {
	held, err := chainHead(ctx, tx, b.Head)
	if err != nil && !errors.Is(err, problem.ErrNotFound) {
		return ledger.Result{}, err
	}
	first := b.Entries[0]
	if first.Seq > held.seq+1 {
		return ledger.Result{Committed: held.seq, Hash: held.hash, Gap: held.seq + 1}, nil
	}
	// An entry that follows what is held, yet was linked to something else, is of
	// another chain under the same name.
	fork := held.seq > 0 && first.Seq == held.seq+1 && first.Prev != held.hash
	if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO batch (device, chain, seq, hash, head, received) VALUES (?, ?, ?, ?, ?, ?)`,
		b.Head.Device, b.Head.Chain[:], b.Head.Seq, b.Head.Hash[:], b.Sealed, ms(b.At)); err != nil {
		return ledger.Result{}, err
	}
	res := ledger.Result{Conflict: fork}
	for i, e := range b.Entries {
		isNew, conflict, err := saveEntry(ctx, tx, b, e, b.Encoded[i], fork)
		if err != nil {
			return ledger.Result{}, err
		}
		if isNew {
			res.New++
		}
		res.Conflict = res.Conflict || conflict
	}
	// What is acknowledged is the head that the device itself signed, if nothing
	// newer is held.
	res.Committed, res.Hash = b.Head.Seq, b.Head.Hash
	if !res.Conflict && held.seq > b.Head.Seq {
		res.Committed, res.Hash = held.seq, held.hash
	}
	return res, nil
}

func saveEntry(ctx context.Context, tx *sql.Tx, b ledger.Batch, e protocol.Entry, encoded []byte, fork bool) (isNew, conflict bool, err error) {
	hash := protocol.DigestOf(encoded)
	conflict = fork
	var same, other int
	if err := tx.QueryRowContext(ctx, `SELECT coalesce(sum(hash = ?), 0), coalesce(sum(hash <> ?), 0) FROM entry WHERE device = ? AND chain = ? AND seq = ?`,
		hash[:], hash[:], b.Head.Device, b.Head.Chain[:], e.Seq).Scan(&same, &other); err != nil {
		return false, false, err
	}
	if same > 0 {
		return false, other > 0, nil
	}
	conflict = conflict || other > 0
	if _, err := tx.ExecContext(ctx, `INSERT INTO entry (device, chain, seq, hash, bytes, received, conflict) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		b.Head.Device, b.Head.Chain[:], e.Seq, hash[:], encoded, ms(b.At), conflict); err != nil {
		return false, false, err
	}
	if e.Receipt == nil {
		return true, conflict, nil
	}
	r := e.Receipt
	var began, ended any
	if n := len(r.Plays); n > 0 {
		began, ended = int64(r.Plays[0].From), int64(r.Plays[n-1].To)
	}
	// The first word on an occurrence counts; a second one stays in the chain.
	_, err = tx.ExecContext(ctx, `INSERT OR IGNORE INTO outcome (airing, device, medium, start, outcome, reason, proof, began, ended, frames, voice, uncertainty, received, hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.Airing, b.Head.Device, r.Medium, int64(r.Start), r.Outcome, r.Reason, r.Proof, began, ended, int64(r.Frames), r.Voice,
		int64(r.Uncertainty), ms(b.At), hash[:])
	return true, conflict, err
}

// Outcomes implements reach.Store.
func (s *Ledger) Outcomes(ctx context.Context, airings []protocol.AiringID) (map[reach.Key]reach.Answer, error) {
	type pair struct {
		key    reach.Key
		answer reach.Answer
	}
	pairs, err := all(ctx, s.db.read, func(r row) (pair, error) {
		var p pair
		var began, ended sql.NullInt64
		err := r.Scan(&p.key.Airing, &p.key.Device, &p.key.Medium, &p.key.Start, &p.answer.Outcome, &p.answer.Reason, &p.answer.Proof,
			&began, &ended, &p.answer.Frames, &p.answer.Voice)
		p.answer.Began, p.answer.Ended = fromOptMs(began), fromOptMs(ended)
		return p, kind(err)
	}, `SELECT airing, device, medium, start, outcome, reason, proof, began, ended, frames, voice FROM outcome
		WHERE airing IN (`+marks(len(airings))+`)`, list(airings)...)
	if err != nil {
		return nil, err
	}
	out := make(map[reach.Key]reach.Answer, len(pairs))
	for _, p := range pairs {
		out[p.key] = p.answer
	}
	return out, nil
}
