package config

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestABadFileLeavesTheSettingsAsTheyWere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "agent.yaml")
	profile := filepath.Join(dir, "p.yaml")
	save := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save(profile, "name: p\nsound: {driver: wav, rate: 48000}\nvolume: {ceiling: 80}\n")
	save(path, "board: ./p.yaml\n")
	now, err := Load(path, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	loaded, faults := make(chan Config, 10), make(chan bool, 100)
	w := Watcher{
		Path: path, Env: noEnv, Log: slog.New(slog.DiscardHandler),
		Loaded: func(c Config) error {
			if c.Profile.Sound == nil {
				return ErrSettings
			}
			loaded <- c
			return nil
		},
		Fault: func(on bool) { faults <- on },
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx, now) }()
	await := func(want bool) {
		t.Helper()
		for {
			select {
			case on := <-faults:
				if on == want {
					return
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("no fault %v", want)
			}
		}
	}
	await(false) // the first look
	save(path, "board: ./p.yaml\ncolour: red\n")
	await(true)
	if len(loaded) != 0 {
		t.Error("bad settings were taken")
	}
	save(path, "board: ./p.yaml\n")
	await(false)
	save(profile, "name: p\nsound: {driver: wav, rate: 48000}\nvolume: {ceiling: 60}\n")
	select {
	case c := <-loaded:
		if c.Profile.Volume.Ceiling != 60 {
			t.Errorf("ceiling %d", c.Profile.Volume.Ceiling)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("a changed profile was not noticed")
	}
	save(profile, "name: p\nboard: {width: 192, height: 32, row: 16, output: \"png:board\"}\n")
	await(true) // they are good, but not for who is to take them
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
