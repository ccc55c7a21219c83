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
// was withdrawn before its start is not owed.
func Expect(airings []Aired, devices []Placed, zone *time.Location, to time.Time) ([]Expected, error) {
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
			for _, d := range devices {
				p := d.at(s)
				if p == nil || !slices.ContainsFunc(p.Units(), func(u protocol.UnitID) bool { return slices.Contains(a.Units, u) }) {
					continue
				}
				for _, m := range d.Media {
					if length := a.LengthFor(m); length > 0 {
						out = append(out, Expected{Airing: a.ID, Device: d.Device, Medium: m, Start: s, Due: due(a.Airing, s, length)})
					}
				}
			}
		}
	}
	return out, nil
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
