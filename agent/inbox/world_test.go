package inbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// errFull is a disk that takes nothing.
var errFull = errors.New("no space left on device")

// disk is a real store that can become full.
type disk struct {
	*store.Store
	full bool
}

func (d *disk) Apply(c store.Change) error {
	if d.full {
		return errFull
	}
	return d.Store.Apply(c)
}

// contents is what has come over the line so far.
type contents struct {
	held   map[protocol.Digest][]byte
	needed []protocol.Content
}

func (c *contents) Need(list []protocol.Content) { c.needed = list }
func (c *contents) Has(d protocol.Digest) bool   { return c.held[d] != nil }
func (c *contents) put(b []byte)                 { c.held[protocol.DigestOf(b)] = b }
func (c *contents) Bytes(d protocol.Digest, _ int) ([]byte, error) {
	return c.held[d], nil
}

// clock is set by the tests.
type clock struct {
	timesync.Reading
	answers []protocol.TimeAnswer
	changed chan struct{}
}

func (c *clock) Read() timesync.Reading   { return c.Reading }
func (c *clock) Changed() <-chan struct{} { return c.changed }
func (c *clock) Answer(a protocol.TimeAnswer, _, _ time.Time) error {
	c.answers = append(c.answers, a)
	return nil
}

// hub keeps nothing of what is sent: tests read the queue in front of it.
type hub struct{ resubscribed int }

func (h *hub) Publish(context.Context, string, []byte, byte) error { return nil }
func (h *hub) Resubscribe()                                        { h.resubscribed++ }

// desk is an inbox with its world, whose messages are taken one by one.
type desk struct {
	*Inbox
	w        *protocoltest.World
	disk     *disk
	contents *contents
	clock    *clock
	hub      *hub
	acked    int
	faults   []bool // of storage
	dir      string
}

func sureAt(at time.Time) timesync.Reading { return timesync.Reading{Now: at, Sure: true, Floor: at} }

func unsure() timesync.Reading {
	return timesync.Reading{Now: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), Floor: protocoltest.Now().Add(-time.Hour)}
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{
		w: protocoltest.NewWorld(t), contents: &contents{held: map[protocol.Digest][]byte{}},
		clock: &clock{Reading: sureAt(protocoltest.Now()), changed: make(chan struct{}, 1)}, hub: &hub{}, dir: t.TempDir(),
	}
	d.open(t)
	d.told()
	return d
}

// open opens the desk, again after close, as after a restart.
func (d *desk) open(t testing.TB) {
	t.Helper()
	d.store(t)
	in, err := New(d.config())
	if err != nil {
		t.Fatal(err)
	}
	d.Inbox = in
}

// store opens the desk's disk.
func (d *desk) store(t testing.TB) {
	t.Helper()
	s, err := store.Open(store.Config{
		Path: filepath.Join(d.dir, "agent.db"), Marker: filepath.Join(d.dir, "marker"), Now: protocoltest.At(0),
		Entropy: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	d.disk = &disk{Store: s}
}

// config is that of an inbox on the desk's disk.
func (d *desk) config() Config {
	return Config{
		Device: protocoltest.Speaker, Roots: protocol.Roots{Threshold: 1, Keys: []protocol.Key{d.w.Root.Key()}}, Placement: d.w.Placements[protocoltest.Speaker],
		Lists: append([][]byte{d.w.Approvers}, d.w.Delegations...), Store: d.disk, Contents: d.contents, Hub: d.hub, Clock: d.clock,
		Pictures: true, Entropy: rand.Reader, Heartbeat: func() {}, Acked: func() { d.acked++ }, Fault: func(_ string, on bool) { d.faults = append(d.faults, on) }, Log: slog.New(slog.DiscardHandler),
	}
}

func (d *desk) restart(t *testing.T) []Update {
	t.Helper()
	if err := d.disk.Close(); err != nil {
		t.Fatal(err)
	}
	d.open(t)
	return d.told()
}

// told returns what the playout was told since it was last asked.
func (d *desk) told() []Update {
	got := d.waiting
	d.waiting = nil
	return got
}

// said returns what was sent under a verb since it was last asked.
func (d *desk) said(verb protocol.Verb) [][]byte {
	var got [][]byte
	for len(d.out) > 0 {
		if o := <-d.out; o.verb == verb {
			got = append(got, o.payload)
		}
	}
	return got
}

func (d *desk) seen(t *testing.T) []protocol.Seen {
	t.Helper()
	var got []protocol.Seen
	for _, b := range d.said(protocol.VerbSeen) {
		s, err := protocol.Unmarshal[protocol.Seen](b, protocol.MaxControl)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s)
	}
	return got
}

// get takes a message on a topic.
func (d *desk) get(topic string, payload []byte) {
	d.take(message{topic: topic, payload: payload, at: time.Now()})
}

func unitTopic(v protocol.Verb) string   { return protocol.UnitTopic(protocoltest.Commune, v) }
func deviceTopic(v protocol.Verb) string { return protocol.DeviceTopic(protocoltest.Speaker, v) }

func (d *desk) held(t *testing.T) store.Held {
	t.Helper()
	h, err := d.disk.Held()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// head seals the head of a plan of the commune.
func (d *desk) head(t *testing.T, p protocol.Plan) []byte {
	t.Helper()
	return protocoltest.Seal(t, d.w.Hub, envelope.KindPlan, protocoltest.PlanHead(protocoltest.Encode(t, p), p.Number))
}

// plan is a plan of nothing but airings.
func plan(number uint64, airings ...protocol.Airing) protocol.Plan {
	p := protocoltest.Plan(airings...)
	p.Number, p.Withdrawals, p.Stops = number, nil, nil
	return p
}

// deliver puts an airing's documents onto the device.
func (d *desk) deliver(c envelope.Claim) {
	d.contents.put(c.Bulletin)
	d.contents.put(c.Approval)
	d.arrived()
}

func flip(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)-1] ^= 1
	return b
}

// find returns the updates of a kind.
func find[T Update](updates []Update) []T {
	var got []T
	for _, u := range updates {
		if v, ok := u.(T); ok {
			got = append(got, v)
		}
	}
	return got
}
