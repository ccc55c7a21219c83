// Package api is the hub's HTTP interface: typed routes under /api/v1, OpenAPI
// 3.1 at /api/openapi.json, refusals as RFC 9457 problems. Its handlers bind,
// authorise, make one call of a domain service and render. It decides nothing
// but who is asking, and never stores anything.
package api

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
)

// prefix stands in front of every route's path.
const prefix = "/api/v1"

// Services are the domain services behind the routes. Each resource's file
// declares the interface that it needs; a nil service leaves its routes out.
type Services struct {
	Account  Accounts
	Registry Registry
	Enrol    Claims
	Sessions scs.CtxStore

	Bulletins Bulletins
	Readings  Readings
	Growing   Growing
	Jobs      Jobs
	Sounds    Sounds
	Uploads   Uploads
	Approvals Approvals
	Passkeys  Passkeys
	Approvers Approvers
	Programme Programme
	Desk      Desk
	Library   Library
	Relays    Relays
	Reach     Reach
	Changes   Changes
	Alerts    Alerts
	Notebook  Notebook
	Resumable Resumable
	Joiner    Joiner
	Sheets    Sheets
	Orders    Orders
	Journal   Journal
	Mutes     Mutes
	// Provider logs people in besides passwords and passkeys.
	Provider Provider
	// Answers keeps answers to requests with a key; usually the desk.
	Answers Answers
	// Zone is the hub's, for what is shown in local time.
	Zone *time.Location
}

// Options are settings of the server.
type Options struct {
	Version string
	Log     *slog.Logger
	// Origins are public URLs ("https://loa.example") from which browsers may
	// call besides the address they speak to.
	Origins []string
	// Secure marks the session's cookie so: the public URL is https.
	Secure bool
	// PasskeyLogIn: the console has a name under which browsers hold passkeys.
	PasskeyLogIn bool
	// Proxies may say in X-Forwarded-For who is asking.
	Proxies []netip.Prefix
	// EnrolURL is where devices enrol; it stands in QR codes.
	EnrolURL string
	// MaxUpload is the largest upload in bytes; 0 means the constant MaxUpload.
	MaxUpload int64
	// Console answers every path outside of /api; nil answers 404.
	Console http.Handler
}

// Server is the API. Use New.
type Server struct {
	Services
	opts     Options
	log      *slog.Logger
	sessions *scs.SessionManager
	origins  *http.CrossOriginProtection
	engine   *gin.Engine
	photos   sync.Mutex
	api      huma.API
	doing    sync.Map // notebook.Keyed: requests with a key that are being done
}

// New returns a server with all routes. An error means that an origin of the
// options is not one.
func New(services Services, opts Options) (*Server, error) {
	s := &Server{Services: services, opts: opts, log: opts.Log, origins: http.NewCrossOriginProtection()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.opts.MaxUpload == 0 {
		s.opts.MaxUpload = MaxUpload
	}
	for _, o := range opts.Origins {
		if err := s.origins.AddTrustedOrigin(strings.TrimSuffix(o, "/")); err != nil {
			return nil, err
		}
	}
	s.sessions = newSessions(services.Sessions, opts.Secure)
	releaseMode()
	s.engine = gin.New()
	s.engine.HandleMethodNotAllowed = true
	s.engine.RedirectTrailingSlash = false
	s.engine.NoRoute(gin.WrapF(s.noRoute))
	s.engine.NoMethod(gin.WrapF(s.noMethod))
	s.api = humagin.New(s.engine, s.config())
	s.register(s.api)
	// huma describes its own error model, which no answer here has.
	delete(s.api.OpenAPI().Components.Schemas.Map(), "ErrorModel")
	return s, nil
}

// releaseMode silences gin, whose mode belongs to the process.
var releaseMode = sync.OnceFunc(func() { gin.SetMode(gin.ReleaseMode) })

// register adds the routes of every resource whose service is there.
func (s *Server) register(api huma.API) {
	if s.Account != nil {
		registerSessions(api, s)
		registerLogins(api, s)
		registerUsers(api, s)
		registerTokens(api, s)
		registerSecond(api, s)
	}
	if s.Provider != nil {
		registerProvider(s)
	}
	if s.Registry != nil {
		registerUnits(api, s)
		registerLimits(api, s)
		registerTable(api, s)
		registerDays(api, s)
		if s.Sheets != nil {
			registerSheets(api, s)
		}
		registerDevices(api, s)
		if s.Orders != nil {
			registerOrders(api, s)
		}
	}
	if s.Mutes != nil {
		registerMute(api, s)
	}
	if s.Enrol != nil {
		registerClaims(api, s)
		registerInstalls(api, s)
	}
	if s.Bulletins != nil {
		registerBulletins(api, s)
	}
	if s.Readings != nil {
		registerReadings(api, s)
	}
	if s.Approvals != nil {
		registerApprovals(api, s)
	}
	if s.Passkeys != nil {
		registerPasskeys(api, s)
	}
	if s.Approvers != nil {
		registerApprovers(api, s)
	}
	if s.Programme != nil {
		registerAirings(api, s)
	}
	if s.Desk != nil {
		registerProgrammes(api, s)
	}
	if s.Library != nil {
		registerLibrary(api, s)
	}
	if s.Relays != nil && s.Bulletins != nil {
		registerRelays(api, s)
	}
	if s.Account != nil && s.Programme != nil {
		registerPlain(s)
		registerKiosk(s)
	}
	if s.Alerts != nil {
		registerAlerts(api, s)
	}
	if s.Changes != nil {
		registerEvents(api, s)
	}
	if s.Journal != nil {
		registerRecords(api, s)
	}
	if s.Notebook != nil {
		registerNotebook(api, s)
	}
}

func (s *Server) config() huma.Config {
	c := huma.DefaultConfig("Loa", s.opts.Version)
	c.OpenAPIPath = "/api/openapi"
	c.DocsPath = ""
	c.SchemasPath = ""
	c.CreateHooks = nil // no $schema links in answers
	c.RejectUnknownQueryParameters = true
	c.Transformers = []huma.Transformer{s.render}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: cookieName},
		"token":   {Type: "http", Scheme: "bearer"},
	}
	return c
}

// Handler returns what to serve.
func (s *Server) Handler() http.Handler {
	routes := s.identified(s.once(compressed(s.engine)))
	return s.headers(s.recovered(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isAPI(r) && !isPlain(r) && s.opts.Console != nil {
			s.opts.Console.ServeHTTP(w, r)
			return
		}
		routes.ServeHTTP(w, r)
	})))
}

// headers are on every answer.
func (s *Server) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "+
			"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "microphone=(self), camera=(), geolocation=()")
		if s.opts.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if isAPI(r) {
			h.Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) noRoute(w http.ResponseWriter, r *http.Request) {
	s.writeProblem(w, r, http.StatusNotFound, generic(http.StatusNotFound))
}

func (s *Server) noMethod(w http.ResponseWriter, r *http.Request) {
	s.writeProblem(w, r, http.StatusMethodNotAllowed, generic(http.StatusMethodNotAllowed))
}

func isPlain(r *http.Request) bool {
	return r.URL.Path == plainPath || r.URL.Path == plainLogIn || r.URL.Path == plainStyle || isShown(r.URL.Path)
}

func isAPI(r *http.Request) bool {
	return r.URL.Path == "/api" || strings.HasPrefix(r.URL.Path, "/api/")
}

// recovered answers 500 where a handler panics, and logs it once.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v)
			default:
				s.log.Error("handler panicked", "method", r.Method, "path", r.URL.Path, "panic", v, "stack", stack())
				s.writeProblem(w, r, http.StatusInternalServerError, generic(http.StatusInternalServerError))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// Timeouts for the http.Server that serves Handler. Uploads move their read
// deadline themselves, streams their write deadline.
const (
	ReadHeaderTimeout = 10 * time.Second
	IdleTimeout       = 2 * time.Minute
	MaxHeaderBytes    = 32 << 10
)
