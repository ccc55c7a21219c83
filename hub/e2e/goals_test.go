package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/e2e/figure"
	"github.com/loa-vn/loa/hub/plan"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// province is a hub with many devices in one commune.
type province struct {
	*hub.Hub
	b       *testing.B
	config  config.Config
	members []member
}

func newProvince(b *testing.B, n int) *province {
	b.Helper()
	dir := b.TempDir()
	c := config.Default()
	c.Data = filepath.Join(dir, "hub")
	c.Console.Listen, c.Enrol.Listen, c.MQTT.Listen = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	c.Content.HTTP = true
	_, err := hub.Init(b.Context(), c, hub.InitOptions{
		RootOut: filepath.Join(dir, "root"), Admin: "quantri", AdminName: "Quản trị", Password: password,
		RegistrarPassword: registrar, RootPassword: "mat khau cua khoa goc",
		Unit: registry.Unit{ID: commune, Code: "99001", Name: "Xã Bình An (mẫu)", Kind: registry.Commune, ValidFrom: "2025-07-01"},
	})
	check(b, err)
	p := &province{b: b, config: c}
	p.serve()
	b.Cleanup(p.end)
	signer, err := p.Registry.Registrar(b.Context(), registrar, commune)
	check(b, err)
	for i := range n {
		p.add(signer, i)
	}
	check(b, p.Publisher.Publish(b.Context(), []protocol.UnitID{commune}))
	return p
}

func (p *province) serve() {
	p.b.Helper()
	h, err := hub.New(context.Background(), p.config, hub.Options{Version: "bench"})
	check(p.b, err)
	p.Hub = h
	p.config.MQTT.Listen = h.MQTTAddr().String()
}

func (p *province) end() {
	p.b.Helper()
	if p.Hub != nil {
		_ = p.Close() // what a crowd left unread is not waited for
		p.Hub = nil
	}
}

// add puts one enrolled device into the registry: registrar and claims would take a
// second each.
func (p *province) add(signer *envelope.Signer, i int) {
	b, ctx, now := p.b, p.b.Context(), time.Now()
	id := protocol.DeviceID(fmt.Sprintf("loa-%05d", i))
	public, private, err := ed25519.GenerateKey(rand.Reader)
	check(b, err)
	d := registry.Device{ID: id, Name: string(id), Unit: commune, Sound: true, Created: now}
	placement := protocol.Placement{
		Version: protocol.Version, Device: id, Number: uint64(now.UnixMilli()), From: protocol.InstantOf(now), Path: []protocol.UnitID{commune}, Name: string(id),
	}
	doc, err := registry.SealDocument(signer, envelope.KindPlacement, string(id), placement.Number, &placement, now)
	check(b, err)
	check(b, p.DB.Registry().AddDevice(ctx, d, doc, audit.Act{By: "quantri", At: now, Name: "device added", Subject: string(id), Unit: commune}))
	_, err = p.DB.Writer().ExecContext(ctx, `UPDATE device SET public = ?, enrolled = ? WHERE id = ?`, []byte(public), now.UnixMilli(), id)
	check(b, err)
	m := member{ID: id, Key: private, Placement: placement.Number}
	for _, c := range []struct {
		bulk bool
		to   *[]byte
	}{{false, &m.Cert}, {true, &m.Bulk}} {
		*c.to, err = p.CA.Client(protocol.Client{Device: id, Bulk: c.bulk}.String(), public, now.Add(-time.Hour), now.Add(time.Hour))
		check(b, err)
	}
	p.members = append(p.members, m)
}

// crowd is the process of devices.
type crowd struct {
	b   *testing.B
	in  io.WriteCloser
	out *bufio.Scanner
}

// newCrowd starts a crowd, under another command if one is given.
func newCrowd(b *testing.B, under ...string) *crowd {
	b.Helper()
	args := append(under, os.Args[0], "-test.run=^TestCrowd$", "-test.timeout=0")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env, cmd.Stderr = append(os.Environ(), crowdEnv+"=1"), os.Stderr
	in, err := cmd.StdinPipe()
	check(b, err)
	out, err := cmd.StdoutPipe()
	check(b, err)
	check(b, cmd.Start())
	c := &crowd{b: b, in: in, out: bufio.NewScanner(out)}
	c.out.Buffer(nil, 64<<20)
	b.Cleanup(func() {
		_ = in.Close() // it ends by that
		_ = cmd.Wait()
	})
	return c
}

func (c *crowd) begin(s crowdSpec) {
	c.b.Helper()
	check(c.b, json.NewEncoder(c.in).Encode(s))
}

// ready begins what waits until all are connected, and waits for that.
func (c *crowd) ready(s crowdSpec) {
	c.b.Helper()
	c.begin(s)
	if l := c.line(); l != "ready" {
		c.b.Fatalf("the crowd says %q", l)
	}
}

func (c *crowd) line() string {
	c.b.Helper()
	if !c.out.Scan() {
		c.b.Fatalf("the crowd ended: %v", c.out.Err())
	}
	return c.out.Text()
}

func (c *crowd) result() crowdResult {
	c.b.Helper()
	var r crowdResult
	check(c.b, json.Unmarshal([]byte(c.line()), &r))
	if r.Failed > 0 {
		c.b.Errorf("%d devices failed, the last with: %s", r.Failed, r.Error)
	}
	return r
}

func (c *crowd) run(s crowdSpec) crowdResult {
	c.b.Helper()
	c.begin(s)
	return c.result()
}

// bareTLS accepts with the hub's certificate, asks for one, and says one byte.
func (p *province) bareTLS() net.Listener {
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion: tls.VersionTLS13, GetCertificate: p.CA.Server([]string{"127.0.0.1"}), ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: p.CA.Pool(),
	})
	check(p.b, err)
	p.b.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = c.Write([]byte{1})
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
			}()
		}
	}()
	return ln
}

// BenchmarkGoalReturn: all devices come back at once after a restart of the hub, and
// each gets the plan that it lacks.
func BenchmarkGoalReturn(b *testing.B) {
	for _, n := range figure.Sizes(2, 1_000, 5_000) {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				p := newProvince(b, n)
				c := newCrowd(b)
				bare := p.bareTLS()
				var values, limits []float64
				for range min(3, figure.Rounds()) {
					limits = append(limits, c.run(crowdSpec{Do: "shake", Addr: bare.Addr().String(), Members: p.members}).Took)
					p.end()
					p.serve()
					values = append(values, c.run(crowdSpec{Do: "return", Addr: p.MQTTAddr().String(), Members: p.members}).Took)
				}
				check(b, figure.Print(figure.Ratio(fmt.Sprintf("%d devices come back at once: served, beside bare TLS accept", n), "ms", values, limits, 2)))
			}
		})
	}
}

// content puts 2 MB into the hub's blobs.
func (p *province) content() protocol.Content {
	b := make([]byte, 2<<20)
	_, _ = rand.Read(b) // never fails
	_, _, err := p.Blobs.Put(bytes.NewReader(b), protocol.MaxContent)
	check(p.b, err)
	return protocol.ContentOf(b)
}

// fileServer is net/http's own with the same TLS.
func (p *province) fileServer(c protocol.Content) string {
	path, err := p.Blobs.Path(c.Digest)
	check(p.b, err)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion: tls.VersionTLS13, GetCertificate: p.CA.Server([]string{"127.0.0.1"}), ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: p.CA.Pool(),
		NextProtos: []string{"http/1.1"},
	})
	check(p.b, err)
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) })}
	go func() { _ = srv.Serve(ln) }() // until Close
	p.b.Cleanup(func() { _ = srv.Close() })
	return "https://" + ln.Addr().String() + "/"
}

// watchMemory returns what ends it and says by how many MB this process grew.
func watchMemory() (grown func() float64) {
	debug.FreeOSMemory()
	before := rss()
	stop, done := make(chan struct{}), make(chan float64)
	go func() {
		most := before
		for {
			select {
			case <-stop:
				done <- most - before
				return
			case <-time.After(20 * time.Millisecond):
				most = max(most, rss())
			}
		}
	}()
	return func() float64 {
		close(stop)
		return <-done
	}
}

func rss() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kb / 1024
}

// alerts sends one alert of 700 bytes each period until the function is called.
func (p *province) alerts(period time.Duration) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				payload := bytes.Repeat([]byte{'x'}, 700)
				binary.BigEndian.PutUint64(payload, uint64(time.Now().UnixNano()))
				p.Dispatch.AnnounceAlert(plan.Alert{Unit: commune, Bytes: payload})
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// BenchmarkGoalTransfer: 2 MB to 1,000 devices over MQTT and over HTTPS beside
// net/http's ServeFile, with nothing else to do; and once more over MQTT with an alert to
// all every quarter of a second.
func BenchmarkGoalTransfer(b *testing.B) {
	for _, n := range figure.Sizes(2, 1_000) {
		b.Run(strconv.Itoa(n), func(b *testing.B) { transferGoal(b, n) })
	}
}

func transferGoal(b *testing.B, n int) {
	defer debug.SetGCPercent(debug.SetGCPercent(hub.GCPercent)) // as loa-hub serve does
	for b.Loop() {
		p := newProvince(b, n)
		c := newCrowd(b)
		content := p.content()
		file := p.fileServer(content)
		var limits, https, mqtt, memory, delays []float64
		for round := range figure.Rounds() + 1 {
			l := c.run(crowdSpec{Do: "get", URL: file, Members: p.members, Content: content}).Took
			h := c.run(crowdSpec{Do: "get", URL: p.config.EnrolURL(p.EnrolAddr()) + protocol.ContentPath(content.Digest), Members: p.members, Content: content}).Took
			want := crowdSpec{
				Do: "want", Addr: p.MQTTAddr().String(), Members: p.members, Content: content, Window: 16, Units: []protocol.UnitID{commune},
			}
			c.ready(want)
			grown := watchMemory()
			m := c.result().Took
			g := grown()
			c.ready(want)
			end := p.alerts(250 * time.Millisecond)
			a := c.result().Alerts
			end()
			if round > 0 { // the first warms
				limits, https, mqtt, memory, delays = append(limits, l), append(https, h), append(mqtt, m), append(memory, g), append(delays, a...)
			}
		}
		check(b, figure.Print(
			figure.Ratio(fmt.Sprintf("2 MB to %d over MQTT, beside net/http ServeFile", n), "ms", mqtt, limits, 5),
			figure.Ratio(fmt.Sprintf("2 MB to %d over HTTPS, beside net/http ServeFile", n), "ms", https, limits, 1.2),
			figure.Under(fmt.Sprintf("2 MB to %d over MQTT: hub's memory grows by", n), "MB", memory, 64),
			figure.Under(fmt.Sprintf("alert to %d during that transfer, loopback: p99", n), "ms", []float64{figure.Quantile(delays, 0.99)}, 100),
		))
	}
}

// BenchmarkGoalSlowLine: alerts to 100 devices, each on a line of 1 Mbit/s that its
// content shares.
func BenchmarkGoalSlowLine(b *testing.B) {
	for b.Loop() {
		p := newProvince(b, 100)
		c := newCrowd(b)
		content := p.content()
		content.Size = 768 << 10 // the first part is enough
		c.ready(crowdSpec{
			Do: "want", Addr: p.MQTTAddr().String(), Members: p.members, Content: content, Window: 2, Rate: 125_000, Units: []protocol.UnitID{commune},
		})
		end := p.alerts(250 * time.Millisecond)
		r := c.result()
		end()
		check(b, figure.Print(
			figure.Under("alert during content on lines of 1 Mbit/s: p99", "ms", []float64{figure.Quantile(r.Alerts, 0.99)}, 300),
		))
	}
}
