package store

import (
	"fmt"

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
