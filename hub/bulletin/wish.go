package bulletin

import (
	"time"

	"github.com/loa-vn/loa/protocol"
)

// When says how an airing's starts are given.
type When string

// The ways to say when.
const (
	Now  When = "now"  // as soon as it is approved
	At   When = "at"   // at Start
	Rule When = "rule" // from Start on, by a rule
	// InProgrammes makes no airing of its own: programmes may use the bulletin
	// until LastDay.
	InProgrammes When = "programmes"
)

// Wish is the airing that an author asks for when submitting. What approvers
// sign is derived from it.
type Wish struct {
	Units []protocol.UnitID `json:"units"`
	When  When              `json:"when"`
	// Start is a local time, "2006-01-02T15:04:05"; not for Now.
	Start   string   `json:"start,omitempty"`
	Rule    string   `json:"rule,omitempty"` // RRULE's text without its name
	ExDates []string `json:"exdates,omitempty"`
	RDates  []string `json:"rdates,omitempty"`
	// Lateness is for how long after its start it may still begin, in minutes; 0
	// means 10.
	Lateness int    `json:"lateness,omitempty"`
	Order    int    `json:"order,omitempty"`
	AfterCut string `json:"after_cut,omitempty"` // restart, resume, drop
	Volume   int    `json:"volume,omitempty"`    // per cent; 0 means 80
	// Night is permission for quiet hours, with its reason.
	Night       bool   `json:"night,omitempty"`
	NightReason string `json:"night_reason,omitempty"`
	// LastDay is the last local day approved; "" is derived.
	LastDay protocol.Date `json:"last_day,omitempty"`
	// PlaysPerDay is how many whole plays a device may make a day; 0 is derived.
	PlaysPerDay int `json:"plays_per_day,omitempty"`
	// Of emergencies.
	Drill    bool `json:"drill,omitempty"`
	Passes   int  `json:"passes,omitempty"`   // 0 means 2
	Every    int  `json:"every,omitempty"`    // seconds from one pass to the next; 0 means its length and 10
	Validity int  `json:"validity,omitempty"` // minutes; 0 means 60
	// Replaces names an airing that this one takes the place of.
	Replaces protocol.AiringID `json:"replaces,omitempty"`
}

// Defaults of a wish.
const (
	DefaultLateness = 10 * time.Minute
	DefaultVolume   = 80
	DefaultPasses   = 2
	DefaultGap      = 10 * time.Second
	DefaultValidity = time.Hour
)

// LatenessOrDefault returns how late a start may be.
func (w Wish) LatenessOrDefault() time.Duration {
	if w.Lateness == 0 {
		return DefaultLateness
	}
	return time.Duration(w.Lateness) * time.Minute
}

// VolumeOrDefault returns the volume in per cent.
func (w Wish) VolumeOrDefault() int {
	if w.Volume == 0 {
		return DefaultVolume
	}
	return w.Volume
}

// PassesOrDefault returns how often an emergency sounds.
func (w Wish) PassesOrDefault() int {
	if w.Passes == 0 {
		return DefaultPasses
	}
	return w.Passes
}

// EveryOrDefault returns the time from one pass's beginning to the next's, at
// least the length of one.
func (w Wish) EveryOrDefault(length time.Duration) time.Duration {
	if w.Every == 0 {
		return length + DefaultGap
	}
	return max(length, time.Duration(w.Every)*time.Second)
}

// ValidityOrDefault returns how long an emergency is valid.
func (w Wish) ValidityOrDefault() time.Duration {
	if w.Validity == 0 {
		return DefaultValidity
	}
	return time.Duration(w.Validity) * time.Minute
}
