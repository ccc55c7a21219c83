package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/protocol"
)

// SaveSighting implements reach.Store; one that is told twice is kept once.
func (s *Ledger) SaveSighting(ctx context.Context, g reach.Sighting) error {
	var picture, lux, light any
	switch {
	case len(g.Light) > 0:
		j, err := json.Marshal(g.Light)
		if err != nil {
			return err
		}
		light = string(j)
	case g.By == reach.ByLight:
		lux = g.Lux
	default:
		picture = g.Picture[:]
	}
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO sighting (airing, device, at, by, picture, lux, light, person, told) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			g.Airing, g.Device, ms(g.At), g.By, picture, lux, light, g.Person, ms(g.Told))
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return err
		}
		unit, err := unitOf(ctx, tx, g.Device)
		if err != nil {
			return err
		}
		return record(ctx, tx, audit.Act{
			By: g.Person, At: g.Told, Name: "board seen", Subject: string(g.Device), Unit: unit,
			After: map[string]string{"airing": string(g.Airing), "by": string(g.By), "picture": g.Picture.String()},
		})
	})
}

// Sightings implements reach.Store; the earliest comes first.
func (s *Ledger) Sightings(ctx context.Context, airings []protocol.AiringID) ([]reach.Sighting, error) {
	return all(ctx, s.db.read, func(r row) (reach.Sighting, error) {
		var g reach.Sighting
		var at, told int64
		var picture []byte
		var lux sql.NullFloat64
		var light sql.NullString
		if err := r.Scan(&g.Airing, &g.Device, &at, &g.By, &picture, &lux, &light, &g.Person, &told); err != nil {
			return g, kind(err)
		}
		if light.Valid {
			if err := json.Unmarshal([]byte(light.String), &g.Light); err != nil {
				return g, fmt.Errorf("light before %s: %w", g.Device, err)
			}
		}
		copy(g.Picture[:], picture)
		g.At, g.Told, g.Lux = fromMs(at), fromMs(told), lux.Float64
		return g, nil
	}, `SELECT airing, device, at, by, picture, lux, light, person, told FROM sighting WHERE airing `+among+` ORDER BY at`, idsOf(airings))
}
