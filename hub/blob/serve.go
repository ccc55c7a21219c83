package blob

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

const (
	// maxServed is how many devices are served side by side; the others wait, so
	// that memory stays bounded when a province asks at once.
	maxServed = 256
	// progress is how long a device may take nothing before it is cut off.
	progress = 30 * time.Second
)

// Server gives devices blobs and their chunk lists by digest over HTTPS, whole or
// by ranges (RFC 9110, section 14). What is public is not decided here: admit is
// asked about each certificate, which TLS has verified.
type Server struct {
	dir    *Dir
	admit  func(ctx context.Context, cert *x509.Certificate) error
	log    *slog.Logger
	places chan struct{}
}

// NewServer returns the handler of protocol.ContentPath.
func NewServer(dir *Dir, admit func(ctx context.Context, cert *x509.Certificate) error, log *slog.Logger) *Server {
	return &Server{dir: dir, admit: admit, log: log, places: make(chan struct{}, maxServed)}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		http.Error(w, "a device's certificate is needed", http.StatusUnauthorized)
		return
	}
	if err := s.admit(r.Context(), r.TLS.PeerCertificates[0]); err != nil {
		http.Error(w, "not permitted", http.StatusForbidden)
		return
	}
	name, list := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/content/"), ".list")
	digest, err := protocol.ParseDigest(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	case <-r.Context().Done():
		return
	}
	out := &paced{ResponseWriter: w, control: http.NewResponseController(w)}
	out.Header().Set("Content-Type", "application/octet-stream")
	out.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	out.Header().Set("ETag", `"`+name+`"`)
	if list {
		s.list(out, r, digest)
		return
	}
	f, err := s.dir.Open(digest)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer f.Close()
	http.ServeContent(out, r, "", time.Time{}, f)
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, digest protocol.Digest) {
	b, _, err := s.dir.Chunks(digest)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("ETag", `"`+digest.String()+`.list"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, problem.ErrNotFound) {
		http.NotFound(w, r)
		return
	}
	s.log.ErrorContext(r.Context(), "content not served", "path", r.URL.Path, "error", err)
	http.Error(w, "not readable", http.StatusInternalServerError)
}

// paced moves the deadline of writing as long as the device takes something: the
// server's own would cut off slow lines.
type paced struct {
	http.ResponseWriter
	control *http.ResponseController
	until   time.Time
}

// Write implements io.Writer.
func (p *paced) Write(b []byte) (int, error) {
	if now := time.Now(); p.until.Sub(now) < progress/2 {
		p.until = now.Add(progress)
		if err := p.control.SetWriteDeadline(p.until); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return 0, err
		}
	}
	return p.ResponseWriter.Write(b)
}
