package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/alert"
	"github.com/loa-vn/loa/hub/backup"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
)

func (w *world) folders() backup.Folders {
	c := w.config
	return backup.Folders{Data: c.Data, Database: c.Database(), Keys: c.KeyDir(), CA: c.CADir(), Blobs: c.BlobDir()}
}

// loaded writes without a pause while fn runs.
func (w *world) loaded(fn func()) {
	w.t.Helper()
	ctx, end := context.WithCancel(w.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			h := protocol.Heartbeat{Version: protocol.Version, Device: "loa-dong", Connection: 1, Online: true, At: protocol.Instant(i)}
			if _, err := w.Registry.SaveStates(ctx, []protocol.Heartbeat{h}, time.Now()); err != nil && ctx.Err() == nil {
				w.t.Error(err)
				return
			}
		}
	})
	fn()
	end()
	wg.Wait()
}

// A hub that was restored from a backup made under load asks what devices hold:
// it numbers its plans on from there, and gets the receipts again that it had
// acknowledged and lost.
func TestARestoredHubGoesPastWhatDevicesHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	before := w.ready(spokenText(1))
	w.air(before, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	w.settled(before, 1)
	dest := filepath.Join(t.TempDir(), "backup")
	w.loaded(func() {
		_, err := backup.Write(t.Context(), backup.Options{Folders: w.folders(), Dest: dest, Snapshot: w.DB.Snapshot, Now: time.Now()})
		must(t, err)
	})
	// What the backup does not have.
	lost := w.ready(spokenText(1))
	w.air(lost, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	w.settled(lost, 1)
	w.holds(d)
	// Its device has signed what it did; the plan that said so is gone, and that is named.
	gone := "receipt of loa-dong for airing " + string(w.airing(lost)) + ", which no plan names: plans were removed, or lost with a restore"
	state := w.heartbeat(d)
	w.until("the device's receipts are acknowledged", func() bool {
		state = w.heartbeat(d)
		return state.Unacked == 0 && state.Chain != nil
	})
	held := map[protocol.UnitID]uint64{}
	for _, p := range state.Plans {
		held[p.Unit] = p.Number
	}

	w.stop()
	must(t, os.Rename(w.config.Data, w.config.Data+".lost"))
	_, err := backup.Restore(t.Context(), dest, backup.Key{}, w.folders())
	must(t, err)
	w.start()
	w.online(d)
	w.until("the plan goes past what the device held", func() bool {
		p, err := store.NewProgramme(w.DB).NewestPlan(t.Context(), commune)
		return err == nil && p.Number > held[commune]
	})
	w.holds(d)
	w.until("the receipts are back", func() bool {
		end, err := store.NewLedger(w.DB).ChainEnd(t.Context(), d.id, state.Chain.Chain)
		must(t, err)
		return end >= state.Chain.Seq
	})
	w.countedOnce(before, reach.Count{Expected: 1, Played: 1}, gone)
	after := w.ready(spokenText(1))
	w.air(after, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	w.settled(after, 1)
	w.countedOnce(after, reach.Count{Expected: 1, Played: 1}, gone)
}

func (w *world) heartbeat(d *device) protocol.Heartbeat {
	w.t.Helper()
	s, err := w.Registry.State(w.t.Context(), d.id)
	must(w.t, err)
	return s.Heartbeat
}

// A device whose storage was put back to an earlier state, or copied, signs other
// receipts in places that are taken: both stay, and an alert says so.
func TestAClonedDeviceRaisesAnAlert(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	w.until("the first receipts are acknowledged", func() bool {
		h := w.heartbeat(d)
		return h.Unacked == 0 && h.Chain != nil
	})
	d.stop()
	file := filepath.Join(d.config.Data, "agent.db")
	copied := readAll(t, file)
	for range 2 {
		must(t, os.WriteFile(file, copied, 0o600))
		d.start()
		w.until("connected again", func() bool { return d.Online() })
		b := w.ready(spokenText(1))
		w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
		w.settled(b, 1)
		d.stop()
	}
	operator := account.Actor{Person: "quantri", Grants: []account.Grant{{Unit: commune, Role: account.Operator}}}
	list, err := w.Alerts.List(t.Context(), operator, time.Now())
	must(t, err)
	if !slices.ContainsFunc(list, func(a alert.Alert) bool { return a.Kind == alert.Conflict && a.Device == d.id && a.First > 1 }) {
		t.Errorf("no alert of a conflict in %+v", list)
	}
}

// merge replaces two villages by one, from today on.
func (w *world) merge() {
	w.t.Helper()
	const units = `id,code,name,kind,parent,valid_from,valid_until,people,source,counted
thon-dong,9900101,Thôn Đông,village,xa-binh-an,2025-07-01,TODAY,820,UBND xã (mẫu),2026-06-30
thon-doai,9900102,Thôn Đoài,village,xa-binh-an,2025-07-01,TODAY,610,UBND xã (mẫu),2026-06-30
thon-moi,9900104,Thôn Mới,village,xa-binh-an,TODAY,,1430,UBND xã (mẫu),2026-06-30
`
	today := string(protocol.DateOf(time.Now().In(w.Zone)))
	_, err := w.Registry.Import(w.t.Context(), strings.NewReader(strings.ReplaceAll(units, "TODAY", today)), false, registrar, "quantri")
	must(w.t, err)
}

// A device that was away while it was moved twice, and its village merged into
// another, ends where it belongs: it holds the newest placement, the plans of that
// path and of the village that was merged, and answers for what is aired there.
func TestADeviceAwayThroughMovesEndsInItsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	old := w.ready(spokenText(1))
	start, wish := w.later(time.Hour)
	w.air(old, bulletin.Wish{When: bulletin.At, Volume: 100, Start: wish, Units: []protocol.UnitID{"thon-dong"}}, "duyet1")
	w.holds(d)
	d.stop()
	w.offline(d)

	w.merge()
	for _, unit := range []protocol.UnitID{"thon-trung", "thon-moi"} {
		_, err := w.Registry.Place(t.Context(), registry.NewDevice{
			ID: d.id, Name: "Loa Đông", Unit: unit, Serves: map[protocol.UnitID]uint64{unit: 1000},
		}, registrar, "quantri")
		must(t, err)
	}
	here := w.ready(spokenText(1))
	w.air(here, bulletin.Wish{When: bulletin.At, Volume: 100, Start: start.Add(time.Minute).Format("2006-01-02T15:04:05"), Units: []protocol.UnitID{"thon-moi"}}, "duyet1")

	d.start()
	w.online(d)
	newest, err := w.Registry.Device(t.Context(), d.id)
	must(t, err)
	if diff := cmp.Diff([]protocol.UnitID{"thon-dong"}, newest.Placement.Predecessors); diff != "" {
		t.Errorf("predecessors (-want +got):\n%s", diff)
	}
	w.until("the device is in its place", func() bool {
		h := w.heartbeat(d)
		return h.Placement == newest.Placement.Number && slices.ContainsFunc(h.Plans, func(p protocol.Held) bool { return p.Unit == "thon-moi" }) &&
			slices.ContainsFunc(h.Plans, func(p protocol.Held) bool { return p.Unit == "thon-dong" }) &&
			!slices.ContainsFunc(h.Plans, func(p protocol.Held) bool { return p.Unit == "thon-trung" })
	})
	w.holds(d)
	now := w.ready(spokenText(1))
	w.air(now, bulletin.Wish{When: bulletin.Now, Volume: 100, Units: []protocol.UnitID{"thon-moi"}}, "duyet1")
	w.settled(now, 1)
	w.countedOnce(now, reach.Count{Expected: 1, Played: 1})
}

// A device that is moved while a bulletin of its commune is on plays it on, without a
// break, and it counts as one whole play.
func TestAMoveLetsGoOnWhatStillApplies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	on, later := w.ready(spokenText(4)), w.ready(spokenText(1))
	w.air(on, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	w.begun(d, on)
	moved, err := w.Registry.Place(t.Context(), registry.NewDevice{
		ID: d.id, Name: "Loa Đông", Unit: "thon-doai", Serves: map[protocol.UnitID]uint64{"thon-doai": 1000},
	}, registrar, "quantri")
	must(t, err)
	// Another airing has the device say what it holds, which the hub answers.
	_, start := w.later(time.Hour)
	w.air(later, bulletin.Wish{When: bulletin.At, Volume: 100, Start: start}, "duyet1")
	var said protocol.Heartbeat
	w.until("the device is in its new place", func() bool {
		said = w.heartbeat(d)
		return said.Placement == moved.Placement.Number
	})
	if said.Playing != w.airing(on) {
		t.Errorf("then %q is on: the bulletin did not last until the move, or was ended by it", said.Playing)
	}
	w.settled(on, 1)
	w.countedOnce(on, reach.Count{Expected: 1, Played: 1})
	if r := w.answers(w.airing(on)); len(r) != 1 || len(r[0].Plays) != 1 || r[0].Placement != moved.Placement.Number {
		t.Errorf("%+v, want one play without a break", r)
	}
}
