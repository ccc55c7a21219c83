package inbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Store is where the inbox keeps what it took; *store.Store is one.
type Store interface {
	Held() (store.Held, error)
	Apply(store.Change) error
	Document(protocol.Digest) ([]byte, error)
	Ack(chain protocol.Digest, seq uint64, hash protocol.Digest) error
	Resend(seq uint64) error
}

// Contents is where content comes to; *cache.Cache is one.
type Contents interface {
	Need([]protocol.Content)
	Has(protocol.Digest) bool
	Bytes(d protocol.Digest, limit int) ([]byte, error)
}

// Hub is the way out; *link.Link is one.
type Hub interface {
	Publish(ctx context.Context, topic string, payload []byte, qos byte) error
	// Resubscribe asks for Inbox.Filters again.
	Resubscribe()
}

// Clock is the device's; *timesync.Clock is one.
type Clock interface {
	Read() timesync.Reading
	Changed() <-chan struct{}
	Answer(a protocol.TimeAnswer, sent, received time.Time) error
}

// Config is what an inbox needs.
type Config struct {
	Device protocol.DeviceID
	Roots  protocol.Roots
	// Placement and Lists are the signed documents of the enrolment, used while
	// the store has none.
	Placement []byte
	Lists     [][]byte
	Store     Store
	Contents  Contents
	Hub       Hub
	Clock     Clock
	// Entropy is where nonces come from.
	Entropy io.Reader
	// Heartbeat is called when what is held has changed; Acked after the hub has
	// acknowledged receipts, or asked for older ones again. Both return at once.
	Heartbeat func()
	Acked     func()
	// Content hears where the hub says that content is, besides MQTT; nil for
	// whoever has no use for it. It returns at once.
	Content func(base string)
	// Fault raises or clears a fault of a heartbeat, here "storage".
	Fault func(name string, on bool)
	// Pictures says that this device has a board, which needs bulletins' pictures.
	Pictures bool
	// Jitter is the longest wait before a new session's questions.
	Jitter time.Duration
	Log    *slog.Logger
}

// DefaultJitter scatters the questions of a fleet that comes back at once.
const DefaultJitter = 3 * time.Second

const (
	queueLength = 256
	// tickEvery is how often is looked for what only time changes.
	tickEvery = 5 * time.Second
	sweepEach = time.Hour
	// An unsure clock is asked about every 20 s, a sure one every two minutes: a crystal
	// 100 ppm off makes 12 ms of that, which neighbouring horns do not let be heard.
	askUnsure = 20 * time.Second
	askSure   = 2 * time.Minute
	maxNonces = 8
)

// message is one arrival.
type message struct {
	topic   string
	payload []byte
	at      time.Time // by the local clock
}

// outgoing waits for the line.
type outgoing struct {
	verb    protocol.Verb
	payload []byte
}

// Inbox runs the decisions. Its queries are safe for concurrent use.
type Inbox struct {
	cfg      Config
	messages chan message
	session  chan struct{} // a new connection is up
	contents chan struct{} // something arrived or was lost
	out      chan outgoing
	updates  chan []Update
	done     chan struct{}

	mu      sync.Mutex
	state   *state
	view    view
	stale   bool                       // the state changed since the playout was told
	full    bool                       // the disk refused the last change
	pending []protocol.Command         // placements that wait
	settled map[protocol.Digest]bool   // lists that are not worth having
	offered []protocol.Content         // lists that a stranger's head names
	judged  map[judgement]judged       // approvals already checked
	asked   []asked                    // of this session
	proven  map[protocol.AiringID]bool // answered this session's nonce
	after   []Update                   // told once the airings are
	waiting []Update                   // for the playout, in order
	tried   map[protocol.Digest]int    // refused lists, by the chain's generation
	loose   map[protocol.Digest][]byte // documents that the disk refused
	starts  map[store.AiringKey]start
	// pictures are those of the bulletins that are here, by the bulletins' digests.
	pictures map[protocol.Digest]*protocol.Content
	wake     chan struct{} // waiting has grown
	due      time.Time     // of the next question for the time
	swept    time.Time     // when what is over was removed
	told     time.Time     // when the clock alone last changed what is told
	behind   bool          // the disk refused what came
}

// New takes up what the store holds, or, in an empty store, the documents of the
// enrolment. Errors: those of the envelope, if these do not hold together.
func New(cfg Config) (*Inbox, error) {
	if cfg.Jitter == 0 {
		cfg.Jitter = DefaultJitter
	}
	held, err := cfg.Store.Held()
	if err != nil {
		return nil, fmt.Errorf("open inbox: %w", err)
	}
	s, err := newState(cfg.Device, cfg.Roots, held)
	if err != nil {
		return nil, fmt.Errorf("open inbox: %w", err)
	}
	in := &Inbox{
		cfg: cfg, state: s, view: newView(),
		messages: make(chan message, queueLength), session: make(chan struct{}, 1), contents: make(chan struct{}, 1),
		out: make(chan outgoing, queueLength), updates: make(chan []Update), done: make(chan struct{}),
		settled: map[protocol.Digest]bool{}, judged: map[judgement]judged{},
		proven: map[protocol.AiringID]bool{}, wake: make(chan struct{}, 1),
		tried: map[protocol.Digest]int{}, loose: map[protocol.Digest][]byte{}, starts: map[store.AiringKey]start{},
		pictures: map[protocol.Digest]*protocol.Content{},
	}
	if held.Meta.Placement == nil {
		if err := in.enrolled(); err != nil {
			return nil, fmt.Errorf("documents of the enrolment: %w", err)
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.begin()
	// What was whole in the cache when the device went off may not have been taken.
	in.look(in.cfg.Clock.Read())
	return in, nil
}

// enrolled takes the documents that came with the enrolment.
func (in *Inbox) enrolled() error {
	byDigest := map[protocol.Digest][]byte{}
	// The number of a command is the hub's and at least the ms of its making: 1
	// stands before them all.
	c := protocol.Command{Device: in.cfg.Device, Number: 1, Action: protocol.ActionPlacement, Placement: in.cfg.Placement}
	for _, doc := range in.cfg.Lists {
		content := protocol.ContentOf(doc)
		byDigest[content.Digest] = doc
		c.Lists = append(c.Lists, content)
	}
	doc := func(c protocol.Content) []byte { return byDigest[c.Digest] }
	// A placement of a later day than this clock's counts at once: there is no other.
	d, err := in.state.place(c, doc, timesync.Reading{})
	if err != nil {
		return err
	}
	if err := in.cfg.Store.Apply(d.change); err != nil {
		return err
	}
	return in.state.apply(d.change)
}

// begin puts the whole held state in front of the playout.
func (in *Inbox) begin() {
	s := in.state
	in.push(Placed{Placement: s.placement}, Muted{Muted: s.muted || s.here})
	for _, u := range s.placement.Units() {
		if p, ok := s.plans[u]; ok && p.Number != 0 {
			in.push(QuietHours{Unit: u, Zone: p.Zone, Quiet: p.Quiet})
		}
	}
	now := in.cfg.Clock.Read()
	in.view.sure = now.Sure
	in.push(ClockSure{Sure: now.Sure})
	in.reconcile(now)
	for _, w := range sorted(s.withdrawals) {
		in.push(Withdrawn{Airing: w.Airing, At: w.At})
	}
	for _, st := range sorted(s.stops) {
		in.push(Stopped{Stop: st})
	}
}

// Updates gives what the playout must know, in order; each slice came about at
// one instant. The first one is everything that is held. Nothing is lost while
// nobody reads. It is never closed.
func (in *Inbox) Updates() <-chan []Update { return in.updates }

// Handle takes one message of the first connection. It blocks only while more
// wait than could have come in good faith.
func (in *Inbox) Handle(topic string, payload []byte) {
	select {
	case in.messages <- message{topic, payload, time.Now()}:
	case <-in.done:
	}
}

// Connected says that a new connection is up and subscribed.
func (in *Inbox) Connected() { poke(in.session) }

// ContentChanged says that a content is whole, or is not any more.
func (in *Inbox) ContentChanged(protocol.Digest, bool) { poke(in.contents) }

// MuteHere mutes the device, or lets it sound again, by the switch of the technician at
// it. A command of the hub unmutes only what a command has muted.
func (in *Inbox) MuteHere(on bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.state.here == on {
		return
	}
	in.state.here = on
	in.push(Muted{Muted: in.state.muted || on})
	in.cfg.Log.Info("muted at the device", "on", on)
	in.cfg.Heartbeat()
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run decides until ctx ends.
func (in *Inbox) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { in.send(ctx) })
	wg.Go(func() { in.pump(ctx) })
	defer wg.Wait()
	defer close(in.done)
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	var start <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-in.messages:
			in.take(m)
		case <-in.session:
			in.begun()
			start = time.After(rand.N(in.cfg.Jitter))
		case <-start:
			start = nil
			in.mu.Lock()
			in.ask(true)
			in.mu.Unlock()
			in.cfg.Heartbeat()
		case <-in.contents:
			in.arrived()
		case <-in.cfg.Clock.Changed():
			in.clock()
		case <-tick.C:
			in.tick()
		}
	}
}

// begun forgets the nonces of the session before.
func (in *Inbox) begun() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.asked = nil
	clear(in.proven)
	in.due = time.Now().Add(askUnsure)
}

// ask sends a new nonce. The caller holds mu.
func (in *Inbox) ask(resync bool) {
	nonce := make([]byte, protocol.NonceSize)
	if _, err := io.ReadFull(in.cfg.Entropy, nonce); err != nil {
		in.cfg.Log.Error("no entropy for a nonce", "error", err)
		return
	}
	b, err := protocol.Marshal(protocol.Ask{Nonce: nonce, Resync: resync})
	if err != nil {
		in.cfg.Log.Error("question not encoded", "error", err)
		return
	}
	in.asked = append(in.asked, asked{nonce: nonce, sent: time.Now()})
	if len(in.asked) > maxNonces {
		in.asked = in.asked[1:]
	}
	in.publish(protocol.VerbAsk, b)
}

// publish queues a message for the line. A full queue drops it: whatever goes
// this way is said again.
func (in *Inbox) publish(verb protocol.Verb, payload []byte) {
	select {
	case in.out <- outgoing{verb, payload}:
	default:
		in.cfg.Log.Warn("too much waits for the line", "verb", string(verb))
	}
}

// send empties the queue, one after the other.
func (in *Inbox) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-in.out:
			err := in.cfg.Hub.Publish(ctx, protocol.DeviceTopic(in.cfg.Device, o.verb), o.payload, 1)
			if err != nil && ctx.Err() == nil {
				in.cfg.Log.Debug("message did not leave", "verb", string(o.verb), "error", err)
			}
		}
	}
}

// push queues updates for the playout. The caller holds mu.
func (in *Inbox) push(updates ...Update) {
	if len(updates) > 0 {
		in.waiting = append(in.waiting, updates...)
		poke(in.wake)
	}
}

// pump hands updates over as the playout takes them.
func (in *Inbox) pump(ctx context.Context) {
	for {
		in.mu.Lock()
		batch := in.waiting
		in.waiting = nil
		in.mu.Unlock()
		if len(batch) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-in.wake:
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case in.updates <- batch:
		}
	}
}

// Filters are the topics that the first connection reads.
func (in *Inbox) Filters() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	var filters []string
	for _, v := range []protocol.Verb{protocol.VerbPlan, protocol.VerbAlert, protocol.VerbCmd, protocol.VerbAck, protocol.VerbTime} {
		filters = append(filters, protocol.DeviceTopic(in.cfg.Device, v))
	}
	for _, u := range in.state.placement.Units() {
		filters = append(filters, protocol.UnitTopic(u, protocol.VerbPlan), protocol.UnitTopic(u, protocol.VerbAlert))
	}
	return filters
}

// Placement returns the placement in force.
func (in *Inbox) Placement() protocol.Placement {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.state.placement
}

// Zone returns the name of the zone of the plans held, "" if there is none yet.
func (in *Inbox) Zone() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, u := range slices.Backward(in.state.placement.Path) {
		if p, ok := in.state.plans[u]; ok && p.Zone != "" {
			return p.Zone
		}
	}
	return ""
}

// Limit returns the lowest limit of the units on the device's path in an hour of the
// local day, in per cent; 100 if there is none.
func (in *Inbox) Limit(of protocol.Capped, hour int) int {
	in.mu.Lock()
	defer in.mu.Unlock()
	lowest := 100
	for _, u := range in.state.placement.Units() {
		for _, l := range in.state.plans[u].Limits {
			if l.Of == of && l.Holds(hour) {
				lowest = min(lowest, int(l.Percent))
			}
		}
	}
	return lowest
}

// commit makes a decision durable and takes it. What silences or warns is taken
// even if the disk refuses it: better forgotten at the next start than not heard
// now. The caller holds mu.
func (in *Inbox) commit(d decision, urgent bool) error {
	for _, err := range d.conflicts {
		in.cfg.Log.Warn("part of a plan left out", "error", err)
	}
	in.stale = in.stale || !d.change.Empty()
	if !d.change.Empty() {
		err := in.cfg.Store.Apply(d.change)
		if err != nil || in.full {
			in.cfg.Fault("storage", err != nil)
		}
		in.full = err != nil
		if err != nil && !urgent {
			return err
		}
		if err != nil {
			in.cfg.Log.Error("urgent message not stored", "error", err)
			for _, doc := range d.change.Documents {
				in.loose[protocol.DigestOf(doc)] = doc
			}
		}
		before := in.state.generation
		if err := in.state.apply(d.change); err != nil {
			return err
		}
		if in.state.generation != before {
			d.first = append(d.first, Relisted{})
		}
	}
	in.push(d.first...)
	in.after = append(in.after, d.after...)
	if d.moved {
		clear(in.settled)
		in.cfg.Hub.Resubscribe()
		in.ask(true)
	}
	return nil
}

// errTopic: a topic that this device did not subscribe to.
var errTopic = errors.New("unexpected topic")

// take decides about one message.
func (in *Inbox) take(m message) {
	in.mu.Lock()
	now := in.cfg.Clock.Read()
	err := in.route(m, now)
	if in.stale {
		in.reconcile(now)
	}
	in.mu.Unlock()
	switch {
	case err == nil:
		in.cfg.Heartbeat()
	case errors.Is(err, errSame), errors.Is(err, errWait), errors.Is(err, envelope.ErrOlder):
		in.cfg.Log.Debug("message without news", "topic", m.topic, "error", err)
	default:
		in.cfg.Log.Warn("message refused", "topic", m.topic, "error", err)
	}
}

func (in *Inbox) route(m message, now timesync.Reading) error {
	unit, verb, err := protocol.ParseUnitTopic(m.topic)
	if err != nil {
		var device protocol.DeviceID
		unit = ""
		device, verb, err = protocol.ParseDeviceTopic(m.topic)
		if err != nil || device != in.cfg.Device {
			return fmt.Errorf("%.100q: %w", m.topic, errTopic)
		}
	}
	switch verb {
	case protocol.VerbPlan:
		return in.takeHead(m.payload, unit, now)
	case protocol.VerbAlert:
		return in.takeAlert(m, unit, now)
	}
	if unit != "" {
		return fmt.Errorf("%.100q: %w", m.topic, errTopic)
	}
	switch verb {
	case protocol.VerbCmd:
		return in.takeCommand(m.payload, now)
	case protocol.VerbAck:
		return in.takeAck(m.payload, now)
	case protocol.VerbTime:
		return in.takeTime(m, now)
	}
	return fmt.Errorf("%.100q: %w", m.topic, errTopic)
}
