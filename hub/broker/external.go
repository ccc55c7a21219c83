package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// ExternalConfig says how the hub uses a broker that runs elsewhere. All but Log must be set.
type ExternalConfig struct {
	// URL is the broker's: ssl://host:8883.
	URL string
	// TLS holds the hub's certificate, whose common name is ClientID, and the broker's authority.
	TLS      *tls.Config
	ClientID string
	// Filters are subscribed to at QoS 1: all that devices say.
	Filters []string
	// Sender returns the client id that alone may publish to topic. The access list has to hold
	// that (see MosquittoACL): the broker doesn't tell who sent a message.
	Sender  func(topic string) (clientID string, ok bool)
	Handler Handler
	Log     *slog.Logger
}

const (
	// externalLanes is how many messages are handled side by side; those of one
	// device share a lane, and so keep their order.
	externalLanes = 32
	// laneDepth is how many wait in a lane before the broker has to keep them.
	laneDepth = 16
	// externalWait is for the broker to answer, or to take what is written.
	externalWait = 10 * time.Second
	// retryExternal is between two attempts to reach it.
	retryExternal = 5 * time.Second
)

// External is a broker elsewhere, any that speaks MQTT 3.1.1, used through one
// client connection. It differs from Embedded in what Handler and Broker say, and in
// acknowledgements: a device gets its PUBACK from the broker, before the hub has
// stored anything, and gets it also for what the access list then discards. Nothing in Loa
// relies on it.
type External struct {
	cfg    ExternalConfig
	client paho.Client
	ctx    context.Context // of Handler calls; ends with Close
	cancel context.CancelFunc
	lanes  [externalLanes]chan paho.Message
	wg     sync.WaitGroup
	once   sync.Once
}

var _ Broker = (*External)(nil)

// OpenExternal connects and subscribes; a broker that is away is said to be so and
// tried again until it is there, as it is when it goes away later. Errors: an
// incomplete configuration; ErrNotPermitted if the first connection refuses a
// subscription; ctx's.
func OpenExternal(ctx context.Context, c ExternalConfig) (*External, error) {
	if c.URL == "" || c.TLS == nil || c.ClientID == "" || len(c.Filters) == 0 || c.Sender == nil || c.Handler == nil {
		return nil, errors.New("external broker: URL, TLS, ClientID, Filters, Sender and Handler are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	x := &External{cfg: c}
	x.ctx, x.cancel = context.WithCancel(context.Background())
	first := make(chan error, 1) // what came of the first attempt
	x.client = paho.NewClient(x.options(func(err error) {
		select {
		case first <- err:
		default:
		}
	}))
	for i := range x.lanes {
		x.lanes[i] = make(chan paho.Message, laneDepth)
		x.wg.Go(func() { x.work(x.lanes[i]) })
	}
	x.client.Connect() // goes on until it is connected, or Close
	var err error
	select {
	case err = <-first:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil && !errors.Is(err, errAway) {
		_ = x.Close(ctx)
		return nil, fmt.Errorf("external broker %s: %w", c.URL, err)
	}
	return x, nil
}

// errAway: the broker could not be reached.
var errAway = errors.New("not reached")

// options are those of the connection; told hears what came of each attempt.
func (x *External) options(told func(error)) *paho.ClientOptions {
	c := x.cfg
	return paho.NewClientOptions().AddBroker(c.URL).
		SetTLSConfig(c.TLS).SetClientID(c.ClientID).SetProtocolVersion(4).SetCleanSession(true).
		SetAutoReconnect(true).SetMaxReconnectInterval(retryExternal).SetResumeSubs(false).
		SetConnectRetry(true).SetConnectRetryInterval(retryExternal).
		SetConnectTimeout(externalWait).SetWriteTimeout(externalWait).
		SetAutoAckDisabled(true). // the handler's pace is the pace at which the broker sends
		SetOnConnectHandler(func(client paho.Client) {
			err := x.subscribe(client)
			if err != nil {
				x.cfg.Log.Error("mqtt broker refuses subscriptions", "url", c.URL, "error", err)
			} else {
				x.cfg.Log.Info("mqtt broker reached", "url", c.URL)
			}
			told(err)
		}).
		SetConnectionLostHandler(func(_ paho.Client, err error) {
			x.cfg.Log.Error("mqtt broker lost", "url", c.URL, "error", err)
		}).
		SetConnectionNotificationHandler(func(_ paho.Client, n paho.ConnectionNotification) {
			if failed, ok := n.(paho.ConnectionNotificationFailed); ok {
				x.cfg.Log.Error("mqtt broker is away, tried again", "url", c.URL, "error", failed.Reason, "retry_in", retryExternal)
				told(fmt.Errorf("%w: %w", errAway, failed.Reason))
			}
		})
}

// subscribe asks for all filters and looks at what was granted, which no error tells.
func (x *External) subscribe(client paho.Client) error {
	filters := make(map[string]byte, len(x.cfg.Filters))
	for _, f := range x.cfg.Filters {
		filters[f] = 1
	}
	token := client.SubscribeMultiple(filters, x.sort)
	if !token.WaitTimeout(externalWait) {
		return fmt.Errorf("subscribe: no answer in %v", externalWait)
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	for filter, code := range token.(*paho.SubscribeToken).Result() {
		if code > 1 {
			return fmt.Errorf("subscribe to %q: %w", filter, ErrNotPermitted)
		}
	}
	return nil
}

// sort puts a message into its device's lane. While that is full the broker keeps what follows.
func (x *External) sort(_ paho.Client, m paho.Message) {
	id, ok := x.cfg.Sender(m.Topic())
	if !ok {
		x.cfg.Log.Warn("mqtt message on an unknown topic", "topic", m.Topic())
		m.Ack()
		return
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	select {
	case x.lanes[h.Sum32()%externalLanes] <- m:
	case <-x.ctx.Done():
	}
}

// work handles the messages of one lane. A message that could not be stored is
// acknowledged too: brokers keep few unacknowledged ones and then send nothing more, and
// the device sends it again anyhow, as it gets no receipt.
func (x *External) work(lane <-chan paho.Message) {
	for {
		select {
		case m := <-lane:
			id, _ := x.cfg.Sender(m.Topic())
			ctx, cancel := context.WithTimeout(x.ctx, externalWait)
			if err := x.cfg.Handler.Message(ctx, id, m.Topic(), m.Payload()); err != nil {
				x.cfg.Log.Warn("mqtt message not accepted", "client", id, "topic", m.Topic(), "error", err)
			}
			cancel()
			m.Ack()
		case <-x.ctx.Done():
			return
		}
	}
}

// Publish implements Broker. It waits for no device, but for the broker's socket, up to ten seconds.
func (x *External) Publish(topic string, payload []byte, qos byte) error {
	switch {
	case qos > 1:
		return fmt.Errorf("publish at %d: %w", qos, ErrInvalidQoS)
	case !validTopic(topic):
		return fmt.Errorf("publish to %q: %w", topic, ErrInvalidTopic)
	case len(payload)+len(topic)+packetOverhead > defaultMaxPacket:
		return fmt.Errorf("publish %d bytes to %q: %w", len(payload), topic, ErrTooLarge)
	case x.ctx.Err() != nil:
		return ErrClosed
	case !x.client.IsConnectionOpen():
		return fmt.Errorf("publish to %q: %w", topic, ErrNotConnected)
	}
	// paho keeps what it is given, the caller may use it again.
	x.client.Publish(topic, qos, false, append([]byte(nil), payload...))
	return nil
}

// PublishTo implements Broker, as far as it can: all who are subscribed get it.
func (x *External) PublishTo(_ []string, topic string, payload []byte, qos byte) error {
	return x.Publish(topic, payload, qos)
}

// Broadcasts implements Broker.
func (x *External) Broadcasts() bool { return true }

// Backlog implements Broker: the broker doesn't tell.
func (x *External) Backlog() int { return 0 }

// externalFlight is how long what was published counts as on its way.
const externalFlight = 500 * time.Millisecond

// MayLack implements Broker: the broker doesn't tell.
func (x *External) MayLack(_ string, since time.Time) bool { return time.Since(since) > externalFlight }

// Disconnect implements Broker, as far as it can: MQTT has no way to end another client's
// connection. Revocation reaches such a broker by its list of revoked certificates.
func (x *External) Disconnect(clientID string) {
	x.cfg.Log.Warn("an external broker has to end this connection itself", "client", clientID)
}

// Queued implements Broker: the broker doesn't tell.
func (x *External) Queued(string) int { return 0 }

// Clients implements Broker: the broker doesn't tell.
func (x *External) Clients() []Client { return nil }

// Close implements Broker.
func (x *External) Close(ctx context.Context) error {
	x.once.Do(func() {
		x.cancel() // lets go of what waits for a lane
		// What Publish has been given goes out first, for up to 250 ms.
		x.client.Disconnect(250)
	})
	ended := make(chan struct{})
	go func() {
		x.wg.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("external broker: close: %w", ctx.Err())
	}
}
