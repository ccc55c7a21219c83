package store

import (
	"errors"

	"github.com/loa-vn/loa/protocol"
)

// Kinds of failure.
var (
	// ErrNotFound: the store holds nothing under that key.
	ErrNotFound = errors.New("not held")
	// ErrMismatch: an acknowledgement or request speaks of another chain, or of
	// an entry whose hash is not this device's.
	ErrMismatch = errors.New("not this device's chain")
	// ErrUsed: another process has the file open.
	ErrUsed = errors.New("storage is used by another process")
)

// Occurrence is the record of one occurrence on one medium. Its bytes are the
// playout's; the store never looks inside.
type Occurrence struct {
	Medium protocol.Medium
	Airing protocol.AiringID
	Start  protocol.Instant
	Data   []byte
}

// Journal is where the running play of a medium stands, so that a device that
// lost its power knows what had begun.
type Journal struct {
	Medium   protocol.Medium
	Airing   protocol.AiringID
	Start    protocol.Instant // scheduled
	Begun    protocol.Instant
	Position protocol.Millis
	At       protocol.Instant // when Position was true
}

// Batch is what one step of the playout changes, in one transaction.
type Batch struct {
	// At is when the receipts are written.
	At protocol.Instant
	// Put and Forget are records of occurrences; Forget looks at the key alone.
	Put    []Occurrence
	Forget []Occurrence
	// Receipts are appended to the chain, in order.
	Receipts []protocol.Receipt
	// Journal replaces the journal of each medium named.
	Journal []Journal
	// Idle clears the journal of each medium named.
	Idle []protocol.Medium
}

// ChainHead is where the chain stands.
type ChainHead struct {
	Chain protocol.Digest // the chain's random id
	Seq   uint64          // the last that is taken
	Hash  protocol.Digest // of the last entry's bytes
	Acked uint64          // the last that the hub has committed
}

// HeldAiring is an airing that a plan or an alert brought.
type HeldAiring struct {
	Airing protocol.Airing
	Zone   string // of its plan
	// Arrived is when it reached the device, by the device's clock.
	Arrived protocol.Instant
	// Checked is the trusted instant at which it counts as new material; 0 while
	// the clock was never sure since it arrived.
	Checked protocol.Instant
	// Alert is true for one that an alert brought.
	Alert bool
}

// HeldPlan is the state of one unit's plan.
type HeldPlan struct {
	Unit protocol.UnitID
	// Head is the signed head whose body is held, and Number and Plan its own.
	Head   []byte
	Number uint64
	Plan   protocol.Content
	Zone   string
	Quiet  []protocol.Quiet
	Limits []protocol.Limit
	// Next is a newer signed head whose body is still missing, or nil.
	Next       []byte
	NextNumber uint64
	NextPlan   protocol.Content
	// Lists are the trust lists that the newest head names.
	Lists []protocol.Content
	// Airings are those that the plan itself names.
	Airings []protocol.AiringID
}

// Newest returns the number of the newest head taken.
func (p HeldPlan) Newest() uint64 { return max(p.Number, p.NextNumber) }

// AiringKey names one copy of an airing: the one in a unit's plan.
type AiringKey struct {
	Airing protocol.AiringID
	Unit   protocol.UnitID
}

// HeldWithdrawal is a withdrawal of a unit's plan.
type HeldWithdrawal struct {
	Unit   protocol.UnitID
	Airing protocol.AiringID
	At     protocol.Instant
}

// List is a signed trust document in the place that it fills: a newer one takes
// the same place.
type List struct {
	// Slot is "approvers/{unit}" or "delegation/{role}/{digest of the units}".
	Slot string
	Doc  []byte
}

// Verdict is what was said of an alert or stop.
type Verdict struct {
	Seen protocol.Seen
	// Until is when it may be forgotten.
	Until protocol.Instant
}

// ContentState is how much of a content is on the disk.
type ContentState struct {
	Content protocol.Content
	// List is the chunk list, or as many of its bytes as came, in order.
	List []byte
	// Have is one bit a chunk, lowest bit first.
	Have []byte
	// Whole is true once the digest of all was checked.
	Whole bool
}

// Meta is the small state of a device.
type Meta struct {
	// Placement is the encoded placement in force, whose signature was checked
	// when it came; nil before the first.
	Placement []byte
	// Command is the number of the last command taken.
	Command uint64
	// Floor is an instant that has certainly passed.
	Floor protocol.Instant
	Muted bool
}

// Change is what one message changes, in one transaction. What it drops goes
// first, then comes what it puts.
type Change struct {
	Placement []byte // nil leaves it
	Command   uint64 // 0 leaves it
	Muted     *bool

	DropPlans     []protocol.UnitID // with their withdrawals; their numbers stay as floors
	DropAirings   []AiringKey
	DropWithdrawn []AiringKey
	DropStops     []protocol.StopID
	DropVerdicts  []protocol.Digest
	DropDocuments []protocol.Digest

	Plans       []HeldPlan
	Airings     []HeldAiring
	Withdrawals []HeldWithdrawal
	Stops       []protocol.Stop
	Verdicts    []Verdict
	Lists       []List
	Documents   [][]byte // bulletins and approvals, kept under their digests
}

// Empty says whether c changes nothing.
func (c Change) Empty() bool {
	n := len(c.DropPlans) + len(c.DropAirings) + len(c.DropWithdrawn) + len(c.DropStops) + len(c.DropVerdicts) + len(c.DropDocuments) +
		len(c.Plans) + len(c.Airings) + len(c.Withdrawals) + len(c.Stops) + len(c.Verdicts) + len(c.Lists) + len(c.Documents)
	return n == 0 && c.Placement == nil && c.Command == 0 && c.Muted == nil
}

// Held is everything that messages have left behind.
type Held struct {
	Meta        Meta
	Plans       []HeldPlan
	Airings     []HeldAiring
	Withdrawals []HeldWithdrawal
	Stops       []protocol.Stop
	Verdicts    []Verdict
	Lists       []List
	Documents   []protocol.Digest
	// Floors are the highest plan numbers ever taken, by unit, also of units left.
	Floors map[protocol.UnitID]uint64
}
