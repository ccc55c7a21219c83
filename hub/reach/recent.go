package reach

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// settle is how long after a window's end a receipt may still be under way.
const settle = 10 * time.Minute

// Recent lists what each device owed and what became of it, for windows that
// ended since an instant, newest first.
func (s *Service) Recent(ctx context.Context, since time.Time) (map[protocol.DeviceID][]Line, error) {
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return nil, err
	}
	var units []protocol.UnitID
	for _, top := range tree.Top() {
		units = append(units, tree.Below(top)...)
	}
	airings, err := s.airings.Airings(ctx, units, since)
	if err != nil {
		return nil, fmt.Errorf("recent: %w", err)
	}
	_, in, err := s.gather(ctx, airings, since)
	if err != nil {
		return nil, fmt.Errorf("recent: %w", err)
	}
	now := in.Now
	lines := Compute(in).Lines
	out := map[protocol.DeviceID][]Line{}
	for _, l := range slices.Backward(lines) {
		if l.Due.After(since) && l.Due.Before(now.Add(-settle)) {
			out[l.Device] = append(out[l.Device], l)
		}
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b Line) int { return b.Due.Compare(a.Due) })
	}
	return out, nil
}

// Played says whether a line proves that the whole was played or shown.
func (l Line) Played() bool { return l.Answer != nil && played(l.Medium, *l.Answer) }
