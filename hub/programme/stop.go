package programme

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// stopLife is how long a stop is kept as a tombstone.
const stopLife = 8 * 24 * time.Hour

// Stop silences at once: everything in a unit and below (airing ""), or one
// airing. It returns the stops that were sent, one for each unit.
func (s *Service) Stop(ctx context.Context, a account.Actor, unit protocol.UnitID, airing protocol.AiringID) ([]protocol.Stop, error) {
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return nil, err
	}
	units, scope := []protocol.UnitID{unit}, protocol.ScopeUnit
	if airing != "" {
		air, err := s.Get(ctx, a, airing)
		if err != nil {
			return nil, err
		}
		units, scope = air.Units, protocol.ScopeAiring
	}
	for _, u := range units {
		if _, ok := tree.Unit(u); !ok || !a.May(account.Stop, tree.Path(u)) {
			return nil, problem.New(problem.ErrNotFound, "no-unit", "unit", "Không có đơn vị này trong quyền của anh/chị.", "There is no such unit of yours.")
		}
	}
	now := s.now()
	var stops []protocol.Stop
	var errs []error
	for _, u := range units {
		id, err := protocol.NewID(now, rand.Reader)
		if err != nil {
			return nil, err
		}
		stop := protocol.Stop{
			ID: protocol.StopID(id), Scope: scope, Unit: u, Airing: airing, By: a.Person,
			At: protocol.InstantOf(now), Expires: protocol.InstantOf(now.Add(stopLife)),
		}
		if err := s.store.Stop(ctx, stop); err != nil {
			return nil, fmt.Errorf("stop: %w", err)
		}
		stops = append(stops, stop)
		errs = append(errs, s.publisher.Alert(ctx, u, protocol.Alert{Version: protocol.Version, Stop: &stop}, stop.Expires.Time()))
	}
	return stops, errors.Join(append(errs, s.publisher.Publish(ctx, units))...)
}

// TakeBack airs anew, now, what a stop has silenced while it should have been
// sounding. It returns the new airings.
func (s *Service) TakeBack(ctx context.Context, a account.Actor, id protocol.StopID) ([]Airing, error) {
	stop, err := s.store.StopOrder(ctx, id)
	if errors.Is(err, problem.ErrNotFound) {
		return nil, noAiring()
	}
	if err != nil {
		return nil, fmt.Errorf("take back: %w", err)
	}
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return nil, err
	}
	if !a.May(account.Stop, tree.Path(stop.Unit)) {
		return nil, noAiring()
	}
	if err := s.store.TakeBack(ctx, id); err != nil {
		if errors.Is(err, problem.ErrConflict) {
			return nil, problem.New(problem.ErrConflict, "taken-back-already", "", "Lệnh dừng này đã được hoàn tác.", "This stop has been taken back already.").Because(err)
		}
		return nil, fmt.Errorf("take back: %w", err)
	}
	at := stop.At.Time()
	units := append(tree.Below(stop.Unit), tree.Path(stop.Unit)...)
	airings, err := s.store.Airings(ctx, units, at)
	if err != nil {
		return nil, fmt.Errorf("take back: %w", err)
	}
	var again []Airing
	var errs []error
	for _, air := range airings {
		if !air.Withdrawn.IsZero() || (stop.Airing != "" && stop.Airing != air.Wire.ID) || !s.soundedAt(air, at) {
			continue
		}
		r, err := s.requests.Request(ctx, air.Statement)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		w := *r.Bulletin.Wish
		w.Units, w.When, w.Start, w.Rule, w.ExDates, w.RDates = []protocol.UnitID{stop.Unit}, bulletin.Now, "", "", nil, nil
		if stop.Scope == protocol.ScopeAiring {
			w.Units = air.Units
		}
		made, err := s.air(ctx, r, w, a.Person, false)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		again = append(again, made)
	}
	return again, errors.Join(errs...)
}

// soundedAt says whether a start of the airing could have been sounding at t.
func (s *Service) soundedAt(a Airing, t time.Time) bool {
	r, err := schedule.RecurrenceOf(a.Wire)
	if err != nil {
		return false
	}
	back := max(a.Wire.SoundFor, a.Wire.BoardFor).Duration() + a.Wire.Lateness.Duration()
	if a.Wire.Class == protocol.ClassEmergency {
		back = a.Wire.Until.Time().Sub(a.First)
	}
	for range schedule.Expand(r, s.zone, t.Add(-back), t.Add(time.Millisecond)) {
		return true
	}
	return false
}
