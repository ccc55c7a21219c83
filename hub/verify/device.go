package verify

import (
	"slices"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// keys returns the keys by which each device may have signed: those of its signed
// placements; for one that has none there, the hub's word.
func (c *checker) keys() map[protocol.DeviceID][]protocol.Key {
	keys := map[protocol.DeviceID][]protocol.Key{}
	for _, d := range c.Devices {
		for _, p := range c.placements[d.ID] {
			if p.Key != nil {
				keys[d.ID] = append(keys[d.ID], *p.Key)
			}
		}
		if len(keys[d.ID]) == 0 && d.Public != nil {
			keys[d.ID] = append(keys[d.ID], protocol.Key{Kind: protocol.KeyEd25519, Public: d.Public})
			c.byWord(d.ID)
		}
	}
	return keys
}

// media returns what a device has by its newest placement, else by the hub's word.
func (c *checker) media(d Device) []protocol.Medium {
	placements := c.placements[d.ID]
	for i := len(placements) - 1; i >= 0; i-- {
		if len(placements[i].Media) > 0 {
			return placements[i].Media
		}
	}
	c.byWord(d.ID)
	return d.Media
}

func (c *checker) byWord(id protocol.DeviceID) {
	if !slices.Contains(c.ByWord, id) {
		c.ByWord = append(c.ByWord, id)
	}
}

// count notes by which kind of key people approved.
func (c *checker) count(g envelope.Grant) {
	for _, k := range g.Keys {
		if k == protocol.KeyPasskey {
			c.Passkeys++
		} else {
			c.HubKeys++
		}
	}
}
