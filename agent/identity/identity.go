// Package identity makes a device's key, exchanges a claim for its place in a
// hub's fleet, and keeps both. The secret of a claim is said only to a server
// that showed the roots and the CA of the claim's fingerprint. It decides nothing
// about what a device may play.
package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/loa-vn/loa/agent/kept"
	"github.com/loa-vn/loa/protocol"
)

// Kinds of failure; each sentence says what to do.
var (
	ErrNotEnrolled  = errors.New("this device is not enrolled: run `loa-agent enrol` with a claim from `loa-hub device add`")
	ErrClaimUsed    = errors.New("this claim was used or has run out: make a new one with `loa-hub device add`")
	ErrClaimUnknown = errors.New("the hub does not know this claim: check that it was copied whole and is meant for this hub")
	ErrFingerprint  = errors.New("this is not the hub that made the claim: check the address; if it is right, somebody is in between, so do not go on")
	ErrEnrolled     = errors.New("this device is enrolled already: remove it at the hub with `loa-hub device remove` first")
	ErrUnreachable  = errors.New("the hub cannot be reached: check the address, the network and that port 8443 is open")
	ErrBusy         = errors.New("too many devices enrol at this hub now: wait a minute and try again")
	ErrServer       = errors.New("the server does not prove to be this hub's: check the address, and that its certificate is by the hub's CA, in date and for this name")
	ErrAnswer       = errors.New("the hub's answer makes no sense: update the hub or this agent")
)

// The files of an identity's folder.
const (
	keyFile    = "device.key"    // PEM PKCS#8, mode 0600
	answerFile = "identity.json" // what the hub answered
	// MarkerFile exists once a chain of receipts has begun (store.Config.Marker).
	MarkerFile = "chain-begun"
)

// Identity is what an enrolled device is.
type Identity struct {
	Device protocol.DeviceID
	Key    ed25519.PrivateKey
	Roots  protocol.Roots // as of the enrolment
	CA     *x509.Certificate
	// Certificate and Bulk are for the two connections.
	Certificate tls.Certificate
	Bulk        tls.Certificate
	MQTTURL     string
	Hub         string // where it enrolled, "" if that was not noted
	// Placement and Lists are the signed documents of the enrolment; newer ones
	// are in the store.
	Placement []byte
	Lists     [][]byte
}

// Load reads an identity from its folder. Errors: ErrNotEnrolled, ErrAnswer.
func Load(dir string) (*Identity, error) {
	key, err := loadKey(filepath.Join(dir, keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotEnrolled
	}
	if err != nil {
		return nil, fmt.Errorf("load device key: %w", err)
	}
	answer, err := loadAnswer(dir)
	if err != nil {
		return nil, err
	}
	return fromAnswer(key, answer)
}

// loadAnswer reads what the hub answered. Errors: ErrNotEnrolled, ErrAnswer.
func loadAnswer(dir string) (protocol.EnrolAnswer, error) {
	var answer protocol.EnrolAnswer
	raw, err := os.ReadFile(filepath.Join(dir, answerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return answer, ErrNotEnrolled
	}
	if err != nil {
		return answer, fmt.Errorf("load identity: %w", err)
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return answer, fmt.Errorf("load identity: %w: %w", ErrAnswer, err)
	}
	return answer, nil
}

// fromAnswer checks that an answer is whole and for this key.
func fromAnswer(key ed25519.PrivateKey, a protocol.EnrolAnswer) (*Identity, error) {
	fail := func(what string) (*Identity, error) { return nil, fmt.Errorf("%s: %w", what, ErrAnswer) }
	if !protocol.ValidID(a.Device) || a.MQTTURL == "" || len(a.Placement) == 0 {
		return fail("device, placement or broker")
	}
	roots, err := a.RootList()
	if err != nil {
		return fail("roots")
	}
	ca, err := parseCertificate(a.CA)
	if err != nil {
		return fail("CA")
	}
	id := &Identity{
		Device: a.Device, Key: key, Roots: roots, CA: ca, MQTTURL: a.MQTTURL, Hub: a.Hub, Placement: a.Placement, Lists: a.Lists,
	}
	issuer := ca
	if a.Issuer != "" {
		if issuer, err = parseCertificate(a.Issuer); err != nil {
			return fail("issuer")
		}
	}
	for _, c := range []struct {
		text string
		name string
		to   *tls.Certificate
	}{
		{a.Certificate, string(a.Device), &id.Certificate},
		{a.CertificateBulk, string(a.Device) + protocol.BulkSuffix, &id.Bulk},
	} {
		chain, err := parseChain(c.text)
		if err != nil || chain[0].Subject.CommonName != c.name || !key.Public().(ed25519.PublicKey).Equal(chain[0].PublicKey) {
			return fail("certificate of " + c.name)
		}
		*c.to = tls.Certificate{PrivateKey: key, Leaf: chain[0]}
		for i, cert := range chain {
			by := issuer
			if i+1 < len(chain) {
				by = chain[i+1]
			}
			if err := cert.CheckSignatureFrom(by); err != nil {
				return fail("issuer of the certificate of " + c.name)
			}
			c.to.Certificate = append(c.to.Certificate, cert.Raw)
		}
	}
	return id, nil
}

// maxChain is how many certificates a device's own and those behind it are.
const maxChain = 5

// parseChain reads a certificate and those between it and its authority.
func parseChain(text string) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for rest := []byte(text); len(rest) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" || len(chain) == maxChain {
			return nil, ErrAnswer
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		chain = append(chain, cert)
	}
	if len(chain) == 0 {
		return nil, ErrAnswer
	}
	return chain, nil
}

func parseCertificate(text string) (*x509.Certificate, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" || len(rest) != 0 {
		return nil, ErrAnswer
	}
	return x509.ParseCertificate(block.Bytes)
}

// loadKey reads the device's key.
func loadKey(path string) (ed25519.PrivateKey, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("%s: %w", path, protocol.ErrMalformed)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: %w", path, protocol.ErrMalformed)
	}
	return key, nil
}

// deviceKey returns the key of the folder, making it if there is none. It never
// leaves the device.
func deviceKey(dir string) (ed25519.PrivateKey, error) {
	path := filepath.Join(dir, keyFile)
	key, err := loadKey(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	_, key, err = ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, kept.File{Path: path}.Save(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
