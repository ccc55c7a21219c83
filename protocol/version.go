package protocol

// Version is the version of the wire that this code speaks. Signed documents
// carry it; another value is refused with ErrVersion. What can be ignored by old
// readers is added under keys from OptionalKey up instead.
const Version = 1

// OptionalKey is the first map key that a reader ignores when it is unknown. An
// unknown key below it refuses the whole message, by name.
const OptionalKey = 1000

// Limits of the wire, in bytes.
const (
	MaxControl    = 16 << 10 // any control packet's payload
	MaxAlert      = 4 << 10  // an alert or stop
	MaxInlinePlan = 8 << 10  // a plan's body that travels inside its head
	MaxPlan       = 4 << 20  // a plan's body that travels as content
	MaxApproval   = 80 << 10 // an approval that travels as content
	MaxChunk      = 20 << 10 // a chunk packet
	ChunkSize     = 16 << 10 // the content in a chunk, but for the last
	MaxContent    = 64 << 20 // one piece of content
)
