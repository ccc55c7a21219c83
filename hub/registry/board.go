package registry

import (
	"slices"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// Misfit returns the size of a device's board as the device has it, if that is not the
// registry's: neither that of the whole board nor that of where bulletins stand. Nil if
// it is, or is not known.
func Misfit(d Device, h protocol.Heartbeat) *protocol.Display {
	if d.Board == nil || h.Board == nil || *h.Board == *d.Board || h.Whole != nil && *h.Whole == *d.Board {
		return nil
	}
	if h.Whole != nil {
		return h.Whole
	}
	return h.Board
}

// Sizes are the different sizes that a bulletin of a class, for a part of boards or for
// none, is laid out for on these devices, smallest first: what the devices themselves have,
// as far as they have said so and a page can be made for it, else what the registry has.
func Sizes(devices []Device, states map[protocol.DeviceID]State, class protocol.Class, zone string) []protocol.Display {
	var sizes []protocol.Display
	for _, d := range devices {
		if d.Board == nil {
			continue
		}
		size := *d.Board
		if said := said(states[d.ID].Heartbeat, class, zone); said != nil && drawable(*said) {
			size = *said
		}
		if !slices.Contains(sizes, size) {
			sizes = append(sizes, size)
		}
	}
	slices.SortFunc(sizes, func(a, b protocol.Display) int {
		return int(a.Width*a.Height) - int(b.Width*b.Height)
	})
	return sizes
}

// said is where a device shows such a bulletin, as its heartbeat has it; nil if it does not say.
func said(h protocol.Heartbeat, class protocol.Class, zone string) *protocol.Display {
	if class == protocol.ClassEmergency && h.Whole != nil {
		return h.Whole
	}
	if i := slices.IndexFunc(h.Zones, func(z protocol.ZoneSize) bool { return z.Name == zone }); zone != "" && i >= 0 {
		return &h.Zones[i].Size
	}
	return h.Board
}

func drawable(d protocol.Display) bool {
	return d.Width <= page.MaxWidth && d.Height <= page.MaxHeight && page.Board{Width: int(d.Width), Height: int(d.Height), Row: int(d.Row)}.Validate() == nil
}

// Layout returns the newest version of the layout that all these boards know.
func Layout(devices []Device, states map[protocol.DeviceID]State) uint64 {
	newest := uint64(page.Version)
	for _, d := range devices {
		if features := states[d.ID].Heartbeat.Features; d.Board != nil && len(features) > 0 {
			newest = min(newest, knows(features))
		}
	}
	return newest
}

// knows returns the newest version of the layout by what a device says of itself.
func knows(features []string) uint64 {
	switch {
	case slices.Contains(features, protocol.FeaturePage4):
		return 4
	case slices.Contains(features, protocol.FeaturePage3):
		return 3
	case slices.Contains(features, protocol.FeaturePage2):
		return 2
	}
	return 1
}
