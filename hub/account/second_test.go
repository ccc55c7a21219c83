package account_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/pquerna/otp/totp"
)

func TestRoleThatDemandsASecondFactorWaitsForIt(t *testing.T) {
	c := config.Default()
	c.Data, c.Console.SecondFactor = filepath.Join(t.TempDir(), "data"), []string{"administrator"}
	ctx := t.Context()
	if _, err := hub.Init(ctx, c, hub.InitOptions{
		RootOut: t.TempDir(), Unit: registry.Unit{ID: "xa", Code: "99001", Name: "Xã mẫu"}, Admin: "quantri", AdminName: "Quản trị", Password: password,
	}); err != nil {
		t.Fatal(err)
	}
	b, err := hub.OpenBase(ctx, c, "", nil, hub.Passwords{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	login, err := b.Account.LogIn(ctx, "quantri", password, "", account.From{Address: "192.0.2.1"})
	if err != nil || login.Actor.Due != account.DueSecond {
		t.Fatalf("due %q, %v", login.Actor.Due, err)
	}
	e, err := b.Account.BeginSecond(ctx, "quantri")
	if err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(e.Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Account.ConfirmSecond(ctx, "quantri", code); err != nil {
		t.Fatal(err)
	}
	if a, err := b.Account.Actor(ctx, login.Session); err != nil || a.Due != "" {
		t.Errorf("due %q, %v", a.Due, err)
	}
}
