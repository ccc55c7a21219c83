package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// MaxPictureUpload is the largest file of a picture, in bytes.
const MaxPictureUpload = 24 << 20

// maxSizes is how many sizes of boards are laid out at once.
const maxSizes = 8

// PictureBody is a picture for boards, as they get it: grey levels, PNG.
type PictureBody struct {
	Digest string `json:"digest" doc:"give it as picture of a bulletin"`
	Width  uint64 `json:"width"`
	Height uint64 `json:"height"`
	Size   uint64 `json:"size" doc:"bytes"`
}

func pictureBody(p *protocol.Picture) *PictureBody {
	if p == nil {
		return nil
	}
	return &PictureBody{Digest: p.Content.Digest.String(), Width: p.Width, Height: p.Height, Size: p.Content.Size}
}

// pictureOf reads the digest of a picture; "" is none.
func pictureOf(digest string) (protocol.Digest, error) {
	if digest == "" {
		return protocol.Digest{}, nil
	}
	d, err := protocol.ParseDigest(digest)
	if err != nil {
		return d, problem.New(problem.ErrInvalid, "picture", "picture", "Không có ảnh này. Hãy tải ảnh lên lại.", "There is no such picture. Upload it again.")
	}
	return d, nil
}

// CrawlBody is text that runs. In frame n, which stands from n/rate seconds after
// the page's beginning on, column n*step - width of the strip is at the left edge of
// the zone, and what is beyond the strip's ends is dark.
type CrawlBody struct {
	X      int    `json:"x" doc:"of the zone, in px of the board"`
	Y      int    `json:"y"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Rate   int    `json:"rate" doc:"frames a second"`
	Step   int    `json:"step" doc:"px a frame"`
	Frames int    `json:"frames" doc:"until all has run through"`
	Strip  []byte `json:"strip" doc:"PNG of the whole text; base64"`
}

// PageBody is one page of a board as it will look.
type PageBody struct {
	DwellMS int64      `json:"dwell_ms"`
	PNG     []byte     `json:"png" doc:"what stands; base64"`
	Crawl   *CrawlBody `json:"crawl,omitempty" doc:"what runs in it"`
	Digest  string     `json:"digest" doc:"as devices' receipts name it"`
}

// FindingBody is something that the author of a text for boards should know.
type FindingBody struct {
	Field    page.Field   `json:"field,omitempty" enum:"title,body,sender,picture" doc:"none for the whole"`
	Position int          `json:"position" doc:"characters (code points) before it in the field's NFC form"`
	Letter   string       `json:"letter,omitempty"`
	Problem  page.Problem `json:"problem" enum:"missing,invisible,broken,paged,no room,slow"`
	Vi       string       `json:"vi"`
	En       string       `json:"en"`
}

// PagesBody is how a bulletin looks on one size of board.
type PagesBody struct {
	Width    uint64        `json:"width"`
	Height   uint64        `json:"height"`
	Row      uint64        `json:"row"`
	LengthMS int64         `json:"length_ms" doc:"two passes: how long reading it takes"`
	Pages    []PageBody    `json:"pages"`
	Warnings []string      `json:"warnings" doc:"letters that a board cannot show as written"`
	Findings []FindingBody `json:"findings" doc:"all that the author should know, with its place"`
}

// SketchBody is a text for boards that is still being written.
type SketchBody struct {
	Unit    protocol.UnitID `json:"unit" maxLength:"64"`
	Class   string          `json:"class" enum:"normal,priority,emergency"`
	Drill   bool            `json:"drill,omitempty"`
	Title   string          `json:"title,omitempty"`
	Board   string          `json:"board" minLength:"1"`
	Layout  string          `json:"layout,omitempty" enum:"notice,two-line,ticker,picture"`
	Picture string          `json:"picture,omitempty" maxLength:"64"`
	Zone    string          `json:"board_zone,omitempty" enum:"header,ticker" doc:"the part of boards that it is for"`
	Sizes   []BoardBody     `json:"sizes,omitempty" maxItems:"8" doc:"those of the unit's boards if empty"`
}

type (
	pictureOutput struct{ Body PictureBody }
	pagesInput    struct {
		BulletinPath
		Width  uint64 `query:"width" minimum:"16" maximum:"3840" default:"192"`
		Height uint64 `query:"height" minimum:"16" maximum:"2160" default:"32"`
		Row    uint64 `query:"row" minimum:"16" maximum:"160" default:"16"`
	}
	pagesOutput   struct{ Body PagesBody }
	sketchInput   struct{ Body SketchBody }
	layoutsOutput struct{ Body []PagesBody }
)

func registerBoards(api huma.API, s *Server) {
	tags := []string{"boards"}
	streamed(api, s, huma.Operation{
		OperationID: "upload-picture", Method: http.MethodPost, Path: "/pictures", Summary: "Upload a picture for boards: PNG, JPEG, GIF or WebP; answers how boards get it, or why they cannot",
		Tags: tags, DefaultStatus: http.StatusCreated,
	}, MaxPictureUpload, func(ctx context.Context, a account.Actor, _ *struct{}, body io.Reader) (*pictureOutput, error) {
		file, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		p, err := s.Bulletins.AddPicture(ctx, a, file)
		if err != nil {
			return nil, err
		}
		return &pictureOutput{Body: *pictureBody(&p)}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "get-picture", Method: http.MethodGet, Path: "/bulletins/{id}/picture", Summary: "A bulletin's picture as boards get it, PNG", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *BulletinPath) (*huma.StreamResponse, error) {
		b, err := s.Bulletins.Get(ctx, a, in.ID)
		if err != nil {
			return nil, err
		}
		if b.Picture == nil {
			return nil, problem.ErrNotFound
		}
		f, err := s.Sounds.Open(b.Picture.Content.Digest)
		if err != nil {
			return nil, err
		}
		return file(f, "image/png", b.Picture.Content.Digest.String()), nil
	})
	route(api, s, huma.Operation{
		OperationID: "get-pages", Method: http.MethodGet, Path: "/bulletins/{id}/pages", Summary: "The very pixels that a board of this size shows, and how they move", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *pagesInput) (*pagesOutput, error) {
		b, err := s.Bulletins.Preview(ctx, a, in.ID)
		if err != nil {
			return nil, err
		}
		size := protocol.Display{Width: in.Width, Height: in.Height, Row: in.Row}
		if b.Board == "" {
			return &pagesOutput{Body: PagesBody{Width: in.Width, Height: in.Height, Row: in.Row, Pages: []PageBody{}, Warnings: []string{}, Findings: []FindingBody{}}}, nil
		}
		shown := bulletin.Shown{Drill: b.Options.Drill, At: time.Now().In(s.Zone)}
		if shown.Picture, err = s.Bulletins.Picture(b); err != nil {
			return nil, err
		}
		if shown.Sender, err = s.Approvals.Sender(ctx, b.Unit); err != nil {
			return nil, err
		}
		if shown.Version, err = s.version(ctx, b); err != nil {
			return nil, err
		}
		body, err := pagesBody(b, shown, size)
		return &pagesOutput{Body: body}, err
	})
	route(api, s, huma.Operation{
		OperationID: "lay-out", Method: http.MethodPost, Path: "/boards/preview", Summary: "How a text that is still being written looks on boards, how long reading takes, and what will look other than written",
		Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *sketchInput) (*layoutsOutput, error) {
		list, err := s.layouts(ctx, a, in.Body)
		return &layoutsOutput{Body: list}, err
	})
}

// layouts lays a sketch out for each size asked for.
func (s *Server) layouts(ctx context.Context, a account.Actor, in SketchBody) ([]PagesBody, error) {
	class, err := protocol.ParseName[protocol.Class](in.Class)
	if err != nil {
		return nil, err
	}
	k := bulletin.Sketch{Unit: in.Unit, Class: class, Drill: in.Drill, Title: in.Title, Board: in.Board, Layout: in.Layout}
	if k.Picture, err = pictureOf(in.Picture); err != nil {
		return nil, err
	}
	b, shown, err := s.Bulletins.Sketch(ctx, a, k)
	if err != nil {
		return nil, err
	}
	shown.At = shown.At.In(s.Zone)
	if shown.Version, err = s.version(ctx, b); err != nil {
		return nil, err
	}
	if shown.Sender, err = s.Approvals.Sender(ctx, b.Unit); err != nil {
		return nil, err
	}
	if len(in.Sizes) == 0 {
		if in.Sizes, err = s.sizes(ctx, b, in.Zone); err != nil {
			return nil, err
		}
	}
	out := make([]PagesBody, 0, len(in.Sizes))
	for _, size := range in.Sizes {
		body, err := pagesBody(b, shown, protocol.Display{Width: size.Width, Height: size.Height, Row: size.Row})
		if err != nil {
			return nil, err
		}
		out = append(out, body)
	}
	return out, nil
}

// version is that of the layout: as it was frozen with the bulletin, or else as it
// would be now.
func (s *Server) version(ctx context.Context, b bulletin.Bulletin) (uint64, error) {
	if len(b.Bytes) > 0 {
		frozen, err := protocol.Unmarshal[protocol.Bulletin](b.Bytes, protocol.MaxBulletin)
		if err != nil || frozen.Board == nil {
			return 0, err
		}
		return frozen.Board.LayoutVersion, nil
	}
	devices, err := s.Registry.Devices(ctx)
	if err != nil {
		return 0, err
	}
	states, err := s.Registry.States(ctx)
	if err != nil {
		return 0, err
	}
	return registry.Layout(registry.Targets(devices, []protocol.UnitID{b.Unit}), states), nil
}

// sizes are those that a bulletin has on its unit's boards, or the usual one if there
// are none.
func (s *Server) sizes(ctx context.Context, b bulletin.Bulletin, zone string) ([]BoardBody, error) {
	devices, err := s.Registry.Devices(ctx)
	if err != nil {
		return nil, err
	}
	states, err := s.Registry.States(ctx)
	if err != nil {
		return nil, err
	}
	var sizes []BoardBody
	for _, d := range registry.Sizes(registry.Targets(devices, []protocol.UnitID{b.Unit}), states, b.Class, zone) {
		if len(sizes) < maxSizes {
			sizes = append(sizes, boardBody(d))
		}
	}
	if len(sizes) == 0 {
		sizes = []BoardBody{{Width: 192, Height: 32, Row: 16}}
	}
	return sizes, nil
}

// pagesBody lays a bulletin out for one size of board.
func pagesBody(b bulletin.Bulletin, shown bulletin.Shown, size protocol.Display) (PagesBody, error) {
	out := PagesBody{Width: size.Width, Height: size.Height, Row: size.Row, Pages: []PageBody{}, Warnings: []string{}, Findings: []FindingBody{}}
	pages, warnings, err := bulletin.Pages(b, shown, size)
	if err != nil {
		return out, err
	}
	out.LengthMS = page.Length(pages).Milliseconds()
	for _, p := range pages {
		body, err := pageBody(p)
		if err != nil {
			return out, err
		}
		out.Pages = append(out.Pages, body)
	}
	for _, w := range warnings {
		if w.Letter != 0 {
			out.Warnings = append(out.Warnings, string(w.Letter))
		}
	}
	for _, f := range bulletin.Findings(pages, warnings) {
		out.Findings = append(out.Findings, FindingBody{Field: f.Field, Position: f.Pos, Letter: f.Letter, Problem: f.Problem, Vi: f.Vi, En: f.En})
	}
	return out, nil
}

// pageBody draws a page by the code by which devices draw it.
func pageBody(p page.Page) (PageBody, error) {
	png := func(f *page.Frame) ([]byte, error) {
		var b bytes.Buffer
		err := f.WritePNG(&b)
		return b.Bytes(), err
	}
	still, err := png(page.Render(p))
	if err != nil {
		return PageBody{}, fmt.Errorf("page: %w", err)
	}
	out := PageBody{DwellMS: page.Dwell(p).Milliseconds(), PNG: still, Digest: p.Digest().String()}
	if c := p.Crawl; c != nil {
		strip, err := png(page.NewReel(p).Strip())
		if err != nil {
			return PageBody{}, fmt.Errorf("page: %w", err)
		}
		out.Crawl = &CrawlBody{X: c.X, Y: c.Y, Width: c.W, Height: c.Row, Rate: c.Rate, Step: c.Step, Frames: c.Frame(c.Length()), Strip: strip}
	}
	return out, nil
}
