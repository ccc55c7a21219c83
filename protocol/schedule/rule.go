package schedule

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/protocol"
)

type frequency uint8

const (
	daily frequency = iota + 1
	weekly
	monthly
	yearly
)

type untilKind uint8

const (
	untilNone    untilKind = iota
	untilInstant           // with Z: compared with the resolved instant
	untilLocal             // without Z, or a bare date: compared with the local time
)

// Rule is a recurrence rule of the subset of RFC 5545 that rule 1 names: FREQ
// DAILY, WEEKLY, MONTHLY or YEARLY, with INTERVAL, WKST, BYMONTH, BYMONTHDAY,
// BYDAY, and COUNT or UNTIL. The zero value is no rule; ParseRule makes one.
// Rules are values: equal texts give equal rules.
type Rule struct {
	text     string
	freq     frequency
	interval int64
	wkst     int // 0 Monday
	count    int64
	until    int64 // Unix or local seconds, inclusive
	untilIs  untilKind

	byMonth  uint16 // bit 0 January
	byDay    bool
	ordinals bool
	weekdays uint8     // plain weekdays, bit 0 Monday
	fromHead [7]uint8  // bit n-1: the n-th such weekday of the month
	fromTail [7]uint8  // bit n-1: the n-th last one
	monthDay [2]uint32 // bit d-1: day d; and the d-th last day
}

// RuleError is the refusal of a rule, by the name of the part that is outside
// the subset or malformed.
type RuleError struct {
	Part string // "BYSETPOS", "FREQ", or "RRULE" for the text as a whole
	Why  string
}

// Error returns the part and what is wrong with it.
func (e *RuleError) Error() string { return e.Part + ": " + e.Why }

// Unwrap returns protocol.ErrInvalid.
func (e *RuleError) Unwrap() error { return protocol.ErrInvalid }

// String returns the text that the rule was parsed from.
func (r Rule) String() string { return r.text }

// ParseRule reads the text of an RRULE without its name, for example
// "FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261231". Its error is a *RuleError, which
// wraps protocol.ErrInvalid. Names and values are in any case, as in RFC 5545.
func ParseRule(text string) (Rule, error) {
	r := Rule{text: text, interval: 1}
	if text == "" {
		return Rule{}, &RuleError{"RRULE", "empty"}
	}
	if len(text) > maxRuleLength {
		return Rule{}, &RuleError{"RRULE", fmt.Sprintf("over %d bytes", maxRuleLength)}
	}
	seen := make([]string, 0, 8)
	for part := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(part, "=")
		name = upper(name)
		if !ok || !plainName(name) {
			return Rule{}, &RuleError{"RRULE", fmt.Sprintf("%.40q is not NAME=value", part)}
		}
		if slices.Contains(seen, name) {
			return Rule{}, &RuleError{name, "given twice"}
		}
		seen = append(seen, name)
		if why := r.set(name, upper(value)); why != "" {
			return Rule{}, &RuleError{name, why}
		}
	}
	if err := r.check(seen); err != nil {
		return Rule{}, err
	}
	return r, nil
}

// maxRuleLength is far more than any rule of the subset needs.
const maxRuleLength = 1024

// check holds the conditions between parts.
func (r *Rule) check(seen []string) error {
	has := func(name string) bool { return slices.Contains(seen, name) }
	switch {
	case r.freq == 0:
		return &RuleError{"FREQ", "missing"}
	case has("COUNT") && has("UNTIL"):
		return &RuleError{"UNTIL", "not together with COUNT"}
	case has("BYMONTHDAY") && r.freq == weekly:
		return &RuleError{"BYMONTHDAY", "not under WEEKLY"}
	case has("BYMONTHDAY") && r.freq == yearly && !has("BYMONTH"):
		return &RuleError{"BYMONTHDAY", "under YEARLY only with BYMONTH"}
	case r.ordinals && r.freq != monthly && (r.freq != yearly || !has("BYMONTH")):
		return &RuleError{"BYDAY", "ordinals only under MONTHLY, or YEARLY with BYMONTH"}
	}
	return nil
}

// set reads one part; it returns what is wrong with it, or "".
func (r *Rule) set(name, value string) string {
	switch name {
	case "FREQ":
		i := slices.Index([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}, value)
		if i < 0 {
			return "not DAILY, WEEKLY, MONTHLY or YEARLY"
		}
		r.freq = frequency(i + 1)
	case "INTERVAL", "COUNT":
		n, ok := digits(value)
		if !ok || n < 1 {
			return "not a whole number from 1 to 999999999"
		}
		if name == "COUNT" {
			r.count = int64(n)
		} else {
			r.interval = int64(n)
		}
	case "WKST":
		wd, ok := parseWeekday(value)
		if !ok {
			return "not a weekday MO to SU"
		}
		r.wkst = wd
	case "UNTIL":
		return r.setUntil(value)
	case "BYMONTH":
		for item := range strings.SplitSeq(value, ",") {
			n, ok := digits(item)
			if !ok || len(item) > 2 || n < 1 || n > 12 {
				return "not a list of months 1 to 12"
			}
			r.byMonth |= 1 << (n - 1)
		}
	case "BYMONTHDAY":
		for item := range strings.SplitSeq(value, ",") {
			n, last, ok := parseSigned(item)
			if !ok || n > 31 {
				return "not a list of days 1 to 31 or -31 to -1"
			}
			r.monthDay[last] |= 1 << (n - 1)
		}
	case "BYDAY":
		return r.setByDay(value)
	default:
		return "not in the subset"
	}
	return ""
}

func (r *Rule) setByDay(value string) string {
	r.byDay = true
	for item := range strings.SplitSeq(value, ",") {
		if len(item) < 2 {
			return "not a list of weekdays MO to SU"
		}
		number, day := item[:len(item)-2], item[len(item)-2:]
		wd, ok := parseWeekday(day)
		if !ok {
			return "not a list of weekdays MO to SU"
		}
		if number == "" {
			r.weekdays |= 1 << wd
			continue
		}
		n, last, ok := parseSigned(number)
		if !ok || n > 53 {
			return "an ordinal is not 1 to 53 or -53 to -1"
		}
		r.ordinals = true
		// No month has a sixth Monday: a larger ordinal yields nothing.
		switch {
		case n > 5:
		case last == 1:
			r.fromTail[wd] |= 1 << (n - 1)
		default:
			r.fromHead[wd] |= 1 << (n - 1)
		}
	}
	return ""
}

// setUntil reads 20261231T235959Z, 20261231T235959 or 20261231.
func (r *Rule) setUntil(value string) string {
	const wrong = "not a date, a local time or an instant such as 20261231, 20261231T235959, 20261231T235959Z"
	bare, instant := strings.CutSuffix(value, "Z")
	date, clock, timed := strings.Cut(bare, "T")
	ymd, ok := digits(date)
	if !ok || len(date) != 8 || (instant && !timed) {
		return wrong
	}
	l := LocalTime{ymd / 10000, time.Month(ymd / 100 % 100), ymd % 100, 23, 59, 59}
	if timed {
		hms, ok := digits(clock)
		if !ok || len(clock) != 6 {
			return wrong
		}
		l.Hour, l.Minute, l.Second = hms/10000, hms/100%100, hms%100
	}
	if !l.valid() {
		return wrong
	}
	r.until, r.untilIs = l.seconds(), untilLocal
	if instant {
		r.untilIs = untilInstant
	}
	return ""
}

// parseSigned reads [+-]1..99 of at most two digits; last is 1 for a minus.
func parseSigned(s string) (n, last int, ok bool) {
	switch {
	case strings.HasPrefix(s, "-"):
		s, last = s[1:], 1
	case strings.HasPrefix(s, "+"):
		s = s[1:]
	}
	if len(s) > 2 {
		return 0, 0, false
	}
	n, ok = digits(s)
	return n, last, ok && n > 0
}

func parseWeekday(s string) (int, bool) {
	i := slices.Index([]string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}, s)
	return i, i >= 0
}

// upper maps ASCII letters only: no other letter has a place in a rule.
func upper(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' {
			return c - 'a' + 'A'
		}
		return c
	}, s)
}

func plainName(s string) bool {
	for i := range len(s) {
		if (s[i] < 'A' || s[i] > 'Z') && (s[i] < '0' || s[i] > '9') && s[i] != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 32
}

// month returns the days of a month that the rule yields for a start at the
// given local time, as bits: bit 0 is day 1. It does not know COUNT and UNTIL.
func (r *Rule) month(start LocalTime, y int, m time.Month) uint32 {
	since := int64(y-start.Year)*12 + int64(m-start.Month)
	if since < 0 || (r.byMonth != 0 && r.byMonth>>(m-1)&1 == 0) {
		return 0
	}
	length := daysIn(y, m)
	all := uint32(1)<<length - 1
	first := dayNumber(y, m, 1)
	days := all
	switch r.freq {
	case daily:
		days = r.everyNthDay(start, first, length)
	case weekly:
		days = r.everyNthWeek(start, first, length)
	case monthly:
		if since%r.interval != 0 {
			return 0
		}
		if !r.byDay && r.monthDay == [2]uint32{} {
			days &= 1 << (start.Day - 1)
		}
	case yearly:
		if int64(y-start.Year)%r.interval != 0 {
			return 0
		}
		if !r.byDay && r.monthDay == [2]uint32{} {
			days &= 1 << (start.Day - 1)
			if r.byMonth == 0 && m != start.Month {
				return 0
			}
		}
	}
	if r.monthDay != [2]uint32{} {
		fromTail := bits.Reverse32(r.monthDay[1]) >> (32 - length)
		days &= r.monthDay[0] | fromTail
	}
	if r.byDay {
		days &= r.weekdayBits(first, length)
	}
	if since == 0 {
		days &^= 1<<(start.Day-1) - 1
	}
	return days & all
}

func (r *Rule) everyNthDay(start LocalTime, first int64, length int) uint32 {
	if r.interval == 1 {
		return 1<<length - 1
	}
	var days uint32
	from := dayNumber(start.Year, start.Month, start.Day)
	for d := floorMod(from-first, r.interval); d < int64(length); d += r.interval {
		days |= 1 << d
	}
	return days
}

// everyNthWeek takes weeks that begin on WKST; the start's week is the first.
func (r *Rule) everyNthWeek(start LocalTime, first int64, length int) uint32 {
	from := dayNumber(start.Year, start.Month, start.Day)
	weekdays := r.weekdays
	if !r.byDay {
		weekdays = 1 << weekdayOf(from)
	}
	days := spread(weekdays, first)
	if r.interval == 1 {
		return days
	}
	weekStart := func(day int64) int64 { return day - int64((weekdayOf(day)-r.wkst+7)%7) }
	zero := weekStart(from)
	var in uint64
	for w := weekStart(first); w < first+int64(length); w += 7 {
		if floorMod((w-zero)/7, r.interval) == 0 {
			// Shifted by 7, so that a week begun in the last month fits.
			in |= 0x7f << (w - first + 7)
		}
	}
	return days & uint32(in>>7)
}

// spread repeats a set of weekdays over the days of a month that begins on
// day number first.
func spread(weekdays uint8, first int64) uint32 {
	wd := weekdayOf(first)
	week := (uint64(weekdays)>>wd | uint64(weekdays)<<(7-wd)) & 0x7f
	return uint32(week | week<<7 | week<<14 | week<<21 | week<<28)
}

func (r *Rule) weekdayBits(first int64, length int) uint32 {
	days := spread(r.weekdays, first)
	for wd := range 7 {
		head, tail := r.fromHead[wd], r.fromTail[wd]
		if head|tail == 0 {
			continue
		}
		day := (wd - weekdayOf(first) + 7) % 7 // of the first such weekday, from 0
		lastDay := day + (length-1-day)/7*7
		for n := range 5 {
			if head>>n&1 == 1 && day+7*n < length {
				days |= 1 << (day + 7*n)
			}
			if tail>>n&1 == 1 && lastDay-7*n >= 0 {
				days |= 1 << (lastDay - 7*n)
			}
		}
	}
	return days
}
