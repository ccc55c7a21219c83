package main

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/enrol"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"golang.org/x/term"
)

type deviceCmd struct {
	Add    deviceAddCmd    `cmd:"" help:"Add a device and print its claim."`
	List   deviceListCmd   `cmd:"" help:"List devices."`
	Place  devicePlaceCmd  `cmd:"" help:"Move a device, or change its name, tags or villages."`
	Claim  deviceClaimCmd  `cmd:"" help:"Print a new claim, to enrol a device or its replacement; an unused one is void."`
	Stick  deviceStickCmd  `cmd:"" help:"Write the file with which a device is installed without a network."`
	Answer deviceAnswerCmd `cmd:"" help:"Answer the request that such a device wrote; the answer goes back to it by file."`
	Import deviceImportCmd `cmd:"" help:"Add many devices from CSV: id,name,unit,sound,board,serves,tags."`
	Attest deviceAttestCmd `cmd:"" help:"Sign a device's key into its placement, so that verify needs no word of the hub."`
	Revoke deviceRevokeCmd `cmd:"" help:"End a device's right to connect, for good."`
}

// placeFlags are where a device stands and whom it serves.
type placeFlags struct {
	registrarFlags
	Name   string   `help:"For people: Nhà văn hoá thôn Đông." required:""`
	Unit   string   `help:"Id or code of its unit." required:""`
	Serves string   `help:"Villages and the share of their people that it serves: dong=1,doai=0.5."`
	Tags   []string `help:"Tags, separated by commas."`
}

func (f placeFlags) device(s *session, b *hub.Base, id protocol.DeviceID) (registry.NewDevice, error) {
	unit, err := findUnit(s, b, f.Unit)
	if err != nil {
		return registry.NewDevice{}, err
	}
	n := registry.NewDevice{ID: id, Name: f.Name, Unit: unit.ID, Tags: f.Tags, Serves: map[protocol.UnitID]uint64{}}
	for part := range strings.SplitSeq(f.Serves, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, share, _ := strings.Cut(part, "=")
		v, err := strconv.ParseFloat(share, 64)
		if err != nil || !(v > 0 && v <= 1) {
			return registry.NewDevice{}, fmt.Errorf("%w: --serves wants village=share with a share over 0, at most 1, not %.64q", errRefused, part)
		}
		village, err := findUnit(s, b, name)
		if err != nil {
			return registry.NewDevice{}, err
		}
		n.Serves[village.ID] = uint64(math.Round(v * 1000))
	}
	return n, nil
}

type deviceAddCmd struct {
	placeFlags
	ID    protocol.DeviceID `help:"a-z, 0-9 and hyphens; a replacement keeps it." required:""`
	Sound bool              `help:"It has a loudspeaker."`
	QR    string            `name:"qr" help:"File for the claim as a QR code (PNG)." type:"path"`
	Board string            `help:"It has a board of WIDTHxHEIGHTxROW pixels: 192x32x16."`
}

// Run adds a device and prints its claim.
func (c *deviceAddCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		n, err := c.device(s, b, c.ID)
		if err != nil {
			return err
		}
		n.Sound = c.Sound
		if c.Board != "" {
			if n.Board, err = parseBoard(c.Board); err != nil {
				return err
			}
		}
		registrar, err := c.password(s)
		if err != nil {
			return err
		}
		d, err := b.Registry.AddDevice(s.ctx, n, registrar, "")
		if err != nil {
			return err
		}
		s.printf("Đã thêm / added: %s (%s)\n", d.ID, d.Name)
		return claim(s, b, d.ID, c.QR)
	})
}

func parseBoard(text string) (*protocol.Display, error) {
	var d protocol.Display
	parts := strings.Split(text, "x")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w: --board wants WIDTHxHEIGHTxROW, like 192x32x16", errRefused)
	}
	for i, to := range []*uint64{&d.Width, &d.Height, &d.Row} {
		v, err := strconv.ParseUint(parts[i], 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%w: --board wants WIDTHxHEIGHTxROW, like 192x32x16", errRefused)
		}
		*to = v
	}
	return &d, nil
}

// claim makes and prints a claim.
func claim(s *session, b *hub.Base, id protocol.DeviceID, picture string) error {
	c, err := b.Enrol.Claim(s.ctx, id, "")
	if err != nil {
		return err
	}
	s.printf("Mã đăng ký, dùng một lần đến %s / claim, good once until then:\n%s\nĐịa chỉ / address: %s\n",
		c.Expires.In(b.Zone).Format("2006-01-02 15:04"), c.Text, hub.ConfiguredEnrolURL(b.Config))
	code, err := enrol.Code(c, hub.ConfiguredEnrolURL(b.Config))
	if err != nil {
		return err
	}
	if picture != "" {
		return os.WriteFile(picture, code.PNG(), 0o600)
	}
	if f, ok := s.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.printf("%s", code.Text())
	}
	return nil
}

type deviceAttestCmd struct {
	registrarFlags
	ID protocol.DeviceID `arg:"" help:"Which device."`
}

// Run signs a device's key into its placement.
func (c *deviceAttestCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		registrar, err := c.password(s)
		if err != nil {
			return err
		}
		d, err := b.Registry.Attest(s.ctx, c.ID, registrar, "")
		if err != nil {
			return err
		}
		s.printf("Đã ký khoá vào nơi đặt / key signed into the placement: %s\n", d.ID)
		return nil
	})
}

type deviceClaimCmd struct {
	ID protocol.DeviceID `arg:"" help:"Which device."`
	QR string            `name:"qr" help:"File for the claim as a QR code (PNG)." type:"path"`
}

// Run prints a new claim.
func (c *deviceClaimCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error { return claim(s, b, c.ID, c.QR) })
}

type devicePlaceCmd struct {
	placeFlags
	ID protocol.DeviceID `arg:"" help:"Which device."`
}

// Run places a device anew.
func (c *devicePlaceCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		n, err := c.device(s, b, c.ID)
		if err != nil {
			return err
		}
		registrar, err := c.password(s)
		if err != nil {
			return err
		}
		d, err := b.Registry.Place(s.ctx, n, registrar, "")
		if err != nil {
			return err
		}
		s.printf("Đã ký nơi đặt mới / placed: %s (%s)\n", d.ID, d.Name)
		return nil
	})
}

type deviceRevokeCmd struct {
	ID protocol.DeviceID `arg:"" help:"Which device."`
}

// Run revokes a device.
func (c *deviceRevokeCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		if err := b.Registry.Revoke(s.ctx, c.ID, ""); err != nil {
			return err
		}
		s.printf("Đã thu hồi / revoked: %s\n", c.ID)
		return nil
	})
}

type deviceListCmd struct{}

// Run lists devices.
func (c *deviceListCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		devices, err := b.Registry.Devices(s.ctx)
		if err != nil {
			return err
		}
		states, err := b.Registry.States(s.ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		for _, d := range devices {
			state, heard := "waiting", ""
			st, ok := states[d.ID]
			switch {
			case !d.Revoked.IsZero():
				state = "revoked"
			case ok && st.Online:
				state = "online"
			case !d.Enrolled.IsZero():
				state = "offline"
			}
			if ok {
				heard = st.At.In(b.Zone).Format("2006-01-02 15:04:05")
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", d.ID, d.Unit, state, heard, d.Name)
		}
		return w.Flush()
	})
}
