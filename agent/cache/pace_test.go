package cache

import (
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// line is a line of a rate and a round trip that chunks queue on.
type line struct {
	rate float64 // bytes a second
	trip time.Duration
}

// run asks for chunks over a line for a time and returns the window that came out, and
// the longest time for which what was asked for stood on the line.
func (l line) run(p *pace, begin time.Time, d time.Duration) (longest time.Duration) {
	type chunk struct{ at time.Time }
	var under []chunk
	free := begin // when the line has carried all
	now := begin
	for now.Before(begin.Add(d)) {
		for room := p.window - len(under)*protocol.ChunkSize; room >= protocol.ChunkSize; room -= protocol.ChunkSize {
			p.request(now, len(under) == 0, (len(under)+1)*protocol.ChunkSize)
			start := now.Add(l.trip)
			if free.After(start) {
				start = free
			}
			free = start.Add(time.Duration(protocol.ChunkSize / l.rate * float64(time.Second)))
			under = append(under, chunk{free})
			if now.Sub(begin) > 2*time.Second { // behind the burst of the beginning
				longest = max(longest, free.Sub(now)-l.trip)
			}
		}
		now = under[0].at
		under = under[1:]
		p.arrived(now, protocol.ChunkSize)
	}
	return longest
}

func TestTheWindowAdaptsToTheLine(t *testing.T) {
	begin := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		name        string
		line        line
		least, most int           // of the window
		wait        time.Duration // of what is asked for, on the line
	}{
		{"1 Mbit/s", line{125_000, 30 * time.Millisecond}, smallest, 3 * protocol.ChunkSize, 300 * time.Millisecond},
		{"1 Mbit/s by satellite", line{125_000, 600 * time.Millisecond}, 90_000, 130_000, 300 * time.Millisecond},
		{"8 Mbit/s", line{1_000_000, 50 * time.Millisecond}, 200_000, DefaultWindow, 300 * time.Millisecond},
		{"local network", line{50_000_000, time.Millisecond}, DefaultWindow, DefaultWindow, 300 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPace(DefaultWindow)
			c.line.run(&p, begin, 20*time.Second) // settles
			wait := c.line.run(&p, begin.Add(time.Hour), 20*time.Second)
			if p.window < c.least || p.window > c.most {
				t.Errorf("window of %d bytes, want %d to %d", p.window, c.least, c.most)
			}
			if wait > c.wait {
				t.Errorf("content stood on the line for %s", wait)
			}
		})
	}
}

func TestTheWindowShrinksWhenNothingComes(t *testing.T) {
	p := newPace(DefaultWindow)
	for range 10 {
		p.lost()
	}
	if p.window != smallest {
		t.Errorf("window of %d bytes, want %d", p.window, smallest)
	}
}

// A line on which little was asked for shows nothing of its rate: several small
// contents, with silence between, leave the window as it is.
func TestSmallContentsDoNotShrinkTheWindow(t *testing.T) {
	p := newPace(DefaultWindow)
	now := time.Unix(1_800_000_000, 0)
	for range 10 {
		p.request(now, true, 2_000)
		for range 4 {
			now = now.Add(60 * time.Millisecond)
			p.arrived(now, 500)
		}
		now = now.Add(10 * time.Second)
	}
	if p.window < first {
		t.Errorf("window of %d bytes, want %d still", p.window, first)
	}
}
