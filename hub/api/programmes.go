package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// Desk is what the routes of programmes, groups and forecasts need.
type Desk interface {
	Save(ctx context.Context, a account.Actor, r programme.Rundown) (programme.Rundown, error)
	Get(ctx context.Context, a account.Actor, id programme.RundownID) (programme.Rundown, error)
	List(ctx context.Context, a account.Actor) ([]programme.Rundown, error)
	Withdraw(ctx context.Context, a account.Actor, id programme.RundownID) error
	Forecast(ctx context.Context, a account.Actor, village protocol.UnitID, draft *programme.Rundown, day protocol.Date) (programme.Forecast, error)
	CopyWeek(ctx context.Context, a account.Actor, unit protocol.UnitID, from, to protocol.Date) ([]programme.Rundown, error)

	SaveGroup(ctx context.Context, a account.Actor, g programme.Group) (programme.Group, error)
	Groups(ctx context.Context, a account.Actor) ([]programme.Group, error)
	Answer(ctx context.Context, a account.Actor, id programme.RundownID, unit protocol.UnitID, accept bool) error
	Answers(ctx context.Context, a account.Actor, id programme.RundownID) ([]programme.Answer, error)
	Asked(ctx context.Context, a account.Actor, r programme.Rundown) ([]protocol.UnitID, error)
	Titles(ctx context.Context, r programme.Rundown) ([]string, error)
	// Contents are a programme's bulletins, for who may answer it.
	Contents(ctx context.Context, a account.Actor, r programme.Rundown) ([]bulletin.Bulletin, error)
}

// SlotBody is the time that a programme may fill.
type SlotBody struct {
	Start        string        `json:"start" doc:"local time of the first start, 2006-01-02T15:04:05"`
	Minutes      int           `json:"minutes" minimum:"1" maximum:"240"`
	Rule         string        `json:"rule,omitempty" maxLength:"500" doc:"RRULE without its name"`
	ExDates      []string      `json:"exdates,omitempty" maxItems:"400" doc:"starts left out"`
	RDates       []string      `json:"rdates,omitempty" maxItems:"400" doc:"starts more"`
	LastDay      protocol.Date `json:"last_day,omitempty" doc:"ends a rule that has no end of its own; 31 days by default"`
	Lunar        []int         `json:"lunar,omitempty" maxItems:"30" doc:"these days of every lunar month as well"`
	SkipHolidays bool          `json:"skip_holidays,omitempty"`
}

// ItemBody is one place in a programme's order.
type ItemBody struct {
	Kind     programme.ItemKind  `json:"kind" enum:"opening,bulletin,relay,silence,closing"`
	Bulletin protocol.BulletinID `json:"bulletin" maxLength:"64"`
	StandIn  bool                `json:"stand_in,omitempty" doc:"sounds only if the relay before it fails"`
	AfterCut string              `json:"after_cut,omitempty" enum:"restart,resume,drop"`
}

// ProgrammeContent is what an editor gives of a programme.
type ProgrammeContent struct {
	Unit     protocol.UnitID   `json:"unit" maxLength:"64" doc:"whose programme it is; cannot change"`
	Name     string            `json:"name" maxLength:"200"`
	Units    []protocol.UnitID `json:"units,omitempty" maxItems:"1000" doc:"where it is aired"`
	Group    programme.GroupID `json:"group,omitempty" maxLength:"64" doc:"or the group whose accepting communes air it"`
	Deadline time.Time         `json:"deadline,omitzero" doc:"for the communes' answers"`
	Slot     SlotBody          `json:"slot"`
	Items    []ItemBody        `json:"items" maxItems:"60"`
	Volume   int               `json:"volume,omitempty" minimum:"0" maximum:"100"`
}

// ProgrammeBody is a programme as it is kept.
type ProgrammeBody struct {
	ID       programme.RundownID `json:"id"`
	Revision int                 `json:"revision"`
	ProgrammeContent
	By        protocol.PersonID `json:"by"`
	ByName    string            `json:"by_name" doc:"what they are called"`
	Created   time.Time         `json:"created"`
	Changed   time.Time         `json:"changed"`
	Effective time.Time         `json:"effective" doc:"when this revision takes force: a slot that has begun is finished first"`
	Withdrawn *time.Time        `json:"withdrawn,omitempty"`
	Next      *time.Time        `json:"next,omitempty" doc:"the next start"`
	UnitName  string            `json:"unit_name" doc:"of the unit, which may lie above the caller's"`
	Asked     []protocol.UnitID `json:"asked" doc:"the caller's own communes that have not answered it yet, while they may"`
	Titles    []string          `json:"titles,omitempty" doc:"of the items, in their order; only of one programme that is asked for"`
	Contents  []ContentBody     `json:"contents,omitempty" doc:"of one programme that is asked for: its bulletins, whose sound and pages the caller may hear and see before answering it"`
}

// ContentBody is a bulletin that a commune is asked to take.
type ContentBody struct {
	ID       protocol.BulletinID `json:"id"`
	Title    string              `json:"title"`
	Board    string              `json:"board"`
	Language string              `json:"language"`
	Sound    *bulletin.Rendition `json:"sound,omitempty"`
	LengthMS int64               `json:"length_ms,omitempty" doc:"of the sound"`
	Changed  time.Time           `json:"changed"`
}

func contentBody(b BulletinBody) ContentBody {
	return ContentBody{ID: b.ID, Title: b.Title, Board: b.Board, Language: b.Language, Sound: b.Sound, LengthMS: b.LengthMS, Changed: b.Changed}
}

func (c ProgrammeContent) domain() programme.Rundown {
	r := programme.Rundown{
		Unit: c.Unit, Name: c.Name, Units: c.Units, Group: c.Group, Deadline: c.Deadline, Slot: programme.Slot(c.Slot), Volume: c.Volume,
	}
	for _, it := range c.Items {
		r.Items = append(r.Items, programme.Item(it))
	}
	return r
}

func (s *Server) programmeBody(ctx context.Context, a account.Actor, tree registry.Tree, r programme.Rundown, who calling) (ProgrammeBody, error) {
	asked, err := s.Desk.Asked(ctx, a, r)
	if err != nil {
		return ProgrammeBody{}, err
	}
	b := ProgrammeBody{
		ID: r.ID, Revision: r.Revision, By: r.By, ByName: who(r.By), Created: r.Created, Changed: r.Changed, Effective: r.Effective,
		UnitName: nameOf(tree, r.Unit), Asked: append([]protocol.UnitID{}, asked...),
		ProgrammeContent: ProgrammeContent{
			Unit: r.Unit, Name: r.Name, Units: r.Units, Group: r.Group, Deadline: r.Deadline, Slot: SlotBody(r.Slot), Items: []ItemBody{}, Volume: r.Volume,
		},
	}
	for _, it := range r.Items {
		b.Items = append(b.Items, ItemBody(it))
	}
	if !r.Withdrawn.IsZero() {
		b.Withdrawn = &r.Withdrawn
		return b, nil
	}
	now := time.Now()
	if starts, err := r.Slot.Starts(s.Zone, now, now.AddDate(1, 0, 0)); err == nil && len(starts) > 0 {
		b.Next = &starts[0]
	}
	return b, nil
}

// nameOf is a unit's name.
func nameOf(tree registry.Tree, id protocol.UnitID) string {
	u, _ := tree.Unit(id)
	return u.Name
}

// oneProgramme is a programme with the titles of what is in it.
func (s *Server) oneProgramme(ctx context.Context, a account.Actor, r programme.Rundown) (*programmeOutput, error) {
	tree, err := s.Registry.Tree(ctx)
	if err != nil {
		return nil, err
	}
	who := s.calling(ctx)
	b, err := s.programmeBody(ctx, a, tree, r, who)
	if err != nil {
		return nil, err
	}
	if b.Titles, err = s.Desk.Titles(ctx, r); err != nil {
		return nil, err
	}
	list, err := s.Desk.Contents(ctx, a, r)
	for _, x := range list {
		b.Contents = append(b.Contents, contentBody(bulletinBody(x, who)))
	}
	return &programmeOutput{Body: b}, err
}

// ForecastLine is what becomes of one start.
type ForecastLine struct {
	Airing    protocol.AiringID   `json:"airing,omitempty"`
	Programme programme.RundownID `json:"programme,omitempty"`
	Item      *int                `json:"item,omitempty" doc:"of the draft, from 0"`
	StandIn   bool                `json:"stand_in,omitempty"`
	Title     string              `json:"title"`
	Unit      protocol.UnitID     `json:"unit" doc:"whose plan it stands in"`
	Start     time.Time           `json:"start" doc:"scheduled"`
	Begins    *time.Time          `json:"begins,omitempty"`
	Ends      *time.Time          `json:"ends,omitempty"`
	Outcome   string              `json:"outcome" enum:"played,cut,skipped"`
	Reason    string              `json:"reason,omitempty"`
	Note      *Sentence           `json:"note,omitempty" doc:"what the rules do to it"`
}

// ForecastBody is a village's day.
type ForecastBody struct {
	Day      protocol.Date  `json:"day"`
	Lines    []ForecastLine `json:"lines" doc:"in the order in which they sound"`
	Warnings []Sentence     `json:"warnings" doc:"about the draft"`
}

func forecastBody(f programme.Forecast) ForecastBody {
	b := ForecastBody{Day: f.Day, Lines: []ForecastLine{}, Warnings: []Sentence{}}
	for _, l := range f.Lines {
		line := ForecastLine{
			Airing: l.Airing, Programme: l.Programme, StandIn: l.StandIn, Title: l.Title, Unit: l.Unit, Start: l.Start,
			Outcome: l.Outcome.String(), Reason: l.Reason.String(),
		}
		if l.Item >= 0 {
			line.Item = &l.Item
		}
		if !l.Begins.IsZero() {
			line.Begins, line.Ends = &l.Begins, &l.Ends
		}
		if l.Note != (programme.Sentence{}) {
			line.Note = &Sentence{Vi: l.Note.Vi, En: l.Note.En}
		}
		b.Lines = append(b.Lines, line)
	}
	for _, w := range f.Warnings {
		b.Warnings = append(b.Warnings, Sentence(w))
	}
	return b
}

type (
	// ProgrammePath names a programme. It is exported, or whoever embeds it would not get it.
	ProgrammePath struct {
		ID programme.RundownID `path:"id" maxLength:"64"`
	}
	programmeInput struct {
		Body ProgrammeContent
	}
	programmeEdit struct {
		ProgrammePath
		Body ProgrammeContent
	}
	programmeOutput  struct{ Body ProgrammeBody }
	programmesOutput struct{ Body []ProgrammeBody }
	draftInput       struct {
		Body struct {
			Village   protocol.UnitID     `json:"village" maxLength:"64" doc:"where to listen"`
			Day       protocol.Date       `json:"day,omitempty" doc:"of the draft's next slot by default"`
			ID        programme.RundownID `json:"id,omitempty" maxLength:"64" doc:"of the programme that the draft changes"`
			Programme ProgrammeContent    `json:"programme"`
		}
	}
	forecastInput struct {
		Village protocol.UnitID `query:"village" required:"true" maxLength:"64"`
		Day     protocol.Date   `query:"day" doc:"today by default"`
	}
	forecastOutput struct{ Body ForecastBody }
	weekInput      struct {
		Body struct {
			Unit protocol.UnitID `json:"unit" maxLength:"64" doc:"whose programmes are copied"`
			From protocol.Date   `json:"from" doc:"a day of the week to copy"`
			To   protocol.Date   `json:"to" doc:"a day of the week to fill"`
		}
	}
)

func registerProgrammes(api huma.API, s *Server) {
	tags := []string{"programmes"}
	route(api, s, huma.Operation{
		OperationID: "list-programmes", Method: http.MethodGet, Path: "/programmes", Summary: "Programmes of the caller's units, and those aired there", Tags: tags,
	}, func(ctx context.Context, a account.Actor, _ *struct{}) (*programmesOutput, error) {
		list, err := s.Desk.List(ctx, a)
		if err != nil {
			return nil, err
		}
		return s.programmes(ctx, a, list)
	})
	route(api, s, huma.Operation{
		OperationID: "create-programme", Method: http.MethodPost, Path: "/programmes", Summary: "Make a programme for a slot", Tags: tags,
		DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, a account.Actor, in *programmeInput) (*programmeOutput, error) {
		return s.saveProgramme(ctx, a, in.Body.domain())
	})
	route(api, s, huma.Operation{
		OperationID: "get-programme", Method: http.MethodGet, Path: "/programmes/{id}", Summary: "One programme", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *ProgrammePath) (*programmeOutput, error) {
		r, err := s.Desk.Get(ctx, a, in.ID)
		if err != nil {
			return nil, err
		}
		return s.oneProgramme(ctx, a, r)
	})
	route(api, s, huma.Operation{
		OperationID: "edit-programme", Method: http.MethodPut, Path: "/programmes/{id}", Summary: "Replace a programme; a slot that has begun is finished first", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *programmeEdit) (*programmeOutput, error) {
		r := in.Body.domain()
		r.ID = in.ID
		return s.saveProgramme(ctx, a, r)
	})
	route(api, s, huma.Operation{
		OperationID: "withdraw-programme", Method: http.MethodDelete, Path: "/programmes/{id}", Summary: "Take a programme back", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, a account.Actor, in *ProgrammePath) (*nothing, error) {
		if err := s.Desk.Withdraw(ctx, a, in.ID); err != nil {
			return nil, err
		}
		s.tell("programme", string(in.ID))
		return &nothing{}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "preview-programme", Method: http.MethodPost, Path: "/programmes/preview", Summary: "What would sound in a village, what does not fit, and what the rules do", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *draftInput) (*forecastOutput, error) {
		r := in.Body.Programme.domain()
		r.ID = in.Body.ID
		f, err := s.Desk.Forecast(ctx, a, in.Body.Village, &r, in.Body.Day)
		return &forecastOutput{Body: forecastBody(f)}, err
	})
	route(api, s, huma.Operation{
		OperationID: "copy-week", Method: http.MethodPost, Path: "/programmes/copy-week", Summary: "Copy the programmes of one week into another", Tags: tags,
		DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, a account.Actor, in *weekInput) (*programmesOutput, error) {
		made, err := s.Desk.CopyWeek(ctx, a, in.Body.Unit, in.Body.From, in.Body.To)
		for _, r := range made {
			s.tell("programme", string(r.ID))
		}
		if err != nil {
			return nil, err
		}
		return s.programmes(ctx, a, made)
	})
	route(api, s, huma.Operation{
		OperationID: "forecast", Method: http.MethodGet, Path: "/forecast", Summary: "What sounds in a village on a day if nothing fails", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *forecastInput) (*forecastOutput, error) {
		f, err := s.Desk.Forecast(ctx, a, in.Village, nil, in.Day)
		return &forecastOutput{Body: forecastBody(f)}, err
	})
	registerGroups(api, s)
}

func (s *Server) saveProgramme(ctx context.Context, a account.Actor, r programme.Rundown) (*programmeOutput, error) {
	r, err := s.Desk.Save(ctx, a, r)
	if err != nil {
		return nil, err
	}
	s.tell("programme", string(r.ID))
	return s.oneProgramme(ctx, a, r)
}

func (s *Server) programmes(ctx context.Context, a account.Actor, list []programme.Rundown) (*programmesOutput, error) {
	tree, err := s.Registry.Tree(ctx)
	if err != nil {
		return nil, err
	}
	out, who := &programmesOutput{Body: []ProgrammeBody{}}, s.calling(ctx)
	for _, r := range list {
		b, err := s.programmeBody(ctx, a, tree, r, who)
		if err != nil {
			return nil, err
		}
		out.Body = append(out.Body, b)
	}
	return out, nil
}
