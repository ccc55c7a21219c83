package lunar

import (
	"fmt"
	"time"
)

// Civil returns the civil day of a lunar date: the way back, which nothing but tests takes.
func (d Date) Civil() (y int, m time.Month, day int, err error) {
	if d.Year < FirstYear || d.Year > LastYear {
		return 0, 0, 0, fmt.Errorf("lunar year %d: %w", d.Year, ErrRange)
	}
	ly := yearOf(d.Year)
	at := ly.first
	for i := range ly.months() {
		if month, leap := ly.name(i); month == d.Month && leap == d.Leap {
			if d.Day < 1 || d.Day > ly.days(i) {
				break
			}
			y, m, day = at.AddDate(0, 0, d.Day-1).Date()
			return y, m, day, nil
		}
		at = at.AddDate(0, 0, ly.days(i))
	}
	return 0, 0, 0, fmt.Errorf("%s of lunar year %d: %w", d, d.Year, ErrRange)
}
