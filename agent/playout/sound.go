package playout

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/opus"
	"github.com/loa-vn/loa/agent/player/signal"
	"github.com/loa-vn/loa/protocol"
)

// Sounds opens the content of sounds; the cache is one.
type Sounds interface {
	Has(d protocol.Digest) bool
	// OpenSound opens a whole content whose digest was checked.
	OpenSound(d protocol.Digest) (io.ReadSeekCloser, error)
}

// Live opens streams; *relay.Receiver is one.
type Live interface {
	// Open returns a stream as it is to be heard from an instant of the system's
	// clock on. It has no end of its own.
	Open(r protocol.Relay, begin time.Time) (player.Source, error)
}

// Lead is how long before its first frame the output wants a job: what it takes to
// store that it begins, to open and decode it, and the way through the card's buffers.
const Lead = 300 * time.Millisecond

// Amplifier is what has to be on while it sounds; *amplifier.Amplifier is one.
type Amplifier interface {
	Take() time.Time // for one more job, which may sound from then on
	Release()        // one that was taken for has ended
	Drop()           // off at once
	Close() error
}

// Sound is the output of a loudspeaker.
type Sound struct {
	player *player.Player
	sounds Sounds
	live   Live      // nil: this device plays no relays
	amp    Amplifier // nil: the amplifier is always on
	warm   time.Duration
	events chan Event
	wg     sync.WaitGroup

	spacing Spacing
	listen  func() Hearing // nil without a microphone

	mu     sync.Mutex
	jobs   map[string]*alarm // voices of the emergencies under way
	ears   map[string]Hearing
	shifts map[string]time.Duration // by which a job was begun later than it was due
	newest string                   // the job begun last
	last   time.Time                // when its last frame sounds, or sounded
}

// NewSound returns an output on a player; Close closes both.
func NewSound(p *player.Player, sounds Sounds) *Sound {
	s := &Sound{player: p, sounds: sounds, events: make(chan Event, 16), jobs: map[string]*alarm{}, ears: map[string]Hearing{}, shifts: map[string]time.Duration{}}
	s.wg.Go(s.pass)
	return s
}

// Hearing is a microphone that is on for one job; *microphone.Hearing is one.
type Hearing interface {
	Tee(src player.Source) player.Source // lets what it yields be listened for
	Begun(at time.Time)
	End() (listened, recognised time.Duration)
}

// Hears lets the output listen to what it plays, before its first job.
func (s *Sound) Hears(listen func() Hearing) { s.listen = listen }

// heard lets a track be listened for while it sounds.
func (s *Sound) heard(t *player.Track) {
	if s.listen == nil {
		return
	}
	ear, open := s.listen(), t.Open
	t.Open = func() (player.Source, error) {
		src, err := open()
		if err != nil {
			return nil, err
		}
		return ear.Tee(src), nil
	}
	s.mu.Lock()
	s.ears[t.ID] = ear
	s.mu.Unlock()
}

// deafen switches a job's microphone off, and returns what it recognised; nil if it
// listened for nothing.
func (s *Sound) deafen(job string) *protocol.Heard {
	s.mu.Lock()
	ear := s.ears[job]
	delete(s.ears, job)
	s.mu.Unlock()
	if ear == nil {
		return nil
	}
	listened, recognised := ear.End()
	h := protocol.Heard{Listened: protocol.MillisOf(listened), Recognised: protocol.MillisOf(recognised)}
	if h.Listened == 0 {
		return nil
	}
	return &h
}

// Relays lets the output play live streams, before its first job.
func (s *Sound) Relays(l Live) { s.live = l }

// Amplifies lets the output switch an amplifier that takes so long to warm up, before
// its first job.
func (s *Sound) Amplifies(a Amplifier, warmUp time.Duration) { s.amp, s.warm = a, warmUp }

// Close stops at once.
func (s *Sound) Close() error {
	err := s.player.Close()
	s.wg.Wait()
	for job := range s.ears { // of tracks that got no last word
		s.deafen(job)
	}
	if s.amp != nil {
		err = errors.Join(err, s.amp.Close())
	}
	return err
}

// Events implements Output.
func (s *Sound) Events() <-chan Event { return s.events }

// Lead implements Leader.
func (s *Sound) Lead() time.Duration { return Lead + s.warm + s.spacing.PreRoll }

// Aim implements Aimer. What was begun later on purpose stays so.
func (s *Sound) Aim(job string, begin time.Time) {
	s.mu.Lock()
	shift := s.shifts[job]
	s.mu.Unlock()
	s.player.Aim(job, begin.Add(shift))
}

// Cut implements Output. A player has one job at a time.
func (s *Sound) Cut(string) { s.player.Stop() }

// Begin implements Output.
func (s *Sound) Begin(j Job) error {
	t := player.Track{
		ID: j.ID, Name: j.ID, Offset: j.Position, Volume: j.Volume, StartAt: j.Begin,
		Open: func() (player.Source, error) { return s.open(*j.Airing.Sound) },
	}
	if j.Soon {
		t.StartAt = time.Time{}
	}
	if r := j.Bulletin.Relay; r != nil && s.live != nil {
		// The schedule's length ends it, whatever the stream does.
		t.Frames = player.FramesIn(j.Length)
		t.Open = func() (player.Source, error) { return s.live.Open(*r, j.Begin) }
	} else if j.Airing.Class == protocol.ClassEmergency {
		a := &alarm{sounds: s.sounds, sound: j.Airing.Sound, limit: player.FramesIn(j.Length), siren: signal.Siren(j.Length)}
		t.Open = func() (player.Source, error) { return a, nil }
		t.Offset = 0
		s.mu.Lock()
		s.jobs[j.ID] = a
		s.mu.Unlock()
	} else {
		if j.Bulletin.Sound == nil || j.Airing.Sound == nil {
			return fmt.Errorf("begin %s: %w", j.ID, protocol.ErrInvalid)
		}
		t.Frames = int64(j.Bulletin.Sound.Frames)
		if j.Position >= player.Duration(t.Frames) {
			return fmt.Errorf("begin %s at %s of %d frames: %w", j.ID, j.Position, t.Frames, protocol.ErrInvalid)
		}
	}
	if !j.Soon {
		at, hum := s.spaced(j.Begin, j.Airing.Class == protocol.ClassEmergency)
		t.StartAt = at
		if hum > 0 {
			if err := s.wakes(j.ID, at, hum); err != nil {
				return fmt.Errorf("begin %s: %w", j.ID, err)
			}
		}
		s.mu.Lock()
		s.shifts[j.ID] = at.Sub(j.Begin)
		s.mu.Unlock()
	}
	s.mu.Lock()
	s.newest, s.last = j.ID, later(t.StartAt, time.Now()).Add(j.Length-j.Position)
	s.mu.Unlock()
	s.heard(&t)
	if err := s.play(t); err != nil {
		s.deafen(j.ID)
		s.mu.Lock()
		delete(s.jobs, j.ID)
		delete(s.shifts, j.ID)
		s.mu.Unlock()
		return fmt.Errorf("begin %s: %w", j.ID, err)
	}
	return nil
}

// play plays a track once the amplifier is warm.
func (s *Sound) play(t player.Track) error {
	if s.amp != nil {
		if warm := s.amp.Take(); warm.After(t.StartAt) {
			t.StartAt = warm
		}
	}
	if err := s.player.Play(t); err != nil {
		if s.amp != nil {
			s.amp.Release()
		}
		return err
	}
	return nil
}

func (s *Sound) open(c protocol.Content) (player.Source, error) { return openOpus(s.sounds, c.Digest) }

func openOpus(sounds Sounds, d protocol.Digest) (player.Source, error) {
	f, err := sounds.OpenSound(d)
	if err != nil {
		return nil, err
	}
	r, err := opus.Open(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// pass turns the player's events into the loop's.
func (s *Sound) pass() {
	defer close(s.events)
	for e := range s.player.Events() {
		switch e := e.(type) {
		case player.Begun:
			if hums(e.ID) {
				continue
			}
			s.mu.Lock()
			if ear := s.ears[e.ID]; ear != nil {
				ear.Begun(e.At)
			}
			s.mu.Unlock()
			s.events <- Event{Kind: Begun, Job: e.ID, At: e.At}
		case player.Ended:
			if hums(e.ID) {
				continue
			}
			if s.amp != nil {
				s.amp.Release()
			}
			out := Event{Kind: Ended, Job: e.ID, At: e.At, Frames: uint64(e.Frames), Whole: e.Whole, Proof: protocol.ProofConsumed, Heard: s.deafen(e.ID), Err: e.Err}
			s.mu.Lock()
			delete(s.shifts, e.ID)
			if s.newest == e.ID {
				s.last = e.At
			}
			if a := s.jobs[e.ID]; a != nil {
				out.Voice = a.voice()
				delete(s.jobs, e.ID)
			}
			s.mu.Unlock()
			s.events <- out
		case player.Fault:
			if s.amp != nil {
				s.amp.Drop()
			}
			s.events <- Event{Kind: Fault, Err: e.Err}
		case player.Restored:
			s.events <- Event{Kind: Restored}
		}
	}
}

// alarm is the sound of an emergency: its own as soon as it is on the device,
// the built-in siren until then. It ends with its own sound, or, if that never
// comes, after the length that the schedule gives a pass. It implements
// player.Source.
type alarm struct {
	sounds Sounds
	sound  *protocol.Content
	limit  int64 // frames of a pass
	siren  *signal.Wave

	mu     sync.Mutex
	own    player.Source
	broken bool // the own sound cannot be read
	told   bool // the own sound was told to its end
	done   int64
	wailed int64
}

// minSiren is how long the siren sounds at least once it has begun.
const minSiren = 2 * time.Second

func (a *alarm) Channels() int { return 1 }

func (a *alarm) SeekFrame(frame int64) error {
	if frame != 0 {
		return fmt.Errorf("an emergency begins at its beginning: %w", protocol.ErrInvalid)
	}
	return nil
}

func (a *alarm) Read(dst []int16) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.own == nil && !a.broken && a.sound != nil && (a.wailed == 0 || a.wailed >= player.FramesIn(minSiren)) && a.sounds.Has(a.sound.Digest) {
		a.own = a.open()
	}
	if a.done >= a.limit {
		return 0, io.EOF
	}
	dst = dst[:min(int64(len(dst)), a.limit-a.done)]
	if a.own != nil {
		n, err := a.own.Read(dst)
		a.done += int64(n)
		a.told = a.told || errors.Is(err, io.EOF)
		if err == nil || a.told {
			return n, err
		}
		// It cannot be read on: the siren takes over.
		_ = a.own.Close()
		a.own, a.broken = nil, true
		if n > 0 {
			return n, nil
		}
	}
	n, err := a.siren.Read(dst)
	a.done, a.wailed = a.done+int64(n), a.wailed+int64(n)
	return n, err
}

// open opens the own sound. An unreadable one leaves the siren on.
func (a *alarm) open() player.Source {
	own, err := openOpus(a.sounds, a.sound.Digest)
	a.broken = err != nil
	if err != nil {
		return nil
	}
	if own.Channels() != 1 {
		a.broken = true
		_ = own.Close() // only read
		return nil
	}
	return own
}

func (a *alarm) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.own != nil {
		return a.own.Close()
	}
	return nil
}

// voice is what the emergency was told by.
func (a *alarm) voice() protocol.Voice {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.told {
		return protocol.VoiceDelivered
	}
	return protocol.VoiceSiren
}
