package protocol

import (
	"fmt"
	"time"
)

// Relay is a live stream that a bulletin lets on air: whose, how long at most
// and in which part of the day. Its sound travels as Frames that the session's
// key signs; the approval of the bulletin is what lets that key speak. A device
// ends it by itself. An airing of it names the encoded bulletin as its sound,
// and in SoundFor how long it is to sound, at most Length.
type Relay struct {
	// Source is who is heard, for people: "Đài Tiếng nói Việt Nam, VOV1".
	Source string `cbor:"1,keyasint"`
	// URL is where the hub takes it from; empty for what is spoken at the console.
	URL     string    `cbor:"2,keyasint,omitempty"`
	Session SessionID `cbor:"3,keyasint"`
	Key     Key       `cbor:"4,keyasint"` // of the session; Ed25519
	Length  Millis    `cbor:"5,keyasint"` // of one occurrence, at most
	// From and To are the slot in minutes of the local day: an occurrence's whole
	// window lies in it.
	From uint64 `cbor:"6,keyasint"`
	To   uint64 `cbor:"7,keyasint"`
	// Silence is for how long the source may be silent before that is a fault.
	Silence Millis `cbor:"8,keyasint"`
}

// Bounds of relays.
const (
	MaxURL          = 2000 // bytes
	MaxRelay        = 4 * time.Hour
	MaxSilence      = 10 * time.Minute
	MaxFrames       = 10   // packets in one Frames
	MaxFrame        = 1275 // bytes of one packet
	FrameTime       = 20 * time.Millisecond
	dayMinutes      = 24 * 60
	maxFramesNumber = 1 << 53
)

// Validate checks the rules written beside the fields.
func (r Relay) Validate() error {
	switch {
	case r.Source == "" || !validText(r.Source, MaxTitle) || !validText(r.URL, MaxURL):
		return fmt.Errorf("relay's source or URL: %w", ErrInvalid)
	case !ValidID(r.Session) || r.Key.Kind != KeyEd25519 || r.Key.Validate() != nil:
		return fmt.Errorf("relay's session or key: %w", ErrInvalid)
	case r.Length <= 0 || r.Length.Duration() > MaxRelay:
		return fmt.Errorf("relay of %s: %w", r.Length.Duration(), ErrInvalid)
	case r.From >= r.To || r.To > dayMinutes:
		return fmt.Errorf("relay's slot: %w", ErrInvalid)
	case r.Silence.Duration() < time.Second || r.Silence.Duration() > MaxSilence:
		return fmt.Errorf("relay's silence: %w", ErrInvalid)
	}
	return nil
}

// Within says whether an occurrence that starts at t, a local time, has its whole
// window in the slot.
func (r Relay) Within(t time.Time, window time.Duration) bool {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
	at := func(minutes uint64) time.Time {
		return time.Date(day.Year(), day.Month(), day.Day(), 0, int(minutes), 0, 0, day.Location())
	}
	return !t.Before(at(r.From)) && !t.Add(window).After(at(r.To))
}

// Frames is a piece of a session: Opus packets of 20 ms, mono, one after the
// other. It travels in an envelope sealed with the session's key.
type Frames struct {
	Version uint64    `cbor:"1,keyasint"`
	Session SessionID `cbor:"2,keyasint"`
	// Number grows by one with each piece; a new run of the hub goes on past the
	// last one, at the 200 ms since 1970 at least.
	Number uint64 `cbor:"3,keyasint"`
	// At is when the first packet was taken in, by the hub's clock.
	At      Instant  `cbor:"4,keyasint"`
	Packets [][]byte `cbor:"5,keyasint"`
}

// Validate checks the rules written beside the fields.
func (f Frames) Validate() error {
	switch {
	case f.Version != Version:
		return fmt.Errorf("frames of version %d: %w", f.Version, ErrVersion)
	case !ValidID(f.Session) || f.Number == 0 || f.Number > maxFramesNumber || f.At <= 0:
		return fmt.Errorf("frames' session, number or instant: %w", ErrInvalid)
	case len(f.Packets) == 0 || len(f.Packets) > MaxFrames:
		return fmt.Errorf("%d frames: %w", len(f.Packets), ErrInvalid)
	case !all(f.Packets, func(p []byte) bool { return len(p) > 0 && len(p) <= MaxFrame }):
		return fmt.Errorf("a frame's length: %w", ErrInvalid)
	}
	return nil
}
