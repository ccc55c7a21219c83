// Package lunar converts between the civil calendar and the Vietnamese lunar one,
// for clocks on boards and for feast days in schedules.
//
// It decides nothing by itself: the months come from table.go, which
// protocol/page/bake computes from the new moons and the sun's longitude at
// UTC+7 (Viet Nam's calendar differs from China's where an hour matters). It uses
// integers only and knows the lunar years FirstYear to LastYear.
package lunar

import (
	"errors"
	"fmt"
	"time"
)

// The lunar years of the table.
const (
	FirstYear = 2000
	LastYear  = 2100
)

// ErrRange: a day outside the table, or that does not exist.
var ErrRange = errors.New("no such lunar day")

// Date is a day of the lunar calendar.
type Date struct {
	Year  int // the civil year in which the lunar year begins
	Month int // 1 to 12
	Day   int // 1 to 30
	Leap  bool
}

// String returns "15/8", or "15/6 nhuận" in a leap month.
func (d Date) String() string {
	s := fmt.Sprintf("%d/%d", d.Day, d.Month)
	if d.Leap {
		s += " nhuận"
	}
	return s
}

// YearName returns the year's stem and branch, such as "Bính Ngọ".
func (d Date) YearName() string {
	stems := [...]string{"Canh", "Tân", "Nhâm", "Quý", "Giáp", "Ất", "Bính", "Đinh", "Mậu", "Kỷ"}
	branches := [...]string{"Thân", "Dậu", "Tuất", "Hợi", "Tý", "Sửu", "Dần", "Mão", "Thìn", "Tỵ", "Ngọ", "Mùi"}
	return stems[d.Year%10] + " " + branches[d.Year%12]
}

// year is one lunar year, unpacked.
type year struct {
	first time.Time // its first day, at 0:00 UTC
	leap  int       // the month that is followed by its leap twin; 0: none
	long  uint32    // bit n: the nth month in order, from 0, has 30 days
}

func yearOf(y int) year {
	v := table()[y-FirstYear]
	return year{
		first: time.Date(y, time.January, int(v>>17), 0, 0, 0, 0, time.UTC),
		leap:  int(v >> 13 & 15),
		long:  v & 0x1fff,
	}
}

// months returns the number of months, 12 or 13.
func (y year) months() int {
	if y.leap > 0 {
		return 13
	}
	return 12
}

func (y year) days(n int) int { return 29 + int(y.long>>n&1) }

// Of returns the lunar date of a civil day.
func Of(y int, m time.Month, d int) (Date, error) {
	day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	for _, n := range []int{y, y - 1} {
		if n < FirstYear || n > LastYear {
			continue
		}
		ly := yearOf(n)
		left := int(day.Sub(ly.first) / (24 * time.Hour))
		if left < 0 {
			continue
		}
		for i := range ly.months() {
			if left < ly.days(i) {
				month, leap := ly.name(i)
				return Date{Year: n, Month: month, Day: left + 1, Leap: leap}, nil
			}
			left -= ly.days(i)
		}
	}
	return Date{}, fmt.Errorf("%04d-%02d-%02d: %w", y, m, d, ErrRange)
}

// name returns the month's number and whether it is the leap twin.
func (y year) name(i int) (month int, leap bool) {
	switch {
	case y.leap == 0 || i < y.leap:
		return i + 1, false
	}
	return i, i == y.leap
}
