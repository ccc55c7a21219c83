package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/e2e/figure"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// A month in which so many devices answered for so many airings a day, each of which
// goes on daily.
const (
	recentDevices = 1000
	recentDaily   = 4
	recentDays    = 30
)

// fleet is what the figures of recent slots are computed from, but for the answers.
type fleet struct {
	airings []programme.Airing
	devices []registry.Device
	places  map[protocol.DeviceID][]protocol.Placement
}

func (f fleet) AiringsOf(context.Context, protocol.BulletinID) ([]programme.Airing, error) {
	return f.airings, nil
}

func (f fleet) Airings(context.Context, []protocol.UnitID, time.Time) ([]programme.Airing, error) {
	return f.airings, nil
}

func (f fleet) Kin(context.Context, []protocol.AiringID) ([]programme.Airing, error) { return nil, nil }

func (f fleet) Tree(context.Context) (registry.Tree, error) { return registry.Tree{}, nil }

func (f fleet) Devices(context.Context) ([]registry.Device, error) { return f.devices, nil }

func (f fleet) Placements(context.Context) (map[protocol.DeviceID][]protocol.Placement, error) {
	return f.places, nil
}

func (f fleet) Populations(context.Context, time.Time) (map[protocol.UnitID]protocol.Population, error) {
	return nil, nil
}

// BenchmarkGoalRecent measures what the hub does each minute to see who has fallen
// silent: the last two days of 1,000 devices that have answered for a month.
func BenchmarkGoalRecent(b *testing.B) {
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	check(b, err)
	db, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "hub.db"))
	check(b, err)
	b.Cleanup(func() { check(b, db.Close()) })
	w := protocoltest.NewWorld(b)
	f := fleet{places: map[protocol.DeviceID][]protocol.Placement{}}
	first := protocoltest.Now().In(zone)
	for n := range recentDaily {
		doc := protocoltest.Bulletin()
		doc.Board = nil
		bulletin := protocoltest.Encode(b, doc)
		a := protocoltest.Airing(doc, bulletin, protocoltest.Approve(b, protocoltest.Statement(bulletin, doc.Class), w.First))
		a.ID = protocol.AiringID(fmt.Sprintf("ph-%d", n))
		a.Start, a.Rule, a.ExDates, a.RDates = first.Format(time.DateOnly)+fmt.Sprintf("T%02d:00:00", 16+n), "FREQ=DAILY", nil, nil
		f.airings = append(f.airings, programme.Airing{Wire: a, Units: []protocol.UnitID{a.Unit}})
	}
	for i := range recentDevices {
		id := protocol.DeviceID(fmt.Sprintf("loa-%04d", i))
		f.devices = append(f.devices, registry.Device{ID: id, Sound: true})
		f.places[id] = []protocol.Placement{protocoltest.Placement(id, protocoltest.Dong)}
	}
	now := first.AddDate(0, 0, recentDays)
	answers := 0
	check(b, db.WithTx(b.Context(), func(tx *sql.Tx) error {
		for _, air := range f.airings {
			starts, err := reach.Starts(air.Wire, zone, now)
			if err != nil {
				return err
			}
			for _, s := range starts {
				for _, d := range f.devices {
					answers++
					if _, err := tx.ExecContext(b.Context(), `INSERT INTO outcome (airing, device, medium, start, outcome, reason, proof, began, ended, frames, voice, uncertainty, received, hash)
						VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, 1, 0, 0, ?, x'00')`, air.Wire.ID, d.ID, protocol.MediumSound, s.UnixMilli(), protocol.OutcomePlayed,
						protocol.ProofConsumed, s.UnixMilli(), s.UnixMilli(), s.UnixMilli()); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}))
	service := reach.New(store.NewLedger(db), f, nil, f, nil, zone, func() time.Time { return now })
	var took []float64
	for b.Loop() {
		began := time.Now()
		got, err := service.Recent(b.Context(), now.Add(-48*time.Hour))
		check(b, err)
		took = append(took, time.Since(began).Seconds())
		lines := got["loa-0999"]
		if len(got) != recentDevices || len(lines) != 2*recentDaily || !lines[0].Played() {
			b.Fatalf("%d devices, %d lines of one", len(got), len(lines))
		}
	}
	check(b, figure.Print(figure.Under(fmt.Sprintf("who is silent: the last days of %d devices of %d receipts", recentDevices, answers), "s", took, 1)))
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
