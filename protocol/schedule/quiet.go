package schedule

import (
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
)

const minutesPerDay = 24 * 60

// The quiet hours of a device none of whose units has any: 21:30 to 05:00.
const (
	DefaultQuietStart = 21*60 + 30
	DefaultQuietEnd   = 5 * 60
)

// Quiet answers for the quiet hours of one device (rule 8). It remembers the
// last answer, so it is not for use by several goroutines at once.
type Quiet struct {
	periods []QuietPeriod
	zone    resolver
	// The last answer holds from lo to hi, in ms: inside a period or not.
	lo, hi int64
	inside bool
}

// NewQuiet takes those of the periods that bind a device with this path: all of
// the nearest unit that has any, and those of its ancestors that overlap one of
// these; the default if no unit of the path has any.
func NewQuiet(zone *time.Location, path []protocol.UnitID, periods []QuietPeriod) *Quiet {
	q := &Quiet{zone: resolver{zone: zone}}
	var nearest []QuietPeriod
	depth := len(path)
	for len(nearest) == 0 && depth > 0 {
		depth--
		for _, p := range periods {
			if p.Unit == path[depth] {
				nearest = append(nearest, p)
			}
		}
	}
	q.periods = nearest
	for _, p := range periods {
		overlaps := func(n QuietPeriod) bool { return n.overlaps(p) }
		if slices.Contains(path[:depth], p.Unit) && slices.ContainsFunc(nearest, overlaps) {
			q.periods = append(q.periods, p)
		}
	}
	if len(nearest) == 0 {
		q.periods = []QuietPeriod{{Start: DefaultQuietStart, End: DefaultQuietEnd}}
	}
	return q
}

// minutes is the length of p as times of day.
func (p QuietPeriod) minutes() int {
	if p.End <= p.Start {
		return p.End + minutesPerDay - p.Start
	}
	return p.End - p.Start
}

// overlaps compares times of day, round midnight; touching is not overlapping.
func (p QuietPeriod) overlaps(o QuietPeriod) bool {
	after := func(a, b int) int { return (b - a + minutesPerDay) % minutesPerDay }
	return after(p.Start, o.Start) < p.minutes() || after(o.Start, p.Start) < o.minutes()
}

func (p QuietPeriod) valid() bool {
	return p.Start >= 0 && p.Start < minutesPerDay && p.End >= 0 && p.End < minutesPerDay
}

// Periods returns those that bind the device; the default has no unit.
func (q *Quiet) Periods() []QuietPeriod { return slices.Clone(q.periods) }

// Allowed says whether something without night permission may sound for d from
// t on: t is outside the periods and t + d is at or before the next beginning.
func (q *Quiet) Allowed(t time.Time, d time.Duration) bool {
	return q.allowed(toMs(t), d.Milliseconds())
}

// Next returns the next change after t: whether t is in quiet hours, and the
// instant until which that stays so.
func (q *Quiet) Next(t time.Time) (quiet bool, until time.Time) {
	q.look(toMs(t))
	return q.inside, fromMs(q.hi, q.zone.zone)
}

func (q *Quiet) allowed(t, d int64) bool {
	q.look(t)
	return !q.inside && t+d <= q.hi
}

// change returns when the present answer may end.
func (q *Quiet) change(t int64) int64 {
	q.look(t)
	return q.hi
}

// look brings the remembered answer to t.
func (q *Quiet) look(t int64) {
	if t >= q.lo && t < q.hi {
		return
	}
	q.lo, q.hi, q.inside = t, never, false
	end := t
	today := floorDiv(q.zone.local(floorDiv(t, 1000)), secondsPerDay)
	// Two days before today a period may still run; and clock changes may put
	// the periods of a later date before those of the first that begins after t.
	for day, stop := today-2, today+maxQuietSearch; day < stop; day++ {
		for _, p := range q.periods {
			from, to := q.resolve(p, day)
			switch {
			case from >= to: // empty: not in order
			case from <= t && t < to:
				q.inside, end = true, max(end, to)
			case from > t && from < q.hi:
				q.hi, stop = from, min(stop, day+3)
			}
		}
	}
	if q.inside {
		q.hi = end
	}
}

// maxQuietSearch bounds, in days, the search for the next period that is not
// empty: no zone empties the same one day after day.
const maxQuietSearch = 40

// resolve returns the period of a local date, in ms.
func (q *Quiet) resolve(p QuietPeriod, day int64) (from, to int64) {
	from = q.zone.instant(day*secondsPerDay+int64(p.Start)*60) * 1000
	to = q.zone.instant(day*secondsPerDay+int64(p.Start+p.minutes())*60) * 1000
	return from, to
}
