package programme

import (
	"context"
	"fmt"
	"time"

	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// room refuses a wish whose starts, with those that are still ahead and the whole
// plays of today, are more on one day than was approved. Devices hold to that by
// themselves; here somebody is told before they wait for it. Passes of emergencies
// are left to the devices.
func (s *Service) room(ctx context.Context, r approval.Request, w bulletin.Wish) error {
	if r.Statement.Class == protocol.ClassEmergency {
		return nil
	}
	now := s.now()
	end, err := time.ParseInLocation(time.DateOnly, string(r.Statement.LastDay), s.zone)
	if err != nil {
		return fmt.Errorf("last day: %w", protocol.ErrInvalid)
	}
	end = end.AddDate(0, 0, 1)
	plays := map[protocol.Date]int{}
	count := func(r schedule.Recurrence) {
		for t := range schedule.Expand(r, s.zone, now, end) {
			plays[protocol.DateOf(t.In(s.zone))]++
		}
	}
	today := protocol.DateOf(now.In(s.zone))
	if w.When == bulletin.Now {
		plays[today]++
	} else {
		wanted, err := approval.Recurrence(w)
		if err != nil {
			return err
		}
		count(wanted)
	}
	held, err := s.store.AiringsOf(ctx, r.Bulletin.ID)
	if err != nil {
		return fmt.Errorf("airings: %w", err)
	}
	replaced := map[protocol.AiringID]bool{w.Replaces: true}
	for _, a := range held {
		replaced[a.Wire.Replaces] = true
	}
	for _, a := range held {
		if a.Statement != r.Digest || !a.Withdrawn.IsZero() || replaced[a.Wire.ID] {
			continue
		}
		starts, err := schedule.RecurrenceOf(a.Wire)
		if err != nil {
			return fmt.Errorf("airing %s: %w", a.Wire.ID, err)
		}
		count(starts)
	}
	midnight, err := time.ParseInLocation(time.DateOnly, string(today), s.zone)
	if err != nil {
		return err
	}
	played, err := s.store.Played(ctx, r.Digest, midnight, midnight.AddDate(0, 0, 1))
	if err != nil {
		return fmt.Errorf("plays: %w", err)
	}
	plays[today] += played
	for day, n := range plays {
		if uint64(n) > r.Statement.PlaysPerDay {
			return problem.New(problem.ErrConflict, "plays-used-up", "wish.start",
				fmt.Sprintf("Ngày %s đã đủ %d lần phát được duyệt. Hãy chọn ngày khác, hoặc gửi duyệt lại với số lần nhiều hơn.", day, r.Statement.PlaysPerDay),
				fmt.Sprintf("On %s the %d plays that were approved are used up. Choose another day, or submit it again with more plays a day.", day, r.Statement.PlaysPerDay))
		}
	}
	return nil
}
