package key_test

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/key"
)

// wire is a key that a test presses.
type wire struct {
	words  chan bool
	closed chan struct{}
}

var errLoose = errors.New("wire is loose")

func (w *wire) Next() (bool, error) {
	select {
	case pressed, ok := <-w.words:
		if !ok {
			return false, errLoose
		}
		return pressed, nil
	case <-w.closed:
		return false, os.ErrClosed
	}
}

func (w *wire) Close() error { close(w.closed); return nil }

// TestAKeyCountsOnceItWasHeld: shorter presses, and one that goes on, do not count again.
func TestAKeyCountsOnceItWasHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{make(chan bool), make(chan struct{})}
		held, faults := atomic.Int32{}, atomic.Int32{}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		b := key.Button{
			Open: func() (key.Source, error) { return w, nil }, Hold: 2 * time.Second, Log: slog.New(slog.DiscardHandler),
			Fault: func(on bool) {
				if on {
					faults.Add(1)
				}
			},
		}
		go func() { done <- b.Watch(ctx, func() { held.Add(1) }) }()
		for _, x := range []struct {
			press bool
			stays time.Duration
			held  int32
		}{
			{true, time.Second, 0},
			{false, time.Minute, 0},
			{true, 1999 * time.Millisecond, 0},
			{false, 0, 0},
			{true, 2001 * time.Millisecond, 1},
			{true, time.Minute, 1},
			{false, time.Second, 1},
			{true, 3 * time.Second, 2},
			{false, time.Second, 2},
		} {
			w.words <- x.press
			time.Sleep(x.stays)
			synctest.Wait()
			if got := held.Load(); got != x.held {
				t.Errorf("pressed %t for %v: held %d times, want %d", x.press, x.stays, got, x.held)
			}
		}
		cancel()
		if err := <-done; err != nil || faults.Load() != 0 {
			t.Errorf("%v, %d faults", err, faults.Load())
		}
	})
}

// TestAKeyThatFailsIsLetGoAndTriedAgain: a wire that comes loose while it is pressed ends
// nothing, and is a fault until it is back.
func TestAKeyThatFailsIsLetGoAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *wire
		away, faulty, held := false, false, 0
		b := key.Button{
			Open: func() (key.Source, error) {
				if away {
					return nil, errLoose
				}
				w = &wire{make(chan bool), make(chan struct{})}
				return w, nil
			},
			Fault: func(on bool) { faulty = on }, Log: slog.New(slog.DiscardHandler),
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.Watch(ctx, func() { held++ }) }()
		synctest.Wait()
		w.words <- true
		time.Sleep(time.Second)
		away = true
		close(w.words)
		time.Sleep(time.Minute)
		if synctest.Wait(); !faulty || held != 0 {
			t.Errorf("loose: fault %t, held %d times", faulty, held)
		}
		away = false
		time.Sleep(2 * time.Second)
		w.words <- true
		time.Sleep(key.DefaultHold + time.Millisecond)
		if synctest.Wait(); faulty || held != 1 {
			t.Errorf("back: fault %t, held %d times", faulty, held)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// event is a struct input_event as the kernel writes it.
func event(kind, code uint16, value uint32) []byte {
	b := make([]byte, strconv.IntSize/4+8)
	e := b[len(b)-8:]
	binary.NativeEndian.PutUint16(e, kind)
	binary.NativeEndian.PutUint16(e[2:], code)
	binary.NativeEndian.PutUint32(e[4:], value)
	return b
}

// TestAnInputDeviceTellsOfItsKey: a pipe stands for the device; only the key that is
// named counts, and neither what it repeats nor what else the device tells.
func TestAnInputDeviceTellsOfItsKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "event0")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	device, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	in, err := key.OpenInput(path, 148)
	if err != nil {
		t.Fatal(err)
	}
	const evSyn, evKey, evRel = 0, 1, 2
	for _, e := range [][]byte{
		event(evRel, 148, 1), event(evKey, 30, 1), event(evSyn, 0, 0), event(evKey, 148, 1), event(evSyn, 0, 0),
		event(evKey, 148, 2), event(evKey, 148, 2), event(evKey, 30, 0), event(evKey, 148, 0),
	} {
		if _, err := device.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []bool{true, false} {
		if got, err := in.Next(); err != nil || got != want {
			t.Errorf("pressed %t (%v), want %t", got, err, want)
		}
	}
	ended := make(chan error)
	go func() {
		_, err := in.Next()
		ended <- err
	}()
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("a closed key tells something")
	}
	if _, err := key.OpenInput(filepath.Join(t.TempDir(), "event9"), 0); err == nil {
		t.Error("a device that is not there was opened")
	}
}
