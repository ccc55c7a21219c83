package link_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/identity"
	"github.com/loa-vn/loa/agent/link"
	"github.com/loa-vn/loa/protocol"
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// ca issues certificates for a test.
type ca struct {
	cert *x509.Certificate
	key  ed25519.PrivateKey
}

func newCA(t *testing.T) *ca {
	t.Helper()
	c := &ca{}
	c.cert, c.key = issue(t, nil, "loa test CA", 0)
	return c
}

// issue makes a certificate that is valid from a year ago for a year plus valid.
func issue(t *testing.T, by *ca, name string, valid time.Duration) (*x509.Certificate, ed25519.PrivateKey) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().Add(valid),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := tmpl, key
	if by != nil {
		parent, signer = by.cert, by.key
	} else {
		tmpl.IsCA, tmpl.BasicConstraintsValid, tmpl.ExtKeyUsage, tmpl.IPAddresses = true, true, nil, nil
		tmpl.NotAfter = time.Now().AddDate(1, 0, 0)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func pair(t *testing.T, by *ca, name string, valid time.Duration) tls.Certificate {
	t.Helper()
	cert, key := issue(t, by, name, valid)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// hook is the broker's side: who connected, what was published, what is refused.
type hook struct {
	mqtt.HookBase
	mu        sync.Mutex
	published []packets.Packet
	connected []string
	refuse    string // a filter
	changed   chan struct{}
}

func (h *hook) ID() string { return "test" }
func (h *hook) Provides(b byte) bool {
	return slices.Contains([]byte{mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPublished, mqtt.OnWillSent}, b)
}

func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	conn, ok := cl.Net.Conn.(*tls.Conn)
	if !ok || conn.ConnectionState().PeerCertificates[0].Subject.CommonName != cl.ID || !pk.Connect.Clean {
		return false
	}
	h.add(func() { h.connected = append(h.connected, cl.ID) })
	return true
}

func (h *hook) OnACLCheck(_ *mqtt.Client, topic string, _ bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return topic != h.refuse
}

func (h *hook) OnPublished(_ *mqtt.Client, pk packets.Packet) {
	h.add(func() { h.published = append(h.published, pk) })
}

func (h *hook) OnWillSent(_ *mqtt.Client, pk packets.Packet) {
	h.add(func() { h.published = append(h.published, pk) })
}

func (h *hook) add(f func()) {
	h.mu.Lock()
	f()
	h.mu.Unlock()
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

type bench struct {
	t      *testing.T
	ca     *ca
	hook   *hook
	server *mqtt.Server
	addr   string
	link   *link.Link
	got    chan string
	ups    chan uint64
	downs  chan error
	ready  chan []string
	stop   context.CancelFunc
	done   chan error
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// newBench runs a broker with mutual TLS and a link to it.
func newBench(t *testing.T, change func(*bench, *link.Config)) *bench {
	t.Helper()
	b := &bench{
		t: t, ca: newCA(t), hook: &hook{changed: make(chan struct{}, 1)}, got: make(chan string, 100),
		ups: make(chan uint64, 100), downs: make(chan error, 100), ready: make(chan []string, 100), done: make(chan error, 1),
	}
	b.serve("127.0.0.1:0", pair(t, b.ca, "hub", time.Hour))
	device, bulk := pair(t, b.ca, "loa-dong", time.Hour), pair(t, b.ca, "loa-dong.bulk", time.Hour)
	number := uint64(0)
	cfg := link.Config{
		URL: "tls://" + b.addr, Device: "loa-dong", Log: quiet(),
		TLS: func(name string, isBulk bool) *tls.Config {
			cert := device
			if isBulk {
				cert = bulk
			}
			return identity.ClientTLS(b.ca.cert, name, time.Now, cert)
		},
		Number:  func() (uint64, error) { number++; return number, nil },
		Will:    func(n uint64) []byte { return fmt.Append(nil, "offline ", n) },
		Filters: func() []string { return []string{"loa/1/d/loa-dong/cmd", "loa/1/u/binh-an/plan"} },
		Handle:  func(topic string, payload []byte) { b.got <- topic + " " + string(payload) },
		Up:      func(_ context.Context, n uint64) { b.ups <- n }, Down: func(err error) { b.downs <- err },
		BulkReady: func(f []string) { b.ready <- f },
		Timing:    link.Timing{BackoffFirst: 10 * time.Millisecond, BackoffMost: 50 * time.Millisecond, BulkIdle: 20 * time.Millisecond},
	}
	if change != nil {
		change(b, &cfg)
	}
	var err error
	if b.link, err = link.New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	go func() { b.done <- b.link.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-b.done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		b.shut()
	})
	return b
}

// shut ends the broker once its devices are gone: mochi 2.7.9 locks its list of them
// twice when it closes, and stands still if one goes in between.
func (b *bench) shut() {
	const own = 1 // the client by which the broker itself publishes
	for end := time.Now().Add(30 * time.Second); b.server.Clients.Len() > own; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			b.t.Error("devices have not left the broker in 30 s")
			return
		}
	}
	_ = b.server.Close()
}

func (b *bench) serve(addr string, cert tls.Certificate) {
	b.t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(b.ca.cert)
	inner, err := tls.Listen("tcp", addr, &tls.Config{
		Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS13,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.addr = inner.Addr().String()
	b.server = mqtt.New(&mqtt.Options{Logger: quiet(), InlineClient: true})
	if err := errors.Join(b.server.AddHook(b.hook, nil), b.server.AddListener(listeners.NewNet("t", inner)), b.server.Serve()); err != nil {
		b.t.Fatal(err)
	}
}

func await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(30 * time.Second):
		t.Fatalf("%s: nothing in 30 s", what)
		panic("unreachable")
	}
}

// until waits for the broker to have seen something.
func (b *bench) until(what string, ok func(*hook) bool) {
	b.t.Helper()
	for {
		b.hook.mu.Lock()
		done := ok(b.hook)
		b.hook.mu.Unlock()
		if done {
			return
		}
		await(b.t, what, b.hook.changed)
	}
}

func TestMessagesGoBothWaysOverMutualTLS(t *testing.T) {
	b := newBench(t, nil)
	if n := await(t, "up", b.ups); n != 1 || !b.link.Online() {
		t.Errorf("connection %d", n)
	}
	if err := b.link.Publish(t.Context(), "loa/1/d/loa-dong/ask", []byte("question"), 1); err != nil {
		t.Fatal(err)
	}
	b.until("question", func(h *hook) bool {
		return len(h.published) == 1 && string(h.published[0].Payload) == "question"
	})
	if err := b.server.Publish("loa/1/u/binh-an/plan", []byte("plan"), false, 1); err != nil {
		t.Fatal(err)
	}
	if got := await(t, "message", b.got); got != "loa/1/u/binh-an/plan plan" {
		t.Error(got)
	}
	// In order, the device itself says that it goes.
	b.stop()
	b.until("goodbye", func(h *hook) bool {
		last := h.published[len(h.published)-1]
		return last.TopicName == "loa/1/d/loa-dong/state" && string(last.Payload) == "offline 1"
	})
}

func TestEachConnectionHasAHigherNumber(t *testing.T) {
	b := newBench(t, nil)
	await(t, "up", b.ups)
	client, ok := b.server.Clients.Get("loa-dong")
	if !ok {
		t.Fatal("no client")
	}
	// The network breaks. mochi's own Client.Stop would say no will if it came while the
	// broker is between two packets.
	if err := client.Net.Conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := await(t, "down", b.downs); err == nil {
		t.Error("down without an error")
	}
	if n := await(t, "up again", b.ups); n != 2 {
		t.Errorf("connection %d", n)
	}
	b.until("will", func(h *hook) bool {
		return len(h.published) > 0 && string(h.published[0].Payload) == "offline 1"
	})
}

// A device that was moved while it was away still learns of its new place.
func TestAUnitsTopicMayBeRefused(t *testing.T) {
	b := newBench(t, func(b *bench, _ *link.Config) { b.hook.refuse = "loa/1/u/binh-an/plan" })
	await(t, "up", b.ups)
}

func TestARefusalOfItsOwnTopicIsAnError(t *testing.T) {
	b := newBench(t, func(b *bench, _ *link.Config) { b.hook.refuse = "loa/1/d/loa-dong/cmd" })
	if err := await(t, "down", b.downs); !errors.Is(err, link.ErrRefused) {
		t.Errorf("%v", err)
	}
	if err := b.link.Publish(t.Context(), "x", nil, 1); !errors.Is(err, link.ErrOffline) {
		t.Errorf("publish: %v", err)
	}
	b.hook.add(func() { b.hook.refuse = "" })
	await(t, "up", b.ups)
}

// stuckConn is a line that takes nothing any more once it is stuck, until it is closed.
type stuckConn struct {
	net.Conn
	stuck, tried, closed chan struct{}
	once                 sync.Once
}

func (c *stuckConn) Write(b []byte) (int, error) {
	select {
	case <-c.stuck:
	default:
		return c.Conn.Write(b)
	}
	kick(c.tried)
	<-c.closed
	return 0, net.ErrClosed
}

func (c *stuckConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func kick(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// A device that is asked to end does so though its line takes nothing any more, and all
// that wait to send end with it.
func TestItEndsWhileTheLineTakesNothing(t *testing.T) {
	stuck, tried := make(chan struct{}), make(chan struct{}, 1)
	b := newBench(t, func(_ *bench, c *link.Config) {
		c.Timing.Ack = 10 * time.Minute
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			raw, err := new(net.Dialer).DialContext(ctx, network, address)
			return &stuckConn{Conn: raw, stuck: stuck, tried: tried, closed: make(chan struct{})}, err
		}
	})
	await(t, "up", b.ups)
	close(stuck)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 4)
	for range cap(ended) { // more than the library takes before its own calls wait
		go func() { ended <- b.link.Publish(ctx, "loa/1/d/loa-dong/ask", []byte("question"), 1) }()
	}
	await(t, "a message that the line does not take", tried)
	cancel()
	for range cap(ended) {
		if err := await(t, "the end of a call", ended); !errors.Is(err, context.Canceled) {
			t.Errorf("publish: %v", err)
		}
	}
	b.stop()
	err := await(t, "the end of the link", b.done)
	b.done <- err
}

// A connection that is lost is noticed by those who wait to send, and not only when
// their patience ends.
func TestALostConnectionEndsTheCallsOnIt(t *testing.T) {
	stuck, tried := make(chan struct{}), make(chan struct{}, 1)
	lines := make(chan *stuckConn, 10)
	b := newBench(t, func(_ *bench, c *link.Config) {
		c.Timing.Ack = 10 * time.Minute
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			raw, err := new(net.Dialer).DialContext(ctx, network, address)
			line := &stuckConn{Conn: raw, stuck: stuck, tried: tried, closed: make(chan struct{})}
			lines <- line
			return line, err
		}
	})
	await(t, "up", b.ups)
	line := await(t, "the line", lines)
	close(stuck)
	ended := make(chan error, 4)
	for range cap(ended) {
		go func() { ended <- b.link.Publish(t.Context(), "loa/1/d/loa-dong/ask", []byte("question"), 1) }()
	}
	await(t, "a message that the line does not take", tried)
	if err := line.Close(); err != nil {
		t.Fatal(err)
	}
	for range cap(ended) {
		if err := await(t, "the end of a call", ended); err == nil {
			t.Error("published on a line that takes nothing")
		}
	}
}

func TestResubscribeFollowsThePlacement(t *testing.T) {
	var mu sync.Mutex
	filters := []string{"loa/1/u/binh-an-dong/plan"}
	b := newBench(t, func(_ *bench, c *link.Config) {
		c.Filters = func() []string {
			mu.Lock()
			defer mu.Unlock()
			return filters
		}
	})
	await(t, "up", b.ups)
	mu.Lock()
	filters = []string{"loa/1/u/binh-an-doai/plan"}
	mu.Unlock()
	b.link.Resubscribe()
	deadline := time.Now().Add(30 * time.Second)
	for len(b.server.Topics.Subscribers("loa/1/u/binh-an-doai/plan").Subscriptions) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("never subscribed")
		}
		await(t, "tick", time.After(time.Millisecond))
	}
	if n := len(b.server.Topics.Subscribers("loa/1/u/binh-an-dong/plan").Subscriptions); n != 0 {
		t.Errorf("the unit that was left is still read")
	}
}

func TestTheBulkConnectionIsOpenOnlyWhileNeeded(t *testing.T) {
	b := newBench(t, nil)
	await(t, "up", b.ups)
	d := protocol.DigestOf([]byte("content"))
	filter := protocol.ContentFilter(d)
	b.link.Bulk([]string{filter})
	if got := await(t, "ready", b.ready); !slices.Equal(got, []string{filter}) {
		t.Errorf("ready %v", got)
	}
	if _, ok := b.server.Clients.Get("loa-dong.bulk"); !ok {
		t.Error("no second connection")
	}
	topic := protocol.ChunkTopic(d, protocol.Chunk{})
	if err := b.server.Publish(topic, []byte("chunk"), false, 0); err != nil {
		t.Fatal(err)
	}
	if got := await(t, "chunk", b.got); got != topic+" chunk" {
		t.Error(got)
	}
	b.link.Bulk(nil)
	if got := await(t, "closed", b.ready); len(got) != 0 {
		t.Errorf("ready %v", got)
	}
}

func TestAnOversizedPacketEndsTheConnection(t *testing.T) {
	b := newBench(t, nil)
	await(t, "up", b.ups)
	if err := b.server.Publish("loa/1/u/binh-an/plan", make([]byte, 22<<10), false, 1); err != nil {
		t.Fatal(err)
	}
	if err := await(t, "down", b.downs); err == nil {
		t.Error("down without a reason")
	}
	await(t, "up again", b.ups)
	if len(b.got) != 0 {
		t.Error("it was handed on")
	}
	whole := bytes.Repeat([]byte("a"), 20<<10)
	if err := b.server.Publish("loa/1/u/binh-an/plan", whole, false, 1); err != nil {
		t.Fatal(err)
	}
	if got := await(t, "message", b.got); len(got) < len(whole) {
		t.Errorf("%d bytes", len(got))
	}
}

func TestTheServerMustBeThePinnedCAs(t *testing.T) {
	unsure := func() time.Time { return time.Time{} }
	for name, tc := range map[string]struct {
		at     func() time.Time
		pinned func(b *bench) *x509.Certificate
		server func(b *bench) tls.Certificate
		name   string
		want   error
	}{
		"right":                        {at: time.Now},
		"another CA":                   {at: time.Now, pinned: func(b *bench) *x509.Certificate { return newCA(b.t).cert }, want: identity.ErrServer},
		"another CA, unsure":           {at: unsure, pinned: func(b *bench) *x509.Certificate { return newCA(b.t).cert }, want: identity.ErrServer},
		"another name":                 {at: time.Now, name: "other.example", want: identity.ErrServer},
		"another name, unsure":         {at: unsure, name: "other.example", want: identity.ErrServer},
		"expired":                      {at: time.Now, server: func(b *bench) tls.Certificate { return pair(b.t, b.ca, "hub", -time.Hour) }, want: identity.ErrServer},
		"expired, unsure":              {at: unsure, server: func(b *bench) tls.Certificate { return pair(b.t, b.ca, "hub", -time.Hour) }},
		"right, but 30 years ago here": {at: unsure},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(b *bench, c *link.Config) {
				if tc.server != nil {
					b.shut()
					b.serve("127.0.0.1:0", tc.server(b))
					c.URL = "tls://" + b.addr
				}
				pinned := b.ca.cert
				if tc.pinned != nil {
					pinned = tc.pinned(b)
				}
				cert := pair(t, b.ca, "loa-dong", time.Hour)
				c.TLS = func(host string, _ bool) *tls.Config {
					if tc.name != "" {
						host = tc.name
					}
					return identity.ClientTLS(pinned, host, tc.at, cert)
				}
			})
			if tc.want == nil {
				await(t, "up", b.ups)
				return
			}
			if err := await(t, "down", b.downs); !strings.Contains(err.Error(), tc.want.Error()) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestAnAddressMustBeOneOfTLS(t *testing.T) {
	for _, u := range []string{"", "tcp://hub:1883", "hub:8883", "tls://", "https://hub"} {
		if _, err := link.New(link.Config{URL: u}); !errors.Is(err, protocol.ErrInvalid) {
			t.Errorf("%q: %v", u, err)
		}
	}
}
