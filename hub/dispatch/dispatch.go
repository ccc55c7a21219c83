// Package dispatch brings to each device what it lacks: plans, alerts, stops,
// placements, content, time. It decides, from what a device says it holds, what
// to send. The broker holds nothing for it: what got lost is sent again when the
// device says what it holds. It never signs an approval and never blocks on a
// slow device.
package dispatch

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loa-vn/loa/hub/allowance"
	"github.com/loa-vn/loa/hub/plan"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Broker sends bytes to whoever is subscribed.
type Broker interface {
	Publish(topic string, payload []byte, qos byte) error
	// PublishTo sends to those of some clients that are subscribed.
	PublishTo(clientIDs []string, topic string, payload []byte, qos byte) error
	// Broadcasts says that PublishTo reaches everybody who is subscribed.
	Broadcasts() bool
	// Backlog returns how many bytes wait to be sent, to all together.
	Backlog() int
	// Queued returns how many bytes wait to be sent to a client.
	Queued(clientID string) int
	// MayLack says whether a client may lack something that was published since then
	// to a topic that it is subscribed to.
	MayLack(clientID string, since time.Time) bool
}

// Store reads what devices must hold. Each method is one read.
type Store interface {
	// NewestPlan returns a unit's newest plan; problem.ErrNotFound for none.
	NewestPlan(ctx context.Context, unit protocol.UnitID) (plan.Published, error)
	// OpenAlerts lists the alerts for any of units that have not expired and that
	// the device has not answered for, oldest first.
	OpenAlerts(ctx context.Context, units []protocol.UnitID, device protocol.DeviceID, now time.Time) ([]plan.Alert, error)
	// Answered lists the devices that have given their verdict on an alert.
	Answered(ctx context.Context, alert protocol.Digest) (map[protocol.DeviceID]bool, error)
	// SaveSeen keeps a device's verdict on an alert.
	SaveSeen(ctx context.Context, device protocol.DeviceID, s protocol.Seen) error
	// RaiseFloor has the next plan of a unit numbered higher than number.
	RaiseFloor(ctx context.Context, unit protocol.UnitID, number uint64, at time.Time) error
	// ChainEnd returns the last seq up to which a device's chain is whole here, 0
	// for none of it.
	ChainEnd(ctx context.Context, device protocol.DeviceID, chain protocol.Digest) (uint64, error)
	// LoseReceipts keeps that a range of a chain will never come.
	LoseReceipts(ctx context.Context, device protocol.DeviceID, chain protocol.Digest, first, last uint64, at time.Time) error
}

// Alarms are told what an operator must look at; they return soon.
type Alarms interface {
	// Lost: receipts first to last are gone for good.
	Lost(ctx context.Context, device protocol.DeviceID, chain protocol.Digest, first, last uint64)
	// Ahead: a device holds a newer placement than this hub; Level: it does not.
	Ahead(ctx context.Context, device protocol.DeviceID, number uint64)
	Level(ctx context.Context, device protocol.DeviceID)
}

// Registry tells devices and their signed placements.
type Registry interface {
	Devices(ctx context.Context) ([]registry.Device, error)
	Device(ctx context.Context, id protocol.DeviceID) (registry.Device, error)
	// SaveStates keeps heartbeats in one transaction; false for one of an earlier
	// connection than the stored one's.
	SaveStates(ctx context.Context, hs []protocol.Heartbeat, now time.Time) ([]bool, error)
	// Placement returns the device's signed placement and the trust documents that
	// it needs.
	Placement(ctx context.Context, id protocol.DeviceID) (signed []byte, lists []protocol.Content, err error)
}

// Blobs reads content by digest.
type Blobs interface {
	Reader
	Chunks(digest protocol.Digest) (list []byte, size int64, err error)
}

// Config is what New needs.
type Config struct {
	Broker   Broker
	Store    Store
	Registry Registry
	Blobs    Blobs
	Signer   *envelope.Signer
	Alarms   Alarms
	Now      func() time.Time
	// Changed is told of each device that was heard, Stale that a plan is to be
	// published anew.
	Changed func(protocol.DeviceID)
	Stale   func()
	// ContentURL says where devices find content over HTTPS; "" for nowhere.
	ContentURL func() string
	Log        *slog.Logger
}

// Dispatcher sends. Its methods are safe for concurrent use.
type Dispatcher struct {
	broker     Broker
	store      Store
	registry   Registry
	signer     *envelope.Signer
	alarms     Alarms
	content    *contentSender
	states     *keeper
	rounds     *rounds
	plans      *newestPlans
	asks       *allowance.Allowances // signed answers, by device
	now        func() time.Time
	log        *slog.Logger
	changed    func(protocol.DeviceID)
	stale      func()
	contentURL func() string
	last       atomic.Uint64 // number of the last command

	ctx    context.Context //nolint:containedctx // the life of the dispatcher's own goroutines
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// How many questions of a device are answered: each answer is signed anew. A device asks
// a few times a minute.
const (
	asksPerSecond = 10
	asksAtOnce    = 50
)

// New returns a dispatcher.
func New(c Config) *Dispatcher {
	ctx, cancel := context.WithCancel(context.Background())
	d := &Dispatcher{
		broker: c.Broker, store: c.Store, registry: c.Registry, signer: c.Signer, alarms: c.Alarms, now: c.Now, log: c.Log,
		changed: c.Changed, stale: c.Stale, contentURL: c.ContentURL, rounds: newRounds(), plans: newNewestPlans(c.Store),
		asks: allowance.New(asksPerSecond, asksAtOnce), ctx: ctx, cancel: cancel,
	}
	d.states = newKeeper(func(ctx context.Context, hs []protocol.Heartbeat) ([]bool, error) {
		return c.Registry.SaveStates(ctx, hs, c.Now())
	})
	d.content = newContentSender(c.Broker, c.Blobs, c.Log)
	d.wg.Go(func() { d.content.run(ctx) })
	d.wg.Go(func() { d.states.run(ctx) })
	for range workers {
		d.wg.Go(func() { d.work(ctx) })
	}
	return d
}

// Close ends the dispatcher's goroutines.
func (d *Dispatcher) Close() {
	d.cancel()
	d.wg.Wait()
}

func (d *Dispatcher) send(topic string, payload []byte) {
	if err := d.broker.Publish(topic, payload, 1); err != nil {
		d.log.Warn("not sent", "topic", topic, "error", err)
	}
}

// AnnouncePlan sends a unit's new plan to the devices in it and below.
func (d *Dispatcher) AnnouncePlan(p plan.Published) {
	d.plans.drop(p.Unit)
	d.send(protocol.UnitTopic(p.Unit, protocol.VerbPlan), p.Head)
}

// retries are when an alert goes again to those who have not answered.
func retries() []time.Duration {
	return []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second}
}

// AnnounceAlert sends an alert at once, and again to each device that has not
// answered.
func (d *Dispatcher) AnnounceAlert(a plan.Alert) {
	d.send(protocol.UnitTopic(a.Unit, protocol.VerbAlert), a.Bytes)
	d.wg.Go(func() {
		begin := time.Now()
		for _, after := range retries() {
			select {
			case <-d.ctx.Done():
				return
			case <-time.After(time.Until(begin.Add(after))):
			}
			if err := d.remind(a); err != nil {
				d.log.Warn("alert not repeated", "alert", a.Digest.String(), "error", err)
			}
		}
	})
}

// remind sends an alert to the devices of its unit that have not answered.
func (d *Dispatcher) remind(a plan.Alert) error {
	if !a.Expires.After(d.now()) {
		return nil
	}
	devices, err := d.registry.Devices(d.ctx)
	if err != nil {
		return err
	}
	answered, err := d.store.Answered(d.ctx, a.Digest)
	if err != nil {
		return err
	}
	for _, dev := range registry.Targets(devices, []protocol.UnitID{a.Unit}) {
		if !answered[dev.ID] {
			d.send(protocol.DeviceTopic(dev.ID, protocol.VerbAlert), a.Bytes)
		}
	}
	return nil
}
