package audit

import (
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Entry is a record with what stands beside it of people; what was erased is
// missing.
type Entry struct {
	Record   Record
	Person   protocol.PersonID // "" is the hub itself, or erased
	Address  string
	About    protocol.PersonID
	Personal []Field
}

// Query says which records are wanted; the newest come first.
type Query struct {
	From, To time.Time // To is not included; zero for no bound
	Person   protocol.PersonID
	Act      string
	Subject  string
	Units    []protocol.UnitID // nil for all, those of no unit too
	Before   uint64            // the lowest seq that was seen; 0 from the end
	Limit    int
}
