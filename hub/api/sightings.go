package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/notebook"
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
	Lux     float64           `json:"lux,omitempty" minimum:"0" maximum:"1000000" doc:"of a light sensor"`
}

type sightingInput struct {
	DevicePath
	Body SightingBody
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
}
