// Package resample turns sound of one rate into another one's with a polyphase filter:
// every frame that is put out is a band-limited interpolation at its exact instant of
// those that were read.
//
// It knows rates in a ratio of small whole numbers, as those of sound cards are. It
// reads no clock, and is not what leads a card that drifts; that is slew.
package resample

import (
	"errors"
	"fmt"
	"math"

	"github.com/loa-vn/loa/agent/player/fir"
)

// ErrRate is wrapped by New's refusals.
var ErrRate = errors.New("resample: rates without a small ratio")

const (
	// Reach is how many frames to either side of an instant a frame is made of, at the
	// lower of the two rates.
	Reach = 40
	// beta shapes Kaiser's window: what lies beyond the band is 90 dB down.
	beta = 9.0
	// edge is half of the width of the filter's flank, as a part of the lower rate:
	// (90 - 8) dB / 14.36 / (2 * Reach) (Kaiser 1974), halved.
	edge = 82 / 14.36 / (2 * Reach) / 2
	// phasesMost bounds the filters that are kept.
	phasesMost = 1000
)

// Resampler converts a stream. It is used by one goroutine at a time.
type Resampler struct {
	channels int
	up, down int // put out up frames for down read
	half     int // frames read to either side of an instant
	filters  [][]float32
	buf      []int16 // frames from half before the next instant's on
	phase    int     // how far the next instant is past a whole frame, in parts of up
	read     int64
}

// New returns a resampler of one or two channels between two rates in frames a second.
func New(channels, from, to int) (*Resampler, error) {
	if from < 1 || to < 1 || channels < 1 {
		return nil, fmt.Errorf("%w: %d to %d", ErrRate, from, to)
	}
	g := gcd(from, to)
	r := &Resampler{channels: channels, up: to / g, down: from / g, half: Reach}
	if r.up > phasesMost || r.down > phasesMost {
		return nil, fmt.Errorf("%w: %d to %d", ErrRate, from, to)
	}
	scale := 1.0 // of the lower rate in the one that is read
	if to < from {
		scale = float64(to) / float64(from)
		r.half = int(math.Ceil(Reach / scale))
	}
	cut := scale * (1 - 2*edge)
	for p := range r.up {
		r.filters = append(r.filters, fir.Taps(r.half, cut, float64(p)/float64(r.up), beta))
	}
	r.buf = make([]int16, (r.half-1)*channels) // silence before the first frame
	return r, nil
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// In is how many frames of what is read the first out of what is put out last, rounded
// down.
func (r *Resampler) In(out int64) int64 {
	whole, rest := out/int64(r.up), out%int64(r.up)
	return whole*int64(r.down) + rest*int64(r.down)/int64(r.up)
}

// Fill fills dst, reading what it needs by at most one call of read, which must fill all
// that it is given.
func (r *Resampler) Fill(dst []int16, read func([]int16)) {
	n := len(dst) / r.channels
	if n == 0 {
		return
	}
	last := (r.phase + (n-1)*r.down) / r.up // the whole frame of the last instant
	need := (last+2*r.half)*r.channels - len(r.buf)
	if need > 0 {
		at := len(r.buf)
		r.buf = append(r.buf, make([]int16, need)...)
		read(r.buf[at:])
		r.read += int64(need / r.channels)
	}
	pos := 0
	for i := range n {
		f := r.filters[r.phase]
		from := r.buf[pos*r.channels:]
		for c := range r.channels {
			var even, odd float32 // two sums, which a processor can add to at once
			for t, at := 0, c; t+1 < len(f); t, at = t+2, at+2*r.channels {
				even += f[t] * float32(from[at])
				odd += f[t+1] * float32(from[at+r.channels])
			}
			v := math.RoundToEven(float64(even + odd))
			dst[i*r.channels+c] = int16(min(max(v, math.MinInt16), math.MaxInt16))
		}
		r.phase += r.down
		pos += r.phase / r.up
		r.phase %= r.up
	}
	if gone := pos*r.channels - len(r.buf); gone > 0 { // down is more than 2 * half: never with rates of cards
		skip := make([]int16, gone)
		read(skip)
		r.read += int64(gone / r.channels)
		r.buf = r.buf[:0]
		return
	}
	r.buf = r.buf[:copy(r.buf, r.buf[pos*r.channels:])]
}

// Ahead is how many frames were read beyond the next instant.
func (r *Resampler) Ahead() int { return len(r.buf)/r.channels - (r.half - 1) }
