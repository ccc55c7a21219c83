package display

import (
	"context"
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
	at    turn      // of the frame handed out last
	since time.Time // when its turn began
	reel  *page.Reel
	frame int       // of its crawl
	dirty bool      // the frame must be handed out again
	sent  time.Time // since when the output owes an answer, or owed the last
	open  bool      // no answer yet to what was handed out
	fault bool      // the last word was a fault
}

// run draws pages at their time until ctx ends.
func (b *Board) run(ctx context.Context) {
	c := &canvas{Board: b}
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
		c.cur.pages = []page.Page{{Board: page.Board{Width: c.size[0], Height: c.size[1]}}}
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
		c.at, c.since = at, now.Add(-(page.Dwell(c.cur.pages[at.page]) - left))
		c.cur.turns++
		c.reel = page.NewReel(c.cur.pages[at.page])
		c.frame = 0
		c.hand(now)
	}
	if end := c.cur.end(); !end.IsZero() {
		left = min(left, end.Sub(now))
	}
	left = min(left, c.crawl(now))
	if c.next != nil {
		left = min(left, c.next.Begin.Sub(now))
	}
	return left
}

// crawl moves the page's crawl to this instant and returns how long it stays.
func (c *canvas) crawl(now time.Time) time.Duration {
	p := c.cur.pages[c.at.page]
	if p.Crawl == nil {
		return page.Dwell(p)
	}
	elapsed := now.Sub(c.since)
	n := p.Crawl.Frame(elapsed)
	if n != c.frame && !c.dirty {
		c.frame = n
		c.courier.send(c.at, p, c.reel, n, false)
	}
	return p.Crawl.At(n+1) - elapsed
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

// hand gives the current page to the output.
func (c *canvas) hand(now time.Time) {
	c.courier.send(c.at, c.cur.pages[c.at.page], c.reel, c.frame, true)
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
