// Package hub is Loa's hub: it takes text and sound from commune officials, has
// it approved with a signature, brings it to devices as signed plans, and turns
// their signed receipts into coverage. New puts the parts together; it is the
// only place that knows concrete adapters. ARCHITECTURE.md draws the flow.
package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loa-vn/loa/hub/alert"
	"github.com/loa-vn/loa/hub/api"
	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/blob"
	"github.com/loa-vn/loa/hub/broker"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/dispatch"
	"github.com/loa-vn/loa/hub/enrol"
	"github.com/loa-vn/loa/hub/inbox"
	"github.com/loa-vn/loa/hub/jobs"
	"github.com/loa-vn/loa/hub/ledger"
	"github.com/loa-vn/loa/hub/notebook"
	"github.com/loa-vn/loa/hub/passkey"
	"github.com/loa-vn/loa/hub/plan"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/relay"
	"github.com/loa-vn/loa/hub/resume"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/hub/studio"
	"github.com/loa-vn/loa/hub/studio/child"
	"github.com/loa-vn/loa/hub/studio/picture"
	"github.com/loa-vn/loa/hub/studio/speech"
	"github.com/loa-vn/loa/hub/studio/transcode"
	"github.com/loa-vn/loa/protocol"
)

// GCPercent is how a process that serves devices sets its garbage collector: most of
// its heap are connections that stay, so what it sends out need not double that.
const GCPercent = 50

// Options replace parts that a test or a programme brings itself.
type Options struct {
	Version string
	Log     *slog.Logger
	// Console answers every path outside of /api; nil answers 404.
	Console http.Handler
	// Engine speaks; nil is espeak-ng as configured.
	Engine speech.Engine
	// Pictures is a program, with its arguments, that calls picture.Child; without it
	// no pictures are taken in.
	Pictures  []string
	Passwords Passwords
}

// Hub is a running hub.
type Hub struct {
	*Base
	Bulletins *bulletin.Service
	Approvals *approval.Service
	Programme *programme.Service
	Desk      *programme.Desk
	Reach     *reach.Service
	Publisher *plan.Publisher
	Dispatch  *dispatch.Dispatcher
	Alerts    *alert.Service
	Jobs      *jobs.Queue
	Blobs     *blob.Dir
	Notebook  *notebook.Service

	resume  *resume.Server
	joiner  joiner
	feed    *feed
	growing *growing
	ledger  *ledger.Ledger
	relays  *relay.Service
	broker  broker.Broker
	mqtt    net.Addr
	// contentURL is where devices find content over HTTPS: a string, none before
	// it is served.
	contentURL atomic.Value
	enrol      *enrol.Server
	http       *http.Server
	web        net.Listener
	plain      net.Listener // sends browsers to https; nil for none
	// redirect serves plain.
	redirect *http.Server
	log      *slog.Logger
	errs     chan error
	stale    chan struct{} // a plan is to be published anew
	closed   sync.Once

	work    sync.WaitGroup
	endWork context.CancelFunc
}

// New opens the hub's data, puts the parts together and begins to listen. What
// has been begun is ended when it fails.
func New(ctx context.Context, c config.Config, o Options) (_ *Hub, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	h := &Hub{feed: newFeed(time.Now()), growing: newGrowing(), log: o.Log, errs: make(chan error, 1), stale: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	var mqtt net.Listener // of the broker inside; nil for one elsewhere
	if c.MQTT.Broker.URL == "" {
		if mqtt, err = net.Listen("tcp", c.MQTT.Listen); err != nil {
			return nil, fmt.Errorf("mqtt: %w", taken(err, "mqtt.listen"))
		}
		h.mqtt = mqtt.Addr()
		defer func() {
			if err != nil {
				_ = mqtt.Close() // the broker may have closed it already
			}
		}()
	} else if h.mqtt, err = brokerAddr(c.MQTT.Broker.URL); err != nil {
		return nil, err
	}
	if h.web, err = net.Listen("tcp", c.Console.Listen); err != nil {
		return nil, fmt.Errorf("console: %w", taken(err, "console.listen"))
	}
	if c.Console.TLS.Redirect != "" {
		if h.plain, err = net.Listen("tcp", c.Console.TLS.Redirect); err != nil {
			return nil, fmt.Errorf("console: %w", taken(err, "console.tls.redirect"))
		}
	}
	if h.Base, err = OpenBase(ctx, c, c.MQTTURL(h.mqtt), o.Log, o.Passwords); err != nil {
		return nil, err
	}
	if err := h.assemble(ctx, o, mqtt); err != nil {
		return nil, err
	}
	if h.enrol, err = h.Base.Enrol.Listen(c.Enrol.Listen, h.CA.Server(c.Hosts), h.clients, h.contentServer()); err != nil {
		return nil, taken(err, "enrol.listen")
	}
	if c.Content.HTTP {
		h.contentURL.Store(c.EnrolURL(h.enrol.Addr()))
	}
	return h, h.serve(ctx, o)
}

// taken says which setting to change when a port is in use.
func taken(err error, key string) error {
	if strings.Contains(err.Error(), "address already in use") {
		return fmt.Errorf("%w: stop the other program or change %s", err, key)
	}
	return err
}

// assemble builds the domain's services and starts the broker.
func (h *Hub) assemble(ctx context.Context, o Options, mqtt net.Listener) error {
	c := h.Config
	now := time.Now
	signer, err := h.Keys.Hub()
	if err != nil {
		return err
	}
	if h.Blobs, err = blob.Open(filepath.Join(c.Data, "blobs")); err != nil {
		return err
	}
	docs := documents{h.Blobs}
	reg := trust{Service: h.Registry, roots: h.FirstRoots, docs: docs}
	work, err := h.studio(c, o)
	if err != nil {
		return err
	}

	var bulletins *bulletin.Service // the queue's handler is made before its service
	h.Jobs, err = jobs.Open(ctx, h.DB.Writer(), jobs.Config{
		Workers: c.Studio.Workers,
		Handlers: map[string]jobs.Handler{bulletin.JobPrepare: func(ctx context.Context, id string, report func(string, float64)) error {
			defer h.feed.tell("bulletin", id)
			return bulletins.Prepare(ctx, id, report)
		}},
	}, h.log)
	if err != nil {
		return err
	}
	stored := store.NewBulletins(h.DB, h.Jobs)
	aired := store.NewProgramme(h.DB)
	receipts := store.NewLedger(h.DB)
	board := &switchboard{ready: make(chan struct{})}
	h.Dispatch = dispatch.New(dispatch.Config{
		Broker: board, Store: sendable{aired, receipts}, Registry: reg, Blobs: h.Blobs, Signer: signer, Alarms: alarms{h}, Now: now,
		Changed: func(d protocol.DeviceID) { h.feed.tell("device", string(d)) }, Stale: func() { poke(h.stale) }, Log: h.log,
		ContentURL: func() string {
			u, _ := h.contentURL.Load().(string)
			return u
		},
	})
	h.Publisher = plan.NewPublisher(aired, docs, reg, signer, h.Dispatch, h.Zone, now)
	h.Programme = programme.New(aired, stored, reg, docs, h.Publisher, h.Zone, now)
	h.Desk = programme.NewDesk(h.Programme, store.NewDesk(h.DB), stored)
	bulletins = bulletin.New(stored, work, pictures{picture.NewDecoder(o.Pictures), h.Blobs}, reg, h.Desk, h.Zone, now)
	h.Bulletins = bulletins
	h.Approvals = approval.New(stored, bulletins, reg, h.Account, h.Desk, h.Zone, now)
	h.Reach = reach.New(receipts, aired, bulletins, reg, h.Blobs, h.Zone, now)
	h.Alerts, err = alert.New(ctx, alert.Config{
		Store: store.NewAlerts(h.DB), Devices: watched{h.Registry}, Reach: slots{h.Reach}, SilentAfter: c.Alert.SilentAfter,
		Changed: func(d protocol.DeviceID) { h.feed.tell("alert", string(d)) }, Log: h.log,
	})
	if err != nil {
		return err
	}
	h.ledger = ledger.New(receipts, reg, signer, board, alarms{h}, now, func(d protocol.DeviceID) { h.feed.tell("receipt", string(d)) }, h.log)
	h.Notebook = notebook.New(store.NewNotebook(h.DB), reg, now)
	h.joiner = joiner{studio: work.studio, blobs: h.Blobs}
	uploads := store.NewUploads(h.DB)
	h.resume, err = resume.Open(filepath.Join(c.Data, "uploads"), api.ResumablePath, c.Studio.MaxUpload, func(ctx context.Context, f io.Reader, name, person string) (string, error) {
		kept, err := api.PutUpload(ctx, h.Blobs, uploads, f, c.Studio.MaxUpload, name, protocol.PersonID(person))
		return kept.Digest, err
	})
	if err != nil {
		return err
	}
	board.ledger, board.dispatch = h.ledger, h.Dispatch
	streams := store.NewRelays(h.DB, h.Keys)
	if err := streams.SealKeys(ctx); err != nil {
		return err
	}
	h.relays = relay.New(relay.Config{
		Store: streams, Run: ffmpeg(c.Studio.FFmpeg), Publish: board.Publish,
		Tell: func(protocol.SessionID) { h.feed.tell("relay", "") }, Zone: h.Zone, Log: h.log,
	})

	if err := h.Registry.MarkOffline(ctx); err != nil {
		return err
	}
	if h.broker, err = h.openBroker(ctx, mqtt, board); err != nil {
		return err
	}
	board.broker = h.broker
	close(board.ready)
	return nil
}

// studio makes the sounds' maker.
func (h *Hub) studio(c config.Config, o Options) (sounds, error) {
	dir := filepath.Join(c.Data, "renditions")
	// What is there was not yet kept as a blob: it will be made again.
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return sounds{}, fmt.Errorf("studio: %w", err)
	}
	engine := o.Engine
	if engine == nil {
		engine = speech.New(voices(c.Studio))
	}
	if !child.Isolates() {
		h.log.Warn("speech and ffmpeg run with the network: this system lets no namespace be made for them")
	}
	st := studio.New(studio.Config{Dir: dir, Transcode: transcode.Config{
		FFmpeg: c.Studio.FFmpeg, FFprobe: c.Studio.FFprobe, Target: c.Studio.Loudness,
		MaxSize: c.Studio.MaxUpload, MaxDuration: c.Studio.MaxLength, Timeout: c.Studio.Timeout,
	}}, engine, h.log)
	return sounds{studio: st, blobs: h.Blobs, voice: speech.Voice(c.Studio.Voice), growing: h.growing}, nil
}

// voices is the engine as configured: espeak-ng, or another program.
func voices(c config.Studio) speech.Config {
	e := speech.EspeakConfig(c.Espeak)
	if c.Engine.Program != "" {
		e = speech.Config{Program: c.Engine.Program, Args: c.Engine.Args, Voices: map[speech.Voice]string{}, WPM: c.Engine.WPM}
		for voice, name := range c.Engine.Voices {
			e.Voices[speech.Voice(voice)] = name
		}
	}
	e.Timeout = c.Timeout
	return e
}

// serve starts the jobs and the web server, and airs what a crash left.
func (h *Hub) serve(ctx context.Context, o Options) error {
	if err := h.Jobs.Start(ctx); err != nil {
		return err
	}
	work, cancel := context.WithCancel(context.Background())
	h.endWork = cancel
	h.setRight(ctx)
	h.work.Go(func() { h.keepRight(work) })
	h.work.Go(func() { h.runRelays(work) })
	h.work.Go(func() { h.keepWatch(work) })
	h.work.Go(func() { h.keepSigned(work) })
	proxies, err := h.Config.Console.Networks()
	if err != nil {
		return err
	}
	services := h.services()
	if services.Provider, err = provider(h.Config.Console, h.Keys); err != nil {
		return err
	}
	server, err := api.New(services, api.Options{
		PasskeyLogIn: passkey.SiteOf(h.Config.Console.URL) != nil,
		Proxies:      proxies, EnrolURL: h.Config.EnrolURL(h.enrol.Addr()),
		Version: o.Version, Log: h.log, Origins: []string{h.Config.Console.URL},
		Secure: strings.HasPrefix(h.Config.Console.URL, "https://"), Console: o.Console,
		MaxUpload: h.Config.Studio.MaxUpload,
	})
	if err != nil {
		return err
	}
	h.http = &http.Server{
		Handler: server.Handler(), ReadHeaderTimeout: api.ReadHeaderTimeout, IdleTimeout: api.IdleTimeout, MaxHeaderBytes: api.MaxHeaderBytes,
		ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
	}
	if err := h.secure(work); err != nil {
		return err
	}
	go func() {
		if err := h.http.Serve(h.web); !errors.Is(err, http.ErrServerClosed) {
			h.errs <- fmt.Errorf("console: %w", err)
		}
	}()
	return h.watchDrops(work)
}

// Streams returns what makes bulletins of live sound.
func (h *Hub) Streams() Streams {
	return Streams{bulletins: h.Bulletins, relays: h.relays, settings: h.Config.Relay, now: time.Now}
}

// runRelays takes streams in around their airings.
func (h *Hub) runRelays(ctx context.Context) {
	if err := h.relays.Run(ctx); err != nil && ctx.Err() == nil {
		h.log.ErrorContext(ctx, "no relays", "error", err)
	}
}

// rightEvery is how often is looked for what a crash, or a command beside the
// running hub, has left undone.
const rightEvery = 20 * time.Second

func (h *Hub) keepRight(ctx context.Context) {
	tick := time.NewTicker(rightEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-h.stale:
			// Devices that come back together say so together.
			if !pause(ctx, time.Second) {
				return
			}
		}
		h.setRight(ctx)
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// cutRevoked disconnects devices that a command beside the hub has revoked.
func (h *Hub) cutRevoked(ctx context.Context) error {
	devices, err := h.Registry.Devices(ctx)
	if err != nil {
		return err
	}
	states, err := h.Registry.States(ctx)
	if err != nil {
		return err
	}
	for _, d := range devices {
		if !d.Revoked.IsZero() && states[d.ID].Online {
			cut(h.broker)(d.ID)
		}
	}
	return nil
}

// setRight airs what was approved but is not on air, and publishes plans whose
// lists or quiet hours have changed.
func (h *Hub) setRight(ctx context.Context) {
	if err := h.Approvals.AirRest(ctx); err != nil && ctx.Err() == nil {
		h.log.ErrorContext(ctx, "not everything approved is on air", "error", err)
	}
	if err := h.Desk.Settle(ctx); err != nil && ctx.Err() == nil {
		h.log.ErrorContext(ctx, "not every programme is on air", "error", err)
	}
	if err := h.Publisher.Renew(ctx); err != nil && ctx.Err() == nil {
		h.log.ErrorContext(ctx, "not every plan is published", "error", err)
	}
	if err := h.cutRevoked(ctx); err != nil && ctx.Err() == nil {
		h.log.ErrorContext(ctx, "revoked devices may still be connected", "error", err)
	}
	if err := h.keepAccess(ctx); err != nil && ctx.Err() == nil {
		h.log.ErrorContext(ctx, "the access list of the broker elsewhere is not up to date", "error", err)
	}
	if err := errors.Join(h.Notebook.Sweep(ctx), h.resume.Sweep(time.Now())); err != nil && ctx.Err() == nil {
		h.log.ErrorContext(ctx, "what was kept for a while is still there", "error", err)
	}
}

// watchDrops watches the drop folders, if there are any.
func (h *Hub) watchDrops(ctx context.Context) error {
	c := h.Config
	if len(c.Drop.People) == 0 {
		return nil
	}
	folder := c.Drop.Folder
	if folder == "" {
		folder = filepath.Join(c.Data, "drop")
	}
	people := map[protocol.UnitID]protocol.PersonID{}
	for unit, person := range c.Drop.People {
		people[protocol.UnitID(unit)] = protocol.PersonID(person)
	}
	in, err := inbox.New(inbox.Config{
		Drop: folder, Done: filepath.Join(c.Data, "done"), Rejected: filepath.Join(c.Data, "rejected"), People: people, Log: h.log,
	}, dropped{accounts: h.Account, bulletins: h.Bulletins, blobs: h.Blobs, limit: c.Studio.MaxUpload})
	if err != nil {
		return err
	}
	h.work.Go(func() {
		if err := in.Run(ctx); err != nil {
			h.log.Error("drop folders are not watched", "error", err)
		}
	})
	return nil
}

func (h *Hub) services() api.Services {
	return api.Services{
		Account: h.Account, Registry: places{h.Registry, h.Publisher, cut(h.broker)}, Enrol: h.Base.Enrol, Sessions: h.DB.Sessions(),
		Bulletins: h.Bulletins, Readings: h.Bulletins, Growing: h.growing, Jobs: h.Jobs, Sounds: h.Blobs, Uploads: store.NewUploads(h.DB), Approvals: h.Approvals,
		Passkeys: approvers{h.Account, h.Publisher}, Approvers: approvers{h.Account, h.Publisher},
		Programme: h.Programme, Desk: h.Desk, Library: stock{h.Bulletins, h.Blobs}, Relays: h.Streams(), Reach: h.Reach, Changes: h, Alerts: h.Alerts, Zone: h.Zone, Journal: h.Journal(),
		Notebook: h.Notebook, Answers: h.Notebook, Resumable: h.resume, Joiner: h.joiner, Sheets: sheets{},
		Mutes: mutes{h.Registry, h.Dispatch, h.DB.Audit()}, Orders: orders{h.Dispatch, h.DB.Audit()},
	}
}

// Watch implements api.Changes.
func (h *Hub) Watch(since int64) (<-chan api.Notice, func()) { return h.feed.Watch(since) }

// WebAddr returns where the console and the API are served.
func (h *Hub) WebAddr() net.Addr { return h.web.Addr() }

// EnrolAddr returns where devices enrol.
func (h *Hub) EnrolAddr() net.Addr { return h.enrol.Addr() }

// MQTTAddr returns where the broker listens.
func (h *Hub) MQTTAddr() net.Addr { return h.mqtt }

// Run serves until ctx ends or a part fails. It does not close the hub.
func (h *Hub) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-h.errs:
		return err
	}
}

// Close ends the hub in at most ten seconds. It may be called more than once.
func (h *Hub) Close() error {
	var err error
	h.closed.Do(func() { err = h.close() })
	return err
}

func (h *Hub) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var errs []error
	if h.endWork != nil {
		h.endWork()
		h.work.Wait()
	}
	if h.http != nil {
		if err := h.http.Shutdown(ctx); err != nil {
			errs = append(errs, h.http.Close())
		}
	} else if h.web != nil {
		errs = append(errs, h.web.Close())
	}
	if h.redirect != nil {
		errs = append(errs, h.redirect.Close())
	} else if h.plain != nil {
		errs = append(errs, h.plain.Close())
	}
	if h.enrol != nil {
		errs = append(errs, h.enrol.Close())
	}
	if h.broker != nil {
		errs = append(errs, h.broker.Close(ctx))
	}
	if h.ledger != nil {
		h.ledger.Close()
	}
	if h.Dispatch != nil {
		h.Dispatch.Close()
	}
	if h.Jobs != nil && h.http != nil {
		errs = append(errs, h.Jobs.Close(ctx))
	}
	if h.Base != nil {
		errs = append(errs, h.Base.Close())
	}
	return errors.Join(errs...)
}
