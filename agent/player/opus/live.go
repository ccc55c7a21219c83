package opus

import (
	"fmt"

	pion "github.com/pion/opus"
)

// Packets decodes packets of a live stream, one after the other; there is no
// file and no place to seek. It is used by one goroutine at a time.
type Packets struct{ r Reader }

// NewPackets returns a decoder of mono packets at 48 kHz.
func NewPackets() (*Packets, error) {
	d, err := pion.NewDecoderWithOutput(48000, 1)
	if err != nil {
		return nil, fmt.Errorf("opus: decoder: %w", err)
	}
	return &Packets{r: Reader{decoder: d, head: head{channels: 1}, pcm: make([]int16, maxFrames)}}, nil
}

// Decode returns a packet's frames, good until the next call. Errors wrap
// ErrFormat.
func (p *Packets) Decode(packet []byte) ([]int16, error) {
	n, err := duration(packet)
	if err != nil {
		return nil, err
	}
	pcm := p.r.pcm[:n]
	if err := p.r.decodePacket(packet, pcm); err != nil {
		return nil, err
	}
	return pcm, nil
}
