package signal

import (
	"errors"
	"io"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loa-vn/loa/agent/player"
)

var _ player.Source = (*Wave)(nil)

func read(t *testing.T, w *Wave, block int) []int16 {
	t.Helper()
	var pcm []int16
	buf := make([]int16, block)
	for {
		n, err := w.Read(buf)
		if errors.Is(err, io.EOF) {
			return pcm
		}
		if err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, buf[:n]...)
	}
}

// crossings is the frequency by counting upward zero crossings.
func crossings(pcm []int16) float64 {
	n := 0
	for i := 1; i < len(pcm); i++ {
		if pcm[i-1] < 0 && pcm[i] >= 0 {
			n++
		}
	}
	return float64(n) * player.Rate / float64(len(pcm))
}

func TestWavesHaveTheirLengthAndAreSeekable(t *testing.T) {
	t.Parallel()
	for name, wave := range map[string]func() *Wave{
		"siren": func() *Wave { return Siren(1500 * time.Millisecond) },
		"tone":  func() *Wave { return Tone(440, 700*time.Millisecond) },
	} {
		whole := read(t, wave(), 1000)
		if int64(len(whole)) != wave().Frames() {
			t.Errorf("%s: %d frames of %d", name, len(whole), wave().Frames())
		}
		w := wave()
		if err := w.SeekFrame(12345); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(whole[12345:], read(t, w, 777)); diff != "" {
			t.Errorf("%s: other samples after a seek", name)
		}
		if whole[0] != 0 || whole[len(whole)-1] != 0 {
			t.Errorf("%s: begins with %d, ends with %d", name, whole[0], whole[len(whole)-1])
		}
	}
}

func TestSirenWailsBetweenItsFrequenciesWithoutClipping(t *testing.T) {
	t.Parallel()
	pcm := read(t, Siren(8*time.Second), 4800)
	peak := 0.0
	for i, s := range pcm {
		peak = max(peak, math.Abs(float64(s)))
		if i > 0 && math.Abs(float64(s)-float64(pcm[i-1])) > 9000 {
			t.Fatalf("a jump at frame %d", i)
		}
	}
	if db := 20 * math.Log10(peak/math.MaxInt16); db > -1 || db < -6 {
		t.Errorf("peak %.1f dBFS", db)
	}
	for _, c := range []struct {
		second float64
		hz     float64
	}{{0.1, 448}, {2, 966}, {4, 434}, {6, 966}} {
		at := int(c.second * player.Rate)
		if hz := crossings(pcm[at : at+4800]); math.Abs(hz-c.hz) > 15 {
			t.Errorf("%.0f Hz at %.1f s, want %.0f", hz, c.second, c.hz)
		}
	}
}

func TestToneHasItsFrequency(t *testing.T) {
	t.Parallel()
	if hz := crossings(read(t, Tone(1000, 2*time.Second), 960)); math.Abs(hz-1000) > 1 {
		t.Errorf("%.1f Hz", hz)
	}
}
