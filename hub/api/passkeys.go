package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Passkeys is what the routes of passkeys need.
type Passkeys interface {
	BeginPasskey(ctx context.Context, id protocol.PersonID) (string, json.RawMessage, error)
	FinishPasskey(ctx context.Context, id protocol.PersonID, registration, name string, response []byte) (account.Passkey, error)
	Passkeys(ctx context.Context, id protocol.PersonID) ([]account.Passkey, error)
	Passkey(ctx context.Context, handle string) (account.Passkey, error)
	ConfirmPasskey(ctx context.Context, handle, registrar string, by protocol.PersonID) (account.Passkey, error)
	RevokePasskey(ctx context.Context, handle, registrar string, by protocol.PersonID) (account.Passkey, error)
}

// Base64URL is bytes in base64url without padding, as browsers write them.
type Base64URL string

func base64URL(b []byte) Base64URL { return Base64URL(base64.RawURLEncoding.EncodeToString(b)) }

func (b Base64URL) bytes() ([]byte, error) {
	out, err := base64.RawURLEncoding.DecodeString(string(b))
	if err != nil {
		return nil, problem.New(problem.ErrInvalid, "bad-base64", "assertion", "Dữ liệu của khoá không đọc được; hãy thử lại.", "The passkey's data cannot be read; try again.")
	}
	return out, nil
}

// PasskeyBody is a passkey.
type PasskeyBody struct {
	ID        string            `json:"id"`
	Person    protocol.PersonID `json:"person"`
	Called    string            `json:"person_name" doc:"what that person is called"`
	Name      string            `json:"name"`
	State     string            `json:"state" enum:"waiting,confirmed,revoked" doc:"waiting: no registrar has confirmed it yet, so it approves nothing"`
	Synced    bool              `json:"synced" doc:"may be copied to the person's other devices and cloud account"`
	Created   time.Time         `json:"created"`
	Confirmed *time.Time        `json:"confirmed,omitempty"`
	Revoked   *time.Time        `json:"revoked,omitempty"`
	LogIn     bool              `json:"log_in" doc:"its person logs in with it"`
}

func passkeyBody(p account.Passkey, who calling) PasskeyBody {
	b := PasskeyBody{
		ID: p.Handle, Person: p.Person, Called: who(p.Person), Name: p.Name, State: "waiting", Synced: p.Synced, Created: p.Created,
		Confirmed: optTime(p.Confirmed), Revoked: optTime(p.Revoked), LogIn: p.LogsIn(),
	}
	switch {
	case !p.Revoked.IsZero():
		b.State = "revoked"
	case p.Counts():
		b.State = "confirmed"
	}
	return b
}

type (
	passkeysOutput     struct{ Body []PasskeyBody }
	passkeyOutput      struct{ Body PasskeyBody }
	registrationOutput struct {
		Body struct {
			Registration string         `json:"registration"`
			Options      map[string]any `json:"options" doc:"PublicKeyCredentialCreationOptionsJSON, for navigator.credentials.create"`
		}
	}
	finishPasskeyInput struct {
		Body struct {
			Registration string         `json:"registration" maxLength:"64"`
			Name         string         `json:"name" maxLength:"200" doc:"for people: điện thoại"`
			Credential   map[string]any `json:"credential" doc:"RegistrationResponseJSON, as PublicKeyCredential.toJSON writes it"`
		}
	}
	// PasskeyPath names a passkey.
	PasskeyPath struct {
		ID string `path:"id" maxLength:"64"`
	}
	settlePasskeyInput struct {
		PasskeyPath
		Body struct {
			RegistrarPassword string `json:"registrar_password,omitempty" maxLength:"800"`
		}
	}
	questionOutput struct{ Body QuestionBody }
	// QuestionBody is what navigator.credentials.get is called with.
	QuestionBody struct {
		Challenge        Base64URL        `json:"challenge" doc:"stands for the statement: SHA-256 of loa/1/approval, a zero byte and its bytes"`
		RPID             string           `json:"rpId"`
		AllowCredentials []CredentialBody `json:"allowCredentials"`
		UserVerification string           `json:"userVerification" enum:"required"`
		Timeout          int              `json:"timeout" doc:"ms"`
	}
	// CredentialBody names a passkey by the authenticator's own id.
	CredentialBody struct {
		Type string    `json:"type" enum:"public-key"`
		ID   Base64URL `json:"id"`
	}
	// AssertionBody is the answer of navigator.credentials.get.
	AssertionBody struct {
		CredentialID      Base64URL `json:"credential_id" maxLength:"1400"`
		AuthenticatorData Base64URL `json:"authenticator_data" maxLength:"400"`
		ClientData        Base64URL `json:"client_data" maxLength:"1400"`
		Signature         Base64URL `json:"signature" maxLength:"100"`
	}
)

func (b AssertionBody) given() (approval.Given, error) {
	var g approval.Given
	for _, p := range []struct {
		from Base64URL
		to   *[]byte
	}{{b.CredentialID, &g.Credential}, {b.AuthenticatorData, &g.AuthenticatorData}, {b.ClientData, &g.ClientData}, {b.Signature, &g.Signature}} {
		var err error
		if *p.to, err = p.from.bytes(); err != nil {
			return approval.Given{}, err
		}
	}
	return g, nil
}

// questionTime is how long a browser waits for the person, in ms.
const questionTime = 120_000

func registerPasskeys(api huma.API, s *Server) {
	tags := []string{"passkeys"}
	route(api, s, huma.Operation{
		OperationID: "list-passkeys", Method: http.MethodGet, Path: "/passkeys", Summary: "The caller's passkeys, and those of people whom they administer", Tags: tags,
	}, s.listPasskeys)
	route(api, s, huma.Operation{
		OperationID: "begin-passkey", Method: http.MethodPost, Path: "/passkeys/registrations", Summary: "Begin to register a passkey of the caller's", Tags: tags,
		DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, a account.Actor, _ *nothing) (*registrationOutput, error) {
		id, options, err := s.Passkeys.BeginPasskey(ctx, a.Person)
		if err != nil {
			return nil, err
		}
		out := &registrationOutput{}
		out.Body.Registration = id
		return out, json.Unmarshal(options, &out.Body.Options)
	})
	route(api, s, huma.Operation{
		OperationID: "finish-passkey", Method: http.MethodPost, Path: "/passkeys", Summary: "Store the passkey that was made; it waits for a registrar", Tags: tags,
		DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, a account.Actor, in *finishPasskeyInput) (*passkeyOutput, error) {
		response, err := json.Marshal(in.Body.Credential)
		if err != nil {
			return nil, err
		}
		p, err := s.Passkeys.FinishPasskey(ctx, a.Person, in.Body.Registration, in.Body.Name, response)
		if err != nil {
			return nil, err
		}
		return &passkeyOutput{Body: passkeyBody(p, s.calling(ctx))}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "confirm-passkey", Method: http.MethodPost, Path: "/passkeys/{id}/confirm", Summary: "Sign a passkey into the lists of its person's units", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *settlePasskeyInput) (*passkeyOutput, error) {
		p, err := s.passkey(ctx, a, in.ID)
		if err != nil {
			return nil, err
		}
		owner, err := s.Account.Person(ctx, p.Person)
		if err != nil {
			return nil, err
		}
		if err := s.governs(ctx, a, owner.Grants); err != nil {
			return nil, err
		}
		if p, err = s.Passkeys.ConfirmPasskey(ctx, in.ID, in.Body.RegistrarPassword, a.Person); err != nil {
			return nil, err
		}
		return &passkeyOutput{Body: passkeyBody(p, s.calling(ctx))}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "revoke-passkey", Method: http.MethodPost, Path: "/passkeys/{id}/revoke", Summary: "End what a passkey may approve, on devices too", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *settlePasskeyInput) (*passkeyOutput, error) {
		if _, err := s.passkey(ctx, a, in.ID); err != nil {
			return nil, err
		}
		p, err := s.Passkeys.RevokePasskey(ctx, in.ID, in.Body.RegistrarPassword, a.Person)
		if err != nil {
			return nil, err
		}
		return &passkeyOutput{Body: passkeyBody(p, s.calling(ctx))}, nil
	})
	if s.Approvals == nil {
		return
	}
	route(api, s, huma.Operation{
		OperationID: "ask-passkey", Method: http.MethodGet, Path: "/approvals/{id}/passkey", Summary: "What the caller's passkey has to sign to approve", Tags: []string{"approvals"},
	}, func(ctx context.Context, a account.Actor, in *ApprovalPath) (*questionOutput, error) {
		d, err := in.digest()
		if err != nil {
			return nil, err
		}
		q, err := s.Approvals.Question(ctx, a, d)
		if err != nil {
			return nil, err
		}
		out := &questionOutput{Body: QuestionBody{
			Challenge: base64URL(q.Challenge[:]), RPID: q.Host, AllowCredentials: []CredentialBody{}, UserVerification: "required", Timeout: questionTime,
		}}
		for _, id := range q.Credentials {
			out.Body.AllowCredentials = append(out.Body.AllowCredentials, CredentialBody{Type: "public-key", ID: base64URL(id)})
		}
		return out, nil
	})
}

// passkey returns a passkey that is the actor's, or of somebody whom they
// administer. Error: problem.ErrNotFound.
func (s *Server) passkey(ctx context.Context, a account.Actor, id string) (account.Passkey, error) {
	p, err := s.Passkeys.Passkey(ctx, id)
	if err != nil {
		return account.Passkey{}, err
	}
	if _, err := s.user(ctx, a, p.Person); err != nil {
		return account.Passkey{}, err
	}
	return p, nil
}

func (s *Server) listPasskeys(ctx context.Context, a account.Actor, _ *nothing) (*passkeysOutput, error) {
	all, err := s.Passkeys.Passkeys(ctx, "")
	if err != nil {
		return nil, err
	}
	out, who := &passkeysOutput{Body: []PasskeyBody{}}, s.calling(ctx)
	for _, p := range all {
		if _, err := s.user(ctx, a, p.Person); err == nil {
			out.Body = append(out.Body, passkeyBody(p, who))
		}
	}
	return out, nil
}
