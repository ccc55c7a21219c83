package schedule

import (
	"iter"
	"math/bits"
	"slices"
	"time"
)

// Recurrence says at which local times something starts (rule 1): the instants
// of Rule and the RDates, less the ExDates; without a rule, Start and the RDates.
// With a rule, Start itself counts only if the rule yields it.
type Recurrence struct {
	Start LocalTime
	// Millis is added to Start, 0 to 999: what starts "now" need not wait for a
	// whole second. Of recurrences without a rule only.
	Millis  int64
	Rule    *Rule // nil for none
	ExDates []LocalTime
	RDates  []LocalTime
}

// Expand returns the starts of r at or after from and before to, in order, each
// once; a zero to is open. It costs in proportion to what is taken: a rule is
// entered in the month of from, except that one with COUNT is first counted, by
// whole months.
func Expand(r Recurrence, zone *time.Location, from, to time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		end := never
		if !to.IsZero() {
			end = toMs(to)
		}
		var c cursor
		c.init(&r, zone, toMs(from))
		for s := c.next(); s < end; s = c.next() {
			if !yield(fromMs(s, zone)) {
				return
			}
		}
	}
}

// Has says whether t is one of the starts of r.
func (r Recurrence) Has(zone *time.Location, t time.Time) bool {
	return r.has(zone, toMs(t))
}

func (r *Recurrence) has(zone *time.Location, start int64) bool {
	var c cursor
	c.init(r, zone, start)
	return c.next() == start
}

// toMs rounds down to the millisecond.
func toMs(t time.Time) int64 { return t.UnixMilli() }

func fromMs(ms int64, zone *time.Location) time.Time { return time.UnixMilli(ms).In(zone) }

// cursor walks the starts of a recurrence forward, in ms.
type cursor struct {
	zone    resolver
	rule    *Rule
	start   LocalTime
	from    int64 // ms; nothing before it is returned
	last    int64 // ms; the start returned last
	year    int
	month   time.Month
	days    uint32 // what is left of the month
	left    int64  // of COUNT
	pending int64  // next instant of the rule, ms, or never
	dates   []int64
	except  []int64
}

// init sets the cursor before the first start at or after from.
func (c *cursor) init(r *Recurrence, zone *time.Location, from int64) {
	*c = cursor{zone: resolver{zone: zone}, rule: r.Rule, start: r.Start, from: from, last: minInstant, pending: never}
	c.except = c.resolve(r.ExDates)
	c.dates = c.resolve(r.RDates)
	if c.rule == nil {
		c.dates = append(c.dates, c.zone.instant(r.Start.seconds())*1000+r.Millis)
		slices.Sort(c.dates)
	}
	skip, _ := slices.BinarySearch(c.dates, from)
	c.dates = c.dates[skip:]
	if c.rule != nil {
		c.enter()
		c.advance()
	}
}

// resolve returns local times as sorted instants in ms.
func (c *cursor) resolve(local []LocalTime) []int64 {
	out := make([]int64, 0, len(local)+1)
	for _, l := range local {
		out = append(out, c.zone.instant(l.seconds())*1000)
	}
	slices.Sort(out)
	return out
}

// enter goes to the month before which nothing can be at or after from. COUNT
// needs the number of days in the months left out.
func (c *cursor) enter() {
	c.year, c.month = c.start.Year, c.start.Month
	day := floorDiv(c.zone.local(floorDiv(c.from, 1000)), secondsPerDay) - 3 // a clock change may move a start by a day
	year, month := monthOf(day)
	c.left = never
	if c.rule.count > 0 {
		c.left = c.rule.count
	}
	c.days = c.rule.month(c.start, c.year, c.month)
	if year < c.year || (year == c.year && month <= c.month) {
		return
	}
	if c.rule.count == 0 {
		c.year, c.month = year, month
		if year <= maxYear {
			c.days = c.rule.month(c.start, year, month)
		} else {
			c.days = 0
		}
		return
	}
	for (c.year < year || c.month < month) && c.year <= maxYear && c.left > 0 {
		c.left -= int64(bits.OnesCount32(c.days))
		c.nextMonth()
	}
}

func (c *cursor) nextMonth() {
	if c.month++; c.month > time.December {
		c.year, c.month = c.year+1, time.January
	}
	c.days = c.rule.month(c.start, c.year, c.month)
}

// advance sets pending to the rule's next instant at or after from.
func (c *cursor) advance() {
	r := c.rule
	c.pending = never
	for c.left > 0 && c.year <= maxYear {
		if c.days == 0 {
			if r.untilIs != untilNone && c.beyondUntil() {
				return
			}
			c.nextMonth()
			continue
		}
		day := bits.TrailingZeros32(c.days)
		c.days &= c.days - 1
		c.left--
		local := (dayNumber(c.year, c.month, 1)+int64(day))*secondsPerDay + c.start.secondOfDay()
		if r.untilIs == untilLocal && local > r.until {
			return
		}
		u := c.zone.instant(local)
		if r.untilIs == untilInstant && u > r.until {
			return
		}
		if u*1000 >= c.from {
			c.pending = u * 1000
			return
		}
	}
}

// beyondUntil says whether the next month lies wholly after UNTIL.
func (c *cursor) beyondUntil() bool {
	next := dayNumber(c.year, c.month, daysIn(c.year, c.month)) + 1
	return (next-3)*secondsPerDay > c.rule.until
}

// next returns the next start, or never.
func (c *cursor) next() int64 {
	for {
		s := c.pending
		if len(c.dates) > 0 && c.dates[0] <= s {
			s = c.dates[0]
			c.dates = c.dates[1:]
		} else if s == never {
			return never
		} else {
			c.advance()
		}
		if s == c.last {
			continue
		}
		c.last = s
		if _, excluded := slices.BinarySearch(c.except, s); !excluded {
			return s
		}
	}
}
