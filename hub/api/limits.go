package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// HoursBody caps volume or brightness in hours of the local day.
type HoursBody struct {
	From    uint64 `json:"from" minimum:"0" maximum:"23" doc:"full hour"`
	To      uint64 `json:"to" minimum:"0" maximum:"23" doc:"full hour, not included; at or before from means the next day"`
	Percent uint64 `json:"percent" minimum:"10" maximum:"100"`
}

// LimitsBody is what a unit allows its devices beside their own profiles.
type LimitsBody struct {
	Volume []HoursBody `json:"volume" doc:"of loudspeakers; actual emergencies keep theirs"`
	Light  []HoursBody `json:"light" doc:"brightness of boards"`
}

type (
	limitsOutput struct{ Body LimitsBody }
	limitsInput  struct {
		UnitPath
		Of   string      `path:"of" enum:"volume,light"`
		Body []HoursBody `maxItems:"8"`
	}
)

func registerLimits(api huma.API, s *Server) {
	tags := []string{"units"}
	route(api, s, huma.Operation{
		OperationID: "get-limits", Method: http.MethodGet, Path: "/units/{id}/limits", Summary: "A unit's own limits of volume and brightness; those of the units above hold as well", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *UnitPath) (*limitsOutput, error) {
		if _, err := s.path(ctx, a, account.Read, in.ID); err != nil {
			return nil, err
		}
		limits, err := s.Registry.Limits(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		out := &limitsOutput{Body: LimitsBody{Volume: []HoursBody{}, Light: []HoursBody{}}}
		for _, l := range limits {
			h := HoursBody{From: l.From, To: l.To, Percent: l.Percent}
			if l.Of == protocol.CapLight {
				out.Body.Light = append(out.Body.Light, h)
			} else {
				out.Body.Volume = append(out.Body.Volume, h)
			}
		}
		return out, nil
	})
	route(api, s, huma.Operation{
		OperationID: "set-limits", Method: http.MethodPut, Path: "/units/{id}/limits/{of}", Summary: "Replace a unit's limits of volume, or of brightness; its devices keep them by themselves",
		Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, a account.Actor, in *limitsInput) (*nothing, error) {
		of, err := protocol.ParseName[protocol.Capped](in.Of)
		if err != nil {
			return nil, err
		}
		path, err := s.path(ctx, a, account.Read, in.ID)
		switch {
		case err != nil:
			return nil, err
		case a.May(account.Administer, path):
		case of == protocol.CapLight && (a.May(account.Schedule, path) || a.May(account.Install, path)):
		default:
			return nil, problem.ErrForbidden
		}
		limits := make([]protocol.Limit, 0, len(in.Body))
		for _, h := range in.Body {
			limits = append(limits, protocol.Limit{Of: of, From: h.From, To: h.To, Percent: h.Percent})
		}
		if err := s.Registry.SetLimits(ctx, in.ID, of, limits, a.Person); err != nil {
			return nil, err
		}
		s.tell("place", string(in.ID))
		return nil, nil
	})
}
