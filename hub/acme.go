package hub

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loa-vn/loa/hub/config"
	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// public is the console's certificate of a public authority (ACME, RFC 8555).
// autocert orders, keeps and renews it. Here is what it leaves out: the order is made
// at the start and not by the first browser, a failed one is repeated no more often
// than authorities allow, and what fails is said, with what to do.
type public struct {
	manager *autocert.Manager
	words   *authoritysWords
	host    string
	config  config.TLS
	log     *slog.Logger
	there   atomic.Bool // a certificate, be it an old one
}

func newPublic(ctx context.Context, c config.Console, cache string, log *slog.Logger) (*public, error) {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("acme: no transport")
	}
	transport = transport.Clone()
	if c.TLS.CA != "" {
		text, err := os.ReadFile(c.TLS.CA)
		if err != nil {
			return nil, fmt.Errorf("console.tls.ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("console.tls.ca: %s holds no certificate (PEM)", c.TLS.CA)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	words := &authoritysWords{next: transport, until: func(r context.Context) (context.Context, context.CancelFunc) {
		r, cancel := context.WithCancel(r)
		stop := context.AfterFunc(ctx, cancel)
		return r, func() { stop(); cancel() }
	}}
	return &public{
		manager: &autocert.Manager{
			Prompt: autocert.AcceptTOS, HostPolicy: only(c.Host()), Cache: autocert.DirCache(cache), Email: c.TLS.Email,
			Client: &acme.Client{DirectoryURL: c.TLS.Directory, HTTPClient: &http.Client{Transport: words, Timeout: time.Minute}, RetryBackoff: again},
		},
		words: words, host: c.Host(), config: c.TLS, log: log,
	}, nil
}

// only takes one name, also with a port, as questions on a port other than 80 have it.
func only(host string) autocert.HostPolicy {
	listed := autocert.HostWhitelist(host)
	return func(ctx context.Context, asked string) error {
		if name, _, err := net.SplitHostPort(asked); err == nil {
			asked = name
		}
		return listed(ctx, asked)
	}
}

// again is how long a request waits that the authority did not take: not at all where
// it says that there were too many, for that takes longer than an order may.
func again(n int, _ *http.Request, res *http.Response) time.Duration {
	const tries, longest = 5, 10 * time.Second
	if n > tries || res.StatusCode == http.StatusTooManyRequests {
		return 0
	}
	return min(100*time.Millisecond<<n, longest)
}

var errNoCertificate = errors.New("no certificate yet")

// get orders nothing: whoever connects would decide how often.
func (p *public) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	asks := len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto // the authority's own question
	if !asks && !p.there.Load() {
		return nil, errNoCertificate
	}
	return p.manager.GetCertificate(hello)
}

// plain answers the authority's questions on plain HTTP, and does not send browsers
// to where no certificate is.
func (p *public) plain(next http.Handler) http.Handler {
	return p.manager.HTTPHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.there.Load() {
			w.Header().Set("Retry-After", "60")
			http.Error(w, "Máy chủ chưa có chứng chỉ; nhật ký của loa-hub nói vì sao. / There is no certificate yet; the log of loa-hub says why.", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// keep sees to it that there is a certificate and says what is wrong, until ctx ends.
func (p *public) keep(ctx context.Context) {
	var failed int
	var last *x509.Certificate
	for wait := time.Duration(0); pause(ctx, wait); {
		c, err := p.manager.GetCertificate(&tls.ClientHelloInfo{
			ServerName: p.host, SupportedProtos: []string{"http/1.1"}, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		})
		switch now := time.Now(); {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = p.untilNext(failed)
			failed++
			p.log.ErrorContext(ctx, "the console has no certificate: it is tried again by itself, and at once after a restart", "host", p.host, "url", p.config.Directory,
				"error", p.cause(err), "again", now.Add(wait).Round(time.Second), "do", p.advice())
		default:
			p.there.Store(true)
			failed = 0
			leaf := c.Leaf
			life := leaf.NotAfter.Sub(leaf.NotBefore)
			wait = max(time.Second, min(time.Hour, life/20))
			if last == nil || !leaf.Equal(last) {
				p.log.InfoContext(ctx, "the console has a certificate", "host", p.host, "until", leaf.NotAfter)
				p.words.forget()
			} else if left := leaf.NotAfter.Sub(now); left < life/4 {
				// It is renewed when a third is left.
				p.log.ErrorContext(ctx, "the console's certificate is not renewed", "host", p.host, "url", p.config.Directory, "until", leaf.NotAfter,
					"error", p.cause(errors.New("no answer yet")), "do", p.advice())
			}
			last = leaf
		}
	}
}

// untilNext is how long after so many failed orders the next one is made. Public
// authorities count those whose questions found no answer, five an hour; one that was
// not reached counts nothing.
func (p *public) untilNext(failed int) time.Duration {
	if _, away := p.words.last(); away {
		return 2 * time.Minute
	}
	waits := []time.Duration{10 * time.Minute, 30 * time.Minute, time.Hour}
	return waits[min(failed, len(waits)-1)]
}

func (p *public) cause(err error) error {
	if said, _ := p.words.last(); said != nil {
		return said
	}
	return err
}

// advice says what mends the last failure.
func (p *public) advice() string {
	said, away := p.words.last()
	var unknown x509.UnknownAuthorityError
	var wrong x509.HostnameError
	var refusal *complaint
	switch {
	case errors.As(said, &unknown), errors.As(said, &wrong):
		return "console.tls.ca must be a file with the root of the server at console.tls.directory"
	case away:
		return "see that this machine reaches console.tls.directory: its name, a firewall, the way to the Internet"
	case errors.As(said, &refusal) && refusal.asked:
		ways := "port 443 of that name to console.listen"
		if p.config.Redirect != "" {
			ways += ", or its port 80 to console.tls.redirect"
		}
		return "the authority must reach this hub under the name of console.url: lead " + ways
	case errors.As(said, &refusal) && refusal.Type == "urn:ietf:params:acme:error:rateLimited":
		return "wait as the authority says; restarting asks it once more each time"
	}
	return "the authority refuses: see what it says, and console.url, console.tls.email and console.tls.directory"
}

// complaint is what an authority says in its answers (RFC 8555 6.7).
type complaint struct {
	Type   string `json:"type"`
	Detail string `json:"detail"`
	asked  bool   // it asked the hub, and did not get the answer
}

func (p *complaint) Error() string { return cmp.Or(p.Detail, p.Type) }

// authoritysWords remembers why the last request failed: autocert renews without a
// word, and of an order it tells only that no way was left.
type authoritysWords struct {
	next  http.RoundTripper
	until func(context.Context) (context.Context, context.CancelFunc) // also ends with the hub

	mu   sync.Mutex
	said error
	away bool
}

// maxACME is the longest answer of an authority, in bytes: a chain of certificates.
const maxACME = 1 << 20

// RoundTrip implements http.RoundTripper.
func (w *authoritysWords) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := w.until(r.Context())
	defer cancel()
	res, err := w.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		w.note(err, true)
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxACME+1))
	_ = res.Body.Close() // all that is wanted was read
	if err == nil && len(text) > maxACME {
		err = fmt.Errorf("%s answers without end", r.URL.Host)
	}
	if err != nil {
		w.note(err, true)
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(text))
	if p := complaintOf(res.StatusCode, text); p != nil {
		w.note(p, false)
	}
	return res, nil
}

// complaintOf finds what is wrong in an answer; nil for nothing.
func complaintOf(status int, text []byte) *complaint {
	var body struct {
		complaint
		Status     any        `json:"status"` // a word, or a number in a problem
		Problem    *complaint `json:"error"`
		Challenges []struct {
			Problem *complaint `json:"error"`
		} `json:"challenges"`
	}
	_ = json.Unmarshal(text, &body) // what is no JSON says nothing
	switch {
	case status >= http.StatusBadRequest && body.Type == "urn:ietf:params:acme:error:badNonce":
		return nil // asked again by itself
	case status >= http.StatusBadRequest:
		body.Detail = cmp.Or(body.Detail, http.StatusText(status))
		return &body.complaint
	case body.Status != "invalid":
		return nil
	}
	for _, c := range body.Challenges {
		if c.Problem != nil {
			c.Problem.asked = true
			return c.Problem
		}
	}
	return body.Problem
}

func (w *authoritysWords) note(err error, away bool) {
	if errors.Is(err, context.Canceled) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said, w.away = err, away
}

func (w *authoritysWords) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said, w.away = nil, false
}

func (w *authoritysWords) last() (error, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said, w.away
}
