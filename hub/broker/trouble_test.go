package broker_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/loa-vn/loa/hub/broker"
)

// endOf waits for the end of a device's connection and returns its reason.
func (s *site) endOf(t testing.TB, id string) string {
	t.Helper()
	prefix := id + " disconnected: "
	eventually(t, "the end of "+id, func() bool { return len(s.events.of(prefix)) > 0 })
	return strings.TrimPrefix(s.events.of(prefix)[0], prefix)
}

// delivery publishes n messages of size bytes at qos, one after the other has come, and
// returns the longest time that one took to reach got.
func (s *site) delivery(t *testing.T, n, size int, qos byte, got <-chan string) (longest time.Duration) {
	t.Helper()
	for range n {
		start := time.Now()
		check(t, s.Publish("u/x/plan", filled(size), qos))
		receive(t, got)
		longest = max(longest, time.Since(start))
	}
	return longest
}

func TestStalledSubscriberDelaysNobodyAndIsCutOff(t *testing.T) {
	for _, qos := range []byte{0, 1} {
		t.Run(fmt.Sprintf("QoS%d", qos), func(t *testing.T) {
			s := open(t, func(c *broker.Config) { c.WriteTime = time.Minute; c.MaxUnacked = 10_000 })
			got := subscribe(t, s.paho(t, "healthy", nil), "u/x/plan", qos)
			alone := s.delivery(t, 200, 8<<10, qos, got)
			s.join(t, "stalled", "u/x/plan") // never reads again
			beside := s.delivery(t, 200, 8<<10, qos, got)
			if reason := s.endOf(t, "stalled"); reason != broker.ErrQueueFull.Error() {
				t.Errorf("stalled client ended by %q", reason)
			}
			t.Logf("longest delivery alone %v, beside the stalled one %v", alone, beside)
			if limit := max(10*alone, time.Second); beside > limit {
				t.Errorf("delivery took %v beside a stalled client, alone %v", beside, alone)
			}
			if n := len(s.events.of("healthy disconnected")); n != 0 {
				t.Error("the healthy client was cut off too")
			}
		})
	}
}

func TestClientThatPingsButNeverReadsIsCutOff(t *testing.T) {
	s := open(t, func(c *broker.Config) {
		c.WriteTime = 300 * time.Millisecond
		c.QueueBytes = 8 << 20
		c.MaxUnacked = 10_000
	})
	c := s.join(t, "dev1", "u/x/plan")
	// Enough to fill the kernel's buffers on both sides, far from the queue's limit. From then
	// on it pings, which moves mochi's deadline again and again.
	for range 200 {
		check(t, s.Publish("u/x/plan", filled(16<<10), 1))
	}
	eventually(t, "the end", func() bool {
		_, _ = c.Write(packet(0xc0, nil))
		return len(s.events.of("dev1 disconnected")) == 1
	})
	if reason := s.endOf(t, "dev1"); reason != broker.ErrStalled.Error() {
		t.Errorf("ended by %q", reason)
	}
}

func TestSlowButReadingClientStays(t *testing.T) {
	s := open(t, func(c *broker.Config) { c.WriteTime = 2 * time.Second; c.QueueBytes = 1 << 20 })
	c := s.join(t, "dev1", "u/x/plan")
	for range 60 { // far more than the kernel's buffers hold
		check(t, s.Publish("u/x/plan", filled(16<<10), 1))
	}
	for i := range 60 {
		kind, body := c.read(t)
		if kind != 3 || len(body) != 2+8+2+16<<10 {
			t.Fatalf("message %d: packet %d of %d bytes", i, kind, len(body))
		}
	}
	eventually(t, "an empty queue", func() bool { return s.Queued("dev1") == 0 && s.Clients()[0].Queued == 0 })
}

func TestBurstOfSmallMessagesIsDeliveredWhole(t *testing.T) {
	s := open(t, nil)
	got := subscribe(t, s.paho(t, "dev1", nil), "d/dev1/cmd", 0)
	const n = 2_000 // many times what mochi would keep pending
	for i := range n {
		check(t, s.Publish("d/dev1/cmd", fmt.Append(nil, i), 0))
	}
	for i := range n {
		if m := receive(t, got); m != fmt.Sprintf("d/dev1/cmd %d", i) {
			t.Fatalf("message %d is %q", i, m)
		}
	}
}

func TestClientThatAcknowledgesNothingIsCutOff(t *testing.T) {
	s := open(t, func(c *broker.Config) { c.MaxUnacked = 10 })
	c := s.join(t, "dev1", "d/dev1/cmd")
	send := func() { check(t, s.Publish("d/dev1/cmd", []byte("c"), 1)) }
	for range 10 {
		send()
	}
	for i := range 10 {
		_, body := c.read(t)
		if i < 5 {
			c.write(t, pubackPacket(uint16(body[12])<<8|uint16(body[13])))
		}
	}
	c.write(t, packet(0xc0, nil))
	if kind, _ := c.read(t); kind != 13 {
		t.Fatalf("packet %d, want the PINGRESP that says the PUBACKs were read", kind)
	}
	for range 5 {
		send()
	}
	for range 5 {
		c.read(t)
	}
	send()
	if reason := s.endOf(t, "dev1"); reason != broker.ErrUnacked.Error() {
		t.Errorf("ended by %q", reason)
	}
}

func TestPacketIDsOfTheTwoDirectionsAreApart(t *testing.T) {
	s := open(t, nil)
	c := s.join(t, "dev1", "d/dev1/cmd")
	check(t, s.Publish("d/dev1/cmd", []byte("c"), 1))
	_, body := c.read(t)
	id := uint16(body[12])<<8 | uint16(body[13])
	// The device may use the same id for something of its own while it owes the PUBACK.
	c.write(t, subscribePacket(id, "u/x/plan", 1))
	if _, suback := c.read(t); suback[2] != 1 {
		t.Errorf("SUBSCRIBE with the id of an unacknowledged delivery answered by % x", suback)
	}
	c.write(t, publishPacket(id, "d/dev1/state", 1, []byte("s")))
	if kind, _ := c.read(t); kind != 4 {
		t.Errorf("packet %d, want the PUBACK", kind)
	}
}

func TestSlowBulkConnectionMissesChunksAndStays(t *testing.T) {
	s := open(t, nil)
	bulk := s.join(t, "dev1.bulk", "c/abc/+")
	control := s.join(t, "dev1", "c/abc/+")
	for range 100 {
		check(t, s.Publish("c/abc/0", filled(16<<10), 0))
	}
	if reason := s.endOf(t, "dev1"); reason != broker.ErrQueueFull.Error() {
		t.Errorf("control connection ended by %q", reason)
	}
	control.readToEnd(t)
	clients := s.Clients()
	if len(clients) != 1 || clients[0].ID != "dev1.bulk" || clients[0].Missed == 0 || clients[0].Queued > 256<<10 {
		t.Fatalf("Clients() = %+v, want the bulk connection with missed chunks", clients)
	}
	if got := s.Stats(); got.Missed != uint64(clients[0].Missed) || got.QueueFull != 1 {
		t.Errorf("counted %+v", got)
	}
	// What was not missed arrives whole, and then chunks flow again.
	for range 100 - clients[0].Missed {
		if kind, body := bulk.read(t); kind != 3 || len(body) != 2+7+16<<10 {
			t.Fatalf("packet %d of %d bytes", kind, len(body))
		}
	}
	check(t, s.Publish("c/abc/1", []byte("next"), 0))
	if _, body := bulk.read(t); string(body) != "\x00\x07c/abc/1next" {
		t.Errorf("got %q", body)
	}
}

func TestTakeOverOfStalledClientIsQuick(t *testing.T) {
	s := open(t, func(c *broker.Config) { c.WriteTime = time.Minute; c.QueueBytes = 8 << 20; c.MaxUnacked = 10_000 })
	stalled := s.join(t, "dev1", "u/x/plan")
	for range 100 {
		check(t, s.Publish("u/x/plan", filled(16<<10), 1))
	}
	if s.Queued("dev1") == 0 {
		t.Fatal("the client is not stalled")
	}
	start := time.Now()
	fresh := s.join(t, "dev1", "u/x/plan")
	took := time.Since(start)
	t.Logf("dialled, connected and subscribed in %v", took)
	if took > time.Second {
		t.Errorf("take-over took %v", took)
	}
	stalled.readToEnd(t)
	// The end of the old connection has not taken the subscription along.
	check(t, s.Publish("u/x/plan", []byte("p"), 1))
	if kind, _ := fresh.read(t); kind != 3 {
		t.Errorf("packet %d, want the plan", kind)
	}
	s.sees(t, "dev1", "dev1 connected", "dev1 disconnected: "+broker.ErrTakenOver.Error(), "dev1 connected")
}

func TestManyConnectionsOfOneClientLeaveOneThatWorks(t *testing.T) {
	s := open(t, nil)
	clients := make(chan *rawClient, 20)
	for range cap(clients) {
		go func() {
			c := s.dial(t, "dev1")
			_, _ = c.Write(connectPacket("dev1", 4, 60, true))
			_, _ = c.Write(subscribePacket(1, "u/x/plan", 0))
			clients <- c
		}()
	}
	for range cap(clients) {
		<-clients
	}
	eventually(t, "one connection that hears", func() bool {
		before := s.Stats().Sent
		check(t, s.Publish("u/x/plan", []byte("p"), 0))
		return s.Stats().Sent == before+1 && len(s.Clients()) == 1
	})
	eventually(t, "an end for every beginning but one", func() bool {
		return len(s.events.of("dev1 connected")) == len(s.events.of("dev1 disconnected"))+1
	})
	for i, line := range s.events.of("dev1") {
		if want := []string{"dev1 connected", "dev1 disconnected"}[i%2]; !strings.HasPrefix(line, want) {
			t.Fatalf("event %d is %q, want %q", i, line, want)
		}
	}
}

func TestThirdConnectionWaitsForTheFirstOnesMessage(t *testing.T) {
	s := open(t, nil)
	s.events.block, s.events.stuck = make(chan struct{}), true
	first := s.join(t, "dev1")
	first.write(t, publishPacket(1, "d/dev1/receipt", 1, []byte("slow")))
	eventually(t, "the message", func() bool { return len(s.events.of("dev1: ")) == 1 })
	second, third := s.dial(t, "dev1"), s.dial(t, "dev1")
	second.write(t, connectPacket("dev1", 4, 60, true))
	first.readToEnd(t)
	third.write(t, connectPacket("dev1", 4, 60, true))
	second.readToEnd(t)
	if !third.silent(t) {
		t.Error("the third connection is accepted while the first one's message is being stored")
	}
	close(s.events.block)
	s.sees(t, "dev1", "dev1 connected", "dev1: d/dev1/receipt slow",
		"dev1 disconnected: "+broker.ErrTakenOver.Error(), "dev1 connected")
}

func TestForeignCertificateCannotThrowAnotherOut(t *testing.T) {
	s := open(t, nil)
	victim := s.join(t, "dev1", "u/x/plan")
	thief := s.pahoUnconnected(t, "dev1", func(o *paho.ClientOptions) { o.SetTLSConfig(s.ca.client(t, "dev2")) })
	// That paho can tell shows also that closing has flushed the CONNACK.
	if err := wait(t, thief.Connect()); err == nil || !strings.Contains(err.Error(), "not Authorized") {
		t.Errorf("refused with %v, want the CONNACK's not Authorized", err)
	}
	check(t, s.Publish("u/x/plan", []byte("p"), 0))
	if kind, _ := victim.read(t); kind != 3 {
		t.Errorf("packet %d, want the plan", kind)
	}
	if got := s.events.of(""); !slices.Equal(got, []string{"dev1 connected"}) {
		t.Errorf("events %q", got)
	}
}

func TestRevokedDeviceIsRefused(t *testing.T) {
	s := open(t, nil)
	valid := s.join(t, "dev1")
	s.policy.revoked.Store("dev1", true)
	if err := wait(t, s.pahoUnconnected(t, "dev1", nil).Connect()); err == nil || !strings.Contains(err.Error(), "not Authorized") {
		t.Errorf("refused with %v, want the CONNACK's not Authorized", err)
	}
	s.Disconnect("dev1")
	valid.readToEnd(t)
	if reason := s.endOf(t, "dev1"); reason != broker.ErrDropped.Error() {
		t.Errorf("ended by %q", reason)
	}
}

func TestResumedTLSIsJudgedAgain(t *testing.T) {
	s := open(t, nil)
	conf := s.ca.client(t, "dev1")
	conf.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	connect := func() (c *rawClient, code byte) {
		c = s.dialWith(t, conf)
		c.write(t, connectPacket("dev1", 4, 60, true))
		_, body := c.read(t)
		return c, body[1]
	}
	if _, code := connect(); code != 0 {
		t.Fatalf("refused with %d", code)
	}
	again, code := connect()
	if !again.ConnectionState().DidResume || code != 0 {
		t.Fatalf("resumed: %v, CONNACK %d", again.ConnectionState().DidResume, code)
	}
	s.policy.revoked.Store("dev1", true)
	again, code = connect()
	if !again.ConnectionState().DidResume || code != 5 {
		t.Errorf("after revocation: resumed: %v, CONNACK %d, want 5", again.ConnectionState().DidResume, code)
	}
}

func TestCertificateOfAnotherAuthorityIsRefused(t *testing.T) {
	s := open(t, nil)
	stranger := newAuthority(t).issue(t, "dev1")
	for name, certs := range map[string][]tls.Certificate{"another authority's": {stranger}, "none": nil} {
		conf := s.ca.client(t, "dev1")
		conf.Certificates = certs
		conn := tls.Client(s.dialTCP(t), conf)
		err := conn.Handshake()
		if err == nil { // TLS 1.3 tells the client with the first read
			_, err = conn.Read(make([]byte, 1))
		}
		if err == nil || errors.Is(err, io.EOF) || isTimeout(err) {
			t.Errorf("certificate %s: %v, want a TLS alert", name, err)
		}
	}
	if got := s.events.of(""); len(got) != 0 {
		t.Errorf("events %q", got)
	}
}

func TestOnlyCleanSessionsOfVersion311(t *testing.T) {
	s := open(t, nil)
	for name, connect := range map[string][]byte{
		"version 5":          connectPacket("dev1", 5, 60, true),
		"persistent session": connectPacket("dev1", 4, 60, false),
		"empty id":           connectPacket("", 4, 60, true),
		"will elsewhere": packet(0x10, slices.Concat(field("MQTT"), []byte{4, 2 | 4, 0, 60},
			field("dev1"), field("d/dev2/state"), field("offline"))),
		"retained will": packet(0x10, slices.Concat(field("MQTT"), []byte{4, 2 | 4 | 32, 0, 60},
			field("dev1"), field("d/dev1/state"), field("offline"))),
	} {
		c := s.dial(t, "dev1")
		c.write(t, connect)
		if kind, body := c.read(t); kind != 2 || body[1] == 0 {
			t.Errorf("%s: packet %d % x, want a refusing CONNACK", name, kind, body)
		}
		c.readToEnd(t)
	}
	if got := s.events.of(""); len(got) != 0 {
		t.Errorf("events %q", got)
	}
}

func TestOversizePacketEndsItsSenderOnly(t *testing.T) {
	s := open(t, nil)
	other := s.join(t, "dev2", "u/x/plan")
	c := s.join(t, "dev1")
	c.write(t, publishPacket(1, "d/dev1/receipt", 1, filled(16<<10)))
	if kind, _ := c.read(t); kind != 4 {
		t.Fatalf("packet %d, want the PUBACK of a message of permitted size", kind)
	}
	// Its length alone is enough.
	_, _ = c.Write([]byte{0x32, 0xff, 0xff, 0xff, 0x7f})
	c.readToEnd(t)
	s.endOf(t, "dev1")
	check(t, s.Publish("u/x/plan", []byte("p"), 0))
	if kind, _ := other.read(t); kind != 3 {
		t.Errorf("packet %d, want the plan", kind)
	}
}

func TestGarbageEndsItsSenderOnly(t *testing.T) {
	s := open(t, nil)
	other := s.join(t, "dev2", "u/x/plan")
	plain := s.dialTCP(t)
	_, err := plain.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	check(t, err)
	if _, err := io.ReadAll(plain); isTimeout(err) {
		t.Error("plain text is not refused")
	}
	for _, garbage := range [][]byte{
		{0},
		{0x10, 0},
		{0xf0, 0},
		{0x10, 4, 0, 4, 'M', 'Q'},
		{0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80},
		filled(1000),
		{0x30, 1, 0},
		publishPacket(1, "d/dev1/x", 1, nil), // before CONNECT
	} {
		c := s.dial(t, "dev1")
		_, _ = c.Write(garbage)
		_ = c.tcp.CloseWrite()
		c.readToEnd(t)
	}
	for _, garbage := range [][]byte{
		{0xf0, 0}, {0x30, 1, 0}, {0x82, 2, 0, 0}, {0x36, 0}, connectPacket("dev1", 4, 60, true), filled(1000),
	} {
		c := s.join(t, "dev1")
		_, _ = c.Write(garbage)
		_ = c.tcp.CloseWrite()
		c.readToEnd(t)
	}
	check(t, s.Publish("u/x/plan", []byte("p"), 0))
	if kind, _ := other.read(t); kind != 3 {
		t.Errorf("packet %d, want the plan", kind)
	}
}

func TestFloodingDeviceIsCutOff(t *testing.T) {
	s := open(t, func(c *broker.Config) { c.Rate, c.Burst = 1, 100 })
	got := subscribe(t, s.paho(t, "healthy", nil), "u/x/plan", 1)
	c := s.join(t, "dev1")
	for range 1000 {
		if _, err := c.Write(publishPacket(0, "d/dev1/want", 0, []byte("w"))); err != nil {
			break
		}
	}
	if reason := s.endOf(t, "dev1"); reason != broker.ErrFlood.Error() {
		t.Errorf("ended by %q", reason)
	}
	// Coming again brings no other burst, nor is it let in before it has waited.
	again := s.dial(t, "dev1")
	_, _ = again.Write(connectPacket("dev1", 4, 60, true))
	for range 1000 {
		if _, err := again.Write(publishPacket(0, "d/dev1/want", 0, []byte("w"))); err != nil {
			break
		}
	}
	again.readToEnd(t)
	if n := len(s.events.of("dev1:")); n > 110 {
		t.Errorf("%d messages of a burst of 100 came through", n)
	}
	s.delivery(t, 10, 100, 1, got)
}

func TestSlowHandshakeIsCutOff(t *testing.T) {
	const limit = 2 * time.Second // enough for a good handshake on a busy machine
	s := open(t, func(c *broker.Config) { c.HandshakeTime = limit })
	s.join(t, "dev2")
	start := time.Now()
	silent := s.dialTCP(t)
	noConnect := s.dial(t, "dev1")
	if _, err := io.ReadAll(silent); isTimeout(err) {
		t.Error("a peer that says nothing is kept")
	}
	noConnect.readToEnd(t)
	if took := time.Since(start); took < limit {
		t.Errorf("cut off after %v, before its time", took)
	}
	// After CONNECT the keep-alive counts.
	if n := len(s.events.of("dev2 disconnected")); n != 0 {
		t.Error("a connected device was cut off too")
	}
}

func TestSilentPeersDoNotShutOutAFleet(t *testing.T) {
	s := open(t, func(c *broker.Config) {
		c.MaxHandshakes, c.HandshakeTime, c.HandshakeGrace = 8, time.Hour, 50*time.Millisecond
	})
	var silent []net.Conn
	for range 40 {
		silent = append(silent, s.dialTCP(t))
	}
	for i := range 4 {
		s.join(t, fmt.Sprintf("dev%d", i), "u/x/plan")
	}
	if got := s.Stats(); got.Crowded == 0 {
		t.Errorf("counted %+v, want silent peers cut off", got)
	}
	for _, c := range silent {
		_ = c.Close()
	}
}

func TestManyHandshakesAtOnceAllSucceed(t *testing.T) {
	s := open(t, func(c *broker.Config) { c.HandshakeTime, c.HandshakeGrace = patience, patience })
	failed := make(chan error, 200)
	for i := range cap(failed) {
		c := s.pahoUnconnected(t, fmt.Sprintf("dev%d", i), nil)
		go func() {
			token := c.Connect()
			token.WaitTimeout(patience)
			failed <- token.Error()
		}()
	}
	for range cap(failed) {
		check(t, <-failed)
	}
	if got := s.Stats(); got.Connections != cap(failed) {
		t.Errorf("%d of %d connected", got.Connections, cap(failed))
	}
}

func TestFaultInAHandlerEndsOneConnection(t *testing.T) {
	s := open(t, nil)
	other := s.join(t, "dev2", "u/x/plan")
	c := s.join(t, "dev1")
	s.events.mu.Lock()
	s.events.panic = true
	s.events.mu.Unlock()
	c.write(t, publishPacket(1, "d/dev1/state", 1, []byte("s")))
	c.readToEnd(t)
	s.endOf(t, "dev1")
	if n := s.Stats().Faults; n != 1 {
		t.Errorf("%d faults counted", n)
	}
	check(t, s.Publish("u/x/plan", []byte("p"), 0))
	if kind, _ := other.read(t); kind != 3 {
		t.Errorf("packet %d, want the plan", kind)
	}
}
