package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// deviceColumns returns the columns that a file of devices may have; the first
// three are needed.
func deviceColumns() []string {
	return []string{"id", "name", "unit", "sound", "board", "serves", "tags"}
}

// maxDevices is how many devices one file adds.
const maxDevices = 10_000

// ReadDevices reads devices from CSV with a heading and checks all of them. A unit
// is named by its id or code; serves is "village=share village=share", sound yes
// or no, board WIDTHxHEIGHTxROW. Errors: problem.ErrInvalid with the line's number,
// ErrTooLarge.
func (s *Service) ReadDevices(ctx context.Context, r io.Reader) ([]NewDevice, error) {
	tree, err := s.Tree(ctx)
	if err != nil {
		return nil, err
	}
	return s.readDevices(ctx, tree, r)
}

func (s *Service) readDevices(ctx context.Context, tree Tree, r io.Reader) ([]NewDevice, error) {
	held, err := s.Devices(ctx)
	if err != nil {
		return nil, err
	}
	there := map[protocol.DeviceID]int{}
	for _, d := range held {
		there[d.ID] = 0
	}
	var wanted []NewDevice
	err = readTable(r, deviceColumns(), 3, func(line int, get func(string) string) error {
		n, err := readDevice(tree, get, line)
		if err != nil {
			return err
		}
		if was, ok := there[n.ID]; ok {
			if was == 0 {
				return badLine(line, "id", "đã có thiết bị mang mã này. Hãy chọn mã khác.", "there is a device of this id already. Choose another id.")
			}
			return badLine(line, "id", fmt.Sprintf("mã đã có ở dòng %d. Hãy chọn mã khác.", was), fmt.Sprintf("the id stands on line %d already. Choose another.", was))
		}
		if len(wanted) == maxDevices {
			return problem.New(problem.ErrTooLarge, "too-many", "file", "Mỗi tệp tối đa 10.000 thiết bị. Hãy chia tệp.", "A file has at most 10,000 devices. Split it.")
		}
		there[n.ID] = line
		wanted = append(wanted, n)
		return nil
	})
	return wanted, err
}

// ImportDevices is ReadDevices, signs the devices' placements, and stores all at once
// or none; dry only checks. Errors: those of ReadDevices; problem.ErrConflict,
// ErrForbidden.
func (s *Service) ImportDevices(ctx context.Context, r io.Reader, dry bool, registrar string, by protocol.PersonID) ([]protocol.DeviceID, error) {
	tree, err := s.Tree(ctx)
	if err != nil {
		return nil, err
	}
	wanted, err := s.readDevices(ctx, tree, r)
	if err != nil {
		return nil, err
	}
	ids := make([]protocol.DeviceID, len(wanted))
	for i, n := range wanted {
		ids[i] = n.ID
	}
	if dry || len(wanted) == 0 {
		return ids, nil
	}
	var paths [][]protocol.UnitID
	for _, n := range wanted {
		paths = append(paths, placing(tree, n, protocol.Placement{})...)
	}
	signer, err := s.registrar(ctx, tree, registrar, paths)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	devices, docs, acts := make([]Device, len(wanted)), make([]Document, len(wanted)), make([]audit.Act, len(wanted))
	for i, n := range wanted {
		if devices[i], docs[i], err = s.sign(tree, signer, n, by, protocol.Placement{}, now); err != nil {
			return nil, err
		}
		devices[i].Created = now
		acts[i] = audit.Act{By: by, At: now, Name: "device added", Subject: string(n.ID), Unit: n.Unit}
	}
	if err := s.store.AddDevices(ctx, devices, docs, acts); err != nil {
		return nil, fmt.Errorf("import devices: %w", err)
	}
	return ids, nil
}

func readDevice(tree Tree, get func(string) string, line int) (NewDevice, error) {
	n := NewDevice{ID: protocol.DeviceID(get("id")), Name: get("name"), Serves: map[protocol.UnitID]uint64{}}
	bad := func(field, vi, en string) (NewDevice, error) { return NewDevice{}, badLine(line, field, vi, en) }
	unit, ok := tree.named(get("unit"))
	if !ok {
		return bad("unit", "không có đơn vị nào mang mã này, hoặc có nhiều. Hãy kiểm tra mã.", "no unit has this id or code, or several do. Check it.")
	}
	n.Unit = unit
	switch strings.ToLower(get("sound")) {
	case "yes", "có", "1", "true":
		n.Sound = true
	case "", "no", "không", "0", "false":
	default:
		return bad("sound", "hãy ghi có hoặc không.", "write yes or no.")
	}
	if text := get("board"); text != "" {
		var b protocol.Display
		var rest string
		if got, _ := fmt.Sscanf(text+" .", "%dx%dx%d %s", &b.Width, &b.Height, &b.Row, &rest); got != 4 || rest != "." {
			return bad("board", "hãy ghi rộng x cao x hàng, ví dụ 192x32x16.", "write it WIDTHxHEIGHTxROW, like 192x32x16.")
		}
		n.Board = &b
	}
	for part := range strings.FieldsSeq(get("serves")) {
		name, text, _ := strings.Cut(part, "=")
		village, ok := tree.named(name)
		share, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil || !(share > 0 && share <= 1) {
			return bad("serves", "hãy ghi dạng thon-dong=1 thon-doai=0.5, phần dân từ 0,001 đến 1.", "write it dong=1 doai=0.5, with shares from 0.001 to 1.")
		}
		n.Serves[village] = uint64(math.Round(share * 1000))
	}
	n.Tags = strings.Fields(get("tags"))
	if err := checkDevice(n, tree); err != nil {
		var p *problem.Problem
		if errors.As(err, &p) {
			return bad(p.Field, p.Vi, p.En)
		}
		return NewDevice{}, err
	}
	return n, nil
}

// named returns the one unit that has an id or a code.
func (t Tree) named(name string) (protocol.UnitID, bool) {
	if _, ok := t.units[protocol.UnitID(name)]; ok {
		return protocol.UnitID(name), true
	}
	var found protocol.UnitID
	for id, u := range t.units {
		if u.Code == name && name != "" {
			if found != "" {
				return "", false
			}
			found = id
		}
	}
	return found, found != ""
}
