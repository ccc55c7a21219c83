package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Heard takes a message from a device, other than receipts. An error means that
// it could not be kept and the device should send it again; what the device
// itself did wrong is logged and dropped.
func (d *Dispatcher) Heard(ctx context.Context, device protocol.DeviceID, verb protocol.Verb, payload []byte) error {
	err := d.heard(ctx, device, verb, payload)
	for _, bad := range []error{protocol.ErrMalformed, protocol.ErrInvalid, protocol.ErrUnknownKey, protocol.ErrVersion, protocol.ErrTooLarge} {
		if errors.Is(err, bad) {
			d.log.WarnContext(ctx, "message refused", "device", device, "verb", verb, "error", err)
			return nil
		}
	}
	return err
}

func (d *Dispatcher) heard(ctx context.Context, device protocol.DeviceID, verb protocol.Verb, payload []byte) error {
	switch verb {
	case protocol.VerbState:
		return d.state(ctx, device, payload)
	case protocol.VerbAsk:
		if !d.asks.Take(string(device), time.Now()) {
			return nil // it asks again
		}
		ask, err := protocol.Unmarshal[protocol.Ask](payload, verb.Limit())
		if err != nil {
			return err
		}
		return d.answer(ctx, device, ask)
	case protocol.VerbWant:
		want, err := protocol.Unmarshal[protocol.Want](payload, verb.Limit())
		if err != nil {
			return err
		}
		d.content.want(device, want)
		return nil
	case protocol.VerbSeen:
		seen, err := protocol.Unmarshal[protocol.Seen](payload, verb.Limit())
		if err != nil {
			return err
		}
		if err := d.store.SaveSeen(ctx, device, seen); err != nil && !errors.Is(err, problem.ErrNotFound) {
			return fmt.Errorf("seen: %w", err)
		}
		if !seen.Accepted {
			d.log.WarnContext(ctx, "alert refused by device", "device", device, "reason", seen.Reason.String())
		}
		return nil
	}
	return fmt.Errorf("verb %q: %w", verb, protocol.ErrInvalid)
}

// reconcile sends what a device lacks, by what it says that it holds.
func (d *Dispatcher) reconcile(ctx context.Context, h protocol.Heartbeat) error {
	dev, err := d.registry.Device(ctx, h.Device)
	if err != nil {
		return fmt.Errorf("reconcile: %w", err)
	}
	if h.Placement < dev.Placement.Number {
		if err := d.command(ctx, dev.ID, protocol.Command{Action: protocol.ActionPlacement}); err != nil {
			return err
		}
		// Its plans follow when it says that it holds the placement.
		if h.Placement != 0 {
			return nil
		}
	}
	if h.Placement > dev.Placement.Number {
		d.alarms.Ahead(ctx, dev.ID, h.Placement)
	} else {
		d.alarms.Level(ctx, dev.ID)
	}
	if err := d.receipts(ctx, h); err != nil {
		return err
	}
	held := map[protocol.UnitID]uint64{}
	for _, p := range h.Plans {
		held[p.Unit] = p.Number
	}
	for _, u := range dev.Placement.Units() {
		newest, err := d.plans.newest(ctx, u)
		if err != nil && !errors.Is(err, problem.ErrNotFound) {
			return fmt.Errorf("reconcile: %w", err)
		}
		switch {
		case held[u] > newest.Number:
			if err := d.goPast(ctx, u, held[u]); err != nil {
				return fmt.Errorf("reconcile: %w", err)
			}
		case held[u] < newest.Number:
			d.send(protocol.DeviceTopic(dev.ID, protocol.VerbPlan), newest.Head)
		}
	}
	return d.alerts(ctx, dev.ID, dev.Placement.Units())
}

// aheadMost is how far a plan's number may lie in the future: devices refuse
// more, so a device that claims to hold it does not say the truth.
const aheadMost = 24 * time.Hour

// goPast has the next plan of a unit numbered past what a device holds, which
// this hub does not know: it was restored from a backup.
func (d *Dispatcher) goPast(ctx context.Context, unit protocol.UnitID, number uint64) error {
	if number > uint64(d.now().Add(aheadMost).UnixMilli()) {
		d.log.WarnContext(ctx, "a device claims a plan of the future", "unit", unit, "number", number)
		return nil
	}
	if err := d.store.RaiseFloor(ctx, unit, number, d.now()); err != nil {
		return err
	}
	d.log.WarnContext(ctx, "a device holds a plan that this hub does not know: the next goes past it", "unit", unit, "number", number)
	d.stale()
	return nil
}

// alerts sends the open alerts that a device has not answered.
func (d *Dispatcher) alerts(ctx context.Context, device protocol.DeviceID, path []protocol.UnitID) error {
	open, err := d.store.OpenAlerts(ctx, path, device, d.now())
	if err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	for _, a := range open {
		d.send(protocol.DeviceTopic(device, protocol.VerbAlert), a.Bytes)
	}
	return nil
}

// answer tells a device the time, bound to its nonce, and whatever it lacks if it
// asks for that.
func (d *Dispatcher) answer(ctx context.Context, device protocol.DeviceID, ask protocol.Ask) error {
	payload, err := protocol.Marshal(protocol.TimeAnswer{Device: device, Nonce: ask.Nonce, At: protocol.InstantOf(d.now()), Content: d.contentURL()})
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	sealed, err := d.signer.Seal(envelope.KindTime, payload)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	d.send(protocol.DeviceTopic(device, protocol.VerbTime), sealed)
	if !ask.Resync {
		return nil
	}
	return d.resync(ctx, device, ask.Nonce)
}

// resync sends open alerts bound to a device's nonce, so that it may believe
// them with an unsure clock.
func (d *Dispatcher) resync(ctx context.Context, device protocol.DeviceID, nonce []byte) error {
	dev, err := d.registry.Device(ctx, device)
	if err != nil {
		return fmt.Errorf("resync: %w", err)
	}
	open, err := d.store.OpenAlerts(ctx, dev.Placement.Units(), device, d.now())
	if err != nil {
		return fmt.Errorf("resync: %w", err)
	}
	own := envelope.One(d.signer.Key())
	for _, a := range open {
		payload, _, err := envelope.Open(envelope.KindAlert, a.Bytes, protocol.MaxAlert, own)
		if err != nil {
			continue // signed by an earlier key: it goes as it is, with the heartbeat
		}
		alert, err := protocol.Unmarshal[protocol.Alert](payload, protocol.MaxAlert)
		if err != nil {
			return fmt.Errorf("resync: %w", err)
		}
		alert.Nonce = slices.Clone(nonce)
		bound, err := protocol.Marshal(alert)
		if err != nil {
			return fmt.Errorf("resync: %w", err)
		}
		sealed, err := d.signer.Seal(envelope.KindAlert, bound)
		if err != nil {
			return fmt.Errorf("resync: %w", err)
		}
		d.send(protocol.DeviceTopic(device, protocol.VerbAlert), sealed)
	}
	return nil
}

// Resync asks a device for its receipts from a seq on.
func (d *Dispatcher) Resync(ctx context.Context, device protocol.DeviceID, seq uint64) error {
	return d.command(ctx, device, protocol.Command{Action: protocol.ActionResync, Seq: seq})
}

// Tone asks a device for a test tone and returns the command's number.
func (d *Dispatcher) Tone(ctx context.Context, device protocol.DeviceID, t protocol.Tone) (uint64, error) {
	n := d.number(d.now())
	return n, d.command(ctx, device, protocol.Command{Number: n, Action: protocol.ActionTone, Tone: &t})
}

// Mute silences a device or lets it sound again.
func (d *Dispatcher) Mute(ctx context.Context, device protocol.DeviceID, mute bool) error {
	action := protocol.ActionUnmute
	if mute {
		action = protocol.ActionMute
	}
	return d.command(ctx, device, protocol.Command{Action: action})
}

// number returns the next command's number: the hub's clock, so that a restarted
// hub goes on above what devices have seen, and never the same twice.
func (d *Dispatcher) number(now time.Time) uint64 {
	for {
		last := d.last.Load()
		next := max(last+1, uint64(now.UnixMilli()))
		if d.last.CompareAndSwap(last, next) {
			return next
		}
	}
}

// command completes, signs and sends a command; without a number it gets one.
func (d *Dispatcher) command(ctx context.Context, device protocol.DeviceID, c protocol.Command) error {
	now := d.now()
	c.Version, c.Device, c.At = protocol.Version, device, protocol.InstantOf(now)
	if c.Number == 0 {
		c.Number = d.number(now)
	}
	if c.Action == protocol.ActionPlacement {
		signed, lists, err := d.registry.Placement(ctx, device)
		if err != nil {
			return fmt.Errorf("command: %w", err)
		}
		c.Placement, c.Lists = signed, lists
	}
	payload, err := protocol.Marshal(c)
	if err != nil {
		return fmt.Errorf("command: %w", err)
	}
	sealed, err := d.signer.Seal(envelope.KindCommand, payload)
	if err != nil {
		return fmt.Errorf("command: %w", err)
	}
	d.send(protocol.DeviceTopic(device, protocol.VerbCmd), sealed)
	return nil
}
