package speaker_test

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/cardtest"
)

// ticking is a track that sounds for the first tenth of each second: a way to see when
// each of them came out.
type ticking struct{ at int64 }

func (*ticking) Channels() int { return 1 }

func (*ticking) Close() error { return nil }

func (s *ticking) SeekFrame(frame int64) error {
	s.at = frame
	return nil
}

func (s *ticking) Read(dst []int16) (int, error) {
	for i := range dst {
		dst[i] = 0
		if at := s.at % player.Rate; at < player.Rate/10 {
			dst[i] = int16(math.RoundToEven(12000 * math.Cos(2*math.Pi*997*float64(at)/player.Rate)))
		}
		s.at++
	}
	return len(dst), nil
}

var _ io.Closer = (*ticking)(nil)

// clocks is what a card told of its sound.
type clocks struct {
	mu    sync.Mutex
	froms []time.Time
}

func (c *clocks) sounded(s cardtest.Stretch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.froms = append(c.froms, s.From)
}

// nearest is when the card began to sound about an instant.
func (c *clocks) nearest(at time.Time) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.froms {
		if f.Sub(at).Abs() < 300*time.Millisecond {
			return f, true
		}
	}
	return time.Time{}, false
}

// drifting plays on two paced cards, one 100 ppm fast and one 100 ppm slow, for real,
// and returns by how much they were apart at each second, and off its instant.
func drifting(tb testing.TB, driver string, length time.Duration) (apart, off []time.Duration) {
	tb.Helper()
	cards := []*clocks{{}, {}}
	begin := time.Now().Add(3 * time.Second)
	var rigs []*rig
	var lost []int64
	for i, ppm := range []float64{100, -100} {
		r := newRig(tb, driver, cardtest.Config{PPM: ppm, Forget: true, Sounded: cards[i].sounded})
		rigs, lost = append(rigs, r), append(lost, r.card.Recording().Lost)
	}
	for _, r := range rigs {
		if err := r.player.Play(player.Track{
			ID: "a", Volume: 100, Frames: player.FramesIn(length), StartAt: begin,
			Open: func() (player.Source, error) { return &ticking{}, nil },
		}); err != nil {
			tb.Fatal(err)
		}
	}
	for i, r := range rigs {
		expect[player.Begun](tb, r, time.Minute)
		if end := expect[player.Ended](tb, r, length+time.Minute); !end.Whole {
			tb.Fatalf("%+v", end)
		}
		r.settle(tb)
		tb.Logf("the card at %+.0f ppm had nothing to play for %s, and silence for %s", r.config.PPM, player.Duration(r.card.Recording().Lost-lost[i]), r.speaker.Starved())
	}
	for s := time.Duration(0); s < length-time.Second; s += time.Second {
		var at [2]time.Time
		for i, c := range cards {
			var ok bool
			if at[i], ok = c.nearest(begin.Add(s)); !ok {
				tb.Fatalf("card %d did not sound at %s", i, s)
			}
			off = append(off, at[i].Sub(begin.Add(s)).Abs())
		}
		apart = append(apart, at[0].Sub(at[1]).Abs())
	}
	return apart, off
}

// TestSoakCardsThatDriftForReal plays for so long on real, paced cards.
func TestSoakCardsThatDriftForReal(t *testing.T) {
	if os.Getenv("LOA_SOAK") == "" {
		t.Skip("LOA_SOAK=1 plays for an hour, or for LOA_DRIFT_FOR")
	}
	length := time.Hour
	if d, err := time.ParseDuration(os.Getenv("LOA_DRIFT_FOR")); err == nil {
		length = d
	}
	apart, off := drifting(t, told, length)
	t.Logf("in %s at most %s apart, %s off", length, most(apart), most(off))
	for i, d := range apart {
		if d > 10*time.Millisecond {
			t.Errorf("%s apart in second %d", d, i)
		}
	}
}

func most(ds []time.Duration) (m time.Duration) {
	for _, d := range ds {
		m = max(m, d)
	}
	return m
}

// BenchmarkGoalDrift plays for two minutes, in which the two cards would part by 24 ms,
// on each kind of card, for deploy/bench.
func BenchmarkGoalDrift(b *testing.B) {
	for b.Loop() {
		for _, driver := range drivers(b) {
			if driver == "aplay" || driver == "alsa" {
				continue
			}
			apart, _ := drifting(b, driver, 2*time.Minute)
			ms := most(apart).Seconds() * 1000
			fmt.Printf("\n{\"name\":\"drift, driver %s: cards 100 ppm fast and slow, most apart in two minutes\",\"value\":%.3f,\"unit\":\"ms\",\"limit\":null,\"ratio\":null,\"goal\":\"< 10 ms\",\"ok\":%t}\n",
				strings.TrimSuffix(driver, "-told"), ms, ms < 10)
		}
	}
}
