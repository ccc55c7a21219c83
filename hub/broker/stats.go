package broker

import (
	"errors"
	"sync/atomic"
)

// Stats counts since Open, but for Connections.
type Stats struct {
	Connections int    // admitted and open now
	Accepted    uint64 // sockets, before TLS
	Refused     uint64 // after TLS: foreign id, unknown or revoked
	Received    uint64 // messages given to the Handler
	Rejected    uint64 // of these, not stored and so not acknowledged
	Sent        uint64 // deliveries queued, one for each message and client
	Missed      uint64 // deliveries left out on slow bulk connections
	QueueFull   uint64 // connections ended, by reason
	Stalled     uint64
	Unacked     uint64
	Flood       uint64
	Crowded     uint64
	Faults      uint64 // panics over what a device sent
}

type counters struct {
	accepted, refused, received, rejected, sent, missed atomic.Uint64
	queueFull, stalled, unacked, flood, crowded, faults atomic.Uint64
}

// ended counts a connection by the reason of its end.
func (c *counters) ended(reason error) {
	for sentinel, n := range map[error]*atomic.Uint64{
		ErrQueueFull: &c.queueFull, ErrStalled: &c.stalled, ErrUnacked: &c.unacked,
		ErrFlood: &c.flood, errCrowded: &c.crowded,
	} {
		if errors.Is(reason, sentinel) {
			n.Add(1)
		}
	}
}

// Stats returns the figures of this moment.
func (b *Embedded) Stats() Stats {
	b.mu.RLock()
	connections := len(b.sessions)
	b.mu.RUnlock()
	return Stats{
		Connections: connections,
		Accepted:    b.accepted.Load(),
		Refused:     b.refused.Load(),
		Received:    b.received.Load(),
		Rejected:    b.rejected.Load(),
		Sent:        b.sent.Load(),
		Missed:      b.missed.Load(),
		QueueFull:   b.queueFull.Load(),
		Stalled:     b.stalled.Load(),
		Unacked:     b.unacked.Load(),
		Flood:       b.flood.Load(),
		Crowded:     b.crowded.Load(),
		Faults:      b.faults.Load(),
	}
}
