package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/protocol"
)

// Programme is what the routes of airings and stops need.
type Programme interface {
	Again(ctx context.Context, a account.Actor, statement protocol.Digest, w bulletin.Wish) (programme.Airing, error)
	List(ctx context.Context, a account.Actor, since time.Time) ([]programme.Airing, error)
	Get(ctx context.Context, a account.Actor, id protocol.AiringID) (programme.Airing, error)
	Withdraw(ctx context.Context, a account.Actor, id protocol.AiringID) error
	Stop(ctx context.Context, a account.Actor, unit protocol.UnitID, airing protocol.AiringID) ([]protocol.Stop, error)
	TakeBack(ctx context.Context, a account.Actor, id protocol.StopID) ([]programme.Airing, error)
	Preview(ctx context.Context, a account.Actor, b bulletin.Bulletin, w bulletin.Wish) (programme.Preview, error)
}

// Reach is what the routes of reach need.
type Reach interface {
	Bulletin(ctx context.Context, a account.Actor, id protocol.BulletinID) (reach.Report, error)
	See(ctx context.Context, g reach.Sighting) error
	Sightings(ctx context.Context, airing protocol.AiringID, device protocol.DeviceID) ([]reach.Sighting, error)
}

// AiringBody is an airing as it stands in units' plans.
type AiringBody struct {
	ID        protocol.AiringID   `json:"id"`
	Bulletin  protocol.BulletinID `json:"bulletin"`
	Title     string              `json:"title"`
	Approval  string              `json:"approval" doc:"id of the approval that it lies within"`
	Class     string              `json:"class"`
	Drill     bool                `json:"drill,omitempty"`
	Units     []protocol.UnitID   `json:"units"`
	Start     string              `json:"start" doc:"local time of the first start"`
	Rule      string              `json:"rule,omitempty"`
	First     time.Time           `json:"first"`
	Last      time.Time           `json:"last" doc:"end of the last start's window"`
	LengthMS  int64               `json:"length_ms"`
	Published time.Time           `json:"published"`
	Withdrawn *time.Time          `json:"withdrawn,omitempty"`
	Volume    uint64              `json:"volume"`
	// Next is the next start, if there is one.
	Next *time.Time `json:"next,omitempty"`
	// OnAir is true while a start should be sounding.
	OnAir bool `json:"on_air"`
}

func (s *Server) airingBody(a programme.Airing) AiringBody {
	length := max(a.Wire.SoundFor, a.Wire.BoardFor)
	b := AiringBody{
		ID: a.Wire.ID, Bulletin: a.Bulletin, Title: a.Title, Approval: a.Statement.String(), Class: a.Wire.Class.String(), Drill: a.Wire.Drill,
		Units: a.Units, Start: a.Wire.Start, Rule: a.Wire.Rule, First: a.First, Last: a.Last, LengthMS: int64(length),
		Published: a.Wire.Published.Time(), Volume: a.Wire.Volume,
	}
	if !a.Withdrawn.IsZero() {
		b.Withdrawn = &a.Withdrawn
		return b
	}
	next, on := a.Around(s.Zone, time.Now())
	if !next.IsZero() {
		b.Next = &next
	}
	b.OnAir = on
	return b
}

// StopBody is a stop that was sent.
type StopBody struct {
	ID     protocol.StopID   `json:"id" doc:"for taking it back"`
	Unit   protocol.UnitID   `json:"unit"`
	Airing protocol.AiringID `json:"airing,omitempty"`
	At     time.Time         `json:"at"`
}

// PreviewBody is what an airing will do.
type PreviewBody struct {
	Sentence Sentence    `json:"sentence"`
	Devices  int         `json:"devices"`
	Speakers int         `json:"speakers"`
	Boards   int         `json:"boards"`
	Villages int         `json:"villages"`
	People   uint64      `json:"people" doc:"who live there and are served"`
	Starts   []time.Time `json:"starts" doc:"the first ten"`
	Warnings []Sentence  `json:"warnings"`
	Quiet    bool        `json:"quiet" doc:"a start lies in quiet hours without permission; it cannot be submitted so"`
}

// LineBody is one expected occurrence and what became of it.
type LineBody struct {
	Airing  protocol.AiringID `json:"airing"`
	Device  protocol.DeviceID `json:"device"`
	Medium  string            `json:"medium" enum:"sound,board"`
	Start   time.Time         `json:"start"`
	Outcome string            `json:"outcome" enum:"played,cut,skipped,lost,unknown,ahead"`
	Reason  string            `json:"reason,omitempty"`
	Proof   string            `json:"proof,omitempty" doc:"recognised: a microphone at the device recognised the bulletin, above consumed; seen: something beside the device saw the board, above all else"`
	Seen    string            `json:"seen,omitempty" enum:"photo,camera,light" doc:"what saw the board"`
	SeenAt  *time.Time        `json:"seen_at,omitempty"`
	SeenBy  protocol.PersonID `json:"seen_by,omitempty" doc:"who told it"`
	Seer    string            `json:"seen_by_name,omitempty" doc:"what they are called"`
	Lit     bool              `json:"lit,omitempty" doc:"a light sensor measured light before the board meanwhile; no level of proof"`
	Began   *time.Time        `json:"began,omitempty"`
	Ended   *time.Time        `json:"ended,omitempty"`
	Frames  uint64            `json:"frames,omitempty"`
	Voice   string            `json:"voice,omitempty"`
	Keyed   *time.Time        `json:"ended_at_board,omitempty" doc:"when somebody at the board ended this emergency, by its key or the device's command"`
}

// VillageBody is a village's figure.
type VillageBody struct {
	Unit    protocol.UnitID `json:"unit"`
	Name    string          `json:"name"`
	People  uint64          `json:"people"`
	Reached float64         `json:"reached" doc:"people who live where the whole was played, or shown on a board"`
	Unknown float64         `json:"unknown" doc:"more, if all unknown devices had played it"`
}

// ReachBody is who was reached by a bulletin.
type ReachBody struct {
	Expected int           `json:"expected"`
	Played   int           `json:"played"`
	Cut      int           `json:"cut"`
	Skipped  int           `json:"skipped"`
	Unknown  int           `json:"unknown"`
	Ahead    int           `json:"ahead"`
	People   uint64        `json:"people"`
	Reached  float64       `json:"reached"`
	Maybe    float64       `json:"maybe" doc:"people of whom nothing is known yet"`
	Villages []VillageBody `json:"villages"`
	Lines    []LineBody    `json:"lines"`
}

func reachBody(r reach.Report, who calling) ReachBody {
	b := ReachBody{
		Expected: r.Count.Expected, Played: r.Count.Played, Cut: r.Count.Cut, Skipped: r.Count.Skipped, Unknown: r.Count.Unknown, Ahead: r.Count.Ahead,
		People: r.People, Reached: r.Reached, Maybe: r.Unknown, Villages: []VillageBody{}, Lines: []LineBody{},
	}
	for _, v := range r.Villages {
		b.Villages = append(b.Villages, VillageBody{Unit: v.ID, Name: v.Name, People: v.People, Reached: v.Reached, Unknown: v.Unknown})
	}
	for _, l := range r.Lines {
		line := LineBody{Airing: l.Airing, Device: l.Device, Medium: l.Medium.String(), Start: l.Start.UTC(), Outcome: "unknown"}
		if l.Ahead {
			line.Outcome = "ahead"
		}
		if a := l.Answer; a != nil {
			line.Outcome, line.Reason, line.Proof, line.Frames, line.Voice = a.Outcome.String(), a.Reason.String(), a.Level().String(), a.Frames, a.Voice.String()
			line.Lit = a.Lit
			if g := a.Seen; g != nil {
				line.Seen, line.SeenAt, line.SeenBy, line.Seer = string(g.By), &g.At, g.Person, who(g.Person)
			}
			line.Keyed = optTime(a.Keyed)
			if !a.Began.IsZero() {
				line.Began, line.Ended = &a.Began, &a.Ended
			}
		}
		b.Lines = append(b.Lines, line)
	}
	return b
}

type (
	airingsInput struct {
		Since time.Time `query:"since" doc:"only those whose windows reach beyond it; now by default"`
	}
	airingsOutput struct{ Body []AiringBody }
	airingOutput  struct{ Body AiringBody }
	airingInput   struct {
		ID protocol.AiringID `path:"id" maxLength:"64"`
	}
	againInput struct {
		Body struct {
			Approval string        `json:"approval" minLength:"64" maxLength:"64" doc:"id of the approval"`
			Wish     bulletin.Wish `json:"wish"`
		}
	}
	stopInput struct {
		Body struct {
			Unit   protocol.UnitID   `json:"unit,omitempty" maxLength:"64" doc:"everything in it and below"`
			Airing protocol.AiringID `json:"airing,omitempty" maxLength:"64" doc:"or one airing"`
		}
	}
	stopsOutput struct{ Body []StopBody }
	stopID      struct {
		ID protocol.StopID `path:"id" maxLength:"64"`
	}
	previewInput struct {
		BulletinPath
		Body bulletin.Wish
	}
	previewOutput struct{ Body PreviewBody }
	reachOutput   struct{ Body ReachBody }
)

func registerAirings(api huma.API, s *Server) {
	tags := []string{"airings"}
	route(api, s, huma.Operation{
		OperationID: "list-airings", Method: http.MethodGet, Path: "/airings", Summary: "What is and will be on air in the caller's units", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *airingsInput) (*airingsOutput, error) {
		since := in.Since
		if since.IsZero() {
			since = time.Now()
		}
		list, err := s.Programme.List(ctx, a, since)
		out := &airingsOutput{Body: []AiringBody{}}
		for _, air := range list {
			out.Body = append(out.Body, s.airingBody(air))
		}
		return out, err
	})
	route(api, s, huma.Operation{
		OperationID: "create-airing", Method: http.MethodPost, Path: "/airings", Summary: "Air an approved bulletin again, within its approval", Tags: tags,
		DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, a account.Actor, in *againInput) (*airingOutput, error) {
		d, err := protocol.ParseDigest(in.Body.Approval)
		if err != nil {
			return nil, problem.ErrNotFound
		}
		air, err := s.Programme.Again(ctx, a, d, in.Body.Wish)
		if err != nil {
			return nil, err
		}
		s.tell("airing", string(air.Wire.ID))
		return &airingOutput{Body: s.airingBody(air)}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "get-airing", Method: http.MethodGet, Path: "/airings/{id}", Summary: "One airing", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *airingInput) (*airingOutput, error) {
		air, err := s.Programme.Get(ctx, a, in.ID)
		if err != nil {
			return nil, err
		}
		return &airingOutput{Body: s.airingBody(air)}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "withdraw-airing", Method: http.MethodDelete, Path: "/airings/{id}", Summary: "Take an airing back", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, a account.Actor, in *airingInput) (*nothing, error) {
		if err := s.Programme.Withdraw(ctx, a, in.ID); err != nil {
			return nil, err
		}
		s.tell("airing", string(in.ID))
		return &nothing{}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "preview-airing", Method: http.MethodPost, Path: "/bulletins/{id}/preview", Summary: "What an airing will do, in a sentence", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *previewInput) (*previewOutput, error) {
		b, err := s.Bulletins.Get(ctx, a, in.ID)
		if err != nil {
			return nil, err
		}
		p, err := s.Programme.Preview(ctx, a, b, in.Body)
		if err != nil {
			return nil, err
		}
		out := &previewOutput{Body: PreviewBody{
			Sentence: Sentence{Vi: p.Vi, En: p.En}, Devices: p.Devices, Speakers: p.Speakers, Boards: p.Boards, Villages: p.Villages, People: p.People,
			Starts: p.Starts, Warnings: []Sentence{}, Quiet: p.Quiet,
		}}
		for _, w := range p.Warnings {
			out.Body.Warnings = append(out.Body.Warnings, Sentence(w))
		}
		return out, nil
	})
	registerStops(api, s)
	if s.Sounds != nil {
		registerSightings(api, s)
	}
	route(api, s, huma.Operation{
		OperationID: "get-reach", Method: http.MethodGet, Path: "/bulletins/{id}/reach", Summary: "Who was reached, village by village, and why not", Tags: []string{"reach"},
	}, func(ctx context.Context, a account.Actor, in *BulletinPath) (*reachOutput, error) {
		r, err := s.Reach.Bulletin(ctx, a, in.ID)
		return &reachOutput{Body: reachBody(r, s.calling(ctx))}, err
	})
}

func registerStops(api huma.API, s *Server) {
	tags := []string{"stops"}
	route(api, s, huma.Operation{
		OperationID: "stop", Method: http.MethodPost, Path: "/stops", Summary: "Silence at once: a unit and all below it, or one airing", Tags: tags,
		DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, a account.Actor, in *stopInput) (*stopsOutput, error) {
		stops, err := s.stop(ctx, a, in.Body.Unit, in.Body.Airing)
		if err != nil {
			return nil, err
		}
		out := &stopsOutput{Body: []StopBody{}}
		for _, st := range stops {
			out.Body = append(out.Body, StopBody{ID: st.ID, Unit: st.Unit, Airing: st.Airing, At: st.At.Time()})
		}
		return out, nil
	})
	route(api, s, huma.Operation{
		OperationID: "take-stop-back", Method: http.MethodPost, Path: "/stops/{id}/take-back", Summary: "Air anew what a stop has silenced", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *stopID) (*airingsOutput, error) {
		list, err := s.Programme.TakeBack(ctx, a, in.ID)
		out := &airingsOutput{Body: []AiringBody{}}
		for _, air := range list {
			s.tell("airing", string(air.Wire.ID))
			out.Body = append(out.Body, s.airingBody(air))
		}
		return out, err
	})
}
