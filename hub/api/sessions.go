package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Accounts is what the routes of sessions, users and tokens need.
type Accounts interface {
	LogIn(ctx context.Context, id protocol.PersonID, password, code string, from account.From) (account.Login, error)
	AskPasskey(ctx context.Context, id protocol.PersonID, password string, from account.From) (string, json.RawMessage, error)
	LogInByPasskey(ctx context.Context, ticket string, response []byte, from account.From) (account.Login, error)
	LogInFrom(ctx context.Context, i account.Identity, from account.From) (account.Login, error)
	Actor(ctx context.Context, session string) (account.Actor, error)
	Sessions(ctx context.Context, person protocol.PersonID) ([]account.Session, error)
	EndSession(ctx context.Context, person protocol.PersonID, id string, by protocol.PersonID) error
	EndSessions(ctx context.Context, person protocol.PersonID, but string, by protocol.PersonID) error
	IdentityOf(ctx context.Context, person protocol.PersonID) (string, error)
	SetIdentity(ctx context.Context, person protocol.PersonID, name string, by protocol.PersonID) error
	SetPasskeyLogIn(ctx context.Context, handle string, on bool, id protocol.PersonID, password string) ([]string, error)
	Demands(ctx context.Context, unit protocol.UnitID) (own, inForce []account.Role, err error)
	DemandSecond(ctx context.Context, unit protocol.UnitID, roles []account.Role, by protocol.PersonID) error
	Bearer(ctx context.Context, token string) (account.Actor, error)
	People(ctx context.Context) ([]account.Person, error)
	Person(ctx context.Context, id protocol.PersonID) (account.Person, error)
	// Called is what a person is called wherever they are named.
	Called(ctx context.Context, id protocol.PersonID) (string, error)
	Add(ctx context.Context, n account.NewPerson, registrar string, by protocol.PersonID) error
	SetGrants(ctx context.Context, id protocol.PersonID, grants []account.Grant, password, registrar string, by protocol.PersonID) error
	ChangePassword(ctx context.Context, id protocol.PersonID, old, password string) error
	ResetPassword(ctx context.Context, id protocol.PersonID, password, registrar string, oneTime bool, by protocol.PersonID) error
	Disable(ctx context.Context, id protocol.PersonID, registrar string, by protocol.PersonID) error
	CreateToken(ctx context.Context, person protocol.PersonID, name string, scope account.Scope, life time.Duration) (account.Token, string, error)
	Tokens(ctx context.Context, person protocol.PersonID) ([]account.Token, error)
	RevokeToken(ctx context.Context, person protocol.PersonID, id string) error
	BeginSecond(ctx context.Context, id protocol.PersonID) (account.Enrolment, error)
	ConfirmSecond(ctx context.Context, id protocol.PersonID, code string) ([]string, error)
	EndSecond(ctx context.Context, id protocol.PersonID, password string, by protocol.PersonID) error
	HasSecond(ctx context.Context, id protocol.PersonID) (bool, error)
}

// GrantBody is one role in one unit.
type GrantBody struct {
	Unit protocol.UnitID `json:"unit" maxLength:"64"`
	Role account.Role    `json:"role" enum:"editor,approver,operator,administrator,auditor,technician"`
}

func grantBodies(grants []account.Grant) []GrantBody {
	out := make([]GrantBody, 0, len(grants))
	for _, g := range grants {
		out = append(out, GrantBody(g))
	}
	return out
}

func grantsOf(bodies []GrantBody) []account.Grant {
	out := make([]account.Grant, 0, len(bodies))
	for _, b := range bodies {
		out = append(out, account.Grant(b))
	}
	return out
}

// Me is the person who asks.
type Me struct {
	ID     protocol.PersonID `json:"id"`
	Name   string            `json:"name"`
	Grants []GrantBody       `json:"grants"`
	Due    account.Due       `json:"due,omitempty" enum:"password,second-factor" doc:"what has to be done before anything else"`
}

func meOf(a account.Actor) *meOutput {
	return &meOutput{Body: Me{ID: a.Person, Name: a.Name, Grants: grantBodies(a.Grants), Due: a.Due}}
}

type meOutput struct{ Body Me }

type logInInput struct {
	Browser string `header:"User-Agent"`
	Body    struct {
		User     protocol.PersonID `json:"user" maxLength:"64"`
		Password string            `json:"password" maxLength:"800"`
		Code     string            `json:"code,omitempty" maxLength:"40" doc:"of the authenticator app, or a recovery code; asked for by the problem second-factor"`
	}
}

func registerSessions(api huma.API, s *Server) {
	open(api, s, huma.Operation{
		OperationID: "log-in", Method: http.MethodPost, Path: "/sessions", Summary: "Log in; sets the session's cookie", Tags: []string{"sessions"},
	}, func(ctx context.Context, _ account.Actor, in *logInInput) (*meOutput, error) {
		login, err := s.Account.LogIn(ctx, in.Body.User, in.Body.Password, in.Body.Code, fromOf(ctx, in.Browser))
		if err != nil {
			return nil, err
		}
		if err := s.begin(ctx, login); err != nil {
			return nil, err
		}
		return meOf(login.Actor), nil
	})
	open(api, s, huma.Operation{
		OperationID: "log-out", Method: http.MethodDelete, Path: "/sessions", Summary: "Log out", Tags: []string{"sessions"}, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, a account.Actor, _ *nothing) (*nothing, error) {
		if login := s.sessions.GetString(ctx, keyLogin); login != "" && a.Person != "" {
			if err := s.Account.EndSession(ctx, a.Person, login, a.Person); err != nil && !errors.Is(err, problem.ErrNotFound) {
				return nil, err
			}
		}
		return nil, s.sessions.Destroy(ctx)
	})
	route(api, s, huma.Operation{
		OperationID: "me", Method: http.MethodGet, Path: "/sessions", Summary: "Who is logged in", Tags: []string{"sessions"},
	}, func(_ context.Context, actor account.Actor, _ *nothing) (*meOutput, error) {
		return meOf(actor), nil
	})
}
