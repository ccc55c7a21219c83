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

// Relays keeps sessions and what happened to their streams.
type Relays struct{ db *DB }

// NewRelays returns the store of relays.
func NewRelays(db *DB) *Relays { return &Relays{db: db} }

// AddSession implements relay.Store.
func (s *Relays) AddSession(ctx context.Context, st relay.Stream, at time.Time) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO relay_session (session, bulletin, private, created) VALUES (?, ?, ?, ?)`,
			st.Relay.Session, st.Bulletin, st.Private.Seed(), ms(at))
		return err
	})
}

// RelayAirings implements relay.Store.
func (s *Relays) RelayAirings(ctx context.Context, now time.Time) ([]relay.Airing, error) {
	return all(ctx, s.db.read, func(r row) (relay.Airing, error) {
		var a relay.Airing
		var wire, private []byte
		var text string
		if err := r.Scan(&wire, &a.Stream.Bulletin, &text, &private); err != nil {
			return a, kind(err)
		}
		var err error
		if a.Wire, err = protocol.Unmarshal[protocol.Airing](wire, protocol.MaxControl); err != nil {
			return a, err
		}
		if err := json.Unmarshal([]byte(text), &a.Stream.Relay); err != nil || len(private) != ed25519.SeedSize {
			return a, fmt.Errorf("relay of %s: %w", a.Stream.Bulletin, protocol.ErrInvalid)
		}
		a.Stream.Private = ed25519.NewKeyFromSeed(private)
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
