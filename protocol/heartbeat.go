package protocol

import "fmt"

// Held is a plan or list that a device holds.
type Held struct {
	Unit   UnitID `cbor:"1,keyasint"`
	Number uint64 `cbor:"2,keyasint"`
}

// Display is the size of a board.
type Display struct {
	Width  uint64 `cbor:"1,keyasint"`
	Height uint64 `cbor:"2,keyasint"`
	Row    uint64 `cbor:"3,keyasint"`
}

// ZoneSize is the size of a part of a board that bulletins can be meant for.
type ZoneSize struct {
	Name string  `cbor:"1,keyasint"`
	Size Display `cbor:"2,keyasint"`
}

// Keyed says that somebody at a board ended the emergency on it, by the board's key or
// by loa-agent's command.
type Keyed struct {
	Airing AiringID `cbor:"1,keyasint"`
	At     Instant  `cbor:"2,keyasint"`
}

// MaxKeyed is how many of those a device remembers.
const MaxKeyed = 8

// Feature names of Heartbeat.Features.
const (
	FeatureSound     = "sound"
	FeatureBoard     = "board"
	FeaturePage1     = "page/1"
	FeaturePage2     = "page/2" // Board.LayoutVersion 2
	FeaturePage3     = "page/3" // Board.LayoutVersion 3
	FeaturePage4     = "page/4" // Board.LayoutVersion 4
	FeatureEmergency = "emergency"
	FeaturePasskey   = "passkey"   // approvals by passkeys, lists that demand them
	FeatureRoots     = "roots"     // several roots with a threshold, lists of roots
	FeatureRelay     = "relay/1"   // Bulletin.Relay and the topics of sessions
	FeatureLayouts   = "layouts/1" // the layouts "two-line" and "ticker"
	FeaturePicture   = "picture/1" // Board.Picture
	FeatureTone      = "tone/1"    // ActionTone
	FeatureLimits    = "limits/1"  // Plan.Limits
)

// Heartbeat is the payload of topic d/{device}/state: what a device holds and
// how it is. The broker sends the will, with Online false, for it.
type Heartbeat struct {
	Version uint64   `cbor:"1,keyasint"`
	Device  DeviceID `cbor:"2,keyasint"`
	// Connection grows with each connection; the hub ignores a lower one.
	Connection  uint64   `cbor:"3,keyasint"`
	Online      bool     `cbor:"4,keyasint,omitempty"`
	At          Instant  `cbor:"5,keyasint"`
	Plans       []Held   `cbor:"6,keyasint,omitempty"`
	Lists       []Digest `cbor:"7,keyasint,omitempty"`
	Placement   uint64   `cbor:"8,keyasint,omitempty"` // version held
	Features    []string `cbor:"9,keyasint,omitempty"`
	Board       *Display `cbor:"10,keyasint,omitempty"`
	ClockSure   bool     `cbor:"11,keyasint,omitempty"`
	Uncertainty Millis   `cbor:"12,keyasint,omitempty"`
	Muted       bool     `cbor:"13,keyasint,omitempty"`
	// Missing is how many pieces of content the device still lacks.
	Missing uint64 `cbor:"14,keyasint,omitempty"`
	Free    uint64 `cbor:"15,keyasint,omitempty"` // bytes of storage left
	// Unacked is how many entries of the chain are not acknowledged.
	Unacked  uint64   `cbor:"16,keyasint,omitempty"`
	Software string   `cbor:"17,keyasint,omitempty"`
	Config   Digest   `cbor:"18,keyasint"`
	Playing  AiringID `cbor:"19,keyasint,omitempty"`
	// Faults are short names of what is wrong: "sound", "board", "storage"
	// (it failed), "space" (it is too small), "clock", "config", "amplifier",
	// "microphone", "board-size" (the board is not of the size that its profile says),
	// "key" (the board's key cannot be read).
	Faults []string `cbor:"20,keyasint,omitempty"`
	// Stops are the ids of the stops held.
	Stops []StopID `cbor:"21,keyasint,omitempty"`
	// Chain says which receipts the device still has.
	Chain *ChainState `cbor:"1100,keyasint,omitempty"`
	// Needs is how many bytes of storage the missing content will still take; with
	// Free it says whether there is room.
	Needs uint64 `cbor:"1101,keyasint,omitempty"`
	// Progress is how far what is on was at the heartbeat's instant.
	Progress *Progress `cbor:"1102,keyasint,omitempty"`
	// Tone is what became of the last test tone.
	Tone *ToneResult `cbor:"1103,keyasint,omitempty"`
	// Keyed are the emergencies that were last ended at the board, oldest first.
	Keyed []Keyed `cbor:"1110,keyasint,omitempty"`
	// Whole is the whole board's size, which emergencies take, if Board is a part of it.
	Whole *Display `cbor:"1111,keyasint,omitempty"`
	// Zones are the parts beside Board that bulletins can be meant for.
	Zones []ZoneSize `cbor:"1112,keyasint,omitempty"`
	// Light is how bright the board is now, in per cent; 0 is not known.
	Light uint64 `cbor:"1120,keyasint,omitempty"`
}

// Progress is how far a play is.
type Progress struct {
	Position Millis `cbor:"1,keyasint,omitempty"` // from the item's beginning
	Length   Millis `cbor:"2,keyasint"`
	Volume   uint64 `cbor:"3,keyasint,omitempty"` // of sound, per cent, after ceilings
}

// Validate checks the order of the numbers.
func (p Progress) Validate() error {
	if p.Position < 0 || p.Length <= 0 || p.Position > p.Length || p.Volume > 100 {
		return fmt.Errorf("progress: %w", ErrInvalid)
	}
	return nil
}

// ToneResult says what became of a test tone.
type ToneResult struct {
	Number uint64 `cbor:"1,keyasint"` // of its command
	// Reason is why it did not sound whole: muted, quiet hours, busy, expired, clock
	// unsure, emergency or fault; none if the card took all of it.
	Reason Reason  `cbor:"2,keyasint,omitempty"`
	At     Instant `cbor:"3,keyasint"`
}

// Validate checks the rules written beside the fields.
func (t ToneResult) Validate() error {
	if t.Number == 0 || t.At <= 0 || (t.Reason != ReasonNone && !Known(t.Reason)) {
		return fmt.Errorf("result of a tone: %w", ErrInvalid)
	}
	return nil
}

// ChainState is where a device's chain of receipts stands and what of it is
// kept, so that a hub that lost some can ask for them.
type ChainState struct {
	Chain Digest `cbor:"1,keyasint"` // the chain's random id
	Seq   uint64 `cbor:"2,keyasint"` // the last that is taken
	// Acked is the last that the hub has acknowledged, 0 for none.
	Acked uint64 `cbor:"3,keyasint,omitempty"`
	// Oldest is the first seq that the device still has, acknowledged or not.
	Oldest uint64 `cbor:"4,keyasint"`
}

// Validate checks the order of the numbers.
func (c ChainState) Validate() error {
	if c.Chain.IsZero() || c.Oldest == 0 || c.Oldest > c.Seq || c.Acked > c.Seq {
		return fmt.Errorf("state of a chain: %w", ErrInvalid)
	}
	return nil
}

// Validate checks the rules written beside the fields.
func (h Heartbeat) Validate() error {
	switch {
	case h.Version != Version:
		return fmt.Errorf("heartbeat of version %d: %w", h.Version, ErrVersion)
	case !ValidID(h.Device) || len(h.Plans) > 64 || len(h.Lists) > 256 || len(h.Features) > 64 || len(h.Faults) > 16 || len(h.Stops) > 256:
		return fmt.Errorf("heartbeat: %w", ErrInvalid)
	case !all(h.Features, validWord) || !all(h.Faults, validWord) || !all(h.Stops, ValidID[StopID]):
		return fmt.Errorf("heartbeat's features, faults or stops: %w", ErrInvalid)
	case h.Light > 100 || (h.Light > 0 && h.Board == nil):
		return fmt.Errorf("heartbeat's brightness: %w", ErrInvalid)
	case h.Board != nil && (h.Board.Width == 0 || h.Board.Height == 0 || h.Board.Row == 0):
		return fmt.Errorf("heartbeat's board: %w", ErrInvalid)
	case !validText(h.Software, 64) || h.Uncertainty < 0 || (h.Playing != "" && !ValidID(h.Playing)):
		return fmt.Errorf("heartbeat's software, clock or airing: %w", ErrInvalid)
	}
	if h.Chain != nil {
		if err := h.Chain.Validate(); err != nil {
			return fmt.Errorf("heartbeat's receipts: %w", err)
		}
	}
	if h.Progress != nil {
		if err := h.Progress.Validate(); err != nil || h.Playing == "" {
			return fmt.Errorf("heartbeat's progress: %w", ErrInvalid)
		}
	}
	if h.Tone != nil {
		if err := h.Tone.Validate(); err != nil {
			return fmt.Errorf("heartbeat: %w", err)
		}
	}
	for _, p := range h.Plans {
		if !ValidID(p.Unit) {
			return fmt.Errorf("heartbeat's plans: %w", ErrInvalid)
		}
	}
	return h.boards()
}

// boards checks what it says of the board beside its size.
func (h Heartbeat) boards() error {
	whole := func(d Display) bool { return d.Width > 0 && d.Height > 0 && d.Row > 0 }
	switch {
	case len(h.Keyed) > MaxKeyed || !all(h.Keyed, func(k Keyed) bool { return ValidID(k.Airing) && k.At > 0 }):
		return fmt.Errorf("heartbeat's ended emergencies: %w", ErrInvalid)
	case h.Board == nil && (h.Whole != nil || len(h.Zones) > 0), h.Whole != nil && !whole(*h.Whole),
		len(h.Zones) > 8 || !all(h.Zones, func(z ZoneSize) bool { return ValidID(z.Name) && whole(z.Size) }):
		return fmt.Errorf("heartbeat's parts of the board: %w", ErrInvalid)
	}
	return nil
}

// validWord says whether s is 1 to 64 characters of text.
func validWord(s string) bool { return s != "" && validText(s, 64) }
