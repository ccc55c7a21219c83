package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// Registry is what the routes of units and devices need.
type Registry interface {
	Tree(ctx context.Context) (registry.Tree, error)
	Quiet(ctx context.Context, unit protocol.UnitID) ([]protocol.Quiet, error)
	SetQuiet(ctx context.Context, unit protocol.UnitID, quiet []protocol.Quiet, by protocol.PersonID) error
	Limits(ctx context.Context, unit protocol.UnitID) ([]protocol.Limit, error)
	SetLimits(ctx context.Context, unit protocol.UnitID, of protocol.Capped, limits []protocol.Limit, by protocol.PersonID) error
	Import(ctx context.Context, r io.Reader, dry bool, registrar string, by protocol.PersonID) (registry.Imported, error)
	Devices(ctx context.Context) ([]registry.Device, error)
	Device(ctx context.Context, id protocol.DeviceID) (registry.Device, error)
	ReadDevices(ctx context.Context, r io.Reader) ([]registry.NewDevice, error)
	ImportDevices(ctx context.Context, r io.Reader, dry bool, registrar string, by protocol.PersonID) ([]protocol.DeviceID, error)
	States(ctx context.Context) (map[protocol.DeviceID]registry.State, error)
	AddDevice(ctx context.Context, n registry.NewDevice, registrar string, by protocol.PersonID) (registry.Device, error)
	Place(ctx context.Context, n registry.NewDevice, registrar string, by protocol.PersonID) (registry.Device, error)
	Revoke(ctx context.Context, id protocol.DeviceID, by protocol.PersonID) error
}

// UnitBody is a unit of administration.
type UnitBody struct {
	ID         protocol.UnitID   `json:"id"`
	Code       string            `json:"code"`
	Name       string            `json:"name"`
	Kind       registry.Kind     `json:"kind" enum:"province,commune,village"`
	Parent     protocol.UnitID   `json:"parent,omitempty"`
	Path       []protocol.UnitID `json:"path" doc:"from the top down to the unit"`
	ValidFrom  protocol.Date     `json:"valid_from"`
	ValidUntil protocol.Date     `json:"valid_until,omitempty" doc:"first day on which it is no longer valid"`
	People     int               `json:"people,omitempty"`
	Source     string            `json:"source,omitempty"`
	Counted    protocol.Date     `json:"counted,omitempty"`
}

// QuietBody is a daily period of quiet hours in local time.
type QuietBody struct {
	Start string `json:"start" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$" doc:"21:30"`
	End   string `json:"end" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$" doc:"05:00; at or before start means the next day"`
}

type (
	unitsOutput struct{ Body []UnitBody }
	// UnitPath names a unit. It is exported since huma
	// does not look into unexported structs.
	UnitPath struct {
		ID protocol.UnitID `path:"id" maxLength:"64"`
	}
	quietOutput struct{ Body []QuietBody }
	quietInput  struct {
		UnitPath
		Body []QuietBody `maxItems:"8"`
	}
)

func registerUnits(api huma.API, s *Server) {
	tags := []string{"units"}
	route(api, s, huma.Operation{
		OperationID: "list-units", Method: http.MethodGet, Path: "/units", Summary: "The caller's units and all below them, parents first", Tags: tags,
	}, func(ctx context.Context, actor account.Actor, _ *nothing) (*unitsOutput, error) {
		tree, err := s.Registry.Tree(ctx)
		if err != nil {
			return nil, err
		}
		out := &unitsOutput{Body: []UnitBody{}}
		seen := map[protocol.UnitID]bool{}
		for _, top := range tree.Top() {
			for _, id := range tree.Below(top) {
				path := tree.Path(id)
				if u, ok := tree.Unit(id); ok && !seen[id] && actor.May(account.Read, path) {
					seen[id] = true
					out.Body = append(out.Body, UnitBody{
						ID: u.ID, Code: u.Code, Name: u.Name, Kind: u.Kind, Parent: u.Parent, Path: path,
						ValidFrom: u.ValidFrom, ValidUntil: u.ValidUntil, People: u.People, Source: u.Source, Counted: u.Counted,
					})
				}
			}
		}
		return out, nil
	})
	route(api, s, huma.Operation{
		OperationID: "get-quiet-hours", Method: http.MethodGet, Path: "/units/{id}/quiet", Summary: "A unit's own quiet hours; none means those above", Tags: tags,
	}, func(ctx context.Context, actor account.Actor, in *UnitPath) (*quietOutput, error) {
		if _, err := s.path(ctx, actor, account.Read, in.ID); err != nil {
			return nil, err
		}
		quiet, err := s.Registry.Quiet(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		out := &quietOutput{Body: []QuietBody{}}
		for _, q := range quiet {
			out.Body = append(out.Body, QuietBody{Start: clock(q.Start), End: clock(q.End)})
		}
		return out, nil
	})
	route(api, s, huma.Operation{
		OperationID: "set-quiet-hours", Method: http.MethodPut, Path: "/units/{id}/quiet", Summary: "Replace a unit's quiet hours", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, actor account.Actor, in *quietInput) (*nothing, error) {
		if _, err := s.path(ctx, actor, account.Administer, in.ID); err != nil {
			return nil, err
		}
		var quiet []protocol.Quiet
		for _, q := range in.Body {
			start, err := minutes(q.Start)
			if err != nil {
				return nil, err
			}
			end, err := minutes(q.End)
			if err != nil {
				return nil, err
			}
			quiet = append(quiet, protocol.Quiet{Start: start, End: end})
		}
		return nil, s.Registry.SetQuiet(ctx, in.ID, quiet, actor.Person)
	})
}

// clock writes minutes of the day as "21:30".
func clock(m uint64) string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }

// minutes reads what clock writes.
func minutes(s string) (uint64, error) {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, problem.New(problem.ErrInvalid, "bad-quiet-hours", "quiet", "Giờ yên tĩnh không đúng. Hãy ghi giờ và phút, ví dụ 21:30.", "The quiet hours are not right. Write them as 21:30.")
	}
	return uint64(t.Hour()*60 + t.Minute()), nil
}
