package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Paths of the enrolment server, which speaks JSON over HTTPS and presents its
// chain with the CA certificate. Its refusals are statuses: 400 malformed, 403 an
// unknown secret, 410 a claim that was used or ran out, 409 a device that is
// enrolled already with another key.
const (
	EnrolPath   = "/enrol"         // POST EnrolRequest, answers EnrolAnswer
	AnchorsPath = "/enrol/anchors" // GET, answers Anchors
	RenewPath   = "/enrol/renew"   // POST RenewRequest, answers EnrolAnswer; 403 revoked or another key
	// MaxEnrol bounds every body of enrolment, in bytes.
	MaxEnrol = 1 << 20
)

// ClaimSize is the length of a claim's secret and of its fingerprint, in bytes.
const ClaimSize = 16

const claimPrefix = "loa1."

// ErrClaim: the text is not a claim as Claim.String writes it.
var ErrClaim = errors.New("not a claim")

// Fingerprint stands for the roots and the CA that a device is to trust: the
// first 16 bytes of SHA-256 over the sorted key ids of the roots, followed by the
// list's number and threshold as 8 bytes each (left out for one root's signature
// on the first list), and by the SHA-256 of the CA certificate's DER.
type Fingerprint [ClaimSize]byte

// FingerprintOf returns the fingerprint of these roots and this CA certificate.
func FingerprintOf(roots Roots, caDER []byte) Fingerprint {
	ids := make([]string, 0, len(roots.Keys))
	for _, k := range roots.Keys {
		ids = append(ids, string(k.ID()))
	}
	slices.Sort(ids)
	h := sha256.New()
	for _, id := range ids {
		h.Write([]byte(id))
	}
	if roots.Number != 0 || roots.Threshold > 1 {
		h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, roots.Number), roots.Threshold))
	}
	ca := sha256.Sum256(caDER)
	h.Write(ca[:])
	return Fingerprint(h.Sum(nil)[:ClaimSize])
}

// Claim is what a technician carries to a device: a secret that works once, and
// the fingerprint by which the device knows the hub.
type Claim struct {
	Secret      [ClaimSize]byte
	Fingerprint Fingerprint
}

// String returns "loa1.{secret}.{fingerprint}" in upper-case base32 (RFC 4648)
// without padding.
func (c Claim) String() string {
	enc := claimEncoding()
	return claimPrefix + enc.EncodeToString(c.Secret[:]) + "." + enc.EncodeToString(c.Fingerprint[:])
}

// ParseClaim reads what String writes, in letters of either case and with spaces
// around. Error: ErrClaim.
func ParseClaim(s string) (Claim, error) {
	var c Claim
	s = strings.TrimSpace(s)
	if strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return Claim{}, fmt.Errorf("claim with letters other than a-z: %w", ErrClaim)
	}
	s = strings.ToUpper(s)
	rest, ok := strings.CutPrefix(s, strings.ToUpper(claimPrefix))
	secret, fingerprint, cut := strings.Cut(rest, ".")
	if !ok || !cut {
		return Claim{}, fmt.Errorf("claim of %d characters: %w", len(s), ErrClaim)
	}
	for _, part := range []struct {
		text string
		to   []byte
	}{{secret, c.Secret[:]}, {fingerprint, c.Fingerprint[:]}} {
		b, err := claimEncoding().DecodeString(part.text)
		if err != nil || len(b) != ClaimSize || claimEncoding().EncodeToString(b) != part.text {
			return Claim{}, fmt.Errorf("claim of %d characters: %w", len(s), ErrClaim)
		}
		copy(part.to, b)
	}
	return c, nil
}

// claimEncoding is the alphabet that people read aloud best: no 0, 1 or 8.
func claimEncoding() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

// Documents are keys, signatures or signed documents in JSON.
type Documents [][]byte

// shortestDocument is the length of a key, in bytes.
const shortestDocument = 32

// UnmarshalJSON reads them one by one: a long list of nothing, which takes many times
// its length, is refused at its first. Error: ErrInvalid.
func (d *Documents) UnmarshalJSON(b []byte) error {
	*d = nil
	dec := json.NewDecoder(bytes.NewReader(b))
	switch t, err := dec.Token(); {
	case err == nil && t == nil:
		return nil
	case t != json.Delim('['):
		return fmt.Errorf("no list of documents: %w", ErrInvalid)
	}
	for dec.More() {
		var one []byte
		if err := dec.Decode(&one); err != nil || len(one) < shortestDocument {
			return fmt.Errorf("a document of %d bytes: %w", len(one), ErrInvalid)
		}
		*d = append(*d, one)
	}
	return nil
}

// Anchors is what a device must know before it says its secret; it is believed
// only if it has the claim's fingerprint.
type Anchors struct {
	Roots Documents `json:"roots"` // Ed25519 public keys, base64 in JSON
	// Threshold is how many of them must sign; left out for one. Number is that of
	// the list, left out for the first.
	Threshold uint64 `json:"threshold,omitempty"`
	Number    uint64 `json:"roots_number,omitempty"`
	CA        string `json:"ca"` // one PEM certificate
}

// EnrolRequest binds a device's key.
type EnrolRequest struct {
	Secret    []byte `json:"secret"`
	DeviceKey []byte `json:"device_key"` // Ed25519 public key
	// CSR and CSRBulk are PEM PKCS#10 requests made with the device's key; the
	// hub chooses the names.
	CSR     string `json:"csr"`
	CSRBulk string `json:"csr_bulk"`
}

// RenewRequest asks for new certificates on the key that is bound. The requests
// are made with it, and so prove it; nothing else is asked for.
type RenewRequest struct {
	Device  DeviceID `json:"device"`
	CSR     string   `json:"csr"`
	CSRBulk string   `json:"csr_bulk"`
}

// EnrolAnswer is what an enrolled device keeps.
type EnrolAnswer struct {
	Device DeviceID `json:"device"`
	Anchors
	Certificate     string    `json:"certificate"`      // PEM, CN {device}
	CertificateBulk string    `json:"certificate_bulk"` // PEM, CN {device}.bulk
	MQTTURL         string    `json:"mqtt_url"`
	Placement       []byte    `json:"placement"` // signed by a registrar
	Lists           Documents `json:"lists"`     // signed lists of roots, delegations and approvers
	// Issuer is the authority of these certificates where that is not the CA above
	// (PEM); then certificates between it and a device's own follow that.
	Issuer string `json:"issuer,omitempty"`
	// NamesWanted has the device ask again by requests that carry the two names:
	// the issuer signs no others. Then there are no certificates yet.
	NamesWanted bool `json:"names_wanted,omitempty"`
	// Hub is where the device enrolled; it notes that by itself.
	Hub string `json:"hub,omitempty"`
}

// RootList returns the roots as a list. Error: ErrInvalid.
func (a Anchors) RootList() (Roots, error) {
	if len(a.Roots) == 0 || len(a.Roots) > MaxRoots {
		return Roots{}, fmt.Errorf("%d roots: %w", len(a.Roots), ErrInvalid)
	}
	r := Roots{Version: Version, Number: a.Number, Threshold: max(1, a.Threshold)}
	for _, b := range a.Roots {
		r.Keys = append(r.Keys, Key{Kind: KeyEd25519, Public: b})
	}
	whole := r
	whole.Number = max(1, r.Number) // the first list has none
	return r, whole.Validate()
}
