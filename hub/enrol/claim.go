// Package enrol brings devices in: a claim is a secret that works once, and
// binds the key that a device made for itself to the id that the registry fixed.
// It decides who may be enrolled and which certificates they get. It never signs
// placements and never learns a device's private key.
package enrol

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// Lifetimes of claims, of devices' certificates, and of a used claim for the key
// that used it.
const (
	ClaimLife       = 7 * 24 * time.Hour
	CertificateLife = 365 * 24 * time.Hour
	retryLife       = 24 * time.Hour
)

// Refusals of a device that wants to be enrolled.
var (
	// ErrSecret: no device waits with this secret.
	ErrSecret = errors.New("unknown claim")
	// ErrGone: the claim was used or has run out.
	ErrGone = errors.New("claim used or expired")
	// ErrEnrolled: the device is enrolled with another key.
	ErrEnrolled = errors.New("device is enrolled with another key")
)

// Pending is what the store knows of the device behind a claim.
type Pending struct {
	Device  protocol.DeviceID
	Hash    [32]byte // of the secret, as stored
	Expires time.Time
	Used    time.Time // zero if not
	Public  []byte    // the key that is bound; nil for none
	Revoked time.Time // zero if not
}

// Store keeps claims. Each method is one transaction.
type Store interface {
	// SetClaim gives a device a new claim and drops an unused one; a bound key
	// stays until the new claim is used. Errors: problem.ErrNotFound; ErrGone for
	// a revoked device.
	SetClaim(ctx context.Context, id protocol.DeviceID, hash [32]byte, expires time.Time, c audit.Act) error
	// Bind finds the claim by its hash, asks check about it, and if that returns
	// nil binds the key and marks the claim as used, unless both are so already.
	// Error: ErrSecret, or check's.
	Bind(ctx context.Context, hash [32]byte, public []byte, at time.Time, check func(Pending) error) (protocol.DeviceID, error)
}

// Registry is what a device gets besides certificates.
type Registry interface {
	SignedPlacement(ctx context.Context, id protocol.DeviceID) (registry.Document, error)
	Device(ctx context.Context, id protocol.DeviceID) (registry.Device, error)
	TrustFor(ctx context.Context, path []protocol.UnitID) ([]registry.Document, error)
}

// Authority issues certificates.
type Authority interface {
	// Certificate is the CA's own, in DER.
	Certificate() []byte
	// Client issues a certificate for client authentication, in DER.
	Client(name string, public ed25519.PublicKey, from, until time.Time) ([]byte, error)
}

// Issuer is another authority for devices' certificates.
type Issuer interface {
	// Root is its own certificate, in DER.
	Root() []byte
	// Issue returns a certificate for client authentication and those between it and
	// the root, in DER, for a request that carries the name.
	Issue(ctx context.Context, name string, request []byte, from, until time.Time) ([][]byte, error)
}

// Config is what New needs.
type Config struct {
	Store     Store
	Registry  Registry
	Authority Authority
	// Issuer issues devices' certificates instead of Authority, which stays what
	// devices ask of the hub; nil for none.
	Issuer Issuer
	// Roots returns those in force.
	Roots   func(context.Context) (protocol.Roots, error)
	MQTTURL string // "ssl://hub.example:8883"
	Log     *slog.Logger
}

// Service enrols devices. Use New.
type Service struct {
	store     Store
	registry  Registry
	authority Authority
	issuer    Issuer
	roots     func(context.Context) (protocol.Roots, error)
	mqtt      string
	log       *slog.Logger
	tries     limiter
}

// New returns the service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{store: c.Store, registry: c.Registry, authority: c.Authority, issuer: c.Issuer, roots: c.Roots, mqtt: c.MQTTURL, log: c.Log, tries: newLimiter()}
}

// Claim is a claim to hand to a technician; it is shown once.
type Claim struct {
	Device  protocol.DeviceID
	Text    string
	Expires time.Time
}

// Claim makes a claim for a device of the registry; an unused earlier one is
// void. A device that is enrolled keeps its key until the claim is used: that is
// how broken hardware is replaced. Errors: problem.ErrNotFound, ErrConflict.
func (s *Service) Claim(ctx context.Context, id protocol.DeviceID, by protocol.PersonID) (Claim, error) {
	d, err := s.registry.Device(ctx, id)
	if err != nil {
		return Claim{}, err
	}
	roots, err := s.roots(ctx)
	if err != nil {
		return Claim{}, err
	}
	c := protocol.Claim{Fingerprint: protocol.FingerprintOf(roots, s.authority.Certificate())}
	_, _ = rand.Read(c.Secret[:]) // never fails
	now := time.Now()
	expires := now.Add(ClaimLife)
	change := audit.Act{By: by, At: now, Name: "claim made", Subject: string(id), Unit: d.Unit}
	err = s.store.SetClaim(ctx, id, hash(c.Secret[:]), expires, change)
	if errors.Is(err, ErrGone) {
		return Claim{}, problem.New(problem.ErrConflict, "device-revoked", "", "Thiết bị đã bị thu hồi; hãy thêm thiết bị với mã mới.",
			"The device was revoked; add one with a new id.")
	}
	if err != nil {
		return Claim{}, fmt.Errorf("claim: %w", err)
	}
	return Claim{Device: id, Text: c.String(), Expires: expires}, nil
}

func hash(secret []byte) [32]byte {
	return sha256.Sum256(append([]byte("loa claim "), secret...))
}

// Anchors returns what a device must know before it says its secret.
func (s *Service) Anchors(ctx context.Context) (protocol.Anchors, error) {
	roots, err := s.roots(ctx)
	if err != nil {
		return protocol.Anchors{}, err
	}
	a := protocol.Anchors{CA: certificatePEM(s.authority.Certificate()), Number: roots.Number}
	if roots.Threshold > 1 {
		a.Threshold = roots.Threshold
	}
	for _, k := range roots.Keys {
		a.Roots = append(a.Roots, k.Public)
	}
	return a, nil
}

func certificatePEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// Enrol binds a device's key to the device whose claim it shows, once. Errors:
// problem.ErrInvalid, ErrSecret, ErrGone, ErrEnrolled.
func (s *Service) Enrol(ctx context.Context, r protocol.EnrolRequest) (protocol.EnrolAnswer, error) {
	return s.enrol(ctx, r, func(Pending) error { return nil })
}

func (s *Service) enrol(ctx context.Context, r protocol.EnrolRequest, also func(Pending) error) (protocol.EnrolAnswer, error) {
	key := ed25519.PublicKey(r.DeviceKey)
	if len(r.Secret) != protocol.ClaimSize || len(key) != ed25519.PublicKeySize {
		return protocol.EnrolAnswer{}, fmt.Errorf("secret or key of a wrong length: %w", problem.ErrInvalid)
	}
	for _, csr := range []string{r.CSR, r.CSRBulk} {
		if err := checkCSR(csr, key); err != nil {
			return protocol.EnrolAnswer{}, err
		}
	}
	now := time.Now()
	want := hash(r.Secret)
	id, err := s.store.Bind(ctx, want, key, now, func(p Pending) error {
		if err := also(p); err != nil {
			return err
		}
		return judge(p, want, key, now)
	})
	if err != nil {
		return protocol.EnrolAnswer{}, fmt.Errorf("enrol: %w", err)
	}
	s.log.InfoContext(ctx, "device enrolled", "device", string(id))
	return s.answer(ctx, id, key, now, r.CSR, r.CSRBulk)
}

// Renew issues new certificates to a device on the key that is bound to it; an
// expired one may do this, a revoked one may not. Errors: problem.ErrInvalid,
// ErrSecret for a device that is unknown, revoked, or bound to another key.
func (s *Service) Renew(ctx context.Context, r protocol.RenewRequest) (protocol.EnrolAnswer, error) {
	d, err := s.registry.Device(ctx, r.Device)
	if errors.Is(err, problem.ErrNotFound) {
		return protocol.EnrolAnswer{}, fmt.Errorf("renew: %w", ErrSecret)
	}
	if err != nil {
		return protocol.EnrolAnswer{}, fmt.Errorf("renew: %w", err)
	}
	if !d.Revoked.IsZero() || len(d.Public) != ed25519.PublicKeySize {
		return protocol.EnrolAnswer{}, fmt.Errorf("renew %s: %w", r.Device, ErrSecret)
	}
	for _, csr := range []string{r.CSR, r.CSRBulk} {
		if err := checkCSR(csr, d.Public); err != nil {
			return protocol.EnrolAnswer{}, err
		}
	}
	return s.answer(ctx, d.ID, d.Public, time.Now(), r.CSR, r.CSRBulk)
}

// EnrolAs is Enrol for a request that was brought for one device: the claim must be
// that one's. Errors: those of Enrol.
func (s *Service) EnrolAs(ctx context.Context, id protocol.DeviceID, r protocol.EnrolRequest) (protocol.EnrolAnswer, error) {
	return s.enrol(ctx, r, func(p Pending) error {
		if p.Device != id {
			return ErrSecret
		}
		return nil
	})
}

// Installation returns what a technician takes to a device without a network, with
// a new claim in it. Errors: those of Claim.
func (s *Service) Installation(ctx context.Context, id protocol.DeviceID, hubURL string, by protocol.PersonID) (protocol.Installation, error) {
	c, err := s.Claim(ctx, id, by)
	if err != nil {
		return protocol.Installation{}, err
	}
	d, err := s.registry.Device(ctx, id)
	if err != nil {
		return protocol.Installation{}, err
	}
	held, err := s.place(ctx, d)
	return protocol.Installation{Claim: c.Text, Name: d.Name, Hub: hubURL, Held: held}, err
}

// judge decides whether a claim still binds this key. A device whose answer got
// lost asks again with the same key and secret, and gets it again.
func judge(p Pending, want [32]byte, key []byte, now time.Time) error {
	used := !p.Used.IsZero()
	same := subtle.ConstantTimeCompare(p.Public, key) == 1
	switch {
	case subtle.ConstantTimeCompare(p.Hash[:], want[:]) != 1:
		return ErrSecret
	case !p.Revoked.IsZero():
		return ErrGone
	case used && same && now.Before(p.Used.Add(retryLife)):
		return nil
	case used && !same:
		return ErrEnrolled
	case used || !now.Before(p.Expires):
		return ErrGone
	}
	return nil
}

// checkCSR asks that a request was made with the device's own key.
func checkCSR(text string, key ed25519.PublicKey) error {
	csr, err := parseCSR(text)
	if err != nil {
		return err
	}
	public, ok := csr.PublicKey.(ed25519.PublicKey)
	if !ok || !public.Equal(key) || csr.CheckSignature() != nil {
		return fmt.Errorf("certificate request of another key: %w", problem.ErrInvalid)
	}
	return nil
}

func parseCSR(text string) (*x509.CertificateRequest, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("certificate request is not PEM: %w", problem.ErrInvalid)
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", problem.ErrInvalid)
	}
	return csr, nil
}

// answer is what an enrolled device keeps.
func (s *Service) answer(ctx context.Context, id protocol.DeviceID, key ed25519.PublicKey, now time.Time, requests ...string) (protocol.EnrolAnswer, error) {
	d, err := s.registry.Device(ctx, id)
	if err != nil {
		return protocol.EnrolAnswer{}, err
	}
	a, err := s.place(ctx, d)
	if err != nil {
		return protocol.EnrolAnswer{}, err
	}
	if s.issuer != nil {
		a.Issuer = certificatePEM(s.issuer.Root())
	}
	for i, c := range []struct {
		client protocol.Client
		to     *string
	}{{protocol.Client{Device: id}, &a.Certificate}, {protocol.Client{Device: id, Bulk: true}, &a.CertificateBulk}} {
		// A device's clock may be a little slow.
		from, until := now.Add(-time.Hour), now.Add(CertificateLife)
		if s.issuer == nil {
			der, err := s.authority.Client(c.client.String(), key, from, until)
			if err != nil {
				return protocol.EnrolAnswer{}, fmt.Errorf("certificate of %s: %w", c.client, err)
			}
			*c.to = certificatePEM(der)
			continue
		}
		request, err := parseCSR(requests[i])
		if err != nil {
			return protocol.EnrolAnswer{}, err
		}
		if request.Subject.CommonName != c.client.String() {
			a.NamesWanted, a.Certificate, a.CertificateBulk = true, "", ""
			return a, nil
		}
		chain, err := s.issuer.Issue(ctx, c.client.String(), request.Raw, from, until)
		if err != nil {
			return protocol.EnrolAnswer{}, fmt.Errorf("certificate of %s: %w", c.client, err)
		}
		for _, der := range chain {
			*c.to += certificatePEM(der)
		}
	}
	return a, nil
}

// place is what a device is told of its hub and its place.
func (s *Service) place(ctx context.Context, d registry.Device) (protocol.EnrolAnswer, error) {
	placement, err := s.registry.SignedPlacement(ctx, d.ID)
	if err != nil {
		return protocol.EnrolAnswer{}, err
	}
	lists, err := s.registry.TrustFor(ctx, d.Placement.Path)
	if err != nil {
		return protocol.EnrolAnswer{}, err
	}
	anchors, err := s.Anchors(ctx)
	if err != nil {
		return protocol.EnrolAnswer{}, err
	}
	a := protocol.EnrolAnswer{Device: d.ID, Anchors: anchors, MQTTURL: s.mqtt, Placement: placement.Bytes}
	for _, l := range lists {
		a.Lists = append(a.Lists, l.Bytes)
	}
	return a, nil
}
