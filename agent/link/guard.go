package link

import (
	"fmt"
	"net"

	"github.com/loa-vn/loa/protocol"
)

// maxPacket is the longest MQTT packet that a broker has reason to send: a chunk
// with its topic. The library would make room for whatever length it is told.
const maxPacket = protocol.MaxChunk + 1<<10

// guard reads along with the packets' fixed headers (MQTT 3.1.1 section 2.2) and
// ends the connection at one that announces too much.
type guard struct {
	net.Conn
	length   int // the remaining length as far as it was read
	shift    uint
	inLength bool
	left     int // bytes of the packet's rest
}

// Read implements net.Conn. Errors: those of the connection; protocol.ErrTooLarge.
func (g *guard) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	if tooLong := g.look(b[:n]); tooLong != nil {
		return 0, tooLong
	}
	return n, err
}

func (g *guard) look(b []byte) error {
	for len(b) > 0 {
		if g.left > 0 {
			skip := min(g.left, len(b))
			g.left -= skip
			b = b[skip:]
			continue
		}
		c := b[0]
		b = b[1:]
		if !g.inLength {
			g.inLength, g.length, g.shift = true, 0, 0
			continue
		}
		g.length |= int(c&0x7f) << g.shift
		g.shift += 7
		if g.length > maxPacket || g.shift > 28 {
			return fmt.Errorf("packet of %d bytes or more from the broker: %w", g.length, protocol.ErrTooLarge)
		}
		if c&0x80 == 0 {
			g.inLength, g.left = false, g.length
		}
	}
	return nil
}
