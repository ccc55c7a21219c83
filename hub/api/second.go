package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
)

// SecondFactorBody says whether the caller logs in with a second factor.
type SecondFactorBody struct {
	Enrolled bool `json:"enrolled"`
}

// EnrolmentBody is what an authenticator app is set up with, shown this once.
type EnrolmentBody struct {
	Secret  string `json:"secret" doc:"to type where no camera is"`
	Address string `json:"address" doc:"otpauth URL"`
	Picture []byte `json:"picture" doc:"the address as a QR code, PNG in base64"`
}

// RecoveryBody are codes for who loses the phone, shown this once.
type RecoveryBody struct {
	Codes []string `json:"codes" doc:"each counts once"`
}

type (
	secondOutput    struct{ Body SecondFactorBody }
	enrolmentOutput struct{ Body EnrolmentBody }
	recoveryOutput  struct{ Body RecoveryBody }
	codeInput       struct {
		Body struct {
			Code string `json:"code" maxLength:"40"`
		}
	}
	endSecondInput struct {
		Body struct {
			Password string `json:"password" maxLength:"800" doc:"the caller's own"`
		}
	}
)

func registerSecond(api huma.API, s *Server) {
	tags := []string{"second-factor"}
	route(api, s, huma.Operation{
		OperationID: "get-second-factor", Method: http.MethodGet, Path: "/second-factor", Summary: "Whether the caller has a second factor", Tags: tags,
	}, func(ctx context.Context, actor account.Actor, _ *nothing) (*secondOutput, error) {
		has, err := s.Account.HasSecond(ctx, actor.Person)
		return &secondOutput{Body: SecondFactorBody{Enrolled: has}}, err
	})
	route(api, s, huma.Operation{
		OperationID: "begin-second-factor", Method: http.MethodPost, Path: "/second-factor", Summary: "Begin to set up an authenticator app", Tags: tags,
	}, func(ctx context.Context, actor account.Actor, _ *nothing) (*enrolmentOutput, error) {
		e, err := s.Account.BeginSecond(ctx, actor.Person)
		return &enrolmentOutput{Body: EnrolmentBody(e)}, err
	})
	route(api, s, huma.Operation{
		OperationID: "confirm-second-factor", Method: http.MethodPut, Path: "/second-factor", Summary: "Confirm the app by a first code; returns recovery codes", Tags: tags,
	}, func(ctx context.Context, actor account.Actor, in *codeInput) (*recoveryOutput, error) {
		codes, err := s.Account.ConfirmSecond(ctx, actor.Person, in.Body.Code)
		return &recoveryOutput{Body: RecoveryBody{Codes: codes}}, err
	})
	route(api, s, huma.Operation{
		OperationID: "end-second-factor", Method: http.MethodPost, Path: "/second-factor/end", Summary: "End one's second factor, by one's password", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, actor account.Actor, in *endSecondInput) (*nothing, error) {
		return nil, s.Account.EndSecond(ctx, actor.Person, in.Body.Password, actor.Person)
	})
	route(api, s, huma.Operation{
		OperationID: "reset-second-factor", Method: http.MethodDelete, Path: "/users/{id}/second-factor", Summary: "End the second factor of somebody who lost it", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, actor account.Actor, in *UserPath) (*nothing, error) {
		p, err := s.user(ctx, actor, in.ID)
		if err != nil {
			return nil, err
		}
		if in.ID == actor.Person {
			return nil, generic(http.StatusForbidden) // by the password
		}
		if err := s.governs(ctx, actor, p.Grants); err != nil {
			return nil, err
		}
		return nil, s.Account.EndSecond(ctx, in.ID, "", actor.Person)
	})
}
