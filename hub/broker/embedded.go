package broker

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loa-vn/loa/hub/allowance"
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

var (
	errCrowded           = errors.New("handshake took too long while others waited")
	errForeignID         = errors.New("not the certificate's common name")
	errPersistentSession = errors.New("only clean sessions are kept")
)

// takeOverWait is how long a new connection waits for the old one's last call of
// Handler.Message, whose context has ended, before it goes on without.
const takeOverWait = 2 * time.Second

// Embedded is a broker inside the hub's process.
type Embedded struct {
	cfg        Config
	server     *mqtt.Server
	ln         net.Listener
	gate       *gate
	allowances *allowance.Allowances // by client id: they outlast connections, so that coming again brings no other burst
	ctx        context.Context       // ends when closing begins
	cancel     context.CancelFunc
	wg         sync.WaitGroup // the accept loop and every connection

	mu       sync.RWMutex
	closed   bool
	all      map[*session]struct{} // from accept on
	sessions map[string]*session   // admitted, by client id

	backlog atomic.Int64 // bytes in all queues
	pieces  *sync.Pool   // of these queues
	packets sync.Pool    // of *packetBuffers, between two messages
	holds   sync.Pool    // of *[]byte, for packets of more than one record

	counters
}

var _ Broker = (*Embedded)(nil)

// Open listens and serves until Close.
func Open(c Config) (*Embedded, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	ln := c.Listener
	if ln == nil {
		if ln, err = net.Listen("tcp", c.Addr); err != nil {
			return nil, fmt.Errorf("broker: listen: %w", err)
		}
	}
	capabilities := mqtt.NewDefaultServerCapabilities()
	capabilities.MaximumClients = int64(c.MaxConnections)
	capabilities.MaximumClientWritesPending = 64 // messages; unused, as Publish doesn't go through mochi
	capabilities.MaximumPacketSize = uint32(c.MaxPacket)
	capabilities.MaximumQos = 1
	capabilities.MaximumInflight = 64
	capabilities.TopicAliasMaximum = 0
	capabilities.RetainAvailable = 0
	capabilities.SharedSubAvailable = 0
	capabilities.MinimumProtocolVersion = 4
	b := &Embedded{
		cfg: c,
		server: mqtt.New(&mqtt.Options{
			Capabilities:            capabilities,
			ClientNetReadBufferSize: 1 << 10,
			Logger:                  slog.New(slog.DiscardHandler), // it logs whole packets; what matters is logged here
		}),
		ln:         ln,
		gate:       newGate(c.MaxHandshakes, c.HandshakeGrace),
		allowances: allowance.New(c.Rate, c.Burst),
		all:        make(map[*session]struct{}),
		sessions:   make(map[string]*session),
		pieces:     newPieces(),
		packets:    sync.Pool{New: func() any { return new(packetBuffers) }},
		holds:      sync.Pool{New: func() any { b := make([]byte, 0, c.MaxPacket+tlsOverhead); return &b }},
	}
	if err := b.server.AddHook(&hook{b: b}, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("broker: %w", err), ln.Close())
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	// mochi's own listeners and its event loop are not started: the loop publishes
	// $SYS and expires sessions, of which there are none.
	b.wg.Go(b.accept)
	return b, nil
}

// Addr is where it listens.
func (b *Embedded) Addr() net.Addr { return b.ln.Addr() }

func (b *Embedded) accept() {
	var pause time.Duration
	for b.gate.enter(b.ctx) {
		raw, err := b.ln.Accept()
		if err == nil {
			pause = 0
			b.accepted.Add(1)
			b.wg.Go(func() { b.serve(raw) })
			continue
		}
		b.gate.leave(nil)
		if b.ctx.Err() != nil {
			return
		}
		// Out of file descriptors, most likely: what is connected goes on.
		pause = min(max(2*pause, 10*time.Millisecond), time.Second)
		b.cfg.Log.Error("mqtt accept failed", "error", err, "retry_in", pause)
		select {
		case <-time.After(pause):
		case <-b.ctx.Done():
		}
	}
}

// serve runs one connection to its end.
func (b *Embedded) serve(raw net.Conn) {
	out := newQueuedConn(raw, b.pieces, b.cfg.QueueBytes, b.cfg.SendBuffer, b.cfg.WriteTime, b.cfg.CloseTime)
	out.total = &b.backlog
	// Stands until CONNECT has come: mochi sets none before.
	_ = out.SetReadDeadline(time.Now().Add(b.cfg.HandshakeTime))
	s := &session{
		Conn:  tls.Server(out, b.cfg.TLS),
		out:   out,
		since: time.Now(),
		done:  make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(b.ctx)
	b.gate.hold(s)
	known := b.track(s)
	var err error
	if known {
		err = s.Handshake()
	}
	b.gate.leave(s)
	switch {
	case !known:
		out.abort(ErrShutdown)
	case err != nil:
		b.ended(out.err())
		b.cfg.Log.Debug("mqtt handshake failed", "remote", raw.RemoteAddr().String(), "error", err)
		_ = s.Conn.Close()
	default:
		s.identify()
		s.limit = b.allowances.Of(s.id, time.Now())
		b.finish(s, b.establish(s))
	}
	s.cancel()
	close(s.done)
	<-out.gone
	b.untrack(s)
}

// establish runs mochi's part of s. What a device sends must not end the hub, so a
// panic over it ends its connection only.
func (b *Embedded) establish(s *session) (err error) {
	defer func() {
		if p := recover(); p != nil {
			b.faults.Add(1)
			b.cfg.Log.Error("mqtt connection panicked", "client", s.id, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return b.server.EstablishConnection("tls", s)
}

// track takes s into account, unless the broker is closing or full.
func (b *Embedded) track(s *session) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || len(b.all) >= b.cfg.MaxConnections {
		return false
	}
	b.all[s] = struct{}{}
	return true
}

func (b *Embedded) untrack(s *session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.all, s)
}

// takeOver makes s the connection of its client and waits for the end of the one
// before, so that the Handler sees one after the other, and mochi never two
// clients of one id: it would take the new one's subscriptions away with the old.
func (b *Embedded) takeOver(s *session) error {
	b.mu.Lock()
	old := b.sessions[s.id]
	b.sessions[s.id] = s
	b.mu.Unlock()
	if old == nil {
		return nil
	}
	old.end(ErrTakenOver, true)
	wait := time.NewTimer(takeOverWait)
	defer wait.Stop()
	select {
	// Not given up when s itself ends meanwhile: a third connection waits for s alone.
	case <-old.done:
	case <-wait.C:
		b.cfg.Log.Error("mqtt handler outlives its connection", "client", s.id)
		old.disconnected(b.cfg.Handler, ErrTakenOver, func(w will) { b.sayWill(s.id, w) })
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.sessions[s.id] != s {
		return ErrTakenOver
	}
	return s.ctx.Err()
}

// finish clears up after mochi has let go of s.
func (b *Embedded) finish(s *session, read error) {
	_ = s.Conn.Close()
	s.mu.Lock()
	s.ready = false
	s.mu.Unlock()
	// A client whose CONNACK could not be written stays in mochi's books.
	if cl, ok := b.server.Clients.Get(s.id); ok && cl.Net.Conn == net.Conn(s) {
		b.server.UnsubscribeClient(cl)
		b.server.Clients.Delete(s.id)
	}
	reason := s.reason(read)
	b.ended(reason)
	b.mu.Lock()
	if b.sessions[s.id] == s {
		delete(b.sessions, s.id)
	}
	b.mu.Unlock()
	b.cfg.Log.Debug("mqtt connection ended", "client", s.id, "reason", reason)
	s.disconnected(b.cfg.Handler, reason, func(w will) { b.sayWill(s.id, w) })
}

// sayWill gives a will to the Handler as its device's last message.
func (b *Embedded) sayWill(clientID string, w will) {
	_ = b.deliver(b.ctx, clientID, w.topic, w.payload) // logged there; a will has nobody to be refused to
}

// deliver gives a message to the Handler, within its time.
func (b *Embedded) deliver(ctx context.Context, clientID, topic string, payload []byte) error {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.MessageTime)
	defer cancel()
	b.received.Add(1)
	err := b.cfg.Handler.Message(ctx, clientID, topic, payload)
	if err != nil {
		b.rejected.Add(1)
		b.cfg.Log.Warn("mqtt message not accepted", "client", clientID, "topic", topic, "error", err)
	}
	return err
}

// Publish implements Broker. It uses mochi's index of topics, and writes to
// the connections itself: their queues never block, nothing is lost in between
// without notice, and the order of calls is kept for each client.
func (b *Embedded) Publish(topic string, payload []byte, qos byte) error {
	made := b.packets.Get().(*packetBuffers)
	defer b.packets.Put(made)
	frames, err := b.frames(made, topic, payload, qos)
	if err != nil {
		return err
	}
	subscribed := b.server.Topics.Subscribers(topic).Subscriptions
	targets := make([]target, 0, len(subscribed))
	b.mu.RLock()
	closed := b.closed
	for id, sub := range subscribed {
		if s := b.sessions[id]; s != nil {
			targets = append(targets, target{s, min(qos, sub.Qos)})
		}
	}
	b.mu.RUnlock()
	if closed {
		return ErrClosed
	}
	b.fanOut(targets, frames)
	return nil
}

// PublishTo implements Broker, without mochi's index, which would list everybody.
func (b *Embedded) PublishTo(clientIDs []string, topic string, payload []byte, qos byte) error {
	made := b.packets.Get().(*packetBuffers)
	defer b.packets.Put(made)
	frames, err := b.frames(made, topic, payload, qos)
	if err != nil {
		return err
	}
	// Nearly all of these subscriptions name the topic but for its last level; the list of
	// a client's is a copy.
	likely := topic[:strings.LastIndexByte(topic, '/')+1] + "+"
	targets := make([]target, 0, len(clientIDs))
	for _, id := range clientIDs {
		cl, ok := b.server.Clients.Get(id)
		s := b.session(id)
		if !ok || s == nil || cl.Net.Conn != net.Conn(s) {
			continue
		}
		if sub, ok := cl.State.Subscriptions.Get(likely); ok {
			targets = append(targets, target{s, min(qos, sub.Qos)})
			continue
		}
		for filter, sub := range cl.State.Subscriptions.GetAll() {
			if matches(filter, topic) {
				targets = append(targets, target{s, min(qos, sub.Qos)})
				break
			}
		}
	}
	b.fanOut(targets, frames)
	return nil
}

// Broadcasts implements Broker.
func (b *Embedded) Broadcasts() bool { return false }

// matches says whether a filter takes a topic in (MQTT 3.1.1, 4.7).
func matches(filter, topic string) bool {
	for {
		f, restF, moreF := strings.Cut(filter, "/")
		t, restT, moreT := strings.Cut(topic, "/")
		switch {
		case f == "#":
			return true
		case f != "+" && f != t, moreF != moreT:
			return f == t && moreF && restF == "#"
		case !moreF:
			return true
		}
		filter, topic = restF, restT
	}
}

// Backlog implements Broker.
func (b *Embedded) Backlog() int { return int(b.backlog.Load()) }

// MayLack implements Broker.
func (b *Embedded) MayLack(clientID string, since time.Time) bool {
	s := b.session(clientID)
	return s == nil || s.mayLack(since)
}

// packetBuffers hold the packets of a message, by quality of service.
type packetBuffers [2]bytes.Buffer

// frames makes the packets of a message, up to its quality of service.
func (b *Embedded) frames(into *packetBuffers, topic string, payload []byte, qos byte) (frames [2]frame, err error) {
	switch {
	case qos > 1:
		return frames, fmt.Errorf("publish at %d: %w", qos, ErrInvalidQoS)
	case !validTopic(topic):
		return frames, fmt.Errorf("publish to %q: %w", topic, ErrInvalidTopic)
	case len(payload)+len(topic)+packetOverhead > b.cfg.MaxPacket:
		return frames, fmt.Errorf("publish %d bytes to %q: %w", len(payload), topic, ErrTooLarge)
	}
	for q := range qos + 1 {
		if frames[q], err = encode(&into[q], topic, payload, q); err != nil {
			return frames, fmt.Errorf("publish to %q: %w", topic, err)
		}
	}
	return frames, nil
}

// target is one delivery of a message.
type target struct {
	s   *session
	qos byte
}

// laneTargets is how many deliveries are worth a goroutine: below it, starting
// one costs more than it brings.
const laneTargets = 64

// fanOut writes to all targets, on as many processors as there are, and returns
// when it has: so the order of messages stays that of the calls.
func (b *Embedded) fanOut(targets []target, frames [2]frame) {
	lanes := min(runtime.GOMAXPROCS(0), 1+len(targets)/laneTargets)
	each := (len(targets) + lanes - 1) / lanes
	var wg sync.WaitGroup
	for len(targets) > each {
		part := targets[:each]
		targets = targets[each:]
		own := [2]frame{frames[0].clone(), frames[1].clone()} // packet ids are set in place
		wg.Go(func() { b.lane(part, own) })
	}
	b.lane(targets, frames)
	wg.Wait()
}

func (b *Embedded) lane(targets []target, frames [2]frame) {
	var given, left uint64
	hold := b.holds.Get().(*[]byte)
	defer b.holds.Put(hold)
	for _, t := range targets {
		switch t.s.send(frames[t.qos], *hold, b.cfg.BulkBytes, b.cfg.MaxUnacked) {
		case sent:
			given++
		case missed:
			left++
		}
	}
	b.sent.Add(given)
	b.missed.Add(left)
}

// tlsOverhead is the room that the records of a packet need beyond it: 22 bytes for each
// (RFC 8446, 5.2).
const tlsOverhead = 512

// packetOverhead is the most that a PUBLISH adds to topic and payload: a fixed
// header of at most five bytes, the topic's length, the packet id.
const packetOverhead = 9

// validTopic says whether topic can be published to (MQTT 3.1.1, 4.7).
func validTopic(topic string) bool {
	return topic != "" && len(topic) < 1<<16 && !strings.ContainsAny(topic, "+#\x00") && topic[0] != '$'
}

// encode makes the PUBLISH packet in buf, with a packet id of one at QoS 1 to be replaced.
func encode(buf *bytes.Buffer, topic string, payload []byte, qos byte) (frame, error) {
	buf.Reset()
	pk := packets.Packet{
		ProtocolVersion: 4,
		FixedHeader:     packets.FixedHeader{Type: packets.Publish, Qos: qos},
		TopicName:       topic,
		Payload:         payload,
		PacketID:        uint16(qos),
	}
	if err := pk.PublishEncode(buf); err != nil {
		return frame{}, err
	}
	f := frame{bytes: buf.Bytes()}
	if qos > 0 {
		f.idAt = len(f.bytes) - len(payload) - 2
	}
	return f, nil
}

func (b *Embedded) session(clientID string) *session {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.sessions[clientID]
}

// Disconnect implements Broker.
func (b *Embedded) Disconnect(clientID string) {
	if s := b.session(clientID); s != nil {
		s.end(ErrDropped, false)
	}
}

// Queued implements Broker.
func (b *Embedded) Queued(clientID string) int {
	if s := b.session(clientID); s != nil {
		return s.out.pending()
	}
	return 0
}

// Clients implements Broker.
func (b *Embedded) Clients() []Client {
	b.mu.RLock()
	defer b.mu.RUnlock()
	list := make([]Client, 0, len(b.sessions))
	for _, s := range b.sessions {
		list = append(list, s.client())
	}
	slices.SortFunc(list, func(x, y Client) int { return strings.Compare(x.ID, y.ID) })
	return list
}

// Close implements Broker.
func (b *Embedded) Close(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	open := slices.Collect(maps.Keys(b.all))
	b.mu.Unlock()
	b.cancel()
	_ = b.ln.Close() // a second Close finds it closed
	for _, s := range open {
		s.end(ErrShutdown, !s.secured.Load())
	}
	ended := make(chan struct{})
	go func() {
		b.wg.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	for _, s := range open {
		s.out.abort(ErrShutdown)
	}
	<-ended
	return fmt.Errorf("broker: close: %w", ctx.Err())
}
