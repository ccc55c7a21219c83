package cache

import (
	"time"

	"github.com/loa-vn/loa/protocol"
)

const (
	// ahead is how much of the line's time may be asked for beyond one round trip,
	// which here includes the first chunk itself: with that, about a quarter of a
	// second of content stands in front of what is more urgent on the same line.
	ahead = 150 * time.Millisecond
	// smallest and first bound the window from below and at the beginning: two
	// chunks, so that one can be on its way while the other is asked for.
	smallest = 2 * protocol.ChunkSize
	first    = 4 * protocol.ChunkSize
	// measure is the shortest time over which the line's rate is taken.
	measure = 50 * time.Millisecond
)

// pace is how many bytes are asked for at once: what the line carries in a round
// trip and a little more. It decides from what it is told, and has no clock.
type pace struct {
	window int // bytes
	most   int // bytes
	trip   time.Duration
	asked  time.Time // when the first request after a silence went out
	filled bool      // the last request asked for all that the window allows
	since  time.Time // of the measurement
	bytes  int       // since then
}

func newPace(most int) pace {
	most = max(most, smallest)
	return pace{window: min(first, most), most: most}
}

// request notes a request, after which that many bytes are under way; idle says
// that nothing was before.
func (p *pace) request(now time.Time, idle bool, underWay int) {
	if idle {
		p.asked = now
	}
	p.filled = underWay > p.window/2
}

// arrived notes bytes that came, and takes a new window when enough time has gone.
func (p *pace) arrived(now time.Time, n int) {
	if !p.asked.IsZero() {
		if trip := now.Sub(p.asked); p.trip == 0 || trip < p.trip {
			p.trip = trip
		}
		p.asked, p.since, p.bytes = time.Time{}, now, 0
		return
	}
	p.bytes += n
	gone := now.Sub(p.since)
	if gone < measure {
		return
	}
	rate := float64(p.bytes) / gone.Seconds()
	p.since, p.bytes = now, 0
	least := p.window / 2
	if !p.filled {
		least = p.window // little came as little was asked for: that says nothing against the line
	}
	p.set(int(rate*(ahead+p.trip).Seconds()), least, 2*p.window)
}

// lost notes that what was asked for did not come.
func (p *pace) lost() {
	p.asked = time.Time{}
	p.set(p.window/2, 0, p.window)
}

func (p *pace) set(window, least, most int) {
	p.window = min(max(window, least, smallest), most, p.most)
}
