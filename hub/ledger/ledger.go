// Package ledger takes in what devices say of each occurrence: it checks every
// signature and link, keeps the signed bytes once, and acknowledges only what is
// committed. Two entries for one place in a chain are both kept and raised as an
// alarm. It decides what is believed; it never computes coverage.
package ledger

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// ErrNotMine: a batch whose head names another device than its sender.
var ErrNotMine = errors.New("receipts of another device")

// Batch is a batch that was checked: signed by the device's key, and linked.
type Batch struct {
	Head    protocol.Head
	Sealed  []byte // the signed head
	Encoded [][]byte
	Entries []protocol.Entry
	At      time.Time // received
}

// Open checks a batch that a device sent. Errors: those of envelope.Open and
// protocol.Unmarshal; ErrNotMine.
func Open(device protocol.DeviceID, key ed25519.PublicKey, payload []byte, at time.Time) (Batch, error) {
	raw, err := protocol.Unmarshal[protocol.Batch](payload, protocol.MaxControl)
	if err != nil {
		return Batch{}, err
	}
	signed, _, err := envelope.Open(envelope.KindReceipt, raw.Head, protocol.MaxControl,
		envelope.One(protocol.Key{Kind: protocol.KeyEd25519, Public: key}))
	if err != nil {
		return Batch{}, err
	}
	head, err := protocol.Unmarshal[protocol.Head](signed, protocol.MaxControl)
	if err != nil {
		return Batch{}, err
	}
	if head.Device != device {
		return Batch{}, fmt.Errorf("batch of %s from %s: %w", head.Device, device, ErrNotMine)
	}
	entries, err := protocol.Link(head, raw.Entries)
	if err != nil {
		return Batch{}, err
	}
	return Batch{Head: head, Sealed: raw.Head, Encoded: raw.Entries, Entries: entries, At: at}, nil
}

// Result is what became of a stored batch.
type Result struct {
	// Committed is the last seq up to which the chain is whole here, and its hash.
	Committed uint64
	Hash      protocol.Digest
	// Conflict is true if another entry stood in the place of one of these.
	Conflict bool
	// Gap is the first missing seq if entries before these are missing, else 0;
	// GapTo is the last of them.
	Gap, GapTo uint64
	New        int // entries that were not there before
}

// Store keeps entries. Each method is one transaction.
type Store interface {
	// SaveBatches keeps batches in order, in one transaction. An entry that is
	// there already is left alone; one with another hash is kept beside it.
	SaveBatches(ctx context.Context, batches []Batch) ([]Result, error)
}

// Registry knows devices' keys.
type Registry interface {
	// DeviceKey returns the enrolled key; problem.ErrNotFound for none.
	DeviceKey(ctx context.Context, id protocol.DeviceID) (ed25519.PublicKey, error)
}

// Replies go back to devices.
type Replies interface {
	Ack(device protocol.DeviceID, signed []byte)
	Resync(ctx context.Context, device protocol.DeviceID, seq uint64) error
}

// Alarms are told what an operator must look at. They return soon, and have
// nothing to fail with: what could not be kept is in the log.
type Alarms interface {
	// Conflict: entries first to last contradict others in their place.
	Conflict(ctx context.Context, device protocol.DeviceID, chain protocol.Digest, first, last uint64)
	// Gap: entries first to last are missing and were asked for.
	Gap(ctx context.Context, device protocol.DeviceID, chain protocol.Digest, first, last uint64)
	// Lost: the device itself says that receipts first to last are gone.
	Lost(ctx context.Context, device protocol.DeviceID, chain protocol.Digest, first, last uint64)
	// Whole: the chain has no gap that could still be filled.
	Whole(ctx context.Context, device protocol.DeviceID, chain protocol.Digest)
}

// maxGroup is how many batches share one transaction.
const maxGroup = 200

// Ledger takes batches in. Take may be called by many goroutines at once; what
// comes together is committed together.
type Ledger struct {
	store    Store
	registry Registry
	signer   *envelope.Signer
	replies  Replies
	alarms   Alarms
	now      func() time.Time
	log      *slog.Logger
	changed  func(protocol.DeviceID)
	queue    chan waiting
	done     chan struct{}
}

type waiting struct {
	batch Batch
	reply chan<- answer
}

type answer struct {
	result Result
	err    error
}

// New returns a running ledger; changed is told of devices with new receipts.
func New(store Store, reg Registry, signer *envelope.Signer, replies Replies, alarms Alarms, now func() time.Time, changed func(protocol.DeviceID), log *slog.Logger) *Ledger {
	l := &Ledger{
		store: store, registry: reg, signer: signer, replies: replies, alarms: alarms, now: now, log: log, changed: changed,
		queue: make(chan waiting), done: make(chan struct{}),
	}
	go l.commit()
	return l
}

// Close ends the ledger once nobody calls Take any more.
func (l *Ledger) Close() {
	close(l.queue)
	<-l.done
}

// commit stores what waits, as much as there is at a time.
func (l *Ledger) commit() {
	defer close(l.done)
	for first := range l.queue {
		group := []waiting{first}
	more:
		for len(group) < maxGroup {
			select {
			case w, ok := <-l.queue:
				if !ok {
					break more
				}
				group = append(group, w)
			default:
				break more
			}
		}
		batches := make([]Batch, len(group))
		for i, w := range group {
			batches[i] = w.batch
		}
		results, err := l.store.SaveBatches(context.Background(), batches)
		for i, w := range group {
			a := answer{err: err}
			if err == nil {
				a.result = results[i]
			}
			w.reply <- a
		}
	}
}

// Take checks a batch, keeps it and acknowledges what is whole. An error means
// that it is not kept and must come again; what the device did wrong is logged,
// never acknowledged, and no error, for it would come again in vain.
func (l *Ledger) Take(ctx context.Context, device protocol.DeviceID, payload []byte) error {
	key, err := l.registry.DeviceKey(ctx, device)
	if errors.Is(err, problem.ErrNotFound) {
		l.log.WarnContext(ctx, "receipts of a device without a key", "device", device)
		return nil
	}
	if err != nil {
		return fmt.Errorf("take receipts: %w", err)
	}
	b, err := Open(device, key, payload, l.now())
	if err != nil {
		l.log.WarnContext(ctx, "receipts refused", "device", device, "error", err)
		return nil
	}
	reply := make(chan answer, 1)
	select {
	case l.queue <- waiting{batch: b, reply: reply}:
	case <-ctx.Done():
		return fmt.Errorf("take receipts: %w", ctx.Err())
	}
	a := <-reply
	if a.err != nil {
		return fmt.Errorf("take receipts: %w", a.err)
	}
	return l.answer(ctx, b, a.result)
}

// answer acknowledges, asks for what is missing, and raises alarms.
func (l *Ledger) answer(ctx context.Context, b Batch, r Result) error {
	if r.Conflict {
		l.log.ErrorContext(ctx, "two receipts in one place of a chain: a cloned device?", "device", b.Head.Device, "chain", b.Head.Chain.String())
		l.alarms.Conflict(ctx, b.Head.Device, b.Head.Chain, b.Entries[0].Seq, b.Head.Seq)
	}
	for _, e := range b.Entries {
		if e.Loss != nil && r.New > 0 {
			l.log.WarnContext(ctx, "a device has lost receipts", "device", b.Head.Device, "seq", e.Seq, "through", e.Loss.Through, "reason", e.Loss.Reason)
			l.alarms.Lost(ctx, b.Head.Device, b.Head.Chain, e.Seq, e.Loss.Through)
		}
	}
	if r.Gap == 0 {
		l.alarms.Whole(ctx, b.Head.Device, b.Head.Chain)
	} else {
		l.log.WarnContext(ctx, "receipts are missing", "device", b.Head.Device, "seq", r.Gap)
		l.alarms.Gap(ctx, b.Head.Device, b.Head.Chain, r.Gap, r.GapTo)
		if err := l.replies.Resync(ctx, b.Head.Device, r.Gap); err != nil {
			return fmt.Errorf("ask for receipts: %w", err)
		}
	}
	if r.Committed > 0 {
		payload, err := protocol.Marshal(protocol.Head{Device: b.Head.Device, Chain: b.Head.Chain, Seq: r.Committed, Hash: r.Hash})
		if err != nil {
			return fmt.Errorf("acknowledge: %w", err)
		}
		signed, err := l.signer.Seal(envelope.KindAck, payload)
		if err != nil {
			return fmt.Errorf("acknowledge: %w", err)
		}
		l.replies.Ack(b.Head.Device, signed)
	}
	if r.New > 0 {
		l.changed(b.Head.Device)
	}
	return nil
}
