// Package playout does on one medium of a device what the schedule's machine
// decides: it stores first, then begins and cuts, and turns what the output
// proves into receipts. It runs one loop a medium, and of a board one for each part
// that bulletins can be meant for.
//
// It makes no choice of what sounds: schedule.Machine owns every one. It checks
// no signature (inbox has) and knows no network.
package playout

import (
	"context"
	"time"

	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/schedule"
)

// Job is one play, or one pass of an emergency.
type Job struct {
	ID       string
	Airing   protocol.Airing
	Bulletin protocol.Bulletin
	Zone     *time.Location
	Key      schedule.Key
	Position time.Duration // where to begin
	Begin    time.Time     // by the system's clock; the first frame should sound then
	Soon     bool          // nobody waits for Begin: as soon as the output can
	Length   time.Duration // of the whole content, by the schedule
	Volume   int           // per cent, under the ceilings
	Until    time.Time     // by the system's clock, when an emergency's validity ends
}

// EventKind is what an output tells.
type EventKind uint8

// The kinds of events.
const (
	Begun    EventKind = 1 // the first frame is out
	Ended    EventKind = 2 // the job's last word
	Fault    EventKind = 3 // the output does not work; of no job
	Restored EventKind = 4
)

// Event is an output's word.
type Event struct {
	Kind   EventKind
	Job    string
	At     time.Time
	Frames uint64 // consumed by this job
	Whole  bool   // from the job's position to its end
	Proof  protocol.Proof
	Heard  *protocol.Heard // what a microphone made of it; nil without one
	Voice  protocol.Voice
	Pixels []protocol.Digest
	Err    error
}

// Output is what carries jobs to people. Begin and Cut return at once. Each job
// that Begin took gets exactly one Ended, unless the output is closed.
type Output interface {
	Begin(j Job) error
	Cut(job string)
	Events() <-chan Event
}

// On is what is on now; nothing without an airing.
type On struct {
	Airing protocol.AiringID
	Volume int           // per cent, under the ceilings
	Begin  time.Time     // by the local clock: when its beginning sounded, or would have
	Length time.Duration // of the whole
}

// Leader is an output that needs a job some time before its first frame is out. The
// loop runs ahead by that much.
type Leader interface {
	Lead() time.Duration
}

// Aimer is an output that can be led to other instants while a job is on.
type Aimer interface {
	// Aim says when a job should have begun, by what is known of the time now.
	Aim(job string, begin time.Time)
}

// Store is the device's memory; *store.Store is one.
type Store interface {
	Commit(store.Batch) error
	Occurrences() ([]store.Occurrence, error)
	Journals() ([]store.Journal, error)
}

// Clock is the device's; *timesync.Clock is one.
type Clock interface {
	Now() (now time.Time, uncertainty time.Duration, sure bool)
}

// Approvals judge airings by the documents held; *inbox.Inbox is one.
type Approvals interface {
	Verdict(a protocol.Airing) (envelope.Grant, error)
	Bulletin(a protocol.Airing) (protocol.Bulletin, error)
}

// Settings are what may change while the loop runs.
type Settings struct {
	// Ceiling returns the highest volume in per cent at a local hour, as the device's
	// profile has it; Limit as its units have it, which actual emergencies pass by.
	Ceiling, Limit func(hour int) int
	Config         protocol.Digest // of the whole configuration
}

// Config is what a loop needs.
type Config struct {
	Medium protocol.Medium
	// Zone is the part of a board that the loop is for, "" for where bulletins stand;
	// Zones are the parts beside that which this board has.
	Zone      string
	Zones     []string
	Output    Output
	Store     Store
	Clock     Clock
	Approvals Approvals
	Settings  func() Settings
	// Receipts is called after receipts were stored; Playing with what is on; Toned,
	// if set, with what became of a test tone. They return at once.
	Receipts func()
	Playing  func(On)
	Toned    func(protocol.ToneResult)
	Fault    func(name string, on bool)
	// Known says whether every plan that there is has come: only then may answers be
	// forgotten, for what came later than that would no longer be owed. Nil: always.
	Known func() bool
	// Holds says whether an airing is still held; nil: always. What is not has been over
	// for long, and nothing of it is owed any more, whatever its rule says.
	Holds func(protocol.AiringID) bool
	// Over, if set, is told of emergencies that were stopped or withdrawn. It returns
	// at once.
	Over func(protocol.AiringID)
	// Reason tells which reason an error of Approvals stands for.
	Reason func(error) protocol.Reason
	Log    logger
}

// logger is the part of slog that the loop uses.
type logger interface {
	InfoContext(ctx context.Context, msg string, args ...any)
	WarnContext(ctx context.Context, msg string, args ...any)
	ErrorContext(ctx context.Context, msg string, args ...any)
}
