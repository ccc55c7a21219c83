package inbox

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// stamped keeps when questions leave.
type stamped struct {
	mu sync.Mutex
	at []time.Time
}

func (s *stamped) Publish(_ context.Context, topic string, _ []byte, _ byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasSuffix(topic, string(protocol.VerbAsk)) {
		s.at = append(s.at, time.Now())
	}
	return nil
}
func (s *stamped) Resubscribe() {}

// The questions of thousands of sessions that begin together spread over the whole
// window: in each tenth of it there is about a tenth of them.
func TestQuestionsOfThousandsAreSpreadOverTheirWindow(t *testing.T) {
	const sessions, parts = 3000, 10
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		w := &stamped{}
		d.cfg.Hub = w
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		var counts [parts]int
		for i := range sessions {
			began := time.Now()
			d.Connected()
			time.Sleep(DefaultJitter)
			synctest.Wait()
			if len(w.at) != i+1 {
				t.Fatalf("session %d: %d questions in %s", i, len(w.at), DefaultJitter)
			}
			counts[w.at[i].Sub(began)*parts/DefaultJitter]++
		}
		// A tenth is 300, with a standard deviation of 16.
		for i, n := range counts {
			if n < 200 || n > 400 {
				t.Errorf("%d of %d questions in part %d of %d", n, sessions, i+1, parts)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
