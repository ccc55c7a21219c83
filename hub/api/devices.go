package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/enrol"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// Claims is what the route of claims needs.
type Claims interface {
	Claim(ctx context.Context, id protocol.DeviceID, by protocol.PersonID) (enrol.Claim, error)
	// Installation is what a technician carries to a device without a network, and
	// EnrolAs answers what that device asks. Errors: enrol.ErrSecret, ErrGone,
	// ErrEnrolled.
	Installation(ctx context.Context, id protocol.DeviceID, hubURL string, by protocol.PersonID) (protocol.Installation, error)
	EnrolAs(ctx context.Context, id protocol.DeviceID, r protocol.EnrolRequest) (protocol.EnrolAnswer, error)
}

// BoardBody is the size of a board in pixels.
type BoardBody struct {
	Width  uint64 `json:"width" minimum:"1" maximum:"4096"`
	Height uint64 `json:"height" minimum:"1" maximum:"4096"`
	Row    uint64 `json:"row" minimum:"1" maximum:"4096" doc:"height of a row of text"`
}

// ShareBody is the part of a village's people that a device serves.
type ShareBody struct {
	Village protocol.UnitID   `json:"village" maxLength:"64"`
	Share   float64           `json:"share" minimum:"0.001" maximum:"1"`
	By      protocol.PersonID `json:"by,omitempty" readOnly:"true"`
	On      protocol.Date     `json:"on,omitempty" readOnly:"true"`
}

// DeviceBody is a device and what was last heard of it.
type DeviceBody struct {
	ID       protocol.DeviceID `json:"id"`
	Name     string            `json:"name"`
	Unit     protocol.UnitID   `json:"unit"`
	Path     []protocol.UnitID `json:"path"`
	Sound    bool              `json:"sound"`
	Board    *BoardBody        `json:"board,omitempty"`
	Tags     []string          `json:"tags"`
	Serves   []ShareBody       `json:"serves"`
	Created  time.Time         `json:"created"`
	Enrolled *time.Time        `json:"enrolled,omitempty"`
	Revoked  *time.Time        `json:"revoked,omitempty"`
	// State is how the device is, as far as the hub knows.
	State     string     `json:"state" enum:"waiting,never-heard,offline,online,revoked" doc:"waiting: not enrolled yet"`
	LastHeard *time.Time `json:"last_heard,omitempty"`
	ClockSure *bool      `json:"clock_sure,omitempty"`
	Muted     bool       `json:"muted"`
	Playing   string     `json:"playing,omitempty" doc:"the airing that sounds"`
	Play      *PlayBody  `json:"play,omitempty" doc:"how far that was, and how loud"`
	Tone      *ToneBody  `json:"tone,omitempty" doc:"the last test tone"`
	Light     uint64     `json:"light,omitempty" doc:"how bright its board is now, in per cent"`
	Missing   uint64     `json:"missing" doc:"pieces of content that it still lacks"`
	Unacked   uint64     `json:"unacked" doc:"receipts that the hub has not confirmed"`
	Free      uint64     `json:"free" doc:"bytes of storage left"`
	Software  string     `json:"software,omitempty"`
	Faults    []string   `json:"faults"`
	// Reported is what the device says of its board, if that differs from Board.
	Reported *BoardBody  `json:"board_reported,omitempty" doc:"the board's size as the device has it, if it is another one than the registry's"`
	Zones    []ZoneBody  `json:"board_zones,omitempty" doc:"parts of the board that a text can be for"`
	Ended    []EndedBody `json:"ended_at_board,omitempty" doc:"emergencies that somebody at the board ended last"`
}

// ZoneBody is a part of a board.
type ZoneBody struct {
	Name string    `json:"name" enum:"header,ticker"`
	Size BoardBody `json:"size"`
}

// EndedBody is an emergency that somebody at a board ended.
type EndedBody struct {
	Airing protocol.AiringID `json:"airing"`
	At     time.Time         `json:"at"`
}

func boardBody(d protocol.Display) BoardBody {
	return BoardBody{Width: d.Width, Height: d.Height, Row: d.Row}
}

func deviceBody(d registry.Device, st registry.State, heard bool) DeviceBody {
	b := DeviceBody{
		ID: d.ID, Name: d.Name, Unit: d.Unit, Path: d.Placement.Path, Sound: d.Sound, Tags: append([]string{}, d.Tags...),
		Serves: []ShareBody{}, Created: d.Created, Enrolled: optTime(d.Enrolled), Revoked: optTime(d.Revoked), Faults: []string{},
	}
	if d.Board != nil {
		size := boardBody(*d.Board)
		b.Board = &size
	}
	for _, s := range d.Placement.Serves {
		b.Serves = append(b.Serves, ShareBody{Village: s.Village, Share: float64(s.Share) / 1000, By: s.By, On: s.On})
	}
	switch {
	case !d.Revoked.IsZero():
		b.State = "revoked"
	case d.Enrolled.IsZero():
		b.State = "waiting"
	case !heard:
		b.State = "never-heard"
	case st.Online:
		b.State = "online"
	default:
		b.State = "offline"
	}
	if heard {
		h := st.Heartbeat
		b.LastHeard, b.ClockSure, b.Muted, b.Playing = &st.At, &h.ClockSure, h.Muted, string(h.Playing)
		b.Missing, b.Unacked, b.Free, b.Software = h.Missing, h.Unacked, h.Free, h.Software
		b.Faults = append(b.Faults, h.Faults...)
		b.Play, b.Tone, b.Light = playBody(h.Progress), toneBody(h.Tone), h.Light
		if other := registry.Misfit(d, h); other != nil {
			size := boardBody(*other)
			b.Reported = &size
		}
		for _, z := range h.Zones {
			b.Zones = append(b.Zones, ZoneBody{z.Name, boardBody(z.Size)})
		}
		for _, k := range h.Keyed {
			b.Ended = append(b.Ended, EndedBody{k.Airing, k.At.Time()})
		}
	}
	return b
}

type (
	devicesInput struct {
		Unit   protocol.UnitID `query:"unit" maxLength:"64" doc:"only this unit and below"`
		Boards bool            `query:"boards" doc:"only those with a board"`
		State  string          `query:"state" enum:"waiting,never-heard,offline,online,revoked"`
		// IDs are for pages that follow what changes.
		IDs []protocol.DeviceID `query:"id,explode" maxItems:"200" doc:"only these"`
	}
	devicesOutput struct{ Body []DeviceBody }
	// DevicePath names a device. It is exported since huma
	// does not look into unexported structs.
	DevicePath struct {
		ID protocol.DeviceID `path:"id" maxLength:"64"`
	}
	deviceOutput struct{ Body DeviceBody }
	// PlaceBody is where a device stands and whom it serves.
	PlaceBody struct {
		Name              string          `json:"name" maxLength:"200"`
		Unit              protocol.UnitID `json:"unit" maxLength:"64"`
		Tags              []string        `json:"tags,omitempty" maxItems:"32"`
		Serves            []ShareBody     `json:"serves,omitempty" maxItems:"64"`
		RegistrarPassword string          `json:"registrar_password" maxLength:"800"`
	}
	addDeviceInput struct {
		Body struct {
			PlaceBody
			ID    protocol.DeviceID `json:"id" maxLength:"64" pattern:"^[a-z0-9-]{1,64}$"`
			Sound bool              `json:"sound"`
			Board *BoardBody        `json:"board,omitempty"`
		}
	}
	placeInput struct {
		DevicePath
		Body PlaceBody
	}
	claimInput struct {
		Body struct {
			Device protocol.DeviceID `json:"device" maxLength:"64"`
		}
	}
	// ClaimBody is a claim; its text is shown this once.
	ClaimBody struct {
		Device  protocol.DeviceID `json:"device"`
		Claim   string            `json:"claim"`
		Expires time.Time         `json:"expires"`
		QR      []byte            `json:"qr" contentEncoding:"base64" doc:"PNG of the address and the claim, as a QR code"`
	}
	claimOutput struct{ Body ClaimBody }
)

func (b PlaceBody) newDevice(id protocol.DeviceID) (registry.NewDevice, error) {
	n := registry.NewDevice{ID: id, Name: b.Name, Unit: b.Unit, Tags: b.Tags, Serves: map[protocol.UnitID]uint64{}}
	for _, s := range b.Serves {
		if _, twice := n.Serves[s.Village]; twice {
			return registry.NewDevice{}, problem.New(problem.ErrInvalid, "bad-device", "serves", "Có thôn ghi hai lần. Hãy bỏ bớt một.", "A village is named twice. Take one out.")
		}
		n.Serves[s.Village] = uint64(s.Share*1000 + 0.5)
	}
	return n, nil
}

// device returns a device if the actor may act in its unit; what they can't read
// is not found. Errors: problem.ErrNotFound, problem.ErrForbidden.
func (s *Server) device(ctx context.Context, actor account.Actor, act account.Act, id protocol.DeviceID) (registry.Device, error) {
	d, err := s.Registry.Device(ctx, id)
	if err != nil {
		return registry.Device{}, err
	}
	switch {
	case !actor.May(account.Read, d.Placement.Path):
		return registry.Device{}, problem.ErrNotFound
	case !actor.May(act, d.Placement.Path):
		return registry.Device{}, problem.ErrForbidden
	}
	return d, nil
}

// rendered returns a device's body with its state.
func (s *Server) rendered(ctx context.Context, d registry.Device) (*deviceOutput, error) {
	states, err := s.Registry.States(ctx)
	if err != nil {
		return nil, err
	}
	st, heard := states[d.ID]
	return &deviceOutput{Body: deviceBody(d, st, heard)}, nil
}

func registerDevices(api huma.API, s *Server) {
	tags := []string{"devices"}
	route(api, s, huma.Operation{
		OperationID: "list-devices", Method: http.MethodGet, Path: "/devices", Summary: "Devices in the caller's units", Tags: tags,
	}, s.listDevices)
	route(api, s, huma.Operation{
		OperationID: "get-device", Method: http.MethodGet, Path: "/devices/{id}", Summary: "One device", Tags: tags,
	}, func(ctx context.Context, actor account.Actor, in *DevicePath) (*deviceOutput, error) {
		d, err := s.device(ctx, actor, account.Read, in.ID)
		if err != nil {
			return nil, err
		}
		return s.rendered(ctx, d)
	})
	route(api, s, huma.Operation{
		OperationID: "add-device", Method: http.MethodPost, Path: "/devices", Summary: "Add a device; the registrar signs its placement", Tags: tags, DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, actor account.Actor, in *addDeviceInput) (*deviceOutput, error) {
		n, err := in.Body.newDevice(in.Body.ID)
		if err != nil {
			return nil, err
		}
		n.Sound = in.Body.Sound
		if b := in.Body.Board; b != nil {
			n.Board = &protocol.Display{Width: b.Width, Height: b.Height, Row: b.Row}
		}
		if err := s.mayPlace(ctx, actor, n); err != nil {
			return nil, err
		}
		d, err := s.Registry.AddDevice(ctx, n, in.Body.RegistrarPassword, actor.Person)
		if err != nil {
			return nil, err
		}
		return s.rendered(ctx, d)
	})
	route(api, s, huma.Operation{
		OperationID: "place-device", Method: http.MethodPut, Path: "/devices/{id}/placement", Summary: "Move a device or change whom it serves; the registrar signs", Tags: tags,
	}, func(ctx context.Context, actor account.Actor, in *placeInput) (*deviceOutput, error) {
		if _, err := s.device(ctx, actor, account.Install, in.ID); err != nil {
			return nil, err
		}
		n, err := in.Body.newDevice(in.ID)
		if err != nil {
			return nil, err
		}
		if err := s.mayPlace(ctx, actor, n); err != nil {
			return nil, err
		}
		d, err := s.Registry.Place(ctx, n, in.Body.RegistrarPassword, actor.Person)
		if err != nil {
			return nil, err
		}
		return s.rendered(ctx, d)
	})
	route(api, s, huma.Operation{
		OperationID: "revoke-device", Method: http.MethodDelete, Path: "/devices/{id}", Summary: "End a device's right to connect, for good", Tags: tags, DefaultStatus: http.StatusNoContent,
	}, func(ctx context.Context, actor account.Actor, in *DevicePath) (*nothing, error) {
		if _, err := s.device(ctx, actor, account.Administer, in.ID); err != nil {
			return nil, err
		}
		return nil, s.Registry.Revoke(ctx, in.ID, actor.Person)
	})
}

func (s *Server) listDevices(ctx context.Context, actor account.Actor, in *devicesInput) (*devicesOutput, error) {
	if in.Unit != "" {
		if _, err := s.path(ctx, actor, account.Read, in.Unit); err != nil {
			return nil, err
		}
	}
	devices, err := s.Registry.Devices(ctx)
	if err != nil {
		return nil, err
	}
	states, err := s.Registry.States(ctx)
	if err != nil {
		return nil, err
	}
	out := &devicesOutput{Body: []DeviceBody{}}
	for _, d := range devices {
		if len(in.IDs) > 0 && !slices.Contains(in.IDs, d.ID) {
			continue
		}
		if in.Boards && d.Board == nil {
			continue
		}
		if !actor.May(account.Read, d.Placement.Path) || (in.Unit != "" && !within(d.Placement.Path, in.Unit)) {
			continue
		}
		st, heard := states[d.ID]
		if b := deviceBody(d, st, heard); in.State == "" || b.State == in.State {
			out.Body = append(out.Body, b)
		}
	}
	return out, nil
}

func within(path []protocol.UnitID, unit protocol.UnitID) bool {
	for _, u := range path {
		if u == unit {
			return true
		}
	}
	return false
}

// mayPlace says whether the actor installs devices in the unit and the villages served.
func (s *Server) mayPlace(ctx context.Context, actor account.Actor, n registry.NewDevice) error {
	if _, err := s.path(ctx, actor, account.Install, n.Unit); err != nil {
		return err
	}
	for v := range n.Serves {
		if _, err := s.path(ctx, actor, account.Install, v); err != nil {
			return err
		}
	}
	return nil
}

func registerClaims(api huma.API, s *Server) {
	route(api, s, huma.Operation{
		OperationID: "make-claim", Method: http.MethodPost, Path: "/claims", Summary: "Make a claim for a device; an unused earlier one is void",
		Tags: []string{"claims"}, DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, actor account.Actor, in *claimInput) (*claimOutput, error) {
		if _, err := s.device(ctx, actor, account.Install, in.Body.Device); err != nil {
			return nil, err
		}
		c, err := s.Enrol.Claim(ctx, in.Body.Device, actor.Person)
		if err != nil {
			return nil, err
		}
		code, err := enrol.Code(c, s.opts.EnrolURL)
		if err != nil {
			return nil, err
		}
		return &claimOutput{Body: ClaimBody{Device: c.Device, Claim: c.Text, Expires: c.Expires, QR: code.PNG()}}, nil
	})
}
