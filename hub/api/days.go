package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page/lunar"
)

// DayBody is a day of the calendar.
type DayBody struct {
	Day     protocol.Date `json:"day"`
	Lunar   string        `json:"lunar" doc:"day and month by the moon, 15/10"`
	Holiday *Sentence     `json:"holiday,omitempty"`
}

type (
	daysInput struct {
		From protocol.Date `query:"from" required:"true" maxLength:"10"`
		To   protocol.Date `query:"to" required:"true" maxLength:"10" doc:"inclusive; at most 62 days on"`
	}
	daysOutput struct{ Body []DayBody }
)

// maxDays is how many days are told at once.
const maxDays = 62

func registerDays(api huma.API, s *Server) {
	route(api, s, huma.Operation{
		OperationID: "list-days", Method: http.MethodGet, Path: "/days", Summary: "Days with their lunar date and holidays", Tags: []string{"days"},
	}, func(_ context.Context, _ account.Actor, in *daysInput) (*daysOutput, error) {
		from, err := time.Parse(time.DateOnly, string(in.From))
		to, errTo := time.Parse(time.DateOnly, string(in.To))
		if err != nil || errTo != nil || to.Before(from) || to.Sub(from) > maxDays*24*time.Hour {
			return nil, problem.New(problem.ErrInvalid, "bad-days", "from", "Khoảng ngày không đúng. Hãy chọn tối đa 62 ngày.", "The days are not right. Choose 62 of them at most.")
		}
		out := &daysOutput{Body: []DayBody{}}
		for t := from; !t.After(to); t = t.AddDate(0, 0, 1) {
			b := DayBody{Day: protocol.DateOf(t)}
			if l, err := lunar.Of(t.Date()); err == nil {
				b.Lunar = fmt.Sprintf("%d/%d", l.Day, l.Month)
			}
			if h := programme.Holiday(b.Day); h != (programme.Sentence{}) {
				b.Holiday = &Sentence{Vi: h.Vi, En: h.En}
			}
			out.Body = append(out.Body, b)
		}
		return out, nil
	})
}
