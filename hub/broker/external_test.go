package broker_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/broker"
)

// mosquitto prepares Debian's broker with a generated access list. start runs it until
// the returned stop.
func mosquitto(t *testing.T, ca *authority, acl []byte) (url string, start func() (stop func())) {
	t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/mosquitto"); err != nil {
			t.Skip("package mosquitto is not installed")
		}
	}
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		p := filepath.Join(dir, name)
		check(t, os.WriteFile(p, content, 0o600))
		return p
	}
	server := ca.issue(t, "broker")
	key, err := x509.MarshalPKCS8PrivateKey(server.PrivateKey)
	check(t, err)
	block := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	port := free.Addr().(*net.TCPAddr).Port
	check(t, free.Close())
	conf := file("mosquitto.conf", fmt.Appendf(nil, `
user root
listener %d 127.0.0.1
cafile %s
certfile %s
keyfile %s
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
persistence false
acl_file %s
`, port, file("ca.pem", block("CERTIFICATE", ca.cert.Raw)), file("cert.pem", block("CERTIFICATE", server.Certificate[0])),
		file("key.pem", block("PRIVATE KEY", key)), file("acl", acl)))
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	return "ssl://" + addr, func() func() {
		cmd := exec.Command(path, "-c", conf)
		var log strings.Builder
		cmd.Stderr = &log
		check(t, cmd.Start())
		stop := sync.OnceFunc(func() {
			check(t, cmd.Process.Kill())
			_ = cmd.Wait() // "killed"
			if t.Failed() {
				t.Log(log.String())
			}
		})
		t.Cleanup(stop)
		eventually(t, "mosquitto listening", func() bool {
			conn, err := tls.Dial("tcp", addr, ca.client(t, "probe"))
			if err == nil {
				_ = conn.Close()
			}
			return err == nil
		})
		return stop
	}
}

// externalSite is the counterpart of site for a broker elsewhere.
type externalSite struct {
	*broker.External
	ca     *authority
	url    string
	events *recorder
	start  func() func()
	stop   func()
}

func openExternal(t *testing.T) *externalSite {
	t.Helper()
	var grants []broker.Grant
	for _, id := range []string{"dev1", "dev2"} {
		grants = append(grants, broker.Grant{
			ClientID: id,
			Hear:     []string{"loa/1/u/x/plan", "loa/1/d/" + id + "/cmd"},
			Say:      []string{"loa/1/d/" + id + "/state"},
		})
	}
	acl, err := broker.MosquittoACL("hub", "loa/1", grants)
	check(t, err)
	s := &externalSite{ca: newAuthority(t), events: &recorder{}}
	s.url, s.start = mosquitto(t, s.ca, acl)
	s.stop = s.start()
	s.External, err = broker.OpenExternal(t.Context(), broker.ExternalConfig{
		URL: s.url, TLS: s.ca.client(t, "hub"), ClientID: "hub", Filters: []string{"loa/1/d/+/state"},
		Sender: func(topic string) (string, bool) {
			parts := strings.Split(topic, "/")
			return parts[3], len(parts) == 5
		},
		Handler: s.events,
	})
	check(t, err)
	t.Cleanup(func() {
		check(t, s.Close(context.Background()))
		eventually(t, "the end of every goroutine", func() bool { return ownGoroutines() == "" })
	})
	return s
}

func (s *externalSite) paho(t *testing.T, cert, id string) paho.Client {
	t.Helper()
	c := paho.NewClient(paho.NewClientOptions().AddBroker(s.url).SetClientID(id).SetTLSConfig(s.ca.client(t, cert)).
		SetProtocolVersion(4).SetCleanSession(true).SetAutoReconnect(false).SetConnectTimeout(patience))
	t.Cleanup(func() { c.Disconnect(0) })
	check(t, wait(t, c.Connect()))
	return c
}

func TestExternalCarriesMessagesBothWaysWithinTheAccessList(t *testing.T) {
	s := openExternal(t)
	dev1, dev2 := s.paho(t, "dev1", "dev1"), s.paho(t, "dev2", "dev2")
	own := subscribe(t, dev1, "loa/1/d/dev1/cmd", 1)
	everything := subscribe(t, dev2, "#", 1) // looks granted, and gives what dev2 may hear
	check(t, s.Publish("loa/1/d/dev1/cmd", []byte("for dev1"), 1))
	check(t, s.Publish("loa/1/u/x/plan", []byte("for all"), 1))
	if m := receive(t, own); m != "loa/1/d/dev1/cmd for dev1" {
		t.Errorf("dev1 got %q", m)
	}
	if m := receive(t, everything); m != "loa/1/u/x/plan for all" {
		t.Errorf("dev2 got %q", m)
	}
	check(t, wait(t, dev2.Publish("loa/1/d/dev1/state", 1, false, "forged")))
	check(t, wait(t, dev2.Publish("loa/1/d/dev2/state", 1, false, "own")))
	eventually(t, "dev2's word", func() bool { return len(s.events.of("dev2:")) == 1 })
	if diff := cmp.Diff([]string{"dev2: loa/1/d/dev2/state own"}, s.events.of("")); diff != "" {
		t.Error(diff)
	}
}

func TestExternalForeignCertificateCannotThrowAnotherOut(t *testing.T) {
	s := openExternal(t)
	victim := s.paho(t, "dev1", "dev1")
	own := subscribe(t, victim, "loa/1/d/dev1/cmd", 1)
	thief := s.paho(t, "dev2", "dev1") // the broker makes it dev2
	check(t, wait(t, thief.Publish("loa/1/d/dev2/state", 1, false, "here")))
	eventually(t, "the thief's word, under its own name", func() bool { return len(s.events.of("dev2:")) == 1 })
	check(t, s.Publish("loa/1/d/dev1/cmd", []byte("c"), 1))
	receive(t, own)
	if !victim.IsConnectionOpen() {
		t.Error("the victim is gone")
	}
}

func TestExternalGoesOnAfterMessagesThatCouldNotBeStored(t *testing.T) {
	s := openExternal(t)
	dev := s.paho(t, "dev1", "dev1")
	s.events.setFail(errors.New("disk full"))
	const n = 100 // more than a broker keeps unacknowledged
	for i := range n {
		check(t, wait(t, dev.Publish("loa/1/d/dev1/state", 1, false, fmt.Sprint(i))))
	}
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf("dev1: loa/1/d/dev1/state %d", i))
	}
	eventually(t, "all messages", func() bool { return len(s.events.of("dev1:")) >= n })
	if diff := cmp.Diff(want, s.events.of("dev1:")); diff != "" {
		t.Error(diff)
	}
}

func TestExternalReconnectsAndSubscribesAgain(t *testing.T) {
	s := openExternal(t)
	s.stop()
	eventually(t, "an error that says so", func() bool {
		return errors.Is(s.Publish("loa/1/u/x/plan", []byte("p"), 1), broker.ErrNotConnected)
	})
	s.start()
	dev := s.paho(t, "dev1", "dev1")
	plans := subscribe(t, dev, "loa/1/u/x/plan", 1)
	eventually(t, "the hub is back", func() bool { return s.Publish("loa/1/u/x/plan", []byte("p"), 1) == nil })
	receive(t, plans)
	eventually(t, "devices are heard again", func() bool {
		check(t, wait(t, dev.Publish("loa/1/d/dev1/state", 1, false, "on")))
		return len(s.events.of("dev1:")) > 0
	})
}

// A broker that is away at the start ends nothing: it is tried again until it is there.
func TestExternalThatIsAwayIsTriedAgain(t *testing.T) {
	acl, err := broker.MosquittoACL("hub", "loa/1", nil)
	check(t, err)
	ca := newAuthority(t)
	url, start := mosquitto(t, ca, acl)
	x, err := broker.OpenExternal(t.Context(), broker.ExternalConfig{
		URL: url, TLS: ca.client(t, "hub"), ClientID: "hub", Filters: []string{"loa/1/d/+/state"},
		Sender: func(string) (string, bool) { return "", false }, Handler: &recorder{},
	})
	check(t, err)
	t.Cleanup(func() { check(t, x.Close(context.Background())) })
	if err := x.Publish("loa/1/u/x/plan", nil, 1); !errors.Is(err, broker.ErrNotConnected) {
		t.Errorf("publish: %v", err)
	}
	stop := start()
	defer stop()
	eventually(t, "the broker to be reached", func() bool { return x.Publish("loa/1/u/x/plan", nil, 1) == nil })
	if _, err := broker.OpenExternal(t.Context(), broker.ExternalConfig{URL: url}); err == nil {
		t.Error("an incomplete configuration was accepted")
	}
}

func TestExternalPublishRefusesWhatItCannotSend(t *testing.T) {
	s := openExternal(t)
	for name, c := range map[string]struct {
		topic string
		size  int
		qos   byte
		want  error
	}{
		"too large": {"loa/1/t", 21 << 10, 1, broker.ErrTooLarge},
		"a filter":  {"loa/1/#", 1, 0, broker.ErrInvalidTopic},
		"QoS 2":     {"loa/1/t", 1, 2, broker.ErrInvalidQoS},
	} {
		if err := s.Publish(c.topic, filled(c.size), c.qos); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	check(t, s.Close(t.Context()))
	if err := s.Publish("loa/1/t", nil, 0); !errors.Is(err, broker.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestMosquittoACLNamesWhatEachMayDo(t *testing.T) {
	got, err := broker.MosquittoACL("hub", "loa/1", []broker.Grant{
		{ClientID: "dev1", Hear: []string{"loa/1/u/x/plan", "loa/1/d/dev1/cmd"}, Say: []string{"loa/1/d/dev1/state"}},
		{ClientID: "dev1.bulk", Hear: []string{"loa/1/c/+/+"}},
	})
	check(t, err)
	want := `user hub
topic read loa/1/#
topic write loa/1/#
user dev1
topic read loa/1/u/x/plan
topic read loa/1/d/dev1/cmd
topic write loa/1/d/dev1/state
user dev1.bulk
topic read loa/1/c/+/+
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []broker.Grant{
		{ClientID: ""},
		{ClientID: "a\ntopic readwrite #"},
		{ClientID: "a b"},
		{ClientID: "+"},
		{ClientID: "a", Hear: []string{"x\ntopic readwrite #"}},
		{ClientID: "a", Say: []string{""}},
		{ClientID: "a", Say: []string{" x"}},
	} {
		if _, err := broker.MosquittoACL("hub", "loa/1", []broker.Grant{bad}); !errors.Is(err, broker.ErrInvalidGrant) {
			t.Errorf("%+v: %v, want %v", bad, err, broker.ErrInvalidGrant)
		}
	}
}
