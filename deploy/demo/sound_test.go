package main

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
)

// speech makes something like it: syllables of tones and noise, never the same.
func speech(seconds int) []int16 {
	out := make([]int16, seconds*rate)
	noise := uint32(7)
	for i := range out {
		t := float64(i) / rate
		noise = noise*1664525 + 1013904223
		syllable := math.Max(0, math.Sin(2*math.Pi*(2.3+0.05*t)*t))
		v := syllable * (0.6*math.Sin(2*math.Pi*(150+9*t)*t) + 0.3*math.Sin(2*math.Pi*(900+37*t)*t) + 0.1*float64(int32(noise))/math.MaxInt32)
		out[i] = int16(9000 * v)
	}
	return out
}

// at80 is what a device plays at its usual volume, a bit off as decoders are.
func at80(pcm []int16) []int16 {
	out := make([]int16, len(pcm))
	for i, s := range pcm {
		out[i] = int16(float64(s)*0.64) + int16(i%5-2)
	}
	return out
}

func silence(frames int) []int16 { return make([]int16, frames) }

func TestWhatWasPlayedIsFoundWherever(t *testing.T) {
	sent := speech(6)
	heard := slices.Concat(silence(30_001), at80(speech(3)[:rate]), at80(sent), silence(9_000))
	end, gaps, err := playedIn(heard, sent, 0)
	if want := 30_001 + rate + len(sent); err != nil || end != want || gaps != 0 {
		t.Errorf("ends at %d with %d of gaps, %v; want %d", end, gaps, err, want)
	}
}

func TestAnyFalsifiedRecordingIsFound(t *testing.T) {
	sent := speech(6)
	for name, falsify := range map[string]func(pcm []int16) []int16{
		"silence":          func(pcm []int16) []int16 { return silence(len(pcm)) },
		"a second missing": func(pcm []int16) []int16 { return slices.Delete(pcm, 2*rate, 3*rate) },
		"end missing":      func(pcm []int16) []int16 { return pcm[:len(pcm)-rate/4] },
		"beginning missing": func(pcm []int16) []int16 {
			return pcm[rate/4:]
		},
		"a hole": func(pcm []int16) []int16 { copy(pcm[2*rate:], silence(rate/4)); return pcm },
		"a word from elsewhere": func(pcm []int16) []int16 {
			copy(pcm[4*rate:], pcm[:rate/2])
			return pcm
		},
		"something over it": func(pcm []int16) []int16 {
			for i := range pcm {
				pcm[i] += int16(1500 * math.Sin(float64(i)/20))
			}
			return pcm
		},
		"another text": func([]int16) []int16 { return at80(speech(9)[3*rate:]) },
		"much too low": func(pcm []int16) []int16 {
			for i := range pcm {
				pcm[i] /= 8
			}
			return pcm
		},
		"upside down": func(pcm []int16) []int16 {
			for i := range pcm {
				pcm[i] = -pcm[i]
			}
			return pcm
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := playedIn(falsify(at80(sent)), sent, 0); !errors.Is(err, errSound) {
				t.Errorf("%v, want errSound", err)
			}
		})
	}
}

func TestACutRecordingIsTheBeginning(t *testing.T) {
	sent := speech(6)
	if _, err := cutIn(at80(sent)[:3*rate], sent); err != nil {
		t.Error(err)
	}
	for name, heard := range map[string][]int16{
		"whole": at80(sent), "nothing": nil, "the middle": at80(sent)[rate : 4*rate], "too short to say": at80(sent)[:rate/2],
	} {
		if _, err := cutIn(heard, sent); !errors.Is(err, errSound) {
			t.Errorf("%s: %v, want errSound", name, err)
		}
	}
}

func TestAResumedRecordingIsWholeTogether(t *testing.T) {
	sent := speech(8)
	heard := at80(sent)
	if gaps, err := resumedIn(heard[:5*rate], heard[3*rate:], sent); err != nil || gaps != 0 {
		t.Errorf("gaps %d, %v", gaps, err)
	}
	for name, c := range map[string]struct{ first, second []int16 }{
		"a gap":            {heard[:2*rate], heard[4*rate:]},
		"begun again":      {heard[:5*rate], heard},
		"not to the end":   {heard[:5*rate], heard[3*rate : 7*rate]},
		"nothing before":   {nil, heard[3*rate:]},
		"something before": {heard[2*rate : 7*rate], heard[3*rate:]},
	} {
		if _, err := resumedIn(c.first, c.second, sent); !errors.Is(err, errSound) {
			t.Errorf("%s: %v, want errSound", name, err)
		}
	}
}

func TestAnOutputMayStarveButLoseNothing(t *testing.T) {
	sent := speech(6)
	heard := at80(sent)
	for i := range heard { // no exact silence of its own
		if heard[i] == 0 {
			heard[i] = 1
		}
	}
	starved := slices.Concat(silence(777), heard[:20_000], silence(3840), heard[20_000:20_900], silence(500), heard[20_900:3*rate], silence(12_345), heard[3*rate:])
	end, gaps, err := playedIn(starved, sent, 0)
	if want := 3840 + 500 + 12_345; err != nil || gaps != want || end != len(starved) {
		t.Errorf("end %d of %d, gaps %d of %d, %v", end, len(starved), gaps, want, err)
	}
	if gaps, err := cutIn(starved[777:4*rate], sent); err != nil || gaps != 3840+500+12_345 {
		t.Errorf("cut: gaps %d, %v", gaps, err)
	}
	loud := 2 * rate
	for level(sent[loud:loud+3840]) < 3000 {
		loud += 100
	}
	for name, heard := range map[string][]int16{
		"too long":      slices.Concat(heard[:loud], silence(mostGap+rate), heard[loud:]),
		"and lost":      slices.Concat(heard[:loud], silence(3840), heard[loud+3840:]),
		"and some lost": slices.Concat(heard[:loud], silence(3840), heard[loud+200:]),
		"not silent":    slices.Concat(heard[:loud], heard[:3840], heard[loud:]),
	} {
		if _, _, err := playedIn(heard, sent, 0); !errors.Is(err, errSound) {
			t.Errorf("%s: %v, want errSound", name, err)
		}
	}
}

func TestWAVIsReadOnlyAsItIsWritten(t *testing.T) {
	head := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\xbb\x00\x00\x00\x77\x01\x00\x02\x00\x10\x00data\x04\x00\x00\x00")
	good := append(slices.Clone(head), 1, 0, 0xff, 0xff, 9, 9) // more than the header says: still being written
	if pcm, err := readWAV(good); err != nil || !slices.Equal(pcm, []int16{1, -1}) {
		t.Errorf("%v, %v", pcm, err)
	}
	wrongRate := slices.Clone(good)
	binary.LittleEndian.PutUint32(wrongRate[24:], 44_100)
	stereo := slices.Clone(good)
	stereo[22] = 2
	for name, b := range map[string][]byte{"empty": nil, "header only": head, "rate": wrongRate, "stereo": stereo, "no RIFF": good[1:]} {
		if _, err := readWAV(b); !errors.Is(err, errWAV) {
			t.Errorf("%s: %v, want errWAV", name, err)
		}
	}
}
