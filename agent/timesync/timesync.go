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

// Source is what the time is known from.
type Source uint8

// The sources, from none to the best.
const (
	SourceNone   Source = 0
	SourceAlone  Source = 1 // a clock that ran on by itself: battery-backed, or no longer synchronised
	SourceHub    Source = 2 // a signed answer
	SourceSystem Source = 3 // the system's synchronised clock
)

// The figures that the decisions rest on.
const (
	// Drift is how much a free-running clock may be wrong: 200 parts in a million,
	// twice what cheap crystals are specified for.
	driftPerSecond = 200 * time.Microsecond
	// MaxUncertainty is where a time that nobody confirmed stops being sure. At
	// Drift it is reached after 52 days without any network.
	MaxUncertainty = 15 * time.Minute
	// maxRoundTrip is the slowest answer that is taken for the time.
	maxRoundTrip = 30 * time.Second
	// rtcError is how wrong a battery-backed clock may be at the least.
	rtcError = 2 * time.Second
	// jump is the difference between wall and monotonic clock that is reported.
	jump = 2 * time.Second
	// disagreement is how far hub and system may be apart without a fault.
	disagreement = 5 * time.Second
)

// estimate is what was true at one look: the time, beside the local clock whose
// monotonic part it is counted on from.
type estimate struct {
	source      Source
	now         time.Time // without monotonic part, UTC
	local       time.Time // with it
	uncertainty time.Duration
}

// at carries an estimate on to a later look at the local clock.
func (e estimate) at(local time.Time) estimate {
	if e.source == SourceNone {
		return estimate{now: local.Round(0).UTC(), local: local}
	}
	passed := max(0, local.Sub(e.local))
	e.now = e.now.Add(passed)
	e.uncertainty += time.Duration(passed.Seconds() * float64(driftPerSecond))
	e.local = local
	if e.uncertainty > MaxUncertainty {
		e.source = SourceNone
	}
	return e
}

// System is what the system says of its own clock.
type System struct {
	Synchronised bool
	// MaxError is the kernel's bound of the error (RFC 5905's root distance).
	MaxError time.Duration
	// Ahead is by how much the device's clock is ahead of this process's: of pretended
	// devices, which share one.
	Ahead time.Duration
}

// fromSystem takes the system's clock if the system vouches for it and it is not
// before the floor.
func fromSystem(e estimate, s System, local, floor time.Time) estimate {
	wall := local.Round(0).UTC().Add(s.Ahead)
	if !s.Synchronised || wall.Before(floor) || s.MaxError > MaxUncertainty {
		return e
	}
	return estimate{source: SourceSystem, now: wall, local: local, uncertainty: s.MaxError}
}

// fromRTC takes a battery-backed clock at the start: it ran on its own since the
// floor was last known.
func fromRTC(local, floor time.Time) estimate {
	wall := local.Round(0).UTC()
	if floor.IsZero() || wall.Before(floor) {
		return estimate{}
	}
	wrong := rtcError + time.Duration(wall.Sub(floor).Seconds()*float64(driftPerSecond))
	if wrong > MaxUncertainty {
		return estimate{}
	}
	return estimate{source: SourceAlone, now: wall, local: local, uncertainty: wrong}
}

// fromHub takes a signed answer to a question sent and answered at these looks
// at the local clock. The answer lies somewhere in the round trip, so half of it
// is the error. Errors: ErrSlow, ErrBackwards.
func fromHub(a protocol.TimeAnswer, sent, received, floor time.Time) (estimate, error) {
	trip := received.Sub(sent)
	if trip < 0 || trip > maxRoundTrip || a.Uncertainty.Duration() > MaxUncertainty {
		return estimate{}, ErrSlow
	}
	e := estimate{
		source: SourceHub, now: a.At.Time().Add(trip / 2), local: received,
		uncertainty: trip/2 + a.Uncertainty.Duration() + time.Millisecond,
	}
	if e.now.Add(e.uncertainty).Before(floor) {
		return estimate{}, ErrBackwards
	}
	return e, nil
}

// better says whether a newly found estimate takes the held one's place: the
// system's clock goes before the hub's, and that before one that runs on alone.
// Of two by the same source the narrower counts, unless they contradict each other.
func better(held, found estimate) bool {
	if found.source != held.source {
		return found.source > held.source
	}
	apart := found.now.Sub(held.now).Abs() > found.uncertainty+held.uncertainty
	return apart || found.uncertainty <= held.uncertainty
}

// alone is an estimate whose source no longer vouches for it.
func (e estimate) alone() estimate {
	if e.source == SourceSystem {
		e.source = SourceAlone
	}
	return e
}
