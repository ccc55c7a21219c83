package speaker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	signals "os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/cardtest"
	"github.com/loa-vn/loa/agent/player/opus"
	"github.com/loa-vn/loa/agent/player/signal"
	"github.com/loa-vn/loa/agent/player/speaker"
)

// childEnv makes the test binary be the child, cardEnv a card.
const (
	childEnv = "LOA_TEST_SPEAKER"
	cardEnv  = "LOA_TEST_CARD"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(speaker.Child(os.Stdin, os.Stdout, os.Args[1:]))
	}
	if os.Getenv(cardEnv) != "" {
		ctx, stop := signals.NotifyContext(context.Background(), syscall.SIGTERM)
		status := cardtest.Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
		stop()
		os.Exit(status)
	}
	status := m.Run()
	if path, err := plugin(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(status)
}

// rig is a player on a speaker on a paced card.
type rig struct {
	card    *cardtest.Card
	config  cardtest.Config
	speaker *speaker.Speaker
	player  *player.Player
	gone    bool // the card was pulled out
}

// told is the driver alsa on a card that tells its delay.
const told = "alsa-told"

// plugin is the ALSA plugin of such a card.
var plugin = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // compiled once
	dir, err := os.MkdirTemp("", "loa-card-")
	if err != nil {
		return "", err
	}
	return cardtest.Build(dir)
})

// drivers are those that this build can run.
func drivers(t testing.TB) []string {
	t.Helper()
	var names []string
	if speaker.HasOto {
		names = append(names, "oto", "alsa", told)
	}
	if _, err := exec.LookPath("aplay"); err == nil {
		names = append(names, "aplay")
	}
	if len(names) == 0 {
		t.Skip("neither built with oto nor is aplay installed")
	}
	return names
}

// each runs a test with every driver.
func each(t *testing.T, test func(t *testing.T, driver string)) {
	t.Helper()
	t.Parallel()
	for _, driver := range drivers(t) {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			test(t, driver)
		})
	}
}

func config(driver string, card *cardtest.Card) speaker.Config {
	cfg := speaker.Config{Env: card.Env()}
	if driver != "aplay" {
		cfg.Driver, cfg.Child = strings.TrimSuffix(driver, "-told"), []string{os.Args[0]}
		cfg.Env = append(cfg.Env, childEnv+"=1")
	}
	return cfg
}

func newRig(t testing.TB, driver string, card cardtest.Config, change ...func(*speaker.Config)) *rig {
	t.Helper()
	card.Dir = t.TempDir()
	if strings.HasSuffix(driver, "-told") {
		var err error
		if card.Plugin, err = plugin(); err != nil {
			t.Fatal(err)
		}
	}
	c, err := cardtest.Open(card)
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(driver, c)
	for _, f := range change {
		f(&cfg)
	}
	s, err := speaker.Open(cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{card: c, config: card, speaker: s, player: player.New(s, slog.New(slog.NewTextHandler(t.Output(), nil)))}
	t.Cleanup(func() {
		if err := r.player.Close(); err != nil {
			t.Error(err)
		}
		if r.gone {
			return
		}
		if err := r.card.Close(); err != nil {
			t.Error(err)
		}
	})
	r.warm(t)
	return r
}

// plug puts the card in again where it was pulled out.
func (r *rig) plug(t testing.TB) {
	t.Helper()
	var err error
	if r.card, err = cardtest.Open(r.config); err != nil {
		t.Fatal(err)
	}
	r.gone = false
}

// warm waits until the card runs.
func (r *rig) warm(t testing.TB) {
	t.Helper()
	waitFor(t, 5*time.Second, "the card to run", func() bool { return r.speaker.Held() > 0 })
}

func waitFor(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(limit); !ok(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", limit, what)
		}
	}
}

// event receives the next event that is not Progress.
func (r *rig) event(t testing.TB, limit time.Duration) player.Event {
	t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case e := <-r.player.Events():
			if _, ok := e.(player.Progress); !ok {
				return e
			}
		case <-timer.C:
			t.Fatalf("no event in %s", limit)
		}
	}
}

// expect receives the next event, which must be an E.
func expect[E player.Event](t testing.TB, r *rig, limit time.Duration) E {
	t.Helper()
	e := r.event(t, limit)
	want, ok := e.(E)
	if !ok {
		t.Fatalf("got %T %+v, want %T", e, e, want)
	}
	return want
}

// greeting is the bulletin in the testdata of package opus, as a track.
func greeting(id string) player.Track {
	return player.Track{ID: id, Volume: 100, Open: func() (player.Source, error) {
		f, err := os.Open("../opus/testdata/greeting.opus")
		if err != nil {
			return nil, err
		}
		return opus.Open(f)
	}}
}

// sounding plays a tone of a minute and waits until the card has taken so many seconds.
func (r *rig) sounding(t testing.TB, seconds int64) {
	t.Helper()
	if err := r.player.Play(tone("a", time.Minute)); err != nil {
		t.Fatal(err)
	}
	expect[player.Begun](t, r, 5*time.Second)
	waitFor(t, 5*time.Second, "sound", func() bool { return r.card.Taken() > seconds*player.Rate })
}

// faulty expects a fault of the card within a limit, and the end of what sounded for it.
func (r *rig) faulty(t testing.TB, limit time.Duration) player.Ended {
	t.Helper()
	fault := expect[player.Fault](t, r, limit)
	ended := expect[player.Ended](t, r, time.Second)
	if !errors.Is(fault.Err, player.ErrSink) || ended.Whole || !errors.Is(ended.Err, player.ErrSink) {
		t.Errorf("%v; %+v", fault.Err, ended)
	}
	return ended
}

func tone(id string, d time.Duration) player.Track {
	return player.Track{
		ID: id, Volume: 100, Frames: player.FramesIn(d),
		Open: func() (player.Source, error) { return signal.Tone(997, d), nil },
	}
}

// samples is all that a track's source yields.
func samples(t testing.TB, track player.Track) []int16 {
	t.Helper()
	src, err := track.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var pcm []int16
	buf := make([]int16, 4800*src.Channels())
	for {
		n, err := src.Read(buf)
		pcm = append(pcm, buf[:n*src.Channels()]...)
		if errors.Is(err, io.EOF) {
			return pcm
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// settle waits until the card has taken what was still on its way.
func (r *rig) settle(t testing.TB) {
	t.Helper()
	after := r.card.Taken()
	waitFor(t, 5*time.Second, "the card", func() bool { return r.card.Taken() > after+player.Rate/4 })
}

// astray says how much of want's beginning was found, and what else is known.
func astray(r *rig, want []int16, from int64) string {
	rec := r.card.Recording()
	lo, hi := 0, len(want) // the longest beginning that occurs
	for lo < hi {
		if mid := (lo + hi + 1) / 2; rec.Find(want[:mid], from) >= 0 {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	after := rec.PCM[min(max(rec.Find(want[:lo], from), 0)+int64(lo), int64(len(rec.PCM))):]
	gap := 0
	for gap < len(after) && after[gap] == 0 {
		gap++
	}
	return fmt.Sprintf("%d of %d frames, then %d of silence; %d inexact, %d lost, %s starved",
		lo, len(want), gap, rec.Inexact, rec.Lost, r.speaker.Starved())
}

// lead is how many frames of silence samples of one channel begin with.
func lead(pcm []int16) (n int64) {
	for pcm[n] == 0 {
		n++
	}
	return n
}

// trim cuts silence from both ends, which a recording's silence cannot be told from.
func trim(pcm []int16) []int16 {
	for len(pcm) > 0 && pcm[0] == 0 {
		pcm = pcm[1:]
	}
	for len(pcm) > 0 && pcm[len(pcm)-1] == 0 {
		pcm = pcm[:len(pcm)-1]
	}
	return pcm
}

func TestWhatSoundsIsBitForBitWhatWasSent(t *testing.T) {
	each(t, func(t *testing.T, driver string) {
		r := newRig(t, driver, cardtest.Config{})
		asked := time.Now()
		if err := r.player.Play(greeting("a")); err != nil {
			t.Fatal(err)
		}
		begun := expect[player.Begun](t, r, 5*time.Second)
		ended := expect[player.Ended](t, r, 5*time.Second)
		r.settle(t)
		want := samples(t, greeting("a"))
		if !ended.Whole || ended.Frames != int64(len(want)) || ended.Err != nil {
			t.Errorf("%+v, want %d frames whole", ended, len(want))
		}
		rec := r.card.Recording()
		at := rec.Find(trim(want), 0)
		if at < 0 {
			t.Fatal("the bulletin is not there bit for bit:", astray(r, trim(want), 0))
		}
		if rec.Inexact > 0 {
			t.Errorf("%d frames are not 16 bit any more", rec.Inexact)
		}
		first := rec.At(at).Add(-player.Duration(lead(want)))
		t.Logf("held %s; from Play to the first frame at the card %s; told %s off; starved %s",
			r.speaker.Held(), first.Sub(asked), begun.At.Sub(first), r.speaker.Starved())
		if off := begun.At.Sub(first).Abs(); off > 60*time.Millisecond {
			t.Errorf("begun is %s off", off)
		}
	})
}

func TestStartComesAtItsInstant(t *testing.T) {
	each(t, func(t *testing.T, driver string) {
		r := newRig(t, driver, cardtest.Config{})
		var offs, tolds []time.Duration
		for _, ahead := range []int{300, 413, 377, 350, 391} {
			track := tone("a", 100*time.Millisecond)
			track.StartAt = time.Now().Add(time.Duration(ahead) * time.Millisecond)
			from := r.card.Taken()
			if err := r.player.Play(track); err != nil {
				t.Fatal(err)
			}
			begun := expect[player.Begun](t, r, 5*time.Second)
			if end := expect[player.Ended](t, r, 5*time.Second); !end.Whole {
				t.Errorf("%+v", end)
			}
			r.settle(t)
			rec := r.card.Recording()
			first := rec.At(rec.Sounding(from) - lead(samples(t, track)))
			offs = append(offs, first.Sub(track.StartAt).Abs())
			tolds = append(tolds, begun.At.Sub(first).Abs())
		}
		// The middle one: the machine that runs the test may have better to do at times.
		slices.Sort(offs)
		slices.Sort(tolds)
		t.Logf("held %s; off by %s; told off by %s", r.speaker.Held(), offs, tolds)
		if offs[2] > 40*time.Millisecond || tolds[2] > 40*time.Millisecond {
			t.Errorf("off by %s, told off by %s", offs, tolds)
		}
	})
}

// TestConsecutiveTracksHaveNoGap: three bulletins that wait for each other are given to the
// card without a frame of silence between them, and come out of it so. A driver that gets
// no processor for longer than its buffers last puts silence in by itself, somewhere: what
// is ours would be in the same place again.
func TestConsecutiveTracksHaveNoGap(t *testing.T) {
	each(t, func(t *testing.T, driver string) {
		whole := samples(t, greeting("a"))
		want := trim(append(append(append([]int16(nil), whole...), whole...), whole...))
		var broken []int // frames before which something was put in, in every run; -1: between tracks
		for run := range 5 {
			r := newRig(t, driver, cardtest.Config{})
			for _, id := range []string{"a", "b", "c"} {
				if err := r.player.Play(greeting(id)); err != nil {
					t.Fatal(err)
				}
			}
			for range 3 {
				expect[player.Begun](t, r, 5*time.Second)
				expect[player.Ended](t, r, 5*time.Second)
			}
			r.settle(t)
			rec := r.card.Recording()
			places := inserted(t, rec.PCM[max(rec.Sounding(0), 0):], want)
			if r.speaker.Paused() > r.speaker.Starved() {
				places = append(places, -1)
			}
			if run > 0 {
				places = slices.DeleteFunc(places, func(p int) bool { return !slices.Contains(broken, p) })
			}
			if broken = places; len(broken) == 0 {
				return
			}
			t.Logf("run %d: silence before frames %v; %s", run, broken, astray(r, want, 0))
		}
		t.Errorf("three bulletins do not follow each other bit for bit: silence before frames %v in every run", broken)
	})
}

// inserted returns before which frames of what was sent silence lies in what came out,
// which is the same otherwise.
func inserted(t *testing.T, came, sent []int16) (places []int) {
	t.Helper()
	i := 0
	for _, v := range came {
		switch {
		case i == len(sent):
			return places
		case v == sent[i]:
			i++
		case v != 0:
			t.Fatalf("frame %d is %d, want %d", i, v, sent[i])
		case len(places) == 0 || places[len(places)-1] != i:
			places = append(places, i)
		}
	}
	t.Fatalf("only %d of %d frames came out", i, len(sent))
	return nil
}

func TestAStereoTrackKeepsItsChannels(t *testing.T) {
	each(t, func(t *testing.T, driver string) {
		r := newRig(t, driver, cardtest.Config{Channels: 2}, func(c *speaker.Config) { c.Channels = 2 })
		track := tone("a", 300*time.Millisecond)
		track.Open = func() (player.Source, error) { return &twice{signal.Tone(997, 300*time.Millisecond)}, nil }
		if err := r.player.Play(track); err != nil {
			t.Fatal(err)
		}
		expect[player.Begun](t, r, 5*time.Second)
		if end := expect[player.Ended](t, r, 5*time.Second); !end.Whole {
			t.Errorf("%+v", end)
		}
		r.settle(t)
		rec := r.card.Recording()
		if rec.Inexact > 0 || rec.Find(trimPairs(samples(t, track)), 0) < 0 {
			t.Errorf("two channels are not there bit for bit (%d inexact)", rec.Inexact)
		}
	})
}

// twice makes two channels, the right the negative of the left.
type twice struct{ *signal.Wave }

func (twice) Channels() int { return 2 }

func (w *twice) Read(dst []int16) (int, error) {
	mono := make([]int16, len(dst)/2)
	n, err := w.Wave.Read(mono)
	for i, v := range mono[:n] {
		dst[2*i], dst[2*i+1] = v, -v
	}
	return n, err
}

// trimPairs is trim for two channels.
func trimPairs(pcm []int16) []int16 {
	for len(pcm) > 1 && pcm[0] == 0 && pcm[1] == 0 {
		pcm = pcm[2:]
	}
	for n := len(pcm); n > 1 && pcm[n-1] == 0 && pcm[n-2] == 0; n = len(pcm) {
		pcm = pcm[:n-2]
	}
	return pcm
}

func TestStopFadesThenSilence(t *testing.T) {
	each(t, func(t *testing.T, driver string) {
		r := newRig(t, driver, cardtest.Config{})
		r.sounding(t, 3)
		stopped := time.Now()
		r.player.Stop()
		ended := expect[player.Ended](t, r, 5*time.Second)
		if ended.Whole || !errors.Is(ended.Err, player.ErrStopped) {
			t.Errorf("%+v", ended)
		}
		r.settle(t)
		rec := r.card.Recording()
		want := samples(t, tone("a", 20*time.Second))
		begin := rec.Sounding(0) - lead(want)
		last := rec.Last()
		t.Logf("silent %s after Stop", rec.At(last).Sub(stopped))
		if took := rec.At(last).Sub(stopped); took > 200*time.Millisecond {
			t.Errorf("silent only after %s", took)
		}
		// the last frames of a fade are rounded to nothing
		if got := last + 1 - begin; ended.Frames < got || ended.Frames > got+player.Rate/2000 {
			t.Errorf("told %d frames, %d sounded", ended.Frames, got)
		}
		fade := player.FramesIn(player.Fade)
		for i := range ended.Frames - fade {
			if rec.PCM[begin+i] != want[i] {
				t.Fatalf("frame %d of %d differs before the fade", i, ended.Frames)
			}
		}
		// every 5 ms of the fade is quieter than the one before
		loud := peak(want[4800:9600])
		for i := range int64(4) {
			part := rec.PCM[begin+ended.Frames-fade+i*fade/4:][:fade/4]
			if p := peak(part); p > loud {
				t.Errorf("part %d of the fade has a peak of %d, after %d", i, p, loud)
			} else {
				loud = p
			}
		}
		if loud > 3000 {
			t.Errorf("the last part of the fade has a peak of %d", loud)
		}
	})
}

func peak(pcm []int16) (p int) {
	for _, s := range pcm {
		p = max(p, int(s), -int(s))
	}
	return p
}

func TestACardThatStandsStillIsNoticedAndComesBack(t *testing.T) {
	each(t, func(t *testing.T, driver string) {
		r := newRig(t, driver, cardtest.Config{})
		r.sounding(t, 2)
		r.card.Stall(true)
		sounded := r.card.Taken()
		ended := r.faulty(t, 2*time.Second)
		rec := r.card.Recording()
		if took := sounded + player.Rate/100 - rec.Sounding(0) + 1; ended.Frames > took {
			t.Errorf("told %d frames, the card took %d", ended.Frames, took)
		}
		r.card.Stall(false)
		expect[player.Restored](t, r, 10*time.Second)
		from := r.card.Taken()
		if err := r.player.Play(greeting("b")); err != nil {
			t.Fatal(err)
		}
		expect[player.Begun](t, r, 5*time.Second)
		if end := expect[player.Ended](t, r, 5*time.Second); !end.Whole {
			t.Errorf("after the fault: %+v", end)
		}
		r.settle(t)
		if r.card.Recording().Find(trim(samples(t, greeting("b"))), from-player.Rate/10) < 0 {
			t.Error("the bulletin after the fault is not there bit for bit:", astray(r, trim(samples(t, greeting("b"))), from-player.Rate/10))
		}
	})
}

func TestAFaultIsNoticedWithoutATrack(t *testing.T) {
	each(t, func(t *testing.T, driver string) {
		r := newRig(t, driver, cardtest.Config{})
		r.card.Stall(true)
		expect[player.Fault](t, r, 2*time.Second)
		r.card.Stall(false)
		expect[player.Restored](t, r, 10*time.Second)
	})
}

func TestAKilledProcessIsReplaced(t *testing.T) {
	each(t, func(t *testing.T, driver string) {
		r := newRig(t, driver, cardtest.Config{})
		r.sounding(t, 2)
		held := r.speaker.Held()
		if err := syscall.Kill(r.speaker.PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		ended := r.faulty(t, 2*time.Second)
		rec := r.card.Recording()
		want := samples(t, tone("a", 20*time.Second))
		if took := rec.Last() - rec.Sounding(0) + 1 + lead(want); ended.Frames > took {
			t.Errorf("told %d frames, the card took %d; held %s; %s", ended.Frames, took, held, astray(r, trim(want[:took]), 0))
		}
		// not waiting for Restored: Start waits for the card by itself
		if err := r.player.Play(greeting("b")); err != nil {
			t.Fatal(err)
		}
		expect[player.Restored](t, r, 5*time.Second)
		expect[player.Begun](t, r, 5*time.Second)
		if end := expect[player.Ended](t, r, 5*time.Second); !end.Whole {
			t.Errorf("after the fault: %+v", end)
		}
	})
}
