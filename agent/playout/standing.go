package playout

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
	"github.com/loa-vn/loa/protocol/schedule"
)

// overFor is how long a board says that an emergency is over.
const overFor = time.Minute

// lingerFor is how long a bulletin that was on before a restart stands again, until
// the loop knows what is on now.
const lingerFor = 10 * time.Second

// Memory keeps a little over a restart. Save replaces what was kept; nil
// empties it.
type Memory interface {
	Load() ([]byte, error)
	Save([]byte) error
}

// standing is something that was shown, and stands again.
type standing struct {
	job   Job
	pages []page.Page // of the whole board, of an emergency
	until time.Time   // by the system's clock
}

// shownBy is what a set of pages was laid out from: it is laid out again after a
// restart, so that the memory is small whatever the pages show.
type shownBy struct {
	Airing   protocol.Airing
	Bulletin protocol.Bulletin
	Start    time.Time // scheduled, in the zone of the plan as far as an offset says it
	Zone     string    // the name of that
	Begin    time.Time // of the first page
	Until    time.Time // by the system's clock, what was shown was over
	Place    int       // the board's zone
}

func (b shownBy) job() Job {
	zone, err := time.LoadLocation(b.Zone)
	if err != nil {
		zone = b.Start.Location()
	}
	return Job{Airing: b.Airing, Bulletin: b.Bulletin, Zone: zone, Key: schedule.Key{Airing: b.Airing.ID, Start: b.Start}}
}

// shownByOf is what a job is laid out from.
func shownByOf(j Job, place int, begin, until time.Time) shownBy {
	return shownBy{
		Airing: j.Airing, Bulletin: j.Bulletin, Start: j.Key.Start.In(j.Zone), Zone: j.Zone.String(), Begin: begin, Until: until, Place: place,
	}
}

// remember keeps what has begun; s.mu is held.
func (s *Screen) remember(zone int, j Job, begin time.Time) {
	b := shownByOf(j, zone, begin, begin.Add(j.Length))
	s.kept[zone] = &b
	s.save()
}

// save keeps what is on; s.mu is held. A memory that fails costs a restart's picture only.
func (s *Screen) save() {
	if s.cfg.Memory == nil {
		return
	}
	var all []shownBy
	for _, a := range s.alarms {
		all = append(all, shownByOf(a.job, 0, a.job.Begin, a.until))
	}
	for _, b := range s.kept {
		if time.Now().Before(b.Until) {
			all = append(all, *b)
		}
	}
	if len(all) == 0 {
		_ = s.cfg.Memory.Save(nil)
		return
	}
	if b, err := json.Marshal(all); err == nil {
		_ = s.cfg.Memory.Save(b)
	}
}

// recall takes up what stood before a restart, as far as it can still be laid out, and
// returns which bulletins are to stand again: at the page, and what runs at the place,
// where they would be now. An emergency stands from its first page on, which says what it
// is, and over a bulletin.
func (s *Screen) recall(now time.Time) []display.Job {
	if s.cfg.Memory == nil {
		return nil
	}
	b, err := s.cfg.Memory.Load()
	var all []shownBy
	if err != nil || len(b) == 0 || json.Unmarshal(b, &all) != nil {
		return nil
	}
	var jobs []display.Job
	for _, was := range all {
		if !now.Before(was.Until) {
			continue
		}
		size, ok := s.room(was)
		if !ok {
			continue
		}
		j := was.job()
		pages, err := s.lay(size, j)
		if err != nil {
			continue
		}
		if was.Airing.Class == protocol.ClassEmergency {
			j.Begin = was.Begin
			s.alarms = append(s.alarms, standing{job: j, pages: pages, until: was.Until})
			continue
		}
		again := display.Job{Zone: was.Place, Pages: pages, Begin: was.Begin, Until: now.Add(lingerFor)}
		if was.Until.Before(again.Until) {
			again.Until = was.Until
		}
		if again.Begin.After(now) { // the clock was set back, or lost its time with the power
			again.Begin = now
		}
		jobs = append(jobs, again)
	}
	if len(s.alarms) > 0 {
		jobs = slices.DeleteFunc(jobs, func(j display.Job) bool { return j.Zone == 0 })
	}
	return jobs
}

// room is the size of where something stood before; false if the board has that no more.
func (s *Screen) room(was shownBy) (page.Board, bool) {
	switch {
	case was.Airing.Class == protocol.ClassEmergency:
		return s.cfg.Whole, true
	case was.Place == 0:
		return s.cfg.Size, true
	}
	i := slices.IndexFunc(s.cfg.Zones, func(z ScreenZone) bool { return z.Zone == was.Place })
	if i < 0 {
		return page.Board{}, false
	}
	return s.cfg.Zones[i].Size, true
}

// raise makes an emergency the one that stands; s.mu is held.
func (s *Screen) raise(j Job, pages []page.Page) {
	s.alarms = slices.DeleteFunc(s.alarms, func(a standing) bool { return a.job.Airing.ID == j.Airing.ID })
	s.alarms, s.over = append(s.alarms, standing{job: j, pages: pages, until: j.Until}), nil
	s.save()
}

// idle is what stands when no job is on.
func (s *Screen) idle(now time.Time) ([]page.Page, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 0; i < len(s.alarms); {
		if a := s.alarms[i]; !now.Before(a.until) {
			s.end(i, a.until)
			continue
		}
		i++
	}
	room := s.cfg.Whole
	if len(s.busy) > 0 { // beside what is on
		room = s.cfg.Size
	}
	if n := len(s.alarms); n > 0 {
		a := s.alarms[n-1]
		if room == s.cfg.Whole {
			return a.pages, a.until
		}
		if pages, err := s.lay(room, a.job); err == nil {
			return pages, a.until
		}
		return a.pages, a.until
	}
	if o := s.over; o != nil && now.Before(o.until) {
		if pages, err := page.Over(room, o.job.Bulletin.Title, o.job.Airing.Drill); err == nil {
			return pages, o.until
		}
	}
	s.over = nil
	return s.cfg.Idle(now)
}

// end makes an emergency that stands one that is over; s.mu is held.
func (s *Screen) end(i int, at time.Time) {
	s.over = &standing{job: s.alarms[i].job, until: at.Add(overFor)}
	s.alarms = slices.Delete(s.alarms, i, i+1)
	s.save()
}

// Over says that an emergency is stopped or withdrawn: it stands no more.
func (s *Screen) Over(id protocol.AiringID) {
	s.mu.Lock()
	i := slices.IndexFunc(s.alarms, func(a standing) bool { return a.job.Airing.ID == id })
	if i >= 0 {
		s.end(i, time.Now())
	}
	s.mu.Unlock()
	if i >= 0 {
		_ = s.board.Refresh() // a board that was closed shows nothing
	}
}

// Clear ends the emergency that stands, as somebody at the board asks, and returns
// which it was; false if none stands. Of several the one that began last stands, and
// the next one comes up.
func (s *Screen) Clear() (protocol.AiringID, bool) {
	s.mu.Lock()
	n := len(s.alarms) - 1
	if n < 0 || !time.Now().Before(s.alarms[n].until) {
		s.mu.Unlock()
		return "", false
	}
	id := s.alarms[n].job.Airing.ID
	s.end(n, time.Now())
	s.mu.Unlock()
	_ = s.board.Refresh() // a board that was closed shows nothing
	return id, true
}
