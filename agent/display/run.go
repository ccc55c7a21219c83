package display

import (
	"context"
	"image"
	"time"

	"github.com/loa-vn/loa/protocol/page"
)

// turn names one showing of one page; no two showings have the same.
type turn struct {
	set  uint64 // counts jobs and idle stretches
	loop int64  // repetitions of the whole set
	pass int
	page int
}

// shown is the set of pages that the board is busy with: a job, or idling.
type shown struct {
	job     *Job      // nil when idle
	until   time.Time // when idle pages are asked for again; zero: never
	pages   []page.Page
	begin   time.Time
	set     uint64
	begun   bool
	turns   int // turns that were due
	showing []Showing
	prompt  int // showings that came up in time
}

// canvas is the state of the goroutine that owns the picture.
type canvas struct {
	*Board
	cur   shown
	next  *Job // waits for its Begin
	sets  uint64
	queue []Event
	at    turn      // of the scene handed out last
	since time.Time // when its turn began
	reel  *page.Reel
	sides []shelf
	dirty bool      // the scene must be handed out again
	fresh bool      // the scene's turn has no answer yet
	given time.Time // when a turn was handed out last
	sent  time.Time // since when the output owes an answer, or owed the last
	open  bool      // no answer yet to what was handed out
	fault bool      // the last word was a fault
}

// shelf is what a side of the board shows.
type shelf struct {
	Side
	shown
	turn  turn
	layer layer
}

// run draws pages at their time until ctx ends.
func (b *Board) run(ctx context.Context) {
	c := &canvas{Board: b}
	for _, side := range b.sides {
		c.sides = append(c.sides, shelf{Side: side})
	}
	c.rest(time.Now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		c.obey(now)
		timer.Reset(c.advance(now))
		var out chan<- Event
		var first Event
		if len(c.queue) > 0 {
			out, first = b.events, c.queue[0]
		}
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		case <-timer.C:
		case r := <-b.courier.answers:
			c.answer(r)
		case out <- first:
			c.queue = c.queue[1:]
		}
	}
}

// obey takes the orders that have come in.
func (c *canvas) obey(now time.Time) {
	c.mu.Lock()
	orders := c.orders
	c.orders = nil
	c.mu.Unlock()
	for _, o := range orders {
		c.begin(now) // what was ordered before and is due comes before
		switch {
		case o.job != nil:
			c.drop(now)
			if o.job.Begin.IsZero() {
				o.job.Begin = now
			}
			// from here on the pace is the monotonic clock's, whatever is set
			o.job.Begin = now.Add(o.job.Begin.Sub(now))
			if !o.job.Until.IsZero() {
				o.job.Until = now.Add(o.job.Until.Sub(now))
			}
			c.next = o.job
		case o.refresh:
			if c.cur.job == nil {
				c.rest(now)
			}
		case c.cur.job != nil && c.cur.job.ID == o.stop:
			c.end(now)
			c.rest(now)
		case c.next != nil && c.next.ID == o.stop:
			c.drop(now)
		}
	}
}

// begin lets the job that waits take the board, if its time has come.
func (c *canvas) begin(now time.Time) {
	if c.next != nil && !now.Before(c.next.Begin) {
		c.end(now)
		c.sets++
		c.cur = shown{job: c.next, pages: c.next.Pages, begin: c.next.Begin, set: c.sets}
		c.next = nil
	}
}

// drop ends the job that waits for its time.
func (c *canvas) drop(now time.Time) {
	if c.next != nil {
		c.queue = append(c.queue, Event{Kind: Ended, Job: c.next.ID, At: now, Missed: 2 * len(c.next.Pages)})
		c.next = nil
	}
}

// rest begins an idle stretch.
func (c *canvas) rest(now time.Time) {
	c.sets++
	c.cur = shown{pages: c.idle, begin: now, set: c.sets}
	if c.clock != nil {
		pages, until := c.clock(now)
		if err := c.fits(pages); err != nil {
			c.log.Error("idle pages refused", "error", err)
			pages = nil
		}
		c.cur.pages, c.cur.until = pages, now.Add(max(time.Second, until.Sub(now)))
	}
	if len(c.cur.pages) == 0 {
		c.cur.pages = []page.Page{{Board: page.Board{Width: c.main.Dx(), Height: c.main.Dy()}}}
	}
}

// end reports the job that is shown.
func (c *canvas) end(now time.Time) {
	s := c.cur
	if s.job == nil {
		return
	}
	due := 2 * len(s.pages)
	missed := s.turns - s.prompt
	if early := due - s.turns; early > 0 {
		missed += early
	}
	c.queue = append(c.queue, Event{
		Kind: Ended, Job: s.job.ID, At: now, Shown: s.showing, Missed: missed,
		Whole: s.prompt >= due && missed == 0, Dropped: c.courier.overtaken(),
	})
}

// advance hands out the frame of this instant and returns when to come again.
func (c *canvas) advance(now time.Time) time.Duration {
	wait := c.turnOver(now)
	if c.open {
		left := c.sent.Add(Patience).Sub(now)
		if left <= 0 && !c.fault {
			c.report(now, ErrStalled)
		} else if left > 0 {
			wait = min(wait, left)
		}
	}
	if c.dirty && !c.open {
		if again := c.sent.Add(retryEvery).Sub(now); again > 0 {
			return min(wait, again)
		}
		c.hand(now)
	}
	return wait
}

// turnOver goes on to the page of this instant and returns how long it stays.
func (c *canvas) turnOver(now time.Time) time.Duration {
	c.begin(now)
	at, left, on := c.cur.turn(now)
	if !on {
		c.end(now)
		c.rest(now)
		at, left, _ = c.cur.turn(now)
	}
	if at != c.at {
		if early := c.given.Add(calm).Sub(now); early > 0 {
			return early
		}
		if (c.at != turn{}) { // what comes up out of the dark does not count
			c.given = now
		}
		c.at, c.since = at, now.Add(-(page.Dwell(c.cur.pages[at.page]) - left))
		c.cur.turns++
		c.reel = page.NewReel(c.cur.pages[at.page])
		c.fresh = true
		c.hand(now)
	}
	left = min(left, c.besides(now))
	if end := c.cur.end(); !end.IsZero() {
		left = min(left, end.Sub(now))
	}
	if c.next != nil {
		left = min(left, c.next.Begin.Sub(now))
	}
	return left
}

// besides goes on to the sides' pages of this instant and returns how long they
// stay. A side has no jobs: its pages turn, and are asked for again.
func (c *canvas) besides(now time.Time) time.Duration {
	left := time.Hour
	for i := range c.sides {
		s := &c.sides[i]
		var at turn
		var stays time.Duration
		on := len(s.pages) > 0
		if on {
			at, stays, on = s.shown.turn(now)
		}
		if !on {
			pages, until := s.Clock(now)
			if len(pages) == 0 || pages[0].Board.Width != s.At.Dx() || pages[0].Board.Height != s.At.Dy() {
				pages = []page.Page{{Board: page.Board{Width: s.At.Dx(), Height: s.At.Dy()}}}
			}
			c.sets++
			s.shown = shown{pages: pages, begin: now, until: now.Add(max(time.Second, until.Sub(now))), set: c.sets}
			at, stays, _ = s.shown.turn(now)
		}
		if at != s.turn {
			p := s.pages[at.page]
			s.turn, s.layer = at, layer{at: s.At, page: p, reel: page.NewReel(p), since: now}
			c.hand(now)
		}
		left = min(left, stays, s.until.Sub(now))
	}
	return left
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

// hand gives the current scene to the output: the page of a set that fills the
// board alone, others with the sides beside them.
func (c *canvas) hand(now time.Time) {
	p := c.cur.pages[c.at.page]
	main := &layer{at: c.main, page: p, reel: c.reel, since: c.since}
	s := &scene{turn: c.at, layers: []*layer{main}}
	if p.Board.Width == c.size[0] && p.Board.Height == c.size[1] {
		main.at = image.Rect(0, 0, c.size[0], c.size[1])
	} else {
		for i := range c.sides {
			if l := c.sides[i].layer; l.reel != nil {
				s.layers = append(s.layers, &l)
			}
		}
	}
	c.courier.send(s)
	if !c.open {
		c.sent = now // else the output has owed an answer since before
	}
	c.open, c.dirty = true, false
}

// answer takes the output's word on a frame.
func (c *canvas) answer(r answer) {
	if r.err != nil && !c.fault {
		c.report(r.at, r.err)
	}
	if r.turn != c.at { // of a page that is over; the newer one is on its way
		c.sent = r.at
		return
	}
	c.open = false
	if r.err != nil {
		c.dirty = true
		return
	}
	if c.fault {
		c.fault = false
		c.queue = append(c.queue, Event{Kind: Fault, Job: c.cur.id(), At: r.at})
		c.log.Info("board shows frames again")
	}
	if !c.fresh { // only a side has changed, or what stands was sent again
		return
	}
	c.fresh = false
	if r.turn.set != c.cur.set { // of what stood before: its successor waits for calm
		return
	}
	s := Showing{Page: c.at.page, At: r.at, Digest: r.digest, Proof: r.proof}
	if c.cur.job != nil {
		c.cur.showing = append(c.cur.showing, s)
		if r.at.Sub(c.since) <= Prompt {
			c.cur.prompt++
		}
		if !c.cur.begun {
			c.cur.begun = true
			c.queue = append(c.queue, Event{Kind: Begun, Job: c.cur.job.ID, At: r.at})
		}
	}
	c.mu.Lock()
	c.status = Status{Job: c.cur.id(), Shown: s}
	c.mu.Unlock()
}

func (c *canvas) report(now time.Time, err error) {
	c.fault = true
	c.queue = append(c.queue, Event{Kind: Fault, Job: c.cur.id(), At: now, Err: err})
	c.log.Warn("board does not show frames", "error", err)
}

func (s *shown) id() string {
	if s.job == nil {
		return ""
	}
	return s.job.ID
}
