package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/protocol"
)

// Pronunciations returns a unit's own list, by what is written.
func (s *Bulletins) Pronunciations(ctx context.Context, unit protocol.UnitID) ([]bulletin.Pronunciation, error) {
	return all(ctx, s.db.read, func(r row) (bulletin.Pronunciation, error) {
		var p bulletin.Pronunciation
		err := r.Scan(&p.Written, &p.Said)
		return p, err
	}, `SELECT written, said FROM pronunciation WHERE unit = ? ORDER BY written`, unit)
}

// SetPronunciations replaces a unit's own list.
func (s *Bulletins) SetPronunciations(ctx context.Context, unit protocol.UnitID, list []bulletin.Pronunciation, by protocol.PersonID, at time.Time) error {
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM pronunciation WHERE unit = ?`, unit); err != nil {
			return fmt.Errorf("pronunciations: %w", err)
		}
		for _, p := range list {
			if _, err := tx.ExecContext(ctx, `INSERT INTO pronunciation (unit, written, said) VALUES (?, ?, ?)`, unit, p.Written, p.Said); err != nil {
				return fmt.Errorf("pronunciations: %w", err)
			}
		}
		return record(ctx, tx, audit.Act{By: by, At: at, Name: "pronunciations set", Subject: string(unit), Unit: unit})
	})
}

// Made returns what was made of a key. Error: problem.ErrNotFound.
func (s *Bulletins) Made(ctx context.Context, key protocol.Digest) (bulletin.Rendition, error) {
	var text string
	var sound []byte
	if err := s.db.read.QueryRowContext(ctx, `SELECT rendition, sound FROM made WHERE key = ?`, key[:]).Scan(&text, &sound); err != nil {
		return bulletin.Rendition{}, kind(err)
	}
	r, err := parseRendition(text, sound)
	if err != nil {
		return bulletin.Rendition{}, fmt.Errorf("made: %w", err)
	}
	return *r, nil
}

// KeepMade remembers what was made of a key.
func (s *Bulletins) KeepMade(ctx context.Context, key protocol.Digest, r bulletin.Rendition, at time.Time) error {
	text, err := json.Marshal(storedRendition{r, r.Content.Chunks.String()})
	if err != nil {
		return err
	}
	return s.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM made WHERE at < ?`, ms(at.Add(-bulletin.MadeFor))); err != nil {
			return fmt.Errorf("keep made: %w", err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO made (key, rendition, sound, at) VALUES (?, ?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET rendition = excluded.rendition, sound = excluded.sound, at = excluded.at`,
			key[:], string(text), r.Content.Digest[:], ms(at))
		if err != nil {
			return fmt.Errorf("keep made: %w", err)
		}
		return nil
	})
}

// parseRendition reads the columns of a rendition.
func parseRendition(text string, sound []byte) (*bulletin.Rendition, error) {
	var s storedRendition
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, err
	}
	chunks, err := protocol.ParseDigest(s.Chunks)
	if err != nil {
		return nil, err
	}
	s.Content = protocol.Content{Digest: digest(sound), Size: uint64(s.Size), Chunks: chunks}
	return &s.Rendition, nil
}
