package hub

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/blob"
	"github.com/loa-vn/loa/hub/broker"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/relay"
	"github.com/loa-vn/loa/hub/signing"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
)

// brokerTime is how long the hub waits at its start for a broker elsewhere.
const brokerTime = 15 * time.Second

// address is a place that the network does not resolve here.
type address string

// Network implements net.Addr.
func (address) Network() string { return "tcp" }

// String implements net.Addr.
func (a address) String() string { return string(a) }

// brokerAddr is where a broker elsewhere listens.
func brokerAddr(raw string) (net.Addr, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: mqtt.broker.url", config.ErrInvalid)
	}
	if u.Port() == "" {
		return address(net.JoinHostPort(u.Hostname(), "8883")), nil
	}
	return address(u.Host), nil
}

// openBroker starts the broker inside on mqtt, or reaches the one elsewhere.
func (h *Hub) openBroker(ctx context.Context, mqtt net.Listener, to broker.Handler) (broker.Broker, error) {
	c := h.Config
	if mqtt != nil {
		return broker.Open(broker.Config{
			Listener: mqtt, Policy: doorman{h.Registry, h.relays}, Handler: to, Log: h.log,
			TLS: &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: h.CA.Server(c.Hosts), ClientCAs: h.clients},
		})
	}
	conf, name, err := h.brokerTLS(c.MQTT.Broker)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, brokerTime)
	defer cancel()
	x, err := broker.OpenExternal(ctx, broker.ExternalConfig{
		URL: "ssl://" + h.mqtt.String(), TLS: conf, ClientID: name, Filters: upFilters(), Sender: sender, Handler: to, Log: h.log,
	})
	if err != nil {
		return nil, problem.New(problem.ErrUnavailable, "broker-unreachable", "mqtt.broker.url",
			"Không nối được tới máy chủ MQTT đã cấu hình; hãy kiểm tra mqtt.broker và máy chủ đó.",
			"The configured MQTT broker cannot be reached; check mqtt.broker and that broker.").Because(err)
	}
	return x, nil
}

// upFilters are all that devices say.
func upFilters() []string {
	var filters []string
	for _, v := range []protocol.Verb{protocol.VerbState, protocol.VerbReceipt, protocol.VerbSeen, protocol.VerbWant, protocol.VerbAsk} {
		filters = append(filters, protocol.DeviceTopic("+", v))
	}
	return filters
}

// sender is who alone may publish to a topic, by the access list.
func sender(topic string) (string, bool) {
	d, v, err := protocol.ParseDeviceTopic(topic)
	return string(d), err == nil && v.Up()
}

// brokerTLS returns how the hub speaks to a broker elsewhere, and its name there.
func (h *Hub) brokerTLS(c config.Broker) (*tls.Config, string, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: h.CA.Pool(), GetClientCertificate: h.CA.Self()}
	if c.CA != "" {
		b, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, "", fmt.Errorf("mqtt.broker.ca: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(b) {
			return nil, "", fmt.Errorf("%w: mqtt.broker.ca wants a file with PEM certificates", config.ErrInvalid)
		}
	}
	if c.Certificate == "" {
		return conf, signing.HubClient, nil
	}
	pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
	if err != nil {
		return nil, "", fmt.Errorf("mqtt.broker.certificate: %w", err)
	}
	if pair.Leaf.Subject.CommonName == "" {
		return nil, "", errors.Join(config.ErrInvalid, errors.New("mqtt.broker.certificate wants a common name: it is the hub's client id"))
	}
	conf.GetClientCertificate, conf.Certificates = nil, []tls.Certificate{pair}
	return conf, pair.Leaf.Subject.CommonName, nil
}

// BrokerAccess returns the access list (mosquitto's acl_file) that holds for a
// broker elsewhere what the broker inside asks at each message: who may hear and
// say what. It is to be made again when devices are added, moved or revoked, and
// when relays are approved: the running hub does so with mqtt.broker.acl.
func (b *Base) BrokerAccess(ctx context.Context) ([]byte, error) {
	devices, err := b.Registry.Devices(ctx)
	if err != nil {
		return nil, err
	}
	name := signing.HubClient
	if c := b.Config.MQTT.Broker; c.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
		if err != nil {
			return nil, fmt.Errorf("mqtt.broker.certificate: %w", err)
		}
		name = pair.Leaf.Subject.CommonName
	}
	sessions, err := store.NewRelays(b.DB, b.Keys).Sessions(ctx, time.Now().Add(-relay.Tail))
	if err != nil {
		return nil, err
	}
	var grants []broker.Grant
	for _, d := range devices {
		if d.Revoked.IsZero() {
			grants = append(grants, grantsOf(d.ID, d.Placement.Units(), sessions)...)
		}
	}
	return broker.MosquittoACL(name, "loa/1", grants)
}

// keepAccess writes the access list of a broker elsewhere where it is read, if it
// has changed. The broker is told to read it again by whoever watches the file.
func (h *Hub) keepAccess(ctx context.Context) error {
	file := h.Config.MQTT.Broker.ACL
	if file == "" {
		return nil
	}
	list, err := h.BrokerAccess(ctx)
	if err != nil {
		return err
	}
	held, err := os.ReadFile(file)
	if err == nil && bytes.Equal(held, list) {
		return nil
	}
	if err := os.WriteFile(file+".new", list, 0o640); err != nil { //nolint:gosec // the broker reads it
		return fmt.Errorf("access list: %w", err)
	}
	return os.Rename(file+".new", file)
}

// grantsOf are the rights of a device's two connections; doorman asks for the same.
func grantsOf(id protocol.DeviceID, path []protocol.UnitID, sessions map[protocol.UnitID][]protocol.SessionID) []broker.Grant {
	own := broker.Grant{ClientID: protocol.Client{Device: id}.String()}
	for _, v := range []protocol.Verb{protocol.VerbPlan, protocol.VerbAlert, protocol.VerbCmd, protocol.VerbAck, protocol.VerbTime} {
		own.Hear = append(own.Hear, protocol.DeviceTopic(id, v))
	}
	for _, u := range path {
		own.Hear = append(own.Hear, protocol.UnitTopic(u, protocol.VerbPlan), protocol.UnitTopic(u, protocol.VerbAlert))
	}
	for _, u := range path {
		for _, s := range sessions[u] {
			if f := protocol.SessionFilter(s); !slices.Contains(own.Hear, f) {
				own.Hear = append(own.Hear, f)
			}
		}
	}
	for _, v := range []protocol.Verb{protocol.VerbState, protocol.VerbReceipt, protocol.VerbSeen, protocol.VerbWant, protocol.VerbAsk} {
		own.Say = append(own.Say, protocol.DeviceTopic(id, v))
	}
	bulk := broker.Grant{ClientID: protocol.Client{Device: id, Bulk: true}.String(), Hear: []string{protocol.Root + "c/#"}}
	return []broker.Grant{own, bulk}
}

// contentServer gives devices content over HTTPS, if that is wished.
func (h *Hub) contentServer() http.Handler {
	if !h.Config.Content.HTTP {
		return nil
	}
	door := doorman{h.Registry, h.relays}
	return blob.NewServer(h.Blobs, func(ctx context.Context, cert *x509.Certificate) error {
		return door.Authenticate(ctx, cert.Subject.CommonName, cert)
	}, h.log)
}
