package protocol

import (
	"fmt"
	"time"
)

// Limits of a bulletin's parts.
const (
	MaxTitle    = 200         // characters
	MaxText     = 10_000      // characters, for the ear or the board
	MaxBulletin = 64 << 10    // bytes of the encoded bulletin
	MaxSound    = 4 * 60 * 60 // seconds of sound
	SoundRate   = 48_000      // frames a second of every sound on the wire
	MaxPicture  = 1 << 20     // bytes of a picture's file
	MaxPictureW = 768         // px: what a board of 1920x1080 has room for beside a text
	MaxPictureH = 1080        // px
)

// Bulletin is one piece of content: frozen when it is submitted. Its digest is
// what approvers sign, so the encoded bytes are kept and passed on verbatim.
type Bulletin struct {
	Version uint64     `cbor:"1,keyasint"`
	ID      BulletinID `cbor:"2,keyasint"`
	Class   Class      `cbor:"3,keyasint"`
	Unit    UnitID     `cbor:"4,keyasint"` // whose bulletin it is
	Author  PersonID   `cbor:"5,keyasint"`
	Title   string     `cbor:"6,keyasint"`
	// Text is what was written, for records and residents.
	Text string `cbor:"7,keyasint,omitempty"`
	// Language is a BCP 47 tag.
	Language string `cbor:"8,keyasint"`
	Sound    *Sound `cbor:"9,keyasint,omitempty"`
	Board    *Board `cbor:"10,keyasint,omitempty"`
	// Previous is the digest of the revision that this one was made from.
	Previous *Digest `cbor:"11,keyasint,omitempty"`
	// Relay is a stream in the place of Sound. It needs FeatureRelay.
	Relay *Relay `cbor:"12,keyasint,omitempty"`
}

// Sound is the rendition that will be heard: Ogg Opus, mono.
type Sound struct {
	Content Content `cbor:"1,keyasint"`
	// Frames is the length at SoundRate, after pre-skip and end trim.
	Frames uint64 `cbor:"2,keyasint"`
	// Loudness is the integrated loudness in hundredths of a LUFS (EBU R128).
	Loudness int64 `cbor:"3,keyasint,omitempty"`
}

// Length returns how long the sound lasts, rounded up to a millisecond.
func (s Sound) Length() time.Duration {
	ms := (s.Frames*1000 + SoundRate - 1) / SoundRate
	return time.Duration(ms) * time.Millisecond
}

// Board is what will be read. The text, the layout and its version are signed;
// the pixels' digests are there to be compared with what a device rendered.
type Board struct {
	Text string `cbor:"1,keyasint"`
	// Layout names the layout: "notice", "emergency", "drill"; with FeatureLayouts
	// "two-line" and "ticker", with FeaturePicture "picture".
	Layout string `cbor:"2,keyasint"`
	// LayoutVersion is the version of the code that turns text into pixels.
	LayoutVersion uint64  `cbor:"3,keyasint"`
	Sizes         []Pages `cbor:"4,keyasint,omitempty"`
	// Sender is who speaks, as the board shows it: "UBND xã Bình An".
	Sender string `cbor:"5,keyasint,omitempty"`
	// Picture stands beside the text, in the layout "picture" and in no other.
	Picture *Picture `cbor:"6,keyasint,omitempty"`
	// Zone is the part of a board that it is meant for, "header" or "ticker"; none, and
	// on boards without that part: where bulletins stand.
	Zone string `cbor:"1110,keyasint,omitempty"`
}

// The parts of a board that bulletins can be meant for. Each is a zone in the sense of
// SCHEDULE.md: it shows one page set at a time, whatever the others show.
const (
	ZoneHeader = "header"
	ZoneTicker = "ticker"
)

// validZoneOf says whether a bulletin or an airing of a class may name a part of boards.
func validZoneOf(c Class, zone string) bool {
	return zone == "" || c != ClassEmergency && ValidID(zone)
}

// LayoutPicture is the layout that has a picture.
const LayoutPicture = "picture"

// Picture is a picture for boards: a PNG file of 8-bit grey levels, made once at
// the hub. Each board makes it smaller by the same integers (protocol/page).
type Picture struct {
	Content Content `cbor:"1,keyasint"`
	Width   uint64  `cbor:"2,keyasint"` // px
	Height  uint64  `cbor:"3,keyasint"`
}

// Validate checks the sizes.
func (p Picture) Validate() error {
	if err := p.Content.Validate(); err != nil {
		return err
	}
	if p.Content.Size > MaxPicture || p.Width == 0 || p.Width > MaxPictureW || p.Height == 0 || p.Height > MaxPictureH {
		return fmt.Errorf("picture of %dx%d px, %d bytes: %w", p.Width, p.Height, p.Content.Size, ErrInvalid)
	}
	return nil
}

// Pages is the expected pixels for one size of board.
type Pages struct {
	Width  uint64 `cbor:"1,keyasint"`
	Height uint64 `cbor:"2,keyasint"`
	Row    uint64 `cbor:"3,keyasint"` // height of a row of text in pixels
	Length Millis `cbor:"4,keyasint"` // two passes of all pages
	// Digests are of the pages' pixels; none where these depend on the airing's
	// times, as an emergency's do.
	Digests []Digest `cbor:"5,keyasint,omitempty"`
}

// Validate checks the rules written beside the fields.
func (b Bulletin) Validate() error {
	switch {
	case b.Version != Version:
		return fmt.Errorf("bulletin of version %d: %w", b.Version, ErrVersion)
	case !ValidID(b.ID) || !ValidID(b.Unit) || !ValidID(b.Author):
		return fmt.Errorf("bulletin id, unit or author: %w", ErrInvalid)
	case !Known(b.Class):
		return fmt.Errorf("bulletin class %d: %w", b.Class, ErrInvalid)
	case b.Title == "" || !validText(b.Title, MaxTitle):
		return fmt.Errorf("bulletin title: %w", ErrInvalid)
	case !validText(b.Text, MaxText):
		return fmt.Errorf("bulletin text: %w", ErrInvalid)
	case len(b.Language) < 2 || !validText(b.Language, 35):
		return fmt.Errorf("bulletin language: %w", ErrInvalid)
	case b.Sound == nil && b.Board == nil && b.Relay == nil:
		return fmt.Errorf("bulletin with neither sound, relay nor board: %w", ErrInvalid)
	case b.Relay != nil && (b.Sound != nil || b.Class == ClassEmergency):
		return fmt.Errorf("relay with a sound, or of an emergency: %w", ErrInvalid)
	}
	if b.Relay != nil {
		if err := b.Relay.Validate(); err != nil {
			return err
		}
	}
	if s := b.Sound; s != nil {
		if err := s.Content.Validate(); err != nil {
			return err
		}
		if s.Frames == 0 || s.Frames > MaxSound*SoundRate {
			return fmt.Errorf("sound of %d frames: %w", s.Frames, ErrInvalid)
		}
	}
	if b.Class == ClassEmergency && b.Board != nil && b.Board.Picture != nil {
		return fmt.Errorf("emergency with a picture: %w", ErrInvalid)
	}
	if b.Board != nil && !validZoneOf(b.Class, b.Board.Zone) {
		return fmt.Errorf("zone of boards: %w", ErrInvalid)
	}
	return b.Board.validate()
}

func (b *Board) validate() error {
	if b == nil {
		return nil
	}
	if b.Text == "" || !validText(b.Text, MaxText) {
		return fmt.Errorf("board text: %w", ErrInvalid)
	}
	if !ValidID(b.Layout) || len(b.Sizes) > 32 || !validText(b.Sender, MaxTitle) {
		return fmt.Errorf("board layout, sizes or sender: %w", ErrInvalid)
	}
	if (b.Layout == LayoutPicture) != (b.Picture != nil) {
		return fmt.Errorf("layout %s with or without a picture: %w", b.Layout, ErrInvalid)
	}
	if b.Picture != nil {
		if err := b.Picture.Validate(); err != nil {
			return err
		}
	}
	for _, s := range b.Sizes {
		if s.Width == 0 || s.Width > 8192 || s.Height == 0 || s.Height > 8192 || s.Row == 0 || s.Row > s.Height {
			return fmt.Errorf("board of %dx%d: %w", s.Width, s.Height, ErrInvalid)
		}
		if s.Length <= 0 || len(s.Digests) > 1000 {
			return fmt.Errorf("board pages: %w", ErrInvalid)
		}
	}
	return nil
}
