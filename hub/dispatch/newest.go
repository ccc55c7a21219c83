package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/loa-vn/loa/hub/plan"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// newestFor is how long a unit's newest plan is remembered: devices that come back
// together ask about the same few units. A command beside the running hub may
// publish too, and nobody tells of that.
const newestFor = time.Second

// newestPlans remembers units' newest plans for a moment. It is safe for
// concurrent use.
type newestPlans struct {
	store Store

	mu   sync.Mutex
	held map[protocol.UnitID]newestPlan
}

type newestPlan struct {
	plan  plan.Published
	err   error // nil or problem.ErrNotFound
	until time.Time
}

func newNewestPlans(store Store) *newestPlans {
	return &newestPlans{store: store, held: map[protocol.UnitID]newestPlan{}}
}

// newest returns a unit's newest plan; problem.ErrNotFound for none.
func (n *newestPlans) newest(ctx context.Context, unit protocol.UnitID) (plan.Published, error) {
	now := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	if p, ok := n.held[unit]; ok && now.Before(p.until) {
		return p.plan, p.err
	}
	p, err := n.store.NewestPlan(ctx, unit)
	if err == nil || errors.Is(err, problem.ErrNotFound) {
		n.held[unit] = newestPlan{p, err, now.Add(newestFor)}
	}
	return p, err
}

// drop forgets a unit's plan: there is a newer one.
func (n *newestPlans) drop(unit protocol.UnitID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.held, unit)
}
