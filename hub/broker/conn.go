package broker

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// pieceBytes is what one write deadline covers: a line that still carries 16 KiB
// in that time is slow, one that doesn't is stalled.
const pieceBytes = 16 << 10

// piece is a part of a queue. Pieces are used again: a fleet that is sent content fills
// and empties them as fast as the line goes.
type piece struct {
	buf  [pieceBytes]byte
	used int
}

// newPieces is where pieces wait between two uses.
func newPieces() *sync.Pool { return &sync.Pool{New: func() any { return new(piece) }} }

// queuedConn is the TCP side of a connection, below TLS. Its Write never waits: it
// hands the socket what it takes at once, and appends the rest to a queue bounded
// in bytes, which a goroutine empties while there is something in it. When the
// queue is full, or the peer takes nothing until the write deadline, the socket is
// closed at once.
//
// TLS sits on top of it and not below, because a TLS record that has been made
// can no longer be left out.
type queuedConn struct {
	net.Conn                 // the socket
	limit    int             // bytes
	stall    time.Duration   // for each piece
	direct   syscall.RawConn // for writing without waiting; nil if raw is no socket
	linger   time.Duration   // for what is queued when Close is called
	gone     chan struct{}   // closed when the socket is closed and nothing is being written
	pieces   *sync.Pool      // of *piece, for all connections together
	total    *atomic.Int64   // bytes queued by all connections; nil for none to count in
	reading  atomic.Int64    // since when Read waits, in ns of Unix time; 0 if it doesn't

	mu       sync.Mutex
	holding  bool
	held     []byte   // written while holding
	queue    []*piece // not yet handed to the socket; all but the last are full
	queued   int      // bytes of queue, and of what is being written
	flushing bool
	closing  bool
	closed   bool
	flushBy  time.Time // once closing
	cause    error     // why it was closed, if not by Close
}

func newQueuedConn(raw net.Conn, pieces *sync.Pool, limit, sendBuffer int, stall, linger time.Duration) *queuedConn {
	// Without this the kernel's own buffer grows to megabytes and hides a stall.
	if t, ok := raw.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = t.SetWriteBuffer(sendBuffer)
	}
	c := &queuedConn{Conn: raw, pieces: pieces, limit: limit, stall: stall, linger: linger, gone: make(chan struct{})}
	if s, ok := raw.(syscall.Conn); ok {
		c.direct, _ = s.SyscallConn()
	}
	return c
}

// Read reads from the socket, and notes since when it waits for the peer.
func (c *queuedConn) Read(p []byte) (int, error) {
	c.reading.Store(time.Now().UnixNano())
	defer c.reading.Store(0)
	return c.Conn.Read(p)
}

// silence returns how long the peer has been waited for.
func (c *queuedConn) silence(now time.Time) time.Duration {
	since := c.reading.Load()
	if since == 0 {
		return 0
	}
	return now.Sub(time.Unix(0, since))
}

// Write queues a copy of p, or closes the socket and returns ErrQueueFull.
func (c *queuedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.cause != nil:
		return 0, c.cause
	case c.closing:
		return 0, net.ErrClosed
	case c.queued+len(c.held)+len(p) > c.limit:
		c.abortLocked(ErrQueueFull)
		return 0, ErrQueueFull
	case c.holding:
		c.held = append(c.held, p...)
	default:
		c.writeLocked(p)
	}
	return len(p), nil
}

// hold keeps back what is written until release: TLS writes a packet of more than one
// record in as many parts, and each would cost the system, and wake the peer, by itself.
// buf is where it is kept.
func (c *queuedConn) hold(buf []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holding, c.held = true, buf[:0]
}

// release writes what was held back, unless the connection has been closed.
func (c *queuedConn) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.writeLocked(c.held)
	}
	c.holding, c.held = false, nil
}

// writeLocked hands the socket what it takes of p, and queues the rest.
func (c *queuedConn) writeLocked(p []byte) {
	if !c.flushing && c.direct != nil {
		p = p[writeNow(c.direct, p):] // an error shows again in flush
	}
	if len(p) == 0 {
		return
	}
	c.putLocked(p)
	if !c.flushing {
		c.flushing = true
		go c.flush()
	}
}

// putLocked appends a copy of b to the queue.
func (c *queuedConn) putLocked(b []byte) {
	c.waitingLocked(len(b))
	for len(b) > 0 {
		last := len(c.queue) - 1
		if last < 0 || c.queue[last].used == pieceBytes {
			c.queue = append(c.queue, c.pieces.Get().(*piece))
			last++
		}
		p := c.queue[last]
		n := copy(p.buf[p.used:], b)
		p.used += n
		b = b[n:]
	}
}

// free gives a piece back.
func (c *queuedConn) free(p *piece) {
	p.used = 0
	c.pieces.Put(p)
}

// flush writes until nothing is queued; an idle connection holds no piece.
func (c *queuedConn) flush() {
	for {
		p, more := c.nextPiece()
		if !more {
			return
		}
		n, err := c.Conn.Write(p.buf[:p.used])
		c.free(p)
		c.mu.Lock()
		if !c.closed {
			c.waitingLocked(-n)
		}
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				err = ErrStalled
			}
			c.abortLocked(err)
		}
		c.mu.Unlock()
	}
}

// nextPiece takes the next piece off the queue, and sets its deadline. It ends the
// flush when there is none.
func (c *queuedConn) nextPiece() (p *piece, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 || c.closed {
		c.queue = nil
		c.flushing = false
		_ = c.Conn.SetWriteDeadline(time.Time{})
		if c.closing {
			c.closeLocked()
			close(c.gone)
		}
		return nil, false
	}
	deadline := time.Now().Add(c.stall)
	if c.closing && c.flushBy.Before(deadline) {
		deadline = c.flushBy
	}
	_ = c.Conn.SetWriteDeadline(deadline)
	p, c.queue = c.queue[0], c.queue[1:]
	return p, true
}

// Close stops reading and writing and returns at once; what is queued still goes out
// for up to the linger time, then the socket is closed, and gone with it.
func (c *queuedConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil
	}
	c.closing = true
	c.writeLocked(c.held)
	c.held = nil
	if !c.flushing {
		c.closeLocked()
		close(c.gone)
		return nil
	}
	c.flushBy = time.Now().Add(c.linger)
	_ = c.Conn.SetWriteDeadline(c.flushBy)
	_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
	return nil
}

// abort closes the socket without sending what is queued. Only the first cause counts.
func (c *queuedConn) abort(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abortLocked(cause)
}

func (c *queuedConn) abortLocked(cause error) {
	if c.closed {
		return
	}
	if c.cause == nil && !c.closing {
		c.cause = cause
	}
	if !c.flushing && !c.closing {
		close(c.gone)
	}
	c.closing = true
	for _, p := range c.queue {
		c.free(p)
	}
	c.queue = nil
	// What the kernel holds for a peer that doesn't read is worth nothing either.
	if t, ok := c.Conn.(interface{ SetLinger(sec int) error }); ok {
		_ = t.SetLinger(0)
	}
	c.closeLocked()
}

func (c *queuedConn) closeLocked() {
	if !c.closed {
		c.closed = true
		c.waitingLocked(-c.queued)
		_ = c.Conn.Close()
	}
}

// waitingLocked counts bytes that come into the queue, or leave it.
func (c *queuedConn) waitingLocked(n int) {
	c.queued += n
	if c.total != nil {
		c.total.Add(int64(n))
	}
}

// pending returns the bytes that the socket has not taken yet.
func (c *queuedConn) pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queued
}

// err returns why the connection was closed from this side, or nil.
func (c *queuedConn) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// SetDeadline moves the read side only. The broker calls it for each packet that comes in;
// were writes to follow, a peer that pings but doesn't read would never time out.
func (c *queuedConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline keeps the past deadline that Close has set.
func (c *queuedConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil
	}
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline does nothing: only flush sets write deadlines.
func (c *queuedConn) SetWriteDeadline(time.Time) error { return nil }
