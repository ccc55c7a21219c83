package protocol

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// Airing says that a bulletin is to be heard or read in a unit by a rule. It is
// immutable: an edit is a new airing that replaces it. SCHEDULE.md says what its
// fields mean; lengths are per medium, and 0 means that it is not for that one.
type Airing struct {
	ID       AiringID `cbor:"1,keyasint"`
	Unit     UnitID   `cbor:"2,keyasint"`
	Class    Class    `cbor:"3,keyasint"`
	Bulletin Content  `cbor:"4,keyasint"` // the encoded Bulletin
	Approval Content  `cbor:"5,keyasint"` // the encoded Approval
	Sound    *Content `cbor:"6,keyasint,omitempty"`
	// Start is a local time of the plan's zone, "2006-01-02T15:04:05" or with
	// milliseconds, "2006-01-02T15:04:05.000".
	Start     string   `cbor:"7,keyasint"`
	Rule      string   `cbor:"8,keyasint,omitempty"`
	ExDates   []string `cbor:"9,keyasint,omitempty"`
	RDates    []string `cbor:"10,keyasint,omitempty"`
	SoundFor  Millis   `cbor:"11,keyasint,omitempty"`
	BoardFor  Millis   `cbor:"12,keyasint,omitempty"`
	Lateness  Millis   `cbor:"13,keyasint,omitempty"`
	Order     int64    `cbor:"14,keyasint,omitempty"`
	Approved  Instant  `cbor:"15,keyasint"`
	AfterCut  AfterCut `cbor:"16,keyasint,omitempty"`
	Night     bool     `cbor:"17,keyasint,omitempty"`
	Published Instant  `cbor:"18,keyasint"`
	Replaces  AiringID `cbor:"19,keyasint,omitempty"`
	// Volume is in per cent of the device's full scale, under its ceilings.
	Volume uint64 `cbor:"20,keyasint"`
	// The rest is for emergencies only.
	Drill      bool     `cbor:"21,keyasint,omitempty"`
	Until      Instant  `cbor:"22,keyasint,omitempty"`
	Passes     uint64   `cbor:"23,keyasint,omitempty"`
	Every      Millis   `cbor:"24,keyasint,omitempty"`
	Supersedes AiringID `cbor:"25,keyasint,omitempty"`
	// BoardZone is the bulletin's Board.Zone: known before the bulletin is there, and
	// refused if that says otherwise.
	BoardZone string `cbor:"1110,keyasint,omitempty"`
}

// Bounds of an airing's lengths.
const (
	MaxLength   = 24 * time.Hour
	MaxLateness = 7 * 24 * time.Hour
	MaxPass     = 120 * time.Second // one pass of an emergency
	MaxDates    = 400               // EXDATEs or RDATEs of one airing
)

// LengthFor returns how long one play lasts on a medium, 0 if it is not for it.
func (a Airing) LengthFor(m Medium) time.Duration {
	if m == MediumBoard {
		return a.BoardFor.Duration()
	}
	return a.SoundFor.Duration()
}

// Validate checks the rules written beside the fields. Rules of recurrence are
// the schedule's matter.
func (a Airing) Validate() error {
	bad := func(field string) error { return fmt.Errorf("airing %s: %s: %w", a.ID, field, ErrInvalid) }
	switch {
	case !ValidID(a.ID) || !ValidID(a.Unit):
		return bad("id or unit")
	case !Known(a.Class):
		return bad("class")
	case !validLocal(a.Start) || len(a.Rule) > 500 || !utf8.ValidString(a.Rule):
		return bad("start or rule")
	case len(a.ExDates) > MaxDates || len(a.RDates) > MaxDates,
		!all(a.ExDates, validLocal) || !all(a.RDates, validLocal):
		return bad("dates")
	case a.SoundFor < 0 || a.BoardFor < 0 || a.SoundFor+a.BoardFor == 0,
		a.SoundFor.Duration() > MaxLength || a.BoardFor.Duration() > MaxLength:
		return bad("length")
	case (a.Sound != nil) && a.SoundFor == 0:
		return bad("sound")
	case a.Lateness < 0 || a.Lateness.Duration() > MaxLateness:
		return bad("lateness")
	case !Known(a.AfterCut):
		return bad("after_cut")
	case a.Volume > 100:
		return bad("volume")
	case a.Replaces != "" && !ValidID(a.Replaces), a.Supersedes != "" && !ValidID(a.Supersedes):
		return bad("replaces or supersedes")
	case !validZoneOf(a.Class, a.BoardZone) || (a.BoardZone != "" && a.BoardFor == 0):
		return bad("zone of boards")
	}
	for _, c := range []*Content{&a.Bulletin, &a.Approval, a.Sound} {
		if c != nil {
			if err := c.Validate(); err != nil {
				return fmt.Errorf("airing %s: %w", a.ID, err)
			}
		}
	}
	if a.Class != ClassEmergency {
		if a.Drill || a.Until != 0 || a.Passes != 0 || a.Every != 0 || a.Supersedes != "" {
			return bad("a field for emergencies")
		}
		if a.SoundFor > 0 && a.Sound == nil {
			return bad("sound")
		}
		return nil
	}
	length := max(a.SoundFor, a.BoardFor)
	switch {
	case a.Rule != "" || len(a.ExDates)+len(a.RDates) > 0 || a.Lateness != 0 || a.Order != 0 || a.AfterCut != 0 || a.Night:
		return bad("a field that emergencies do not have")
	case a.Until <= 0:
		return bad("until")
	case a.Passes == 0 || a.Passes > 100 || a.Every < length:
		return bad("passes or every")
	case a.SoundFor.Duration() > MaxPass:
		return bad("length of a pass")
	}
	return nil
}

// validLocal says whether s looks like a local time; whether it is one of the
// calendar is the schedule's matter.
func validLocal(s string) bool {
	form := "0000-00-00T00:00:00.000"
	if len(s) != len("0000-00-00T00:00:00") && len(s) != len(form) {
		return false
	}
	for i := range len(s) {
		if digit := s[i] >= '0' && s[i] <= '9'; digit != (form[i] == '0') || (!digit && s[i] != form[i]) {
			return false
		}
	}
	return true
}

// validZone says whether s can be the name of a zone: 1 to 64 bytes of text.
func validZone(s string) bool { return s != "" && len(s) <= 64 && utf8.ValidString(s) }

func all[T any](vs []T, ok func(T) bool) bool {
	return !slices.ContainsFunc(vs, func(v T) bool { return !ok(v) })
}

// Quiet is a daily period of quiet hours of the plan's unit, in minutes of the
// local day; an end at or before the start is on the next day.
type Quiet struct {
	Start uint64 `cbor:"1,keyasint"`
	End   uint64 `cbor:"2,keyasint"`
}

// Capped says what a limit is of.
type Capped uint8

// What can be limited.
const (
	CapVolume Capped = 1 // of sound
	CapLight  Capped = 2 // brightness of boards
)

func (c Capped) names() []string { return []string{"", "volume", "light"} }

// String returns "volume" or "light".
func (c Capped) String() string { return nameOf(c) }

// Limit caps the volume or the brightness of a unit's devices in hours of the local
// day, beside what each device's own profile allows. Actual emergencies keep their
// volume.
type Limit struct {
	Of      Capped `cbor:"1,keyasint"`
	From    uint64 `cbor:"2,keyasint"` // full hour, 0 to 23
	To      uint64 `cbor:"3,keyasint"` // 0 to 23; at or before From it is on the next day
	Percent uint64 `cbor:"4,keyasint"` // 1 to 100
}

// Holds says whether the limit holds in an hour of the local day.
func (l Limit) Holds(hour int) bool {
	h := uint64(hour)
	if l.To <= l.From {
		return h >= l.From || h < l.To
	}
	return h >= l.From && h < l.To
}

// Validate checks the bounds.
func (l Limit) Validate() error {
	if !Known(l.Of) || l.From > 23 || l.To > 23 || l.Percent == 0 || l.Percent > 100 {
		return fmt.Errorf("limit: %w", ErrInvalid)
	}
	return nil
}

// MaxLimits is how many limits a unit's plan may hold.
const MaxLimits = 48

// Withdrawal takes an airing back from an instant on.
type Withdrawal struct {
	Airing AiringID `cbor:"1,keyasint"`
	At     Instant  `cbor:"2,keyasint"`
}

// Plan is all that one unit wants of the devices in it and below it. Absence of
// an airing means nothing; a withdrawal takes it back.
type Plan struct {
	Version uint64 `cbor:"1,keyasint"`
	Unit    UnitID `cbor:"2,keyasint"`
	// Number grows with each plan of a unit: max(previous + 1, ms since 1970).
	Number      uint64       `cbor:"3,keyasint"`
	Zone        string       `cbor:"4,keyasint"` // IANA name
	At          Instant      `cbor:"5,keyasint"`
	Quiet       []Quiet      `cbor:"6,keyasint,omitempty"`
	Airings     []Airing     `cbor:"7,keyasint,omitempty"`
	Withdrawals []Withdrawal `cbor:"8,keyasint,omitempty"`
	Stops       []Stop       `cbor:"9,keyasint,omitempty"`
	// Limits cap volume and brightness; feature "limits/1".
	Limits []Limit `cbor:"1120,keyasint,omitempty"`
}

// MaxAirings is how many airings a unit's plan may hold.
const MaxAirings = 2000

// Validate checks the rules written beside the fields.
func (p Plan) Validate() error {
	switch {
	case p.Version != Version:
		return fmt.Errorf("plan of version %d: %w", p.Version, ErrVersion)
	case !ValidID(p.Unit) || p.Number == 0:
		return fmt.Errorf("plan's unit or number: %w", ErrInvalid)
	case !validZone(p.Zone):
		return fmt.Errorf("plan's zone: %w", ErrInvalid)
	case len(p.Airings) > MaxAirings || len(p.Withdrawals) > 2*MaxAirings || len(p.Stops) > MaxAirings || len(p.Quiet) > 24 || len(p.Limits) > MaxLimits:
		return fmt.Errorf("plan's size: %w", ErrInvalid)
	}
	seen := make(map[AiringID]bool, len(p.Airings))
	for _, a := range p.Airings {
		if err := a.Validate(); err != nil {
			return err
		}
		if a.Unit != p.Unit || seen[a.ID] {
			return fmt.Errorf("airing %s: of another unit, or twice: %w", a.ID, ErrInvalid)
		}
		seen[a.ID] = true
	}
	for _, w := range p.Withdrawals {
		if !ValidID(w.Airing) {
			return fmt.Errorf("withdrawal: %w", ErrInvalid)
		}
	}
	for _, s := range p.Stops {
		if err := s.Validate(); err != nil {
			return err
		}
	}
	for _, q := range p.Quiet {
		if q.Start >= 24*60 || q.End >= 24*60 {
			return fmt.Errorf("quiet hours: %w", ErrInvalid)
		}
	}
	for _, l := range p.Limits {
		if err := l.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// PlanHead is the signed payload of topics u/{unit}/plan and d/{device}/plan.
type PlanHead struct {
	Version uint64  `cbor:"1,keyasint"`
	Unit    UnitID  `cbor:"2,keyasint"`
	Number  uint64  `cbor:"3,keyasint"`
	Plan    Content `cbor:"4,keyasint"`
	// Body is the encoded Plan if it is at most MaxInlinePlan bytes long.
	Body []byte `cbor:"5,keyasint,omitempty"`
	// Lists are the trust lists that this unit's devices must hold: delegations
	// and approvers, as content.
	Lists []Content `cbor:"6,keyasint,omitempty"`
}

// Validate checks the rules written beside the fields.
func (h PlanHead) Validate() error {
	switch {
	case h.Version != Version:
		return fmt.Errorf("plan head of version %d: %w", h.Version, ErrVersion)
	case !ValidID(h.Unit) || h.Number == 0 || len(h.Lists) > 64 || h.Plan.Size > MaxPlan:
		return fmt.Errorf("plan head: %w", ErrInvalid)
	case len(h.Body) > 0 && (len(h.Body) > MaxInlinePlan || ContentOf(h.Body) != h.Plan):
		return fmt.Errorf("plan head's body: %w", ErrInvalid)
	}
	for _, c := range append([]Content{h.Plan}, h.Lists...) {
		if err := c.Validate(); err != nil {
			return err
		}
	}
	return nil
}
