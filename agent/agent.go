// Package agent is Loa on a device: it keeps plans and content, plays and shows
// them on schedule with or without a network, and sends back signed receipts.
// New puts the parts together; it is the only place that knows concrete adapters.
package agent

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loa-vn/loa/agent/amplifier"
	"github.com/loa-vn/loa/agent/cache"
	"github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/outputs"
	"github.com/loa-vn/loa/agent/fetch"
	"github.com/loa-vn/loa/agent/health"
	"github.com/loa-vn/loa/agent/identity"
	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/link"
	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/agent/receipt"
	"github.com/loa-vn/loa/agent/relay"
	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/agent/technician"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"golang.org/x/sync/errgroup"
)

// Options replace parts that a test or a fleet brings itself.
type Options struct {
	Software string
	Log      *slog.Logger
	// Speaker is the command of the child that drives the sound card.
	Speaker []string
	// Recorder replaces arecord as the program that listens to the microphone.
	Recorder string
	// Sink replaces the sound output of the profile.
	Sink player.Sink
	// Output replaces the output of a medium that the profile has; sounds opens what is
	// on the device. Nil opens what the profile names.
	Output func(m protocol.Medium, sounds playout.Sounds) Output
	// Relay replaces the GPIO line of the profile's amplifier.
	Relay amplifier.Line
	// Screen stands in for the kernel's screens.
	Screen outputs.Screen
	// Dial opens TCP connections; nil uses the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timing is how patient the connections are; zero fields are link.DefaultTiming's.
	Timing link.Timing
	// Jitter is the longest wait of a new session; 0 is the inbox's own.
	Jitter time.Duration
	// System says what the system thinks of its clock; nil asks the kernel.
	System func() timesync.System
	// Env finds variables; nil is os.LookupEnv. File is the settings' file, to be
	// watched; "" watches nothing.
	Env  func(string) (string, bool)
	File string
}

// Agent is a device's agent.
type Agent struct {
	opts  Options
	log   *slog.Logger
	id    *identity.Identity
	store *store.Store
	clock *timesync.Clock
	cache *cache.Cache
	fetch *fetch.Source
	link  *link.Link
	inbox *inbox.Inbox
	drain *receipt.Drain
	state *health.Reporter
	relay *relay.Receiver
	loops []*playout.Loop
	outs  map[protocol.Medium]Output
	board *display.Board // nil without one

	screen *playout.Screen // what plays on board
	ended  ended           // emergencies that somebody at the board ended

	certs  atomic.Pointer[identity.Identity] // the newest certificates
	cfg    atomic.Pointer[config.Config]
	digest atomic.Pointer[protocol.Digest]
	since  atomic.Pointer[time.Time] // when the connection that is up began
	light  atomic.Int64              // the board's brightness, per cent; 0 before it was set
	closed sync.Once
}

// New opens what the device holds and puts the parts together. What it opened is
// closed when it fails. Errors: identity.ErrNotEnrolled, store.ErrUsed,
// config.ErrSettings.
func New(cfg config.Config, o Options) (_ *Agent, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	a := &Agent{opts: o, log: o.Log, outs: map[protocol.Medium]Output{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := a.configure(cfg); err != nil {
		return nil, err
	}
	if a.id, err = identity.Load(filepath.Join(cfg.Data, "identity")); err != nil {
		return nil, err
	}
	a.certs.Store(a.id)
	if err := a.memory(cfg); err != nil {
		return nil, err
	}
	if err := a.delivery(cfg); err != nil {
		return nil, err
	}
	return a, a.playout(cfg)
}

// configure takes settings into force. A running agent goes on with the loudspeaker and
// board that it was started with.
func (a *Agent) configure(cfg config.Config) error {
	if now := a.cfg.Load(); now != nil && media(now.Profile) != media(cfg.Profile) {
		return fmt.Errorf("%w: another loudspeaker or board needs a restart", config.ErrSettings)
	}
	d, err := cfg.Digest()
	if err != nil {
		return err
	}
	a.cfg.Store(&cfg)
	a.digest.Store(&d)
	return nil
}

// media says whether a profile has a loudspeaker, and a board.
func media(p config.Profile) [2]bool { return [2]bool{p.Sound != nil, p.Board != nil} }

// memory opens the store and the clock.
func (a *Agent) memory(cfg config.Config) error {
	var err error
	a.store, err = store.Open(store.Config{
		Path: filepath.Join(cfg.Data, "agent.db"), Marker: filepath.Join(cfg.Data, "identity", "chain"),
		Now: protocol.InstantOf(time.Now()), Entropy: rand.Reader, Log: a.log,
	})
	if err != nil {
		return err
	}
	floor, err := a.store.Floor()
	if err != nil {
		return err
	}
	a.clock = timesync.New(timesync.Config{
		Floor: floor, SaveFloor: a.store.RaiseFloor, System: a.opts.System, RTC: cfg.Profile.RTC, Log: a.log,
		Fault: func(on bool) { a.fault("clock", on) },
	})
	return nil
}

// fault raises or clears a fault in the heartbeat. Parts may call it before the
// reporter is there.
func (a *Agent) fault(name string, on bool) {
	if a.state != nil {
		a.state.Fault(name, on)
	}
}

// delivery puts together what brings things in and sends receipts out.
func (a *Agent) delivery(cfg config.Config) error {
	signer, err := envelope.NewSigner(a.id.Key)
	if err != nil {
		return err
	}
	a.state = health.New(health.Config{Facts: a.facts, Send: a.sender(protocol.VerbState), Log: a.log})
	url := cfg.MQTT
	if url == "" {
		url = a.id.MQTTURL
	}
	a.link, err = link.New(link.Config{
		URL: url, Device: a.id.Device, TLS: a.tls, Number: a.store.NextConnection, Will: a.will, Filters: a.filters,
		Handle: a.handle, Up: a.up, Down: a.down, BulkReady: func(filters []string) { a.cache.Ready(filters) },
		Dial: a.opts.Dial, Timing: a.opts.Timing, Log: a.log,
	})
	if err != nil {
		return err
	}
	a.fetch = fetch.New(fetch.Config{Dial: a.opts.Dial, TLS: func(name string) *tls.Config { return a.tls(name, true) }})
	a.cache, err = cache.New(cache.Config{
		Dir: filepath.Join(cfg.Data, "cache"), State: a.store, Network: network{a}, Direct: a.fetch,
		Window: cfg.Cache.WindowKB << 10, Limit: int64(cfg.Cache.LimitMB) << 20,
		Changed: func(d protocol.Digest, there bool) {
			if a.inbox != nil {
				a.inbox.ContentChanged(d, there)
			}
		},
		Fault: a.fault, Log: a.log,
	})
	if err != nil {
		return err
	}
	a.inbox, err = inbox.New(inbox.Config{
		Device: a.id.Device, Roots: a.id.Roots, Placement: a.id.Placement, Lists: a.id.Lists,
		Store: a.store, Contents: a.cache, Hub: network{a}, Clock: a.clock, Entropy: rand.Reader,
		Heartbeat: a.state.Changed, Acked: func() { a.drain.Kick(); a.state.Changed() },
		Pictures: cfg.Profile.Board != nil,
		Content:  a.content, Fault: a.fault, Jitter: a.opts.Jitter, Log: a.log,
	})
	if err != nil {
		return err
	}
	a.relay = relay.New(relay.Config{
		Now: func() time.Time { now, _, _ := a.clock.Now(); return now }, Bulletin: a.inbox.Bulletin, Changed: a.link.Resubscribe, Log: a.log,
	})
	a.drain = receipt.New(receipt.Config{Device: a.id.Device, Chain: a.store, Signer: signer, Send: a.sender(protocol.VerbReceipt), Log: a.log})
	return nil
}

// filters are what the first connection reads.
func (a *Agent) filters() []string { return append(a.inbox.Filters(), a.relay.Filters()...) }

// network is the way out for the parts that ask.
type network struct{ *Agent }

func (n network) Publish(ctx context.Context, topic string, payload []byte, qos byte) error {
	return n.link.Publish(ctx, topic, payload, qos)
}

func (n network) Resubscribe() { n.link.Resubscribe() }

func (n network) Bulk(filters []string) { n.link.Bulk(filters) }

func (n network) Want(ctx context.Context, w protocol.Want) error {
	payload, err := protocol.Marshal(w)
	if err != nil {
		return err
	}
	return n.link.Publish(ctx, protocol.DeviceTopic(n.id.Device, protocol.VerbWant), payload, 0)
}

// sender publishes on one of the device's own topics.
func (a *Agent) sender(v protocol.Verb) func(context.Context, []byte) error {
	return func(ctx context.Context, payload []byte) error {
		return a.link.Publish(ctx, protocol.DeviceTopic(a.id.Device, v), payload, 1)
	}
}

// tls are the settings of a new connection. With an unsure clock the dates of the
// hub's certificate are not looked at.
func (a *Agent) tls(name string, bulk bool) *tls.Config {
	cert := a.certs.Load().Certificate
	if bulk {
		cert = a.certs.Load().Bulk
	}
	return identity.ClientTLS(a.id.CA, name, func() time.Time {
		now, _, sure := a.clock.Now()
		if !sure {
			return time.Time{}
		}
		return now
	}, cert)
}

func (a *Agent) will(connection uint64) []byte {
	now, _, _ := a.clock.Now()
	b, err := health.Will(a.id.Device, connection, protocol.InstantOf(now))
	if err != nil {
		a.log.Error("no will", "error", err)
	}
	return b
}

// knownAfter is how long a connection holds until every plan has come over it that
// the device lacked.
const knownAfter = 10 * time.Minute

// known says whether the device holds every plan that there is.
func (a *Agent) known() bool {
	since := a.since.Load()
	return since != nil && time.Since(*since) > knownAfter
}

func (a *Agent) up(_ context.Context, connection uint64) {
	now := time.Now()
	a.since.Store(&now)
	a.state.Connected(connection)
	a.inbox.Connected()
	a.cache.Online()
	a.drain.Connected()
}

func (a *Agent) down(error) {
	a.since.Store(nil)
	a.state.Disconnected()
}

// content takes note of where the hub says that content is.
func (a *Agent) content(base string) {
	a.fetch.Announce(base)
	a.cache.Announced()
}

// handle takes a message of either connection.
func (a *Agent) handle(topic string, payload []byte) {
	if _, err := protocol.ParseChunkTopic(topic); err == nil {
		a.cache.Handle(topic, payload)
		return
	}
	if _, _, err := protocol.ParseFramesTopic(topic); err == nil {
		a.relay.Handle(topic, payload)
		return
	}
	a.inbox.Handle(topic, payload)
}

// facts are what a heartbeat says.
func (a *Agent) facts() health.Facts {
	cfg := a.cfg.Load()
	f := health.Facts{
		Device: a.id.Device, Clock: a.clock.Read(), Holdings: a.inbox.Holdings(), Missing: a.cache.Missing(),
		Features: []string{protocol.FeatureEmergency, protocol.FeaturePasskey, protocol.FeatureRoots, protocol.FeatureLimits},
		Board:    cfg.Profile.Display(), Whole: cfg.Profile.Whole(), Zones: cfg.Profile.Parts(), Keyed: a.ended.list(), Software: a.opts.Software, Config: *a.digest.Load(),
	}
	if cfg.Profile.Sound != nil {
		f.Features = append(f.Features, protocol.FeatureSound, protocol.FeatureRelay, protocol.FeatureTone)
	}
	if cfg.Profile.Board != nil {
		f.Features = append(f.Features, protocol.FeatureBoard, protocol.FeaturePage1, protocol.FeaturePage2, protocol.FeaturePage3, protocol.FeaturePage4, protocol.FeatureLayouts, protocol.FeaturePicture)
		f.Light = int(a.light.Load())
	}
	var err error
	f.Needs = a.cache.Needs()
	if f.Free, err = health.Free(cfg.Data); err != nil {
		a.log.Warn("free space unknown", "error", err)
	} else {
		a.fault("space", health.Short(f.Free, f.Needs))
	}
	if f.Chain, err = a.store.Kept(); err != nil {
		a.log.Error("chain unreadable", "error", err)
	}
	return f
}

// playout makes a loop for each medium that the profile has.
func (a *Agent) playout(cfg config.Config) error {
	var err error
	a.outs, err = a.outputs(cfg)
	if err != nil {
		return err
	}
	var parts []string
	if a.screen != nil {
		for _, z := range a.parts(cfg) {
			parts = append(parts, z.Name)
		}
	}
	for medium, out := range a.outs {
		if err := a.loop(playout.Config{Medium: medium, Output: out, Zones: parts}); err != nil {
			return err
		}
	}
	if a.screen == nil {
		return nil
	}
	for _, z := range a.parts(cfg) {
		if err := a.loop(playout.Config{Medium: protocol.MediumBoard, Zone: z.Name, Zones: parts, Output: a.screen.Zone(z)}); err != nil {
			return err
		}
	}
	return nil
}

// loop makes a loop for a medium, or for a part of the board.
func (a *Agent) loop(c playout.Config) error {
	c.Store, c.Clock, c.Approvals, c.Known, c.Holds = a.store, a.clock, a.inbox, a.known, a.inbox.Holds
	c.Settings = func() playout.Settings {
		return playout.Settings{
			Ceiling: a.cfg.Load().Profile.Volume.CeilingAt, Config: *a.digest.Load(),
			Limit: func(hour int) int { return a.inbox.Limit(protocol.CapVolume, hour) },
		}
	}
	c.Receipts, c.Toned, c.Fault, c.Reason, c.Log = a.drain.Kick, a.state.Toned, a.fault, inbox.ReasonOf, a.log
	c.Playing = func(on playout.On) {
		a.state.Playing(c.Medium, c.Zone, health.On{Airing: on.Airing, Volume: on.Volume, Begin: on.Begin, Length: on.Length})
	}
	if screen, ok := c.Output.(*playout.Screen); ok {
		c.Over = screen.Over
	}
	loop, err := playout.New(c)
	if err != nil {
		return err
	}
	a.loops = append(a.loops, loop)
	return nil
}

// Device returns who the agent is.
func (a *Agent) Device() protocol.DeviceID { return a.id.Device }

// Time is what the device takes for the time, and how sure it is.
func (a *Agent) Time() timesync.Reading { return a.clock.Read() }

// Online says whether the hub is reached.
func (a *Agent) Online() bool { return a.link.Online() }

// Run plays, shows, receives and reports until ctx ends or a part fails that
// nothing can be done without.
func (a *Agent) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, part := range []func(context.Context) error{a.clock.Run, a.cache.Run, a.inbox.Run, a.drain.Run, a.state.Run, a.link.Run, a.relay.Run} {
		g.Go(func() error { return part(ctx) })
	}
	for _, loop := range a.loops {
		g.Go(func() error { return loop.Run(ctx) })
	}
	g.Go(func() error { return a.spread(ctx) })
	g.Go(func() error { return a.renew(ctx) })
	g.Go(func() error { return technician.Mute{Dir: a.cfg.Load().Data}.Watch(ctx, a.inbox.MuteHere) })
	if a.board != nil && a.cfg.Load().Profile.Board != nil {
		g.Go(func() error { return a.dim(ctx) })
		a.keys(ctx, g)
	}
	if a.opts.File != "" {
		g.Go(func() error {
			return config.Watcher{
				Path: a.opts.File, Env: a.opts.Env, Fault: func(on bool) { a.fault("config", on) }, Log: a.log,
				Loaded: func(c config.Config) error {
					if err := a.configure(c); err != nil {
						return err
					}
					a.log.Info("settings taken", "config", a.digest.Load().String())
					a.state.Changed()
					return nil
				},
			}.Run(ctx, *a.cfg.Load())
		})
	}
	err := g.Wait()
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	return nil
}

// Times between looks at the certificates' end, and after one that failed.
const (
	renewEvery = 12 * time.Hour
	renewAgain = 10 * time.Minute
)

// renew keeps the device's certificates from running out; the next connection uses
// the new ones.
func (a *Agent) renew(ctx context.Context) error {
	wait := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = renewEvery
		now, _, _ := a.clock.Now()
		if !a.certs.Load().Due(now) {
			continue
		}
		next, err := a.certs.Load().Renew(ctx, filepath.Join(a.cfg.Load().Data, "identity"))
		if err != nil {
			a.log.Warn("certificates not renewed", "error", err)
			wait = renewAgain
			continue
		}
		a.certs.Store(next)
		a.log.Info("certificates renewed", "until", next.Certificate.Leaf.NotAfter)
	}
}

// spread tells every loop of what the inbox takes.
func (a *Agent) spread(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case us, ok := <-a.inbox.Updates():
			if !ok {
				return nil
			}
			a.relay.Tell(us)
			a.tell(ctx, us)
		}
	}
}

// tell tells every loop.
func (a *Agent) tell(ctx context.Context, us []inbox.Update) {
	for _, loop := range a.loops {
		loop.Tell(ctx, us)
	}
}

// Close closes outputs and the store. Run must have returned.
func (a *Agent) Close() error {
	var errs []error
	a.closed.Do(func() {
		for _, o := range a.outs {
			errs = append(errs, o.Close())
		}
		if a.store != nil {
			errs = append(errs, a.store.Close())
		}
	})
	return errors.Join(errs...)
}
