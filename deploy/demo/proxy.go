package main

import (
	"errors"
	"io"
	"net"
	"sync"
)

// proxy is the network between one device and the broker. Cut ends what runs
// through it and lets nothing through until Mend.
type proxy struct {
	listener net.Listener
	to       string
	work     sync.WaitGroup

	mu    sync.Mutex
	away  bool
	conns map[net.Conn]bool
}

// newProxy listens on a free port of the loopback and passes on to the address.
func newProxy(to string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, to: to, conns: map[net.Conn]bool{}}
	p.work.Go(p.accept)
	return p, nil
}

// port is where the proxy listens.
func (p *proxy) port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// Cut takes the network away.
func (p *proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = true
	for c := range p.conns {
		// Nobody hears how it ended: the other side only finds it gone.
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
}

// Mend gives the network back.
func (p *proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = false
}

// Close ends the proxy.
func (p *proxy) Close() {
	_ = p.listener.Close()
	p.Cut()
	p.work.Wait()
}

func (p *proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		p.work.Go(func() { p.carry(c) })
	}
}

// carry passes bytes in both directions until one side ends.
func (p *proxy) carry(near net.Conn) {
	if !p.hold(near) {
		return
	}
	defer p.drop(near)
	far, err := net.Dial("tcp", p.to)
	if err != nil || !p.hold(far) {
		return
	}
	defer p.drop(far)
	var both sync.WaitGroup
	for from, to := range map[net.Conn]net.Conn{near: far, far: near} {
		both.Go(func() {
			_, _ = io.Copy(to, from) // however it ends, it is over
			_, _ = to.Close(), from.Close()
		})
	}
	both.Wait()
}

// hold notes a connection; while the network is away it is closed instead.
func (p *proxy) hold(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away {
		_ = c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *proxy) drop(c net.Conn) {
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
	_ = c.Close()
}
