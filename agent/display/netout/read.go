package netout

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// Reader is a Protocol whose controllers may be asked for the picture that they hold.
type Reader interface {
	Protocol

	// Ask returns a datagram that asks for a piece of a picture of size bytes, from a
	// byte on, and where that piece ends.
	Ask(from, size int) (datagram []byte, to int)

	// Part returns the bytes of the picture that an answer carries, and the byte that
	// they are from. With end the controller has no more behind them; none at all from
	// byte 0 means that it cannot be read. No answer to Ask: false.
	Part(datagram []byte) (from int, pixels []byte, end, ok bool)
}

const (
	// readFor is how long a controller may take to say what picture it holds. What
	// crawls stands still for as long.
	readFor = 500 * time.Millisecond
	// repeatAfter is when it is asked again for what did not come.
	repeatAfter = 100 * time.Millisecond
	// atOnce is for how many pieces a controller is asked at once: more would overflow
	// buffers on the way.
	atOnce = 16
	// refusals is after how many questions without an answer it is asked no more.
	refusals = 3
)

// reading is the picture of a controller on its way back. Output.mu guards it.
type reading struct {
	rgb      []byte
	seen     []bool // which of its bytes have come
	end      int    // as much as the controller has, if less
	came     bool   // an answer to this question, whatever it says
	change   chan struct{}
	refused  int  // questions in a row that were not answered, or by "cannot be read"
	believed bool // it has held the picture that was sent at least once
}

// begin makes room for a picture of size bytes.
func (r *reading) begin(size int) {
	r.rgb, r.seen = slices.Grow(r.rgb[:0], size)[:size], slices.Grow(r.seen[:0], size)[:size]
	clear(r.seen)
	r.end, r.came = size, false
}

// take notes what an answer carries.
func (r *reading) take(p Protocol, datagram []byte) {
	reader, ok := p.(Reader)
	if !ok || len(r.seen) == 0 {
		return
	}
	from, pixels, end, ok := reader.Part(datagram)
	if !ok || from < 0 || from+len(pixels) > len(r.rgb) {
		return
	}
	copy(r.rgb[from:], pixels)
	for i := range pixels {
		r.seen[from+i] = true
	}
	if end {
		r.end = min(r.end, from+len(pixels))
	}
	r.came = true
	select {
	case r.change <- struct{}{}:
	default: // it is awake
	}
}

// lacks returns the first byte from a place on that has not come; the end if there is
// none.
func (r *reading) lacks(from int) int {
	if from >= r.end {
		return r.end
	}
	if i := slices.Index(r.seen[from:r.end], false); i >= 0 {
		return from + i
	}
	return r.end
}

// ReadBack asks the controller for the picture that it holds, if the protocol has a way
// and the controller has answered other questions: one that knows none may take this one
// for pixels. A controller whose answer never was the picture that was sent (it may hold
// it in another form) says nothing of what it shows.
func (o *Output) ReadBack() (protocol.Digest, bool) {
	for again := false; ; again = true {
		if !o.fetch() {
			return protocol.Digest{}, false
		}
		held, same, believed := o.compare()
		if same || !believed || again {
			return held, same || believed
		}
		o.mu.Lock()
		o.fault = o.send() // a datagram of the picture may have been lost
		o.mu.Unlock()
	}
}

// compare holds what was read against what was sent; held is the frame's digest if it is
// the same.
func (o *Output) compare() (held protocol.Digest, same, believed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := &o.reading
	if !bytes.Equal(r.rgb, o.rgb) {
		return protocol.DigestOf(r.rgb), false, r.believed
	}
	r.believed = true
	f := page.Frame{W: o.cfg.Width, H: o.cfg.Height, Pix: o.levels}
	return f.Digest(), true, true
}

// measure asks a controller that held less than the board's picture for it again.
func (o *Output) measure() {
	o.mu.Lock()
	short := o.short != nil
	o.mu.Unlock()
	if short {
		o.fetch()
	}
}

// fetch reads the whole picture that the controller holds; false if it does not come in
// time or is a smaller one than the board's.
func (o *Output) fetch() bool {
	reader, ok := o.cfg.Protocol.(Reader)
	if !ok {
		return false
	}
	o.asking.Lock()
	defer o.asking.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	r := &o.reading
	if o.closed || len(o.rgb) == 0 || o.answered.IsZero() || o.silence() != nil || r.refused >= refusals {
		return false
	}
	r.begin(len(o.rgb))
	deadline := time.Now().Add(readFor)
	for at := 0; at < r.end; at = r.lacks(at) {
		if !o.pieces(reader, at, deadline) {
			if !r.came {
				r.refused++
			}
			return false
		}
	}
	if r.end == 0 {
		r.refused = refusals
		return false
	}
	r.refused, o.short = 0, nil
	if r.end < len(r.rgb) {
		o.short = fmt.Errorf("controller has %d px, not %d: %w", r.end/3, len(r.rgb)/3, display.ErrSize)
	}
	return o.short == nil
}

// pieces asks for what is missing from a byte on, and returns when those pieces have come
// or it is time to ask again; false when time is up. o.mu is held, but not while it waits.
func (o *Output) pieces(reader Reader, from int, deadline time.Time) bool {
	r := &o.reading
	to := from
	for n := 0; n < atOnce && to < r.end; n++ {
		var b []byte
		b, to = reader.Ask(to, len(r.rgb))
		if o.ask(b) != nil {
			return false
		}
		to = r.lacks(to)
	}
	timer := time.NewTimer(min(repeatAfter, time.Until(deadline)))
	defer timer.Stop()
	for r.lacks(from) < min(to, r.end) {
		o.mu.Unlock()
		over := false
		select {
		case <-r.change:
		case <-timer.C:
			over = true
		case <-o.ctx.Done():
			over = true
		}
		o.mu.Lock()
		if over {
			return !o.closed && time.Now().Before(deadline)
		}
	}
	return true
}
