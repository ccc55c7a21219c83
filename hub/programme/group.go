package programme

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// GroupID names a group of communes.
type GroupID string

// Group is communes for which an operator above schedules together. Each may
// accept or decline a programme until its deadline; then Accept stands for those
// that have said nothing, and that is recorded as their answer.
type Group struct {
	ID      GroupID
	Unit    protocol.UnitID // whose
	Name    string
	Members []protocol.UnitID
	Accept  bool
	By      protocol.PersonID
	Created time.Time
}

// Answer is what a commune said to one revision of a programme.
type Answer struct {
	Rundown  RundownID
	Revision int
	Unit     protocol.UnitID
	Accepted bool
	// By is who said so; "" means that nobody did, and the group's rule stands.
	By protocol.PersonID
	At time.Time
}

// SaveGroup makes a group, or changes one that has an id.
func (d *Desk) SaveGroup(ctx context.Context, a account.Actor, g Group) (Group, error) {
	tree, err := d.air.registry.Tree(ctx)
	if err != nil {
		return Group{}, err
	}
	if g.ID != "" {
		held, err := d.group(ctx, a, tree, g.ID)
		if err != nil {
			return Group{}, err
		}
		g.Unit, g.Created = held.Unit, held.Created
	}
	if !a.May(account.Schedule, tree.Path(g.Unit)) {
		return Group{}, problem.New(problem.ErrForbidden, "forbidden", "unit", "Tài khoản này không được lập nhóm ở đơn vị đó. Hãy hỏi quản trị viên.", "This account may not make groups of that unit. Ask the administrator.")
	}
	g.Members = slices.Compact(slices.Sorted(slices.Values(g.Members)))
	switch {
	case g.Name == "" || utf8.RuneCountInString(g.Name) > 200:
		return Group{}, problem.New(problem.ErrInvalid, "name", "name", "Hãy đặt tên nhóm, tối đa 200 ký tự.", "Name the group, in at most 200 characters.")
	case len(g.Members) == 0 || len(g.Members) > 500:
		return Group{}, problem.New(problem.ErrInvalid, "members", "members", "Nhóm phải có từ 1 đến 500 xã.", "A group has 1 to 500 communes.")
	}
	for _, m := range g.Members {
		if u, ok := tree.Unit(m); !ok || u.Kind != registry.Commune || !tree.Contains(g.Unit, m) {
			return Group{}, problem.New(problem.ErrInvalid, "members", "members", "Nhóm chỉ gồm các xã, phường thuộc đơn vị lập nhóm. Hãy chọn lại.", "A group has communes of the unit that makes it, and nothing else. Choose again.")
		}
	}
	now := d.air.now()
	if g.ID == "" {
		id, err := protocol.NewID(now, rand.Reader)
		if err != nil {
			return Group{}, err
		}
		g.ID, g.Created = GroupID(id), now
	}
	g.By = a.Person
	if err := d.store.SaveGroup(ctx, g); err != nil {
		return Group{}, fmt.Errorf("save group: %w", err)
	}
	return g, d.Settle(ctx)
}

// Groups lists the groups that the actor may see: their own units', and those
// that one of their units is a member of.
func (d *Desk) Groups(ctx context.Context, a account.Actor) ([]Group, error) {
	tree, err := d.air.registry.Tree(ctx)
	if err != nil {
		return nil, err
	}
	all, err := d.store.Groups(ctx)
	if err != nil {
		return nil, fmt.Errorf("groups: %w", err)
	}
	return slices.DeleteFunc(all, func(g Group) bool { return !sees(a, tree, g) }), nil
}

func sees(a account.Actor, tree registry.Tree, g Group) bool {
	return a.May(account.Read, tree.Path(g.Unit)) ||
		slices.ContainsFunc(g.Members, func(m protocol.UnitID) bool { return a.May(account.Read, tree.Path(m)) })
}

func (d *Desk) group(ctx context.Context, a account.Actor, tree registry.Tree, id GroupID) (Group, error) {
	g, err := d.store.Group(ctx, id)
	if err != nil && !errors.Is(err, problem.ErrNotFound) {
		return Group{}, fmt.Errorf("group: %w", err)
	}
	if err != nil || !sees(a, tree, g) {
		return Group{}, problem.New(problem.ErrNotFound, "no-group", "group", "Không có nhóm này. Hãy mở lại danh sách.", "There is no such group. Open the list again.")
	}
	return g, nil
}

// Answer accepts or declines a group's programme for one of its communes. Only
// that commune's own people can, and only until the deadline.
func (d *Desk) Answer(ctx context.Context, a account.Actor, id RundownID, unit protocol.UnitID, accept bool) error {
	r, err := d.Get(ctx, a, id)
	if err != nil {
		return err
	}
	now := d.air.now()
	switch {
	case r.Group == "":
		return problem.New(problem.ErrConflict, "no-group", "", "Chương trình này không phát theo nhóm nên không cần trả lời. Hãy mở lại danh sách.", "This programme is not for a group, so it needs no answer. Open the list again.")
	case !owns(a, unit):
		return problem.New(problem.ErrForbidden, "not-own", "", "Chỉ người của chính xã đó được nhận hoặc từ chối chương trình. Hãy để xã đó trả lời.", "Only a commune's own people accept or decline a programme. Leave the answer to them.")
	case !r.Withdrawn.IsZero():
		return problem.New(problem.ErrConflict, "withdrawn-already", "", "Chương trình này đã được rút. Hãy mở lại danh sách.", "This programme has been withdrawn. Open the list again.")
	case !now.Before(r.Deadline):
		return problem.New(problem.ErrConflict, "deadline-passed", "", "Đã hết hạn trả lời. Hãy liên hệ đơn vị lập chương trình.", "The deadline has passed. Ask the unit that made the programme.")
	}
	g, err := d.store.Group(ctx, r.Group)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if !slices.Contains(g.Members, unit) {
		return problem.New(problem.ErrNotFound, "not-a-member", "", "Xã này không thuộc nhóm của chương trình. Hãy mở lại danh sách.", "This commune is not of the programme's group. Open the list again.")
	}
	if err := d.store.SaveAnswers(ctx, []Answer{{Rundown: id, Revision: r.Revision, Unit: unit, Accepted: accept, By: a.Person, At: now}}); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return d.settle(ctx, id)
}

// owns says whether a commune is the actor's very own, to answer for: a right from a
// unit above is not enough.
func owns(a account.Actor, unit protocol.UnitID) bool {
	return slices.ContainsFunc(a.Grants, func(g account.Grant) bool {
		return g.Unit == unit && (account.Actor{Grants: []account.Grant{g}}).May(account.Schedule, []protocol.UnitID{unit})
	})
}

// ownOf returns the communes of a group that are the actor's very own.
func ownOf(a account.Actor, g Group) []protocol.UnitID {
	return slices.DeleteFunc(slices.Clone(g.Members), func(m protocol.UnitID) bool { return !owns(a, m) })
}

// awaits says whether communes may still accept or decline a programme.
func (r Rundown) awaits(now time.Time) bool {
	return r.Group != "" && r.Withdrawn.IsZero() && now.Before(r.Deadline)
}

// answers says whether the actor may now accept or decline a programme for a commune.
func (d *Desk) answers(ctx context.Context, a account.Actor, r Rundown) (bool, error) {
	if !r.awaits(d.air.now()) {
		return false, nil
	}
	g, err := d.store.Group(ctx, r.Group)
	if err != nil {
		return false, fmt.Errorf("group of a programme: %w", err)
	}
	return len(ownOf(a, g)) > 0, nil
}

// Invited implements bulletin.Invitations: who may answer a programme hears first
// what is in it.
func (d *Desk) Invited(ctx context.Context, a account.Actor, id protocol.BulletinID) (bool, error) {
	all, err := d.store.Rundowns(ctx)
	if err != nil {
		return false, fmt.Errorf("invited: %w", err)
	}
	for _, r := range all {
		if !slices.ContainsFunc(r.Items, func(it Item) bool { return it.Bulletin == id }) {
			continue
		}
		if ok, err := d.answers(ctx, a, r); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// Contents returns the approved bulletins of a programme, each once, for who may
// answer it; nothing for others.
func (d *Desk) Contents(ctx context.Context, a account.Actor, r Rundown) ([]bulletin.Bulletin, error) {
	if ok, err := d.answers(ctx, a, r); !ok || err != nil {
		return nil, err
	}
	var out []bulletin.Bulletin
	for _, it := range r.Items {
		if slices.ContainsFunc(out, func(b bulletin.Bulletin) bool { return b.ID == it.Bulletin }) {
			continue
		}
		b, err := d.library.Bulletin(ctx, it.Bulletin)
		if err != nil && !errors.Is(err, problem.ErrNotFound) {
			return nil, fmt.Errorf("contents: %w", err)
		}
		if b.State == bulletin.Approved {
			out = append(out, b)
		}
	}
	return out, nil
}

// Asked returns the actor's own communes that a programme waits for: they have not
// answered it yet, and still may.
func (d *Desk) Asked(ctx context.Context, a account.Actor, r Rundown) ([]protocol.UnitID, error) {
	if !r.awaits(d.air.now()) {
		return nil, nil
	}
	g, err := d.store.Group(ctx, r.Group)
	if err != nil {
		return nil, fmt.Errorf("asked: %w", err)
	}
	own := ownOf(a, g)
	if len(own) == 0 {
		return nil, nil
	}
	answers, err := d.store.Answers(ctx, r.ID, r.Revision)
	if err != nil {
		return nil, fmt.Errorf("asked: %w", err)
	}
	return slices.DeleteFunc(own, func(m protocol.UnitID) bool {
		return slices.ContainsFunc(answers, func(said Answer) bool { return said.Unit == m })
	}), nil
}

// Answers returns what the communes of a programme's group have said.
func (d *Desk) Answers(ctx context.Context, a account.Actor, id RundownID) ([]Answer, error) {
	r, err := d.Get(ctx, a, id)
	if err != nil {
		return nil, err
	}
	answers, err := d.store.Answers(ctx, id, r.Revision)
	if err != nil {
		return nil, fmt.Errorf("answers: %w", err)
	}
	return answers, nil
}

// members returns the communes that get a programme as of now. After the
// deadline it writes down the group's rule as the answer of those without one.
func (d *Desk) members(ctx context.Context, r Rundown, now time.Time) ([]protocol.UnitID, error) {
	g, err := d.store.Group(ctx, r.Group)
	if err != nil {
		return nil, err
	}
	answers, err := d.store.Answers(ctx, r.ID, r.Revision)
	if err != nil {
		return nil, err
	}
	said := map[protocol.UnitID]bool{}
	for _, a := range answers {
		said[a.Unit] = a.Accepted
	}
	var silent []Answer
	for _, m := range g.Members {
		if _, ok := said[m]; !ok && !now.Before(r.Deadline) {
			said[m] = g.Accept
			silent = append(silent, Answer{Rundown: r.ID, Revision: r.Revision, Unit: m, Accepted: g.Accept, At: now})
		}
	}
	if len(silent) > 0 {
		if err := d.store.SaveAnswers(ctx, silent); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(slices.Clone(g.Members), func(m protocol.UnitID) bool { return !said[m] }), nil
}
