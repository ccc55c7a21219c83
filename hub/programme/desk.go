package programme

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// DeskStore keeps programmes, groups and answers. Each method is one transaction.
type DeskStore interface {
	// SaveRundown adds a revision; problem.ErrConflict if it is there already.
	SaveRundown(ctx context.Context, r Rundown) error
	WithdrawRundown(ctx context.Context, id RundownID, at time.Time) error
	// Rundown returns the newest revision.
	Rundown(ctx context.Context, id RundownID) (Rundown, error)
	// Rundowns lists the newest revisions of all programmes, newest first.
	Rundowns(ctx context.Context) ([]Rundown, error)
	// Standing lists a programme's airings that are neither withdrawn nor over.
	Standing(ctx context.Context, id RundownID, now time.Time) ([]Standing, error)
	// Parts lists which airings are items of programmes.
	Parts(ctx context.Context, airings []protocol.AiringID) (map[protocol.AiringID]RundownID, error)
	// Recast adds airings to a programme and withdraws others, all at once.
	Recast(ctx context.Context, id RundownID, add []Standing, withdraw []protocol.AiringID, at time.Time) error

	SaveGroup(ctx context.Context, g Group) error
	Group(ctx context.Context, id GroupID) (Group, error)
	Groups(ctx context.Context) ([]Group, error)
	// SaveAnswers replaces what these communes said before.
	SaveAnswers(ctx context.Context, answers []Answer) error
	Answers(ctx context.Context, id RundownID, revision int) ([]Answer, error)
}

// Library finds the bulletins that items name.
type Library interface {
	Bulletin(ctx context.Context, id protocol.BulletinID) (bulletin.Bulletin, error)
	// ApprovedOf returns a bulletin's newest approved request.
	ApprovedOf(ctx context.Context, id protocol.BulletinID) (approval.Request, error)
}

// Standing is an airing of a programme; Target is the commune of a group that it
// is for, "" without a group.
type Standing struct {
	Airing Airing
	Target protocol.UnitID
}

// Desk is what the hub does with programmes: it turns each into plain airings,
// one an item, and keeps these as the programme says.
type Desk struct {
	air     *Service
	store   DeskStore
	library Library
}

// NewDesk returns a desk that airs by a service.
func NewDesk(air *Service, store DeskStore, library Library) *Desk {
	return &Desk{air: air, store: store, library: library}
}

// Air implements approval.Airer: what was approved goes on air as wished, and
// into the programmes that have waited for it.
func (d *Desk) Air(ctx context.Context, digest protocol.Digest) error {
	return errors.Join(d.air.Air(ctx, digest), d.Settle(ctx))
}

func noRundown() error {
	return problem.New(problem.ErrNotFound, "no-programme", "", "Không có chương trình này. Hãy mở lại danh sách.", "There is no such programme. Open the list again.")
}

// Get returns a programme that the actor may see: of a unit of theirs, or for it.
func (d *Desk) Get(ctx context.Context, a account.Actor, id RundownID) (Rundown, error) {
	r, err := d.store.Rundown(ctx, id)
	if errors.Is(err, problem.ErrNotFound) {
		return Rundown{}, noRundown()
	}
	if err != nil {
		return Rundown{}, fmt.Errorf("programme: %w", err)
	}
	ok, err := d.visible(ctx, a, r)
	if err != nil {
		return Rundown{}, err
	}
	if !ok {
		return Rundown{}, noRundown()
	}
	return r, nil
}

func (d *Desk) visible(ctx context.Context, a account.Actor, r Rundown) (bool, error) {
	tree, err := d.air.registry.Tree(ctx)
	if err != nil {
		return false, err
	}
	if a.May(account.Read, tree.Path(r.Unit)) {
		return true, nil
	}
	units := r.Units
	if r.Group != "" {
		g, err := d.store.Group(ctx, r.Group)
		if err != nil {
			return false, fmt.Errorf("programme: %w", err)
		}
		units = g.Members
	}
	return slices.ContainsFunc(units, func(u protocol.UnitID) bool {
		// A commune sees what is aired in it from above, and an operator what is aired below.
		return a.May(account.Read, tree.Path(u)) || slices.ContainsFunc(a.Units(account.Read), func(own protocol.UnitID) bool { return tree.Contains(u, own) })
	}), nil
}

// List returns the programmes that the actor may see, newest first.
func (d *Desk) List(ctx context.Context, a account.Actor) ([]Rundown, error) {
	all, err := d.store.Rundowns(ctx)
	if err != nil {
		return nil, fmt.Errorf("programmes: %w", err)
	}
	out := []Rundown{}
	for _, r := range all {
		ok, err := d.visible(ctx, a, r)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, r)
		}
	}
	return out, nil
}

// Titles returns the titles of a programme's items, in their order: whoever sees the
// programme may know them, also a commune that is to answer. What is gone has none.
func (d *Desk) Titles(ctx context.Context, r Rundown) ([]string, error) {
	out := make([]string, 0, len(r.Items))
	for _, it := range r.Items {
		b, err := d.library.Bulletin(ctx, it.Bulletin)
		if err != nil && !errors.Is(err, problem.ErrNotFound) {
			return nil, fmt.Errorf("titles: %w", err)
		}
		out = append(out, b.Title)
	}
	return out, nil
}

// Save makes a programme, or a new revision of one that has an id: its airings
// replace those of the revision before, and a slot that has begun is finished
// first. What does not fit is refused by name.
func (d *Desk) Save(ctx context.Context, a account.Actor, r Rundown) (Rundown, error) {
	now := d.air.now()
	r, _, err := d.drafted(ctx, a, r, now)
	if err != nil {
		return Rundown{}, err
	}
	if starts, err := r.Slot.Starts(d.air.zone, now, time.Time{}); err != nil || len(starts) == 0 {
		return Rundown{}, problem.New(problem.ErrInvalid, "in-the-past", "slot.start", "Khung giờ đã qua. Hãy chọn giờ sau lúc này.", "The slot is in the past. Choose a later time.").Because(err)
	}
	if err := d.store.SaveRundown(ctx, r); err != nil {
		if errors.Is(err, problem.ErrConflict) {
			return Rundown{}, problem.New(problem.ErrConflict, "changed-meanwhile", "", "Chương trình vừa được người khác sửa. Hãy mở lại rồi sửa tiếp.", "Somebody else has just changed this programme. Open it again and go on.").Because(err)
		}
		return Rundown{}, fmt.Errorf("save programme: %w", err)
	}
	return r, d.settle(ctx, r.ID)
}

// drafted checks a programme that is to be saved and fills in what is not given.
func (d *Desk) drafted(ctx context.Context, a account.Actor, r Rundown, now time.Time) (Rundown, []part, error) {
	tree, err := d.air.registry.Tree(ctx)
	if err != nil {
		return r, nil, err
	}
	r.By, r.Changed, r.Effective, r.Withdrawn = a.Person, now, now, time.Time{}
	if r.ID == "" {
		id, err := protocol.NewID(now, rand.Reader)
		if err != nil {
			return r, nil, err
		}
		r.ID, r.Revision, r.Created = RundownID(id), 1, now
	} else {
		held, err := d.Get(ctx, a, r.ID)
		if err != nil {
			return r, nil, err
		}
		if !held.Withdrawn.IsZero() {
			return r, nil, problem.New(problem.ErrConflict, "withdrawn-already", "", "Chương trình này đã được rút. Hãy lập chương trình mới.", "This programme has been withdrawn. Make a new one.")
		}
		r.Unit, r.Created, r.Revision = held.Unit, held.Created, held.Revision+1
		if end := held.onAir(d.air.zone, now); !end.IsZero() {
			r.Effective = end
		}
	}
	if err := d.target(ctx, a, r, tree, now); err != nil {
		return r, nil, err
	}
	parts, err := d.parts(ctx, tree, r)
	if err != nil {
		return r, nil, err
	}
	return r, parts, r.check(parts)
}

// onAir returns the end of the slot that a programme is in, zero for none.
func (r Rundown) onAir(zone *time.Location, now time.Time) time.Time {
	if now.Before(r.Effective) {
		return r.Effective
	}
	starts, err := r.Slot.Starts(zone, now.Add(-r.Slot.Length()+time.Millisecond), now.Add(time.Millisecond))
	if err != nil || len(starts) == 0 {
		return time.Time{}
	}
	return starts[len(starts)-1].Add(r.Slot.Length())
}

// target refuses units and groups that are not the actor's to schedule for.
func (d *Desk) target(ctx context.Context, a account.Actor, r Rundown, tree registry.Tree, now time.Time) error {
	forbidden := problem.New(problem.ErrForbidden, "forbidden", "units", "Tài khoản này không được đặt lịch ở nơi đó. Hãy chọn nơi khác, hoặc hỏi quản trị viên.", "This account may not schedule in those units. Choose others, or ask the administrator.")
	if !a.May(account.Schedule, tree.Path(r.Unit)) {
		return forbidden
	}
	if r.Group != "" {
		g, err := d.group(ctx, a, tree, r.Group)
		if err != nil {
			return err
		}
		switch {
		case len(r.Units) > 0:
			return problem.New(problem.ErrInvalid, "units", "units", "Hãy chọn nơi phát hoặc chọn nhóm, không chọn cả hai.", "Choose units or a group, not both.")
		case !a.May(account.Schedule, tree.Path(g.Unit)):
			return forbidden
		case !r.Deadline.After(now):
			return problem.New(problem.ErrInvalid, "deadline", "deadline", "Hạn trả lời của các xã phải sau lúc này.", "The communes' deadline must be in the future.")
		}
		return nil
	}
	if len(r.Units) == 0 {
		return problem.New(problem.ErrInvalid, "no-units", "units", "Chưa chọn nơi phát. Hãy chọn ít nhất một thôn hoặc cả xã.", "No unit is chosen. Choose at least one village or the whole commune.")
	}
	for _, u := range r.Units {
		if !tree.Contains(r.Unit, u) || !a.May(account.Schedule, tree.Path(u)) {
			return forbidden
		}
	}
	return nil
}

// parts reads the bulletins of a programme's items: its unit's, or those of
// units above it.
func (d *Desk) parts(ctx context.Context, tree registry.Tree, r Rundown) ([]part, error) {
	out := make([]part, 0, len(r.Items))
	for i, it := range r.Items {
		b, err := d.library.Bulletin(ctx, it.Bulletin)
		if err != nil && !errors.Is(err, problem.ErrNotFound) {
			return nil, fmt.Errorf("programme: %w", err)
		}
		if err != nil || (!tree.Contains(r.Unit, b.Unit) && !tree.Contains(b.Unit, r.Unit)) {
			return nil, problem.New(problem.ErrInvalid, "no-bulletin", fmt.Sprintf("items[%d]", i),
				fmt.Sprintf("Mục %d: không có bản tin này. Hãy chọn lại.", i+1), fmt.Sprintf("Item %d: there is no such bulletin. Choose it again.", i+1))
		}
		out = append(out, partOf(it, b))
	}
	return out, nil
}

// Withdraw takes a programme back: what sounds of it is cut.
func (d *Desk) Withdraw(ctx context.Context, a account.Actor, id RundownID) error {
	r, err := d.Get(ctx, a, id)
	if err != nil {
		return err
	}
	tree, err := d.air.registry.Tree(ctx)
	if err != nil {
		return err
	}
	if !a.May(account.Schedule, tree.Path(r.Unit)) {
		return problem.New(problem.ErrForbidden, "forbidden", "", "Tài khoản này không được rút chương trình đó. Hãy hỏi đơn vị lập chương trình.", "This account may not withdraw that programme. Ask the unit that made it.")
	}
	if err := d.store.WithdrawRundown(ctx, id, d.air.now()); err != nil {
		if errors.Is(err, problem.ErrConflict) {
			return problem.New(problem.ErrConflict, "withdrawn-already", "", "Chương trình này đã được rút. Hãy mở lại danh sách.", "This programme has been withdrawn already. Open the list again.").Because(err)
		}
		return fmt.Errorf("withdraw programme: %w", err)
	}
	return d.settle(ctx, id)
}

// Settle makes every programme's airings what they should be: after a crash, an
// approval, a deadline, or the end of a slot that was to be finished.
func (d *Desk) Settle(ctx context.Context) error {
	all, err := d.store.Rundowns(ctx)
	if err != nil {
		return fmt.Errorf("programmes: %w", err)
	}
	var errs []error
	for _, r := range all {
		if err := d.settle(ctx, r.ID); err != nil {
			errs = append(errs, fmt.Errorf("programme %s: %w", r.ID, err))
		}
	}
	return errors.Join(errs...)
}
