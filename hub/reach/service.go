package reach

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// Store reads outcomes, and keeps sightings.
type Store interface {
	// Outcomes lists the answers to airings' starts from an instant on.
	Outcomes(ctx context.Context, airings []protocol.AiringID, from time.Time) (map[Key]Answer, error)
	Sightings(ctx context.Context, airings []protocol.AiringID) ([]Sighting, error)
	SaveSighting(ctx context.Context, g Sighting) error
}

// Airings reads airings.
type Airings interface {
	AiringsOf(ctx context.Context, b protocol.BulletinID) ([]programme.Airing, error)
	// Airings lists those in units whose windows reach beyond since.
	Airings(ctx context.Context, units []protocol.UnitID, since time.Time) ([]programme.Airing, error)
	// Kin lists the airings that these replaced or were replaced by, directly or not,
	// without these themselves.
	Kin(ctx context.Context, ids []protocol.AiringID) ([]programme.Airing, error)
}

// Bulletins finds bulletins that an actor may read.
type Bulletins interface {
	Get(ctx context.Context, a account.Actor, id protocol.BulletinID) (bulletin.Bulletin, error)
}

// Registry tells units, devices, where they stood, and populations.
type Registry interface {
	Tree(ctx context.Context) (registry.Tree, error)
	Devices(ctx context.Context) ([]registry.Device, error)
	Placements(ctx context.Context) (map[protocol.DeviceID][]protocol.Placement, error)
	Populations(ctx context.Context, at time.Time) (map[protocol.UnitID]protocol.Population, error)
}

// Documents keeps bulletins as they were signed.
type Documents interface {
	Read(digest protocol.Digest, limit int64) ([]byte, error)
}

// Service answers who was reached.
type Service struct {
	store     Store
	airings   Airings
	bulletins Bulletins
	registry  Registry
	documents Documents
	zone      *time.Location
	now       func() time.Time
}

// New returns a service; zone is the hub's, now its clock.
func New(store Store, airings Airings, bulletins Bulletins, reg Registry, docs Documents, zone *time.Location, now func() time.Time) *Service {
	return &Service{store: store, airings: airings, bulletins: bulletins, registry: reg, documents: docs, zone: zone, now: now}
}

// Bulletin returns the report on a bulletin that the actor may read, of all its
// starts up to now. A bulletin that was never aired has an empty one.
func (s *Service) Bulletin(ctx context.Context, a account.Actor, id protocol.BulletinID) (Report, error) {
	b, err := s.bulletins.Get(ctx, a, id)
	if err != nil {
		return Report{}, err
	}
	airings, err := s.airings.AiringsOf(ctx, b.ID)
	if err != nil && !errors.Is(err, problem.ErrNotFound) {
		return Report{}, fmt.Errorf("reach of %s: %w", id, err)
	}
	return s.report(ctx, airings)
}

func (s *Service) report(ctx context.Context, airings []programme.Airing) (Report, error) {
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return Report{}, err
	}
	aired, in, err := s.gather(ctx, airings, time.Time{})
	if err != nil {
		return Report{}, err
	}
	var ids []protocol.AiringID
	var units []protocol.UnitID
	for _, air := range airings {
		ids = append(ids, air.Wire.ID)
		units = append(units, air.Units...)
	}
	seen, err := s.store.Sightings(ctx, ids)
	if err != nil {
		return Report{}, fmt.Errorf("reach: %w", err)
	}
	sighted(aired, in.Answers, seen, s.zone)
	began := in.Began()
	people, err := s.registry.Populations(ctx, began)
	if err != nil {
		return Report{}, fmt.Errorf("reach: %w", err)
	}
	in.Villages = villages(tree, units, people, protocol.DateOf(began.In(s.zone)))
	return Compute(in), nil
}

// gather reads what a report on airings is computed from, but for the villages and for
// what was due by since.
func (s *Service) gather(ctx context.Context, airings []programme.Airing, since time.Time) ([]Aired, Input, error) {
	devices, err := s.registry.Devices(ctx)
	if err != nil {
		return nil, Input{}, err
	}
	placements, err := s.registry.Placements(ctx)
	if err != nil {
		return nil, Input{}, err
	}
	now := s.now()
	var asked []protocol.AiringID
	var aired []Aired
	docs := map[protocol.Digest]*protocol.Bulletin{}
	for _, air := range airings {
		asked = append(asked, air.Wire.ID)
		aired = append(aired, Aired{Airing: air.Wire, Units: air.Units, Withdrawn: air.Withdrawn, Signed: s.signed(air.Wire, docs)})
	}
	placed := make([]Placed, 0, len(devices))
	for _, d := range devices {
		placed = append(placed, Placed{Device: d.ID, Placements: placements[d.ID], Media: Media(d)})
	}
	kin, err := s.airings.Kin(ctx, asked)
	if err != nil {
		return nil, Input{}, fmt.Errorf("reach: %w", err)
	}
	var beside []Aired
	for _, air := range kin {
		asked = append(asked, air.Wire.ID)
		beside = append(beside, Aired{Airing: air.Wire, Units: air.Units, Withdrawn: air.Withdrawn})
	}
	expected, err := expect(aired, beside, placed, s.zone, since, now)
	if err != nil {
		return nil, Input{}, fmt.Errorf("reach: %w", err)
	}
	from := since
	for _, e := range expected {
		if e.Start.Before(from) {
			from = e.Start
		}
	}
	answers, err := s.store.Outcomes(ctx, asked, from)
	if err != nil {
		return nil, Input{}, fmt.Errorf("reach: %w", err)
	}
	return aired, settled(aired, beside, placed, expected, answers, s.zone, now), nil
}

// signed returns the bulletin of an airing for boards; nil if it is not kept here.
// docs are those read already.
func (s *Service) signed(a protocol.Airing, docs map[protocol.Digest]*protocol.Bulletin) *protocol.Bulletin {
	if a.BoardFor == 0 {
		return nil
	}
	d := a.Bulletin.Digest
	if b, ok := docs[d]; ok {
		return b
	}
	docs[d] = nil
	if encoded, err := s.documents.Read(d, protocol.MaxBulletin); err == nil {
		if b, err := protocol.Unmarshal[protocol.Bulletin](encoded, protocol.MaxBulletin); err == nil {
			docs[d] = &b
		}
	}
	return docs[d]
}

// Gather puts together what a report on airings is computed from, but for the
// villages. beside are airings that these replaced or were replaced by; answers are
// those to either.
func Gather(aired, beside []Aired, placed []Placed, answers map[Key]Answer, zone *time.Location, now time.Time) (Input, error) {
	expected, err := Expect(aired, beside, placed, zone, now)
	if err != nil {
		return Input{}, err
	}
	return settled(aired, beside, placed, expected, answers, zone, now), nil
}

// settled takes from what is expected what the answers settle.
func settled(aired, beside []Aired, placed []Placed, expected []Expected, answers map[Key]Answer, zone *time.Location, now time.Time) Input {
	in := Input{Answers: map[Key]Answer{}, Serves: map[protocol.DeviceID][]protocol.Share{}, Now: now}
	own := map[protocol.AiringID]bool{}
	for _, a := range aired {
		own[a.ID] = true
	}
	for k, a := range answers {
		if own[k.Airing] {
			in.Answers[k] = a
		}
	}
	compared(aired, in.Answers, zone)
	kin := kinshipOf(aired, beside)
	expected = slices.DeleteFunc(expected, func(e Expected) bool {
		_, answered := in.Answers[e.Key()]
		return !answered && kin.answered(e, answers)
	})
	in.Expected = Answered(expected, in.Answers)
	first := map[protocol.DeviceID]time.Time{} // who was served is asked as of the first start
	for _, e := range in.Expected {
		if at, ok := first[e.Device]; !ok || e.Start.Before(at) {
			first[e.Device] = e.Start
		}
	}
	for _, p := range placed {
		start, ok := first[p.Device]
		if !ok {
			start = now
		}
		if at := p.at(start); at != nil {
			in.Serves[p.Device] = at.Serves
		}
	}
	return in
}

// Media lists a device's media.
func Media(d registry.Device) []protocol.Medium {
	var media []protocol.Medium
	for _, m := range []protocol.Medium{protocol.MediumSound, protocol.MediumBoard} {
		if d.Has(m) {
			media = append(media, m)
		}
	}
	return media
}

// Answered adds the occurrences that a device answered for although they were
// not expected: it played before it knew of a withdrawal.
func Answered(expected []Expected, answers map[Key]Answer) []Expected {
	known := make(map[Key]bool, len(expected))
	for _, e := range expected {
		known[e.Key()] = true
	}
	for k := range answers {
		if !known[k] {
			start := time.UnixMilli(k.Start)
			expected = append(expected, Expected{Airing: k.Airing, Device: k.Device, Medium: k.Medium, Start: start, Due: start})
		}
	}
	return expected
}

// villages lists the villages in units on a day with their people. Whatever was counted
// is listed, as whoever verifies does.
func villages(tree registry.Tree, units []protocol.UnitID, people map[protocol.UnitID]protocol.Population, on protocol.Date) []Village {
	var out []Village
	slices.Sort(units)
	for _, top := range slices.Compact(units) {
		for _, id := range tree.Below(top) {
			u, ok := tree.Unit(id)
			if !ok || u.Kind != registry.Village || slices.ContainsFunc(out, func(v Village) bool { return v.ID == id }) {
				continue
			}
			if !u.Valid(on) && people[id].People == 0 {
				continue
			}
			out = append(out, Village{ID: id, Name: u.Name, People: people[id].People})
		}
	}
	return out
}
