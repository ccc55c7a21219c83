// Package artnet makes the datagrams of Art-Net 4 (Artistic Licence Holdings),
// which stage and pixel controllers take on UDP port 6454.
//
// A picture is spread over port addresses of 170 pixels, from the first one on.
// It decides nothing about the picture and sends nothing itself.
package artnet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Port is the UDP port of controllers, and the one that they answer to: an output
// that wants answers sends from it.
const Port = 6454

// MaxAddress is the highest port address: 7 bits of net, 4 of sub-net, 4 of universe.
const MaxAddress = 0x7fff

const (
	header   = "Art-Net\x00"
	version  = 14
	opPoll   = 0x2000
	opReply  = 0x2100
	opOutput = 0x5000
	opSync   = 0x5200
	pixels   = 170
)

// ErrConfig: port addresses outside the protocol.
var ErrConfig = errors.New("not an Art-Net port address")

// Protocol counts the datagrams.
type Protocol struct {
	first int
	sync  []byte  // ArtSync; nil: none is sent
	seq   []uint8 // by port address, from the first
	buf   [18 + 3*pixels]byte
}

// New returns a protocol that begins at a port address. With sync each picture is
// followed by ArtSync, at which controllers show it all at once. Errors: ErrConfig.
func New(first int, sync bool) (*Protocol, error) {
	if first < 0 || first > MaxAddress {
		return nil, fmt.Errorf("%d: %w", first, ErrConfig)
	}
	p := &Protocol{first: first}
	p.head(opOutput)
	if sync {
		p.sync = p.short(opSync)
	}
	return p, nil
}

func (p *Protocol) head(op uint16) {
	copy(p.buf[:], header)
	binary.LittleEndian.PutUint16(p.buf[8:], op)
	p.buf[10], p.buf[11] = 0, version
}

// Name returns "artnet".
func (p *Protocol) Name() string { return "artnet" }

// Frame sends one ArtDmx a port address.
func (p *Protocol) Frame(rgb []byte, _, _ int, send func([]byte) error) error {
	n := (len(rgb) + 3*pixels - 1) / (3 * pixels)
	if p.first+n-1 > MaxAddress {
		return fmt.Errorf("%d to %d: %w", p.first, p.first+n-1, ErrConfig)
	}
	for len(p.seq) < n {
		p.seq = append(p.seq, 0)
	}
	for i := range n {
		chunk := rgb[i*3*pixels : min((i+1)*3*pixels, len(rgb))]
		length := len(chunk) + len(chunk)%2 // must be even
		if p.seq[i]++; p.seq[i] == 0 {
			p.seq[i] = 1 // 0 means unnumbered
		}
		p.buf[12], p.buf[13] = p.seq[i], 0
		binary.LittleEndian.PutUint16(p.buf[14:], uint16(p.first+i)) // SubUni, then Net
		binary.BigEndian.PutUint16(p.buf[16:], uint16(length))
		clear(p.buf[18:])
		copy(p.buf[18:], chunk)
		if err := send(p.buf[:18+length]); err != nil {
			return err
		}
	}
	if p.sync == nil {
		return nil
	}
	return send(p.sync)
}

// short returns a datagram of two more bytes, both 0.
func (p *Protocol) short(op uint16) []byte {
	b := append([]byte(header), 0, 0, 0, version, 0, 0)
	binary.LittleEndian.PutUint16(b[8:], op)
	return b
}

// Last sends nothing: the protocol has no goodbye.
func (p *Protocol) Last(func([]byte) error) error { return nil }

// Probe returns ArtPoll.
func (p *Protocol) Probe() []byte { return p.short(opPoll) }

// Answers accepts ArtPollReply.
func (p *Protocol) Answers(b []byte) bool {
	return len(b) >= 10 && bytes.HasPrefix(b, []byte(header)) && binary.LittleEndian.Uint16(b[8:]) == opReply
}
