package protocol

import "fmt"

// Scope says what a stop stops.
type Scope uint8

// The scopes of a stop.
const (
	ScopeOccurrence Scope = 1 // one airing at one start
	ScopeAiring     Scope = 2 // its starts up to the stop's instant
	ScopeUnit       Scope = 3 // all starts up to the stop's instant in a unit and below
)

func (s Scope) names() []string { return []string{"", "occurrence", "airing", "unit"} }

// String returns "occurrence", "airing" or "unit".
func (s Scope) String() string { return nameOf(s) }

// Stop silences. It is kept as a tombstone until it expires and applies to
// airings that arrive later.
type Stop struct {
	ID      StopID   `cbor:"1,keyasint"`
	Scope   Scope    `cbor:"2,keyasint"`
	Unit    UnitID   `cbor:"3,keyasint"` // the unit that it is sent to
	Airing  AiringID `cbor:"4,keyasint,omitempty"`
	Start   Instant  `cbor:"5,keyasint,omitempty"`
	At      Instant  `cbor:"6,keyasint"`
	Expires Instant  `cbor:"7,keyasint"`
	By      PersonID `cbor:"8,keyasint"` // on whose act
}

// Validate checks the rules written beside the fields.
func (s Stop) Validate() error {
	switch {
	case !ValidID(s.ID) || !Known(s.Scope) || !ValidID(s.Unit) || !ValidID(s.By):
		return fmt.Errorf("stop: %w", ErrInvalid)
	case (s.Scope == ScopeUnit) != (s.Airing == "") || (s.Scope == ScopeOccurrence) != (s.Start != 0):
		return fmt.Errorf("stop's scope: %w", ErrInvalid)
	case s.Airing != "" && !ValidID(s.Airing), s.Expires <= s.At:
		return fmt.Errorf("stop's airing or expiry: %w", ErrInvalid)
	}
	return nil
}

// Alert is the signed payload of topics u/{unit}/alert and d/{device}/alert: an
// emergency with all that a device needs to believe it, or a stop.
type Alert struct {
	Version uint64 `cbor:"1,keyasint"`
	// Airing stands in the unit's plan as well, under the same id.
	Airing   *Airing `cbor:"2,keyasint,omitempty"`
	Bulletin []byte  `cbor:"3,keyasint,omitempty"` // the encoded Bulletin
	Approval []byte  `cbor:"4,keyasint,omitempty"` // the encoded Approval
	Stop     *Stop   `cbor:"5,keyasint,omitempty"`
	// Zone is the zone of the airing's start.
	Zone string `cbor:"6,keyasint,omitempty"`
	// Nonce answers a device whose clock is not sure.
	Nonce []byte `cbor:"7,keyasint,omitempty"`
}

// Validate checks that it is an emergency or a stop, and whole.
func (a Alert) Validate() error {
	switch {
	case a.Version != Version:
		return fmt.Errorf("alert of version %d: %w", a.Version, ErrVersion)
	case (a.Airing == nil) == (a.Stop == nil):
		return fmt.Errorf("alert must be an airing or a stop: %w", ErrInvalid)
	case len(a.Nonce) != 0 && len(a.Nonce) != NonceSize:
		return fmt.Errorf("alert's nonce: %w", ErrInvalid)
	}
	if a.Stop != nil {
		if len(a.Bulletin)+len(a.Approval) > 0 || a.Zone != "" {
			return fmt.Errorf("stop with a bulletin: %w", ErrInvalid)
		}
		return a.Stop.Validate()
	}
	switch {
	case a.Airing.Class != ClassEmergency:
		return fmt.Errorf("alert of class %s: %w", a.Airing.Class, ErrInvalid)
	case DigestOf(a.Bulletin) != a.Airing.Bulletin.Digest || DigestOf(a.Approval) != a.Airing.Approval.Digest:
		return fmt.Errorf("alert's bulletin or approval is not its airing's: %w", ErrInvalid)
	case !validZone(a.Zone):
		return fmt.Errorf("alert's zone: %w", ErrInvalid)
	}
	return a.Airing.Validate()
}

// Seen is the payload of topic d/{device}/seen: a device's verdict on an alert.
type Seen struct {
	Alert    Digest  `cbor:"1,keyasint"` // of the signed bytes
	Accepted bool    `cbor:"2,keyasint,omitempty"`
	Reason   Reason  `cbor:"3,keyasint,omitempty"`
	At       Instant `cbor:"4,keyasint"`
}

// Validate checks that a refusal has its reason.
func (s Seen) Validate() error {
	if s.Alert.IsZero() || s.Accepted != (s.Reason == ReasonNone) || (s.Reason != ReasonNone && !Known(s.Reason)) {
		return fmt.Errorf("verdict on an alert: %w", ErrInvalid)
	}
	return nil
}

// Action is what a command asks of one device.
type Action uint8

// The actions.
const (
	ActionPlacement Action = 1 // take a new placement
	ActionResync    Action = 2 // say what you hold, and send unacknowledged receipts from a seq on
	ActionMute      Action = 3
	ActionUnmute    Action = 4
	ActionTone      Action = 5 // sound a test tone; feature "tone/1"
)

// MaxTone is how long a test tone may be, and ToneValid for how long after its command
// it may begin.
const (
	MaxTone   = Millis(10_000)
	ToneValid = Millis(30_000)
)

func (a Action) names() []string {
	return []string{"", "placement", "resync", "mute", "unmute", "tone"}
}

// String returns the action's name.
func (a Action) String() string { return nameOf(a) }

// Command is the signed payload of topic d/{device}/cmd.
type Command struct {
	Version uint64   `cbor:"1,keyasint"`
	Device  DeviceID `cbor:"2,keyasint"`
	// Number grows with each command to a device; an older one is ignored.
	Number uint64  `cbor:"3,keyasint"`
	Action Action  `cbor:"4,keyasint"`
	At     Instant `cbor:"5,keyasint"`
	// Placement is the registrar's signed placement.
	Placement []byte `cbor:"6,keyasint,omitempty"`
	// Lists are the trust documents that the placement needs.
	Lists []Content `cbor:"7,keyasint,omitempty"`
	// Seq asks for receipts from there on.
	Seq uint64 `cbor:"8,keyasint,omitempty"`
	// Tone is the test tone.
	Tone *Tone `cbor:"1100,keyasint,omitempty"`
}

// Tone is a test tone, which sounds only while nothing else would.
type Tone struct {
	Length Millis `cbor:"1,keyasint"` // at most MaxTone
	Volume uint64 `cbor:"2,keyasint"` // per cent, before ceilings
}

// Validate checks the bounds.
func (t Tone) Validate() error {
	if t.Length <= 0 || t.Length > MaxTone || t.Volume == 0 || t.Volume > 100 {
		return fmt.Errorf("tone: %w", ErrInvalid)
	}
	return nil
}

// Validate checks that the fields are those of the action.
func (c Command) Validate() error {
	switch {
	case c.Version != Version:
		return fmt.Errorf("command of version %d: %w", c.Version, ErrVersion)
	case !ValidID(c.Device) || c.Number == 0 || !Known(c.Action) || len(c.Lists) > 64:
		return fmt.Errorf("command: %w", ErrInvalid)
	case (c.Action == ActionPlacement) != (len(c.Placement) > 0), c.Seq != 0 && c.Action != ActionResync,
		(c.Action == ActionTone) != (c.Tone != nil):
		return fmt.Errorf("command %s: a field of another action: %w", c.Action, ErrInvalid)
	}
	if c.Tone != nil {
		if err := c.Tone.Validate(); err != nil {
			return fmt.Errorf("command: %w", err)
		}
	}
	for _, l := range c.Lists {
		if err := l.Validate(); err != nil {
			return fmt.Errorf("command's lists: %w", err)
		}
	}
	return nil
}

// NonceSize is the length of a nonce, in bytes.
const NonceSize = 16

// Ask is the payload of topic d/{device}/ask: a nonce, for the time and for
// whatever the hub has for the device.
type Ask struct {
	Nonce []byte `cbor:"1,keyasint"`
	// Resync asks for plans and alerts too.
	Resync bool `cbor:"2,keyasint,omitempty"`
}

// Validate checks the nonce's length.
func (a Ask) Validate() error {
	if len(a.Nonce) != NonceSize {
		return fmt.Errorf("nonce of %d bytes: %w", len(a.Nonce), ErrInvalid)
	}
	return nil
}

// TimeAnswer is the signed payload of topic d/{device}/time.
type TimeAnswer struct {
	Device DeviceID `cbor:"1,keyasint"`
	Nonce  []byte   `cbor:"2,keyasint"`
	At     Instant  `cbor:"3,keyasint"` // the hub's clock when it signed
	// Uncertainty is how wrong the hub's own clock may be.
	Uncertainty Millis `cbor:"4,keyasint,omitempty"`
	// Content is where content can be had over HTTPS as well: what ContentPath
	// is appended to. Empty: over MQTT alone.
	Content string `cbor:"1100,keyasint,omitempty"`
}

// Validate checks the nonce's length.
func (a TimeAnswer) Validate() error {
	if !ValidID(a.Device) || len(a.Nonce) != NonceSize || a.At <= 0 || a.Uncertainty < 0 || !validBase(a.Content) {
		return fmt.Errorf("time answer: %w", ErrInvalid)
	}
	return nil
}
