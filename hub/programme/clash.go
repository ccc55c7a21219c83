package programme

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// wished is the airing that a wish is taken for in a preview.
const wished protocol.AiringID = "wished"

// clash is what becomes of a wish's first start where it meets what is on air already.
type clash struct {
	skipped int // devices on which it is not heard, for something else sounds
	late    int // devices on which it begins later
	by      time.Duration
}

// clash finds out, by the function that the devices themselves run, what other airings
// do to a wish's first start. Emergencies meet nothing.
func (s *Service) clash(ctx context.Context, b bulletin.Bulletin, w bulletin.Wish, starts []time.Time, devices []registry.Device) (clash, error) {
	var c clash
	if b.Class == protocol.ClassEmergency || b.Rendition == nil || len(starts) == 0 {
		return c, nil
	}
	devices = slices.DeleteFunc(slices.Clone(devices), func(d registry.Device) bool { return !d.Sound || len(d.Placement.Path) == 0 })
	var units []protocol.UnitID
	configs := make([]schedule.Config, len(devices))
	for i, d := range devices {
		configs[i] = schedule.Config{Zone: s.zone, Path: d.Placement.Units()}
		for _, u := range configs[i].Path {
			if !slices.Contains(units, u) {
				units = append(units, u)
			}
		}
	}
	quiet, err := s.periods(ctx, units)
	if err != nil {
		return c, err
	}
	for i := range configs {
		configs[i].Quiet = quiet // those of other units are not looked at
	}
	first := starts[0]
	airings, err := s.standing(ctx, units, first.AddDate(0, 0, -8))
	if err != nil {
		return c, err
	}
	own, err := s.wish(b, w, first)
	if err != nil {
		return c, err
	}
	// From the day before on: what started then may go on.
	all, err := schedule.ForecastAll(configs, append(airings, own...), first.AddDate(0, 0, -1), first.Add(time.Millisecond))
	if err != nil {
		return c, fmt.Errorf("preview: %w", err)
	}
	for _, finals := range all {
		i := slices.IndexFunc(finals, func(f schedule.Final) bool { return f.Airing == wished && f.Start.Equal(first) })
		switch {
		case i < 0:
		case finals[i].Outcome == protocol.OutcomeSkipped && finals[i].Reason == protocol.ReasonBusy:
			c.skipped++
		case len(finals[i].Plays) > 0 && finals[i].Plays[0].From.Sub(first) >= time.Second:
			c.late, c.by = c.late+1, max(c.by, finals[i].Plays[0].From.Sub(first))
		}
	}
	return c, nil
}

// periods lists the quiet hours of units.
func (s *Service) periods(ctx context.Context, units []protocol.UnitID) ([]schedule.QuietPeriod, error) {
	var out []schedule.QuietPeriod
	for _, u := range units {
		quiet, err := s.registry.Quiet(ctx, u)
		if err != nil {
			return nil, err
		}
		for _, q := range quiet {
			out = append(out, schedule.QuietPeriod{Unit: u, Start: int(q.Start), End: int(q.End)})
		}
	}
	return out, nil
}

// standing lists the sounds on air in units since an instant, once for each of them
// that it is in.
func (s *Service) standing(ctx context.Context, units []protocol.UnitID, since time.Time) ([]schedule.Airing, error) {
	airings, err := s.store.Airings(ctx, units, since)
	if err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	successors, err := s.store.Successors(ctx, idsOf(airings))
	if err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	stands := stand(airings, successors)
	var out []schedule.Airing
	for _, a := range airings {
		if !stands[a.Wire.ID] || a.Wire.SoundFor == 0 {
			continue
		}
		for _, u := range a.Units {
			spec, err := schedule.AiringOf(a.In(u), protocol.MediumSound, a.Wire.Published.Time())
			if err != nil {
				return nil, fmt.Errorf("preview: %w", err)
			}
			out = append(out, *spec)
		}
	}
	return out, nil
}

// stand says which airings, newest first, are neither withdrawn nor replaced. What was
// replaced stays replaced when its successor is taken back or over: the machine judges
// only those that it is given.
func stand(airings []Airing, successors map[protocol.AiringID]protocol.AiringID) map[protocol.AiringID]bool {
	stands := map[protocol.AiringID]bool{}
	for _, a := range airings {
		next := successors[a.Wire.ID]
		stands[a.Wire.ID] = a.Withdrawn.IsZero() && (next == "" || stands[next])
	}
	return stands
}

// wish is the first start of a wish as an airing of each of its units.
func (s *Service) wish(b bulletin.Bulletin, w bulletin.Wish, first time.Time) ([]schedule.Airing, error) {
	now := protocol.InstantOf(s.now())
	cut := protocol.Restart
	if w.AfterCut != "" {
		var err error
		if cut, err = protocol.ParseName[protocol.AfterCut](w.AfterCut); err != nil {
			return nil, fmt.Errorf("after_cut: %w", err)
		}
	}
	var out []schedule.Airing
	for _, u := range w.Units {
		spec, err := schedule.AiringOf(protocol.Airing{
			ID: wished, Unit: u, Class: b.Class, Start: localTime(first, s.zone), SoundFor: protocol.MillisOf(b.Rendition.Length()),
			Lateness: protocol.MillisOf(w.LatenessOrDefault()), Order: int64(w.Order), AfterCut: cut, Approved: now, Published: now, Night: w.Night, Replaces: w.Replaces,
		}, protocol.MediumSound, s.now())
		if err != nil {
			return nil, fmt.Errorf("preview: %w", err)
		}
		out = append(out, *spec)
	}
	return out, nil
}

// sentences say what is met.
func (c clash) sentences() []Sentence {
	var out []Sentence
	if c.skipped > 0 {
		out = append(out, Sentence{
			fmt.Sprintf("Lần phát đầu: %d loa sẽ không phát, vì lúc đó loa đang phát nội dung khác và không còn đủ giờ. Hãy đổi giờ, hoặc cho phép phát muộn hơn.", c.skipped),
			fmt.Sprintf("The first time: %d loudspeakers will not carry it, for something else sounds then and no time is left after it. Choose another time, or let it begin later.", c.skipped),
		})
	}
	if c.late > 0 {
		by := c.by.Round(time.Second)
		out = append(out, Sentence{
			fmt.Sprintf("Lần phát đầu: %d loa sẽ bắt đầu muộn, nhiều nhất %s, vì nội dung khác phát trước.", c.late, spanVi(by)),
			fmt.Sprintf("The first time: %d loudspeakers will begin late, by %s at most: what goes before it by the rules is heard first.", c.late, by),
		})
	}
	return out
}
