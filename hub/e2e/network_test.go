package e2e

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"

	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
)

var errCut = errors.New("the network is cut")

// network is a device's way to the hub that can be cut and given back.
type network struct {
	mu    sync.Mutex
	down  bool
	conns map[net.Conn]bool
}

// cable gives a device a network of its own.
func cable(n *network) func(*device) { return func(d *device) { d.dial = n.dial } }

func (n *network) dial(ctx context.Context, kind, address string) (net.Conn, error) {
	n.mu.Lock()
	down := n.down
	n.mu.Unlock()
	if down {
		return nil, errCut
	}
	c, err := new(net.Dialer).DialContext(ctx, kind, address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down {
		return nil, errors.Join(errCut, c.Close())
	}
	if n.conns == nil {
		n.conns = map[net.Conn]bool{}
	}
	n.conns[c] = true
	return wire{Conn: c, n: n}, nil
}

// wire is a connection that ends as the network would end it: not with
// net.ErrClosed, which says that the device itself closed it.
type wire struct {
	net.Conn
	n *network
}

func (w wire) Read(b []byte) (int, error) {
	k, err := w.Conn.Read(b)
	return k, w.n.reset(w.Conn, err)
}

func (w wire) Write(b []byte) (int, error) {
	k, err := w.Conn.Write(b)
	return k, w.n.reset(w.Conn, err)
}

func (n *network) reset(c net.Conn, err error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil && !n.conns[c] {
		return syscall.ECONNRESET
	}
	return err
}

// cut breaks every connection at once, without a goodbye, and allows none.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = true
	for c := range n.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset instead of an end; what fails is closed below
		}
		_ = c.Close() // may have ended by itself
	}
	n.conns = nil
}

func (n *network) mend() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = false
}

// offline waits until the hub knows that a device is gone.
func (w *world) offline(d *device) {
	w.t.Helper()
	w.until(string(d.id)+" is offline", func() bool {
		s, err := w.Registry.State(w.t.Context(), d.id)
		return err == nil && !s.Online
	})
}

// holds waits until a device says that it has its units' newest plans and all
// their content.
func (w *world) holds(d *device) {
	w.t.Helper()
	w.until(string(d.id)+" holds its plans", func() bool {
		s, err := w.Registry.State(w.t.Context(), d.id)
		must(w.t, err)
		dev, err := w.Registry.Device(w.t.Context(), d.id)
		must(w.t, err)
		held := map[protocol.UnitID]uint64{}
		for _, p := range s.Heartbeat.Plans {
			held[p.Unit] = p.Number
		}
		for _, u := range dev.Placement.Path {
			p, err := store.NewProgramme(w.DB).NewestPlan(w.t.Context(), u)
			if err == nil && held[u] < p.Number {
				return false
			}
		}
		return s.Heartbeat.Missing == 0
	})
}
