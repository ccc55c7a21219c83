package api

import (
	"context"
	"html/template"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
)

// Provider is who else logs people in (OpenID Connect).
type Provider interface {
	Name() string
	// Begin returns where the browser is sent, and a ticket that it keeps meanwhile.
	// Error: problem.ErrUnavailable if the provider does not answer.
	Begin(ctx context.Context) (address, ticket string, err error)
	// Finish takes what the browser brings back. Errors: problem.ErrForbidden,
	// ErrUnavailable.
	Finish(ctx context.Context, ticket string, query url.Values) (account.Identity, error)
}

// providerPath begins a log-in by the provider, which sends the browser back to
// the path below it.
const (
	providerPath   = prefix + "/log-in/provider"
	providerReturn = providerPath + "/return"
	ticketCookie   = "loa_log_in"
)

// ProviderReturn is the path to which a provider sends browsers back.
const ProviderReturn = providerReturn

const refusedMain = `<h1>Không đăng nhập được</h1>
<div class="said" role="alert"><p>{{.Vi}}</p><p lang="en">{{.En}}</p></div>
<p><a href="/">Về trang đăng nhập / <span lang="en">To the log-in page</span></a></p>
`

// registerProvider adds the two steps of a log-in by a provider. They are pages,
// not operations: a browser is led through them.
func registerProvider(s *Server) {
	page := template.Must(template.New("refused").Parse(plainPage("Đăng nhập", refusedMain)))
	refuse := func(c *gin.Context, err error) {
		r := s.refuse(c.Request.Context(), "log-in-provider", err)
		s.showPage(c, r.status, page, r.problem)
	}
	s.engine.GET(providerPath, func(c *gin.Context) {
		address, ticket, err := s.Provider.Begin(c.Request.Context())
		if err != nil {
			refuse(c, err)
			return
		}
		s.setTicket(c, ticket, 600)
		c.Redirect(http.StatusSeeOther, address)
	})
	s.engine.GET(providerReturn, func(c *gin.Context) {
		ctx := c.Request.Context()
		ticket, err := c.Cookie(ticketCookie)
		s.setTicket(c, "", -1)
		if err != nil {
			refuse(c, problem.New(problem.ErrForbidden, "no-ticket", "", "Lượt đăng nhập này đã hết hạn hoặc bắt đầu ở trình duyệt khác; hãy đăng nhập lại.",
				"This log-in is over or was begun in another browser; log in again."))
			return
		}
		login, err := s.fromProvider(ctx, ticket, c.Request)
		if err != nil {
			refuse(c, err)
			return
		}
		if err := s.begin(ctx, login); err != nil {
			refuse(c, err)
			return
		}
		c.Redirect(http.StatusSeeOther, "/")
	})
}

func (s *Server) fromProvider(ctx context.Context, ticket string, r *http.Request) (account.Login, error) {
	identity, err := s.Provider.Finish(ctx, ticket, r.URL.Query())
	if err != nil {
		return account.Login{}, err
	}
	return s.Account.LogInFrom(ctx, identity, fromOf(ctx, r.UserAgent()))
}

// setTicket gives the browser a ticket for the way back, or takes it. It comes
// back with the provider's redirect, which is another site's: hence Lax.
func (s *Server) setTicket(c *gin.Context, ticket string, age int) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: ticketCookie, Value: ticket, Path: providerPath, MaxAge: age, HttpOnly: true, Secure: s.opts.Secure, SameSite: http.SameSiteLaxMode,
	})
}
