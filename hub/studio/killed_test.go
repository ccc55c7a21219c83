package studio_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/loa-vn/loa/hub/studio"
	"github.com/loa-vn/loa/hub/studio/speech"
)

// TestMain lets the test binary be a hub that is killed in the middle of a job.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "die-at" {
		cfg := studio.Config{Dir: os.Args[3]}
		s := studio.New(cfg, speech.New(speech.EspeakConfig("")), slog.New(slog.DiscardHandler))
		_, err := s.FromText(context.Background(), studio.TextJob{Text: bulletin}, func(stage string, _ float64) {
			if stage == os.Args[2] {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		})
		if err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func TestAKilledHubLeavesNoHalfFile(t *testing.T) {
	s, dir := newStudio(t)
	for _, stage := range []string{studio.StageSpeak, studio.StageEncode, studio.StageVerify} {
		cmd := exec.Command(os.Args[0], "die-at", stage, dir)
		cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
		err := cmd.Run()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("%s: %v", stage, err)
		}
		for _, name := range files(t, dir) {
			if !strings.HasPrefix(name, ".") {
				t.Errorf("killed at %s: %s is visible", stage, name)
			}
		}
	}
	if _, err := s.FromText(t.Context(), studio.TextJob{Text: bulletin}, nil); err != nil {
		t.Errorf("again after the kill: %v", err)
	}
}
