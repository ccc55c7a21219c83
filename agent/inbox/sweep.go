package inbox

import (
	"time"

	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// spareFor is how long what is over is still kept.
const spareFor = 48 * time.Hour

// vainFor is how long an airing that no plan names any more waits for an approval that
// does not come: a plan names what is over for as long.
const vainFor = 62 * 24 * time.Hour

// sweep decides what is over for good and may be forgotten. allowed returns the last
// day on which an airing may sound, "" if that is not known, and whether its approval
// holds. Only a sure clock sweeps.
func (s *state) sweep(now timesync.Reading, allowed func(protocol.Airing) (protocol.Date, bool)) store.Change {
	var c store.Change
	if !now.Sure {
		return c
	}
	before := protocol.InstantOf(now.Now.Add(-spareFor))
	used := map[protocol.Digest]bool{}
	kept := map[protocol.AiringID]bool{}
	named := map[store.AiringKey]bool{}
	for _, p := range s.plans {
		for _, id := range p.Airings {
			named[store.AiringKey{Airing: id, Unit: p.Unit}] = true
		}
	}
	for k, a := range s.airings {
		if !named[k] && s.over(a, before.Time(), allowed) {
			c.DropAirings = append(c.DropAirings, k)
			continue
		}
		kept[k.Airing] = true
		for _, doc := range documentsOf(a.Airing) {
			used[doc.Digest] = true
		}
	}
	for k, w := range s.withdrawals {
		if w.At < before && !kept[k.Airing] {
			c.DropWithdrawn = append(c.DropWithdrawn, k)
		}
	}
	for id, st := range s.stops {
		if st.Expires < before {
			c.DropStops = append(c.DropStops, id)
		}
	}
	for d, v := range s.verdicts {
		if v.Until < before {
			c.DropVerdicts = append(c.DropVerdicts, d)
		}
	}
	for d := range s.documents {
		if !used[d] {
			c.DropDocuments = append(c.DropDocuments, d)
		}
	}
	return c
}

// over says whether an airing was over at an instant: nothing of it could sound after
// that, so each start has its outcome. One without an approval that holds ends with its
// rule too, and if that has no end, is given up in time.
func (s *state) over(a store.HeldAiring, at time.Time, allowed func(protocol.Airing) (protocol.Date, bool)) bool {
	if a.Airing.Class == protocol.ClassEmergency {
		return a.Airing.Until.Time().Before(at)
	}
	at = at.Add(-a.Airing.Lateness.Duration() - protocol.MaxLength)
	last, approved := allowed(a.Airing)
	if past := last != "" && last < protocol.DateOf(at); past || approved {
		return past
	}
	loc, err := s.zone(a.Zone)
	if err != nil {
		return true // the schedule takes no such airing either
	}
	r, err := schedule.RecurrenceOf(a.Airing)
	if err != nil {
		return true
	}
	for range schedule.Expand(r, loc, at, time.Time{}) {
		return a.Arrived.Time().Add(vainFor).Before(at)
	}
	return true
}
