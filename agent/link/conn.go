package link

import (
	"context"
	"fmt"
	"slices"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// conn is one life of a connection. Its calls end with their context and with the
// connection: the library's own wait for its writer first, as long as for an answer,
// also for one that is stuck or has ended already.
type conn struct {
	mqtt.Client
	ack   time.Duration
	over  chan struct{} // closed when the connection was lost
	cause error         // good after over
}

// lost notes that the connection has ended. The library says so once.
func (c *conn) lost(err error) {
	c.cause = fmt.Errorf("connection lost: %w", err)
	close(c.over)
}

// do makes a call and waits for the broker's answer. Errors: ErrOffline, ctx's.
func (c *conn) do(ctx context.Context, call func() mqtt.Token) (mqtt.Token, error) {
	made := make(chan mqtt.Token, 1)
	go func() { made <- call() }()
	timer := time.NewTimer(c.ack)
	defer timer.Stop()
	var token mqtt.Token
	var answered <-chan struct{}
	for {
		select {
		case token = <-made:
			answered = token.Done()
		case <-answered:
			return token, token.Error()
		case <-c.over:
			return nil, fmt.Errorf("%w: %w", ErrOffline, c.cause)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			return nil, fmt.Errorf("no answer in %s: %w", c.ack, ErrOffline)
		}
	}
}

func (c *conn) publish(ctx context.Context, topic string, payload []byte, qos byte) error {
	if _, err := c.do(ctx, func() mqtt.Token { return c.Publish(topic, qos, false, payload) }); err != nil {
		return fmt.Errorf("publish %s: %w", topic, err)
	}
	return nil
}

// change subscribes and unsubscribes, and returns what was refused.
func (c *conn) change(ctx context.Context, before, now []string, qos byte) (refused []string, err error) {
	add, leave := map[string]byte{}, []string{}
	for _, f := range now {
		if !slices.Contains(before, f) {
			add[f] = qos
		}
	}
	for _, f := range before {
		if !slices.Contains(now, f) {
			leave = append(leave, f)
		}
	}
	if len(leave) > 0 {
		if _, err := c.do(ctx, func() mqtt.Token { return c.Unsubscribe(leave...) }); err != nil {
			return nil, fmt.Errorf("unsubscribe: %w", err)
		}
	}
	if len(add) == 0 {
		return nil, nil
	}
	token, err := c.do(ctx, func() mqtt.Token { return c.SubscribeMultiple(add, nil) })
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	// A refusal is no error for the library: it stands in the granted QoS alone.
	for f := range add {
		if sub, ok := token.(*mqtt.SubscribeToken); !ok || sub.Result()[f] > qos {
			refused = append(refused, f)
		}
	}
	return refused, nil
}
