package programme_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
)

// office is a desk on a real database, with a clock that the test sets.
type office struct {
	t         *testing.T
	db        *store.DB
	bulletins *store.Bulletins
	airings   *store.Programme
	desk      *programme.Desk
	service   *programme.Service
	zone      *time.Location
	now       time.Time
	published []protocol.UnitID
	onPublish func([]protocol.UnitID)
	approvals map[protocol.Digest]protocol.Statement // by the approval's digest
	plays     int                                    // a day, of what is approved; 0: the default
	devices   []registry.Device
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newOffice(t *testing.T) *office {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"))
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	zone := time.FixedZone("+07", 7*3600)
	o := &office{
		t: t, db: db, bulletins: store.NewBulletins(db, nil), airings: store.NewProgramme(db), zone: zone,
		now: time.Date(2026, 11, 30, 9, 0, 0, 0, zone), approvals: map[protocol.Digest]protocol.Statement{},
	}
	must(t, db.WithTx(t.Context(), func(tx *sql.Tx) error {
		for _, u := range units {
			if _, err := tx.Exec(`INSERT INTO unit (id, code, name, kind, parent, valid_from) VALUES (?, ?, ?, ?, nullif(?, ''), '2025-07-01')`, u.ID, u.ID, u.Name, u.Kind, u.Parent); err != nil {
				return err
			}
		}
		for _, p := range []string{"soan", "duyet"} {
			if _, err := tx.Exec(`INSERT INTO person (id, name, password, created) VALUES (?, ?, '', 0)`, p, p); err != nil {
				return err
			}
		}
		return nil
	}))
	o.service = programme.New(o.airings, o.bulletins, o, o, o, zone, func() time.Time { o.now = o.now.Add(time.Millisecond); return o.now })
	o.desk = programme.NewDesk(o.service, store.NewDesk(db), o.bulletins)
	return o
}

var units = []registry.Unit{
	{ID: "tinh", Name: "Tỉnh mẫu", Kind: registry.Province},
	{ID: "xa-a", Name: "Xã A", Kind: registry.Commune, Parent: "tinh"},
	{ID: "xa-b", Name: "Xã B", Kind: registry.Commune, Parent: "tinh"},
	{ID: "xa-c", Name: "Xã C", Kind: registry.Commune, Parent: "tinh"},
	{ID: "dong", Name: "Thôn Đông", Kind: registry.Village, Parent: "xa-a"},
	{ID: "thon-b", Name: "Thôn B", Kind: registry.Village, Parent: "xa-b"},
}

func (o *office) Tree(context.Context) (registry.Tree, error) { return registry.NewTree(units), nil }

func (o *office) Devices(context.Context) ([]registry.Device, error) { return o.devices, nil }

func (o *office) Quiet(context.Context, protocol.UnitID) ([]protocol.Quiet, error) { return nil, nil }

func (o *office) Document(b []byte) (protocol.Content, error) { return protocol.ContentOf(b), nil }

func (o *office) Publish(_ context.Context, units []protocol.UnitID) error {
	o.published = append(o.published, units...)
	if o.onPublish != nil {
		o.onPublish(units)
	}
	return nil
}

func (o *office) Alert(context.Context, protocol.UnitID, protocol.Alert, time.Time) error { return nil }

// who is a person with one role in one unit.
func who(unit protocol.UnitID, role account.Role) account.Actor {
	return account.Actor{Person: "soan", Grants: []account.Grant{{Unit: unit, Role: role}}}
}

func operator() account.Actor { return who("tinh", account.Operator) }

// bulletin writes one with a sound of so many seconds; it is not approved.
func (o *office) bulletin(id protocol.BulletinID, unit protocol.UnitID, class protocol.Class, seconds int) {
	o.t.Helper()
	frames := int64(seconds) * protocol.SoundRate
	content := protocol.ContentOf([]byte("sound of " + id))
	b := bulletin.Bulletin{
		ID: id, Work: id, Revision: 1, Unit: unit, Class: class, Title: string(id), Text: "chữ", Language: "vi", Author: "soan", Origin: bulletin.FromText,
		State: bulletin.Ready, Rendition: &bulletin.Rendition{Content: content, Frames: frames}, Created: o.now, Changed: o.now,
	}
	frozen, err := bulletin.Freeze(b, bulletin.Shown{At: o.now}, nil)
	must(o.t, err)
	b.Bytes, err = protocol.Marshal(frozen)
	must(o.t, err)
	b.Digest = protocol.DigestOf(b.Bytes)
	must(o.t, o.bulletins.CreateBulletin(o.t.Context(), b, false))
}

// approve approves a bulletin for units, from today to a last day.
func (o *office) approve(id protocol.BulletinID, last protocol.Date, units ...protocol.UnitID) {
	o.t.Helper()
	b, err := o.bulletins.Bulletin(o.t.Context(), id)
	must(o.t, err)
	w := bulletin.Wish{Units: units, When: bulletin.InProgrammes, LastDay: last, PlaysPerDay: o.plays}
	st, err := approval.Derive(b, b.Digest, w, o.zone, o.now)
	must(o.t, err)
	raw, err := protocol.Marshal(st)
	must(o.t, err)
	b.Wish, b.State = &w, bulletin.Submitted
	r := approval.Request{Digest: protocol.DigestOf(raw), Bytes: raw, Statement: st, Bulletin: b, Needed: 1, Created: o.now}
	must(o.t, o.bulletins.Submit(o.t.Context(), b, b.Changed, r))
	_, err = o.bulletins.Sign(o.t.Context(), r.Digest, approval.Signature{Person: "duyet", Bytes: []byte("chữ ký"), At: o.now})
	must(o.t, err)
	o.air(id, r.Digest)
}

// air puts an approved request on air, and notes what devices will find in its approval.
func (o *office) air(id protocol.BulletinID, digest protocol.Digest) {
	o.t.Helper()
	q, err := o.bulletins.ApprovedOf(o.t.Context(), id)
	must(o.t, err)
	raw, err := q.Approval()
	must(o.t, err)
	o.approvals[protocol.DigestOf(raw)] = q.Statement
	must(o.t, o.desk.Air(o.t.Context(), digest))
}

// stock is the bulletins of most tests, approved but for "tin-2".
func (o *office) stock() {
	for id, seconds := range map[protocol.BulletinID]int{"mo": 3, "tin-1": 60, "tin-2": 90, "dong": 3} {
		o.bulletin(id, "tinh", protocol.ClassNormal, seconds)
		if id != "tin-2" {
			o.approve(id, "2026-12-31", "tinh")
		}
	}
}

func morning() programme.Rundown {
	return programme.Rundown{
		Unit: "xa-a", Name: "Chương trình sáng", Units: []protocol.UnitID{"xa-a"},
		Slot: programme.Slot{Start: "2026-12-01T05:00:00", Minutes: 15, Rule: "FREQ=DAILY", LastDay: "2026-12-20"},
		Items: []programme.Item{
			{Kind: programme.Opening, Bulletin: "mo"}, {Kind: programme.Piece, Bulletin: "tin-1"}, {Kind: programme.Piece, Bulletin: "tin-2"}, {Kind: programme.Closing, Bulletin: "dong"},
		},
	}
}

func (o *office) save(r programme.Rundown) programme.Rundown {
	o.t.Helper()
	r, err := o.desk.Save(o.t.Context(), operator(), r)
	must(o.t, err)
	return r
}

// plan is what stands in a unit's plan, as a device there would find it.
func (o *office) plan(unit protocol.UnitID) []programme.Airing {
	o.t.Helper()
	src, err := o.airings.PlanSource(o.t.Context(), unit, o.now)
	must(o.t, err)
	slices.SortFunc(src.Airings, func(a, b programme.Airing) int { return cmp.Compare(a.Wire.ID, b.Wire.ID) })
	return src.Airings
}

// heard is what a village hears on a day: "title 05:00:03".
func (o *office) heard(village protocol.UnitID, day protocol.Date) []string {
	o.t.Helper()
	f, err := o.desk.Forecast(o.t.Context(), operator(), village, nil, day)
	must(o.t, err)
	out := []string{}
	for _, l := range f.Lines {
		if l.Outcome == protocol.OutcomePlayed {
			out = append(out, l.Title+" "+l.Begins.In(o.zone).Format(time.TimeOnly))
		}
	}
	return out
}

func (o *office) hears(village protocol.UnitID, day protocol.Date, want ...string) {
	o.t.Helper()
	if d := diff.Diff(append([]string{}, want...), o.heard(village, day)); d != "" {
		o.t.Errorf("%s on %s (-want +got):\n%s", village, day, d)
	}
}

func code(err error) string {
	var p *problem.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return fmt.Sprint(err)
}
