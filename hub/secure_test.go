package hub

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/signing"
)

func console(mode string) config.Console {
	c := config.Default().Console
	c.URL, c.TLS.Mode = "https://loa.example", mode
	return c
}

func TestLANCertificateIsOfTheHubsAuthority(t *testing.T) {
	ca, err := signing.CreateCA(t.TempDir(), "Loa", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	from, err := certificates(t.Context(), console("lan"), ca, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.TLS = &tls.Config{GetCertificate: from.get}
	srv.StartTLS()
	defer srv.Close()
	conn, err := tls.Dial("tcp", srv.Listener.Addr().String(), &tls.Config{RootCAs: ca.Pool(), ServerName: "loa.example", MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatalf("a browser that trusts the authority: %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if _, err := tls.Dial("tcp", srv.Listener.Addr().String(), &tls.Config{RootCAs: ca.Pool(), ServerName: "other.example", MinVersion: tls.VersionTLS12}); err == nil {
		t.Error("it stands for another name too")
	}
}

func TestCertificateFilesAreReadAgainAndNeverHalf(t *testing.T) {
	dir := t.TempDir()
	ca, err := signing.CreateCA(filepath.Join(dir, "ca"), "Loa", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	f := &certificateFiles{certificate: filepath.Join(dir, "c.pem"), key: filepath.Join(dir, "k.pem")}
	if _, err := f.get(nil); err == nil {
		t.Error("started without files")
	}
	write := func(at time.Time) {
		t.Helper()
		c, k, err := ca.Broker([]string{"loa.example"}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{f.certificate: c, f.key: k} {
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(name, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	get := func() *tls.Certificate {
		t.Helper()
		f.looked = time.Time{} // a minute later
		c, err := f.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	day := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	write(day)
	first := get()
	if get() != first {
		t.Error("read again without a change")
	}
	write(day.Add(time.Hour))
	second := get()
	if second == first {
		t.Error("a new certificate was not taken")
	}
	if err := os.WriteFile(f.key, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(f.certificate, day.Add(2*time.Hour), day.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if get() != second {
		t.Error("half a certificate took the console away")
	}
}

func TestPlainHTTPIsSentToTheConsolesAddress(t *testing.T) {
	p, err := newPublic(t.Context(), console("acme"), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h := p.plain(toHTTPS("https://loa.example"))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://loa.example/", nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "log of loa-hub") {
		t.Errorf("sent to where no certificate is: %d %s", w.Code, w.Body)
	}
	p.there.Store(true)
	for _, c := range []struct {
		method, path, to string
		status           int
	}{
		{http.MethodGet, "/bulletins?x=1", "https://loa.example/bulletins?x=1", http.StatusMovedPermanently},
		{http.MethodGet, "//evil.example/", "https://loa.example//evil.example/", http.StatusMovedPermanently},
		{http.MethodPost, "/api/v1/sessions", "", http.StatusBadRequest},
		{http.MethodGet, "/.well-known/acme-challenge/unknown", "", http.StatusNotFound}, // the authority's questions are answered
	} {
		r := httptest.NewRequest(c.method, "http://evil.example"+c.path, nil)
		r.Host = "loa.example"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("Location") != c.to {
			t.Errorf("%s %s: %d to %q", c.method, c.path, w.Code, w.Header().Get("Location"))
		}
	}
}
