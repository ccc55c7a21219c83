package fleet

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// errNoLine is what dialling says while the line is cut.
var errNoLine = errors.New("no line")

const (
	// packet is how much goes over a line at once, in bytes.
	packet = 1400
	// repeatAfter is how long a lost packet holds up those behind it: TCP's shortest
	// wait for a repetition (RFC 6298 with the floor that Linux uses).
	repeatAfter = 200 * time.Millisecond
)

// line is a device's way into the network. Its faults are put on and taken off
// while connections are open.
type line struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	down  bool
	rate  int
	delay time.Duration
	loss  float64
	free  time.Time // when a slow line has carried what is on its way
	rand  *rand.Rand
	conns map[*conn]struct{}
}

func newLine(r *rand.Rand) *line {
	return &line{dial: new(net.Dialer).DialContext, rand: r, conns: map[*conn]struct{}{}}
}

// Dial opens a connection over the line.
func (l *line) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	down := l.down
	l.mu.Unlock()
	if down {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errNoLine}
	}
	raw, err := l.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, line: l, gone: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, errors.Join(&net.OpError{Op: "dial", Net: network, Err: errNoLine}, raw.Close())
	}
	l.conns[c] = struct{}{}
	return c, nil
}

// cut takes the line away: open connections break, or, silently, carry nothing any
// more, which their ends must find out.
func (l *line) cut(silent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for c := range l.conns {
		if silent {
			c.deaf.Do(func() { close(c.gone) })
		} else {
			c.breaks()
		}
	}
}

// mend brings the line back. What was cut stays broken.
func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
}

// set puts faults on the line, or takes them off.
func (l *line) set(f Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate, l.delay, l.loss = f.Rate, f.Delay, f.Loss
}

// wait returns how long n bytes take over the line as it is now.
func (l *line) wait(n int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := l.delay
	for repeat := repeatAfter; l.loss > 0 && l.rand.Float64() < l.loss && repeat < 10*time.Second; repeat *= 2 {
		wait += repeat
	}
	if l.rate > 0 {
		now := time.Now()
		if l.free.Before(now) {
			l.free = now
		}
		l.free = l.free.Add(time.Duration(float64(n) / float64(l.rate) * float64(time.Second)))
		wait += l.free.Sub(now)
	}
	return wait
}

func (l *line) bad() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rate > 0 || l.delay > 0 || l.loss > 0
}

// conn is a connection over a line. Its faults are on what comes in: what goes out
// waits at the other end of the same round trip.
type conn struct {
	net.Conn
	line *line
	gone chan struct{} // carries nothing any more
	deaf sync.Once
	ends sync.Once
	lost atomic.Bool // broken by the line, not closed by the device
}

// breaks ends the connection as a network does: by a reset, for both ends.
func (c *conn) breaks() {
	c.lost.Store(true)
	if t, ok := c.Conn.(interface{ SetLinger(sec int) error }); ok {
		_ = t.SetLinger(0) // it is closed in any case
	}
	_ = c.Conn.Close() // nobody is there who could be told
}

// reset is what the device hears: its own net.ErrClosed would mean that it closed the
// connection itself.
func (c *conn) reset(err error) error {
	if err != nil && c.lost.Load() {
		return syscall.ECONNRESET
	}
	return err
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if c.line.bad() && len(p) > packet {
		p = p[:packet]
	}
	n, err := c.Conn.Read(p)
	if n > 0 && c.line.bad() {
		timer := time.NewTimer(c.line.wait(n))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.gone:
		}
	}
	select {
	case <-c.gone:
		return c.silence()
	default:
		return n, c.reset(err)
	}
}

// silence reads and drops what still comes, until the connection is closed or its
// deadline has passed.
func (c *conn) silence() (int, error) {
	drop := make([]byte, packet)
	for {
		if _, err := c.Conn.Read(drop); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
	}
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	select {
	case <-c.gone:
		return len(p), nil
	default:
		n, err := c.Conn.Write(p)
		return n, c.reset(err)
	}
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.ends.Do(func() {
		c.line.mu.Lock()
		delete(c.line.conns, c)
		c.line.mu.Unlock()
	})
	return c.Conn.Close()
}
