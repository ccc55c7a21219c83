package alert

import (
	"cmp"
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Village is a village in which nothing was proved to be played in the last two
// slots of any device that serves it, although nobody wanted it silent.
type Village struct {
	Unit    protocol.UnitID
	Devices int       // that serve it and owed both slots
	Since   time.Time // the earliest of those slots
}

// Villages finds the silent villages among what devices serve and what they made
// of their last occurrences. A device that has owed fewer than two slots says
// nothing about its villages.
func Villages(devices []Heard) []Village {
	found := map[protocol.UnitID]*Village{}
	heard := map[protocol.UnitID]bool{}
	for _, d := range devices {
		if len(d.Slots) < Slots {
			continue
		}
		last := d.Slots[:Slots]
		sounded := slices.ContainsFunc(last, func(s Slot) bool { return s.Played || meant(s.Reason) })
		since := slices.MinFunc(last, func(a, b Slot) int { return a.Due.Compare(b.Due) }).Due
		for _, unit := range d.Serves {
			if sounded {
				heard[unit] = true
				continue
			}
			v, there := found[unit]
			if !there {
				v = &Village{Unit: unit, Since: since}
				found[unit] = v
			}
			v.Devices++
			if since.Before(v.Since) {
				v.Since = since
			}
		}
	}
	list := []Village{}
	for unit, v := range found {
		if !heard[unit] {
			list = append(list, *v)
		}
	}
	slices.SortFunc(list, func(a, b Village) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Unit, b.Unit)) })
	return list
}

// SilentVillages returns what the last look has found.
func (s *Service) SilentVillages() []Village {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.villages)
}
