package agent

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"sync"

	"github.com/loa-vn/loa/agent/amplifier/gpio"
	"github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/kept"
	"github.com/loa-vn/loa/agent/key"
	"github.com/loa-vn/loa/agent/technician"
	"github.com/loa-vn/loa/protocol"
	"golang.org/x/sync/errgroup"
)

// keys watches what ends an emergency on the board: the key of the profile, and the
// command of a technician at the device. What was ended before a restart stays so.
func (a *Agent) keys(ctx context.Context, g *errgroup.Group) {
	data := a.cfg.Load().Data
	a.ended.load(kept.File{Path: filepath.Join(data, "ended.json")})
	held := func() { a.clear(ctx) }
	g.Go(func() error {
		for _, k := range a.ended.list() {
			a.tell(ctx, []inbox.Update{inbox.Keyed{Airing: k.Airing, At: k.At}})
		}
		return technician.Clear{Dir: data}.Watch(ctx, held)
	})
	k := a.cfg.Load().Profile.Board.Key
	if k == nil {
		return
	}
	button := key.Button{Open: opener(*k), Hold: k.Hold.Std(), Fault: func(on bool) { a.fault("key", on) }, Log: a.log}
	g.Go(func() error { return button.Watch(ctx, held) })
}

// opener opens the key that a profile describes.
func opener(k config.Key) func() (key.Source, error) {
	return func() (key.Source, error) {
		if k.Input != "" {
			return key.OpenInput(k.Input, k.Code)
		}
		return gpio.Listen(k.Chip, k.Line, k.ActiveLow)
	}
}

// clear ends the emergency that stands on the board, for whoever is there asks for it.
// The hub learns of it from the receipt and from heartbeats.
func (a *Agent) clear(ctx context.Context) {
	id, ok := a.screen.Clear()
	if !ok {
		a.log.InfoContext(ctx, "nothing to end on the board")
		return
	}
	now, _, _ := a.clock.Now()
	k := protocol.Keyed{Airing: id, At: protocol.InstantOf(now)}
	if err := a.ended.add(k); err != nil {
		a.log.WarnContext(ctx, "not kept that an emergency was ended here", "error", err)
	}
	a.log.WarnContext(ctx, "emergency ended at the board", "airing", id)
	a.tell(ctx, []inbox.Update{inbox.Keyed{Airing: k.Airing, At: k.At}})
	a.state.Changed()
}

// ended keeps the emergencies that were ended at the board, over restarts too.
type ended struct {
	mu   sync.Mutex
	file kept.File
	last []protocol.Keyed
}

// load reads what was kept; nothing, if it can't be read.
func (e *ended) load(file kept.File) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.file = file
	if b, err := file.Load(); err == nil {
		var last []protocol.Keyed
		if json.Unmarshal(b, &last) == nil {
			e.last = last[max(0, len(last)-protocol.MaxKeyed):]
		}
	}
}

func (e *ended) add(k protocol.Keyed) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = append(slices.DeleteFunc(slices.Clone(e.last), func(o protocol.Keyed) bool { return o.Airing == k.Airing }), k)
	e.last = e.last[max(0, len(e.last)-protocol.MaxKeyed):]
	b, err := json.Marshal(e.last)
	if err != nil {
		return err
	}
	return e.file.Save(b)
}

func (e *ended) list() []protocol.Keyed {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.last)
}
