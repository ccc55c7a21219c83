package protocol

import "fmt"

// Proof is what a device knows of its output, in growing order.
type Proof uint8

// The levels of proof. None says more than was measured.
const (
	ProofReceived Proof = 1 // it is on the device
	ProofRendered Proof = 2 // the board's pixels were made; their digest is known
	ProofConsumed Proof = 3 // the sound card took the frames
	ProofShown    Proof = 4 // read back or acknowledged by the board
	ProofLinkUp   Proof = 5
	ProofSeen     Proof = 6
	// ProofRecognised is never sent in a receipt's proof: it is what Receipt.Level makes
	// of consumed sound that a microphone recognised.
	ProofRecognised Proof = 7
)

func (p Proof) names() []string {
	return []string{"", "received", "rendered", "consumed", "shown", "link up", "seen", "recognised"}
}

// String returns the level's word.
func (p Proof) String() string { return nameOf(p) }

// Voice is by which voice an emergency sounded.
type Voice uint8

// The voices of an emergency.
const (
	VoiceDelivered Voice = 1 // the sound that the hub sent
	VoiceDevice    Voice = 2 // the device's own speech
	VoiceSiren     Voice = 3 // the built-in siren
)

func (v Voice) names() []string { return []string{"", "delivered", "device", "siren"} }

// String returns "delivered", "device" or "siren".
func (v Voice) String() string { return nameOf(v) }

// Stretch is a time during which something sounded or was shown.
type Stretch struct {
	From Instant `cbor:"1,keyasint"`
	To   Instant `cbor:"2,keyasint"`
}

// Receipt is a device's word on one occurrence on one medium.
type Receipt struct {
	Airing   AiringID `cbor:"1,keyasint"`
	Unit     UnitID   `cbor:"2,keyasint"` // the airing's
	Start    Instant  `cbor:"3,keyasint"` // scheduled
	Medium   Medium   `cbor:"4,keyasint"`
	Bulletin Digest   `cbor:"5,keyasint"`
	Outcome  Outcome  `cbor:"6,keyasint"`
	Reason   Reason   `cbor:"7,keyasint,omitempty"`
	Proof    Proof    `cbor:"8,keyasint,omitempty"`
	// Plays are the stretches that sounded or were shown.
	Plays []Stretch `cbor:"9,keyasint,omitempty"`
	// Frames is how many frames of sound the card took, at SoundRate.
	Frames uint64 `cbor:"10,keyasint,omitempty"`
	// Uncertainty is how wrong the device's clock may have been.
	Uncertainty Millis `cbor:"11,keyasint,omitempty"`
	Volume      uint64 `cbor:"12,keyasint,omitempty"` // per cent, after ceilings
	Config      Digest `cbor:"13,keyasint"`           // of the device's configuration
	Voice       Voice  `cbor:"14,keyasint,omitempty"`
	// Pixels are the digests of the pages shown, each once, at most MaxPixels.
	Pixels []Digest `cbor:"15,keyasint,omitempty"`
	// Placement is the version of the placement in force.
	Placement uint64 `cbor:"16,keyasint"`
	// Heard is what a microphone beside the loudspeaker made of it.
	Heard *Heard `cbor:"1100,keyasint,omitempty"`
	// Keyed is when somebody at the board ended this emergency; 0 if nobody did.
	Keyed Instant `cbor:"1110,keyasint,omitempty"`
}

// Heard is a device's own test through a microphone: of the sound that it listened for,
// how much it recognised as the bulletin's.
type Heard struct {
	Listened   Millis `cbor:"1,keyasint"`
	Recognised Millis `cbor:"2,keyasint,omitempty"`
}

// RecognisedShare is how many per cent of what was listened for have to be recognised.
const RecognisedShare = 80

// Validate checks the order of the numbers.
func (h Heard) Validate() error {
	if h.Listened <= 0 || h.Recognised < 0 || h.Recognised > h.Listened {
		return fmt.Errorf("microphone: %w", ErrInvalid)
	}
	return nil
}

// Level is the highest level of proof that a receipt gives: recognised if the card took
// the sound and the microphone recognised enough of it, else its proof.
func (r Receipt) Level() Proof {
	if r.Proof == ProofConsumed && r.Heard != nil && r.Heard.Recognised*100 >= r.Heard.Listened*RecognisedShare {
		return ProofRecognised
	}
	return r.Proof
}

// Bounds of a receipt, so that an entry always fits into a control packet.
const (
	MaxPlays  = 200
	MaxPixels = 256
)

// fits says whether a level of proof can be had of a medium.
func (p Proof) fits(m Medium) bool {
	if m == MediumSound {
		return p == ProofReceived || p == ProofConsumed
	}
	return Known(p) && p != ProofConsumed && p != ProofRecognised
}

// Validate checks the rules written beside the fields.
func (r Receipt) Validate() error {
	bad := func(what string) error {
		return fmt.Errorf("receipt for %s: %s: %w", r.Airing, what, ErrInvalid)
	}
	switch {
	case !ValidID(r.Airing) || !ValidID(r.Unit):
		return bad("airing or unit")
	case !Known(r.Medium) || !Known(r.Outcome) || r.Outcome == OutcomeLost:
		return bad("medium or outcome")
	case (r.Outcome == OutcomePlayed) != (r.Reason == ReasonNone) || (r.Reason != ReasonNone && !Known(r.Reason)):
		return bad("reason")
	case r.Proof != 0 && !r.Proof.fits(r.Medium), r.Voice != 0 && !Known(r.Voice):
		return bad("proof or voice")
	case len(r.Plays) > MaxPlays || len(r.Pixels) > MaxPixels || r.Volume > 100 || r.Uncertainty < 0:
		return bad("plays, pixels, volume or uncertainty")
	case r.Medium == MediumSound && len(r.Pixels) > 0, r.Medium == MediumBoard && (r.Frames > 0 || r.Voice != 0):
		return bad("a field of another medium")
	case r.Outcome == OutcomePlayed && (len(r.Plays) == 0 || r.Proof <= ProofReceived):
		return bad("played without a stretch or a proof")
	case r.Outcome == OutcomeSkipped && len(r.Plays) > 0:
		return bad("skipped, yet it sounded")
	}
	if r.Heard != nil && (r.Medium != MediumSound || r.Proof != ProofConsumed || r.Heard.Validate() != nil) {
		return bad("microphone")
	}
	if r.Keyed != 0 && (r.Medium != MediumBoard || r.Keyed < 0) {
		return bad("ended at the board")
	}
	last := Instant(-1 << 62)
	for _, p := range r.Plays {
		if p.To <= p.From || p.From < last {
			return bad("stretches")
		}
		last = p.To
	}
	return nil
}

// Genesis says why a chain of receipts began.
type Genesis uint8

// The reasons for a new chain.
const (
	GenesisNew      Genesis = 1
	GenesisLost     Genesis = 2 // the storage was lost
	GenesisReplaced Genesis = 3 // another device in its place
)

func (g Genesis) names() []string { return []string{"", "new", "storage lost", "replaced"} }

// String returns the reason in words.
func (g Genesis) String() string { return nameOf(g) }

// Loss says that the receipts of a range were lost; it takes their whole range.
type Loss struct {
	Through uint64 `cbor:"1,keyasint"` // the last seq of the range, inclusive
	Reason  string `cbor:"2,keyasint"`
}

// Entry is one link of a device's chain: a genesis, a receipt or a loss.
type Entry struct {
	Seq     uint64   `cbor:"1,keyasint"`           // from 1 on
	Prev    Digest   `cbor:"2,keyasint"`           // of the entry before; zero for the first
	At      Instant  `cbor:"3,keyasint"`           // when it was written
	Genesis Genesis  `cbor:"4,keyasint,omitempty"` // of the first entry
	Before  *Digest  `cbor:"5,keyasint,omitempty"` // head of the chain before, if known
	Receipt *Receipt `cbor:"6,keyasint,omitempty"`
	Loss    *Loss    `cbor:"7,keyasint,omitempty"`
}

// Validate checks that an entry is one thing, in its place.
func (e Entry) Validate() error {
	kinds := 0
	for _, is := range []bool{e.Genesis != 0, e.Receipt != nil, e.Loss != nil} {
		if is {
			kinds++
		}
	}
	switch {
	case e.Seq == 0 || kinds != 1:
		return fmt.Errorf("entry %d of %d kinds: %w", e.Seq, kinds, ErrInvalid)
	case (e.Seq == 1) != (e.Genesis != 0) || (e.Seq == 1) != e.Prev.IsZero():
		return fmt.Errorf("entry %d: only the first is a genesis: %w", e.Seq, ErrInvalid)
	case e.Genesis != 0 && !Known(e.Genesis), e.Before != nil && (e.Genesis == 0 || e.Before.IsZero()):
		return fmt.Errorf("genesis: %w", ErrInvalid)
	case e.Loss != nil && (e.Loss.Through < e.Seq || e.Loss.Reason == "" || !validText(e.Loss.Reason, 200)):
		return fmt.Errorf("loss: %w", ErrInvalid)
	}
	if e.Receipt != nil {
		return e.Receipt.Validate()
	}
	return nil
}

// Last returns the last seq that the entry takes.
func (e Entry) Last() uint64 {
	if e.Loss != nil {
		return e.Loss.Through
	}
	return e.Seq
}

// Head is where a chain stands. It is the signed payload of a batch and of an
// acknowledgement; in the latter it is what the hub has committed.
type Head struct {
	Device DeviceID `cbor:"1,keyasint"`
	Chain  Digest   `cbor:"2,keyasint"` // the chain's random id
	Seq    uint64   `cbor:"3,keyasint"` // the last that is covered
	Hash   Digest   `cbor:"4,keyasint"` // of the last entry's bytes
}

// Validate checks the rules written beside the fields.
func (h Head) Validate() error {
	if !ValidID(h.Device) || h.Chain.IsZero() || h.Seq == 0 || h.Hash.IsZero() {
		return fmt.Errorf("head of a chain: %w", ErrInvalid)
	}
	return nil
}

// Batch is the payload of topic d/{device}/receipt: consecutive entries, signed
// once over the head that they lead to.
type Batch struct {
	Head    []byte   `cbor:"1,keyasint"` // a signed Head
	Entries [][]byte `cbor:"2,keyasint"` // encoded entries, in order
}

// MaxBatch is how many entries one batch may hold.
const MaxBatch = 256

// Validate checks the counts.
func (b Batch) Validate() error {
	if len(b.Head) == 0 || len(b.Entries) == 0 || len(b.Entries) > MaxBatch {
		return fmt.Errorf("batch of %d entries: %w", len(b.Entries), ErrInvalid)
	}
	return parts("batch's entries", b.Entries)
}

// Link checks that encoded entries follow one another up to head and returns
// them decoded. That the first one follows what is held is the caller's to check
// (Entry.Prev and Entry.Seq). Errors: those of Unmarshal; ErrInvalid if the chain is broken.
func Link(head Head, encoded [][]byte) ([]Entry, error) {
	entries := make([]Entry, 0, len(encoded))
	var prev Digest
	for i, b := range encoded {
		e, err := Unmarshal[Entry](b, MaxControl)
		if err != nil {
			return nil, err
		}
		if i > 0 && (e.Prev != prev || e.Seq != entries[i-1].Last()+1) {
			return nil, fmt.Errorf("entry %d does not follow: %w", e.Seq, ErrInvalid)
		}
		prev = DigestOf(b)
		entries = append(entries, e)
	}
	if n := len(entries); n == 0 || entries[n-1].Last() != head.Seq || prev != head.Hash {
		return nil, fmt.Errorf("entries do not lead to the head: %w", ErrInvalid)
	}
	return entries, nil
}
