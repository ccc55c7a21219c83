package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// rate is that of every recording here, in frames a second.
const rate = 48_000

// What makes two decodings of the same sound equal: they differ by the volume and
// by rounding. Two decoders of Opus agree to about 50 dB.
const (
	leastSNR    = 30.0     // dB, over the whole
	leastWindow = 12.0     // dB, of each window that is loud enough to say
	window      = rate / 5 // frames of one
	quiet       = 200.0    // RMS of a window below which only noise is told from silence
	leastGain   = 0.3      // of the volume
	mostGain    = 1.05
	tail        = rate / 10 // frames before a cut that are not compared: fade and buffers
	lost        = rate / 2  // frames of a file that a killed program may not have written
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

// ratio is the level of gain*sent over that of the difference, in dB, and the
// level (RMS) of gain*sent and of the difference.
func ratio(heard, sent []int16, gain float64) (db, level, rest float64) {
	var signal, noise float64
	for i := range sent {
		s := gain * float64(sent[i])
		d := float64(heard[i]) - s
		signal += s * s
		noise += d * d
	}
	n := float64(max(1, len(sent)))
	return 10 * math.Log10((signal+1e-9)/(noise+1e-9)), math.Sqrt(signal / n), math.Sqrt(noise / n)
}

// same says whether heard, from its beginning on, is sent: at one volume for the
// whole, and in every window of it. The error is errSound and says where.
func same(heard, sent []int16) error {
	if len(heard) < len(sent) {
		return fmt.Errorf("%w: %.2f s of %.2f s", errSound, seconds(len(heard)), seconds(len(sent)))
	}
	if len(sent) < window {
		return fmt.Errorf("%w: nothing to compare", errSound)
	}
	gain := gainOf(heard, sent)
	if gain < leastGain || gain > mostGain {
		return fmt.Errorf("%w: volume %.2f", errSound, gain)
	}
	if db, level, _ := ratio(heard, sent, gain); db < leastSNR || level < quiet {
		return fmt.Errorf("%w: %.1f dB apart at a level of %.0f", errSound, db, level)
	}
	for at := 0; at+window <= len(sent); at += window {
		db, level, rest := ratio(heard[at:], sent[at:at+window], gain)
		if level >= quiet && db < leastWindow || level < quiet && rest > quiet {
			return fmt.Errorf("%w: %.1f dB at %.2f s", errSound, db, seconds(at))
		}
	}
	return nil
}

// locate finds where sent begins in heard, at from or later, by its loudest half
// second: coarsely at a twelfth of the rate, then to the frame. It returns -1 if
// sent would not lie in heard whole; what is found has still to be compared.
func locate(heard, sent []int16, from int) int {
	const coarse, half = 12, rate / 2
	if len(sent) < half || from < 0 || len(heard)-from < len(sent) {
		return -1
	}
	loudest, energy := 0, -1.0
	for at := 0; at+half <= len(sent); at += half / 4 {
		if _, level, _ := ratio(sent[at:], sent[at:at+half], 1); level > energy {
			loudest, energy = at, level
		}
	}
	thinHeard, thinMark := thin(heard[from:], coarse), thin(sent[loudest:loudest+half], coarse)
	best, place := 0.0, -1
	for at := loudest / coarse; at+len(thinMark) <= len(thinHeard); at++ {
		if c := likeness(thinHeard[at:], thinMark); c > best {
			best, place = c, at
		}
	}
	if place < 0 {
		return -1
	}
	mark := sent[loudest : loudest+half]
	best, exact := 0.0, -1
	for at := from + (place-2)*coarse; at <= from+(place+2)*coarse; at++ {
		if at < from+loudest || at+half > len(heard) {
			continue
		}
		if c := likenessOf(heard[at:], mark); c > best {
			best, exact = c, at-loudest
		}
	}
	if exact < from || exact+len(sent) > len(heard) {
		return -1
	}
	return exact
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

// likeness is the correlation of a's beginning with b, 0 for silence.
func likeness(a, b []float64) float64 {
	var cross, own float64
	for i, v := range b {
		cross += a[i] * v
		own += a[i] * a[i]
	}
	if own < 1 {
		return 0
	}
	return cross / math.Sqrt(own)
}

// likenessOf is the same for samples.
func likenessOf(a, b []int16) float64 {
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

// playedIn finds sent, whole, in heard at from or later, and returns where it ends
// there.
func playedIn(heard, sent []int16, from int) (int, error) {
	at := locate(heard, sent, from)
	if at < 0 {
		return 0, fmt.Errorf("%w: it is not there", errSound)
	}
	return at + len(sent), same(heard[at:], sent)
}

// A sound output that a busy machine does not feed in time repeats nothing and loses
// nothing: it is silent meanwhile. What is forgiven of that, at most.
const (
	leastGap = rate / 500 // frames of exact silence
	mostGaps = 5
	mostGap  = rate / 2 // frames, all together
)

// playedOn is playedIn that forgives silence put in where sent is not silent, and
// returns how many frames of it there were.
func playedOn(heard, sent []int16, from int) (end, gaps int, err error) {
	healed := heard
	for range mostGaps + 1 {
		if end, err = playedIn(healed, sent, from); err == nil {
			return end + gaps, gaps, nil
		}
		at := locate(healed, sent, from)
		if at < 0 {
			break
		}
		begin, n := gapIn(healed, sent, at)
		if gaps += n; n == 0 || gaps > mostGap {
			break
		}
		healed = append(append([]int16{}, healed[:begin]...), healed[begin+n:]...)
	}
	return 0, gaps, err
}

// gapIn finds the longest stretch of exact silence in heard, of which sent, lying at
// at, is loud for as long.
func gapIn(heard, sent []int16, at int) (begin, frames int) {
	run := 0
	for i := at; i <= at+len(sent) && i <= len(heard); i++ {
		if i < at+len(sent) && i < len(heard) && heard[i] == 0 {
			run++
			continue
		}
		if run >= leastGap && run > frames {
			if _, level, _ := ratio(sent[i-run-at:], sent[i-run-at:i-at], 1); level >= quiet/4 {
				begin, frames = i-run, run
			}
		}
		run = 0
	}
	return begin, frames
}

// cutIn checks that a recording is the beginning of what was sent, and not the
// whole.
func cutIn(heard, sent []int16) error {
	n := len(heard) - tail
	if n < rate {
		return fmt.Errorf("%w: only %.2f s before the cut", errSound, seconds(len(heard)))
	}
	if len(heard) >= len(sent) {
		return fmt.Errorf("%w: not cut at all", errSound)
	}
	return same(heard, sent[:n])
}

// resumedIn checks two recordings of which the first was broken off and the second
// went on: together they are the whole of what was sent. It returns how many frames
// were heard twice.
func resumedIn(first, second, sent []int16) (int, error) {
	switch {
	case len(second) > len(sent):
		return 0, fmt.Errorf("%w: %.2f s after the break, of %.2f s", errSound, seconds(len(second)), seconds(len(sent)))
	case len(second) == len(sent):
		return 0, fmt.Errorf("%w: begun again, not resumed", errSound)
	case len(first) <= tail:
		return 0, fmt.Errorf("%w: nothing before the break", errSound)
	}
	at := len(sent) - len(second)
	if at > len(first)+lost {
		return 0, fmt.Errorf("%w: %.2f s are missing at the break", errSound, seconds(at-len(first)))
	}
	if err := same(first, sent[:min(len(first), len(sent))-tail]); err != nil {
		return 0, fmt.Errorf("before the break: %w", err)
	}
	if err := same(second, sent[at:]); err != nil {
		return 0, fmt.Errorf("after the break: %w", err)
	}
	return len(first) - at, nil
}

func seconds(frames int) float64 { return float64(frames) / rate }
