package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// UserBody is a person who uses the hub.
type UserBody struct {
	ID       protocol.PersonID `json:"id"`
	Name     string            `json:"name"`
	Created  time.Time         `json:"created"`
	Disabled *time.Time        `json:"disabled,omitempty"`
	Grants   []GrantBody       `json:"grants" doc:"only roles in units that the caller administers"`
	CanSign  bool              `json:"can_sign" doc:"has a key to approve with"`
}

func optTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

type (
	usersOutput struct{ Body []UserBody }
	// UserPath names a person. It is exported since huma
	// does not look into unexported structs.
	UserPath struct {
		ID protocol.PersonID `path:"id" maxLength:"64"`
	}
	addUserInput struct {
		Body struct {
			ID                protocol.PersonID `json:"id" maxLength:"64" pattern:"^[a-z0-9-]{1,64}$"`
			Name              string            `json:"name" maxLength:"200"`
			Password          string            `json:"password" maxLength:"800"`
			Grants            []GrantBody       `json:"grants" minItems:"1" maxItems:"100"`
			RegistrarPassword string            `json:"registrar_password,omitempty" maxLength:"800" doc:"needed for the role approver"`
			OneTime           bool              `json:"one_time,omitempty" doc:"the password has to be changed at the first log-in"`
		}
	}
	setGrantsInput struct {
		UserPath
		Body struct {
			Grants            []GrantBody `json:"grants" maxItems:"100"`
			Password          string      `json:"password,omitempty" maxLength:"800" doc:"the person's own, if they become an approver for the first time"`
			RegistrarPassword string      `json:"registrar_password,omitempty" maxLength:"800"`
		}
	}
	disableInput struct {
		UserPath
		Body struct {
			RegistrarPassword string `json:"registrar_password,omitempty" maxLength:"800" doc:"needed if the person is an approver"`
		}
	}
	passwordInput struct {
		UserPath
		Body struct {
			OldPassword       string `json:"old_password,omitempty" maxLength:"800" doc:"for one's own password"`
			Password          string `json:"password" maxLength:"800"`
			RegistrarPassword string `json:"registrar_password,omitempty" maxLength:"800" doc:"to reset an approver's"`
			OneTime           bool   `json:"one_time,omitempty" doc:"another's new password has to be changed at the next log-in"`
		}
	}
)

// governs says whether the actor administers every unit of these grants, so that
// nobody raises themselves, or touches somebody who stands above them.
func (s *Server) governs(ctx context.Context, actor account.Actor, grants []account.Grant) error {
	tree, err := s.Registry.Tree(ctx)
	if err != nil {
		return err
	}
	for _, g := range grants {
		path := tree.Path(g.Unit)
		switch {
		case path == nil || !actor.May(account.Read, path):
			return problem.New(problem.ErrInvalid, "unknown-unit", "grants", "Không có đơn vị này; hãy kiểm tra mã đơn vị.", "There is no such unit; check its id.")
		case !actor.May(account.Administer, path):
			return problem.ErrForbidden
		}
	}
	return nil
}

// user returns a person whom the actor may see: themselves, or somebody with a
// role in a unit that the actor administers. Error: problem.ErrNotFound.
func (s *Server) user(ctx context.Context, actor account.Actor, id protocol.PersonID) (account.Person, error) {
	p, err := s.Account.Person(ctx, id)
	if err != nil {
		return account.Person{}, err
	}
	tree, err := s.Registry.Tree(ctx)
	if err != nil {
		return account.Person{}, err
	}
	if id != actor.Person && len(visibleGrants(tree, actor, p)) == 0 {
		return account.Person{}, problem.ErrNotFound
	}
	return p, nil
}

func visibleGrants(tree registry.Tree, actor account.Actor, p account.Person) []account.Grant {
	return slices.DeleteFunc(slices.Clone(p.Grants), func(g account.Grant) bool {
		return p.ID != actor.Person && !actor.May(account.Administer, tree.Path(g.Unit))
	})
}

func userBody(tree registry.Tree, actor account.Actor, p account.Person) UserBody {
	return UserBody{
		ID: p.ID, Name: p.Name, Created: p.Created, Disabled: optTime(p.Disabled),
		Grants: grantBodies(visibleGrants(tree, actor, p)), CanSign: p.Key != nil,
	}
}

func registerUsers(api huma.API, s *Server) {
	tags := []string{"users"}
	route(api, s, huma.Operation{
		OperationID: "list-users", Method: http.MethodGet, Path: "/users", Summary: "People with roles in the caller's units", Tags: tags,
	}, func(ctx context.Context, actor account.Actor, _ *nothing) (*usersOutput, error) {
		people, err := s.Account.People(ctx)
		if err != nil {
			return nil, err
		}
		tree, err := s.Registry.Tree(ctx)
		if err != nil {
			return nil, err
		}
		out := &usersOutput{Body: []UserBody{}}
		for _, p := range people {
			if p.ID == actor.Person || len(visibleGrants(tree, actor, p)) > 0 {
				out.Body = append(out.Body, userBody(tree, actor, p))
			}
		}
		return out, nil
	})
	route(api, s, huma.Operation{
		OperationID: "add-user", Method: http.MethodPost, Path: "/users", Summary: "Add a person", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, actor account.Actor, in *addUserInput) (*nothing, error) {
		grants := grantsOf(in.Body.Grants)
		if err := s.governs(ctx, actor, grants); err != nil {
			return nil, err
		}
		n := account.NewPerson{ID: in.Body.ID, Name: in.Body.Name, Password: in.Body.Password, Grants: grants, OneTime: in.Body.OneTime}
		return nil, s.Account.Add(ctx, n, in.Body.RegistrarPassword, actor.Person)
	})
	route(api, s, huma.Operation{
		OperationID: "set-grants", Method: http.MethodPut, Path: "/users/{id}/grants", Summary: "Replace a person's roles", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, actor account.Actor, in *setGrantsInput) (*nothing, error) {
		p, err := s.user(ctx, actor, in.ID)
		if err != nil {
			return nil, err
		}
		grants := grantsOf(in.Body.Grants)
		if err := s.governs(ctx, actor, slices.Concat(p.Grants, grants)); err != nil {
			return nil, err
		}
		return nil, s.Account.SetGrants(ctx, in.ID, grants, in.Body.Password, in.Body.RegistrarPassword, actor.Person)
	})
	route(api, s, huma.Operation{
		OperationID: "disable-user", Method: http.MethodPost, Path: "/users/{id}/disable", Summary: "End a person's access for good", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, actor account.Actor, in *disableInput) (*nothing, error) {
		p, err := s.user(ctx, actor, in.ID)
		if err != nil {
			return nil, err
		}
		if err := s.governs(ctx, actor, p.Grants); err != nil {
			return nil, err
		}
		return nil, s.Account.Disable(ctx, in.ID, in.Body.RegistrarPassword, actor.Person)
	})
	route(api, s, huma.Operation{
		OperationID: "set-password", Method: http.MethodPut, Path: "/users/{id}/password", Summary: "Change one's own password, or reset another's", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, actor account.Actor, in *passwordInput) (*nothing, error) {
		if in.ID == actor.Person {
			return nil, s.Account.ChangePassword(ctx, in.ID, in.Body.OldPassword, in.Body.Password)
		}
		p, err := s.user(ctx, actor, in.ID)
		if err != nil {
			return nil, err
		}
		if err := s.governs(ctx, actor, p.Grants); err != nil {
			return nil, err
		}
		return nil, s.Account.ResetPassword(ctx, in.ID, in.Body.Password, in.Body.RegistrarPassword, in.Body.OneTime, actor.Person)
	})
}
