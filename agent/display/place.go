package display

import (
	"image"
	"time"

	"github.com/loa-vn/loa/protocol/page"
)

// turn names one showing of one page; no two showings have the same, in whatever
// zones.
type turn struct {
	set  uint64 // counts jobs and idle stretches
	loop int64  // repetitions of the whole set
	pass int
	page int
}

// shown is the set of pages that a zone is busy with: a job, or idling.
type shown struct {
	job     *Job      // nil when idle
	until   time.Time // when idle pages are asked for again; zero: never
	calm    time.Time // before this idle pages do not come up
	pages   []page.Page
	begin   time.Time
	set     uint64
	begun   bool
	turns   int // turns that were due
	showing []Showing
	prompt  int // showings that came up in time
}

// place is a zone with what stands in it.
type place struct {
	Side
	n     int // 0 is the main one
	cur   shown
	next  *Job       // waits for its Begin
	at    turn       // of the page that stands
	page  *page.Page // that stands; nil before the first
	since time.Time  // when its turn began
	reel  *page.Reel
	fresh bool      // its turn has no answer yet
	given time.Time // when a turn was handed out last
}

// begin lets the job that waits take its zone, if its time has come.
func (c *canvas) begin(p *place, now time.Time) {
	if p.next != nil && !now.Before(p.next.Begin) {
		c.end(p, now)
		c.sets++
		p.cur = shown{job: p.next, pages: p.next.Pages, begin: p.next.Begin, set: c.sets}
		p.next = nil
	}
}

// drop ends the job that waits for its time.
func (c *canvas) drop(p *place, now time.Time) {
	if p.next != nil {
		c.queue = append(c.queue, Event{Kind: Ended, Job: p.next.ID, Zone: p.n, At: now, Missed: 2 * len(p.next.Pages)})
		p.next = nil
	}
}

// rest begins an idle stretch. After a job what stands stays for a moment: most often
// another job follows at once, which idle pages would hold up for as long.
func (c *canvas) rest(p *place, now time.Time) {
	c.sets++
	next := shown{begin: now, set: c.sets}
	if p.cur.job != nil {
		next.calm = now.Add(calm)
	}
	p.cur = next
	switch {
	case p.Clock != nil:
		pages, until := p.Clock(now)
		if err := c.fits(p.n, pages); err != nil {
			c.log.Error("idle pages refused", "zone", p.n, "error", err)
			pages = nil
		}
		p.cur.pages, p.cur.until = pages, now.Add(max(time.Second, until.Sub(now)))
	case p.n == 0:
		p.cur.pages = c.idle
	}
	if len(p.cur.pages) == 0 {
		p.cur.pages = []page.Page{{Board: page.Board{Width: p.At.Dx(), Height: p.At.Dy()}}}
	}
}

// end reports the job that is shown.
func (c *canvas) end(p *place, now time.Time) {
	s := p.cur
	if s.job == nil {
		return
	}
	due := 2 * len(s.pages)
	missed := s.turns - s.prompt
	if early := due - s.turns; early > 0 {
		missed += early
	}
	c.queue = append(c.queue, Event{
		Kind: Ended, Job: s.job.ID, Zone: p.n, At: now, Shown: s.showing, Missed: missed,
		Whole: s.prompt >= due && missed == 0, Dropped: c.courier.overtaken(),
	})
}

// turnOver goes on to the page of this instant; it returns how long that stays, and
// whether it is another one than before.
func (c *canvas) turnOver(p *place, now time.Time) (stays time.Duration, turned bool) {
	c.begin(p, now)
	at, left, on := p.cur.turn(now)
	if !on {
		c.end(p, now)
		c.rest(p, now)
		at, left, _ = p.cur.turn(now)
	}
	if at != p.at {
		if early := max(p.given.Add(calm).Sub(now), p.cur.calm.Sub(now)); early > 0 {
			if p.next != nil {
				early = min(early, p.next.Begin.Sub(now))
			}
			return early, false
		}
		if p.page != nil { // what comes up out of the dark does not count
			p.given = now
		}
		pg := p.cur.pages[at.page]
		p.at, p.page, p.since = at, &pg, now.Add(-(page.Dwell(pg) - left))
		p.cur.turns++
		p.reel, p.fresh, turned = page.NewReel(pg), true, true
	}
	if end := p.cur.end(); !end.IsZero() {
		left = min(left, end.Sub(now))
	}
	if p.next != nil {
		left = min(left, p.next.Begin.Sub(now))
	}
	return left, turned
}

// whole is the board.
func (c *canvas) whole() image.Rectangle { return image.Rect(0, 0, c.size[0], c.size[1]) }

// covers says whether the page of a place fills the whole board.
func (c *canvas) covers(p *place) bool {
	return p.page.Board.Width == c.size[0] && p.page.Board.Height == c.size[1]
}

// end is when a set is over whatever its pages need; zero: never.
func (s *shown) end() time.Time {
	if s.job != nil {
		return s.job.Until
	}
	return s.until
}

// turn returns the turn of this instant and how long it stays; false if the set is over.
func (s *shown) turn(now time.Time) (turn, time.Duration, bool) {
	elapsed := max(0, now.Sub(s.begin))
	length := page.Length(s.pages)
	loop := int64(elapsed / length)
	end := s.end()
	if end.IsZero() && s.job != nil && loop > 0 || !end.IsZero() && !now.Before(end) {
		return turn{}, 0, false
	}
	t, _ := page.At(s.pages, elapsed%length)
	return turn{set: s.set, loop: loop, pass: t.Pass, page: t.Page}, t.Left, true
}

func (s *shown) id() string {
	if s.job == nil {
		return ""
	}
	return s.job.ID
}
