package main

import (
	"crypto/rand"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

type userCmd struct {
	Add      userAddCmd      `cmd:"" help:"Add a person."`
	List     userListCmd     `cmd:"" help:"List people."`
	Password userPasswordCmd `cmd:"" help:"Set a new password for somebody who lost it."`
	Identity userIdentityCmd `cmd:"" help:"Say how the provider of log-ins (console.oidc) calls a person."`
	LogOut   userLogOutCmd   `cmd:"" help:"End all log-ins of a person."`
	Disable  userDisableCmd  `cmd:"" help:"End a person's access; what they approved stays approved."`
	Erase    userEraseCmd    `cmd:"" help:"Forget what is personal of somebody who is disabled; the record of acts stays whole."`
}

// registrarFlags give the registrar's password where something is to be signed.
type registrarFlags struct {
	RegistrarPasswordFile string `help:"File with the password of the registrar's key; - is standard input." env:"LOA_REGISTRAR_PASSWORD_FILE"`
}

func (f registrarFlags) password(s *session) (string, error) {
	return s.secret(f.RegistrarPasswordFile, "Mật khẩu của người giữ sổ đăng ký / registrar's password", "--registrar-password-file")
}

type userAddCmd struct {
	registrarFlags
	ID           protocol.PersonID `help:"For logging in: a-z, 0-9 and hyphens." required:""`
	Name         string            `help:"Full name." required:""`
	Role         []account.Role    `help:"editor, approver, operator, administrator, auditor or technician; may be repeated." required:""`
	Unit         string            `help:"Id or code of the unit; the role holds below it too." required:""`
	PasswordFile string            `help:"File with the new person's password; - is standard input." env:"LOA_PASSWORD_FILE"`
	OneTime      bool              `help:"Print a password for the first log-in, at which it has to be changed."`
}

// Run adds a person.
func (c *userAddCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		unit, err := findUnit(s, b, c.Unit)
		if err != nil {
			return err
		}
		n := account.NewPerson{ID: c.ID, Name: c.Name}
		approver := false
		for _, r := range c.Role {
			n.Grants = append(n.Grants, account.Grant{Unit: unit.ID, Role: r})
			approver = approver || r == account.Approver
		}
		if c.OneTime {
			n.Password, n.OneTime = strings.ToLower(rand.Text()[:14]), true
		} else if n.Password, err = s.secret(c.PasswordFile, "Mật khẩu của "+string(c.ID)+" / password", "--password-file"); err != nil {
			return err
		}
		var registrar string
		if approver {
			if registrar, err = c.password(s); err != nil {
				return err
			}
		}
		if err := b.Account.Add(s.ctx, n, registrar, ""); err != nil {
			return err
		}
		s.printf("Đã thêm / added: %s (%s)\n", n.ID, unit.Name)
		if c.OneTime {
			s.printf("Mật khẩu dùng một lần / one-time password: %s\n", n.Password)
		}
		return nil
	})
}

type userListCmd struct{}

// Run lists people.
func (c *userListCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		people, err := b.Account.People(s.ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		for _, p := range people {
			state := ""
			if !p.Disabled.IsZero() {
				state = "disabled " + p.Disabled.In(b.Zone).Format("2006-01-02")
			}
			fmt.Fprintf(w, "%s\t%s\t%s", p.ID, p.Name, state)
			for _, g := range p.Grants {
				fmt.Fprintf(w, "\t%s@%s", g.Role, g.Unit)
			}
			fmt.Fprintln(w)
		}
		return w.Flush()
	})
}

type userPasswordCmd struct {
	registrarFlags
	ID           protocol.PersonID `arg:"" help:"Whose."`
	PasswordFile string            `help:"File with the new password; - is standard input." env:"LOA_PASSWORD_FILE"`
}

// Run sets a password.
func (c *userPasswordCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		p, err := b.Account.Person(s.ctx, c.ID)
		if err != nil {
			return fmt.Errorf("%w: there is no person %s", errRefused, c.ID)
		}
		password, err := s.secret(c.PasswordFile, "Mật khẩu mới của "+string(c.ID)+" / new password", "--password-file")
		if err != nil {
			return err
		}
		registrar, err := c.ifApprover(s, p)
		if err != nil {
			return err
		}
		if err := b.Account.ResetPassword(s.ctx, c.ID, password, registrar, false, ""); err != nil {
			return err
		}
		s.printf("Đã đổi mật khẩu / password set: %s\n", c.ID)
		return nil
	})
}

// ifApprover asks for the registrar's password if a list is to be signed anew.
func (f registrarFlags) ifApprover(s *session, p account.Person) (string, error) {
	for _, g := range p.Grants {
		if g.Role == account.Approver {
			return f.password(s)
		}
	}
	return "", nil
}

type userDisableCmd struct {
	registrarFlags
	ID protocol.PersonID `arg:"" help:"Whose access ends."`
}

// Run disables a person.
func (c *userDisableCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		p, err := b.Account.Person(s.ctx, c.ID)
		if err != nil {
			return fmt.Errorf("%w: there is no person %s", errRefused, c.ID)
		}
		registrar, err := c.ifApprover(s, p)
		if err != nil {
			return err
		}
		if err := b.Account.Disable(s.ctx, c.ID, registrar, ""); err != nil {
			return err
		}
		s.printf("Đã khoá / disabled: %s\n", c.ID)
		return nil
	})
}

type userEraseCmd struct {
	ID protocol.PersonID `arg:"" help:"Whose data are erased."`
}

// Run erases what is personal of somebody.
func (c *userEraseCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		if err := b.Account.Erase(s.ctx, c.ID, ""); err != nil {
			return err
		}
		s.printf("Đã xoá dữ liệu cá nhân / personal data erased: %s\n", c.ID)
		return nil
	})
}

// findUnit finds a unit by its id, or by its code if only one has it.
func findUnit(s *session, b *hub.Base, name string) (registry.Unit, error) {
	tree, err := b.Registry.Tree(s.ctx)
	if err != nil {
		return registry.Unit{}, err
	}
	if u, ok := tree.Unit(protocol.UnitID(name)); ok {
		return u, nil
	}
	var found []registry.Unit
	for _, top := range tree.Top() {
		for _, id := range tree.Below(top) {
			if u, ok := tree.Unit(id); ok && u.Code == name && name != "" {
				found = append(found, u)
			}
		}
	}
	switch len(found) {
	case 0:
		return registry.Unit{}, fmt.Errorf("%w: no unit has the id or code %.64q; loa-hub unit list shows them", errRefused, name)
	case 1:
	default:
		return registry.Unit{}, fmt.Errorf("%w: %d units have the code %.64q; give the id of one from loa-hub unit list", errRefused, len(found), name)
	}
	return found[0], nil
}

type userIdentityCmd struct {
	ID   protocol.PersonID `arg:"" help:"Who."`
	Name string            `arg:"" optional:"" help:"As the claim of console.oidc has it, an e-mail address say; nothing ends it."`
}

// Run links a person with the provider's account.
func (c *userIdentityCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		if err := b.Account.SetIdentity(s.ctx, c.ID, c.Name, ""); err != nil {
			return err
		}
		s.printf("Đã gắn / linked: %s: %q\n", c.ID, c.Name)
		return nil
	})
}

type userLogOutCmd struct {
	ID protocol.PersonID `arg:"" help:"Who."`
}

// Run ends a person's log-ins.
func (c *userLogOutCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		if _, err := b.Account.Person(s.ctx, c.ID); err != nil {
			return err
		}
		if err := b.Account.EndSessions(s.ctx, c.ID, "", ""); err != nil {
			return err
		}
		s.printf("Đã kết thúc mọi phiên đăng nhập / all log-ins ended: %s\n", c.ID)
		return nil
	})
}
