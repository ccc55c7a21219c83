package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/enrol"
	"github.com/loa-vn/loa/protocol"
)

// stickSuffix ends the names of files that a technician carries.
const stickSuffix = ".loa.json"

type deviceStickCmd struct {
	ID  protocol.DeviceID `arg:"" help:"Which device."`
	Out string            `help:"Folder for the file: the stick." required:"" type:"existingdir"`
}

// Run writes an installation.
func (c *deviceStickCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		i, err := b.Enrol.Installation(s.ctx, c.ID, hub.ConfiguredEnrolURL(b.Config), "")
		if err != nil {
			return err
		}
		file := filepath.Join(c.Out, string(c.ID)+stickSuffix)
		if err := writeStick(file, protocol.Stick{Version: protocol.StickVersion, Installation: &i}); err != nil {
			return err
		}
		s.printf("Đã ghi / written: %s\nAi có tệp này có mã đăng ký của thiết bị / whoever holds it holds the claim\nTại thiết bị / at the device: loa-agent enrol --usb\n", file)
		return nil
	})
}

type deviceAnswerCmd struct {
	Request string            `arg:"" help:"The file that the device wrote." type:"existingfile"`
	ID      protocol.DeviceID `help:"The device that it must be of." required:""`
	Out     string            `help:"Folder for the answer; beside the request by default." type:"existingdir"`
}

// Run answers a device's request.
func (c *deviceAnswerCmd) Run(s *session) error {
	request, err := readStick(c.Request)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	if request.Request == nil {
		return fmt.Errorf("%w: %s is no request of a device", errRefused, c.Request)
	}
	return s.with(func(b *hub.Base) error {
		answer, err := b.Enrol.EnrolAs(s.ctx, c.ID, *request.Request)
		switch {
		case errors.Is(err, enrol.ErrSecret), errors.Is(err, enrol.ErrGone), errors.Is(err, enrol.ErrEnrolled):
			return fmt.Errorf("%w: %w; loa-hub device stick makes a new file for the device", errRefused, err)
		case err != nil:
			return err
		}
		dir := c.Out
		if dir == "" {
			dir = filepath.Dir(c.Request)
		}
		file := filepath.Join(dir, string(c.ID)+".answer"+stickSuffix)
		if err := writeStick(file, protocol.Stick{Version: protocol.StickVersion, Answer: &answer}); err != nil {
			return err
		}
		s.printf("Đã ghi / written: %s\nTại thiết bị / at the device: loa-agent enrol --file %s\n", file, filepath.Base(file))
		return nil
	})
}

func writeStick(file string, st protocol.Stick) error {
	b, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o600)
}

func readStick(file string) (st protocol.Stick, err error) {
	f, err := os.Open(file)
	if err != nil {
		return st, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b, err := io.ReadAll(io.LimitReader(f, protocol.MaxEnrol+1))
	if err != nil {
		return st, err
	}
	return protocol.ParseStick(b)
}

type deviceImportCmd struct {
	registrarFlags
	File   string `arg:"" help:"CSV file in UTF-8: id,name,unit,sound,board,serves,tags." type:"existingfile"`
	DryRun bool   `help:"Only check the file."`
	Claims string `help:"File for the devices' claims (CSV: id,claim,address), readable by its owner alone." type:"path"`
}

// Run imports devices, all or none.
func (c *deviceImportCmd) Run(s *session) error {
	b, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	return s.with(func(base *hub.Base) error {
		ids, err := base.Registry.ImportDevices(s.ctx, bytes.NewReader(b), true, "", "")
		if err != nil {
			return err
		}
		if c.DryRun {
			s.printf("Tệp đúng / the file is right: %d thiết bị / devices; chưa thêm gì / nothing was added\n", len(ids))
			return nil
		}
		registrar, err := c.password(s)
		if err != nil {
			return err
		}
		if ids, err = base.Registry.ImportDevices(s.ctx, bytes.NewReader(b), false, registrar, ""); err != nil {
			return err
		}
		s.printf("Đã thêm / added: %d\n", len(ids))
		if c.Claims == "" {
			return nil
		}
		return writeClaims(s, base, c.Claims, ids)
	})
}

func writeClaims(s *session, b *hub.Base, file string, ids []protocol.DeviceID) error {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	rows := [][]string{{"id", "claim", "address"}}
	for _, id := range ids {
		claim, err := b.Enrol.Claim(s.ctx, id, "")
		if err != nil {
			return err
		}
		rows = append(rows, []string{string(id), claim.Text, hub.ConfiguredEnrolURL(b.Config)})
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	s.printf("Mã đăng ký / claims: %s\n", file)
	return os.WriteFile(file, out.Bytes(), 0o600)
}
