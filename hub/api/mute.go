package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
)

// Mutes is what the route that mutes devices needs.
type Mutes interface {
	// Mute tells a connected device to be silent, or to sound again. Error:
	// problem.ErrConflict for one that cannot hear it now.
	Mute(ctx context.Context, d registry.Device, muted bool) error
}

type muteInput struct {
	DevicePath
	Body struct {
		Muted bool `json:"muted"`
	}
}

func registerMute(api huma.API, s *Server) {
	route(api, s, huma.Operation{
		OperationID: "mute-device", Method: http.MethodPut, Path: "/devices/{id}/mute", Summary: "Silence a device, emergencies included, until it is told to sound again",
		Tags: []string{"devices"}, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, actor account.Actor, in *muteInput) (*nothing, error) {
		d, err := s.device(ctx, actor, account.Stop, in.ID)
		if errors.Is(err, problem.ErrForbidden) { // whoever installs it may as well
			d, err = s.device(ctx, actor, account.Install, in.ID)
		}
		if err != nil {
			return nil, err
		}
		return nil, s.Mutes.Mute(ctx, d, in.Body.Muted)
	})
}
