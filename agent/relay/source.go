package relay

import (
	"errors"
	"fmt"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/opus"
	"github.com/loa-vn/loa/protocol"
)

const (
	// Delay is how long after it was taken in a frame is heard, everywhere at once:
	// time for the network, and for the queues of player and card.
	Delay = 2 * time.Second
	// LostAfter is how long nothing may come before the stream counts as lost.
	LostAfter = 5 * time.Second
	// guard is how long before it is heard a frame must be handed to the player.
	guard = 300 * time.Millisecond
	// drift is how far what is heard may part from the stream's own instants
	// before the place in the stream is looked for again.
	drift = 400 * time.Millisecond
	// quiet is the peak under which a frame counts as silence: -50 dBFS.
	quiet = 104

	frameSamples = int(player.Rate / 50)
)

// Why a stream ends before its time.
var (
	// ErrLost: nothing has come for LostAfter.
	ErrLost = errors.New("stream lost")
	// ErrDeadAir: the source has been silent for longer than its bulletin allows.
	ErrDeadAir = errors.New("dead air")
)

// source plays a session from one instant on. It implements player.Source; it
// has no end of its own: the track's length is.
type source struct {
	session *session
	decoder *opus.Packets
	silence time.Duration // that is a fault
	clock   func() time.Time
	begin   time.Time // trusted time at which the first frame is heard

	played int64 // frames given out
	number uint64
	packet int
	locked bool // number and packet say where the stream stands
	mute   time.Duration
	dead   time.Duration
	ready  []int16
	blank  []int16
	err    error
}

func newSource(s *session, r protocol.Relay, clock func() time.Time, begin time.Time) (*source, error) {
	d, err := opus.NewPackets()
	if err != nil {
		return nil, err
	}
	return &source{session: s, decoder: d, silence: r.Silence.Duration(), clock: clock, begin: begin, blank: make([]int16, frameSamples)}, nil
}

// Channels implements player.Source.
func (s *source) Channels() int { return 1 }

// SeekFrame implements player.Source. A live stream is where it is.
func (s *source) SeekFrame(int64) error { return nil }

// Close implements player.Source.
func (s *source) Close() error { return nil }

// Read implements player.Source. It waits for what has not come until it must be
// handed on, and gives silence in its place then.
func (s *source) Read(dst []int16) (int, error) {
	if len(s.ready) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		s.next()
		if s.err != nil && len(s.ready) == 0 {
			return 0, s.err
		}
	}
	n := copy(dst, s.ready)
	s.ready = s.ready[n:]
	s.played += int64(n)
	return n, nil
}

// heard is when the next frame will be heard.
func (s *source) heard() time.Time { return s.begin.Add(player.Duration(s.played)) }

// next makes 20 ms ready, of the stream or of silence.
func (s *source) next() {
	due := s.heard()
	deadline := due.Add(-guard)
	for {
		packet, ok, moved := s.find(due.Add(-Delay))
		if ok {
			s.mute = 0
			s.give(packet)
			return
		}
		wait := deadline.Sub(s.clock())
		if wait <= 0 {
			break
		}
		timer := time.NewTimer(wait)
		select {
		case <-moved:
		case <-timer.C:
		}
		timer.Stop()
	}
	s.locked, s.ready = false, s.blank
	if s.mute += protocol.FrameTime; s.mute >= LostAfter {
		s.err = fmt.Errorf("nothing for %s: %w", LostAfter, ErrLost)
	}
}

// find returns the next packet; live is the instant at which it was taken in, if
// stream and card run alike.
func (s *source) find(live time.Time) ([]byte, bool, <-chan struct{}) {
	if s.locked {
		f, ok, moved := s.session.at(s.number)
		if ok && s.packet >= len(f.Packets) {
			s.number, s.packet = s.number+1, 0
			f, ok, moved = s.session.at(s.number)
		}
		if ok {
			off := f.At.Time().Add(time.Duration(s.packet) * protocol.FrameTime).Sub(live)
			if off < drift && off > -drift {
				return f.Packets[s.packet], true, moved
			}
		}
	}
	f, ok, moved := s.session.covering(live)
	if !ok {
		return nil, false, moved
	}
	s.number, s.packet, s.locked = f.Number, int(live.Sub(f.At.Time())/protocol.FrameTime), true
	return f.Packets[s.packet], true, moved
}

// give decodes a packet. One that cannot be decoded is silence.
func (s *source) give(packet []byte) {
	s.packet++
	pcm, err := s.decoder.Decode(packet)
	if err != nil || len(pcm) != frameSamples {
		pcm = s.blank
	}
	s.ready = pcm
	if peak(pcm) >= quiet {
		s.dead = 0
		return
	}
	if s.dead += protocol.FrameTime; s.dead >= s.silence {
		s.err = fmt.Errorf("silent for %s: %w", s.silence, ErrDeadAir)
	}
}

func peak(pcm []int16) int {
	most := 0
	for _, v := range pcm {
		most = max(most, int(v), -int(v))
	}
	return most
}
