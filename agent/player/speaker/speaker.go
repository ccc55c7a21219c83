package speaker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/player"
)

const (
	// DefaultBuffer is what the card is asked to hold. The way from the queue to the card
	// is about twice as long.
	DefaultBuffer = 40 * time.Millisecond
	// DefaultStall is after how long without a consumed frame a card has failed.
	DefaultStall = 1500 * time.Millisecond

	// ahead is how much may wait before the card's own buffers: what a busy machine may be
	// late by, less the age of a report.
	ahead = 400 * time.Millisecond
	// piece is how much is sent in one message.
	piece = player.Rate / 50
	// readyIn is how long a card may take to begin to run.
	readyIn = 5 * time.Second
	// startWait is how long Start waits for a card that is being opened.
	startWait = 2 * time.Second
	// watchEvery is how often progress is looked at.
	watchEvery = 100 * time.Millisecond
)

// The child's drivers.
const (
	DriverOto  = "oto"
	DriverALSA = "alsa" // libasound itself, which is told by the card how far its output is
)

// The pauses before a card is opened again, doubled from first to last.
const (
	firstPause = 250 * time.Millisecond
	lastPause  = 10 * time.Second
	steady     = 30 * time.Second // after this long it is the first again
)

var (
	errStalled = errors.New("the card consumed nothing")
	errSlow    = errors.New("the card did not begin to run")
	errClosed  = errors.New("closed")
)

// Config says which card, and how it is driven.
type Config struct {
	// Child is the command that runs Child, such as {"/usr/bin/loa-agent", "speaker"};
	// empty for aplay.
	Child []string
	// Driver is what the child plays with: DriverOto or DriverALSA; "" means DriverOto.
	Driver string
	// Aplay is the program used when Child is empty; "" means "aplay".
	Aplay string
	// Device is the card: "hw:CARD=name,DEV=0" or "hw:1,0"; the path of an ALSA
	// configuration, from '/'; or "" for the system's default.
	Device string
	// Dir is an existing folder for the generated configuration; needed with "hw:".
	Dir string
	// Channels is 1 or 2; 0 means 1. The card may have others: ALSA converts.
	Channels int
	// Rate is what the card is opened with, 44,100 or 48,000 frames a second; 0 means
	// the latter. The child converts to it. DriverALSA finds out by itself what the card
	// takes; with the others ALSA converts if the card takes another rate.
	Rate int
	// Buffer is what the card is asked to hold, 20 to 500 ms; 0 means DefaultBuffer.
	Buffer time.Duration
	// Stall is after how long without a consumed frame the card has failed, at least
	// 500 ms; 0 means DefaultStall.
	Stall time.Duration
	// Env is added to the process's environment.
	Env []string
}

// Speaker is a sink on a real card. See player.Sink.
type Speaker struct {
	cfg   Config
	log   *slog.Logger
	moved chan struct{}
	stop  chan struct{}
	once  sync.Once
	work  sync.WaitGroup

	mu       sync.Mutex
	change   chan struct{} // closed and replaced at every change of what follows
	line     line          // nil while no card runs
	progress time.Time     // when the card last consumed something
	report   report        // the latest of this line
	base     int64         // content consumed on earlier lines
	accepted int64         // content taken and not dropped, on all lines
	at       player.Position
	err      error
	started  bool // a track was begun on this line
}

// line is the way to one running process. One goroutine uses it, but for kill.
type line interface {
	start(at int64) error // monotonic; 0: at once
	aim(at int64) error   // monotonic
	put(pcm []int16) error
	end() error
	flush(fade time.Duration) (report, error)
	kill() // ends the process and all that waits for it
	pid() int
}

// hooks is how a line tells what happens. They are called from its goroutines.
type hooks struct {
	ready  func()
	report func(report)
	dead   func(error) // once
}

// Open starts to drive a card, and goes on until Close; it does not wait for the card.
// Errors are about the configuration; what becomes of the card, Position tells.
func Open(cfg Config, log *slog.Logger) (*Speaker, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	s := &Speaker{
		cfg: cfg, log: log,
		moved:  make(chan struct{}, 1),
		stop:   make(chan struct{}),
		change: make(chan struct{}),
	}
	s.work.Go(s.run)
	return s, nil
}

// Channels is 1 or 2.
func (s *Speaker) Channels() int { return s.cfg.Channels }

// Moved implements player.Sink.
func (s *Speaker) Moved() <-chan struct{} { return s.moved }

// Position implements player.Sink. It may lag by what a report takes, some tens of
// milliseconds, and is never ahead of what the card's buffers show.
func (s *Speaker) Position() (player.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.at
	at.Pending = s.accepted - at.Frames
	return at, s.err
}

// Held is how long a frame takes from the queue to the card's output, as measured when
// the card was opened; zero before.
func (s *Speaker) Held() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return player.Duration(s.report.Held)
}

// Starved is how long this card had to play silence inside tracks, because frames came
// too late.
func (s *Speaker) Starved() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return player.Duration(s.report.Starved)
}

// Paused is how long this card had to play silence between one sound and the next that
// no instant asked for, the time starved included.
func (s *Speaker) Paused() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return player.Duration(s.report.Paused)
}

// PID is the id of the process that drives the card; 0 while there is none.
func (s *Speaker) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line == nil {
		return 0
	}
	return s.line.pid()
}

// Start implements player.Sink.
func (s *Speaker) Start(ctx context.Context, _ string, at time.Time) error {
	limit := time.NewTimer(startWait)
	defer limit.Stop()
	for {
		s.mu.Lock()
		l, change, err := s.line, s.change, s.err
		if l != nil {
			s.started = true
		}
		s.mu.Unlock()
		if l != nil {
			return failed(l.start(toMonotonic(at)))
		}
		select {
		case <-change:
		case <-limit.C:
			if err != nil {
				return err
			}
			return failed(errSlow)
		case <-ctx.Done():
			return ctx.Err()
		case <-s.stop:
			return player.ErrClosed
		}
	}
}

// Aim implements player.Aimer.
func (s *Speaker) Aim(at time.Time) error {
	l, err := s.current()
	if err != nil {
		return err
	}
	return failed(l.aim(toMonotonic(at)))
}

// Write implements player.Sink.
func (s *Speaker) Write(ctx context.Context, pcm []int16) error {
	for len(pcm) > 0 {
		part := pcm[:min(len(pcm), piece*s.cfg.Channels)]
		l, err := s.room(ctx, int64(len(part)/s.cfg.Channels))
		if err != nil {
			return err
		}
		if err := l.put(part); err != nil {
			return failed(err)
		}
		pcm = pcm[len(part):]
	}
	return nil
}

// room waits until frames may be sent, and counts them as accepted.
func (s *Speaker) room(ctx context.Context, frames int64) (line, error) {
	for {
		s.mu.Lock()
		if s.line == nil || !s.started {
			err := s.err
			s.mu.Unlock()
			if err == nil {
				err = failed(errSlow)
			}
			return nil, err
		}
		if s.accepted-s.at.Frames+frames <= player.FramesIn(ahead)+s.report.Held {
			s.accepted += frames
			l := s.line
			s.mu.Unlock()
			return l, nil
		}
		change := s.change
		s.mu.Unlock()
		select {
		case <-change:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.stop:
			return nil, player.ErrClosed
		}
	}
}

// current is the line that carries the track begun last.
func (s *Speaker) current() (line, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line == nil || !s.started {
		if s.err != nil {
			return nil, s.err
		}
		return nil, failed(errSlow)
	}
	return s.line, nil
}

// End implements player.Sink.
func (s *Speaker) End() error {
	l, err := s.current()
	if err != nil {
		return err
	}
	return failed(l.end())
}

// Flush implements player.Sink.
func (s *Speaker) Flush(fade time.Duration) error {
	l, err := s.current()
	if err != nil {
		return err
	}
	r, err := l.flush(fade)
	if err != nil {
		return failed(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line == l {
		s.accepted = s.base + r.Content + r.Pending
		s.takeLocked(r)
	}
	return nil
}

// Close implements player.Sink.
func (s *Speaker) Close() error {
	s.once.Do(func() { close(s.stop) })
	s.work.Wait()
	return nil
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", player.ErrSink, err)
}

// takeLocked takes over a report of the current line.
func (s *Speaker) takeLocked(r report) {
	if r.Consumed > s.report.Consumed {
		s.progress = time.Now()
	}
	s.report = r
	if frames := s.base + r.Content; frames > s.at.Frames {
		s.at.Frames, s.at.At = frames, fromMonotonic(r.At)
	}
	s.changedLocked()
}

func (s *Speaker) changedLocked() {
	close(s.change)
	s.change = make(chan struct{})
	select {
	case s.moved <- struct{}{}:
	default:
	}
}

// run keeps a card going.
func (s *Speaker) run() {
	pause := firstPause
	for {
		begun := time.Now()
		err := s.drive()
		select {
		case <-s.stop:
			return
		default:
		}
		s.fault(err)
		if time.Since(begun) > steady {
			pause = firstPause
		}
		select {
		case <-time.After(pause):
		case <-s.stop:
			return
		}
		pause = min(2*pause, lastPause)
	}
}

// fault notes that the card has failed. Twice the same in a row is logged once.
func (s *Speaker) fault(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := failed(cause)
	if s.err == nil || s.err.Error() != err.Error() {
		s.log.Warn("sound card failed", "device", s.cfg.Device, "error", cause)
	}
	s.err = err
	s.at.Faults++
	s.base, s.accepted = s.at.Frames, s.at.Frames
	s.line, s.started, s.report = nil, false, report{}
	s.changedLocked()
}

// drive runs one process to its end, and says why it ended.
func (s *Speaker) drive() error {
	env := append(os.Environ(), s.cfg.Env...)
	if path := s.cfg.alsaPath(); path != "" {
		env = append(env, "ALSA_CONFIG_PATH="+path)
	}
	ready, dead := make(chan struct{}, 1), make(chan error, 1)
	var l line
	open := openChild
	if len(s.cfg.Child) == 0 {
		open = openAplay
	}
	l, err := open(s.cfg, env, hooks{
		ready: func() { ready <- struct{}{} },
		report: func(r report) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.line != nil && s.line == l {
				s.takeLocked(r)
			}
		},
		dead: func(err error) { dead <- err },
	})
	if err != nil {
		return err
	}
	defer l.kill()
	limit := time.NewTimer(readyIn)
	defer limit.Stop()
	select {
	case <-ready:
	case err := <-dead:
		return err
	case <-limit.C:
		return fmt.Errorf("%w in %s", errSlow, readyIn)
	case <-s.stop:
		return errClosed
	}
	s.mu.Lock()
	if s.err != nil {
		s.log.Info("sound card works again", "device", s.cfg.Device)
	}
	s.line, s.err, s.progress = l, nil, time.Now()
	s.changedLocked()
	s.mu.Unlock()
	return s.watch(dead)
}

// watch waits for the end of the process, or for a card that stands still.
func (s *Speaker) watch(dead <-chan error) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.mu.Lock()
			still := time.Since(s.progress)
			s.mu.Unlock()
			if still > s.cfg.Stall {
				return fmt.Errorf("%w for %s", errStalled, still.Round(10*time.Millisecond))
			}
		case err := <-dead:
			return err
		case <-s.stop:
			return errClosed
		}
	}
}
