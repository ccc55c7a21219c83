package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/signing"
	"github.com/loa-vn/loa/protocol"
)

type trustCmd struct {
	Show        trustShowCmd        `cmd:"" help:"Who stands for the roots, and who may approve."`
	NewRoot     trustNewRootCmd     `cmd:"" name:"new-root" help:"Make a root key on its holder's own machine; needs no hub."`
	Delegate    trustDelegateCmd    `cmd:"" help:"Renew a role's delegation, or give it to another key."`
	Registrar   trustRegistrarCmd   `cmd:"" help:"Give a unit a registrar of its own, who signs for it and what is below it, and nowhere else."`
	Rotate      trustRotateCmd      `cmd:"" help:"Give a role a new key; the old one counts no more."`
	Revoke      trustRevokeCmd      `cmd:"" help:"End a role's delegation at once."`
	ReplaceRoot trustReplaceRootCmd `cmd:"" name:"replace-root" help:"Replace a root that was lost, by the others."`
	Sign        trustSignCmd        `cmd:"" help:"Read an act and sign it with a root; needs no hub."`
	Take        trustTakeCmd        `cmd:"" help:"Take an act that enough roots have signed."`
	SignAgain   trustSignAgainCmd   `cmd:"" name:"sign-again" help:"Have a new registrar sign all lists, places and populations, as they stand."`
	Deputy      trustDeputyCmd      `cmd:"" help:"Let somebody approve for another, from one day through another."`
	Strike      trustStrikeCmd      `cmd:"" help:"Take somebody whose key is in the wrong hands off a unit's list; what they approved counts no more."`
	Passkeys    trustPasskeysCmd    `cmd:"" help:"Set the classes that only passkeys may approve in a unit."`
}

// rootFlags are the roots that sign at once; without enough of them the act goes
// into a file, for others to sign.
type rootFlags struct {
	Root             []string `help:"File of a root key that signs now; may be repeated." type:"existingfile"`
	RootPasswordFile string   `help:"File with the roots' password; - is standard input." env:"LOA_ROOT_PASSWORD_FILE"`
	Out              string   `help:"File for an act that is not signed by enough roots yet." default:"act.json" type:"path"`
}

func signWith(s *session, a *signing.Act, files []string, passwordFile string) error {
	for _, file := range files {
		password, err := s.secret(passwordFile, "Mật khẩu của khoá gốc "+file+" / root's password", "--root-password-file")
		if err != nil {
			return err
		}
		priv, err := signing.ReadWrapped(file, password)
		if errors.Is(err, signing.ErrWrongPassword) {
			return fmt.Errorf("%w: %s: wrong password", errRefused, file)
		}
		if err != nil {
			return err
		}
		if err := a.Sign(priv); err != nil {
			return err
		}
	}
	return nil
}

// finish signs an act and takes it, or writes it for others.
func (f rootFlags) finish(s *session, b *hub.Base, a signing.Act) error {
	if err := signWith(s, &a, f.Root, f.RootPasswordFile); err != nil {
		return err
	}
	stand, err := b.Standing(s.ctx)
	if err != nil {
		return err
	}
	if uint64(len(a.Documents[0].Signatures)) < stand.Roots.Threshold {
		if err := a.Write(f.Out); err != nil {
			return err
		}
		s.printf("Cần %d khoá gốc ký, đã có %d. Đưa tệp này cho người giữ khoá: loa-hub trust sign %s --root TỆP; xong: loa-hub trust take %s\n",
			stand.Roots.Threshold, len(a.Documents[0].Signatures), f.Out, f.Out)
		s.printf("%d roots must sign, %d have. Hand this file round: loa-hub trust sign %s --root FILE; then: loa-hub trust take %s\n",
			stand.Roots.Threshold, len(a.Documents[0].Signatures), f.Out, f.Out)
		return nil
	}
	return take(s, b, a)
}

func take(s *session, b *hub.Base, a signing.Act) error {
	if err := b.TakeAct(s.ctx, a, time.Now()); err != nil {
		return err
	}
	for _, d := range a.Documents {
		says, err := d.Says()
		if err != nil {
			return err
		}
		s.printf("Có hiệu lực / in force: %s\n", says)
	}
	s.printf("Nếu đổi khoá của trung tâm, hãy khởi động lại loa-hub serve / restart loa-hub serve after a new hub key\n")
	return nil
}

type trustShowCmd struct{}

// Run shows roots, delegations and lists.
func (c *trustShowCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		stand, err := b.Standing(s.ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		day := func(i protocol.Instant) string { return i.Time().In(b.Zone).Format("2006-01-02") }
		fmt.Fprintf(w, "roots %d\t%d of %d must sign\n", stand.Roots.Number, stand.Roots.Threshold, len(stand.Roots.Keys))
		for _, k := range stand.Roots.Keys {
			fmt.Fprintf(w, "root\t%x\n", string(k.ID()))
		}
		for _, d := range stand.Delegations {
			fmt.Fprintf(w, "%s\t%x\t%v\t%s - %s\n", d.Role, string(d.Key.ID()), d.Units, day(d.From), day(d.Until))
		}
		tree, err := b.Registry.Tree(s.ctx)
		if err != nil {
			return err
		}
		for _, top := range tree.Top() {
			for _, u := range tree.Below(top) {
				l, err := b.Account.Approvers(s.ctx, u)
				if err != nil {
					return err
				}
				if l.Number == 0 {
					continue
				}
				fmt.Fprintf(w, "approvers of %s\t%d\texpires %s\tonly passkeys: %v\n", u, l.Number, day(l.Expires), l.Passkeys)
				for _, p := range l.People {
					fmt.Fprintf(w, "approver\t%s\t%s\t%s - %s\t%s\n", p.Person, p.Key.Kind, day(p.From), day(p.Until), p.Deputy)
				}
			}
		}
		return w.Flush()
	})
}

type trustNewRootCmd struct {
	Out              string `arg:"" help:"File for the key; FILE.pub is its public half, for the hub." type:"path"`
	RootPasswordFile string `help:"File with the key's password; - is standard input." env:"LOA_ROOT_PASSWORD_FILE"`
}

// Run makes a root key.
func (c *trustNewRootCmd) Run(s *session) error {
	password, err := s.secret(c.RootPasswordFile, "Mật khẩu của khoá gốc mới / the new root's password", "--root-password-file")
	if err != nil {
		return err
	}
	if len([]rune(password)) < account.MinPassword {
		return fmt.Errorf("%w: a password has at least %d characters", errRefused, account.MinPassword)
	}
	key, err := signing.NewRoot(c.Out, password)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s is there already; name another file", errRefused, c.Out)
	}
	if err != nil {
		return err
	}
	s.printf("Khoá gốc / root %x: %s, %s.pub\n", string(key.ID()), c.Out, c.Out)
	return nil
}

type trustDelegateCmd struct {
	rootFlags
	Role  string   `help:"hub or registrar." enum:"hub,registrar" required:""`
	Key   string   `help:"File with the public key; default is the key in force." type:"existingfile"`
	Units []string `name:"unit" help:"Ids or codes of units; default are those of the delegation in force."`
	Until string   `help:"Last day, 2036-12-31; default is ten years from now."`
}

func roleOf(name string) protocol.Role {
	if name == "hub" {
		return protocol.RoleHub
	}
	return protocol.RoleRegistrar
}

// held returns the delegation of a role for a unit, or for the hub's own if it is "".
func held(s *session, b *hub.Base, role protocol.Role, unit protocol.UnitID) (protocol.Delegation, error) {
	stand, err := b.Standing(s.ctx)
	if err != nil {
		return protocol.Delegation{}, err
	}
	tree, err := b.Registry.Tree(s.ctx)
	if err != nil {
		return protocol.Delegation{}, err
	}
	of := tree.Top()
	if unit != "" {
		of = []protocol.UnitID{unit}
	}
	for _, d := range slices.Backward(stand.Delegations) {
		if d.Role == role && slices.ContainsFunc(of, func(u protocol.UnitID) bool { return slices.Contains(d.Units, u) }) {
			return d, nil
		}
	}
	return protocol.Delegation{}, fmt.Errorf("%w: no %s is delegated for %v; see loa-hub trust show, loa-hub trust registrar", errRefused, role, of)
}

// unitOf finds the unit of --unit; "" for the hub's own, or without one.
func unitOf(s *session, b *hub.Base, name string) (protocol.UnitID, error) {
	if name == "" {
		return "", nil
	}
	unit, err := findUnit(s, b, name)
	if err != nil {
		return "", err
	}
	if unit.Parent == "" {
		return "", nil
	}
	return unit.ID, nil
}

// until reads a last day; ten years from now if there is none.
func until(text string, now time.Time, zone *time.Location) (time.Time, error) {
	if text == "" {
		return now.Add(10 * 365 * 24 * time.Hour), nil
	}
	day, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: --until wants a day like 2036-12-31", errRefused)
	}
	return day.AddDate(0, 0, 1), nil
}

// Run delegates.
func (c *trustDelegateCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		now := time.Now()
		d := protocol.Delegation{Role: roleOf(c.Role)}
		if c.Key == "" || len(c.Units) == 0 {
			var of protocol.UnitID
			var err error
			if len(c.Units) > 0 {
				if of, err = unitOf(s, b, c.Units[0]); err != nil {
					return err
				}
			}
			if d, err = held(s, b, d.Role, of); err != nil {
				return err
			}
		}
		if c.Key != "" {
			roots, err := signing.ReadRoots(c.Key)
			if err != nil || len(roots.Keys) != 1 {
				return fmt.Errorf("%w: %s holds no public key", errRefused, c.Key)
			}
			d.Key = roots.Keys[0]
		}
		if len(c.Units) > 0 {
			d.Units = nil
			for _, u := range c.Units {
				unit, err := findUnit(s, b, u)
				if err != nil {
					return err
				}
				d.Units = append(d.Units, unit.ID)
			}
		}
		last, err := until(c.Until, now, b.Zone)
		if err != nil {
			return err
		}
		a, err := hub.DelegationAct(d.Role, d.Key, d.Units, now, last)
		if err != nil {
			return err
		}
		return c.finish(s, b, a)
	})
}

type trustRevokeCmd struct {
	rootFlags
	Role string `help:"hub or registrar." enum:"hub,registrar" required:""`
	Unit string `help:"Id or code of the registrar's unit; default is the hub's own."`
}

// Run ends a role's delegation.
func (c *trustRevokeCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		unit, err := unitOf(s, b, c.Unit)
		if err != nil {
			return err
		}
		d, err := held(s, b, roleOf(c.Role), unit)
		if err != nil {
			return err
		}
		now := time.Now()
		a, err := hub.DelegationAct(d.Role, d.Key, d.Units, now, now)
		if err != nil {
			return err
		}
		return c.finish(s, b, a)
	})
}

type trustReplaceRootCmd struct {
	rootFlags
	Lost      []string `help:"Id of the root that was lost, as trust show names it; may be repeated."`
	New       []string `help:"File with a new root's public half; may be repeated." type:"existingfile"`
	Threshold uint64   `help:"How many roots must sign from then on; default is as before."`
}

// Run replaces roots.
func (c *trustReplaceRootCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		var lost []protocol.KeyID
		for _, text := range c.Lost {
			id, err := hex.DecodeString(text)
			if err != nil {
				return fmt.Errorf("%w: %.64q is no id of a root; see loa-hub trust show", errRefused, text)
			}
			lost = append(lost, protocol.KeyID(id))
		}
		var added []protocol.Key
		for _, file := range c.New {
			roots, err := signing.ReadRoots(file)
			if err != nil {
				return fmt.Errorf("%w: %s holds no public key", errRefused, file)
			}
			added = append(added, roots.Keys...)
		}
		a, err := b.RootsAct(s.ctx, lost, added, c.Threshold, time.Now())
		if err != nil {
			return err
		}
		return c.finish(s, b, a)
	})
}

type trustSignCmd struct {
	File             string   `arg:"" help:"The act." type:"existingfile"`
	Root             []string `help:"File of a root key; may be repeated." required:"" type:"existingfile"`
	RootPasswordFile string   `help:"File with the roots' password; - is standard input." env:"LOA_ROOT_PASSWORD_FILE"`
	Yes              bool     `help:"Sign without asking."`
}

// Run shows what an act says, and signs it.
func (c *trustSignCmd) Run(s *session) error {
	a, err := signing.ReadAct(c.File)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	for _, d := range a.Documents {
		says, err := d.Says()
		if err != nil {
			return fmt.Errorf("%w: %s holds something else than lists of roots and delegations: %w", errRefused, c.File, err)
		}
		s.printf("%s\n", says)
	}
	if !c.Yes {
		answer, err := s.ask("Đúng là việc này? gõ KÝ hoặc SIGN / is this what is meant?", "--yes")
		if err != nil {
			return err
		}
		if answer != "KÝ" && answer != "SIGN" {
			return fmt.Errorf("%w: not signed", errRefused)
		}
	}
	if err := signWith(s, &a, c.Root, c.RootPasswordFile); err != nil {
		return err
	}
	if err := a.Write(c.File); err != nil {
		return err
	}
	s.printf("Đã ký / signed by: %d\n", len(a.Documents[0].Signatures))
	return nil
}

type trustTakeCmd struct {
	File string `arg:"" help:"The act." type:"existingfile"`
}

// Run takes an act.
func (c *trustTakeCmd) Run(s *session) error {
	a, err := signing.ReadAct(c.File)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return s.with(func(b *hub.Base) error {
		if err := take(s, b, a); err != nil {
			return err
		}
		return os.Rename(c.File, c.File+".taken")
	})
}

type trustStrikeCmd struct {
	registrarFlags
	Person protocol.PersonID `arg:"" help:"Whose key."`
	Unit   string            `help:"Id or code of the unit." required:""`
}

// Run signs the list without that person.
func (c *trustStrikeCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		unit, err := findUnit(s, b, c.Unit)
		if err != nil {
			return err
		}
		registrar, err := c.password(s)
		if err != nil {
			return err
		}
		if err := b.Account.Strike(s.ctx, unit.ID, c.Person, registrar, ""); err != nil {
			return err
		}
		s.printf("Đã ký danh sách người duyệt / list signed: %s\n", unit.Name)
		return nil
	})
}

type trustDeputyCmd struct {
	registrarFlags
	Person  protocol.PersonID `arg:"" help:"Who stands in."`
	For     protocol.PersonID `help:"For whom."`
	Unit    string            `help:"Id or code of the unit." required:""`
	From    string            `help:"First day; default is today."`
	Through string            `help:"Last day."`
	End     bool              `help:"End this person's dated rights in the unit instead."`
}

// Run names a deputy, or ends one.
func (c *trustDeputyCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		unit, err := findUnit(s, b, c.Unit)
		if err != nil {
			return err
		}
		d := account.Deputy{Person: c.Person, For: c.For, Unit: unit.ID, From: time.Now()}
		if !c.End {
			if c.From != "" {
				if d.From, err = time.ParseInLocation(time.DateOnly, c.From, b.Zone); err != nil {
					return fmt.Errorf("%w: --from wants a day like 2026-12-31", errRefused)
				}
			}
			last, err := time.ParseInLocation(time.DateOnly, c.Through, b.Zone)
			if err != nil || c.For == "" {
				return fmt.Errorf("%w: give --for and --through with a day like 2026-12-31", errRefused)
			}
			d.Until = last.AddDate(0, 0, 1)
		}
		registrar, err := c.password(s)
		if err != nil {
			return err
		}
		if c.End {
			err = b.Account.EndDeputy(s.ctx, unit.ID, c.Person, registrar, "")
		} else {
			err = b.Account.AddDeputy(s.ctx, d, registrar, "")
		}
		if err != nil {
			return err
		}
		s.printf("Đã ký danh sách người duyệt / list signed: %s\n", unit.Name)
		return nil
	})
}

type trustPasskeysCmd struct {
	registrarFlags
	Unit    string   `arg:"" help:"Id or code of the unit."`
	Classes []string `arg:"" optional:"" help:"normal, priority, emergency; none: passwords do again." enum:"normal,priority,emergency"`
}

// Run signs the demand into the unit's list.
func (c *trustPasskeysCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		unit, err := findUnit(s, b, c.Unit)
		if err != nil {
			return err
		}
		var classes []protocol.Class
		for _, known := range []protocol.Class{protocol.ClassNormal, protocol.ClassPriority, protocol.ClassEmergency} {
			for _, word := range c.Classes {
				if known.String() == word {
					classes = append(classes, known)
				}
			}
		}
		registrar, err := c.password(s)
		if err != nil {
			return err
		}
		if err := b.Account.DemandPasskeys(s.ctx, unit.ID, classes, registrar, ""); err != nil {
			return err
		}
		s.printf("Chỉ nhận khoá trên điện thoại cho / only passkeys for: %v\n", c.Classes)
		return nil
	})
}
