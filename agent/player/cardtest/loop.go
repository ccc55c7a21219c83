package cardtest

import (
	"encoding/binary"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// softer is by how much a microphone hears less than what sounds.
const softer = 10

// openLoop makes the FIFO that hears.
func (c *Card) openLoop() error {
	if err := unix.Mkfifo(c.cfg.Loop, 0o600); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	fd, err := unix.Open(c.cfg.Loop, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.loop = fd
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeSize) // little is stale when somebody begins to listen
	return err
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
