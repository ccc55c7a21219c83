package e2e

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/e2e/figure"
	"github.com/loa-vn/loa/hub/ledger"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// bookkeeping is a ledger on a real database, with devices that sign.
type bookkeeping struct {
	b       *testing.B
	db      *store.DB
	ledger  *ledger.Ledger
	signers map[protocol.DeviceID]*envelope.Signer
	keys    map[protocol.DeviceID]ed25519.PublicKey
	devices []protocol.DeviceID
}

// DeviceKey implements ledger.Registry.
func (k *bookkeeping) DeviceKey(_ context.Context, id protocol.DeviceID) (ed25519.PublicKey, error) {
	return k.keys[id], nil
}

// Ack implements ledger.Replies.
func (k *bookkeeping) Ack(protocol.DeviceID, []byte) {}

// Resync implements ledger.Replies.
func (k *bookkeeping) Resync(context.Context, protocol.DeviceID, uint64) error { return nil }

// Conflict implements ledger.Alarms.
func (k *bookkeeping) Conflict(_ context.Context, d protocol.DeviceID, _ protocol.Digest, first, _ uint64) {
	k.b.Errorf("conflict of %s at %d", d, first)
}

// Gap implements ledger.Alarms.
func (k *bookkeeping) Gap(_ context.Context, d protocol.DeviceID, _ protocol.Digest, first, _ uint64) {
	k.b.Errorf("gap of %s at %d", d, first)
}

// Lost implements ledger.Alarms.
func (k *bookkeeping) Lost(_ context.Context, d protocol.DeviceID, _ protocol.Digest, first, _ uint64) {
	k.b.Errorf("loss of %s at %d", d, first)
}

// Whole implements ledger.Alarms.
func (k *bookkeeping) Whole(context.Context, protocol.DeviceID, protocol.Digest) {}

func newBookkeeping(b *testing.B, devices int) *bookkeeping {
	b.Helper()
	db, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "hub.db"))
	check(b, err)
	k := &bookkeeping{b: b, db: db, signers: map[protocol.DeviceID]*envelope.Signer{}, keys: map[protocol.DeviceID]ed25519.PublicKey{}}
	_, err = db.Writer().ExecContext(b.Context(), `INSERT INTO unit (id, code, name, kind, valid_from) VALUES ('xa', '1', 'Xã', 'commune', '2026-01-01')`)
	check(b, err)
	for i := range devices {
		id := protocol.DeviceID(fmt.Sprintf("loa-%04d", i))
		public, private, err := ed25519.GenerateKey(rand.Reader)
		check(b, err)
		k.keys[id] = public
		k.signers[id], err = envelope.NewSigner(private)
		check(b, err)
		k.devices = append(k.devices, id)
		_, err = db.Writer().ExecContext(b.Context(), `INSERT INTO device (id, name, unit, sound, created) VALUES (?, 'Loa', 'xa', 1, 0)`, id)
		check(b, err)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	check(b, err)
	hub, err := envelope.NewSigner(private)
	check(b, err)
	k.ledger = ledger.New(store.NewLedger(db), k, hub, k, k, time.Now, func(protocol.DeviceID) {}, slog.New(slog.DiscardHandler))
	b.Cleanup(func() {
		k.ledger.Close()
		_ = db.Close() // over
	})
	return k
}

// batches signs so many batches of so many receipts for a device, on a chain of its own.
func (k *bookkeeping) batches(id protocol.DeviceID, batches, each int) (payloads [][]byte, entries [][]byte) {
	var chain protocol.Digest
	_, _ = rand.Read(chain[:]) // never fails
	head := protocol.Head{Device: id, Chain: chain}
	for range batches {
		var batch protocol.Batch
		for range each {
			e := protocol.Entry{Seq: head.Seq + 1, Prev: head.Hash, At: 1}
			if e.Seq == 1 {
				e.Genesis = protocol.GenesisNew
			} else {
				e.Receipt = &protocol.Receipt{
					Airing: "lp-1", Unit: "xa", Start: protocol.Instant(e.Seq), Medium: protocol.MediumSound, Bulletin: chain, Outcome: protocol.OutcomePlayed,
					Proof: protocol.ProofConsumed, Plays: []protocol.Stretch{{From: 1, To: 60_000}}, Frames: 2_880_000, Volume: 80, Placement: 1, Config: chain,
				}
			}
			raw, err := protocol.Marshal(e)
			check(k.b, err)
			head.Seq, head.Hash = e.Seq, protocol.DigestOf(raw)
			batch.Entries = append(batch.Entries, raw)
			entries = append(entries, raw)
		}
		payload, err := protocol.Marshal(head)
		check(k.b, err)
		batch.Head, err = k.signers[id].Seal(envelope.KindReceipt, payload)
		check(k.b, err)
		b, err := protocol.Marshal(batch)
		check(k.b, err)
		payloads = append(payloads, b)
	}
	return payloads, entries
}

// take brings everything in, one batch under way at a time for each device, and
// returns receipts a second.
func (k *bookkeeping) take(batches, each int) float64 {
	all := make([][][]byte, len(k.devices))
	for i, id := range k.devices {
		all[i], _ = k.batches(id, batches, each)
	}
	var wg sync.WaitGroup
	began := time.Now()
	for i, id := range k.devices {
		wg.Go(func() {
			for _, b := range all[i] {
				if err := k.ledger.Take(k.b.Context(), id, b); err != nil {
					k.b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return float64(len(k.devices)*batches*each) / time.Since(began).Seconds()
}

// bare inserts as many rows of the same bytes, in transactions of 200 batches, with
// nothing checked: what SQLite alone does.
func (k *bookkeeping) bare(batches, each int) float64 {
	_, entries := k.batches(k.devices[0], 1, 200)
	rows := len(k.devices) * batches * each
	var chain protocol.Digest
	_, _ = rand.Read(chain[:]) // never fails
	began := time.Now()
	for done := 0; done < rows; {
		check(k.b, k.db.WithTx(k.b.Context(), func(tx *sql.Tx) error {
			stmt, err := tx.Prepare(`INSERT INTO entry (device, chain, seq, hash, bytes, received) VALUES (?, ?, ?, ?, ?, 0)`)
			if err != nil {
				return err
			}
			defer stmt.Close()
			for range min(200*each, rows-done) {
				done++
				if _, err := stmt.Exec(k.devices[0], chain[:], done, chain[:], entries[done%len(entries)]); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	return float64(rows) / time.Since(began).Seconds()
}

// BenchmarkGoalReceipts: receipts verified and durable, beside SQLite alone.
func BenchmarkGoalReceipts(b *testing.B) {
	for b.Loop() {
		k := newBookkeeping(b, 500)
		var batched, single, limits []float64
		for range figure.Rounds() {
			limits = append(limits, k.bare(2, 20))
			batched = append(batched, k.take(2, 20))
			single = append(single, k.take(4, 1))
		}
		check(b, figure.Print(
			figure.Least("receipts verified and durable, in batches of 20 (limit: SQLite alone)", "a second", batched, 20_000).Beside(limits),
			figure.Least("receipts verified and durable, singly", "a second", single, 3_000),
		))
	}
}
