package technician_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/technician"
)

func TestTheSwitchLastsAndIsSeen(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := technician.Mute{Dir: dir}
		seen := make(chan bool, 10)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Watch(ctx, func(on bool) { seen <- on }) }()
		synctest.Wait()
		for _, on := range []bool{true, true, false} {
			if err := m.Set(on); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if (technician.Mute{Dir: dir}).On() != on { // another process
				t.Errorf("does not last: %t", on)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		close(seen)
		var got []bool
		for on := range seen {
			got = append(got, on)
		}
		if diff := cmp.Diff([]bool{false, true, false}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestUnmutingWhatIsNotMutedIsNoError(t *testing.T) {
	if err := (technician.Mute{Dir: t.TempDir()}).Set(false); err != nil {
		t.Error(err)
	}
	if err := (technician.Mute{Dir: t.TempDir() + "/none"}).Set(true); err == nil {
		t.Error("muted nowhere")
	}
}

// TestTheWordToClearIsTakenOnce: one from before the agent ran is of another emergency.
func TestTheWordToClearIsTakenOnce(t *testing.T) {
	c := technician.Clear{Dir: t.TempDir()}
	if err := c.Give(); err != nil {
		t.Fatal(err)
	}
	given := make(chan struct{}, 8)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Watch(ctx, func() { given <- struct{}{} }) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !c.Taken() {
		<-tick.C
	}
	if err := c.Give(); err != nil {
		t.Fatal(err)
	}
	<-given
	if !c.Taken() {
		t.Error("a word that was taken is still there")
	}
	cancel()
	if err := <-done; err != nil || len(given) != 0 {
		t.Errorf("%v; taken %d times more", err, len(given))
	}
	if err := (technician.Clear{Dir: filepath.Join(c.Dir, "nowhere")}).Give(); err == nil {
		t.Error("given to nobody")
	}
	if err := c.Withdraw(); err != nil {
		t.Error(err)
	}
}
