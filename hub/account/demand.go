package account

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// DemandStore keeps which roles need a second factor where. Each method is one
// transaction.
type DemandStore interface {
	// Demands returns them by unit.
	Demands(ctx context.Context) (map[protocol.UnitID][]Role, error)
	// SetDemand replaces those of a unit.
	SetDemand(ctx context.Context, unit protocol.UnitID, roles []Role, a audit.Act) error
}

// DemandSecond sets the roles that log in with a second factor only, in a unit and
// all below it. Who has none yet sets it up at the next log-in, before anything
// else. Error: problem.ErrInvalid.
func (s *Service) DemandSecond(ctx context.Context, unit protocol.UnitID, roles []Role, by protocol.PersonID) error {
	roles = slices.Compact(slices.Sorted(slices.Values(roles)))
	grants := make([]Grant, 0, len(roles)+1)
	for _, r := range roles {
		grants = append(grants, Grant{Unit: unit, Role: r})
	}
	if err := checkGrants(grants); err != nil {
		return err
	}
	if err := s.checkUnits(ctx, []Grant{{Unit: unit}}); err != nil {
		return err
	}
	after := map[string]string{}
	for _, r := range roles {
		after[string(r)] = "demanded"
	}
	return s.demands.SetDemand(ctx, unit, roles, audit.Act{At: time.Now(), By: by, Name: "second factor demanded", Subject: string(unit), Unit: unit, After: after})
}

// Demands returns the roles that a unit itself demands a second factor of, and
// those that it or a unit above does, or the settings of the hub.
func (s *Service) Demands(ctx context.Context, unit protocol.UnitID) (own, inForce []Role, err error) {
	all, err := s.demands.Demands(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("demands: %w", err)
	}
	tree, err := s.units.Tree(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("demands: %w", err)
	}
	path := tree.Path(unit)
	if path == nil {
		return nil, nil, problem.ErrNotFound
	}
	inForce = slices.Clone(s.demand)
	for _, u := range path {
		inForce = append(inForce, all[u]...)
	}
	return all[unit], slices.Compact(slices.Sorted(slices.Values(inForce))), nil
}

// demanded says whether one of a person's roles needs a second factor.
func (s *Service) demanded(ctx context.Context, p Person) (bool, error) {
	if slices.ContainsFunc(p.Grants, func(g Grant) bool { return slices.Contains(s.demand, g.Role) }) {
		return true, nil
	}
	if s.demands == nil {
		return false, nil
	}
	all, err := s.demands.Demands(ctx)
	if err != nil || len(all) == 0 {
		return false, err
	}
	tree, err := s.units.Tree(ctx)
	if err != nil {
		return false, fmt.Errorf("demands: %w", err)
	}
	return slices.ContainsFunc(p.Grants, func(g Grant) bool {
		return slices.ContainsFunc(tree.Path(g.Unit), func(u protocol.UnitID) bool { return slices.Contains(all[u], g.Role) })
	}), nil
}
