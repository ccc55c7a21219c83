package player_test

import (
	"errors"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/null"
	"github.com/loa-vn/loa/agent/player/signal"
	"github.com/loa-vn/loa/agent/player/wav"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// tone is a track of a tone of length d.
func tone(id string, d time.Duration) player.Track {
	return player.Track{
		ID:     id,
		Open:   func() (player.Source, error) { return signal.Tone(440, d), nil },
		Frames: player.FramesIn(d),
		Volume: 100,
	}
}

// until receives events up to the n-th Ended, leaving out Progress.
func until(t *testing.T, p *player.Player, n int) (events []player.Event) {
	t.Helper()
	for n > 0 {
		e := <-p.Events()
		if _, ok := e.(player.Progress); ok {
			continue
		}
		if _, ok := e.(player.Ended); ok {
			n--
		}
		events = append(events, e)
	}
	return events
}

func play(t *testing.T, p *player.Player, tracks ...player.Track) {
	t.Helper()
	for _, track := range tracks {
		if err := p.Play(track); err != nil {
			t.Fatal(err)
		}
	}
}

// about allows a tick of the paced card between what is expected and what is.
var about = cmp.Options{cmpopts.EquateApproxTime(time.Microsecond), cmpopts.EquateErrors()}

func TestWholePlayTellsItsFrames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := player.New(null.New(1), quiet())
		defer p.Close()
		begin := time.Now().Add(3 * time.Second)
		track := tone("a", 2500*time.Millisecond)
		track.StartAt = begin
		play(t, p, track)
		want := []player.Event{
			player.Begun{ID: "a", At: begin},
			player.Ended{ID: "a", Frames: 120000, Whole: true, At: begin.Add(2500 * time.Millisecond)},
		}
		if diff := cmp.Diff(want, until(t, p, 1), about); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTracksFollowEachOtherWithoutAGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := player.New(null.New(2), quiet())
		defer p.Close()
		begin := time.Now()
		play(t, p, tone("a", 1003*time.Millisecond), tone("b", 777*time.Millisecond), tone("c", 5*time.Millisecond))
		at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
		want := []player.Event{
			player.Begun{ID: "a", At: at(0)},
			player.Ended{ID: "a", Frames: 48144, Whole: true, At: at(1003)},
			player.Begun{ID: "b", At: at(1003)},
			player.Ended{ID: "b", Frames: 37296, Whole: true, At: at(1780)},
			player.Begun{ID: "c", At: at(1780)},
			player.Ended{ID: "c", Frames: 240, Whole: true, At: at(1785)},
		}
		if diff := cmp.Diff(want, until(t, p, 3), about); diff != "" {
			t.Error(diff)
		}
	})
}

func TestProgressComesEverySecondAtLeast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := player.New(null.New(1), quiet())
		defer p.Close()
		begin, last, frames := time.Now(), time.Now(), int64(0)
		play(t, p, tone("a", 10*time.Second))
		for {
			switch e := (<-p.Events()).(type) {
			case player.Progress:
				if time.Since(last) > time.Second || e.Frames <= frames {
					t.Errorf("progress to %d after %s", e.Frames, time.Since(last))
				}
				if want := player.FramesIn(e.At.Sub(begin)); e.Frames < want-1 || e.Frames > want+1 {
					t.Errorf("%d frames at %s", e.Frames, e.At.Sub(begin))
				}
				last, frames = time.Now(), e.Frames
			case player.Ended:
				if time.Since(last) > time.Second {
					t.Errorf("nothing for the last %s", time.Since(last))
				}
				return
			}
		}
	})
}

func TestStopCutsAllAndTouchesNothingPlayedAfterIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := player.New(null.New(1), quiet())
		defer p.Close()
		begin := time.Now()
		play(t, p, tone("a", time.Minute), tone("b", time.Minute))
		synctest.Wait()
		time.Sleep(5 * time.Second)
		p.Stop()
		play(t, p, tone("alert", 2*time.Second))
		events := until(t, p, 3)
		cut := events[1].(player.Ended)
		if after := player.Duration(cut.Frames) - 5*time.Second; after < 0 || after > player.Fade+20*time.Millisecond {
			t.Errorf("sounded for %s after the stop", after)
		}
		alert := begin.Add(player.Duration(cut.Frames))
		want := []player.Event{
			player.Begun{ID: "a", At: begin},
			player.Ended{ID: "a", Frames: cut.Frames, At: alert, Err: player.ErrStopped},
			player.Ended{ID: "b", Frames: 0, At: events[2].(player.Ended).At, Err: player.ErrStopped},
			player.Begun{ID: "alert", At: alert},
			player.Ended{ID: "alert", Frames: 96000, Whole: true, At: alert.Add(2 * time.Second)},
		}
		if diff := cmp.Diff(want, events, about); diff != "" {
			t.Error(diff)
		}
	})
}

func TestStopBeforeTheInstantSoundsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := player.New(null.New(1), quiet())
		defer p.Close()
		track := tone("a", time.Second)
		track.StartAt = time.Now().Add(10 * time.Second)
		play(t, p, track)
		synctest.Wait()
		time.Sleep(9900 * time.Millisecond)
		p.Stop()
		want := []player.Event{player.Ended{ID: "a", At: time.Now(), Err: player.ErrStopped}}
		if diff := cmp.Diff(want, until(t, p, 1), about); diff != "" {
			t.Error(diff)
		}
	})
}

func TestStopAfterTheEndChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := player.New(null.New(1), quiet())
		defer p.Close()
		play(t, p, tone("a", time.Second))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		p.Stop()
		events := until(t, p, 1)
		if end := events[1].(player.Ended); !end.Whole || end.Frames != 48000 {
			t.Errorf("%+v", end)
		}
	})
}

func TestResumePlaysTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := player.New(null.New(1), quiet())
		defer p.Close()
		track := tone("a", 10*time.Second)
		track.Offset = 7500 * time.Millisecond
		past := track
		past.ID, past.Offset = "past", 11*time.Second
		play(t, p, track, past)
		events := until(t, p, 2)
		if end := events[1].(player.Ended); !end.Whole || end.Frames != 120000 {
			t.Errorf("%+v", end)
		}
		if end := events[2].(player.Ended); end.ID != "past" || !end.Whole || end.Frames != 0 {
			t.Errorf("%+v", end)
		}
	})
}

// broken is a source that yields frames and then fails.
type broken struct {
	player.Source
	err error
}

func (b broken) Read(dst []int16) (int, error) {
	n, err := b.Source.Read(dst)
	if errors.Is(err, io.EOF) {
		err = b.err
	}
	return n, err
}

func TestATrackThatIsNotWholeSaysWhy(t *testing.T) {
	t.Parallel()
	disk := errors.New("input/output error")
	for _, c := range []struct {
		name   string
		change func(*player.Track)
		frames int64
		want   error
	}{
		{"no file", func(t *player.Track) {
			t.Open = func() (player.Source, error) { return nil, os.ErrNotExist }
		}, 0, player.ErrSource},
		{"read error", func(t *player.Track) {
			t.Open = func() (player.Source, error) { return broken{signal.Tone(440, time.Second), disk}, nil }
			t.Frames++
		}, 48000, disk},
		{"source too short", func(t *player.Track) { t.Frames = 48001 }, 48000, player.ErrShort},
		{"source too long", func(t *player.Track) { t.Frames = 40000 }, 40000, nil},
		{"length unknown", func(t *player.Track) { t.Frames = 0 }, 48000, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := player.New(null.New(1), quiet())
				defer p.Close()
				track := tone("a", time.Second)
				c.change(&track)
				play(t, p, track, tone("next", 100*time.Millisecond))
				var ends []player.Ended
				for _, e := range until(t, p, 2) {
					if end, ok := e.(player.Ended); ok {
						ends = append(ends, end)
					}
				}
				if got := ends[0]; got.Frames != c.frames || !errors.Is(got.Err, c.want) || got.Whole != (c.want == nil) {
					t.Errorf("%+v", got)
				}
				if !ends[1].Whole {
					t.Errorf("the next: %+v", ends[1])
				}
			})
		})
	}
}

func TestPlayRefuses(t *testing.T) {
	t.Parallel()
	p := player.New(null.New(1), quiet())
	for name, change := range map[string]func(*player.Track){
		"no source":       func(t *player.Track) { t.Open = nil },
		"negative offset": func(t *player.Track) { t.Offset = -1 },
		"negative length": func(t *player.Track) { t.Frames = -1 },
		"volume 101":      func(t *player.Track) { t.Volume = 101 },
		"volume -1":       func(t *player.Track) { t.Volume = -1 },
		"a path as name":  func(t *player.Track) { t.Name = "../x" },
	} {
		track := tone("a", time.Second)
		change(&track)
		if err := p.Play(track); !errors.Is(err, player.ErrTrack) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var err error
	for range player.MaxQueued + 2 {
		err = p.Play(tone("long", time.Hour))
	}
	if !errors.Is(err, player.ErrTrack) {
		t.Errorf("one too many: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Play(tone("a", time.Second)); !errors.Is(err, player.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if _, open := <-p.Events(); open {
		t.Error("events are not closed")
	}
}

func TestAReceiverThatSleepsLosesOnlyProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := player.New(null.New(1), quiet())
		defer p.Close()
		for range 10 {
			play(t, p, tone("a", 3*time.Second))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		whole := 0
		for _, e := range until(t, p, 10) {
			if end, ok := e.(player.Ended); ok && end.Whole {
				whole++
			}
		}
		if whole != 10 {
			t.Errorf("%d whole plays", whole)
		}
	})
}

func TestGainIsASquareLaw(t *testing.T) {
	t.Parallel()
	for percent, db := range map[int]float64{100: 0, 50: -12.04, 25: -24.08, 10: -40} {
		if got := 20 * math.Log10(player.Gain(percent)); math.Abs(got-db) > 0.01 {
			t.Errorf("%d %%: %.2f dB, want %.2f", percent, got, db)
		}
	}
	if player.Gain(0) != 0 || player.Gain(-5) != 0 || player.Gain(200) != 1 {
		t.Error("outside 0..100")
	}
}

func TestFramesAndDurationsAgree(t *testing.T) {
	t.Parallel()
	for _, frames := range []int64{0, 1, 47999, 48000, 48001, 48000*3600*24*365 + 7} {
		if got := player.FramesIn(player.Duration(frames)); got != frames && got != frames-1 {
			t.Errorf("%d became %d", frames, got)
		}
	}
	if got := player.FramesIn(1500 * time.Millisecond); got != 72000 {
		t.Errorf("1.5 s is %d frames", got)
	}
}

func TestWavFileHoldsWhatSounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		sink, err := wav.New(dir, 1)
		if err != nil {
			t.Fatal(err)
		}
		p := player.New(sink, quiet())
		half := tone("second", 300*time.Millisecond)
		half.Volume = 50
		play(t, p, tone("first", 1234*time.Millisecond), half, tone("first", 50*time.Millisecond))
		until(t, p, 3)
		play(t, p, tone("cut", time.Hour))
		time.Sleep(2 * time.Second)
		// as a kill would leave it: the file is still open
		running := readWav(t, filepath.Join(dir, "cut.wav"))
		if seconds := float64(len(running)) / player.Rate; seconds < 1.8 || seconds > 2 {
			t.Errorf("%.2f s after two seconds", seconds)
		}
		p.Stop()
		cut := until(t, p, 1)[1].(player.Ended)
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string][]int16{
			"first.wav":   samples(t, signal.Tone(440, 1234*time.Millisecond), 100),
			"second.wav":  samples(t, signal.Tone(440, 300*time.Millisecond), 50),
			"first-2.wav": samples(t, signal.Tone(440, 50*time.Millisecond), 100),
		} {
			if diff := cmp.Diff(want, readWav(t, filepath.Join(dir, name))); diff != "" {
				t.Errorf("%s differs", name)
			}
		}
		got := readWav(t, filepath.Join(dir, "cut.wav"))
		if int64(len(got)) != cut.Frames {
			t.Errorf("%d frames in the file, %d told", len(got), cut.Frames)
		}
	})
}

func samples(t *testing.T, src player.Source, volume int) []int16 {
	t.Helper()
	var pcm []int16
	buf := make([]int16, 960)
	for {
		n, err := src.Read(buf)
		for _, s := range buf[:n] {
			pcm = append(pcm, int16(math.RoundToEven(float64(s)*player.Gain(volume))))
		}
		if errors.Is(err, io.EOF) {
			return pcm
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func readWav(t *testing.T, path string) []int16 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pcm, _, err := wav.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return pcm
}
