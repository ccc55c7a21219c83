package alert_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/alert"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
)

// fleet is what devices are like; the tests change it.
type fleet struct{ heard []alert.Heard }

func (f *fleet) Heard(context.Context) ([]alert.Heard, error) { return f.heard, nil }

func (f *fleet) Path(_ context.Context, id protocol.DeviceID) ([]protocol.UnitID, error) {
	if id == "loa-khac" {
		return []protocol.UnitID{"xa-khac"}, nil
	}
	return []protocol.UnitID{"xa"}, nil
}

func (f *fleet) Slots(context.Context, time.Time) (map[protocol.DeviceID][]alert.Slot, error) {
	return nil, nil
}

func watch(t *testing.T, db *store.DB, f *fleet) *alert.Service {
	t.Helper()
	s, err := alert.New(t.Context(), alert.Config{
		Store: store.NewAlerts(db), Devices: f, Reach: f, SilentAfter: 15 * time.Minute,
		Changed: func(protocol.DeviceID) {}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// database has two devices and one person.
func database(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, q := range []string{
		`INSERT INTO unit (id, code, name, kind, valid_from) VALUES ('xa', '1', 'Xã', 'commune', '2026-01-01')`,
		`INSERT INTO device (id, name, unit, sound, created) VALUES ('loa', 'Loa', 'xa', 1, 0), ('loa-khac', 'Loa', 'xa', 1, 0)`,
		`INSERT INTO person (id, name, password, created) VALUES ('truc', 'Trực', '', 0)`,
	} {
		if _, err := db.Writer().ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// What happened once is over when somebody has taken note of it, or after a month;
// should it happen again, it is raised anew.
func TestWhatHappenedOnceIsOverWhenSomebodyHasTakenNote(t *testing.T) {
	db := database(t)
	now := time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)
	s := watch(t, db, &fleet{heard: []alert.Heard{{Device: "loa"}}})
	raise := func(kind alert.Kind, at time.Time) {
		t.Helper()
		if err := s.Raise(t.Context(), alert.Alert{Kind: kind, Device: "loa", Subject: "chain", First: 3, Last: 4, Since: at, Raised: at}); err != nil {
			t.Fatal(err)
		}
	}
	open := func() []alert.Alert {
		t.Helper()
		list, err := store.NewAlerts(db).Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	operator := account.Actor{Person: "truc", Grants: []account.Grant{{Unit: "xa", Role: account.Operator}}}
	for _, kind := range []alert.Kind{alert.Conflict, alert.Lost} {
		raise(kind, now)
		a, err := s.See(t.Context(), operator, open()[0].ID, now)
		if err != nil || !a.Closed.Equal(now) || a.SeenBy != "truc" {
			t.Errorf("%s, seen: %+v, %v", kind, a, err)
		}
		if left := open(); len(left) != 0 {
			t.Errorf("%s is still open: %+v", kind, left)
		}
		raise(kind, now.Add(time.Hour))
		if left := open(); len(left) != 1 {
			t.Errorf("%s again: %+v", kind, left)
		}
		for _, days := range []int{29, 31} {
			if err := s.Look(t.Context(), now.AddDate(0, 0, days)); err != nil {
				t.Fatal(err)
			}
			if left := open(); (len(left) == 1) != (days == 29) {
				t.Errorf("%s after %d days: %+v", kind, days, left)
			}
		}
	}
	raise(alert.Gap, now) // passes when the receipts come
	if _, err := s.See(t.Context(), operator, open()[0].ID, now); err != nil || len(open()) != 1 {
		t.Errorf("a gap that somebody saw: %+v, %v", open(), err)
	}
}

func TestSilenceIsRaisedOnceAndClosedWhenTheDeviceIsBack(t *testing.T) {
	db := database(t)
	now := time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)
	gone := alert.Heard{Device: "loa", Enrolled: now.Add(-time.Hour), At: now.Add(-20 * time.Minute), Faults: []string{"space"}}
	f := &fleet{heard: []alert.Heard{gone}}
	s := watch(t, db, f)
	look := func(s *alert.Service, at time.Time) {
		t.Helper()
		if err := s.Look(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	look(s, now)
	look(s, now.Add(time.Minute))
	s = watch(t, db, f) // a restarted hub goes on with what is open
	look(s, now.Add(2*time.Minute))
	everybody := account.Actor{Person: "truc", Grants: []account.Grant{{Unit: "xa", Role: account.Operator}}}
	list := func() []alert.Alert {
		t.Helper()
		l, err := s.List(t.Context(), everybody, now.Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	want := []alert.Alert{
		{Kind: alert.Fault, Device: "loa", Subject: "space", Reason: "space", Since: gone.At, Raised: now},
		{Kind: alert.Silent, Device: "loa", Reason: alert.ReasonOffline, Since: gone.At, Raised: now},
	}
	if diff := cmp.Diff(want, list(), cmpopts.IgnoreFields(alert.Alert{}, "ID")); diff != "" {
		t.Error(diff)
	}
	if _, err := s.See(t.Context(), everybody, list()[1].ID, now); err != nil {
		t.Error(err)
	}
	f.heard[0].Online, f.heard[0].At, f.heard[0].Faults = true, now.Add(3*time.Minute), nil
	look(s, now.Add(3*time.Minute))
	for _, a := range list() {
		if a.Closed.IsZero() {
			t.Errorf("still open: %+v", a)
		}
	}
	if got := list(); len(got) != 2 || got[1].SeenBy+got[0].SeenBy != "truc" {
		t.Errorf("%+v", got)
	}
}

func TestAlertsOfForeignUnitsAreNotShown(t *testing.T) {
	db := database(t)
	s := watch(t, db, &fleet{})
	now := time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)
	for _, d := range []protocol.DeviceID{"loa", "loa-khac"} {
		if err := s.Raise(t.Context(), alert.Alert{Kind: alert.Conflict, Device: d, Subject: "c", First: 4, Last: 4, Since: now, Raised: now}); err != nil {
			t.Fatal(err)
		}
	}
	stranger := account.Actor{Person: "truc", Grants: []account.Grant{{Unit: "xa-khac", Role: account.Operator}}}
	list, err := s.List(t.Context(), stranger, now)
	if err != nil || len(list) != 1 || list[0].Device != "loa-khac" {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := s.See(t.Context(), stranger, list[0].ID-1, now); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("a stranger took note: %v", err)
	}
}
