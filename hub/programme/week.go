package programme

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// CopyWeek fills the week of one day with what a unit's programmes do in the
// week of another: each of their slots there, on the same weekday and at the
// same time, as a new programme of single dates. Slots at which the programme
// stands already, and those in the past, are left out.
func (d *Desk) CopyWeek(ctx context.Context, a account.Actor, unit protocol.UnitID, from, to protocol.Date) ([]Rundown, error) {
	source, err := monday(from)
	if err != nil {
		return nil, err
	}
	target, err := monday(to)
	if err != nil {
		return nil, err
	}
	if source.Equal(target) {
		return nil, problem.New(problem.ErrInvalid, "same-week", "to", "Hãy chọn tuần khác với tuần nguồn.", "Choose another week than the one that is copied.")
	}
	tree, err := d.air.registry.Tree(ctx)
	if err != nil {
		return nil, err
	}
	if !a.May(account.Schedule, tree.Path(unit)) {
		return nil, problem.New(problem.ErrForbidden, "forbidden", "unit", "Tài khoản này không được đặt lịch ở đơn vị đó. Hãy hỏi quản trị viên.", "This account may not schedule in that unit. Ask the administrator.")
	}
	list, err := d.List(ctx, a)
	if err != nil {
		return nil, err
	}
	days := int(target.Sub(source) / (24 * time.Hour))
	now, zone := d.air.now(), d.air.zone
	made := []Rundown{}
	for _, r := range list {
		if r.Unit != unit || !r.Withdrawn.IsZero() {
			continue
		}
		starts, err := r.week(source, zone)
		if err != nil {
			return made, err
		}
		there, err := r.week(target, zone)
		if err != nil {
			return made, err
		}
		var dates []string
		for _, t := range starts {
			at := t.In(zone).AddDate(0, 0, days)
			if at.After(now) && !slices.ContainsFunc(there, at.Equal) {
				dates = append(dates, at.Format(local))
			}
		}
		if len(dates) == 0 {
			continue
		}
		c := r
		c.ID = ""
		c.Slot = Slot{Start: dates[0], Minutes: r.Slot.Minutes, RDates: dates[1:]}
		if c.Group != "" {
			// The communes are asked anew, with as much time as before.
			c.Deadline = r.Deadline.AddDate(0, 0, days)
		}
		saved, err := d.Save(ctx, a, c)
		if err != nil {
			return made, fmt.Errorf("copy of %q: %w", r.Name, err)
		}
		made = append(made, saved)
	}
	return made, nil
}

// monday returns the first day of a day's week.
func monday(day protocol.Date) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, string(day))
	if err != nil {
		return t, problem.New(problem.ErrInvalid, "day", "from", "Ngày không đúng. Hãy chọn lại.", "The day is not a date. Choose it again.").Because(err)
	}
	return t.AddDate(0, 0, -(int(t.Weekday())+6)%7), nil
}

// week returns the starts in the week that begins on a day.
func (r Rundown) week(first time.Time, zone *time.Location) ([]time.Time, error) {
	from := time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, zone)
	return r.Slot.Starts(zone, from, from.AddDate(0, 0, 7))
}
