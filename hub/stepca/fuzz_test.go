package stepca

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol/protocoltest"
)

// FuzzAnswer reads what a province's authority answers: only a certificate of the name
// that was asked for, on the key of the request and under the root is taken.
func FuzzAnswer(f *testing.F) {
	now := time.Date(2026, 11, 27, 5, 0, 0, 0, time.UTC)
	authority, device := protocoltest.PrivateKey("province"), protocoltest.PrivateKey("device")
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	sign := func(c *x509.Certificate, public any) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, c, root, public, authority)
		if err != nil {
			f.Fatal(err)
		}
		signed, err := x509.ParseCertificate(der)
		if err != nil {
			f.Fatal(err)
		}
		return signed
	}
	leaf := sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "loa-dong"}, NotBefore: root.NotBefore, NotAfter: root.NotAfter, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, device.Public())
	ca := &CA{root: sign(root, authority.Public())}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "loa-dong"}}, device)
	if err != nil {
		f.Fatal(err)
	}
	text := func(c *x509.Certificate) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	for _, answer := range []map[string]any{
		{"certChain": []string{text(leaf), text(ca.root)}}, {"crt": text(leaf), "ca": text(ca.root)}, {"certChain": []string{text(ca.root), text(leaf)}},
	} {
		b, err := json.Marshal(answer)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"certChain":[` + strings.Repeat(`"",`, 2000) + `""]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		// Beside it, two pools and the checking of a chain.
		protocoltest.HoldMemoryBeside(t, "answer of an authority", len(b), 64<<10, func() { _, _ = ca.chain("loa-dong", request, b, now) })
		got, err := ca.chain("loa-dong", request, b, now)
		if err != nil {
			if !errors.Is(err, ErrAnswer) {
				t.Errorf("refused as %v", err)
			}
			return
		}
		c, err := x509.ParseCertificate(got[0])
		if err != nil || !bytes.Equal(c.RawSubjectPublicKeyInfo, leaf.RawSubjectPublicKeyInfo) || !device.Public().(ed25519.PublicKey).Equal(c.PublicKey) {
			t.Errorf("took a certificate of %v", c.Subject)
		}
	})
}
