package programme

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// Line is what becomes of one start in a village if nothing fails there.
type Line struct {
	Airing    protocol.AiringID // "" of an item that is not on air yet
	Programme RundownID         // "" outside of programmes
	Item      int               // of the draft, from 0; -1 for what is not its
	StandIn   bool              // of the draft: sounds only if its relay fails
	Title     string
	Unit      protocol.UnitID
	Start     time.Time // scheduled
	Begins    time.Time // zero if it does not sound
	Ends      time.Time
	Outcome   protocol.Outcome
	Reason    protocol.Reason
	Note      Sentence // what a person should know; empty if all is well
}

// Forecast is one local day of a village.
type Forecast struct {
	Day   protocol.Date
	Lines []Line
	// Warnings are about the draft as a whole: what has no room, what is not
	// approved, what other airings do to it.
	Warnings []Sentence
}

// Forecast tells what sounds in a village on a local day, and what the rules do
// where things meet: the same function that its devices run. draft may be nil, a
// new programme, or a change of one that has an id. An empty day is the day of
// the draft's next slot, or today.
func (d *Desk) Forecast(ctx context.Context, a account.Actor, village protocol.UnitID, draft *Rundown, day protocol.Date) (Forecast, error) {
	tree, err := d.air.registry.Tree(ctx)
	if err != nil {
		return Forecast{}, err
	}
	path := tree.Path(village)
	if len(path) == 0 || !a.May(account.Read, path) {
		return Forecast{}, problem.New(problem.ErrNotFound, "no-unit", "village", "Không có đơn vị này trong quyền của anh/chị. Hãy chọn đơn vị khác.", "There is no such unit of yours. Choose another.")
	}
	now := d.air.now()
	if day != "" && !day.Valid() {
		return Forecast{}, problem.New(problem.ErrInvalid, "day", "day", "Ngày không đúng. Hãy chọn lại.", "The day is not a date. Choose it again.")
	}
	known, err := d.known(ctx, tree, path, draft, now)
	if err != nil {
		return Forecast{}, err
	}
	var out Forecast
	if draft != nil {
		starts, err := d.draft(ctx, a, &known, *draft, path, &out, now)
		if err != nil {
			return Forecast{}, err
		}
		if day == "" && len(starts) > 0 {
			day = protocol.DateOf(starts[0].In(d.air.zone))
		}
	}
	if day == "" {
		day = protocol.DateOf(now.In(d.air.zone))
	}
	out.Day = day
	out.Lines, err = d.lines(ctx, path, known, day)
	if draft != nil {
		out.warn()
	}
	return out, err
}

// entry is an airing as the forecast knows it.
type entry struct {
	airing    *schedule.Airing
	line      Line // without its times
	after     time.Duration
	statement *protocol.Statement // that it lies within; nil: not signed yet
}

// known lists the airings of a path's plans, but for those of the programme that
// a draft changes.
func (d *Desk) known(ctx context.Context, tree registry.Tree, path []protocol.UnitID, draft *Rundown, now time.Time) ([]entry, error) {
	airings, err := d.air.store.Airings(ctx, path, now.AddDate(0, 0, -8))
	if err != nil {
		return nil, fmt.Errorf("forecast: %w", err)
	}
	of, err := d.store.Parts(ctx, idsOf(airings))
	if err != nil {
		return nil, fmt.Errorf("forecast: %w", err)
	}
	successors, err := d.air.store.Successors(ctx, idsOf(airings))
	if err != nil {
		return nil, fmt.Errorf("forecast: %w", err)
	}
	stands := stand(airings, successors)
	statements := map[protocol.Digest]*protocol.Statement{}
	var out []entry
	for _, a := range airings {
		if !stands[a.Wire.ID] || a.Wire.SoundFor == 0 || (draft != nil && draft.ID != "" && of[a.Wire.ID] == draft.ID) {
			continue
		}
		// Merged copies count at the highest unit.
		at := slices.IndexFunc(path, func(u protocol.UnitID) bool { return slices.Contains(a.Units, u) })
		if at < 0 {
			continue
		}
		spec, err := schedule.AiringOf(a.In(path[at]), protocol.MediumSound, a.Wire.Published.Time())
		if err != nil {
			return nil, fmt.Errorf("forecast: %w", err)
		}
		if statements[a.Statement] == nil {
			q, err := d.air.requests.Request(ctx, a.Statement)
			if err != nil {
				return nil, fmt.Errorf("forecast: %w", err)
			}
			statements[a.Statement] = &q.Statement
		}
		out = append(out, entry{airing: spec, statement: statements[a.Statement], line: Line{Airing: a.Wire.ID, Programme: of[a.Wire.ID], Item: -1, Title: a.Title, Unit: path[at]}})
	}
	return out, nil
}

// draft adds a draft's items as if they were approved and on air.
func (d *Desk) draft(ctx context.Context, a account.Actor, known *[]entry, r Rundown, path []protocol.UnitID, out *Forecast, now time.Time) ([]time.Time, error) {
	r, parts, err := d.drafted(ctx, a, r, now)
	var p *problem.Problem
	switch {
	case errors.As(err, &p) && p.Code == "does-not-fit":
		for _, pl := range lay(r.Slot.Length(), parts) {
			if pl.Over > 0 {
				vi, en := overrun(pl, parts[pl.Item].title)
				out.Warnings = append(out.Warnings, Sentence{vi, en})
			}
		}
	case err != nil:
		return nil, err
	}
	units := r.Units
	if r.Group != "" {
		g, err := d.store.Group(ctx, r.Group)
		if err != nil {
			return nil, fmt.Errorf("forecast: %w", err)
		}
		units = g.Members
	}
	starts, err := r.Slot.Starts(d.air.zone, now, time.Time{})
	if err != nil {
		return nil, fmt.Errorf("forecast: %w", err)
	}
	at := slices.IndexFunc(path, func(u protocol.UnitID) bool { return slices.Contains(units, u) })
	if at < 0 {
		out.Warnings = append(out.Warnings, Sentence{"Chương trình không phát ở thôn này.", "The programme is not aired in this village."})
		return starts, nil
	}
	places := lay(r.Slot.Length(), parts)
	for i, t := range r.timings(parts) {
		q, err := d.library.ApprovedOf(ctx, r.Items[i].Bulletin)
		night := err == nil && q.Statement.Night
		switch {
		case errors.Is(err, problem.ErrNotFound):
			out.Warnings = append(out.Warnings, Sentence{
				fmt.Sprintf("Mục %d “%s” chưa được duyệt nên chưa phát.", i+1, parts[i].title),
				fmt.Sprintf("Item %d “%s” is not approved yet, so it is left out until then.", i+1, parts[i].title),
			})
		case err != nil:
			return nil, fmt.Errorf("forecast: %w", err)
		case outsideDays(q, starts, d.air.zone):
			out.Warnings = append(out.Warnings, Sentence{
				fmt.Sprintf("Mục %d “%s” chỉ được duyệt từ %s đến %s; ngoài các ngày đó mục này bị bỏ qua.", i+1, parts[i].title, q.Statement.FirstDay, q.Statement.LastDay),
				fmt.Sprintf("Item %d “%s” is approved from %s to %s only; it is left out on other days.", i+1, parts[i].title, q.Statement.FirstDay, q.Statement.LastDay),
			})
		}
		if err == nil {
			bounded, last := t.within(q.Statement, d.air.zone)
			if last.Before(now) {
				continue
			}
			t = bounded
		}
		wire := protocol.Airing{
			ID: protocol.AiringID(fmt.Sprintf("draft-%d", i+1)), Unit: path[at], Class: parts[i].class, Start: t.slot.Start, Rule: t.slot.Rule,
			ExDates: t.slot.ExDates, RDates: t.slot.RDates, SoundFor: protocol.MillisOf(parts[i].length), Lateness: protocol.MillisOf(t.lateness),
			Order: t.order, AfterCut: t.afterCut, Approved: protocol.InstantOf(now), Published: protocol.InstantOf(now), Night: night,
		}
		spec, bad := schedule.AiringOf(wire, protocol.MediumSound, now)
		if bad != nil {
			return nil, fmt.Errorf("forecast: %w", bad)
		}
		e := entry{
			airing: spec, after: places[i].Planned - places[i].After,
			line: Line{Programme: r.ID, Item: i, StandIn: parts[i].StandIn, Title: parts[i].title, Unit: path[at]},
		}
		if err == nil {
			e.statement = same(*known, q.Statement)
		}
		*known = append(*known, e)
	}
	return starts, nil
}

// same returns the statement that is known already, if it is this one: plays a
// day count over all airings of one statement.
func same(known []entry, s protocol.Statement) *protocol.Statement {
	for _, e := range known {
		if e.statement != nil && e.statement.Bulletin == s.Bulletin && e.statement.At == s.At {
			return e.statement
		}
	}
	return &s
}

// judge asks what devices ask of an approval when an occurrence becomes due.
func judge(by map[protocol.AiringID]entry, zone *time.Location) func(schedule.Judged) protocol.Reason {
	return func(j schedule.Judged) protocol.Reason {
		s := by[j.Airing.ID].statement
		if s == nil {
			return protocol.ReasonNone
		}
		switch day := protocol.DateOf(j.Start.In(zone)); {
		case day < s.FirstDay:
			return protocol.ReasonNotPermitted
		case day > s.LastDay:
			return protocol.ReasonExpired
		}
		played, underWay := j.PlaysOn(func(a *schedule.Airing) bool { return by[a.ID].statement == s })
		if uint64(played+underWay) >= s.PlaysPerDay {
			return protocol.ReasonNotPermitted
		}
		return protocol.ReasonNone
	}
}

// lines runs the schedule for one local day.
func (d *Desk) lines(ctx context.Context, path []protocol.UnitID, known []entry, day protocol.Date) ([]Line, error) {
	from, err := time.ParseInLocation(time.DateOnly, string(day), d.air.zone)
	if err != nil {
		return nil, fmt.Errorf("forecast: %w", err)
	}
	periods, err := d.air.periods(ctx, path)
	if err != nil {
		return nil, err
	}
	airings := make([]schedule.Airing, len(known))
	by := map[protocol.AiringID]entry{}
	for i, e := range known {
		airings[i] = *e.airing
		by[e.airing.ID] = e
	}
	// From the day before on: what started then may go on past midnight.
	finals, err := schedule.Forecast(schedule.Config{Zone: d.air.zone, Path: path, Quiet: periods, Judge: judge(by, d.air.zone)}, airings, from.AddDate(0, 0, -1), from.AddDate(0, 0, 1))
	if err != nil {
		return nil, fmt.Errorf("forecast: %w", err)
	}
	lines := []Line{}
	for _, f := range finals {
		if f.Start.Before(from) {
			continue
		}
		e := by[f.Airing]
		l := e.line
		l.Start, l.Outcome, l.Reason = f.Start, f.Outcome, f.Reason
		if n := len(f.Plays); n > 0 {
			l.Begins, l.Ends = f.Plays[0].From, f.Plays[n-1].To
		}
		l.Note = note(l, f.Start.Add(e.after))
		lines = append(lines, l)
	}
	slices.SortStableFunc(lines, func(a, b Line) int { return a.at().Compare(b.at()) })
	return lines, nil
}

// at is when a line matters: when it begins, or was to.
func (l Line) at() time.Time {
	if l.Begins.IsZero() {
		return l.Start
	}
	return l.Begins
}

// note says what the rules do to a start.
func note(l Line, planned time.Time) Sentence {
	switch {
	case l.StandIn && l.Outcome == protocol.OutcomeSkipped && l.Reason == protocol.ReasonBusy:
		return Sentence{}
	case l.Outcome == protocol.OutcomeSkipped && l.Reason == protocol.ReasonQuietHours:
		return Sentence{"Không phát: rơi vào giờ yên tĩnh.", "Not heard: it lies in quiet hours."}
	case l.Outcome == protocol.OutcomeSkipped && l.Reason == protocol.ReasonBusy:
		return Sentence{"Không phát: lúc đó loa đang phát nội dung khác và không còn đủ giờ.", "Not heard: something else sounds then, and no time is left after it."}
	case l.Outcome == protocol.OutcomeSkipped && l.Reason == protocol.ReasonNotPermitted:
		return Sentence{"Không phát: đã đủ số lần được duyệt trong ngày, hoặc ngoài ngày được duyệt. Hãy xin duyệt thêm.", "Not heard: it was played as often that day as was approved, or the day was not. Ask for a new approval."}
	case l.Outcome == protocol.OutcomeSkipped:
		return Sentence{"Không phát: ngoài những ngày được duyệt.", "Not heard: outside of the days approved."}
	case l.Outcome == protocol.OutcomeCut:
		return Sentence{"Bị ngắt bởi bản tin khẩn cấp và không phát lại kịp.", "Cut by an emergency, with no time to come back."}
	case l.Item >= 0 && l.Begins.Sub(planned) >= time.Second:
		late := l.Begins.Sub(planned).Round(time.Second)
		return Sentence{fmt.Sprintf("Bắt đầu muộn %s vì nội dung ưu tiên hơn phát trước.", spanVi(late)), fmt.Sprintf("Begins %s late: what goes before it by the rules is heard first.", late)}
	}
	return Sentence{}
}

func spanVi(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d giây", int(d.Seconds()))
	}
	return fmt.Sprintf("%d phút %d giây", int(d.Minutes()), int(d.Seconds())%60)
}

// warn sums the draft's lines up.
func (f *Forecast) warn() {
	for _, l := range f.Lines {
		if l.Item >= 0 && l.Note != (Sentence{}) {
			f.Warnings = append(f.Warnings, Sentence{
				fmt.Sprintf("Mục %d “%s”: %s", l.Item+1, l.Title, l.Note.Vi), fmt.Sprintf("Item %d “%s”: %s", l.Item+1, l.Title, l.Note.En),
			})
		}
	}
}
