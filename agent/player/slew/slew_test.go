package slew

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// tone yields a sine of a frequency in hertz at 48 kHz, from a frame on.
type tone struct {
	hertz float64
	at    int
}

func (g *tone) read(dst []int16) {
	for i := range dst {
		dst[i] = int16(math.RoundToEven(16000 * math.Sin(2*math.Pi*g.hertz*float64(g.at)/48000)))
		g.at++
	}
}

func fill(s *Slew, g *tone, n int) []int16 {
	var out []int16
	for len(out) < n {
		block := make([]int16, min(480, n-len(out)))
		s.Fill(block, g.read)
		out = append(out, block...)
	}
	return out
}

func TestWithoutACorrectionEveryBitPasses(t *testing.T) {
	want := make([]int16, 48000)
	(&tone{hertz: 997}).read(want)
	if got := fill(New(1), &tone{hertz: 997}, 48000); !slices.Equal(got, want) {
		t.Error("samples differ")
	}
}

// TestACorrectionGainsOrLosesWholeFrames, and after it every bit passes again, that
// many frames later or earlier.
func TestACorrectionGainsOrLosesWholeFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frames := rapid.Int64Range(-100, 100).Draw(t, "frames")
		again := rapid.Int64Range(-50, 50).Draw(t, "again")
		ppm := rapid.SampledFrom([]int64{PPM, Hasty}).Draw(t, "ppm")
		s, g := New(1), &tone{hertz: 441}
		fill(s, g, 4800)
		s.Correct(frames, ppm)
		fill(s, g, rapid.IntRange(1, 20000).Draw(t, "for"))
		s.Correct(again, PPM)
		for i := 0; s.Owed() || s.frac != 0; i++ {
			if fill(s, g, 480); i > 3000 {
				t.Fatal("never done")
			}
		}
		from := int(s.Position())
		got := fill(s, g, 1000)
		want := make([]int16, 1000)
		(&tone{hertz: 441, at: from}).read(want)
		if !slices.Equal(got, want) {
			t.Fatal("samples differ after the correction")
		}
		if frames == 0 && again != 0 && s.put-s.Position() != again {
			t.Fatalf("%d frames longer, want %d", s.put-s.Position(), again)
		}
	})
}

// TestACorrectionIsNotHeard: what is not the tone itself is over 70 dB below it at all
// that a horn sounds, while the sound is made longer and shorter.
func TestACorrectionIsNotHeard(t *testing.T) {
	for _, hertz := range []float64{100, 997, 3000, 8000, 15000} {
		for _, frames := range []int64{20, -20} {
			s, g := New(1), &tone{hertz: hertz}
			fill(s, g, 480)
			s.Correct(frames, PPM)
			got := fill(s, g, 48000)
			if !s.Owed() {
				t.Fatal("done already")
			}
			if snr := against(got, hertz*(1-math.Copysign(PPM/1e6, float64(frames)))); snr < 70 {
				t.Errorf("%g Hz, %d frames: %.1f dB", hertz, frames, snr)
			} else {
				t.Logf("%g Hz, %d frames: %.1f dB", hertz, frames, snr)
			}
		}
	}
}

// TestAHastyCorrectionIsOnlyHigherOrLower: the tone is another one meanwhile, and nothing
// else is heard.
func TestAHastyCorrectionIsOnlyHigherOrLower(t *testing.T) {
	for _, hertz := range []float64{100, 997, 8000} {
		for _, frames := range []int64{240, -240} {
			s, g := New(1), &tone{hertz: hertz}
			fill(s, g, 480)
			s.Correct(frames, Hasty)
			got := fill(s, g, 43200)
			if !s.Owed() {
				t.Fatal("done already")
			}
			if snr := against(got, hertz*(1-math.Copysign(Hasty/1e6, float64(frames)))); snr < 70 {
				t.Errorf("%g Hz, %d frames: %.1f dB", hertz, frames, snr)
			}
			if fill(s, g, 9600); s.Owed() || s.put-s.Position() != frames {
				t.Errorf("%g Hz: %d frames longer, want %d", hertz, s.put-s.Position(), frames)
			}
		}
	}
}

// against is how far what is not a tone of that frequency lies below it, in dB: the
// tone is fitted by least squares.
func against(pcm []int16, hertz float64) float64 {
	var ss, sc, cc, xs, xc, xx float64
	for i, v := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * hertz * float64(i) / 48000)
		x := float64(v)
		ss, sc, cc = ss+sin*sin, sc+sin*cos, cc+cos*cos
		xs, xc, xx = xs+x*sin, xc+x*cos, xx+x*x
	}
	d := ss*cc - sc*sc
	a, b := (xs*cc-xc*sc)/d, (xc*ss-xs*sc)/d
	tone := a*xs + b*xc
	return 10 * math.Log10(tone/(xx-tone))
}

func TestChannelsStayApart(t *testing.T) {
	s := New(2)
	s.Correct(10, PPM)
	out := make([]int16, 9600)
	s.Fill(out, func(dst []int16) {
		for i := 0; i < len(dst); i += 2 {
			dst[i], dst[i+1] = 1000, -2000
		}
	})
	for i := 200; i < len(out); i += 2 {
		if out[i] < 999 || out[i] > 1001 || out[i+1] < -2001 || out[i+1] > -1999 {
			t.Fatalf("frame %d: %d, %d", i/2, out[i], out[i+1])
		}
	}
}

func BenchmarkSlew(b *testing.B) {
	s, g := New(1), &tone{}
	block := make([]int16, 960)
	b.ReportAllocs()
	for b.Loop() {
		s.Correct(1000, PPM)
		s.Fill(block, func(dst []int16) { g.at += len(dst) })
	}
}
