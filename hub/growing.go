package hub

import (
	"context"
	"io"
	"sync"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/studio/speech"
	"github.com/loa-vn/loa/protocol"
)

// growing holds the texts that are being spoken, so that they can be heard before
// they are finished.
type growing struct {
	mu sync.Mutex
	of map[protocol.BulletinID]*grown
}

func newGrowing() *growing { return &growing{of: map[protocol.BulletinID]*grown{}} }

// grown is what is spoken so far of one text.
type grown struct {
	mu     sync.Mutex
	pieces []speech.PCM
	more   chan struct{} // closed and replaced with each piece
	done   bool
}

// begin holds a text until done is called.
func (g *growing) begin(id protocol.BulletinID) (_ *grown, done func()) {
	t := &grown{more: make(chan struct{})}
	g.mu.Lock()
	g.of[id] = t
	g.mu.Unlock()
	return t, func() {
		g.mu.Lock()
		if g.of[id] == t {
			delete(g.of, id)
		}
		g.mu.Unlock()
		t.end()
	}
}

func (t *grown) add(p speech.PCM) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pieces = append(t.pieces, p)
	close(t.more)
	t.more = make(chan struct{})
}

func (t *grown) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done = true
	close(t.more)
	t.more = make(chan struct{})
}

// next returns the piece after n, and waits for it.
func (t *grown) next(ctx context.Context, n int) (speech.PCM, bool) {
	for {
		t.mu.Lock()
		if n < len(t.pieces) {
			defer t.mu.Unlock()
			return t.pieces[n], true
		}
		done, more := t.done, t.more
		t.mu.Unlock()
		if done {
			return speech.PCM{}, false
		}
		select {
		case <-more:
		case <-ctx.Done():
			return speech.PCM{}, false
		}
	}
}

// Growing implements api.Growing: it returns a function that writes what is spoken
// of a bulletin as one WAV file, as it grows, until it is finished or ctx ends.
// Error: problem.ErrNotFound if nothing is being spoken.
func (g *growing) Growing(id protocol.BulletinID) (func(ctx context.Context, w io.Writer) error, error) {
	g.mu.Lock()
	t := g.of[id]
	g.mu.Unlock()
	if t == nil {
		return nil, problem.ErrNotFound
	}
	return func(ctx context.Context, w io.Writer) error {
		for n := 0; ; n++ {
			p, ok := t.next(ctx, n)
			if !ok {
				return nil
			}
			if n == 0 {
				if err := speech.WriteWAVHeader(w, p.Rate); err != nil {
					return err
				}
			}
			if err := speech.WriteSamples(w, p.Samples); err != nil {
				return err
			}
		}
	}, nil
}
