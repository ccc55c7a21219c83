package relay

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

const (
	// pieceTime is how long the packets of one Frames sound.
	pieceTime = protocol.MaxFrames * protocol.FrameTime
	// kept is how many pieces are held: 8 s, four times the delay.
	kept = 40
	// loose is by how much later than a piece ends the one after it may begin: they are
	// sent at the pace of their source.
	loose = 5 * time.Millisecond
	// maxSkew is how far a piece's instant may be off trusted time.
	maxSkew = 30 * time.Second
)

// ErrStale: a piece that is had already, or too old or too new to be used.
var ErrStale = errors.New("frames out of their time")

// session holds the newest pieces of one stream.
type session struct {
	id  protocol.SessionID
	key protocol.Key

	mu     sync.Mutex
	pieces map[uint64]protocol.Frames
	newest uint64
	moved  chan struct{} // closed and made anew when a piece comes
}

func newSession(r protocol.Relay) *session {
	return &session{id: r.Session, key: r.Key, pieces: map[uint64]protocol.Frames{}, moved: make(chan struct{})}
}

// take checks a message and keeps its packets. Errors: those of envelope.Open
// and protocol.Unmarshal; ErrStale.
func (s *session) take(topic string, sealed []byte, now time.Time) error {
	_, n, err := protocol.ParseFramesTopic(topic)
	if err != nil {
		return err
	}
	payload, _, err := envelope.Open(envelope.KindFrames, sealed, protocol.MaxControl, envelope.One(s.key))
	if err != nil {
		return err
	}
	f, err := protocol.Unmarshal[protocol.Frames](payload, protocol.MaxControl)
	if err != nil {
		return err
	}
	if f.Session != s.id || f.Number != n {
		return fmt.Errorf("frames of another session or number: %w", protocol.ErrInvalid)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, had := s.pieces[n]
	if skew := f.At.Time().Sub(now); had || n+kept <= s.newest || skew > maxSkew || skew < -maxSkew {
		return fmt.Errorf("piece %d, %s off: %w", n, f.At.Time().Sub(now).Round(time.Millisecond), ErrStale)
	}
	s.pieces[n] = f
	s.newest = max(s.newest, n)
	for old := range s.pieces {
		if old+kept <= s.newest {
			delete(s.pieces, old)
		}
	}
	close(s.moved)
	s.moved = make(chan struct{})
	return nil
}

// at returns the piece of a number, and a channel that is closed when another
// one comes.
func (s *session) at(n uint64) (protocol.Frames, bool, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.pieces[n]
	return f, ok, s.moved
}

// covering returns the piece that was taken in at an instant, and a channel as
// at does.
func (s *session) covering(t time.Time) (protocol.Frames, bool, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found protocol.Frames
	for _, f := range s.pieces {
		begin := f.At.Time()
		if !t.Before(begin) && t.Before(begin.Add(time.Duration(len(f.Packets))*protocol.FrameTime+loose)) && f.Number > found.Number {
			found = f
		}
	}
	return found, found.Number > 0, s.moved
}
