package playout_test

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/null"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/protocol"
)

// toning is the harness's output, which can sound a test tone.
type toning struct{ *output }

func (o toning) Tone(job string, length time.Duration, volume int) error {
	return o.Begin(playout.Job{ID: job, Airing: protocol.Airing{ID: "tone"}, Length: length, Volume: volume})
}

// tone asks for a tone of 3 s and returns the reasons of all results so far.
func (w *world) tone(number uint64) []protocol.Reason {
	w.loop.Tell(w.t.Context(), []inbox.Update{inbox.Tone{Number: number, Length: 3 * time.Second, Volume: 95, Until: w.now().Add(30 * time.Second)}})
	synctest.Wait()
	return w.results()
}

func (w *world) results() []protocol.Reason {
	synctest.Wait()
	got := []protocol.Reason{}
	w.note(func() {
		for _, r := range w.tones {
			got = append(got, r.Reason)
		}
	})
	return got
}

// A test tone sounds only while nothing else does or soon would, not while muted nor in
// quiet hours, and never later than asked for; it is said what became of it.
func TestATestToneSoundsOnlyInBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldWith(t, protocol.MediumSound, "", func(o *output) playout.Output { return toning{o} })
		w.tone(1)
		if got := w.out.under(); len(got) != 1 || got[0].Volume != 90 {
			t.Errorf("no tone under the ceiling of the hour: %+v", got)
		}
		w.tone(2) // while the first one sounds
		time.Sleep(5 * time.Second)
		want := []protocol.Reason{protocol.ReasonBusy, protocol.ReasonNone}
		if diff := cmp.Diff(want, w.results()); diff != "" {
			t.Error(diff)
		}
		w.tell(inbox.Muted{Muted: true})
		w.tone(3)
		w.tell(inbox.Muted{})
		w.tell(inbox.ClockSure{Sure: true})
		synctest.Wait()
		w.loop.Tell(t.Context(), []inbox.Update{inbox.Tone{Number: 4, Length: time.Second, Volume: 50, Until: w.now().Add(-time.Second)}})
		synctest.Wait()
		time.Sleep(22*time.Hour - 7*time.Second) // the tone would end in quiet hours
		w.tone(5)
		time.Sleep(time.Minute)
		w.tone(6)
		want = append(want, protocol.ReasonMuted, protocol.ReasonExpired, protocol.ReasonQuietHours, protocol.ReasonQuietHours)
		if diff := cmp.Diff(want, w.results()); diff != "" {
			t.Error(diff)
		}
		w.stop()
	})
}

// What the schedule chooses is neither held up nor cut by a tone: a tone that would end
// after it is due is refused, and one that sounds makes way for what comes unforeseen.
func TestATestToneMakesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldWith(t, protocol.MediumSound, "", func(o *output) playout.Output { return toning{o} })
		start := w.now().Add(20 * time.Second)
		w.do("airing", []string{"a"})
		w.do("content", []string{"a"})
		time.Sleep(17 * time.Second)
		if got := w.tone(1); len(got) != 1 || got[0] != protocol.ReasonBusy {
			t.Errorf("a tone that would end at the start of a bulletin: %v", got)
		}
		time.Sleep(4 * time.Second)
		synctest.Wait()
		var on playout.On
		w.note(func() { on = w.playing })
		if on.Airing != "a" || on.Begin.Sub(start).Abs() > latency || on.Length == 0 {
			t.Errorf("on: %+v, want a since %s", on, start)
		}
		w.tone(2) // and in the middle of it
		under := w.out.under()
		if len(under) != 1 || under[0].Airing.ID != "a" {
			t.Errorf("under way: %+v", under)
		}
		time.Sleep(2 * time.Hour)
		w.tone(3)
		time.Sleep(time.Second)
		w.tell(inbox.Muted{Muted: true})
		synctest.Wait()
		if got := w.out.under(); len(got) != 0 {
			t.Errorf("a muted device sounds: %+v", got)
		}
		want := []protocol.Reason{protocol.ReasonBusy, protocol.ReasonBusy, protocol.ReasonMuted}
		if diff := cmp.Diff(want, w.results()); diff != "" {
			t.Error(diff)
		}
		w.stop()
	})
}

// jobs plays tracks of a second, one directly behind the other by the schedule, and
// returns by how much each began later than that.
func spaced(t *testing.T, sp playout.Spacing, class protocol.Class, n int) (late []time.Duration) {
	t.Helper()
	own, frames := greeting(t)
	c := protocol.ContentOf(own)
	out := playout.NewSound(player.New(null.New(1), slog.New(slog.DiscardHandler)), shelf{own, time.Time{}})
	out.Spaces(sp)
	defer out.Close()
	due := time.Now().Add(out.Lead())
	for i := range n {
		time.Sleep(time.Until(due.Add(-out.Lead())))
		j := playout.Job{
			ID: string(rune('a' + i)), Airing: protocol.Airing{Class: class, Sound: &c}, Begin: due, Length: player.Duration(frames), Volume: 80,
			Bulletin: protocol.Bulletin{Sound: &protocol.Sound{Frames: uint64(frames)}},
		}
		if err := out.Begin(j); err != nil {
			t.Fatal(err)
		}
		e := <-out.Events()
		for e.Kind != playout.Begun {
			e = <-out.Events()
		}
		late = append(late, e.At.Sub(due).Round(time.Millisecond))
		due = due.Add(j.Length)
	}
	return late
}

// A device keeps its gap between sounds, wakes its amplifier before the first, and is
// later than others by its own part; what is late stays within what an output may take,
// and an emergency waits for nothing of it.
func TestGapPreRollAndScatterKeepTheirDistances(t *testing.T) {
	for name, c := range map[string]struct {
		spacing playout.Spacing
		class   protocol.Class
		want    []time.Duration
	}{
		"none":         {playout.Spacing{}, protocol.ClassNormal, []time.Duration{0, 0}},
		"pre-roll":     {playout.Spacing{PreRoll: 3 * time.Second}, protocol.ClassNormal, []time.Duration{0, 0}},
		"gap":          {playout.Spacing{Gap: 600 * time.Millisecond}, protocol.ClassNormal, ms(0, 600, 1200, 1800, 1800)},
		"scatter":      {playout.Spacing{Scatter: 700 * time.Millisecond}, protocol.ClassNormal, []time.Duration{700 * time.Millisecond, 700 * time.Millisecond}},
		"no emergency": {playout.Spacing{Scatter: 700 * time.Millisecond}, protocol.ClassEmergency, []time.Duration{0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if diff := cmp.Diff(c.want, spaced(t, c.spacing, c.class, len(c.want))); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func ms(v ...int) (all []time.Duration) {
	for _, n := range v {
		all = append(all, time.Duration(n)*time.Millisecond)
	}
	return all
}
