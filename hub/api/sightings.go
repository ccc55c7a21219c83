package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/notebook"
	"github.com/loa-vn/loa/hub/photo"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/protocol"
)

// SightingBody tells that a board was seen to show an airing.
type SightingBody struct {
	Airing  protocol.AiringID `json:"airing" maxLength:"64"`
	At      time.Time         `json:"at" doc:"when it was seen: when the picture was taken, or the light measured"`
	By      string            `json:"by" enum:"photo,camera,light"`
	Picture []byte            `json:"picture,omitempty" doc:"JPEG, PNG or WebP of the board; of a photo or a camera"`
	Lux     float64           `json:"lux,omitempty" minimum:"0" maximum:"1000000" doc:"of a light sensor: one value, which proves that something shone and nothing more"`
	Light   []LightBody       `json:"light,omitempty" maxItems:"600" doc:"of a light sensor: values while the board showed the airing, at least 8 over three pages; they prove it to be seen if they follow its pages"`
}

// LightBody is the light before a board at an instant.
type LightBody struct {
	At  time.Time `json:"at"`
	Lux float64   `json:"lux" minimum:"0" maximum:"1000000"`
}

type sightingInput struct {
	DevicePath
	Body SightingBody
}

type seenInput struct {
	DevicePath
	Airing protocol.AiringID `path:"airing" maxLength:"64"`
}

func registerSightings(api huma.API, s *Server) {
	route(api, s, huma.Operation{
		OperationID: "see-board", Method: http.MethodPost, Path: "/devices/{id}/sightings", Tags: []string{"reach"}, DefaultStatus: http.StatusNoContent,
		Summary: "Tell that a board was seen to show an airing, by a photo, a camera or a light sensor", MaxBodyBytes: 2 * notebook.MaxPhoto,
	}, func(ctx context.Context, a account.Actor, in *sightingInput) (*nothing, error) {
		d, err := s.device(ctx, a, account.Read, in.ID)
		switch {
		case err != nil:
			return nil, err
		case !a.May(account.Schedule, d.Placement.Path) && !a.May(account.Install, d.Placement.Path):
			return nil, problem.ErrForbidden
		case d.Board == nil:
			return nil, problem.New(problem.ErrInvalid, "no-board", "id", "Thiết bị này không có bảng. Hãy chọn thiết bị có bảng.", "This device has no board. Choose one that has.")
		}
		if _, err := s.Programme.Get(ctx, a, in.Body.Airing); err != nil {
			return nil, err
		}
		g := reach.Sighting{Airing: in.Body.Airing, Device: in.ID, At: in.Body.At, By: reach.Sense(in.Body.By), Lux: in.Body.Lux, Person: a.Person}
		for _, l := range in.Body.Light {
			g.Light = append(g.Light, reach.Sample{At: l.At, Lux: l.Lux})
		}
		if g.By != reach.ByLight && len(in.Body.Picture) > 0 {
			clean, err := s.cleaned(in.Body.Picture)
			if err != nil {
				return nil, err
			}
			if g.Picture, err = s.keep(clean); err != nil {
				return nil, err
			}
		}
		if err := s.Reach.See(ctx, g); err != nil {
			return nil, err
		}
		s.tell("receipt", string(in.ID))
		return nil, nil
	})
	route(api, s, huma.Operation{
		OperationID: "get-sighting", Method: http.MethodGet, Path: "/devices/{id}/sightings/{airing}", Tags: []string{"reach"},
		Summary: "The newest picture in which a board was seen to show an airing",
	}, func(ctx context.Context, a account.Actor, in *seenInput) (*huma.StreamResponse, error) {
		if _, err := s.device(ctx, a, account.Read, in.ID); err != nil {
			return nil, err
		}
		all, err := s.Reach.Sightings(ctx, in.Airing, in.ID)
		if err != nil {
			return nil, err
		}
		for _, g := range slices.Backward(all) {
			if g.By == reach.ByLight {
				continue
			}
			f, err := s.Sounds.Open(g.Picture)
			if err != nil {
				return nil, err
			}
			return file(f, photo.Kind, g.Picture.String()), nil
		}
		return nil, problem.ErrNotFound
	})
}
