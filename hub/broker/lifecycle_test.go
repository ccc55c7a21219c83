package broker_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/loa-vn/loa/hub/broker"
)

func withWill(id string) func(*paho.ClientOptions) {
	return func(o *paho.ClientOptions) { o.SetWill("d/"+id+"/state", "offline", 1, false) }
}

func TestWillIsSaidWhenTheConnectionBreaks(t *testing.T) {
	s := open(t, nil)
	watcher := s.join(t, "watcher", "#")
	s.paho(t, "dev1", withWill("dev1"))
	s.Disconnect("dev1")
	s.endOf(t, "dev1")
	s.sees(t, "dev1", "dev1 connected", "dev1: d/dev1/state offline", "dev1 disconnected: "+broker.ErrDropped.Error())
	if got := watcher.hears(t, "d/dev1/state"); len(got) != 0 {
		t.Errorf("another device heard %q", got)
	}
}

func TestWillIsNotSaidAfterGoodbyeNorAtShutdown(t *testing.T) {
	s := open(t, nil)
	s.paho(t, "dev1", withWill("dev1")).Disconnect(100)
	s.endOf(t, "dev1")
	s.paho(t, "dev2", withWill("dev2"))
	check(t, s.Close(t.Context()))
	s.sees(t, "",
		"dev1 connected", "dev1 disconnected: <nil>",
		"dev2 connected", "dev2 disconnected: "+broker.ErrShutdown.Error(),
	)
}

func TestWillOfATakenOverConnectionComesBeforeTheNewOne(t *testing.T) {
	s := open(t, nil)
	s.paho(t, "dev1", withWill("dev1"))
	s.join(t, "dev1")
	s.sees(t, "dev1",
		"dev1 connected", "dev1: d/dev1/state offline",
		"dev1 disconnected: "+broker.ErrTakenOver.Error(), "dev1 connected",
	)
}

func TestTakeOverEndsAMessageThatIsBeingStored(t *testing.T) {
	s := open(t, func(c *broker.Config) { c.MessageTime = time.Hour })
	s.events.block = make(chan struct{})
	c := s.join(t, "dev1")
	c.write(t, publishPacket(1, "d/dev1/receipt", 1, []byte("slow")))
	eventually(t, "the message", func() bool { return len(s.events.of("dev1: ")) == 1 })
	s.join(t, "dev1")
	s.sees(t, "dev1",
		"dev1 connected", "dev1: d/dev1/receipt slow",
		"dev1 disconnected: "+broker.ErrTakenOver.Error(), "dev1 connected",
	)
}

func TestKeepAliveEndsASilentConnection(t *testing.T) {
	s := open(t, func(c *broker.Config) { c.MaxKeepAlive = time.Second })
	for id, asked := range map[string]uint16{"none": 0, "long": 65_535, "short": 1} {
		c := s.dial(t, id)
		c.write(t, connectPacket(id, 4, asked, true))
		if kind, body := c.read(t); kind != 2 || body[1] != 0 {
			t.Fatalf("%s: packet %d % x", id, kind, body)
		}
	}
	for _, id := range []string{"none", "long", "short"} {
		if reason := s.endOf(t, id); !strings.Contains(reason, "timeout") {
			t.Errorf("%s ended by %q", id, reason)
		}
	}
}

func TestCloseSendsWhatIsQueuedToThoseWhoRead(t *testing.T) {
	s := open(t, func(c *broker.Config) {
		c.CloseTime = 500 * time.Millisecond
		c.WriteTime = time.Hour
		c.QueueBytes = 1 << 20
	})
	reader := s.join(t, "reader", "u/x/plan")
	s.join(t, "stalled", "u/x/plan")
	silent := s.dialTCP(t)
	eventually(t, "the silent peer", func() bool { return s.Stats().Accepted == 3 })
	const n = 60 // more than the kernel's buffers hold
	for range n {
		check(t, s.Publish("u/x/plan", filled(16<<10), 1))
	}
	got := make(chan int)
	go func() {
		count := 0
		for {
			if kind, _, err := reader.next(); err != nil || kind != 3 {
				got <- count
				return
			}
			count++
		}
	}()
	start := time.Now()
	check(t, s.Close(t.Context()))
	if took := time.Since(start); took > patience/4 {
		t.Errorf("Close took %v, want about 500ms, the time for the stalled client", took)
	}
	if count := <-got; count != n {
		t.Errorf("%d of %d messages arrived", count, n)
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("the silent peer is still connected: %v", err)
	}
	for _, id := range []string{"reader", "stalled"} {
		if reason := s.endOf(t, id); reason != broker.ErrShutdown.Error() {
			t.Errorf("%s ended by %q", id, reason)
		}
	}
	if err := s.Publish("u/x/plan", []byte("late"), 0); !errors.Is(err, broker.ErrClosed) {
		t.Errorf("Publish after Close: %v", err)
	}
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("still listening")
	}
}

func TestCloseCutsOffWhenItsContextEnds(t *testing.T) {
	s := open(t, func(c *broker.Config) { c.CloseTime = time.Hour; c.WriteTime = time.Hour; c.QueueBytes = 8 << 20 })
	s.join(t, "stalled", "u/x/plan")
	for range 100 {
		check(t, s.Publish("u/x/plan", filled(16<<10), 1))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close: %v", err)
	}
}

func TestPublishRefusesWhatItCannotSend(t *testing.T) {
	s := open(t, nil)
	for _, c := range []struct {
		name  string
		topic string
		size  int
		qos   byte
		want  error
	}{
		{"largest", "t", 20 << 10, 1, nil},
		{"too large", "t", 21 << 10, 1, broker.ErrTooLarge},
		{"no topic", "", 1, 0, broker.ErrInvalidTopic},
		{"a filter", "u/+/plan", 1, 0, broker.ErrInvalidTopic},
		{"a filter", "u/#", 1, 0, broker.ErrInvalidTopic},
		{"of the broker", "$SYS/x", 1, 0, broker.ErrInvalidTopic},
		{"long topic", strings.Repeat("t", 1<<16), 1, 0, broker.ErrInvalidTopic},
		{"QoS 2", "t", 1, 2, broker.ErrInvalidQoS},
	} {
		if err := s.Publish(c.topic, filled(c.size), c.qos); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestOpenRefusesAnIncompleteConfiguration(t *testing.T) {
	ca := newAuthority(t)
	complete := broker.Config{Addr: "127.0.0.1:0", TLS: ca.server(t), Policy: &testPolicy{}, Handler: &recorder{}}
	for name, adjust := range map[string]func(*broker.Config){
		"no authority of devices": func(c *broker.Config) { c.TLS = ca.client(t, "x") },
		"no TLS":                  func(c *broker.Config) { c.TLS = nil },
		"no policy":               func(c *broker.Config) { c.Policy = nil },
		"no handler":              func(c *broker.Config) { c.Handler = nil },
		"no address":              func(c *broker.Config) { c.Addr = "" },
		"bad address":             func(c *broker.Config) { c.Addr = "nowhere" },
		"queue below a packet":    func(c *broker.Config) { c.QueueBytes = 30 << 10 },
		"too many unacknowledged": func(c *broker.Config) { c.MaxUnacked = 40_000 },
	} {
		c := complete
		adjust(&c)
		if b, err := broker.Open(c); err == nil {
			t.Errorf("%s: opened", name)
			_ = b.Close(t.Context())
		}
	}
}

// failingListener fails as a process does that is out of file descriptors.
type failingListener struct {
	net.Listener
	failures atomic.Int32
}

func (l *failingListener) Accept() (net.Conn, error) {
	if l.failures.Add(-1) >= 0 {
		return nil, errors.New("too many open files")
	}
	return l.Listener.Accept()
}

func TestAcceptGoesOnAfterErrors(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	failing := &failingListener{Listener: ln}
	failing.failures.Store(3)
	s := open(t, func(c *broker.Config) { c.Listener = failing })
	s.join(t, "dev1")
}

func TestConnectionsAreLimited(t *testing.T) {
	s := open(t, func(c *broker.Config) { c.MaxConnections = 2 })
	s.join(t, "dev1")
	s.join(t, "dev2")
	third, err := net.Dial("tcp", s.Addr().String())
	if err == nil { // else it was reset that soon
		defer third.Close()
		check(t, third.SetDeadline(time.Now().Add(patience)))
		_, err = third.Read(make([]byte, 1))
	}
	if err == nil || isTimeout(err) {
		t.Errorf("third connection: %v, want its end", err)
	}
	ids := []string{}
	for _, c := range s.Clients() {
		ids = append(ids, c.ID)
	}
	if !slices.Equal(ids, []string{"dev1", "dev2"}) {
		t.Errorf("clients %q", ids)
	}
}
