package playout_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/amplifier"
	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/feed"
	"github.com/loa-vn/loa/agent/player/null"
	"github.com/loa-vn/loa/agent/player/signal"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// card takes what sounds, and keeps the loudest of it.
type card struct{ peak int16 }

func (c *card) Take(_ feed.Span, pcm []int16) error {
	for _, v := range pcm {
		c.peak = max(c.peak, v, -v)
	}
	return nil
}

func (*card) Idle() error { return nil }

// endless is a station that never stops.
type endless struct{}

func (endless) Open(protocol.Relay, time.Time) (player.Source, error) {
	return signal.Tone(440, 24*time.Hour), nil
}

// TestARelayEndsAtItsLengthWhateverTheStreamDoes: the device ends it, at the length that
// was approved, to the frame; and it is as loud as its airing may be here.
func TestARelayEndsAtItsLengthWhateverTheStreamDoes(t *testing.T) {
	peaks := map[int]int16{}
	for _, volume := range []int{100, 50} {
		synctest.Test(t, func(t *testing.T) {
			to := &card{}
			out := playout.NewSound(player.New(feed.NewPaced(1, to), slog.New(slog.DiscardHandler)), shelf{})
			defer out.Close()
			out.Relays(endless{})
			j := playout.Job{ID: "r-1", Bulletin: protocoltest.RelayBulletin(), Begin: time.Now().Add(out.Lead()), Length: 7 * time.Second, Volume: volume}
			j.Airing = protocol.Airing{Class: protocol.ClassPriority, Sound: &protocol.Content{}}
			if err := out.Begin(j); err != nil {
				t.Fatal(err)
			}
			for e := range out.Events() {
				if e.Kind != playout.Ended {
					continue
				}
				if late := e.At.Sub(j.Begin.Add(j.Length)); !e.Whole || e.Frames != 7*protocol.SoundRate || late.Abs() > 10*time.Millisecond {
					t.Errorf("%s after its length: %+v", late, e)
				}
				break
			}
			peaks[volume] = to.peak
		})
	}
	if part := float64(peaks[50]) / float64(peaks[100]); part < 0.249 || part > 0.251 {
		t.Errorf("peaks of %v: at half the volume %.3f of the whole", peaks, part)
	}
}

// contact is an amplifier's relay, which notes when it is switched.
type contact struct {
	begun time.Time
	log   []string
}

func (c *contact) Set(on bool) error {
	c.log = append(c.log, fmt.Sprintf("%s %t", time.Since(c.begun).Round(10*time.Millisecond), on))
	return nil
}

func (*contact) Close() error { return nil }

// TestTheAmplifierIsOnAroundWhatSounds: it is closed early enough to be warm when the
// first frame sounds, which comes no later for it; stays so from one item to the next;
// and opens its time after the last frame.
func TestTheAmplifierIsOnAroundWhatSounds(t *testing.T) {
	own, frames := greeting(t)
	length := player.Duration(frames)
	synctest.Test(t, func(t *testing.T) {
		const warmUp, offAfter = 800 * time.Millisecond, 3 * time.Second
		c := &contact{begun: time.Now()}
		out := playout.NewSound(player.New(null.New(1), slog.New(slog.DiscardHandler)), shelf{own, time.Time{}})
		out.Amplifies(amplifier.New(amplifier.Config{Line: c, WarmUp: warmUp, OffAfter: offAfter, Log: slog.New(slog.DiscardHandler)}), warmUp)
		sound := protocol.ContentOf(own)
		first := time.Now().Add(10 * time.Second)
		for i := range 2 {
			j := playout.Job{
				ID: fmt.Sprint(i), Airing: protocol.Airing{Class: protocol.ClassNormal, Sound: &sound}, Begin: first.Add(time.Duration(i) * length), Length: length, Volume: 80,
				Bulletin: protocol.Bulletin{Sound: &protocol.Sound{Frames: uint64(frames)}},
			}
			time.Sleep(time.Until(j.Begin.Add(-out.Lead())))
			if err := out.Begin(j); err != nil {
				t.Fatal(err)
			}
			for e := range out.Events() {
				if e.Kind != playout.Begun {
					continue
				}
				if late := e.At.Sub(j.Begin); late.Abs() > 10*time.Millisecond {
					t.Errorf("item %d sounds %s late", i, late)
				}
				break
			}
		}
		for e := range out.Events() {
			if e.Kind == playout.Ended && e.Job == "1" {
				break
			}
		}
		last := first.Add(2 * length)
		time.Sleep(time.Minute)
		if err := out.Close(); err != nil {
			t.Error(err)
		}
		stamp := func(at time.Time, on bool) string {
			return fmt.Sprintf("%s %t", at.Sub(c.begun).Round(10*time.Millisecond), on)
		}
		want := []string{stamp(c.begun, false), stamp(first.Add(-playout.Lead-warmUp), true), stamp(last.Add(offAfter), false), stamp(c.begun.Add(time.Since(c.begun)), false)}
		if diff := cmp.Diff(want, c.log); diff != "" {
			t.Error(diff)
		}
	})
}

// TestARelayIsRefusedOutsideOfItsSlot: its whole window, with what it may be late, lies in
// the part of the day that was approved; the device sees to it.
func TestARelayIsRefusedOutsideOfItsSlot(t *testing.T) {
	for name, x := range map[string]struct {
		from, to uint64 // minutes of the day
		want     string
	}{
		"inside": {60, 66, "a 01:00:00.000 played"}, // one minute, and five late
		"before": {61, 90, "a 01:00:00.000 skipped not permitted"},
		"beyond": {30, 65, "a 01:00:00.000 skipped not permitted"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, protocol.MediumSound)
				a := w.airing("a", []string{"relay", "in=1h", "for=1m", "late=5m"})
				w.note(func() { w.slot = [2]uint64{x.from, x.to} })
				w.document("a", nil)
				w.tell(inbox.Accepted{Airing: a, Zone: "UTC", Arrived: a.Published}, inbox.Content{Airing: "a", There: true})
				time.Sleep(2 * time.Hour)
				w.stop()
				if got := w.receipts(); len(got) != 1 || !strings.HasPrefix(got[0], x.want) {
					t.Errorf("receipts %q, want one of %s", got, x.want)
				}
			})
		})
	}
}
