package schedule

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Limits and defaults of an airing's fields.
const (
	DefaultLateness = 10 * time.Minute
	MaxLateness     = 7 * 24 * time.Hour
	MaxLength       = 24 * time.Hour
	// Rewind is how far before the furthest position a resumed occurrence begins.
	Rewind = 2 * time.Second
)

const (
	maxYear    = 9999
	minInstant = math.MinInt64 / 4
	maxInstant = math.MaxInt64 / 4
	// never is later than every instant of a plan, in ms.
	never = int64(math.MaxInt64 / 4)
)

// Airing is a bulletin or programme, for a unit, at certain starts. It never
// changes once published. Durations count in whole milliseconds.
type Airing struct {
	ID    protocol.AiringID
	Unit  protocol.UnitID // one of the device's path
	Class protocol.Class
	Recurrence
	Length    time.Duration // of the whole content: 1 ms to MaxLength
	Approved  time.Time
	Published time.Time
	// Arrives is when the airing reaches the device, not before Published. The
	// machine accepts it then, or when the device is next on. Zero means when
	// the machine is told; in a timeline or forecast, Published.
	Arrives  time.Time
	Replaces protocol.AiringID // "" for none

	// Of normal and priority airings only.
	Lateness time.Duration // 0 to MaxLateness; the default is the reader's matter
	Order    int64         // the editor's, smaller first
	AfterCut protocol.AfterCut
	Night    bool // permission for quiet hours

	// Of emergencies only; their Recurrence is a start and nothing else.
	Drill      bool
	Until      time.Time         // no pass begins at or after it
	Passes     int               // 0 means 1
	Every      time.Duration     // from one pass's beginning to the next; 0 means Length
	Supersedes protocol.AiringID // "" for none
}

// FieldError names the field of a plan that breaks its rule.
type FieldError struct {
	Field string // as in the JSON of a timeline: "lateness", "airings[2].rule"
	Why   string
}

// Error returns the field and what is wrong with it, in one line.
func (e *FieldError) Error() string { return e.Field + ": " + e.Why }

// Unwrap returns protocol.ErrInvalid.
func (e *FieldError) Unwrap() error { return protocol.ErrInvalid }

func refuse(field, format string, args ...any) error {
	return &FieldError{Field: field, Why: fmt.Sprintf(format, args...)}
}

// Validate returns a *FieldError for the first field outside its limits. The
// zone is the plan's, path the units of the device from the root to its own.
func (a *Airing) Validate(zone *time.Location, path []protocol.UnitID) error {
	switch {
	case !protocol.ValidID(a.ID):
		return refuse("id", "not an identifier")
	case !slices.Contains(path, a.Unit):
		return refuse("unit", "not one of the path")
	case !protocol.Known(a.Class):
		return refuse("class", "not normal, priority or emergency")
	case !a.Start.valid():
		return refuse("start", "not a local time")
	case a.Length < time.Millisecond || a.Length > MaxLength:
		return refuse("length", "not 1 ms to 24 hours")
	case a.Approved.IsZero():
		return refuse("approved", "missing")
	case a.Published.IsZero():
		return refuse("published", "missing")
	case !a.Arrives.IsZero() && a.Arrives.Before(a.Published):
		return refuse("arrives", "before published")
	case a.Replaces != "" && !protocol.ValidID(a.Replaces):
		return refuse("replaces", "not an identifier")
	}
	if a.Class == protocol.ClassEmergency {
		return a.validateEmergency(zone)
	}
	return a.validateOrdinary()
}

func (a *Airing) validateOrdinary() error {
	switch {
	case a.Lateness < 0 || a.Lateness > MaxLateness:
		return refuse("lateness", "not 0 to 7 days")
	case !protocol.Known(a.AfterCut):
		return refuse("after_cut", "not restart, resume or drop")
	case a.Drill:
		return refuse("drill", "only an emergency has it")
	case !a.Until.IsZero():
		return refuse("until", "only an emergency has it")
	case a.Passes != 0:
		return refuse("passes", "only an emergency has it")
	case a.Every != 0:
		return refuse("every", "only an emergency has it")
	case a.Supersedes != "":
		return refuse("supersedes", "only an emergency has it")
	}
	return nil
}

func (a *Airing) validateEmergency(zone *time.Location) error {
	switch {
	case a.Rule != nil:
		return refuse("rule", "an emergency has none")
	case len(a.ExDates) > 0:
		return refuse("exdates", "an emergency has none")
	case len(a.RDates) > 0:
		return refuse("rdates", "an emergency has none")
	case a.Lateness != 0:
		return refuse("lateness", "an emergency has none")
	case a.Order != 0:
		return refuse("order", "an emergency has none")
	case a.AfterCut != 0:
		return refuse("after_cut", "an emergency has none")
	case a.Night:
		return refuse("night", "an emergency has none")
	case a.Until.IsZero():
		return refuse("until", "missing")
	case !a.Until.After(a.Start.In(zone)):
		return refuse("until", "at or before the start")
	case a.Passes < 0:
		return refuse("passes", "under 1")
	case a.Every != 0 && a.Every < a.Length:
		return refuse("every", "under the length")
	case a.Supersedes != "" && !protocol.ValidID(a.Supersedes):
		return refuse("supersedes", "not an identifier")
	}
	return nil
}

// Stretch is a time during which an occurrence sounded: From inclusive, To
// exclusive, never empty.
type Stretch struct{ From, To time.Time }

// Key names an occurrence on a device and medium.
type Key struct {
	Airing protocol.AiringID
	Start  time.Time
}

// Final is what became of an occurrence.
type Final struct {
	Key
	Outcome protocol.Outcome
	Reason  protocol.Reason // ReasonNone when played
	Plays   []Stretch       // in order; each pass of an emergency is one
	At      time.Time       // when it became final
}
