package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

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
// come again once the gap is filled, or is known to stay.
func (s *Ledger) SaveBatches(ctx context.Context, batches []ledger.Batch) ([]ledger.Result, error) {
	results := make([]ledger.Result, len(batches))
	err := s.db.WithTx(ctx, func(tx *sql.Tx) error {
		w, err := newEntryWriter(ctx, tx)
		if err != nil {
			return err
		}
		for i, b := range batches {
			if results[i], err = w.batch(ctx, b); err != nil {
				return fmt.Errorf("receipts of %s: %w", b.Head.Device, err)
			}
		}
		return w.close()
	})
	return results, err
}

// ChainEnd implements dispatch.Receipts.
func (s *Ledger) ChainEnd(ctx context.Context, device protocol.DeviceID, chain protocol.Digest) (uint64, error) {
	k, err := one(ctx, s.db.read, scanKept, chainEnd, device, chain[:])
	if errors.Is(err, problem.ErrNotFound) {
		return 0, nil
	}
	return k.seq, err
}

// LoseReceipts implements dispatch.Receipts.
func (s *Ledger) LoseReceipts(ctx context.Context, device protocol.DeviceID, chain protocol.Digest, first, last uint64, at time.Time) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO receipt_gap (device, chain, first, last, at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (device, chain, first) DO UPDATE SET last = max(last, excluded.last)`, device, chain[:], int64(first), int64(last), ms(at))
		return err
	})
}

// kept is where a chain stands.
type kept struct {
	seq  uint64 // the last that is covered
	hash protocol.Digest
	top  uint64 // the last that any entry takes, those in conflict too
}

// chainEnd selects where a chain stands, for scanKept.
const chainEnd = `SELECT hash, bytes, (SELECT max(coalesce(last, seq)) FROM (SELECT seq, last FROM entry WHERE device = ?1 AND chain = ?2 ORDER BY seq DESC LIMIT 2))
	FROM entry WHERE device = ?1 AND chain = ?2 AND conflict = 0 ORDER BY seq DESC LIMIT 1`

func scanKept(r row) (kept, error) {
	var k kept
	var hash, encoded []byte
	if err := r.Scan(&hash, &encoded, &k.top); err != nil {
		return k, kind(err)
	}
	e, err := protocol.Unmarshal[protocol.Entry](encoded, protocol.MaxControl)
	k.seq, k.hash = e.Last(), digest(hash)
	k.top = max(k.top, k.seq)
	return k, err
}

// entryWriter writes batches in one transaction.
type entryWriter struct {
	tx                          *sql.Tx
	chain, head, entry, outcome *sql.Stmt
}

func newEntryWriter(ctx context.Context, tx *sql.Tx) (*entryWriter, error) {
	w := &entryWriter{tx: tx}
	for _, s := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&w.chain, chainEnd},
		{&w.head, `INSERT OR IGNORE INTO batch (device, chain, seq, hash, head, received) VALUES (?, ?, ?, ?, ?, ?)`},
		{&w.entry, `INSERT INTO entry (device, chain, seq, hash, bytes, received, conflict, last) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`},
		// The first word on an occurrence counts; a second one stays in the chain.
		{&w.outcome, `INSERT OR IGNORE INTO outcome (airing, device, medium, start, outcome, reason, proof, began, ended, frames, voice, uncertainty, received, hash, pixels, keyed)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
	} {
		stmt, err := tx.PrepareContext(ctx, s.text) //nolint:sqlclosecheck // entryWriter.close does
		if err != nil {
			return nil, errors.Join(kind(err), w.close())
		}
		*s.to = stmt
	}
	return w, nil
}

func (w *entryWriter) close() error {
	var errs []error
	for _, s := range []*sql.Stmt{w.chain, w.head, w.entry, w.outcome} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

func (w *entryWriter) batch(ctx context.Context, b ledger.Batch) (ledger.Result, error) {
	held, err := scanKept(w.chain.QueryRowContext(ctx, b.Head.Device, b.Head.Chain[:]))
	if err != nil && !errors.Is(err, problem.ErrNotFound) {
		return ledger.Result{}, err
	}
	first := b.Entries[0]
	if first.Seq > held.seq+1 {
		gone, err := w.gone(ctx, b.Head, held.seq+1, first.Seq-1)
		if err != nil || !gone {
			return ledger.Result{Committed: held.seq, Hash: held.hash, Gap: held.seq + 1, GapTo: first.Seq - 1}, err
		}
	}
	// An entry that follows what is held, yet was linked to something else, is of
	// another chain under the same name.
	fork := held.seq > 0 && first.Seq == held.seq+1 && first.Prev != held.hash
	if _, err := w.head.ExecContext(ctx, b.Head.Device, b.Head.Chain[:], b.Head.Seq, b.Head.Hash[:], b.Sealed, ms(b.At)); err != nil {
		return ledger.Result{}, err
	}
	res := ledger.Result{Conflict: fork}
	for i, e := range b.Entries {
		isNew, conflict, err := w.save(ctx, b, e, b.Encoded[i], held.top, fork)
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

// gone says whether a range of a chain is known to be lost for good.
func (w *entryWriter) gone(ctx context.Context, h protocol.Head, first, last uint64) (bool, error) {
	var n int
	err := w.tx.QueryRowContext(ctx, `SELECT count(*) FROM receipt_gap WHERE device = ? AND chain = ? AND first <= ? AND last >= ?`,
		h.Device, h.Chain[:], int64(first), int64(last)).Scan(&n)
	return n > 0, kind(err)
}

// save keeps one entry. What lies behind top, the last seq that is taken, can
// contradict nothing.
func (w *entryWriter) save(ctx context.Context, b ledger.Batch, e protocol.Entry, encoded []byte, top uint64, fork bool) (isNew, conflict bool, err error) {
	hash := protocol.DigestOf(encoded)
	conflict = fork
	if e.Seq <= top {
		same, other, err := w.beside(ctx, b.Head, e, hash)
		if err != nil || same {
			return false, other, err
		}
		conflict = conflict || other
	}
	var last any
	if e.Loss != nil {
		last = int64(e.Loss.Through)
	}
	if _, err := w.entry.ExecContext(ctx, b.Head.Device, b.Head.Chain[:], e.Seq, hash[:], encoded, ms(b.At), conflict, last); err != nil {
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
	_, err = w.outcome.ExecContext(ctx, r.Airing, b.Head.Device, r.Medium, int64(r.Start), r.Outcome, r.Reason, r.Level(), began, ended,
		int64(r.Frames), r.Voice, int64(r.Uncertainty), ms(b.At), hash[:], joined(r.Pixels), optInstant(r.Keyed))
	return true, conflict, err
}

// optInstant is the column for an instant that may be missing.
func optInstant(i protocol.Instant) any {
	if i == 0 {
		return nil
	}
	return int64(i)
}

// joined is the column for a list of digests.
func joined(list []protocol.Digest) []byte {
	b := []byte{}
	for _, d := range list {
		b = append(b, d[:]...)
	}
	return b
}

// parted reads what joined wrote; nil if the column is NULL.
func parted(b []byte) []protocol.Digest {
	if b == nil {
		return nil
	}
	list := []protocol.Digest{}
	for one := range slices.Chunk(b, len(protocol.Digest{})) {
		list = append(list, digest(one))
	}
	return list
}

// beside says whether the entry is there already, and whether another one takes a
// seq of its own: one that begins within it, or a loss before that reaches into it.
func (w *entryWriter) beside(ctx context.Context, h protocol.Head, e protocol.Entry, hash protocol.Digest) (same, other bool, err error) {
	var equal, others int
	if err := w.tx.QueryRowContext(ctx, `SELECT coalesce(sum(hash = ?), 0), coalesce(sum(hash <> ?), 0) FROM entry
		WHERE device = ? AND chain = ? AND seq BETWEEN ? AND ?`,
		hash[:], hash[:], h.Device, h.Chain[:], int64(e.Seq), int64(e.Last())).Scan(&equal, &others); err != nil {
		return false, false, kind(err)
	}
	var reaches uint64
	err = w.tx.QueryRowContext(ctx, `SELECT coalesce(last, seq) FROM entry WHERE device = ? AND chain = ? AND seq < ? ORDER BY seq DESC LIMIT 1`,
		h.Device, h.Chain[:], int64(e.Seq)).Scan(&reaches)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, false, kind(err)
	}
	return equal > 0, others > 0 || reaches >= e.Seq, nil
}

// Outcomes implements reach.Store.
func (s *Ledger) Outcomes(ctx context.Context, airings []protocol.AiringID, from time.Time) (map[reach.Key]reach.Answer, error) {
	where, args := `airing `+among, []any{idsOf(airings)}
	if !from.IsZero() {
		// By its start, of which few are recent: an airing may have answered for a year.
		where, args = `start >= ? AND +airing `+among, []any{ms(from), idsOf(airings)}
	}
	type pair struct {
		key    reach.Key
		answer reach.Answer
	}
	pairs, err := all(ctx, s.db.read, func(r row) (pair, error) {
		var p pair
		var began, ended, keyed sql.NullInt64
		var pixels []byte
		err := r.Scan(&p.key.Airing, &p.key.Device, &p.key.Medium, &p.key.Start, &p.answer.Outcome, &p.answer.Reason, &p.answer.Proof,
			&began, &ended, &p.answer.Frames, &p.answer.Voice, &pixels, &keyed)
		p.answer.Pixels = parted(pixels)
		p.answer.Began, p.answer.Ended, p.answer.Keyed = fromOptMs(began), fromOptMs(ended), fromOptMs(keyed)
		return p, kind(err)
	}, `SELECT airing, device, medium, start, outcome, reason, proof, began, ended, frames, voice, pixels, keyed FROM outcome WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	out := make(map[reach.Key]reach.Answer, len(pairs))
	for _, p := range pairs {
		out[p.key] = p.answer
	}
	return out, nil
}
