package lunar_test

import (
	"errors"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol/page/lunar"
)

// New Year's days as proclaimed, among them those on which Viet Nam and China differ.
func TestNewYearFallsOnTheProclaimedDay(t *testing.T) {
	for _, want := range []string{
		"2000-02-05", "2005-02-09", "2007-02-17" /* China: 18 */, "2010-02-14", "2015-02-19", "2017-01-28", "2018-02-16", "2019-02-05",
		"2020-01-25", "2021-02-12", "2022-02-01", "2023-01-22", "2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06", "2028-01-26",
		"2029-02-13", "2030-02-02" /* China: 3 */, "2031-01-23",
	} {
		day, err := time.Parse(time.DateOnly, want)
		if err != nil {
			t.Fatal(err)
		}
		y, m, d := day.Date()
		if got, err := lunar.Of(y, m, d); err != nil || got != (lunar.Date{Year: y, Month: 1, Day: 1}) {
			t.Errorf("%s is %v of %d, %v", want, got, got.Year, err)
		}
	}
}

func TestLeapMonthsStandWhereTheyAre(t *testing.T) {
	leaps := map[int]int{2001: 4, 2004: 2, 2006: 7, 2009: 5, 2012: 4, 2014: 9, 2017: 6, 2020: 4, 2023: 2, 2025: 6, 2028: 5, 2031: 3, 2033: 11}
	for y := 2000; y <= 2033; y++ {
		for m := 1; m <= 12; m++ {
			_, _, _, err := lunar.Date{Year: y, Month: m, Day: 1, Leap: true}.Civil()
			if want := leaps[y] == m; (err == nil) != want {
				t.Errorf("leap month %d of %d: %v", m, y, err)
			}
		}
	}
}

func TestEveryDayHasOneLunarDateAndBack(t *testing.T) {
	day := time.Date(2000, 2, 5, 0, 0, 0, 0, time.UTC)
	var before lunar.Date
	for ; day.Year() <= 2100; day = day.AddDate(0, 0, 1) {
		y, m, d := day.Date()
		got, err := lunar.Of(y, m, d)
		if err != nil {
			t.Fatal(err)
		}
		by, bm, bd, err := got.Civil()
		if err != nil || by != y || bm != m || bd != d {
			t.Fatalf("%v is %v, which is %d-%d-%d, %v", day, got, by, bm, bd, err)
		}
		if got.Day != before.Day+1 && (got.Day != 1 || before.Day != 0 && before.Day < 29) {
			t.Fatalf("%v follows %v", got, before)
		}
		before = got
	}
}

func TestDaysOutsideTheTableAreRefused(t *testing.T) {
	for _, day := range [][3]int{{2000, 2, 4}, {1999, 12, 31}, {2101, 3, 1}, {2200, 1, 1}} {
		if got, err := lunar.Of(day[0], time.Month(day[1]), day[2]); !errors.Is(err, lunar.ErrRange) {
			t.Errorf("%v: %v, %v", day, got, err)
		}
	}
	for _, d := range []lunar.Date{{}, {Year: 2026}, {Year: 2026, Month: 13, Day: 1}, {Year: 2026, Month: 1, Day: 31}, {Year: 2026, Month: 1}, {Year: 1999, Month: 1, Day: 1}} {
		if _, _, _, err := d.Civil(); !errors.Is(err, lunar.ErrRange) {
			t.Errorf("%+v: %v", d, err)
		}
	}
}

func TestNamesAreThoseOfTheCalendar(t *testing.T) {
	for _, x := range []struct {
		date       lunar.Date
		name, year string
	}{
		{lunar.Date{Year: 2026, Month: 8, Day: 15}, "15/8", "Bính Ngọ"},
		{lunar.Date{Year: 2025, Month: 6, Day: 1, Leap: true}, "1/6 nhuận", "Ất Tỵ"},
		{lunar.Date{Year: 2000, Month: 1, Day: 1}, "1/1", "Canh Thìn"},
	} {
		if x.date.String() != x.name || x.date.YearName() != x.year {
			t.Errorf("%v %v, want %v %v", x.date, x.date.YearName(), x.name, x.year)
		}
	}
}
