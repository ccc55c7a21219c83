package fir_test

import (
	"math"
	"testing"

	"github.com/loa-vn/loa/agent/player/fir"
)

// A filter passes what is constant as it is, lets the band through at its instant, and
// holds back what lies beyond.
func TestAFilterPassesItsBandAtItsInstant(t *testing.T) {
	const half = 16
	for _, phase := range []float64{0, 0.25, 0.5, 0.999} {
		taps := fir.Taps(half, 0.5, phase, 9)
		for _, c := range []struct{ hertz, want, tolerance float64 }{{0, 1, 1e-6}, {0.1, 1, 1e-3}, {0.48, 0, 1e-3}} {
			var re, im float64 // the gain at hertz, of a rate of 1, at the instant
			for i, tap := range taps {
				at := float64(i-half+1) - phase
				re += float64(tap) * math.Cos(2*math.Pi*c.hertz*at)
				im += float64(tap) * math.Sin(2*math.Pi*c.hertz*at)
			}
			if math.Abs(re-c.want) > c.tolerance || math.Abs(im) > c.tolerance {
				t.Errorf("phase %v, %v Hz: gain %v%+vi, want %v", phase, c.hertz, re, im, c.want)
			}
		}
	}
}
