package protocol

import (
	"crypto/ed25519"
	"fmt"
	"unicode/utf8"
)

// Role is what a key may sign.
type Role uint8

// The roles of a delegated key.
const (
	RoleRegistrar Role = 1 // approvers, placements, populations of its subtree
	RoleHub       Role = 2 // plans, alerts, commands, acks, time
)

func (r Role) names() []string { return []string{"", "registrar", "hub"} }

// String returns "registrar" or "hub".
func (r Role) String() string { return nameOf(r) }

// KeyKind is how a key signs.
type KeyKind uint8

// The kinds of keys. A passkey's signature is a WebAuthn assertion.
const (
	KeyEd25519 KeyKind = 1
	KeyPasskey KeyKind = 2
)

func (k KeyKind) names() []string { return []string{"", "ed25519", "passkey"} }

// String returns "ed25519" or "passkey".
func (k KeyKind) String() string { return nameOf(k) }

// Key is a public key.
type Key struct {
	Kind   KeyKind `cbor:"1,keyasint"`
	Public []byte  `cbor:"2,keyasint"` // Ed25519: 32 bytes; passkey: COSE_Key
}

// Validate checks the kind and the length.
func (k Key) Validate() error {
	if k.Kind == KeyEd25519 && len(k.Public) == ed25519.PublicKeySize {
		return nil
	}
	if k.Kind == KeyPasskey && len(k.Public) > 0 && len(k.Public) <= 256 {
		return nil
	}
	return fmt.Errorf("key: %w", ErrInvalid)
}

// ID returns the key id that stands in signatures.
func (k Key) ID() KeyID {
	d := DigestOf(append([]byte{byte(k.Kind)}, k.Public...))
	return KeyID(d[:16])
}

// KeyID is the first 16 bytes of the SHA-256 of a key's kind and public bytes.
type KeyID string

// Delegation is signed by the root: this key has this role in this subtree.
type Delegation struct {
	Version uint64   `cbor:"1,keyasint"`
	Role    Role     `cbor:"2,keyasint"`
	Key     Key      `cbor:"3,keyasint"`
	Units   []UnitID `cbor:"4,keyasint"` // each with all below it
	Classes []Class  `cbor:"5,keyasint"`
	From    Instant  `cbor:"6,keyasint"`
	Until   Instant  `cbor:"7,keyasint"`
	// Number grows with each delegation of the same key, and of the same role
	// and units.
	Number uint64 `cbor:"8,keyasint"`
}

// Validate checks the rules written beside the fields.
func (d Delegation) Validate() error {
	switch {
	case d.Version != Version:
		return fmt.Errorf("delegation of version %d: %w", d.Version, ErrVersion)
	case !Known(d.Role) || d.Until <= d.From || d.Number == 0:
		return fmt.Errorf("delegation's role, dates or number: %w", ErrInvalid)
	case len(d.Units) == 0 || len(d.Units) > 1000 || len(d.Classes) == 0 || len(d.Classes) > 3:
		return fmt.Errorf("delegation's units or classes: %w", ErrInvalid)
	}
	if err := classes(d.Classes); err != nil {
		return err
	}
	if err := sortedIDs(d.Units); err != nil {
		return err
	}
	return d.Key.Validate()
}

// Approver is one person's right to approve.
type Approver struct {
	Person  PersonID `cbor:"1,keyasint"`
	Name    string   `cbor:"2,keyasint"`
	Key     Key      `cbor:"3,keyasint"`
	Classes []Class  `cbor:"4,keyasint"`
	From    Instant  `cbor:"5,keyasint"`
	Until   Instant  `cbor:"6,keyasint"`
	// Deputy names the person for whom this one stands in.
	Deputy PersonID `cbor:"7,keyasint,omitempty"`
}

// Approvers is signed by a registrar: who may approve for a unit and below it.
type Approvers struct {
	Version uint64     `cbor:"1,keyasint"`
	Unit    UnitID     `cbor:"2,keyasint"`
	Number  uint64     `cbor:"3,keyasint"` // grows; an older list is refused
	Issued  Instant    `cbor:"4,keyasint"`
	Expires Instant    `cbor:"5,keyasint"` // after it nothing new is accepted
	People  []Approver `cbor:"6,keyasint,omitempty"`
}

// Validate checks the rules written beside the fields.
func (l Approvers) Validate() error {
	switch {
	case l.Version != Version:
		return fmt.Errorf("approvers of version %d: %w", l.Version, ErrVersion)
	case !ValidID(l.Unit) || l.Number == 0 || l.Expires <= l.Issued || len(l.People) > 100:
		return fmt.Errorf("approvers: %w", ErrInvalid)
	}
	owner := make(map[KeyID]PersonID, len(l.People))
	for _, p := range l.People {
		if who, ok := owner[p.Key.ID()]; ok && who != p.Person {
			return fmt.Errorf("approvers %s and %s with one key: %w", who, p.Person, ErrInvalid)
		}
		owner[p.Key.ID()] = p.Person
		if !ValidID(p.Person) || p.Until <= p.From || !validText(p.Name, 200) || (p.Deputy != "" && !ValidID(p.Deputy)) {
			return fmt.Errorf("approver %s: %w", p.Person, ErrInvalid)
		}
		if err := classes(p.Classes); err != nil {
			return err
		}
		if err := p.Key.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// Share is the part of a village's people that a device serves.
type Share struct {
	Village UnitID `cbor:"1,keyasint"`
	// Share is in thousandths, 1 to 1000.
	Share uint64 `cbor:"2,keyasint"`
	// By and On are who set it, and when.
	By PersonID `cbor:"3,keyasint"`
	On Date     `cbor:"4,keyasint"`
}

// Placement is signed by a registrar: where a device stands and whom it serves.
type Placement struct {
	Version uint64   `cbor:"1,keyasint"`
	Device  DeviceID `cbor:"2,keyasint"`
	Number  uint64   `cbor:"3,keyasint"` // grows; an older placement is refused
	From    Instant  `cbor:"4,keyasint"`
	Path    []UnitID `cbor:"5,keyasint"` // units from the top to the device's own
	// Predecessors are units merged into one of the path.
	Predecessors []UnitID `cbor:"6,keyasint,omitempty"`
	Tags         []string `cbor:"7,keyasint,omitempty"`
	Serves       []Share  `cbor:"8,keyasint,omitempty"`
	// Name is for people: "Nhà văn hoá thôn Đông".
	Name string `cbor:"9,keyasint,omitempty"`
}

// Validate checks the rules written beside the fields.
func (p Placement) Validate() error {
	switch {
	case p.Version != Version:
		return fmt.Errorf("placement of version %d: %w", p.Version, ErrVersion)
	case !ValidID(p.Device) || p.Number == 0 || len(p.Path) == 0 || len(p.Path) > 8:
		return fmt.Errorf("placement: %w", ErrInvalid)
	case len(p.Predecessors) > 32 || len(p.Tags) > 16 || len(p.Serves) > 64 || !validText(p.Name, 200):
		return fmt.Errorf("placement's size: %w", ErrInvalid)
	}
	for i, u := range p.Path {
		if !ValidID(u) {
			return fmt.Errorf("placement's path: %w", ErrInvalid)
		}
		for _, v := range p.Path[:i] {
			if u == v {
				return fmt.Errorf("placement's path: %s twice: %w", u, ErrInvalid)
			}
		}
	}
	if !all(p.Tags, ValidID[string]) || !all(p.Predecessors, ValidID[UnitID]) {
		return fmt.Errorf("placement's tags or predecessors: %w", ErrInvalid)
	}
	for i, s := range p.Serves {
		if !ValidID(s.Village) || s.Share == 0 || s.Share > 1000 || !ValidID(s.By) || !s.On.Valid() {
			return fmt.Errorf("placement's share of %s: %w", s.Village, ErrInvalid)
		}
		if i > 0 && p.Serves[i-1].Village >= s.Village {
			return fmt.Errorf("placement's villages out of order: %w", ErrInvalid)
		}
	}
	return nil
}

// Population is how many people live in a village, by whose count.
type Population struct {
	Village UnitID `cbor:"1,keyasint"`
	People  uint64 `cbor:"2,keyasint"`
	Source  string `cbor:"3,keyasint"`
	On      Date   `cbor:"4,keyasint"`
}

// Populations is signed by a registrar: the denominators of coverage.
type Populations struct {
	Version  uint64       `cbor:"1,keyasint"`
	Unit     UnitID       `cbor:"2,keyasint"`
	Number   uint64       `cbor:"3,keyasint"`
	From     Instant      `cbor:"4,keyasint"`
	Villages []Population `cbor:"5,keyasint"`
}

// Validate checks the rules written beside the fields.
func (p Populations) Validate() error {
	switch {
	case p.Version != Version:
		return fmt.Errorf("populations of version %d: %w", p.Version, ErrVersion)
	case !ValidID(p.Unit) || p.Number == 0 || len(p.Villages) == 0 || len(p.Villages) > 1000:
		return fmt.Errorf("populations: %w", ErrInvalid)
	}
	for i, v := range p.Villages {
		if !ValidID(v.Village) || v.People > 100_000_000 || v.Source == "" || len(v.Source) > 160 || !utf8.ValidString(v.Source) || !v.On.Valid() {
			return fmt.Errorf("population of %s: %w", v.Village, ErrInvalid)
		}
		if i > 0 && p.Villages[i-1].Village >= v.Village {
			return fmt.Errorf("populations out of order: %w", ErrInvalid)
		}
	}
	return nil
}

func classes(cs []Class) error {
	for i, c := range cs {
		if !Known(c) || (i > 0 && cs[i-1] >= c) {
			return fmt.Errorf("classes: %w", ErrInvalid)
		}
	}
	if len(cs) == 0 {
		return fmt.Errorf("no class: %w", ErrInvalid)
	}
	return nil
}
