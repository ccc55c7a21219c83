package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// consoleName is what the hub of these tests is called by browsers; blockedName is one
// that the authority refuses.
const consoleName, blockedName = "hub.test", "blocked.test"

// authority is Pebble, the ACME server that Let's Encrypt is tested with. It finds
// every name at this machine.
type authority struct {
	t         *testing.T
	directory string
	manage    string
	ca        string // file: the root of its own server
	https     string // port at which it asks by TLS-ALPN-01
	http      string // and by HTTP-01
	stop      func()
}

// newACME runs an authority whose certificates are valid for so long.
func newACME(t *testing.T, validity time.Duration) *authority {
	t.Helper()
	dir := t.TempDir()
	root := newAuthority(t, "Pebble's own server", nil)
	key := newKey(t)
	leaf := root.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, key.Public())
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	write := func(name string, text []byte) string {
		file := filepath.Join(dir, name)
		must(t, os.WriteFile(file, text, 0o600))
		return file
	}
	p := free(t, 5)
	a := &authority{
		t: t, directory: "https://localhost:" + p[0] + "/dir", manage: "https://localhost:" + p[1], ca: write("ca.pem", pemOf(root.cert)), https: p[2], http: p[3],
	}
	number := func(port string) int {
		n, err := strconv.Atoi(port)
		must(t, err)
		return n
	}
	settings, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": "127.0.0.1:" + p[0], "managementListenAddress": "127.0.0.1:" + p[1], "httpPort": number(a.http), "tlsPort": number(a.https),
		"certificate": write("cert.pem", pemOf(leaf)), "privateKey": write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		"domainBlocklist": []string{blockedName}, "keyAlgorithm": "ecdsa", "retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles": map[string]any{"default": map[string]any{"description": "default", "validityPeriod": int(validity / time.Second)}},
	}})
	must(t, err)
	names := a.program("pebble-challtestsrv", "-dnsserver", "127.0.0.1:"+p[4], "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-management", "", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "")
	issues := a.program("pebble", "-strict", "-dnsserver", "127.0.0.1:"+p[4], "-config", write("pebble.json", settings))
	a.stop = func() { issues(); names() }
	t.Cleanup(a.stop)
	w := &world{t: t}
	w.until("the authority listens", func() bool { return a.issuer() != nil })
	return a
}

// free are ports that nobody listens on.
func free(t *testing.T, n int) (ports []string) {
	t.Helper()
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		defer func() { must(t, ln.Close()) }() // all at the end, so that none comes twice
		ports = append(ports, port(ln.Addr()))
	}
	return ports
}

// program runs one of the authority's programs and returns what ends it.
func (a *authority) program(name string, args ...string) (stop func()) {
	a.t.Helper()
	file := filepath.Join("..", "..", "bin", "tools", name)
	if _, err := os.Stat(file); err != nil {
		protocoltest.Missing(a.t, name)
	}
	c := exec.Command(file, args...)
	out := &logs{}
	c.Stdout, c.Stderr = out, out
	c.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	must(a.t, c.Start())
	ended := false
	return func() {
		if ended {
			return
		}
		ended = true
		_ = c.Process.Kill()
		_ = c.Wait()
		if a.t.Failed() {
			a.t.Logf("%s: %s", name, out)
		}
	}
}

// issuer is the root that browsers of these tests trust, nil while the authority does
// not answer.
func (a *authority) issuer() *x509.CertPool {
	a.t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(readAll(a.t, a.ca))
	c := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	status, text, err := httpGet(a.t, &c, a.manage+"/roots/0")
	issuing := x509.NewCertPool()
	if err != nil || status != http.StatusOK || !issuing.AppendCertsFromPEM(text) {
		return nil
	}
	return issuing
}

func httpGet(t *testing.T, c *http.Client, url string) (int, []byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, url, nil)
	must(t, err)
	res, err := c.Do(req)
	if err != nil {
		return 0, nil, err
	}
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, text, err
}

// console are the settings of a hub that this authority certifies.
func (a *authority) console(c *config.Config) {
	c.Console.URL, c.Console.Listen = "https://"+consoleName, "127.0.0.1:"+a.https
	c.Console.TLS = config.TLS{Mode: "acme", Email: "it@hub.test", Directory: a.directory, CA: a.ca}
}

// certified is a hub that runs with these settings.
func certified(t *testing.T, with ...func(*config.Config)) *world {
	t.Helper()
	w := initialised(t, with...)
	w.pages = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, "the console") })
	w.start()
	t.Cleanup(func() {
		w.stop()
		if t.Failed() {
			t.Log(w.log.String())
		}
	})
	return w
}

// open443 opens the console as a browser that trusts one issuer, and returns the
// certificate that it saw.
func (w *world) open443(issuer *x509.CertPool) (*x509.Certificate, error) {
	w.t.Helper()
	var seen *x509.Certificate
	address := w.WebAddr().String()
	c := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
		TLSClientConfig: &tls.Config{RootCAs: issuer, MinVersion: tls.VersionTLS12, VerifyConnection: func(s tls.ConnectionState) error { seen = s.PeerCertificates[0]; return nil }},
	}}
	_, text, err := httpGet(w.t, &c, "https://"+consoleName+"/")
	if err == nil && string(text) != "the console" {
		err = fmt.Errorf("page %q", text)
	}
	return seen, err
}

// served waits until the console has a certificate.
func (w *world) served(issuer *x509.CertPool) *x509.Certificate {
	w.t.Helper()
	var seen *x509.Certificate
	w.until("the console has a certificate", func() (ok bool) {
		var err error
		seen, err = w.open443(issuer)
		return err == nil
	})
	return seen
}

// A certificate comes from a real ACME server by either way of asking, and a restart
// orders none: the authority is away by then.
func TestTheConsolesCertificateComesFromAnAuthority(t *testing.T) {
	t.Parallel()
	for name, with := range map[string]func(*authority, *config.Config){
		"TLS-ALPN-01": func(*authority, *config.Config) {},
		// What the authority asks by TLS finds nobody.
		"HTTP-01": func(a *authority, c *config.Config) {
			c.Console.Listen, c.Console.TLS.Redirect = "127.0.0.1:0", "127.0.0.1:"+a.http
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newACME(t, 90*24*time.Hour)
			issuer := a.issuer()
			w := certified(t, a.console, func(c *config.Config) { with(a, c) })
			first := w.served(issuer)
			if err := first.VerifyHostname(consoleName); err != nil {
				t.Error(err)
			}
			for _, file := range []string{consoleName, "acme_account+key"} {
				info, err := os.Stat(filepath.Join(w.config.Data, "acme", file))
				must(t, err)
				if info.Mode().Perm() != 0o600 {
					t.Errorf("%s is open to others: %s", file, info.Mode())
				}
			}
			w.stop()
			a.stop()
			w.start()
			if again := w.served(issuer); !again.Equal(first) {
				t.Errorf("another certificate after a restart: %s, before %s", again.SerialNumber, first.SerialNumber)
			}
			if strings.Contains(w.log.String(), "no certificate") {
				t.Error("the restart ordered one")
			}
		})
	}
}

// What an authority issues for a short time is renewed while the console runs; when
// the authority is gone, the log says so before it is over.
func TestTheConsolesCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	a := newACME(t, 20*time.Second)
	issuer := a.issuer()
	w := certified(t, a.console)
	first := w.served(issuer)
	var second *x509.Certificate
	w.within(time.Until(first.NotAfter), "it is renewed before its end", func() bool {
		var err error
		second, err = w.open443(issuer)
		must(t, err) // no moment without one
		return !second.Equal(first)
	})
	a.stop()
	const lost = "the console's certificate is not renewed"
	w.within(time.Until(second.NotAfter), "the log says that it is not renewed", func() bool { return strings.Contains(w.log.String(), lost) })
	w.said(lost, "connection refused", "see that this machine reaches console.tls.directory")
}

// said finds a line of the log that has all of these.
func (w *world) said(all ...string) {
	w.t.Helper()
lines:
	for line := range strings.Lines(w.log.String()) {
		for _, s := range all {
			if !strings.Contains(line, s) {
				continue lines
			}
		}
		return
	}
	w.t.Errorf("no line of the log has all of %q", all)
}

// An authority that refuses, cannot ask, is away or is another: the hub runs, tries
// again by itself, and its log says why and what to do.
func TestWhatAnAuthorityRefusesIsSaidWithWhatToDo(t *testing.T) {
	t.Parallel()
	const none = "the console has no certificate"
	for name, c := range map[string]struct {
		with func(*authority, *config.Config)
		says []string
	}{
		"refuses the name": {func(_ *authority, c *config.Config) { c.Console.URL = "https://" + blockedName }, []string{blockedName, "the authority refuses", "console.url"}},
		"finds nobody": {
			func(_ *authority, c *config.Config) { c.Console.Listen = "127.0.0.1:0" },
			[]string{"connection refused", "the authority must reach this hub", "port 443"},
		},
		"is away":    {func(a *authority, _ *config.Config) { a.stop() }, []string{"connection refused", "see that this machine reaches console.tls.directory"}},
		"is unknown": {func(_ *authority, c *config.Config) { c.Console.TLS.CA = "" }, []string{"unknown authority", "console.tls.ca must be"}},
		"wants a real address": {
			func(_ *authority, c *config.Config) { c.Console.TLS.Email = "nobody" }, []string{"console.tls.email"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newACME(t, time.Hour)
			issuer := a.issuer()
			w := certified(t, a.console, func(s *config.Config) { s.Console.TLS.Redirect = "127.0.0.1:0"; c.with(a, s) })
			w.until("the log says it", func() bool { return strings.Contains(w.log.String(), none) })
			w.said(append([]string{none}, c.says...)...)
			began := time.Now()
			if _, err := w.open443(issuer); err == nil {
				t.Error("served without a certificate")
			}
			if d := time.Since(began); d > 4*time.Second {
				t.Errorf("a browser waits for %s", d)
			}
			if n := strings.Count(w.log.String(), none); n != 1 {
				t.Errorf("%d orders at once", n)
			}
		})
	}
}
