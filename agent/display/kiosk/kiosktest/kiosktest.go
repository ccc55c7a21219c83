// Package kiosktest opens a kiosk's page in a real browser. It is for tests only.
package kiosktest

import (
	"context"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/display/kiosk"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// Chromium opens the page of o until the test ends, and waits until it is there.
func Chromium(t *testing.T, o *kiosk.Output) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		protocoltest.Missing(t, "chromium")
	}
	dir, err := os.MkdirTemp("", "loa-kiosk-") // its helpers may still write there while they die
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--user-data-dir="+dir, o.URL())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it ends with all its helpers
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // killed, so it ends with an error
		for range 50 {
			if os.RemoveAll(dir) == nil {
				return
			}
		}
	})
	end, tick := time.After(40*time.Second), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !o.Health().Link {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("chromium has not opened the page")
		}
	}
}
