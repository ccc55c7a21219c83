package netout_test

import (
	"context"
	"errors"
	"image"
	"net"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/artnet"
	"github.com/loa-vn/loa/agent/display/ddp"
	"github.com/loa-vn/loa/agent/display/flaschen"
	"github.com/loa-vn/loa/agent/display/netout"
	"github.com/loa-vn/loa/agent/display/sacn"
	"github.com/loa-vn/loa/protocol/page"
)

var _ display.Output = (*netout.Output)(nil)

// controller listens on the loopback interface, as DDP controllers do.
func controller(t *testing.T, address string) *net.UDPConn {
	t.Helper()
	at, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenUDP("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func open(t *testing.T, address string, refresh, probe time.Duration) *netout.Output {
	t.Helper()
	o, err := netout.New(netout.Config{Address: address, Width: 2, Height: 1, Protocol: new(ddp.Protocol), Refresh: refresh, Probe: probe})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

func frame() *page.Frame { return &page.Frame{W: 2, H: 1, Pix: []uint8{255, 0}} }

// next returns the pixels of the next datagram that has some, and its sender.
func next(t *testing.T, conn *net.UDPConn) (string, *net.UDPAddr) {
	t.Helper()
	b := make([]byte, 2048)
	for {
		n, from, err := conn.ReadFromUDP(b)
		if err != nil {
			t.Fatal(err)
		}
		if n > 10 {
			return string(b[10:n]), from
		}
	}
}

const amber = "\xff\xb0\x00\x00\x00\x00"

func TestAStandingPictureIsSentAgain(t *testing.T) {
	c := controller(t, "127.0.0.1:0")
	o := open(t, c.LocalAddr().String(), 5*time.Millisecond, 0)
	if err := o.Show(t.Context(), frame(), image.Rectangle{}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if got, _ := next(t, c); got != amber {
			t.Errorf("datagram %d: %x", i, got)
		}
	}
	if err := o.Brightness(0); err != nil {
		t.Fatal(err)
	}
	for { // the refresh takes the new brightness
		if got, _ := next(t, c); got == "\x00\x00\x00\x00\x00\x00" {
			break
		}
	}
}

func TestAnswersAreALinkUntilTheyAreOld(t *testing.T) {
	c := controller(t, "127.0.0.1:0")
	o := open(t, c.LocalAddr().String(), 0, 5*time.Millisecond)
	if o.Health().Link {
		t.Error("a link before any answer")
	}
	b := make([]byte, 64)
	n, from, err := c.ReadFromUDP(b) // the probe
	if err != nil || n != 10 || b[0] != 0x42 {
		t.Fatalf("%x, %v", b[:n], err)
	}
	if _, err := c.WriteToUDP([]byte{0x44, 0, 0, 251, 0, 0, 0, 0, 0, 0}, from); err != nil {
		t.Fatal(err)
	}
	wait(t, func() bool { return o.Health().Link })
	wait(t, func() bool { return !o.Health().Link && !o.Health().Answered.IsZero() })
}

// TestAControllerThatStopsAnsweringTakesNoFrames: what is sent to one that never answered
// is sent; what is sent to one that did and does no more is a fault, until it does again.
func TestAControllerThatStopsAnsweringTakesNoFrames(t *testing.T) {
	c := controller(t, "127.0.0.1:0")
	o := open(t, c.LocalAddr().String(), 0, 5*time.Millisecond)
	showing := func() error { return o.Show(t.Context(), frame(), image.Rectangle{}) }
	for range 5 { // questions
		if _, _, err := c.ReadFromUDP(make([]byte, 64)); err != nil {
			t.Fatal(err)
		}
	}
	if err := showing(); err != nil {
		t.Errorf("one that never answered: %v", err)
	}
	for range 2 {
		_, from := next(t, c)
		wait(t, func() bool {
			if _, err := c.WriteToUDP([]byte{0x44, 0, 0, 251, 0, 0, 0, 0, 0, 0}, from); err != nil {
				t.Fatal(err)
			}
			return o.Health().Link && showing() == nil
		})
		wait(t, func() bool {
			return errors.Is(showing(), netout.ErrSilent) && errors.Is(o.Health().Fault, netout.ErrSilent)
		})
	}
}

func TestAControllerThatVanishesAndReturns(t *testing.T) {
	c := controller(t, "127.0.0.1:0")
	address := c.LocalAddr().String()
	o := open(t, address, 2*time.Millisecond, 0)
	if err := o.Show(t.Context(), frame(), image.Rectangle{}); err != nil {
		t.Fatal(err)
	}
	next(t, c)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	wait(t, func() bool { return o.Health().Fault != nil })
	c = controller(t, address)
	if got, _ := next(t, c); got != amber { // by the refresh alone
		t.Errorf("%x", got)
	}
	wait(t, func() bool { return o.Health().Fault == nil })
}

// Text that runs sends 60 frames a second.
func TestAFrameAllocatesNothing(t *testing.T) {
	art, artErr := artnet.New(0, true)
	streaming, acnErr := sacn.New(sacn.Config{CID: [16]byte{1}, Universe: 1})
	tiles, tilesErr := flaschen.New(0)
	if err := errors.Join(artErr, acnErr, tilesErr); err != nil {
		t.Fatal(err)
	}
	for _, p := range []netout.Protocol{new(ddp.Protocol), art, streaming, tiles} {
		c := controller(t, "127.0.0.1:0")
		o, err := netout.New(netout.Config{Address: c.LocalAddr().String(), Width: 192, Height: 32, Protocol: p, Refresh: time.Hour, Probe: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		f, ctx := page.NewFrame(192, 32), t.Context()
		if n := testing.AllocsPerRun(100, func() {
			if err := o.Show(ctx, f, image.Rectangle{}); err != nil {
				t.Error(err)
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations a frame", p.Name(), n)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	c := controller(t, "127.0.0.1:0")
	o := open(t, c.LocalAddr().String(), 0, 0)
	if err := o.Show(t.Context(), page.NewFrame(3, 1), image.Rectangle{}); !errors.Is(err, display.ErrSize) {
		t.Errorf("another size: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.Show(ended, frame(), image.Rectangle{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	if _, ok := o.ReadBack(); ok {
		t.Error("a controller was read back")
	}
	if err := errors.Join(o.Close(), o.Close()); err != nil {
		t.Error(err)
	}
	if err := o.Show(t.Context(), frame(), image.Rectangle{}); !errors.Is(err, display.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if _, err := netout.New(netout.Config{Address: "127.0.0.1:1", Protocol: new(ddp.Protocol)}); !errors.Is(err, display.ErrSize) {
		t.Errorf("no size: %v", err)
	}
	if _, err := netout.New(netout.Config{Address: "nowhere", Width: 1, Height: 1, Protocol: new(ddp.Protocol)}); err == nil {
		t.Error("an address without a port was taken")
	}
}

// wait returns when ok says so; it asks at every tick and gives up after 10 s.
func wait(t *testing.T, ok func() bool) {
	t.Helper()
	tick, end := time.NewTicker(time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("it did not come about within 10 s")
		}
	}
}
