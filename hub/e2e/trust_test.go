package e2e

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/loa-vn/loa/agent/identity"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/hub/broker"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// captured is a broker in the wrong hands: it has the hub's certificate and says
// to devices whatever it likes.
type captured struct {
	*broker.Embedded
	w      *world
	hub    *envelope.Signer
	mu     sync.Mutex
	beat   protocol.Heartbeat
	seen   map[protocol.Digest]protocol.Seen
	number uint64
}

// capture starts a broker and sends a device there.
func (w *world) capture() *captured {
	w.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(w.t, err)
	c := &captured{w: w, seen: map[protocol.Digest]protocol.Seen{}, number: uint64(time.Now().UnixMilli())}
	c.hub, err = w.Keys.Hub()
	must(w.t, err)
	c.Embedded, err = broker.Open(broker.Config{
		Listener: ln, Policy: c, Handler: c,
		TLS: &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: w.CA.Server(w.config.Hosts), ClientCAs: w.CA.Pool()},
	})
	must(w.t, err)
	w.t.Cleanup(func() { must(w.t, c.Close(context.Background())) })
	return c
}

func (c *captured) url() string { return "ssl://localhost:" + port(c.Addr()) }

func (c *captured) Authenticate(context.Context, string, *x509.Certificate) error { return nil }
func (c *captured) MaySubscribe(string, string) bool                              { return true }
func (c *captured) MayPublish(string, string) bool                                { return true }
func (c *captured) Connected(string)                                              {}
func (c *captured) Disconnected(string, error)                                    {}

func (c *captured) Message(_ context.Context, _, topic string, payload []byte) error {
	_, verb, err := protocol.ParseDeviceTopic(topic)
	if err != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if h, err := protocol.Unmarshal[protocol.Heartbeat](payload, protocol.MaxControl); err == nil && verb == protocol.VerbState {
		c.beat = h
	}
	if s, err := protocol.Unmarshal[protocol.Seen](payload, protocol.MaxControl); err == nil && verb == protocol.VerbSeen {
		c.seen[s.Alert] = s
	}
	return nil
}

func (c *captured) heartbeat() protocol.Heartbeat {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.beat
}

func (c *captured) verdict(alert []byte) (protocol.Seen, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.seen[protocol.DigestOf(alert)]
	return s, ok
}

// heard waits until the device has taken everything sent so far: it takes what
// comes in order, and a genuine command comes last.
func (c *captured) heard(d protocol.DeviceID) protocol.Heartbeat {
	c.w.t.Helper()
	mute := !c.heartbeat().Muted
	action := protocol.ActionUnmute
	if mute {
		action = protocol.ActionMute
	}
	c.number++
	payload, err := protocol.Marshal(protocol.Command{
		Version: protocol.Version, Device: d, Number: c.number, Action: action, At: protocol.InstantOf(time.Now()),
	})
	must(c.w.t, err)
	c.send(protocol.DeviceTopic(d, protocol.VerbCmd), c.seal(c.hub, envelope.KindCommand, payload))
	c.w.until("the device goes on", func() bool { return c.heartbeat().Muted == mute })
	return c.heartbeat()
}

func (c *captured) seal(s *envelope.Signer, kind envelope.Kind, payload []byte) []byte {
	c.w.t.Helper()
	b, err := s.Seal(kind, payload)
	must(c.w.t, err)
	return b
}

func (c *captured) send(topic string, payload []byte) {
	c.w.t.Helper()
	must(c.w.t, c.Publish(topic, payload, 1))
}

// plan returns a plan head with an empty plan in it.
func (c *captured) plan(s *envelope.Signer, unit protocol.UnitID, number uint64) []byte {
	c.w.t.Helper()
	body, err := protocol.Marshal(protocol.Plan{Version: protocol.Version, Unit: unit, Number: number, Zone: c.w.Zone.String()})
	must(c.w.t, err)
	head, err := protocol.Marshal(protocol.PlanHead{Version: protocol.Version, Unit: unit, Number: number, Plan: protocol.ContentOf(body), Body: body})
	must(c.w.t, err)
	return c.seal(s, envelope.KindPlan, head)
}

func held(h protocol.Heartbeat, unit protocol.UnitID) uint64 {
	for _, p := range h.Plans {
		if p.Unit == unit {
			return p.Number
		}
	}
	return 0
}

func stranger(t *testing.T) *envelope.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	s, err := envelope.NewSigner(key)
	must(t, err)
	return s
}

// A broker in the wrong hands can't make a device believe a plan or an alert that
// is not genuine, whole, new and approved; the device goes on after each try.
func TestADeviceBelievesNothingThatIsNotGenuine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.capture()
	d := w.device(speaker("loa-dong", "thon-dong", 1000), func(d *device) { d.config.MQTT = c.url() })
	emergency := w.ready(bulletin.Content{Class: protocol.ClassEmergency, Text: "Nước lũ đang lên.", Options: bulletin.SoundOptions{Wanted: true}})
	req := w.air(emergency, bulletin.Wish{When: bulletin.Now, Passes: 1, Validity: 30}, "duyet1", "duyet2")
	genuine, err := store.NewProgramme(w.DB).OpenAlerts(t.Context(), []protocol.UnitID{commune}, d.id, time.Now())
	must(t, err)
	if len(genuine) != 1 {
		t.Fatalf("%d open alerts, want 1", len(genuine))
	}
	w.until("the device is at the captured broker", func() bool { return c.heartbeat().Device == d.id })

	now := uint64(time.Now().UnixMilli())
	first := c.plan(c.hub, commune, now)
	topic := protocol.UnitTopic(commune, protocol.VerbPlan)
	c.send(topic, first)
	if got := held(c.heard(d.id), commune); got != now {
		t.Fatalf("a genuine plan: %d is held, want %d", got, now)
	}
	flipped := c.plan(c.hub, commune, now+10)
	flipped[len(flipped)-1] ^= 1
	for name, b := range map[string][]byte{
		"a stranger's key":      c.plan(stranger(t), commune, now+10),
		"a bad signature":       flipped,
		"an older plan":         c.plan(c.hub, commune, now-10),
		"another unit's":        c.plan(c.hub, "thon-doai", now+10),
		"over a day ahead":      c.plan(c.hub, commune, now+uint64(25*time.Hour/time.Millisecond)),
		"over the size":         bytes.Repeat([]byte{0}, protocol.MaxControl+1),
		"no message at all":     []byte("xin chào"),
		"nothing":               {},
		"cut off":               first[:len(first)/2],
		"a command in disguise": c.seal(c.hub, envelope.KindCommand, first),
	} {
		c.send(topic, b)
		h := c.heard(d.id)
		if got := held(h, commune); got != now || held(h, "thon-doai") != 0 {
			t.Errorf("%s: %d is held, want %d", name, got, now)
		}
	}
	if err := c.Publish(topic, make([]byte, 32<<10), 1); !errors.Is(err, broker.ErrTooLarge) {
		t.Errorf("the broker sends 32 KiB: %v", err)
	}
	c.send(topic, c.plan(c.hub, commune, now+20))
	if got := held(c.heard(d.id), commune); got != now+20 {
		t.Errorf("the next genuine plan: %d is held, want %d", got, now+20)
	}

	payload, _, err := envelope.Open(envelope.KindAlert, genuine[0].Bytes, protocol.MaxAlert, envelope.One(c.hub.Key()))
	must(t, err)
	changed := func(s *envelope.Signer, f func(*protocol.Alert)) []byte {
		a, err := protocol.Unmarshal[protocol.Alert](payload, protocol.MaxAlert)
		must(t, err)
		f(&a)
		b, err := protocol.Marshal(a)
		must(t, err)
		return c.seal(s, envelope.KindAlert, b)
	}
	signatures := func(list ...[]byte) []byte {
		b, err := protocol.Marshal(protocol.Approval{Statement: req.Bytes, Signatures: list})
		must(t, err)
		return b
	}
	req, err = w.Approvals.Get(t.Context(), w.actor("duyet1"), req.Digest)
	must(t, err)
	var sigs [][]byte
	for _, s := range req.Signatures {
		sigs = append(sigs, s.Bytes)
	}
	if len(sigs) != 2 {
		t.Fatalf("%d signatures, want 2", len(sigs))
	}
	// Another emergency that the second of them has approved: halves of two make no whole.
	dyke := w.ready(bulletin.Content{Class: protocol.ClassEmergency, Text: "Đê sắp vỡ.", Options: bulletin.SoundOptions{Wanted: true}})
	second := w.air(dyke, bulletin.Wish{When: bulletin.Now, Passes: 1, Validity: 30}, "duyet2")
	second, err = w.Approvals.Get(t.Context(), w.actor("duyet1"), second.Digest)
	must(t, err)
	approve := func(b []byte) func(*protocol.Alert) {
		return func(a *protocol.Alert) {
			a.Approval, a.Airing.Approval = b, protocol.ContentOf(b)
			a.Airing.ID += "x"
		}
	}
	over := protocol.InstantOf(time.Now().Add(-time.Hour))
	for name, b := range map[string][]byte{
		"one signature":       changed(c.hub, approve(signatures(sigs[0]))),
		"one signature twice": changed(c.hub, approve(signatures(sigs[0], sigs[0]))),
		"halves of two":       changed(c.hub, approve(signatures(sigs[0], second.Signatures[0].Bytes))),
		"a stranger's alert":  changed(stranger(t), func(*protocol.Alert) {}),
		"after its validity": changed(c.hub, func(a *protocol.Alert) {
			a.Airing.ID += "y"
			a.Airing.Start = past(w, 2*time.Hour)
			a.Airing.Until = over
		}),
		"a drill of an actual": changed(c.hub, func(a *protocol.Alert) { a.Airing.ID += "z"; a.Airing.Drill = true }),
		"another bulletin's": changed(c.hub, func(a *protocol.Alert) {
			a.Airing.ID += "w"
			a.Bulletin = slices.Concat(a.Bulletin, []byte{0})
			a.Airing.Bulletin = protocol.ContentOf(a.Bulletin)
		}),
		"another unit's alert":  changed(c.hub, func(a *protocol.Alert) { a.Airing.ID += "v"; a.Airing.Unit = "thon-doai" }),
		"longer than it may be": append(slices.Clone(genuine[0].Bytes), make([]byte, protocol.MaxAlert)...),
	} {
		c.send(protocol.UnitTopic(commune, protocol.VerbAlert), b)
		c.heard(d.id)
		w.until(name+" has its verdict", func() bool {
			s, ok := c.verdict(b)
			return (ok && !s.Accepted) || len(b) > protocol.MaxAlert
		})
		if s, ok := c.verdict(b); ok && s.Accepted {
			t.Errorf("%s: accepted", name)
		}
	}
	if files, err := filepath.Glob(filepath.Join(d.config.Data, "out/sound/*.wav")); err != nil || len(files) > 0 {
		t.Errorf("sounded: %v (%v)", files, err)
	}

	// Back at the hub, the genuine alert plays.
	if c.heartbeat().Muted {
		c.heard(d.id)
	}
	d.stop()
	d.config.MQTT = ""
	d.start()
	w.settled(emergency, 1)
	if n := w.report(emergency).Count.Played; n != 1 {
		t.Errorf("the genuine alert was played %d times, want 1", n)
	}
}

// past is a local time before now, as an airing's start.
func past(w *world, ago time.Duration) string {
	return time.Now().Add(-ago).In(w.Zone).Format("2006-01-02T15:04:05.000")
}

// A device is enrolled once, with a claim of this very hub.
func TestADeviceIsEnrolledOnceByThisHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := speaker("loa-dong", "thon-dong", 1000)
	_, err := w.Registry.AddDevice(t.Context(), n, registrar, "quantri")
	must(t, err)
	if _, err := w.Registry.AddDevice(t.Context(), n, registrar, "quantri"); !errors.Is(err, problem.ErrConflict) || code(err) == "" {
		t.Errorf("a device added twice: %v", err)
	}
	other := n
	other.ID = "loa-khac"
	if _, err := w.Registry.AddDevice(t.Context(), other, "sai mat khau dang ky", "quantri"); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("with a wrong password of the registrar: %v", err)
	}
	claim, err := w.Base.Enrol.Claim(t.Context(), n.ID, "quantri")
	must(t, err)
	at := "https://localhost:" + port(w.EnrolAddr())
	dir := t.TempDir()

	wrong, err := protocol.ParseClaim(claim.Text)
	must(t, err)
	wrong.Fingerprint[0] ^= 1
	if _, err := identity.Enrol(t.Context(), at, wrong.String(), filepath.Join(dir, "a")); !errors.Is(err, identity.ErrFingerprint) {
		t.Errorf("a claim of another hub: %v", err)
	}
	unknown, err := protocol.ParseClaim(claim.Text)
	must(t, err)
	unknown.Secret[0] ^= 1
	if _, err := identity.Enrol(t.Context(), at, unknown.String(), filepath.Join(dir, "b")); !errors.Is(err, identity.ErrClaimUnknown) {
		t.Errorf("an unknown claim: %v", err)
	}
	if _, err := identity.Enrol(t.Context(), at, claim.Text, filepath.Join(dir, "c")); err != nil {
		t.Fatalf("after wrong claims: %v", err)
	}
	if _, err := identity.Enrol(t.Context(), at, claim.Text, filepath.Join(dir, "c")); !errors.Is(err, identity.ErrEnrolled) {
		t.Errorf("the same device again: %v", err)
	}
	// The hub answers 409 to another device's key.
	if _, err := identity.Enrol(t.Context(), at, claim.Text, filepath.Join(dir, "d")); !errors.Is(err, identity.ErrEnrolled) {
		t.Errorf("a used claim: %v", err)
	}
}

// A certificate opens connections of its own name alone.
func TestACertificateServesItsOwnNameAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.enrolled(speaker("loa-dong", "thon-dong", 1000)), w.enrolled(speaker("loa-doai", "thon-doai", 1000))
	id, err := identity.Load(filepath.Join(a.config.Data, "identity"))
	must(t, err)
	connect := func(client string, cert tls.Certificate) error {
		o := mqtt.NewClientOptions().AddBroker(id.MQTTURL).SetClientID(client).SetProtocolVersion(4).
			SetConnectTimeout(10 * time.Second).SetAutoReconnect(false).SetTLSConfig(identity.ClientTLS(id.CA, "localhost", time.Now, cert))
		c := mqtt.NewClient(o)
		token := c.Connect()
		if !token.WaitTimeout(20 * time.Second) {
			return errors.New("no answer")
		}
		defer c.Disconnect(0)
		return token.Error()
	}
	if err := connect(string(a.id), id.Certificate); err != nil {
		t.Errorf("its own name: %v", err)
	}
	for name, client := range map[string]string{"another device": string(b.id), "its bulk connection": string(a.id) + ".bulk", "nobody": "ai-do"} {
		if err := connect(client, id.Certificate); err == nil {
			t.Errorf("%s: let in", name)
		}
	}
	must(t, w.Registry.Revoke(t.Context(), a.id, "quantri"))
	if err := connect(string(a.id), id.Certificate); err == nil {
		t.Error("a revoked device: let in")
	}
}

// An unsure clock is set right by the hub's signed answer to a nonce; until then
// nothing plays.
func TestAnUnsureClockIsSetRightByTheHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var n network
	n.cut()
	d := w.device(speaker("loa-dong", "thon-dong", 1000), cable(&n), func(d *device) {
		d.system = func() timesync.System { return timesync.System{} }
	})
	b := w.ready(spokenText(1))
	w.air(b, bulletin.Wish{When: bulletin.Now}, "duyet1")
	n.mend()
	w.online(d)
	w.until("the clock is sure", func() bool {
		s, err := w.Registry.State(t.Context(), d.id)
		must(t, err)
		return s.Heartbeat.ClockSure
	})
	w.settled(b, 1)
	w.countedOnce(b, reach.Count{Expected: 1, Played: 1})
	s, err := w.Registry.State(t.Context(), d.id)
	must(t, err)
	if slices.Contains(s.Heartbeat.Faults, "clock") {
		t.Errorf("faults %q", s.Heartbeat.Faults)
	}
}
