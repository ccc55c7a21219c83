//go:build !linux

package display

import "time"

// Nap sleeps; it is Config.Sleep of boards that move.
func Nap(d time.Duration) { time.Sleep(d) }

func hurry() {}
