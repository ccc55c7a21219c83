// Package signal makes sounds by arithmetic: the siren for an emergency whose own sound
// is missing, a tone for trying a speaker, silence.
//
// It decides how they sound, the same on every device and every time. It never reads a
// file, and never speaks.
package signal

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/loa-vn/loa/agent/player"
)

// The siren rises from low to high in half a period and falls back in the other: a slow
// wail that is told from any chime, with odd harmonics that carry from a horn.
const (
	sirenLow    = 420.0
	sirenHigh   = 980.0
	sirenPeriod = 4.0  // seconds
	sirenLevel  = 1.1  // with the harmonics, a peak of -3 dBFS
	tonePeak    = 0.25 // -12 dBFS
	edge        = player.Rate / 50
)

// Wave is a generated sound, one channel; it is a player.Source.
type Wave struct {
	at, frames int64
	sample     func(second float64) float64
}

// Siren is a wailing siren of length d.
func Siren(d time.Duration) *Wave {
	return &Wave{frames: player.FramesIn(d), sample: func(s float64) float64 {
		phase := 2 * math.Pi * sirenTurns(s)
		return sirenLevel * (math.Sin(phase) + math.Sin(3*phase)/4 + math.Sin(5*phase)/10) / 1.35
	}}
}

// sirenTurns is the integral of the siren's frequency from zero to s.
func sirenTurns(s float64) float64 {
	const half, slope = sirenPeriod / 2, (sirenHigh - sirenLow) / (sirenPeriod / 2)
	whole, rest := math.Floor(s/sirenPeriod), math.Mod(s, sirenPeriod)
	turns := whole * sirenPeriod * (sirenLow + sirenHigh) / 2
	if rest <= half {
		return turns + sirenLow*rest + slope*rest*rest/2
	}
	fall := rest - half
	return turns + half*(sirenLow+sirenHigh)/2 + sirenHigh*fall - slope*fall*fall/2
}

// humLevel is a peak of -48 dBFS: enough for an amplifier that listens, too little for
// people under a horn.
const humLevel = 0.004

// Hum is a faint low tone of length d that wakes an amplifier which switches itself on.
func Hum(d time.Duration) *Wave {
	return &Wave{frames: player.FramesIn(d), sample: func(s float64) float64 {
		return humLevel * math.Sin(2*math.Pi*100*s)
	}}
}

// Tone is a sine of hz at -12 dBFS, of length d.
func Tone(hz float64, d time.Duration) *Wave {
	return &Wave{frames: player.FramesIn(d), sample: func(s float64) float64 {
		return tonePeak * math.Sin(2*math.Pi*hz*s)
	}}
}

// Frames is the length.
func (w *Wave) Frames() int64 { return w.frames }

// Channels is 1.
func (w *Wave) Channels() int { return 1 }

// Read implements player.Source. The first and the last 20 ms are faded.
func (w *Wave) Read(dst []int16) (int, error) {
	n := min(int64(len(dst)), w.frames-w.at)
	if n <= 0 {
		return 0, io.EOF
	}
	for i := range dst[:n] {
		at := w.at + int64(i)
		near := min(at, w.frames-1-at, edge)
		gain := (1 - math.Cos(math.Pi*float64(near)/edge)) / 2
		dst[i] = int16(math.RoundToEven(math.MaxInt16 * gain * w.sample(float64(at)/player.Rate)))
	}
	w.at += n
	return int(n), nil
}

// SeekFrame implements player.Source.
func (w *Wave) SeekFrame(frame int64) error {
	if frame < 0 {
		return fmt.Errorf("signal: seek to frame %d", frame)
	}
	w.at = min(frame, w.frames)
	return nil
}

// Close implements player.Source.
func (w *Wave) Close() error { return nil }
