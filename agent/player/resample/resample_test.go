package resample_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/loa-vn/loa/agent/player/resample"
)

// convert turns a signal of so many frames into another rate, in blocks of uneven sizes.
func convert(t *testing.T, channels, from, to, frames int, signal func(i, channel int) float64) []int16 {
	t.Helper()
	r, err := resample.New(channels, from, to)
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	out := make([]int16, frames*channels)
	for at, block := 0, 1; at < frames; block = block*7%961 + 1 {
		n := min(block, frames-at)
		r.Fill(out[at*channels:(at+n)*channels], func(dst []int16) {
			for i := 0; i < len(dst); i += channels {
				for c := range channels {
					dst[i+c] = int16(math.Round(signal(read, c)))
				}
				read++
			}
		})
		at += n
		if want := r.In(int64(at)); int64(read-r.Ahead()) < want || int64(read-r.Ahead()) > want+1 {
			t.Fatalf("after %d frames %d were read, %d of them ahead, want %d", at, read, r.Ahead(), want)
		}
	}
	return out
}

func sine(hz, rate, amplitude float64) func(int, int) float64 {
	return func(i, channel int) float64 {
		v := amplitude * math.Sin(2*math.Pi*hz*float64(i)/rate)
		if channel == 1 {
			return -v
		}
		return v
	}
}

// A tone comes out as the same tone at the same instants: the difference is 80 dB down,
// which is the rounding to 16 bits twice.
func TestATonePassesUnchanged(t *testing.T) {
	t.Parallel()
	for _, rates := range [][2]int{{48000, 44100}, {44100, 48000}, {48000, 96000}, {48000, 32000}} {
		for _, hz := range []float64{50, 997, 5000, 12000} {
			for channels := 1; channels <= 2; channels++ {
				t.Run(fmt.Sprint(rates, hz, channels), func(t *testing.T) {
					t.Parallel()
					got := convert(t, channels, rates[0], rates[1], rates[1]/4, sine(hz, float64(rates[0]), 20000))
					want := sine(hz, float64(rates[1]), 20000)
					sum := 0.0
					n := 0
					for i := 2 * resample.Reach; i < len(got)/channels; i++ {
						for c := range channels {
							d := float64(got[i*channels+c]) - want(i, c)
							sum += d * d
							n++
						}
					}
					if db := 20 * math.Log10(math.Sqrt(sum/float64(n))/(20000/math.Sqrt2)); db > -80 {
						t.Errorf("the difference is %.1f dB", db)
					}
				})
			}
		}
	}
}

// What the lower rate cannot carry does not come back as another tone.
func TestWhatDoesNotFitIsTakenOut(t *testing.T) {
	t.Parallel()
	got := convert(t, 1, 48000, 44100, 44100/4, sine(23000, 48000, 20000))
	for i, v := range got[2*resample.Reach:] {
		if v > 2 || v < -2 {
			t.Fatalf("frame %d of a tone of 23 kHz is %d at 44.1 kHz", i, v)
		}
	}
}

func TestLoudSoundIsLimitedNotWrapped(t *testing.T) {
	t.Parallel()
	got := convert(t, 1, 48000, 44100, 4410, func(i, _ int) float64 { return 32767 * float64(1-2*(i/24%2)) })
	before := got[200]
	for i, v := range got[201:] {
		if d := int(v) - int(before); d > 60000 && before < -30000 && v > 32000 && i > 0 && int(got[200+i-1]) > 0 {
			t.Fatalf("frame %d jumps from %d to %d", i, before, v)
		}
		before = v
	}
}

func TestRatesWithoutARatioAreRefused(t *testing.T) {
	t.Parallel()
	for _, rates := range [][2]int{{48000, 44101}, {0, 48000}, {48000, -1}} {
		if _, err := resample.New(1, rates[0], rates[1]); !errors.Is(err, resample.ErrRate) {
			t.Errorf("%v: %v", rates, err)
		}
	}
}

func BenchmarkSecondTo44100(b *testing.B) {
	r, err := resample.New(1, 48000, 44100)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]int16, 882)
	for b.Loop() {
		for range 50 {
			r.Fill(dst, func(in []int16) {
				for i := range in {
					in[i] = int16(i * 37)
				}
			})
		}
	}
}
