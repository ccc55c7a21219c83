package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/loa-vn/loa/agent/identity"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/enrol"
	"github.com/loa-vn/loa/protocol"
)

// provinceCA is an authority that stands for a province's step-ca: a root, an
// intermediate that signs, and a JWK provisioner whose tokens it checks as step-ca
// does: its key, the audience, the times, the name of the request, and once.
type provinceCA struct {
	t    *testing.T
	srv  *httptest.Server
	root *issuingCA
	mid  *issuingCA
	key  *ecdsa.PrivateKey // of the provisioner
	dir  string

	mu     sync.Mutex
	used   map[string]bool
	issued int
	change func(*x509.Certificate) // before it is signed
}

type issuingCA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func (a *issuingCA) sign(t *testing.T, tmpl *x509.Certificate, public any) *x509.Certificate {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	must(t, err)
	tmpl.SerialNumber = n
	parent, key := tmpl, a.key
	if a.cert != nil {
		parent = a.cert
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, public, key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return cert
}

func newAuthority(t *testing.T, name string, by *issuingCA) *issuingCA {
	t.Helper()
	a := &issuingCA{key: newKey(t)}
	if by == nil {
		by = &issuingCA{key: a.key}
	}
	a.cert = by.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-25 * time.Hour), NotAfter: time.Now().Add(1000 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, a.key.Public())
	return a
}

func newProvinceCA(t *testing.T) *provinceCA {
	t.Helper()
	p := &provinceCA{t: t, root: newAuthority(t, "Tỉnh mẫu Root CA", nil), key: newKey(t), dir: t.TempDir(), used: map[string]bool{}, change: func(*x509.Certificate) {}}
	p.mid = newAuthority(t, "Tỉnh mẫu Intermediate CA", p.root)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /1.0/sign", p.sign)
	p.srv = httptest.NewUnstartedServer(mux)
	key := newKey(t)
	leaf := p.mid.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "step-ca"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, key.Public())
	p.srv.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw, p.mid.cert.Raw}, PrivateKey: key}}}
	p.srv.StartTLS()
	t.Cleanup(p.srv.Close)
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(p.dir, "loa.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	must(t, os.WriteFile(filepath.Join(p.dir, "root.pem"), pemOf(p.root.cert), 0o600))
	return p
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// settings are those of a hub whose devices this authority certifies.
func (p *provinceCA) settings(c *config.Config) {
	_, port, _ := strings.Cut(strings.TrimPrefix(p.srv.URL, "https://"), ":")
	c.Enrol.Issuer = config.Issuer{URL: "https://localhost:" + port, Root: filepath.Join(p.dir, "root.pem"), Provisioner: "loa", Key: filepath.Join(p.dir, "loa.key")}
}

// sign answers a request with a token, as step-ca does.
func (p *provinceCA) sign(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var body struct{ CSR, OTT, NotBefore, NotAfter string }
	must(p.t, json.NewDecoder(r.Body).Decode(&body))
	block, _ := pem.Decode([]byte(body.CSR))
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	must(p.t, err)
	if err := p.allows(body.OTT, csr); err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprintf(w, `{"status":401,"message":%q}`, err.Error())
		return
	}
	from, err := time.Parse(time.RFC3339, body.NotBefore)
	must(p.t, err)
	until, err := time.Parse(time.RFC3339, body.NotAfter)
	must(p.t, err)
	p.issued++
	tmpl := &x509.Certificate{
		Subject: csr.Subject, DNSNames: []string{csr.Subject.CommonName}, NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	p.change(tmpl)
	leaf := p.mid.sign(p.t, tmpl, csr.PublicKey)
	w.WriteHeader(http.StatusCreated)
	must(p.t, json.NewEncoder(w).Encode(map[string]any{
		"crt": string(pemOf(leaf)), "ca": string(pemOf(p.mid.cert)), "certChain": []string{string(pemOf(leaf)), string(pemOf(p.mid.cert))},
	}))
}

func (p *provinceCA) allows(token string, csr *x509.CertificateRequest) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return fmt.Errorf("not a token")
	}
	var header struct{ Alg, Kid string }
	var claims struct {
		Iss, Aud, Sub, Jti string
		Sans               []string
		Nbf, Exp           int64
	}
	for i, to := range []any{&header, &claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		must(p.t, err)
		must(p.t, json.Unmarshal(b, to))
	}
	point, err := p.key.PublicKey.Bytes()
	must(p.t, err)
	enc := base64.RawURLEncoding.EncodeToString
	jwk := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":%q,"y":%q}`, enc(point[1:33]), enc(point[33:])))
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	must(p.t, err)
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	now := time.Now().Unix()
	switch {
	case header.Alg != "ES256" || header.Kid != enc(jwk[:]):
		return fmt.Errorf("no provisioner of key %s", header.Kid)
	case len(sig) != 64 || !ecdsa.Verify(&p.key.PublicKey, digest[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])):
		return fmt.Errorf("signature")
	case claims.Iss != "loa" || !strings.HasSuffix(claims.Aud, "/1.0/sign") || now < claims.Nbf-1 || now > claims.Exp || claims.Exp > now+600:
		return fmt.Errorf("claims %+v", claims)
	case p.used[claims.Jti]:
		return fmt.Errorf("token was used")
	case csr.CheckSignature() != nil || csr.Subject.CommonName != claims.Sub || len(claims.Sans) != 1 || claims.Sans[0] != claims.Sub:
		return fmt.Errorf("certificate request does not contain the valid common name - got %s, want %s", csr.Subject.CommonName, claims.Sub)
	}
	p.used[claims.Jti] = true
	return nil
}

func TestDevicesAreCertifiedByTheProvincesAuthority(t *testing.T) {
	t.Parallel()
	p := newProvinceCA(t)
	w := newWorld(t, p.settings)
	d := w.enrolled(speaker("loa-dong", "thon-dong", 1000))
	dir := filepath.Join(d.config.Data, "identity")
	id, err := identity.Load(dir)
	must(t, err)
	for _, c := range []tls.Certificate{id.Certificate, id.Bulk} {
		if c.Leaf.Issuer.CommonName != "Tỉnh mẫu Intermediate CA" || len(c.Certificate) != 2 {
			t.Errorf("certificate of %s by %s, %d behind each other", c.Leaf.Subject.CommonName, c.Leaf.Issuer.CommonName, len(c.Certificate))
		}
	}
	d.start()
	t.Cleanup(d.stop)
	w.online(d)
	if p.issued != 2 {
		t.Errorf("%d certificates were issued", p.issued)
	}
	next, err := id.Renew(t.Context(), t.TempDir())
	if err == nil {
		t.Errorf("renewed without what is held: %v", next)
	}
	_, err = id.Renew(t.Context(), dir)
	if err != nil && !strings.Contains(err.Error(), "renewed certificates") { // within the same second they end alike
		t.Error(err)
	}

	// By a stick: its request carries the names from the beginning.
	i, e := w.installation(speaker("loa-doai", "thon-doai", 1000))
	request, _, err := identity.Begin(i, filepath.Join(e.config.Data, "identity"))
	must(t, err)
	answer, err := w.Base.Enrol.EnrolAs(t.Context(), "loa-doai", request)
	must(t, err)
	_, err = identity.Finish(answer, filepath.Join(e.config.Data, "identity"))
	must(t, err)
	e.start()
	t.Cleanup(e.stop)
	w.online(e)
}

// The authority is not believed: with its own key, and any certificate that it
// likes, nobody is another device.
func TestTheProvincesAuthorityIsNoDevice(t *testing.T) {
	t.Parallel()
	p := newProvinceCA(t)
	w := newWorld(t, p.settings)
	d := w.enrolled(speaker("loa-dong", "thon-dong", 1000))
	stolen := d.config
	stolen.Data = t.TempDir()
	dir := filepath.Join(stolen.Data, "identity")
	must(t, os.CopyFS(dir, os.DirFS(filepath.Join(d.config.Data, "identity"))))
	id, err := identity.Load(dir)
	must(t, err)
	key := newKey(t)
	leaf := p.mid.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "loa-dong"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, key.Public())
	forged := tls.Certificate{Certificate: [][]byte{leaf.Raw, p.mid.cert.Raw}, PrivateKey: key}
	for name, c := range map[string]struct {
		cert tls.Certificate
		want bool
	}{"the device": {id.Certificate, true}, "the authority as the device": {forged, false}} {
		conf := identity.ClientTLS(id.CA, "localhost", time.Now, c.cert)
		if err := connects(w, "loa-dong", conf); (err == nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What it issues for another name or key, the hub does not pass on.
	for name, change := range map[string]func(*x509.Certificate){
		"another name": func(c *x509.Certificate) { c.Subject.CommonName = "loa-khac" },
		"for servers":  func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} },
		"over already": func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) },
	} {
		p.mu.Lock()
		p.change = change
		p.mu.Unlock()
		n := speaker(protocol.DeviceID("loa-"+strings.ReplaceAll(name, " ", "-")), "thon-doai", 1000)
		i, e := w.installation(n)
		request, _, err := identity.Begin(i, filepath.Join(e.config.Data, "identity"))
		must(t, err)
		if _, err := w.Base.Enrol.EnrolAs(t.Context(), n.ID, request); err == nil {
			t.Errorf("%s: taken", name)
		}
		// The claim is not lost by it: the same key may ask again.
		p.mu.Lock()
		p.change = func(*x509.Certificate) {}
		p.mu.Unlock()
		if _, err := w.Base.Enrol.EnrolAs(t.Context(), n.ID, request); err != nil {
			t.Errorf("%s, again: %v", name, err)
		}
	}
	p.srv.Close()
	i, e := w.installation(speaker("loa-trung", "thon-trung", 1000))
	request, _, err := identity.Begin(i, filepath.Join(e.config.Data, "identity"))
	must(t, err)
	if _, err := w.Base.Enrol.EnrolAs(t.Context(), "loa-trung", request); err == nil {
		t.Error("enrolled by an authority that is away")
	}
	_ = enrol.ErrGone
}

// connects tries to speak to the hub's broker under a device's name.
func connects(w *world, id string, conf *tls.Config) error {
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("ssl://localhost:" + port(w.MQTTAddr())).SetClientID(id).SetProtocolVersion(4).
		SetConnectTimeout(10 * time.Second).SetAutoReconnect(false).SetTLSConfig(conf))
	token := c.Connect()
	if !token.WaitTimeout(20 * time.Second) {
		return errors.New("no answer")
	}
	defer c.Disconnect(0)
	return token.Error()
}
