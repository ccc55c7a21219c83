package speaker_test

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/speaker"
)

func TestACardWithoutAPaceIsRefused(t *testing.T) {
	each(t, func(t *testing.T, driver string) {
		path := t.TempDir() + "/asound.conf"
		if err := os.WriteFile(path, []byte("pcm.!default { type null }\nctl.!default { type null }\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		refusedCard(t, driver, path)
	})
}

func TestNoCardIsAFault(t *testing.T) {
	each(t, func(t *testing.T, driver string) {
		path := t.TempDir() + "/asound.conf"
		if err := os.WriteFile(path, []byte("pcm.!default { type hw card 31 }\nctl.!default { type hw card 31 }\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		refusedCard(t, driver, path)
	})
}

// refusedCard wants a fault, and a track's end, from a device that cannot play.
func refusedCard(t *testing.T, driver, path string) {
	t.Helper()
	cfg := speaker.Config{Device: path}
	if driver != "aplay" {
		cfg.Driver, cfg.Child, cfg.Env = strings.TrimSuffix(driver, "-told"), []string{os.Args[0]}, []string{childEnv + "=1"}
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := speaker.Open(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{speaker: s, player: player.New(s, log)}
	defer r.player.Close()
	fault := expect[player.Fault](t, r, 5*time.Second)
	t.Log(fault.Err)
	if err := r.player.Play(greeting("a")); err != nil {
		t.Fatal(err)
	}
	if end := expect[player.Ended](t, r, 5*time.Second); end.Frames != 0 || !errors.Is(end.Err, player.ErrSink) {
		t.Errorf("%+v", end)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]speaker.Config{
		"a name that is no card":  {Device: "default"},
		"an empty card":           {Device: "hw:", Dir: t.TempDir()},
		"a card with a quote":     {Device: `hw:CARD=a",DEV=0`, Dir: t.TempDir()},
		"a device that is no one": {Device: "hw:0,zero", Dir: t.TempDir()},
		"an unknown field":        {Device: "hw:CARD=0,SUBDEV=1", Dir: t.TempDir()},
		"three channels":          {Channels: 3},
		"too small a buffer":      {Buffer: time.Millisecond},
		"too short a stall":       {Stall: time.Millisecond},
	} {
		if _, err := speaker.Open(cfg, slog.New(slog.DiscardHandler)); !errors.Is(err, speaker.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
