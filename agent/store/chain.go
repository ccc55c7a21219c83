package store

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/loa-vn/loa/protocol"
	bolt "go.etcd.io/bbolt"
)

// begin makes the buckets and, in a store that has no chain, its first entry.
func (s *Store) begin(cfg Config, damaged bool) error {
	reason := cfg.Genesis
	if reason == 0 {
		reason = protocol.GenesisNew
		_, err := os.Stat(cfg.Marker)
		if err == nil || damaged {
			reason = protocol.GenesisLost
		} else if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("begin chain: %w", err)
		}
	}
	err := s.db.Update(func(tx *bolt.Tx) error {
		for _, name := range buckets() {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		if tx.Bucket([]byte(bucketMeta)).Get([]byte(keyHead)) != nil {
			return nil
		}
		var head ChainHead
		if _, err := io.ReadFull(cfg.Entropy, head.Chain[:]); err != nil {
			return err
		}
		return link(tx, &head, protocol.Entry{At: cfg.Now, Genesis: reason})
	})
	if err != nil {
		return fmt.Errorf("begin chain: %w", err)
	}
	return s.mark(cfg.Marker)
}

// mark leaves the sign outside of the store that a chain has begun.
func (s *Store) mark(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("mark chain: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("mark chain: %w", err)
	}
	return nil
}

// link appends one entry and moves the head.
func link(tx *bolt.Tx, head *ChainHead, e protocol.Entry) error {
	e.Seq, e.Prev = head.Seq+1, head.Hash
	raw, err := protocol.Marshal(e)
	if err != nil {
		return err
	}
	if len(raw) > MaxEntry {
		return fmt.Errorf("entry of %d bytes, at most %d: %w", len(raw), MaxEntry, protocol.ErrTooLarge)
	}
	head.Seq, head.Hash = e.Last(), protocol.DigestOf(raw)
	if err := tx.Bucket([]byte(bucketChain)).Put(number(head.Seq), raw); err != nil {
		return err
	}
	return put(tx.Bucket([]byte(bucketMeta)), []byte(keyHead), *head)
}

func headOf(tx *bolt.Tx) (ChainHead, error) {
	var head ChainHead
	err := decode(tx.Bucket([]byte(bucketMeta)).Get([]byte(keyHead)), &head)
	return head, err
}

// MaxEntry is the length of the longest entry, in bytes: with its batch it must
// fit into one control packet.
const MaxEntry = protocol.MaxControl - 2<<10

// Commit makes one step of the playout durable: records, journals and
// receipts together or not at all. Errors: those of protocol.Marshal, which bound
// a receipt so that it is no longer than MaxEntry; those of the disk.
func (s *Store) Commit(b Batch) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		occurrences := tx.Bucket([]byte(bucketOccurrences))
		for _, o := range b.Forget {
			if err := occurrences.Delete(occurrenceKey(o)); err != nil {
				return err
			}
		}
		for _, o := range b.Put {
			if err := put(occurrences, occurrenceKey(o), o); err != nil {
				return err
			}
		}
		journal := tx.Bucket([]byte(bucketJournal))
		for _, m := range b.Idle {
			if err := journal.Delete([]byte{byte(m)}); err != nil {
				return err
			}
		}
		for _, j := range b.Journal {
			if err := put(journal, []byte{byte(j.Medium)}, j); err != nil {
				return err
			}
		}
		if len(b.Receipts) == 0 {
			return nil
		}
		head, err := headOf(tx)
		if err != nil {
			return err
		}
		for i := range b.Receipts {
			if err := s.append(tx, &head, protocol.Entry{At: b.At, Receipt: &b.Receipts[i]}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("commit step: %w", err)
	}
	return nil
}

// lost are receipts for which there was no room and whose loss is still to be said.
type lost struct {
	N  uint64
	At protocol.Instant // of the last of them
}

// reasonFull is why receipts are lost if too many wait for the hub.
const reasonFull = "too many wait for the hub"

// append links a receipt, or counts it as lost if too many wait already.
func (s *Store) append(tx *bolt.Tx, head *ChainHead, e protocol.Entry) error {
	if err := s.own(tx, head); err != nil {
		return err
	}
	if s.room(*head) {
		return link(tx, head, e)
	}
	l, err := lostOf(tx)
	if err != nil {
		return err
	}
	return put(tx.Bucket([]byte(bucketMeta)), []byte(keyLost), lost{N: l.N + 1, At: e.At})
}

// room says whether one more entry may wait.
func (s *Store) room(head ChainHead) bool { return head.Seq-head.Acked < s.most }

func lostOf(tx *bolt.Tx) (lost, error) {
	var l lost
	raw := tx.Bucket([]byte(bucketMeta)).Get([]byte(keyLost))
	if raw == nil {
		return l, nil
	}
	return l, decode(raw, &l)
}

// own puts into the chain what was lost before, once there is room for saying so.
func (s *Store) own(tx *bolt.Tx, head *ChainHead) error {
	l, err := lostOf(tx)
	if err != nil || l.N == 0 || !s.room(*head) {
		return err
	}
	if err := tx.Bucket([]byte(bucketMeta)).Delete([]byte(keyLost)); err != nil {
		return err
	}
	return link(tx, head, protocol.Entry{At: l.At, Loss: &protocol.Loss{Through: head.Seq + l.N, Reason: reasonFull}})
}

// Head returns where the chain stands.
func (s *Store) Head() (ChainHead, error) {
	var head ChainHead
	err := s.db.View(func(tx *bolt.Tx) error {
		var err error
		head, err = headOf(tx)
		return err
	})
	if err != nil {
		return ChainHead{}, fmt.Errorf("head of chain: %w", err)
	}
	return head, nil
}

// Kept returns where the chain stands and the first seq that is still here.
func (s *Store) Kept() (protocol.ChainState, error) {
	var c protocol.ChainState
	err := s.db.View(func(tx *bolt.Tx) error {
		head, err := headOf(tx)
		if err != nil {
			return err
		}
		c = protocol.ChainState{Chain: head.Chain, Seq: head.Seq, Acked: head.Acked, Oldest: head.Seq}
		if _, raw := tx.Bucket([]byte(bucketChain)).Cursor().First(); raw != nil {
			var e protocol.Entry
			if e, err = protocol.Unmarshal[protocol.Entry](raw, protocol.MaxControl); err == nil {
				c.Oldest = e.Seq
			}
		}
		return err
	})
	if err != nil {
		return protocol.ChainState{}, fmt.Errorf("state of chain: %w", err)
	}
	return c, nil
}

// Unacked returns the first entries that are not acknowledged, encoded and in
// order, at most n of them and bytes in all (but one at least), and the head
// that they lead to. No entries: nothing waits.
func (s *Store) Unacked(n, bytes int) ([][]byte, ChainHead, error) {
	var entries [][]byte
	var at ChainHead
	err := s.db.View(func(tx *bolt.Tx) error {
		var err error
		if at, err = headOf(tx); err != nil {
			return err
		}
		c := tx.Bucket([]byte(bucketChain)).Cursor()
		size := 0
		for k, raw := c.Seek(number(at.Acked + 1)); k != nil && len(entries) < n; k, raw = c.Next() {
			if size += len(raw); size > bytes && len(entries) > 0 {
				break
			}
			entries = append(entries, clone(raw))
			at.Seq, at.Hash = numberOf(k), protocol.DigestOf(raw)
		}
		return nil
	})
	if err != nil {
		return nil, ChainHead{}, fmt.Errorf("unacknowledged entries: %w", err)
	}
	return entries, at, nil
}

// Ack takes note that the hub has committed the chain up to seq. The hash must
// be that of our own entry. Older acknowledgements change nothing. Errors:
// ErrMismatch.
func (s *Store) Ack(chain protocol.Digest, seq uint64, hash protocol.Digest) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		head, err := headOf(tx)
		if err != nil {
			return err
		}
		entries := tx.Bucket([]byte(bucketChain))
		raw := entries.Get(number(seq))
		if chain != head.Chain || raw == nil || protocol.DigestOf(raw) != hash {
			return fmt.Errorf("entry %d: %w", seq, ErrMismatch)
		}
		if seq <= head.Acked {
			return nil
		}
		head.Acked = seq
		if err := s.prune(entries, head); err != nil {
			return err
		}
		if err := s.own(tx, &head); err != nil {
			return err
		}
		return put(tx.Bucket([]byte(bucketMeta)), []byte(keyHead), head)
	})
	if err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	return nil
}

// prune deletes acknowledged entries beyond those that are kept.
func (s *Store) prune(entries *bolt.Bucket, head ChainHead) error {
	if head.Acked <= s.keep {
		return nil
	}
	c := entries.Cursor()
	for k, _ := c.First(); k != nil && numberOf(k) <= head.Acked-s.keep; k, _ = c.First() {
		if err := c.Delete(); err != nil {
			return err
		}
	}
	return nil
}

// Resend takes acknowledgements back from seq on, for a hub that asks again:
// what is still kept of it counts as not acknowledged.
func (s *Store) Resend(seq uint64) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		head, err := headOf(tx)
		if err != nil || seq == 0 || seq > head.Acked {
			return err
		}
		head.Acked = seq - 1
		return put(tx.Bucket([]byte(bucketMeta)), []byte(keyHead), head)
	})
	if err != nil {
		return fmt.Errorf("take acknowledgements back: %w", err)
	}
	return nil
}
