// Package broker carries messages between the hub and its devices over MQTT
// 3.1.1: an embedded broker (Embedded, on mochi-mqtt, which is imported nowhere
// else) or any standard one by URL (External, on paho).
//
// It decides who may stay connected and what one slow, flooding or hostile
// device may cost the others: nothing but its own connection. It never stores,
// retains or resends a message, never forwards one device's message to another,
// and never looks inside a payload; who may say and hear what is its Policy's
// matter, what a message means its Handler's.
//
// Delivery is at most once on purpose: sessions are clean, and a device that
// loses its connection (or is cut off for being too slow) says what it holds when
// it comes back, and is sent what it lacks.
package broker

import (
	"context"
	"crypto/x509"
	"errors"
	"time"
)

// Broker is what the hub needs of either implementation. Its methods may be called
// from many goroutines; messages published by one reach a device in their order.
type Broker interface {
	// Publish hands payload to every device subscribed to topic, at qos 0 or 1. It
	// never waits for a device: one that can't take it is cut off (or, on a bulk
	// connection, misses it). nil says nothing about who received it. Errors: ErrClosed,
	// ErrTooLarge, ErrInvalidTopic, ErrInvalidQoS, and from External
	// ErrNotConnected. payload may be reused as soon as Publish returns.
	Publish(topic string, payload []byte, qos byte) error
	// PublishTo is Publish to some clients, of which those get it that are subscribed to
	// topic.
	PublishTo(clientIDs []string, topic string, payload []byte, qos byte) error
	// Broadcasts says that PublishTo can't single clients out and reaches everybody who is
	// subscribed: true of External.
	Broadcasts() bool
	// Backlog returns the bytes that wait to be sent to all clients together.
	// External knows nothing and says 0.
	Backlog() int
	// MayLack says whether clientID may lack something that was published since then
	// to a topic that it is subscribed to: it subscribed later, or was too slow for
	// something on a bulk connection. External can't know, and supposes so after half a second.
	MayLack(clientID string, since time.Time) bool
	// Disconnect ends the connection of clientID, if there is one: after a
	// revocation, or when what Policy answers for it has changed, for
	// subscriptions are judged only when they are made. It doesn't wait for the end.
	Disconnect(clientID string)
	// Queued returns the bytes that wait to be sent to clientID, 0 if it isn't
	// connected. A connection with more than its queue holds is ended, so whoever
	// sends much to one device sends the next part when this has fallen. External knows nothing and says 0.
	Queued(clientID string) int
	// Clients lists the devices connected now, by client id. External knows none.
	Clients() []Client
	// Close ends every connection, having sent what is queued for up to two
	// seconds, and returns when no goroutine is left and no Handler method runs.
	// When ctx ends first, connections are cut off and its error is returned.
	Close(ctx context.Context) error
}

// Policy says who may connect, hear and speak. Its methods are called from many
// goroutines, on the path of every message, and must answer from memory or a
// fast store.
type Policy interface {
	// Authenticate is asked once for each connection, after TLS has checked cert's
	// chain and dates and the broker that clientID is cert's common name. It returns an error
	// for a device that is unknown or revoked; the device sees only "not authorised".
	Authenticate(ctx context.Context, clientID string, cert *x509.Certificate) error
	// MaySubscribe says whether clientID may subscribe to filter, wildcards included.
	MaySubscribe(clientID, filter string) bool
	// MayPublish says whether clientID may publish to topic, also as its will.
	MayPublish(clientID, topic string) bool
}

// Handler receives what devices do. For one client id the order is always
// Connected, Message..., Disconnected, also when a new connection takes over
// from an old one; calls for different client ids run side by side.
//
// External can't see connections: it calls Message only, and takes the client id
// from the topic, which its access list ties to the certificate.
type Handler interface {
	// Connected: clientID has been accepted. It has no subscription yet, so what is
	// published to it now is lost: wait for its first message. It must return soon.
	Connected(clientID string)
	// Disconnected: the connection of clientID has ended. reason is nil if the
	// device said goodbye, else wraps one of this package's errors or io.EOF.
	Disconnected(clientID string, reason error)
	// Message: clientID has published payload to topic, or its will is due. Return
	// nil when it is stored: only then is it acknowledged. With an error it isn't, and
	// the device sends it again after it has reconnected. It may block (that device's
	// next message waits) until ctx ends, which is after Config.MessageTime at most, and
	// when the connection ends; then it must return, for a new connection of
	// that device waits two seconds for it, and Close for ever. payload belongs to the handler.
	Message(ctx context.Context, clientID, topic string, payload []byte) error
}

// Client is one connection.
type Client struct {
	ID     string
	Remote string    // address and port of the peer
	Since  time.Time // when it was accepted
	Queued int       // bytes that wait to be sent
	Missed int       // chunks not queued because it was too slow (bulk connections only)
}

// BulkSuffix ends the client id of a device's second connection, which carries
// content only and misses chunks instead of being cut off when it is slow.
const BulkSuffix = ".bulk"

// Errors of Publish.
var (
	ErrClosed       = errors.New("broker is closed")
	ErrNotConnected = errors.New("not connected to the broker")
	ErrTooLarge     = errors.New("message too large")
	ErrInvalidTopic = errors.New("invalid topic")
	ErrInvalidQoS   = errors.New("quality of service is not 0 or 1")
)

// Why a connection ended, as given to Handler.Disconnected.
var (
	ErrTakenOver    = errors.New("taken over by a new connection of the same client")
	ErrQueueFull    = errors.New("too many bytes wait for a slow client")
	ErrStalled      = errors.New("client took no bytes until the write deadline")
	ErrUnacked      = errors.New("client leaves too many messages unacknowledged")
	ErrFlood        = errors.New("client sends more than its rate")
	ErrNotPermitted = errors.New("client published where it may not")
	ErrDropped      = errors.New("disconnected by the hub")
	ErrShutdown     = errors.New("hub is shutting down")
)
