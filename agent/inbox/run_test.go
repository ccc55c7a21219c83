package inbox

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// wire keeps what leaves.
type wire struct {
	mu   sync.Mutex
	sent map[string][][]byte
}

func (w *wire) Publish(_ context.Context, topic string, b []byte, _ byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent[topic] = append(w.sent[topic], b)
	return nil
}
func (w *wire) Resubscribe() {}

func (w *wire) asks(t *testing.T) []protocol.Ask {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var asks []protocol.Ask
	for _, b := range w.sent[deviceTopic(protocol.VerbAsk)] {
		a, err := protocol.Unmarshal[protocol.Ask](b, protocol.MaxControl)
		if err != nil {
			t.Fatal(err)
		}
		asks = append(asks, a)
	}
	return asks
}

func TestASessionBeginsWithAQuestionAndAHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		w := &wire{sent: map[string][][]byte{}}
		var mu sync.Mutex
		beats := 0
		d.cfg.Hub = w
		d.cfg.Heartbeat = func() { mu.Lock(); beats++; mu.Unlock() }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		d.Connected()
		synctest.Wait()
		if n := len(w.asks(t)); n != 0 {
			t.Errorf("%d questions at once: a fleet that comes back would ask in one moment", n)
		}
		time.Sleep(DefaultJitter)
		synctest.Wait()
		asks := w.asks(t)
		mu.Lock()
		if len(asks) != 1 || !asks[0].Resync || beats != 1 {
			t.Errorf("asked %+v, %d heartbeats", asks, beats)
		}
		mu.Unlock()
		// A slow playout loses nothing and holds up nothing.
		d.Handle(unitTopic(protocol.VerbPlan), d.w.PlanHead(t))
		d.Handle(unitTopic(protocol.VerbAlert), d.alarm(t, d.w.Alert(t)))
		synctest.Wait()
		var got []Update
		for len(find[Accepted](got)) < 2 {
			got = append(got, <-d.Updates()...)
		}
		w.mu.Lock()
		if len(w.sent[deviceTopic(protocol.VerbSeen)]) != 1 {
			t.Error("no verdict left")
		}
		w.mu.Unlock()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if n := len(w.asks(t)); n < 58 || n > 63 {
			t.Errorf("%d questions in two sure hours", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		d.Handle(unitTopic(protocol.VerbPlan), nil) // after the end: neither blocks nor panics
	})
}

// BenchmarkReconcile is what every message costs with a full plan held.
func BenchmarkReconcile(b *testing.B) {
	d := newDesk(b)
	c := d.w.Claim(b, protocoltest.Bulletin())
	for i := range protocol.MaxAirings {
		a := c.Airing
		a.ID = protocol.AiringID(fmt.Sprint("lp-", i))
		held, err := d.state.takeAiring(a, protocoltest.Zone, d.clock.Reading)
		if err != nil {
			b.Fatal(err)
		}
		if err := d.state.apply(store.Change{Airings: []store.HeldAiring{held}}); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		d.mu.Lock()
		d.reconcile(d.clock.Reading)
		d.mu.Unlock()
	}
}
