package enrol_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/enrol"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

const password = "mật khẩu đủ dài"

// newHub returns a hub with devices "loa-dong" and "loa-hai", its enrolment's
// address, and what it logs.
func newHub(t testing.TB) (*hub.Base, string, *bytes.Buffer) {
	t.Helper()
	ctx := t.Context()
	c := config.Default()
	c.Data = filepath.Join(t.TempDir(), "data")
	if _, err := hub.Init(ctx, c, hub.InitOptions{
		RootOut: t.TempDir(), Unit: registry.Unit{ID: "xa", Code: "99001", Name: "Xã mẫu"}, Admin: "quantri", AdminName: "Quản trị", Password: password,
	}); err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	b, err := hub.OpenBase(ctx, c, "ssl://hub.example:8883", slog.New(slog.NewTextHandler(log, nil)), hub.Passwords{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []protocol.DeviceID{"loa-dong", "loa-hai"} {
		if _, err := b.Registry.AddDevice(ctx, registry.NewDevice{ID: id, Name: "Loa", Unit: "xa", Sound: true}, password, ""); err != nil {
			t.Fatal(err)
		}
	}
	approver := account.NewPerson{ID: "duyet", Name: "Duyệt", Password: password, Grants: []account.Grant{{Unit: "xa", Role: account.Approver}}}
	if err := b.Account.Add(ctx, approver, password, ""); err != nil {
		t.Fatal(err)
	}
	srv, err := b.Enrol.Listen("127.0.0.1:0", b.CA.Server([]string{"localhost", "127.0.0.1"}), b.CA.Pool(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(srv.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	})
	return b, "https://" + srv.Addr().String(), log
}

// device is a device that a technician holds.
type device struct {
	t     testing.TB
	url   string
	claim protocol.Claim
	key   ed25519.PrivateKey
	http  *http.Client
}

// newDevice reads a claim and trusts the hub only by its fingerprint.
func newDevice(t testing.TB, url, text string) *device {
	t.Helper()
	claim, err := protocol.ParseClaim(text)
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	// The chain is checked against the anchors once these have the fingerprint.
	blind := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // checked below
	res, err := blind.Get(url + protocol.AnchorsPath)
	if err != nil {
		t.Fatal(err)
	}
	defer blind.CloseIdleConnections()
	defer res.Body.Close()
	var anchors protocol.Anchors
	if err := json.NewDecoder(res.Body).Decode(&anchors); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(anchors.CA))
	roots, err := anchors.RootList()
	if err != nil {
		t.Fatal(err)
	}
	if protocol.FingerprintOf(roots, block.Bytes) != claim.Fingerprint {
		t.Fatal("the hub is not the claim's")
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(anchors.CA))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	t.Cleanup(client.CloseIdleConnections)
	return &device{t: t, url: url, claim: claim, key: key, http: client}
}

func csr(t testing.TB, key crypto.Signer) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func (d *device) request() protocol.EnrolRequest {
	return protocol.EnrolRequest{
		Secret: d.claim.Secret[:], DeviceKey: d.key.Public().(ed25519.PublicKey), CSR: csr(d.t, d.key), CSRBulk: csr(d.t, d.key),
	}
}

// post sends a body and returns the status and the answer's text.
func (d *device) post(body any) (int, string) {
	d.t.Helper()
	b, ok := body.(string)
	if !ok {
		j, err := json.Marshal(body)
		if err != nil {
			d.t.Fatal(err)
		}
		b = string(j)
	}
	res, err := d.http.Post(d.url+protocol.EnrolPath, "application/json", strings.NewReader(b))
	if err != nil {
		d.t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func makeClaim(t testing.TB, b *hub.Base, id protocol.DeviceID) string {
	t.Helper()
	c, err := b.Enrol.Claim(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	return c.Text
}

func TestEnrolmentEndToEnd(t *testing.T) {
	b, url, log := newHub(t)
	text := makeClaim(t, b, "loa-dong")
	d := newDevice(t, url, text)
	status, body := d.post(d.request())
	if status != 200 {
		t.Fatalf("status %d: %s", status, body)
	}
	var a protocol.EnrolAnswer
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		t.Fatal(err)
	}
	if a.Device != "loa-dong" || a.MQTTURL != "ssl://hub.example:8883" {
		t.Errorf("answer for %s at %s", a.Device, a.MQTTURL)
	}
	for name, text := range map[string]string{"loa-dong": a.Certificate, "loa-dong.bulk": a.CertificateBulk} {
		block, _ := pem.Decode([]byte(text))
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cert.Verify(x509.VerifyOptions{Roots: b.CA.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
			t.Error(err)
		}
		if _, err := cert.Verify(x509.VerifyOptions{Roots: b.CA.Pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}); err == nil {
			t.Error("a device's certificate can serve")
		}
		left := time.Until(cert.NotAfter)
		if cert.Subject.CommonName != name || !d.key.Public().(ed25519.PublicKey).Equal(cert.PublicKey) || cert.IsCA ||
			left > enrol.CertificateLife || left < enrol.CertificateLife-time.Hour {
			t.Errorf("certificate %s of %s, %s left", name, cert.Subject, left)
		}
	}
	// The device checks what it got from the roots alone.
	roots, err := a.RootList()
	if err != nil {
		t.Fatal(err)
	}
	chain := envelope.NewChainOf(roots)
	var delegations, approvers int
	for _, l := range a.Lists {
		if _, err := chain.AddDelegation(l); err == nil {
			delegations++
		}
	}
	placement, err := chain.OpenPlacement(a.Placement, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range a.Lists {
		if list, err := chain.AddApprovers(l, placement.Path); err == nil {
			approvers += len(list.People)
		}
	}
	if delegations != 2 || approvers != 1 || placement.Device != "loa-dong" {
		t.Errorf("%d delegations, %d approvers, placement of %s", delegations, approvers, placement.Device)
	}
	if err := b.Registry.Admit(t.Context(), "loa-dong", d.key.Public().(ed25519.PublicKey)); err != nil {
		t.Errorf("admit: %v", err)
	}
	if secret := strings.Split(text, ".")[1]; strings.Contains(log.String(), secret) {
		t.Error("the log holds the secret")
	}
}

func TestClaimIsUsedOnce(t *testing.T) {
	b, url, _ := newHub(t)
	text := makeClaim(t, b, "loa-dong")
	first, second := newDevice(t, url, text), newDevice(t, url, text)
	if status, body := first.post(first.request()); status != 200 {
		t.Fatal(status, body)
	}
	if status, body := second.post(second.request()); status != 409 || !strings.Contains(body, "loa-hub device claim") {
		t.Errorf("another key: %d %s", status, body)
	}
	if status, body := first.post(first.request()); status != 200 {
		t.Errorf("the same key again, its answer lost: %d %s", status, body)
	}
	if err := b.Registry.Admit(t.Context(), "loa-dong", second.key.Public().(ed25519.PublicKey)); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("the second key: %v", err)
	}
	// A new claim replaces the hardware; the old key is out.
	third := newDevice(t, url, makeClaim(t, b, "loa-dong"))
	if status, body := third.post(third.request()); status != 200 {
		t.Fatal(status, body)
	}
	if err := b.Registry.Admit(t.Context(), "loa-dong", first.key.Public().(ed25519.PublicKey)); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("the replaced key: %v", err)
	}
	if status, body := first.post(first.request()); status != 403 {
		t.Errorf("the replaced claim: %d %s", status, body)
	}
}

func TestTwoDevicesRaceForOneClaim(t *testing.T) {
	b, url, _ := newHub(t)
	text := makeClaim(t, b, "loa-dong")
	statuses := make(chan int, 4)
	for range cap(statuses) {
		d := newDevice(t, url, text)
		r := d.request()
		go func() {
			_, err := b.Enrol.Enrol(context.Background(), r)
			switch {
			case err == nil:
				statuses <- 200
			case errors.Is(err, enrol.ErrEnrolled):
				statuses <- 409
			default:
				statuses <- 0
			}
		}()
	}
	won := 0
	for range cap(statuses) {
		switch s := <-statuses; s {
		case 200:
			won++
		case 409:
		default:
			t.Errorf("status %d", s)
		}
	}
	if won != 1 {
		t.Errorf("%d devices won", won)
	}
}

func TestRefusedEnrolmentsBindNothing(t *testing.T) {
	b, url, _ := newHub(t)
	ctx := t.Context()
	d := newDevice(t, url, makeClaim(t, b, "loa-dong"))
	stale := newDevice(t, url, makeClaim(t, b, "loa-dong"))
	current := makeClaim(t, b, "loa-dong")
	d.claim, _ = protocol.ParseClaim(current)
	_, other, _ := ed25519.GenerateKey(nil)
	with := func(change func(*protocol.EnrolRequest)) protocol.EnrolRequest {
		r := d.request()
		change(&r)
		return r
	}
	for _, c := range []struct {
		name   string
		body   any
		status int
	}{
		{"no JSON", "loa1.", 400},
		{"empty", "", 400},
		{"too long", strings.Repeat(" ", 40<<10) + "{}", 400},
		{"wrong secret", with(func(r *protocol.EnrolRequest) { r.Secret = make([]byte, protocol.ClaimSize) }), 403},
		{"claim that a newer one replaced", stale.request(), 403},
		{"short secret", with(func(r *protocol.EnrolRequest) { r.Secret = r.Secret[:4] }), 400},
		{"request of another key", with(func(r *protocol.EnrolRequest) { r.CSR = csr(t, other) }), 400},
		{"bulk request of another key", with(func(r *protocol.EnrolRequest) { r.CSRBulk = csr(t, other) }), 400},
		{"key of another length", with(func(r *protocol.EnrolRequest) { r.DeviceKey = r.DeviceKey[:31] }), 400},
		{"request that is no PEM", with(func(r *protocol.EnrolRequest) { r.CSR = "x" }), 400},
		{"two requests in one", with(func(r *protocol.EnrolRequest) { r.CSR += r.CSR }), 400},
	} {
		if status, text := d.post(c.body); status != c.status {
			t.Errorf("%s: status %d, want %d: %s", c.name, status, c.status, text)
		}
	}
	if dev, err := b.Registry.Device(ctx, "loa-dong"); err != nil || !dev.Enrolled.IsZero() || len(dev.Public) > 0 {
		t.Errorf("bound to %x, %v", dev.Public, err)
	}
	if err := b.Registry.Revoke(ctx, "loa-hai", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Enrol.Claim(ctx, "loa-hai", ""); !errors.Is(err, problem.ErrConflict) {
		t.Errorf("claim of a revoked device: %v", err)
	}
	if _, err := b.Enrol.Claim(ctx, "loa-ba", ""); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("claim of no device: %v", err)
	}
	// The claim is still good.
	if status, text := d.post(d.request()); status != 200 {
		t.Errorf("after all refusals: %d %s", status, text)
	}
}

func TestManyTriesFromOneAddressAreSlowed(t *testing.T) {
	b, url, _ := newHub(t)
	d := newDevice(t, url, makeClaim(t, b, "loa-dong"))
	for range 60 {
		if status, _ := d.post("{}"); status == http.StatusTooManyRequests {
			// Reading the anchors is no try.
			res, err := d.http.Get(url + protocol.AnchorsPath)
			if err != nil {
				t.Fatal(err)
			}
			if res.Body.Close(); res.StatusCode != http.StatusOK {
				t.Errorf("the anchors answer %d", res.StatusCode)
			}
			return
		}
	}
	t.Error("60 tries at once were let through")
}
