package signing

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Lifetimes of the authority's certificate and of those of the hub's servers,
// which are issued anew at each start and when renewBefore is left.
const (
	caLife      = 30 * 365 * 24 * time.Hour
	serverLife  = 90 * 24 * time.Hour
	renewBefore = 30 * 24 * time.Hour
)

const (
	caKeyFile  = "ca.key"
	caCertFile = "ca.pem"
)

// CA issues the certificates of devices and of the hub's servers. It is safe
// for concurrent use.
type CA struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

// CreateCA makes an authority in a folder, which must not hold one.
func CreateCA(dir, name string, now time.Time) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name},
		// A device may be enrolled while its clock is behind.
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	if err := writeNew(filepath.Join(dir, caKeyFile), pem.EncodeToMemory(&pem.Block{Type: pemPlain, Bytes: keyDER}), 0o600); err != nil {
		return nil, err
	}
	if err := writeNew(filepath.Join(dir, caCertFile), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return nil, err
	}
	return OpenCA(dir)
}

// OpenCA reads the authority of a folder. Errors: ErrMode, ErrMalformed.
func OpenCA(dir string) (*CA, error) {
	der, err := readPrivate(filepath.Join(dir, caKeyFile), pemPlain)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("ca key: %w", ErrMalformed)
	}
	b, err := os.ReadFile(filepath.Join(dir, caCertFile))
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("ca certificate: %w", ErrMalformed)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, fmt.Errorf("ca certificate: %w", ErrMalformed)
	}
	return &CA{key: key, cert: cert}, nil
}

// Certificate returns the authority's own certificate in DER.
func (ca *CA) Certificate() []byte { return slices.Clone(ca.cert.Raw) }

// Pool returns a pool that holds the authority alone.
func (ca *CA) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.cert)
	return p
}

// Client issues a device's certificate for client authentication, in DER.
func (ca *CA) Client(name string, public ed25519.PublicKey, from, until time.Time) ([]byte, error) {
	return ca.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, public)
}

// issue signs a certificate that can't sign others.
func (ca *CA) issue(t *x509.Certificate, public any) ([]byte, error) {
	t.SerialNumber, t.BasicConstraintsValid = serial(), true
	der, err := x509.CreateCertificate(rand.Reader, t, ca.cert, public, ca.key)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", t.Subject.CommonName, err)
	}
	return der, nil
}

// serial is a random positive number of 127 bits (RFC 5280, 4.1.2.2).
func serial() *big.Int {
	b := random(16)
	b[0] &= 0x7f
	b[0] |= 0x40
	return new(big.Int).SetBytes(b)
}

// Server returns what tls.Config.GetCertificate wants: a certificate for these
// host names and addresses, with the authority's own behind it, issued when it
// is first asked for and again before it ends.
func (ca *CA) Server(hosts []string) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	var mu sync.Mutex
	var held *tls.Certificate
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if held != nil && now.Add(renewBefore).Before(held.Leaf.NotAfter) {
			return held, nil
		}
		c, err := ca.server(hosts, now)
		if err != nil {
			return nil, err
		}
		held = c
		return held, nil
	}
}

func (ca *CA) server(hosts []string, now time.Time) (*tls.Certificate, error) {
	return ca.keyed(serverTemplate("loa-hub", hosts, now, serverLife))
}

func serverTemplate(name string, hosts []string, now time.Time, life time.Duration) *x509.Certificate {
	t := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(life),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return t
}
