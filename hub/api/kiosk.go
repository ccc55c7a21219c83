package api

import (
	"context"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/protocol"
)

// The pages without script that only show: what is on air in the units of whoever
// is logged in, and a unit's page for public screens.
const (
	onAirPath   = "/tren-song"
	kioskPath   = "/kiosk/"
	kioskStyle  = "/kiosk/style.css"
	kioskEvery  = "15" // seconds between two looks
	kioskComing = 6    // starts shown
)

const kioskCSS = `body{margin:0;font:clamp(18px,2.4vw,40px)/1.45 system-ui,sans-serif;color:#fff;background:#0d2420;min-height:100vh}
body.plain{color:#14211e;background:#f1f4f3;font-size:18px}
main{max-width:70rem;margin:0 auto;padding:4vmin}
h1{font-size:1.3em;margin:0 0 .6em}
h2{font-size:1em;color:#9fd6c6;margin:1.4em 0 .3em;text-transform:none}
.plain h2{color:#0a6650}
ul{list-style:none;margin:0;padding:0}
li{padding:.45em 0;border-bottom:1px solid #ffffff33}
.plain li{border-color:#c9d2cf}
b{font-size:1.15em}
.on{background:#0a6650;color:#fff;border-radius:.5em;padding:.7em 1em;border:0;margin-bottom:.5em}
.alarm{background:#b3121d}
.drill{background:#53309b}
.quiet{opacity:.85}
a{color:inherit;display:inline-block;min-height:56px;line-height:56px}
.stop{font:inherit;width:100%;max-width:30rem;min-height:72px;background:#b3121d;color:#fff;font-weight:800;border:0;border-radius:12px;cursor:pointer}`

const kioskHTML = `<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="` + kioskEvery + `">
<title>Đang phát · {{.Name}}</title>
<link rel="stylesheet" href="` + kioskStyle + `">
</head>
<body{{if .Plain}} class="plain"{{end}}>
<main>
<h1>{{.Name}}</h1>
<p class="quiet">{{.Clock}}</p>
{{if .Plain}}<form method="post" action="` + plainPath + `"><button class="stop" name="act" value="stop">DỪNG PHÁT / <span lang="en">STOP ALL</span></button></form>{{end}}
<h2>Đang phát / <span lang="en">On air</span></h2>
<ul>{{range .On}}<li class="on{{if .Drill}} drill{{else if .Emergency}} alarm{{end}}"><b>{{if .Drill}}DIỄN TẬP: {{end}}{{.Title}}</b><br>{{.Where}}</li>{{else}}<li>Không có gì đang phát. / <span lang="en">Nothing is on air.</span></li>{{end}}</ul>
<h2>Sắp phát / <span lang="en">Next</span></h2>
<ul>{{range .Next}}<li><b>{{.At}}</b> {{.Title}}<br><span class="quiet">{{.Where}}</span></li>{{else}}<li>Chưa có lịch phát. / <span lang="en">Nothing is planned.</span></li>{{end}}</ul>
{{if .Plain}}<p><a href="/">Về trang Loa / <span lang="en">To Loa</span></a></p>{{end}}
</main>
</body>
</html>
`

// kioskLine is one airing on the page.
type kioskLine struct {
	Title, Where, At string
	Emergency, Drill bool
	next             time.Time
}

// kioskView is what the page shows.
type kioskView struct {
	Name, Clock string
	Plain       bool // for the person who is logged in, with the way to the stop
	On, Next    []kioskLine
}

// isShown says whether a path is one of these pages.
func isShown(path string) bool { return path == onAirPath || strings.HasPrefix(path, kioskPath) }

// registerKiosk adds the pages. What a kiosk shows is public by its nature: what
// was approved and is sent out by loudspeakers.
func registerKiosk(s *Server) {
	page := template.Must(template.New("kiosk").Parse(kioskHTML))
	show := func(c *gin.Context, v kioskView, err error) {
		if err != nil {
			r := s.refuse(c.Request.Context(), "kiosk", err)
			s.writeProblem(c.Writer, c.Request, r.status, r.problem)
			return
		}
		s.showPage(c, http.StatusOK, page, v)
	}
	s.engine.GET(kioskPath+":unit", func(c *gin.Context) {
		if c.Param("unit") == "style.css" {
			c.Data(http.StatusOK, "text/css; charset=utf-8", []byte(kioskCSS))
			return
		}
		unit := protocol.UnitID(c.Param("unit"))
		tree, err := s.Registry.Tree(c.Request.Context())
		if err != nil {
			show(c, kioskView{}, err)
			return
		}
		u, ok := tree.Unit(unit)
		if !ok {
			s.writeProblem(c.Writer, c.Request, http.StatusNotFound, generic(http.StatusNotFound))
			return
		}
		// A reader of that unit alone, who is nobody.
		reader := account.Actor{Grants: []account.Grant{{Unit: unit, Role: account.Auditor}}}
		v, err := s.onAir(c.Request.Context(), reader, u.Name)
		show(c, v, err)
	})
	s.engine.GET(onAirPath, func(c *gin.Context) {
		a := actorOf(c.Request.Context())
		if a.Person == "" {
			c.Redirect(http.StatusSeeOther, plainLogIn)
			return
		}
		v, err := s.onAir(c.Request.Context(), a, a.Name)
		v.Plain = true
		show(c, v, err)
	})
}

// onAir lists what is and will be on air for a reader.
func (s *Server) onAir(ctx context.Context, a account.Actor, name string) (kioskView, error) {
	now := time.Now()
	list, err := s.Programme.List(ctx, a, now)
	if err != nil {
		return kioskView{}, err
	}
	tree, err := s.Registry.Tree(ctx)
	if err != nil {
		return kioskView{}, err
	}
	v := kioskView{Name: name, Clock: now.In(s.Zone).Format("15:04 02/01/2006")}
	for _, air := range list {
		b := s.airingBody(air)
		if b.Withdrawn != nil {
			continue
		}
		var where []string
		for _, id := range b.Units {
			if u, ok := tree.Unit(id); ok {
				where = append(where, u.Name)
			}
		}
		line := kioskLine{Title: b.Title, Where: strings.Join(where, ", "), Emergency: b.Class == protocol.ClassEmergency.String(), Drill: b.Drill}
		if b.OnAir {
			v.On = append(v.On, line)
		}
		if b.Next != nil {
			line.next, line.At = *b.Next, b.Next.In(s.Zone).Format("15:04 02/01")
			v.Next = append(v.Next, line)
		}
	}
	slices.SortFunc(v.Next, func(x, y kioskLine) int { return x.next.Compare(y.next) })
	v.Next = v.Next[:min(len(v.Next), kioskComing)]
	return v, nil
}
