package schedule

import (
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Kind says what happened to a device.
type Kind uint8

// The kinds of events, with the fields of Event that each reads.
const (
	EventAiring   Kind = iota + 1 // New: an airing is known from now on; accepted when it arrives
	EventWithdraw                 // Airing, At, Spare
	EventStop                     // At and either Airing, Airing and Start, or Unit
	EventOff                      // nothing can sound until EventOn
	EventOn
	EventMute
	EventUnmute
	EventUnsure  // the clock may be wrong
	EventSure    // the clock is right
	EventMissing // Airing: its content is not there
	EventThere   // Airing: its content is there
	EventFault   // Airing, Start, Silent: its output failed
)

// Event is something that happened at the instant of the Step that is given it.
type Event struct {
	Kind   Kind
	New    *Airing // kept by the machine: never change it afterwards
	Airing protocol.AiringID
	Unit   protocol.UnitID
	Start  time.Time // of the occurrence; zero means the whole airing
	// At is the own instant of a stop or withdrawal, which may be long before
	// the step at which it is received. Zero means the step's.
	At time.Time
	// Silent tells that the output failed before anything sounded.
	Silent bool
	// Spare lets go on what has begun of a withdrawn airing: it was replaced by one that
	// is nothing for this medium.
	Spare bool
}

// Sound is what sounds, or a pass of it.
type Sound struct {
	Key
	Since    time.Time     // when this stretch began
	Position time.Duration // in the content, at Since
	Pass     int           // of an emergency, from 1: passes that counted, plus one
	End      time.Time     // when it will have reached its length
}

// Act is what has to be done to the output.
type Act uint8

// The acts, in the order in which Effects lists them.
const (
	ActBegin Act = iota + 1 // begin Sound at its Position
	ActEnd                  // it has reached its length
	ActCut                  // it is cut short, by Action.Reason
)

// Action is one act. Whoever is late carries out only what Effects.Sounding
// still says.
type Action struct {
	Act    Act
	Sound  Sound
	At     time.Time
	Reason protocol.Reason // of a cut
}

// Refusal is an airing that the machine did not take.
type Refusal struct {
	Airing protocol.AiringID
	Err    error // *FieldError
}

// Effects is the answer to a step. Store Airings, Stops and Records first, all
// in one transaction, then act: so "begun" is on disk before anything sounds.
// Its slices are valid until the next step.
type Effects struct {
	Actions  []Action
	Finals   []Final // what became final, in that order
	Records  []Record
	Airings  []AiringRecord
	Stops    []StopRecord
	Refused  []Refusal
	Sounding *Sound // what sounds after the step, or nil
	// Wake is the next instant at which something can change by itself; zero
	// if nothing can.
	Wake time.Time
}

// State of an occurrence.
type State uint8

// The states that are kept. An occurrence without a record is ahead or waiting.
const (
	StateOn        State = iota + 1 // sounding
	StateSuspended                  // cut, and may return; or between an emergency's passes
	StateFinal                      // has its outcome
	StateVanished                   // does not exist: withdrawn ahead, or begun by what it replaces
	stateAhead                      // not begun
)

// Record is all that must survive a crash about one occurrence. Its key is
// (Airing, Start).
type Record struct {
	Key
	State    State
	Cut      protocol.Reason // what cut it first; of an emergency, what ended its last pass
	Position time.Duration   // the furthest since it last began from its beginning
	Plays    []Stretch       // complete ones
	Since    time.Time       // of what sounds now: when its stretch began
	From     time.Duration   // of what sounds now: its position then
	Outcome  protocol.Outcome
	Reason   protocol.Reason
	At       time.Time // when it became final
	// Of emergencies.
	Whole  int       // passes that were whole
	Passes int       // passes that count, whole or dropped
	Due    time.Time // of the next pass
	Ended  time.Time // of the last pass, however it ended
}

// AiringRecord is what must survive a crash about one airing.
type AiringRecord struct {
	Airing   *Airing
	Accepted bool
	// Withdrawn: starts at or after it vanished. Zero for none.
	Withdrawn time.Time
}

// StopRecord is a stop, a withdrawal or a supersession received, kept because it
// acts on airings that come later. Held tells that the device was off, so that
// it has not acted yet.
type StopRecord struct {
	Kind     Kind // EventStop, EventWithdraw; or one of the machine's own
	Airing   protocol.AiringID
	Unit     protocol.UnitID
	Start    time.Time
	At       time.Time // its own instant
	Received time.Time
	Held     bool
	Spare    bool // of a withdrawal: what has begun goes on
}

// Config is what a machine is made with.
type Config struct {
	Zone  *time.Location
	Path  []protocol.UnitID // from the root to the device's own unit
	Quiet []QuietPeriod     // those of units outside the path are ignored
	// From and To bound the starts that are owed: From inclusive, To exclusive.
	// A zero To is open.
	From, To time.Time
	// Since says since when the device stands in a unit of the path, where that is
	// later than From: no earlier start of that unit's airings is owed.
	Since map[protocol.UnitID]time.Time
	// Judge is asked once, when an occurrence becomes due; a reason other than
	// ReasonNone skips it for good. Nil allows all. It must depend on nothing
	// but its argument and what it holds, and must not call the machine.
	Judge func(Judged) protocol.Reason
	// MaxLag is how late a step may be after the wake asked for. A step that is
	// later finds the device to have been off since. Zero means any lag.
	MaxLag time.Duration
}

// QuietPeriod is a daily period of a unit, in minutes of local time: Start
// inclusive, End exclusive; an End at or before Start is on the next day.
type QuietPeriod struct {
	Unit       protocol.UnitID
	Start, End int // 0 to 1439
}
