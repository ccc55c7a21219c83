//go:build oto && cgo

package speaker

// #cgo pkg-config: alsa
// #include <alsa/asoundlib.h>
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

const (
	// alsaWait is how long ALSA may wait for room before it is asked again: a card that
	// stands still is noticed by what it does not consume, elsewhere.
	alsaWait = 500 // ms
	// blind is how much a card that tells no delay is given at once: it is known from when
	// it takes them, which is the finer the smaller the pieces are.
	blind = 200 // a second
	// trials is how often a card may run out of frames while it is looked at.
	trials = 5
)

// pcm is an open card.
type pcm struct {
	handle *C.snd_pcm_t
	card   card
	buffer int64 // frames
	period int64
}

// openALSA opens the default card with libasound and returns when it runs; what goes
// wrong later comes on failed.
//
// It asks the card itself how many frames lie before its output. That is so exact that
// two cards start within a fraction of a millisecond of each other. A device that does
// not know, such as a file, is measured by when it takes frames, as oto's is.
func openALSA(e *engine, c card, failed chan<- error) error {
	p := &pcm{card: c}
	if err := p.open(); err != nil {
		return err
	}
	out, err := newOutlet(e, p.card.rate)
	if err != nil {
		return err
	}
	ready := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := p.run(out, func() { ready <- nil })
		select {
		case ready <- err:
		default:
			failed <- err
		}
	}()
	return <-ready
}

func alsaError(doing string, code C.int) error {
	return fmt.Errorf("card: %s: %s", doing, C.GoString(C.snd_strerror(code)))
}

// open sets the card up: the rate is the card's own, not one that ALSA converts to, if
// that is one that we convert to better.
func (p *pcm) open() error {
	name := C.CString("default")
	defer C.free(unsafe.Pointer(name))
	if code := C.snd_pcm_open(&p.handle, name, C.SND_PCM_STREAM_PLAYBACK, 0); code < 0 {
		return alsaError("open", code)
	}
	err := p.set(false)
	if err != nil {
		err = p.set(true)
	}
	if err != nil {
		C.snd_pcm_close(p.handle)
	}
	return err
}

// set negotiates the hardware's parameters, with or without ALSA's converter of rates.
func (p *pcm) set(convert bool) error {
	var hw *C.snd_pcm_hw_params_t
	C.snd_pcm_hw_params_malloc(&hw)
	defer C.snd_pcm_hw_params_free(hw)
	rate := C.uint(p.card.rate)
	buffer := C.snd_pcm_uframes_t(2 * p.card.period())
	period := C.snd_pcm_uframes_t(p.card.period())
	resample := C.uint(0)
	if convert {
		resample = 1
	}
	for _, step := range []struct {
		doing string
		do    func() C.int
	}{
		{"parameters", func() C.int { return C.snd_pcm_hw_params_any(p.handle, hw) }},
		{"access", func() C.int {
			return C.snd_pcm_hw_params_set_access(p.handle, hw, C.SND_PCM_ACCESS_RW_INTERLEAVED)
		}},
		{"format", func() C.int { return C.snd_pcm_hw_params_set_format(p.handle, hw, C.SND_PCM_FORMAT_S16_LE) }},
		{"channels", func() C.int { return C.snd_pcm_hw_params_set_channels(p.handle, hw, C.uint(p.card.channels)) }},
		{"conversion", func() C.int { return C.snd_pcm_hw_params_set_rate_resample(p.handle, hw, resample) }},
		{"rate", func() C.int { return C.snd_pcm_hw_params_set_rate_near(p.handle, hw, &rate, nil) }},
		{"buffer", func() C.int { return C.snd_pcm_hw_params_set_buffer_size_near(p.handle, hw, &buffer) }},
		{"period", func() C.int { return C.snd_pcm_hw_params_set_period_size_near(p.handle, hw, &period, nil) }},
		{"parameters", func() C.int { return C.snd_pcm_hw_params(p.handle, hw) }},
	} {
		if code := step.do(); code < 0 {
			return alsaError(step.doing, code)
		}
	}
	if period < 1 || buffer < 2*period {
		return fmt.Errorf("card: a buffer of %d frames in periods of %d", buffer, period)
	}
	p.card.rate, p.buffer, p.period = int(rate), int64(buffer), int64(period)
	return p.setStart()
}

// setStart lets the card begin when its buffer is full, and wake us when a period fits.
func (p *pcm) setStart() error {
	var sw *C.snd_pcm_sw_params_t
	C.snd_pcm_sw_params_malloc(&sw)
	defer C.snd_pcm_sw_params_free(sw)
	full := C.snd_pcm_uframes_t(p.buffer / p.period * p.period)
	for _, code := range []C.int{
		C.snd_pcm_sw_params_current(p.handle, sw),
		C.snd_pcm_sw_params_set_start_threshold(p.handle, sw, full),
		C.snd_pcm_sw_params_set_avail_min(p.handle, sw, C.snd_pcm_uframes_t(p.period)),
		C.snd_pcm_sw_params(p.handle, sw),
	} {
		if code < 0 {
			return alsaError("start", code)
		}
	}
	return nil
}

// run gives the card frames until it fails. It calls ready when it is known where the
// card is.
func (p *pcm) run(out *outlet, ready func()) error {
	defer C.snd_pcm_close(p.handle)
	given, told, err := p.trial(out)
	if err != nil {
		return err
	}
	ready()
	if !told {
		return p.runBlind(out, given)
	}
	block := make([]int16, p.period*int64(p.card.channels))
	for {
		broke, err := p.room()
		if err != nil {
			return err
		}
		if broke {
			out.broke(given)
			continue
		}
		out.pull(block)
		if broke, err = p.write(block); err != nil {
			return err
		}
		if broke {
			out.broke(given)
		}
		given += p.period
		if delay, ok := p.delay(); ok {
			// The clock is read after the card: who comes late is believed less.
			out.played(monotonic(), given-delay)
		}
	}
}

// trial plays silence and finds out how far the card's output is behind what it takes,
// and whether it tells that itself, as one does whose delay is once more than nothing.
func (p *pcm) trial(out *outlet) (given int64, told bool, err error) {
	piece := make([]int16, p.piece()*int64(p.card.channels))
	g := gauge{held: out.in(p.buffer)}
	before, again := int64(0), 0 // frames of trials that a busy machine spoiled
	for known := false; !known; {
		out.pull(piece)
		broke, err := p.write(piece)
		if err != nil {
			return 0, false, err
		}
		now := monotonic()
		given += p.piece()
		if broke {
			if again++; again > trials {
				return 0, false, errLate
			}
			g, before = gauge{held: out.in(p.buffer)}, given
			continue
		}
		if delay, ok := p.delay(); ok && delay > p.period/2 {
			told = true
		}
		if known, err = g.taken(now, out.in(given-before)); err != nil {
			return 0, false, err
		}
	}
	if told {
		out.engine.calibrateFor(out.in(p.buffer), toldMemory)
	} else {
		out.engine.calibrate(g.held)
	}
	return given, told, nil
}

// errLate says that the card ran out of frames while it was looked at.
var errLate = errors.New("card: no frames in time")

// piece is how much is put in at once while the delay is not known.
func (p *pcm) piece() int64 { return int64(p.card.rate) / blind }

// runBlind is run for a card that tells no delay: it is where it takes frames.
func (p *pcm) runBlind(out *outlet, given int64) error {
	piece := make([]int16, p.piece()*int64(p.card.channels))
	for {
		out.pull(piece)
		if broke, err := p.write(piece); err != nil {
			return err
		} else if broke {
			out.broke(given)
		}
		given += p.piece()
		out.taken(given)
	}
}

// room waits until a period fits, and says whether the card has run out of frames.
func (p *pcm) room() (broke bool, err error) {
	for {
		switch code := C.snd_pcm_wait(p.handle, alsaWait); {
		case code == 1:
			return false, nil
		case code < 0:
			return true, p.recover(code)
		}
	}
}

// write puts a block in, whole, and says whether the card had run out of frames.
func (p *pcm) write(block []int16) (broke bool, err error) {
	for len(block) > 0 {
		n := C.snd_pcm_writei(p.handle, unsafe.Pointer(&block[0]), C.snd_pcm_uframes_t(len(block)/p.card.channels))
		if n < 0 {
			if err := p.recover(C.int(n)); err != nil {
				return true, err
			}
			broke = true
			continue
		}
		block = block[int(n)*p.card.channels:]
	}
	return broke, nil
}

// recover makes a card that ran out of frames ready again.
func (p *pcm) recover(code C.int) error {
	if code = C.snd_pcm_recover(p.handle, code, 1); code < 0 {
		return alsaError("write", code)
	}
	return nil
}

// delay is how many of the frames given the card has yet to play; false if it does not
// say.
func (p *pcm) delay() (int64, bool) {
	var delay C.snd_pcm_sframes_t
	if code := C.snd_pcm_delay(p.handle, &delay); code < 0 {
		return 0, false
	}
	return max(int64(delay), 0), true
}
