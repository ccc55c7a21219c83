package store

import (
	"bytes"
	"fmt"

	"github.com/loa-vn/loa/protocol"
	bolt "go.etcd.io/bbolt"
)

// Occurrences returns all records of occurrences, by medium, airing and start.
func (s *Store) Occurrences() ([]Occurrence, error) {
	var list []Occurrence
	err := s.db.View(func(tx *bolt.Tx) error {
		var err error
		list, err = all[Occurrence](tx, bucketOccurrences)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("occurrences: %w", err)
	}
	return list, nil
}

// Occurrence returns the bytes of one record. Errors: ErrNotFound.
func (s *Store) Occurrence(m protocol.Medium, a protocol.AiringID, start protocol.Instant) ([]byte, error) {
	var o Occurrence
	err := s.db.View(func(tx *bolt.Tx) error {
		raw := tx.Bucket([]byte(bucketOccurrences)).Get(occurrenceKey(Occurrence{Medium: m, Airing: a, Start: start}))
		if raw == nil {
			return ErrNotFound
		}
		return decode(raw, &o)
	})
	if err != nil {
		return nil, fmt.Errorf("occurrence of %s: %w", a, err)
	}
	return o.Data, nil
}

// Journals returns the journals of the media that were playing, by medium.
func (s *Store) Journals() ([]Journal, error) {
	var list []Journal
	err := s.db.View(func(tx *bolt.Tx) error {
		var err error
		list, err = all[Journal](tx, bucketJournal)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("journals: %w", err)
	}
	return list, nil
}

// WholePlays returns how often something was played whole, 0 for never.
func (s *Store) WholePlays(p Play) (uint64, error) {
	var n uint64
	err := s.db.View(func(tx *bolt.Tx) error {
		n = numberOf(tx.Bucket([]byte(bucketPlays)).Get(playKey(p)))
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("whole plays: %w", err)
	}
	return n, nil
}

// ForgetPlays deletes the counters of the days before one.
func (s *Store) ForgetPlays(before protocol.Date) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		c := tx.Bucket([]byte(bucketPlays)).Cursor()
		for k, _ := c.First(); k != nil && bytes.Compare(k, []byte(before)) < 0; k, _ = c.First() {
			if err := c.Delete(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget plays: %w", err)
	}
	return nil
}
