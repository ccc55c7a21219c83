package agent

import (
	"fmt"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// TestStartsAreScatteredByADevicesOwnPart: always the same for one device, within what the
// profile says, and spread evenly over many.
func TestStartsAreScatteredByADevicesOwnPart(t *testing.T) {
	const over, devices = 2 * time.Second, 1000
	var tenths [10]int
	for i := range devices {
		id := protocol.DeviceID(fmt.Sprintf("loa-%d", i))
		at := scatter(id, over)
		if at < 0 || at > over || at != scatter(id, over) || scatter(id, 0) != 0 {
			t.Fatalf("%s is %s late", id, at)
		}
		tenths[min(9, int(10*at/over))]++
	}
	for i, n := range tenths {
		if n < devices/20 || n > devices/5 {
			t.Errorf("%d of %d devices in the tenth %d", n, devices, i)
		}
	}
}
