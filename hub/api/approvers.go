package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Approvers is what the routes of lists of approvers need.
type Approvers interface {
	Approvers(ctx context.Context, unit protocol.UnitID) (protocol.Approvers, error)
	DemandPasskeys(ctx context.Context, unit protocol.UnitID, classes []protocol.Class, registrar string, by protocol.PersonID) error
	AddDeputy(ctx context.Context, d account.Deputy, registrar string, by protocol.PersonID) error
	EndDeputy(ctx context.Context, unit protocol.UnitID, person protocol.PersonID, registrar string, by protocol.PersonID) error
}

// ApproverBody is one right on a unit's signed list.
type ApproverBody struct {
	Person  protocol.PersonID `json:"person"`
	Name    string            `json:"name"`
	Key     string            `json:"key" enum:"hub-key,passkey" doc:"hub-key: held by the hub under the person's password"`
	Classes []string          `json:"classes"`
	From    time.Time         `json:"from"`
	Until   time.Time         `json:"until" doc:"not included"`
	For     protocol.PersonID `json:"for,omitempty" doc:"stands in for this person"`
	Now     bool              `json:"now" doc:"counts at this moment"`
}

// ApproversBody is a unit's signed list.
type ApproversBody struct {
	Unit     protocol.UnitID `json:"unit"`
	Number   uint64          `json:"number"`
	Issued   time.Time       `json:"issued"`
	Expires  time.Time       `json:"expires" doc:"after it devices take nothing new"`
	Passkeys []string        `json:"passkeys" doc:"classes that only passkeys may approve"`
	People   []ApproverBody  `json:"people"`
}

// keyWord is how the API calls a kind of key.
func keyWord(k protocol.KeyKind) string {
	if k == protocol.KeyPasskey {
		return "passkey"
	}
	return "hub-key"
}

func classWords(cs []protocol.Class) []string {
	words := []string{}
	for _, c := range cs {
		words = append(words, c.String())
	}
	return words
}

func classesOf(words []string) ([]protocol.Class, error) {
	var cs []protocol.Class
	for _, w := range words {
		found := false
		for _, c := range []protocol.Class{protocol.ClassNormal, protocol.ClassPriority, protocol.ClassEmergency} {
			if c.String() == w {
				cs, found = append(cs, c), true
			}
		}
		if !found {
			return nil, problem.New(problem.ErrInvalid, "bad-class", "classes", "Loại bản tin không đúng. Hãy chọn thông thường, ưu tiên hoặc khẩn cấp.", "There is no such class. Choose normal, priority or emergency.")
		}
	}
	return cs, nil
}

type (
	approversOutput struct{ Body ApproversBody }
	demandInput     struct {
		UnitPath
		Body struct {
			Classes           []string `json:"classes" maxItems:"3" doc:"normal, priority, emergency; none: passwords do again"`
			RegistrarPassword string   `json:"registrar_password" maxLength:"800"`
		}
	}
	deputyInput struct {
		UnitPath
		Body struct {
			Person            protocol.PersonID `json:"person" maxLength:"64"`
			For               protocol.PersonID `json:"for" maxLength:"64"`
			From              protocol.Date     `json:"from" doc:"first day"`
			Through           protocol.Date     `json:"through" doc:"last day"`
			Classes           []string          `json:"classes,omitempty" maxItems:"3" doc:"none: all"`
			RegistrarPassword string            `json:"registrar_password" maxLength:"800"`
		}
	}
	endDeputyInput struct {
		UnitPath
		Body struct {
			Person            protocol.PersonID `json:"person" maxLength:"64"`
			RegistrarPassword string            `json:"registrar_password" maxLength:"800"`
		}
	}
)

func registerApprovers(api huma.API, s *Server) {
	tags := []string{"approvers"}
	route(api, s, huma.Operation{
		OperationID: "get-approvers", Method: http.MethodGet, Path: "/units/{id}/approvers", Summary: "A unit's signed list of approvers and deputies", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *UnitPath) (*approversOutput, error) {
		if _, err := s.path(ctx, a, account.Read, in.ID); err != nil {
			return nil, err
		}
		l, err := s.Approvers.Approvers(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		now := protocol.InstantOf(time.Now())
		out := &approversOutput{Body: ApproversBody{
			Unit: in.ID, Number: l.Number, Issued: l.Issued.Time(), Expires: l.Expires.Time(), Passkeys: classWords(l.Passkeys), People: []ApproverBody{},
		}}
		for _, p := range l.People {
			out.Body.People = append(out.Body.People, ApproverBody{
				Person: p.Person, Name: p.Name, Key: keyWord(p.Key.Kind), Classes: classWords(p.Classes), From: p.From.Time(), Until: p.Until.Time(),
				For: p.Deputy, Now: p.From <= now && now < p.Until,
			})
		}
		return out, nil
	})
	route(api, s, huma.Operation{
		OperationID: "demand-passkeys", Method: http.MethodPut, Path: "/units/{id}/passkeys", Summary: "Set the classes that only passkeys may approve in a unit and below it", Tags: tags,
		DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, a account.Actor, in *demandInput) (*nothing, error) {
		if _, err := s.path(ctx, a, account.Administer, in.ID); err != nil {
			return nil, err
		}
		classes, err := classesOf(in.Body.Classes)
		if err != nil {
			return nil, err
		}
		return nil, s.Approvers.DemandPasskeys(ctx, in.ID, classes, in.Body.RegistrarPassword, a.Person)
	})
	route(api, s, huma.Operation{
		OperationID: "add-deputy", Method: http.MethodPost, Path: "/units/{id}/deputies", Summary: "Let somebody approve for another, from one day through another", Tags: tags,
		DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, a account.Actor, in *deputyInput) (*nothing, error) {
		if _, err := s.path(ctx, a, account.Administer, in.ID); err != nil {
			return nil, err
		}
		classes, err := classesOf(in.Body.Classes)
		if err != nil {
			return nil, err
		}
		d := account.Deputy{Person: in.Body.Person, For: in.Body.For, Unit: in.ID, Classes: classes}
		if !in.Body.From.Valid() || !in.Body.Through.Valid() {
			return nil, problem.New(problem.ErrInvalid, "bad-date", "from", "Ngày không đúng. Hãy chọn lại ngày.", "The day is not one. Choose it again.")
		}
		if d.From, err = time.ParseInLocation(time.DateOnly, string(in.Body.From), s.Zone); err != nil {
			return nil, err
		}
		if d.Until, err = time.ParseInLocation(time.DateOnly, string(in.Body.Through), s.Zone); err != nil {
			return nil, err
		}
		d.Until = d.Until.AddDate(0, 0, 1)
		return nil, s.Approvers.AddDeputy(ctx, d, in.Body.RegistrarPassword, a.Person)
	})
	route(api, s, huma.Operation{
		OperationID: "end-deputy", Method: http.MethodPost, Path: "/units/{id}/deputies/end", Summary: "End somebody's dated rights in a unit at once", Tags: tags,
		DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, a account.Actor, in *endDeputyInput) (*nothing, error) {
		if _, err := s.path(ctx, a, account.Administer, in.ID); err != nil {
			return nil, err
		}
		return nil, s.Approvers.EndDeputy(ctx, in.ID, in.Body.Person, in.Body.RegistrarPassword, a.Person)
	})
}
