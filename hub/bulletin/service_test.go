package bulletin

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// tree is a registry of units that stands still.
type tree []registry.Unit

func (t tree) Tree(context.Context) (registry.Tree, error) { return registry.NewTree(t), nil }

// shelf holds bulletins and nothing else.
type shelf struct {
	Store
	held map[protocol.BulletinID]Bulletin
}

func (s shelf) Bulletin(_ context.Context, id protocol.BulletinID) (Bulletin, error) {
	b, ok := s.held[id]
	if !ok {
		return b, problem.ErrNotFound
	}
	return b, nil
}

// asked are people who are asked to take one bulletin.
type asked map[protocol.PersonID]protocol.BulletinID

func (a asked) Invited(_ context.Context, who account.Actor, id protocol.BulletinID) (bool, error) {
	return a[who.Person] == id, nil
}

// Who is asked to take a bulletin of another unit hears that one, once it is approved,
// and still reads nothing of it; another commune does not even learn that it is there.
func TestWhoIsAskedHearsAndNobodyElse(t *testing.T) {
	units := tree{{ID: "tinh", Kind: registry.Province}, {ID: "xa-a", Kind: registry.Commune, Parent: "tinh"}, {ID: "xa-b", Kind: registry.Commune, Parent: "tinh"}}
	held := map[protocol.BulletinID]Bulletin{
		"lu": {ID: "lu", Unit: "tinh", State: Approved}, "khac": {ID: "khac", Unit: "tinh", State: Approved}, "nhap": {ID: "nhap", Unit: "tinh", State: Submitted},
	}
	editor := func(person protocol.PersonID, unit protocol.UnitID) account.Actor {
		return account.Actor{Person: person, Grants: []account.Grant{{Role: account.Editor, Unit: unit}}}
	}
	s := New(shelf{held: held}, nil, nil, units, asked{"soan-a": "lu", "soan-nhap": "nhap"}, time.UTC, time.Now)
	for name, c := range map[string]struct {
		who      account.Actor
		of       protocol.BulletinID
		get, see bool
	}{
		"its own unit":             {editor("tinh", "tinh"), "lu", true, true},
		"who is asked":             {editor("soan-a", "xa-a"), "lu", false, true},
		"who is asked for another": {editor("soan-a", "xa-a"), "khac", false, false},
		"what is not approved yet": {editor("soan-nhap", "xa-a"), "nhap", false, false},
		"a commune not invited":    {editor("soan-b", "xa-b"), "lu", false, false},
		"what is not there":        {editor("soan-a", "xa-a"), "khong", false, false},
	} {
		for act, look := range map[string]func(context.Context, account.Actor, protocol.BulletinID) (Bulletin, error){"get": s.Get, "see": s.Preview} {
			b, err := look(t.Context(), c.who, c.of)
			if want := map[string]bool{"get": c.get, "see": c.see}[act]; (err == nil) != want || want && b.ID != c.of || !want && !errors.Is(err, problem.ErrNotFound) {
				t.Errorf("%s, %s: %q, %v, want %t", name, act, b.ID, err, want)
			}
		}
	}
}

// A unit's days are those of the hub's zone, wherever the server's clock thinks it is:
// a commune that begins today can write from midnight on.
func TestAUnitBeginsAtItsOwnMidnight(t *testing.T) {
	zone := time.FixedZone("", 7*60*60)
	units := tree{{ID: "xa", Code: "1", Name: "Xã", Kind: registry.Commune, ValidFrom: "2026-11-27", ValidUntil: "2026-11-28"}}
	actor := account.Actor{Person: "soan", Grants: []account.Grant{{Role: account.Editor, Unit: "xa"}}}
	for at, want := range map[string]bool{
		"2026-11-26T16:59:59Z": false, "2026-11-26T17:00:00Z": true, "2026-11-27T16:59:59Z": true, "2026-11-27T17:00:00Z": false,
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		s := New(nil, nil, nil, units, nil, zone, func() time.Time { return now })
		if err := s.may(t.Context(), actor, account.Write, protocol.UnitID("xa")); (err == nil) != want {
			t.Errorf("at %s: %v, want %t", at, err, want)
		}
	}
}
