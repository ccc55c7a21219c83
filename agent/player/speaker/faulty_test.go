package speaker_test

import (
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/cardtest"
)

// TestACardThatIsPulledOutIsNoticed: within two seconds what sounded ends with a fault, and
// no more frames are told than the card took; plugged in again it plays the next.
func TestACardThatIsPulledOutIsNoticed(t *testing.T) {
	each(t, func(t *testing.T, driver string) {
		r := newRig(t, driver, cardtest.Config{})
		r.sounding(t, 2)
		r.gone = true
		if err := r.card.Close(); err != nil {
			t.Fatal(err)
		}
		ended := r.faulty(t, 2*time.Second)
		rec := r.card.Recording()
		if took := int64(len(rec.PCM)) - rec.Sounding(0) + player.Rate/100; ended.Frames > took {
			t.Errorf("told %d frames, the card took %d", ended.Frames, took)
		}
		r.plug(t)
		expect[player.Restored](t, r, 10*time.Second)
		if err := r.player.Play(greeting("b")); err != nil {
			t.Fatal(err)
		}
		expect[player.Begun](t, r, 5*time.Second)
		if end := expect[player.Ended](t, r, 5*time.Second); !end.Whole {
			t.Errorf("plugged in again: %+v", end)
		}
		r.settle(t)
		if r.card.Recording().Find(trim(samples(t, greeting("b"))), 0) < 0 {
			t.Error("the bulletin after that is not there bit for bit:", astray(r, trim(samples(t, greeting("b"))), 0))
		}
	})
}

// TestCardsThatRunFastAndSlowTakeTheWhole: a card whose clock is far off takes every frame
// of a track, and that is what is told; each second of it comes out.
func TestCardsThatRunFastAndSlowTakeTheWhole(t *testing.T) {
	each(t, func(t *testing.T, driver string) {
		for _, ppm := range []float64{500, -500} {
			r := newRig(t, driver, cardtest.Config{PPM: ppm})
			const seconds = 4
			if err := r.player.Play(player.Track{
				ID: "a", Volume: 100, Frames: seconds * player.Rate, StartAt: time.Now().Add(400 * time.Millisecond),
				Open: func() (player.Source, error) { return &ticking{}, nil },
			}); err != nil {
				t.Fatal(err)
			}
			expect[player.Begun](t, r, 5*time.Second)
			if end := expect[player.Ended](t, r, 15*time.Second); !end.Whole || end.Frames != seconds*player.Rate {
				t.Errorf("%g ppm: %+v", ppm, end)
			}
			r.settle(t)
			ticks, rec := 0, r.card.Recording()
			for at := rec.Sounding(0); at >= 0; at = rec.Sounding(at + player.Rate/2) {
				ticks++
			}
			if ticks != seconds {
				t.Errorf("%g ppm: %d of %d seconds came out", ppm, ticks, seconds)
			}
		}
	})
}
