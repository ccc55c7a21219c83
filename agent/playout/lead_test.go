package playout_test

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/null"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/protocol"
)

// ahead is the harness's output, which wants its jobs before their time.
type ahead struct {
	*output
	jobs chan playout.Job
}

func (ahead) Lead() time.Duration { return 300 * time.Millisecond }

func (a ahead) Begin(j playout.Job) error {
	a.jobs <- j
	return a.output.Begin(j)
}

// TestAnOutputThatWantsItsJobsEarlyIsToldTheInstant: it gets the job ahead by its lead,
// with the instant at which the first frame should sound.
func TestAnOutputThatWantsItsJobsEarlyIsToldTheInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jobs := make(chan playout.Job, 1)
		w := newWorldWith(t, protocol.MediumSound, "", func(o *output) playout.Output { return ahead{o, jobs} })
		start := w.now().Add(20 * time.Second)
		w.do("airing", []string{"a"})
		w.do("content", []string{"a"})
		j := <-jobs
		if early := start.Sub(w.now()); early != 300*time.Millisecond || j.Soon || !j.Begin.Equal(start) {
			t.Errorf("told %s before, to begin at %s, soon %v; want %s", early, j.Begin.UTC(), j.Soon, start)
		}
		w.stop()
	})
}

// TestTheFirstFrameIsOutAtItsInstant with a real player.
func TestTheFirstFrameIsOutAtItsInstant(t *testing.T) {
	own, _ := greeting(t)
	synctest.Test(t, func(t *testing.T) {
		out := playout.NewSound(player.New(null.New(1), slog.New(slog.DiscardHandler)), shelf{own, time.Time{}})
		defer out.Close()
		c := protocol.ContentOf(own)
		begin := time.Now().Add(out.Lead())
		job := playout.Job{
			ID: "a", Airing: protocol.Airing{Class: protocol.ClassNormal, Sound: &c}, Begin: begin, Length: time.Minute, Volume: 80,
			Bulletin: protocol.Bulletin{Sound: &protocol.Sound{Frames: 48000}},
		}
		if err := out.Begin(job); err != nil {
			t.Fatal(err)
		}
		if e := <-out.Events(); e.Kind != playout.Begun || e.At.Sub(begin).Abs() > time.Millisecond {
			t.Errorf("%+v, want begun at %s", e, begin)
		}
	})
}
