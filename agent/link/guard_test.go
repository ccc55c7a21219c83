package link

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/loa-vn/loa/protocol"
)

// stream is a connection that gives its bytes in pieces of chance.
type stream struct {
	net.Conn
	left []byte
}

func (s *stream) Read(b []byte) (int, error) {
	if len(s.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), 1+rand.IntN(900))], s.left)
	s.left = s.left[n:]
	return n, nil
}

// packet is an MQTT packet with n bytes after its fixed header.
func packet(n int) []byte {
	b := []byte{0x30}
	for rest := n; ; rest >>= 7 {
		if rest < 128 {
			b = append(b, byte(rest))
			break
		}
		b = append(b, byte(rest&127)|128)
	}
	return append(b, bytes.Repeat([]byte{0xff}, n)...)
}

func TestTheGuardReadsAlongAndChangesNothing(t *testing.T) {
	var all []byte
	for _, n := range []int{0, 2, 127, 128, 16_383, 16_384, maxPacket, 0, 5} {
		all = append(all, packet(n)...)
	}
	got, err := io.ReadAll(&guard{Conn: &stream{left: all}})
	if err != nil || !bytes.Equal(got, all) {
		t.Errorf("%d bytes of %d: %v", len(got), len(all), err)
	}
}

func TestTheGuardEndsAtAPacketTooLong(t *testing.T) {
	for name, tail := range map[string][]byte{
		"one byte too long":   packet(maxPacket + 1),
		"the longest of MQTT": {0x30, 0xff, 0xff, 0xff, 0x7f},
		"no length at all":    {0x30, 0x80, 0x80, 0x80, 0x80, 0x80},
	} {
		_, err := io.ReadAll(&guard{Conn: &stream{left: append(packet(300), tail...)}})
		if !errors.Is(err, protocol.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
