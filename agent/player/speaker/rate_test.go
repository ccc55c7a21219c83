package speaker_test

import (
	"fmt"
	"math"
	"syscall"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/cardtest"
	"github.com/loa-vn/loa/agent/player/signal"
	"github.com/loa-vn/loa/agent/player/speaker"
)

// A tone reaches cards of either rate, with one channel or two, as the same tone, as long
// as it is, and with nothing beside it but the rounding to 16 bits.
func TestCardsOf44100And48000HzGetTheSameTone(t *testing.T) {
	each(t, func(t *testing.T, driver string) {
		for _, c := range []struct{ rate, channels int }{{44100, 1}, {44100, 2}, {48000, 1}, {48000, 2}} {
			t.Run(fmt.Sprint(c.rate, c.channels), func(t *testing.T) {
				t.Parallel()
				if driver == "aplay" && c.rate != player.Rate {
					t.Skip("aplay leaves that to ALSA")
				}
				r := newRig(t, driver, cardtest.Config{Rate: c.rate, Channels: c.channels}, func(s *speaker.Config) {
					s.Channels = c.channels
					if driver == "oto" { // the other driver finds out by itself
						s.Rate = c.rate
					}
				})
				if err := r.player.Play(tone("a", time.Second)); err != nil {
					t.Fatal(err)
				}
				expect[player.Begun](t, r, 5*time.Second)
				if end := expect[player.Ended](t, r, 5*time.Second); !end.Whole || end.Frames != player.Rate {
					t.Errorf("%+v", end)
				}
				r.settle(t)
				rec := r.card.Recording()
				from, to := rec.Sounding(0), rec.Last()+1
				if got := to - from; got < int64(c.rate)-100 || got > int64(c.rate)+100 {
					t.Fatalf("a second became %d frames at %d Hz", got, c.rate)
				}
				for channel := range c.channels {
					var heard []float64
					for i := from + 2000; i < to-2000; i++ {
						heard = append(heard, float64(rec.PCM[i*int64(c.channels)+int64(channel)]))
					}
					if db := beside(heard, 997/float64(c.rate)); db > -70 {
						t.Errorf("channel %d: what is not the tone is %.1f dB beside it", channel, db)
					}
				}
			})
		}
	})
}

// beside is how loud what is not a tone is beside the tone, in dB: the rest of the best
// fit of a sine.
func beside(pcm []float64, turns float64) float64 {
	var sc, ss, cc, ys, yc, power float64
	for i, v := range pcm {
		s, c := math.Sincos(2 * math.Pi * turns * float64(i))
		sc, ss, cc = sc+s*c, ss+s*s, cc+c*c
		ys, yc, power = ys+v*s, yc+v*c, power+v*v
	}
	det := ss*cc - sc*sc
	a, b := (ys*cc-yc*sc)/det, (yc*ss-ys*sc)/det
	fitted := a*ys + b*yc
	return 10 * math.Log10((power-fitted)/fitted)
}

// A card that ran out of frames because its process got no time is as exact as before
// with the next start.
func TestAfterAnUnderrunStartsAreExactAgain(t *testing.T) {
	t.Parallel()
	if !speaker.HasOto {
		t.Skip("built without ALSA")
	}
	r := newRig(t, told, cardtest.Config{})
	starve(t, r, 300*time.Millisecond)
	var offs []time.Duration
	for range 5 {
		from := r.card.Taken()
		track := player.Track{
			ID: "a", Volume: 100, StartAt: time.Now().Add(400 * time.Millisecond), Frames: player.FramesIn(100 * time.Millisecond),
			Open: func() (player.Source, error) { return signal.Tone(997, 100*time.Millisecond), nil },
		}
		if err := r.player.Play(track); err != nil {
			t.Fatal(err)
		}
		expect[player.Begun](t, r, 5*time.Second)
		expect[player.Ended](t, r, 5*time.Second)
		r.settle(t)
		rec := r.card.Recording()
		offs = append(offs, rec.At(rec.Sounding(from)-lead(samples(t, track))).Sub(track.StartAt).Abs())
	}
	// The best one: the machine that runs the test may have better to do at times.
	t.Logf("off by %s", offs)
	best := offs[0]
	for _, off := range offs {
		best = min(best, off)
	}
	if best > 3*time.Millisecond {
		t.Errorf("off by %s", offs)
	}
}

// starve keeps the process that drives the card from running for a while.
func starve(t *testing.T, r *rig, d time.Duration) {
	t.Helper()
	lost := r.card.Recording().Lost
	if err := syscall.Kill(r.speaker.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, 5*time.Second, "the card to run out of frames", func() bool {
		return r.card.Recording().Lost-lost > player.FramesIn(d)
	})
	if err := syscall.Kill(r.speaker.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}
