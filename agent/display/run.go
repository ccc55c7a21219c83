package display

import (
	"context"
	"time"
)

// canvas is the state of the goroutine that owns the picture.
type canvas struct {
	*Board
	places []*place // the main one first
	sets   uint64
	queue  []Event
	serial uint64    // of the scene handed out last
	dirty  bool      // it must be handed out again
	sent   time.Time // since when the output owes an answer, or owed the last
	open   bool      // no answer yet to what was handed out
	fault  bool      // the last word was a fault
}

// run draws pages at their time until ctx ends.
func (b *Board) run(ctx context.Context) {
	c := &canvas{Board: b}
	for i, z := range b.zones {
		c.places = append(c.places, &place{n: i, Side: z})
	}
	for _, p := range c.places {
		c.rest(p, time.Now())
	}
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
		for _, p := range c.places { // what was ordered before and is due comes before
			c.begin(p, now)
		}
		switch {
		case o.job != nil:
			c.await(c.places[o.job.Zone], o.job, now)
		case o.refresh:
			if p := c.places[0]; p.cur.job == nil {
				c.rest(p, now)
			}
		default:
			c.stop(o.stop, now)
		}
	}
}

// await lets a job wait for its time.
func (c *canvas) await(p *place, j *Job, now time.Time) {
	c.drop(p, now)
	if j.Begin.IsZero() {
		j.Begin = now
	}
	// from here on the pace is the monotonic clock's, whatever is set
	j.Begin = now.Add(j.Begin.Sub(now))
	if !j.Until.IsZero() {
		j.Until = now.Add(j.Until.Sub(now))
	}
	p.next = j
}

// stop ends the job of an id, wherever it is.
func (c *canvas) stop(id string, now time.Time) {
	for _, p := range c.places {
		switch {
		case p.cur.job != nil && p.cur.job.ID == id:
			c.end(p, now)
			c.rest(p, now)
		case p.next != nil && p.next.ID == id:
			c.drop(p, now)
		}
	}
}

// advance hands out the frame of this instant and returns when to come again.
func (c *canvas) advance(now time.Time) time.Duration {
	wait, turned := time.Hour, false
	for _, p := range c.places {
		left, t := c.turnOver(p, now)
		wait, turned = min(wait, left), turned || t
	}
	if turned {
		c.hand(now)
	}
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

// hand gives the current scene to the output: the page of a set that fills the
// board alone, others with the other zones' beside them.
func (c *canvas) hand(now time.Time) {
	c.serial++
	s := &scene{serial: c.serial}
	for _, p := range c.places {
		if p.page == nil { // its first page waits for calm
			continue
		}
		l := &layer{at: p.At, page: *p.page, reel: p.reel, since: p.since, turn: p.at, asked: p.fresh}
		s.layers = append(s.layers, l)
		if p.n == 0 && c.covers(p) {
			l.at = c.whole()
			break
		}
	}
	c.courier.send(s)
	if !c.open {
		c.sent = now // else the output has owed an answer since before
	}
	c.open, c.dirty = true, false
}

// answer takes the output's word on a scene, or on a later frame of it.
func (c *canvas) answer(r answer) {
	if r.err != nil && !c.fault {
		c.report(r.at, r.err)
	}
	last := r.serial == c.serial
	if last {
		c.open, c.dirty = false, r.err != nil
	} else { // the newer one is on its way
		c.sent = r.at
	}
	if r.err != nil {
		return
	}
	if last && c.fault {
		c.fault = false
		c.queue = append(c.queue, Event{Kind: Fault, Job: c.places[0].cur.id(), At: r.at})
		c.log.Info("board shows frames again")
	}
	for _, l := range r.laid {
		for _, p := range c.places {
			if p.at == l.turn && p.fresh {
				c.shown(p, r.at, l)
			}
		}
	}
}

// shown notes that a place's page came up.
func (c *canvas) shown(p *place, at time.Time, l laid) {
	p.fresh = false
	if l.turn.set != p.cur.set { // of what stood before: its successor waits for calm
		return
	}
	s := Showing{Page: p.at.page, At: at, Digest: l.digest, Proof: l.proof}
	if p.cur.job != nil {
		p.cur.showing = append(p.cur.showing, s)
		if at.Sub(p.since) <= Prompt {
			p.cur.prompt++
		}
		if !p.cur.begun {
			p.cur.begun = true
			c.queue = append(c.queue, Event{Kind: Begun, Job: p.cur.job.ID, Zone: p.n, At: at})
		}
	}
	if p.n > 0 {
		return
	}
	c.mu.Lock()
	c.status = Status{Job: p.cur.id(), Shown: s}
	c.mu.Unlock()
}

func (c *canvas) report(now time.Time, err error) {
	c.fault = true
	c.queue = append(c.queue, Event{Kind: Fault, Job: c.places[0].cur.id(), At: now, Err: err})
	c.log.Warn("board does not show frames", "error", err)
}
