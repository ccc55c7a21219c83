package programme

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// stopLife is how long a stop is kept as a tombstone.
const stopLife = 8 * 24 * time.Hour

// Stop silences at once: everything in a unit and below (airing ""), or one
// airing. It returns the stops that were sent, one for each unit, also with an error
// about the others.
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
			return nil, problem.New(problem.ErrNotFound, "no-unit", "unit", "Không có đơn vị này trong quyền của anh/chị. Hãy chọn đơn vị khác.", "There is no such unit of yours. Choose another.")
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
			errs = append(errs, fmt.Errorf("stop in %s: %w", u, err))
			continue
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
			return nil, problem.New(problem.ErrConflict, "taken-back-already", "", "Lệnh dừng này đã được hoàn tác. Hãy tải lại trang.", "This stop has been taken back already. Load the page again.").Because(err)
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
		w.When, w.Start, w.Rule, w.ExDates, w.RDates = bulletin.Now, "", "", nil, nil
		w.Units = silenced(tree, air.Units, stop.Unit)
		if stop.Scope == protocol.ScopeAiring {
			w.Units = air.Units
		}
		if len(w.Units) == 0 {
			continue
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

// silenced are the units of an airing that a unit's stop has silenced, so that what
// is aired anew lies within the same approval.
func silenced(tree registry.Tree, of []protocol.UnitID, stopped protocol.UnitID) []protocol.UnitID {
	var out []protocol.UnitID
	for _, u := range of {
		switch {
		case slices.Contains(tree.Path(u), stopped):
			out = append(out, u)
		case slices.Contains(tree.Path(stopped), u) && !slices.Contains(out, stopped):
			out = append(out, stopped)
		}
	}
	return out
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
