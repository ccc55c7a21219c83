package wav_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/signal"
	"github.com/loa-vn/loa/agent/player/wav"
)

const dirEnv = "LOA_TEST_WAV_DIR"

// TestMain makes the test binary be an agent that plays until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(dirEnv); dir != "" {
		sink, err := wav.New(dir, 1)
		if err != nil {
			os.Exit(1)
		}
		p := player.New(sink, slog.New(slog.DiscardHandler))
		err = p.Play(player.Track{ID: "long", Volume: 100, Open: func() (player.Source, error) {
			return signal.Tone(440, time.Hour), nil
		}})
		if err != nil {
			os.Exit(1)
		}
		<-context.Background().Done()
	}
	os.Exit(m.Run())
}

func TestAKilledAgentLeavesAReadableFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), dirEnv+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "long.wav")
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-ticker.C {
		if info, err := os.Stat(path); err == nil && info.Size() > 2*player.Rate/2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no file")
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("it ended by itself")
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pcm, channels, err := wav.Read(f)
	if err != nil || channels != 1 || len(pcm) < player.Rate/3 {
		t.Fatalf("%d samples, %d channels, %v", len(pcm), channels, err)
	}
	want := make([]int16, len(pcm))
	if _, err := signal.Tone(440, time.Hour).Read(want); err != nil {
		t.Fatal(err)
	}
	for i := range pcm {
		if pcm[i] != want[i] {
			t.Fatalf("sample %d differs", i)
		}
	}
}

func TestAFileThatCannotBeMadeIsAFaultOfTheSink(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	sink, err := wav.New(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	p := player.New(sink, slog.New(slog.DiscardHandler))
	defer p.Close()
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	play := func(id string) {
		t.Helper()
		err := p.Play(player.Track{ID: id, Volume: 100, Open: func() (player.Source, error) {
			return signal.Tone(440, 100*time.Millisecond), nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	play("lost")
	if _, ok := (<-p.Events()).(player.Fault); !ok {
		t.Error("no fault")
	}
	if end, ok := (<-p.Events()).(player.Ended); !ok || end.Whole || end.ID != "lost" || end.Err == nil {
		t.Errorf("%+v", end)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	play("found")
	for e := range p.Events() {
		if end, ok := e.(player.Ended); ok {
			if !end.Whole || end.ID != "found" {
				t.Errorf("%+v", end)
			}
			return
		}
	}
}
