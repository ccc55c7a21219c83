package alert

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Store keeps alerts. Each method is one transaction.
type Store interface {
	// Open lists the alerts that are so now.
	Open(ctx context.Context) ([]Alert, error)
	// Raise keeps an alert, or renews the open one of its kind, device and
	// subject, and returns it with its id.
	Raise(ctx context.Context, a Alert) (Alert, error)
	// Close says that an alert is over.
	Close(ctx context.Context, id int64, at time.Time) error
	// Alerts lists those raised since, and all that are open, newest first.
	Alerts(ctx context.Context, since time.Time) ([]Alert, error)
	// See notes who has taken note of an alert. Error: problem.ErrNotFound.
	See(ctx context.Context, id int64, by protocol.PersonID, at time.Time) error
}

// Devices tells of devices.
type Devices interface {
	// Heard lists every device that is not revoked, but for its slots.
	Heard(ctx context.Context) ([]Heard, error)
	// Path returns where a device stands. Error: problem.ErrNotFound.
	Path(ctx context.Context, id protocol.DeviceID) ([]protocol.UnitID, error)
}

// Reach tells what devices made of their last occurrences.
type Reach interface {
	// Slots lists each device's occurrences whose window ended since, newest first.
	Slots(ctx context.Context, since time.Time) (map[protocol.DeviceID][]Slot, error)
}

// Config is what New needs.
type Config struct {
	Store   Store
	Devices Devices
	Reach   Reach
	// SilentAfter is how long a device may be silent.
	SilentAfter time.Duration
	// Changed hears that there is a new alert, or one is over.
	Changed func(protocol.DeviceID)
	Log     *slog.Logger
}

// Service keeps watch. It is safe for concurrent use.
type Service struct {
	cfg Config

	mu       sync.Mutex
	open     map[key]Alert
	villages []Village // silent at the last look
}

// New takes up the alerts that are open.
func New(ctx context.Context, cfg Config) (*Service, error) {
	s := &Service{cfg: cfg, open: map[key]Alert{}}
	list, err := cfg.Store.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open alerts: %w", err)
	}
	for _, a := range list {
		s.open[a.key()] = a
	}
	return s, nil
}

// Raise opens an alert, unless it is open and says the same.
func (s *Service) Raise(ctx context.Context, a Alert) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	held, there := s.open[a.key()]
	if there && held.Reason == a.Reason && held.First == a.First && held.Last == a.Last {
		return nil
	}
	kept, err := s.cfg.Store.Raise(ctx, a)
	if err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	s.open[a.key()] = kept
	s.cfg.Log.WarnContext(ctx, "alert", "kind", string(a.Kind), "device", string(a.Device), "reason", a.Reason, "first", a.First, "last", a.Last)
	s.cfg.Changed(a.Device)
	return nil
}

// Clear closes an alert if it is open.
func (s *Service) Clear(ctx context.Context, kind Kind, device protocol.DeviceID, subject string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := key{kind, device, subject}
	held, there := s.open[k]
	if !there {
		return nil
	}
	if err := s.cfg.Store.Close(ctx, held.ID, now); err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	delete(s.open, k)
	s.cfg.Log.InfoContext(ctx, "alert is over", "kind", string(kind), "device", string(device))
	s.cfg.Changed(device)
	return nil
}

// slotsSince is how far back a device's last slots are looked for.
const slotsSince = 72 * time.Hour

// Look judges every device once.
func (s *Service) Look(ctx context.Context, now time.Time) error {
	open := s.opened()
	devices, err := s.cfg.Devices.Heard(ctx)
	if err != nil {
		return fmt.Errorf("look for silence: %w", err)
	}
	slots, err := s.cfg.Reach.Slots(ctx, now.Add(-slotsSince))
	if err != nil {
		return fmt.Errorf("look for silence: %w", err)
	}
	for i := range devices {
		devices[i].Slots = slots[devices[i].Device]
	}
	silent := Villages(devices)
	s.mu.Lock()
	s.villages = silent
	s.mu.Unlock()
	for _, d := range devices {
		if err := s.judge(ctx, d, open[d.Device], now); err != nil {
			return err
		}
		delete(open, d.Device)
	}
	for _, alerts := range open { // of devices that are no more
		if err := s.clear(ctx, alerts, now); err != nil {
			return err
		}
	}
	return nil
}

// judge raises or clears what follows from one device's state. open are its alerts.
func (s *Service) judge(ctx context.Context, d Heard, open []Alert, now time.Time) error {
	var err error
	if a := Judge(d, s.cfg.SilentAfter, now); a != nil {
		a.Raised = now
		err = s.Raise(ctx, *a)
	} else {
		err = s.Clear(ctx, Silent, d.Device, "", now)
	}
	if err != nil {
		return err
	}
	for _, f := range d.Faults {
		if err := s.Raise(ctx, Alert{Kind: Fault, Device: d.Device, Subject: f, Reason: f, Since: d.At, Raised: now}); err != nil {
			return err
		}
	}
	if d.Misfit != "" {
		if err := s.Raise(ctx, Alert{Kind: Board, Device: d.Device, Reason: d.Misfit, Since: d.At, Raised: now}); err != nil {
			return err
		}
	}
	recent := map[string]bool{}
	for _, k := range d.Keyed {
		if at := k.At.Time(); now.Sub(at) < endedFor {
			recent[string(k.Airing)] = true
			if err := s.Raise(ctx, Alert{Kind: Ended, Device: d.Device, Subject: string(k.Airing), Reason: at.UTC().Format(time.RFC3339), Since: at, Raised: now}); err != nil {
				return err
			}
		}
	}
	return s.clear(ctx, slices.DeleteFunc(open, func(a Alert) bool {
		over := a.Kind == Fault && !slices.Contains(d.Faults, a.Subject) || a.Kind == Board && d.Misfit == "" || a.Kind == Ended && !recent[a.Subject] ||
			event(a.Kind) && now.Sub(a.Raised) > eventFor
		return !over
	}), now)
}

// clear closes alerts, as far as they are open.
func (s *Service) clear(ctx context.Context, alerts []Alert, now time.Time) error {
	for _, a := range alerts {
		if err := s.Clear(ctx, a.Kind, a.Device, a.Subject, now); err != nil {
			return err
		}
	}
	return nil
}

// endedFor is how long it is shown that somebody at a board ended an emergency.
const endedFor = 24 * time.Hour

// opened returns the open alerts of each device.
func (s *Service) opened() map[protocol.DeviceID][]Alert {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := map[protocol.DeviceID][]Alert{}
	for _, a := range s.open {
		of[a.Device] = append(of[a.Device], a)
	}
	return of
}

// List returns the alerts of devices that the actor may read: those that are open,
// and those raised since.
func (s *Service) List(ctx context.Context, actor account.Actor, since time.Time) ([]Alert, error) {
	all, err := s.cfg.Store.Alerts(ctx, since)
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	may := map[protocol.DeviceID]bool{}
	var list []Alert
	for _, a := range all {
		ok, asked := may[a.Device]
		if !asked {
			path, err := s.cfg.Devices.Path(ctx, a.Device)
			ok = err == nil && actor.May(account.Read, path)
			may[a.Device] = ok
		}
		if ok {
			list = append(list, a)
		}
	}
	return list, nil
}

// See notes that the actor has taken note of an alert. Errors:
// problem.ErrNotFound, problem.ErrForbidden.
func (s *Service) See(ctx context.Context, actor account.Actor, id int64, now time.Time) (Alert, error) {
	list, err := s.List(ctx, actor, time.Time{})
	if err != nil {
		return Alert{}, err
	}
	at := slices.IndexFunc(list, func(a Alert) bool { return a.ID == id })
	if at < 0 {
		return Alert{}, problem.New(problem.ErrNotFound, "no-alert", "", "Không có cảnh báo này. Hãy mở lại danh sách.", "There is no such alert. Open the list again.")
	}
	a := list[at]
	path, err := s.cfg.Devices.Path(ctx, a.Device)
	if err != nil {
		return Alert{}, err
	}
	if !actor.May(account.Stop, path) {
		return Alert{}, problem.ErrForbidden
	}
	if err := s.cfg.Store.See(ctx, id, actor.Person, now); err != nil {
		return Alert{}, err
	}
	a.SeenBy, a.Seen = actor.Person, now
	if event(a.Kind) && a.Closed.IsZero() {
		if err := s.Clear(ctx, a.Kind, a.Device, a.Subject, now); err != nil {
			return Alert{}, err
		}
		a.Closed = now
	}
	return a, nil
}

// event says whether alerts of a kind tell of something that happened and does not
// pass: they are over when somebody has taken note, or after eventFor.
func event(k Kind) bool { return k == Conflict || k == Lost }

// eventFor is how long what happened once stays open although nobody takes note of it.
const eventFor = 30 * 24 * time.Hour
