package agent

import (
	"errors"
	"testing"

	"github.com/loa-vn/loa/agent/config"
)

// What runs reads its settings all the time: a board must not vanish under it.
func TestAnotherMediumNeedsARestart(t *testing.T) {
	with := func(p config.Profile) config.Config { return config.Config{Settings: config.Default(), Profile: p} }
	var a Agent
	if err := a.configure(with(config.Profile{Board: &config.Board{Width: 192, Height: 32, Row: 16}})); err != nil {
		t.Fatal(err)
	}
	before := *a.digest.Load()
	if err := a.configure(with(config.Profile{Sound: &config.Sound{Driver: "wav", Rate: 48000}})); !errors.Is(err, config.ErrSettings) {
		t.Errorf("a loudspeaker in place of a board: %v", err)
	}
	if a.cfg.Load().Profile.Board == nil || *a.digest.Load() != before {
		t.Error("settings that were refused are in force")
	}
	if err := a.configure(with(config.Profile{Board: &config.Board{Width: 96, Height: 32, Row: 16}})); err != nil || *a.digest.Load() == before {
		t.Errorf("another board: %v", err)
	}
}
