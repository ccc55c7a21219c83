package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// certified returns an answer to a device's key, as a hub gives it.
func certified(f *testing.F, w *protocoltest.World, key ed25519.PublicKey) protocol.EnrolAnswer {
	f.Helper()
	issuer := protocoltest.PrivateKey("CA of a fuzz test")
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	certificate := func(name string, public any) string {
		c := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: ca.NotAfter}
		if name == "CA" {
			c = ca
		}
		der, err := x509.CreateCertificate(rand.Reader, c, ca, public, issuer)
		if err != nil {
			f.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return protocol.EnrolAnswer{
		Device: protocoltest.Speaker, Anchors: protocol.Anchors{Roots: [][]byte{w.Root.Key().Public}, CA: certificate("CA", issuer.Public())}, MQTTURL: "tls://hub:8883",
		Certificate: certificate("loa-dong", key), CertificateBulk: certificate("loa-dong.bulk", key),
		Placement: w.Placements[protocoltest.Speaker], Lists: append([][]byte{w.Approvers}, w.Delegations...),
	}
}

// FuzzAnswer reads a hub's answer as the network or a stick brings it: an identity that
// comes of it is on this device's key, under the names of the answer.
func FuzzAnswer(f *testing.F) {
	w, key := protocoltest.NewWorld(f), protocoltest.PrivateKey("device of a fuzz test")
	whole, err := json.Marshal(certified(f, w, key.Public().(ed25519.PublicKey)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"device":"loa-dong","mqtt_url":"x","placement":"AA==","roots":["AA=="],"ca":"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"}`))
	read := func(b []byte) (*Identity, protocol.EnrolAnswer, error) {
		var a protocol.EnrolAnswer
		if err := parse(b, &a); err != nil {
			return nil, a, err
		}
		id, err := fromAnswer(key, a)
		return id, a, err
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		protocoltest.HoldMemory(t, "answer of a hub", len(b), func() { _, _, _ = read(b) })
		id, a, err := read(b)
		if err != nil {
			if !errors.Is(err, ErrAnswer) {
				t.Errorf("refused as %v", err)
			}
			return
		}
		if id.Device != a.Device || id.Certificate.Leaf.Subject.CommonName != string(a.Device) || !key.Public().(ed25519.PublicKey).Equal(id.Bulk.Leaf.PublicKey) {
			t.Errorf("an identity of %s", id.Certificate.Leaf.Subject)
		}
	})
}

// FuzzInstallation reads what a stick brings to a device: only what the claim's
// fingerprint names and the registrar has signed is believed.
func FuzzInstallation(f *testing.F) {
	w := protocoltest.NewWorld(f)
	held := certified(f, w, w.Root.Key().Public)
	held.Certificate, held.CertificateBulk = "", ""
	ca, err := parseCertificate(held.CA)
	if err != nil {
		f.Fatal(err)
	}
	roots, err := held.RootList()
	if err != nil {
		f.Fatal(err)
	}
	claim := protocol.Claim{Fingerprint: protocol.FingerprintOf(roots, ca.Raw)}
	whole, err := json.Marshal(protocol.Stick{Version: protocol.StickVersion, Installation: &protocol.Installation{Claim: claim.String(), Held: held}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	read := func(b []byte) (protocol.Placement, error) {
		s, err := protocol.ParseStick(b)
		if err != nil || s.Installation == nil {
			return protocol.Placement{}, errors.Join(err, protocol.ErrInvalid)
		}
		return genuine(*s.Installation, claim)
	}
	if p, err := read(whole); err != nil || p.Device != protocoltest.Speaker {
		f.Fatal(p, err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		// Beside it, a chain of trust and the readings of its lists.
		protocoltest.HoldMemoryBeside(t, "installation", len(b), 128<<10, func() { _, _ = read(b) })
		if p, err := read(b); err == nil && p.Device != protocoltest.Speaker {
			t.Errorf("the place of %s is believed", p.Device)
		}
	})
}
