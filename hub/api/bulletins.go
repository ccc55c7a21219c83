package api

import (
	"context"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/jobs"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// Bulletins is what the routes of bulletins need.
type Bulletins interface {
	Create(ctx context.Context, a account.Actor, c bulletin.Content, origin bulletin.Origin) (bulletin.Bulletin, error)
	Edit(ctx context.Context, a account.Actor, id protocol.BulletinID, c bulletin.Content, seen string) (bulletin.Bulletin, error)
	Get(ctx context.Context, a account.Actor, id protocol.BulletinID) (bulletin.Bulletin, error)
	// Preview returns what the actor may hear and see, though they may read no more of it.
	Preview(ctx context.Context, a account.Actor, id protocol.BulletinID) (bulletin.Bulletin, error)
	Previous(ctx context.Context, a account.Actor, id protocol.BulletinID) (bulletin.Bulletin, error)
	List(ctx context.Context, a account.Actor, state bulletin.State) ([]bulletin.Bulletin, error)
	AddPicture(ctx context.Context, a account.Actor, file []byte) (protocol.Picture, error)
	Picture(b bulletin.Bulletin) (*page.Picture, error)
	Sketch(ctx context.Context, a account.Actor, k bulletin.Sketch) (bulletin.Bulletin, bulletin.Shown, error)
}

// Jobs is what the routes of jobs need.
type Jobs interface {
	Of(ctx context.Context, subject string) (jobs.Job, error)
	Get(ctx context.Context, id string) (jobs.Job, error)
	Retry(ctx context.Context, id string) error
}

// Sounds keeps sounds by digest.
type Sounds interface {
	Put(r io.Reader, limit int64) (protocol.Digest, int64, error)
	Open(digest protocol.Digest) (*os.File, error)
}

// Uploads notes who uploaded what.
type Uploads interface {
	// UploadedBy says whether a person has uploaded these bytes.
	UploadedBy(ctx context.Context, digest protocol.Digest, by protocol.PersonID) (bool, error)
	AddUpload(ctx context.Context, digest protocol.Digest, size int64, name string, by protocol.PersonID, at time.Time) error
}

// MaxUpload is the largest upload if nothing else is set, in bytes.
const MaxUpload = 512 << 20

// BulletinContent is what an author gives.
type BulletinContent struct {
	Unit     protocol.UnitID `json:"unit" maxLength:"64" doc:"whose bulletin it is"`
	Class    string          `json:"class" enum:"normal,priority,emergency"`
	Title    string          `json:"title,omitempty" doc:"made from the text if empty"`
	Text     string          `json:"text,omitempty" doc:"to be spoken, or what a recording says"`
	Board    string          `json:"board,omitempty" doc:"text for LED boards; empty for none"`
	Layout   string          `json:"layout,omitempty" enum:"notice,two-line,ticker,picture" doc:"on boards; a notice by default; emergencies have their own"`
	Picture  string          `json:"picture,omitempty" maxLength:"64" doc:"digest of an uploaded picture, for the layout picture"`
	Zone     string          `json:"board_zone,omitempty" enum:"header,ticker" doc:"the part of boards that the text is for; where bulletins stand if empty, and on boards without that part"`
	Language string          `json:"language,omitempty" maxLength:"35" doc:"BCP 47; vi by default"`
	Options  SoundOptions    `json:"options,omitempty"`
	Upload   string          `json:"upload,omitempty" maxLength:"64" doc:"digest of an uploaded sound"`
}

// SoundOptions say how the sound is made.
type SoundOptions struct {
	Wanted bool    `json:"wanted,omitempty" doc:"there is to be sound"`
	Voice  string  `json:"voice,omitempty" enum:"north,central,south"`
	Rate   float64 `json:"rate,omitempty" minimum:"0.5" maximum:"2"`
	Chime  bool    `json:"chime,omitempty"`
	Repeat int     `json:"repeat,omitempty" minimum:"0" maximum:"5"`
	Title  bool    `json:"title,omitempty" doc:"say the title too"`
	Drill  bool    `json:"drill,omitempty" doc:"an emergency that says it is a drill"`

	Pause    int64 `json:"pause_ms,omitempty" minimum:"0" maximum:"3000" doc:"added after each sentence"`
	Southern bool  `json:"southern,omitempty" doc:"numbers as the south says them: ngàn, lẻ"`

	Repair bool  `json:"repair,omitempty" doc:"of a recording: less noise and rumble, even speech"`
	From   int64 `json:"from_ms,omitempty" minimum:"0" doc:"of a recording: leave out what is before"`
	To     int64 `json:"to_ms,omitempty" minimum:"0" doc:"of a recording: leave out what is after; 0 for its end"`
}

// BulletinBody is a revision of a bulletin.
type BulletinBody struct {
	ID         protocol.BulletinID `json:"id"`
	Work       protocol.BulletinID `json:"work" doc:"id of the first revision"`
	Revision   int                 `json:"revision"`
	Unit       protocol.UnitID     `json:"unit"`
	Class      string              `json:"class"`
	Title      string              `json:"title"`
	Text       string              `json:"text"`
	Board      string              `json:"board"`
	Layout     string              `json:"layout" enum:"notice,two-line,ticker,picture,emergency,drill" doc:"on boards"`
	Picture    *PictureBody        `json:"picture,omitempty"`
	Zone       string              `json:"board_zone,omitempty" enum:"header,ticker" doc:"the part of boards that the text is for"`
	Language   string              `json:"language"`
	Author     protocol.PersonID   `json:"author"`
	AuthorName string              `json:"author_name" doc:"what the author is called"`
	Origin     bulletin.Origin     `json:"origin" enum:"text,sound,drop,api"`
	Options    SoundOptions        `json:"options"`
	State      bulletin.State      `json:"state" enum:"preparing,failed,ready,submitted,returned,approved"`
	Problem    string              `json:"problem,omitempty" doc:"why it failed or was returned"`
	Sound      *bulletin.Rendition `json:"sound,omitempty"`
	LengthMS   int64               `json:"length_ms,omitempty" doc:"of the sound"`
	Relay      *RelayBody          `json:"relay,omitempty" doc:"a stream in the place of a sound"`
	Wish       *bulletin.Wish      `json:"wish,omitempty"`
	Digest     string              `json:"digest,omitempty" doc:"of the frozen bulletin"`
	Created    time.Time           `json:"created"`
	Changed    time.Time           `json:"changed"`
	Edition    string              `json:"edition" doc:"of what was written; another after each edit"`
	Submitted  *time.Time          `json:"submitted,omitempty"`
	UploadHash string              `json:"upload,omitempty"`
}

func bulletinBody(b bulletin.Bulletin, who calling) BulletinBody {
	o := BulletinBody{
		ID: b.ID, Work: b.Work, Revision: b.Revision, Unit: b.Unit, Class: b.Class.String(), Title: b.Title, Text: b.Text, Board: b.Board,
		Language: b.Language, Author: b.Author, AuthorName: who(b.Author), Origin: b.Origin, Options: SoundOptions(b.Options), State: b.State, Problem: b.Problem,
		Layout: bulletin.Kind(b, b.Options.Drill).String(), Picture: pictureBody(b.Picture), Zone: b.BoardZone,
		Sound: b.Rendition, Relay: relayBody(b.Relay), Wish: b.Wish, Created: b.Created, Changed: b.Changed, Edition: b.Edition(),
	}
	if b.Rendition != nil {
		o.LengthMS = b.Rendition.Length().Milliseconds()
	}
	if b.Relay != nil {
		o.LengthMS = int64(b.Relay.Length)
	}
	if !b.Digest.IsZero() {
		o.Digest = b.Digest.String()
	}
	if !b.Upload.IsZero() {
		o.UploadHash = b.Upload.String()
	}
	if !b.Submitted.IsZero() {
		o.Submitted = &b.Submitted
	}
	return o
}

// domain turns what an author gave into the domain's form.
func (c BulletinContent) domain() (bulletin.Content, error) {
	class, err := protocol.ParseName[protocol.Class](c.Class)
	if err != nil {
		return bulletin.Content{}, err
	}
	out := bulletin.Content{
		Unit: c.Unit, Class: class, Title: c.Title, Text: c.Text, Board: c.Board, Layout: c.Layout, BoardZone: c.Zone, Language: c.Language, Options: bulletin.SoundOptions(c.Options),
	}
	if out.Picture, err = pictureOf(c.Picture); err != nil {
		return out, err
	}
	if c.Upload != "" {
		if out.Upload, err = protocol.ParseDigest(c.Upload); err != nil {
			return out, problem.New(problem.ErrInvalid, "upload", "upload", "Tệp tải lên không đúng. Hãy tải lại.", "The upload is not one. Upload it again.")
		}
	}
	return out, nil
}

type (
	// BulletinPath names a bulletin.
	BulletinPath struct {
		ID protocol.BulletinID `path:"id" maxLength:"64"`
	}
	bulletinOutput  struct{ Body BulletinBody }
	bulletinsOutput struct{ Body []BulletinBody }
	listInput       struct {
		State bulletin.State `query:"state" enum:"preparing,failed,ready,submitted,returned,approved"`
	}
	createInput struct {
		Authorization string `header:"Authorization" hidden:"true"`
		Body          BulletinContent
	}
	editInput struct {
		BulletinPath
		Seen string `query:"seen" maxLength:"64" doc:"the edition that was edited: refused if there is another by now"`
		Body BulletinContent
	}
	uploadInput struct {
		Name string `query:"name" maxLength:"255" doc:"for people; its ending is not believed"`
	}
	uploadOutput struct{ Body UploadBody }
	jobInput     struct {
		ID string `path:"id" maxLength:"64"`
	}
	jobOutput struct{ Body JobBody }
)

// UploadBody is an upload that was kept.
type UploadBody struct {
	Digest string `json:"digest" doc:"give it as upload of a bulletin"`
	Size   int64  `json:"size"`
}

// JobBody is background work.
type JobBody struct {
	ID       string  `json:"id"`
	Subject  string  `json:"subject"`
	State    string  `json:"state" enum:"waiting,running,done,failed"`
	Stage    string  `json:"stage"`
	Fraction float64 `json:"fraction" doc:"of the stage, 0 to 1"`
	Problem  string  `json:"problem,omitempty" doc:"why it failed, and what to do, in Vietnamese"`
	// ProblemEn is the same in English.
	ProblemEn string    `json:"problem_en,omitempty"`
	Attempts  int       `json:"attempts"`
	Changed   time.Time `json:"changed"`
}

func registerBulletins(api huma.API, s *Server) {
	tags := []string{"bulletins"}
	route(api, s, huma.Operation{
		OperationID: "list-bulletins", Method: http.MethodGet, Path: "/bulletins", Summary: "Newest revisions in the caller's units, newest first", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *listInput) (*bulletinsOutput, error) {
		list, err := s.Bulletins.List(ctx, a, in.State)
		out, who := &bulletinsOutput{Body: []BulletinBody{}}, s.calling(ctx)
		for _, b := range list {
			out.Body = append(out.Body, bulletinBody(b, who))
		}
		return out, err
	})
	route(api, s, huma.Operation{
		OperationID: "create-bulletin", Method: http.MethodPost, Path: "/bulletins", Summary: "Write a bulletin; its sound is made in the background",
		Tags: tags, DefaultStatus: http.StatusCreated, MaxBodyBytes: 2 << 20,
	}, func(ctx context.Context, a account.Actor, in *createInput) (*bulletinOutput, error) {
		c, err := in.Body.domain()
		if err != nil {
			return nil, err
		}
		origin := bulletin.FromText
		if in.Body.Upload != "" {
			origin = bulletin.FromSound
		} else if in.Authorization != "" {
			origin = bulletin.FromAPI
		}
		b, err := s.Bulletins.Create(ctx, a, c, origin)
		if err == nil {
			s.tell("bulletin", string(b.ID))
		}
		return &bulletinOutput{Body: bulletinBody(b, s.calling(ctx))}, err
	})
	route(api, s, huma.Operation{
		OperationID: "get-bulletin", Method: http.MethodGet, Path: "/bulletins/{id}", Summary: "One revision", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *BulletinPath) (*bulletinOutput, error) {
		b, err := s.Bulletins.Get(ctx, a, in.ID)
		return &bulletinOutput{Body: bulletinBody(b, s.calling(ctx))}, err
	})
	route(api, s, huma.Operation{
		OperationID: "get-previous-bulletin", Method: http.MethodGet, Path: "/bulletins/{id}/previous", Summary: "The revision before, to see what an edit has changed", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *BulletinPath) (*bulletinOutput, error) {
		b, err := s.Bulletins.Previous(ctx, a, in.ID)
		return &bulletinOutput{Body: bulletinBody(b, s.calling(ctx))}, err
	})
	route(api, s, huma.Operation{
		OperationID: "edit-bulletin", Method: http.MethodPut, Path: "/bulletins/{id}", Summary: "Edit; what was submitted becomes a new, unapproved revision",
		Tags: tags, MaxBodyBytes: 2 << 20,
	}, func(ctx context.Context, a account.Actor, in *editInput) (*bulletinOutput, error) {
		c, err := in.Body.domain()
		if err != nil {
			return nil, err
		}
		b, err := s.Bulletins.Edit(ctx, a, in.ID, c, in.Seen)
		if err == nil {
			s.tell("bulletin", string(b.ID))
		}
		return &bulletinOutput{Body: bulletinBody(b, s.calling(ctx))}, err
	})
	registerSounds(api, s, tags)
}

func registerSounds(api huma.API, s *Server, tags []string) {
	streamed(api, s, huma.Operation{
		OperationID: "upload-sound", Method: http.MethodPost, Path: "/uploads", Summary: "Upload a recording in any format", Tags: []string{"uploads"},
		DefaultStatus: http.StatusCreated,
	}, s.opts.MaxUpload, func(ctx context.Context, a account.Actor, in *uploadInput, body io.Reader) (*uploadOutput, error) {
		if len(a.Units(account.Write)) == 0 {
			return nil, problem.ErrForbidden
		}
		kept, err := PutUpload(ctx, s.Sounds, s.Uploads, body, s.opts.MaxUpload, in.Name, a.Person)
		if err != nil {
			return nil, err
		}
		return &uploadOutput{Body: kept}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "get-bulletin-job", Method: http.MethodGet, Path: "/bulletins/{id}/job", Summary: "How far the making of its sound is", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *BulletinPath) (*jobOutput, error) {
		if _, err := s.Bulletins.Get(ctx, a, in.ID); err != nil {
			return nil, err
		}
		j, err := s.Jobs.Of(ctx, string(in.ID))
		return &jobOutput{Body: jobBody(j)}, err
	})
	route(api, s, huma.Operation{
		OperationID: "retry-job", Method: http.MethodPost, Path: "/jobs/{id}/retry", Summary: "Try a failed job again", Tags: []string{"jobs"},
	}, func(ctx context.Context, a account.Actor, in *jobInput) (*jobOutput, error) {
		j, err := s.Jobs.Get(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		b, err := s.Bulletins.Get(ctx, a, protocol.BulletinID(j.Subject))
		if err != nil {
			return nil, err
		}
		if _, err := s.path(ctx, a, account.Write, b.Unit); err != nil {
			return nil, err
		}
		if err := s.Jobs.Retry(ctx, in.ID); err != nil {
			return nil, err
		}
		j, err = s.Jobs.Get(ctx, in.ID)
		return &jobOutput{Body: jobBody(j)}, err
	})
	route(api, s, huma.Operation{
		OperationID: "get-sound", Method: http.MethodGet, Path: "/bulletins/{id}/sound", Summary: "The very sound that devices get, Ogg Opus; ranges are served", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *BulletinPath) (*huma.StreamResponse, error) {
		b, err := s.Bulletins.Preview(ctx, a, in.ID)
		if err != nil {
			return nil, err
		}
		if b.Rendition == nil {
			return nil, problem.ErrNotFound
		}
		f, err := s.Sounds.Open(b.Rendition.Content.Digest)
		if err != nil {
			return nil, err
		}
		return file(f, "audio/ogg", b.Rendition.Digest), nil
	})
	registerUploads(api, s)
	if s.Approvals != nil {
		registerBoards(api, s)
	}
}

func jobBody(j jobs.Job) JobBody {
	return JobBody{ID: j.ID, Subject: j.Subject, State: j.State, Stage: j.Stage, Fraction: j.Fraction, Problem: j.Vi, ProblemEn: j.En, Attempts: j.Attempts, Changed: j.Changed}
}

// file streams a file with ranges, and closes it.
func file(f *os.File, kind, tag string) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		defer f.Close()
		c := humagin.Unwrap(ctx)
		c.Header("Content-Type", kind)
		c.Header("ETag", `"`+tag+`"`)
		c.Header("Cache-Control", "private, max-age=31536000, immutable")
		http.ServeContent(c.Writer, c.Request, "", time.Time{}, f)
	}}
}
