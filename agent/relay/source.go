package relay

import (
	"errors"
	"fmt"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/opus"
	"github.com/loa-vn/loa/agent/player/slew"
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
	// leap is how far what is heard may part from the stream's own instants before the
	// place in the stream is looked for again: then it has jumped, and a gap is silence for
	// as long as it was one, so that neighbours stay together. What is less is made up for
	// inaudibly, as a card's drift is.
	leap = 40 * time.Millisecond
	// watched is how many packets' instants are looked at before something is done about
	// them, astray by how much these must be off, and most how much of that is made up
	// for at once: 5 ms take 17 s.
	watched = 100
	astray  = time.Millisecond
	most    = 5 * time.Millisecond
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

	slew   *slew.Slew
	played int64 // frames given out
	fed    int64 // frames that the slew was given
	ahead  int64 // by how many frames one is given out later than it is fed
	number uint64
	packet int   // of that piece; what was before has been heard, and is not again
	locked bool  // the stream goes on there
	skip   int64 // frames of the next packet that are past already
	off    time.Duration
	looks  int   // packets that off is the sum of
	owed   int64 // frames that the sound is to become longer by
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
	return &source{session: s, decoder: d, silence: r.Silence.Duration(), clock: clock, begin: begin, slew: slew.New(1), blank: make([]int16, frameSamples)}, nil
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
	if s.err != nil {
		rest := max(s.fed-s.slew.Position(), 0) // of before it ended
		if rest == 0 {
			return 0, s.err
		}
		dst = dst[:min(int64(len(dst)), rest)]
	}
	if s.owed != 0 {
		s.slew.Correct(s.owed, slew.PPM)
		s.owed = 0
	}
	dst = dst[:min(len(dst), frameSamples)]
	s.ahead = s.played - s.slew.Position()
	s.slew.Fill(dst, s.feed)
	s.played += int64(len(dst))
	return len(dst), nil
}

// feed fills pcm; what comes after the stream's end is silence, and not given out.
func (s *source) feed(pcm []int16) {
	for len(pcm) > 0 {
		if len(s.ready) == 0 && s.err == nil {
			s.next()
		}
		if len(s.ready) == 0 {
			clear(pcm)
			return
		}
		n := copy(pcm, s.ready)
		s.ready, pcm, s.fed = s.ready[n:], pcm[n:], s.fed+int64(n)
	}
}

// heard is when the next frame that is fed will be heard.
func (s *source) heard() time.Time { return s.begin.Add(player.Duration(s.fed + s.ahead)) }

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
			if off.Abs() < leap {
				s.look(off)
				return f.Packets[s.packet], true, moved
			}
		}
	}
	f, ok, moved := s.session.covering(live)
	into := live.Sub(f.At.Time())
	packet := min(int(into/protocol.FrameTime), len(f.Packets)-1)
	if !ok || f.Number < s.number || f.Number == s.number && packet < s.packet {
		return nil, false, moved
	}
	s.number, s.packet, s.locked = f.Number, packet, true
	s.skip = min(player.FramesIn(into-time.Duration(s.packet)*protocol.FrameTime), int64(frameSamples-1))
	s.off, s.looks = 0, 0
	return f.Packets[s.packet], true, moved
}

// look notes by how much a packet was taken in later than what should be heard then,
// and has the sound made longer or shorter if many say so.
func (s *source) look(off time.Duration) {
	s.off += off
	if s.looks++; s.looks < watched {
		return
	}
	mean := s.off / watched
	s.off, s.looks = 0, 0
	if mean.Abs() < astray || s.slew.Owed() {
		return
	}
	s.owed = player.FramesIn(min(mean.Abs(), most))
	if mean < 0 {
		s.owed = -s.owed
	}
}

// give decodes a packet. One that cannot be decoded is silence.
func (s *source) give(packet []byte) {
	s.packet++
	pcm, err := s.decoder.Decode(packet)
	if err != nil || len(pcm) != frameSamples {
		pcm = s.blank
	}
	s.ready, s.skip = pcm[s.skip:], 0
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
