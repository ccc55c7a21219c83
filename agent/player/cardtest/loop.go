package cardtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// softer is by how much a microphone hears less than what sounds.
const softer = 10

// LoopPath is the path of the ALSA configuration whose default device hears the card.
func (c *Card) LoopPath() string { return filepath.Join(c.cfg.Dir, "microphone.conf") }

// openLoop makes the FIFO that hears, and a configuration for it.
func (c *Card) openLoop() error {
	if err := unix.Mkfifo(c.cfg.Loop, 0o600); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	text := fmt.Sprintf(`# a microphone that hears a sound card that is a program
pcm.!default {
	type plug
	slave { pcm "microphone" format S16_LE channels 1 rate %d }
}
pcm.microphone {
	type file
	slave.pcm "null"
	file "/dev/null"
	infile %q
	format "raw"
}
pcm.null { type null }
ctl.!default { type null }
`, c.cfg.Rate, c.cfg.Loop)
	if err := os.WriteFile(c.LoopPath(), []byte(text), 0o600); err != nil {
		return err
	}
	fd, err := unix.Open(c.cfg.Loop, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.loop = fd
	return nil
}

// echo lets the microphone hear; what nobody listens to is lost once the FIFO is full.
func (c *Card) echo(pcm []int16) {
	if c.loop == 0 {
		return
	}
	heard := make([]byte, 0, 2*len(pcm)/c.cfg.Channels)
	for i := 0; i < len(pcm); i += c.cfg.Channels {
		heard = binary.LittleEndian.AppendUint16(heard, uint16(pcm[i]/softer))
	}
	// A FIFO that is full has nobody who listens.
	_, _ = unix.Write(c.loop, heard)
}
