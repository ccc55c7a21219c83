// Package netout sends frames to pixel controllers on the local network by UDP.
//
// It owns the socket, the colours, the refreshing (controllers fall back to a
// pattern of their own after a few seconds without data) and the questions whether
// anything answers and what picture it holds. What a datagram looks like is its
// Protocol's; those are in the packages beside it. It never retries a datagram: the
// next frame or refresh carries the same picture.
package netout

import (
	"context"
	"errors"
	"fmt"
	"image"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/tint"
	"github.com/loa-vn/loa/protocol/page"
)

// Protocol makes the datagrams of one kind of controller. It is called by one
// goroutine at a time and may count.
type Protocol interface {
	// Name is for people: "ddp".
	Name() string

	// Frame passes the datagrams of a picture of width by height px, three bytes a
	// pixel, to send, in order, and returns send's first error. A datagram is valid
	// until send returns.
	Frame(rgb []byte, width, height int, send func([]byte) error) error

	// Last passes the datagrams that say that no more will come; there may be none.
	Last(send func([]byte) error) error

	// Probe returns a datagram that asks the controller to answer, nil if the
	// protocol has none.
	Probe() []byte

	// Answers says whether a datagram is a controller's answer.
	Answers(datagram []byte) bool
}

// Inquirer asks a controller how it is by a way beside the datagrams.
type Inquirer interface {
	// Ask returns nil if the controller is there and shows what it is sent, as far as
	// it says. Errors: display.ErrSize if it is of another size than the board's,
	// ErrOwn if it shows something else; all others mean that it does not answer. Fed
	// says whether it has been sent a picture for long enough to show it.
	Ask(ctx context.Context, fed bool) error
}

// Config says where and how.
type Config struct {
	Address string // host:port of the controller
	// Local is the host:port that questions go out from, for controllers that answer
	// to the protocol's own port or from another one than they listen on. Empty:
	// questions go out like pictures, and only what comes back the same way counts.
	Local         string
	Width, Height int // px
	Colour        tint.Colour
	Gamma         bool // the modules have no gamma of their own
	Protocol      Protocol
	Inquirer      Inquirer // nil: nobody to ask but by Protocol.Probe
	// Refresh is how often a standing picture is sent again; 0: 900 ms, which keeps
	// E1.31 (at most 1 s) and the time-outs of common controllers (2.5 s).
	Refresh time.Duration
	// Probe is how often the controller is asked for an answer; 0: 5 s.
	Probe time.Duration
}

// linkFor is for how many probes an answer stands for a link.
const linkFor = 3

// What a controller is at fault for.
var (
	// ErrSilent: a controller that has answered before does so no more. What is sent to
	// it counts as not taken. One that never answers may not know how to.
	ErrSilent = errors.New("controller answers no more")
	// ErrOwn: the controller says that it shows something other than what it is sent.
	ErrOwn = errors.New("controller shows something of its own")
)

// Output is a controller.
type Output struct {
	cfg    Config
	conn   *net.UDPConn // pictures go out by it
	ear    *net.UDPConn // questions go out by it and are answered to it; it may be conn
	peer   netip.AddrPort
	out    func([]byte) error // write, made once: a frame allocates nothing
	ctx    context.Context    // ends with Close
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	tint     *tint.Tint
	levels   []uint8 // of the frame shown last; nil: none
	rgb      []byte
	since    time.Time // of the first frame
	fault    error
	answered time.Time
	told     error // what the Inquirer heard that a board cannot live with
	short    error // the controller holds less than the board
	reading  reading
	asking   sync.Mutex // for the time of a reading; taken before mu
}

// New opens the socket. The controller need not be there.
func New(cfg Config) (*Output, error) {
	if cfg.Width <= 0 || cfg.Height <= 0 {
		return nil, fmt.Errorf("board of %dx%d px: %w", cfg.Width, cfg.Height, display.ErrSize)
	}
	if cfg.Refresh <= 0 {
		cfg.Refresh = 900 * time.Millisecond
	}
	if cfg.Probe <= 0 {
		cfg.Probe = 5 * time.Second
	}
	if cfg.Colour == (tint.Colour{}) {
		cfg.Colour = tint.Amber()
	}
	peer, err := net.ResolveUDPAddr("udp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("controller's address: %w", err)
	}
	conn, err := net.DialUDP("udp", nil, peer)
	if err != nil {
		return nil, fmt.Errorf("controller's address: %w", err)
	}
	ear := conn
	if cfg.Local != "" {
		if ear, err = listenAt(cfg.Local); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	o := &Output{
		cfg: cfg, conn: conn, ear: ear, peer: unmapped(conn.RemoteAddr().(*net.UDPAddr).AddrPort()),
		tint: tint.New(cfg.Colour, 100, cfg.Gamma), rgb: make([]byte, 0, 3*cfg.Width*cfg.Height),
		reading: reading{change: make(chan struct{}, 1)},
	}
	o.out = o.write
	o.ctx, o.cancel = context.WithCancel(context.Background())
	o.done.Go(o.refresh)
	o.done.Go(o.inquire)
	o.done.Go(func() { o.listen(conn) })
	if ear != conn {
		o.done.Go(func() { o.listen(ear) })
	}
	return o, nil
}

func listenAt(local string) (*net.UDPConn, error) {
	at, err := net.ResolveUDPAddr("udp", local)
	if err != nil {
		return nil, fmt.Errorf("own address: %w", err)
	}
	ear, err := net.ListenUDP("udp", at)
	if err != nil {
		return nil, fmt.Errorf("own address: %w", err)
	}
	return ear, nil
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// Size returns the configured size.
func (o *Output) Size() (width, height int) { return o.cfg.Width, o.cfg.Height }

// Format returns the protocol's name and "rgb".
func (o *Output) Format() string { return o.cfg.Protocol.Name() + " rgb" }

// Show sends the whole frame, but to a controller that says that it is of another size.
// Errors: display.ErrSize, display.ErrClosed, ErrSilent, ErrOwn, those of the network.
func (o *Output) Show(ctx context.Context, f *page.Frame, _ image.Rectangle) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return display.ErrClosed
	case f.W != o.cfg.Width || f.H != o.cfg.Height:
		return fmt.Errorf("frame of %dx%d px: %w", f.W, f.H, display.ErrSize)
	case ctx.Err() != nil:
		return fmt.Errorf("frame: %w", ctx.Err())
	}
	if o.levels == nil {
		o.since = time.Now()
	}
	o.levels = append(o.levels[:0], f.Pix...)
	misfit := o.misfit()
	if errors.Is(misfit, display.ErrSize) {
		return misfit
	}
	if err := o.send(); err != nil {
		return err
	}
	if misfit != nil {
		return misfit
	}
	return o.silence()
}

// misfit returns why the controller is not the board's, as far as it says; o.mu is held.
func (o *Output) misfit() error {
	if o.short != nil {
		return o.short
	}
	return o.told
}

// silence returns ErrSilent if the controller has stopped answering; o.mu is held.
func (o *Output) silence() error {
	if o.answered.IsZero() || time.Since(o.answered) < linkFor*o.cfg.Probe {
		return nil
	}
	return fmt.Errorf("last answer at %s: %w", o.answered.UTC().Format(time.RFC3339), ErrSilent)
}

// send sends the levels in the present colours; o.mu is held.
func (o *Output) send() error {
	o.rgb = o.tint.AppendRGB(o.rgb[:0], o.levels)
	o.fault = o.cfg.Protocol.Frame(o.rgb, o.cfg.Width, o.cfg.Height, o.out)
	return o.fault
}

// write sends one datagram. A refusal that an earlier datagram met is reported by
// the system on the next one.
func (o *Output) write(b []byte) error {
	if _, err := o.conn.Write(b); err != nil {
		return fmt.Errorf("send to controller: %w", err)
	}
	return nil
}

// ask sends a question; o.mu is held.
func (o *Output) ask(b []byte) error {
	if o.ear == o.conn {
		return o.write(b)
	}
	if _, err := o.ear.WriteToUDPAddrPort(b, o.peer); err != nil {
		return fmt.Errorf("ask controller: %w", err)
	}
	return nil
}

// refresh sends what stands again.
func (o *Output) refresh() {
	again := time.NewTicker(o.cfg.Refresh)
	defer again.Stop()
	for {
		select {
		case <-o.ctx.Done():
			return
		case <-again.C:
			o.mu.Lock()
			if o.levels != nil && !o.closed && !errors.Is(o.misfit(), display.ErrSize) {
				o.fault = o.send()
			}
			o.mu.Unlock()
		}
	}
}

// inquire asks how the controller is.
func (o *Output) inquire() {
	probe := time.NewTicker(o.cfg.Probe)
	defer probe.Stop()
	for {
		select {
		case <-o.ctx.Done():
			return
		case <-probe.C:
		}
		if b := o.cfg.Protocol.Probe(); b != nil {
			o.mu.Lock()
			if err := o.ask(b); err != nil && o.fault == nil {
				o.fault = err
			}
			o.mu.Unlock()
		}
		o.measure()
		if o.cfg.Inquirer == nil {
			continue
		}
		o.mu.Lock()
		fed := o.levels != nil && o.silence() == nil && time.Since(o.since) > 2*o.cfg.Refresh
		o.mu.Unlock()
		err := o.cfg.Inquirer.Ask(o.ctx, fed)
		if said := errors.Is(err, display.ErrSize) || errors.Is(err, ErrOwn); err == nil || said {
			o.mu.Lock()
			o.heard()
			o.told = err
			o.mu.Unlock()
		}
	}
}

// heard notes that the controller answered; o.mu is held.
func (o *Output) heard() {
	if o.silence() != nil { // it may be another one, or have learnt something
		o.reading.refused, o.reading.believed, o.short = 0, false, nil
		o.since = time.Now()
	}
	o.answered = time.Now()
}

// listen notes answers until the socket is closed.
func (o *Output) listen(on *net.UDPConn) {
	b := make([]byte, 2048)
	for {
		n, from, err := on.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) || o.ctx.Err() != nil {
			return
		}
		if err == nil && from.Addr().Unmap() != o.peer.Addr() {
			continue // anybody may send to an ear
		}
		o.mu.Lock()
		switch {
		case err != nil: // nobody listens there; the sender reports it too
			o.fault = fmt.Errorf("controller: %w", err)
		case o.cfg.Protocol.Answers(b[:n]):
			o.heard()
			o.reading.take(o.cfg.Protocol, b[:n])
		}
		o.mu.Unlock()
	}
}

// Health says whether the controller answered of late.
func (o *Output) Health() display.Health {
	o.mu.Lock()
	defer o.mu.Unlock()
	silent := o.silence()
	return display.Health{
		Link:     !o.answered.IsZero() && silent == nil,
		Answered: o.answered,
		Fault:    errors.Join(o.fault, o.misfit(), silent),
	}
}

// Brightness dims the colours that are sent.
func (o *Output) Brightness(percent int) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tint = tint.New(o.cfg.Colour, percent, o.cfg.Gamma)
	return nil
}

// Close says goodbye and closes the socket.
func (o *Output) Close() error {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return nil
	}
	o.closed = true
	err := o.cfg.Protocol.Last(o.out)
	o.mu.Unlock()
	o.cancel()
	err = errors.Join(err, o.conn.Close())
	if o.ear != o.conn {
		err = errors.Join(err, o.ear.Close())
	}
	o.done.Wait()
	if err != nil {
		return fmt.Errorf("close controller: %w", err)
	}
	return nil
}
