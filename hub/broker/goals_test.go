package broker_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/broker"
	"github.com/loa-vn/loa/hub/e2e/figure"
)

const alertTopic = "u/x/alert"

// BenchmarkGoalFanOut: an alert of 700 bytes to all devices, beside a bare TLS loop with the
// same sinks, and with one in a hundred not reading.
func BenchmarkGoalFanOut(b *testing.B) {
	for _, n := range figure.Sizes(3, 1_000, 5_000) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				fanOutGoal(b, n)
			}
		})
	}
}

func fanOutGoal(b *testing.B, n int) {
	s := measured(b)
	bare, all := s.ca.newBareServer(b)
	limit := s.ca.sinks(b, sinkSpec{Addr: bare.addr, Devices: n})
	all(n)
	limit.ready()
	fleet := s.ca.sinks(b, sinkSpec{Addr: s.Addr().String(), Devices: n, Topic: alertTopic})
	fleet.ready()
	ill := measured(b)
	mixed := ill.ca.sinks(b, sinkSpec{Addr: ill.Addr().String(), Devices: n, Stalled: n / 100, Topic: alertTopic})
	mixed.ready()
	// What a stalled device's kernel takes for it is filled first; less than its queue holds.
	for range 100 {
		check(b, ill.Publish(alertTopic, filledAfter(messageSize), 0))
	}
	most := max(3, 10_000/n)
	one := func(to *sinks, publish func([]byte)) lateness {
		for range most {
			publish(stamped(messageSize))
			to.arrived()
		}
		return to.report()
	}
	for qos := range byte(2) {
		var limits, values, with, worst []float64
		for round := range figure.Rounds() + 1 {
			l := one(limit, func(p []byte) { bare.publish(b, alertTopic, p, qos) })
			v := one(fleet, func(p []byte) { check(b, s.Publish(alertTopic, p, qos)) })
			m := one(mixed, func(p []byte) { check(b, ill.Publish(alertTopic, p, qos)) })
			if round == 0 {
				continue // warm
			}
			limits, values, with, worst = append(limits, l.P99), append(values, v.P99), append(with, m.P99), append(worst, m.Max)
		}
		what := fmt.Sprintf("alert to %d, QoS %d", n, qos)
		check(b, figure.Print(
			figure.Ratio(what+": p99 of a bare TLS loop", "ms", values, limits, 1.6),
			figure.Ratio(what+": p99 with 1 % stalled", "ms", with, values, 1.2),
			figure.Under(what+": longest wait with 1 % stalled", "ms", worst, 250),
		))
	}
	if st := ill.Stats(); st.QueueFull+st.Stalled > 0 {
		b.Logf("%d of the stalled were cut off before the end", st.QueueFull+st.Stalled)
	}
}

// measured is a broker without limits on what devices say.
func measured(b *testing.B) *site {
	b.Helper()
	s := started(b, func(c *broker.Config) { c.Rate = 1e6 })
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = s.Close(ctx) // what devices leave unread is not waited for
	})
	return s
}

// filledAfter is a payload that sinks do not measure.
func filledAfter(n int) []byte { return make([]byte, n) }

// BenchmarkGoalTakeOver: a device comes back while its old connection is half open and stalled.
func BenchmarkGoalTakeOver(b *testing.B) {
	s := measured(b)
	var took []float64
	for b.Loop() {
		for range figure.Rounds() {
			old := s.join(b, "dev1", "u/x/plan")
			for s.Queued("dev1") == 0 {
				check(b, s.Publish("u/x/plan", filled(4<<10), 1))
			}
			conf := s.ca.client(b, "dev1")
			began := time.Now()
			conn, err := tls.Dial("tcp", s.Addr().String(), conf)
			check(b, err)
			_, err = conn.Write(connectPacket("dev1", 4, 60, true))
			check(b, err)
			answer := make([]byte, 4)
			_, err = conn.Read(answer)
			check(b, err)
			took = append(took, float64(time.Since(began))/1e6)
			check(b, conn.Close())
			_ = old.Close()
		}
	}
	check(b, figure.Print(figure.Under("take-over of a half-open session, handshake included", "ms", took, 100)))
}

// BenchmarkGoalMemory: what an idle device costs the hub, beside a bare crypto/tls server.
func BenchmarkGoalMemory(b *testing.B) {
	for _, n := range figure.Sizes(2, 5_000) {
		b.Run(fmt.Sprint(n), func(b *testing.B) { memoryGoal(b, n) })
	}
}

func memoryGoal(b *testing.B, n int) {
	for b.Loop() {
		s := measured(b)
		bare, all := s.ca.newBareServer(b)
		before := memory()
		limit := s.ca.sinks(b, sinkSpec{Addr: bare.addr, Devices: n})
		all(n)
		limit.ready()
		between := memory()
		fleet := s.ca.sinks(b, sinkSpec{Addr: s.Addr().String(), Devices: n, Topic: alertTopic})
		fleet.ready()
		after := memory()
		each := func(from, to footprint) []float64 { return []float64{float64(to.rss-from.rss) / float64(n) / 1024} }
		tls, mqtt := each(before, between), each(between, after)
		check(b, figure.Print(
			figure.Ratio(fmt.Sprintf("memory a device of %d with TLS, beside bare crypto/tls", n), "KiB", mqtt, tls, 2),
			figure.Under(fmt.Sprintf("memory a device of %d without TLS's share", n), "KiB", []float64{mqtt[0] - tls[0] + bareTCP(b)}, 45),
		))
	}
}

// bareTCP is what a plain TCP connection with a goroutine that reads costs, in KiB.
func bareTCP(b *testing.B) float64 {
	const n = 2_000
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(b, err)
	defer ln.Close()
	before := memory()
	var ends []net.Conn
	for range n {
		c, err := net.Dial("tcp", ln.Addr().String())
		check(b, err)
		a, err := ln.Accept()
		check(b, err)
		ends = append(ends, c, a)
		go func() { _, _ = a.Read(make([]byte, 64)) }()
	}
	after := memory()
	for _, c := range ends {
		_ = c.Close()
	}
	return float64(after.rss-before.rss) / n / 1024
}
