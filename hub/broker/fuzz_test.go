package broker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/broker"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// FuzzBytesOfADevice sends a device's arbitrary bytes after its CONNECT: whatever they are, only
// its own connection ends, and nobody else hears of them.
func FuzzBytesOfADevice(f *testing.F) {
	for _, seed := range [][]byte{
		packet(0xc0, nil), packet(0xe0, nil), packet(0xf0, nil),
		subscribePacket(1, "u/x/plan", 1), subscribePacket(2, "$share/g/#", 2),
		packet(0xa2, append([]byte{0, 3}, field("u/x/plan")...)),
		publishPacket(1, "d/dev1/state", 1, []byte("on")), publishPacket(2, "d/dev1/state", 2, nil),
		pubackPacket(1), packet(0x50, []byte{0, 1}), packet(0x62, []byte{0, 1}), packet(0x70, []byte{0, 1}),
		connectPacket("dev1", 4, 60, true), packet(0x20, []byte{0, 0}), packet(0x90, []byte{0, 1, 0}),
		{0x30, 0x80, 0x80, 0x80, 0x01},
		{0x82, 0},
		{0x82, 5, 0, 1, 0xff, 0xff, 0},
	} {
		f.Add(seed)
	}
	s := open(f, func(c *broker.Config) { c.CloseTime = 1 })
	other := s.join(f, "other", "d/other/cmd")
	check(f, other.SetDeadline(time.Time{}))
	conf := s.ca.client(f, "dev1")
	f.Fuzz(func(t *testing.T, data []byte) {
		// A whole connection: both ends' handshake, buffers and goroutines are in it.
		protocoltest.HoldMemoryBeside(t, "bytes of a device", len(data), 1<<20, func() {
			c := s.dialWith(t, conf)
			c.write(t, connectPacket("dev1", 4, 60, true))
			c.read(t)
			_, _ = c.Write(data)
			_ = c.CloseWrite()
			c.readToEnd(t)
			_ = c.tcp.Close()
		})
		c := s.dialWith(t, conf)
		c.write(t, connectPacket("dev1", 4, 60, true))
		c.read(t)
		_, _ = c.Write(data)
		_ = c.CloseWrite()
		c.readToEnd(t)
		_ = c.tcp.Close()
		if n := s.Stats().Faults; n != 0 {
			t.Fatalf("%d panics", n)
		}
		check(t, s.Publish("d/other/cmd", []byte("c"), 0))
		if _, body := other.read(t); !strings.HasSuffix(string(body), "cmdc") {
			t.Errorf("the other device heard %q", body)
		}
	})
}
