package hub

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/loa-vn/loa/hub/broker"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/relay"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

const hostilePassword = "mật khẩu đủ dài"

// attacked is a hub with three villages below a commune, a hostile device in the
// first, its neighbour in the second, and a relay session in each of both.
type attacked struct {
	*Base
	t      *testing.T
	relays *relay.Service
	keys   map[string]tls.Certificate // by client id
}

func newAttacked(t *testing.T) *attacked {
	t.Helper()
	c := config.Default()
	c.Data = filepath.Join(t.TempDir(), "data")
	_, err := Init(t.Context(), c, InitOptions{
		RootOut: t.TempDir(), Unit: registry.Unit{ID: "xa", Code: "99001", Name: "Xã mẫu"}, Admin: "quantri", AdminName: "Quản trị", Password: hostilePassword,
	})
	a := &attacked{t: t, keys: map[string]tls.Certificate{}}
	a.must(err)
	a.Base, err = OpenBase(t.Context(), c, "ssl://hub.example:8883", nil, Passwords{})
	a.must(err)
	t.Cleanup(func() { a.must(a.Close()) })
	_, err = a.Registry.Import(t.Context(), strings.NewReader("id,code,name,kind,parent,valid_from\nmot,,Thôn Một,village,xa,2025-07-01\nhai,,Thôn Hai,village,xa,2025-07-01\n"), false, hostilePassword, "")
	a.must(err)
	for id, unit := range map[protocol.DeviceID]protocol.UnitID{"ke-xau": "mot", "hang-xom": "hai"} {
		a.enrol(id, unit)
	}
	streams := store.NewRelays(a.DB, a.Keys)
	a.relays = relay.New(relay.Config{Store: streams})
	for unit, session := range map[string]string{"mot": "phien-mot", "hai": "phien-hai"} {
		a.session(unit, session)
	}
	return a
}

func (a *attacked) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// enrol gives a device certificates of the hub's authority on a key of its own.
func (a *attacked) enrol(id protocol.DeviceID, unit protocol.UnitID) {
	a.t.Helper()
	_, err := a.Registry.AddDevice(a.t.Context(), registry.NewDevice{ID: id, Name: string(id), Unit: unit, Sound: true}, hostilePassword, "")
	a.must(err)
	text, err := a.Enrol.Claim(a.t.Context(), id, "")
	a.must(err)
	claim, err := protocol.ParseClaim(text.Text)
	a.must(err)
	public, key, err := ed25519.GenerateKey(rand.Reader)
	a.must(err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "x"}}, key)
	a.must(err)
	csr := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	answer, err := a.Enrol.Enrol(a.t.Context(), protocol.EnrolRequest{Secret: claim.Secret[:], DeviceKey: public, CSR: csr, CSRBulk: csr})
	a.must(err)
	for name, text := range map[string]string{string(id): answer.Certificate, string(id) + protocol.BulkSuffix: answer.CertificateBulk} {
		block, _ := pem.Decode([]byte(text))
		a.keys[name] = tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key}
	}
}

// session lays a relay on air in a unit: what stands about it in the database is
// all that the brokers ask.
func (a *attacked) session(unit, session string) {
	a.t.Helper()
	last := time.Now().Add(time.Hour).UnixMilli()
	for _, q := range []string{
		`PRAGMA foreign_keys = OFF`,
		`INSERT INTO relay_session (session, bulletin, private, created) VALUES ('` + session + `', 'b-` + session + `', x'00', 0)`,
		fmt.Sprintf(`INSERT INTO airing (id, bulletin, statement, approval, class, drill, bytes, published, first, last, created_by)
			VALUES ('a-%[1]s', 'b-%[1]s', x'00', x'00', 'normal', 0, x'00', 0, 0, %[2]d, 'x')`, session, last),
		`INSERT INTO airing_unit (airing, unit) VALUES ('a-` + session + `', '` + unit + `')`,
		`PRAGMA foreign_keys = ON`,
	} {
		_, err := a.DB.Writer().ExecContext(a.t.Context(), q)
		a.must(err)
	}
}

// target is one of the brokers.
type target interface {
	url() string
	// publish says something as the hub.
	publish(topic string, payload []byte)
	// said returns what reached the hub or anybody else from devices, by topic.
	said() map[string]bool
}

// heardBy notes topics.
type heardBy struct {
	mu     sync.Mutex
	topics map[string]bool
}

func (h *heardBy) note(topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.topics == nil {
		h.topics = map[string]bool{}
	}
	h.topics[topic] = true
}

func (h *heardBy) has(topic string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.topics[topic]
}

func (h *heardBy) said() map[string]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[string]bool{}
	for t := range h.topics {
		out[t] = true
	}
	return out
}

// inside is the embedded broker with the hub's own doorman.
type inside struct {
	*broker.Embedded
	heardBy
	t *testing.T
}

func (i *inside) url() string { return "ssl://" + i.Addr().String() }

func (i *inside) publish(topic string, payload []byte) {
	if err := i.Publish(topic, payload, 1); err != nil {
		i.t.Fatal(err)
	}
}

func (i *inside) Connected(string)           {}
func (i *inside) Disconnected(string, error) {}
func (i *inside) Message(_ context.Context, _, topic string, _ []byte) error {
	i.note(topic)
	return nil
}

func newInside(a *attacked) *inside {
	a.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	a.must(err)
	i := &inside{t: a.t}
	i.Embedded, err = broker.Open(broker.Config{
		Listener: ln, Policy: doorman{a.Registry, a.relays}, Handler: i,
		TLS: &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: a.CA.Server([]string{"127.0.0.1"}), ClientCAs: a.CA.Pool()},
	})
	a.must(err)
	a.t.Cleanup(func() { a.must(i.Close(context.Background())) })
	return i
}

// outside is Debian's mosquitto with the access list that the hub makes.
type outside struct {
	heardBy
	t       *testing.T
	address string
	hub     mqtt.Client
}

func (o *outside) url() string { return "ssl://" + o.address }

func (o *outside) publish(topic string, payload []byte) {
	t := o.hub.Publish(topic, 1, false, payload)
	if !t.WaitTimeout(5*time.Second) || t.Error() != nil {
		o.t.Fatalf("publish %s: %v", topic, t.Error())
	}
}

func newOutside(a *attacked) *outside {
	a.t.Helper()
	program, err := exec.LookPath("/usr/sbin/mosquitto")
	if err != nil {
		a.t.Skip("package mosquitto is not installed")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	a.must(err)
	o := &outside{t: a.t, address: free.Addr().String()}
	a.must(free.Close())
	dir := a.t.TempDir()
	certificate, key, err := a.CA.Broker([]string{"127.0.0.1"}, time.Now())
	a.must(err)
	list, err := a.BrokerAccess(a.t.Context())
	a.must(err)
	_, port, err := net.SplitHostPort(o.address)
	a.must(err)
	sample, err := os.ReadFile(filepath.Join("..", "deploy", "mosquitto.conf"))
	a.must(err)
	settings := strings.NewReplacer("listener 8883", "user root\nlistener "+port+" 127.0.0.1", "/etc/mosquitto/loa/", dir+"/").Replace(string(sample))
	for name, content := range map[string][]byte{"broker.pem": certificate, "broker.key": key, "ca.pem": a.CA.PEM(), "acl": list, "mosquitto.conf": []byte(settings)} {
		a.must(os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	cmd := exec.CommandContext(a.t.Context(), program, "-c", filepath.Join(dir, "mosquitto.conf"))
	a.must(cmd.Start())
	a.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	self, err := a.CA.Self()(nil)
	a.must(err)
	deadline := time.Now().Add(10 * time.Second)
	for {
		o.hub = mqtt.NewClient(a.options(o.url(), "loa.hub", *self))
		if t := o.hub.Connect(); t.WaitTimeout(5*time.Second) && t.Error() == nil {
			break
		} else if time.Now().After(deadline) {
			a.t.Fatalf("mosquitto does not answer: %v", t.Error())
		}
	}
	a.t.Cleanup(func() { o.hub.Disconnect(0) })
	// The hub hears all; what it says itself comes back too, but never begins so.
	t := o.hub.Subscribe("#", 1, func(_ mqtt.Client, m mqtt.Message) {
		if bytes.HasPrefix(m.Payload(), []byte("of a device")) {
			o.note(m.Topic())
		}
	})
	if !t.WaitTimeout(5*time.Second) || t.Error() != nil {
		a.t.Fatal(t.Error())
	}
	return o
}

func (a *attacked) options(url, id string, cert tls.Certificate) *mqtt.ClientOptions {
	return mqtt.NewClientOptions().AddBroker(url).SetClientID(id).SetUsername(id).SetAutoReconnect(false).SetOrderMatters(true).SetCleanSession(true).
		SetConnectTimeout(5 * time.Second).SetWriteTimeout(300 * time.Millisecond).SetTLSConfig(&tls.Config{MinVersion: tls.VersionTLS13, RootCAs: a.CA.Pool(), Certificates: []tls.Certificate{cert}})
}

// client connects as one of the device's two names, or fails.
func (a *attacked) client(b target, id string, change ...func(*mqtt.ClientOptions)) mqtt.Client {
	a.t.Helper()
	o := a.options(b.url(), id, a.keys[id])
	for _, c := range change {
		c(o)
	}
	c := mqtt.NewClient(o)
	if t := c.Connect(); !t.WaitTimeout(5*time.Second) || t.Error() != nil {
		a.t.Fatalf("connect as %s: %v", id, t.Error())
	}
	return c
}

func (a *attacked) until(what string, ok func() bool) {
	a.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			a.t.Fatalf("not within 10 s: %s", what)
		}
		<-tick.C
	}
}

const (
	hostile = "ke-xau"
	bulk    = "ke-xau.bulk"
)

// topics lists every kind of topic that there is, and who of the hostile device's
// two connections may hear or say it: one table for both brokers.
type permission struct {
	topic           string
	hear, say, load bool // load: hear on the bulk connection
}

func permissions() []permission {
	d := protocol.DigestOf([]byte("content"))
	out := []permission{
		{topic: protocol.ChunkTopic(d, protocol.Chunk{N: 3}), load: true},
		{topic: protocol.FramesTopic("phien-mot", 7), hear: true},
		{topic: protocol.FramesTopic("phien-hai", 7)},
		{topic: protocol.FramesTopic("phien-khong-co", 7)},
		{topic: "loa/1/x"},
		{topic: "loa/2/d/ke-xau/cmd"},
		{topic: "khac"},
		{topic: "loa/1/d/ke-xau/cmd/x"},
		{topic: "loa/1/d/ke-xau"},
		{topic: "loa/1/u/mot"},
		{topic: "loa/1/u/mot/cmd"},
	}
	for _, v := range []protocol.Verb{protocol.VerbPlan, protocol.VerbAlert} {
		out = append(out, permission{topic: protocol.UnitTopic("mot", v), hear: true}, permission{topic: protocol.UnitTopic("xa", v), hear: true},
			permission{topic: protocol.UnitTopic("hai", v)}, permission{topic: protocol.UnitTopic("khong-co", v)})
	}
	for _, v := range []protocol.Verb{protocol.VerbPlan, protocol.VerbAlert, protocol.VerbCmd, protocol.VerbAck, protocol.VerbTime} {
		out = append(out, permission{topic: protocol.DeviceTopic(hostile, v), hear: true}, permission{topic: protocol.DeviceTopic("hang-xom", v)})
	}
	for _, v := range []protocol.Verb{protocol.VerbState, protocol.VerbReceipt, protocol.VerbSeen, protocol.VerbWant, protocol.VerbAsk} {
		out = append(out, permission{topic: protocol.DeviceTopic(hostile, v), say: true}, permission{topic: protocol.DeviceTopic("hang-xom", v)})
	}
	return out
}

// filters are those by which a topic could be heard: itself, and everything wider.
func filters(topic string) []string {
	out := []string{topic, "#", "+/#", "loa/#", "loa/1/#", "$share/g/" + topic, "$share/g/#"}
	parts := strings.Split(topic, "/")
	for i := range parts {
		wide := append([]string(nil), parts...)
		wide[i] = "+"
		out = append(out, strings.Join(wide, "/"), strings.Join(parts[:i], "/")+"/#")
	}
	return out
}

func TestAHostileDeviceTriesEveryTopic(t *testing.T) {
	a := newAttacked(t)
	for name, open := range map[string]func(*attacked) target{
		"broker inside": func(a *attacked) target { return newInside(a) },
		"mosquitto":     func(a *attacked) target { return newOutside(a) },
	} {
		t.Run(name, func(t *testing.T) {
			a := &attacked{Base: a.Base, t: t, relays: a.relays, keys: a.keys}
			b := open(a)
			a.hears(b)
			a.says(b)
			a.dies(b)
		})
	}
}

// hears subscribes in every way to every topic, has the hub say something there,
// and then something that is certainly heard.
func (a *attacked) hears(b target) {
	a.t.Helper()
	d := protocol.DigestOf([]byte("content"))
	for _, as := range []struct {
		id     string
		may    func(permission) bool
		filter string // by which the marker is heard
		marker string
	}{
		{hostile, func(p permission) bool { return p.hear }, protocol.DeviceTopic(hostile, protocol.VerbTime), protocol.DeviceTopic(hostile, protocol.VerbTime)},
		{bulk, func(p permission) bool { return p.load }, protocol.ContentFilter(d), protocol.ChunkTopic(d, protocol.Chunk{N: 9})},
	} {
		for _, p := range permissions() {
			var got heardBy
			marked := make(chan struct{}, 100)
			note := func(_ mqtt.Client, m mqtt.Message) {
				if string(m.Payload()) == "marker" {
					marked <- struct{}{}
					return
				}
				got.note(m.Topic())
			}
			wanted := filters(p.topic)
			switch {
			case as.may(p) && p.load:
				wanted = []string{protocol.ContentFilter(d)}
			case as.may(p) && strings.HasPrefix(p.topic, protocol.Root+"s/"):
				wanted = []string{protocol.SessionFilter("phien-mot")}
			case as.may(p):
				wanted = wanted[:1]
			}
			var c mqtt.Client
			for _, f := range wanted {
				if c == nil || !c.IsConnectionOpen() { // it was thrown out for asking
					c = a.client(b, as.id, func(o *mqtt.ClientOptions) { o.SetDefaultPublishHandler(note) })
				}
				c.Subscribe(f, 1, note).WaitTimeout(time.Second)
			}
			if !c.IsConnectionOpen() {
				c = a.client(b, as.id, func(o *mqtt.ClientOptions) { o.SetDefaultPublishHandler(note) })
			}
			if s := c.Subscribe(as.filter, 1, note); !s.WaitTimeout(2*time.Second) || s.Error() != nil {
				a.t.Fatalf("%s does not hear %s: %v", as.id, as.filter, s.Error())
			}
			b.publish(p.topic, []byte("secret"))
			b.publish(as.marker, []byte("marker"))
			select {
			case <-marked:
			case <-time.After(5 * time.Second):
				a.t.Errorf("%s as %s: the marker never came", p.topic, as.id)
			}
			c.Disconnect(0)
			if got.has(p.topic) != as.may(p) {
				a.t.Errorf("%s heard %s: %t, want %t", as.id, p.topic, !as.may(p), as.may(p))
			}
		}
	}
}

// says publishes to every topic, with each quality of service, and kept too.
func (a *attacked) says(b target) {
	a.t.Helper()
	neighbour := a.client(b, "hang-xom")
	defer neighbour.Disconnect(0)
	var other heardBy
	for _, f := range []string{protocol.DeviceTopic("hang-xom", protocol.VerbCmd), protocol.DeviceTopic("hang-xom", protocol.VerbPlan), protocol.UnitTopic("xa", protocol.VerbAlert), protocol.UnitTopic("hai", protocol.VerbPlan), protocol.SessionFilter("phien-hai")} {
		if t := neighbour.Subscribe(f, 1, func(_ mqtt.Client, m mqtt.Message) { other.note(m.Topic()) }); !t.WaitTimeout(5*time.Second) || t.Error() != nil {
			a.t.Fatalf("the neighbour hears %s: %v", f, t.Error())
		}
	}
	for _, id := range []string{hostile, bulk} {
		c := a.client(b, id)
		for _, p := range permissions() {
			for _, kept := range []bool{false, true} {
				for qos := range byte(3) {
					if !c.IsConnectionOpen() { // it was thrown out for saying
						c = a.client(b, id)
					}
					c.Publish(p.topic, qos, kept, fmt.Sprintf("of a device %s %d %t", id, qos, kept)).WaitTimeout(300 * time.Millisecond)
				}
			}
		}
		c.Disconnect(10)
	}
	// What was said last was said: then all before it was, or was not.
	last := protocol.DeviceTopic("hang-xom", protocol.VerbState)
	neighbour.Publish(last, 1, false, "of a device, the last")
	a.until("the last word comes", func() bool { return b.said()[last] })
	for _, p := range permissions() {
		if got := b.said()[p.topic]; got != p.say && p.topic != last {
			a.t.Errorf("said %s: %t, want %t", p.topic, got, p.say)
		}
	}
	if got := other.said(); len(got) > 0 {
		a.t.Errorf("the neighbour heard %v", got)
	}
	// Nothing that was kept is told to who comes later.
	late := a.client(b, hostile)
	defer late.Disconnect(0)
	var kept heardBy
	late.Subscribe(protocol.DeviceTopic(hostile, protocol.VerbCmd), 1, func(_ mqtt.Client, m mqtt.Message) { kept.note(m.Topic()) }).WaitTimeout(time.Second)
	if got := kept.said(); len(got) > 0 {
		a.t.Errorf("kept: %v", got)
	}
}

// dies leaves a will on topics that are not its own.
func (a *attacked) dies(b target) {
	a.t.Helper()
	for _, topic := range []string{protocol.DeviceTopic("hang-xom", protocol.VerbReceipt), protocol.UnitTopic("mot", protocol.VerbAlert), protocol.DeviceTopic(hostile, protocol.VerbCmd)} {
		var line net.Conn
		c := mqtt.NewClient(a.options(b.url(), hostile, a.keys[hostile]).SetWill(topic, "of a device that died", 1, false).
			SetCustomOpenConnectionFn(func(_ *url.URL, o mqtt.ClientOptions) (net.Conn, error) {
				conn, err := tls.Dial("tcp", strings.TrimPrefix(b.url(), "ssl://"), o.TLSConfig)
				line = conn
				return conn, err
			}))
		if t := c.Connect(); t.WaitTimeout(5*time.Second) && t.Error() == nil {
			_ = line.Close()
		}
	}
	last := protocol.DeviceTopic("hang-xom", protocol.VerbAsk)
	neighbour := a.client(b, "hang-xom")
	neighbour.Publish(last, 1, false, "of a device, the last")
	a.until("the last word comes", func() bool { return b.said()[last] })
	neighbour.Disconnect(0)
	for topic := range b.said() {
		if topic == protocol.DeviceTopic("hang-xom", protocol.VerbReceipt) || strings.HasSuffix(topic, "/alert") || strings.HasSuffix(topic, "/cmd") {
			a.t.Errorf("a will was said on %s", topic)
		}
	}
}

func TestKeysOfSessionsAreNotInTheDatabase(t *testing.T) {
	a := newAttacked(t)
	ctx := t.Context()
	streams := store.NewRelays(a.DB, a.Keys)
	private := protocoltest.PrivateKey("a session")
	// As an older hub stored it.
	_, err := a.DB.Writer().ExecContext(ctx, `UPDATE relay_session SET private = ? WHERE session = 'phien-hai'`, private.Seed())
	a.must(err)
	a.must(streams.SealKeys(ctx))
	_, err = a.DB.Writer().ExecContext(ctx, `PRAGMA foreign_keys = OFF`)
	a.must(err)
	a.must(streams.AddSession(ctx, relay.Stream{Bulletin: "b-moi", Private: private, Relay: protocol.Relay{Session: "phien-moi"}}, time.Now()))
	_, err = a.DB.Writer().ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	a.must(err)
	for _, session := range []string{"phien-hai", "phien-moi"} {
		var held []byte
		a.must(a.DB.Writer().QueryRowContext(ctx, `SELECT private FROM relay_session WHERE session = ?`, session).Scan(&held))
		if bytes.Contains(held, private.Seed()) {
			t.Errorf("the key of %s lies open", session)
		}
		got, err := a.Keys.OpenSealed(held, "relay session "+session)
		if err != nil || !bytes.Equal(got, private.Seed()) {
			t.Errorf("sealed key of %s: %v", session, err)
		}
		if _, err := a.Keys.OpenSealed(held, "relay session phien-mot"); err == nil {
			t.Errorf("the key of %s opens as another's", session)
		}
	}
}
