package mute_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/mute"
)

func TestTheSwitchLastsAndIsSeen(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := mute.Switch{Dir: dir}
		seen := make(chan bool, 10)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Watch(ctx, func(on bool) { seen <- on }) }()
		synctest.Wait()
		for _, on := range []bool{true, true, false} {
			if err := s.Set(on); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if (mute.Switch{Dir: dir}).On() != on { // another process
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
	if err := (mute.Switch{Dir: t.TempDir()}).Set(false); err != nil {
		t.Error(err)
	}
	if err := (mute.Switch{Dir: t.TempDir() + "/none"}).Set(true); err == nil {
		t.Error("muted nowhere")
	}
}
