package schedule

import (
	"fmt"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// LocalTime is a date and a time of day without a zone: what a person means by
// "17:00 on 1 December". The zero value is no time at all.
type LocalTime struct {
	Year                 int
	Month                time.Month
	Day                  int
	Hour, Minute, Second int
}

// localLength is the length of "2006-01-02T15:04:05".
const localLength = 19

const secondsPerDay = 24 * 60 * 60

// ParseLocalTime reads "2006-01-02T15:04:05", digit by digit. It refuses dates
// and times of day that no calendar has; its error wraps protocol.ErrInvalid.
func ParseLocalTime(s string) (LocalTime, error) {
	refused := fmt.Errorf("local time %.40q: want 2006-01-02T15:04:05: %w", s, protocol.ErrInvalid)
	if len(s) != localLength || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return LocalTime{}, refused
	}
	var n [6]int
	for i, at := range [6][2]int{{0, 4}, {5, 7}, {8, 10}, {11, 13}, {14, 16}, {17, 19}} {
		v, ok := digits(s[at[0]:at[1]])
		if !ok {
			return LocalTime{}, refused
		}
		n[i] = v
	}
	l := LocalTime{n[0], time.Month(n[1]), n[2], n[3], n[4], n[5]}
	if !l.valid() {
		return LocalTime{}, refused
	}
	return l, nil
}

// String returns l as "2006-01-02T15:04:05".
func (l LocalTime) String() string {
	return fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d", l.Year, l.Month, l.Day, l.Hour, l.Minute, l.Second)
}

// MarshalText returns what String returns.
func (l LocalTime) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what ParseLocalTime reads.
func (l *LocalTime) UnmarshalText(b []byte) error {
	v, err := ParseLocalTime(string(b))
	if err != nil {
		return err
	}
	*l = v
	return nil
}

// IsZero says whether l is no time at all.
func (l LocalTime) IsZero() bool { return l == LocalTime{} }

// In returns the instant of l in zone: the first one if clocks show l twice; if
// a clock change skips l, the instant that is later than the change by as much
// as l is later than the local time at which clocks were changed.
func (l LocalTime) In(zone *time.Location) time.Time {
	r := resolver{zone: zone}
	return time.Unix(r.instant(l.seconds()), 0).In(zone)
}

func (l LocalTime) valid() bool {
	return l.Year >= 0 && l.Year <= maxYear && l.Month >= 1 && l.Month <= 12 &&
		l.Day >= 1 && l.Day <= daysIn(l.Year, l.Month) &&
		l.Hour >= 0 && l.Hour < 24 && l.Minute >= 0 && l.Minute < 60 && l.Second >= 0 && l.Second < 60
}

// seconds counts from 1970-01-01T00:00:00 of the same calendar without zones.
func (l LocalTime) seconds() int64 {
	return dayNumber(l.Year, l.Month, l.Day)*secondsPerDay + l.secondOfDay()
}

func (l LocalTime) secondOfDay() int64 {
	return int64(l.Hour)*3600 + int64(l.Minute)*60 + int64(l.Second)
}

// dayNumber counts days from 1970-01-01 in the Gregorian calendar.
func dayNumber(y int, m time.Month, d int) int64 {
	// Years that begin in March put the leap day at the end.
	if m <= 2 {
		y--
	}
	era := floorDiv(int64(y), 400)
	yearOfEra := int64(y) - era*400
	monthFromMarch := (int64(m) + 9) % 12
	dayOfYear := (153*monthFromMarch+2)/5 + int64(d) - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return era*146097 + dayOfEra - 719468
}

// monthOf returns the year and month of a day counted by dayNumber.
func monthOf(day int64) (int, time.Month) {
	y, m, _ := time.Unix(day*secondsPerDay, 0).UTC().Date()
	return y, m
}

func daysIn(y int, m time.Month) int {
	switch m {
	case time.April, time.June, time.September, time.November:
		return 30
	case time.February:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	default:
		return 31
	}
}

// weekdayOf returns 0 for Monday to 6 for Sunday. 1970-01-01 was a Thursday.
func weekdayOf(day int64) int { return int(floorMod(day+3, 7)) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }

// digits reads a string of decimal digits only.
func digits(s string) (int, bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// farOffset is more than any two offsets of a zone differ, in seconds: a local
// time this far from a change of offset has one instant only.
const farOffset = 2 * secondsPerDay

// resolver turns local seconds into instants. It remembers the last stretch of
// constant offset, so that neighbouring questions cost no look-up.
type resolver struct {
	zone   *time.Location
	known  bool
	lo, hi int64 // Unix seconds, lo inclusive, hi exclusive
	offset int64 // seconds east of UTC
}

// span looks up the stretch of constant offset that contains Unix second u.
func (r *resolver) span(u int64) {
	if r.known && u >= r.lo && u < r.hi {
		return
	}
	t := time.Unix(u, 0).In(r.zone)
	_, off := t.Zone()
	lo, hi := t.ZoneBounds()
	r.known, r.offset, r.lo, r.hi = true, int64(off), minInstant, maxInstant
	if !lo.IsZero() {
		r.lo = lo.Unix()
	}
	if !hi.IsZero() {
		r.hi = hi.Unix()
	}
	// Beyond a zone's table package time cuts stretches at the ends of years, and
	// takes each for 365 days: the last of a leap year, in UTC, is beyond its end.
	if r.hi <= u {
		r.hi = (floorDiv(u, secondsPerDay) + 1) * secondsPerDay
	}
}

// local returns the local seconds at Unix second u.
func (r *resolver) local(u int64) int64 {
	r.span(u)
	return u + r.offset
}

// instant returns the Unix second of local seconds, as LocalTime.In does.
func (r *resolver) instant(local int64) int64 {
	if u := local - r.offset; r.known && u < r.hi && u >= r.lo+farOffset {
		return u
	}
	for r.span(local - farOffset); ; r.span(r.hi) {
		u := local - r.offset
		if u < r.hi {
			// In this stretch, or between the last and this one: then
			// the last one's offset moves it forward by the gap.
			if u >= r.lo {
				return u
			}
			before := r.lo - 1
			r.span(before)
			return local - r.offset
		}
	}
}
