package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"golang.org/x/text/unicode/norm"
)

// NewDevice is what AddDevice needs; Place takes it too, for a device that is
// moved or serves others.
type NewDevice struct {
	ID    protocol.DeviceID
	Name  string
	Unit  protocol.UnitID
	Sound bool
	Board *protocol.Display
	Tags  []string
	// Serves gives thousandths of villages' people.
	Serves map[protocol.UnitID]uint64

	public []byte // the device's key, once it is enrolled
}

// media lists what a device has, for its placement.
func media(n NewDevice) []protocol.Medium {
	var m []protocol.Medium
	if n.Sound {
		m = append(m, protocol.MediumSound)
	}
	if n.Board != nil {
		m = append(m, protocol.MediumBoard)
	}
	return m
}

// Attest signs a device's placement anew with its key in it, so that what it says
// can be checked without the hub's word. Errors: those of Place; ErrConflict for a
// device that is not enrolled.
func (s *Service) Attest(ctx context.Context, id protocol.DeviceID, registrar string, by protocol.PersonID) (Device, error) {
	d, err := s.Device(ctx, id)
	if err != nil {
		return Device{}, err
	}
	if len(d.Public) == 0 {
		return Device{}, problem.New(problem.ErrConflict, "not-enrolled", "", "Thiết bị chưa ghi danh nên chưa có khoá. Hãy ghi danh thiết bị trước.", "The device is not enrolled yet, so it has no key. Enrol it first.")
	}
	n := NewDevice{ID: d.ID, Name: d.Name, Unit: d.Unit, Tags: d.Tags, Serves: map[protocol.UnitID]uint64{}}
	for _, share := range d.Placement.Serves {
		n.Serves[share.Village] = share.Share
	}
	return s.Place(ctx, n, registrar, by)
}

// AddDevice fixes a device's id and signs its first placement with the
// registrar's key. Errors: problem.ErrInvalid, ErrConflict, ErrForbidden.
func (s *Service) AddDevice(ctx context.Context, n NewDevice, registrar string, by protocol.PersonID) (Device, error) {
	now := time.Now()
	d, doc, err := s.place(ctx, n, registrar, by, protocol.Placement{}, now)
	if err != nil {
		return Device{}, err
	}
	d.Created = now
	c := audit.Act{By: by, At: now, Name: "device added", Subject: string(d.ID), Unit: d.Unit}
	if err := s.store.AddDevice(ctx, d, doc, c); err != nil {
		if errors.Is(err, problem.ErrConflict) {
			return Device{}, problem.New(problem.ErrConflict, "device-exists", "id", "Đã có thiết bị mang mã này. Hãy chọn mã khác, hoặc tạo mã ghi danh mới cho thiết bị đó.",
				"There is a device of this id already. Choose another id, or make a new claim for that device.").Because(err)
		}
		return Device{}, fmt.Errorf("add device: %w", err)
	}
	return d, nil
}

// Place moves a device or changes its name, tags or villages by a new signed
// placement, valid from now. A unit that has ended and in which it stood stays with
// it as a predecessor: what was approved there goes on. Media cannot change. Errors: those of AddDevice,
// problem.ErrNotFound.
func (s *Service) Place(ctx context.Context, n NewDevice, registrar string, by protocol.PersonID) (Device, error) {
	held, err := s.Device(ctx, n.ID)
	if err != nil {
		return Device{}, err
	}
	if !held.Revoked.IsZero() {
		return Device{}, errRevoked()
	}
	n.Sound, n.Board, n.public = held.Sound, held.Board, held.Public
	now := time.Now()
	d, doc, err := s.place(ctx, n, registrar, by, held.Placement, now)
	if err != nil {
		return Device{}, err
	}
	d.Created, d.Enrolled, d.Public = held.Created, held.Enrolled, held.Public
	c := audit.Act{By: by, At: now, Name: "device placed", Subject: string(d.ID), Unit: d.Unit}
	if err := s.store.PlaceDevice(ctx, d, doc, c); err != nil {
		return Device{}, fmt.Errorf("place device: %w", err)
	}
	return d, nil
}

func errRevoked() error {
	return problem.New(problem.ErrConflict, "device-revoked", "", "Thiết bị đã bị thu hồi; hãy thêm thiết bị với mã mới.",
		"The device was revoked; add one with a new id.")
}

// predecessors are the units merged into one of a new placement's path: those in
// which the device stood, that have ended by that day, and beside or in whose place
// the one is in which it stands now.
func predecessors(tree Tree, held protocol.Placement, path []protocol.UnitID, on protocol.Date) []protocol.UnitID {
	own, _ := tree.Unit(path[len(path)-1])
	var out []protocol.UnitID
	for _, id := range held.Units() {
		u, ok := tree.Unit(id)
		if ok && !slices.Contains(path, id) && u.ValidUntil != "" && u.ValidUntil <= on && (u.Parent == own.Parent || own.ValidFrom >= u.ValidUntil) {
			out = append(out, id)
		}
	}
	return out[max(0, len(out)-maxPredecessors):]
}

// maxPredecessors is how many a placement may name.
const maxPredecessors = 32

// place checks what is wanted and signs it.
func (s *Service) place(ctx context.Context, n NewDevice, registrar string, by protocol.PersonID, held protocol.Placement, now time.Time) (Device, Document, error) {
	n.Name = norm.NFC.String(strings.TrimSpace(n.Name))
	n.Tags = slices.Compact(slices.Sorted(slices.Values(n.Tags)))
	tree, err := s.Tree(ctx)
	if err != nil {
		return Device{}, Document{}, err
	}
	if err := checkDevice(n, tree); err != nil {
		return Device{}, Document{}, err
	}
	signer, err := s.registrar(ctx, tree, registrar, placing(tree, n, held))
	if err != nil {
		return Device{}, Document{}, err
	}
	return s.sign(tree, signer, n, by, held, now)
}

// sign signs the placement of a device that was checked.
func (s *Service) sign(tree Tree, signer *envelope.Signer, n NewDevice, by protocol.PersonID, held protocol.Placement, now time.Time) (Device, Document, error) {
	p, err := path(tree, n.Unit, "unit")
	if err != nil {
		return Device{}, Document{}, err
	}
	placement := protocol.Placement{
		Version: protocol.Version, Device: n.ID, Number: max(held.Number+1, uint64(now.UnixMilli())), From: protocol.InstantOf(now),
		Media: media(n), Path: p, Predecessors: predecessors(tree, held, p, protocol.DateOf(now.In(s.zone))), Tags: n.Tags, Name: n.Name, Serves: shares(n.Serves, by, protocol.DateOf(now.In(s.zone))),
	}
	if len(n.public) > 0 {
		placement.Key = &protocol.Key{Kind: protocol.KeyEd25519, Public: n.public}
	}
	doc, err := SealDocument(signer, envelope.KindPlacement, string(n.ID), placement.Number, &placement, now)
	if err != nil {
		return Device{}, Document{}, err
	}
	return Device{ID: n.ID, Name: n.Name, Unit: n.Unit, Sound: n.Sound, Board: n.Board, Tags: n.Tags, Placement: placement}, doc, nil
}

// commandLine signs shares set on the hub's own command line.
const commandLine protocol.PersonID = "hub"

func shares(serves map[protocol.UnitID]uint64, by protocol.PersonID, on protocol.Date) []protocol.Share {
	if by == "" {
		by = commandLine
	}
	var out []protocol.Share
	for v, share := range serves {
		out = append(out, protocol.Share{Village: v, Share: share, By: by, On: on})
	}
	slices.SortFunc(out, func(a, b protocol.Share) int { return strings.Compare(string(a.Village), string(b.Village)) })
	return out
}

func checkDevice(n NewDevice, tree Tree) error {
	bad := func(field, vi, en string) error { return problem.New(problem.ErrInvalid, "bad-device", field, vi, en) }
	switch {
	case !protocol.ValidID(n.ID):
		return bad("id", "Mã thiết bị chỉ gồm a-z, 0-9 và dấu gạch nối, tối đa 64 ký tự.", "A device's id has only a-z, 0-9 and hyphens, at most 64 characters.")
	case !printable(n.Name, 200):
		return bad("name", "Hãy đặt tên thiết bị, tối đa 200 ký tự.", "Name the device, in at most 200 characters.")
	case !n.Sound && n.Board == nil:
		return bad("sound", "Thiết bị phải có loa, bảng hoặc cả hai.", "A device has a loudspeaker, a board or both.")
	case n.Board != nil && !validBoard(*n.Board):
		return bad("board", "Kích thước bảng không đúng. Hãy ghi rộng x cao x hàng, ví dụ 192x32x16, tối đa 4096.",
			"The board's size is not right. Write it WIDTHxHEIGHTxROW, like 192x32x16, at most 4096.")
	case len(n.Tags) > 32 || slices.ContainsFunc(n.Tags, func(t string) bool { return !protocol.ValidID(t) }):
		return bad("tags", "Tối đa 32 nhãn, chỉ gồm a-z, 0-9 và dấu gạch nối.", "At most 32 tags of a-z, 0-9 and hyphens.")
	case len(n.Serves) > 64:
		return bad("serves", "Tối đa 64 thôn.", "At most 64 villages.")
	}
	own, err := path(tree, n.Unit, "unit")
	if err != nil {
		return err
	}
	for v, share := range n.Serves {
		u, ok := tree.Unit(v)
		if !ok || u.Kind != Village || share == 0 || share > 1000 || !tree.Contains(own[0], v) {
			return bad("serves", "Phần dân phục vụ phải ghi cho một thôn đã có, từ 0,001 đến 1.", "A share is of a known village, from 0.001 to 1.")
		}
	}
	return nil
}

func validBoard(d protocol.Display) bool {
	return d.Width > 0 && d.Width <= 4096 && d.Height > 0 && d.Height <= 4096 && d.Row > 0 && d.Row <= d.Height
}

// printable says whether a name has 1 to limit characters and no control ones.
func printable(s string, limit int) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && n > 0 && n <= limit && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	})
}

// Revoke ends a device's right to connect for good. Errors: problem.ErrNotFound,
// ErrConflict.
func (s *Service) Revoke(ctx context.Context, id protocol.DeviceID, by protocol.PersonID) error {
	d, err := s.Device(ctx, id)
	if err != nil {
		return err
	}
	if !d.Revoked.IsZero() {
		return errRevoked()
	}
	return s.store.RevokeDevice(ctx, id, audit.Act{By: by, At: time.Now(), Name: "device revoked", Subject: string(id), Unit: d.Unit})
}
