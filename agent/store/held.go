package store

import (
	"errors"
	"fmt"

	"github.com/loa-vn/loa/protocol"
	bolt "go.etcd.io/bbolt"
)

// Apply makes what one message changes durable, all of it or nothing.
func (s *Store) Apply(c Change) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		return errors.Join(applyMeta(tx, c), drop(tx, c), keep(tx, c))
	})
	if err != nil {
		return fmt.Errorf("apply change: %w", err)
	}
	return nil
}

func applyMeta(tx *bolt.Tx, c Change) error {
	meta := tx.Bucket([]byte(bucketMeta))
	if c.Placement != nil {
		if err := meta.Put([]byte(keyPlacement), c.Placement); err != nil {
			return err
		}
	}
	if c.Command != 0 {
		if err := meta.Put([]byte(keyCommand), number(c.Command)); err != nil {
			return err
		}
	}
	if c.Muted != nil {
		muted := byte(0)
		if *c.Muted {
			muted = 1
		}
		return meta.Put([]byte(keyMuted), []byte{muted})
	}
	return nil
}

func drop(tx *bolt.Tx, c Change) error {
	for _, u := range c.DropPlans {
		if err := tx.Bucket([]byte(bucketPlans)).Delete([]byte(u)); err != nil {
			return err
		}
		if err := dropWithdrawals(tx, u); err != nil {
			return err
		}
	}
	for _, k := range c.DropAirings {
		if err := tx.Bucket([]byte(bucketAirings)).Delete(airingKey(k)); err != nil {
			return err
		}
	}
	for _, k := range c.DropWithdrawn {
		if err := tx.Bucket([]byte(bucketWithdrawals)).Delete(airingKey(k)); err != nil {
			return err
		}
	}
	for _, id := range c.DropStops {
		if err := tx.Bucket([]byte(bucketStops)).Delete([]byte(id)); err != nil {
			return err
		}
	}
	for _, d := range c.DropVerdicts {
		if err := tx.Bucket([]byte(bucketVerdicts)).Delete(digestKey(d)); err != nil {
			return err
		}
	}
	for _, d := range c.DropDocuments {
		if err := tx.Bucket([]byte(bucketDocuments)).Delete(digestKey(d)); err != nil {
			return err
		}
	}
	return nil
}

func dropWithdrawals(tx *bolt.Tx, unit protocol.UnitID) error {
	list, err := all[HeldWithdrawal](tx, bucketWithdrawals)
	if err != nil {
		return err
	}
	for _, w := range list {
		if w.Unit != unit {
			continue
		}
		if err := tx.Bucket([]byte(bucketWithdrawals)).Delete(airingKey(AiringKey{w.Airing, w.Unit})); err != nil {
			return err
		}
	}
	return nil
}

func keep(tx *bolt.Tx, c Change) error {
	floors := tx.Bucket([]byte(bucketFloors))
	for _, p := range c.Plans {
		if err := put(tx.Bucket([]byte(bucketPlans)), []byte(p.Unit), p); err != nil {
			return err
		}
		if n := p.Newest(); n > numberOf(floors.Get([]byte(p.Unit))) {
			if err := floors.Put([]byte(p.Unit), number(n)); err != nil {
				return err
			}
		}
	}
	for _, a := range c.Airings {
		key := airingKey(AiringKey{a.Airing.ID, a.Airing.Unit})
		if err := put(tx.Bucket([]byte(bucketAirings)), key, a); err != nil {
			return err
		}
	}
	for _, w := range c.Withdrawals {
		if err := put(tx.Bucket([]byte(bucketWithdrawals)), airingKey(AiringKey{w.Airing, w.Unit}), w); err != nil {
			return err
		}
	}
	for _, st := range c.Stops {
		if err := put(tx.Bucket([]byte(bucketStops)), []byte(st.ID), st); err != nil {
			return err
		}
	}
	for _, v := range c.Verdicts {
		if err := put(tx.Bucket([]byte(bucketVerdicts)), digestKey(v.Seen.Alert), v); err != nil {
			return err
		}
	}
	for _, l := range c.Lists {
		if err := tx.Bucket([]byte(bucketLists)).Put([]byte(l.Slot), l.Doc); err != nil {
			return err
		}
	}
	for _, doc := range c.Documents {
		if err := tx.Bucket([]byte(bucketDocuments)).Put(digestKey(protocol.DigestOf(doc)), doc); err != nil {
			return err
		}
	}
	return nil
}

// Held returns everything that messages have left behind, in the order of keys.
func (s *Store) Held() (Held, error) {
	var h Held
	err := s.db.View(func(tx *bolt.Tx) error {
		h.Meta = metaOf(tx)
		var errs [5]error
		h.Plans, errs[0] = all[HeldPlan](tx, bucketPlans)
		h.Airings, errs[1] = all[HeldAiring](tx, bucketAirings)
		h.Withdrawals, errs[2] = all[HeldWithdrawal](tx, bucketWithdrawals)
		h.Stops, errs[3] = all[protocol.Stop](tx, bucketStops)
		h.Verdicts, errs[4] = all[Verdict](tx, bucketVerdicts)
		h.Floors = map[protocol.UnitID]uint64{}
		return errors.Join(errors.Join(errs[:]...),
			tx.Bucket([]byte(bucketLists)).ForEach(func(k, doc []byte) error {
				h.Lists = append(h.Lists, List{Slot: string(k), Doc: clone(doc)})
				return nil
			}),
			tx.Bucket([]byte(bucketDocuments)).ForEach(func(k, _ []byte) error {
				h.Documents = append(h.Documents, protocol.Digest(k))
				return nil
			}),
			tx.Bucket([]byte(bucketFloors)).ForEach(func(k, n []byte) error {
				h.Floors[protocol.UnitID(k)] = numberOf(n)
				return nil
			}))
	})
	if err != nil {
		return Held{}, fmt.Errorf("read what is held: %w", err)
	}
	return h, nil
}

func metaOf(tx *bolt.Tx) Meta {
	meta := tx.Bucket([]byte(bucketMeta))
	muted := meta.Get([]byte(keyMuted))
	return Meta{
		Placement: clone(meta.Get([]byte(keyPlacement))),
		Command:   numberOf(meta.Get([]byte(keyCommand))),
		Floor:     protocol.Instant(numberOf(meta.Get([]byte(keyFloor)))),
		Muted:     len(muted) == 1 && muted[0] == 1,
	}
}

// Document returns a bulletin or an approval, verbatim. Errors: ErrNotFound.
func (s *Store) Document(d protocol.Digest) ([]byte, error) {
	var doc []byte
	err := s.db.View(func(tx *bolt.Tx) error {
		doc = clone(tx.Bucket([]byte(bucketDocuments)).Get(digestKey(d)))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("document %s: %w", d, err)
	}
	if doc == nil {
		return nil, fmt.Errorf("document %s: %w", d, ErrNotFound)
	}
	return doc, nil
}

// NextConnection returns the number of a new connection: higher than any before.
func (s *Store) NextConnection() (uint64, error) {
	var n uint64
	err := s.db.Update(func(tx *bolt.Tx) error {
		meta := tx.Bucket([]byte(bucketMeta))
		n = numberOf(meta.Get([]byte(keyConnection))) + 1
		return meta.Put([]byte(keyConnection), number(n))
	})
	if err != nil {
		return 0, fmt.Errorf("next connection: %w", err)
	}
	return n, nil
}

// Floor returns the latest instant that has certainly passed, 0 if none is known.
func (s *Store) Floor() (protocol.Instant, error) {
	var m Meta
	err := s.db.View(func(tx *bolt.Tx) error {
		m = metaOf(tx)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("clock's floor: %w", err)
	}
	return m.Floor, nil
}

// RaiseFloor remembers that at has certainly passed; an earlier one changes nothing.
func (s *Store) RaiseFloor(at protocol.Instant) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		if at <= metaOf(tx).Floor {
			return nil
		}
		return tx.Bucket([]byte(bucketMeta)).Put([]byte(keyFloor), number(uint64(at)))
	})
	if err != nil {
		return fmt.Errorf("clock's floor: %w", err)
	}
	return nil
}

// PutContent remembers how much of a content is on the disk.
func (s *Store) PutContent(c ContentState) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		return put(tx.Bucket([]byte(bucketContent)), digestKey(c.Content.Digest), c)
	})
	if err != nil {
		return fmt.Errorf("state of content %s: %w", c.Content.Digest, err)
	}
	return nil
}

// DropContent forgets a content.
func (s *Store) DropContent(d protocol.Digest) error {
	err := s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket([]byte(bucketContent)).Delete(digestKey(d)) })
	if err != nil {
		return fmt.Errorf("forget content %s: %w", d, err)
	}
	return nil
}

// Contents returns the state of every content.
func (s *Store) Contents() ([]ContentState, error) {
	var list []ContentState
	err := s.db.View(func(tx *bolt.Tx) error {
		var err error
		list, err = all[ContentState](tx, bucketContent)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("state of contents: %w", err)
	}
	return list, nil
}
