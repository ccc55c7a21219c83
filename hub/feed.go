package hub

import (
	"sync"

	"github.com/loa-vn/loa/hub/api"
)

// feed passes changes on to those who watch. A watcher that does not keep up
// misses some and is told so by a Change of kind "missed".
type feed struct {
	mu       sync.Mutex
	watchers map[chan api.Notice]bool
}

func newFeed() *feed { return &feed{watchers: map[chan api.Notice]bool{}} }

// Watch returns a channel of changes and a function that ends it.
func (f *feed) Watch() (<-chan api.Notice, func()) {
	c := make(chan api.Notice, 256)
	f.mu.Lock()
	f.watchers[c] = true
	f.mu.Unlock()
	return c, func() {
		f.mu.Lock()
		delete(f.watchers, c)
		f.mu.Unlock()
	}
}

// Tell implements api.Changes.
func (h *Hub) Tell(n api.Notice) { h.feed.tell(n.Kind, n.ID) }

func (f *feed) tell(kind, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.watchers {
		select {
		case c <- api.Notice{Kind: kind, ID: id}:
		default:
			// Room for one word is made by dropping the oldest.
			select {
			case <-c:
			default:
			}
			select {
			case c <- api.Notice{Kind: "missed"}:
			default:
			}
		}
	}
}
