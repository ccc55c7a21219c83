package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/enrol"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// maxLines is how many lines of an import are shown.
const maxLines = 50

// maxClaims is how many devices of a file get their claims at once.
const maxClaims = 500

// DeviceLineBody is a device as a file has it.
type DeviceLineBody struct {
	ID    protocol.DeviceID `json:"id"`
	Name  string            `json:"name"`
	Unit  protocol.UnitID   `json:"unit"`
	Sound bool              `json:"sound"`
	Board *BoardBody        `json:"board,omitempty"`
	Claim string            `json:"claim,omitempty" doc:"shown this once"`
}

// DeviceImportBody is what an import of devices did, or would do.
type DeviceImportBody struct {
	Added int              `json:"added"`
	Lines []DeviceLineBody `json:"lines" doc:"the first devices of the file; all of them where claims were asked for"`
}

type (
	deviceImportInput struct {
		Body struct {
			File              []byte `json:"file" doc:"CSV or XLSX with the columns id, name, unit, sound, board, serves, tags; base64"`
			Dry               bool   `json:"dry" doc:"check only"`
			Claims            bool   `json:"claims,omitempty" doc:"make a claim for each, to be handed to technicians; at most 500"`
			RegistrarPassword string `json:"registrar_password,omitempty" maxLength:"800"`
		}
	}
	deviceImportOutput struct{ Body DeviceImportBody }
	stickInput         struct {
		DevicePath
		Body struct {
			File []byte `json:"file" doc:"the request that the device wrote, base64"`
		}
	}
)

func registerInstalls(api huma.API, s *Server) {
	if s.Sheets != nil {
		route(api, s, huma.Operation{
			OperationID: "import-devices", Method: http.MethodPost, Path: "/devices/import", Summary: "Import devices from CSV or XLSX, all or none; dry run first",
			Tags: []string{"devices"}, MaxBodyBytes: 2 * maxUnitsFile,
		}, s.importDevices)
	}
	route(api, s, huma.Operation{
		OperationID: "make-installation", Method: http.MethodPost, Path: "/devices/{id}/installation", Tags: []string{"claims"},
		Summary: "A file that brings a device without a network to this hub; an unused earlier claim is void",
	}, func(ctx context.Context, a account.Actor, in *DevicePath) (*huma.StreamResponse, error) {
		if _, err := s.device(ctx, a, account.Install, in.ID); err != nil {
			return nil, err
		}
		i, err := s.Enrol.Installation(ctx, in.ID, s.opts.EnrolURL, a.Person)
		if err != nil {
			return nil, err
		}
		return stick(string(in.ID), protocol.Stick{Version: protocol.StickVersion, Installation: &i})
	})
	route(api, s, huma.Operation{
		OperationID: "answer-installation", Method: http.MethodPost, Path: "/devices/{id}/installation/answer", Tags: []string{"claims"},
		Summary: "Answer the request that a device without a network wrote", MaxBodyBytes: 2 * protocol.MaxEnrol,
	}, func(ctx context.Context, a account.Actor, in *stickInput) (*huma.StreamResponse, error) {
		if _, err := s.device(ctx, a, account.Install, in.ID); err != nil {
			return nil, err
		}
		none := func(why error) error {
			return problem.New(problem.ErrInvalid, "no-request", "file", "Tệp này không phải tệp mà thiết bị đã ghi. Hãy chọn tệp có đuôi .request.loa.json trên USB.",
				"This is not a file that a device wrote. Choose the one on the stick that ends in .request.loa.json.").Because(why)
		}
		brought, err := protocol.ParseStick(in.Body.File)
		if err != nil || brought.Request == nil {
			return nil, none(err)
		}
		answer, err := s.Enrol.EnrolAs(ctx, in.ID, *brought.Request)
		switch {
		case errors.Is(err, enrol.ErrSecret), errors.Is(err, enrol.ErrGone), errors.Is(err, enrol.ErrEnrolled):
			return nil, problem.New(problem.ErrConflict, "claim-void", "file", "Tệp này là của thiết bị khác, đã quá hạn hoặc đã dùng. Hãy ghi lại tệp lắp đặt cho đúng thiết bị này.",
				"The file is another device's, too old, or was used. Make the installation's file anew, for this very device.").Because(err)
		case errors.Is(err, problem.ErrInvalid):
			return nil, none(err)
		case err != nil:
			return nil, err
		}
		return stick(string(in.ID)+".answer", protocol.Stick{Version: protocol.StickVersion, Answer: &answer})
	})
}

// stick answers a file to be carried.
func stick(name string, f protocol.Stick) (*huma.StreamResponse, error) {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("stick: %w", err)
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", "application/json")
		ctx.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.loa.json"`, name))
		// A client that has gone needs no answer.
		_, _ = ctx.BodyWriter().Write(b)
	}}, nil
}

func (s *Server) importDevices(ctx context.Context, a account.Actor, in *deviceImportInput) (*deviceImportOutput, error) {
	if len(in.Body.File) > maxUnitsFile {
		return nil, problem.ErrTooLarge
	}
	if len(a.Units(account.Install)) == 0 {
		return nil, problem.ErrForbidden
	}
	text, err := s.Sheets.CSV(in.Body.File)
	if err != nil {
		return nil, err
	}
	devices, err := s.Registry.ReadDevices(ctx, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if in.Body.Claims && len(devices) > maxClaims {
		return nil, problem.New(problem.ErrTooLarge, "too-many", "file", "Mỗi tệp tối đa 500 thiết bị khi tạo luôn mã ghi danh. Hãy chia tệp.", "A file has at most 500 devices where claims are made at once. Split it.")
	}
	out := &deviceImportOutput{Body: DeviceImportBody{Added: len(devices), Lines: []DeviceLineBody{}}}
	for _, n := range devices {
		if err := s.mayPlace(ctx, a, n); err != nil {
			return nil, err
		}
		if !in.Body.Claims && len(out.Body.Lines) == maxLines {
			continue
		}
		line := DeviceLineBody{ID: n.ID, Name: n.Name, Unit: n.Unit, Sound: n.Sound}
		if n.Board != nil {
			line.Board = &BoardBody{Width: n.Board.Width, Height: n.Board.Height, Row: n.Board.Row}
		}
		out.Body.Lines = append(out.Body.Lines, line)
	}
	if in.Body.Dry {
		return out, nil
	}
	if _, err := s.Registry.ImportDevices(ctx, bytes.NewReader(text), false, in.Body.RegistrarPassword, a.Person); err != nil {
		return nil, err
	}
	if in.Body.Claims {
		for i, l := range out.Body.Lines {
			c, err := s.Enrol.Claim(ctx, l.ID, a.Person)
			if err != nil {
				return nil, err
			}
			out.Body.Lines[i].Claim = c.Text
		}
	}
	s.tell("device", "")
	return out, nil
}
