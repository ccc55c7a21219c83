package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/loa-vn/loa/hub/api"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/oidc"
	"github.com/loa-vn/loa/hub/signing"
	"golang.org/x/crypto/acme"
)

// secure puts TLS in front of the console as the settings say, and begins to send
// browsers of plain HTTP to it. A certificate is kept until ctx ends.
func (h *Hub) secure(ctx context.Context) error {
	c := h.Config.Console
	from, err := certificates(ctx, c, h.CA, filepath.Join(h.Config.Data, "acme"), h.log)
	if err != nil || from.get == nil {
		return err
	}
	if from.keep != nil {
		h.work.Go(func() { from.keep(ctx) })
	}
	h.web = tls.NewListener(h.web, &tls.Config{
		GetCertificate: from.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1", acme.ALPNProto},
	})
	if h.plain == nil {
		return nil
	}
	h.redirect = &http.Server{Handler: from.plain(toHTTPS(c.URL)), ReadHeaderTimeout: api.ReadHeaderTimeout, MaxHeaderBytes: api.MaxHeaderBytes, ErrorLog: h.http.ErrorLog}
	go func() {
		if err := h.redirect.Serve(h.plain); !errors.Is(err, http.ErrServerClosed) {
			h.errs <- fmt.Errorf("console.tls.redirect: %w", err)
		}
	}()
	return nil
}

// certificateSource is where the console's certificate comes from.
type certificateSource struct {
	get   func(*tls.ClientHelloInfo) (*tls.Certificate, error) // nil for plain HTTP
	plain func(http.Handler) http.Handler                      // answers what is asked on plain HTTP
	keep  func(context.Context)                                // nil if nothing is to be done meanwhile
}

func certificates(ctx context.Context, c config.Console, ca *signing.CA, cache string, log *slog.Logger) (certificateSource, error) {
	from := certificateSource{plain: func(next http.Handler) http.Handler { return next }}
	switch c.TLS.Mode {
	case "files":
		f := &certificateFiles{certificate: c.TLS.Certificate, key: c.TLS.Key}
		_, err := f.get(nil) // what is wrong is said at the start
		from.get = f.get
		return from, err
	case "lan":
		from.get = ca.Server([]string{c.Host()})
	case "acme":
		p, err := newPublic(ctx, c, cache, log)
		if err != nil {
			return from, err
		}
		from.get, from.plain, from.keep = p.get, p.plain, p.keep
	}
	return from, nil
}

// toHTTPS sends a browser to the same page under the console's address.
func toHTTPS(console string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			// A password in a body is not invited to be sent once more.
			http.Error(w, "Hãy dùng https. / Use https.", http.StatusBadRequest)
			return
		}
		u, err := url.Parse(console)
		if err != nil {
			http.Error(w, "", http.StatusInternalServerError)
			return
		}
		u.Path, u.RawQuery = r.URL.Path, r.URL.RawQuery
		http.Redirect(w, r, u.String(), http.StatusMovedPermanently)
	})
}

// lookAgain is how often certificate files are looked at.
const lookAgain = time.Minute

// certificateFiles is a certificate of one's own, read again when it changes.
type certificateFiles struct {
	certificate, key string

	mu      sync.Mutex
	held    *tls.Certificate
	changed time.Time
	looked  time.Time
}

func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.held != nil && now.Sub(f.looked) < lookAgain {
		return f.held, nil
	}
	f.looked = now
	info, err := os.Stat(f.certificate)
	if err == nil && f.held != nil && info.ModTime().Equal(f.changed) {
		return f.held, nil
	}
	var c tls.Certificate
	if err == nil {
		c, err = tls.LoadX509KeyPair(f.certificate, f.key)
	}
	switch {
	case err == nil:
		f.held, f.changed = &c, info.ModTime()
	case f.held == nil:
		return nil, fmt.Errorf("console.tls: %w", err)
	}
	// One half written anew does not take the console away.
	return f.held, nil
}

// provider returns who logs people in besides the hub; nil if nobody does.
func provider(c config.Console, sealer oidc.Sealer) (api.Provider, error) {
	if c.OIDC.Issuer == "" {
		return nil, nil
	}
	secret, err := c.OIDC.Secret()
	if err != nil {
		return nil, err
	}
	return oidc.New(oidc.Config{
		Issuer: c.OIDC.Issuer, ClientID: c.OIDC.ClientID, Secret: secret, Name: c.OIDC.Name, Claim: c.OIDC.Claim,
		Scopes: c.OIDC.Scopes, Factors: c.OIDC.Factors, Return: strings.TrimSuffix(c.URL, "/") + api.ProviderReturn, Sealer: sealer,
	}), nil
}
