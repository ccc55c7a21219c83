package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// SessionBody is one log-in that holds.
type SessionBody struct {
	ID      string      `json:"id"`
	Way     account.Way `json:"way" enum:"password,code,passkey,provider"`
	Began   time.Time   `json:"began"`
	Expires time.Time   `json:"expires"`
	Address string      `json:"address"`
	Browser string      `json:"browser" doc:"as it calls itself"`
	Current bool        `json:"current" doc:"the one that asks"`
}

// WaysBody says how people may log in here.
type WaysBody struct {
	Password bool `json:"password"`
	Passkey  bool `json:"passkey"`
	// Provider is who else logs people in.
	Provider *ProviderBody `json:"provider,omitempty"`
}

// ProviderBody is a provider of log-ins.
type ProviderBody struct {
	Name string `json:"name"`
	Path string `json:"path" doc:"to open in the browser"`
}

// IdentityBody is how the provider of log-ins calls a person.
type IdentityBody struct {
	Name string `json:"name" maxLength:"320" doc:"as the claim of the settings has it, an e-mail address say; empty for none"`
}

// DemandBody are roles that log in with a second factor only.
type DemandBody struct {
	Roles   []account.Role `json:"roles" doc:"demanded by the unit itself"`
	InForce []account.Role `json:"in_force" doc:"with those of units above and of the hub"`
}

type (
	sessionsOutput  struct{ Body []SessionBody }
	waysOutput      struct{ Body WaysBody }
	askPasskeyInput struct {
		Browser string `header:"User-Agent"`
		Body    struct {
			User     protocol.PersonID `json:"user,omitempty" maxLength:"64" doc:"with the password, for authenticators that keep no list"`
			Password string            `json:"password,omitempty" maxLength:"800"`
		}
	}
	askedOutput struct {
		Body struct {
			Ticket  string         `json:"ticket"`
			Options map[string]any `json:"options" doc:"PublicKeyCredentialRequestOptionsJSON, for navigator.credentials.get"`
		}
	}
	provePasskeyInput struct {
		Browser string `header:"User-Agent"`
		Body    struct {
			Ticket     string         `json:"ticket" maxLength:"8000"`
			Credential map[string]any `json:"credential" doc:"AuthenticationResponseJSON, as PublicKeyCredential.toJSON writes it"`
		}
	}
	passkeyLogInInput struct {
		PasskeyPath
		Body struct {
			On       bool   `json:"on"`
			Password string `json:"password" maxLength:"800" doc:"the caller's own"`
		}
	}
	// UserSessionPath names a log-in of somebody.
	UserSessionPath struct {
		UserPath
		Session string `path:"session" maxLength:"64"`
	}
	identityOutput struct{ Body IdentityBody }
	identityInput  struct {
		UserPath
		Body IdentityBody
	}
	secondDemandOutput struct{ Body DemandBody }
	secondDemandInput  struct {
		UnitPath
		Body struct {
			Roles []account.Role `json:"roles" maxItems:"6" enum:"editor,approver,operator,administrator,auditor,technician"`
		}
	}
)

// fromOf returns where a request to log in comes from.
func fromOf(ctx context.Context, browser string) account.From {
	return account.From{Address: addressOf(ctx), Browser: browser}
}

func registerLogins(api huma.API, s *Server) {
	tags := []string{"sessions"}
	open(api, s, huma.Operation{
		OperationID: "log-in-ways", Method: http.MethodGet, Path: "/log-in", Summary: "How people may log in here", Tags: tags,
	}, func(context.Context, account.Actor, *nothing) (*waysOutput, error) {
		w := WaysBody{Password: true, Passkey: s.opts.PasskeyLogIn}
		if s.Provider != nil {
			w.Provider = &ProviderBody{Name: s.Provider.Name(), Path: providerPath}
		}
		return &waysOutput{Body: w}, nil
	})
	open(api, s, huma.Operation{
		OperationID: "ask-log-in-passkey", Method: http.MethodPost, Path: "/sessions/passkey", Summary: "Begin a log-in by passkey, with or without a password before", Tags: tags,
	}, func(ctx context.Context, _ account.Actor, in *askPasskeyInput) (*askedOutput, error) {
		ticket, options, err := s.Account.AskPasskey(ctx, in.Body.User, in.Body.Password, fromOf(ctx, in.Browser))
		if err != nil {
			return nil, err
		}
		out := &askedOutput{}
		out.Body.Ticket = ticket
		return out, json.Unmarshal(options, &out.Body.Options)
	})
	open(api, s, huma.Operation{
		OperationID: "log-in-passkey", Method: http.MethodPut, Path: "/sessions/passkey", Summary: "Log in by passkey; sets the session's cookie", Tags: tags,
	}, func(ctx context.Context, _ account.Actor, in *provePasskeyInput) (*meOutput, error) {
		response, err := json.Marshal(in.Body.Credential)
		if err != nil {
			return nil, err
		}
		login, err := s.Account.LogInByPasskey(ctx, in.Body.Ticket, response, fromOf(ctx, in.Browser))
		if err != nil {
			return nil, err
		}
		if err := s.begin(ctx, login); err != nil {
			return nil, err
		}
		return meOf(login.Actor), nil
	})
	route(api, s, huma.Operation{
		OperationID: "set-passkey-log-in", Method: http.MethodPut, Path: "/passkeys/{id}/log-in", Tags: []string{"passkeys"},
		Summary: "Whether the caller logs in with a passkey, which is a second factor from then on; returns recovery codes to who has none",
	}, func(ctx context.Context, a account.Actor, in *passkeyLogInInput) (*recoveryOutput, error) {
		codes, err := s.Account.SetPasskeyLogIn(ctx, in.ID, in.Body.On, a.Person, in.Body.Password)
		if codes == nil {
			codes = []string{}
		}
		return &recoveryOutput{Body: RecoveryBody{Codes: codes}}, err
	})
	s.registerUserSessions(api)
	route(api, s, huma.Operation{
		OperationID: "get-second-factor-demand", Method: http.MethodGet, Path: "/units/{id}/second-factor", Summary: "Which roles log in with a second factor only", Tags: []string{"units"},
	}, func(ctx context.Context, a account.Actor, in *UnitPath) (*secondDemandOutput, error) {
		if _, err := s.path(ctx, a, account.Read, in.ID); err != nil {
			return nil, err
		}
		own, inForce, err := s.Account.Demands(ctx, in.ID)
		return &secondDemandOutput{Body: DemandBody{Roles: some(own), InForce: some(inForce)}}, err
	})
	route(api, s, huma.Operation{
		OperationID: "set-second-factor-demand", Method: http.MethodPut, Path: "/units/{id}/second-factor", Tags: []string{"units"}, DefaultStatus: http.StatusNoContent,
		Summary: "Set the roles that log in with a second factor only, in a unit and all below",
	}, func(ctx context.Context, a account.Actor, in *secondDemandInput) (*nothing, error) {
		if _, err := s.path(ctx, a, account.Administer, in.ID); err != nil {
			return nil, err
		}
		return nil, s.Account.DemandSecond(ctx, in.ID, in.Body.Roles, a.Person)
	})
}

// some is never null in JSON.
func some[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// governed returns a person who is the actor, or whom the actor governs in all
// roles. Errors: problem.ErrNotFound, ErrForbidden.
func (s *Server) governed(ctx context.Context, actor account.Actor, id protocol.PersonID) (account.Person, error) {
	p, err := s.user(ctx, actor, id)
	if err != nil || id == actor.Person {
		return p, err
	}
	return p, s.governs(ctx, actor, p.Grants)
}

func (s *Server) registerUserSessions(api huma.API) {
	tags := []string{"users"}
	route(api, s, huma.Operation{
		OperationID: "list-sessions", Method: http.MethodGet, Path: "/users/{id}/sessions", Summary: "Log-ins that hold, of the caller or of whom they govern", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *UserPath) (*sessionsOutput, error) {
		if _, err := s.governed(ctx, a, in.ID); err != nil {
			return nil, err
		}
		held, err := s.Account.Sessions(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		out := &sessionsOutput{Body: []SessionBody{}}
		for _, h := range held {
			out.Body = append(out.Body, SessionBody{
				ID: h.ID, Way: h.Way, Began: h.Began, Expires: h.Expires, Address: h.Address, Browser: h.Browser,
				Current: h.ID == s.sessions.GetString(ctx, keyLogin),
			})
		}
		return out, nil
	})
	route(api, s, huma.Operation{
		OperationID: "end-session", Method: http.MethodDelete, Path: "/users/{id}/sessions/{session}", Summary: "End one log-in", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, a account.Actor, in *UserSessionPath) (*nothing, error) {
		if _, err := s.governed(ctx, a, in.ID); err != nil {
			return nil, err
		}
		return nil, s.Account.EndSession(ctx, in.ID, in.Session, a.Person)
	})
	route(api, s, huma.Operation{
		OperationID: "end-sessions", Method: http.MethodDelete, Path: "/users/{id}/sessions", Summary: "End all log-ins but the one that asks", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, a account.Actor, in *UserPath) (*nothing, error) {
		if _, err := s.governed(ctx, a, in.ID); err != nil {
			return nil, err
		}
		return nil, s.Account.EndSessions(ctx, in.ID, s.sessions.GetString(ctx, keyLogin), a.Person)
	})
	route(api, s, huma.Operation{
		OperationID: "get-identity", Method: http.MethodGet, Path: "/users/{id}/identity", Summary: "How the provider of log-ins calls a person", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *UserPath) (*identityOutput, error) {
		if _, err := s.governed(ctx, a, in.ID); err != nil {
			return nil, err
		}
		name, err := s.Account.IdentityOf(ctx, in.ID)
		return &identityOutput{Body: IdentityBody{Name: name}}, err
	})
	route(api, s, huma.Operation{
		OperationID: "set-identity", Method: http.MethodPut, Path: "/users/{id}/identity", Summary: "Say how the provider of log-ins calls a person", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, a account.Actor, in *identityInput) (*nothing, error) {
		p, err := s.user(ctx, a, in.ID)
		if err != nil {
			return nil, err
		}
		// Nobody links themselves: a stolen session would stay.
		if in.ID == a.Person {
			return nil, problem.ErrForbidden
		}
		if err := s.governs(ctx, a, p.Grants); err != nil {
			return nil, err
		}
		return nil, s.Account.SetIdentity(ctx, in.ID, in.Body.Name, a.Person)
	})
}
