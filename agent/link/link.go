package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/loa-vn/loa/protocol"
)

// Kinds of failure.
var (
	// ErrOffline: there is no connection now.
	ErrOffline = errors.New("not connected")
	// ErrRefused: the broker refused a subscription (SUBACK 0x80).
	ErrRefused = errors.New("subscription refused")
)

// Timing is how patient a link is. Zero fields stand for DefaultTiming's.
type Timing struct {
	KeepAlive time.Duration
	// Connect bounds one attempt: dialling, handshake and CONNACK.
	Connect time.Duration
	// Ack bounds the wait for a SUBACK or PUBACK.
	Ack time.Duration
	// Waits between attempts double from BackoffFirst to BackoffMost; half of
	// each is left to chance, so that a fleet does not come back at once.
	BackoffFirst time.Duration
	BackoffMost  time.Duration
	// Settled is how long a connection must hold until waits begin short again: a
	// hub that accepts and drops everybody is not hammered.
	Settled time.Duration
	// BulkIdle is how long the bulk connection stays open without need.
	BulkIdle time.Duration
}

// DefaultTiming is what devices use.
func DefaultTiming() Timing {
	return Timing{
		KeepAlive: 30 * time.Second, Connect: 20 * time.Second, Ack: 20 * time.Second,
		BackoffFirst: time.Second, BackoffMost: 2 * time.Minute, Settled: 20 * time.Second, BulkIdle: 5 * time.Second,
	}
}

// Config is what a link needs.
type Config struct {
	// URL is the broker's, "tls://host:8883" ("ssl" and "mqtts" mean the same).
	URL    string
	Device protocol.DeviceID
	// TLS returns the settings of a new connection for a server of that name.
	TLS func(serverName string, bulk bool) *tls.Config
	// Number returns the number of a new connection, higher than any before.
	Number func() (uint64, error)
	// Will is the heartbeat that the broker sends when the connection breaks, and
	// that the link sends itself when it ends in order.
	Will func(connection uint64) []byte
	// Filters are what the first connection reads, with QoS 1.
	Filters func() []string
	// Handle takes every message; it returns soon.
	Handle func(topic string, payload []byte)
	// Up and Down hear of the first connection; Up comes after its subscriptions
	// were granted. They return soon.
	Up   func(ctx context.Context, connection uint64)
	Down func(error)
	// BulkReady hears which filters the second connection reads; none also when it is
	// closed.
	BulkReady func(filters []string)
	// Dial opens TCP connections; nil uses net.Dialer.
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Timing Timing
	Log    *slog.Logger
}

// Link is a device's connections. It is safe for concurrent use.
type Link struct {
	cfg    Config
	server *url.URL
	again  chan struct{} // subscribe again
	bulk   chan struct{} // the bulk filters changed

	mu      sync.Mutex
	main    *conn
	wishes  []string
	granted []string // the filters that the first connection reads
}

// New checks the URL and returns a link that is not connected yet.
func New(cfg Config) (*Link, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Hostname() == "" || !slices.Contains([]string{"tls", "ssl", "mqtts"}, u.Scheme) {
		return nil, fmt.Errorf("broker %.100q is not of the form tls://host:port: %w", cfg.URL, protocol.ErrInvalid)
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), "8883")
	}
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	cfg.Timing = cfg.Timing.orDefault()
	return &Link{cfg: cfg, server: u, again: make(chan struct{}, 1), bulk: make(chan struct{}, 1)}, nil
}

func (t Timing) orDefault() Timing {
	d := DefaultTiming()
	for _, f := range []struct{ got, or *time.Duration }{
		{&t.KeepAlive, &d.KeepAlive},
		{&t.Connect, &d.Connect},
		{&t.Ack, &d.Ack},
		{&t.BackoffFirst, &d.BackoffFirst},
		{&t.BackoffMost, &d.BackoffMost},
		{&t.Settled, &d.Settled},
		{&t.BulkIdle, &d.BulkIdle},
	} {
		if *f.got == 0 {
			*f.got = *f.or
		}
	}
	return t
}

// Run keeps both connections until ctx ends. It returns after both are closed.
func (l *Link) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { l.runBulk(ctx) })
	l.runMain(ctx)
	wg.Wait()
	return nil
}

// Publish sends one message on the first connection; with QoS 1 it waits for the
// broker's PUBACK, which says nothing about the hub. Errors: ErrOffline; ctx's.
func (l *Link) Publish(ctx context.Context, topic string, payload []byte, qos byte) error {
	l.mu.Lock()
	client := l.main
	l.mu.Unlock()
	if client == nil {
		return fmt.Errorf("publish %s: %w", topic, ErrOffline)
	}
	return client.publish(ctx, topic, payload, qos)
}

// Online says whether the first connection is up.
func (l *Link) Online() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.main != nil
}

// Resubscribe reads Config.Filters again and follows them.
func (l *Link) Resubscribe() { kick(l.again) }

// Bulk wishes for a second connection that reads these filters; none closes it.
func (l *Link) Bulk(filters []string) {
	l.mu.Lock()
	l.wishes = slices.Clone(filters)
	l.mu.Unlock()
	kick(l.bulk)
}

func kick(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// runMain connects again and again.
func (l *Link) runMain(ctx context.Context) {
	for tries := 0; ctx.Err() == nil; tries++ {
		if tries > 0 && !sleep(ctx, backoff(l.cfg.Timing, tries-1)) {
			return
		}
		up, err := l.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if up > min(l.cfg.Timing.Settled, l.cfg.Timing.BackoffMost) {
			tries = 0 // it held for a while: begin with short waits again
		}
		l.cfg.Log.Warn("no connection to the broker", "broker", l.server.Host, "error", err)
		l.cfg.Down(err)
	}
}

// session is one life of the first connection; it returns how long that was up.
func (l *Link) session(ctx context.Context) (up time.Duration, err error) {
	number, err := l.cfg.Number()
	if err != nil {
		return 0, err
	}
	state := protocol.DeviceTopic(l.cfg.Device, protocol.VerbState)
	will := l.cfg.Will(number)
	client, err := l.connect(ctx, false, func(o *mqtt.ClientOptions) { o.SetBinaryWill(state, will, 1, false) })
	if err != nil {
		return 0, err
	}
	defer client.Disconnect(0)
	if err := l.follow(ctx, client, nil); err != nil {
		return 0, err
	}
	began := time.Now()
	defer func() { up = time.Since(began) }()
	l.set(client)
	defer l.set(nil)
	l.cfg.Log.Info("connected to the broker", "broker", l.server.Host, "connection", number)
	l.cfg.Up(ctx, number)
	for {
		select {
		case <-ctx.Done():
			goodbye, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			return up, client.publish(goodbye, state, will, 1)
		case <-client.over:
			return up, client.cause
		case <-l.again:
			l.mu.Lock()
			before := l.granted
			l.mu.Unlock()
			if err := l.follow(ctx, client, before); err != nil {
				return up, err
			}
		}
	}
}

func (l *Link) set(client *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.main = client
}

// follow subscribes to what is read now and not before, and leaves the rest. A
// device that was moved while it was away asks for units that are no longer its
// own: what is refused of those is left out, for its new placement comes on the
// device's own topics, which must be granted.
func (l *Link) follow(ctx context.Context, client *conn, before []string) error {
	now := l.cfg.Filters()
	refused, err := client.change(ctx, before, now, 1)
	if err != nil {
		return err
	}
	own := protocol.DeviceTopic(l.cfg.Device, "")
	for _, f := range refused {
		if strings.HasPrefix(f, own) {
			return fmt.Errorf("subscribe %s: %w", f, ErrRefused)
		}
		l.cfg.Log.Warn("topic of a unit refused", "topic", f)
	}
	l.mu.Lock()
	l.granted = slices.DeleteFunc(now, func(f string) bool { return slices.Contains(refused, f) })
	l.mu.Unlock()
	return nil
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// backoff returns the wait after n failures in a row.
func backoff(t Timing, n int) time.Duration {
	wait := min(t.BackoffMost, t.BackoffFirst<<min(n, 16))
	return wait/2 + time.Duration(rand.Int64N(int64(wait)/2+1))
}
