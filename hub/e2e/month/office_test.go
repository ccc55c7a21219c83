package month

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/ledger"
	"github.com/loa-vn/loa/hub/plan"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

const zoneName = "Asia/Ho_Chi_Minh"

// units are a province with one commune and two of its villages.
func units() []registry.Unit {
	return []registry.Unit{
		{ID: "tinh", Name: "Tỉnh mẫu", Kind: registry.Province},
		{ID: "xa", Name: "Xã mẫu", Kind: registry.Commune, Parent: "tinh"},
		{ID: "dong", Name: "Thôn Đông", Kind: registry.Village, Parent: "xa"},
		{ID: "doai", Name: "Thôn Đoài", Kind: registry.Village, Parent: "xa"},
	}
}

// office is a hub's desk, plans, ledger and coverage. Its database is real.
type office struct {
	t         *testing.T
	dir       string
	zone      *time.Location
	bulletins *store.Bulletins
	airings   *store.Programme
	service   *programme.Service
	desk      *programme.Desk
	reach     *reach.Service
	ledger    *ledger.Ledger
	plans     map[protocol.UnitID]protocol.Plan
	touched   map[protocol.Date]bool // days on which plans changed
	requests  map[protocol.BulletinID]protocol.Digest
	horns     []*horn

	mu         sync.Mutex
	statements map[protocol.Digest]protocol.Statement // by their approvals' digests
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// quickDir is a folder in memory if there is one: nobody cuts this test's power, and
// thousands of transactions need not wait for a disk.
func quickDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "loa-month-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

func newOffice(t *testing.T, devices int) *office {
	t.Helper()
	zone, err := time.LoadLocation(zoneName)
	must(t, err)
	o := &office{
		t: t, dir: quickDir(t), zone: zone, plans: map[protocol.UnitID]protocol.Plan{}, touched: map[protocol.Date]bool{},
		requests: map[protocol.BulletinID]protocol.Digest{}, statements: map[protocol.Digest]protocol.Statement{},
	}
	db, err := store.Open(t.Context(), filepath.Join(o.dir, "hub.db"))
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	now := func() time.Time { return time.Now().In(zone) }
	receipts := store.NewLedger(db)
	o.bulletins, o.airings = store.NewBulletins(db, nil), store.NewProgramme(db)
	o.service = programme.New(o.airings, o.bulletins, o, o, o, zone, now)
	o.desk = programme.NewDesk(o.service, store.NewDesk(db), o.bulletins)
	o.reach = reach.New(receipts, o.airings, o, o, o, zone, now)
	o.ledger = ledger.New(receipts, o, protocoltest.Signer(t, "hub"), o, o, now, func(protocol.DeviceID) {}, slog.New(slog.DiscardHandler))
	t.Cleanup(o.ledger.Close)
	for i := range devices {
		path := []protocol.UnitID{"tinh", "xa", []protocol.UnitID{"dong", "doai"}[i%2]}
		if i%5 == 4 {
			path = path[:2]
		}
		o.horns = append(o.horns, newHorn(o, protocol.DeviceID(fmt.Sprintf("loa-%02d", i)), path))
	}
	must(t, db.WithTx(t.Context(), func(tx *sql.Tx) error {
		for _, u := range units() {
			if _, err := tx.Exec(`INSERT INTO unit (id, code, name, kind, parent, valid_from) VALUES (?, ?, ?, ?, nullif(?, ''), '2025-07-01')`, u.ID, u.ID, u.Name, u.Kind, u.Parent); err != nil {
				return err
			}
		}
		for _, p := range []string{"soan", "duyet"} {
			if _, err := tx.Exec(`INSERT INTO person (id, name, password, created) VALUES (?, ?, '', 0)`, p, p); err != nil {
				return err
			}
		}
		for _, h := range o.horns {
			if _, err := tx.Exec(`INSERT INTO device (id, name, unit, sound, created) VALUES (?, ?, ?, 1, 0)`, h.id, h.id, h.path[len(h.path)-1]); err != nil {
				return err
			}
		}
		return nil
	}))
	return o
}

// operator may do everything here.
func operator() account.Actor {
	return account.Actor{Person: "soan", Grants: []account.Grant{{Unit: "tinh", Role: account.Operator}}}
}

// Tree implements programme.Registry and reach.Registry.
func (o *office) Tree(context.Context) (registry.Tree, error) { return registry.NewTree(units()), nil }

// Devices implements programme.Registry and reach.Registry.
func (o *office) Devices(context.Context) ([]registry.Device, error) {
	var out []registry.Device
	for _, h := range o.horns {
		out = append(out, registry.Device{ID: h.id, Name: string(h.id), Unit: h.path[len(h.path)-1], Sound: true, Placement: h.placement})
	}
	return out, nil
}

// Quiet implements programme.Registry: at noon and at night, which overlap those above
// or do not.
func (o *office) Quiet(_ context.Context, unit protocol.UnitID) ([]protocol.Quiet, error) {
	return map[protocol.UnitID][]protocol.Quiet{
		"tinh": {{Start: 21 * 60, End: 4*60 + 30}, {Start: 12*60 + 30, End: 13 * 60}},
		"xa":   {{Start: 21*60 + 30, End: 5 * 60}, {Start: 11*60 + 45, End: 12*60 + 15}},
		"dong": {{Start: 20 * 60, End: 5*60 + 30}, {Start: 12 * 60, End: 12*60 + 45}},
	}[unit], nil
}

// Document implements programme.Documents.
func (o *office) Document(b []byte) (protocol.Content, error) { return protocol.ContentOf(b), nil }

// Read implements reach.Documents.
func (o *office) Read(protocol.Digest, int64) ([]byte, error) { return nil, problem.ErrNotFound }

// Get implements reach.Bulletins.
func (o *office) Get(ctx context.Context, _ account.Actor, id protocol.BulletinID) (bulletin.Bulletin, error) {
	return o.bulletins.Bulletin(ctx, id)
}

// Placements implements reach.Registry.
func (o *office) Placements(context.Context) (map[protocol.DeviceID][]protocol.Placement, error) {
	out := map[protocol.DeviceID][]protocol.Placement{}
	for _, h := range o.horns {
		out[h.id] = []protocol.Placement{h.placement}
	}
	return out, nil
}

// Populations implements reach.Registry.
func (o *office) Populations(context.Context, time.Time) (map[protocol.UnitID]protocol.Population, error) {
	return nil, nil
}

// Alert implements programme.Publisher: whoever is there learns of it by the plan, at
// the same instant.
func (o *office) Alert(context.Context, protocol.UnitID, protocol.Alert, time.Time) error { return nil }

// Publish implements programme.Publisher: it makes the plans of units and brings them
// to whoever is there.
func (o *office) Publish(ctx context.Context, units []protocol.UnitID) error {
	now := time.Now().In(o.zone)
	o.touched[protocol.DateOf(now)] = true
	for _, u := range units {
		src, err := o.airings.PlanSource(ctx, u, now.Add(-plan.Keep))
		if err != nil {
			return err
		}
		src.Held = o.plans[u].Number
		if src.Quiet, err = o.Quiet(ctx, u); err != nil {
			return err
		}
		body, err := protocol.Marshal(plan.Build(src, zoneName, now))
		if err != nil {
			return err
		}
		if o.plans[u], err = protocol.Unmarshal[protocol.Plan](body, protocol.MaxPlan); err != nil {
			return err
		}
	}
	for _, h := range o.horns {
		h.receive()
	}
	return nil
}

// DeviceKey implements ledger.Registry.
func (o *office) DeviceKey(_ context.Context, id protocol.DeviceID) (ed25519.PublicKey, error) {
	return protocoltest.PrivateKey(string(id)).Public().(ed25519.PublicKey), nil
}

// Ack implements ledger.Replies.
func (o *office) Ack(id protocol.DeviceID, signed []byte) {
	public := protocoltest.PrivateKey("hub").Public().(ed25519.PublicKey)
	payload, _, err := envelope.Open(envelope.KindAck, signed, protocol.MaxControl, envelope.One(protocol.Key{Kind: protocol.KeyEd25519, Public: public}))
	if err != nil {
		o.t.Error(err)
		return
	}
	head, err := protocol.Unmarshal[protocol.Head](payload, protocol.MaxControl)
	if err != nil {
		o.t.Error(err)
		return
	}
	for _, h := range o.horns {
		if h.id == id {
			h.acknowledged(head)
		}
	}
}

// Resync implements ledger.Replies.
func (o *office) Resync(_ context.Context, id protocol.DeviceID, seq uint64) error {
	o.t.Errorf("receipts of %s are asked for again from %d", id, seq)
	return nil
}

// Conflict implements ledger.Alarms.
func (o *office) Conflict(_ context.Context, id protocol.DeviceID, _ protocol.Digest, first, last uint64) {
	o.t.Errorf("receipts %d to %d of %s contradict others", first, last, id)
}

// Gap implements ledger.Alarms.
func (o *office) Gap(_ context.Context, id protocol.DeviceID, _ protocol.Digest, first, last uint64) {
	o.t.Errorf("receipts %d to %d of %s are missing", first, last, id)
}

// Lost implements ledger.Alarms.
func (o *office) Lost(_ context.Context, id protocol.DeviceID, _ protocol.Digest, first, last uint64) {
	o.t.Errorf("receipts %d to %d of %s are lost", first, last, id)
}

// Whole implements ledger.Alarms.
func (o *office) Whole(context.Context, protocol.DeviceID, protocol.Digest) {}

// statement is what an airing's approval says, by documents that every device has.
func (o *office) statement(a protocol.Airing) (envelope.Grant, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	st, ok := o.statements[a.Approval.Digest]
	if !ok {
		return envelope.Grant{}, inbox.ErrMissing
	}
	return envelope.Grant{Statement: st}, nil
}

// bulletin writes one with a sound of so many seconds and has it approved.
func (o *office) bulletin(id protocol.BulletinID, unit protocol.UnitID, class protocol.Class, seconds int, w bulletin.Wish) {
	o.t.Helper()
	ctx, now := o.t.Context(), time.Now().In(o.zone)
	b := bulletin.Bulletin{
		ID: id, Work: id, Revision: 1, Unit: unit, Class: class, Title: string(id), Text: "chữ", Language: "vi", Author: "soan", Origin: bulletin.FromText,
		State: bulletin.Ready, Created: now, Changed: now, Options: bulletin.SoundOptions{Drill: w.Drill},
		Rendition: &bulletin.Rendition{Content: protocol.ContentOf([]byte("sound of " + id)), Frames: int64(seconds) * protocol.SoundRate},
	}
	frozen, err := bulletin.Freeze(b, bulletin.Shown{At: now}, nil)
	must(o.t, err)
	b.Bytes, err = protocol.Marshal(frozen)
	must(o.t, err)
	b.Digest = protocol.DigestOf(b.Bytes)
	must(o.t, o.bulletins.CreateBulletin(ctx, b, false))
	st, err := approval.Derive(b, b.Digest, w, o.zone, now)
	must(o.t, err)
	raw, err := protocol.Marshal(st)
	must(o.t, err)
	b.Wish, b.State = &w, bulletin.Submitted
	r := approval.Request{Digest: protocol.DigestOf(raw), Bytes: raw, Statement: st, Bulletin: b, Needed: 1, Created: now}
	must(o.t, o.bulletins.Submit(ctx, b, b.Changed, r))
	_, err = o.bulletins.Sign(ctx, r.Digest, approval.Signature{Person: "duyet", Bytes: []byte("chữ ký"), At: now})
	must(o.t, err)
	q, err := o.bulletins.ApprovedOf(ctx, id)
	must(o.t, err)
	document, err := q.Approval()
	must(o.t, err)
	o.mu.Lock()
	o.statements[protocol.DigestOf(document)] = st
	o.mu.Unlock()
	o.requests[id] = r.Digest
	must(o.t, o.desk.Air(ctx, r.Digest))
}

func code(err error) string {
	var p *problem.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return fmt.Sprint(err)
}
