package speaker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/loa-vn/loa/agent/player"
)

// ErrConfig is wrapped by Open's refusals.
var ErrConfig = errors.New("speaker: bad configuration")

// complete fills in what was left out, checks the rest, and writes the configuration
// of a card that was named.
func (c *Config) complete() error {
	if c.Channels == 0 {
		c.Channels = 1
	}
	if c.Rate == 0 {
		c.Rate = player.Rate
	}
	if c.Driver == "" {
		c.Driver = DriverOto
	}
	if c.Buffer == 0 {
		c.Buffer = DefaultBuffer
	}
	if c.Stall == 0 {
		c.Stall = DefaultStall
	}
	if c.Aplay == "" {
		c.Aplay = "aplay"
	}
	switch {
	case c.Channels < 1 || c.Channels > 2:
		return fmt.Errorf("%w: %d channels", ErrConfig, c.Channels)
	case c.Driver != DriverOto && c.Driver != DriverALSA:
		return fmt.Errorf("%w: driver %q", ErrConfig, c.Driver)
	case c.Rate != player.Rate && c.Rate != 44_100:
		return fmt.Errorf("%w: %d frames a second", ErrConfig, c.Rate)
	case c.Buffer < 20*time.Millisecond || c.Buffer > 500*time.Millisecond:
		return fmt.Errorf("%w: buffer of %s, not 20 to 500 ms", ErrConfig, c.Buffer)
	case c.Stall < 500*time.Millisecond:
		return fmt.Errorf("%w: stall after %s, less than 500 ms", ErrConfig, c.Stall)
	}
	if !strings.HasPrefix(c.Device, "hw:") {
		if c.Device != "" && !filepath.IsAbs(c.Device) {
			return fmt.Errorf(`%w: device %q is neither "hw:..." nor the path of an ALSA configuration`, ErrConfig, c.Device)
		}
		return nil
	}
	text, err := pin(c.Device)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.alsaPath(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("speaker: ALSA configuration: %w", err)
	}
	return nil
}

// alsaPath is the configuration that the process gets; "" is the system's.
func (c *Config) alsaPath() string {
	if strings.HasPrefix(c.Device, "hw:") {
		return filepath.Join(c.Dir, "asound.conf")
	}
	return c.Device
}

// pin is an ALSA configuration in which there is one card and no other to fall to: the
// default device, converting to whatever that card takes.
func pin(device string) (string, error) {
	card, dev := "", "0"
	for i, field := range strings.Split(strings.TrimPrefix(device, "hw:"), ",") {
		name, value, named := strings.Cut(field, "=")
		switch {
		case !named && i == 0, named && name == "CARD":
			card = field
			if named {
				card = value
			}
		case !named && i == 1, named && name == "DEV":
			dev = field
			if named {
				dev = value
			}
		default:
			return "", fmt.Errorf("%w: device %q", ErrConfig, device)
		}
	}
	if _, err := strconv.ParseUint(dev, 10, 8); err != nil || card == "" || strings.Trim(strings.ToLower(card), "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return "", fmt.Errorf("%w: device %q", ErrConfig, device)
	}
	return fmt.Sprintf(`# written by loa-agent; changes are lost
pcm.!default {
	type plug
	slave.pcm { type hw card %q device %s }
}
ctl.!default { type hw card %q }
`, card, dev, card), nil
}
