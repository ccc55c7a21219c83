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

// Orders is what the route that asks a device for a test tone needs.
type Orders interface {
	// Tone asks a device for a test tone and returns the command's number.
	Tone(ctx context.Context, d registry.Device, t protocol.Tone, by protocol.PersonID) (uint64, error)
}

// PlayBody is how far what a device plays was when it was last heard of.
type PlayBody struct {
	Position int64  `json:"position_ms" doc:"from the item's beginning, at last_heard; it goes on from there"`
	Length   int64  `json:"length_ms"`
	Volume   uint64 `json:"volume" doc:"per cent, after the device's ceilings; 0 on a board"`
}

// ToneBody is what became of a device's last test tone.
type ToneBody struct {
	Number uint64    `json:"number"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty" doc:"why it did not sound whole; absent if it did"`
}

func playBody(p *protocol.Progress) *PlayBody {
	if p == nil {
		return nil
	}
	return &PlayBody{Position: int64(p.Position), Length: int64(p.Length), Volume: p.Volume}
}

func toneBody(t *protocol.ToneResult) *ToneBody {
	if t == nil {
		return nil
	}
	b := &ToneBody{Number: t.Number, At: t.At.Time()}
	if t.Reason != protocol.ReasonNone {
		b.Reason = t.Reason.String()
	}
	return b
}

type (
	toneInput struct {
		DevicePath
		Body struct {
			Seconds float64 `json:"seconds,omitempty" minimum:"0.5" maximum:"10" default:"3"`
			Volume  uint64  `json:"volume,omitempty" minimum:"1" maximum:"100" default:"40" doc:"per cent, under the device's ceilings"`
		}
	}
	// AskedBody names what a device was asked.
	AskedBody struct {
		Number uint64 `json:"number" doc:"the device's tone has this number once it is known what became of it"`
	}
	toneOutput struct{ Body AskedBody }
)

func registerOrders(api huma.API, s *Server) {
	tags := []string{"devices"}
	route(api, s, huma.Operation{
		OperationID: "sound-tone", Method: http.MethodPost, Path: "/devices/{id}/tone", Tags: tags, DefaultStatus: http.StatusAccepted,
		Summary: "Ask a device for a test tone; it sounds only while nothing else does or soon would",
	}, func(ctx context.Context, actor account.Actor, in *toneInput) (*toneOutput, error) {
		d, err := s.device(ctx, actor, account.Install, in.ID)
		if err != nil {
			return nil, err
		}
		if err := s.mayTone(ctx, d); err != nil {
			return nil, err
		}
		n, err := s.Orders.Tone(ctx, d, protocol.Tone{Length: protocol.Millis(in.Body.Seconds * 1000), Volume: in.Body.Volume}, actor.Person)
		return &toneOutput{Body: AskedBody{Number: n}}, err
	})
}

// mayTone says what keeps a device from sounding a test tone, as far as the hub knows.
// The rest the device decides, and tells. Error: problem.ErrConflict.
func (s *Server) mayTone(ctx context.Context, d registry.Device) error {
	states, err := s.Registry.States(ctx)
	if err != nil {
		return err
	}
	st, heard := states[d.ID]
	h := st.Heartbeat
	switch {
	case !d.Sound:
		return problem.New(problem.ErrConflict, "no-sound", "", "Thiết bị này không có loa. Hãy chọn thiết bị có loa.", "This device has no loudspeaker. Choose one that has.")
	case !heard || !st.Online || !d.Revoked.IsZero():
		return problem.New(problem.ErrConflict, "device-offline", "", "Thiết bị đang mất kết nối; hãy thử lại khi thiết bị trực tuyến.",
			"The device is not connected; try again when it is online.")
	case !slices.Contains(h.Features, protocol.FeatureTone):
		return problem.New(problem.ErrConflict, "old-software", "", "Phần mềm của thiết bị chưa phát được âm thử; hãy cập nhật.",
			"The device's software knows no test tone; update it.")
	case h.Muted:
		return problem.New(problem.ErrConflict, "device-muted", "", "Loa đang bị tắt tiếng; hãy bật tiếng trước.", "The device is muted; let it sound first.")
	case h.Playing != "":
		return problem.New(problem.ErrConflict, "device-busy", "", "Loa đang phát bản tin; âm thử không được cắt ngang. Hãy thử lại sau.",
			"The device is on air; a test tone never cuts in. Try again later.")
	}
	return nil
}
