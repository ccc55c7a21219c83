package schedule

import (
	"cmp"

	"github.com/loa-vn/loa/protocol"
)

// compareOrdinary is rule 5: negative if a comes before b among those that wait.
// It is a total order: no two occurrences have the same airing and start.
func compareOrdinary(a, b *occurrence) int {
	if c := cmp.Compare(a.of.depth, b.of.depth); c != 0 {
		return c
	}
	if c := cmp.Compare(rank(a.of.spec.Class), rank(b.of.spec.Class)); c != 0 {
		return c
	}
	if c := cmp.Compare(a.start, b.start); c != 0 {
		return c
	}
	if c := cmp.Compare(a.of.spec.Order, b.of.spec.Order); c != 0 {
		return c
	}
	if c := cmp.Compare(a.of.approved, b.of.approved); c != 0 {
		return c
	}
	return cmp.Compare(a.of.spec.ID, b.of.spec.ID)
}

func rank(c protocol.Class) int {
	if c == protocol.ClassPriority {
		return 0
	}
	return 1
}

// compareEmergencies is rule 4's order among pending passes.
func compareEmergencies(a, b *occurrence) int {
	if a.of.spec.Drill != b.of.spec.Drill {
		if b.of.spec.Drill {
			return -1
		}
		return 1
	}
	if c := cmp.Compare(a.whole, b.whole); c != 0 {
		return c
	}
	if c := cmp.Compare(a.ended, b.ended); c != 0 { // never sounded: minInstant
		return c
	}
	if c := cmp.Compare(a.of.depth, b.of.depth); c != 0 {
		return c
	}
	if c := cmp.Compare(b.start, a.start); c != 0 {
		return c
	}
	return cmp.Compare(a.of.spec.ID, b.of.spec.ID)
}
