package bulletin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// JobPrepare is the kind of the job that makes a bulletin's sound; its subject
// is the bulletin's id.
const JobPrepare = "prepare"

// Store keeps bulletins. Each method is one transaction; all return
// problem.ErrNotFound for an id that is not there.
type Store interface {
	// CreateBulletin inserts a revision and, if prepare is set, asks for its job.
	CreateBulletin(ctx context.Context, b Bulletin, prepare bool) error
	// ReviseBulletin is CreateBulletin of a next revision that also voids the
	// statements of the revision before. problem.ErrConflict if there is one already.
	ReviseBulletin(ctx context.Context, b Bulletin, before protocol.BulletinID, prepare bool) error
	// ChangeBulletin replaces a revision that has not changed since b.Changed was
	// read, given as was; problem.ErrConflict if it has.
	ChangeBulletin(ctx context.Context, b Bulletin, was time.Time, prepare bool) error
	Bulletin(ctx context.Context, id protocol.BulletinID) (Bulletin, error)
	Revision(ctx context.Context, work protocol.BulletinID, revision int) (Bulletin, error)
	// Pronunciations returns a unit's own list, by what is written.
	Pronunciations(ctx context.Context, unit protocol.UnitID) ([]Pronunciation, error)
	// SetPronunciations replaces it.
	SetPronunciations(ctx context.Context, unit protocol.UnitID, list []Pronunciation, by protocol.PersonID, at time.Time) error
	// Made returns what was made of a key before.
	Made(ctx context.Context, key protocol.Digest) (Rendition, error)
	// KeepMade remembers what was made of a key, and forgets what is older than MadeFor.
	KeepMade(ctx context.Context, key protocol.Digest, r Rendition, at time.Time) error
	// AddPicture notes a picture that was uploaded; the same again changes nothing.
	AddPicture(ctx context.Context, p protocol.Picture, by protocol.PersonID, at time.Time) error
	Picture(ctx context.Context, digest protocol.Digest) (protocol.Picture, error)
	// Bulletins lists the newest revisions of works in any of units, newest first.
	Bulletins(ctx context.Context, units []protocol.UnitID, state State, limit int) ([]Bulletin, error)
}

// Sounds makes sounds. Its errors are problems that tell people what to do.
type Sounds interface {
	// Check refuses a text that can't be spoken or shown.
	Check(field, text string) error
	// Speak makes a text's sound; said is the unit's list of pronunciations.
	Speak(ctx context.Context, b Bulletin, said map[string]string, report func(stage string, fraction float64)) (Rendition, error)
	// Key names whatever the sound of a bulletin is made of: the same key, the same
	// bytes.
	Key(b Bulletin, said map[string]string) protocol.Digest
	// Has says whether a rendition's file is still there.
	Has(r Rendition) bool
	// Read says how a text is read.
	Read(t Trial, said map[string]string) Reading
	// Sample speaks a short text as a WAV file.
	Sample(ctx context.Context, t Trial, said map[string]string) ([]byte, error)
	// Record makes a recording fit to be heard; said is for its title.
	Record(ctx context.Context, b Bulletin, said map[string]string, report func(stage string, fraction float64)) (Rendition, error)
}

// Units gives the tree of units.
type Units interface {
	Tree(ctx context.Context) (registry.Tree, error)
}

// Invitations knows what people are asked to answer for.
type Invitations interface {
	// Invited says whether the actor may now accept or decline something that
	// would air a bulletin where they answer for it.
	Invited(ctx context.Context, a account.Actor, id protocol.BulletinID) (bool, error)
}

// Service is what the hub does with bulletins.
type Service struct {
	store    Store
	sounds   Sounds
	pictures Pictures
	units    Units
	invited  Invitations
	zone     *time.Location // in which units' days begin
	now      func() time.Time
}

// New returns a service; now is the hub's clock.
func New(store Store, sounds Sounds, pictures Pictures, units Units, invited Invitations, zone *time.Location, now func() time.Time) *Service {
	return &Service{store: store, sounds: sounds, pictures: pictures, units: units, invited: invited, zone: zone, now: now}
}

// notFound is what a person sees of a bulletin in a unit that is not theirs.
func notFound() error {
	return problem.New(problem.ErrNotFound, "no-bulletin", "", "Không có bản tin này. Hãy mở lại danh sách.", "There is no such bulletin. Open the list again.")
}

// may refuses an act on a unit.
func (s *Service) may(ctx context.Context, a account.Actor, act account.Act, unit protocol.UnitID) error {
	tree, err := s.units.Tree(ctx)
	if err != nil {
		return err
	}
	path := tree.Path(unit)
	if !a.May(account.Read, path) {
		return notFound()
	}
	if !a.May(act, path) {
		return problem.New(problem.ErrForbidden, "forbidden", "", "Tài khoản này không được làm việc đó ở đơn vị này. Hãy hỏi quản trị viên.", "This account may not do that in this unit. Ask the administrator.")
	}
	if u, ok := tree.Unit(unit); !ok || !u.Valid(protocol.DateOf(s.now().In(s.zone))) {
		return problem.New(problem.ErrInvalid, "unit-invalid", "unit", "Đơn vị này không còn hiệu lực. Hãy chọn đơn vị thay thế.", "This unit is no longer valid. Choose its successor.")
	}
	return nil
}

// Create takes a new bulletin in and begins to make its sound.
func (s *Service) Create(ctx context.Context, a account.Actor, c Content, origin Origin) (Bulletin, error) {
	if err := s.may(ctx, a, account.Write, c.Unit); err != nil {
		return Bulletin{}, err
	}
	c, err := c.clean(s.sounds.Check)
	if err != nil {
		return Bulletin{}, err
	}
	picture, err := s.chosen(ctx, c)
	if err != nil {
		return Bulletin{}, err
	}
	id, err := protocol.NewID(s.now(), rand.Reader)
	if err != nil {
		return Bulletin{}, err
	}
	b := Bulletin{ID: protocol.BulletinID(id), Work: protocol.BulletinID(id), Revision: 1, Author: a.Person, Origin: origin, Created: s.now()}
	b.take(c, picture, s.now())
	if err := s.store.CreateBulletin(ctx, b, c.Options.Wanted); err != nil {
		return Bulletin{}, fmt.Errorf("create bulletin: %w", err)
	}
	return b, nil
}

// take sets what an author gave and starts over.
func (b *Bulletin) take(c Content, picture *protocol.Picture, now time.Time) {
	b.Layout, b.Picture, b.BoardZone = c.Layout, picture, c.BoardZone
	b.Unit, b.Class, b.Title, b.Text, b.Board, b.Language = c.Unit, c.Class, c.Title, c.Text, c.Board, c.Language
	b.Options, b.Upload = c.Options, c.Upload
	b.Rendition, b.Problem, b.Changed = nil, "", now
	b.State = Ready
	if c.Options.Wanted {
		b.State = Preparing
	}
}

// Edit changes a bulletin. What was submitted stays as it is: the edit is a new,
// unapproved revision, and pending approvals of the old one are void. Seen is the
// edition that the edit is of, "" for whichever is there; what somebody else has
// written since is not overwritten.
func (s *Service) Edit(ctx context.Context, a account.Actor, id protocol.BulletinID, c Content, seen string) (Bulletin, error) {
	b, err := s.Get(ctx, a, id)
	if err != nil {
		return Bulletin{}, err
	}
	if seen != "" && seen != b.Edition() {
		return Bulletin{}, s.changed(problem.ErrConflict)
	}
	c.Unit = b.Unit
	if err := s.may(ctx, a, account.Write, b.Unit); err != nil {
		return Bulletin{}, err
	}
	if b.Relay != nil {
		return Bulletin{}, problem.New(problem.ErrConflict, "relay", "", "Mục tiếp sóng không sửa được. Hãy tạo mục tiếp sóng mới.", "A relay cannot be edited. Make a new one.")
	}
	if c, err = c.clean(s.sounds.Check); err != nil {
		return Bulletin{}, err
	}
	picture, err := s.chosen(ctx, c)
	if err != nil {
		return Bulletin{}, err
	}
	was := b.Changed
	if b.State.Editable() {
		b.take(c, picture, s.now())
		return b, s.changed(s.store.ChangeBulletin(ctx, b, was, c.Options.Wanted))
	}
	next, err := protocol.NewID(s.now(), rand.Reader)
	if err != nil {
		return Bulletin{}, err
	}
	r := Bulletin{ID: protocol.BulletinID(next), Work: b.Work, Revision: b.Revision + 1, Author: a.Person, Origin: b.Origin, Wish: b.Wish, Created: s.now()}
	r.take(c, picture, s.now())
	return r, s.changed(s.store.ReviseBulletin(ctx, r, b.ID, c.Options.Wanted))
}

// changed turns a conflict into what a person should do.
func (s *Service) changed(err error) error {
	if errors.Is(err, problem.ErrConflict) {
		return problem.New(problem.ErrConflict, "changed-meanwhile", "", "Bản tin vừa được người khác sửa. Hãy mở lại rồi sửa tiếp.", "Somebody else has just changed this bulletin. Open it again and go on.").Because(err)
	}
	return err
}

// Get returns a bulletin that the actor may read. Errors: problem.ErrNotFound.
func (s *Service) Get(ctx context.Context, a account.Actor, id protocol.BulletinID) (Bulletin, error) {
	b, own, err := s.find(ctx, a, id)
	if err == nil && !own {
		return Bulletin{}, notFound()
	}
	return b, err
}

// Preview returns a bulletin whose sound and pages the actor may hear and see: one
// that they may read, or one that is approved and that they are asked to take for
// their own commune, as long as they may answer. Errors: problem.ErrNotFound.
func (s *Service) Preview(ctx context.Context, a account.Actor, id protocol.BulletinID) (Bulletin, error) {
	b, own, err := s.find(ctx, a, id)
	if err != nil || own {
		return b, err
	}
	if b.State != Approved {
		return Bulletin{}, notFound()
	}
	invited, err := s.invited.Invited(ctx, a, id)
	if err != nil {
		return Bulletin{}, err
	}
	if !invited {
		return Bulletin{}, notFound()
	}
	return b, nil
}

// find returns a bulletin, and whether it is of a unit in which the actor reads.
func (s *Service) find(ctx context.Context, a account.Actor, id protocol.BulletinID) (Bulletin, bool, error) {
	b, err := s.store.Bulletin(ctx, id)
	if errors.Is(err, problem.ErrNotFound) {
		return Bulletin{}, false, notFound()
	}
	if err != nil {
		return Bulletin{}, false, fmt.Errorf("bulletin %s: %w", id, err)
	}
	tree, err := s.units.Tree(ctx)
	if err != nil {
		return Bulletin{}, false, err
	}
	return b, a.May(account.Read, tree.Path(b.Unit)), nil
}

// Previous returns the revision before a bulletin, so that approvers see what an
// edit has changed. Errors: problem.ErrNotFound, for a first revision too.
func (s *Service) Previous(ctx context.Context, a account.Actor, id protocol.BulletinID) (Bulletin, error) {
	b, err := s.Get(ctx, a, id)
	if err != nil {
		return Bulletin{}, err
	}
	before, err := s.store.Revision(ctx, b.Work, b.Revision-1)
	if errors.Is(err, problem.ErrNotFound) {
		return Bulletin{}, notFound()
	}
	if err != nil {
		return Bulletin{}, fmt.Errorf("revision before %s: %w", id, err)
	}
	return before, nil
}

// List returns the newest revisions in the actor's units, newest first. An empty
// state means all.
func (s *Service) List(ctx context.Context, a account.Actor, state State) ([]Bulletin, error) {
	tree, err := s.units.Tree(ctx)
	if err != nil {
		return nil, err
	}
	var units []protocol.UnitID
	for _, u := range a.Units(account.Read) {
		units = append(units, tree.Below(u)...)
	}
	return s.store.Bulletins(ctx, units, state, 200)
}

// Prepare makes a bulletin's sound: the handler of JobPrepare. What was edited
// meanwhile is left to the job of that edit.
func (s *Service) Prepare(ctx context.Context, subject string, report func(stage string, fraction float64)) error {
	b, err := s.store.Bulletin(ctx, protocol.BulletinID(subject))
	if err != nil {
		return fmt.Errorf("prepare %s: %w", subject, err)
	}
	if b.State != Preparing && b.State != Failed {
		return nil
	}
	was := b.Changed
	r, err := s.prepare(ctx, b, report)
	var p *problem.Problem
	switch {
	case err == nil:
		b.State, b.Rendition, b.Problem = Ready, &r, ""
	case errors.As(err, &p):
		b.State, b.Problem = Failed, p.Vi
	default:
		return fmt.Errorf("prepare %s: %w", subject, err)
	}
	b.Changed = s.now()
	if change := s.store.ChangeBulletin(context.WithoutCancel(ctx), b, was, false); change != nil && !errors.Is(change, problem.ErrConflict) {
		return errors.Join(err, fmt.Errorf("prepare %s: %w", subject, change))
	}
	return err
}
