package identity

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"
)

// ClientTLS returns how a device speaks to its hub: with its own certificate, and
// to a server whose certificate the pinned CA issued for servers and for this
// name; an empty name leaves the name out. at returns the trusted time; zero
// stands for an unsure clock, with which dates are not looked at.
func ClientTLS(ca *x509.Certificate, name string, at func() time.Time, certs ...tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: certs,
		ServerName:   name,
		// The checks are those of VerifyConnection below, which can leave the
		// dates out; the library's own cannot.
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection checks instead
		VerifyConnection: func(cs tls.ConnectionState) error {
			return verifyServer(cs.PeerCertificates, ca, name, at())
		},
	}
}

// verifyServer checks a presented chain. Errors: ErrServer.
func verifyServer(chain []*x509.Certificate, ca *x509.Certificate, name string, at time.Time) error {
	if len(chain) == 0 {
		return fmt.Errorf("no certificate: %w", ErrServer)
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(ca)
	if at.IsZero() {
		at = ca.NotBefore
		for _, c := range chain {
			if c.NotBefore.After(at) {
				at = c.NotBefore
			}
		}
	}
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, DNSName: name, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrServer, err)
	}
	return nil
}
