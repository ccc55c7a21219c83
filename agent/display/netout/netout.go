// Package netout sends frames to pixel controllers on the local network by UDP.
//
// It owns the socket, the colours, the refreshing (controllers fall back to a
// pattern of their own after a few seconds without data) and the question whether
// anything answers. What a datagram looks like is its Protocol's; those are in
// the packages beside it. It never retries a datagram: the next frame or refresh
// carries the same picture.
package netout

import (
	"context"
	"errors"
	"fmt"
	"image"
	"net"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/tint"
	"github.com/loa-vn/loa/protocol"
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

// Config says where and how.
type Config struct {
	Address       string // host:port of the controller
	Local         string // host:port to send from; empty: any
	Width, Height int    // px
	Colour        tint.Colour
	Gamma         bool // the modules have no gamma of their own
	Protocol      Protocol
	// Refresh is how often a standing picture is sent again; 0: 900 ms, which keeps
	// E1.31 (at most 1 s) and the time-outs of common controllers (2.5 s).
	Refresh time.Duration
	// Probe is how often the controller is asked for an answer; 0: 5 s.
	Probe time.Duration
}

// linkFor is for how many probes an answer stands for a link.
const linkFor = 3

// ErrSilent: a controller that has answered before does so no more. What is sent to it
// counts as not taken. One that never answers may not know how to.
var ErrSilent = errors.New("controller answers no more")

// Output is a controller.
type Output struct {
	cfg  Config
	conn net.Conn
	stop chan struct{}
	done sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	tint     *tint.Tint
	levels   []uint8 // of the frame shown last; nil: none
	rgb      []byte
	fault    error
	answered time.Time
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
	var d net.Dialer
	if cfg.Local != "" {
		local, err := net.ResolveUDPAddr("udp", cfg.Local)
		if err != nil {
			return nil, fmt.Errorf("own address: %w", err)
		}
		d.LocalAddr = local
	}
	conn, err := d.Dial("udp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("controller's address: %w", err)
	}
	o := &Output{
		cfg: cfg, conn: conn, stop: make(chan struct{}),
		tint: tint.New(cfg.Colour, 100, cfg.Gamma), rgb: make([]byte, 0, 3*cfg.Width*cfg.Height),
	}
	o.done.Go(o.refresh)
	o.done.Go(o.listen)
	return o, nil
}

// Size returns the configured size.
func (o *Output) Size() (width, height int) { return o.cfg.Width, o.cfg.Height }

// Format returns the protocol's name and "rgb".
func (o *Output) Format() string { return o.cfg.Protocol.Name() + " rgb" }

// Show sends the whole frame. Errors: display.ErrSize, display.ErrClosed, ErrSilent, those
// of the network.
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
	o.levels = append(o.levels[:0], f.Pix...)
	if err := o.send(); err != nil {
		return err
	}
	return o.silence()
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
	o.fault = o.cfg.Protocol.Frame(o.rgb, o.cfg.Width, o.cfg.Height, o.write)
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

// refresh sends what stands again and asks for answers.
func (o *Output) refresh() {
	again, probe := time.NewTicker(o.cfg.Refresh), time.NewTicker(o.cfg.Probe)
	defer again.Stop()
	defer probe.Stop()
	for {
		select {
		case <-o.stop:
			return
		case <-again.C:
			o.mu.Lock()
			if o.levels != nil && !o.closed {
				o.fault = o.send()
			}
			o.mu.Unlock()
		case <-probe.C:
			if b := o.cfg.Protocol.Probe(); b != nil {
				o.mu.Lock()
				if err := o.write(b); err != nil && o.fault == nil {
					o.fault = err
				}
				o.mu.Unlock()
			}
		}
	}
}

// listen notes answers until the socket is closed.
func (o *Output) listen() {
	b := make([]byte, 2048)
	for {
		n, err := o.conn.Read(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		select {
		case <-o.stop:
			return
		default:
		}
		if err == nil && o.cfg.Protocol.Answers(b[:n]) {
			o.mu.Lock()
			o.answered = time.Now()
			o.mu.Unlock()
		} else if err != nil { // nobody listens there; the sender reports it too
			o.mu.Lock()
			o.fault = fmt.Errorf("controller: %w", err)
			o.mu.Unlock()
		}
	}
}

// ReadBack knows nothing: a controller does not say what it shows.
func (o *Output) ReadBack() (protocol.Digest, bool) { return protocol.Digest{}, false }

// Health says whether the controller answered of late.
func (o *Output) Health() display.Health {
	o.mu.Lock()
	defer o.mu.Unlock()
	silent := o.silence()
	return display.Health{
		Link:     !o.answered.IsZero() && silent == nil,
		Answered: o.answered,
		Fault:    errors.Join(o.fault, silent),
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
	err := o.cfg.Protocol.Last(o.write)
	o.mu.Unlock()
	close(o.stop)
	err = errors.Join(err, o.conn.Close())
	o.done.Wait()
	if err != nil {
		return fmt.Errorf("close controller: %w", err)
	}
	return nil
}
