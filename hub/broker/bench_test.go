package broker_test

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/broker"
)

const (
	fleetSize   = 1000
	messageSize = 700 // bytes of payload: a plan's head, or an alert
)

// arrivals collects the delays of one message after another to all who read.
type arrivals struct {
	mu     sync.Mutex
	delays []time.Duration
	due    sync.WaitGroup
}

// note takes the payload's first eight bytes as the instant at which it was sent.
func (a *arrivals) note(payload []byte) {
	delay := time.Since(time.Unix(0, int64(binary.BigEndian.Uint64(payload))))
	a.mu.Lock()
	a.delays = append(a.delays, delay)
	a.mu.Unlock()
	a.due.Done()
}

// run sends b.N messages, each after the last has reached all readers, and reports the delays.
func (a *arrivals) run(b *testing.B, readers int, send func(payload []byte)) {
	payload := make([]byte, messageSize)
	one := func() {
		a.due.Add(readers)
		binary.BigEndian.PutUint64(payload, uint64(time.Now().UnixNano()))
		send(payload)
		a.due.Wait()
	}
	one() // warm
	a.delays = a.delays[:0]
	for b.Loop() {
		one()
	}
	slices.Sort(a.delays)
	at := func(q float64) float64 {
		return float64(a.delays[int(q*float64(len(a.delays)-1))]) / float64(time.Millisecond)
	}
	b.ReportMetric(at(0.50), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(at(1), "max-ms")
}

// BenchmarkFanOut measures the delay of one message of 700 bytes from the hub to 1,000
// devices. "bare" is the limit: the same bytes written to as many TLS connections by a plain loop.
func BenchmarkFanOut(b *testing.B) {
	b.Run("bare", benchmarkBare)
	for _, qos := range []byte{0, 1} {
		for _, stalled := range []int{0, fleetSize / 100} {
			b.Run(fmt.Sprintf("QoS%d/stalled%d", qos, stalled), func(b *testing.B) { benchmarkFanOut(b, qos, stalled) })
		}
	}
}

func benchmarkFanOut(b *testing.B, qos byte, stalled int) {
	s := open(b, func(c *broker.Config) { c.Rate = 1e6 })
	var a arrivals
	for i := range fleetSize {
		c := s.joinAt(b, fmt.Sprintf("dev%d", i), "u/x/plan", qos)
		if i < stalled {
			continue // never reads
		}
		go func() {
			for {
				_, body, err := c.next()
				if err != nil {
					return
				}
				body = body[2+len("u/x/plan"):]
				if qos == 1 {
					if _, err := c.Write(pubackPacket(binary.BigEndian.Uint16(body))); err != nil {
						return
					}
					body = body[2:]
				}
				a.note(body)
			}
		}()
	}
	a.run(b, fleetSize-stalled, func(p []byte) { check(b, s.Publish("u/x/plan", p, qos)) })
}

func (s *site) joinAt(t testing.TB, name, filter string, qos byte) *rawClient {
	t.Helper()
	c := s.dial(t, name)
	check(t, c.SetDeadline(time.Time{}))
	c.write(t, connectPacket(name, 4, 300, true))
	c.read(t)
	c.write(t, subscribePacket(1, filter, qos))
	c.read(t)
	return c
}

func benchmarkBare(b *testing.B) {
	ca := newAuthority(b)
	conf := ca.server(b)
	conf.ClientAuth = tls.RequireAndVerifyClientCert
	ln, err := tls.Listen("tcp", "127.0.0.1:0", conf)
	check(b, err)
	defer ln.Close()
	var a arrivals
	var servers []net.Conn
	for range fleetSize {
		go func() {
			client, err := tls.Dial("tcp", ln.Addr().String(), ca.client(b, "dev"))
			if err != nil {
				return
			}
			r := bufio.NewReader(client)
			payload := make([]byte, messageSize)
			for {
				if _, err := io.ReadFull(r, payload); err != nil {
					return
				}
				a.note(payload)
			}
		}()
		conn, err := ln.Accept()
		check(b, err)
		defer conn.Close()
		check(b, conn.(*tls.Conn).Handshake())
		servers = append(servers, conn)
	}
	a.run(b, fleetSize, func(p []byte) {
		for _, conn := range servers {
			if _, err := conn.Write(p); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// fleetAddr tells the child process of BenchmarkIdleMemory where the broker is.
const fleetAddr = "LOA_BROKER_BENCH_ADDR"

// BenchmarkIdleMemory measures what 1,000 connected devices, in a process of their own, cost
// the broker's process.
func BenchmarkIdleMemory(b *testing.B) {
	s := open(b, nil)
	before := memory()
	child := exec.Command(os.Args[0], "-test.run=^TestFleetChild$")
	child.Env = append(os.Environ(), fleetAddr+"="+s.Addr().String())
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	check(b, err)
	out, err := child.StdoutPipe()
	check(b, err)
	check(b, child.Start())
	pairs := make([]tls.Certificate, fleetSize)
	for i := range pairs {
		pairs[i] = s.ca.issue(b, fmt.Sprintf("dev%d", i))
	}
	started := time.Now()
	for _, p := range pairs {
		check(b, writePair(in, p))
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	check(b, err)
	took := time.Since(started)
	clear(pairs)
	if line != "connected\n" || s.Stats().Connections != fleetSize {
		b.Fatalf("the fleet says %q, %d connected", line, s.Stats().Connections)
	}
	for b.Loop() {
		runtime.GC()
	}
	after := memory()
	const kib = 1024 * fleetSize
	b.ReportMetric(float64(after.rss-before.rss)/kib, "RSS-KiB/client")
	b.ReportMetric(float64(after.heap-before.heap)/kib, "heap-KiB/client")
	b.ReportMetric(float64(after.stack-before.stack)/kib, "stack-KiB/client")
	b.ReportMetric(fleetSize/took.Seconds(), "connects/s")
	check(b, in.Close())
	check(b, child.Wait())
}

type footprint struct{ rss, heap, stack int }

func memory() footprint {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f := footprint{heap: int(m.HeapAlloc), stack: int(m.StackInuse)}
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			f.rss = kb << 10
		}
	}
	return f
}
