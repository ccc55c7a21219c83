// Package kiosk shows frames in a browser: a television or screen that opens the
// page this package serves.
//
// It pushes changed rows as server-sent events, waits for the browser's word that
// it has drawn them, and lets the browser reckon the digest of what its canvas
// holds. It serves nothing but the board's public picture, takes no content from
// the browser, and is meant for the loopback interface: on a wider network
// anybody could say "drawn".
package kiosk

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"image"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/tint"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

//go:embed page
var files embed.FS

// maxViewers is how many browsers may look on.
const maxViewers = 8

// Refusals.
var (
	// ErrNobody: no browser has the page open.
	ErrNobody = errors.New("no browser shows the board")
	// ErrSilent: no browser said in time that it has drawn the frame.
	ErrSilent = errors.New("browser does not answer")
)

// Config says where and how.
type Config struct {
	Listen        string // host:port; 127.0.0.1 for a browser on the device itself
	Width, Height int    // px
	Colour        tint.Colour
	// Patience is how long a browser may take to draw a frame; 0: 2 s.
	Patience time.Duration
}

// Output is a page in a browser.
type Output struct {
	cfg      Config
	listener net.Listener
	server   *http.Server
	done     sync.WaitGroup
	ended    chan struct{}

	mu       sync.Mutex
	closed   bool
	tint     *tint.Tint
	frame    *page.Frame
	number   uint64 // of frame
	drawn    uint64 // the highest number that a browser has drawn
	asked    uint64 // number of the last question for a digest
	digest   protocol.Digest
	replied  uint64 // the question that digest answers
	answered time.Time
	change   chan struct{} // closed and renewed when drawn, replied or viewers change
	viewers  map[*viewer]struct{}
}

// New listens and serves. Errors: display.ErrSize.
func New(cfg Config) (*Output, error) {
	if cfg.Width <= 0 || cfg.Height <= 0 || cfg.Width > page.MaxWidth || cfg.Height > page.MaxHeight {
		return nil, fmt.Errorf("board of %dx%d px: %w", cfg.Width, cfg.Height, display.ErrSize)
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 2 * time.Second
	}
	if cfg.Colour == (tint.Colour{}) {
		cfg.Colour = tint.Amber()
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("kiosk page: %w", err)
	}
	o := &Output{
		cfg: cfg, listener: listener, ended: make(chan struct{}), change: make(chan struct{}),
		tint: tint.New(cfg.Colour, 100, false), frame: page.NewFrame(cfg.Width, cfg.Height), viewers: map[*viewer]struct{}{},
	}
	o.server = &http.Server{Handler: o.routes(), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: maxHeader}
	o.done.Go(func() {
		if err := o.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			o.mu.Lock()
			o.closed = true
			o.mu.Unlock()
		}
	})
	return o, nil
}

// URL returns the address of the page.
func (o *Output) URL() string { return "http://" + o.listener.Addr().String() + "/" }

// Size returns the configured size.
func (o *Output) Size() (width, height int) { return o.cfg.Width, o.cfg.Height }

// Format returns "kiosk".
func (o *Output) Format() string { return "kiosk" }

// Show passes the frame on and waits until a browser has drawn it. Errors:
// ErrNobody, ErrSilent.
func (o *Output) Show(ctx context.Context, f *page.Frame, dirty image.Rectangle) error {
	if f.W != o.cfg.Width || f.H != o.cfg.Height {
		return fmt.Errorf("frame of %dx%d px: %w", f.W, f.H, display.ErrSize)
	}
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return display.ErrClosed
	}
	copy(o.frame.Pix, f.Pix)
	o.number++
	number := o.number
	for v := range o.viewers {
		v.add(dirty)
	}
	o.mu.Unlock()
	return o.wait(ctx, func() bool { return o.drawn >= number })
}

// wait returns when ok does, which is asked with o.mu held.
func (o *Output) wait(ctx context.Context, ok func() bool) error {
	timer := time.NewTimer(o.cfg.Patience)
	defer timer.Stop()
	for {
		o.mu.Lock()
		change, viewers, good := o.change, len(o.viewers), ok()
		o.mu.Unlock()
		switch {
		case good:
			return nil
		case viewers == 0:
			return ErrNobody
		}
		select {
		case <-change:
		case <-timer.C:
			return ErrSilent
		case <-o.ended:
			return display.ErrClosed
		case <-ctx.Done():
			return fmt.Errorf("frame: %w", ctx.Err())
		}
	}
}

// changed wakes those who wait; o.mu is held.
func (o *Output) changed() {
	close(o.change)
	o.change = make(chan struct{})
}

// ReadBack asks the browser for the digest of its canvas. A browser that cannot
// reckon one (no secure context: another host over plain HTTP) is not believed.
func (o *Output) ReadBack() (protocol.Digest, bool) {
	o.mu.Lock()
	o.asked++
	question := o.asked
	for v := range o.viewers {
		v.stir()
	}
	o.mu.Unlock()
	if err := o.wait(context.Background(), func() bool { return o.replied >= question }); err != nil {
		return protocol.Digest{}, false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.digest, !o.digest.IsZero()
}

// Health says whether a browser has the page open.
func (o *Output) Health() display.Health {
	o.mu.Lock()
	defer o.mu.Unlock()
	h := display.Health{Link: len(o.viewers) > 0, Answered: o.answered}
	if !h.Link {
		h.Fault = ErrNobody
	}
	return h
}

// Brightness dims the colours from the next frame on.
func (o *Output) Brightness(percent int) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tint = tint.New(o.cfg.Colour, percent, false)
	for v := range o.viewers {
		v.colours = true
		v.add(o.all())
	}
	return nil
}

func (o *Output) all() image.Rectangle { return image.Rect(0, 0, o.cfg.Width, o.cfg.Height) }

// Close ends the page; browsers keep the last picture and try to come back.
func (o *Output) Close() error {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return nil
	}
	o.closed = true
	o.mu.Unlock()
	close(o.ended)
	err := o.server.Close()
	o.done.Wait()
	if err != nil {
		return fmt.Errorf("close kiosk page: %w", err)
	}
	return nil
}
