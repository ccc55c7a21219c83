package schedule

import (
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// airing is what the machine knows of an Airing; instants and durations in ms.
type airing struct {
	spec      *Airing
	emergency bool
	depth     int
	length    int64
	lateness  int64
	approved  int64
	published int64
	arrives   int64
	until     int64
	every     int64
	passes    int

	accepted  bool
	missing   bool
	withdrawn int64 // starts at or after it vanished; never: none
	changed   bool  // since the last effects

	starts cursor
	next   int64         // the first start that has no occurrence yet, or never
	slot   int           // in the heap of next starts
	known  []*occurrence // by start, until forgotten
}

// occurrence is one start of an airing, from when it is due on.
type occurrence struct {
	of       *airing
	start    int64
	state    State
	waiting  bool // has become due and was judged
	begun    bool
	changed  bool
	cut      protocol.Reason // what cut it first; of an emergency, what ended its last pass
	outcome  protocol.Outcome
	reason   protocol.Reason
	position int64 // the furthest since it last began from its beginning
	since    int64 // of what sounds: when this stretch began
	from     int64 // of what sounds: its position then
	final    int64 // when it became final
	plays    []stretch

	// Of emergencies.
	whole  int
	passed int // passes that count, whole or dropped
	due    int64
	ended  int64 // of the last pass; minInstant if there was none
}

type stretch struct{ from, to int64 }

func (o *occurrence) over() bool { return o.state == StateFinal || o.state == StateVanished }

func (o *occurrence) latest() int64    { return o.start + o.of.lateness }
func (o *occurrence) windowEnd() int64 { return o.start + o.of.length + o.of.lateness }

// end is when what sounds will have reached its length.
func (o *occurrence) end() int64 { return o.since + o.of.length - o.from }

// resumeAt is rule 7's q.
func (o *occurrence) resumeAt() int64 { return max(0, o.position-Rewind.Milliseconds()) }

// deadline is the last instant at which a suspended occurrence fits its window.
// Resuming is never longer than restarting, and open to both.
func (o *occurrence) deadline() int64 { return o.windowEnd() - (o.of.length - o.resumeAt()) }

// find returns the occurrence of a start, and its place.
func (a *airing) find(start int64) (*occurrence, int) {
	n := len(a.known)
	if n == 0 || a.known[n-1].start < start {
		return nil, n
	}
	i, ok := slices.BinarySearchFunc(a.known, start, func(o *occurrence, s int64) int {
		switch {
		case o.start < s:
			return -1
		case o.start > s:
			return 1
		}
		return 0
	})
	if !ok {
		return nil, i
	}
	return a.known[i], i
}

// insert makes the occurrence of a start that has none.
func (a *airing) insert(start int64) *occurrence {
	o := &occurrence{of: a, start: start, state: stateAhead, due: start, ended: minInstant}
	_, i := a.find(start)
	a.known = slices.Insert(a.known, i, o)
	return o
}

// newAiring reads a valid airing.
func newAiring(spec *Airing, path []protocol.UnitID) *airing {
	a := &airing{
		spec:      spec,
		emergency: spec.Class == protocol.ClassEmergency,
		depth:     slices.Index(path, spec.Unit),
		length:    spec.Length.Milliseconds(),
		lateness:  spec.Lateness.Milliseconds(),
		approved:  toMs(spec.Approved),
		published: toMs(spec.Published),
		arrives:   toMs(spec.Published),
		withdrawn: never,
		next:      never,
	}
	if !spec.Arrives.IsZero() {
		a.arrives = toMs(spec.Arrives)
	}
	if a.emergency {
		a.until = toMs(spec.Until)
		a.passes = max(1, spec.Passes)
		a.every = spec.Every.Milliseconds()
		if a.every == 0 {
			a.every = a.length
		}
	}
	return a
}

// startQueue is a heap of airings by next start.
type startQueue []*airing

func (q *startQueue) push(a *airing) {
	a.slot = len(*q)
	*q = append(*q, a)
	q.up(a.slot)
}

// fix puts an airing right whose next start has changed.
func (q startQueue) fix(a *airing) {
	q.up(a.slot)
	q.down(a.slot)
}

func (q *startQueue) remove(a *airing) {
	last := len(*q) - 1
	i := a.slot
	q.swap(i, last)
	*q = slices.Delete(*q, last, last+1)
	if i < last {
		q.fix((*q)[i])
	}
}

func (q startQueue) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if q[parent].next <= q[i].next {
			return
		}
		q.swap(i, parent)
		i = parent
	}
}

func (q startQueue) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(q); child++ {
			if q[child].next < q[least].next {
				least = child
			}
		}
		if least == i {
			return
		}
		q.swap(i, least)
		i = least
	}
}

func (q startQueue) swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].slot, q[j].slot = i, j
}

// Judged is an occurrence that becomes due, for Config.Judge.
type Judged struct {
	Airing *Airing // not to be changed
	Start  time.Time
	m      *Machine
}

// PlaysOn counts, over the airings that match, the occurrences of this one's
// local date: those played whole, and those begun that may still be. It knows
// what has not been forgotten.
func (j Judged) PlaysOn(match func(*Airing) bool) (played, underWay int) {
	day := floorDiv(j.m.local(toMs(j.Start)), secondsPerDay)
	for _, a := range j.m.airings {
		if !match(a.spec) {
			continue
		}
		for _, o := range a.known {
			switch {
			case floorDiv(j.m.local(o.start), secondsPerDay) != day:
			case o.outcome == protocol.OutcomePlayed:
				played++
			case o.begun && o.state != StateFinal:
				underWay++
			}
		}
	}
	return played, underWay
}
