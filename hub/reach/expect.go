package reach

import (
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// Aired is an airing as devices see it, with the units in whose plans it stands.
type Aired struct {
	protocol.Airing
	Units     []protocol.UnitID
	Withdrawn time.Time // zero if not
	// Signed is the airing's bulletin, which boards' pixels are compared with; nil if
	// it is not known, or not for boards.
	Signed *protocol.Bulletin
}

// Placed is a device with all its placements, oldest first.
type Placed struct {
	Device     protocol.DeviceID
	Placements []protocol.Placement
	Media      []protocol.Medium
}

// at returns the placement in force at t, nil for none.
func (p Placed) at(t time.Time) *protocol.Placement {
	var found *protocol.Placement
	for i := range p.Placements {
		if !p.Placements[i].From.Time().After(t) {
			found = &p.Placements[i]
		}
	}
	return found
}

// Expect lists the occurrences that devices owe an outcome for, with a start
// before to: every start since the later of the airing's publication and the
// device's placement under it, on each medium that airing and device share. What
// was withdrawn before its start, or replaced there before it, is not owed. beside
// are airings that replaced these, directly or not.
func Expect(airings, beside []Aired, devices []Placed, zone *time.Location, to time.Time) ([]Expected, error) {
	return expect(airings, beside, devices, zone, time.Time{}, to)
}

// expect is Expect without what was due by since.
func expect(airings, beside []Aired, devices []Placed, zone *time.Location, since, to time.Time) ([]Expected, error) {
	kin := kinshipOf(airings, beside)
	var out []Expected
	for _, a := range airings {
		starts, err := Starts(a.Airing, zone, to)
		if err != nil {
			return nil, err
		}
		for _, s := range starts {
			if !a.Withdrawn.IsZero() && !s.Before(a.Withdrawn) {
				continue
			}
			longest := max(a.LengthFor(protocol.MediumSound), a.LengthFor(protocol.MediumBoard))
			if !due(a.Airing, s, longest).After(since) {
				continue // and with it thousands of devices
			}
			for _, d := range devices {
				p := d.at(s)
				if p == nil || !a.reaches(p.Units()) || kin.replaced(a.ID, p.Units(), s) {
					continue
				}
				for _, m := range d.Media {
					if length := a.LengthFor(m); length > 0 && due(a.Airing, s, length).After(since) {
						out = append(out, Expected{Airing: a.ID, Device: d.Device, Medium: m, Start: s, Due: due(a.Airing, s, length)})
					}
				}
			}
		}
	}
	return out, nil
}

// reaches says whether an airing stands in the plan of one of the units.
func (a Aired) reaches(units []protocol.UnitID) bool {
	return slices.ContainsFunc(units, func(u protocol.UnitID) bool { return slices.Contains(a.Units, u) })
}

// kinship knows which airings took the places of which others.
type kinship struct {
	before map[protocol.AiringID]protocol.AiringID
	after  map[protocol.AiringID][]Aired
}

func kinshipOf(lists ...[]Aired) kinship {
	k := kinship{before: map[protocol.AiringID]protocol.AiringID{}, after: map[protocol.AiringID][]Aired{}}
	for _, list := range lists {
		for _, a := range list {
			if a.Replaces != "" && a.Replaces != a.ID {
				k.before[a.ID] = a.Replaces
				k.after[a.Replaces] = append(k.after[a.Replaces], a)
			}
		}
	}
	return k
}

// replaced says whether devices in these units had another airing in an airing's
// place by a start: it is owed by that one, if at all.
func (k kinship) replaced(id protocol.AiringID, units []protocol.UnitID, start time.Time) bool {
	return slices.ContainsFunc(k.after[id], func(b Aired) bool { return !start.Before(b.Published.Time()) && b.reaches(units) })
}

// answered says whether what an airing replaced, directly or not, has an answer for
// a start. Then the airing does not owe it (SCHEDULE.md, replacements).
func (k kinship) answered(e Expected, answers map[Key]Answer) bool {
	seen := []protocol.AiringID{e.Airing}
	for id := k.before[e.Airing]; id != "" && !slices.Contains(seen, id); id = k.before[id] {
		seen = append(seen, id)
		key := e.Key()
		key.Airing = id
		if _, ok := answers[key]; ok {
			return true
		}
	}
	return false
}

// Beside lists those of all airings that some replaced or were replaced by, directly
// or not, without these themselves.
func Beside(some []Aired, all map[protocol.AiringID]*Aired) []Aired {
	after := map[protocol.AiringID][]protocol.AiringID{}
	for id, a := range all {
		if a.Replaces != "" {
			after[a.Replaces] = append(after[a.Replaces], id)
		}
	}
	seen := map[protocol.AiringID]bool{"": true}
	for _, a := range some {
		seen[a.ID] = true
	}
	var out []Aired
	var walk func(id protocol.AiringID, next func(protocol.AiringID) []protocol.AiringID)
	walk = func(id protocol.AiringID, next func(protocol.AiringID) []protocol.AiringID) {
		for _, n := range next(id) {
			if a := all[n]; a != nil && !seen[n] {
				seen[n] = true
				out = append(out, *a)
				walk(n, next)
			}
		}
	}
	for _, a := range some {
		walk(a.ID, func(id protocol.AiringID) []protocol.AiringID { return after[id] })
		walk(a.ID, func(id protocol.AiringID) []protocol.AiringID {
			if all[id] == nil {
				return nil
			}
			return []protocol.AiringID{all[id].Replaces}
		})
	}
	return out
}

// due is the end of an occurrence's window.
func due(a protocol.Airing, start time.Time, length time.Duration) time.Time {
	if a.Class == protocol.ClassEmergency {
		return a.Until.Time().Add(length)
	}
	return start.Add(length + a.Lateness.Duration())
}

// Starts lists an airing's owed starts before to, in order.
func Starts(a protocol.Airing, zone *time.Location, to time.Time) ([]time.Time, error) {
	r, err := schedule.RecurrenceOf(a)
	if err != nil {
		return nil, err
	}
	from := a.Published.Time()
	if a.Class == protocol.ClassEmergency {
		from = time.Time{} // its one occurrence is owed whenever it was published
	}
	return slices.Collect(schedule.Expand(r, zone, from, to)), nil
}
