package store

import (
	"encoding/binary"
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"github.com/loa-vn/loa/protocol"
	bolt "go.etcd.io/bbolt"
)

// encode writes a record of the store's own: CBOR with the fields' names, which
// newer versions may add to.
func encode(v any) ([]byte, error) {
	b, err := cbor.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	return b, nil
}

func decode(b []byte, v any) error {
	dec, err := cbor.DecOptions{MaxArrayElements: 1 << 20}.DecMode()
	if err != nil {
		return fmt.Errorf("decode record: %w", err)
	}
	if err := dec.Unmarshal(b, v); err != nil {
		return fmt.Errorf("decode record: %w", err)
	}
	return nil
}

// put encodes v under key.
func put(b *bolt.Bucket, key []byte, v any) error {
	raw, err := encode(v)
	if err != nil {
		return err
	}
	return b.Put(key, raw)
}

// all decodes every value of a bucket.
func all[T any](tx *bolt.Tx, bucket string) ([]T, error) {
	var list []T
	err := tx.Bucket([]byte(bucket)).ForEach(func(k, raw []byte) error {
		var v T
		if err := decode(raw, &v); err != nil {
			return fmt.Errorf("%s %x: %w", bucket, k, err)
		}
		list = append(list, v)
		return nil
	})
	return list, err
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func numberOf(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func airingKey(k AiringKey) []byte {
	return append(append([]byte(k.Airing), 0), k.Unit...)
}

func occurrenceKey(o Occurrence) []byte {
	key := append([]byte{byte(o.Medium)}, o.Airing...)
	return append(append(key, 0), number(uint64(o.Start))...)
}

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

func digestKey(d protocol.Digest) []byte { return d[:] }
