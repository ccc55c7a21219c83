package amplifier_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/amplifier"
)

// relay notes when it was switched.
type relay struct {
	begun time.Time
	log   []string
	err   error
}

func (r *relay) Set(on bool) error {
	r.log = append(r.log, fmt.Sprintf("%s %t", time.Since(r.begun), on))
	return r.err
}

func (r *relay) Close() error {
	r.log = append(r.log, "closed")
	return nil
}

func TestTheRelayClosesBeforeSoundAndOpensAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{begun: time.Now()}
		a := amplifier.New(amplifier.Config{Line: r, WarmUp: 500 * time.Millisecond, OffAfter: 3 * time.Second, Log: slog.New(slog.DiscardHandler)})
		if warm := time.Until(a.Take()); warm != 500*time.Millisecond {
			t.Errorf("warm in %s", warm)
		}
		time.Sleep(10 * time.Second)
		if warm := a.Take(); warm.After(time.Now()) { // the next item, while the first ends
			t.Errorf("warm again at %s", warm)
		}
		a.Release()
		time.Sleep(5 * time.Second)
		a.Release()
		time.Sleep(time.Second)
		if warm := a.Take(); warm.After(time.Now()) { // within the time that it is held
			t.Errorf("warm again at %s", warm)
		}
		time.Sleep(4 * time.Second)
		a.Release()
		time.Sleep(4 * time.Second)
		a.Take()
		a.Drop() // a fault
		if warm := time.Until(a.Take()); warm != 500*time.Millisecond {
			t.Errorf("warm in %s after a fault", warm)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		a.Take()
		want := []string{"0s false", "0s true", "23s false", "24s true", "24s false", "24s true", "24s false", "closed"}
		if diff := cmp.Diff(want, r.log); diff != "" {
			t.Error(diff)
		}
	})
}

func TestARelayThatCannotBeSwitchedIsAFault(t *testing.T) {
	r := &relay{err: errors.New("no such line")}
	var faults []bool
	a := amplifier.New(amplifier.Config{Line: r, Fault: func(on bool) { faults = append(faults, on) }, Log: slog.New(slog.DiscardHandler)})
	r.err = nil
	a.Take()
	if diff := cmp.Diff([]bool{true, false}, faults); diff != "" {
		t.Error(diff)
	}
}
