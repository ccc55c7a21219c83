package store

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/loa-vn/loa/hub/relay"
	"github.com/loa-vn/loa/protocol"
)

// Sealer keeps secrets from who holds the database alone.
type Sealer interface {
	Seal(secret []byte, name string) ([]byte, error)
	OpenSealed(sealed []byte, name string) ([]byte, error)
}

// Relays keeps sessions, whose keys are sealed, and what happened to their streams.
type Relays struct {
	db     *DB
	sealer Sealer
}

// NewRelays returns the store of relays.
func NewRelays(db *DB, sealer Sealer) *Relays { return &Relays{db: db, sealer: sealer} }

// sessionSeal binds a sealed key to its session.
func sessionSeal(id protocol.SessionID) string { return "relay session " + string(id) }

// SealKeys seals the keys that an older hub stored as they were.
func (s *Relays) SealKeys(ctx context.Context) error {
	type open struct {
		id   protocol.SessionID
		seed []byte
	}
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		held, err := all(ctx, tx, func(r row) (open, error) {
			var o open
			return o, r.Scan(&o.id, &o.seed)
		}, `SELECT session, private FROM relay_session WHERE length(private) = ?`, ed25519.SeedSize)
		if err != nil {
			return err
		}
		for _, o := range held {
			sealed, err := s.sealer.Seal(o.seed, sessionSeal(o.id))
			if err != nil {
				return fmt.Errorf("seal session %s: %w", o.id, err)
			}
			if _, err := tx.ExecContext(ctx, `UPDATE relay_session SET private = ? WHERE session = ?`, sealed, o.id); err != nil {
				return err
			}
		}
		return nil
	})
}

// AddSession implements relay.Store.
func (s *Relays) AddSession(ctx context.Context, st relay.Stream, at time.Time) error {
	sealed, err := s.sealer.Seal(st.Private.Seed(), sessionSeal(st.Relay.Session))
	if err != nil {
		return fmt.Errorf("seal session %s: %w", st.Relay.Session, err)
	}
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO relay_session (session, bulletin, private, created) VALUES (?, ?, ?, ?)`,
			st.Relay.Session, st.Bulletin, sealed, ms(at))
		return err
	})
}

// RelayAirings implements relay.Store.
func (s *Relays) RelayAirings(ctx context.Context, now time.Time) ([]relay.Airing, error) {
	return all(ctx, s.db.read, func(r row) (relay.Airing, error) {
		var a relay.Airing
		var wire, sealed []byte
		var text string
		if err := r.Scan(&wire, &a.Stream.Bulletin, &text, &sealed); err != nil {
			return a, kind(err)
		}
		var err error
		if a.Wire, err = protocol.Unmarshal[protocol.Airing](wire, protocol.MaxControl); err != nil {
			return a, err
		}
		if err := json.Unmarshal([]byte(text), &a.Stream.Relay); err != nil {
			return a, fmt.Errorf("relay of %s: %w", a.Stream.Bulletin, protocol.ErrInvalid)
		}
		seed, err := s.sealer.OpenSealed(sealed, sessionSeal(a.Stream.Relay.Session))
		if err != nil || len(seed) != ed25519.SeedSize {
			return a, fmt.Errorf("key of session %s: %w", a.Stream.Relay.Session, protocol.ErrInvalid)
		}
		a.Stream.Private = ed25519.NewKeyFromSeed(seed)
		return a, nil
	}, `SELECT a.bytes, b.id, b.relay, s.private FROM airing a JOIN bulletin b ON b.id = a.bulletin JOIN relay_session s ON s.bulletin = b.id
		WHERE a.withdrawn IS NULL AND a.last >= ? AND a.id NOT IN (SELECT replaces FROM airing WHERE replaces IS NOT NULL)`, ms(now))
}

// SessionUnits implements relay.Store. A replaced airing counts: what has begun
// of it goes on.
func (s *Relays) SessionUnits(ctx context.Context, id protocol.SessionID, now time.Time) ([]protocol.UnitID, error) {
	return all(ctx, s.db.read, scanUnit, `SELECT DISTINCT u.unit FROM relay_session s JOIN airing a ON a.bulletin = s.bulletin JOIN airing_unit u ON u.airing = a.id
		WHERE s.session = ? AND a.last >= ? AND a.withdrawn IS NULL`, id, ms(now))
}

// Sessions returns the sessions that each unit hears from now on, by unit.
func (s *Relays) Sessions(ctx context.Context, now time.Time) (map[protocol.UnitID][]protocol.SessionID, error) {
	type heard struct {
		unit    protocol.UnitID
		session protocol.SessionID
	}
	rows, err := all(ctx, s.db.read, func(r row) (heard, error) {
		var h heard
		return h, r.Scan(&h.unit, &h.session)
	}, `SELECT DISTINCT u.unit, s.session FROM relay_session s JOIN airing a ON a.bulletin = s.bulletin JOIN airing_unit u ON u.airing = a.id
		WHERE a.last >= ? AND a.withdrawn IS NULL ORDER BY u.unit, s.session`, ms(now))
	out := map[protocol.UnitID][]protocol.SessionID{}
	for _, h := range rows {
		out[h.unit] = append(out[h.unit], h.session)
	}
	return out, err
}

// AddRelayEvent implements relay.Store.
func (s *Relays) AddRelayEvent(ctx context.Context, e relay.Event) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO relay_event (session, at, what) VALUES (?, ?, ?)`, e.Session, ms(e.At), e.What)
		return err
	})
}

// RelayEvents implements relay.Store.
func (s *Relays) RelayEvents(ctx context.Context, id protocol.SessionID) ([]relay.Event, error) {
	return all(ctx, s.db.read, func(r row) (relay.Event, error) {
		e := relay.Event{Session: id}
		var at int64
		err := r.Scan(&at, &e.What)
		e.At = fromMs(at)
		return e, kind(err)
	}, `SELECT at, what FROM relay_event WHERE session = ? ORDER BY id DESC LIMIT 100`, id)
}
