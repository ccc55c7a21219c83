package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/plan"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/protocol"
)

// Programme keeps airings, stops, plans and alerts.
type Programme struct{ db *DB }

// NewProgramme returns the store of airings.
func NewProgramme(db *DB) *Programme { return &Programme{db: db} }

// Air implements programme.Store.
func (s *Programme) Air(ctx context.Context, a programme.Airing, wished bool) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		if wished {
			res, err := tx.ExecContext(ctx, `UPDATE statement SET aired = ? WHERE digest = ? AND aired IS NULL`,
				int64(a.Wire.Published), a.Statement[:])
			if err := affected(res, err, problem.ErrConflict); err != nil {
				return err
			}
		}
		return insertAiring(ctx, tx, a)
	})
}

// airingAct is the record of what was done to an airing.
func airingAct(name string, a programme.Airing, at time.Time) audit.Act {
	act := audit.Act{At: at, Name: name, Subject: string(a.Wire.ID), Unit: a.Wire.Unit, After: map[string]string{
		"bulletin": string(a.Bulletin), "class": a.Wire.Class.String(), "start": a.Wire.Start, "approval": a.Approval.String(),
	}}
	for k, v := range map[string]string{"rule": a.Wire.Rule, "replaces": string(a.Wire.Replaces)} {
		if v != "" {
			act.After[k] = v
		}
	}
	return act
}

func insertAiring(ctx context.Context, tx *sql.Tx, a programme.Airing) error {
	encoded, err := protocol.Marshal(a.Wire)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO airing (id, bulletin, statement, approval, class, drill, bytes, published, first, last, replaces, created_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, ''), ?)`,
		a.Wire.ID, a.Bulletin, a.Statement[:], a.Approval[:], a.Wire.Class.String(), a.Wire.Drill, encoded, int64(a.Wire.Published),
		ms(a.First), ms(a.Last), a.Wire.Replaces, a.CreatedBy); err != nil {
		return err
	}
	for _, u := range a.Units {
		if _, err := tx.ExecContext(ctx, `INSERT INTO airing_unit (airing, unit) VALUES (?, ?)`, a.Wire.ID, u); err != nil {
			return err
		}
	}
	return errors.Join(record(ctx, tx, airingAct("airing made", a, a.Wire.Published.Time())), made(ctx, tx, string(a.Wire.ID)))
}

const airingColumns = `a.id, a.bulletin, b.title, a.statement, a.approval, a.bytes, a.first, a.last, a.withdrawn, a.created_by`

const airingFrom = ` FROM airing a JOIN bulletin b ON b.id = a.bulletin `

func scanAiring(r row) (programme.Airing, error) {
	var a programme.Airing
	var id protocol.AiringID
	var statement, approval, encoded []byte
	var first, last int64
	var withdrawn sql.NullInt64
	if err := r.Scan(&id, &a.Bulletin, &a.Title, &statement, &approval, &encoded, &first, &last, &withdrawn, &a.CreatedBy); err != nil {
		return a, kind(err)
	}
	var err error
	if a.Wire, err = protocol.Unmarshal[protocol.Airing](encoded, protocol.MaxControl); err != nil {
		return a, fmt.Errorf("airing %s: %w", id, err)
	}
	a.Statement, a.Approval = digest(statement), digest(approval)
	a.First, a.Last, a.Withdrawn = fromMs(first), fromMs(last), fromOptMs(withdrawn)
	return a, nil
}

func scanUnit(r row) (protocol.UnitID, error) {
	var u protocol.UnitID
	err := r.Scan(&u)
	return u, kind(err)
}

func airingUnits(ctx context.Context, q querier, airings []programme.Airing) ([]programme.Airing, error) {
	at := make(map[protocol.AiringID]int, len(airings))
	for i, a := range airings {
		at[a.Wire.ID] = i
	}
	_, err := all(ctx, q, func(r row) (struct{}, error) {
		var id protocol.AiringID
		var u protocol.UnitID
		err := r.Scan(&id, &u)
		if err == nil {
			airings[at[id]].Units = append(airings[at[id]].Units, u)
		}
		return struct{}{}, kind(err)
	}, `SELECT airing, unit FROM airing_unit WHERE airing `+among+` ORDER BY airing, unit`, idsOf(slices.Collect(maps.Keys(at))))
	return airings, err
}

// Airing implements programme.Store.
func (s *Programme) Airing(ctx context.Context, id protocol.AiringID) (programme.Airing, error) {
	a, err := one(ctx, s.db.read, scanAiring, `SELECT `+airingColumns+airingFrom+`WHERE a.id = ?`, id)
	if err != nil {
		return a, err
	}
	out, err := airingUnits(ctx, s.db.read, []programme.Airing{a})
	if err != nil {
		return a, err
	}
	return out[0], nil
}

// Airings implements programme.Store.
func (s *Programme) Airings(ctx context.Context, units []protocol.UnitID, since time.Time) ([]programme.Airing, error) {
	airings, err := all(ctx, s.db.read, scanAiring, `SELECT `+airingColumns+airingFrom+`WHERE a.last >= ?
		AND a.id IN (SELECT airing FROM airing_unit WHERE unit `+among+`) ORDER BY a.id DESC`, ms(since), idsOf(units))
	if err != nil {
		return nil, err
	}
	return airingUnits(ctx, s.db.read, airings)
}

// Successors implements programme.Store.
func (s *Programme) Successors(ctx context.Context, ids []protocol.AiringID) (map[protocol.AiringID]protocol.AiringID, error) {
	out := map[protocol.AiringID]protocol.AiringID{}
	_, err := all(ctx, s.db.read, func(r row) (struct{}, error) {
		var id, next protocol.AiringID
		err := r.Scan(&id, &next)
		out[id] = next
		return struct{}{}, err
	}, `SELECT replaces, id FROM airing WHERE replaces `+among, idsOf(ids))
	return out, err
}

// Kin implements reach.Airings.
func (s *Programme) Kin(ctx context.Context, ids []protocol.AiringID) ([]programme.Airing, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	airings, err := all(ctx, s.db.read, scanAiring, `WITH RECURSIVE given(id) AS (SELECT value FROM json_each(?)), later(id) AS (
			SELECT id FROM given UNION SELECT a.id FROM airing a JOIN later l ON a.replaces = l.id),
		earlier(id, replaces) AS (
			SELECT id, replaces FROM airing WHERE id IN given UNION SELECT a.id, a.replaces FROM airing a JOIN earlier e ON a.id = e.replaces)
		SELECT `+airingColumns+airingFrom+`WHERE a.id IN (SELECT id FROM later UNION SELECT id FROM earlier) AND a.id NOT IN given ORDER BY a.id`, idsOf(ids))
	if err != nil {
		return nil, err
	}
	return airingUnits(ctx, s.db.read, airings)
}

// AiringsOf lists the airings of all revisions of a bulletin, oldest first.
func (s *Programme) AiringsOf(ctx context.Context, bulletin protocol.BulletinID) ([]programme.Airing, error) {
	airings, err := all(ctx, s.db.read, scanAiring, `SELECT `+airingColumns+airingFrom+`WHERE a.bulletin = ? ORDER BY a.id`, bulletin)
	if err != nil {
		return nil, err
	}
	return airingUnits(ctx, s.db.read, airings)
}

// Withdraw implements programme.Store.
func (s *Programme) Withdraw(ctx context.Context, id protocol.AiringID, at time.Time) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		return withdrawAiring(ctx, tx, id, at)
	})
}

// withdrawAiring takes an airing out. Error: problem.ErrConflict if it is out.
func withdrawAiring(ctx context.Context, tx *sql.Tx, id protocol.AiringID, at time.Time) error {
	res, err := tx.ExecContext(ctx, `UPDATE airing SET withdrawn = ? WHERE id = ? AND withdrawn IS NULL`, ms(at), id)
	if err := affected(res, err, problem.ErrConflict); err != nil {
		return err
	}
	a, err := one(ctx, tx, scanAiring, `SELECT `+airingColumns+airingFrom+`WHERE a.id = ?`, id)
	if err != nil {
		return err
	}
	return record(ctx, tx, airingAct("airing withdrawn", a, at))
}

// Stop implements programme.Store.
func (s *Programme) Stop(ctx context.Context, st protocol.Stop) error {
	encoded, err := protocol.Marshal(st)
	if err != nil {
		return err
	}
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO stop (id, scope, unit, airing, start, at, expires, person, bytes) VALUES (?, ?, ?, nullif(?, ''), nullif(?, 0), ?, ?, ?, ?)`,
			st.ID, st.Scope.String(), st.Unit, st.Airing, int64(st.Start), int64(st.At), int64(st.Expires), st.By, encoded); err != nil {
			return err
		}
		return record(ctx, tx, audit.Act{At: st.At.Time(), By: st.By, Name: "stopped", Subject: string(st.ID), Unit: st.Unit, After: map[string]string{
			"scope": st.Scope.String(), "airing": string(st.Airing),
		}})
	})
}

func scanStop(r row) (protocol.Stop, error) {
	var encoded []byte
	if err := r.Scan(&encoded); err != nil {
		return protocol.Stop{}, kind(err)
	}
	return protocol.Unmarshal[protocol.Stop](encoded, protocol.MaxControl)
}

// StopOrder implements programme.Store.
func (s *Programme) StopOrder(ctx context.Context, id protocol.StopID) (protocol.Stop, error) {
	return one(ctx, s.db.read, scanStop, `SELECT bytes FROM stop WHERE id = ?`, id)
}

// TakeBack implements programme.Store.
func (s *Programme) TakeBack(ctx context.Context, id protocol.StopID) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE stop SET taken_back = 'yes' WHERE id = ? AND taken_back IS NULL`, id)
		if err := affected(res, err, problem.ErrConflict); err != nil {
			return err
		}
		st, err := one(ctx, tx, scanStop, `SELECT bytes FROM stop WHERE id = ?`, id)
		if err != nil {
			return err
		}
		return record(ctx, tx, audit.Act{Name: "stop taken back", Subject: string(id), Unit: st.Unit})
	})
}

// PlanSource implements plan.Store.
func (s *Programme) PlanSource(ctx context.Context, unit protocol.UnitID, since time.Time) (plan.Source, error) {
	src := plan.Source{Unit: unit}
	if err := s.db.read.QueryRowContext(ctx, `SELECT max((SELECT coalesce(max(number), 0) FROM plan WHERE unit = ?1), (SELECT coalesce(max(number), 0) FROM plan_floor WHERE unit = ?1))`, unit).Scan(&src.Held); err != nil {
		return src, kind(err)
	}
	var err error
	if src.Airings, err = all(ctx, s.db.read, scanAiring, `SELECT `+airingColumns+airingFrom+`JOIN airing_unit u ON u.airing = a.id
		WHERE u.unit = ? AND a.last >= ?`, unit, ms(since)); err != nil {
		return src, err
	}
	src.Replaced = map[protocol.AiringID]time.Time{}
	if _, err = all(ctx, s.db.read, func(r row) (struct{}, error) {
		var id protocol.AiringID
		var published int64
		err := r.Scan(&id, &published)
		src.Replaced[id] = fromMs(published)
		return struct{}{}, kind(err)
	}, `SELECT a.replaces, min(a.published) FROM airing a JOIN airing_unit u ON u.airing = a.id
		WHERE u.unit = ?1 AND a.last < ?2 AND a.replaces IN (SELECT b.id FROM airing b JOIN airing_unit v ON v.airing = b.id WHERE v.unit = ?1 AND b.last >= ?2)
		GROUP BY a.replaces`, unit, ms(since)); err != nil {
		return src, err
	}
	if src.Stops, err = all(ctx, s.db.read, scanStop, `SELECT bytes FROM stop WHERE unit = ? AND expires >= ?`, unit, ms(since)); err != nil {
		return src, err
	}
	src.Quiet, err = all(ctx, s.db.read, func(r row) (protocol.Quiet, error) {
		var q protocol.Quiet
		err := r.Scan(&q.Start, &q.End)
		return q, kind(err)
	}, `SELECT start, end FROM quiet WHERE unit = ? ORDER BY start, end`, unit)
	if err != nil {
		return src, err
	}
	src.Limits, err = limitsOf(ctx, s.db.read, unit)
	return src, err
}

// SavePlans implements plan.Store.
func (s *Programme) SavePlans(ctx context.Context, plans []plan.Published) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		for _, p := range plans {
			if _, err := tx.ExecContext(ctx, `INSERT INTO plan (unit, number, head, body, at) VALUES (?, ?, ?, ?, ?)`,
				p.Unit, p.Number, p.Head, p.Body, ms(p.At)); err != nil {
				return err
			}
		}
		return nil
	})
}

func scanPlan(r row) (plan.Published, error) {
	var p plan.Published
	var at int64
	err := r.Scan(&p.Unit, &p.Number, &p.Head, &p.Body, &at)
	p.At = fromMs(at)
	return p, kind(err)
}

// NewestPlans implements plan.Store.
func (s *Programme) NewestPlans(ctx context.Context) ([]plan.Published, error) {
	return all(ctx, s.db.read, scanPlan, `SELECT unit, max(number), head, body, at FROM plan GROUP BY unit ORDER BY unit`)
}

// NewestPlan implements dispatch.Store.
func (s *Programme) NewestPlan(ctx context.Context, unit protocol.UnitID) (plan.Published, error) {
	return one(ctx, s.db.read, scanPlan, `SELECT unit, number, head, body, at FROM plan WHERE unit = ? ORDER BY number DESC LIMIT 1`, unit)
}

// SaveAlert implements plan.Store.
func (s *Programme) SaveAlert(ctx context.Context, a plan.Alert) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO alert (digest, unit, airing, stop, bytes, at, expires) VALUES (?, ?, nullif(?, ''), nullif(?, ''), ?, ?, ?)`,
			a.Digest[:], a.Unit, a.Airing, a.Stop, a.Bytes, ms(a.At), ms(a.Expires))
		return err
	})
}

// OpenAlerts implements dispatch.Store.
func (s *Programme) OpenAlerts(ctx context.Context, units []protocol.UnitID, device protocol.DeviceID, now time.Time) ([]plan.Alert, error) {
	args := append(list(units), ms(now), device)
	return all(ctx, s.db.read, func(r row) (plan.Alert, error) {
		var a plan.Alert
		var dig []byte
		var at, expires int64
		err := r.Scan(&dig, &a.Unit, &a.Airing, &a.Stop, &a.Bytes, &at, &expires)
		a.Digest, a.At, a.Expires = digest(dig), fromMs(at), fromMs(expires)
		return a, kind(err)
	}, `SELECT digest, unit, coalesce(airing, ''), coalesce(stop, ''), bytes, at, expires FROM alert
		WHERE unit IN (`+marks(len(units))+`) AND expires > ? AND digest NOT IN (SELECT alert FROM alert_seen WHERE device = ?) ORDER BY at`, args...)
}

// Answered implements dispatch.Store.
func (s *Programme) Answered(ctx context.Context, alert protocol.Digest) (map[protocol.DeviceID]bool, error) {
	list, err := all(ctx, s.db.read, func(r row) (protocol.DeviceID, error) {
		var id protocol.DeviceID
		err := r.Scan(&id)
		return id, kind(err)
	}, `SELECT device FROM alert_seen WHERE alert = ?`, alert[:])
	if err != nil {
		return nil, err
	}
	out := make(map[protocol.DeviceID]bool, len(list))
	for _, id := range list {
		out[id] = true
	}
	return out, nil
}

// SaveSeen implements dispatch.Store.
func (s *Programme) SaveSeen(ctx context.Context, device protocol.DeviceID, v protocol.Seen) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO alert_seen (alert, device, accepted, reason, at)
			SELECT digest, ?, ?, ?, ? FROM alert WHERE digest = ?`, device, v.Accepted, v.Reason, int64(v.At), v.Alert[:])
		return affected(res, err, problem.ErrNotFound)
	})
}

// StalePlans implements plan.Store.
func (s *Programme) StalePlans(ctx context.Context) ([]protocol.UnitID, error) {
	return all(ctx, s.db.read, scanUnit, `SELECT s.unit FROM (
			SELECT u.unit AS unit, max(a.published, coalesce(a.withdrawn, 0)) AS at FROM airing a JOIN airing_unit u ON u.airing = a.id
			UNION ALL SELECT unit, at FROM stop
			UNION ALL SELECT unit, 1 FROM quiet) s
		GROUP BY s.unit HAVING max(s.at) > coalesce((SELECT max(p.at) FROM plan p WHERE p.unit = s.unit), 0)
		UNION SELECT f.unit FROM plan_floor f WHERE f.number >= (SELECT coalesce(max(p.number), 0) FROM plan p WHERE p.unit = f.unit)
		ORDER BY 1`)
}

// RaiseFloor implements dispatch.Store.
func (s *Programme) RaiseFloor(ctx context.Context, unit protocol.UnitID, number uint64, at time.Time) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO plan_floor (unit, number, at) SELECT id, ?2, ?3 FROM unit WHERE id = ?1
			ON CONFLICT (unit) DO UPDATE SET number = excluded.number, at = excluded.at WHERE excluded.number > number`, unit, int64(number), ms(at))
		return err
	})
}
