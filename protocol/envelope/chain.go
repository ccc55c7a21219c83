package envelope

import (
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// MaxDocument is the length of the longest signed trust document, in bytes.
const MaxDocument = 256 << 10

// maxAhead is how far ahead of trusted time a version may be.
const maxAhead = 24 * time.Hour

// Replay decides whether a document with a number may replace the held one (0
// for none). Numbers of plans, placements and commands are at least the ms since
// 1970 of their making, so one over a day ahead of now is refused; a zero now
// stands for an unsure clock and leaves that out. Errors: ErrOlder,
// ErrNotPermitted. An equal number is ErrOlder too: callers compare bytes first.
func Replay(held, got uint64, now time.Time) error {
	if got <= held {
		return fmt.Errorf("number %d, held %d: %w", got, held, ErrOlder)
	}
	if !now.IsZero() && got > uint64(now.Add(maxAhead).UnixMilli()) {
		return fmt.Errorf("number %d is over a day ahead: %w", got, ErrNotPermitted)
	}
	return nil
}

// Covers says whether one of units is unit or stands above it on path, which
// lists the units from the top.
func Covers(units, path []protocol.UnitID, unit protocol.UnitID) bool {
	at := slices.Index(path, unit)
	if at < 0 {
		return false
	}
	return slices.ContainsFunc(path[:at+1], func(u protocol.UnitID) bool { return slices.Contains(units, u) })
}

// approverList is a list of approvers and the delegation under which it came.
type approverList struct {
	protocol.Approvers
	by protocol.Delegation
}

// Chain is what a device or an auditor holds to decide who may sign what. The
// zero value trusts nobody. It is not safe for concurrent changes.
type Chain struct {
	roots       []protocol.Key
	delegations map[protocol.KeyID]protocol.Delegation
	approvers   map[protocol.UnitID]approverList
}

// NewChain returns a chain that trusts these roots.
func NewChain(roots ...protocol.Key) *Chain {
	return &Chain{
		roots:       slices.Clone(roots),
		delegations: map[protocol.KeyID]protocol.Delegation{},
		approvers:   map[protocol.UnitID]approverList{},
	}
}

// Roots returns the roots' keys.
func (c *Chain) Roots() []protocol.Key { return slices.Clone(c.roots) }

func (c *Chain) root(id protocol.KeyID) (protocol.Key, bool) {
	for _, k := range c.roots {
		if k.ID() == id {
			return k, true
		}
	}
	return protocol.Key{}, false
}

// keysOf returns the keys that have a role.
func (c *Chain) keysOf(role protocol.Role) Keys {
	return func(id protocol.KeyID) (protocol.Key, bool) {
		d, ok := c.delegations[id]
		return d.Key, ok && d.Role == role
	}
}

// AddDelegation takes a delegation signed by a root. A newer one for the same
// role and units takes the place of the older one's key. Errors: those of Open;
// ErrOlder.
func (c *Chain) AddDelegation(b []byte) (protocol.Delegation, error) {
	payload, _, err := Open(KindDelegation, b, MaxDocument, c.root)
	if err != nil {
		return protocol.Delegation{}, err
	}
	d, err := protocol.Unmarshal[protocol.Delegation](payload, MaxDocument)
	if err != nil {
		return protocol.Delegation{}, err
	}
	for id, held := range c.delegations {
		if held.Role != d.Role || !slices.Equal(held.Units, d.Units) {
			continue
		}
		if held.Number > d.Number {
			return protocol.Delegation{}, fmt.Errorf("delegation %d, held %d: %w", d.Number, held.Number, ErrOlder)
		}
		delete(c.delegations, id)
	}
	c.delegations[d.Key.ID()] = d
	return d, nil
}

// delegate returns the delegation of the registrar or hub that signed, if it
// covers a unit on path at an instant.
func (c *Chain) delegate(key protocol.Key, path []protocol.UnitID, unit protocol.UnitID, at time.Time) (protocol.Delegation, error) {
	d := c.delegations[key.ID()]
	if !Covers(d.Units, path, unit) {
		return d, fmt.Errorf("%s's delegation does not cover %s: %w", d.Role, unit, ErrNotPermitted)
	}
	if !at.IsZero() && (at.Before(d.From.Time()) || !at.Before(d.Until.Time())) {
		return d, fmt.Errorf("%s's delegation: %w", d.Role, ErrExpired)
	}
	return d, nil
}

// AddApprovers takes a unit's list of approvers, signed by a registrar that
// covers it on path. Errors: those of Open; ErrNotPermitted, ErrExpired, ErrOlder.
func (c *Chain) AddApprovers(b []byte, path []protocol.UnitID) (protocol.Approvers, error) {
	payload, key, err := Open(KindApprovers, b, MaxDocument, c.keysOf(protocol.RoleRegistrar))
	if err != nil {
		return protocol.Approvers{}, err
	}
	l, err := protocol.Unmarshal[protocol.Approvers](payload, MaxDocument)
	if err != nil {
		return protocol.Approvers{}, err
	}
	d, err := c.delegate(key, path, l.Unit, l.Issued.Time())
	if err != nil {
		return protocol.Approvers{}, fmt.Errorf("approvers of %s: %w", l.Unit, err)
	}
	if held, ok := c.approvers[l.Unit]; ok && held.Number > l.Number {
		return protocol.Approvers{}, fmt.Errorf("approvers %d, held %d: %w", l.Number, held.Number, ErrOlder)
	}
	c.approvers[l.Unit] = approverList{Approvers: l, by: d}
	return l, nil
}

// OpenPlacement opens a placement signed by a registrar that covers both the
// device's new unit and the one where it stands, so that nobody can take a
// device out of somebody else's subtree. current is nil for a first placement.
// Errors: those of Open; ErrNotPermitted, ErrOlder.
func (c *Chain) OpenPlacement(b []byte, current *protocol.Placement, now time.Time) (protocol.Placement, error) {
	payload, key, err := Open(KindPlacement, b, MaxDocument, c.keysOf(protocol.RoleRegistrar))
	if err != nil {
		return protocol.Placement{}, err
	}
	p, err := protocol.Unmarshal[protocol.Placement](payload, MaxDocument)
	if err != nil {
		return protocol.Placement{}, err
	}
	if _, err := c.delegate(key, p.Path, p.Path[len(p.Path)-1], time.Time{}); err != nil {
		return protocol.Placement{}, fmt.Errorf("placement of %s: %w", p.Device, err)
	}
	if current == nil {
		return p, nil
	}
	if p.Device != current.Device {
		return protocol.Placement{}, fmt.Errorf("placement of %s, not %s: %w", p.Device, current.Device, ErrNotPermitted)
	}
	if _, err := c.delegate(key, current.Path, current.Path[len(current.Path)-1], time.Time{}); err != nil {
		return protocol.Placement{}, fmt.Errorf("placement of %s out of its unit: %w", p.Device, err)
	}
	return p, Replay(current.Number, p.Number, now)
}

// OpenPopulations opens the populations of a unit's villages. Errors: those of
// Open; ErrNotPermitted.
func (c *Chain) OpenPopulations(b []byte, path []protocol.UnitID) (protocol.Populations, error) {
	payload, key, err := Open(KindPopulations, b, MaxDocument, c.keysOf(protocol.RoleRegistrar))
	if err != nil {
		return protocol.Populations{}, err
	}
	p, err := protocol.Unmarshal[protocol.Populations](payload, MaxDocument)
	if err != nil {
		return protocol.Populations{}, err
	}
	if _, err := c.delegate(key, path, p.Unit, time.Time{}); err != nil {
		return protocol.Populations{}, fmt.Errorf("populations of %s: %w", p.Unit, err)
	}
	return p, nil
}

// OpenHub opens what the hub signs for a unit on path. A zero now leaves the
// dates of its delegation out. Errors: those of Open; ErrNotPermitted, ErrExpired.
func (c *Chain) OpenHub(kind Kind, b []byte, limit int, path []protocol.UnitID, unit protocol.UnitID, now time.Time) ([]byte, error) {
	payload, key, err := Open(kind, b, limit, c.keysOf(protocol.RoleHub))
	if err != nil {
		return nil, err
	}
	if _, err := c.delegate(key, path, unit, now); err != nil {
		return nil, fmt.Errorf("%s for %s: %w", kind, unit, err)
	}
	return payload, nil
}

// approver finds the person on path's lists whose key has this id.
func (c *Chain) approver(id protocol.KeyID, path []protocol.UnitID) (protocol.Approver, approverList, bool) {
	for _, u := range path {
		list, ok := c.approvers[u]
		if !ok {
			continue
		}
		for _, p := range list.People {
			if p.Key.ID() == id {
				return p, list, true
			}
		}
	}
	return protocol.Approver{}, approverList{}, false
}
