package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/loa-vn/loa/agent/cache"
	"github.com/loa-vn/loa/agent/fetch"
	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/hub/blob"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/signing"
	"github.com/loa-vn/loa/protocol"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// badLine is a line that toxics can be put on.
func badLine(t *testing.T, upstream string) *toxiproxy.Proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	p := toxiproxy.NewProxy(server, "line", "127.0.0.1:0", upstream)
	must(t, p.Start())
	t.Cleanup(p.Stop)
	return p
}

func toxic(t *testing.T, p *toxiproxy.Proxy, kind string, attributes string) {
	t.Helper()
	_, err := p.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"type": %q, "stream": "downstream", "attributes": {%s}}`, kind, attributes)))
	must(t, err)
}

// depot is a hub's content over HTTPS, behind a bad line.
type depot struct {
	dir    *blob.Dir
	ca     *signing.CA
	line   *toxiproxy.Proxy
	served atomic.Int64 // bytes of bodies
	revoke atomic.Bool
}

func newDepot(t *testing.T) *depot {
	t.Helper()
	ca, err := signing.CreateCA(filepath.Join(t.TempDir(), "ca"), "test", time.Now())
	must(t, err)
	dir, err := blob.Open(filepath.Join(t.TempDir(), "blobs"))
	must(t, err)
	d := &depot{dir: dir, ca: ca}
	content := blob.NewServer(dir, func(context.Context, *x509.Certificate) error {
		if d.revoke.Load() {
			return errors.New("revoked")
		}
		return nil
	}, slog.New(slog.DiscardHandler))
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion: tls.VersionTLS13, GetCertificate: ca.Server([]string{"127.0.0.1"}),
		ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: ca.Pool(), NextProtos: []string{"http/1.1"},
	})
	must(t, err)
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { content.ServeHTTP(counted{w, &d.served}, r) }),
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() { _ = server.Serve(ln) }() // until Close
	t.Cleanup(func() { _ = server.Close() })
	d.line = badLine(t, ln.Addr().String())
	return d
}

func (d *depot) url() string { return "https://" + d.line.Listen }

// source is a device's way to the depot, with or without a certificate.
func (d *depot) source(t *testing.T, known bool) *fetch.Source {
	t.Helper()
	conf := &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: d.ca.Pool(), ServerName: "127.0.0.1"}
	if known {
		conf.GetClientCertificate = d.ca.Self()
	}
	s := fetch.New(fetch.Config{TLS: func(string) *tls.Config { return conf }, Stall: 2 * time.Second})
	s.Announce(d.url())
	t.Cleanup(s.Close)
	return s
}

// counted counts what is written of bodies.
type counted struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// Unwrap lets http.ResponseController through.
func (c counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// tables is the way over MQTT: it answers from memory, and says that it was asked.
type tables struct {
	mu    sync.Mutex
	cache *cache.Cache
	held  []byte
	wants int
}

func (m *tables) Bulk(filters []string) { go m.cache.Ready(filters) }

func (m *tables) Want(_ context.Context, w protocol.Want) error {
	m.mu.Lock()
	m.wants++
	m.mu.Unlock()
	go func() {
		for _, it := range w.Items {
			send := func(c protocol.Chunk) {
				b, err := protocol.Marshal(c)
				if err == nil {
					m.cache.Handle(protocol.ChunkTopic(it.Digest, c), b)
				}
			}
			list := protocol.ChunkList(m.held)
			for n := 0; it.List && n*protocol.ChunkSize < len(list); n++ {
				send(protocol.Chunk{List: true, N: uint64(n), Data: list[n*protocol.ChunkSize : min(len(list), (n+1)*protocol.ChunkSize)]})
			}
			for _, r := range it.Ranges {
				for n := r.First; n <= r.Last; n++ {
					send(protocol.Chunk{N: n, Data: m.held[n*protocol.ChunkSize : min(uint64(len(m.held)), (n+1)*protocol.ChunkSize)]})
				}
			}
		}
	}()
	return nil
}

// fetched runs a cache until it holds b, and returns how often MQTT was asked.
func (d *depot) fetched(t *testing.T, s *fetch.Source, b []byte) (wants int) {
	t.Helper()
	dir := t.TempDir()
	state, err := store.Open(store.Config{Path: filepath.Join(dir, "agent.db"), Marker: filepath.Join(dir, "chain"), Now: 1, Entropy: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	whole := make(chan struct{})
	m := &tables{held: b}
	c, err := cache.New(cache.Config{
		Dir: filepath.Join(dir, "cache"), State: state, Network: m, Direct: s, Log: slog.New(slog.DiscardHandler),
		Changed: func(_ protocol.Digest, there bool) {
			if there {
				close(whole)
			}
		},
		Fault: func(string, bool) {},
	})
	must(t, err)
	m.cache = c
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	content := protocol.ContentOf(b)
	c.Need([]protocol.Content{content})
	select {
	case <-whole:
	case <-time.After(time.Minute):
		t.Error("the content never came")
	}
	cancel()
	must(t, errors.Join(<-ended, state.Close()))
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wants
}

func randomBytes(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	_, err := rand.Read(b)
	must(t, err)
	return b
}

// A line that breaks every 300 KB brings 2 MB all the same, and no chunk twice but
// the one on which it broke.
func TestContentOverHTTPSGoesOnWhereTheLineBroke(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	b := randomBytes(t, 2<<20)
	_, _, err := d.dir.Put(bytes.NewReader(b), protocol.MaxContent)
	must(t, err)
	toxic(t, d.line, "limit_data", `"bytes": 300000`)
	if wants := d.fetched(t, d.source(t, true), b); wants != 0 {
		t.Errorf("asked over MQTT %d times", wants)
	}
	d.line.Stop()
	// What the server has written into buffers of a broken line counts here too.
	if n := d.served.Load(); n < int64(len(b)) {
		t.Errorf("%d bytes served", n)
	}
}

// A slow line is no failure.
func TestContentOverHTTPSComesOverASlowLine(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	b := randomBytes(t, 200_000)
	_, _, err := d.dir.Put(bytes.NewReader(b), protocol.MaxContent)
	must(t, err)
	toxic(t, d.line, "bandwidth", `"rate": 60`) // KB/s
	if wants := d.fetched(t, d.source(t, true), b); wants != 0 {
		t.Errorf("asked over MQTT %d times", wants)
	}
	if n := d.served.Load(); n > int64(len(b))+64<<10 {
		t.Errorf("%d bytes served for %d", n, len(b))
	}
}

// What does not come over HTTPS comes over MQTT: nobody there, nobody who answers,
// wrong bytes, no content, a certificate that is not wanted.
func TestContentFallsBackToMQTT(t *testing.T) {
	t.Parallel()
	b := randomBytes(t, 200_000)
	for name, spoil := range map[string]func(d *depot) *fetch.Source{
		"nobody there": func(d *depot) *fetch.Source {
			s := d.source(t, true)
			d.line.Stop()
			return s
		},
		"no answer": func(d *depot) *fetch.Source {
			toxic(t, d.line, "timeout", `"timeout": 0`)
			return d.source(t, true)
		},
		"not there":      func(d *depot) *fetch.Source { return d.source(t, true) },
		"revoked":        func(d *depot) *fetch.Source { d.revoke.Store(true); return d.source(t, true) },
		"no certificate": func(d *depot) *fetch.Source { return d.source(t, false) },
		"nowhere announced": func(d *depot) *fetch.Source {
			s := d.source(t, true)
			s.Announce("")
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDepot(t)
			if name != "not there" {
				_, _, err := d.dir.Put(bytes.NewReader(b), protocol.MaxContent)
				must(t, err)
			}
			if wants := d.fetched(t, spoil(d), b); wants == 0 {
				t.Error("it came, but not over MQTT")
			}
		})
	}
}

// The whole path with content over HTTPS: the device learns of it from the hub's
// signed answer, and no bulk connection is opened.
func TestADeviceFetchesOverHTTPSWhenTheHubOffersIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *config.Config) { c.Content.HTTP = true })
	var mu sync.Mutex
	ports := map[string]int{}
	d := w.device(speaker("loa-dong", "thon-dong", 1000), func(d *device) {
		d.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			_, p, _ := net.SplitHostPort(address)
			mu.Lock()
			ports[p]++
			mu.Unlock()
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	})
	w.online(d)
	b := w.ready(bulletin.Content{Text: text, Options: bulletin.SoundOptions{Wanted: true}})
	w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	w.settled(b, 1)
	w.countedOnce(b, reach.Count{Expected: 1, Played: 1})
	mu.Lock()
	defer mu.Unlock()
	if ports[port(w.EnrolAddr())] == 0 || ports[port(w.MQTTAddr())] != 1 {
		t.Errorf("connections by port: %v, want one to MQTT (%s) and some to HTTPS (%s)", ports, port(w.MQTTAddr()), port(w.EnrolAddr()))
	}
}
