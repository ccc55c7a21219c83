package verify

import (
	"bytes"
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// keyring is what a device may have signed with.
type keyring struct {
	// signed are the keys of its placements, of which the first is valid from since;
	// zero if there is none.
	signed []protocol.Key
	since  time.Time
	// word are those that the hub says it had. They count until the registrar signs
	// one, and no longer: from then on a new key is nobody's until it is signed.
	word []protocol.Key
}

// at returns the keys that count for what came at an instant.
func (k keyring) at(received time.Time) []protocol.Key {
	if k.since.IsZero() || received.Before(k.since) {
		return slices.Concat(k.signed, k.word)
	}
	return k.signed
}

// keys returns the keys by which each device may have signed.
func (c *checker) keys() map[protocol.DeviceID]keyring {
	keys := map[protocol.DeviceID]keyring{}
	for _, d := range c.Devices {
		var k keyring
		for _, p := range c.placements[d.ID] {
			if p.Key == nil {
				continue
			}
			if from := p.From.Time(); len(k.signed) == 0 || from.Before(k.since) {
				k.since = from
			}
			k.signed = append(k.signed, *p.Key)
		}
		for _, public := range append(slices.Clone(d.Earlier), d.Public) {
			if public != nil {
				k.word = append(k.word, protocol.Key{Kind: protocol.KeyEd25519, Public: public})
			}
		}
		if len(k.signed) == 0 && d.Public != nil {
			c.byWord(d.ID)
		}
		keys[d.ID] = k
	}
	return keys
}

// rests notes whether what a device signed rests on the hub's word.
func (c *checker) rests(id protocol.DeviceID, k keyring, by protocol.Key) {
	if !slices.ContainsFunc(k.signed, func(s protocol.Key) bool { return bytes.Equal(s.Public, by.Public) }) {
		c.byWord(id)
	}
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
