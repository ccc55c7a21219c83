// Package timesync decides what time it is on a device and how sure that is:
// from the system's clock when the system says that it is synchronised, or from
// the hub's signed answer to a nonce. It counts on from there by the monotonic
// clock, never sets the system's clock and never goes back below an instant that
// has certainly passed.
package timesync

import (
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Reading is one look at the clock.
type Reading struct {
	Now time.Time
	// Uncertainty is how wrong Now may be when Sure.
	Uncertainty time.Duration
	Sure        bool
	// Floor is an instant that has certainly passed, sure or not.
	Floor time.Time
}

// Trusted returns Now if it is sure, else the zero time, which the chain of
// trust takes for "no dates".
func (r Reading) Trusted() time.Time {
	if r.Sure {
		return r.Now
	}
	return time.Time{}
}

// Instant returns Now in the wire's milliseconds.
func (r Reading) Instant() protocol.Instant { return protocol.InstantOf(r.Now) }
