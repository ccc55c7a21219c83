package config

import (
	"errors"
	"fmt"
	"image"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
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
	// Driver is oto, alsa (which asks the card how far its output is), aplay, wav (a file
	// for each play) or null.
	Driver string `yaml:"driver" json:"driver"`
	// Card is ALSA's name of it ("default", "hw:0,0"); for wav the folder, under
	// the agent's data when relative.
	Card string `yaml:"card" json:"card"`
	// Rate is in frames a second: what the card is opened with.
	Rate int `yaml:"rate" json:"rate"`
	// Channels is 1 or 2; 0 means 1.
	Channels int `yaml:"channels" json:"channels"`
	// Gap is the least silence between one sound and the next.
	Gap Duration `yaml:"gap" json:"gap"`
	// PreRoll is how long before a sound a faint hum wakes an amplifier that switches
	// itself on when it hears something.
	PreRoll Duration `yaml:"pre_roll" json:"pre_roll"`
	// Scatter is by how much, at most, this device is later than others, always by the
	// same; emergencies never are.
	Scatter Duration `yaml:"scatter" json:"scatter"`
	// Microphone is ALSA's name of a capture device beside the loudspeaker, as Card is, by
	// which the device tests itself; "" for none.
	Microphone string `yaml:"microphone" json:"microphone"`
}

// maxSpacing bounds gap and scatter together: what is late by more is not the play that
// was scheduled.
const maxSpacing = 2 * time.Second

// maxPreRoll bounds what a sound is prepared ahead by.
const maxPreRoll = 10 * time.Second

// Outputs is how many channels the card is opened with.
func (s Sound) Outputs() int { return max(s.Channels, 1) }

func (s Sound) check() error {
	bad := func(key, why string) error { return fmt.Errorf("%s %s: %w", key, why, ErrSettings) }
	switch {
	case !slices.Contains(drivers(), s.Driver):
		return bad("sound.driver", "must be one of "+strings.Join(drivers(), ", "))
	case s.Rate != 44_100 && s.Rate != protocol.SoundRate:
		return bad("sound.rate", "must be 44100 or 48000")
	case s.Channels < 0 || s.Channels > 2:
		return bad("sound.channels", "must be 1 or 2")
	case s.Gap < 0 || s.Scatter < 0 || s.Gap.Std()+s.Scatter.Std() > maxSpacing:
		return bad("sound.gap and sound.scatter", "must be 2s together at most")
	case s.PreRoll < 0 || s.PreRoll.Std() > maxPreRoll:
		return bad("sound.pre_roll", "must be 10s at most")
	}
	return nil
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
	// Output is the kind of the way to it and its address: "drm:/dev/dri/card0",
	// "ddp:192.168.1.50:4048", "png:out/board".
	Output string `yaml:"output" json:"output"`
	// Brightness is how bright it is, by the hours of the local day.
	Brightness Brightness `yaml:"brightness" json:"brightness"`
	// Main is where bulletins stand beside the zones; none: on the whole board, as
	// emergencies always do.
	Main *Area `yaml:"main" json:"main"`
	// Zones are the places beside Main that show something of their own.
	Zones []Zone `yaml:"zones" json:"zones"`
	// Key is what ends an emergency on this board, for whoever can reach it.
	Key *Key `yaml:"key" json:"key,omitempty"`
}

// Key is a key inside a board's case: of an input device of the kernel, or on a GPIO line.
type Key struct {
	// Input is the device, "/dev/input/by-path/...-event", and Code the key's number on it
	// (linux/input-event-codes.h); 0 for any.
	Input string `yaml:"input" json:"input"`
	Code  int    `yaml:"code" json:"code"`
	// Chip and Line name a GPIO line instead; ActiveLow is true if it is low while the
	// key is pressed.
	Chip      string `yaml:"chip" json:"chip"`
	Line      int    `yaml:"line" json:"line"`
	ActiveLow bool   `yaml:"active_low" json:"active_low"`
	// Hold is how long it has to be held; 0 for 3 s.
	Hold Duration `yaml:"hold" json:"hold"`
}

// maxHold is how long a key may have to be held.
const maxHold = 30 * time.Second

func (k *Key) check() error {
	switch {
	case k == nil:
		return nil
	case (k.Input == "") == (k.Chip == ""):
		return errors.New("needs either input or chip with line")
	case k.Input == "" && k.Code != 0, k.Chip == "" && (k.Line != 0 || k.ActiveLow):
		return errors.New("has code with input, line and active_low with chip")
	case k.Code < 0 || k.Code > 767 || k.Line < 0:
		return errors.New("needs a code of 0 to 767 and a line from 0 up")
	case k.Hold < 0 || k.Hold.Std() > maxHold:
		return errors.New("is to be held for 30s at most")
	}
	return nil
}

// Brightness is in per cent of what the board can do.
type Brightness struct {
	Percent int         `yaml:"percent" json:"percent"`
	ByHour  []LightHour `yaml:"by_hour" json:"by_hour"`
}

// LightHour is a brightness from one full hour of the local day up to another one;
// to at or before from is on the next day.
type LightHour struct {
	From    int `yaml:"from" json:"from"`
	To      int `yaml:"to" json:"to"`
	Percent int `yaml:"percent" json:"percent"`
}

// Area is a part of a board, px.
type Area struct {
	X      int `yaml:"x" json:"x"`
	Y      int `yaml:"y" json:"y"`
	Width  int `yaml:"width" json:"width"`
	Height int `yaml:"height" json:"height"`
}

// Zone is a part of a board that shows the time ("clock") or the place ("name"), or the
// bulletins that are meant for it: "header", where the place stands when there are none,
// and "ticker", which is dark then.
type Zone struct {
	Shows  string `yaml:"shows" json:"shows"`
	X      int    `yaml:"x" json:"x"`
	Y      int    `yaml:"y" json:"y"`
	Width  int    `yaml:"width" json:"width"`
	Height int    `yaml:"height" json:"height"`
	Row    int    `yaml:"row" json:"row"` // px of a row of text
}

// At is the zone as a rectangle.
func (z Zone) At() image.Rectangle { return Area{z.X, z.Y, z.Width, z.Height}.At() }

// At is the area as a rectangle.
func (a Area) At() image.Rectangle { return image.Rect(a.X, a.Y, a.X+a.Width, a.Y+a.Height) }

// Text is where bulletins stand.
func (b Board) Text() Area {
	if b.Main != nil {
		return *b.Main
	}
	return Area{Width: b.Width, Height: b.Height}
}

// At returns the brightness of an hour of the local day, in per cent: the first
// entry that holds the hour counts.
func (b Brightness) At(hour int) int {
	for _, h := range b.ByHour {
		if within(hour, h.From, h.To) {
			return h.Percent
		}
	}
	return b.Percent
}

// within says whether an hour lies in a span that may go over midnight.
func within(hour, from, to int) bool {
	if to <= from {
		return hour >= from || hour < to
	}
	return hour >= from && hour < to
}

// Drivers and outputs that a profile may name.
func drivers() []string { return []string{"oto", "alsa", "aplay", "wav", "null"} }

func outputs() []string {
	return []string{"drm", "fb", "ddp", "sacn", "artnet", "flaschen", "kiosk", "png", "null"}
}

// Kind returns the kind of a board's output and its address.
func (b Board) Kind() (kind, address string) {
	kind, address, _ = strings.Cut(b.Output, ":")
	return kind, address
}

// Takes says whether bulletins can be meant for the zone.
func (z Zone) Takes() bool { return z.Shows == protocol.ZoneHeader || z.Shows == protocol.ZoneTicker }

// display is a size as heartbeats carry it.
func display(width, height, row int) protocol.Display {
	return protocol.Display{Width: uint64(width), Height: uint64(height), Row: uint64(row)}
}

// Whole returns the whole board's size if bulletins stand on a part of it, else nil.
func (p Profile) Whole() *protocol.Display {
	if p.Board == nil || p.Board.Main == nil {
		return nil
	}
	d := display(p.Board.Width, p.Board.Height, p.Board.Row)
	return &d
}

// Parts returns the zones that bulletins can be meant for.
func (p Profile) Parts() []protocol.ZoneSize {
	var out []protocol.ZoneSize
	if p.Board != nil {
		for _, z := range p.Board.Zones {
			if z.Takes() {
				out = append(out, protocol.ZoneSize{Name: z.Shows, Size: display(z.Width, z.Height, z.Row)})
			}
		}
	}
	return out
}

// Display returns the size of what bulletins stand on as heartbeats carry it, nil without a board.
func (p Profile) Display() *protocol.Display {
	if p.Board == nil {
		return nil
	}
	main := p.Board.Text()
	d := display(main.Width, main.Height, p.Board.Row)
	return &d
}

// CeilingAt returns the highest volume in an hour of the local day, in per cent.
func (v Volume) CeilingAt(hour int) int {
	ceiling := v.Ceiling
	for _, h := range v.ByHour {
		if within(hour, h.From, h.To) {
			ceiling = min(ceiling, h.Ceiling)
		}
	}
	return ceiling
}

// LoadProfile reads one profile. Errors: ErrSettings; those of the file system.
func LoadProfile(path string) (Profile, error) {
	b, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Profile{}, fmt.Errorf("%w: there is no profile %s; bring the profiles into place with deploy/install.sh agent, or name another with the setting profile: %w", ErrSettings, path, fs.ErrNotExist)
	}
	if err != nil {
		return Profile{}, fmt.Errorf("profile: %w", err)
	}
	p, err := parseProfile(b)
	if err != nil {
		return Profile{}, fmt.Errorf("profile %s: %w", path, err)
	}
	return p, nil
}

func parseProfile(b []byte) (Profile, error) {
	p := Profile{Volume: Volume{Ceiling: 100}}
	if err := strict(b, &p); err != nil {
		return Profile{}, err
	}
	if p.Board != nil && p.Board.Brightness.Percent == 0 {
		p.Board.Brightness.Percent = 100
	}
	return p, p.check()
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
		if err := s.check(); err != nil {
			return err
		}
	}
	if a := p.Amplifier; a != nil && (a.Chip == "" || a.Line < 0 || a.WarmUp < 0 || a.OffAfter < 0) {
		return bad("amplifier", "needs chip, line and times that are not negative")
	}
	return p.Board.check()
}

func (b *Board) check() error {
	bad := func(key, why string) error { return fmt.Errorf("%s %s: %w", key, why, ErrSettings) }
	if b == nil {
		return nil
	}
	if err := b.places(); err != nil {
		return bad("board", err.Error())
	}
	if kind, _ := b.Kind(); !slices.Contains(outputs(), kind) {
		return bad("board.output", "must begin with one of "+strings.Join(outputs(), ", "))
	}
	if err := b.Key.check(); err != nil {
		return bad("board.key", err.Error())
	}
	hours := append([]LightHour{{Percent: b.Brightness.Percent}}, b.Brightness.ByHour...)
	for _, h := range hours {
		if h.From < 0 || h.From > 23 || h.To < 0 || h.To > 24 || h.Percent < 1 || h.Percent > 100 {
			return bad("board.brightness", "needs per cents of 1 to 100, from 0 to 23 and to 0 to 24")
		}
	}
	return nil
}

// places checks that pages can be made for every part of the board and that they
// lie on it, apart.
func (b *Board) places() error {
	if b.Width < 16 || b.Width > page.MaxWidth || b.Height < 8 || b.Height > page.MaxHeight {
		return fmt.Errorf("needs width 16 to %d and height 8 to %d", page.MaxWidth, page.MaxHeight)
	}
	parts := []Zone{{"main", b.Text().X, b.Text().Y, b.Text().Width, b.Text().Height, b.Row}}
	if parts = append(parts, b.Zones...); len(b.Zones) > 0 && b.Main == nil {
		return errors.New("with zones needs main")
	}
	for i, z := range parts {
		if i > 0 && z.Shows != "clock" && z.Shows != "name" && !z.Takes() {
			return fmt.Errorf("zone %d must show clock, name, header or ticker", i)
		}
		if z.Takes() && slices.ContainsFunc(parts[:i], func(o Zone) bool { return o.Shows == z.Shows }) {
			return fmt.Errorf("%s is there twice", z.Shows)
		}
		if err := (page.Board{Width: z.Width, Height: z.Height, Row: z.Row}).Validate(); err != nil {
			return err
		}
		if !z.At().In(image.Rect(0, 0, b.Width, b.Height)) {
			return fmt.Errorf("%s reaches over the board", z.Shows)
		}
		for _, other := range parts[:i] {
			if z.At().Overlaps(other.At()) {
				return fmt.Errorf("%s and %s overlap", other.Shows, z.Shows)
			}
		}
	}
	return nil
}
