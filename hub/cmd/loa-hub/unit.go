package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/protocol"
)

type unitCmd struct {
	Import unitImportCmd `cmd:"" help:"Add or change units from CSV: id,code,name,kind,parent,valid_from,valid_until,people,source,counted."`
	List   unitListCmd   `cmd:"" help:"List units."`
	Quiet  unitQuietCmd  `cmd:"" help:"Set a unit's quiet hours."`
	Second unitSecondCmd `cmd:"" name:"second-factor" help:"Set the roles that log in with a second factor only, in a unit and below."`
}

type unitImportCmd struct {
	registrarFlags
	File   string `arg:"" help:"CSV file in UTF-8." type:"path"`
	DryRun bool   `help:"Only check the file."`
}

// Run imports units, all or none.
func (c *unitImportCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) (err error) {
		open := func() (*os.File, error) {
			f, err := os.Open(c.File)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errRefused, err)
			}
			return f, nil
		}
		f, err := open()
		if err != nil {
			return err
		}
		done, err := b.Registry.Import(s.ctx, f, true, "", "")
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		if !c.DryRun {
			var registrar string
			if done.Counted > 0 {
				if registrar, err = c.password(s); err != nil {
					return err
				}
			}
			if f, err = open(); err != nil {
				return err
			}
			done, err = b.Registry.Import(s.ctx, f, false, registrar, "")
			if err = errors.Join(err, f.Close()); err != nil {
				return err
			}
		}
		s.printf("Thêm / added: %d, đổi / changed: %d, như cũ / same: %d, số dân ký / populations signed: %d\n", done.Added, done.Changed, done.Same, done.Counted)
		if c.DryRun {
			s.printf("Chỉ kiểm tra, chưa ghi gì / checked only, nothing was stored\n")
		}
		return nil
	})
}

type unitListCmd struct{}

// Run lists units, parents first.
func (c *unitListCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		tree, err := b.Registry.Tree(s.ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		for _, top := range tree.Top() {
			for _, id := range tree.Below(top) {
				u, _ := tree.Unit(id)
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\n", u.ID, u.Code, u.Kind, u.Parent, u.Name, u.People)
			}
		}
		return w.Flush()
	})
}

type unitQuietCmd struct {
	Unit    string   `arg:"" help:"Id or code of the unit."`
	Periods []string `arg:"" optional:"" help:"Periods of local time like 21:30-05:00; none: those of the unit above."`
}

// Run sets quiet hours.
func (c *unitQuietCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		unit, err := findUnit(s, b, c.Unit)
		if err != nil {
			return err
		}
		var quiet []protocol.Quiet
		for _, p := range c.Periods {
			start, end, _ := strings.Cut(p, "-")
			from, errFrom := time.Parse("15:04", start)
			to, errTo := time.Parse("15:04", end)
			if errFrom != nil || errTo != nil {
				return fmt.Errorf("%w: %.20q is not a period like 21:30-05:00", errRefused, p)
			}
			quiet = append(quiet, protocol.Quiet{Start: uint64(from.Hour()*60 + from.Minute()), End: uint64(to.Hour()*60 + to.Minute())})
		}
		if err := b.Registry.SetQuiet(s.ctx, unit.ID, quiet, ""); err != nil {
			return err
		}
		s.printf("Giờ yên tĩnh của %s / quiet hours: %s\n", unit.Name, strings.Join(c.Periods, ", "))
		return nil
	})
}

type unitSecondCmd struct {
	Unit  string         `arg:"" help:"Id or code of the unit."`
	Roles []account.Role `arg:"" optional:"" help:"editor, approver, operator, administrator, auditor or technician; none ends the demand."`
}

// Run sets which roles need a second factor.
func (c *unitSecondCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		unit, err := findUnit(s, b, c.Unit)
		if err != nil {
			return err
		}
		if err := b.Account.DemandSecond(s.ctx, unit.ID, c.Roles, ""); err != nil {
			return err
		}
		s.printf("Đã đặt / set: %s: %v\n", unit.Name, c.Roles)
		return nil
	})
}
