// Package registry knows units, devices and villages: a tree with dates of
// validity, what stands where, and who is served by it. It decides which devices
// a target means and which path a device has on a day. It never talks to devices.
package registry

import (
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Kind is what a unit is.
type Kind string

// The kinds of units.
const (
	Province Kind = "province" // tỉnh, thành phố
	Commune  Kind = "commune"  // xã, phường, đặc khu
	Village  Kind = "village"  // thôn, tổ dân phố
)

// Unit is a unit of administration with its dates of validity.
type Unit struct {
	ID         protocol.UnitID
	Code       string // five digits for a commune; may change
	Name       string
	Kind       Kind
	Parent     protocol.UnitID // "" for the top
	ValidFrom  protocol.Date
	ValidUntil protocol.Date // the first day on which it is no longer valid; "" for none
	People     int           // of a village; 0 if not known
	Source     string        // of that figure
	Counted    protocol.Date // its day
}

// Valid says whether the unit is valid on a local day.
func (u Unit) Valid(on protocol.Date) bool {
	return u.ValidFrom <= on && (u.ValidUntil == "" || on < u.ValidUntil)
}

// ended says whether the unit is no more on a day.
func (u Unit) ended(on protocol.Date) bool { return u.ValidUntil != "" && u.ValidUntil <= on }

// Device is a place with a loudspeaker, a board or both.
type Device struct {
	ID       protocol.DeviceID
	Name     string
	Unit     protocol.UnitID
	Sound    bool
	Board    *protocol.Display
	Tags     []string
	Created  time.Time
	Enrolled time.Time // zero before
	Revoked  time.Time // zero if not
	Public   []byte    // its Ed25519 key once enrolled
	// Placement is the signed placement in force, decoded.
	Placement protocol.Placement
}

// Has says whether the device has a medium.
func (d Device) Has(m protocol.Medium) bool {
	return (m == protocol.MediumSound && d.Sound) || (m == protocol.MediumBoard && d.Board != nil)
}

// Tree is a snapshot of the units. The zero value is empty.
type Tree struct {
	units    map[protocol.UnitID]Unit
	children map[protocol.UnitID][]protocol.UnitID
}

// NewTree returns the tree of units.
func NewTree(units []Unit) Tree {
	t := Tree{units: map[protocol.UnitID]Unit{}, children: map[protocol.UnitID][]protocol.UnitID{}}
	for _, u := range units {
		t.units[u.ID] = u
		t.children[u.Parent] = append(t.children[u.Parent], u.ID)
	}
	for _, c := range t.children {
		slices.SortFunc(c, func(a, b protocol.UnitID) int {
			return strings.Compare(t.units[a].Code+t.units[a].Name, t.units[b].Code+t.units[b].Name)
		})
	}
	return t
}

// Unit returns a unit.
func (t Tree) Unit(id protocol.UnitID) (Unit, bool) {
	u, ok := t.units[id]
	return u, ok
}

// Path returns a unit's path from the top down to it, nil if it is unknown.
func (t Tree) Path(id protocol.UnitID) []protocol.UnitID {
	var path []protocol.UnitID
	for u, ok := t.units[id]; ok && len(path) <= 8; u, ok = t.units[u.Parent] {
		path = append(path, u.ID)
	}
	slices.Reverse(path)
	return path
}

// Below returns a unit and all below it, parents first.
func (t Tree) Below(id protocol.UnitID) []protocol.UnitID {
	if _, ok := t.units[id]; !ok {
		return nil
	}
	out := []protocol.UnitID{id}
	for i := 0; i < len(out); i++ {
		out = append(out, t.children[out[i]]...)
	}
	return out
}

// Contains says whether unit is top or below it.
func (t Tree) Contains(top, unit protocol.UnitID) bool { return slices.Contains(t.Path(unit), top) }

// Top returns the units without a parent.
func (t Tree) Top() []protocol.UnitID { return slices.Clone(t.children[""]) }

// Targets returns the devices in any of the units or below them that are not
// revoked, by their placement's path.
func Targets(devices []Device, units []protocol.UnitID) []Device {
	var out []Device
	for _, d := range devices {
		if d.Revoked.IsZero() && slices.ContainsFunc(d.Placement.Path, func(u protocol.UnitID) bool { return slices.Contains(units, u) }) {
			out = append(out, d)
		}
	}
	return out
}
