package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// GroupContent is what an operator gives of a group of communes.
type GroupContent struct {
	Unit    protocol.UnitID   `json:"unit" maxLength:"64" doc:"whose group it is; cannot change"`
	Name    string            `json:"name" maxLength:"200"`
	Members []protocol.UnitID `json:"members" maxItems:"500" doc:"communes of that unit"`
	Accept  bool              `json:"accept,omitempty" doc:"what a commune's silence means after the deadline"`
}

// GroupBody is a named group of communes.
type GroupBody struct {
	ID programme.GroupID `json:"id"`
	GroupContent
	By      protocol.PersonID `json:"by"`
	ByName  string            `json:"by_name" doc:"what they are called"`
	Created time.Time         `json:"created"`
	Names   []NamedUnit       `json:"names" doc:"of its unit and its communes, most of which are not the caller's"`
}

// NamedUnit is a unit that the caller may know no more of.
type NamedUnit struct {
	ID   protocol.UnitID `json:"id"`
	Name string          `json:"name"`
}

// AnswerBody is what a commune said to a programme.
type AnswerBody struct {
	Unit     protocol.UnitID   `json:"unit"`
	Accepted bool              `json:"accepted"`
	By       protocol.PersonID `json:"by,omitempty" doc:"nobody: the group's rule stands"`
	ByName   string            `json:"by_name,omitempty" doc:"what they are called"`
	At       time.Time         `json:"at"`
}

func groupBody(tree registry.Tree, g programme.Group, who calling) GroupBody {
	b := GroupBody{ID: g.ID, GroupContent: GroupContent{Unit: g.Unit, Name: g.Name, Members: g.Members, Accept: g.Accept}, By: g.By, ByName: who(g.By), Created: g.Created}
	for _, u := range append([]protocol.UnitID{g.Unit}, g.Members...) {
		b.Names = append(b.Names, NamedUnit{ID: u, Name: nameOf(tree, u)})
	}
	return b
}

// saveGroup makes or changes a group, and tells its communes.
func (s *Server) saveGroup(ctx context.Context, a account.Actor, g programme.Group) (*groupOutput, error) {
	g, err := s.Desk.SaveGroup(ctx, a, g)
	if err != nil {
		return nil, err
	}
	s.tell("programme", string(g.ID))
	tree, err := s.Registry.Tree(ctx)
	return &groupOutput{Body: groupBody(tree, g, s.calling(ctx))}, err
}

func (c GroupContent) domain() programme.Group {
	return programme.Group{Unit: c.Unit, Name: c.Name, Members: c.Members, Accept: c.Accept}
}

type (
	groupInput struct{ Body GroupContent }
	groupEdit  struct {
		ID   programme.GroupID `path:"id" maxLength:"64"`
		Body GroupContent
	}
	groupOutput   struct{ Body GroupBody }
	groupsOutput  struct{ Body []GroupBody }
	answersOutput struct{ Body []AnswerBody }
	answerInput   struct {
		ProgrammePath
		Unit protocol.UnitID `path:"unit" maxLength:"64"`
		Body struct {
			Accept bool `json:"accept"`
		}
	}
)

func registerGroups(api huma.API, s *Server) {
	tags := []string{"groups"}
	route(api, s, huma.Operation{
		OperationID: "list-groups", Method: http.MethodGet, Path: "/groups", Summary: "Groups of communes that the caller's units make or belong to", Tags: tags,
	}, func(ctx context.Context, a account.Actor, _ *struct{}) (*groupsOutput, error) {
		list, err := s.Desk.Groups(ctx, a)
		if err != nil {
			return nil, err
		}
		tree, err := s.Registry.Tree(ctx)
		out, who := &groupsOutput{Body: []GroupBody{}}, s.calling(ctx)
		for _, g := range list {
			out.Body = append(out.Body, groupBody(tree, g, who))
		}
		return out, err
	})
	route(api, s, huma.Operation{
		OperationID: "create-group", Method: http.MethodPost, Path: "/groups", Summary: "Name a group of communes", Tags: tags, DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, a account.Actor, in *groupInput) (*groupOutput, error) {
		return s.saveGroup(ctx, a, in.Body.domain())
	})
	route(api, s, huma.Operation{
		OperationID: "edit-group", Method: http.MethodPut, Path: "/groups/{id}", Summary: "Change a group's name, communes or rule", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *groupEdit) (*groupOutput, error) {
		g := in.Body.domain()
		g.ID = in.ID
		return s.saveGroup(ctx, a, g)
	})
	route(api, s, huma.Operation{
		OperationID: "list-answers", Method: http.MethodGet, Path: "/programmes/{id}/answers", Summary: "What the communes of a programme's group have said", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *ProgrammePath) (*answersOutput, error) {
		list, err := s.Desk.Answers(ctx, a, in.ID)
		out, who := &answersOutput{Body: []AnswerBody{}}, s.calling(ctx)
		for _, an := range list {
			out.Body = append(out.Body, AnswerBody{Unit: an.Unit, Accepted: an.Accepted, By: an.By, ByName: who(an.By), At: an.At})
		}
		return out, err
	})
	route(api, s, huma.Operation{
		OperationID: "answer-programme", Method: http.MethodPut, Path: "/programmes/{id}/answers/{unit}", Summary: "Accept or decline a group's programme for one's commune", Tags: tags,
		DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, a account.Actor, in *answerInput) (*nothing, error) {
		if err := s.Desk.Answer(ctx, a, in.ID, in.Unit, in.Body.Accept); err != nil {
			return nil, err
		}
		s.tell("programme", string(in.ID))
		return &nothing{}, nil
	})
}
