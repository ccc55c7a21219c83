package playout

import (
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// Idle makes what a part of a board shows when nothing is on. Of a device that never had
// a placement that is by which code its people find it in the registry; of others the
// time, or the name of its place where there is no time that can be trusted.
type Idle struct {
	Device    protocol.DeviceID
	Placement func() protocol.Placement
	Clock     Clock
	Zone      func() *time.Location // of the times shown
	Refused   func(error)           // told of pages that could not be made
}

// Time is what a part of that size shows of the time: pages, and until when by the
// system's clock, which is told the present instant. A new minute comes up when it begins
// by the device's clock, whatever the system's says.
func (i Idle) Time(size page.Board) func(now time.Time) ([]page.Page, time.Time) {
	return func(now time.Time) ([]page.Page, time.Time) {
		trusted, _, sure := i.Clock.Now()
		if !sure {
			return i.Name(size)(now)
		}
		left := trusted.Truncate(time.Minute).Add(time.Minute).Sub(trusted)
		return i.made(size, now.Add(left), func(name string) ([]page.Page, error) {
			return page.Clock(size, name, trusted.In(i.Zone()))
		})
	}
}

// Name is Time for a part that shows the name of the board's place. It is asked again
// at every full minute, for the place may get another one.
func (i Idle) Name(size page.Board) func(now time.Time) ([]page.Page, time.Time) {
	return func(now time.Time) ([]page.Page, time.Time) {
		return i.made(size, now.Truncate(time.Minute).Add(time.Minute), func(name string) ([]page.Page, error) {
			return page.Standby(size, name)
		})
	}
}

// made asks for the pages of a place with a name, or of a device without a place.
func (i Idle) made(size page.Board, until time.Time, of func(name string) ([]page.Page, error)) ([]page.Page, time.Time) {
	var pages []page.Page
	var err error
	if name := i.Placement().Name; name != "" {
		pages, err = of(name)
	} else {
		pages, err = page.Unconfigured(size, "", string(i.Device))
	}
	if err != nil {
		i.Refused(err)
		return nil, until
	}
	return pages, until
}
