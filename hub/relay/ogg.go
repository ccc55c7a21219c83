package relay

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/loa-vn/loa/protocol"
)

// errStream: what ffmpeg wrote is not one stream of Ogg Opus.
var errStream = errors.New("not an Ogg Opus stream")

// maxPending bounds what is held of a page that is not complete, in bytes: a
// page has at most 65,307.
const maxPending = 128 << 10

// demuxer takes an Ogg Opus stream as it comes and gives out its packets. What
// ffmpeg writes is trusted to be in order: its checksums are not looked at.
type demuxer struct {
	give    func(packet []byte) // the slice is the receiver's
	pending []byte
	part    []byte
	packets int // of the headers too
}

// Write implements io.Writer.
func (d *demuxer) Write(b []byte) (int, error) {
	d.pending = append(d.pending, b...)
	for {
		size, err := d.page()
		if err != nil {
			return 0, err
		}
		if size == 0 {
			break
		}
		d.pending = append(d.pending[:0], d.pending[size:]...)
	}
	if len(d.pending) > maxPending {
		return 0, fmt.Errorf("page over %d bytes: %w", maxPending, errStream)
	}
	return len(b), nil
}

// page takes the first page if it is complete and returns its size, else 0.
func (d *demuxer) page() (int, error) {
	b := d.pending
	const head = 27 // bytes before the lacing values
	if len(b) < head {
		return 0, nil
	}
	if string(b[:4]) != "OggS" || b[4] != 0 {
		return 0, fmt.Errorf("no page: %w", errStream)
	}
	lacing := int(b[head-1])
	if len(b) < head+lacing {
		return 0, nil
	}
	size := head + lacing
	for _, l := range b[head : head+lacing] {
		size += int(l)
	}
	if len(b) < size {
		return 0, nil
	}
	body := b[head+lacing : size]
	for _, l := range b[head : head+lacing] {
		d.part = append(d.part, body[:l]...)
		if len(d.part) > maxPending {
			return 0, fmt.Errorf("packet over %d bytes: %w", maxPending, errStream)
		}
		body = body[l:]
		if l < 255 {
			if err := d.packet(bytes.Clone(d.part)); err != nil {
				return 0, err
			}
			d.part = d.part[:0]
		}
	}
	return size, nil
}

func (d *demuxer) packet(p []byte) error {
	d.packets++
	switch {
	case d.packets == 1:
		if len(p) < 19 || string(p[:8]) != "OpusHead" || p[9] != 1 || binary.LittleEndian.Uint32(p[12:]) != protocol.SoundRate {
			return fmt.Errorf("no mono Opus: %w", errStream)
		}
	case d.packets == 2:
	case len(p) > 0 && len(p) <= protocol.MaxFrame:
		d.give(p)
	default:
		return fmt.Errorf("packet of %d bytes: %w", len(p), errStream)
	}
	return nil
}
