package link

import (
	"testing"
	"time"
)

// What thousands wait before they come back spreads evenly over the later half of
// each wait, however often they have tried: no second sees more of them than its part.
func TestWaitsOfThousandsAreSpreadOverTheirWindow(t *testing.T) {
	const devices, parts = 10_000, 10
	timing := DefaultTiming()
	for n, seconds := range []float64{1, 2, 4, 8, 16, 32, 64, 120, 120} {
		most := time.Duration(seconds * float64(time.Second))
		least := most / 2
		var counts [parts + 1]int
		for range devices {
			wait := backoff(timing, n)
			if wait < least || wait > most {
				t.Fatalf("after %d failures a wait of %s, want %s to %s", n+1, wait, least, most)
			}
			counts[(wait-least)*parts/(most-least)]++
		}
		// A tenth is 1,000, with a standard deviation of 30.
		for i, got := range counts[:parts] {
			if got < 800 || got > 1200 {
				t.Errorf("after %d failures %d of %d come in part %d of %d", n+1, got, devices, i+1, parts)
			}
		}
	}
}
