package transcode_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/studio/transcode"
)

// sine makes a tone of so many seconds in the format of the name's ending.
func sine(t *testing.T, name, seconds string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:duration="+seconds, path).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	return path
}

func TestPartsOfARecordingAreJoinedWhateverTheirFormats(t *testing.T) {
	tr := transcode.New(transcode.Config{})
	target := filepath.Join(t.TempDir(), "whole.flac")
	if err := tr.Join(t.Context(), []string{sine(t, "a.webm", "2"), sine(t, "b.mp4", "1.5"), sine(t, "c.wav", "1")}, target); err != nil {
		t.Fatal(err)
	}
	info, err := tr.Probe(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if d := info.Duration - 4500*time.Millisecond; d < -150*time.Millisecond || d > 150*time.Millisecond {
		t.Errorf("the whole lasts %v", info.Duration)
	}
	if err := tr.Join(t.Context(), nil, target); !errors.Is(err, transcode.ErrTooMany) {
		t.Errorf("no parts: %v", err)
	}
}
