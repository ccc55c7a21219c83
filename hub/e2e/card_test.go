package e2e

import (
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	agentconfig "github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/agent/player/cardtest"
	cardspeaker "github.com/loa-vn/loa/agent/player/speaker"
	"github.com/loa-vn/loa/agent/technician"
	"github.com/loa-vn/loa/hub/alert"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/protocol"
)

// contact is an amplifier's relay, which notes when it was switched.
type contact struct {
	mu  sync.Mutex
	on  bool
	log []switched
}

type switched struct {
	on bool
	at time.Time
}

func (c *contact) Set(on bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if on != c.on {
		c.on, c.log = on, append(c.log, switched{on, time.Now()})
	}
	return nil
}

func (*contact) Close() error { return nil }

// closed returns the first closing of the relay at or after an instant, and the opening
// that followed it; zero if there was none.
func (c *contact) closed(from time.Time) (closed, opened time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.log {
		switch {
		case closed.IsZero() && s.on && !s.at.Before(from):
			closed = s.at
		case !closed.IsZero() && !s.on:
			return closed, s.at
		}
	}
	return closed, time.Time{}
}

// TestACardThatHangsIsSaidAndComesBack: a card that stands still under a bulletin is a
// fault at the hub and for its operators, the bulletin is cut by it with no more frames
// than the card took, and the amplifier is off; when the card goes on, the next bulletin
// is whole, behind an amplifier that was warm before its first frame and went off after
// its last.
func TestACardThatHangsIsSaidAndComesBack(t *testing.T) {
	t.Parallel()
	if !cardspeaker.HasOto {
		t.Skip("built without ALSA")
	}
	w := newWorld(t)
	card, err := cardtest.Open(cardtest.Config{Dir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, card.Close()) })
	const warmUp, offAfter = 500 * time.Millisecond, time.Second
	relay := &contact{}
	d := w.device(speaker("loa-dong", "thon-dong", 1000), func(d *device) {
		d.speaker, d.relay = []string{os.Args[0], speakerChild}, relay
		d.config.Profile.Sound.Driver, d.config.Profile.Sound.Card = "alsa", card.ConfigPath()
		d.config.Profile.Amplifier = &agentconfig.Amplifier{Chip: "gpiochip0", WarmUp: agentconfig.Duration(warmUp), OffAfter: agentconfig.Duration(offAfter)}
	})
	w.online(d)
	faulty := func() bool { return slices.Contains(w.lastHeard(d.id).Faults, "sound") }
	air := func(times int) bulletin.Bulletin {
		b := w.ready(spokenText(times))
		w.air(b, bulletin.Wish{When: bulletin.Now, Units: []protocol.UnitID{"thon-dong"}, Volume: 100}, "duyet1")
		return b
	}

	cut := air(5)
	w.until("the card sounds", func() bool { return card.Recording().Sounding(0) >= 0 })
	sounds := card.Taken()
	w.until("half a second of it", func() bool { return card.Taken() > sounds+protocol.SoundRate/2 })
	card.Stall(true)
	stalled, took := time.Now(), card.Taken()
	w.within(10*time.Second, "the hub knows of the fault", faulty)
	t.Logf("the hub knew %s after the card stood still", time.Since(stalled).Round(time.Millisecond))
	if _, opened := relay.closed(time.Time{}); opened.IsZero() || opened.Sub(stalled) > 2*time.Second {
		t.Errorf("the amplifier was switched off at %s, the card stood still at %s", opened, stalled)
	}
	must(t, w.Alerts.Look(t.Context(), time.Now()))
	list, err := w.Alerts.List(t.Context(), w.actor("quantri"), time.Time{})
	must(t, err)
	if !slices.ContainsFunc(list, func(a alert.Alert) bool { return a.Kind == alert.Fault && a.Reason == "sound" && a.Closed.IsZero() }) {
		t.Errorf("operators are not told: %+v", list)
	}
	a := w.settled(cut, 1).Lines[0].Answer
	silent := slices.IndexFunc(w.decoded(cut), func(v int16) bool { return v != 0 }) // at its beginning
	first := card.Recording().Sounding(0) - int64(silent)
	if most := uint64(took - first + protocol.SoundRate/100); a.Outcome != protocol.OutcomeCut || a.Reason != protocol.ReasonFault || a.Frames == 0 || a.Frames > most {
		t.Errorf("on a card that stood still: %s (%s), %d frames, of which it took %d at most", a.Outcome, a.Reason, a.Frames, most)
	}

	card.Stall(false)
	w.until("the card is well again", func() bool { return !faulty() })
	before, from := time.Now(), card.Taken()
	whole := air(1)
	a = w.settled(whole, 1).Lines[0].Answer
	if a.Outcome != protocol.OutcomePlayed || a.Frames != uint64(whole.Rendition.Frames) || a.Proof != protocol.ProofConsumed {
		t.Errorf("after that: %+v", a)
	}
	var on, off time.Time
	w.until("the amplifier is off", func() bool { on, off = relay.closed(before); return !off.IsZero() })
	rec := card.Recording()
	began, ended := rec.At(rec.Sounding(from)), rec.At(rec.Last())
	const about = 100 * time.Millisecond // what this card does not tell of its delay
	if began.Sub(on) < warmUp-about || off.Sub(ended) < offAfter-about {
		t.Errorf("sound from %s to %s, the amplifier was on from %s to %s", began, ended, on, off)
	}
}

// TestATechnicianMutesADeviceAndThatIsSaid: the switch at the device silences what is on
// and what comes, without the hub, and both are answered for with it; the hub sees that
// the device is muted; when the switch is back, it sounds again.
func TestATechnicianMutesADeviceAndThatIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	air := func(times int, afterCut string) bulletin.Bulletin {
		b := w.ready(spokenText(times))
		w.air(b, bulletin.Wish{When: bulletin.Now, Lateness: 1, AfterCut: afterCut, Volume: 100}, "duyet1")
		return b
	}
	here := technician.Mute{Dir: d.config.Data}
	on := air(5, "drop")
	w.begun(d, on)
	must(t, here.Set(true))
	w.until("the hub knows that it is muted", func() bool { return w.lastHeard(d.id).Muted })
	next := air(1, "")
	for _, c := range []struct {
		b    bulletin.Bulletin
		want protocol.Outcome
	}{{on, protocol.OutcomeCut}, {next, protocol.OutcomeSkipped}} {
		if a := w.settled(c.b, 1).Lines[0].Answer; a.Outcome != c.want || a.Reason != protocol.ReasonMuted {
			t.Errorf("muted: %s (%s), want %s", a.Outcome, a.Reason, c.want)
		}
	}
	must(t, here.Set(false))
	w.until("the hub knows that it is not muted", func() bool { return !w.lastHeard(d.id).Muted })
	if a := w.settled(air(1, ""), 1).Lines[0].Answer; a.Outcome != protocol.OutcomePlayed {
		t.Errorf("with the switch back: %s (%s)", a.Outcome, a.Reason)
	}
}
