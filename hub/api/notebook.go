package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/notebook"
	"github.com/loa-vn/loa/hub/photo"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Notebook is what the routes of drafts, templates, maps and photographs need.
type Notebook interface {
	Answers
	Drafts(ctx context.Context, p protocol.PersonID) ([]notebook.Draft, error)
	Draft(ctx context.Context, p protocol.PersonID, id string) (notebook.Draft, error)
	Save(ctx context.Context, a account.Actor, d notebook.Draft) (notebook.Draft, error)
	DeleteDraft(ctx context.Context, p protocol.PersonID, id string) error
	Prepared(ctx context.Context, a account.Actor) ([]notebook.Template, error)
	Prepare(ctx context.Context, a account.Actor, t notebook.Template) (notebook.Template, error)
	Discard(ctx context.Context, a account.Actor, id string) error
	AllClear(ctx context.Context, cancels protocol.BulletinID) (protocol.BulletinID, error)
	SetAllClear(ctx context.Context, bulletin, cancels protocol.BulletinID) error
	Map(ctx context.Context, unit protocol.UnitID) (string, error)
	Draw(ctx context.Context, a account.Actor, unit protocol.UnitID, geojson string) error
	Photo(ctx context.Context, d protocol.DeviceID) (notebook.Photo, error)
	PutPhoto(ctx context.Context, d protocol.DeviceID, p notebook.Photo) error
}

// DraftBody is what somebody is writing; content is the page's own.
type DraftBody struct {
	ID      string         `json:"id" readOnly:"true"`
	Title   string         `json:"title" maxLength:"400"`
	Content map[string]any `json:"content,omitempty"`
	Changed time.Time      `json:"changed" doc:"when it was written, by the page's clock"`
}

// TemplateBody is an emergency written beforehand.
type TemplateBody struct {
	ID         string          `json:"id" readOnly:"true"`
	Unit       protocol.UnitID `json:"unit,omitempty" maxLength:"64"`
	Own        bool            `json:"own" readOnly:"true" doc:"false for those that come with the program"`
	Name       string          `json:"name" maxLength:"200"`
	Title      string          `json:"title" maxLength:"400"`
	Text       string          `json:"text"`
	Board      string          `json:"board"`
	ClearTitle string          `json:"clear_title" maxLength:"400"`
	ClearText  string          `json:"clear_text" doc:"what calls it off"`
	ClearBoard string          `json:"clear_board"`
}

func templateBody(t notebook.Template) TemplateBody {
	return TemplateBody{
		ID: t.ID, Unit: t.Unit, Own: t.Own, Name: t.Name, Title: t.Title, Text: t.Text, Board: t.Board,
		ClearTitle: t.ClearTitle, ClearText: t.ClearText, ClearBoard: t.ClearBoard,
	}
}

func (b TemplateBody) domain(id string) notebook.Template {
	return notebook.Template{
		ID: id, Unit: b.Unit, Name: b.Name, Title: b.Title, Text: b.Text, Board: b.Board,
		ClearTitle: b.ClearTitle, ClearText: b.ClearText, ClearBoard: b.ClearBoard,
	}
}

// MapBody is a map that a commune has drawn.
type MapBody struct {
	GeoJSON string `json:"geojson" maxLength:"1100000" doc:"FeatureCollection of areas and points; properties.unit names the village"`
}

type (
	// NotePath names a draft or a template.
	NotePath struct {
		ID string `path:"id" maxLength:"64" pattern:"^[a-z0-9-]{1,64}$"`
	}
	draftsOutput  struct{ Body []DraftBody }
	draftOutput   struct{ Body DraftBody }
	putDraftInput struct {
		NotePath
		Body DraftBody
	}
	templatesOutput struct{ Body []TemplateBody }
	templateOutput  struct{ Body TemplateBody }
	templateInput   struct{ Body TemplateBody }
	putTemplate     struct {
		NotePath
		Body TemplateBody
	}
	mapOutput   struct{ Body MapBody }
	putMapInput struct {
		UnitPath
		Body MapBody
	}
	allClearInput struct {
		BulletinPath
		Body struct {
			Bulletin protocol.BulletinID `json:"bulletin" maxLength:"64" doc:"the bulletin that calls this one off"`
		}
	}
)

func registerNotebook(api huma.API, s *Server) {
	registerDrafts(api, s)
	registerTemplates(api, s)
	registerMaps(api, s)
	if s.Sounds != nil {
		registerPhotos(api, s)
	}
	if s.Bulletins != nil {
		registerAllClear(api, s)
	}
}

func registerDrafts(api huma.API, s *Server) {
	tags := []string{"drafts"}
	route(api, s, huma.Operation{
		OperationID: "list-drafts", Method: http.MethodGet, Path: "/drafts", Summary: "The caller's drafts without their content, newest first", Tags: tags,
	}, func(ctx context.Context, a account.Actor, _ *nothing) (*draftsOutput, error) {
		list, err := s.Notebook.Drafts(ctx, a.Person)
		out := &draftsOutput{Body: []DraftBody{}}
		for _, d := range list {
			out.Body = append(out.Body, DraftBody{ID: d.ID, Title: d.Title, Changed: d.Changed})
		}
		return out, err
	})
	route(api, s, huma.Operation{
		OperationID: "get-draft", Method: http.MethodGet, Path: "/drafts/{id}", Summary: "One draft of the caller's", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *NotePath) (*draftOutput, error) {
		d, err := s.Notebook.Draft(ctx, a.Person, in.ID)
		if err != nil {
			return nil, err
		}
		b := DraftBody{ID: d.ID, Title: d.Title, Changed: d.Changed}
		return &draftOutput{Body: b}, json.Unmarshal([]byte(d.Content), &b.Content)
	})
	route(api, s, huma.Operation{
		OperationID: "put-draft", Method: http.MethodPut, Path: "/drafts/{id}", Summary: "Keep a draft, unless a later one is kept", Tags: tags, MaxBodyBytes: 512 << 10,
	}, func(ctx context.Context, a account.Actor, in *putDraftInput) (*draftOutput, error) {
		content, err := json.Marshal(in.Body.Content)
		if err != nil {
			return nil, err
		}
		d, err := s.Notebook.Save(ctx, a, notebook.Draft{ID: in.ID, Title: in.Body.Title, Content: string(content), Changed: in.Body.Changed})
		return &draftOutput{Body: DraftBody{ID: d.ID, Title: d.Title, Changed: d.Changed}}, err
	})
	route(api, s, huma.Operation{
		OperationID: "delete-draft", Method: http.MethodDelete, Path: "/drafts/{id}", Summary: "Throw a draft away", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, a account.Actor, in *NotePath) (*nothing, error) {
		return nil, s.Notebook.DeleteDraft(ctx, a.Person, in.ID)
	})
}

func registerTemplates(api huma.API, s *Server) {
	tags := []string{"templates"}
	route(api, s, huma.Operation{
		OperationID: "list-templates", Method: http.MethodGet, Path: "/templates", Summary: "Emergencies written beforehand, with what calls them off", Tags: tags,
	}, func(ctx context.Context, a account.Actor, _ *nothing) (*templatesOutput, error) {
		list, err := s.Notebook.Prepared(ctx, a)
		out := &templatesOutput{Body: []TemplateBody{}}
		for _, t := range list {
			out.Body = append(out.Body, templateBody(t))
		}
		return out, err
	})
	route(api, s, huma.Operation{
		OperationID: "create-template", Method: http.MethodPost, Path: "/templates", Summary: "Write an emergency beforehand", Tags: tags, DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, a account.Actor, in *templateInput) (*templateOutput, error) {
		t, err := s.Notebook.Prepare(ctx, a, in.Body.domain(""))
		return &templateOutput{Body: templateBody(t)}, err
	})
	route(api, s, huma.Operation{
		OperationID: "put-template", Method: http.MethodPut, Path: "/templates/{id}", Summary: "Change one", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *putTemplate) (*templateOutput, error) {
		t, err := s.Notebook.Prepare(ctx, a, in.Body.domain(in.ID))
		return &templateOutput{Body: templateBody(t)}, err
	})
	route(api, s, huma.Operation{
		OperationID: "delete-template", Method: http.MethodDelete, Path: "/templates/{id}", Summary: "Throw one away", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, a account.Actor, in *NotePath) (*nothing, error) {
		return nil, s.Notebook.Discard(ctx, a, in.ID)
	})
}

func registerMaps(api huma.API, s *Server) {
	tags := []string{"maps"}
	route(api, s, huma.Operation{
		OperationID: "get-map", Method: http.MethodGet, Path: "/units/{id}/map", Summary: "The map that a commune has drawn, GeoJSON", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *UnitPath) (*mapOutput, error) {
		if _, err := s.path(ctx, a, account.Read, in.ID); err != nil {
			return nil, err
		}
		text, err := s.Notebook.Map(ctx, in.ID)
		return &mapOutput{Body: MapBody{GeoJSON: text}}, err
	})
	route(api, s, huma.Operation{
		OperationID: "put-map", Method: http.MethodPut, Path: "/units/{id}/map", Summary: "Draw or import a map", Tags: tags, DefaultStatus: http.StatusNoContent,
		MaxBodyBytes: 2 * notebook.MaxMap,
	}, func(ctx context.Context, a account.Actor, in *putMapInput) (*nothing, error) {
		return nil, s.Notebook.Draw(ctx, a, in.ID, in.Body.GeoJSON)
	})
}

func registerPhotos(api huma.API, s *Server) {
	tags := []string{"devices"}
	streamed(api, s, huma.Operation{
		OperationID: "put-photo", Method: http.MethodPut, Path: "/devices/{id}/photo", Summary: "Photograph of a device where it hangs", Tags: tags,
		DefaultStatus: http.StatusNoContent,
	}, notebook.MaxPhoto, func(ctx context.Context, a account.Actor, in *DevicePath, body io.Reader) (*nothing, error) {
		d, err := s.Registry.Device(ctx, in.ID)
		switch {
		case err != nil:
			return nil, err
		case !a.May(account.Read, d.Placement.Path):
			return nil, problem.ErrNotFound
		case !a.May(account.Schedule, d.Placement.Path) && !a.May(account.Install, d.Placement.Path):
			return nil, problem.ErrForbidden
		}
		data, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		if data, err = s.cleaned(data); err != nil {
			return nil, err
		}
		digest, err := s.keep(data)
		if err != nil {
			return nil, err
		}
		if err := s.Notebook.PutPhoto(ctx, in.ID, notebook.Photo{Digest: digest, Kind: photo.Kind, Person: a.Person, At: time.Now()}); err != nil {
			return nil, err
		}
		s.tell("device", string(in.ID))
		return nil, nil
	})
	route(api, s, huma.Operation{
		OperationID: "get-photo", Method: http.MethodGet, Path: "/devices/{id}/photo", Summary: "The photograph", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *DevicePath) (*huma.StreamResponse, error) {
		if _, err := s.device(ctx, a, account.Read, in.ID); err != nil {
			return nil, err
		}
		p, err := s.Notebook.Photo(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		f, err := s.Sounds.Open(p.Digest)
		if err != nil {
			return nil, err
		}
		return file(f, p.Kind, p.Digest.String()), nil
	})
}

func registerAllClear(api huma.API, s *Server) {
	tags := []string{"bulletins"}
	route(api, s, huma.Operation{
		OperationID: "get-all-clear", Method: http.MethodGet, Path: "/bulletins/{id}/all-clear", Summary: "The bulletin made ready to call this one off", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *BulletinPath) (*bulletinOutput, error) {
		if _, err := s.Bulletins.Get(ctx, a, in.ID); err != nil {
			return nil, err
		}
		id, err := s.Notebook.AllClear(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		b, err := s.Bulletins.Get(ctx, a, id)
		return &bulletinOutput{Body: bulletinBody(b, s.calling(ctx))}, err
	})
	route(api, s, huma.Operation{
		OperationID: "set-all-clear", Method: http.MethodPut, Path: "/bulletins/{id}/all-clear", Summary: "Say which bulletin calls this one off", Tags: tags,
		DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, a account.Actor, in *allClearInput) (*nothing, error) {
		for _, id := range []protocol.BulletinID{in.ID, in.Body.Bulletin} {
			b, err := s.Bulletins.Get(ctx, a, id)
			if err != nil {
				return nil, err
			}
			if _, err := s.path(ctx, a, account.Write, b.Unit); err != nil {
				return nil, err
			}
		}
		return nil, s.Notebook.SetAllClear(ctx, in.Body.Bulletin, in.ID)
	})
}
