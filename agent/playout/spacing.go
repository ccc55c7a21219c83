package playout

import (
	"strings"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/signal"
)

// Spacing is what a device puts around its sounds. The schedule knows nothing of it: what
// it makes later is later by less than what an output may take for its last frames.
type Spacing struct {
	// Gap is the least silence between one sound and the next. It is given up when a play
	// would be late by more than latest for it.
	Gap time.Duration
	// PreRoll is how long before a sound that follows silence a faint hum wakes an
	// amplifier that switches itself on.
	PreRoll time.Duration
	// Scatter is by how much all but emergencies are later than scheduled.
	Scatter time.Duration
}

const (
	// latest is how much later than the schedule's instant a gap may make a play.
	latest = 2 * time.Second
	// awake is how long after a sound an amplifier that switches itself is still on.
	awake = 10 * time.Second
	// humming is what the jobs of pre-rolls begin with.
	humming = "hum-"
)

// Spaces lets the output keep its distances, before its first job.
func (s *Sound) Spaces(sp Spacing) { s.spacing = sp }

// spaced is when a job that is due at an instant begins to sound, and how much of what
// is before it the amplifier is woken with.
func (s *Sound) spaced(due time.Time, urgent bool) (at time.Time, hum time.Duration) {
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	at = due
	if !urgent {
		at = at.Add(s.spacing.Scatter)
		if free := last.Add(s.spacing.Gap); s.spacing.Gap > 0 && free.After(at) && !free.After(due.Add(latest)) {
			at = free
		}
	}
	if s.spacing.PreRoll > 0 && at.Sub(last) > awake {
		hum = s.spacing.PreRoll
	}
	return at, hum
}

// wakes plays the hum before a sound that begins at an instant; the sound follows it
// without a gap.
func (s *Sound) wakes(job string, at time.Time, hum time.Duration) error {
	return s.player.Play(player.Track{
		ID: humming + job, Volume: 100, StartAt: at.Add(-hum), Frames: player.FramesIn(hum),
		Open: func() (player.Source, error) { return signal.Hum(hum), nil },
	})
}

// hums says whether an event is about a pre-roll, of which nobody else knows.
func hums(job string) bool { return strings.HasPrefix(job, humming) }
