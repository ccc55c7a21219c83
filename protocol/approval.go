package protocol

import (
	"fmt"
	"time"
)

// Date is a local calendar day, "2006-01-02".
type Date string

// DateOf returns the local day of t in its own zone.
func DateOf(t time.Time) Date { return Date(t.Format(time.DateOnly)) }

// Valid says whether d is a day of the calendar in its one spelling.
func (d Date) Valid() bool {
	t, err := time.Parse(time.DateOnly, string(d))
	return err == nil && DateOf(t) == d
}

// Statement is what an approver signs: this bulletin, for these units, on these
// days, at most so often. Airings within it need no new approval.
type Statement struct {
	Version  uint64   `cbor:"1,keyasint"`
	Bulletin Digest   `cbor:"2,keyasint"`
	Class    Class    `cbor:"3,keyasint"`
	Units    []UnitID `cbor:"4,keyasint"` // each with all below it
	FirstDay Date     `cbor:"5,keyasint"`
	LastDay  Date     `cbor:"6,keyasint"` // inclusive
	// PlaysPerDay is how many whole plays a device may make on one local day.
	PlaysPerDay uint64 `cbor:"7,keyasint"`
	// Night is permission for quiet hours; it needs NightReason.
	Night       bool   `cbor:"8,keyasint,omitempty"`
	NightReason string `cbor:"9,keyasint,omitempty"`
	// Drill is true for an emergency that says it is one.
	Drill bool    `cbor:"10,keyasint,omitempty"`
	At    Instant `cbor:"11,keyasint"` // when it was put before the approvers
}

// Validate checks the rules written beside the fields.
func (s Statement) Validate() error {
	switch {
	case s.Version != Version:
		return fmt.Errorf("statement of version %d: %w", s.Version, ErrVersion)
	case s.Bulletin.IsZero() || !Known(s.Class):
		return fmt.Errorf("statement's bulletin or class: %w", ErrInvalid)
	case len(s.Units) == 0 || len(s.Units) > 1000:
		return fmt.Errorf("statement for %d units: %w", len(s.Units), ErrInvalid)
	case !s.FirstDay.Valid() || !s.LastDay.Valid() || s.LastDay < s.FirstDay:
		return fmt.Errorf("statement's days: %w", ErrInvalid)
	case s.PlaysPerDay == 0 || s.PlaysPerDay > 1440:
		return fmt.Errorf("statement for %d plays a day: %w", s.PlaysPerDay, ErrInvalid)
	case s.Night != (s.NightReason != "") || !validText(s.NightReason, 500):
		return fmt.Errorf("night permission and its reason: %w", ErrInvalid)
	case s.Drill && s.Class != ClassEmergency:
		return fmt.Errorf("drill of class %s: %w", s.Class, ErrInvalid)
	}
	return sortedIDs(s.Units)
}

// Approval is a statement with the signatures of those who approved it.
type Approval struct {
	// Statement is the signed bytes, verbatim.
	Statement []byte `cbor:"1,keyasint"`
	// Signatures are detached signatures (envelope.Sign), empty if all who
	// approved did so with passkeys. Those who signed are different people; one,
	// or for an emergency two.
	Signatures [][]byte `cbor:"2,keyasint"`
	// Assertions are signatures by passkeys; their feature is "passkey".
	Assertions []Assertion `cbor:"3,keyasint,omitempty"`
}

// Assertion is a signature by a passkey (WebAuthn level 2, section 7.2). Its
// challenge is envelope.Challenge of the statement.
type Assertion struct {
	Key               []byte `cbor:"1,keyasint"` // the Key.ID of the passkey
	AuthenticatorData []byte `cbor:"2,keyasint"`
	ClientData        []byte `cbor:"3,keyasint"` // the JSON, verbatim
	Signature         []byte `cbor:"4,keyasint"` // ECDSA in DER
}

// Bounds of an assertion's parts, in bytes: authenticator data is 37 and
// extensions, a signature on P-256 at most 72.
const (
	minAuthenticatorData = 37
	maxAuthenticatorData = 256
	maxClientData        = 1024
	maxECDSA             = 72
)

// Validate checks the lengths; what stands in them is the envelope's matter.
func (a Assertion) Validate() error {
	switch {
	case len(a.Key) != keyIDSize:
		return fmt.Errorf("assertion's key: %w", ErrInvalid)
	case len(a.AuthenticatorData) < minAuthenticatorData || len(a.AuthenticatorData) > maxAuthenticatorData,
		len(a.ClientData) == 0 || len(a.ClientData) > maxClientData,
		len(a.Signature) == 0 || len(a.Signature) > maxECDSA:
		return fmt.Errorf("assertion's lengths: %w", ErrInvalid)
	}
	return nil
}

// Validate checks the counts; signatures are the envelope's matter.
func (a Approval) Validate() error {
	n := len(a.Signatures) + len(a.Assertions)
	if len(a.Statement) == 0 || a.Signatures == nil || n == 0 || n > 4 {
		return fmt.Errorf("approval with %d signatures: %w", n, ErrInvalid)
	}
	for _, s := range a.Assertions {
		if err := s.Validate(); err != nil {
			return err
		}
	}
	return parts("approval's signatures", a.Signatures)
}

// parts says that none of these byte strings is empty.
func parts(what string, bs [][]byte) error {
	for _, b := range bs {
		if len(b) == 0 {
			return fmt.Errorf("%s: an empty one: %w", what, ErrInvalid)
		}
	}
	return nil
}

// sortedIDs says that ids are valid, ascending and different.
func sortedIDs[T ~string](ids []T) error {
	for i, id := range ids {
		if !ValidID(id) || (i > 0 && ids[i-1] >= id) {
			return fmt.Errorf("ids not valid, ascending and different: %w", ErrInvalid)
		}
	}
	return nil
}
