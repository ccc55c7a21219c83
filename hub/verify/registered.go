package verify

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// placed opens every placement, oldest first, and learns units' paths from them.
func (c *checker) placed() {
	type signed struct {
		placement protocol.Placement
		bytes     []byte
	}
	var all []signed
	for _, d := range c.Trust {
		if d.Kind != envelope.KindPlacement {
			continue
		}
		p, err := c.placement(d.Bytes, nil)
		if err != nil {
			c.problem("placement %s: %v", short(protocol.DigestOf(d.Bytes)), err)
			continue
		}
		all = append(all, signed{p, d.Bytes})
	}
	slices.SortFunc(all, func(a, b signed) int {
		return cmp.Or(cmp.Compare(a.placement.Device, b.placement.Device), cmp.Compare(a.placement.Number, b.placement.Number))
	})
	for _, s := range all {
		p := s.placement
		if held := c.placements[p.Device]; len(held) > 0 {
			if _, err := c.placement(s.bytes, &held[len(held)-1]); err != nil {
				c.problem("placement %d of %s: %v", p.Number, p.Device, err)
				continue
			}
		}
		c.placements[p.Device] = append(c.placements[p.Device], p)
		for i, u := range p.Path {
			c.paths[u] = p.Path[:i+1]
		}
	}
}

func (c *checker) placement(b []byte, current *protocol.Placement) (protocol.Placement, error) {
	var p protocol.Placement
	err := c.during(0, func(chain *envelope.Chain) (protocol.Instant, error) {
		var err error
		p, err = chain.OpenPlacement(b, current, time.Time{})
		return protocol.Instant(p.Number), err
	})
	return p, err
}

// approvers opens every list of approvers, the oldest first.
func (c *checker) approvers() {
	for _, d := range c.Trust {
		if d.Kind != envelope.KindApprovers {
			continue
		}
		l, err := claimed[protocol.Approvers](d.Bytes)
		if err == nil {
			err = c.signedFor(l.Unit, l.Issued, func(chain *envelope.Chain, path []protocol.UnitID) error {
				_, err := chain.AddApprovers(d.Bytes, path)
				return err
			})
		}
		switch {
		case err == nil:
			c.lists = append(c.lists, list{from: l.Issued, unit: l.Unit, bytes: d.Bytes})
		case !errors.Is(err, errElsewhere):
			c.problem("list of approvers %s: %v", short(protocol.DigestOf(d.Bytes)), err)
		}
	}
	slices.SortStableFunc(c.lists, func(a, b list) int { return cmp.Compare(a.from, b.from) })
}

// populations opens every count of people.
func (c *checker) populations() {
	for _, d := range c.Trust {
		if d.Kind != envelope.KindPopulations {
			continue
		}
		p, err := claimed[protocol.Populations](d.Bytes)
		if err == nil {
			err = c.signedFor(p.Unit, p.From, func(chain *envelope.Chain, path []protocol.UnitID) error {
				_, err := chain.OpenPopulations(d.Bytes, path)
				return err
			})
		}
		switch {
		case err == nil:
			c.counts = append(c.counts, p)
		case !errors.Is(err, errElsewhere):
			c.problem("populations %s: %v", short(protocol.DigestOf(d.Bytes)), err)
		}
	}
}

// claimed reads what a document says, whoever signed it.
func claimed[T any, M interface {
	*T
	Validate() error
}](b []byte) (T, error) {
	payload, err := envelope.Unverified(b)
	if err != nil {
		return *new(T), err
	}
	return protocol.Unmarshal[T, M](payload, envelope.MaxDocument)
}

// errElsewhere: no device ever stood there, so it is not known who may sign.
var errElsewhere = errors.New("of a unit without devices")

// signedFor opens what a registrar signed for a unit, by a chain of its own that is as
// it was at an instant: the newest would refuse older ones. Errors: errElsewhere, those
// of open.
func (c *checker) signedFor(unit protocol.UnitID, at protocol.Instant, open func(*envelope.Chain, []protocol.UnitID) error) error {
	path, known := c.paths[unit]
	err := c.during(0, func(chain *envelope.Chain) (protocol.Instant, error) { return at, open(chain, path) })
	if !known && errors.Is(err, envelope.ErrNotPermitted) {
		return errElsewhere
	}
	return err
}

// people says how many live in which village at an instant.
func (c *checker) people(at time.Time) map[protocol.UnitID]counted {
	out := map[protocol.UnitID]counted{}
	for _, p := range registry.Newest(c.counts, at) {
		for _, v := range p.Villages {
			out[v.Village] = counted{v.People, p.Unit}
		}
	}
	return out
}

// villages lists those that some airings are for, with their people at an instant.
func (c *checker) villages(aired []reach.Aired, at time.Time) []reach.Village {
	var out []reach.Village
	people := c.people(at)
	for _, v := range slices.Sorted(maps.Keys(people)) {
		p, unit := people[v], v
		if _, known := c.paths[v]; !known { // no device stands in it, yet it counts
			unit = p.by
		}
		if c.reaches(aired, unit) {
			out = append(out, reach.Village{ID: v, People: p.people})
		}
	}
	return out
}

// reaches says whether one of some airings is for a unit or one above it.
func (c *checker) reaches(aired []reach.Aired, unit protocol.UnitID) bool {
	return slices.ContainsFunc(aired, func(a reach.Aired) bool {
		return slices.ContainsFunc(c.paths[unit], func(u protocol.UnitID) bool { return slices.Contains(a.Units, u) })
	})
}
