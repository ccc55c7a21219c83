package programme

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// Store keeps airings and stops. Each method is one transaction.
type Store interface {
	// Air inserts an airing; wished says that it is what the request's author asked
	// for. problem.ErrConflict if that is on air already.
	Air(ctx context.Context, a Airing, wished bool) error
	// Aired notes that a request's wish asks for no airing.
	Aired(ctx context.Context, digest protocol.Digest, at time.Time) error
	Airing(ctx context.Context, id protocol.AiringID) (Airing, error)
	// Airings lists those with a start or window at or after since in any of units,
	// newest first.
	Airings(ctx context.Context, units []protocol.UnitID, since time.Time) ([]Airing, error)
	// Successors says by which airing each of these was replaced, if it was.
	Successors(ctx context.Context, ids []protocol.AiringID) (map[protocol.AiringID]protocol.AiringID, error)
	Withdraw(ctx context.Context, id protocol.AiringID, at time.Time) error
	// AiringsOf lists those of all revisions of a bulletin.
	AiringsOf(ctx context.Context, b protocol.BulletinID) ([]Airing, error)
	// Played is how many whole plays under a statement began in a time on the device
	// that made most, of one medium.
	Played(ctx context.Context, statement protocol.Digest, from, to time.Time) (int, error)
	Stop(ctx context.Context, s protocol.Stop) error
	// TakeBack notes once that a stop was taken back; problem.ErrConflict if it was.
	TakeBack(ctx context.Context, id protocol.StopID) error
	StopOrder(ctx context.Context, id protocol.StopID) (protocol.Stop, error)
}

// Requests finds approved requests.
type Requests interface {
	Request(ctx context.Context, digest protocol.Digest) (approval.Request, error)
}

// Registry tells units and devices.
type Registry interface {
	Tree(ctx context.Context) (registry.Tree, error)
	Devices(ctx context.Context) ([]registry.Device, error)
	Quiet(ctx context.Context, unit protocol.UnitID) ([]protocol.Quiet, error)
}

// Documents keeps documents by digest.
type Documents interface {
	Document(b []byte) (protocol.Content, error)
}

// Publisher brings changes to devices.
type Publisher interface {
	// Publish makes and sends the plans of units anew.
	Publish(ctx context.Context, units []protocol.UnitID) error
	// Alert sends an emergency, or a stop, ahead of everything.
	Alert(ctx context.Context, unit protocol.UnitID, alert protocol.Alert, expires time.Time) error
}

// Service is what the hub does with airings.
type Service struct {
	store     Store
	requests  Requests
	registry  Registry
	documents Documents
	publisher Publisher
	zone      *time.Location
	now       func() time.Time

	mu sync.Mutex // one airing is made at a time, so that publication instants differ
}

// New returns a service; zone is the hub's, now its clock.
func New(store Store, requests Requests, reg Registry, docs Documents, pub Publisher, zone *time.Location, now func() time.Time) *Service {
	return &Service{store: store, requests: requests, registry: reg, documents: docs, publisher: pub, zone: zone, now: now}
}

// Air puts an approved request on air as its author wished. A request that is on
// air already is left alone.
func (s *Service) Air(ctx context.Context, digest protocol.Digest) error {
	r, err := s.requests.Request(ctx, digest)
	if err != nil {
		return fmt.Errorf("air: %w", err)
	}
	if r.Approved.IsZero() || !r.Aired.IsZero() || r.Bulletin.Wish == nil {
		return nil
	}
	if r.Bulletin.Wish.When == bulletin.InProgrammes {
		return s.store.Aired(ctx, digest, s.now())
	}
	_, err = s.air(ctx, r, *r.Bulletin.Wish, r.Bulletin.Author, true)
	if errors.Is(err, problem.ErrConflict) {
		return nil
	}
	return err
}

func (s *Service) air(ctx context.Context, r approval.Request, w bulletin.Wish, by protocol.PersonID, wished bool) (Airing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, err := protocol.NewID(s.now(), rand.Reader)
	if err != nil {
		return Airing{}, err
	}
	encoded, err := r.Approval()
	if err != nil {
		return Airing{}, fmt.Errorf("air: %w", err)
	}
	d := draft{id: protocol.AiringID(id), request: r, wish: w, by: by, zone: s.zone, now: s.now()}
	if d.bulletin, err = s.documents.Document(r.Bulletin.Bytes); err != nil {
		return Airing{}, fmt.Errorf("air: %w", err)
	}
	if d.approval, err = s.documents.Document(encoded); err != nil {
		return Airing{}, fmt.Errorf("air: %w", err)
	}
	a, err := d.build()
	if err != nil {
		return Airing{}, err
	}
	if err := s.store.Air(ctx, a, wished); err != nil {
		return Airing{}, fmt.Errorf("air: %w", err)
	}
	var errs []error
	if a.Wire.Class == protocol.ClassEmergency {
		for _, u := range a.Units {
			wire := a.In(u)
			alert := protocol.Alert{Version: protocol.Version, Airing: &wire, Bulletin: r.Bulletin.Bytes, Approval: encoded, Zone: s.zone.String()}
			errs = append(errs, s.publisher.Alert(ctx, u, alert, a.Last))
		}
	}
	errs = append(errs, s.publisher.Publish(ctx, a.Units))
	return a, errors.Join(errs...)
}

// Again airs an approved bulletin once more, within its approval. It needs no new
// signature; what lies outside is refused with what to do.
func (s *Service) Again(ctx context.Context, a account.Actor, statement protocol.Digest, w bulletin.Wish) (Airing, error) {
	r, err := s.requests.Request(ctx, statement)
	if errors.Is(err, problem.ErrNotFound) {
		return Airing{}, noAiring()
	}
	if err != nil {
		return Airing{}, fmt.Errorf("again: %w", err)
	}
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return Airing{}, err
	}
	if !a.May(account.Read, tree.Path(r.Bulletin.Unit)) {
		return Airing{}, noAiring()
	}
	if r.Approved.IsZero() {
		return Airing{}, problem.New(problem.ErrConflict, "not-approved", "", "Bản tin này chưa được duyệt nên chưa phát được. Hãy gửi duyệt trước.", "This bulletin has not been approved, so it cannot be aired. Submit it for approval first.")
	}
	if len(w.Units) == 0 {
		w.Units = slices.Clone(r.Bulletin.Wish.Units)
	}
	for _, u := range w.Units {
		path := tree.Path(u)
		if !a.May(account.Schedule, path) {
			return Airing{}, problem.New(problem.ErrForbidden, "forbidden", "wish.units", "Tài khoản này không được đặt lịch ở nơi đó. Hãy chọn nơi khác, hoặc hỏi quản trị viên.", "This account may not schedule in those units. Choose others, or ask the administrator.")
		}
		if !slices.ContainsFunc(path, func(p protocol.UnitID) bool { return slices.Contains(r.Statement.Units, p) }) {
			return Airing{}, outside("wish.units")
		}
	}
	if w.When == bulletin.InProgrammes {
		return Airing{}, problem.New(problem.ErrInvalid, "when", "wish.when", "Hãy thêm bản tin vào chương trình, hoặc chọn giờ phát.", "Put the bulletin into a programme, or choose a time.")
	}
	st, err := approval.Derive(r.Bulletin, r.Bulletin.Digest, w, s.zone, s.now())
	if err != nil {
		return Airing{}, err
	}
	st.LastDay = min(st.LastDay, max(st.FirstDay, r.Statement.LastDay)) // "now" asks for a day more than it needs
	switch {
	case st.FirstDay < r.Statement.FirstDay || st.LastDay > r.Statement.LastDay:
		return Airing{}, outside("wish.start")
	case st.Night && !r.Statement.Night:
		return Airing{}, outside("wish.night")
	case st.Drill != r.Statement.Drill:
		return Airing{}, outside("wish.drill")
	}
	if err := s.room(ctx, r, w); err != nil {
		return Airing{}, err
	}
	return s.air(ctx, r, w, a.Person, false)
}

func outside(field string) error {
	return problem.New(problem.ErrConflict, "outside-approval", field, "Lần phát này nằm ngoài phạm vi đã duyệt. Hãy gửi duyệt lại bản tin.", "This airing lies outside of what was approved. Submit the bulletin for approval again.")
}

func noAiring() error {
	return problem.New(problem.ErrNotFound, "no-airing", "", "Không có lịch phát này. Hãy mở lại danh sách.", "There is no such airing. Open the list again.")
}

// listed is how many airings a list has at most, the newest ones.
const listed = 2000

// List returns the airings in the actor's units whose windows reach beyond since,
// without those that others have replaced.
func (s *Service) List(ctx context.Context, a account.Actor, since time.Time) ([]Airing, error) {
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return nil, err
	}
	var units []protocol.UnitID
	for _, u := range a.Units(account.Read) {
		units = append(units, tree.Below(u)...)
		units = append(units, tree.Path(u)...) // what is aired above is heard here too
	}
	slices.Sort(units)
	airings, err := s.store.Airings(ctx, slices.Compact(units), since)
	if err != nil {
		return nil, err
	}
	airings = airings[:min(len(airings), listed)]
	replaced, err := s.store.Successors(ctx, idsOf(airings))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(airings, func(a Airing) bool { return replaced[a.Wire.ID] != "" }), nil
}

func idsOf(airings []Airing) []protocol.AiringID {
	ids := make([]protocol.AiringID, len(airings))
	for i, a := range airings {
		ids[i] = a.Wire.ID
	}
	return ids
}

// Get returns an airing that the actor may see.
func (s *Service) Get(ctx context.Context, a account.Actor, id protocol.AiringID) (Airing, error) {
	air, err := s.store.Airing(ctx, id)
	if errors.Is(err, problem.ErrNotFound) {
		return Airing{}, noAiring()
	}
	if err != nil {
		return Airing{}, fmt.Errorf("airing: %w", err)
	}
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return Airing{}, err
	}
	for _, u := range air.Units {
		if a.May(account.Read, tree.Path(u)) {
			return air, nil
		}
	}
	return Airing{}, noAiring()
}

// Withdraw takes an airing back: what has begun is cut, what has not vanishes.
func (s *Service) Withdraw(ctx context.Context, a account.Actor, id protocol.AiringID) error {
	air, err := s.Get(ctx, a, id)
	if err != nil {
		return err
	}
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return err
	}
	for _, u := range air.Units {
		if !a.May(account.Schedule, tree.Path(u)) {
			return problem.New(problem.ErrForbidden, "forbidden", "", "Tài khoản này không được rút lịch phát đó. Hãy hỏi đơn vị xếp lịch.", "This account may not withdraw that airing. Ask the unit that scheduled it.")
		}
	}
	if err := s.store.Withdraw(ctx, id, s.now()); err != nil {
		if errors.Is(err, problem.ErrConflict) {
			return problem.New(problem.ErrConflict, "withdrawn-already", "", "Lịch phát này đã được rút. Hãy mở lại danh sách.", "This airing has been withdrawn already. Open the list again.").Because(err)
		}
		return fmt.Errorf("withdraw: %w", err)
	}
	return s.publisher.Publish(ctx, air.Units)
}
