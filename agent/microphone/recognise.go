// Package microphone tells whether a loudspeaker was heard to play what it was given: it
// listens through a microphone beside it while a bulletin sounds, and looks for the
// bulletin itself in what it hears.
//
// It keeps nothing of what it hears but a few seconds of the loudness of bands, sends
// none of it anywhere, and is off while nothing sounds. It never says more than how much
// it listened for, and how much of that it recognised.
package microphone

import (
	"math"
	"math/cmplx"
	"time"

	"github.com/loa-vn/loa/agent/player"
)

// Sounds are compared by how loud bands are against each other, from one moment to the
// next: that passes through a horn, a yard and a poor microphone, as the sound's waves do
// not.
const (
	window = 1024 // frames of one look at the spectrum
	hop    = 768  // frames from one look to the next: 16 ms
	bands  = 20
	low    = 250.0 // Hz
	high   = 5000.0
	// faintest is what is added to a band's power: -70 dBFS, below what is listened for.
	faintest = 1e-7
	// active is a look's power from which on the sound is one to be heard: -50 dBFS.
	active = 1e-5
	// segment is how many looks are compared at once: 2 s.
	segment = 125
	// reach is how much later or earlier than told the sound may be heard: 1 s.
	reach = 62
	// alike is the correlation from which on a segment is recognised. Other speech stays
	// below 0.35.
	alike = 0.5
)

// look is the loudness of the bands at one moment.
type look struct {
	bands [bands]float32 // log of power
	power float32
}

// ear turns sound into looks.
type ear struct {
	pcm     []float64
	looks   []look
	gone    int // looks dropped at the front
	fft     [window]complex128
	hann    [window]float64
	first   [bands + 1]int // of the bands' bins
	twiddle [window / 2]complex128
}

func newEar() *ear {
	e := &ear{}
	for i := range e.hann {
		e.hann[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/window)
	}
	for i := range e.first {
		hz := low * math.Pow(high/low, float64(i)/bands)
		e.first[i] = int(math.Round(hz * window / player.Rate))
		if i > 0 {
			e.first[i] = max(e.first[i], e.first[i-1]+1)
		}
	}
	for i := range e.twiddle {
		e.twiddle[i] = cmplx.Rect(1, -2*math.Pi*float64(i)/window)
	}
	return e
}

// hear takes sound of one channel, of full scale 1.
func (e *ear) hear(pcm []int16, channels int) {
	for i := 0; i+channels <= len(pcm); i += channels {
		e.pcm = append(e.pcm, float64(pcm[i])/(1<<15))
	}
	at := 0
	for ; at+window <= len(e.pcm); at += hop {
		e.looks = append(e.looks, e.look(e.pcm[at:at+window]))
	}
	e.pcm = append(e.pcm[:0], e.pcm[at:]...)
}

// count is how many looks there have been.
func (e *ear) count() int { return e.gone + len(e.looks) }

// at is a look that was not dropped.
func (e *ear) at(i int) *look { return &e.looks[i-e.gone] }

// drop forgets the looks before i.
func (e *ear) drop(i int) {
	if n := min(max(i-e.gone, 0), len(e.looks)); n > 0 {
		e.looks = append(e.looks[:0], e.looks[n:]...)
		e.gone += n
	}
}

func (e *ear) look(pcm []float64) (l look) {
	sum := 0.0
	for i, v := range pcm {
		sum += v * v
		e.fft[i] = complex(v*e.hann[i], 0)
	}
	l.power = float32(sum / window)
	e.transform()
	for b := range bands {
		power := 0.0
		for _, v := range e.fft[e.first[b]:e.first[b+1]] {
			power += real(v)*real(v) + imag(v)*imag(v)
		}
		l.bands[b] = float32(math.Log(power/(window*window/16) + faintest))
	}
	return l
}

// transform is the fast Fourier transform (Cooley and Tukey 1965), in place.
func (e *ear) transform() {
	for i, j := 1, 0; i < window; i++ {
		bit := window >> 1
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		if j ^= bit; i < j {
			e.fft[i], e.fft[j] = e.fft[j], e.fft[i]
		}
	}
	for size := 2; size <= window; size <<= 1 {
		half, stride := size/2, window/size
		for i := 0; i < window; i += size {
			for k := range half {
				odd := e.fft[i+k+half] * e.twiddle[k*stride]
				e.fft[i+k+half] = e.fft[i+k] - odd
				e.fft[i+k] += odd
			}
		}
	}
}

// Recogniser compares what was given to a loudspeaker with what is heard. It is used by
// one goroutine at a time.
type Recogniser struct {
	given, heard         *ear
	offset               int // look of the heard that goes with the first of the given
	placed               bool
	done                 int // looks of the given that were compared
	listened, recognised int // looks
}

// NewRecogniser returns one that has heard nothing.
func NewRecogniser() *Recogniser { return &Recogniser{given: newEar(), heard: newEar()} }

// Given takes what the loudspeaker gets, at player.Rate, in order; the first of its
// channels counts.
func (r *Recogniser) Given(pcm []int16, channels int) { r.given.hear(pcm, channels) }

// Heard takes what the microphone gives: one channel at player.Rate, without a gap.
func (r *Recogniser) Heard(pcm []int16) {
	r.heard.hear(pcm, 1)
	r.compare(reach)
}

// Begun says how long after the first of what was heard the loudspeaker began.
func (r *Recogniser) Begun(after time.Duration) {
	r.offset, r.placed = int(player.FramesIn(after)/hop), true
}

// Result compares what is left and returns how much was listened for and how much of it
// was recognised.
func (r *Recogniser) Result() (listened, recognised time.Duration) {
	r.compare(0)
	return player.Duration(int64(r.listened) * hop), player.Duration(int64(r.recognised) * hop)
}

// compare looks for the segments of which as much as they may be late was heard.
func (r *Recogniser) compare(late int) {
	if !r.placed {
		return
	}
	for r.done+segment <= r.given.count() && r.offset+r.done+segment+late <= r.heard.count() {
		if n := r.listen(); n > 0 {
			r.listened += n
			if r.find() >= alike {
				r.recognised += n
			}
		}
		r.done += segment
		r.given.drop(r.done)
		r.heard.drop(r.offset + r.done - reach)
	}
}

// listen is how many looks of the next segment there are to be heard; none if that is
// less than half.
func (r *Recogniser) listen() int {
	n := 0
	for i := range segment {
		if r.given.at(r.done+i).power >= active {
			n++
		}
	}
	if n < segment/2 {
		return 0
	}
	return n
}

// find is the best correlation of the next segment with what was heard about its time.
func (r *Recogniser) find() float64 {
	want := r.pattern(r.given, r.done)
	best := 0.0
	for lag := -reach; lag <= reach; lag++ {
		at := r.offset + r.done + lag
		if at < r.heard.gone || at+segment > r.heard.count() {
			continue
		}
		best = max(best, want.like(r.pattern(r.heard, at)))
	}
	return best
}

// pattern is a segment's bands, less what all looks and what all bands have in common.
type pattern [segment * bands]float32

func (r *Recogniser) pattern(e *ear, from int) *pattern {
	var p pattern
	var mean [bands]float32
	for i := range segment {
		l := e.at(from + i)
		common := float32(0)
		for _, v := range l.bands {
			common += v / bands
		}
		for b, v := range l.bands {
			p[i*bands+b] = v - common
			mean[b] += (v - common) / segment
		}
	}
	for i := range p {
		p[i] -= mean[i%bands]
	}
	return &p
}

// like is the correlation of two patterns; 0 if one of them is flat.
func (p *pattern) like(o *pattern) float64 {
	var xy, xx, yy float64
	for i, v := range p {
		w := o[i]
		xy, xx, yy = xy+float64(v*w), xx+float64(v*v), yy+float64(w*w)
	}
	if xx < 1e-3 || yy < 1e-3 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}
