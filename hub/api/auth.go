package api

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
)

// cookieName is the session's cookie; its session holds the id of a log-in.
const (
	cookieName = "loa_session"
	keyLogin   = "login"
)

func newSessions(store scs.CtxStore, secure bool) *scs.SessionManager {
	m := scs.New()
	m.Store = store
	m.HashTokenInStore = true
	m.Lifetime = account.SessionLife
	m.IdleTimeout = 0 // a stream or a poll is no sign of a person
	m.Cookie.Name = cookieName
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteLaxMode
	m.Cookie.Secure = secure
	return m
}

type (
	actorKey   struct{}
	addressKey struct{}
)

// actorOf returns who is asking; the zero value for a stranger.
func actorOf(ctx context.Context) account.Actor {
	a, _ := ctx.Value(actorKey{}).(account.Actor)
	return a
}

// addressOf returns the address of who is asking.
func addressOf(ctx context.Context) string {
	a, _ := ctx.Value(addressKey{}).(string)
	return a
}

// identified finds out who is asking: by an API token or by the session's
// cookie. A request with a cookie that changes anything must come from the
// hub's own pages.
func (s *Server) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), addressKey{}, clientAddress(r, s.opts.Proxies))
		if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
			actor, err := s.Account.Bearer(ctx, strings.TrimSpace(token))
			if err != nil {
				s.writeError(w, r, err)
				return
			}
			ctx = s.acting(ctx, actor, "token")
			// Log-in and log-out touch the session even then.
			ctx, err = s.sessions.Load(ctx, "")
			if err != nil {
				s.writeError(w, r, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(ctx))
			return
		}
		if err := s.origins.Check(r); err != nil {
			s.writeProblem(w, r, http.StatusForbidden, problem.New(problem.ErrForbidden, "other-origin", "",
				"Yêu cầu đến từ trang khác nên bị từ chối; hãy mở lại trang của trung tâm.",
				"The request comes from another site and is refused; open the hub's own page again."))
			return
		}
		var token string
		if c, err := r.Cookie(cookieName); err == nil && len(c.Value) <= 64 {
			token = c.Value
		}
		ctx, err := s.sessions.Load(ctx, token)
		if err != nil {
			s.writeError(w, r, err)
			return
		}
		if login := s.sessions.GetString(ctx, keyLogin); login != "" {
			actor, err := s.Account.Actor(ctx, login)
			switch status, known := statusOf(err); {
			case err == nil:
				ctx = s.acting(ctx, actor, "session")
			case known && status == http.StatusUnauthorized:
				if err := s.sessions.Destroy(ctx); err != nil {
					s.writeError(w, r, err)
					return
				}
			default:
				s.writeError(w, r, err)
				return
			}
		}
		sw := &sessionWriter{ResponseWriter: w, commit: func() { s.commit(ctx, w) }}
		next.ServeHTTP(sw, r.WithContext(ctx))
		sw.once()
	})
}

// acting puts who is asking into a context, for rights and for the record.
func (s *Server) acting(ctx context.Context, actor account.Actor, via string) context.Context {
	ctx = audit.With(ctx, audit.Origin{Person: actor.Person, Address: addressOf(ctx), Via: via})
	return context.WithValue(ctx, actorKey{}, actor)
}

// commit stores a changed session and sets its cookie.
func (s *Server) commit(ctx context.Context, w http.ResponseWriter) {
	switch s.sessions.Status(ctx) {
	case scs.Modified:
		token, expiry, err := s.sessions.Commit(ctx)
		if err != nil {
			s.log.ErrorContext(ctx, "session not stored", "error", err)
			return
		}
		s.sessions.WriteSessionCookie(ctx, w, token, expiry)
	case scs.Destroyed:
		s.sessions.WriteSessionCookie(ctx, w, "", time.Time{})
	}
}

// sessionWriter commits the session before the first byte. Streams reach the
// connection through Flush and Unwrap.
type sessionWriter struct {
	http.ResponseWriter
	commit func()
}

func (w *sessionWriter) once() {
	if w.commit != nil {
		w.commit()
		w.commit = nil
	}
}

func (w *sessionWriter) WriteHeader(status int) {
	w.once()
	w.ResponseWriter.WriteHeader(status)
}

func (w *sessionWriter) Write(b []byte) (int, error) {
	w.once()
	return w.ResponseWriter.Write(b)
}

func (w *sessionWriter) Flush() {
	w.once()
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

func (w *sessionWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (s *Server) writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := s.refuse(r.Context(), "identify", err)
	s.writeProblem(w, r, e.status, e.problem)
}

// clientAddress returns the address of who is asking. X-Forwarded-For counts
// only as far as trusted proxies wrote it, so it is read from its end.
func clientAddress(r *http.Request, proxies []netip.Prefix) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	trusted := func(s string) bool {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return false
		}
		for _, p := range proxies {
			if p.Contains(a.Unmap()) {
				return true
			}
		}
		return false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && trusted(host); i-- {
		hop := strings.TrimSpace(hops[i])
		if _, err := netip.ParseAddr(hop); err != nil {
			break
		}
		host = hop
	}
	return host
}

func problemType() reflect.Type { return reflect.TypeFor[Problem]() }
