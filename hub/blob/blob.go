// Package blob keeps bytes by their digest in a folder: sounds, bulletins,
// approvals, plans, trust documents, uploads. What is there is whole and right:
// a file appears under its name only when all of it is on disk. It decides
// nothing about what is kept.
package blob

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Dir is a folder of blobs. It is safe for concurrent use.
type Dir struct{ root string }

// Open makes the folder if it is missing and clears what a crash left half done.
func Open(root string) (*Dir, error) {
	tmp := filepath.Join(root, "tmp")
	if err := os.RemoveAll(tmp); err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	return &Dir{root: root}, nil
}

// View opens a folder for reading only, beside a hub that may be running.
func View(root string) *Dir { return &Dir{root: root} }

func (d *Dir) path(digest protocol.Digest) string {
	name := digest.String()
	return filepath.Join(d.root, name[:2], name)
}

// Put stores all of r, at most limit bytes, and returns its digest and size.
// Errors: problem.ErrTooLarge, problem.ErrFull.
func (d *Dir) Put(r io.Reader, limit int64) (digest protocol.Digest, size int64, err error) {
	f, err := os.CreateTemp(filepath.Join(d.root, "tmp"), "put-*")
	if err != nil {
		return digest, 0, fmt.Errorf("store: %w", full(err))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	h := sha256.New()
	size, err = io.Copy(io.MultiWriter(f, h), io.LimitReader(r, limit+1))
	if err != nil {
		return digest, 0, fmt.Errorf("store: %w", full(err))
	}
	if size > limit {
		return digest, 0, fmt.Errorf("store over %d bytes: %w", limit, problem.ErrTooLarge)
	}
	h.Sum(digest[:0])
	if err := f.Sync(); err != nil {
		return digest, 0, fmt.Errorf("store: %w", full(err))
	}
	path := d.path(digest)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return digest, 0, fmt.Errorf("store: %w", full(err))
	}
	if err := f.Close(); err != nil {
		return digest, 0, fmt.Errorf("store: %w", full(err))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return digest, 0, fmt.Errorf("store: %w", full(err))
	}
	return digest, size, syncDir(filepath.Dir(path))
}

// syncDir makes a rename durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Open opens a blob for reading. Errors: problem.ErrNotFound.
func (d *Dir) Open(digest protocol.Digest) (*os.File, error) {
	f, err := os.Open(d.path(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob %s: %w", digest, problem.ErrNotFound)
	}
	return f, err
}

// Path returns where a blob's file is, for programs that read files.
// Errors: problem.ErrNotFound.
func (d *Dir) Path(digest protocol.Digest) (string, error) {
	f, err := d.Open(digest)
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// Read returns all of a blob of at most limit bytes. Errors: problem.ErrNotFound,
// problem.ErrTooLarge.
func (d *Dir) Read(digest protocol.Digest, limit int64) ([]byte, error) {
	f, err := d.Open(digest)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", digest, err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("blob %s: %w", digest, problem.ErrTooLarge)
	}
	return b, nil
}

// Content describes a blob for the wire. Errors: problem.ErrNotFound.
func (d *Dir) Content(digest protocol.Digest) (protocol.Content, error) {
	list, size, err := d.Chunks(digest)
	if err != nil {
		return protocol.Content{}, err
	}
	return protocol.Content{Digest: digest, Size: uint64(size), Chunks: protocol.DigestOf(list)}, nil
}

// Chunks returns a blob's chunk list (protocol.ChunkList) and its size in bytes.
func (d *Dir) Chunks(digest protocol.Digest) (list []byte, size int64, err error) {
	f, err := d.Open(digest)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	buf := make([]byte, protocol.ChunkSize)
	for {
		n, err := io.ReadFull(f, buf)
		if n > 0 {
			sum := sha256.Sum256(buf[:n])
			list, size = append(list, sum[:]...), size+int64(n)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return list, size, nil
		}
		if err != nil {
			return nil, 0, fmt.Errorf("read blob %s: %w", digest, err)
		}
	}
}

// full says in the caller's words that the disk is full.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w (%w)", problem.ErrFull, err)
	}
	return err
}
