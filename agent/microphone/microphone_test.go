package microphone_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
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

// captured makes an ALSA configuration whose default device captures what heard holds,
// as a card with a microphone does, only faster. From a file, for of a pipe ALSA's
// plugin takes what is there and puts silence for the rest.
func captured(t *testing.T, heard []int16) (config string) {
	t.Helper()
	dir := t.TempDir()
	sound, config := filepath.Join(dir, "microphone.raw"), filepath.Join(dir, "asound.conf")
	raw := make([]byte, 0, 2*len(heard))
	for _, v := range heard {
		raw = binary.LittleEndian.AppendUint16(raw, uint16(v))
	}
	text := fmt.Sprintf(`pcm.!default { type plug slave.pcm "microphone" }
pcm.microphone {
	type file
	slave.pcm "null"
	file "/dev/null"
	infile %q
	format "raw"
}
pcm.null { type null }
ctl.!default { type null }
`, sound)
	for name, b := range map[string][]byte{sound: raw, config: []byte(text)} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config
}

// arecord itself, by ALSA, from a capture device that hears the bulletin: its command line
// is one that arecord takes, its sound is taken as it is meant, and it ends when it is
// asked to.
func TestARecordItselfIsListenedTo(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("arecord"); err != nil {
		t.Skip("arecord is not installed")
	}
	given := speech(t, 6)
	config := captured(t, yard(given, 100*time.Millisecond, 20))
	var log bytes.Buffer
	fault := false
	m := microphone.New(microphone.Config{Device: config, Fault: func(on bool) { fault = on }, Log: slog.New(slog.NewTextHandler(&log, nil))})
	h := m.Listen()
	read(t, h.Tee(&samples{given}))
	h.Begun(time.Now())
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(20 * time.Second); h.Listened() < 7*time.Second && time.Now().Before(deadline); {
		<-ticker.C
	}
	listened, recognised := h.End()
	if fault || listened < 7*time.Second || recognised < listened*8/10 {
		t.Errorf("listened %s, recognised %s, fault %v: %s", listened, recognised, fault, log.String())
	}
}
