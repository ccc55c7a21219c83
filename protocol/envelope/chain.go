package envelope

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
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
	if !now.IsZero() && got > uint64(max(0, now.Add(maxAhead).UnixMilli())) {
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

// delegated is a delegation, the digest of its bytes, and what was signed.
type delegated struct {
	protocol.Delegation
	digest protocol.Digest
	signed []byte
}

// approverList is a list of approvers, the digest of its bytes, the registrar's key
// that signed it, and the ids of its people's keys.
type approverList struct {
	protocol.Approvers
	digest protocol.Digest
	by     protocol.KeyID
	keys   []protocol.KeyID
}

// Chain is what a device or an auditor holds to decide who may sign what. The
// zero value trusts nobody. It is not safe for concurrent changes.
type Chain struct {
	roots       protocol.Roots
	delegations map[protocol.KeyID]delegated
	newest      map[string]uint64 // the highest number of a role and its units
	approvers   map[protocol.UnitID]approverList
	memory      *Memory // nil: remembers nothing
}

// NewChainOf returns a chain that trusts a list of roots. It was believed from
// elsewhere; a number of 0 stands before all lists.
func NewChainOf(roots protocol.Roots) *Chain {
	return &Chain{
		roots:       roots,
		delegations: map[protocol.KeyID]delegated{},
		newest:      map[string]uint64{},
		approvers:   map[protocol.UnitID]approverList{},
	}
}

// Roots returns the list of roots in force.
func (c *Chain) Roots() protocol.Roots { return c.roots }

func (c *Chain) root(id protocol.KeyID) (protocol.Key, bool) {
	for _, k := range c.roots.Keys {
		if k.ID() == id {
			return k, true
		}
	}
	return protocol.Key{}, false
}

// known finds any key of the chain, whatever it may sign.
func (c *Chain) known(id protocol.KeyID) (protocol.Key, bool) {
	if k, ok := c.root(id); ok {
		return k, true
	}
	if d, ok := c.delegations[id]; ok {
		return d.Key, true
	}
	for _, list := range c.approvers {
		if i := slices.Index(list.keys, id); i >= 0 {
			return list.People[i].Key, true
		}
	}
	return protocol.Key{}, false
}

// openAs opens what a delegated key of a role signed.
func (c *Chain) openAs(role protocol.Role, kind Kind, b []byte, limit int) ([]byte, protocol.Key, error) {
	payload, key, err := Open(kind, b, limit, c.known)
	if err != nil {
		return nil, protocol.Key{}, err
	}
	if d, ok := c.delegations[key.ID()]; !ok || d.Role != role {
		return nil, protocol.Key{}, fmt.Errorf("%s signed by a key that is no %s's: %w", kind, role, ErrNotPermitted)
	}
	return payload, key, nil
}

// endorsed opens what the threshold of roots signed: an envelope of one root, or
// protocol.Endorsed. Signatures by others than roots count for nothing. Errors:
// those of Open; ErrNotPermitted for too few.
func (c *Chain) endorsed(kind Kind, b []byte) ([]byte, error) {
	var payload []byte
	var by []protocol.KeyID
	if bytes.HasPrefix(b, []byte(opening)) {
		opened, key, err := Open(kind, b, MaxDocument, c.known)
		if err != nil {
			return nil, err
		}
		if _, ok := c.root(key.ID()); !ok {
			return nil, fmt.Errorf("%s signed by no root: %w", kind, ErrNotPermitted)
		}
		payload, by = opened, []protocol.KeyID{key.ID()}
	} else {
		e, err := protocol.Unmarshal[protocol.Endorsed](b, MaxDocument)
		if err != nil {
			return nil, err
		}
		payload = e.Payload
		for _, sig := range e.Signatures {
			key, err := Check(kind, sig, payload, c.root)
			if errors.Is(err, ErrStranger) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if !slices.Contains(by, key.ID()) {
				by = append(by, key.ID())
			}
		}
		if len(by) == 0 {
			return nil, fmt.Errorf("%s signed by no root: %w", kind, ErrStranger)
		}
	}
	if uint64(len(by)) < c.roots.Threshold {
		return nil, fmt.Errorf("%s signed by %d roots of the %d needed: %w", kind, len(by), c.roots.Threshold, ErrNotPermitted)
	}
	return payload, nil
}

// AddRoots takes a newer list of roots, signed by the threshold of those that it
// replaces. Delegations that the new roots did not sign in sufficient number
// count no more; those that still have their threshold stay. Errors: those of
// Open; ErrNotPermitted, ErrOlder.
func (c *Chain) AddRoots(b []byte) (protocol.Roots, error) {
	if old, err := rootsIn(b); err == nil && old.Number <= c.roots.Number {
		return protocol.Roots{}, fmt.Errorf("roots %d, held %d: %w", old.Number, c.roots.Number, ErrOlder)
	}
	payload, err := c.endorsed(KindRoots, b)
	if err != nil {
		return protocol.Roots{}, err
	}
	r, err := protocol.Unmarshal[protocol.Roots](payload, MaxDocument)
	if err != nil {
		return protocol.Roots{}, err
	}
	c.roots = r
	for id, d := range c.delegations {
		if _, err := c.endorsed(KindDelegation, d.signed); err != nil {
			delete(c.delegations, id)
			c.newest[slotOf(d.Delegation)] = d.Number - 1 // signed anew, it counts again
		}
	}
	return r, nil
}

// rootsIn reads a list of roots whoever signed it.
func rootsIn(b []byte) (protocol.Roots, error) {
	e, err := protocol.Unmarshal[protocol.Endorsed](b, MaxDocument)
	if err != nil {
		return protocol.Roots{}, err
	}
	return protocol.Unmarshal[protocol.Roots](e.Payload, MaxDocument)
}

// AddDelegation takes a delegation signed by the threshold of roots. A newer one
// for the same key, or for the same role and units, takes the place of the older
// one, and what a replaced registrar signed counts no more. Errors: those of
// Open; ErrOlder.
func (c *Chain) AddDelegation(b []byte) (protocol.Delegation, error) {
	payload, err := c.endorsed(KindDelegation, b)
	if err != nil {
		return protocol.Delegation{}, err
	}
	d, err := protocol.Unmarshal[protocol.Delegation](payload, MaxDocument)
	if err != nil {
		return protocol.Delegation{}, err
	}
	id, digest, slot := d.Key.ID(), protocol.DigestOf(payload), slotOf(d)
	held, same := c.delegations[id]
	if same && held.digest == digest {
		return d, nil
	}
	if newest := max(held.Number, c.newest[slot]); d.Number <= newest {
		return protocol.Delegation{}, fmt.Errorf("delegation %d, held %d: %w", d.Number, newest, ErrOlder)
	}
	maps.DeleteFunc(c.delegations, func(_ protocol.KeyID, held delegated) bool { return slotOf(held.Delegation) == slot })
	c.newest[slot] = d.Number
	c.delegations[id] = delegated{Delegation: d, digest: digest, signed: b}
	return d, nil
}

// slotOf names what only one delegation at a time can stand for.
func slotOf(d protocol.Delegation) string {
	return fmt.Sprint(d.Role, d.Units)
}

// Delegations returns those in force, the oldest first.
func (c *Chain) Delegations() []protocol.Delegation {
	var all []protocol.Delegation
	for _, d := range c.delegations {
		all = append(all, d.Delegation)
	}
	slices.SortFunc(all, func(a, b protocol.Delegation) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Key.ID(), b.Key.ID()))
	})
	return all
}

// HasHub says whether a hub may speak for a unit on path, whatever the day.
func (c *Chain) HasHub(path []protocol.UnitID, unit protocol.UnitID) bool {
	for id, d := range c.delegations {
		if _, err := c.delegate(id, path, unit, time.Time{}); err == nil && d.Role == protocol.RoleHub {
			return true
		}
	}
	return false
}

// delegate returns the delegation of the registrar or hub that signed, if it
// covers a unit on path at an instant.
func (c *Chain) delegate(id protocol.KeyID, path []protocol.UnitID, unit protocol.UnitID, at time.Time) (protocol.Delegation, error) {
	d, ok := c.delegations[id]
	switch {
	case !ok:
		return protocol.Delegation{}, fmt.Errorf("%x's delegation was replaced: %w", string(id), ErrNotPermitted)
	case !Covers(d.Units, path, unit):
		return protocol.Delegation{}, fmt.Errorf("%s's delegation does not cover %s: %w", d.Role, unit, ErrNotPermitted)
	case !at.IsZero() && (at.Before(d.From.Time()) || !at.Before(d.Until.Time())):
		return protocol.Delegation{}, fmt.Errorf("%s's delegation: %w", d.Role, ErrExpired)
	}
	return d.Delegation, nil
}

// AddApprovers takes a unit's list of approvers, signed by a registrar that
// covers it on path and did so when it was issued. The same list again is no
// error. Errors: those of Open; ErrNotPermitted, ErrExpired, ErrOlder.
func (c *Chain) AddApprovers(b []byte, path []protocol.UnitID) (protocol.Approvers, error) {
	payload, key, err := c.openAs(protocol.RoleRegistrar, KindApprovers, b, MaxDocument)
	if err != nil {
		return protocol.Approvers{}, err
	}
	l, err := protocol.Unmarshal[protocol.Approvers](payload, MaxDocument)
	if err != nil {
		return protocol.Approvers{}, err
	}
	if _, err := c.delegate(key.ID(), path, l.Unit, l.Issued.Time()); err != nil {
		return protocol.Approvers{}, fmt.Errorf("approvers of %s: %w", l.Unit, err)
	}
	digest := protocol.DigestOf(payload)
	if held, ok := c.approvers[l.Unit]; ok && held.digest != digest && held.Number >= l.Number {
		return protocol.Approvers{}, fmt.Errorf("approvers %d, held %d: %w", l.Number, held.Number, ErrOlder)
	}
	list := approverList{Approvers: l, digest: digest, by: key.ID()}
	for _, p := range l.People {
		list.keys = append(list.keys, p.Key.ID())
	}
	c.approvers[l.Unit] = list
	return l, nil
}

// OpenPlacement opens a placement signed by a registrar that covers both the
// device's new unit and the one where it stands, so that nobody can take a
// device out of somebody else's subtree; the delegation must stand at the
// placement's From. current is nil for a first placement. Errors: those of Open;
// ErrNotPermitted, ErrExpired, ErrOlder.
func (c *Chain) OpenPlacement(b []byte, current *protocol.Placement, now time.Time) (protocol.Placement, error) {
	payload, key, err := c.openAs(protocol.RoleRegistrar, KindPlacement, b, MaxDocument)
	if err != nil {
		return protocol.Placement{}, err
	}
	p, err := protocol.Unmarshal[protocol.Placement](payload, MaxDocument)
	if err != nil {
		return protocol.Placement{}, err
	}
	if _, err := c.delegate(key.ID(), p.Path, p.Path[len(p.Path)-1], p.From.Time()); err != nil {
		return protocol.Placement{}, fmt.Errorf("placement of %s: %w", p.Device, err)
	}
	if current == nil {
		if err := Replay(0, p.Number, now); err != nil {
			return protocol.Placement{}, fmt.Errorf("placement of %s: %w", p.Device, err)
		}
		return p, nil
	}
	if p.Device != current.Device {
		return protocol.Placement{}, fmt.Errorf("placement of %s, not %s: %w", p.Device, current.Device, ErrNotPermitted)
	}
	if _, err := c.delegate(key.ID(), current.Path, current.Path[len(current.Path)-1], time.Time{}); err != nil {
		return protocol.Placement{}, fmt.Errorf("placement of %s out of its unit: %w", p.Device, err)
	}
	if err := Replay(current.Number, p.Number, now); err != nil {
		return protocol.Placement{}, fmt.Errorf("placement of %s: %w", p.Device, err)
	}
	return p, nil
}

// OpenPopulations opens the populations of a unit's villages, signed by a
// registrar whose delegation stands at their From. Errors: those of Open;
// ErrNotPermitted, ErrExpired.
func (c *Chain) OpenPopulations(b []byte, path []protocol.UnitID) (protocol.Populations, error) {
	payload, key, err := c.openAs(protocol.RoleRegistrar, KindPopulations, b, MaxDocument)
	if err != nil {
		return protocol.Populations{}, err
	}
	p, err := protocol.Unmarshal[protocol.Populations](payload, MaxDocument)
	if err != nil {
		return protocol.Populations{}, err
	}
	if _, err := c.delegate(key.ID(), path, p.Unit, p.From.Time()); err != nil {
		return protocol.Populations{}, fmt.Errorf("populations of %s: %w", p.Unit, err)
	}
	return p, nil
}

// OpenHub opens what the hub signs for a unit on path. A zero now leaves the
// dates of its delegation out. Errors: those of Open; ErrNotPermitted, ErrExpired.
func (c *Chain) OpenHub(kind Kind, b []byte, limit int, path []protocol.UnitID, unit protocol.UnitID, now time.Time) ([]byte, error) {
	payload, key, err := c.openAs(protocol.RoleHub, kind, b, limit)
	if err != nil {
		return nil, err
	}
	if _, err := c.delegate(key.ID(), path, unit, now); err != nil {
		return nil, fmt.Errorf("%s for %s: %w", kind, unit, err)
	}
	return payload, nil
}

// Entitled says whether the hub's key by which a document was opened may speak for a
// unit on path at an instant; zero leaves the dates out. Errors: ErrNotPermitted,
// ErrExpired.
func (c *Chain) Entitled(kind Kind, by protocol.KeyID, path []protocol.UnitID, unit protocol.UnitID, at time.Time) error {
	d, err := c.delegate(by, path, unit, at)
	if err == nil && d.Role != protocol.RoleHub {
		err = ErrNotPermitted
	}
	if err != nil {
		return fmt.Errorf("%s for %s: %w", kind, unit, err)
	}
	return nil
}

// right is one line of one list: a person's right to approve.
type right struct {
	protocol.Approver
	list approverList
}

// rights finds every right that the lists on path give to a key. A person may
// have several: their own, and dated ones as somebody's deputy.
func (c *Chain) rights(id protocol.KeyID, path []protocol.UnitID) []right {
	var found []right
	for _, u := range path {
		list := c.approvers[u]
		for i, p := range list.People {
			if list.keys[i] == id {
				found = append(found, right{Approver: p, list: list})
			}
		}
	}
	return found
}
