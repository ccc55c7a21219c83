package inbox

import (
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Update is something that the playout must know. The closed set is below.
type Update interface{ update() }

// The updates, in the words of SCHEDULE.md.
type (
	// Accepted: an airing arrived and stands from now on. An airing of a group
	// comes once, under its highest unit on the path; it comes again, with
	// another Unit, when a copy under a higher unit arrives or the unit that it
	// stood under is left. An emergency comes only once its approval was checked,
	// or when its time ran out before that could be done.
	Accepted struct {
		Airing  protocol.Airing
		Zone    string // of its local times
		Arrived protocol.Instant
	}
	// Dropped: an airing stands in no unit of the device any more, because its
	// placement changed. What is ahead vanishes.
	Dropped struct{ Airing protocol.AiringID }
	// Withdrawn: a plan takes an airing back from At on; it may be unknown here.
	Withdrawn struct {
		Airing protocol.AiringID
		At     protocol.Instant
	}
	// Stopped: a stop, in force from its own instant to its expiry.
	Stopped struct{ Stop protocol.Stop }
	// Content says whether bulletin, approval and sound of an airing are all
	// here and verified. An airing is missing until this says otherwise. Without
	// its picture it can be heard, but not shown.
	Content struct {
		Airing     protocol.AiringID
		There      bool
		Unpictured bool // the picture is not here yet
	}
	// Placed: where the device stands, and since when it is that device's place.
	Placed struct{ Placement protocol.Placement }
	// QuietHours replaces a unit's quiet hours; none means that it has none.
	// Zone is that of the unit's plan.
	QuietHours struct {
		Unit  protocol.UnitID
		Zone  string
		Quiet []protocol.Quiet
	}
	// ClockSure says whether the time can be relied on.
	ClockSure struct{ Sure bool }
	// Tone: a test tone is wanted, once, that begins before an instant.
	Tone struct {
		Number uint64 // of its command
		Length time.Duration
		Volume int // per cent, before ceilings
		Until  time.Time
	}
	// Keyed: somebody at the board ended the emergency that stood on it. It comes from
	// the device itself.
	Keyed struct {
		Airing protocol.AiringID
		At     protocol.Instant
	}
	// Relisted: other keys count from now on, so what was refused may be good now.
	Relisted struct{}
	// Muted says whether the device is muted, by a command or at the device.
	Muted struct{ Muted bool }
)

func (Accepted) update()   {}
func (Dropped) update()    {}
func (Withdrawn) update()  {}
func (Stopped) update()    {}
func (Content) update()    {}
func (Placed) update()     {}
func (QuietHours) update() {}
func (ClockSure) update()  {}
func (Relisted) update()   {}
func (Muted) update()      {}
func (Tone) update()       {}
func (Keyed) update()      {}
