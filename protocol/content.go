package protocol

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Content names bytes that travel in chunks: a sound, a bulletin, a list of
// signed documents, a large plan.
type Content struct {
	Digest Digest `cbor:"1,keyasint"`
	Size   uint64 `cbor:"2,keyasint"`
	// Chunks is the digest of the list of the chunks' digests (ChunkList).
	Chunks Digest `cbor:"3,keyasint"`
}

// ContentOf describes b.
func ContentOf(b []byte) Content {
	return Content{Digest: DigestOf(b), Size: uint64(len(b)), Chunks: DigestOf(ChunkList(b))}
}

// Validate checks the size: 1 byte to MaxContent.
func (c Content) Validate() error {
	if c.Size == 0 || c.Size > MaxContent {
		return fmt.Errorf("content of %d bytes: %w", c.Size, ErrInvalid)
	}
	return nil
}

// Count returns how many chunks the content has.
func (c Content) Count() int { return int((c.Size + ChunkSize - 1) / ChunkSize) }

// ChunkLength returns the bytes in chunk n, 0 for one that does not exist.
func (c Content) ChunkLength(n int) int {
	if n < 0 || n >= c.Count() {
		return 0
	}
	return int(min(ChunkSize, c.Size-uint64(n)*ChunkSize))
}

// ChunkList returns the SHA-256 digests of b's chunks, 32 bytes each, in order.
func ChunkList(b []byte) []byte {
	list := make([]byte, 0, (len(b)/ChunkSize+1)*sha256.Size)
	for len(b) > 0 {
		n := min(ChunkSize, len(b))
		d := sha256.Sum256(b[:n])
		list, b = append(list, d[:]...), b[n:]
	}
	return list
}

// Chunk is the payload of topic c/{digest}/{n}: part of the content itself, or
// of its chunk list.
type Chunk struct {
	// List is true for bytes of the chunk list; N then counts parts of ChunkSize.
	List bool   `cbor:"1,keyasint,omitempty"`
	N    uint64 `cbor:"2,keyasint,omitempty"`
	Data []byte `cbor:"3,keyasint"`
}

// Validate checks the length of the data: 1 byte to ChunkSize.
func (c Chunk) Validate() error {
	if len(c.Data) == 0 || len(c.Data) > ChunkSize {
		return fmt.Errorf("chunk of %d bytes: %w", len(c.Data), ErrInvalid)
	}
	if c.N > MaxContent/ChunkSize {
		return fmt.Errorf("chunk number %d: %w", c.N, ErrInvalid)
	}
	return nil
}

// Range is the chunks from First to Last, both included.
type Range struct {
	First uint64 `cbor:"1,keyasint"`
	Last  uint64 `cbor:"2,keyasint"`
}

// WantItem asks for parts of one piece of content.
type WantItem struct {
	Digest Digest  `cbor:"1,keyasint"`
	List   bool    `cbor:"2,keyasint,omitempty"` // the chunk list as well
	Ranges []Range `cbor:"3,keyasint,omitempty"`
}

// Want is the payload of topic d/{device}/want: what is missing, most urgent
// first, and how many bytes the device will take before it asks again.
type Want struct {
	Items  []WantItem `cbor:"1,keyasint"`
	Window uint64     `cbor:"2,keyasint"` // bytes
}

// MaxWantItems bounds one request.
const MaxWantItems = 64

// Validate checks the counts and the order of the ranges.
func (w Want) Validate() error {
	if len(w.Items) == 0 || len(w.Items) > MaxWantItems {
		return fmt.Errorf("want of %d items: %w", len(w.Items), ErrInvalid)
	}
	if w.Window == 0 || w.Window > MaxContent {
		return fmt.Errorf("window of %d bytes: %w", w.Window, ErrInvalid)
	}
	for _, it := range w.Items {
		if len(it.Ranges) > MaxWantItems || (!it.List && len(it.Ranges) == 0) {
			return fmt.Errorf("want of %d ranges: %w", len(it.Ranges), ErrInvalid)
		}
		next := uint64(0)
		for _, r := range it.Ranges {
			if r.First < next || r.Last < r.First || r.Last > MaxContent/ChunkSize {
				return fmt.Errorf("range %d to %d: %w", r.First, r.Last, ErrInvalid)
			}
			next = r.Last + 1
		}
	}
	return nil
}

// ContentPath is where a piece of content is found below a hub's URL, to be
// fetched whole or by ranges (RFC 9110, 14); its chunk list has ".list" behind.
func ContentPath(d Digest) string { return "/content/" + d.String() }

// ContentListPath is where the chunk list of a piece of content is found.
func ContentListPath(d Digest) string { return ContentPath(d) + ".list" }

// validBase says whether s is empty or begins like an HTTPS URL without a slash
// at its end.
func validBase(s string) bool {
	return s == "" || strings.HasPrefix(s, "https://") && len(s) <= 256 && utf8.ValidString(s) && !strings.HasSuffix(s, "/")
}
