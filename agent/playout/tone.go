package playout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/signal"
	"github.com/loa-vn/loa/protocol"
)

const (
	// toneHz is what a test tone sounds like: what horns are loudest at, and people hear best.
	toneHz = 1000
	// toneClear is how long nothing may be due after a test tone.
	toneClear = time.Second
)

// Toner is an output that can sound a test tone. It is a job like others, with one Ended.
type Toner interface {
	Tone(job string, length time.Duration, volume int) error
}

// trial is a test tone that sounds.
type trial struct {
	job    string
	number uint64
	cut    protocol.Reason // why it was cut; ReasonNone: it was not
}

// tone sounds a test tone, if nothing else sounds and nothing will be due until it is
// over: it makes way for all that the schedule chooses, and holds up none of it.
func (l *Loop) tone(ctx context.Context, u inbox.Tone) {
	out, can := l.cfg.Output.(Toner)
	if !can {
		return // another medium's
	}
	why := l.hinders(u)
	if why == protocol.ReasonNone {
		job := fmt.Sprintf("tone-%d", u.Number)
		if err := out.Tone(job, u.Length, l.toneVolume(u.Volume)); err != nil {
			l.cfg.Log.ErrorContext(ctx, "no test tone", "error", err)
			why = protocol.ReasonFault
		} else {
			l.trial = &trial{job: job, number: u.Number}
			l.cfg.Log.InfoContext(ctx, "test tone", "number", u.Number, "length", u.Length)
			return
		}
	}
	l.toned(u.Number, why)
}

// hinders says why a test tone may not sound now. Before the first plan there are no quiet
// hours to keep and nothing to wait for: a technician has just hung the speaker up.
func (l *Loop) hinders(u inbox.Tone) protocol.Reason {
	now, _, sure := l.cfg.Clock.Now()
	switch free := now.Add(l.lead + u.Length + toneClear); {
	case l.muted:
		return protocol.ReasonMuted
	case !sure:
		return protocol.ReasonClockUnsure
	case now.After(u.Until):
		return protocol.ReasonExpired
	case l.machine != nil && !l.machine.Allowed(now, u.Length+l.lead):
		return protocol.ReasonQuietHours
	case l.current != "" || l.trial != nil || !l.wake.IsZero() && l.wake.Before(free):
		return protocol.ReasonBusy
	}
	return protocol.ReasonNone
}

// toneVolume is the volume asked for, under ceiling and limit of the hour, or of every hour
// while it is not known which one it is.
func (l *Loop) toneVolume(asked int) int {
	set := l.cfg.Settings()
	ceiling := func(hour int) int { return min(set.Ceiling(hour), set.Limit(hour)) }
	if l.zone != nil {
		now, _, _ := l.cfg.Clock.Now()
		return min(asked, ceiling(now.In(l.zone).Hour()))
	}
	for hour := range 24 {
		asked = min(asked, ceiling(hour))
	}
	return asked
}

// hush cuts a test tone.
func (l *Loop) hush(why protocol.Reason) {
	if l.trial != nil && l.trial.cut == protocol.ReasonNone {
		l.trial.cut = why
		l.cfg.Output.Cut(l.trial.job)
	}
}

// toneEnded takes the output's last word on a test tone, and says whether it was one.
func (l *Loop) toneEnded(e Event) bool {
	if l.trial == nil || l.trial.job != e.Job {
		return false
	}
	t := l.trial
	l.trial = nil
	switch {
	case e.Whole:
		l.toned(t.number, protocol.ReasonNone)
	case t.cut != protocol.ReasonNone:
		l.toned(t.number, t.cut)
	default:
		l.toned(t.number, protocol.ReasonFault)
	}
	return true
}

func (l *Loop) toned(number uint64, why protocol.Reason) {
	if l.cfg.Toned != nil {
		now, _, _ := l.cfg.Clock.Now()
		l.cfg.Toned(protocol.ToneResult{Number: number, Reason: why, At: protocol.InstantOf(now)})
	}
}

// Tone implements Toner.
func (s *Sound) Tone(job string, length time.Duration, volume int) error {
	t := player.Track{
		ID: job, Volume: volume, Frames: player.FramesIn(length),
		Open: func() (player.Source, error) { return signal.Tone(toneHz, length), nil },
	}
	if err := s.play(t); err != nil {
		return errors.Join(fmt.Errorf("test tone %s", job), err)
	}
	return nil
}
