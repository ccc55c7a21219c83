// Package ddp makes the datagrams of the Distributed Display Protocol
// (http://www.3waylabs.com/ddp/), which pixel controllers such as those running
// WLED take on UDP port 4048.
//
// It decides nothing about the picture and sends nothing itself.
package ddp

import "encoding/binary"

// Port is the controllers' UDP port.
const Port = 4048

const (
	headerSize = 10
	maxPayload = 1440 // bytes of pixels in a datagram, 480 pixels

	flagVersion1 = 0x40
	flagTime     = 0x10
	flagReply    = 0x04
	flagQuery    = 0x02
	flagPush     = 0x01

	typeRGB8 = 0x0b // RGB, 8 bits a channel

	idDisplay = 1
	idStatus  = 251
)

// Protocol counts the datagrams. The zero value is ready.
type Protocol struct {
	seq uint8
	buf [headerSize + maxPayload]byte
}

// Name returns "ddp".
func (p *Protocol) Name() string { return "ddp" }

// Frame cuts the picture into datagrams; the last has the push flag, at which the
// controller shows all of them together.
func (p *Protocol) Frame(rgb []byte, _, _ int, send func([]byte) error) error {
	for offset := 0; offset < len(rgb); offset += maxPayload {
		chunk := rgb[offset:min(offset+maxPayload, len(rgb))]
		p.buf[0] = flagVersion1
		if offset+len(chunk) == len(rgb) {
			p.buf[0] |= flagPush
		}
		p.seq = p.seq%15 + 1 // 1 to 15; 0 means unnumbered
		p.buf[1], p.buf[2], p.buf[3] = p.seq, typeRGB8, idDisplay
		binary.BigEndian.PutUint32(p.buf[4:], uint32(offset))
		binary.BigEndian.PutUint16(p.buf[8:], uint16(len(chunk)))
		n := copy(p.buf[headerSize:], chunk)
		if err := send(p.buf[:headerSize+n]); err != nil {
			return err
		}
	}
	return nil
}

// Last sends nothing: the protocol has no goodbye.
func (p *Protocol) Last(func([]byte) error) error { return nil }

// Probe asks for the controller's status.
func (p *Protocol) Probe() []byte {
	return []byte{flagVersion1 | flagQuery, 0, 0, idStatus, 0, 0, 0, 0, 0, 0}
}

// Answers accepts replies of version 1.
func (p *Protocol) Answers(b []byte) bool {
	return len(b) >= headerSize && b[0]&0xc0 == flagVersion1 && b[0]&flagReply != 0
}

// Ask asks for the display's buffer up to where a datagram of pixels would end.
func (p *Protocol) Ask(from, size int) (datagram []byte, to int) {
	to = min((from/maxPayload+1)*maxPayload, size)
	b := []byte{flagVersion1 | flagQuery, 0, typeRGB8, idDisplay, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(b[4:], uint32(from))
	binary.BigEndian.PutUint16(b[8:], uint16(to-from))
	return b, to
}

// Part reads a reply with a piece of the display's buffer. The push flag says that the
// reply is over, and with less in it than was asked for, that the buffer is: questions
// end where a datagram is full.
func (p *Protocol) Part(b []byte) (from int, pixels []byte, end, ok bool) {
	if !p.Answers(b) || b[3] != idDisplay {
		return 0, nil, false, false
	}
	head := headerSize
	if b[0]&flagTime != 0 {
		head += 4
	}
	length := int(binary.BigEndian.Uint16(b[8:]))
	if len(b) < head+length {
		return 0, nil, false, false
	}
	from = int(binary.BigEndian.Uint32(b[4:]))
	end = b[0]&flagPush != 0 && (length == 0 || (from+length)%maxPayload != 0)
	return from, b[head : head+length], end, true
}
