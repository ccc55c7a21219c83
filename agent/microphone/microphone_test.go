package microphone_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/microphone"
	"github.com/loa-vn/loa/agent/player"
)

// recorder is a program in arecord's place that hears a sound again and again.
func recorder(t *testing.T, pcm []int16) string {
	t.Helper()
	var raw bytes.Buffer
	for _, v := range pcm {
		raw.Write(binary.LittleEndian.AppendUint16(nil, uint16(v)))
	}
	dir := t.TempDir()
	sound, program := filepath.Join(dir, "sound"), filepath.Join(dir, "recorder")
	if err := os.WriteFile(sound, raw.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\nwhile cat '"+sound+"'; do :; done\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return program
}

// samples is a source of samples.
type samples struct{ pcm []int16 }

func (samples) Channels() int         { return 1 }
func (samples) SeekFrame(int64) error { return nil }
func (samples) Close() error          { return nil }
func (s *samples) Read(dst []int16) (int, error) {
	n := copy(dst, s.pcm)
	s.pcm = s.pcm[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// A microphone that is on for a play hears it, and is off at once when that has ended.
func TestAMicrophoneIsOnForOnePlay(t *testing.T) {
	t.Parallel()
	given := speech(t, 4)
	fault := false
	m := microphone.New(microphone.Config{
		Device: "default", Program: recorder(t, given), Fault: func(on bool) { fault = on }, Log: slog.New(slog.DiscardHandler),
	})
	h := m.Listen()
	if got := read(t, h.Tee(&samples{given})); len(got) != len(given) {
		t.Errorf("%d of %d frames came through", len(got), len(given))
	}
	h.Begun(time.Now().Add(-time.Second))
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(10 * time.Second); h.Listened() < 3*time.Second && time.Now().Before(deadline); {
		<-ticker.C
	}
	ending := time.Now()
	listened, _ := h.End()
	if took := time.Since(ending); took > 2*time.Second || listened < 3*time.Second || fault {
		t.Errorf("ended in %s, listened for %s, fault %v", took, listened, fault)
	}
}

// A microphone that is not there is a fault, and no proof.
func TestAMicrophoneThatFailsGivesNoProof(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	fault := false
	m := microphone.New(microphone.Config{
		Device: "default", Program: filepath.Join(t.TempDir(), "nothing"), Fault: func(on bool) { fault = on }, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	h := m.Listen()
	h.Begun(time.Now())
	read(t, h.Tee(&samples{make([]int16, player.Rate)}))
	if listened, recognised := h.End(); listened != 0 || recognised != 0 || !fault || !strings.Contains(log.String(), "microphone failed") {
		t.Errorf("listened %s, recognised %s, fault %v: %s", listened, recognised, fault, log.String())
	}
}
