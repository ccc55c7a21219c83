package account_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

const password = "mật khẩu đủ dài"

func newHub(t *testing.T) *hub.Base {
	t.Helper()
	c := config.Default()
	c.Data = filepath.Join(t.TempDir(), "data")
	if _, err := hub.Init(t.Context(), c, hub.InitOptions{
		RootOut: t.TempDir(), Unit: registry.Unit{ID: "xa", Code: "99001", Name: "Xã mẫu"}, Admin: "quantri", AdminName: "Quản trị", Password: password,
	}); err != nil {
		t.Fatal(err)
	}
	b, err := hub.OpenBase(t.Context(), c, "", nil, hub.Passwords{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func approver(id protocol.PersonID) account.NewPerson {
	return account.NewPerson{ID: id, Name: "Người duyệt", Password: password, Grants: []account.Grant{{Unit: "xa", Role: account.Approver}}}
}

// chain is what a device knows: the root, and what the hub hands out.
func chain(t *testing.T, b *hub.Base) (*envelope.Chain, protocol.Approvers) {
	t.Helper()
	docs, err := b.Registry.TrustFor(t.Context(), []protocol.UnitID{"xa"})
	if err != nil {
		t.Fatal(err)
	}
	c := envelope.NewChainOf(b.Roots)
	var list protocol.Approvers
	for _, d := range docs {
		if d.Kind == envelope.KindDelegation {
			_, err = c.AddDelegation(d.Bytes)
		} else {
			list, err = c.AddApprovers(d.Bytes, []protocol.UnitID{"xa"})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return c, list
}

func TestApproversListFollowsThePeople(t *testing.T) {
	b := newHub(t)
	ctx := t.Context()
	if err := b.Account.Add(ctx, approver("duyet1"), "", ""); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("without the registrar: %v", err)
	}
	if err := b.Account.Add(ctx, approver("duyet1"), "sai mật khẩu", ""); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("wrong registrar's password: %v", err)
	}
	if _, err := b.Account.Person(ctx, "duyet1"); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("a refused person was stored: %v", err)
	}
	for _, id := range []protocol.PersonID{"duyet1", "duyet2"} {
		if err := b.Account.Add(ctx, approver(id), password, ""); err != nil {
			t.Fatal(err)
		}
	}
	_, list := chain(t, b)
	if len(list.People) != 2 || list.People[0].Person != "duyet1" || list.People[1].Until != list.Expires {
		t.Errorf("list %+v", list)
	}
	signer, err := b.Account.Signer(ctx, "duyet1", password)
	if err != nil || signer.Key().ID() != list.People[0].Key.ID() {
		t.Errorf("signer: %v", err)
	}
	if _, err := b.Account.Signer(ctx, "duyet1", "sai mật khẩu"); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("wrong password: %v", err)
	}
	if _, err := b.Account.Signer(ctx, "quantri", password); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("no approver: %v", err)
	}

	if err := b.Account.Disable(ctx, "duyet1", password, "quantri"); err != nil {
		t.Fatal(err)
	}
	_, after := chain(t, b)
	if after.Number <= list.Number || len(after.People) != 2 {
		t.Fatalf("list %+v", after)
	}
	// The entry stays, for what was approved before; its right ended.
	if e := after.People[0]; e.Until > protocol.InstantOf(time.Now().Add(time.Second)) || e.From != list.People[0].From {
		t.Errorf("duyet1 %+v", e)
	}
	if e := after.People[1]; e.Until != after.Expires {
		t.Errorf("duyet2 %+v", e)
	}
	if _, err := b.Account.Signer(ctx, "duyet1", password); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("a disabled person's key: %v", err)
	}
}

// People are called by their names, who shares one by the user name too, and who was
// forgotten by that alone.
func TestPeopleAreCalledByTheirNames(t *testing.T) {
	b := newHub(t)
	ctx := t.Context()
	called := func(want map[protocol.PersonID]string) {
		t.Helper()
		for id, name := range want {
			if got, err := b.Account.Called(ctx, id); err != nil || got != name {
				t.Errorf("%s is called %q, %v, want %q", id, got, err, name)
			}
		}
	}
	for _, id := range []protocol.PersonID{"duyet1", "duyet2"} {
		if err := b.Account.Add(ctx, approver(id), password, ""); err != nil {
			t.Fatal(err)
		}
	}
	called(map[protocol.PersonID]string{"quantri": "Quản trị", "duyet1": "Người duyệt (duyet1)", "duyet2": "Người duyệt (duyet2)"})
	if err := errors.Join(b.Account.Disable(ctx, "duyet2", password, "quantri"), b.Account.Erase(ctx, "duyet2", "quantri")); err != nil {
		t.Fatal(err)
	}
	called(map[protocol.PersonID]string{"duyet1": "Người duyệt", "duyet2": "duyet2"})
	if _, err := b.Account.Called(ctx, "khong-co"); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("nobody's name: %v", err)
	}
}

func TestLostPasswordMakesANewKey(t *testing.T) {
	b := newHub(t)
	ctx := t.Context()
	if err := b.Account.Add(ctx, approver("duyet1"), password, ""); err != nil {
		t.Fatal(err)
	}
	_, before := chain(t, b)
	if err := b.Account.ResetPassword(ctx, "duyet1", "mật khẩu khác hẳn", "", false, ""); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("without the registrar: %v", err)
	}
	if err := b.Account.ResetPassword(ctx, "duyet1", "mật khẩu khác hẳn", password, false, ""); err != nil {
		t.Fatal(err)
	}
	_, after := chain(t, b)
	if len(after.People) != 2 || after.People[0].Key.ID() != before.People[0].Key.ID() || after.People[0].Until >= after.Expires {
		t.Errorf("list %+v", after)
	}
	signer, err := b.Account.Signer(ctx, "duyet1", "mật khẩu khác hẳn")
	if err != nil || signer.Key().ID() != after.People[1].Key.ID() || signer.Key().ID() == before.People[0].Key.ID() {
		t.Errorf("signer: %v", err)
	}
}

// Who approves no more, or stands in for somebody, has a key that a lost password took
// along: a reset must not leave it behind.
func TestALostPasswordTakesNoKeyAlong(t *testing.T) {
	b := newHub(t)
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []protocol.PersonID{"duyet1", "duyet2"} {
		check(b.Account.Add(ctx, approver(id), password, ""))
	}
	editor := []account.Grant{{Unit: "xa", Role: account.Editor}}
	check(b.Account.SetGrants(ctx, "duyet1", editor, "", password, ""))
	check(b.Account.ResetPassword(ctx, "duyet1", "mật khẩu một lần", "", true, ""))
	check(b.Account.ChangePassword(ctx, "duyet1", "mật khẩu một lần", "mật khẩu khác hẳn"))

	check(b.Account.AddDeputy(ctx, account.Deputy{
		Person: "duyet1", For: "duyet2", Unit: "xa", From: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour),
	}, password, ""))
	check(b.Account.ResetPassword(ctx, "duyet1", "mật khẩu lại khác", password, false, ""))
	signer, err := b.Account.Signer(ctx, "duyet1", "mật khẩu lại khác")
	check(err)
	deputies := func() (n int) {
		_, list := chain(t, b)
		for _, a := range list.People {
			if a.Person == "duyet1" && a.Deputy == "duyet2" && a.Until > protocol.InstantOf(time.Now().Add(time.Minute)) {
				if n++; a.Key.ID() != signer.Key().ID() {
					t.Error("the deputy's right is another key's")
				}
			}
		}
		return n
	}
	if n := deputies(); n != 1 {
		t.Errorf("%d rights of the deputy after the password was reset", n)
	}
	if err := b.Account.Disable(ctx, "duyet1", "", ""); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("a deputy disabled without the registrar: %v", err)
	}
	check(b.Account.Disable(ctx, "duyet1", password, ""))
	if n := deputies(); n != 0 {
		t.Errorf("%d rights of a deputy who is disabled", n)
	}
}

func TestChangedPasswordKeepsTheKey(t *testing.T) {
	b := newHub(t)
	ctx := t.Context()
	if err := b.Account.Add(ctx, approver("duyet1"), password, ""); err != nil {
		t.Fatal(err)
	}
	_, before := chain(t, b)
	if err := b.Account.ChangePassword(ctx, "duyet1", password, "mật khẩu khác hẳn"); err != nil {
		t.Fatal(err)
	}
	signer, err := b.Account.Signer(ctx, "duyet1", "mật khẩu khác hẳn")
	if err != nil || signer.Key().ID() != before.People[0].Key.ID() {
		t.Errorf("signer: %v", err)
	}
}

func TestRolesBecomeListsAndBack(t *testing.T) {
	b := newHub(t)
	ctx := t.Context()
	n := account.NewPerson{ID: "soan", Name: "Soạn", Password: password, Grants: []account.Grant{{Unit: "xa", Role: account.Editor}}}
	if err := b.Account.Add(ctx, n, "", ""); err != nil {
		t.Fatal(err)
	}
	will := []account.Grant{{Unit: "xa", Role: account.Approver}}
	if err := b.Account.SetGrants(ctx, "soan", will, "sai mật khẩu", password, ""); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("without the person's password: %v", err)
	}
	if err := b.Account.SetGrants(ctx, "soan", will, password, password, ""); err != nil {
		t.Fatal(err)
	}
	if _, list := chain(t, b); len(list.People) != 1 || list.People[0].Person != "soan" {
		t.Errorf("list %+v", list)
	}
	if err := b.Account.SetGrants(ctx, "soan", n.Grants, "", password, ""); err != nil {
		t.Fatal(err)
	}
	if _, list := chain(t, b); len(list.People) != 1 || list.People[0].Until >= list.Expires {
		t.Errorf("list %+v", list)
	}
	// Without a right nobody would govern them, or could give one back.
	if err := b.Account.SetGrants(ctx, "soan", nil, "", password, ""); !errors.Is(err, problem.ErrInvalid) {
		t.Errorf("the last right is taken: %v", err)
	}
}

func TestTooManyTriesWaitAndThenLogIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		db, err := store.Open(ctx, filepath.Join(t.TempDir(), "hub.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}()
		reg := registry.New(registry.Config{Store: db.Registry(), Zone: time.UTC})
		if err := reg.AddTop(ctx, registry.Unit{ID: "xa", Code: "99001", Name: "Xã", Kind: registry.Commune, ValidFrom: "2000-01-01"}, nil); err != nil {
			t.Fatal(err)
		}
		s, err := account.New(account.Config{
			Store: db.Accounts(), Sessions: db.Accounts(), Units: reg, Hash: argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32},
		})
		if err != nil {
			t.Fatal(err)
		}
		n := account.NewPerson{ID: "soan", Name: "Soạn", Password: password, Grants: []account.Grant{{Unit: "xa", Role: account.Editor}}}
		if err := s.Add(ctx, n, "", ""); err != nil {
			t.Fatal(err)
		}
		for _, id := range []protocol.PersonID{"soan", "khong-co"} {
			for range 5 {
				if _, err := s.LogIn(ctx, id, "sai mật khẩu", "", account.From{Address: "192.0.2.1"}); !errors.Is(err, problem.ErrUnauthorized) {
					t.Errorf("%s: %v", id, err)
				}
			}
			if _, err := s.LogIn(ctx, id, password, "", account.From{Address: "192.0.2.1"}); !errors.Is(err, problem.ErrBusy) {
				t.Errorf("%s, sixth try: %v", id, err)
			}
		}
		if _, err := s.LogIn(ctx, "soan", password, "", account.From{Address: "192.0.2.2"}); err != nil {
			t.Errorf("from elsewhere: %v", err)
		}
		time.Sleep(31 * time.Second) // of the bubble's clock
		if _, err := s.LogIn(ctx, "soan", password, "", account.From{Address: "192.0.2.1"}); err != nil {
			t.Errorf("after half a minute: %v", err)
		}
		_, secret, err := s.CreateToken(ctx, "soan", "x", account.ScopeAll, 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(24*time.Hour - time.Second)
		if a, err := s.Bearer(ctx, secret); err != nil || a.Person != "soan" {
			t.Errorf("a second before its end: %v", err)
		}
		time.Sleep(time.Second)
		if _, err := s.Bearer(ctx, secret); !errors.Is(err, problem.ErrUnauthorized) {
			t.Errorf("at its end: %v", err)
		}
	})
}

func TestPasswordIsTheSameHoweverItIsTyped(t *testing.T) {
	b := newHub(t)
	ctx := t.Context()
	decomposed := "ma\u0302\u0323t kha\u0302\u0309u \u0111u\u0309 da\u0300i"
	if _, err := b.Account.LogIn(ctx, "quantri", decomposed, "", account.From{Address: "192.0.2.1"}); err != nil {
		t.Errorf("decomposed: %v", err)
	}
}

func TestRoleTable(t *testing.T) {
	for role, want := range map[account.Role][]account.Act{
		account.Editor:        {account.Read, account.Write, account.Schedule, account.Stop},
		account.Approver:      {account.Read, account.Approve, account.Schedule, account.Stop},
		account.Operator:      {account.Read, account.Write, account.Schedule, account.Stop},
		account.Administrator: {account.Read, account.Stop, account.Administer, account.Install, account.Audit},
		account.Auditor:       {account.Read, account.Audit},
		account.Technician:    {account.Read, account.Install},
		"":                    nil,
	} {
		a := account.Actor{Person: "p", Grants: []account.Grant{{Unit: "xa", Role: role}}}
		for _, act := range account.Acts() {
			for path, below := range map[string]bool{"xa": true, "dong": true, "tinh": false, "xa-b": false} {
				full := map[string][]protocol.UnitID{"xa": {"tinh", "xa"}, "dong": {"tinh", "xa", "dong"}, "tinh": {"tinh"}, "xa-b": {"tinh", "xa-b"}}[path]
				if got := a.May(act, full); got != (slices.Contains(want, act) && below) {
					t.Errorf("%s may %s in %s: %v", role, act, path, got)
				}
			}
		}
	}
}
