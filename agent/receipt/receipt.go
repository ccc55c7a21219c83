// Package receipt brings the chain of receipts to the hub: signed batches, one
// under way at a time, each kept until the hub's signed acknowledgement came back
// with the hash of our own entry. It writes no receipts and opens no
// acknowledgements; a PUBACK means nothing to it.
package receipt

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// MaxBytes is how many bytes of entries one batch holds, so that with its signed
// head it fits into a control packet.
const MaxBytes = protocol.MaxControl - 2<<10

// Chain is where the entries are; *store.Store is one.
type Chain interface {
	Unacked(n, bytes int) ([][]byte, store.ChainHead, error)
}

// Config is what a drain needs.
type Config struct {
	Device protocol.DeviceID
	Chain  Chain
	// Signer signs with the device's key.
	Signer *envelope.Signer
	// Send publishes on d/{device}/receipt.
	Send func(ctx context.Context, batch []byte) error
	// First and Most bound the waits between two sendings of the same batch; 0
	// stands for 5 s and 5 min.
	First, Most time.Duration
	Log         *slog.Logger
}

// Drain sends what is not acknowledged.
type Drain struct {
	cfg   Config
	wake  chan struct{}
	again chan struct{}
}

// New returns a drain that sends nothing before Run.
func New(cfg Config) *Drain {
	if cfg.First == 0 {
		cfg.First = 5 * time.Second
	}
	if cfg.Most == 0 {
		cfg.Most = 5 * time.Minute
	}
	return &Drain{cfg: cfg, wake: make(chan struct{}, 1), again: make(chan struct{}, 1)}
}

// Kick says that receipts were written, acknowledged or asked for again. It
// returns at once.
func (d *Drain) Kick() { poke(d.wake) }

// Connected says that a new connection is up: what was under way on the one
// before is sent again. It returns at once.
func (d *Drain) Connected() { poke(d.again) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// flight is the batch under way: it began behind an acknowledged entry, and is
// sent again at an instant.
type flight struct {
	chain protocol.Digest
	acked uint64
	again time.Time
	tries int
}

// under says whether the batch that starts where the chain is acknowledged is
// under way, and needs no sending yet.
func (f flight) under(head store.ChainHead, now time.Time) bool {
	return f.tries > 0 && f.chain == head.Chain && f.acked == head.Acked && now.Before(f.again)
}

// next is the flight that a sending begins or goes on with.
func (f flight) next(head store.ChainHead, now time.Time, cfg Config) flight {
	if f.chain != head.Chain || f.acked != head.Acked {
		f.tries = 0
	}
	wait := min(cfg.Most, cfg.First<<min(f.tries, 16))
	return flight{chain: head.Chain, acked: head.Acked, tries: f.tries + 1, again: now.Add(wait - rand.N(wait/4+1))}
}

// Run sends until ctx ends.
func (d *Drain) Run(ctx context.Context) error {
	var f flight
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
		case <-d.again:
			f = flight{}
		case <-timer.C:
		}
		f = d.step(ctx, f, time.Now())
		if !f.again.IsZero() {
			timer.Reset(time.Until(f.again))
		}
	}
}

// step sends a batch if one is due; a zero flight stands for nothing to do.
func (d *Drain) step(ctx context.Context, f flight, now time.Time) flight {
	batch, head, err := d.batch()
	switch {
	case err != nil:
		d.cfg.Log.Error("receipts not read", "error", err)
		return flight{again: now.Add(d.cfg.Most)}
	case batch == nil:
		return flight{}
	case f.under(head, now):
		return f
	}
	if err := d.cfg.Send(ctx, batch); err != nil && ctx.Err() == nil {
		d.cfg.Log.Debug("receipts did not leave", "error", err)
	}
	return f.next(head, now, d.cfg)
}

// batch returns the next signed batch and the head that it leads to, nil if
// everything is acknowledged.
func (d *Drain) batch() ([]byte, store.ChainHead, error) {
	entries, head, err := d.cfg.Chain.Unacked(protocol.MaxBatch, MaxBytes)
	if err != nil || len(entries) == 0 {
		return nil, head, err
	}
	b, err := Seal(d.cfg.Signer, d.cfg.Device, head, entries)
	return b, head, err
}

// Seal signs the head that entries lead to and returns the encoded batch.
func Seal(signer *envelope.Signer, device protocol.DeviceID, at store.ChainHead, entries [][]byte) ([]byte, error) {
	payload, err := protocol.Marshal(protocol.Head{Device: device, Chain: at.Chain, Seq: at.Seq, Hash: at.Hash})
	if err != nil {
		return nil, fmt.Errorf("seal receipts: %w", err)
	}
	signed, err := signer.Seal(envelope.KindReceipt, payload)
	if err != nil {
		return nil, fmt.Errorf("seal receipts: %w", err)
	}
	b, err := protocol.Marshal(protocol.Batch{Head: signed, Entries: entries})
	if err != nil {
		return nil, fmt.Errorf("seal receipts: %w", err)
	}
	return b, nil
}
