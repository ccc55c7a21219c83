package broker_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/broker"
)

// patience is how long a test waits for what must happen; it is no measure of speed.
const patience = 20 * time.Second

// authority is a certificate authority for one test.
type authority struct {
	cert *x509.Certificate
	key  ed25519.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pub, key)
	check(t, err)
	cert, err := x509.ParseCertificate(der)
	check(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{cert, key, pool}
}

func (a *authority) issue(t testing.TB, name string) tls.Certificate {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, pub, a.key)
	check(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a *authority) server(t testing.TB) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.issue(t, "hub")}, ClientCAs: a.pool}
}

func (a *authority) client(t testing.TB, name string) *tls.Config {
	return &tls.Config{RootCAs: a.pool, ServerName: "localhost", Certificates: []tls.Certificate{a.issue(t, name)}}
}

// testPolicy lets a device hear u/# topics of unit "x", its own d/ topics and
// content, and publish to its own topics only. "watcher" may hear everything.
type testPolicy struct{ revoked sync.Map }

func (p *testPolicy) Authenticate(_ context.Context, id string, cert *x509.Certificate) error {
	if cert.Subject.CommonName != id {
		return errors.New("asked about another name than the certificate's")
	}
	if _, ok := p.revoked.Load(id); ok {
		return errors.New("revoked")
	}
	return nil
}

func (p *testPolicy) MaySubscribe(id, filter string) bool {
	return id == "watcher" || strings.HasPrefix(filter, "u/x/") || strings.HasPrefix(filter, "c/") || strings.HasPrefix(filter, "d/"+id+"/")
}

func (p *testPolicy) MayPublish(id, topic string) bool { return strings.HasPrefix(topic, "d/"+id+"/") }

// recorder is a Handler that writes down what it is told, one line an event.
type recorder struct {
	mu    sync.Mutex
	lines []string
	fail  error
	block chan struct{} // if set, Message waits for it or its context
	stuck bool          // Message waits for block alone
	panic bool          // of Message
}

func (r *recorder) add(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *recorder) Connected(id string) { r.add("%s connected", id) }

func (r *recorder) Disconnected(id string, reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf("%s disconnected: %v", id, reason))
}

func (r *recorder) Message(ctx context.Context, id, topic string, payload []byte) error {
	r.add("%s: %s %s", id, topic, payload)
	r.mu.Lock()
	fail, block, stuck, fault := r.fail, r.block, r.stuck, r.panic
	r.mu.Unlock()
	if fault {
		panic("a fault in the handler")
	}
	if block != nil && stuck {
		<-block
	} else if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fail
}

func (r *recorder) setFail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

// of returns the lines that begin with prefix.
func (r *recorder) of(prefix string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []string
	for _, l := range r.lines {
		if strings.HasPrefix(l, prefix) {
			found = append(found, l)
		}
	}
	return found
}

// site is a broker with its authority, policy and handler.
type site struct {
	*broker.Embedded
	ca     *authority
	policy *testPolicy
	events *recorder
}

// open starts a broker whose Close is checked to leave no goroutine behind.
func open(t testing.TB, adjust func(*broker.Config)) *site {
	t.Helper()
	s := started(t, adjust)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		check(t, s.Close(ctx))
		defer func() {
			if left := ownGoroutines(); left != "" {
				t.Logf("goroutines after Close:\n%s", left)
			}
		}()
		eventually(t, "the end of every goroutine", func() bool { return ownGoroutines() == "" })
	})
	return s
}

// started starts a broker that the caller closes.
func started(t testing.TB, adjust func(*broker.Config)) *site {
	t.Helper()
	s := &site{ca: newAuthority(t), policy: &testPolicy{}, events: &recorder{}}
	c := broker.Config{
		Addr: "127.0.0.1:0", TLS: s.ca.server(t), Policy: s.policy, Handler: s.events,
		Log: slog.New(slog.DiscardHandler),
	}
	if adjust != nil {
		adjust(&c)
	}
	b, err := broker.Open(c)
	check(t, err)
	s.Embedded = b
	return s
}

// ownGoroutines returns the stacks that run code of this package or of mochi. One that has
// done its last work may still be there for an instant.
func ownGoroutines() string {
	buf := make([]byte, 16<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var left []string
	for _, g := range strings.Split(string(buf), "\n\n") {
		if strings.Contains(g, "loa/hub/broker.") || strings.Contains(g, "mochi-mqtt") {
			left = append(left, g)
		}
	}
	return strings.Join(left, "\n\n")
}

// paho connects a client of the kind that devices use.
func (s *site) paho(t testing.TB, id string, adjust func(*paho.ClientOptions)) paho.Client {
	t.Helper()
	c := s.pahoUnconnected(t, id, adjust)
	check(t, wait(t, c.Connect()))
	return c
}

func (s *site) pahoUnconnected(t testing.TB, id string, adjust func(*paho.ClientOptions)) paho.Client {
	t.Helper()
	o := paho.NewClientOptions().AddBroker("ssl://" + s.Addr().String()).SetClientID(id).
		SetTLSConfig(s.ca.client(t, id)).SetProtocolVersion(4).SetCleanSession(true).
		SetAutoReconnect(false).SetConnectTimeout(patience)
	if adjust != nil {
		adjust(o)
	}
	c := paho.NewClient(o)
	t.Cleanup(func() { c.Disconnect(0) })
	return c
}

func wait(t testing.TB, token paho.Token) error {
	t.Helper()
	if !token.WaitTimeout(patience) {
		t.Fatal("nothing came back in time")
	}
	return token.Error()
}

// subscribe returns what arrives on filter.
func subscribe(t testing.TB, c paho.Client, filter string, qos byte) <-chan string {
	t.Helper()
	got := make(chan string, 10_000)
	token := c.Subscribe(filter, qos, func(_ paho.Client, m paho.Message) { got <- m.Topic() + " " + string(m.Payload()) })
	check(t, wait(t, token))
	if code := token.(*paho.SubscribeToken).Result()[filter]; code > 1 {
		t.Fatalf("subscription to %s refused: %#x", filter, code)
	}
	return got
}

func receive(t testing.TB, from <-chan string) string {
	t.Helper()
	select {
	case s := <-from:
		return s
	case <-time.After(patience):
		t.Fatal("no message")
		return ""
	}
}

// eventually waits until ok is true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never: %s", what)
		}
	}
}

// sees waits until as many events as wanted have happened to those of prefix, and compares them.
func (s *site) sees(t testing.TB, prefix string, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%q", want), func() bool { return len(s.events.of(prefix)) >= len(want) })
	if diff := cmp.Diff(want, s.events.of(prefix)); diff != "" {
		t.Error(diff)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rawClient speaks MQTT byte by byte, also badly.
type rawClient struct {
	*tls.Conn
	r   *bufio.Reader
	tcp *net.TCPConn
}

// dial opens TLS as name, with a small receive buffer so that a stall shows soon.
func (s *site) dial(t testing.TB, name string) *rawClient {
	t.Helper()
	return s.dialWith(t, s.ca.client(t, name))
}

func (s *site) dialWith(t testing.TB, conf *tls.Config) *rawClient {
	t.Helper()
	tcp := s.dialTCP(t)
	check(t, tcp.SetReadBuffer(64<<10))
	conn := tls.Client(tcp, conf)
	check(t, conn.Handshake())
	return &rawClient{conn, bufio.NewReader(conn), tcp}
}

func (s *site) dialTCP(t testing.TB) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr().String())
	check(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	check(t, conn.SetDeadline(time.Now().Add(2*patience)))
	return conn.(*net.TCPConn)
}

// join dials, connects as name and subscribes to filters at QoS 1.
func (s *site) join(t testing.TB, name string, filters ...string) *rawClient {
	t.Helper()
	c := s.dial(t, name)
	c.write(t, connectPacket(name, 4, 60, true))
	if kind, body := c.read(t); kind != 2 || body[1] != 0 {
		t.Fatalf("%s: CONNECT answered by packet %d % x", name, kind, body)
	}
	for i, f := range filters {
		c.write(t, subscribePacket(uint16(i+1), f, 1))
		if kind, body := c.read(t); kind != 9 || body[2] != 1 {
			t.Fatalf("%s: SUBSCRIBE %s answered by packet %d % x", name, f, kind, body)
		}
	}
	return c
}

func (c *rawClient) write(t testing.TB, p []byte) {
	t.Helper()
	_, err := c.Write(p)
	check(t, err)
}

// next reads one packet and returns its type and what follows the fixed header.
func (c *rawClient) next() (kind byte, body []byte, err error) {
	head, err := c.r.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	length, err := binary.ReadUvarint(c.r)
	if err != nil {
		return 0, nil, err
	}
	body = make([]byte, length)
	_, err = io.ReadFull(c.r, body)
	return head >> 4, body, err
}

func (c *rawClient) read(t testing.TB) (kind byte, body []byte) {
	t.Helper()
	kind, body, err := c.next()
	check(t, err)
	return kind, body
}

// hears returns the payloads that have come by the time that the broker, which has had
// reason to send them before, has answered some more.
func (c *rawClient) hears(t testing.TB, topic string) (payloads []string) {
	t.Helper()
	for range 20 {
		c.write(t, packet(0xc0, nil))
		for {
			kind, body := c.read(t)
			if kind == 13 {
				break
			}
			payloads = append(payloads, strings.TrimPrefix(string(body[2:]), topic))
		}
	}
	return payloads
}

// silent says whether nothing comes, nor the connection ends, for a short time.
func (c *rawClient) silent(t testing.TB) bool {
	t.Helper()
	check(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, _, err := c.next()
	check(t, c.SetReadDeadline(time.Now().Add(patience)))
	return isTimeout(err)
}

// readToEnd reads until the connection is closed by the broker.
func (c *rawClient) readToEnd(t testing.TB) {
	t.Helper()
	for {
		if _, _, err := c.next(); err != nil {
			if isTimeout(err) {
				t.Fatalf("connection stays open")
			}
			return
		}
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// packet puts a fixed header before body.
func packet(head byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{head}, uint64(len(body))), body...)
}

func field(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

func connectPacket(id string, version byte, keepAlive uint16, clean bool) []byte {
	flags := byte(0)
	if clean {
		flags = 2
	}
	body := append(field("MQTT"), version, flags)
	body = binary.BigEndian.AppendUint16(body, keepAlive)
	if version == 5 {
		body = append(body, 0)
	}
	return packet(0x10, append(body, field(id)...))
}

func subscribePacket(packetID uint16, filter string, qos byte) []byte {
	body := binary.BigEndian.AppendUint16(nil, packetID)
	return packet(0x82, append(append(body, field(filter)...), qos))
}

func publishPacket(packetID uint16, topic string, qos byte, payload []byte) []byte {
	body := field(topic)
	if qos > 0 {
		body = binary.BigEndian.AppendUint16(body, packetID)
	}
	return packet(0x30|qos<<1, append(body, payload...))
}

func pubackPacket(packetID uint16) []byte {
	return packet(0x40, binary.BigEndian.AppendUint16(nil, packetID))
}

// filled returns n bytes of payload.
func filled(n int) []byte { return bytes.Repeat([]byte{'x'}, n) }
