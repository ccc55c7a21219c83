package broker

import "encoding/binary"

// ackFilter takes PUBACK packets (MQTT 3.1.1, 3.4) out of what a client sends, so
// that thousands of acknowledgements of one alert cost a few instructions each
// instead of a pass through mochi, whose own books of them are not used. All
// other bytes stay as they are, in their order; a PUBACK that is malformed does too.
type ackFilter struct {
	left   int // of the packet that is passing through
	header int // bytes of its length that were read; 0 between packets
	length int
	held   [4]byte // of what may be a PUBACK
	n      int
}

const pubackHead = 0x40

// strip removes the acknowledgements from p, calls acked with each packet id, and
// returns the rest, in p's own memory or, if bytes were held before, in a new one.
func (f *ackFilter) strip(p []byte, acked func(id uint16)) []byte {
	if f.n > 0 {
		p = append(append(make([]byte, 0, f.n+len(p)), f.held[:f.n]...), p...)
		f.n = 0
	}
	kept := p[:0]
	for len(p) > 0 {
		switch {
		case f.left > 0:
			n := min(f.left, len(p))
			kept, p, f.left = append(kept, p[:n]...), p[n:], f.left-n
		case f.header > 0:
			kept = f.size(kept, p[0])
			p = p[1:]
		case p[0] == pubackHead && len(p) < 4 && (len(p) == 1 || p[1] == 2):
			f.n = copy(f.held[:], p)
			return kept
		case p[0] == pubackHead && len(p) >= 4 && p[1] == 2:
			acked(binary.BigEndian.Uint16(p[2:]))
			p = p[4:]
		default:
			kept = append(kept, p[0])
			p, f.header, f.length = p[1:], 1, 0
		}
	}
	return kept
}

// size reads one byte of a packet's length (2.2.3). One that is too long is the
// business of who reads the packet: it ends the connection.
func (f *ackFilter) size(kept []byte, c byte) []byte {
	f.length |= int(c&0x7f) << (7 * (f.header - 1))
	f.header++
	if c&0x80 == 0 || f.header > 4 {
		f.left, f.header = f.length, 0
	}
	return append(kept, c)
}
