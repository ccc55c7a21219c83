package receipt_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/receipt"
	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

type line struct {
	*store.Store
	*receipt.Drain
	mu     sync.Mutex
	out    [][]byte
	broken error
}

// sent returns the batches that left so far.
func (l *line) sent() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.out)
}

func (l *line) send(_ context.Context, b []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = append(l.out, b)
	return l.broken
}

func (l *line) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = err
}

func newLine(t *testing.T) *line {
	t.Helper()
	dir := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(store.Config{
		Path: filepath.Join(dir, "agent.db"), Marker: filepath.Join(dir, "m"), Entropy: rand.Reader, Log: log, Now: protocoltest.At(0),
	})
	if err != nil {
		t.Fatal(err)
	}
	l := &line{Store: s}
	l.Drain = receipt.New(receipt.Config{
		Device: protocoltest.Speaker, Chain: s, Signer: protocoltest.Signer(t, string(protocoltest.Speaker)), Log: log,
		Send: func(ctx context.Context, b []byte) error { return l.send(ctx, b) },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, s.Check(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return l
}

func (l *line) write(t *testing.T, from, n int) {
	t.Helper()
	var rs []protocol.Receipt
	for i := range n {
		r := protocoltest.Receipt()
		r.Airing = protocol.AiringID(fmt.Sprint("lp-", from+i))
		rs = append(rs, r)
	}
	if err := l.Commit(store.Batch{At: protocoltest.At(0), Receipts: rs}); err != nil {
		t.Fatal(err)
	}
	l.Kick()
	synctest.Wait()
}

// read opens a batch as the hub does and returns its head and entries.
func read(t *testing.T, b []byte) (protocol.Head, []protocol.Entry) {
	t.Helper()
	if len(b) > protocol.MaxControl {
		t.Fatalf("batch of %d bytes", len(b))
	}
	batch, err := protocol.Unmarshal[protocol.Batch](b, protocol.MaxControl)
	if err != nil {
		t.Fatal(err)
	}
	key := envelope.One(protocoltest.Signer(t, string(protocoltest.Speaker)).Key())
	payload, _, err := envelope.Open(envelope.KindReceipt, batch.Head, protocol.MaxControl, key)
	if err != nil {
		t.Fatal(err)
	}
	head, err := protocol.Unmarshal[protocol.Head](payload, protocol.MaxControl)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := protocol.Link(head, batch.Entries)
	if err != nil {
		t.Fatal(err)
	}
	return head, entries
}

func (l *line) ack(t *testing.T, b []byte) {
	t.Helper()
	head, _ := read(t, b)
	if err := l.Ack(head.Chain, head.Seq, head.Hash); err != nil {
		t.Fatal(err)
	}
	l.Kick()
	synctest.Wait()
}

func TestBatchesGoOneByOneUntilAllIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t)
		l.write(t, 0, 300)
		sent, next := 0, uint64(1)
		for {
			synctest.Wait()
			if len(l.sent()) == sent {
				break
			}
			if len(l.sent()) != sent+1 && sent > 0 {
				t.Fatalf("%d batches under way", len(l.sent())-sent)
			}
			_, entries := read(t, l.sent()[len(l.sent())-1])
			if entries[0].Seq != next {
				t.Fatalf("batch begins at %d, not %d", entries[0].Seq, next)
			}
			next = entries[len(entries)-1].Last() + 1
			sent = len(l.sent())
			l.ack(t, l.sent()[sent-1])
		}
		if head, err := l.Head(); err != nil || head.Acked != 301 || head.Seq != 301 {
			t.Errorf("head %+v %v", head, err)
		}
	})
}

func TestABatchIsSentAgainUntilItIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t)
		synctest.Wait()
		if len(l.sent()) != 1 {
			t.Fatalf("%d batches for the genesis", len(l.sent()))
		}
		l.write(t, 0, 3)
		l.Kick()
		synctest.Wait()
		if len(l.sent()) != 1 {
			t.Errorf("%d batches while one is under way", len(l.sent()))
		}
		l.fail(errors.New("offline"))
		time.Sleep(time.Hour)
		if n := len(l.sent()); n < 10 || n > 40 {
			t.Errorf("%d batches in an hour without an answer", n)
		}
		l.fail(nil)
		before := len(l.sent())
		l.Connected()
		synctest.Wait()
		if len(l.sent()) != before+1 {
			t.Errorf("%d batches on a new connection", len(l.sent())-before)
		}
		_, entries := read(t, l.sent()[before])
		if len(entries) != 4 {
			t.Errorf("%d entries", len(entries))
		}
		l.ack(t, l.sent()[before])
		time.Sleep(time.Hour)
		if len(l.sent()) != before+1 {
			t.Error("sent after it was acknowledged")
		}
		// A hub that lost its own asks again.
		if err := l.Resend(2); err != nil {
			t.Fatal(err)
		}
		l.Kick()
		synctest.Wait()
		if _, entries := read(t, l.sent()[len(l.sent())-1]); len(l.sent()) != before+2 || entries[0].Seq != 2 {
			t.Errorf("asked again: %d batches, from %d", len(l.sent())-before, entries[0].Seq)
		}
	})
}
