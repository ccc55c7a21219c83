// Package fir computes the filters with which sound is read between its frames: a
// sinc under Kaiser's window. It holds no sound.
package fir

import "math"

// Taps returns the filter of 2*half taps for an instant that lies phase, 0 to 1, of a
// frame behind the tap half-1. cut is the width of what passes, as a part of the band;
// beta shapes the window (Kaiser 1974): 9 puts what lies beyond 90 dB down. The taps
// add up to 1.
func Taps(half int, cut, phase, beta float64) []float32 {
	taps := make([]float64, 2*half)
	sum := 0.0
	for i := range taps {
		x := float64(i-half+1) - phase
		taps[i] = sinc(cut*x) * kaiser(x/float64(half), beta)
		sum += taps[i]
	}
	out := make([]float32, len(taps))
	for i, v := range taps {
		out[i] = float32(v / sum)
	}
	return out
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser is Kaiser's window at x of -1 to 1.
func kaiser(x, beta float64) float64 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return bessel(beta*math.Sqrt(1-x*x)) / bessel(beta)
}

// bessel is the modified Bessel function of the first kind, order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= x * x / (4 * k * k)
		sum += term
	}
	return sum
}
