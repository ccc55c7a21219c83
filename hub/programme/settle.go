package programme

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// settle compares a programme's airings with what they should be: what is right
// stays, what is for the same bulletin is replaced, the rest is withdrawn or
// added. Items that are not approved yet are left out until they are.
func (d *Desk) settle(ctx context.Context, id RundownID) error {
	d.air.mu.Lock()
	defer d.air.mu.Unlock()
	now := d.air.now()
	r, err := d.store.Rundown(ctx, id) // it may have been changed since somebody asked
	if err != nil {
		return err
	}
	if r.Withdrawn.IsZero() && now.Before(r.Effective) {
		return nil
	}
	standing, err := d.store.Standing(ctx, r.ID, now)
	if err != nil {
		return err
	}
	wanted, err := d.wanted(ctx, r, now)
	if err != nil {
		return err
	}
	var add []Standing
	for i := range wanted {
		w := &wanted[i]
		at := slices.IndexFunc(standing, func(s Standing) bool {
			return s.Target == w.target && s.Airing.Bulletin == w.draft.request.Bulletin.ID && s.Airing.Statement == w.draft.request.Digest &&
				slices.Equal(s.Airing.Units, w.draft.wish.Units) && w.draft.timing.same(s.Airing.Wire)
		})
		if at >= 0 {
			standing, w.kept = slices.Delete(standing, at, at+1), true
		}
	}
	for _, w := range wanted {
		if w.kept || w.over {
			continue
		}
		t := *w.draft.timing
		// Whoever holds the old one must come to hold the new one.
		at := slices.IndexFunc(standing, func(s Standing) bool {
			return s.Target == w.target && s.Airing.Bulletin == w.draft.request.Bulletin.ID &&
				!slices.ContainsFunc(s.Airing.Units, func(u protocol.UnitID) bool { return !slices.Contains(w.draft.wish.Units, u) })
		})
		if at >= 0 {
			t.replaces = standing[at].Airing.Wire.ID
		}
		w.draft.timing = &t
		made, err := d.make(w.draft, now)
		if err != nil {
			return err
		}
		if made.First.Before(now) {
			continue // no start is left
		}
		if at >= 0 {
			// A device withdraws it by the replacement, which lets finish what has begun.
			standing = slices.Delete(standing, at, at+1)
		}
		add = append(add, Standing{Airing: made, Target: w.target})
	}
	var gone []protocol.AiringID
	units := map[protocol.UnitID]bool{}
	for _, s := range standing {
		gone = append(gone, s.Airing.Wire.ID)
		for _, u := range s.Airing.Units {
			units[u] = true
		}
	}
	for _, s := range add {
		for _, u := range s.Airing.Units {
			units[u] = true
		}
	}
	if len(units) == 0 {
		return nil
	}
	if err := d.store.Recast(ctx, r.ID, add, gone, now); err != nil {
		return fmt.Errorf("airings: %w", err)
	}
	return d.air.publisher.Publish(ctx, slices.Sorted(maps.Keys(units)))
}

// want is one item's airing for one target.
type want struct {
	target protocol.UnitID
	draft  draft
	kept   bool
	over   bool // its last start is past: one that stands may still be sounding
}

// wanted lists the airings that a programme should have now.
func (d *Desk) wanted(ctx context.Context, r Rundown, now time.Time) ([]want, error) {
	if !r.Withdrawn.IsZero() {
		return nil, nil
	}
	targets := map[protocol.UnitID][]protocol.UnitID{"": r.Units}
	if r.Group != "" {
		members, err := d.members(ctx, r, now)
		if err != nil {
			return nil, err
		}
		targets = map[protocol.UnitID][]protocol.UnitID{}
		for _, m := range members {
			targets[m] = []protocol.UnitID{m}
		}
	}
	tree, err := d.air.registry.Tree(ctx)
	if err != nil {
		return nil, err
	}
	parts, err := d.parts(ctx, tree, r)
	if err != nil {
		return nil, err
	}
	var out []want
	for i, t := range r.timings(parts) {
		q, err := d.library.ApprovedOf(ctx, r.Items[i].Bulletin)
		if errors.Is(err, problem.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, target := range slices.Sorted(maps.Keys(targets)) {
			units := slices.DeleteFunc(slices.Clone(targets[target]), func(u protocol.UnitID) bool {
				return !slices.ContainsFunc(tree.Path(u), func(p protocol.UnitID) bool { return slices.Contains(q.Statement.Units, p) })
			})
			bounded, last := t.within(q.Statement, d.air.zone)
			if len(units) == 0 || last.IsZero() {
				continue // outside of what was approved; the forecast says so
			}
			slices.Sort(units)
			out = append(out, want{target: target, over: last.Before(now), draft: draft{request: q, wish: bulletin.Wish{Units: units}, by: r.By, zone: d.air.zone, timing: &bounded}})
		}
	}
	return out, nil
}

// within leaves out the starts that a statement does not cover, by their dates, and
// returns the last one that it does; zero means that there is none.
func (t timing) within(s protocol.Statement, zone *time.Location) (timing, time.Time) {
	// From the first one on, so that the same dates are left out on every day.
	starts, err := t.slot.Starts(zone, time.Unix(0, 0), time.Time{})
	var last time.Time
	if err != nil {
		return t, last
	}
	t.slot.ExDates = slices.Clone(t.slot.ExDates)
	for _, at := range starts {
		day := protocol.DateOf(at.In(zone))
		if day >= s.FirstDay && day <= s.LastDay {
			last = at
			continue
		}
		if len(t.slot.ExDates) < maxDates {
			t.slot.ExDates = append(t.slot.ExDates, at.In(zone).Format(local))
		}
	}
	return t, last
}

// make builds an item's airing.
func (d *Desk) make(dr draft, now time.Time) (Airing, error) {
	id, err := protocol.NewID(now, rand.Reader)
	if err != nil {
		return Airing{}, err
	}
	encoded, err := dr.request.Approval()
	if err != nil {
		return Airing{}, fmt.Errorf("air: %w", err)
	}
	dr.id, dr.now = protocol.AiringID(id), now
	if dr.bulletin, err = d.air.documents.Document(dr.request.Bulletin.Bytes); err != nil {
		return Airing{}, fmt.Errorf("air: %w", err)
	}
	if dr.approval, err = d.air.documents.Document(encoded); err != nil {
		return Airing{}, fmt.Errorf("air: %w", err)
	}
	return dr.build()
}

// outsideDays says which starts of a programme an approval does not cover.
func outsideDays(q approval.Request, starts []time.Time, zone *time.Location) bool {
	return slices.ContainsFunc(starts, func(t time.Time) bool {
		day := protocol.DateOf(t.In(zone))
		return day < q.Statement.FirstDay || day > q.Statement.LastDay
	})
}
