package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/protocol"
)

// Library makes the small bulletins that programmes need.
type Library interface {
	Stock(ctx context.Context, a account.Actor, unit protocol.UnitID, kind programme.ItemKind, length time.Duration) (bulletin.Bulletin, error)
}

type stockInput struct {
	Body struct {
		Unit    protocol.UnitID    `json:"unit" maxLength:"64" doc:"whose it is; units below may use it"`
		Kind    programme.ItemKind `json:"kind" enum:"opening,closing,silence"`
		Seconds int                `json:"seconds,omitempty" minimum:"0" maximum:"300" doc:"of a silence"`
	}
}

func registerLibrary(api huma.API, s *Server) {
	route(api, s, huma.Operation{
		OperationID: "create-library-item", Method: http.MethodPost, Path: "/library", Summary: "Make a chime or a silence, to be approved once for programmes", Tags: []string{"programmes"},
		DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, a account.Actor, in *stockInput) (*bulletinOutput, error) {
		b, err := s.Library.Stock(ctx, a, in.Body.Unit, in.Body.Kind, time.Duration(in.Body.Seconds)*time.Second)
		if err != nil {
			return nil, err
		}
		s.tell("bulletin", string(b.ID))
		return &bulletinOutput{Body: bulletinBody(b, s.calling(ctx))}, nil
	})
}
