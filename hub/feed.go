package hub

import (
	"sync"
	"time"

	"github.com/loa-vn/loa/hub/api"
)

// keptChanges is how many of the last changes can be told again.
const keptChanges = 4096

// feed passes changes on to those who watch, numbered in one row that goes on
// over restarts. A watcher that does not keep up, or comes back too late, is told
// so by a change of kind "missed".
type feed struct {
	mu       sync.Mutex
	watchers map[chan api.Notice]bool
	last     int64        // number of the newest change
	kept     []api.Notice // the last ones, oldest first
}

// newFeed begins to number at the second of its start, with room for a thousand
// changes in each second before, so that a number is never given twice.
func newFeed(start time.Time) *feed {
	return &feed{watchers: map[chan api.Notice]bool{}, last: start.Unix() * 1000}
}

// Watch returns a channel of the changes after a number (0: from now on) and a
// function that ends it. The first word is what was missed.
func (f *feed) Watch(since int64) (<-chan api.Notice, func()) {
	c := make(chan api.Notice, 256)
	f.mu.Lock()
	f.replay(c, since)
	f.watchers[c] = true
	f.mu.Unlock()
	return c, func() {
		f.mu.Lock()
		delete(f.watchers, c)
		f.mu.Unlock()
	}
}

// replay tells a watcher what came after a number, or that it cannot be told.
func (f *feed) replay(c chan api.Notice, since int64) {
	missed := f.kept
	for len(missed) > 0 && missed[0].Seq <= since {
		missed = missed[1:]
	}
	switch {
	case since == 0 || since == f.last:
		c <- api.Notice{Seq: f.last, Kind: "now"}
	case since > f.last, len(missed) == len(f.kept) && (len(f.kept) == 0 || since < f.kept[0].Seq-1), len(missed) >= cap(c):
		c <- api.Notice{Seq: f.last, Kind: "missed"}
	default:
		for _, n := range missed {
			c <- n
		}
	}
}

// Tell implements api.Changes.
func (h *Hub) Tell(n api.Notice) { h.feed.tell(n.Kind, n.ID) }

func (f *feed) tell(kind, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	n := api.Notice{Seq: f.last, Kind: kind, ID: id}
	if len(f.kept) == keptChanges {
		f.kept = append(f.kept[:0], f.kept[keptChanges/4:]...)
	}
	f.kept = append(f.kept, n)
	for c := range f.watchers {
		select {
		case c <- n:
		default:
			// Room for one word is made by dropping the oldest.
			select {
			case <-c:
			default:
			}
			select {
			case c <- api.Notice{Seq: f.last, Kind: "missed"}:
			default:
			}
		}
	}
}
