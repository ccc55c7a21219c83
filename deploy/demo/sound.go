package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// rate is that of every recording here, in frames a second.
const rate = 48_000

// What makes two decodings of the same sound equal: they differ by the volume and
// by rounding. Two decoders of Opus agree to about 50 dB.
const (
	block     = rate / 100 // frames that are compared at once
	mark      = rate / 2   // frames by which a sound is found
	leastGain = 0.3        // of the volume
	mostGain  = 1.05
	least     = 0.9       // likeness of what was found by its mark
	quiet     = 200.0     // RMS up to which a stretch is too quiet to find anything by
	tail      = rate / 10 // frames before a cut that are not compared: fade and buffers
	lost      = rate / 2  // frames of a file that a killed program may not have written
)

// A sound output that a busy machine does not feed in time repeats nothing and loses
// nothing: it is silent meanwhile. What is forgiven of that, at most.
const (
	mostGap  = rate / 2 // frames at once
	mostGaps = rate     // frames, all together
)

var (
	errWAV   = errors.New("not a WAV file of 16 bit, 48 kHz, one channel")
	errSound = errors.New("the recording is not what was sent")
)

// readWAV returns the samples of a WAV file with a header of 44 bytes. A file that
// is still being written holds at least what its header says.
func readWAV(b []byte) ([]int16, error) {
	if len(b) < 44 || string(b[:4]) != "RIFF" || string(b[8:16]) != "WAVEfmt " || string(b[36:40]) != "data" {
		return nil, errWAV
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
	size := int(binary.LittleEndian.Uint32(b[40:]))
	if u16(22) != 1 || int(binary.LittleEndian.Uint32(b[24:])) != rate || u16(34) != 16 || size > len(b)-44 {
		return nil, errWAV
	}
	return samples(b[44 : 44+size]), nil
}

// samples reads little-endian 16-bit samples.
func samples(b []byte) []int16 {
	out := make([]int16, len(b)/2)
	for i := range out {
		out[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return out
}

// gainOf is the factor that brings sent closest to heard.
func gainOf(heard, sent []int16) float64 {
	var cross, own float64
	for i := range sent {
		cross += float64(heard[i]) * float64(sent[i])
		own += float64(sent[i]) * float64(sent[i])
	}
	if own == 0 {
		return 0
	}
	return cross / own
}

// level is the RMS of samples.
func level(pcm []int16) float64 {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return math.Sqrt(sum / float64(max(1, len(pcm))))
}

// apart is the RMS of the difference of heard's beginning from gain*sent.
func apart(heard, sent []int16, gain float64) float64 {
	sum := 0.0
	for i, s := range sent {
		d := float64(heard[i]) - gain*float64(s)
		sum += d * d
	}
	return math.Sqrt(sum / float64(max(1, len(sent))))
}

// near says whether a difference is small enough for what was sent.
func near(rest float64, sent []int16, gain float64) bool {
	return rest <= 30+0.1*gain*level(sent)
}

// match is how two sounds lie over each other: from sent[m:] and heard[h:] on they
// are the same for a while.
type match struct {
	m, h int
	gain float64
}

// find lays heard, from a frame on, and sent over each other by sent's loudest half
// second: coarsely at a twelfth of the rate, then to the frame.
func find(heard, sent []int16, from int) (match, error) {
	const coarse = 12
	if len(sent) < mark || from < 0 || len(heard)-from < mark {
		return match{}, fmt.Errorf("%w: nothing to compare", errSound)
	}
	loudest, energy := 0, -1.0
	for at := 0; at+mark <= len(sent); at += mark / 4 {
		if l := level(sent[at : at+mark]); l > energy {
			loudest, energy = at, l
		}
	}
	chosen := sent[loudest : loudest+mark]
	thinHeard, thinMark := thin(heard[from:], coarse), thin(chosen, coarse)
	best, place := 0.0, -1
	for at := 0; at+len(thinMark) <= len(thinHeard); at++ {
		if c := likeness(thinHeard[at:], thinMark); c > best {
			best, place = c, at
		}
	}
	best, exact := 0.0, -1
	for at := from + (place-2)*coarse; place >= 0 && at <= from+(place+2)*coarse; at++ {
		if at < from || at+mark > len(heard) {
			continue
		}
		if c := likeness(heard[at:], chosen); c > best {
			best, exact = c, at
		}
	}
	if exact < 0 {
		return match{}, fmt.Errorf("%w: it is not there", errSound)
	}
	// The mark itself may have a gap: what lies under most of it decides.
	f := match{loudest, exact, 0}
	for at := 0; at+10*block <= mark; at += block {
		if l := likeness(heard[exact+at:], chosen[at:at+10*block]) / math.Max(1, norm(chosen[at:at+10*block])); l >= least {
			f = match{loudest + at, exact + at, gainOf(heard[exact+at:], chosen[at:at+10*block])}
			break
		}
	}
	if f.gain < leastGain || f.gain > mostGain {
		return match{}, fmt.Errorf("%w: volume %.2f", errSound, f.gain)
	}
	return f, nil
}

// thin averages n frames into one.
func thin(pcm []int16, n int) []float64 {
	out := make([]float64, len(pcm)/n)
	for i := range out {
		sum := 0
		for _, s := range pcm[i*n : (i+1)*n] {
			sum += int(s)
		}
		out[i] = float64(sum) / float64(n)
	}
	return out
}

// likeness is the correlation of a's beginning with b, 0 for silence; at most b's
// norm.
func likeness[T int16 | float64](a, b []T) float64 {
	var cross, own float64
	for i, v := range b {
		cross += float64(a[i]) * float64(v)
		own += float64(a[i]) * float64(a[i])
	}
	if own < 1 {
		return 0
	}
	return cross / math.Sqrt(own)
}

func norm(pcm []int16) float64 { return level(pcm) * math.Sqrt(float64(len(pcm))) }

// walked is how far two sounds go together.
type walked struct{ heard, sent, gaps int }

// walk goes through two sounds that begin together, block by block, until one of
// them is over. Where they part, silence may have been put into heard. The error is
// errSound and says where.
func walk(heard, sent []int16, gain float64) (walked, error) {
	var w walked
	for w.sent < len(sent) {
		n := min(block, len(sent)-w.sent)
		if len(heard)-w.heard < n {
			return w, nil
		}
		next := sent[w.sent : w.sent+n]
		if near(apart(heard[w.heard:], next, gain), next, gain) {
			w.heard, w.sent = w.heard+n, w.sent+n
			continue
		}
		frames, gap := rejoin(heard, sent, w, gain)
		if frames == 0 {
			return w, fmt.Errorf("%w: they part at %.2f s", errSound, seconds(w.sent))
		}
		w.heard, w.sent, w.gaps = w.heard+frames+gap, w.sent+frames, w.gaps+gap
	}
	return w, nil
}

// rejoin finds how many frames of silence in heard bring the two together again. It
// returns how many frames of sent lie up to there, 0 for none, and the gap.
func rejoin(heard, sent []int16, w walked, gain float64) (frames, gap int) {
	const sure = 2 * block
	to := w.sent + block
	for to+sure <= len(sent) && gain*level(sent[to:to+sure]) < quiet {
		to += block
	}
	frames = to - w.sent
	if to+sure > len(sent) {
		return 0, 0
	}
	best, after := math.Inf(1), sent[to:to+sure]
	for g := 1; g <= mostGap && w.heard+frames+g+sure <= len(heard); g++ {
		if d := apart(heard[w.heard+frames+g:], after, gain); d < best {
			best, gap = d, g
		}
	}
	if !near(best, after, gain) || zeros(heard[max(0, w.heard-rate):w.heard+frames+gap]) < gap*9/10 {
		return 0, 0
	}
	// Up to there nothing is missing: it lies before the gap, or behind it.
	lies := math.Inf(1)
	for k := 0; k <= frames; k += 4 {
		before := apart(heard[w.heard:], sent[w.sent:w.sent+k], gain)
		behind := apart(heard[w.heard+k+gap:], sent[w.sent+k:to], gain)
		sum := before*before*float64(k) + behind*behind*float64(frames-k)
		lies = min(lies, math.Sqrt(sum/float64(frames)))
	}
	if !near(lies, sent[w.sent:to], gain) {
		return 0, 0
	}
	return frames, gap
}

// zeros counts samples of exact silence.
func zeros(pcm []int16) int {
	n := 0
	for _, s := range pcm {
		if s == 0 {
			n++
		}
	}
	return n
}

func backwards(pcm []int16) []int16 {
	out := slices.Clone(pcm)
	slices.Reverse(out)
	return out
}

// compared is how much of sent was found in heard, without a hole.
type compared struct {
	from, to   int // of sent
	begin, end int // of heard
	gaps       int // frames of silence put in
}

// lay finds sent in heard, at a frame or later, and walks from there both ways.
func lay(heard, sent []int16, at int) (compared, error) {
	f, err := find(heard, sent, at)
	if err != nil {
		return compared{}, err
	}
	on, err := walk(heard[f.h:], sent[f.m:], f.gain)
	if err != nil {
		return compared{}, fmt.Errorf("from %.2f s on: %w", seconds(f.m), err)
	}
	back, err := walk(backwards(heard[at:f.h]), backwards(sent[:f.m]), f.gain)
	if err != nil {
		return compared{}, fmt.Errorf("backwards from %.2f s: %w", seconds(f.m), err)
	}
	c := compared{f.m - back.sent, f.m + on.sent, f.h - back.heard, f.h + on.heard, on.gaps + back.gaps}
	if c.gaps > mostGaps {
		return c, fmt.Errorf("%w: %.2f s of silence in it", errSound, seconds(c.gaps))
	}
	return c, nil
}

// playedIn finds sent, whole, in heard at a frame or later. It returns where it ends
// there, and how many frames of silence were put in.
func playedIn(heard, sent []int16, at int) (end, gaps int, err error) {
	c, err := lay(heard, sent, at)
	if err == nil && (c.from > 0 || c.to < len(sent)) {
		err = fmt.Errorf("%w: only from %.2f s to %.2f s of %.2f s", errSound, seconds(c.from), seconds(c.to), seconds(len(sent)))
	}
	return c.end, c.gaps, err
}

// cutIn checks that a recording is the beginning of what was sent, and not the
// whole.
func cutIn(heard, sent []int16) (gaps int, err error) {
	if len(heard) < rate+tail {
		return 0, fmt.Errorf("%w: only %.2f s before the cut", errSound, seconds(len(heard)))
	}
	heard = heard[:len(heard)-tail]
	c, err := lay(heard, sent[:min(len(sent), len(heard))], 0)
	switch {
	case err != nil:
		return c.gaps, err
	case c.from > 0 || c.begin > c.gaps:
		return c.gaps, fmt.Errorf("%w: it begins at %.2f s", errSound, seconds(c.from))
	case c.to >= len(sent)-tail:
		return c.gaps, fmt.Errorf("%w: not cut at all", errSound)
	case len(heard)-c.end > block:
		return c.gaps, fmt.Errorf("%w: it goes on otherwise", errSound)
	}
	return c.gaps, nil
}

// resumedIn checks two recordings of which the first was broken off and the second
// went on: together they are the whole of what was sent.
func resumedIn(first, second, sent []int16) (gaps int, err error) {
	if gaps, err = cutIn(first, sent); err != nil {
		return gaps, fmt.Errorf("before the break: %w", err)
	}
	skipped := max(0, len(sent)-len(second))
	c, err := lay(second, sent[skipped:], 0)
	c.from, c.to, gaps = c.from+skipped, c.to+skipped, gaps+c.gaps
	switch {
	case err != nil:
		return gaps, fmt.Errorf("after the break: %w", err)
	case c.to < len(sent):
		return gaps, fmt.Errorf("%w: after the break only up to %.2f s", errSound, seconds(c.to))
	case c.from == 0:
		return gaps, fmt.Errorf("%w: begun again, not resumed", errSound)
	case c.begin > block:
		return gaps, fmt.Errorf("%w: something else after the break", errSound)
	case c.from > len(first)+lost:
		return gaps, fmt.Errorf("%w: %.2f s are missing at the break", errSound, seconds(c.from-len(first)))
	}
	return gaps, nil
}

func seconds(frames int) float64 { return float64(frames) / rate }
