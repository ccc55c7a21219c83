// Package technician is how somebody at the device tells the running agent, by commands
// of loa-agent: the switch that mutes it, and the word that ends the emergency on its
// board. Both are files in the folder where the device keeps its data, which nobody
// else may write to; the agent looks for them twice a second. It needs neither network
// nor hub, and never knows what sounds or what is on the board.
package technician

import (
	"context"
	"time"
)

// lookEvery is how often the running agent looks.
const lookEvery = 500 * time.Millisecond

// watch looks again and again until ctx ends.
func watch(ctx context.Context, look func()) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			look()
		}
	}
}
