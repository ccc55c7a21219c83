package verify

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// The people of a bulletin are those of its own commune, with or without devices in
// their village, by the last count that a unit signed of them.
func TestPeopleAreCountedWhereABulletinIsAired(t *testing.T) {
	const other = "xa-khac"
	w := protocoltest.NewWorld(t)
	delegation := protocoltest.Delegation(protocol.RoleRegistrar, w.Registrar.Key())
	delegation.Units = []protocol.UnitID{protocoltest.Commune, other, "xa-moi"}
	elsewhere := protocoltest.Placement("loa-khac", "thon-khac")
	elsewhere.Path[0] = other
	counts := func(unit protocol.UnitID, since time.Duration, people map[protocol.UnitID]uint64) Document {
		p := protocol.Populations{Version: protocol.Version, Unit: unit, Number: protocoltest.Number(since), From: protocoltest.At(since)}
		for v, n := range people {
			p.Villages = append(p.Villages, protocol.Population{Village: v, People: n, Source: "Công an xã", On: "2026-07-01"})
		}
		slices.SortFunc(p.Villages, func(a, b protocol.Population) int { return strings.Compare(string(a.Village), string(b.Village)) })
		return Document{envelope.KindPopulations, protocoltest.Seal(t, w.Registrar, envelope.KindPopulations, p)}
	}
	c := checker{
		Material: Material{
			Roots: protocoltest.Roots(1, w.Root.Key()), Now: protocoltest.Now(),
			Trust: []Document{
				{envelope.KindDelegation, protocoltest.Seal(t, w.Root, envelope.KindDelegation, delegation)},
				{envelope.KindPlacement, w.Placements[protocoltest.Speaker]},
				{envelope.KindPlacement, protocoltest.Seal(t, w.Registrar, envelope.KindPlacement, elsewhere)},
				counts(protocoltest.Commune, -9*time.Hour, map[protocol.UnitID]uint64{protocoltest.Dong: 1, "dissolved": 4}),
				counts(protocoltest.Commune, -8*time.Hour, map[protocol.UnitID]uint64{protocoltest.Dong: 32, protocoltest.Doai: 64, "moved": 2}),
				counts(other, -7*time.Hour, map[protocol.UnitID]uint64{"thon-khac": 8, "moved": 16}),
				counts(protocoltest.Commune, time.Hour, map[protocol.UnitID]uint64{protocoltest.Dong: 128}),
				counts("xa-moi", -6*time.Hour, map[protocol.UnitID]uint64{"thon-moi": 256}), // no device there yet
			},
		},
		paths: map[protocol.UnitID][]protocol.UnitID{}, placements: map[protocol.DeviceID][]protocol.Placement{},
	}
	c.delegations()
	c.placed()
	c.populations()
	if len(c.Problems) > 0 {
		t.Fatalf("problems %q", c.Problems)
	}
	people := func(unit protocol.UnitID, at time.Time) (n uint64) {
		for _, v := range c.villages([]reach.Aired{{Units: []protocol.UnitID{unit}}}, at) {
			n += v.People
		}
		return n
	}
	for unit, want := range map[protocol.UnitID]uint64{protocoltest.Commune: 96, other: 24, protocoltest.Dong: 32} {
		if got := people(unit, protocoltest.Now()); got != want {
			t.Errorf("%s: %d people, want %d", unit, got, want)
		}
	}
	// What was aired before a count is measured by the one that stood then.
	for since, want := range map[time.Duration]uint64{-10 * time.Hour: 1, -9 * time.Hour: 1, -8 * time.Hour: 32, time.Hour: 128} {
		if got := people(protocoltest.Dong, protocoltest.Now().Add(since)); got != want {
			t.Errorf("%s from now: %d people, want %d", since, got, want)
		}
	}
}
