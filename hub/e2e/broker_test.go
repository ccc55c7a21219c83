package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/protocol"
)

// mosquitto is Debian's broker with the files that the hub makes for it.
type mosquitto struct {
	t       *testing.T
	program string
	addr    string
	dir     string
	cmd     *exec.Cmd
}

// newMosquitto picks a port; prepare and start come when there is a hub.
func newMosquitto(t *testing.T) *mosquitto {
	t.Helper()
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/mosquitto"); err != nil {
			t.Skip("package mosquitto is not installed")
		}
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	m := &mosquitto{t: t, program: program, addr: free.Addr().String(), dir: t.TempDir()}
	must(t, free.Close())
	return m
}

func (m *mosquitto) url() string { return "ssl://" + m.addr }

func (m *mosquitto) file(name string) string { return filepath.Join(m.dir, name) }

func (m *mosquitto) write(name string, content []byte) {
	m.t.Helper()
	must(m.t, os.WriteFile(m.file(name), content, 0o600))
}

// access writes the list of who may hear and say what, and has a running broker
// read it.
func (m *mosquitto) access(b *hub.Base) {
	m.t.Helper()
	list, err := b.BrokerAccess(m.t.Context())
	must(m.t, err)
	m.write("acl", list)
	if m.cmd != nil {
		must(m.t, m.cmd.Process.Signal(syscall.SIGHUP))
	}
}

func (m *mosquitto) prepare(c config.Config) {
	m.t.Helper()
	b, err := hub.OpenBase(m.t.Context(), c, "", nil, hub.Passwords{})
	must(m.t, err)
	certificate, key, err := b.CA.Broker([]string{"localhost", "127.0.0.1"}, time.Now()) // a fleet calls it as it calls the hub
	must(m.t, err)
	m.write("broker.pem", certificate)
	m.write("broker.key", key)
	m.write("ca.pem", b.CA.PEM())
	m.access(b)
	must(m.t, b.Close())
	_, port, err := net.SplitHostPort(m.addr)
	must(m.t, err)
	m.write("mosquitto.conf", fmt.Appendf(nil, `
user root
listener %s 127.0.0.1
cafile %s
certfile %s
keyfile %s
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
persistence false
max_queued_messages 0
acl_file %s
`, port, m.file("ca.pem"), m.file("broker.pem"), m.file("broker.key"), m.file("acl")))
}

func (m *mosquitto) start() {
	m.t.Helper()
	m.cmd = exec.Command(m.program, "-c", m.file("mosquitto.conf"))
	m.cmd.Stderr = nil
	must(m.t, m.cmd.Start())
	cmd := m.cmd
	m.t.Cleanup(func() {
		if m.cmd == cmd {
			m.kill()
		}
	})
	w := &world{t: m.t}
	w.until("mosquitto listens", func() bool {
		c, err := net.Dial("tcp", m.addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

func (m *mosquitto) kill() {
	m.t.Helper()
	must(m.t, m.cmd.Process.Kill())
	_ = m.cmd.Wait() // "killed"
	m.cmd = nil
}

// elsewhere is a world whose broker is mosquitto.
func elsewhere(t *testing.T) (*world, *mosquitto) {
	t.Helper()
	m := newMosquitto(t)
	w := initialised(t, func(c *config.Config) { c.MQTT.Broker.URL = m.url() })
	m.prepare(w.config)
	m.start()
	w.open()
	return w, m
}

// Everything holds with a broker elsewhere too, though it is killed while a
// bulletin plays and an emergency is given out.
func TestABrokerElsewhereKeepsThePromises(t *testing.T) {
	t.Parallel()
	w, m := elsewhere(t)
	d := w.enrolled(speaker("loa-dong", "thon-dong", 1000))
	m.access(w.Base)
	d.start()
	t.Cleanup(d.stop)
	w.online(d)

	b := w.ready(spokenText(2))
	w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	w.begun(d, b)
	m.kill()
	drill := w.ready(bulletin.Content{Class: protocol.ClassEmergency, Text: text, Options: bulletin.SoundOptions{Wanted: true, Drill: true}})
	w.air(drill, bulletin.Wish{When: bulletin.Now, Drill: true, Passes: 1, Validity: 5}, "duyet1", "duyet2")
	if d.playing(w, drill) {
		t.Fatal("the drill went around the broker")
	}
	m.start()
	w.settled(drill, 1)
	w.countedOnce(drill, reach.Count{Expected: 1, Played: 1})
	w.settled(b, 1)
	w.countedOnce(b, reach.Count{Expected: 1, Played: 1})
}

// The broker elsewhere acknowledges before anything is stored. That means
// nothing: the device keeps its receipts until they are committed.
func TestABrokersAcknowledgementMeansNothing(t *testing.T) {
	t.Parallel()
	w, m := elsewhere(t)
	d := w.enrolled(speaker("loa-dong", "thon-dong", 1000))
	m.access(w.Base)
	d.start()
	t.Cleanup(d.stop)
	w.online(d)
	b := w.ready(spokenText(1))
	w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	w.begun(d, b)

	// The database is held while the receipt comes in.
	held, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- w.DB.WithTx(context.Background(), func(*sql.Tx) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	w.whole(d, b)
	if n := len(w.receipts(b)); n != 0 {
		t.Fatalf("%d receipts are committed", n)
	}
	m.kill() // after its PUBACK, before the commit
	close(release)
	must(t, <-done)
	m.start()
	w.settled(b, 1)
	w.countedOnce(b, reach.Count{Expected: 1, Played: 1})
}

// A hub whose broker is away when it starts serves its people, says so, and is
// reached by its devices as soon as the broker is there.
func TestAHubStartsWithoutItsBroker(t *testing.T) {
	t.Parallel()
	m := newMosquitto(t)
	w := initialised(t, func(c *config.Config) { c.MQTT.Broker.URL = m.url() })
	m.prepare(w.config)
	w.open()
	d := w.enrolled(speaker("loa-dong", "thon-dong", 1000))
	m.access(w.Base)
	if !strings.Contains(w.log.String(), "mqtt broker is away") {
		t.Error("the log does not say that the broker is away")
	}
	m.start()
	d.start()
	t.Cleanup(d.stop)
	w.until("the device is online", func() bool {
		s, err := w.Registry.State(t.Context(), d.id)
		return err == nil && s.Online
	})
}
