// Package slew makes sound a few frames longer or shorter without anybody hearing
// it: it reads on by a little more or less than a frame for each one that it puts
// out, by a band-limited interpolation, until the wanted frames are gained or lost.
//
// Between such corrections every sample passes bit for bit. It decides nothing about
// when to correct, and reads no clock.
package slew

import (
	"math"

	"github.com/loa-vn/loa/agent/player/fir"
)

const (
	// PPM is how fast a correction is that nobody hears: half a cent of pitch, and 1 ms
	// in 3.3 s.
	PPM = 300
	// Hasty is how fast one may be where sound has just been broken: eight cents, and
	// 1 ms in 0.2 s.
	Hasty = 5000
	// Reach is how many frames to either side of an instant an interpolated sample is
	// made of; so many have to be read ahead.
	Reach = 16

	one    = 1 << 32 // a frame, in the units of a position
	phases = 256     // filters that are kept; those between are interpolated
	taps   = 2 * Reach
	// cut is the filters' width against the band of all that can be: 22.3 of 24 kHz.
	cut = 0.93
	// beta shapes Kaiser's window: side lobes under -90 dB.
	beta = 9.0
)

// Slew is a stretch of sound between what is read and what is put out. It is used by
// one goroutine at a time.
type Slew struct {
	channels int
	filters  [][taps]float32 // phases + 1 of them
	buf      []int16         // frames from pos's whole frame less Reach on
	frac     int64           // how far the next frame is past a whole one
	owed     int64           // how much longer, in units, the sound has yet to become
	stride   int64           // how much of it each frame adds or takes
	read     int64           // frames read
	put      int64           // frames put out
}

// New returns a slew of one or two channels that corrects nothing yet.
func New(channels int) *Slew {
	s := &Slew{channels: channels, filters: make([][taps]float32, phases+1)}
	for p := range s.filters {
		copy(s.filters[p][:], fir.Taps(Reach, cut, float64(p)/phases, beta))
	}
	s.buf = make([]int16, Reach*channels) // silence before the first frame
	return s
}

// Correct makes the sound to come longer by frames, or shorter if that is negative, in
// place of what is left of corrections before. Each frame is made longer or shorter by
// ppm millionths, more than 0 and at most Hasty.
func (s *Slew) Correct(frames, ppm int64) {
	// What has been done of the last one stays; it ends at the nearest whole frame.
	part := s.frac
	if part > one/2 {
		part -= one
	}
	s.owed = frames*one + part
	s.stride = one * ppm / 1_000_000
}

// Owed says whether a correction is under way.
func (s *Slew) Owed() bool { return s.owed != 0 }

// Ahead is how many frames have been read beyond those that were put out, which is
// Reach more or less one, and none before the first.
func (s *Slew) Ahead() int64 {
	return int64(len(s.buf)/s.channels) - Reach
}

// Position is which of the frames read the next one to be put out is, in whole frames.
func (s *Slew) Position() int64 { return s.read - s.Ahead() }

// Fill fills dst, reading what it needs by one call of read, which must fill all that
// it is given.
func (s *Slew) Fill(dst []int16, read func([]int16)) {
	n := len(dst) / s.channels
	most := n + 2 // frames by which the position goes on
	if s.owed < 0 {
		most += int(int64(n) * s.stride / one)
	}
	need := (most+2*Reach)*s.channels - len(s.buf)
	if need > 0 {
		at := len(s.buf)
		s.buf = append(s.buf, make([]int16, need)...)
		read(s.buf[at:])
		s.read += int64(need / s.channels)
	}
	pos := 0 // of the frame's filter in buf, in frames
	for i := 0; i < n; {
		if s.owed == 0 && s.frac == 0 {
			from := (pos + Reach) * s.channels
			copy(dst[i*s.channels:], s.buf[from:from+(n-i)*s.channels])
			pos += n - i
			break
		}
		s.interpolate(dst[i*s.channels:(i+1)*s.channels], pos)
		i++
		step := min(max(s.owed, -s.stride), s.stride)
		s.owed -= step
		s.frac += one - step
		pos += int(s.frac >> 32)
		s.frac &= one - 1
	}
	s.put += int64(n)
	kept := copy(s.buf, s.buf[pos*s.channels:])
	s.buf = s.buf[:kept]
}

// interpolate puts out the frame that lies frac past the one Reach frames after at.
func (s *Slew) interpolate(dst []int16, at int) {
	p := s.frac >> 24
	w := float32(s.frac&(1<<24-1)) / (1 << 24)
	lo, hi := &s.filters[p], &s.filters[p+1]
	from := s.buf[(at+1)*s.channels:]
	for c := range dst {
		var a, b float32
		for i := range taps {
			v := float32(from[i*s.channels+c])
			a += v * lo[i]
			b += v * hi[i]
		}
		v := math.RoundToEven(float64(a + (b-a)*w))
		dst[c] = int16(min(max(v, math.MinInt16), math.MaxInt16))
	}
}
