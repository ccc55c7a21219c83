package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/loa-vn/loa/protocol"
)

// options are those of a new connection. It does not reconnect by itself, since
// each one has a number of its own.
func (l *Link) options(ctx context.Context, bulk bool, lost func(error)) *mqtt.ClientOptions {
	id := protocol.Client{Device: l.cfg.Device, Bulk: bulk}.String()
	o := mqtt.NewClientOptions()
	o.AddBroker(l.server.String())
	o.SetClientID(id)
	o.SetProtocolVersion(4)
	o.SetCleanSession(true)
	o.SetAutoReconnect(false)
	o.SetConnectRetry(false)
	o.SetOrderMatters(true)
	o.SetKeepAlive(l.cfg.Timing.KeepAlive)
	o.SetPingTimeout(l.cfg.Timing.KeepAlive / 2)
	o.SetConnectTimeout(l.cfg.Timing.Connect)
	o.SetWriteTimeout(l.cfg.Timing.Ack)
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { l.cfg.Handle(m.Topic(), m.Payload()) })
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost(err) })
	o.SetCustomOpenConnectionFn(func(u *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
		return l.dial(ctx, u, bulk)
	})
	return o
}

// dial opens TCP, shakes hands, and puts the guard against oversized packets in.
func (l *Link) dial(ctx context.Context, u *url.URL, bulk bool) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Timing.Connect)
	defer cancel()
	raw, err := l.cfg.Dial(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, l.cfg.TLS(u.Hostname(), bulk))
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return &guard{Conn: conn}, nil
}

// connect opens a connection; more sets what its options have beside the usual.
func (l *Link) connect(ctx context.Context, bulk bool, more func(*mqtt.ClientOptions)) (*conn, error) {
	c := &conn{ack: l.cfg.Timing.Ack, over: make(chan struct{})}
	opts := l.options(ctx, bulk, c.lost)
	if more != nil {
		more(opts)
	}
	c.Client = mqtt.NewClient(opts)
	token := c.Connect()
	timer := time.NewTimer(2 * l.cfg.Timing.Connect)
	defer timer.Stop()
	select {
	case <-token.Done():
	case <-ctx.Done():
		c.Disconnect(0)
		return nil, ctx.Err()
	case <-timer.C:
		c.Disconnect(0)
		return nil, fmt.Errorf("connect: no answer: %w", ErrOffline)
	}
	if err := token.Error(); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return c, nil
}

// runBulk opens the second connection whenever content is missing.
func (l *Link) runBulk(ctx context.Context) {
	tries := 0
	for ctx.Err() == nil {
		if len(l.bulkWishes()) == 0 {
			select {
			case <-ctx.Done():
			case <-l.bulk:
			}
			continue
		}
		began := time.Now()
		err := l.bulkSession(ctx)
		l.cfg.BulkReady(nil)
		if err == nil || time.Since(began) > min(l.cfg.Timing.Settled, l.cfg.Timing.BackoffMost) {
			tries = 0
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		l.cfg.Log.Debug("no connection for content", "broker", l.server.Host, "error", err)
		if !sleep(ctx, backoff(l.cfg.Timing, tries)) {
			return
		}
		tries++
	}
}

func (l *Link) bulkWishes() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.wishes)
}

// bulkSession is one life of the second connection; nil means that nothing was
// missing any more.
func (l *Link) bulkSession(ctx context.Context) error {
	client, err := l.connect(ctx, true, nil)
	if err != nil {
		return err
	}
	defer client.Disconnect(0)
	var reads []string
	for {
		now := l.bulkWishes()
		refused, err := client.change(ctx, reads, now, 0)
		if err != nil {
			return err
		}
		if len(refused) > 0 {
			return fmt.Errorf("subscribe %s: %w", refused[0], ErrRefused)
		}
		reads = now
		l.cfg.BulkReady(slices.Clone(reads))
		var idle <-chan time.Time
		if len(now) == 0 {
			idle = time.After(l.cfg.Timing.BulkIdle)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-client.over:
			return client.cause
		case <-idle:
			return nil
		case <-l.bulk:
		}
	}
}
