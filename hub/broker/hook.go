package broker

import (
	"bytes"
	"context"
	"fmt"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// hook is where mochi asks. What it answers keeps mochi away from the parts that
// can hold up or lose messages: it fans nothing out (every message of a device is
// ignored after the Handler has it, wills are kept from it, and Publish writes to
// the sessions itself), keeps no session, and speaks 3.1.1 only, as in MQTT
// 5 its flow control read-locks one mutex twice and can lock up a publisher.
type hook struct {
	mqtt.HookBase
	b *Embedded
}

func (h *hook) ID() string { return "loa" }

func (h *hook) Provides(b byte) bool {
	return bytes.IndexByte([]byte{
		mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck,
		mqtt.OnSessionEstablished, mqtt.OnPacketRead, mqtt.OnSubscribed, mqtt.OnPublish,
	}, b) >= 0
}

// OnConnect refuses what the broker doesn't speak; it comes before authentication.
func (h *hook) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	if pk.ProtocolVersion != 4 {
		_ = h.b.server.SendConnack(cl, packets.ErrUnsupportedProtocolVersion, false, nil)
		return packets.ErrUnsupportedProtocolVersion
	}
	if !pk.Connect.Clean {
		_ = h.b.server.SendConnack(cl, packets.ErrBadUsernameOrPassword, false, nil)
		return errPersistentSession
	}
	// A client that asks for no keep-alive, or a long one, would stay for ever after its line broke.
	longest := uint16(min(h.b.cfg.MaxKeepAlive/time.Second, 1<<16-1))
	if cl.State.Keepalive == 0 || cl.State.Keepalive > longest {
		cl.State.Keepalive = longest
	}
	if s, ok := cl.Net.Conn.(*session); ok {
		// Half as long again as the keep-alive, as mochi waits too (3.1.2.10).
		s.patient = time.Duration(cl.State.Keepalive) * 3 * time.Second / 2
	}
	return nil
}

// OnConnectAuthenticate comes before mochi looks at other clients of that id, so
// a stranger is refused before anybody could be thrown out. An older connection of the same
// client is ended here, without mochi, which would write to it first.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	s, ok := cl.Net.Conn.(*session)
	if !ok {
		return false
	}
	if err := h.b.admit(s, pk.Connect); err != nil {
		h.b.refused.Add(1)
		h.b.cfg.Log.Warn("mqtt connection refused", "client", s.id, "remote", cl.Net.Remote, "error", err)
		return false
	}
	cl.Properties.Will = mqtt.Will{}
	return true
}

// OnSessionEstablished comes after CONNACK and before the first packet is read.
func (h *hook) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	if s, ok := cl.Net.Conn.(*session); ok {
		s.open()
		s.connected(h.b.cfg.Handler)
	}
}

// OnPacketRead counts every packet. Acknowledgements of deliveries do not come
// here: session.Read has taken them out.
func (h *hook) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	s, ok := cl.Net.Conn.(*session)
	if !ok {
		return pk, packets.ErrRejectPacket
	}
	if !s.limit.Allow() {
		s.end(ErrFlood, true)
		return pk, packets.ErrRejectPacket
	}
	if pk.FixedHeader.Type == packets.Disconnect {
		s.mu.Lock()
		s.goodbye = s.cause == nil
		s.mu.Unlock()
	}
	return pk, nil
}

// OnACLCheck is asked about subscriptions; publishing is judged in OnPublish, since
// mochi answers a refusal with a packet that 3.1.1 doesn't know.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	return write || cl.State.Subscriptions.Len() < h.b.cfg.MaxFilters && h.b.cfg.Policy.MaySubscribe(cl.ID, topic)
}

// OnSubscribed comes when the subscriptions count, before SUBACK.
func (h *hook) OnSubscribed(cl *mqtt.Client, _ packets.Packet, _ []byte) {
	if s, ok := cl.Net.Conn.(*session); ok {
		s.subscribed(time.Now())
	}
}

// OnPublish gives a device's message to the Handler. Of all errors mochi heeds
// only the two returned here: with any other it would acknowledge the
// message and send it on.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	s, ok := cl.Net.Conn.(*session)
	if !ok {
		return pk, packets.ErrRejectPacket
	}
	if pk.TopicName == "" || !h.b.cfg.Policy.MayPublish(s.id, pk.TopicName) {
		h.b.cfg.Log.Warn("mqtt message not permitted", "client", s.id, "topic", pk.TopicName)
		if pk.FixedHeader.Qos > 0 {
			s.end(ErrNotPermitted, false) // 3.1.1 knows no other refusal
		}
		return pk, packets.ErrRejectPacket
	}
	if err := h.b.deliver(s.ctx, s.id, pk.TopicName, pk.Payload); err != nil {
		return pk, packets.ErrRejectPacket
	}
	return pk, packets.CodeSuccessIgnore
}

// admit decides whether s may be the client that its CONNECT names, and ends an
// older connection of that client.
func (b *Embedded) admit(s *session, connect packets.ConnectParams) error {
	if connect.ClientIdentifier != s.id {
		return fmt.Errorf("client id %q: %w", connect.ClientIdentifier, errForeignID)
	}
	ctx, cancel := context.WithTimeout(s.ctx, b.cfg.MessageTime)
	defer cancel()
	if err := b.cfg.Policy.Authenticate(ctx, s.id, s.ConnectionState().PeerCertificates[0]); err != nil {
		return fmt.Errorf("authenticate: %w", err)
	}
	if connect.WillFlag {
		if !b.cfg.Policy.MayPublish(s.id, connect.WillTopic) {
			return fmt.Errorf("will to %q: %w", connect.WillTopic, ErrNotPermitted)
		}
		s.mu.Lock()
		s.will = &will{topic: connect.WillTopic, payload: connect.WillPayload}
		s.mu.Unlock()
	}
	return b.takeOver(s)
}
