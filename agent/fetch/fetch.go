// Package fetch gets content over HTTPS from the hub, by ranges, with the device's
// certificate. It hands on what comes, piece by piece, and decides neither what is
// needed nor whether it is right: that is the cache's matter. It keeps nothing.
package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// ErrAnswer: the hub answered something else than the content.
var ErrAnswer = errors.New("unexpected answer")

// Stall is how long nothing may come before an attempt is given up.
const Stall = 20 * time.Second

// Config is what a source needs.
type Config struct {
	// TLS returns the settings for a server of that name.
	TLS func(serverName string) *tls.Config
	// Dial opens TCP connections; nil uses net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Stall is as the constant, 0 for that.
	Stall time.Duration
}

// Source is the hub's content, once it has said where. It is safe for concurrent
// use.
type Source struct {
	stall  time.Duration
	base   atomic.Pointer[string]
	client *http.Client
}

// New returns a source that knows no place yet.
func New(cfg Config) *Source {
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	if cfg.Stall == 0 {
		cfg.Stall = Stall
	}
	return &Source{stall: cfg.Stall, client: &http.Client{
		Transport: &http.Transport{
			// With each connection the settings of that moment: the clock may have
			// become sure.
			DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				host, _, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				raw, err := cfg.Dial(ctx, network, address)
				if err != nil {
					return nil, err
				}
				conn := tls.Client(raw, cfg.TLS(host))
				if err := conn.HandshakeContext(ctx); err != nil {
					return nil, errors.Join(err, raw.Close())
				}
				return conn, nil
			},
			MaxIdleConns: 1, IdleConnTimeout: 15 * time.Second, TLSHandshakeTimeout: cfg.Stall, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Announce says where the hub has its content; "" for nowhere.
func (s *Source) Announce(base string) {
	if base == "" {
		s.base.Store(nil)
		return
	}
	s.base.Store(&base)
}

// Available says whether the hub has said where its content is.
func (s *Source) Available() bool { return s.base.Load() != nil }

// Close ends idle connections.
func (s *Source) Close() { s.client.CloseIdleConnections() }

// List returns the chunk list of a content. Whether it is the signed one is the
// caller's to check. Errors: ErrAnswer; those of the network.
func (s *Source) List(ctx context.Context, c protocol.Content) ([]byte, error) {
	want := c.Count() * len(protocol.Digest{})
	var list []byte
	err := s.get(ctx, protocol.ContentListPath(c.Digest), "", func(r io.Reader) error {
		list = make([]byte, want)
		_, err := io.ReadFull(r, list)
		return err
	})
	return list, err
}

// Chunks gets the chunks first to last of a content and gives each to take, in
// order, as it comes; it ends when take returns an error. Errors: take's;
// ErrAnswer; those of the network. What was given before an error stays good.
func (s *Source) Chunks(ctx context.Context, c protocol.Content, first, last int, take func(n int, data []byte) error) error {
	end := min(uint64(last+1)*protocol.ChunkSize, c.Size)
	part := fmt.Sprintf("bytes=%d-%d", uint64(first)*protocol.ChunkSize, end-1)
	return s.get(ctx, protocol.ContentPath(c.Digest), part, func(r io.Reader) error {
		buf := make([]byte, protocol.ChunkSize)
		for n := first; n <= last; n++ {
			data := buf[:c.ChunkLength(n)]
			if _, err := io.ReadFull(r, data); err != nil {
				return err
			}
			if err := take(n, data); err != nil {
				return err
			}
		}
		return nil
	})
}

// get asks for a path, with a range if there is one, and has the body read.
func (s *Source) get(ctx context.Context, path, part string, read func(io.Reader) error) error {
	base := s.base.Load()
	if base == nil {
		return fmt.Errorf("no place of content: %w", ErrAnswer)
	}
	u, err := url.Parse(*base + path)
	if err != nil {
		return fmt.Errorf("place of content: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(s.stall, func() { cancel(fmt.Errorf("nothing came for %s: %w", s.stall, context.DeadlineExceeded)) })
	defer watch.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("content: %w", err)
	}
	want := http.StatusOK
	if part != "" {
		want = http.StatusPartialContent
		req.Header.Set("Range", part)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("content: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != want {
		return fmt.Errorf("content: %s: %w", resp.Status, ErrAnswer)
	}
	if err := read(&watched{r: resp.Body, watch: watch, stall: s.stall}); err != nil {
		return errors.Join(fmt.Errorf("content: %w", err), context.Cause(ctx))
	}
	return nil
}

// watched puts the watch off whenever something comes.
type watched struct {
	r     io.Reader
	watch *time.Timer
	stall time.Duration
}

// Read implements io.Reader.
func (w *watched) Read(b []byte) (int, error) {
	n, err := w.r.Read(b)
	if n > 0 {
		w.watch.Reset(w.stall)
	}
	return n, err
}
