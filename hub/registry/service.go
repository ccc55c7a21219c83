package registry

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// State is what the hub last heard of a device.
type State struct {
	Device protocol.DeviceID
	// Connection is the heartbeat's; a lower one is not stored.
	Connection uint64
	Online     bool
	At         time.Time // by the hub's clock
	Heartbeat  protocol.Heartbeat
	// Anew is set for a device that lost its storage: its connections count from
	// the beginning again.
	Anew bool
}

// DeviceRow is a device as it is stored, with its newest signed placement.
type DeviceRow struct {
	Device
	Signed Document
}

// Store keeps units and devices. Each method is one transaction. Missing rows
// are problem.ErrNotFound, rows that are there already problem.ErrConflict.
type Store interface {
	Units(ctx context.Context) ([]Unit, error)
	// PutUnits adds or changes units, parents first, and adds documents.
	PutUnits(ctx context.Context, units []Unit, docs []Document, c audit.Act) error
	Quiet(ctx context.Context, unit protocol.UnitID) ([]protocol.Quiet, error)
	SetQuiet(ctx context.Context, unit protocol.UnitID, quiet []protocol.Quiet, c audit.Act) error
	Limits(ctx context.Context, unit protocol.UnitID) ([]protocol.Limit, error)
	// SetLimits replaces those of one kind.
	SetLimits(ctx context.Context, unit protocol.UnitID, of protocol.Capped, limits []protocol.Limit, c audit.Act) error

	Devices(ctx context.Context) ([]DeviceRow, error)
	Device(ctx context.Context, id protocol.DeviceID) (DeviceRow, error)
	// DeviceKey returns a device's public key, nil if it is revoked or not enrolled.
	DeviceKey(ctx context.Context, id protocol.DeviceID) ([]byte, error)
	AddDevice(ctx context.Context, d Device, placement Document, c audit.Act) error
	// AddDevices stores all or none. Error: problem.ErrConflict.
	AddDevices(ctx context.Context, devices []Device, placements []Document, acts []audit.Act) error
	// PlaceDevice changes name, unit and tags, and adds a placement.
	PlaceDevice(ctx context.Context, d Device, placement Document, c audit.Act) error
	RevokeDevice(ctx context.Context, id protocol.DeviceID, c audit.Act) error

	State(ctx context.Context, id protocol.DeviceID) (State, error)
	States(ctx context.Context) ([]State, error)
	// SaveStates stores states in one transaction, each unless a higher connection
	// is stored; it says which it did. Unknown devices are left out.
	SaveStates(ctx context.Context, states []State) ([]bool, error)

	// Documents returns all documents of a kind by subject and number; of one
	// subject, if it is not "".
	Documents(ctx context.Context, kind envelope.Kind, subject string) ([]Document, error)
	AddDocuments(ctx context.Context, docs []Document) error
}

// Keyring opens registrars' keys.
type Keyring interface {
	// Registrar opens the first of the keys that the password opens. Errors:
	// problem.ErrForbidden for a wrong password, problem.ErrUnavailable if this hub
	// holds none of them.
	Registrar(password string, keys ...protocol.KeyID) (*envelope.Signer, error)
}

// Config is what New needs.
type Config struct {
	Store   Store
	Keyring Keyring
	// Standing returns the chain of roots and delegations in force, without lists.
	Standing func(context.Context) (*envelope.Chain, error)
	Zone     *time.Location // local days are its
	Log      *slog.Logger
}

// Service is the hub's registry. Use New.
type Service struct {
	store   Store
	keyring Keyring
	// standing is Config.Standing.
	standing func(context.Context) (*envelope.Chain, error)
	zone     *time.Location
	log      *slog.Logger
}

// New returns the service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{store: c.Store, keyring: c.Keyring, standing: c.Standing, zone: c.Zone, log: c.Log}
}

// Tree returns all units, also those no longer valid; Unit.Valid tells.
func (s *Service) Tree(ctx context.Context) (Tree, error) {
	units, err := s.store.Units(ctx)
	if err != nil {
		return Tree{}, fmt.Errorf("units: %w", err)
	}
	return NewTree(units), nil
}

// Devices returns all devices, also revoked ones, each with its newest placement.
func (s *Service) Devices(ctx context.Context) ([]Device, error) {
	rows, err := s.store.Devices(ctx)
	if err != nil {
		return nil, fmt.Errorf("devices: %w", err)
	}
	devices := make([]Device, 0, len(rows))
	for _, r := range rows {
		d, err := r.decoded()
		if err != nil {
			return nil, err
		}
		devices = append(devices, d)
	}
	return devices, nil
}

// Device returns one device. Error: problem.ErrNotFound.
func (s *Service) Device(ctx context.Context, id protocol.DeviceID) (Device, error) {
	r, err := s.store.Device(ctx, id)
	if err != nil {
		return Device{}, fmt.Errorf("device: %w", err)
	}
	return r.decoded()
}

func (r DeviceRow) decoded() (Device, error) {
	p, err := decode[protocol.Placement](r.Signed)
	if err != nil {
		return Device{}, err
	}
	r.Placement = p
	return r.Device, nil
}

// SignedPlacement returns a device's newest placement as it was signed. Error:
// problem.ErrNotFound.
func (s *Service) SignedPlacement(ctx context.Context, id protocol.DeviceID) (Document, error) {
	r, err := s.store.Device(ctx, id)
	if err != nil {
		return Document{}, fmt.Errorf("placement: %w", err)
	}
	return r.Signed, nil
}

// Placements returns every placement of every device, oldest first.
func (s *Service) Placements(ctx context.Context) (map[protocol.DeviceID][]protocol.Placement, error) {
	docs, err := s.store.Documents(ctx, envelope.KindPlacement, "")
	if err != nil {
		return nil, fmt.Errorf("placements: %w", err)
	}
	out := map[protocol.DeviceID][]protocol.Placement{}
	for _, d := range docs {
		p, err := decode[protocol.Placement](d)
		if err != nil {
			return nil, err
		}
		out[p.Device] = append(out[p.Device], p)
	}
	return out, nil
}

// Populations returns how many people lived in each village at an instant, by
// the newest signed count that was valid then.
func (s *Service) Populations(ctx context.Context, at time.Time) (map[protocol.UnitID]protocol.Population, error) {
	docs, err := s.store.Documents(ctx, envelope.KindPopulations, "")
	if err != nil {
		return nil, fmt.Errorf("populations: %w", err)
	}
	all := make([]protocol.Populations, len(docs))
	for i, d := range docs {
		if all[i], err = decode[protocol.Populations](d); err != nil {
			return nil, err
		}
	}
	out := map[protocol.UnitID]protocol.Population{}
	for _, p := range Newest(all, at) {
		for _, v := range p.Villages {
			out[v.Village] = v
		}
	}
	return out, nil
}

// Newest returns the newest count of each unit that was valid at an instant, the
// oldest first: of a village that was moved to another unit, the last one counts.
// Before a unit's first count that one stands in for it: people lived there, too.
func Newest(all []protocol.Populations, at time.Time) []protocol.Populations {
	then := protocol.InstantOf(at)
	of := map[protocol.UnitID]protocol.Populations{}
	for _, p := range all {
		held, ok := of[p.Unit]
		switch {
		case !ok, held.From > then && p.From < held.From, held.From <= then && p.From <= then && p.Number > held.Number:
			of[p.Unit] = p
		}
	}
	return slices.SortedFunc(maps.Values(of), func(a, b protocol.Populations) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Unit, b.Unit))
	})
}

// TrustFor returns what a device with this path must hold: the lists of roots by
// number, the delegations that
// cover any unit of the path, and the newest list of approvers of each.
func (s *Service) TrustFor(ctx context.Context, path []protocol.UnitID) ([]Document, error) {
	out, err := s.store.Documents(ctx, envelope.KindRoots, "")
	if err != nil {
		return nil, fmt.Errorf("trust: %w", err)
	}
	delegations, err := s.store.Documents(ctx, envelope.KindDelegation, "")
	if err != nil {
		return nil, fmt.Errorf("trust: %w", err)
	}
	for _, d := range delegations {
		v, err := decode[protocol.Delegation](d)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(path, func(u protocol.UnitID) bool { return slices.Contains(v.Units, u) }) {
			out = append(out, d)
		}
	}
	for _, unit := range path {
		lists, err := s.store.Documents(ctx, envelope.KindApprovers, string(unit))
		if err != nil {
			return nil, fmt.Errorf("trust: %w", err)
		}
		if len(lists) > 0 {
			out = append(out, lists[len(lists)-1])
		}
	}
	return out, nil
}

// Document returns a trust document that a device lacks by its digest. Error:
// problem.ErrNotFound.
func (s *Service) Document(ctx context.Context, path []protocol.UnitID, digest protocol.Digest) (Document, error) {
	docs, err := s.TrustFor(ctx, path)
	if err != nil {
		return Document{}, err
	}
	for _, d := range docs {
		if d.Digest == digest {
			return d, nil
		}
	}
	return Document{}, fmt.Errorf("document %s: %w", digest, problem.ErrNotFound)
}

// Quiet returns a unit's own quiet hours, nil for none: then those of the
// nearest unit above count.
func (s *Service) Quiet(ctx context.Context, unit protocol.UnitID) ([]protocol.Quiet, error) {
	return s.store.Quiet(ctx, unit)
}

// SetQuiet replaces a unit's quiet hours. Errors: problem.ErrInvalid, ErrNotFound.
func (s *Service) SetQuiet(ctx context.Context, unit protocol.UnitID, quiet []protocol.Quiet, by protocol.PersonID) error {
	for i, q := range quiet {
		if q.Start >= 24*60 || q.End >= 24*60 || len(quiet) > 8 || slices.Contains(quiet[:i], q) {
			return problem.New(problem.ErrInvalid, "bad-quiet-hours", "quiet",
				"Giờ yên tĩnh không đúng. Hãy ghi giờ và phút, ví dụ 21:30, tối đa 8 khoảng khác nhau.", "The quiet hours are not right. Write them as 21:30, at most 8 different periods.")
		}
	}
	return s.store.SetQuiet(ctx, unit, quiet, audit.Act{By: by, At: time.Now(), Name: "quiet hours set", Subject: string(unit), Unit: unit})
}

// Limits returns a unit's own limits of volume and brightness; those of the units
// above hold as well.
func (s *Service) Limits(ctx context.Context, unit protocol.UnitID) ([]protocol.Limit, error) {
	return s.store.Limits(ctx, unit)
}

// lowest is the lowest limit, in per cent: below it nobody hears or reads anything.
const lowest = 10

// SetLimits replaces a unit's limits of one kind. Errors: problem.ErrInvalid,
// ErrNotFound.
func (s *Service) SetLimits(ctx context.Context, unit protocol.UnitID, of protocol.Capped, limits []protocol.Limit, by protocol.PersonID) error {
	for i, l := range limits {
		same := func(x protocol.Limit) bool { return x.From == l.From && x.To == l.To }
		if l.Of != of || l.Validate() != nil || l.Percent < lowest || len(limits) > 8 || slices.ContainsFunc(limits[:i], same) {
			return problem.New(problem.ErrInvalid, "bad-limits", "limits",
				"Mức giới hạn phải từ 10 đến 100 %, theo giờ chẵn, tối đa 8 khoảng khác nhau.", "Limits have to be 10 to 100 %, by full hours, at most 8 different periods.")
		}
	}
	return s.store.SetLimits(ctx, unit, of, limits, audit.Act{By: by, At: time.Now(), Name: "limits set", Subject: string(unit), Unit: unit})
}

// State returns what was last heard of a device. Error: problem.ErrNotFound if
// nothing ever was.
func (s *Service) State(ctx context.Context, id protocol.DeviceID) (State, error) {
	return s.store.State(ctx, id)
}

// States returns what was last heard of every device that was ever heard.
func (s *Service) States(ctx context.Context) (map[protocol.DeviceID]State, error) {
	all, err := s.store.States(ctx)
	if err != nil {
		return nil, fmt.Errorf("states: %w", err)
	}
	out := make(map[protocol.DeviceID]State, len(all))
	for _, st := range all {
		out[st.Device] = st
	}
	return out, nil
}

// SaveStates stores heartbeats, and wills that the broker sent for them, heard
// now, in one transaction. A lower connection than the stored one is ignored, so
// that a will older than the connection changes nothing, unless the device begins
// anew with another chain of receipts; a will keeps what the last heartbeat of its
// connection said. It says which were stored; those of unknown devices are not.
func (s *Service) SaveStates(ctx context.Context, hs []protocol.Heartbeat, now time.Time) ([]bool, error) {
	states := make([]State, len(hs))
	for i, h := range hs {
		states[i] = State{Device: h.Device, Connection: h.Connection, Online: h.Online, At: now, Heartbeat: h}
		if h.Online {
			continue
		}
		held, err := s.store.State(ctx, h.Device)
		switch {
		case errors.Is(err, problem.ErrNotFound):
		case err != nil:
			return nil, fmt.Errorf("save states: %w", err)
		case held.Connection == h.Connection:
			states[i].Heartbeat = held.Heartbeat
			states[i].Heartbeat.Online = false
		}
	}
	stored, err := s.store.SaveStates(ctx, states)
	if err != nil {
		return nil, fmt.Errorf("save states: %w", err)
	}
	for i, ok := range stored {
		if ok || !hs[i].Online || hs[i].Chain == nil {
			continue
		}
		held, err := s.store.State(ctx, hs[i].Device)
		if err != nil || held.Heartbeat.Chain == nil || held.Heartbeat.Chain.Chain == hs[i].Chain.Chain {
			continue // unknown, or of an earlier connection
		}
		states[i].Anew = true
		again, err := s.store.SaveStates(ctx, states[i:i+1])
		if err != nil {
			return nil, fmt.Errorf("save states: %w", err)
		}
		stored[i] = again[0]
	}
	return stored, nil
}

// MarkOffline says of every device that is stored as online that it is not: when
// the hub starts, nobody is connected yet.
func (s *Service) MarkOffline(ctx context.Context) error {
	all, err := s.store.States(ctx)
	if err != nil {
		return fmt.Errorf("mark offline: %w", err)
	}
	online := slices.DeleteFunc(all, func(st State) bool { return !st.Online })
	for i := range online {
		online[i].Online, online[i].Heartbeat.Online = false, false
	}
	if _, err := s.store.SaveStates(ctx, online); err != nil {
		return fmt.Errorf("mark offline: %w", err)
	}
	return nil
}

// DeviceKey returns the public key of a device that is enrolled and not revoked.
// Error: problem.ErrNotFound.
func (s *Service) DeviceKey(ctx context.Context, id protocol.DeviceID) (ed25519.PublicKey, error) {
	key, err := s.store.DeviceKey(ctx, id)
	if err == nil && len(key) != ed25519.PublicKeySize {
		err = problem.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", id, err)
	}
	return key, nil
}

// Admit decides whether a device may connect with a certificate on this key: it
// is known, not revoked, and bound to that very key. Errors: problem.ErrNotFound,
// ErrForbidden.
func (s *Service) Admit(ctx context.Context, id protocol.DeviceID, public ed25519.PublicKey) error {
	key, err := s.DeviceKey(ctx, id)
	if err != nil {
		return err
	}
	if !key.Equal(public) {
		return fmt.Errorf("device %s, with another key: %w", id, problem.ErrForbidden)
	}
	return nil
}

// path returns a unit's path. Error: problem.ErrInvalid naming the field.
func path(t Tree, unit protocol.UnitID, field string) ([]protocol.UnitID, error) {
	p := t.Path(unit)
	if p == nil {
		return nil, problem.New(problem.ErrInvalid, "unknown-unit", field, "Không có đơn vị này; hãy kiểm tra mã đơn vị.", "There is no such unit; check its id.")
	}
	return p, nil
}
