package broker_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// sinkEnv makes the test's program a fleet of sinks: a process of its own, so that what
// devices cost is not counted as the hub's.
const sinkEnv = "LOA_BROKER_SINKS"

// sinkSpec is what the process of sinks is told on its standard input.
type sinkSpec struct {
	Addr    string
	Devices int
	Stalled int    // of these, never reading
	Topic   string // to subscribe to; "" says no MQTT at all and only reads
	Bulk    bool   // client ids are those of bulk connections
	CA, Key []byte // of the authority, so that each sink makes its own certificate
}

// sinks is a fleet that discards what it gets and says how late it was.
type sinks struct {
	b   *testing.B
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
	n   int // healthy ones
}

// lateness is what healthy sinks saw since the last report, in ms.
type lateness struct {
	P50, P99, Max float64
}

func (a *authority) sinks(b *testing.B, spec sinkSpec) *sinks {
	b.Helper()
	spec.CA, spec.Key = a.cert.Raw, a.key
	s := &sinks{b: b, n: spec.Devices - spec.Stalled, cmd: exec.Command(os.Args[0], "-test.run=^TestSinks$", "-test.timeout=0")}
	s.cmd.Env, s.cmd.Stderr = append(os.Environ(), sinkEnv+"=1"), os.Stderr
	var err error
	s.in, err = s.cmd.StdinPipe()
	check(b, err)
	out, err := s.cmd.StdoutPipe()
	check(b, err)
	s.out = bufio.NewScanner(out)
	check(b, s.cmd.Start())
	b.Cleanup(s.stop)
	check(b, json.NewEncoder(s.in).Encode(spec))
	return s
}

func (s *sinks) stop() {
	if s.cmd.ProcessState != nil {
		return
	}
	_ = s.in.Close() // it ends by that
	_ = s.cmd.Wait()
}

// line waits for the next line of the fleet.
func (s *sinks) line() string {
	s.b.Helper()
	if !s.out.Scan() {
		s.b.Fatalf("the sinks ended: %v", s.out.Err())
	}
	return s.out.Text()
}

func (s *sinks) ready() {
	s.b.Helper()
	if l := s.line(); l != "ready" {
		s.b.Fatalf("the sinks say %q", l)
	}
}

// arrived waits until one more message has reached all healthy sinks.
func (s *sinks) arrived() {
	s.b.Helper()
	if l := s.line(); l != "arrived" {
		s.b.Fatalf("the sinks say %q", l)
	}
}

// report returns how late the messages since the last report were.
func (s *sinks) report() lateness {
	s.b.Helper()
	_, err := io.WriteString(s.in, "report\n")
	check(s.b, err)
	var l lateness
	check(s.b, json.Unmarshal([]byte(s.line()), &l))
	return l
}

// TestSinks is no test: it is the process that benchmarks start.
func TestSinks(t *testing.T) {
	if os.Getenv(sinkEnv) == "" {
		t.Skip("only as the child process of a benchmark")
	}
	in := bufio.NewReader(os.Stdin)
	first, err := in.ReadBytes('\n')
	check(t, err)
	var spec sinkSpec
	check(t, json.Unmarshal(first, &spec))
	f := newSinkFleet(t, spec)
	fmt.Println("ready")
	go func() {
		for range f.all {
			fmt.Println("arrived")
		}
	}()
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			os.Exit(0)
		}
		if strings.TrimSpace(line) == "report" {
			out, err := json.Marshal(f.report())
			check(t, err)
			fmt.Println(string(out))
		}
	}
}

// sinkFleet counts what its sinks read.
type sinkFleet struct {
	healthy int64
	count   atomic.Int64
	all     chan struct{} // one more message is everywhere

	mu     sync.Mutex
	delays []float64
}

func newSinkFleet(t *testing.T, spec sinkSpec) *sinkFleet {
	f := &sinkFleet{healthy: int64(spec.Devices - spec.Stalled), all: make(chan struct{}, 1<<16)}
	cert, err := x509.ParseCertificate(spec.CA)
	check(t, err)
	ca := &authority{cert: cert, key: ed25519.PrivateKey(spec.Key)}
	places := make(chan struct{}, 16)
	var wg sync.WaitGroup
	for i := range spec.Devices {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			name := fmt.Sprintf("dev%d", i)
			if spec.Bulk {
				name += ".bulk"
			}
			conn, r := f.connect(t, spec, ca, name, i < spec.Stalled)
			if i >= spec.Stalled && conn != nil {
				go f.read(conn, r)
			}
		})
	}
	wg.Wait()
	return f
}

// connect opens one connection, and subscribes if there is a topic.
func (f *sinkFleet) connect(t *testing.T, spec sinkSpec, ca *authority, name string, stalled bool) (net.Conn, *bufio.Reader) {
	tcp, err := net.Dial("tcp", spec.Addr)
	check(t, err)
	if stalled {
		check(t, tcp.(*net.TCPConn).SetReadBuffer(4<<10))
	}
	conn := tls.Client(tcp, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, name)}, InsecureSkipVerify: true}) // whom it speaks to is not measured
	check(t, conn.Handshake())
	c := &rawClient{Conn: conn, r: bufio.NewReaderSize(conn, 1<<10)}
	if spec.Topic != "" {
		for _, p := range [][]byte{connectPacket(name, 4, 300, true), subscribePacket(1, spec.Topic, 1)} {
			c.write(t, p)
			c.read(t)
		}
	}
	return conn, c.r
}

// read takes PUBLISH packets, acknowledges those at QoS 1, and notes their age: the
// payload begins with the instant of sending, 0 for what is not to be measured.
func (f *sinkFleet) read(conn net.Conn, r *bufio.Reader) {
	var body []byte
	for {
		head, err := r.ReadByte()
		if err != nil {
			return
		}
		length, err := binary.ReadUvarint(r)
		if err != nil {
			return
		}
		body = slices.Grow(body[:0], int(length))[:length]
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		payload := body[2+binary.BigEndian.Uint16(body):]
		if head&6 != 0 {
			if _, err := conn.Write(pubackPacket(binary.BigEndian.Uint16(payload))); err != nil {
				return
			}
			payload = payload[2:]
		}
		if at := int64(binary.BigEndian.Uint64(payload)); at != 0 {
			f.note(float64(time.Now().UnixNano()-at) / 1e6)
		}
	}
}

func (f *sinkFleet) note(delay float64) {
	f.mu.Lock()
	f.delays = append(f.delays, delay)
	f.mu.Unlock()
	if f.count.Add(1)%f.healthy == 0 {
		f.all <- struct{}{}
	}
}

func (f *sinkFleet) report() lateness {
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.Sort(f.delays)
	at := func(q float64) float64 { return f.delays[int(q*float64(len(f.delays)-1))] }
	l := lateness{at(0.50), at(0.99), at(1)}
	f.delays = f.delays[:0]
	return l
}

// bareServer writes the same bytes to as many TLS connections in a plain loop: the
// limit of this machine.
type bareServer struct {
	addr  string
	conns []net.Conn
}

// newBareServer accepts in the background; all waits for n connections. What clients
// say is read and thrown away.
func (a *authority) newBareServer(b *testing.B) (s *bareServer, all func(n int)) {
	b.Helper()
	conf := a.server(b)
	conf.ClientAuth = tls.RequireAndVerifyClientCert
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(b, err)
	s = &bareServer{addr: ln.Addr().String()}
	shaken := make(chan net.Conn, 1<<10)
	b.Cleanup(func() {
		_ = ln.Close()
		for _, c := range s.conns {
			_ = c.Close()
		}
	})
	go func() {
		for {
			raw, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				conn := tls.Server(raw, conf)
				if conn.Handshake() != nil {
					return
				}
				shaken <- conn
				_, _ = io.CopyBuffer(io.Discard, struct{ io.Reader }{conn}, make([]byte, 64))
			}()
		}
	}()
	return s, func(n int) {
		for len(s.conns) < n {
			s.conns = append(s.conns, <-shaken)
		}
	}
}

func (s *bareServer) publish(b *testing.B, topic string, payload []byte, qos byte) {
	b.Helper()
	frame := publishPacket(1, topic, qos, payload)
	for _, c := range s.conns {
		if _, err := c.Write(frame); err != nil {
			b.Fatal(err)
		}
	}
}

// stamped is a payload of n bytes that says when it was sent.
func stamped(n int) []byte {
	p := bytes.Repeat([]byte{'x'}, n)
	binary.BigEndian.PutUint64(p, uint64(time.Now().UnixNano()))
	return p
}
