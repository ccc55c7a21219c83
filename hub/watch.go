package hub

import (
	"context"
	"fmt"
	"time"

	"github.com/loa-vn/loa/hub/alert"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
)

// lookEvery is how often is looked for devices that have fallen silent.
const lookEvery = time.Minute

// signEvery is how often the record of acts is signed.
const signEvery = 10 * time.Minute

// keepSigned signs the record of acts until ctx ends; Close signs the rest.
func (h *Hub) keepSigned(ctx context.Context) {
	for pause(ctx, signEvery) {
		if err := h.Checkpoint(ctx); err != nil && ctx.Err() == nil {
			h.log.ErrorContext(ctx, "the record of acts is not signed", "error", err)
		}
	}
}

// keepWatch looks for silence until ctx ends.
func (h *Hub) keepWatch(ctx context.Context) {
	for pause(ctx, lookEvery) {
		if err := h.Alerts.Look(ctx, time.Now()); err != nil && ctx.Err() == nil {
			h.log.ErrorContext(ctx, "not looked for silence", "error", err)
		}
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// sendable is what the dispatcher reads and keeps.
type sendable struct {
	*store.Programme
	*store.Ledger
}

// alarms raises what ledger and dispatcher find as alerts.
type alarms struct{ h *Hub }

func (a alarms) raise(ctx context.Context, al alert.Alert) {
	now := time.Now()
	al.Raised, al.Since = now, now
	if err := a.h.Alerts.Raise(ctx, al); err != nil && ctx.Err() == nil {
		a.h.log.ErrorContext(ctx, "alert not kept", "kind", string(al.Kind), "device", string(al.Device), "error", err)
	}
}

// Conflict implements ledger.Alarms.
func (a alarms) Conflict(ctx context.Context, device protocol.DeviceID, chain protocol.Digest, first, last uint64) {
	a.raise(ctx, alert.Alert{Kind: alert.Conflict, Device: device, Subject: chain.String(), First: first, Last: last})
}

// Gap implements ledger.Alarms.
func (a alarms) Gap(ctx context.Context, device protocol.DeviceID, chain protocol.Digest, first, last uint64) {
	a.raise(ctx, alert.Alert{Kind: alert.Gap, Device: device, Subject: chain.String(), First: first, Last: last})
}

// Whole implements ledger.Alarms.
func (a alarms) Whole(ctx context.Context, device protocol.DeviceID, chain protocol.Digest) {
	if err := a.h.Alerts.Clear(ctx, alert.Gap, device, chain.String(), time.Now()); err != nil && ctx.Err() == nil {
		a.h.log.ErrorContext(ctx, "alert not closed", "device", string(device), "error", err)
	}
}

// Lost implements dispatch.Alarms.
func (a alarms) Lost(ctx context.Context, device protocol.DeviceID, chain protocol.Digest, first, last uint64) {
	a.raise(ctx, alert.Alert{Kind: alert.Lost, Device: device, Subject: chain.String(), First: first, Last: last})
}

// Ahead implements dispatch.Alarms.
func (a alarms) Ahead(ctx context.Context, device protocol.DeviceID, number uint64) {
	a.raise(ctx, alert.Alert{Kind: alert.Ahead, Device: device, First: number, Last: number})
}

// Level implements dispatch.Alarms.
func (a alarms) Level(ctx context.Context, device protocol.DeviceID) {
	if err := a.h.Alerts.Clear(ctx, alert.Ahead, device, "", time.Now()); err != nil && ctx.Err() == nil {
		a.h.log.ErrorContext(ctx, "alert not closed", "device", string(device), "error", err)
	}
}

// watched tells alerts of devices.
type watched struct{ registry *registry.Service }

// Heard implements alert.Devices.
func (w watched) Heard(ctx context.Context) ([]alert.Heard, error) {
	devices, err := w.registry.Devices(ctx)
	if err != nil {
		return nil, err
	}
	states, err := w.registry.States(ctx)
	if err != nil {
		return nil, err
	}
	var list []alert.Heard
	for _, d := range devices {
		if !d.Revoked.IsZero() {
			continue
		}
		st := states[d.ID]
		h := alert.Heard{Device: d.ID, Enrolled: d.Enrolled, At: st.At, Online: st.Online, Faults: st.Heartbeat.Faults, Keyed: st.Heartbeat.Keyed}
		if other := registry.Misfit(d, st.Heartbeat); other != nil {
			h.Misfit = fmt.Sprintf("%dx%d, %d px / %dx%d, %d px", other.Width, other.Height, other.Row, d.Board.Width, d.Board.Height, d.Board.Row)
		}
		for _, share := range d.Placement.Serves {
			h.Serves = append(h.Serves, share.Village)
		}
		list = append(list, h)
	}
	return list, nil
}

// Path implements alert.Devices.
func (w watched) Path(ctx context.Context, id protocol.DeviceID) ([]protocol.UnitID, error) {
	d, err := w.registry.Device(ctx, id)
	return d.Placement.Path, err
}

// slots tells alerts what devices made of their last occurrences.
type slots struct{ reach *reach.Service }

// Slots implements alert.Reach.
func (s slots) Slots(ctx context.Context, since time.Time) (map[protocol.DeviceID][]alert.Slot, error) {
	recent, err := s.reach.Recent(ctx, since)
	if err != nil {
		return nil, err
	}
	out := make(map[protocol.DeviceID][]alert.Slot, len(recent))
	for device, lines := range recent {
		for _, l := range lines {
			slot := alert.Slot{Due: l.Due, Known: l.Answer != nil, Played: l.Played()}
			if l.Answer != nil {
				slot.Reason = l.Answer.Reason
			}
			out[device] = append(out[device], slot)
		}
	}
	return out, nil
}
