package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/protocol"
)

// Desk keeps programmes, groups of communes and their answers.
type Desk struct{ db *DB }

// NewDesk returns the store of programmes.
func NewDesk(db *DB) *Desk { return &Desk{db: db} }

// rundownBody is what of a programme no query looks into.
type rundownBody struct {
	Units  []protocol.UnitID `json:"units,omitempty"`
	Slot   programme.Slot    `json:"slot"`
	Items  []programme.Item  `json:"items"`
	Volume int               `json:"volume,omitempty"`
}

const rundownColumns = `id, revision, unit, name, coalesce(commune_group, ''), deadline, body, person, created, changed, effective, withdrawn`

func scanRundown(r row) (programme.Rundown, error) {
	var p programme.Rundown
	var body string
	var deadline, withdrawn sql.NullInt64
	var created, changed, effective int64
	if err := r.Scan(&p.ID, &p.Revision, &p.Unit, &p.Name, &p.Group, &deadline, &body, &p.By, &created, &changed, &effective, &withdrawn); err != nil {
		return p, kind(err)
	}
	var b rundownBody
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		return p, fmt.Errorf("programme %s: %w", p.ID, err)
	}
	p.Units, p.Slot, p.Items, p.Volume = b.Units, b.Slot, b.Items, b.Volume
	p.Deadline, p.Withdrawn = fromOptMs(deadline), fromOptMs(withdrawn)
	p.Created, p.Changed, p.Effective = fromMs(created), fromMs(changed), fromMs(effective)
	return p, nil
}

// SaveRundown implements programme.DeskStore.
func (s *Desk) SaveRundown(ctx context.Context, r programme.Rundown) error {
	body, err := json.Marshal(rundownBody{Units: r.Units, Slot: r.Slot, Items: r.Items, Volume: r.Volume})
	if err != nil {
		return err
	}
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO rundown (id, revision, unit, name, commune_group, deadline, body, person, created, changed, effective)
			VALUES (?, ?, ?, ?, nullif(?, ''), ?, ?, ?, ?, ?, ?)`,
			r.ID, r.Revision, r.Unit, r.Name, r.Group, optMs(r.Deadline), string(body), r.By, ms(r.Created), ms(r.Changed), ms(r.Effective)); err != nil {
			return err
		}
		act := audit.Act{At: r.Changed, By: r.By, Name: "programme saved", Subject: string(r.ID), Unit: r.Unit, After: map[string]string{
			"name": r.Name, "revision": strconv.Itoa(r.Revision), "content": protocol.DigestOf(body).String(),
		}}
		return errors.Join(record(ctx, tx, act), made(ctx, tx, string(r.ID)))
	})
}

// WithdrawRundown implements programme.DeskStore.
func (s *Desk) WithdrawRundown(ctx context.Context, id programme.RundownID, at time.Time) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE rundown SET withdrawn = ? WHERE id = ? AND withdrawn IS NULL`, ms(at), id)
		if err := affected(res, err, problem.ErrConflict); err != nil {
			return err
		}
		r, err := one(ctx, tx, scanRundown, `SELECT `+rundownColumns+` FROM rundown WHERE id = ? ORDER BY revision DESC LIMIT 1`, id)
		if err != nil {
			return err
		}
		return record(ctx, tx, audit.Act{At: at, Name: "programme withdrawn", Subject: string(id), Unit: r.Unit, Before: map[string]string{"name": r.Name}})
	})
}

// Rundown implements programme.DeskStore.
func (s *Desk) Rundown(ctx context.Context, id programme.RundownID) (programme.Rundown, error) {
	return one(ctx, s.db.read, scanRundown, `SELECT `+rundownColumns+` FROM rundown WHERE id = ? ORDER BY revision DESC LIMIT 1`, id)
}

// Rundowns implements programme.DeskStore.
func (s *Desk) Rundowns(ctx context.Context) ([]programme.Rundown, error) {
	return all(ctx, s.db.read, scanRundown, `SELECT `+rundownColumns+` FROM rundown r
		WHERE revision = (SELECT max(revision) FROM rundown WHERE id = r.id) ORDER BY created DESC, id`)
}

// Standing implements programme.DeskStore.
func (s *Desk) Standing(ctx context.Context, id programme.RundownID, now time.Time) ([]programme.Standing, error) {
	targets := map[protocol.AiringID]protocol.UnitID{}
	if _, err := all(ctx, s.db.read, func(r row) (struct{}, error) {
		var airing protocol.AiringID
		var target protocol.UnitID
		err := r.Scan(&airing, &target)
		targets[airing] = target
		return struct{}{}, err
	}, `SELECT airing, target FROM rundown_airing WHERE rundown = ?`, id); err != nil {
		return nil, err
	}
	airings, err := all(ctx, s.db.read, scanAiring, `SELECT `+airingColumns+airingFrom+`JOIN rundown_airing p ON p.airing = a.id
		WHERE p.rundown = ? AND a.withdrawn IS NULL AND a.last >= ? AND a.id NOT IN (SELECT replaces FROM airing WHERE replaces IS NOT NULL)
		ORDER BY a.id`, id, ms(now))
	if err != nil {
		return nil, err
	}
	if airings, err = airingUnits(ctx, s.db.read, airings); err != nil {
		return nil, err
	}
	out := make([]programme.Standing, len(airings))
	for i, a := range airings {
		out[i] = programme.Standing{Airing: a, Target: targets[a.Wire.ID]}
	}
	return out, nil
}

// Parts implements programme.DeskStore.
func (s *Desk) Parts(ctx context.Context, airings []protocol.AiringID) (map[protocol.AiringID]programme.RundownID, error) {
	out := map[protocol.AiringID]programme.RundownID{}
	_, err := all(ctx, s.db.read, func(r row) (struct{}, error) {
		var airing protocol.AiringID
		var id programme.RundownID
		err := r.Scan(&airing, &id)
		out[airing] = id
		return struct{}{}, err
	}, `SELECT airing, rundown FROM rundown_airing WHERE airing `+among, idsOf(airings))
	return out, err
}

// Recast implements programme.DeskStore.
func (s *Desk) Recast(ctx context.Context, id programme.RundownID, add []programme.Standing, withdraw []protocol.AiringID, at time.Time) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		for _, st := range add {
			if err := insertAiring(ctx, tx, st.Airing); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO rundown_airing (airing, rundown, target) VALUES (?, ?, ?)`, st.Airing.Wire.ID, id, st.Target); err != nil {
				return err
			}
		}
		for _, airing := range withdraw {
			if err := withdrawAiring(ctx, tx, airing, at); err != nil && !errors.Is(err, problem.ErrConflict) {
				return err
			}
		}
		return nil
	})
}

// SaveGroup implements programme.DeskStore.
func (s *Desk) SaveGroup(ctx context.Context, g programme.Group) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO commune_group (id, unit, name, accept, person, created) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, accept = excluded.accept, person = excluded.person`,
			g.ID, g.Unit, g.Name, g.Accept, g.By, ms(g.Created)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM commune_group_member WHERE commune_group = ?`, g.ID); err != nil {
			return err
		}
		for _, m := range g.Members {
			if _, err := tx.ExecContext(ctx, `INSERT INTO commune_group_member (commune_group, unit) VALUES (?, ?)`, g.ID, m); err != nil {
				return err
			}
		}
		return record(ctx, tx, audit.Act{By: g.By, Name: "group saved", Subject: string(g.ID), Unit: g.Unit, After: map[string]string{
			"name": g.Name, "members": fmt.Sprint(g.Members),
		}})
	})
}

func (s *Desk) groups(ctx context.Context, where string, args ...any) ([]programme.Group, error) {
	groups, err := all(ctx, s.db.read, func(r row) (programme.Group, error) {
		var g programme.Group
		var created int64
		err := r.Scan(&g.ID, &g.Unit, &g.Name, &g.Accept, &g.By, &created)
		g.Created = fromMs(created)
		return g, kind(err)
	}, `SELECT id, unit, name, accept, person, created FROM commune_group`+where, args...)
	if err != nil {
		return nil, err
	}
	for i := range groups {
		if groups[i].Members, err = all(ctx, s.db.read, scanUnit, `SELECT unit FROM commune_group_member WHERE commune_group = ? ORDER BY unit`, groups[i].ID); err != nil {
			return nil, err
		}
	}
	return groups, nil
}

// Group implements programme.DeskStore.
func (s *Desk) Group(ctx context.Context, id programme.GroupID) (programme.Group, error) {
	found, err := s.groups(ctx, ` WHERE id = ?`, id)
	if err != nil {
		return programme.Group{}, err
	}
	if len(found) == 0 {
		return programme.Group{}, problem.ErrNotFound
	}
	return found[0], nil
}

// Groups implements programme.DeskStore.
func (s *Desk) Groups(ctx context.Context) ([]programme.Group, error) {
	return s.groups(ctx, ` ORDER BY name, id`)
}

// SaveAnswers implements programme.DeskStore.
func (s *Desk) SaveAnswers(ctx context.Context, answers []programme.Answer) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		for _, a := range answers {
			if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO rundown_answer (rundown, revision, unit, accepted, person, at) VALUES (?, ?, ?, ?, ?, ?)`,
				a.Rundown, a.Revision, a.Unit, a.Accepted, a.By, ms(a.At)); err != nil {
				return err
			}
			if err := record(ctx, tx, audit.Act{At: a.At, By: a.By, Name: "programme answered", Subject: string(a.Rundown), Unit: a.Unit, After: map[string]string{
				"accepted": strconv.FormatBool(a.Accepted), "revision": strconv.Itoa(a.Revision),
			}}); err != nil {
				return err
			}
		}
		return nil
	})
}

// Answers implements programme.DeskStore.
func (s *Desk) Answers(ctx context.Context, id programme.RundownID, revision int) ([]programme.Answer, error) {
	return all(ctx, s.db.read, func(r row) (programme.Answer, error) {
		a := programme.Answer{Rundown: id, Revision: revision}
		var at int64
		err := r.Scan(&a.Unit, &a.Accepted, &a.By, &at)
		a.At = fromMs(at)
		return a, kind(err)
	}, `SELECT unit, accepted, person, at FROM rundown_answer WHERE rundown = ? AND revision = ? ORDER BY unit`, id, revision)
}

// ApprovedOf implements programme.Library.
func (s *Bulletins) ApprovedOf(ctx context.Context, id protocol.BulletinID) (approval.Request, error) {
	r, err := one(ctx, s.db.read, scanRequest, `SELECT `+statementColumns+` FROM statement WHERE bulletin = ? AND approved IS NOT NULL
		ORDER BY approved DESC LIMIT 1`, id)
	if err != nil {
		return r, err
	}
	return complete(ctx, s.db.read, r)
}

// Aired implements programme.Store.
func (s *Programme) Aired(ctx context.Context, digest protocol.Digest, at time.Time) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE statement SET aired = ? WHERE digest = ? AND aired IS NULL`, ms(at), digest[:])
		return err
	})
}
