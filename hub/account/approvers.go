package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

const (
	// listLife is how long a list lets new material in; each change renews it.
	listLife = 2 * 365 * 24 * time.Hour
	// keepEnded is how long somebody whose right ended stays on a list, so that
	// what they approved can still be checked.
	keepEnded = 400 * 24 * time.Hour
)

// edit changes the people of a unit's list at an instant.
type edit func(people []protocol.Approver, at, until protocol.Instant) []protocol.Approver

// joins adds a person with keys.
func joins(p Person, keys ...protocol.Key) edit {
	return func(people []protocol.Approver, at, until protocol.Instant) []protocol.Approver {
		for _, key := range keys {
			people = append(people, protocol.Approver{
				Person: p.ID, Name: p.Name, Key: key,
				Classes: []protocol.Class{protocol.ClassNormal, protocol.ClassPriority, protocol.ClassEmergency},
				From:    at, Until: until,
			})
		}
		return people
	}
}

// joinsToo adds one more key of a person: it may what the person might already,
// also with what was put before them until now.
func joinsToo(p Person, key protocol.Key) edit {
	return func(people []protocol.Approver, at, until protocol.Instant) []protocol.Approver {
		since := at
		for _, a := range people {
			if a.Person == p.ID && a.Deputy == "" && a.Until == until {
				since = min(since, a.From)
			}
		}
		return joins(p, key)(people, since, until)
	}
}

// leaves ends a person's right. The entry stays for what was approved before.
func leaves(id protocol.PersonID) edit {
	return ends(func(a protocol.Approver) bool { return a.Person == id })
}

// leavesKey ends what one key may do.
func leavesKey(key protocol.Key) edit {
	return ends(func(a protocol.Approver) bool { return a.Key.ID() == key.ID() })
}

// renews gives what one key may do to another one of the same person.
func renews(old, key protocol.Key) edit {
	return func(people []protocol.Approver, at, _ protocol.Instant) []protocol.Approver {
		for i, a := range people {
			if a.Key.ID() == old.ID() && a.Until > at {
				people[i].Until = max(at, a.From+1)
				a.Key, a.From = key, max(at, a.From)
				people = append(people, a)
			}
		}
		return people
	}
}

func ends(which func(protocol.Approver) bool) edit {
	return func(people []protocol.Approver, at, _ protocol.Instant) []protocol.Approver {
		for i, a := range people {
			if which(a) && a.Until > at {
				people[i].Until = max(at, a.From+1)
			}
		}
		return people
	}
}

// sign makes new lists for units, each from its newest one. Nothing to do
// without units; else the registrar's password is needed.
func (s *Service) sign(ctx context.Context, registrar string, units []protocol.UnitID, now time.Time, edits ...edit) ([]registry.Document, error) {
	return s.signLists(ctx, registrar, units, now, func(l *protocol.Approvers) {
		for _, e := range edits {
			l.People = e(l.People, l.Issued, l.Expires)
		}
	})
}

func (s *Service) signLists(ctx context.Context, registrar string, units []protocol.UnitID, now time.Time, change func(*protocol.Approvers)) ([]registry.Document, error) {
	if len(units) == 0 {
		return nil, nil
	}
	signer, err := s.openRegistrar(ctx, registrar, units)
	if err != nil {
		return nil, err
	}
	return s.sealLists(ctx, signer, units, now, change)
}

func (s *Service) sealLists(ctx context.Context, signer *envelope.Signer, units []protocol.UnitID, now time.Time, change func(*protocol.Approvers)) ([]registry.Document, error) {
	var lists []registry.Document
	for _, unit := range units {
		held, err := s.Approvers(ctx, unit)
		if err != nil {
			return nil, err
		}
		l := s.next(held, unit, now)
		change(&l)
		doc, err := registry.SealDocument(signer, envelope.KindApprovers, string(unit), l.Number, &l, now)
		if err != nil {
			return nil, fmt.Errorf("sign approvers of %s: %w", unit, err)
		}
		lists = append(lists, doc)
	}
	return lists, nil
}

// SignAgain signs the lists of a unit and all below it anew, as they stand: what a
// registrar signed whose key was replaced counts no more. What another registrar
// signed and still counts is left. It returns how many lists that are. Errors: those
// of Units.Registrar.
func (s *Service) SignAgain(ctx context.Context, unit protocol.UnitID, registrar string, by protocol.PersonID) (int, error) {
	tree, err := s.units.Tree(ctx)
	if err != nil {
		return 0, err
	}
	signer, err := s.openRegistrar(ctx, registrar, []protocol.UnitID{unit})
	if err != nil {
		return 0, err
	}
	others, err := s.units.Others(ctx, signer)
	if err != nil {
		return 0, err
	}
	var units []protocol.UnitID
	for _, u := range tree.Below(unit) {
		held, err := s.store.Approvers(ctx, u)
		switch {
		case errors.Is(err, problem.ErrNotFound):
		case err != nil:
			return 0, fmt.Errorf("approvers of %s: %w", u, err)
		case !others(registry.Document{Kind: envelope.KindApprovers, Bytes: held}, tree.Path(u)):
			units = append(units, u)
		}
	}
	now := time.Now()
	lists, err := s.sealLists(ctx, signer, units, now, func(*protocol.Approvers) {})
	if err != nil {
		return 0, err
	}
	c := audit.Act{By: by, At: now, Name: "signed again", Subject: string(unit), Unit: unit, After: map[string]string{"lists": strconv.Itoa(len(lists))}}
	return len(lists), s.passkeys.AddLists(ctx, lists, c)
}

func (s *Service) openRegistrar(ctx context.Context, password string, units []protocol.UnitID) (*envelope.Signer, error) {
	if password == "" {
		return nil, problem.New(problem.ErrForbidden, "registrar-password", "registrar_password",
			"Việc này thay đổi danh sách người duyệt; hãy nhập mật khẩu của người giữ sổ đăng ký.",
			"This changes the list of approvers; give the registrar's password.")
	}
	signer, err := s.units.Registrar(ctx, password, units...)
	if err != nil {
		return nil, fmt.Errorf("sign approvers: %w", err)
	}
	return signer, nil
}

// Approvers returns a unit's newest list; its zero value if there is none.
func (s *Service) Approvers(ctx context.Context, unit protocol.UnitID) (protocol.Approvers, error) {
	b, err := s.store.Approvers(ctx, unit)
	if errors.Is(err, problem.ErrNotFound) {
		return protocol.Approvers{}, nil
	}
	if err != nil {
		return protocol.Approvers{}, fmt.Errorf("approvers of %s: %w", unit, err)
	}
	l, err := DecodeApprovers(b)
	if err != nil {
		return protocol.Approvers{}, fmt.Errorf("approvers of %s: %w", unit, err)
	}
	return l, nil
}

// DecodeApprovers reads a signed list that the hub itself stored, without
// checking who signed it.
func DecodeApprovers(b []byte) (protocol.Approvers, error) {
	payload, err := registry.Payload(b)
	if err != nil {
		return protocol.Approvers{}, err
	}
	return protocol.Unmarshal[protocol.Approvers](payload, envelope.MaxDocument)
}

// next is the list that follows held, with the same people.
func (s *Service) next(held protocol.Approvers, unit protocol.UnitID, now time.Time) protocol.Approvers {
	at, until := protocol.InstantOf(now), protocol.InstantOf(now.Add(listLife))
	people := slices.DeleteFunc(slices.Clone(held.People), func(a protocol.Approver) bool {
		return a.Until < protocol.InstantOf(now.Add(-keepEnded))
	})
	for i, a := range people {
		// Whose right ran to the old list's end keeps it with the new one.
		if a.Until == held.Expires {
			people[i].Until = until
		}
	}
	site := held.Site
	if s.site != nil {
		site = s.site
	}
	return protocol.Approvers{
		Version: protocol.Version, Unit: unit, Number: max(held.Number+1, uint64(at)),
		Issued: at, Expires: until, People: people, Passkeys: held.Passkeys, Site: site,
	}
}

// approving returns the units in which grants make somebody an approver, and those whose
// newest list lets somebody approve now who matches: deputies have no grant.
func (s *Service) approving(ctx context.Context, grants []Grant, now time.Time, who func(protocol.Approver) bool) ([]protocol.UnitID, error) {
	standing, err := s.listed(ctx, func(a protocol.Approver) bool { return a.Until > protocol.InstantOf(now) && who(a) })
	if err != nil {
		return nil, err
	}
	return slices.Compact(slices.Sorted(slices.Values(append(standing, approverUnits(grants)...)))), nil
}

// approverUnits returns the units in which grants make somebody an approver.
func approverUnits(grants []Grant) []protocol.UnitID {
	var units []protocol.UnitID
	for _, g := range grants {
		if g.Role == Approver && !slices.Contains(units, g.Unit) {
			units = append(units, g.Unit)
		}
	}
	slices.Sort(units)
	return units
}
