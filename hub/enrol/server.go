package enrol

import (
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
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/allowance"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"golang.org/x/time/rate"
)

// maxRequest is the longest request of a device, in bytes: two certificate
// requests need less than 2 KiB.
const maxRequest = 16 << 10

// Limits of enrolments: of one address, and of all together.
const (
	addressBurst = 20
	addressEvery = 3 * time.Second
	totalBurst   = 200
	totalEvery   = 50 * time.Millisecond
)

// limiter counts enrolments by address, and all requests together.
type limiter struct {
	total     *rate.Limiter
	addresses *allowance.Allowances
}

func newLimiter() limiter {
	return limiter{rate.NewLimiter(rate.Every(totalEvery), totalBurst), allowance.New(1/addressEvery.Seconds(), addressBurst)}
}

// allow says whether a request may be answered; one that only reads the anchors is no
// enrolment, or each would use up two.
func (l limiter) allow(address string, enrols bool, now time.Time) bool {
	return (!enrols || l.addresses.Take(address, now)) && l.total.AllowN(now, 1)
}

// Handler returns the two routes of enrolment. content answers below
// protocol.ContentPath, whose requests are not enrolments and are not counted as
// such; nil answers 404.
func (s *Service) Handler(content http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+protocol.AnchorsPath, func(w http.ResponseWriter, r *http.Request) {
		a, err := s.Anchors(r.Context())
		if err != nil {
			s.log.ErrorContext(r.Context(), "anchors unreadable", "error", err)
			s.refuse(w, http.StatusInternalServerError, "trung tâm gặp lỗi; hãy thử lại", "the hub failed; try again")
			return
		}
		s.send(w, http.StatusOK, a)
	})
	mux.HandleFunc("POST "+protocol.EnrolPath, func(w http.ResponseWriter, r *http.Request) { answer(s, w, r, s.Enrol) })
	mux.HandleFunc("POST "+protocol.RenewPath, func(w http.ResponseWriter, r *http.Request) { answer(s, w, r, s.Renew) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if content != nil && strings.HasPrefix(r.URL.Path, "/content/") {
			content.ServeHTTP(w, r)
			return
		}
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil || !s.tries.allow(host, r.Method == http.MethodPost, time.Now()) {
			w.Header().Set("Retry-After", "10")
			s.refuse(w, http.StatusTooManyRequests, "quá nhiều yêu cầu; hãy đợi", "too many requests; wait")
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

// answer reads a request, does it, and says what came of it.
func answer[R any](s *Service, w http.ResponseWriter, r *http.Request, do func(context.Context, R) (protocol.EnrolAnswer, error)) {
	var req R
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err == nil {
		err = protocol.DecodeJSON(b, &req)
	}
	if err != nil {
		s.refuse(w, http.StatusBadRequest, "yêu cầu không đọc được", "the request cannot be read")
		return
	}
	a, err := do(r.Context(), req)
	switch {
	case err == nil:
		s.send(w, http.StatusOK, a)
	case errors.Is(err, ErrSecret):
		s.refused(r, err)
		s.refuse(w, http.StatusForbidden, "mã đăng ký không đúng; hãy kiểm tra lại mã", "the claim is wrong; check it")
	case errors.Is(err, ErrGone):
		s.refused(r, err)
		s.refuse(w, http.StatusGone, "mã đăng ký đã dùng hoặc hết hạn; chạy loa-hub device claim để có mã mới",
			"the claim was used or has expired; run loa-hub device claim for a new one")
	case errors.Is(err, ErrEnrolled):
		s.refused(r, err)
		s.refuse(w, http.StatusConflict, "thiết bị đã đăng ký với khoá khác; nếu thay máy, chạy loa-hub device claim để có mã mới",
			"the device is enrolled with another key; to replace it run loa-hub device claim for a new claim")
	case errors.Is(err, problem.ErrInvalid):
		s.refuse(w, http.StatusBadRequest, "khoá hoặc yêu cầu chứng thư không đúng", "the key or a certificate request is wrong")
	default:
		s.log.ErrorContext(r.Context(), "enrolment failed", "error", err)
		s.refuse(w, http.StatusInternalServerError, "trung tâm gặp lỗi; hãy thử lại", "the hub failed; try again")
	}
}

// refused tells the operator: an enrolment that fails has somebody waiting.
func (s *Service) refused(r *http.Request, err error) {
	s.log.WarnContext(r.Context(), "enrolment refused", "address", r.RemoteAddr, "error", err)
}

func (s *Service) refuse(w http.ResponseWriter, status int, vi, en string) {
	w.Header().Set("Content-Type", "application/problem+json")
	s.write(w, status, map[string]any{"type": "about:blank", "status": status, "title": http.StatusText(status), "detail": en, "detail_vi": vi})
}

func (s *Service) send(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	s.write(w, status, v)
}

func (s *Service) write(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.log.Debug("answer not sent", "error", err)
	}
}

// Server serves enrolment over TLS. Use Listen.
type Server struct {
	http *http.Server
	ln   net.Listener
	done chan error
}

// Listen serves on an address with the certificate that get returns, which must
// bring the CA's certificate with it. A device that is enrolled may show its own
// certificate, of clients' authority; content is as Handler has it.
func (s *Service) Listen(address string, get func(*tls.ClientHelloInfo) (*tls.Certificate, error), clients *x509.CertPool, content http.Handler) (*Server, error) {
	ln, err := tls.Listen("tcp", address, &tls.Config{
		MinVersion: tls.VersionTLS13, GetCertificate: get, NextProtos: []string{"http/1.1"},
		ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: clients,
	})
	if err != nil {
		return nil, fmt.Errorf("enrolment: %w", err)
	}
	srv := &Server{ln: ln, done: make(chan error, 1), http: &http.Server{
		Handler: s.Handler(content), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second,
		IdleTimeout: 30 * time.Second, MaxHeaderBytes: 8 << 10,
		// A port scan is no event of the hub's.
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}}
	go func() { srv.done <- srv.http.Serve(ln) }()
	return srv, nil
}

// Addr returns where the server listens.
func (s *Server) Addr() net.Addr { return s.ln.Addr() }

// Close stops the server after at most five seconds.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
