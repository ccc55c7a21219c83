package protocol

import (
	"crypto/ed25519"
	"fmt"
	"slices"
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
	return KeyID(d[:keyIDSize])
}

// KeyID is the first 16 bytes of the SHA-256 of a key's kind and public bytes.
type KeyID string

const keyIDSize = 16

// MaxRoots is how many roots there may be.
const MaxRoots = 16

// Roots is who may delegate. A newer list is signed by the threshold of the one
// before, so a lost root is replaced by the others.
type Roots struct {
	Version uint64  `cbor:"1,keyasint"`
	Number  uint64  `cbor:"2,keyasint"` // grows; an older list is refused
	At      Instant `cbor:"3,keyasint"`
	// Threshold is how many of them must sign a delegation, and the next list.
	Threshold uint64 `cbor:"4,keyasint"`
	Keys      []Key  `cbor:"5,keyasint"`
}

// Validate checks the rules written beside the fields.
func (r Roots) Validate() error {
	switch {
	case r.Version != Version:
		return fmt.Errorf("roots of version %d: %w", r.Version, ErrVersion)
	case r.Number == 0 || len(r.Keys) == 0 || len(r.Keys) > MaxRoots:
		return fmt.Errorf("roots' number or keys: %w", ErrInvalid)
	case r.Threshold == 0 || r.Threshold > uint64(len(r.Keys)):
		return fmt.Errorf("%d of %d roots: %w", r.Threshold, len(r.Keys), ErrInvalid)
	}
	for i, k := range r.Keys {
		if err := k.Validate(); err != nil {
			return err
		}
		if k.Kind != KeyEd25519 || slices.ContainsFunc(r.Keys[:i], func(o Key) bool { return o.ID() == k.ID() }) {
			return fmt.Errorf("roots' keys: %w", ErrInvalid)
		}
	}
	return nil
}

// Endorsed is a delegation or a list of roots that several roots signed.
type Endorsed struct {
	Payload []byte `cbor:"1,keyasint"` // verbatim
	// Signatures are detached (envelope.Sign), by different roots.
	Signatures [][]byte `cbor:"2,keyasint"`
}

// Validate checks the counts; signatures are the envelope's matter.
func (e Endorsed) Validate() error {
	if len(e.Payload) == 0 || len(e.Signatures) == 0 || len(e.Signatures) > MaxRoots {
		return fmt.Errorf("endorsed by %d: %w", len(e.Signatures), ErrInvalid)
	}
	return parts("roots' signatures", e.Signatures)
}

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
	// Passkeys are the classes that nothing but passkeys may approve for the unit
	// and below it; a device that knows no passkeys refuses such a list.
	Passkeys []Class `cbor:"7,keyasint,omitempty"`
	// Site is where the people of this list use their passkeys.
	Site *Site `cbor:"1110,keyasint,omitempty"`
}

// Site is the relying party (WebAuthn) of passkeys: assertions of any other are
// refused.
type Site struct {
	ID      string   `cbor:"1,keyasint"` // a host name: "loa.example"
	Origins []string `cbor:"2,keyasint"` // exact: "https://loa.example"
}

// Validate checks the rules written beside the fields.
func (s Site) Validate() error {
	if s.ID == "" || !validText(s.ID, 200) || len(s.Origins) == 0 || len(s.Origins) > 8 {
		return fmt.Errorf("site of passkeys: %w", ErrInvalid)
	}
	for i, o := range s.Origins {
		if o == "" || !validText(o, 250) || slices.Contains(s.Origins[:i], o) {
			return fmt.Errorf("origins of passkeys: %w", ErrInvalid)
		}
	}
	return nil
}

// Validate checks the rules written beside the fields.
func (l Approvers) Validate() error {
	switch {
	case l.Version != Version:
		return fmt.Errorf("approvers of version %d: %w", l.Version, ErrVersion)
	case !ValidID(l.Unit) || l.Number == 0 || l.Expires <= l.Issued || len(l.People) > 100:
		return fmt.Errorf("approvers: %w", ErrInvalid)
	}
	if len(l.Passkeys) > 0 {
		if err := classes(l.Passkeys); err != nil {
			return err
		}
	}
	if l.Site != nil {
		if err := l.Site.Validate(); err != nil {
			return err
		}
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
	// Predecessors are units merged into one of the path: what was approved for them
	// is played on.
	Predecessors []UnitID `cbor:"6,keyasint,omitempty"`
	Tags         []string `cbor:"7,keyasint,omitempty"`
	Serves       []Share  `cbor:"8,keyasint,omitempty"`
	// Name is for people: "Nhà văn hoá thôn Đông".
	Name string `cbor:"9,keyasint,omitempty"`
	// Media are what the device has, and Key is its own, so that an auditor need
	// not take the hub's word. Both are left out where they are not known yet.
	Media []Medium `cbor:"1110,keyasint,omitempty"`
	Key   *Key     `cbor:"1111,keyasint,omitempty"`
}

// Units are those whose plans the device takes, each once: its path and the
// predecessors, which count as units below it.
func (p Placement) Units() []UnitID {
	units := slices.Clone(p.Path)
	for _, u := range p.Predecessors {
		if !slices.Contains(units, u) {
			units = append(units, u)
		}
	}
	return units
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
	for i, m := range p.Media {
		if !Known(m) || (i > 0 && p.Media[i-1] >= m) {
			return fmt.Errorf("placement's media: %w", ErrInvalid)
		}
	}
	if p.Key != nil {
		if err := p.Key.Validate(); err != nil || p.Key.Kind != KeyEd25519 {
			return fmt.Errorf("placement's key: %w", ErrInvalid)
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
