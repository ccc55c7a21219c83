package transcode

import (
	"encoding/binary"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// stereo makes a WAV of two channels, each a function of the mono speech and of
// noise, both from -1 to 1.
func stereo(seconds float64, left, right func(speech, noise float64) float64) []byte {
	mono := speechLike(seconds, 32000, 1, 1)[44:]
	b := wavHeader(len(mono)/2, 32000, 2)
	seed := uint32(7)
	for i := 0; i < len(mono); i += 2 {
		speech := float64(int16(binary.LittleEndian.Uint16(mono[i:]))) / math.MaxInt16
		seed = seed*1664525 + 1013904223
		noise := float64(int32(seed)) / math.MaxInt32
		for _, side := range []func(float64, float64) float64{left, right} {
			v := max(-1, min(1, side(speech, noise)))
			b = binary.LittleEndian.AppendUint16(b, uint16(int16(v*math.MaxInt16)))
		}
	}
	return b
}

func scaled(factor float64) func(float64, float64) float64 {
	return func(speech, _ float64) float64 { return factor * speech }
}

func TestWhatIsWrongWithARecordingIsSaid(t *testing.T) {
	needTools(t)
	noisy := func(speech, noise float64) float64 { return 0.2*speech + 0.08*noise }
	for name, c := range map[string]struct {
		left, right func(float64, float64) float64
		want        []Finding
	}{
		"good":        {scaled(0.3), scaled(0.3), nil},
		"clipped":     {scaled(6), scaled(6), []Finding{FindingClipped}},
		"quiet":       {scaled(0.01), scaled(0.01), []Finding{FindingQuiet}},
		"noisy":       {noisy, noisy, []Finding{FindingNoisy}},
		"one channel": {scaled(0), scaled(0.3), []Finding{FindingOneChannel}},
		"opposite":    {scaled(0.3), scaled(-0.3), []Finding{FindingCancelled}},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.opus")
			r, err := New(Config{}).Make(t.Context(), write(t, "a.wav", stereo(6, c.left, c.right)), out, Options{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(r.Findings, c.want) {
				t.Errorf("found %v, want %v", r.Findings, c.want)
			}
			if math.Abs(r.Loudness-TargetHorn) > 0.5 || r.TruePeak > -1 {
				t.Errorf("%v LUFS, %v dBTP", r.Loudness, r.TruePeak)
			}
			for _, f := range r.Findings {
				if vi, en := f.Message(); vi == "" || en == "" {
					t.Errorf("%v has no sentence", f)
				}
			}
		})
	}
}

func TestRepairLowersNoiseAndRumbleAndKeepsTheLength(t *testing.T) {
	needTools(t)
	at := 0.0
	hum := func(speech, noise float64) float64 {
		at += 1.0 / 32000
		return 0.2*speech + 0.03*noise + 0.2*math.Sin(2*math.Pi*30*at)
	}
	source := write(t, "a.wav", stereo(8, hum, func(speech, noise float64) float64 { return 0.2*speech + 0.03*noise }))
	tr := New(Config{})
	floors := map[bool]float64{}
	for _, repair := range []bool{false, true} {
		out := filepath.Join(t.TempDir(), "out.opus")
		r, err := tr.Make(t.Context(), source, out, Options{Repair: repair}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Frames != 8*Rate {
			t.Errorf("repair %v: %d frames", repair, r.Frames)
		}
		info, err := tr.Probe(t.Context(), out)
		if err != nil {
			t.Fatal(err)
		}
		var opt Options
		m, err := tr.measure(t.Context(), out, info, &opt, func(string, float64) {})
		if err != nil {
			t.Fatal(err)
		}
		floors[repair] = m.channels[0].floor - m.channels[0].rms
	}
	if floors[true] > floors[false]-4 {
		t.Errorf("noise at %.1f dB before repair, %.1f dB after", floors[false], floors[true])
	}
}

func TestTrimKeepsWhatWasAskedFor(t *testing.T) {
	needTools(t)
	source := write(t, "a.wav", speechLike(6, 48000, 1, 0.3))
	out := filepath.Join(t.TempDir(), "out.opus")
	r, err := New(Config{}).Make(t.Context(), source, out, Options{From: time.Second, To: 3500 * time.Millisecond}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Frames != 5*Rate/2 {
		t.Errorf("%d frames", r.Frames)
	}
	for _, o := range []Options{{From: 2 * time.Second, To: time.Second}, {From: -1}, {From: 7 * time.Second}} {
		if _, err := New(Config{}).Make(t.Context(), source, out, o, nil); !errors.Is(err, ErrTrim) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
