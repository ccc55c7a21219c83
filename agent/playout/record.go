package playout

import (
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
}

// fromID is the key of the record that holds From.
const fromID protocol.AiringID = "machine"

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

func occOf(k schedule.Key) occ { return occ{k.Airing, k.Start.UnixMilli()} }

// memory is what a loop took up from the store.
type memory struct {
	kept    schedule.Kept
	wires   map[protocol.AiringID]*known
	tallies map[occ]*tally
	owed    []schedule.Final
	from    time.Time // nothing that started before it is owed any more
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
	for i := range mem.kept.Stops {
		if stopID(mem.kept.Stops[i]) == stopID(s) {
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

// forget drops what the machine has let go of and returns what to delete.
func (mem *memory) forget(f schedule.Forgotten, m protocol.Medium) store.Batch {
	var b store.Batch
	gone := map[occ]bool{}
	for _, k := range f.Records {
		gone[occOf(k)] = true
		b.Forget = append(b.Forget, store.Occurrence{Medium: m, Airing: k.Airing, Start: protocol.InstantOf(k.Start)})
	}
	for _, id := range f.Airings {
		delete(mem.wires, id)
		b.Forget = append(b.Forget, store.Occurrence{Medium: m, Airing: id})
	}
	stops := map[protocol.AiringID]bool{}
	for _, s := range f.Stops {
		stops[stopID(s)] = true
		b.Forget = append(b.Forget, store.Occurrence{Medium: m, Airing: stopID(s)})
	}
	mem.kept.Records = slices.DeleteFunc(mem.kept.Records, func(r schedule.Record) bool { return gone[occOf(r.Key)] })
	mem.kept.Airings = slices.DeleteFunc(mem.kept.Airings, func(a schedule.AiringRecord) bool { return mem.wires[a.Airing.ID] == nil })
	mem.kept.Stops = slices.DeleteFunc(mem.kept.Stops, func(s schedule.StopRecord) bool { return stops[stopID(s)] })
	mem.from = f.Before
	if o, err := (saved{From: &f.Before}).at(m, fromID, time.Time{}); err == nil {
		b.Put = append(b.Put, o)
	}
	return b
}

// recall reads a medium's records.
func recall(st Store, m protocol.Medium) (memory, error) {
	mem := memory{wires: map[protocol.AiringID]*known{}, tallies: map[occ]*tally{}}
	all, err := st.Occurrences()
	if err != nil {
		return mem, fmt.Errorf("recall: %w", err)
	}
	for _, o := range all {
		if o.Medium != m {
			continue
		}
		var s saved
		if err := json.Unmarshal(o.Data, &s); err != nil {
			return mem, fmt.Errorf("recall %s: %w", o.Airing, err)
		}
		if err := mem.take(s, m); err != nil {
			return mem, fmt.Errorf("recall %s: %w", o.Airing, err)
		}
	}
	journals, err := st.Journals()
	if err != nil {
		return mem, fmt.Errorf("recall: %w", err)
	}
	for _, j := range journals {
		if j.Medium == m {
			mem.kept.At = j.At.Time()
		}
	}
	return mem, nil
}

func (mem *memory) take(s saved, m protocol.Medium) error {
	switch {
	case s.From != nil:
		mem.from = *s.From
	case s.Stop != nil:
		mem.kept.Stops = append(mem.kept.Stops, *s.Stop)
	case s.Airing != nil:
		wire, err := protocol.Unmarshal[protocol.Airing](s.Airing.Wire, protocol.MaxControl)
		if err != nil {
			return err
		}
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
