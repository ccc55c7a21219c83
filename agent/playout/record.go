package playout

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// saved is what the store keeps of a medium under one key: an occurrence, an
// airing (start 0), or a stop (start 0, under an id of its own).
type saved struct {
	Occurrence *schedule.Record     `json:"o,omitempty"`
	Tally      *tally               `json:"t,omitempty"`
	Airing     *savedAiring         `json:"a,omitempty"`
	Stop       *schedule.StopRecord `json:"s,omitempty"`
	// From: nothing that started before it is owed any more.
	From *time.Time `json:"m,omitempty"`
	// Since is since when the device stands in each unit of its placement.
	Since map[protocol.UnitID]time.Time `json:"u,omitempty"`

	wire protocol.Airing // Airing's, once it is read
}

// Keys of the records that hold From and Since.
const (
	fromID  protocol.AiringID = "machine"
	sinceID protocol.AiringID = "placed"
)

type savedAiring struct {
	Wire      []byte    `json:"w"` // encoded protocol.Airing
	Arrives   time.Time `json:"r"`
	Accepted  bool      `json:"c"`
	Withdrawn time.Time `json:"x"`
}

// tally is what outputs have proved of an occurrence so far.
type tally struct {
	Frames uint64            `json:"f,omitempty"`
	Whole  bool              `json:"w,omitempty"`
	Proof  protocol.Proof    `json:"p,omitempty"`
	Voice  protocol.Voice    `json:"v,omitempty"`
	Volume int               `json:"l,omitempty"`
	Heard  *protocol.Heard   `json:"h,omitempty"`
	Pixels []protocol.Digest `json:"x,omitempty"`
	// Keyed is when somebody at the board ended it.
	Keyed protocol.Instant `json:"k,omitempty"`
	// Unsaid is how often it was begun without a last word of the output, which may
	// still come, or was lost with the power. Then no frames are no proof of silence.
	Unsaid int `json:"u,omitempty"`
	// Owed: the occurrence is final, and its receipt is still to be written.
	Owed bool `json:"o,omitempty"`
}

func (s saved) at(m protocol.Medium, airing protocol.AiringID, start time.Time) (store.Occurrence, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return store.Occurrence{}, fmt.Errorf("record of %s: %w", airing, err)
	}
	o := store.Occurrence{Medium: m, Airing: airing, Data: data}
	if !start.IsZero() {
		o.Start = protocol.InstantOf(start)
	}
	return o, nil
}

// stopID is the key of a stop's record: one for each thing that it says.
func stopID(s schedule.StopRecord) protocol.AiringID {
	d := protocol.DigestOf(fmt.Appendf(nil, "%d %s %s %d %d", s.Kind, s.Airing, s.Unit, s.Start.UnixMilli(), s.At.UnixMilli()))
	return protocol.AiringID("stop-" + hex.EncodeToString(d[:16]))
}

// occ names an occurrence; unlike schedule.Key it can be compared.
type occ struct {
	airing protocol.AiringID
	start  int64 // ms
}

// prove takes an output's last word on one job. What a whole play proves counts, whatever
// was proved of one that was cut before: it may have been seen better. A play that went
// on from where it was cut is proved as far as both its parts are.
func (t *tally) prove(e Event, resumed bool) {
	switch {
	case e.Whole && !t.Whole && resumed && t.Proof != 0:
		t.Proof = min(t.Proof, e.Proof)
	case e.Whole && !t.Whole:
		t.Proof = e.Proof
	case e.Whole || !t.Whole:
		t.Proof = max(t.Proof, e.Proof)
	}
	t.Whole = t.Whole || e.Whole
	t.Unsaid--
}

// compare orders occurrences by start, then airing.
func (o occ) compare(other occ) int {
	return cmp.Or(cmp.Compare(o.start, other.start), cmp.Compare(o.airing, other.airing))
}

func occOf(k schedule.Key) occ { return occ{k.Airing, k.Start.UnixMilli()} }

// memory is what a loop took up from the store.
type memory struct {
	kept    schedule.Kept
	wires   map[protocol.AiringID]*known
	tallies map[occ]*tally
	owed    []schedule.Final
	from    time.Time // nothing that started before it is owed any more
	since   map[protocol.UnitID]time.Time
}

// remember replaces the record of an occurrence.
func (mem *memory) remember(r schedule.Record) {
	if old := mem.record(occOf(r.Key)); old != nil {
		*old = r
		return
	}
	mem.kept.Records = append(mem.kept.Records, r)
}

// record returns the record of an occurrence, nil if there is none.
func (mem *memory) record(key occ) *schedule.Record {
	for i := range mem.kept.Records {
		if occOf(mem.kept.Records[i].Key) == key {
			return &mem.kept.Records[i]
		}
	}
	return nil
}

func (mem *memory) airing(a schedule.AiringRecord) {
	for i := range mem.kept.Airings {
		if mem.kept.Airings[i].Airing.ID == a.Airing.ID {
			mem.kept.Airings[i] = a
			return
		}
	}
	mem.kept.Airings = append(mem.kept.Airings, a)
}

func (mem *memory) stop(s schedule.StopRecord) {
	for i, k := range mem.kept.Stops {
		if k.Kind == s.Kind && k.Airing == s.Airing && k.Unit == s.Unit && k.Start.Equal(s.Start) && k.At.Equal(s.At) {
			mem.kept.Stops[i] = s
			return
		}
	}
	mem.kept.Stops = append(mem.kept.Stops, s)
}

// playsOn counts, over the airings that match, the other occurrences of one's
// local date: those played, and those begun that may still be.
func (mem *memory) playsOn(key schedule.Key, zone *time.Location, match func(*schedule.Airing) bool) (played, underWay int) {
	day := protocol.DateOf(key.Start.In(zone))
	for _, r := range mem.kept.Records {
		k := mem.wires[r.Airing]
		if k == nil || occOf(r.Key) == occOf(key) || protocol.DateOf(r.Start.In(zone)) != day || !match(k.airing) {
			continue
		}
		switch {
		case r.State == schedule.StateOn || r.State == schedule.StateSuspended:
			underWay++
		case r.State == schedule.StateFinal && r.Outcome == protocol.OutcomePlayed:
			played++
		}
	}
	return played, underWay
}

// forget drops what the machine has let go of and returns what to delete: of airings
// under the medium that keeps says, the rest under own.
func (mem *memory) forget(f schedule.Forgotten, keeps func(protocol.AiringID) protocol.Medium, own protocol.Medium) store.Batch {
	var b store.Batch
	gone := map[occ]bool{}
	for _, k := range f.Records {
		gone[occOf(k)] = true
		b.Forget = append(b.Forget, store.Occurrence{Medium: keeps(k.Airing), Airing: k.Airing, Start: protocol.InstantOf(k.Start)})
	}
	for _, id := range f.Airings {
		b.Forget = append(b.Forget, store.Occurrence{Medium: keeps(id), Airing: id})
		delete(mem.wires, id)
	}
	stops := map[protocol.AiringID]bool{}
	for _, s := range f.Stops {
		stops[stopID(s)] = true
		b.Forget = append(b.Forget, store.Occurrence{Medium: own, Airing: stopID(s)})
	}
	mem.kept.Records = slices.DeleteFunc(mem.kept.Records, func(r schedule.Record) bool { return gone[occOf(r.Key)] })
	mem.kept.Airings = slices.DeleteFunc(mem.kept.Airings, func(a schedule.AiringRecord) bool { return mem.wires[a.Airing.ID] == nil })
	mem.kept.Stops = slices.DeleteFunc(mem.kept.Stops, func(s schedule.StopRecord) bool { return stops[stopID(s)] })
	mem.from = f.Before
	if o, err := (saved{From: &f.Before}).at(own, fromID, time.Time{}); err == nil {
		b.Put = append(b.Put, o)
	}
	return b
}

// recall reads a lane's records.
func recall(st Store, ln lane) (memory, error) {
	mem := memory{wires: map[protocol.AiringID]*known{}, tallies: map[occ]*tally{}}
	all, err := st.Occurrences()
	if err != nil {
		return mem, fmt.Errorf("recall: %w", err)
	}
	entries := make([]saved, len(all))
	others := map[protocol.AiringID]bool{} // airings under the medium that are not this lane's
	for i, o := range all {
		if o.Medium != ln.medium && o.Medium != ln.own() {
			continue
		}
		s := &entries[i]
		if err := json.Unmarshal(o.Data, s); err != nil {
			return mem, fmt.Errorf("recall %s: %w", o.Airing, err)
		}
		if s.Airing == nil {
			continue
		}
		if s.wire, err = protocol.Unmarshal[protocol.Airing](s.Airing.Wire, protocol.MaxControl); err != nil {
			return mem, fmt.Errorf("recall %s: %w", o.Airing, err)
		}
		if o.Medium != ln.keeps(s.wire) || !ln.takes(s.wire) {
			others[s.wire.ID] = true
		}
	}
	for i, o := range all {
		s := entries[i]
		alone := s.From != nil || s.Since != nil || s.Stop != nil
		switch {
		case o.Medium != ln.medium && o.Medium != ln.own(), alone && o.Medium != ln.own(), !alone && o.Medium == ln.medium && others[o.Airing]:
			continue
		}
		if err := mem.take(s, ln.medium); err != nil {
			return mem, fmt.Errorf("recall %s: %w", o.Airing, err)
		}
	}
	journals, err := st.Journals()
	if err != nil {
		return mem, fmt.Errorf("recall: %w", err)
	}
	for _, j := range journals {
		if j.Medium == ln.own() {
			mem.kept.At = j.At.Time()
		}
	}
	return mem, nil
}

func (mem *memory) take(s saved, m protocol.Medium) error {
	switch {
	case s.From != nil:
		mem.from = *s.From
	case s.Since != nil:
		mem.since = s.Since
	case s.Stop != nil:
		mem.kept.Stops = append(mem.kept.Stops, *s.Stop)
	case s.Airing != nil:
		wire := s.wire
		a, err := schedule.AiringOf(wire, m, s.Airing.Arrives)
		if err != nil {
			return err
		}
		mem.wires[wire.ID] = &known{wire: wire, airing: a}
		mem.kept.Airings = append(mem.kept.Airings, schedule.AiringRecord{Airing: a, Accepted: s.Airing.Accepted, Withdrawn: s.Airing.Withdrawn})
	case s.Occurrence != nil:
		r := *s.Occurrence
		mem.kept.Records = append(mem.kept.Records, r)
		if s.Tally == nil {
			return nil
		}
		mem.tallies[occOf(r.Key)] = s.Tally
		if s.Tally.Owed {
			mem.owed = append(mem.owed, schedule.Final{Key: r.Key, Outcome: r.Outcome, Reason: r.Reason, Plays: r.Plays, At: r.At})
		}
	}
	return nil
}

// known is an airing that the loop was told of.
type known struct {
	wire   protocol.Airing
	airing *schedule.Airing
}
