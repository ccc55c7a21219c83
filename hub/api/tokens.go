package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
)

// TokenBody is an API token of the caller's.
type TokenBody struct {
	ID      string        `json:"id"`
	Name    string        `json:"name"`
	Scope   account.Scope `json:"scope" enum:"all,read"`
	Created time.Time     `json:"created"`
	Expires time.Time     `json:"expires"`
	Revoked *time.Time    `json:"revoked,omitempty"`
}

// NewTokenBody is a token with its secret, which is shown this once.
type NewTokenBody struct {
	TokenBody
	Secret string `json:"secret" doc:"for the header Authorization: Bearer; shown this once"`
}

func tokenBody(t account.Token) TokenBody {
	return TokenBody{ID: t.ID, Name: t.Name, Scope: t.Scope, Created: t.Created, Expires: t.Expires, Revoked: optTime(t.Revoked)}
}

type (
	tokensOutput  struct{ Body []TokenBody }
	newTokenInput struct {
		Body struct {
			Name  string        `json:"name" maxLength:"100"`
			Scope account.Scope `json:"scope,omitempty" enum:"all,read" default:"all" doc:"read changes nothing"`
			Days  int           `json:"days" minimum:"1" maximum:"366"`
		}
	}
	newTokenOutput struct{ Body NewTokenBody }
	tokenInput     struct {
		ID string `path:"id" maxLength:"64"`
	}
)

func registerTokens(api huma.API, s *Server) {
	tags := []string{"tokens"}
	route(api, s, huma.Operation{
		OperationID: "list-tokens", Method: http.MethodGet, Path: "/tokens", Summary: "The caller's API tokens", Tags: tags,
	}, func(ctx context.Context, actor account.Actor, _ *nothing) (*tokensOutput, error) {
		tokens, err := s.Account.Tokens(ctx, actor.Person)
		if err != nil {
			return nil, err
		}
		out := &tokensOutput{Body: []TokenBody{}}
		for _, t := range tokens {
			out.Body = append(out.Body, tokenBody(t))
		}
		return out, nil
	})
	route(api, s, huma.Operation{
		OperationID: "create-token", Method: http.MethodPost, Path: "/tokens", Summary: "Make an API token", Tags: tags, DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, actor account.Actor, in *newTokenInput) (*newTokenOutput, error) {
		t, secret, err := s.Account.CreateToken(ctx, actor.Person, in.Body.Name, in.Body.Scope, time.Duration(in.Body.Days)*24*time.Hour)
		if err != nil {
			return nil, err
		}
		return &newTokenOutput{Body: NewTokenBody{TokenBody: tokenBody(t), Secret: secret}}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "revoke-token", Method: http.MethodDelete, Path: "/tokens/{id}", Summary: "Revoke an API token", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, actor account.Actor, in *tokenInput) (*nothing, error) {
		return nil, s.Account.RevokeToken(ctx, actor.Person, in.ID)
	})
}
