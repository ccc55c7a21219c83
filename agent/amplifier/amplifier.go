// Package amplifier keeps an amplifier's relay: closed before sound by what the
// amplifier takes to warm up, open again some time after the last of it, and open
// whenever the sound has failed or the agent ends. It never decides what sounds.
package amplifier

import (
	"log/slog"
	"sync"
	"time"
)

// Line is what the relay hangs on.
type Line interface {
	// Set closes the relay, or opens it.
	Set(on bool) error
	// Close frees the line.
	Close() error
}

// Config is what an amplifier needs.
type Config struct {
	Line Line
	// WarmUp is waited before sound, OffAfter after it.
	WarmUp, OffAfter time.Duration
	// Fault raises or clears the fault "amplifier"; nil does without.
	Fault func(on bool)
	Log   *slog.Logger
}

// Amplifier is a relay in use. Its methods may be called from any goroutine.
type Amplifier struct {
	cfg Config

	mu     sync.Mutex
	on     bool
	warm   time.Time // when it may sound
	jobs   int       // that need it
	hold   *time.Timer
	closed bool
}

// New returns an amplifier whose relay has been opened.
func New(cfg Config) *Amplifier {
	if cfg.Fault == nil {
		cfg.Fault = func(bool) {}
	}
	a := &Amplifier{cfg: cfg}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.set(false)
	return a
}

// Take closes the relay for one more job and returns the instant from which on that
// may sound.
func (a *Amplifier) Take() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.jobs++
	if a.hold != nil {
		a.hold.Stop()
		a.hold = nil
	}
	if !a.on && !a.closed {
		a.set(true)
		a.warm = time.Now().Add(a.cfg.WarmUp)
	}
	return a.warm
}

// Release says that a job has ended: after the last of them the relay opens in a while.
func (a *Amplifier) Release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.jobs--; a.jobs > 0 || !a.on || a.closed {
		return
	}
	a.hold = time.AfterFunc(a.cfg.OffAfter, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.jobs == 0 && a.on {
			a.set(false)
		}
	})
}

// Drop opens the relay at once: the sound has failed. The next Take closes it.
func (a *Amplifier) Drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.on {
		a.set(false)
	}
}

// Close opens the relay for good and frees the line.
func (a *Amplifier) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	a.closed = true
	if a.hold != nil {
		a.hold.Stop()
	}
	a.set(false)
	return a.cfg.Line.Close()
}

// set switches the relay. One that cannot be switched is a fault, and silences nothing.
func (a *Amplifier) set(on bool) {
	err := a.cfg.Line.Set(on)
	if err != nil {
		a.cfg.Log.Error("amplifier's relay not switched", "on", on, "error", err)
	}
	a.cfg.Fault(err != nil)
	a.on = on
}
