package relay

import (
	"math"
	"time"
)

const (
	// leaning is by how much a piece is sent earlier or later than a whole one's length
	// after the one before, to follow a source: 300 ppm, which devices make up for unheard.
	leaning = pieceTime * 300 / 1_000_000
	// watched is how many pieces a queue is watched for before it is leaned: 30 s, the
	// longest distance of two bursts.
	watched = 150
	// slack is how many packets a queue may come to hold more or less before that.
	slack = 3
	// stale is how late a piece may be and still belong to those before it.
	stale = time.Second
)

// pace says when pieces are due. Their instants go on evenly, at the pace of the source's
// clock and not of the hub's: by what its queue holds at the least, they lean towards
// earlier or later; and a source that has nothing left is waited for.
type pace struct {
	next    time.Time // when the next piece is due; zero to begin with
	starved bool      // there was nothing then

	least, looked int
	level         int // what the queue held at the least when it was first watched
	levelled      bool
	lean          time.Duration
}

// take notes that a piece is sent, with so many packets left behind it, and returns its
// instant.
func (p *pace) take(now time.Time, left int) time.Time {
	at := p.next
	if at.IsZero() || p.starved || now.Sub(at) > stale {
		at = now
	}
	if p.looked == 0 {
		p.least = math.MaxInt
	}
	p.starved, p.least = false, min(p.least, left)
	if p.looked++; p.looked == watched {
		p.weigh()
		p.looked = 0
	}
	p.next = at.Add(pieceTime + p.lean)
	return at
}

// weigh decides how pieces lean until the queue is weighed again.
func (p *pace) weigh() {
	switch {
	case !p.levelled:
		p.level, p.levelled = p.least, true
	case p.least < p.level-slack:
		p.lean = leaning
	case p.least > p.level+slack:
		p.lean = -leaning
	default:
		p.lean = 0
	}
}
