//go:build linux

package display

import "time"

// Alarm is what keeps the pace of what crawls.
type Alarm struct{ *alarm }

// NewAlarm sets up a timer.
func NewAlarm() (Alarm, error) {
	a, err := newAlarm()
	return Alarm{a}, err
}

// Sleep returns after d.
func (a Alarm) Sleep(d time.Duration) { a.sleep(d) }

// Close frees the timer.
func (a Alarm) Close() { a.close() }
