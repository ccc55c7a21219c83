package broker_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/broker"
)

func TestMessagesGoBothWays(t *testing.T) {
	s := open(t, nil)
	c := s.paho(t, "dev1", nil)
	got0, got1 := subscribe(t, c, "u/x/plan", 1), subscribe(t, c, "d/dev1/cmd", 0)
	check(t, s.Publish("u/x/plan", []byte("p"), 1))
	check(t, s.Publish("d/dev1/cmd", []byte("c"), 1))
	check(t, s.Publish("d/dev2/cmd", []byte("not for dev1"), 1))
	if m := receive(t, got0); m != "u/x/plan p" {
		t.Errorf("got %q", m)
	}
	if m := receive(t, got1); m != "d/dev1/cmd c" {
		t.Errorf("got %q", m)
	}
	check(t, wait(t, c.Publish("d/dev1/state", 1, false, "on")))
	check(t, wait(t, c.Publish("d/dev1/want", 0, false, "all")))
	eventually(t, "both messages", func() bool { return len(s.events.of("dev1:")) == 2 })
	clients := s.Clients()
	if len(clients) != 1 || clients[0].ID != "dev1" || clients[0].Queued != 0 || clients[0].Since.IsZero() {
		t.Errorf("Clients() = %+v", clients)
	}
	c.Disconnect(100)
	eventually(t, "the goodbye", func() bool { return len(s.events.of("dev1 disconnected")) == 1 })
	s.sees(t, "dev1", "dev1 connected", "dev1: d/dev1/state on", "dev1: d/dev1/want all", "dev1 disconnected: <nil>")
}

func TestDevicesNeverHearEachOther(t *testing.T) {
	s := open(t, nil)
	watcher := s.join(t, "watcher", "#")
	c := s.join(t, "dev1")
	for range 20 {
		c.write(t, publishPacket(9, "d/dev1/state", 1, []byte("mine")))
		if kind, _ := c.read(t); kind != 4 {
			t.Fatalf("packet %d, want the PUBACK", kind)
		}
	}
	check(t, s.Publish("d/dev1/state", []byte("from the hub"), 0))
	if got := watcher.hears(t, "d/dev1/state"); !slices.Equal(got, []string{"from the hub"}) {
		t.Errorf("a permitted subscriber heard %q", got)
	}
}

func TestPublishOutsidePolicyReachesNobody(t *testing.T) {
	s := open(t, nil)
	c := s.join(t, "dev1")
	c.write(t, publishPacket(0, "d/dev2/state", 0, []byte("forged")))
	c.write(t, publishPacket(1, "d/dev1/state", 1, []byte("own")))
	if kind, _ := c.read(t); kind != 4 {
		t.Fatalf("packet %d, want the PUBACK of the second", kind)
	}
	if diff := cmp.Diff([]string{"dev1: d/dev1/state own"}, s.events.of("dev1:")); diff != "" {
		t.Error(diff)
	}
	c.write(t, publishPacket(2, "d/dev2/state", 1, []byte("forged")))
	if kind, body, err := c.next(); err == nil {
		t.Errorf("forged QoS 1 message answered by packet %d % x", kind, body)
	}
	eventually(t, "the end", func() bool { return len(s.events.of("dev1 disconnected")) == 1 })
	want := "dev1 disconnected: " + broker.ErrNotPermitted.Error()
	if got := s.events.of("dev1 disconnected")[0]; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSubscriptionOutsidePolicyGets0x80(t *testing.T) {
	s := open(t, nil)
	c := s.join(t, "dev1")
	for i, filter := range []string{"#", "d/dev2/cmd", "+/dev1/cmd", "$SYS/#", "$share/g/u/x/plan"} {
		c.write(t, subscribePacket(uint16(i+1), filter, 1))
		if kind, body := c.read(t); kind != 9 || body[2] != 0x80 {
			t.Errorf("%s: packet %d % x, want SUBACK with 0x80", filter, kind, body)
		}
	}
	// The device is still welcome.
	c.write(t, subscribePacket(9, "u/x/plan", 1))
	if kind, body := c.read(t); kind != 9 || body[2] != 1 {
		t.Errorf("packet %d % x, want the subscription granted", kind, body)
	}
}

func TestSubscriptionsAreLimited(t *testing.T) {
	s := open(t, func(c *broker.Config) { c.MaxFilters = 2 })
	c := s.join(t, "dev1", "u/x/1", "u/x/2")
	c.write(t, subscribePacket(3, "u/x/3", 1))
	if _, body := c.read(t); body[2] != 0x80 {
		t.Errorf("third subscription answered by % x", body)
	}
}

func TestMessageIsAcknowledgedOnlyWhenStored(t *testing.T) {
	s := open(t, nil)
	// A plain error, of which mochi alone would take no notice.
	s.events.setFail(errors.New("disk full"))
	c := s.join(t, "dev1")
	c.write(t, publishPacket(7, "d/dev1/receipt", 1, []byte("r")))
	c.write(t, packet(0xc0, nil))
	if kind, _ := c.read(t); kind != 13 {
		t.Fatalf("packet %d, want the PINGRESP and no PUBACK: the message was not stored", kind)
	}
	s.events.setFail(nil)
	c.write(t, publishPacket(7, "d/dev1/receipt", 1, []byte("r")))
	if kind, body := c.read(t); kind != 4 || body[1] != 7 {
		t.Errorf("packet %d % x, want the PUBACK", kind, body)
	}
	if got := s.Stats(); got.Received != 2 || got.Rejected != 1 {
		t.Errorf("counted %+v", got)
	}
}

func TestPubackWaitsForTheHandler(t *testing.T) {
	s := open(t, nil)
	s.events.block = make(chan struct{})
	c := s.join(t, "dev1")
	other := s.join(t, "dev2", "u/x/plan")
	c.write(t, publishPacket(1, "d/dev1/receipt", 1, []byte("slow")))
	c.write(t, packet(0xc0, nil))
	eventually(t, "the message", func() bool { return len(s.events.of("dev1: ")) == 1 })
	// Meanwhile others are served.
	check(t, s.Publish("u/x/plan", []byte("p"), 1))
	if kind, _ := other.read(t); kind != 3 {
		t.Errorf("packet %d, want the plan", kind)
	}
	if !c.silent(t) {
		t.Error("something came before the message was stored")
	}
	close(s.events.block)
}

func TestMessageThatTakesTooLongIsNotAcknowledged(t *testing.T) {
	s := open(t, func(c *broker.Config) { c.MessageTime = 20 * time.Millisecond })
	s.events.block = make(chan struct{})
	c := s.join(t, "dev1")
	c.write(t, publishPacket(1, "d/dev1/receipt", 1, []byte("slow")))
	c.write(t, packet(0xc0, nil))
	if kind, _ := c.read(t); kind != 13 {
		t.Errorf("packet %d, want the PINGRESP and no PUBACK", kind)
	}
}

func TestUnstoredMessageComesAgainAfterReconnect(t *testing.T) {
	s := open(t, nil)
	s.events.setFail(errors.New("disk full"))
	p := s.paho(t, "dev1", func(o *paho.ClientOptions) { o.SetAutoReconnect(true) })
	p.Publish("d/dev1/receipt", 1, false, "r")
	eventually(t, "the refused message", func() bool { return len(s.events.of("dev1: ")) == 1 })
	s.events.setFail(nil)
	s.Disconnect("dev1")
	eventually(t, "the message again", func() bool { return len(s.events.of("dev1: d/dev1/receipt r")) == 2 })
	s.sees(t, "dev1",
		"dev1 connected", "dev1: d/dev1/receipt r", "dev1 disconnected: "+broker.ErrDropped.Error(),
		"dev1 connected", "dev1: d/dev1/receipt r",
	)
}
