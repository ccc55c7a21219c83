package main

import (
	"fmt"
	"time"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/protocol"
)

type trustRegistrarCmd struct {
	rootFlags
	Unit                     string `arg:"" help:"Id or code of the unit: a district or commune."`
	Until                    string `help:"Last day, 2036-12-31; default is ten years from now."`
	NewRegistrarPasswordFile string `help:"File with the new registrar's password; - is standard input."`
}

// Run makes a registrar's key for a unit below the hub's own, and delegates to it.
func (c *trustRegistrarCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		unit, err := findUnit(s, b, c.Unit)
		if err != nil {
			return err
		}
		if unit.Parent == "" {
			return fmt.Errorf("%w: %s has its registrar since init; for another one: loa-hub trust rotate --role registrar", errRefused, unit.ID)
		}
		if d, err := held(s, b, protocol.RoleRegistrar, unit.ID); err == nil && d.Until > protocol.InstantOf(time.Now()) {
			return fmt.Errorf("%w: %s has a registrar; for another one: loa-hub trust rotate --role registrar --unit %s", errRefused, unit.ID, unit.ID)
		}
		return c.give(s, b, unit.ID, []protocol.UnitID{unit.ID}, c.NewRegistrarPasswordFile, c.Until)
	})
}

// give makes the key of a unit's registrar, "" for the hub's own, and delegates units
// to it until a day.
func (f rootFlags) give(s *session, b *hub.Base, unit protocol.UnitID, units []protocol.UnitID, passwordFile, day string) error {
	now := time.Now()
	last, err := until(day, now, b.Zone)
	if err != nil {
		return err
	}
	password, err := s.secret(passwordFile, "Mật khẩu mới của người giữ sổ đăng ký / new registrar's password", "--new-registrar-password-file")
	if err != nil {
		return err
	}
	if len([]rune(password)) < account.MinPassword {
		return fmt.Errorf("%w: a password has at least %d characters", errRefused, account.MinPassword)
	}
	key, err := b.Keys.Next(protocol.RoleRegistrar, unit, password)
	if err != nil {
		return err
	}
	a, err := hub.DelegationAct(protocol.RoleRegistrar, key, units, now, last)
	if err != nil {
		return err
	}
	return f.finish(s, b, a)
}

type trustRotateCmd struct {
	rootFlags
	Role                     string `help:"hub or registrar." enum:"hub,registrar" required:""`
	Unit                     string `help:"Id or code of the registrar's unit; default is the hub's own."`
	NewRegistrarPasswordFile string `help:"File with the new registrar's password; - is standard input."`
}

// Run gives a role a new key.
func (c *trustRotateCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		role := roleOf(c.Role)
		unit, err := unitOf(s, b, c.Unit)
		if err != nil {
			return err
		}
		d, err := held(s, b, role, unit)
		if err != nil {
			return err
		}
		if role == protocol.RoleRegistrar {
			s.printf("Sau đó hãy ký lại danh sách và nơi đặt thiết bị / then sign lists and places again: loa-hub trust sign-again%s\n", unitFlag(unit))
			return c.give(s, b, unit, d.Units, c.NewRegistrarPasswordFile, "")
		}
		key, err := b.Keys.Next(role, "", "")
		if err != nil {
			return err
		}
		now := time.Now()
		a, err := hub.DelegationAct(role, key, d.Units, now, now.Add(10*365*24*time.Hour))
		if err != nil {
			return err
		}
		return c.finish(s, b, a)
	})
}

func unitFlag(unit protocol.UnitID) string {
	if unit == "" {
		return ""
	}
	return " --unit " + string(unit)
}

type trustSignAgainCmd struct {
	registrarFlags
	Unit string `help:"Id or code of the unit, with all below it; default is the hub's own."`
}

// Run signs anew what the registrar in force stands for.
func (c *trustSignAgainCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		tree, err := b.Registry.Tree(s.ctx)
		if err != nil {
			return err
		}
		units := tree.Top()
		if c.Unit != "" {
			unit, err := findUnit(s, b, c.Unit)
			if err != nil {
				return err
			}
			units = []protocol.UnitID{unit.ID}
		}
		registrar, err := c.password(s)
		if err != nil {
			return err
		}
		signed := 0
		for _, unit := range units {
			lists, err := b.Account.SignAgain(s.ctx, unit, registrar, "")
			if err != nil {
				return err
			}
			rest, err := b.Registry.SignAgain(s.ctx, unit, registrar, "")
			if err != nil {
				return err
			}
			signed += lists + rest
		}
		s.printf("Đã ký lại / signed again: %d\n", signed)
		return nil
	})
}
