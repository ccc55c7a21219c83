package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// session is one connection from accept to end. It is also the net.Conn that
// mochi sees: TLS over a queuedConn.
type session struct {
	*tls.Conn
	out    *queuedConn
	since  time.Time
	ctx    context.Context // for the calls mochi makes, which pass none; ends with the connection
	cancel context.CancelFunc
	done   chan struct{} // closed when mochi has let go of it and its events are over

	secured atomic.Bool // the handshake is over

	// Set once, before mochi sees the session.
	id    string // the certificate's common name
	bulk  bool
	limit *rate.Limiter

	// Of Read alone, which one goroutine calls at a time.
	acks    ackFilter
	spare   []byte        // what did not fit into the caller's buffer
	patient time.Duration // how long a client may be silent, once CONNECT has said
	heard   time.Time     // when the deadline was last moved for an acknowledgement

	mu      sync.Mutex
	ready   bool // CONNACK is out: messages may go
	goodbye bool // the client said DISCONNECT
	cause   error
	will    *will
	missed  int
	lacks   time.Time // when it last subscribed, or missed a message
	lastID  uint16
	unacked []uint16 // packet ids, oldest first

	events sync.Mutex // held while Connected or Disconnected runs
	began  bool
	ended  bool
}

// will is what a device asked to have said when its connection breaks.
type will struct {
	topic   string
	payload []byte
}

// identify reads the client id off the certificate once the handshake is over.
func (s *session) identify() {
	s.secured.Store(true)
	s.id = s.ConnectionState().PeerCertificates[0].Subject.CommonName
	s.bulk = strings.HasSuffix(s.id, BulkSuffix)
}

// Read gives mochi what the client sends, but for its acknowledgements.
func (s *session) Read(p []byte) (int, error) {
	for len(s.spare) == 0 {
		n, err := s.Conn.Read(p)
		acked := false
		rest := s.acks.strip(p[:n], func(id uint16) {
			acked = true
			if !s.acked(id) && !s.limit.Allow() {
				s.end(ErrFlood, true)
			}
		})
		if acked {
			s.alive(time.Now())
		}
		if err != nil || len(rest) > 0 {
			k := copy(p, rest)
			s.spare = slices.Clone(rest[k:])
			return k, err
		}
	}
	k := copy(p, s.spare)
	s.spare = s.spare[k:]
	return k, nil
}

// alive moves the deadline of a client that acknowledges: it needs no ping then.
func (s *session) alive(now time.Time) {
	if s.patient > 0 && now.Sub(s.heard) > s.patient/8 {
		s.heard = now
		_ = s.out.SetReadDeadline(now.Add(s.patient))
	}
}

// end closes the connection, at once and without sending what is queued if hard.
// The first cause counts.
func (s *session) end(cause error, hard bool) {
	s.mu.Lock()
	if s.cause == nil && !s.goodbye {
		s.cause = cause
	}
	s.ready = false
	s.mu.Unlock()
	s.cancel()
	if hard {
		s.out.abort(cause)
	}
	// close_notify goes into the queue; nothing here waits for the peer.
	_ = s.Conn.Close()
}

// reason says why the connection ended: nil after a goodbye. read is what the
// reading side says.
func (s *session) reason(read error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch out := s.out.err(); {
	case s.cause != nil:
		return s.cause
	case s.goodbye:
		return nil
	case out != nil:
		return out
	case read == nil:
		return io.EOF
	}
	return read
}

// frame is one PUBLISH packet, encoded. idAt is where its packet id stands, 0 at QoS 0.
type frame struct {
	bytes []byte
	idAt  int
}

// maxRecord is the longest that TLS sends in one piece, in bytes (RFC 8446, 5.1).
const maxRecord = 1 << 14

// clone returns a frame whose packet id can be set beside f's.
func (f frame) clone() frame {
	if f.idAt == 0 {
		return f // there is none
	}
	return frame{bytes: slices.Clone(f.bytes), idAt: f.idAt}
}

// delivery is what became of a frame.
type delivery int

const (
	sent    delivery = iota // queued
	missed                  // left out, as a bulk connection is slow
	refused                 // not ready, or ended because it can't take it
)

// send gives f to the connection. It never waits for the peer: a slow bulk connection misses
// f, another that can't take it is ended.
// Packets longer than a record of TLS are gathered in hold, which is empty and used anew.
func (s *session) send(f frame, hold []byte, bulkBytes, maxUnacked int) delivery {
	s.mu.Lock()
	switch {
	case !s.ready:
		s.mu.Unlock()
		return refused
	case s.bulk && f.idAt == 0 && s.out.pending()+len(f.bytes) > bulkBytes:
		s.missed++
		s.lacks = time.Now()
		s.mu.Unlock()
		return missed
	case f.idAt > 0 && len(s.unacked) >= maxUnacked:
		s.mu.Unlock()
		s.end(ErrUnacked, true)
		return refused
	}
	if f.idAt > 0 {
		id := s.nextIDLocked()
		f.bytes[f.idAt], f.bytes[f.idAt+1] = byte(id>>8), byte(id)
	}
	err := s.writeLocked(f.bytes, hold)
	s.mu.Unlock()
	if err != nil {
		// A full queue has closed the socket; the rest follows from that.
		s.end(err, true)
		return refused
	}
	return sent
}

func (s *session) writeLocked(b, hold []byte) error {
	if len(b) > maxRecord {
		s.out.hold(hold)
		defer s.out.release()
	}
	_, err := s.Write(b)
	return err
}

// subscribed notes that what was published before has not gone to the client.
func (s *session) subscribed(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lacks = now
}

// mayLack says whether something published since then may not have gone to the client.
func (s *session) mayLack(since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lacks.After(since)
}

// nextIDLocked returns a packet id from 1 on that no unacknowledged delivery has.
// There always is one: maxUnacked is far below 65,535.
func (s *session) nextIDLocked() uint16 {
	for {
		s.lastID++
		if s.lastID != 0 && !slices.Contains(s.unacked, s.lastID) {
			break
		}
	}
	s.unacked = append(s.unacked, s.lastID)
	return s.lastID
}

// acked forgets a delivery, and says whether there was one; devices acknowledge in
// order, so it is among the first.
func (s *session) acked(id uint16) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.Index(s.unacked, id)
	if at < 0 {
		return false
	}
	s.unacked = slices.Delete(s.unacked, at, at+1)
	if len(s.unacked) == 0 && cap(s.unacked) > keepIDs {
		s.unacked = nil
	}
	return true
}

// keepIDs is how many packet ids an idle connection keeps room for.
const keepIDs = 64

// open lets messages go to the client, unless the session has ended meanwhile.
func (s *session) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = s.cause == nil
}

func (s *session) client() Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Client{ID: s.id, Remote: s.RemoteAddr().String(), Since: s.since, Queued: s.out.pending(), Missed: s.missed}
}

// connected tells h of the session, unless it has ended already.
func (s *session) connected(h Handler) {
	s.events.Lock()
	defer s.events.Unlock()
	if !s.ended {
		s.began = true
		h.Connected(s.id)
	}
}

// disconnected says the will, if it is due, and tells h of the end, once.
func (s *session) disconnected(h Handler, reason error, sayWill func(will)) {
	s.events.Lock()
	defer s.events.Unlock()
	if s.ended {
		return
	}
	s.ended = true
	if !s.began {
		return
	}
	s.mu.Lock()
	w := s.will
	s.mu.Unlock()
	if w != nil && reason != nil && !errors.Is(reason, ErrShutdown) {
		sayWill(*w)
	}
	h.Disconnected(s.id, reason)
}
