package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Registry implements registry.Store.
type Registry struct{ db *DB }

// Registry returns the units' and devices' part of the database.
func (db *DB) Registry() *Registry { return &Registry{db: db} }

// hit turns a statement that touched no row into problem.ErrNotFound.
func hit(r sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return problem.ErrNotFound
	}
	return nil
}

func addDocuments(ctx context.Context, tx *sql.Tx, docs []registry.Document) error {
	for _, d := range docs {
		if _, err := tx.ExecContext(ctx, `INSERT INTO trust (digest, kind, subject, number, bytes, created) VALUES (?, ?, ?, ?, ?, ?)`,
			d.Digest[:], string(d.Kind), d.Subject, d.Number, d.Bytes, ms(d.Created)); err != nil {
			return fmt.Errorf("add %s of %s: %w", d.Kind, d.Subject, err)
		}
	}
	return nil
}

// AddDocuments stores signed documents. Error: problem.ErrConflict.
func (s *Registry) AddDocuments(ctx context.Context, docs []registry.Document) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error { return addDocuments(ctx, tx, docs) })
}

// Documents returns documents of a kind by subject and number; of one subject
// unless it is "".
func (s *Registry) Documents(ctx context.Context, kind envelope.Kind, subject string) ([]registry.Document, error) {
	return all(ctx, s.db.read, scanDocument, `SELECT digest, kind, subject, number, bytes, created FROM trust
		WHERE kind = ?1 AND (?2 = '' OR subject = ?2) ORDER BY subject, number`, string(kind), subject)
}

func scanDocument(r row) (registry.Document, error) {
	var d registry.Document
	var sum []byte
	var created int64
	if err := r.Scan(&sum, &d.Kind, &d.Subject, &d.Number, &d.Bytes, &created); err != nil {
		return registry.Document{}, err
	}
	d.Digest, d.Created = digest(sum), fromMs(created)
	return d, nil
}

// Units returns all units, by id.
func (s *Registry) Units(ctx context.Context) ([]registry.Unit, error) {
	return all(ctx, s.db.read, func(r row) (registry.Unit, error) {
		var u registry.Unit
		var parent, until, source, counted sql.NullString
		var people sql.NullInt64
		if err := r.Scan(&u.ID, &u.Code, &u.Name, &u.Kind, &parent, &u.ValidFrom, &until, &people, &source, &counted); err != nil {
			return registry.Unit{}, err
		}
		u.Parent, u.ValidUntil = protocol.UnitID(parent.String), protocol.Date(until.String)
		u.People, u.Source, u.Counted = int(people.Int64), source.String, protocol.Date(counted.String)
		return u, nil
	}, `SELECT id, code, name, kind, parent, valid_from, valid_until, people, source, counted FROM unit ORDER BY id`)
}

// PutUnits adds or changes units, parents first, and adds documents.
func (s *Registry) PutUnits(ctx context.Context, units []registry.Unit, docs []registry.Document, c audit.Act) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		for _, u := range units {
			if _, err := tx.ExecContext(ctx, `INSERT INTO unit (id, code, name, kind, parent, valid_from, valid_until, people, source, counted)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET code = excluded.code, name = excluded.name,
				kind = excluded.kind, parent = excluded.parent, valid_from = excluded.valid_from, valid_until = excluded.valid_until,
				people = excluded.people, source = excluded.source, counted = excluded.counted`,
				u.ID, u.Code, u.Name, string(u.Kind), optText(u.Parent), u.ValidFrom, optText(u.ValidUntil), optInt(u.People), optText(u.Source), optText(u.Counted)); err != nil {
				return fmt.Errorf("put unit %s: %w", u.ID, err)
			}
		}
		if err := addDocuments(ctx, tx, docs); err != nil {
			return err
		}
		return record(ctx, tx, c)
	})
}

// optText is the column for a text that may be missing.
func optText[T ~string](v T) any {
	if v == "" {
		return nil
	}
	return string(v)
}

// optInt is the column for a number of which 0 means missing.
func optInt(v int) any {
	if v == 0 {
		return nil
	}
	return v
}

// Quiet returns a unit's own quiet hours.
func (s *Registry) Quiet(ctx context.Context, unit protocol.UnitID) ([]protocol.Quiet, error) {
	return quietOf(ctx, s.db.read, unit)
}

func quietOf(ctx context.Context, q querier, unit protocol.UnitID) ([]protocol.Quiet, error) {
	return all(ctx, q, func(r row) (protocol.Quiet, error) {
		var q protocol.Quiet
		err := r.Scan(&q.Start, &q.End)
		return q, err
	}, `SELECT start, end FROM quiet WHERE unit = ? ORDER BY start, end`, unit)
}

// quietText writes quiet hours for a record: "21:30-05:00".
func quietText(quiet []protocol.Quiet) string {
	var parts []string
	for _, q := range quiet {
		parts = append(parts, fmt.Sprintf("%02d:%02d-%02d:%02d", q.Start/60, q.Start%60, q.End/60, q.End%60))
	}
	return strings.Join(parts, " ")
}

// SetQuiet replaces a unit's quiet hours. Error: problem.ErrNotFound.
func (s *Registry) SetQuiet(ctx context.Context, unit protocol.UnitID, quiet []protocol.Quiet, c audit.Act) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hit(tx.ExecContext(ctx, `UPDATE unit SET name = name WHERE id = ?`, unit)); err != nil {
			return fmt.Errorf("quiet hours: %w", err)
		}
		was, err := quietOf(ctx, tx, unit)
		if err != nil {
			return fmt.Errorf("quiet hours: %w", err)
		}
		c.Before, c.After = map[string]string{"quiet": quietText(was)}, map[string]string{"quiet": quietText(quiet)}
		if _, err := tx.ExecContext(ctx, `DELETE FROM quiet WHERE unit = ?`, unit); err != nil {
			return fmt.Errorf("quiet hours: %w", err)
		}
		for _, q := range quiet {
			if _, err := tx.ExecContext(ctx, `INSERT INTO quiet (unit, start, end) VALUES (?, ?, ?)`, unit, q.Start, q.End); err != nil {
				return fmt.Errorf("quiet hours: %w", err)
			}
		}
		return record(ctx, tx, c)
	})
}

// unitOf is where a device stands, for records: without it auditors of the unit would
// not see the act.
func unitOf(ctx context.Context, tx *sql.Tx, d protocol.DeviceID) (protocol.UnitID, error) {
	var unit protocol.UnitID
	err := tx.QueryRowContext(ctx, `SELECT unit FROM device WHERE id = ?`, d).Scan(&unit)
	return unit, kind(err)
}

// Limits returns a unit's own limits.
func (s *Registry) Limits(ctx context.Context, unit protocol.UnitID) ([]protocol.Limit, error) {
	return limitsOf(ctx, s.db.read, unit)
}

func limitsOf(ctx context.Context, q querier, unit protocol.UnitID) ([]protocol.Limit, error) {
	return all(ctx, q, func(r row) (protocol.Limit, error) {
		var l protocol.Limit
		err := r.Scan(&l.Of, &l.From, &l.To, &l.Percent)
		return l, err
	}, `SELECT of, from_hour, to_hour, percent FROM unit_limit WHERE unit = ? ORDER BY of, from_hour, to_hour`, unit)
}

// limitsText writes limits for a record: "volume 21-6 40%".
func limitsText(limits []protocol.Limit) string {
	var parts []string
	for _, l := range limits {
		parts = append(parts, fmt.Sprintf("%s %d-%d %d%%", l.Of, l.From, l.To, l.Percent))
	}
	return strings.Join(parts, ", ")
}

// SetLimits replaces a unit's limits of one kind. Error: problem.ErrNotFound.
func (s *Registry) SetLimits(ctx context.Context, unit protocol.UnitID, of protocol.Capped, limits []protocol.Limit, c audit.Act) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hit(tx.ExecContext(ctx, `UPDATE unit SET name = name WHERE id = ?`, unit)); err != nil {
			return fmt.Errorf("limits: %w", err)
		}
		was, err := limitsOf(ctx, tx, unit)
		if err != nil {
			return fmt.Errorf("limits: %w", err)
		}
		was = slices.DeleteFunc(was, func(l protocol.Limit) bool { return l.Of != of })
		c.Before, c.After = map[string]string{"limits": limitsText(was)}, map[string]string{"limits": limitsText(limits)}
		if _, err := tx.ExecContext(ctx, `DELETE FROM unit_limit WHERE unit = ? AND of = ?`, unit, of); err != nil {
			return fmt.Errorf("limits: %w", err)
		}
		for _, l := range limits {
			if _, err := tx.ExecContext(ctx, `INSERT INTO unit_limit (unit, of, from_hour, to_hour, percent) VALUES (?, ?, ?, ?, ?)`, unit, of, l.From, l.To, l.Percent); err != nil {
				return fmt.Errorf("limits: %w", err)
			}
		}
		return record(ctx, tx, c)
	})
}

// deviceColumns joins each device with its newest placement.
const deviceColumns = `SELECT d.id, d.name, d.unit, d.sound, d.width, d.height, d.row, d.created, d.enrolled, d.public, d.revoked,
	t.digest, t.number, t.bytes, t.created
	FROM device d JOIN trust t ON t.kind = 'placement' AND t.subject = d.id
	AND t.number = (SELECT max(number) FROM trust WHERE kind = 'placement' AND subject = d.id)`

func scanDevice(r row) (registry.DeviceRow, error) {
	var d registry.DeviceRow
	var board protocol.Display
	var created, signed int64
	var enrolled, revoked sql.NullInt64
	var sum []byte
	if err := r.Scan(&d.ID, &d.Name, &d.Unit, &d.Sound, &board.Width, &board.Height, &board.Row, &created, &enrolled, &d.Public, &revoked,
		&sum, &d.Signed.Number, &d.Signed.Bytes, &signed); err != nil {
		return registry.DeviceRow{}, err
	}
	if board.Width > 0 {
		d.Board = &board
	}
	d.Created, d.Enrolled, d.Revoked = fromMs(created), fromOptMs(enrolled), fromOptMs(revoked)
	d.Signed.Digest, d.Signed.Kind, d.Signed.Subject, d.Signed.Created = digest(sum), envelope.KindPlacement, string(d.ID), fromMs(signed)
	return d, nil
}

type tagRow struct {
	device protocol.DeviceID
	tag    string
}

func scanTag(r row) (tagRow, error) {
	var t tagRow
	err := r.Scan(&t.device, &t.tag)
	return t, err
}

// Devices returns all devices, by id.
func (s *Registry) Devices(ctx context.Context) ([]registry.DeviceRow, error) {
	devices, err := all(ctx, s.db.read, scanDevice, deviceColumns+` ORDER BY d.id`)
	if err != nil {
		return nil, err
	}
	tags, err := all(ctx, s.db.read, scanTag, `SELECT device, tag FROM device_tag ORDER BY tag`)
	if err != nil {
		return nil, err
	}
	at := map[protocol.DeviceID]int{}
	for i, d := range devices {
		at[d.ID] = i
	}
	for _, t := range tags {
		if i, ok := at[t.device]; ok {
			devices[i].Tags = append(devices[i].Tags, t.tag)
		}
	}
	return devices, nil
}

// Device returns one device. Error: problem.ErrNotFound.
func (s *Registry) Device(ctx context.Context, id protocol.DeviceID) (registry.DeviceRow, error) {
	d, err := one(ctx, s.db.read, scanDevice, deviceColumns+` WHERE d.id = ?`, id)
	if err != nil {
		return registry.DeviceRow{}, err
	}
	tags, err := all(ctx, s.db.read, scanTag, `SELECT device, tag FROM device_tag WHERE device = ? ORDER BY tag`, id)
	if err != nil {
		return registry.DeviceRow{}, err
	}
	for _, t := range tags {
		d.Tags = append(d.Tags, t.tag)
	}
	return d, nil
}

// DeviceKey implements registry.Store. It is asked at each connection.
func (s *Registry) DeviceKey(ctx context.Context, id protocol.DeviceID) ([]byte, error) {
	return one(ctx, s.db.read, func(r row) (key []byte, err error) {
		return key, r.Scan(&key)
	}, `SELECT CASE WHEN revoked IS NULL THEN public END FROM device WHERE id = ?`, id)
}

// AddDevice stores a device with its placement. Error: problem.ErrConflict.
func (s *Registry) AddDevice(ctx context.Context, d registry.Device, placement registry.Document, c audit.Act) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error { return addDevice(ctx, tx, d, placement, c) })
}

// AddDevices implements registry.Store.
func (s *Registry) AddDevices(ctx context.Context, devices []registry.Device, placements []registry.Document, acts []audit.Act) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		for i, d := range devices {
			if err := addDevice(ctx, tx, d, placements[i], acts[i]); err != nil {
				return fmt.Errorf("add %s: %w", d.ID, err)
			}
		}
		return nil
	})
}

func addDevice(ctx context.Context, tx *sql.Tx, d registry.Device, placement registry.Document, c audit.Act) error {
	var board protocol.Display
	if d.Board != nil {
		board = *d.Board
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO device (id, name, unit, sound, width, height, row, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		d.ID, d.Name, d.Unit, d.Sound, board.Width, board.Height, board.Row, ms(d.Created)); err != nil {
		return err
	}
	return placeDevice(ctx, tx, d, placement, c)
}

func placeDevice(ctx context.Context, tx *sql.Tx, d registry.Device, placement registry.Document, c audit.Act) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM device_tag WHERE device = ?`, d.ID); err != nil {
		return err
	}
	for _, t := range d.Tags {
		if _, err := tx.ExecContext(ctx, `INSERT INTO device_tag (device, tag) VALUES (?, ?)`, d.ID, t); err != nil {
			return err
		}
	}
	if err := addDocuments(ctx, tx, []registry.Document{placement}); err != nil {
		return err
	}
	return record(ctx, tx, c)
}

// PlaceDevice changes a device by a new placement. Error: problem.ErrNotFound.
func (s *Registry) PlaceDevice(ctx context.Context, d registry.Device, placement registry.Document, c audit.Act) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		was, err := one(ctx, tx, func(r row) (registry.Device, error) {
			var d registry.Device
			err := r.Scan(&d.Name, &d.Unit)
			return d, err
		}, `SELECT name, unit FROM device WHERE id = ?`, d.ID)
		if err != nil {
			return err
		}
		c.Before, c.After = map[string]string{"name": was.Name, "unit": string(was.Unit)}, map[string]string{"name": d.Name, "unit": string(d.Unit)}
		if err := hit(tx.ExecContext(ctx, `UPDATE device SET name = ?, unit = ? WHERE id = ?`, d.Name, d.Unit, d.ID)); err != nil {
			return err
		}
		return placeDevice(ctx, tx, d, placement, c)
	})
}

// RevokeDevice ends a device's right to connect, and its claim. Error:
// problem.ErrNotFound.
func (s *Registry) RevokeDevice(ctx context.Context, id protocol.DeviceID, c audit.Act) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hit(tx.ExecContext(ctx, `UPDATE device SET revoked = ?, claim = NULL, claim_expires = NULL WHERE id = ? AND revoked IS NULL`, ms(c.At), id)); err != nil {
			return err
		}
		return record(ctx, tx, c)
	})
}

func scanState(r row) (registry.State, error) {
	var s registry.State
	var at int64
	var heartbeat []byte
	if err := r.Scan(&s.Device, &s.Connection, &s.Online, &at, &heartbeat); err != nil {
		return registry.State{}, err
	}
	h, err := protocol.Unmarshal[protocol.Heartbeat](heartbeat, protocol.MaxControl)
	if err != nil {
		return registry.State{}, fmt.Errorf("heartbeat of %s: %w", s.Device, err)
	}
	s.At, s.Heartbeat = fromMs(at), h
	return s, nil
}

const stateColumns = `SELECT device, connection, online, at, heartbeat FROM device_state`

// State returns what was last heard of a device. Error: problem.ErrNotFound.
func (s *Registry) State(ctx context.Context, id protocol.DeviceID) (registry.State, error) {
	return one(ctx, s.db.read, scanState, stateColumns+` WHERE device = ?`, id)
}

// States returns what was last heard of each device.
func (s *Registry) States(ctx context.Context) ([]registry.State, error) {
	return all(ctx, s.db.read, scanState, stateColumns)
}

// SaveStates implements registry.Store.
func (s *Registry) SaveStates(ctx context.Context, states []registry.State) ([]bool, error) {
	stored := make([]bool, len(states))
	if len(states) == 0 {
		return stored, nil
	}
	err := s.db.WithTx(ctx, func(tx *sql.Tx) error {
		put, err := tx.PrepareContext(ctx, `INSERT INTO device_state (device, connection, online, at, heartbeat)
			SELECT id, ?2, ?3, ?4, ?5 FROM device WHERE id = ?1
			ON CONFLICT (device) DO UPDATE SET connection = excluded.connection, online = excluded.online, at = excluded.at, heartbeat = excluded.heartbeat
			WHERE excluded.connection >= device_state.connection OR ?6`)
		if err != nil {
			return err
		}
		defer put.Close()
		for i, st := range states {
			heartbeat, err := protocol.Marshal(&st.Heartbeat)
			if err != nil {
				return err
			}
			r, err := put.ExecContext(ctx, st.Device, st.Connection, st.Online, ms(st.At), heartbeat, st.Anew)
			if err != nil {
				return err
			}
			n, err := r.RowsAffected()
			if err != nil {
				return err
			}
			stored[i] = n > 0
		}
		return nil
	})
	return stored, err
}
