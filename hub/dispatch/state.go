package dispatch

import (
	"context"
	"fmt"
	"sync"

	"github.com/loa-vn/loa/protocol"
)

// maxStates is how many heartbeats share one transaction.
const maxStates = 500

// keeper stores heartbeats; what comes together is committed together, so that
// thousands of devices that come back at once cost a few transactions.
type keeper struct {
	save  func(ctx context.Context, hs []protocol.Heartbeat) ([]bool, error)
	queue chan keeping
}

type keeping struct {
	heartbeat protocol.Heartbeat
	reply     chan<- kept
}

type kept struct {
	current bool
	err     error
}

func newKeeper(save func(context.Context, []protocol.Heartbeat) ([]bool, error)) *keeper {
	return &keeper{save: save, queue: make(chan keeping)}
}

func (k *keeper) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-k.queue:
			k.commit(ctx, k.gather(first))
		}
	}
}

func (k *keeper) gather(first keeping) []keeping {
	group := []keeping{first}
	for len(group) < maxStates {
		select {
		case w := <-k.queue:
			group = append(group, w)
		default:
			return group
		}
	}
	return group
}

func (k *keeper) commit(ctx context.Context, group []keeping) {
	hs := make([]protocol.Heartbeat, len(group))
	for i, w := range group {
		hs[i] = w.heartbeat
	}
	current, err := k.save(ctx, hs)
	for i, w := range group {
		r := kept{err: err}
		if err == nil {
			r.current = current[i]
		}
		w.reply <- r
	}
}

// keep stores one heartbeat and says whether it is of the device's current
// connection.
func (k *keeper) keep(ctx context.Context, h protocol.Heartbeat) (bool, error) {
	reply := make(chan kept, 1)
	select {
	case k.queue <- keeping{h, reply}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	select {
	case r := <-reply:
		return r.current, r.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// workers is how many devices are reconciled side by side. The rest wait in a
// queue, which holds each device once with what it said last: admission is
// bounded by the number of devices, and nobody's message times out meanwhile.
const workers = 4

// rounds is the queue of devices to reconcile.
type rounds struct {
	mu      sync.Mutex
	waiting map[protocol.DeviceID]protocol.Heartbeat
	order   []protocol.DeviceID
	running map[protocol.DeviceID]bool
	more    chan struct{}
}

func newRounds() *rounds {
	return &rounds{
		waiting: map[protocol.DeviceID]protocol.Heartbeat{}, running: map[protocol.DeviceID]bool{}, more: make(chan struct{}, 1),
	}
}

// add queues a device; one that waits already keeps its place.
func (r *rounds) add(h protocol.Heartbeat) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, waits := r.waiting[h.Device]; !waits && !r.running[h.Device] {
		r.order = append(r.order, h.Device)
	}
	r.waiting[h.Device] = h
	r.kick()
}

func (r *rounds) kick() {
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// next takes the device that waits longest, if there is one.
func (r *rounds) next() (protocol.Heartbeat, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.order) == 0 {
		return protocol.Heartbeat{}, false
	}
	id := r.order[0]
	r.order = r.order[1:]
	h := r.waiting[id]
	delete(r.waiting, id)
	r.running[id] = true
	if len(r.order) > 0 {
		r.kick() // for another worker
	}
	return h, true
}

// done ends a device's round; what it said meanwhile makes another one.
func (r *rounds) done(id protocol.DeviceID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, id)
	if _, again := r.waiting[id]; again {
		r.order = append(r.order, id)
		r.kick()
	}
}

// work reconciles what waits until ctx ends.
func (d *Dispatcher) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.rounds.more:
		}
		for h, ok := d.rounds.next(); ok && ctx.Err() == nil; h, ok = d.rounds.next() {
			if err := d.reconcile(ctx, h); err != nil && ctx.Err() == nil {
				// It comes again with the next heartbeat.
				d.log.Error("device not reconciled", "device", h.Device, "error", err)
			}
			d.rounds.done(h.Device)
		}
	}
}

// state keeps a heartbeat and has what the device lacks sent.
func (d *Dispatcher) state(ctx context.Context, device protocol.DeviceID, payload []byte) error {
	h, err := protocol.Unmarshal[protocol.Heartbeat](payload, protocol.MaxControl)
	if err != nil {
		return err
	}
	if h.Device != device {
		return fmt.Errorf("heartbeat of %s: %w", h.Device, protocol.ErrInvalid)
	}
	current, err := d.states.keep(ctx, h)
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	if !current {
		return nil // of an earlier connection
	}
	d.changed(device)
	if h.Online {
		d.rounds.add(h)
	}
	return nil
}

// receipts compares the chain that a device has with what is kept here: after a
// restore from a backup the hub has less than it once acknowledged.
func (d *Dispatcher) receipts(ctx context.Context, h protocol.Heartbeat) error {
	c := h.Chain
	if c == nil || c.Acked == 0 {
		return nil
	}
	here, err := d.store.ChainEnd(ctx, h.Device, c.Chain)
	if err != nil {
		return fmt.Errorf("receipts: %w", err)
	}
	if here >= c.Acked {
		return nil
	}
	from := here + 1
	if c.Oldest > from {
		if err := d.store.LoseReceipts(ctx, h.Device, c.Chain, from, c.Oldest-1, d.now()); err != nil {
			return fmt.Errorf("receipts: %w", err)
		}
		d.alarms.Lost(ctx, h.Device, c.Chain, from, c.Oldest-1)
		from = c.Oldest
	}
	d.log.WarnContext(ctx, "receipts that were acknowledged are missing here", "device", h.Device, "from", from, "acked", c.Acked)
	return d.Resync(ctx, h.Device, from)
}
