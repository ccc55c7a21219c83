package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/alert"
	"github.com/loa-vn/loa/protocol"
)

// Alerts is what the routes of alerts need.
type Alerts interface {
	List(ctx context.Context, actor account.Actor, since time.Time) ([]alert.Alert, error)
	See(ctx context.Context, actor account.Actor, id int64, now time.Time) (alert.Alert, error)
	SilentVillages() []alert.Village
}

// SilentVillage is a village in which nothing was proved to be played in two slots.
type SilentVillage struct {
	Unit    protocol.UnitID `json:"unit"`
	Devices int             `json:"devices" doc:"that serve it"`
	Since   time.Time       `json:"since" doc:"the first of those slots"`
}

// AlertBody is something that an operator must look at.
type AlertBody struct {
	ID      int64             `json:"id"`
	Kind    string            `json:"kind" enum:"silent,conflict,gap,lost,ahead,fault,board,ended"`
	Device  protocol.DeviceID `json:"device"`
	Subject string            `json:"subject,omitempty" doc:"id of the chain of receipts or of the airing that was ended, or name of the fault"`
	Reason  string            `json:"reason,omitempty"`
	First   uint64            `json:"first,omitempty" doc:"first number of the receipts concerned"`
	Last    uint64            `json:"last,omitempty"`
	Since   time.Time         `json:"since" doc:"when it began to be so"`
	Raised  time.Time         `json:"raised"`
	Closed  *time.Time        `json:"closed,omitempty" doc:"when it was over; absent while it is so"`
	SeenBy  protocol.PersonID `json:"seen_by,omitempty"`
	Seer    string            `json:"seen_by_name,omitempty" doc:"what they are called"`
	Seen    *time.Time        `json:"seen,omitempty"`
	TextVI  string            `json:"text_vi" doc:"what is wrong and what to do"`
	TextEN  string            `json:"text_en"`
}

func alertBody(a alert.Alert, who calling) AlertBody {
	b := AlertBody{
		ID: a.ID, Kind: string(a.Kind), Device: a.Device, Subject: a.Subject, Reason: a.Reason, First: a.First, Last: a.Last,
		Since: a.Since, Raised: a.Raised, Closed: optTime(a.Closed), SeenBy: a.SeenBy, Seer: who(a.SeenBy), Seen: optTime(a.Seen),
	}
	b.TextVI, b.TextEN = a.Text()
	return b
}

type (
	alertsInput struct {
		Since time.Time `query:"since" doc:"also those that are over, raised since; without it only open ones"`
	}
	alertsOutput struct{ Body []AlertBody }
	seeInput     struct {
		ID int64 `path:"id"`
	}
	alertOutput  struct{ Body AlertBody }
	silentOutput struct{ Body []SilentVillage }
)

func registerAlerts(api huma.API, s *Server) {
	tags := []string{"alerts"}
	route(api, s, huma.Operation{
		OperationID: "list-alerts", Method: http.MethodGet, Path: "/alerts", Summary: "What an operator must look at, open ones first", Tags: tags,
	}, func(ctx context.Context, actor account.Actor, in *alertsInput) (*alertsOutput, error) {
		since := in.Since
		if since.IsZero() {
			since = time.Now().Add(24 * time.Hour) // none that are over
		}
		list, err := s.Alerts.List(ctx, actor, since)
		if err != nil {
			return nil, err
		}
		out, who := &alertsOutput{Body: []AlertBody{}}, s.calling(ctx)
		for _, a := range list {
			out.Body = append(out.Body, alertBody(a, who))
		}
		return out, nil
	})
	route(api, s, huma.Operation{
		OperationID: "see-alert", Method: http.MethodPost, Path: "/alerts/{id}/seen", Summary: "Take note of an alert", Tags: tags,
	}, func(ctx context.Context, actor account.Actor, in *seeInput) (*alertOutput, error) {
		a, err := s.Alerts.See(ctx, actor, in.ID, time.Now())
		if err != nil {
			return nil, err
		}
		s.tell("device", string(a.Device))
		return &alertOutput{Body: alertBody(a, s.calling(ctx))}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "silent-villages", Method: http.MethodGet, Path: "/silent-villages", Summary: "Villages in which nothing was proved to be played in two slots", Tags: tags,
	}, func(ctx context.Context, actor account.Actor, _ *nothing) (*silentOutput, error) {
		tree, err := s.Registry.Tree(ctx)
		if err != nil {
			return nil, err
		}
		out := &silentOutput{Body: []SilentVillage{}}
		for _, v := range s.Alerts.SilentVillages() {
			if actor.May(account.Read, tree.Path(v.Unit)) {
				out.Body = append(out.Body, SilentVillage(v))
			}
		}
		return out, nil
	})
}
