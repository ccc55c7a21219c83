package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loa-vn/loa/protocol"
)

// Profile is what stands in a file of firmware-config/boards: one kind of device.
type Profile struct {
	// Name is the file's name without its ending.
	Name string `yaml:"name" json:"name"`
	// About says in a line what it is for.
	About string `yaml:"about" json:"about"`
	// Arch is the processor: amd64, arm64 or armv7; "" for any.
	Arch string `yaml:"arch" json:"arch"`
	// RTC is true with a battery-backed clock, which may then be believed after a
	// power cut without a network.
	RTC bool `yaml:"rtc" json:"rtc"`
	// Sound and Board are what the device has; at least one of them.
	Sound     *Sound     `yaml:"sound" json:"sound"`
	Volume    Volume     `yaml:"volume" json:"volume"`
	Amplifier *Amplifier `yaml:"amplifier" json:"amplifier"`
	Board     *Board     `yaml:"board" json:"board"`
}

// Sound is a sound card.
type Sound struct {
	// Driver is oto, aplay, wav (a file for each play) or null.
	Driver string `yaml:"driver" json:"driver"`
	// Card is ALSA's name of it ("default", "hw:0,0"); for wav the folder, under
	// the agent's data when relative.
	Card string `yaml:"card" json:"card"`
	// Rate is in frames a second.
	Rate int `yaml:"rate" json:"rate"`
}

// Volume bounds how loud it may be, in per cent of full scale.
type Volume struct {
	Ceiling int    `yaml:"ceiling" json:"ceiling"`
	ByHour  []Hour `yaml:"by_hour" json:"by_hour"`
}

// Hour is a ceiling from one full hour of the local day up to another one; to at
// or before from is on the next day.
type Hour struct {
	From    int `yaml:"from" json:"from"`
	To      int `yaml:"to" json:"to"`
	Ceiling int `yaml:"ceiling" json:"ceiling"`
}

// Amplifier is switched by a relay.
type Amplifier struct {
	// Chip and Line name the GPIO line that the relay hangs on.
	Chip string `yaml:"chip" json:"chip"`
	Line int    `yaml:"line" json:"line"`
	// ActiveLow is true if the relay closes on a low level.
	ActiveLow bool `yaml:"active_low" json:"active_low"`
	// WarmUp is waited before sound, OffAfter after it.
	WarmUp   Duration `yaml:"warm_up" json:"warm_up"`
	OffAfter Duration `yaml:"off_after" json:"off_after"`
}

// Board is a LED board.
type Board struct {
	Width  int `yaml:"width" json:"width"`   // px
	Height int `yaml:"height" json:"height"` // px
	Row    int `yaml:"row" json:"row"`       // px of a row of text
	// Output is the kind of the way to it and its address: "fb:/dev/fb0",
	// "ddp:192.168.1.50:4048", "png:out/board".
	Output string `yaml:"output" json:"output"`
}

// Drivers and outputs that a profile may name.
func drivers() []string { return []string{"oto", "aplay", "wav", "null"} }

func outputs() []string {
	return []string{"drm", "fb", "ddp", "sacn", "artnet", "flaschen", "kiosk", "png", "null"}
}

// Kind returns the kind of a board's output and its address.
func (b Board) Kind() (kind, address string) {
	kind, address, _ = strings.Cut(b.Output, ":")
	return kind, address
}

// Display returns the board's size as heartbeats carry it, nil without a board.
func (p Profile) Display() *protocol.Display {
	if p.Board == nil {
		return nil
	}
	return &protocol.Display{Width: uint64(p.Board.Width), Height: uint64(p.Board.Height), Row: uint64(p.Board.Row)}
}

// CeilingAt returns the highest volume in an hour of the local day, in per cent.
func (v Volume) CeilingAt(hour int) int {
	ceiling := v.Ceiling
	for _, h := range v.ByHour {
		in := hour >= h.From && hour < h.To
		if h.To <= h.From {
			in = hour >= h.From || hour < h.To
		}
		if in {
			ceiling = min(ceiling, h.Ceiling)
		}
	}
	return ceiling
}

// LoadProfile reads one profile. Errors: ErrSettings; those of the file system.
func LoadProfile(path string) (Profile, error) {
	b, err := read(path)
	if err != nil {
		return Profile{}, fmt.Errorf("profile: %w", err)
	}
	p := Profile{Volume: Volume{Ceiling: 100}}
	if err := strict(b, &p); err != nil {
		return Profile{}, fmt.Errorf("profile %s: %w", path, err)
	}
	if err := p.check(); err != nil {
		return Profile{}, fmt.Errorf("profile %s: %w", path, err)
	}
	return p, nil
}

func (p Profile) check() error {
	bad := func(key, why string) error { return fmt.Errorf("%s %s: %w", key, why, ErrSettings) }
	percent := func(n int) bool { return n >= 0 && n <= 100 }
	switch {
	case !protocol.ValidID(p.Name):
		return bad("name", "must be of a-z, 0-9 and -")
	case !slices.Contains([]string{"", "amd64", "arm64", "armv7"}, p.Arch):
		return bad("arch", "must be amd64, arm64 or armv7")
	case p.Sound == nil && p.Board == nil:
		return bad("sound and board", "are both missing")
	case !percent(p.Volume.Ceiling):
		return bad("volume.ceiling", "must be 0 to 100")
	}
	for _, h := range p.Volume.ByHour {
		if h.From < 0 || h.From > 23 || h.To < 0 || h.To > 24 || !percent(h.Ceiling) {
			return bad("volume.by_hour", "needs from 0 to 23, to 0 to 24 and a ceiling of 0 to 100")
		}
	}
	if s := p.Sound; s != nil {
		if !slices.Contains(drivers(), s.Driver) {
			return bad("sound.driver", "must be one of "+strings.Join(drivers(), ", "))
		}
		if s.Rate != 44_100 && s.Rate != protocol.SoundRate {
			return bad("sound.rate", "must be 44100 or 48000")
		}
	}
	if a := p.Amplifier; a != nil && (a.Chip == "" || a.Line < 0 || a.WarmUp < 0 || a.OffAfter < 0) {
		return bad("amplifier", "needs chip, line and times that are not negative")
	}
	if b := p.Board; b != nil {
		if b.Width < 16 || b.Width > 8192 || b.Height < 8 || b.Height > 8192 || b.Row < 8 || b.Row > b.Height {
			return bad("board", "needs width 16 to 8192, height 8 to 8192 and row 8 to height")
		}
		if kind, _ := b.Kind(); !slices.Contains(outputs(), kind) {
			return bad("board.output", "must begin with one of "+strings.Join(outputs(), ", "))
		}
	}
	return nil
}
