package studio

import "math"

// Chime is a short sound before a bulletin, made here note by note.
type Chime uint8

// The chimes.
const (
	ChimeNone Chime = iota
	ChimeTwo        // two falling notes, for bulletins
	ChimeFour       // four rising notes, for programmes
)

// note is one struck tone.
type note struct {
	hertz   float64
	start   float64 // seconds
	seconds float64
}

func (c Chime) notes() []note {
	switch c {
	case ChimeTwo: // a fourth down: B4, F sharp 4
		return []note{{493.88, 0, 0.9}, {369.99, 0.55, 1.2}}
	case ChimeFour: // D4, F sharp 4, A4, D5
		return []note{{293.66, 0, 0.9}, {369.99, 0.45, 0.9}, {440, 0.9, 0.9}, {587.33, 1.35, 1.3}}
	}
	return nil
}

// Samples returns the chime at rate samples a second, peaking at half of full
// scale. It is computed, so the same on every machine of one architecture.
func (c Chime) Samples(rate int) []int16 {
	notes := c.notes()
	end := 0.0
	for _, n := range notes {
		end = max(end, n.start+n.seconds)
	}
	sum := make([]float64, int(end*float64(rate)))
	for _, n := range notes {
		first := int(n.start * float64(rate))
		for i := range int(n.seconds * float64(rate)) {
			if first+i >= len(sum) {
				break
			}
			sum[first+i] += n.at(float64(i) / float64(rate))
		}
	}
	peak := 0.0
	for _, v := range sum {
		peak = max(peak, math.Abs(v))
	}
	out := make([]int16, len(sum))
	for i, v := range sum {
		out[i] = int16(math.Round(v / peak * 0.5 * math.MaxInt16))
	}
	return out
}

// at is the note t seconds after it was struck: a tone with two overtones that
// fade faster, a soft attack of 5 ms and an end without a click.
func (n note) at(t float64) float64 {
	w := 2 * math.Pi * n.hertz * t
	tone := math.Sin(w)*math.Exp(-3*t) + 0.4*math.Sin(2*w)*math.Exp(-5*t) + 0.15*math.Sin(3*w)*math.Exp(-8*t)
	attack := min(1, t/0.005)
	release := min(1, (n.seconds-t)/0.05)
	return tone * attack * release
}
