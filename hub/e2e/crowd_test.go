package e2e

import (
	"bufio"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// crowdEnv makes the test's program a crowd of devices: what they cost is not counted
// as the hub's. They discard what they get, with the same code for hub and limit.
const crowdEnv = "LOA_CROWD"

// member is one device of a crowd.
type member struct {
	ID        protocol.DeviceID
	Key       []byte // private
	Cert      []byte // DER
	Bulk      []byte // DER
	Placement uint64
}

// crowdSpec is what a crowd does, told on its standard input.
type crowdSpec struct {
	// Do is "return": connect, say what is held, wait for the plan; "shake": only
	// the TLS handshake and one byte; "get": one GET of URL; "want": get Content over
	// MQTT while listening for alerts; "pest": misbehave, each in its own way.
	Do      string
	Addr    string
	URL     string
	Members []member
	Content protocol.Content
	Window  int // chunks asked for at once
	// Rate is of each member's line, for both connections together, in bytes a
	// second; 0 is as fast as it goes.
	Rate  int
	Units []protocol.UnitID
	// Victim is whose id a pest steals, For how long pests last.
	Victim protocol.DeviceID
	For    time.Duration
	// Polite pests come as often, for a handshake alone.
	Polite bool
}

// crowdResult is what a crowd saw.
type crowdResult struct {
	Took   float64 // ms
	Failed int
	Alerts []float64 // delays in ms
	Came   int       // how often pests came
	Error  string
}

// TestCrowd is no test: it is the process that benchmarks start.
func TestCrowd(t *testing.T) {
	if os.Getenv(crowdEnv) == "" {
		t.Skip("only as the child process of a benchmark")
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		var spec crowdSpec
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			os.Exit(0)
		}
		must(t, err)
		must(t, json.Unmarshal(line, &spec))
		out, err := json.Marshal(spec.run())
		must(t, err)
		fmt.Println(string(out))
	}
}

// dialled is how many connect at a time.
const dialled = 512

func (s crowdSpec) run() crowdResult {
	var (
		r      crowdResult
		failed atomic.Int64
		mu     sync.Mutex
		wg     sync.WaitGroup
		ready  sync.WaitGroup
	)
	places := make(chan struct{}, dialled)
	began := time.Now()
	start := make(chan struct{})
	for i, m := range s.Members {
		wg.Add(1)
		ready.Add(1)
		go func() {
			defer wg.Done()
			var err error
			switch s.Do {
			case "shake":
				ready.Done()
				err = within(places, func() error { return s.shake(m) })
			case "return":
				ready.Done()
				err = within(places, func() error { return s.comeBack(m) })
			case "get":
				ready.Done()
				err = s.fetch(m)
			case "pest":
				ready.Done()
				came := s.pest(m, i)
				mu.Lock()
				r.Came += came
				mu.Unlock()
			case "want":
				var delays []float64
				delays, err = s.want(m, func() { ready.Done(); <-start })
				mu.Lock()
				r.Alerts = append(r.Alerts, delays...)
				mu.Unlock()
			}
			if err != nil {
				failed.Add(1)
				mu.Lock()
				r.Error = err.Error()
				mu.Unlock()
			}
		}()
	}
	ready.Wait()
	if s.Do == "want" {
		fmt.Println("ready")
		began = time.Now()
	}
	close(start)
	if s.Do == "pest" {
		s.awake()
	}
	wg.Wait()
	r.Took, r.Failed = float64(time.Since(began))/1e6, int(failed.Load())
	return r
}

func within(places chan struct{}, fn func() error) error {
	places <- struct{}{}
	defer func() { <-places }()
	return fn()
}

func (m member) tls(bulk bool) *tls.Config {
	cert := m.Cert
	if bulk {
		cert = m.Bulk
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, // whom it speaks to is not measured
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: ed25519.PrivateKey(m.Key)}},
	}
}

func (s crowdSpec) shake(m member) error {
	c, err := tls.Dial("tcp", s.Addr, m.tls(false))
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = io.ReadFull(c, make([]byte, 1))
	return err
}

func (s crowdSpec) fetch(m member) error {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: m.tls(false), DisableKeepAlives: true}}
	resp, err := client.Get(s.URL)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err == nil && n != int64(s.Content.Size) {
		err = fmt.Errorf("%d bytes, %s", n, resp.Status)
	}
	return err
}

// comeBack connects, says what is held, and waits for the plan that is lacking.
func (s crowdSpec) comeBack(m member) error {
	c, err := dialMQTT(s.Addr, m, false, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.subscribe(protocol.DeviceTopic(m.ID, protocol.VerbPlan), 1); err != nil {
		return err
	}
	if err := c.heartbeat(m); err != nil {
		return err
	}
	for {
		topic, _, err := c.next()
		if err != nil {
			return err
		}
		if topic == protocol.DeviceTopic(m.ID, protocol.VerbPlan) {
			return nil
		}
	}
}

// want gets the content over the bulk connection, a window at a time, and notes how
// late alerts are meanwhile.
func (s crowdSpec) want(m member, ready func()) ([]float64, error) {
	var line *bucket
	if s.Rate > 0 {
		line = &bucket{rate: float64(s.Rate)}
	}
	main, err := dialMQTT(s.Addr, m, false, line)
	if err != nil {
		ready()
		return nil, err
	}
	defer main.Close()
	bulk, err := dialMQTT(s.Addr, m, true, line)
	if err != nil {
		ready()
		return nil, err
	}
	defer bulk.Close()
	for _, u := range s.Units {
		err = errors.Join(err, main.subscribe(protocol.UnitTopic(u, protocol.VerbAlert), 1))
	}
	err = errors.Join(err, bulk.subscribe(protocol.ContentFilter(s.Content.Digest), 0))
	ready()
	if err != nil {
		return nil, err
	}
	var delays []float64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			_, payload, err := main.next()
			if err != nil {
				return
			}
			if at := int64(binary.BigEndian.Uint64(payload)); at != 0 {
				delays = append(delays, float64(time.Now().UnixNano()-at)/1e6)
			}
		}
	}()
	err = s.chunks(m, main, bulk)
	_ = main.Close()
	<-ended
	return delays, err
}

// chunks asks for a window of what is missing until nothing is.
func (s crowdSpec) chunks(m member, main, bulk *mqttConn) error {
	have := make([]bool, s.Content.Count())
	asked := map[int]bool{}
	left := len(have)
	last := time.Now()
	ask := func() error {
		item := protocol.WantItem{Digest: s.Content.Digest}
		for n := 0; n < len(have) && len(asked) < s.Window; n++ {
			if !have[n] && !asked[n] {
				asked[n] = true
				item.Ranges = append(item.Ranges, protocol.Range{First: uint64(n), Last: uint64(n)})
			}
		}
		if len(item.Ranges) == 0 {
			return nil
		}
		b, err := protocol.Marshal(protocol.Want{Items: []protocol.WantItem{item}, Window: uint64(s.Window) * protocol.ChunkSize})
		if err != nil {
			return err
		}
		return main.publish(protocol.DeviceTopic(m.ID, protocol.VerbWant), b, 0)
	}
	if err := ask(); err != nil {
		return err
	}
	for left > 0 {
		// The deadline is for a packet to begin: one that has begun is read to its end.
		_ = bulk.SetReadDeadline(time.Now().Add(time.Second))
		_, err := bulk.r.Peek(1)
		var topic string
		if err == nil {
			_ = bulk.SetReadDeadline(time.Time{})
			topic, _, err = bulk.next()
		}
		var slow net.Error
		switch {
		case errors.As(err, &slow) && slow.Timeout():
			if time.Since(last) > time.Minute {
				return errors.New("no content for a minute")
			}
			clear(asked) // missed, as the line was full
		case err != nil:
			return err
		default:
			// Discarded like what net/http sends: the topic says which chunk it was.
			n, err := strconv.Atoi(topic[strings.LastIndexByte(topic, '/')+1:])
			if err != nil || n >= len(have) {
				return fmt.Errorf("a chunk of %s", topic)
			}
			delete(asked, n)
			if !have[n] {
				have[n], last = true, time.Now()
				left--
			}
		}
		if len(asked) <= s.Window/2 {
			if err := ask(); err != nil {
				return err
			}
		}
	}
	return nil
}

// bucket is a line that carries so many bytes a second.
type bucket struct {
	rate float64
	mu   sync.Mutex
	free time.Time
}

// carry waits until n more bytes have come over the line.
func (b *bucket) carry(n int) {
	b.mu.Lock()
	now := time.Now()
	if b.free.Before(now) {
		b.free = now
	}
	b.free = b.free.Add(time.Duration(float64(n) / b.rate * float64(time.Second)))
	wait := b.free.Sub(now)
	b.mu.Unlock()
	time.Sleep(wait)
}

// lineConn reads at the pace of a line, a packet of the network at a time.
type lineConn struct {
	net.Conn
	line *bucket
}

func (c lineConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p[:min(len(p), 1400)])
	if n > 0 {
		c.line.carry(n)
	}
	return n, err
}

// mqttConn speaks just enough MQTT 3.1.1 (OASIS, 2014).
type mqttConn struct {
	net.Conn
	r  *bufio.Reader
	mu sync.Mutex
	b  []byte
}

func dialMQTT(addr string, m member, bulk bool, line *bucket) (*mqttConn, error) {
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if line != nil {
		_ = raw.(*net.TCPConn).SetReadBuffer(8 << 10)
	}
	over := raw
	if line != nil {
		over = lineConn{raw, line}
	}
	conn := tls.Client(over, m.tls(bulk))
	if err := conn.Handshake(); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	c := &mqttConn{Conn: conn, r: bufio.NewReaderSize(conn, 2<<10)}
	id := protocol.Client{Device: m.ID, Bulk: bulk}.String()
	body := append(mqttField("MQTT"), 4, 2, 1, 44) // 3.1.1, clean, keep-alive 300 s
	if err := c.write(0x10, append(body, mqttField(id)...)); err != nil {
		return nil, err
	}
	head, answer, err := c.packet()
	if err != nil || head != 0x20 || answer[1] != 0 {
		return nil, errors.Join(fmt.Errorf("%s: CONNECT answered by %#x % x", id, head, answer), err)
	}
	return c, nil
}

func mqttField(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

func (c *mqttConn) write(head byte, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.Write(append(binary.AppendUvarint([]byte{head}, uint64(len(body))), body...))
	return err
}

func (c *mqttConn) packet() (head byte, body []byte, err error) {
	if head, err = c.r.ReadByte(); err != nil {
		return 0, nil, err
	}
	length, err := binary.ReadUvarint(c.r)
	if err != nil {
		return 0, nil, err
	}
	c.b = slices.Grow(c.b[:0], int(length))[:length]
	_, err = io.ReadFull(c.r, c.b)
	return head, c.b, err
}

func (c *mqttConn) subscribe(filter string, qos byte) error {
	if err := c.write(0x82, append(append([]byte{0, 1}, mqttField(filter)...), qos)); err != nil {
		return err
	}
	head, body, err := c.packet()
	if err == nil && (head != 0x90 || body[2] > qos) {
		err = fmt.Errorf("SUBSCRIBE %s answered by %#x % x", filter, head, body)
	}
	return err
}

func (c *mqttConn) publish(topic string, payload []byte, qos byte) error {
	body := mqttField(topic)
	if qos > 0 {
		body = append(body, 0, 1)
	}
	return c.write(0x30|qos<<1, append(body, payload...))
}

// next returns the next message, acknowledged if it is to be.
func (c *mqttConn) next() (topic string, payload []byte, err error) {
	for {
		head, body, err := c.packet()
		if err != nil {
			return "", nil, err
		}
		if head>>4 != 3 {
			continue
		}
		n := int(binary.BigEndian.Uint16(body))
		topic, payload = string(body[2:2+n]), body[2+n:]
		if head&6 != 0 {
			if err := c.write(0x40, payload[:2]); err != nil {
				return "", nil, err
			}
			payload = payload[2:]
		}
		return topic, payload, nil
	}
}

func (c *mqttConn) heartbeat(m member) error {
	b, err := protocol.Marshal(protocol.Heartbeat{
		Version: protocol.Version, Device: m.ID, Connection: uint64(time.Now().UnixMicro()), Online: true, At: protocol.InstantOf(time.Now()),
		Placement: m.Placement, ClockSure: true,
	})
	if err != nil {
		return err
	}
	return c.publish(protocol.DeviceTopic(m.ID, protocol.VerbState), b, 1)
}
