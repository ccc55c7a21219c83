package playout

import (
	"fmt"
	"slices"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// lane is what one loop is for: a medium, or a part of a board. By SCHEDULE.md each
// part is a zone with a line of its own. Emergencies take the whole board: the loop of
// where bulletins stand shows them and answers for them, and those of the other parts
// keep their zones free meanwhile.
type lane struct {
	medium protocol.Medium
	zone   string   // of a board; "" is where bulletins stand
	zones  []string // that this board has beside that
}

// own is under which medium the store keeps what is this lane's alone: its stops, how
// far it was, and the emergencies that it only makes room for.
func (l lane) own() protocol.Medium {
	switch l.zone {
	case protocol.ZoneHeader:
		return 101
	case protocol.ZoneTicker:
		return 102
	}
	return l.medium
}

// takes says whether an airing is for this lane. One for a part that the board does not
// have stands where bulletins do.
func (l lane) takes(a protocol.Airing) bool {
	zone := a.BoardZone
	if !slices.Contains(l.zones, zone) {
		zone = ""
	}
	return a.Class == protocol.ClassEmergency || zone == l.zone
}

// shadows says whether the lane only makes room for an airing.
func (l lane) shadows(a protocol.Airing) bool {
	return l.zone != "" && a.Class == protocol.ClassEmergency
}

// keeps is under which medium the store keeps an airing with its occurrences: all parts
// of a board share one, so that a board of other parts finds what was there.
func (l lane) keeps(a protocol.Airing) protocol.Medium {
	if l.shadows(a) {
		return l.own()
	}
	return l.medium
}

// kept is lane.keeps for a known airing.
func (l *Loop) kept(id protocol.AiringID) protocol.Medium {
	if k := l.mem.wires[id]; k != nil {
		return l.lane.keeps(k.wire)
	}
	return l.lane.own()
}

// shadow makes room for a pass of an emergency: the loop has it as one that is on.
func (l *Loop) shadow(s schedule.Sound) {
	l.serial++
	id := fmt.Sprintf("%s-%d-%d", s.Airing, s.Start.UnixMilli(), l.serial)
	l.jobs[id] = &job{key: occOf(s.Key), of: s.Key, since: s.Since, begin: l.instant(s.Since), done: true}
	l.current = id
}
