package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/agent/amplifier"
	"github.com/loa-vn/loa/agent/amplifier/gpio"
	"github.com/loa-vn/loa/agent/cache"
	"github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/agent/microphone"
	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/null"
	"github.com/loa-vn/loa/agent/player/speaker"
	"github.com/loa-vn/loa/agent/player/wav"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/protocol"
)

// SinkOf opens the sound output that a profile names.
func SinkOf(cfg config.Config, child []string, log *slog.Logger) (player.Sink, error) {
	s := cfg.Profile.Sound
	switch s.Driver {
	case "null":
		return null.New(s.Outputs()), nil
	case "wav":
		dir := s.Card
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(cfg.Data, dir)
		}
		return wav.New(dir, s.Outputs())
	case "oto", "alsa", "aplay":
		dir := filepath.Join(cfg.Data, "alsa")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("sound: %w", err)
		}
		c := speaker.Config{Device: s.Card, Dir: dir, Channels: s.Outputs(), Rate: s.Rate}
		if c.Device == "default" {
			c.Device = ""
		}
		// A build without oto plays through aplay: the same card by another way.
		if s.Driver != "aplay" && speaker.HasOto {
			c.Driver, c.Child = s.Driver, child
		}
		return speaker.Open(c, log)
	}
	return nil, fmt.Errorf("sound driver %q: %w", s.Driver, config.ErrSettings)
}

// shelf is the cache as the sound output reads it.
type shelf struct{ *cache.Cache }

// OpenSound implements playout.Sounds.
func (s shelf) OpenSound(d protocol.Digest) (io.ReadSeekCloser, error) { return s.Open(d) }

// Output is an output that can be closed.
type Output interface {
	playout.Output
	io.Closer
}

// outputs opens what the profile has, by medium.
func (a *Agent) outputs(cfg config.Config) (map[protocol.Medium]Output, error) {
	out := map[protocol.Medium]Output{}
	if open := a.opts.Output; open != nil {
		if cfg.Profile.Sound != nil {
			out[protocol.MediumSound] = open(protocol.MediumSound, shelf{a.cache})
		}
		if cfg.Profile.Board != nil {
			out[protocol.MediumBoard] = open(protocol.MediumBoard, shelf{a.cache})
		}
		return out, nil
	}
	if cfg.Profile.Sound != nil {
		sink := a.opts.Sink
		if sink == nil {
			var err error
			if sink, err = SinkOf(cfg, a.opts.Speaker, a.log); err != nil {
				return out, err
			}
		}
		sound := playout.NewSound(player.New(sink, a.log), shelf{a.cache})
		sound.Relays(a.relay)
		p := cfg.Profile.Sound
		if p.Microphone != "" {
			mic := microphone.New(microphone.Config{Device: p.Microphone, Program: a.opts.Recorder, Fault: func(on bool) { a.fault("microphone", on) }, Log: a.log})
			sound.Hears(func() playout.Hearing { return mic.Listen() })
		}
		sound.Spaces(playout.Spacing{Gap: p.Gap.Std(), PreRoll: p.PreRoll.Std(), Scatter: scatter(a.id.Device, p.Scatter.Std())})
		if p := cfg.Profile.Amplifier; p != nil {
			if err := a.amplify(sound, *p); err != nil {
				return out, errors.Join(err, sound.Close())
			}
		}
		out[protocol.MediumSound] = sound
	}
	if cfg.Profile.Board != nil {
		screen, err := a.open(cfg)
		if err != nil {
			return out, err
		}
		out[protocol.MediumBoard] = screen
	}
	return out, nil
}

// scatter is a device's own part of what starts are scattered over: always the same.
func scatter(device protocol.DeviceID, over time.Duration) time.Duration {
	d := protocol.DigestOf([]byte(device))
	share := binary.BigEndian.Uint32(d[:])
	return time.Duration(float64(over) * float64(share) / (1 << 32)).Round(time.Millisecond)
}

// amplify lets the output switch the amplifier's relay.
func (a *Agent) amplify(s *playout.Sound, p config.Amplifier) error {
	line := a.opts.Relay
	if line == nil {
		var err error
		if line, err = gpio.Open(p.Chip, p.Line, p.ActiveLow); err != nil {
			return fmt.Errorf("amplifier: %w", err)
		}
	}
	amp := amplifier.New(amplifier.Config{
		Line: line, WarmUp: p.WarmUp.Std(), OffAfter: p.OffAfter.Std(),
		Fault: func(on bool) { a.fault("amplifier", on) }, Log: a.log,
	})
	s.Amplifies(amp, p.WarmUp.Std())
	return nil
}
