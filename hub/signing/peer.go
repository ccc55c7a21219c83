package signing

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"sync"
	"time"
)

// HubClient is the name of the hub itself towards a broker elsewhere. No device
// can have it: ids hold no dot.
const HubClient = "loa.hub"

// brokerLife is how long the certificate of a broker elsewhere lasts: a person
// has to put the next one in place.
const brokerLife = 2 * 365 * 24 * time.Hour

// Self returns what tls.Config.GetClientCertificate wants: the hub's own
// certificate under HubClient, issued when it is first asked for and again before
// it ends.
func (ca *CA) Self() func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	var mu sync.Mutex
	var held *tls.Certificate
	return func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if held != nil && now.Add(renewBefore).Before(held.Leaf.NotAfter) {
			return held, nil
		}
		c, err := ca.keyed(&x509.Certificate{
			Subject: pkix.Name{CommonName: HubClient}, NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(serverLife),
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		})
		if err != nil {
			return nil, err
		}
		held = c
		return held, nil
	}
}

// PEM returns the authority's own certificate.
func (ca *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
}

// Broker issues the certificate of a broker elsewhere for these names and
// addresses, with its key, in PEM; the authority's own stands behind it.
func (ca *CA) Broker(hosts []string, now time.Time) (certificate, key []byte, err error) {
	t := serverTemplate("loa-broker", hosts, now, brokerLife)
	c, err := ca.keyed(t)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return nil, nil, fmt.Errorf("broker's key: %w", err)
	}
	for _, part := range c.Certificate {
		certificate = append(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: part})...)
	}
	return certificate, pem.EncodeToMemory(&pem.Block{Type: pemPlain, Bytes: der}), nil
}

// keyed issues a certificate on a new key.
func (ca *CA) keyed(t *x509.Certificate) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", t.Subject.CommonName, err)
	}
	der, err := ca.issue(t, key.Public())
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", t.Subject.CommonName, err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, ca.cert.Raw}, PrivateKey: key, Leaf: leaf}, nil
}
