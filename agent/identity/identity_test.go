package identity_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/identity"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// authority is the hub's enrolment server with its CA.
type authority struct {
	t       *testing.T
	world   *protocoltest.World
	ca      *x509.Certificate
	key     ed25519.PrivateKey
	secrets map[string]string // secret -> state: new, used
	said    []string          // the secrets that were said to this server
	change  func(*protocol.EnrolAnswer)
	anchors func(*protocol.Anchors)
	*httptest.Server
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{
		t: t, world: protocoltest.NewWorld(t), secrets: map[string]string{}, key: protocoltest.PrivateKey(t.Name() + " CA"),
		change: func(*protocol.EnrolAnswer) {}, anchors: func(*protocol.Anchors) {},
	}
	a.ca = a.certificate("loa CA", a.key.Public(), x509.ExtKeyUsageAny, true)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+protocol.AnchorsPath, func(w http.ResponseWriter, _ *http.Request) {
		anchors := a.trust()
		a.anchors(&anchors)
		_ = json.NewEncoder(w).Encode(anchors)
	})
	mux.HandleFunc("POST "+protocol.EnrolPath, a.enrol)
	a.Server = httptest.NewUnstartedServer(mux)
	a.Config.ErrorLog = log.New(io.Discard, "", 0)
	key := protocoltest.PrivateKey(t.Name() + " server")
	a.TLS = &tls.Config{Certificates: []tls.Certificate{{
		Certificate: [][]byte{a.certificate("hub", key.Public(), x509.ExtKeyUsageServerAuth, false).Raw, a.ca.Raw}, PrivateKey: key,
	}}}
	a.StartTLS()
	t.Cleanup(a.Close)
	return a
}

func (a *authority) certificate(name string, pub any, usage x509.ExtKeyUsage, isCA bool) *x509.Certificate {
	a.t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: isCA, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	parent := a.ca
	if isCA {
		parent = tmpl
	} else {
		tmpl.ExtKeyUsage = []x509.ExtKeyUsage{usage}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

func pemOf(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func (a *authority) trust() protocol.Anchors {
	return protocol.Anchors{Roots: [][]byte{a.world.Root.Key().Public}, CA: pemOf(a.ca)}
}

func (a *authority) enrol(w http.ResponseWriter, r *http.Request) {
	var req protocol.EnrolRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a.said = append(a.said, string(req.Secret))
	switch a.secrets[string(req.Secret)] {
	case "":
		w.WriteHeader(http.StatusForbidden)
		return
	case "used":
		w.WriteHeader(http.StatusGone)
		return
	case "enrolled":
		w.WriteHeader(http.StatusConflict)
		return
	}
	a.secrets[string(req.Secret)] = "used"
	block, _ := pem.Decode([]byte(req.CSR))
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || csr.CheckSignature() != nil || !bytes.Equal(csr.PublicKey.(ed25519.PublicKey), req.DeviceKey) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	answer := protocol.EnrolAnswer{
		Device: protocoltest.Speaker, Anchors: a.trust(), MQTTURL: "tls://127.0.0.1:8883",
		Certificate:     pemOf(a.certificate("loa-dong", csr.PublicKey, x509.ExtKeyUsageClientAuth, false)),
		CertificateBulk: pemOf(a.certificate("loa-dong.bulk", csr.PublicKey, x509.ExtKeyUsageClientAuth, false)),
		Placement:       a.world.Placements[protocoltest.Speaker], Lists: append([][]byte{a.world.Approvers}, a.world.Delegations...),
	}
	a.change(&answer)
	_ = json.NewEncoder(w).Encode(answer)
}

// claim is a new one of this hub.
func (a *authority) claim(state string) protocol.Claim {
	c := protocol.Claim{Fingerprint: protocol.FingerprintOf(protocol.Roots{Threshold: 1, Keys: []protocol.Key{a.world.Root.Key()}}, a.ca.Raw)}
	_, _ = rand.Read(c.Secret[:]) // never fails
	a.secrets[string(c.Secret[:])] = state
	return c
}

func TestAClaimBecomesAnIdentity(t *testing.T) {
	a := newAuthority(t)
	dir := filepath.Join(t.TempDir(), "identity")
	claim := a.claim("new")
	text := "  " + strings.ToLower(claim.String()) + "\n"
	got, err := identity.Enrol(t.Context(), a.URL, text, dir)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := identity.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []*identity.Identity{got, loaded} {
		if id.Device != protocoltest.Speaker || len(id.Roots.Keys) != 1 || id.Roots.Keys[0].ID() != a.world.Root.Key().ID() || !id.CA.Equal(a.ca) ||
			id.MQTTURL != "tls://127.0.0.1:8883" || len(id.Lists) != 3 || !bytes.Equal(id.Placement, a.world.Placements[protocoltest.Speaker]) ||
			id.Bulk.Leaf.Subject.CommonName != "loa-dong.bulk" || id.Certificate.Leaf.Subject.CommonName != "loa-dong" || !id.Key.Equal(got.Key) {
			t.Errorf("%+v", id)
		}
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := identity.Enrol(t.Context(), a.URL, a.claim("new").String(), dir); !errors.Is(err, identity.ErrEnrolled) {
		t.Errorf("enrolled twice: %v", err)
	}
}

func TestEachRefusalSaysWhatToDo(t *testing.T) {
	a := newAuthority(t)
	unknown := a.claim("new")
	delete(a.secrets, string(unknown.Secret[:]))
	closed := httptest.NewTLSServer(nil)
	closed.Close()
	for name, tc := range map[string]struct {
		url, claim string
		want       error
	}{
		"used":         {a.URL, a.claim("used").String(), identity.ErrClaimUsed},
		"enrolled":     {a.URL, a.claim("enrolled").String(), identity.ErrEnrolled},
		"unknown":      {a.URL, unknown.String(), identity.ErrClaimUnknown},
		"unreachable":  {closed.URL, a.claim("new").String(), identity.ErrUnreachable},
		"no claim":     {a.URL, "loa1.AAAA.BBBB", protocol.ErrClaim},
		"no https":     {"http://hub:8443", a.claim("new").String(), protocol.ErrInvalid},
		"another path": {a.URL + "/elsewhere", a.claim("new").String(), identity.ErrAnswer},
	} {
		dir := t.TempDir()
		if _, err := identity.Enrol(t.Context(), tc.url, tc.claim, dir); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := identity.Load(dir); !errors.Is(err, identity.ErrNotEnrolled) {
			t.Errorf("%s: load: %v", name, err)
		}
	}
}

// TestNobodyInBetweenHearsTheSecret: another hub, one with the right anchors but
// no certificate of that CA, and one that changes the roots.
func TestNobodyInBetweenHearsTheSecret(t *testing.T) {
	right := newAuthority(t)
	t.Run("another hub", func(t *testing.T) {
		other := newAuthority(t)
		if _, err := identity.Enrol(t.Context(), other.URL, right.claim("new").String(), t.TempDir()); !errors.Is(err, identity.ErrFingerprint) {
			t.Errorf("%v", err)
		}
		if len(other.said) != 0 {
			t.Error("it heard the secret")
		}
	})
	t.Run("one that repeats the anchors", func(t *testing.T) {
		other := newAuthority(t)
		other.anchors = func(a *protocol.Anchors) { *a = right.trust() }
		if _, err := identity.Enrol(t.Context(), other.URL, right.claim("new").String(), t.TempDir()); !errors.Is(err, identity.ErrFingerprint) {
			t.Errorf("%v", err)
		}
		if len(other.said) != 0 {
			t.Error("it heard the secret")
		}
	})
	t.Run("a device of the same hub", func(t *testing.T) {
		other := newAuthority(t)
		other.anchors = func(a *protocol.Anchors) { *a = right.trust() }
		key := protocoltest.PrivateKey("device")
		cert := right.certificate("loa-doai", key.Public(), x509.ExtKeyUsageClientAuth, false)
		other.TLS.Certificates = []tls.Certificate{{Certificate: [][]byte{cert.Raw, right.ca.Raw}, PrivateKey: key}}
		if _, err := identity.Enrol(t.Context(), other.URL, right.claim("new").String(), t.TempDir()); !errors.Is(err, identity.ErrFingerprint) {
			t.Errorf("%v", err)
		}
		if len(other.said) != 0 {
			t.Error("it heard the secret")
		}
	})
	t.Run("other roots in the answer", func(t *testing.T) {
		right.change = func(a *protocol.EnrolAnswer) { a.Roots = [][]byte{protocoltest.Signer(t, "stranger").Key().Public} }
		dir := t.TempDir()
		if _, err := identity.Enrol(t.Context(), right.URL, right.claim("new").String(), dir); !errors.Is(err, identity.ErrFingerprint) {
			t.Errorf("%v", err)
		}
		if _, err := identity.Load(dir); !errors.Is(err, identity.ErrNotEnrolled) {
			t.Errorf("kept: %v", err)
		}
	})
}

func TestAnAnswerMustFitTheDevice(t *testing.T) {
	a := newAuthority(t)
	stranger := protocoltest.PrivateKey("stranger")
	for name, change := range map[string]func(*protocol.EnrolAnswer){
		"certificate of another key": func(e *protocol.EnrolAnswer) {
			e.Certificate = pemOf(a.certificate("loa-dong", stranger.Public(), x509.ExtKeyUsageClientAuth, false))
		},
		"the two exchanged": func(e *protocol.EnrolAnswer) { e.Certificate, e.CertificateBulk = e.CertificateBulk, e.Certificate },
		"no placement":      func(e *protocol.EnrolAnswer) { e.Placement = nil },
		"no device":         func(e *protocol.EnrolAnswer) { e.Device = "Đông" },
		"no roots":          func(e *protocol.EnrolAnswer) { e.Roots = nil },
		"no CA":             func(e *protocol.EnrolAnswer) { e.CA = "" },
	} {
		a.change = change
		dir := t.TempDir()
		if _, err := identity.Enrol(t.Context(), a.URL, a.claim("new").String(), dir); !errors.Is(err, identity.ErrAnswer) {
			t.Errorf("%s: %v", name, err)
		}
		if files, err := os.ReadDir(dir); err != nil || slices.ContainsFunc(files, func(f os.DirEntry) bool { return f.Name() == "identity.json" }) {
			t.Errorf("%s: kept %v %v", name, files, err)
		}
	}
}

func TestAFailedEnrolmentKeepsTheDevicesKey(t *testing.T) {
	a := newAuthority(t)
	dir := t.TempDir()
	key := func() []byte {
		b, err := os.ReadFile(filepath.Join(dir, "device.key"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if _, err := identity.Enrol(t.Context(), a.URL, a.claim("used").String(), dir); err == nil {
		t.Fatal("a used claim")
	}
	before := key()
	if _, err := identity.Enrol(t.Context(), a.URL, a.claim("new").String(), dir); err != nil || !bytes.Equal(before, key()) {
		t.Errorf("another key at the second attempt, or %v", err)
	}
}
