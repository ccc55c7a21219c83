package api

import (
	"context"
	"errors"
	"html/template"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// plainPath is the page that stops everything without any script; plainLogIn logs in
// without any, and leads to what is on air.
const (
	plainPath  = "/dung"
	plainLogIn = "/dang-nhap"
	plainStyle = plainPath + "/style.css"
)

// plainForm is the longest form that the page takes, in bytes.
const plainForm = 16 << 10

const plainCSS = `body{font:18px/1.5 system-ui,sans-serif;max-width:30rem;margin:0 auto;padding:1rem;color:#14211e;background:#f1f4f3}
label{display:block;font-weight:700;margin-top:1rem}
input{font:inherit;width:100%;min-height:56px;padding:0 .8rem;box-sizing:border-box;border:2px solid #6b7d78;border-radius:12px}
button{font:inherit;font-weight:800;width:100%;min-height:72px;margin-top:1rem;border-radius:12px;border:0;background:#b3121d;color:#fff}
a{display:inline-block;min-height:56px;line-height:56px;color:#0a6650}
button.go{background:#0a6650}
button.back{background:#fff;color:#0a6650;border:2px solid #0a6650}
.said{background:#fff;border-radius:12px;padding:1rem}`

const plainFields = `<label for="user">Tên đăng nhập / <span lang="en">User name</span></label><input id="user" name="user" autocomplete="username" autocapitalize="none" required>
<label for="password">Mật khẩu / <span lang="en">Password</span></label><input id="password" name="password" type="password" autocomplete="current-password" required>
<label for="code">Mã xác thực, nếu có / <span lang="en">Code, if you have one</span></label><input id="code" name="code" autocomplete="one-time-code">`

const plainLogInMain = `<h1>Đăng nhập / <span lang="en">Log in</span></h1>
{{with .Problem}}<div class="said" role="alert"><p>{{.Vi}}</p><p lang="en">{{.En}}</p></div>{{end}}
<form method="post">
` + plainFields + `
<button class="go">Đăng nhập / <span lang="en">Log in</span></button>
</form>
<p><a href="` + plainPath + `">Dừng phát ngay / <span lang="en">Stop all now</span></a></p>
<p><a href="/">Về trang Loa / <span lang="en">To Loa</span></a></p>
`

const plainMain = `<h1>Dừng phát</h1>
{{with .Problem}}<div class="said" role="alert"><p>{{.Vi}}</p><p lang="en">{{.En}}</p></div>{{end}}
{{if .Stops}}<div class="said" role="status"><p>Đã gửi lệnh dừng tới {{len .Stops}} đơn vị.</p><p lang="en">The stop was sent to {{len .Stops}} of your units.</p></div>
<form method="post">{{range .Stops}}<input type="hidden" name="stop" value="{{.}}">{{end}}<button class="back" name="act" value="back">Hoàn tác / <span lang="en">Undo</span></button></form>{{end}}
{{if .Back}}<div class="said" role="status"><p>Đã hoàn tác.</p><p lang="en">The stop was taken back.</p></div>{{end}}
<form method="post">
{{if not .Known}}` + plainFields + `{{end}}
<button name="act" value="stop">DỪNG PHÁT / <span lang="en">STOP ALL</span></button>
</form>
{{if .Known}}<p><a href="` + onAirPath + `">Đang phát gì / <span lang="en">What is on air</span></a></p>{{end}}
<p><a href="/">Về trang Loa / <span lang="en">To Loa</span></a></p>
`

// plainPage is a page without script: the words in its title, and its main part.
func plainPage(title, main string) string {
	return `<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>` + title + ` · Loa</title>
<link rel="stylesheet" href="` + plainStyle + `">
</head>
<body>
<main>
` + main + `</main>
</body>
</html>
`
}

// plainView is what the page shows.
type plainView struct {
	Known   bool // somebody is logged in
	Stops   []protocol.StopID
	Back    bool
	Problem *problem.Problem
}

// registerPlain adds the page for browsers without script: log in and stop
// everything by one form.
func registerPlain(s *Server) {
	page := template.Must(template.New("stop").Parse(plainPage("Dừng phát", plainMain)))
	s.engine.GET(plainPath, func(c *gin.Context) {
		s.showPage(c, http.StatusOK, page, plainView{Known: actorOf(c.Request.Context()).Person != ""})
	})
	s.engine.GET(plainStyle, func(c *gin.Context) {
		c.Data(http.StatusOK, "text/css; charset=utf-8", []byte(plainCSS))
	})
	door := template.Must(template.New("log in").Parse(plainPage("Đăng nhập", plainLogInMain)))
	s.engine.GET(plainLogIn, func(c *gin.Context) {
		if actorOf(c.Request.Context()).Person != "" {
			c.Redirect(http.StatusSeeOther, onAirPath)
			return
		}
		s.showPage(c, http.StatusOK, door, plainView{})
	})
	s.engine.POST(plainLogIn, func(c *gin.Context) {
		ctx := c.Request.Context()
		err := readForm(c.Writer, c.Request)
		if err == nil {
			_, err = s.plainEnter(ctx, c.Request)
		}
		if err != nil {
			r := s.refuse(ctx, "plain-log-in", err)
			s.showPage(c, r.status, door, plainView{Problem: r.problem})
			return
		}
		c.Redirect(http.StatusSeeOther, onAirPath)
	})
	s.engine.POST(plainPath, func(c *gin.Context) {
		ctx, status := c.Request.Context(), http.StatusOK
		v, err := s.plainAct(ctx, c.Writer, c.Request)
		if err != nil {
			r := s.refuse(ctx, "plain-stop", err)
			status, v.Problem = r.status, r.problem
		}
		s.showPage(c, status, page, v)
	})
}

// showPage sends a page that needs no script and is not to be kept.
func (s *Server) showPage(c *gin.Context, status int, page *template.Template, view any) {
	c.Header("Content-Type", "text/html; charset=utf-8")
	c.Header("Cache-Control", "no-store")
	c.Status(status)
	if err := page.Execute(c.Writer, view); err != nil {
		s.log.Debug("answer not sent", "error", err)
	}
}

// plainAct does what a form asks for, after logging in whoever is not.
func (s *Server) plainAct(ctx context.Context, w http.ResponseWriter, r *http.Request) (plainView, error) {
	a := actorOf(ctx)
	if err := readForm(w, r); err != nil {
		return plainView{Known: a.Person != ""}, err
	}
	if a.Person == "" {
		var err error
		if a, err = s.plainEnter(ctx, r); err != nil {
			return plainView{}, err
		}
	}
	v, back := plainView{Known: true}, r.PostFormValue("act") == "back"
	may := a
	if !back {
		may.Due = "" // silence does not wait for what is due; sound does
	}
	if err := admitted(may, huma.Operation{OperationID: "plain-stop", Method: http.MethodPost}); err != nil {
		return v, err
	}
	if back {
		for _, id := range r.PostForm["stop"] {
			if _, err := s.Programme.TakeBack(ctx, a, protocol.StopID(id)); err != nil {
				return v, err
			}
		}
		s.tell("airing", "")
		v.Back = true
		return v, nil
	}
	stops, err := s.stop(ctx, a, "", "")
	for _, st := range stops {
		v.Stops = append(v.Stops, st.ID)
	}
	return v, err
}

// readForm reads a page's form. Error: problem.ErrTooLarge.
func readForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, plainForm)
	if r.ParseForm() != nil {
		return problem.ErrTooLarge
	}
	return nil
}

// plainEnter logs in whom a form names.
func (s *Server) plainEnter(ctx context.Context, r *http.Request) (account.Actor, error) {
	login, err := s.Account.LogIn(ctx, protocol.PersonID(r.PostFormValue("user")), r.PostFormValue("password"), r.PostFormValue("code"), fromOf(ctx, r.UserAgent()))
	if err != nil {
		return account.Actor{}, err
	}
	return login.Actor, s.begin(ctx, login)
}

// begin begins a session.
func (s *Server) begin(ctx context.Context, login account.Login) error {
	// A new token, so that one planted before log-in is worth nothing.
	if err := s.sessions.RenewToken(ctx); err != nil {
		return err
	}
	s.sessions.Put(ctx, keyLogin, login.Session)
	return nil
}

// stop silences a unit, an airing, or, if neither is named, all units of the
// actor. What was sent is returned with what failed.
func (s *Server) stop(ctx context.Context, a account.Actor, unit protocol.UnitID, airing protocol.AiringID) ([]protocol.Stop, error) {
	units := []protocol.UnitID{unit}
	if unit == "" && airing == "" {
		units = a.Units(account.Stop)
	}
	var out []protocol.Stop
	var errs []error
	for _, u := range units { // what fails in one must not go on sounding in the others
		stops, err := s.Programme.Stop(ctx, a, u, airing)
		if len(stops) > 0 {
			s.tell("airing", "")
		}
		out, errs = append(out, stops...), append(errs, err)
	}
	return out, errors.Join(errs...)
}
