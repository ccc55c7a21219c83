package e2e

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/ledger"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// chain is a device's chain of receipts on a real store of the hub.
type chain struct {
	t      *testing.T
	store  *store.Ledger
	key    ed25519.PublicKey
	signer *envelope.Signer
	head   protocol.Head
}

func newChain(t *testing.T) *chain {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"))
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	for _, q := range []string{
		`INSERT INTO unit (id, code, name, kind, valid_from) VALUES ('xa', '1', 'Xã', 'commune', '2026-01-01')`,
		`INSERT INTO device (id, name, unit, sound, created) VALUES ('loa', 'Loa', 'xa', 1, 0)`,
	} {
		_, err := db.Writer().ExecContext(t.Context(), q)
		must(t, err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	c := &chain{t: t, store: store.NewLedger(db), key: public, head: protocol.Head{Device: "loa", Chain: protocol.DigestOf([]byte("chain"))}}
	c.signer, err = envelope.NewSigner(private)
	must(t, err)
	return c
}

// batch signs so many receipts, or one loss through a seq, behind what was signed before.
func (c *chain) batch(receipts int, through uint64) []byte {
	c.t.Helper()
	var b protocol.Batch
	add := func(e protocol.Entry) {
		e.Seq, e.Prev, e.At = c.head.Seq+1, c.head.Hash, 1
		raw, err := protocol.Marshal(e)
		must(c.t, err)
		c.head.Seq, c.head.Hash = e.Last(), protocol.DigestOf(raw)
		b.Entries = append(b.Entries, raw)
	}
	for range receipts {
		if c.head.Seq == 0 {
			add(protocol.Entry{Genesis: protocol.GenesisNew})
			continue
		}
		add(protocol.Entry{Receipt: &protocol.Receipt{
			Airing: "lp-1", Unit: "xa", Start: protocol.Instant(c.head.Seq), Medium: protocol.MediumSound, Bulletin: c.head.Chain,
			Outcome: protocol.OutcomeSkipped, Reason: protocol.ReasonMuted, Placement: 1, Config: c.head.Chain,
		}})
	}
	if through > 0 {
		add(protocol.Entry{Loss: &protocol.Loss{Through: through, Reason: "torn file"}})
	}
	payload, err := protocol.Marshal(c.head)
	must(c.t, err)
	b.Head, err = c.signer.Seal(envelope.KindReceipt, payload)
	must(c.t, err)
	raw, err := protocol.Marshal(b)
	must(c.t, err)
	return raw
}

// take brings a batch in and returns what became of it, without the hash.
func (c *chain) take(payload []byte) ledger.Result {
	c.t.Helper()
	b, err := ledger.Open("loa", c.key, payload, time.Unix(1, 0))
	must(c.t, err)
	r, err := c.store.SaveBatches(c.t.Context(), []ledger.Batch{b})
	must(c.t, err)
	r[0].Hash = protocol.Digest{}
	return r[0]
}

func (c *chain) want(what string, got, want ledger.Result) {
	c.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		c.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// A gap is shown by its first and last seq and nothing behind it is kept; it closes
// when what is missing comes, or is known to be gone for good.
func TestAGapIsShownUntilItIsFilledOrGone(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	first, second, third, fourth, fifth := c.batch(3, 0), c.batch(2, 0), c.batch(2, 0), c.batch(2, 0), c.batch(1, 0)
	c.want("the beginning", c.take(first), ledger.Result{Committed: 3, New: 3})
	c.want("behind a gap", c.take(third), ledger.Result{Committed: 3, Gap: 4, GapTo: 5})
	c.want("what was missing", c.take(second), ledger.Result{Committed: 5, New: 2})
	c.want("again", c.take(third), ledger.Result{Committed: 7, New: 2})
	c.want("twice", c.take(third), ledger.Result{Committed: 7})
	c.want("behind another gap", c.take(fifth), ledger.Result{Committed: 7, Gap: 8, GapTo: 9})
	must(t, c.store.LoseReceipts(t.Context(), "loa", c.head.Chain, 8, 9, time.Unix(1, 0)))
	c.want("behind what is gone", c.take(fifth), ledger.Result{Committed: 10, New: 1})
	c.want("found all the same", c.take(fourth), ledger.Result{Committed: 10, New: 2})
}

// A loss takes its whole range of seqs: what claims a place in it later contradicts it.
func TestALossTakesItsExactRange(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.want("the beginning", c.take(c.batch(2, 0)), ledger.Result{Committed: 2, New: 2})
	before := c.head
	c.want("a loss of 3 to 6", c.take(c.batch(0, 6)), ledger.Result{Committed: 6, New: 1})
	c.want("what follows it", c.take(c.batch(1, 0)), ledger.Result{Committed: 7, New: 1})
	after := c.head
	c.head = before
	clone := c.batch(3, 0) // 3 to 5, which are lost
	c.want("a clone's receipts in the range", c.take(clone), ledger.Result{Committed: 5, New: 3, Conflict: true})
	c.head = after
	c.want("the device goes on", c.take(c.batch(1, 0)), ledger.Result{Committed: 8, New: 1})
}

// told is what a ledger tells others.
type told struct {
	key  ed25519.PublicKey
	lost [][2]uint64
	acks int
}

func (d *told) DeviceKey(context.Context, protocol.DeviceID) (ed25519.PublicKey, error) {
	return d.key, nil
}

func (d *told) Ack(protocol.DeviceID, []byte) { d.acks++ }

func (d *told) Resync(context.Context, protocol.DeviceID, uint64) error                      { return nil }
func (d *told) Whole(context.Context, protocol.DeviceID, protocol.Digest)                    {}
func (d *told) Gap(context.Context, protocol.DeviceID, protocol.Digest, uint64, uint64)      {}
func (d *told) Conflict(context.Context, protocol.DeviceID, protocol.Digest, uint64, uint64) {}
func (d *told) Lost(_ context.Context, _ protocol.DeviceID, _ protocol.Digest, first, last uint64) {
	d.lost = append(d.lost, [2]uint64{first, last})
}

// What a device itself says to have lost is shown to an operator, once.
func TestALossIsAnAlarmOnce(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	d := &told{key: c.key}
	l := ledger.New(c.store, d, c.signer, d, d, time.Now, func(protocol.DeviceID) {}, slog.New(slog.DiscardHandler))
	defer l.Close()
	beginning, loss := c.batch(2, 0), c.batch(0, 9)
	for _, b := range [][]byte{beginning, loss, loss} {
		must(t, l.Take(t.Context(), "loa", b))
	}
	if diff := cmp.Diff([][2]uint64{{3, 9}}, d.lost); diff != "" || d.acks != 3 {
		t.Errorf("%d acks, lost %s", d.acks, diff)
	}
}
