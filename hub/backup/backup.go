// Package backup writes everything that a hub must not lose into a folder, while
// it runs, and brings it back: the database as of one instant, keys, certificate
// authority, and blobs by digest, each of them once. It may encrypt all of it
// (age). It decides what belongs to a backup and that a restore is whole or not at
// all; it never touches a folder that holds a hub, and never deletes a backup.
package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// Names inside a backup's folder and its archives.
const (
	archivePrefix = "loa-"
	archiveSuffix = ".tar"
	ageSuffix     = ".age"
	blobFolder    = "blobs"
	keyFile       = "key.age"
	manifestName  = "manifest.json"
	databaseName  = "hub.db"
)

// timeForm makes the names of archives sort by their time.
const timeForm = "20060102T150405.000Z"

// manifestVersion is the form of archives that is written.
const manifestVersion = 1

// manifest is the first file of an archive: what else belongs to the backup.
type manifest struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"`
	Files   listed    `json:"files"`
	Blobs   listed    `json:"blobs"`
}

// listed are the files that a manifest names.
type listed []file

// UnmarshalJSON reads them one by one: a long list of nothing, which takes many times
// its length, is refused at its first. Error: errDamaged.
func (l *listed) UnmarshalJSON(b []byte) error {
	*l = nil
	d := json.NewDecoder(bytes.NewReader(b))
	switch t, err := d.Token(); {
	case err == nil && t == nil:
		return nil
	case t != json.Delim('['):
		return errDamaged
	}
	for d.More() {
		var f file
		if err := d.Decode(&f); err != nil || f.Name == "" || len(f.Digest) != 2*sha256.Size {
			return errors.Join(errDamaged, err)
		}
		*l = append(*l, f)
	}
	return nil
}

// file is one file; a blob's name is its digest.
type file struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	Digest string `json:"sha256"`
}

// Folders is where a hub keeps what belongs to a backup.
type Folders struct {
	Data     string // for what is under way
	Database string
	Keys     string
	CA       string
	Blobs    string
}

// Options say what to write, and where.
type Options struct {
	Folders
	// Dest is the folder of backups.
	Dest string
	// Snapshot writes the database, as of one instant, into a new file.
	Snapshot func(ctx context.Context, to string) error
	// Lock encrypts; nil leaves everything readable.
	Lock *Lock
	Now  time.Time
}

// Report is what was written.
type Report struct {
	Archive  string
	Blobs    int   // in the backup
	NewBlobs int   // of these, written now
	NewBytes int64 // of all that was written now, before encryption
}

// Write makes a backup. What an interrupted one leaves is used by the next. Errors:
// problem.ErrFull, those of the disk.
func Write(ctx context.Context, o Options) (Report, error) {
	var r Report
	if err := os.MkdirAll(filepath.Join(o.Dest, blobFolder), 0o700); err != nil {
		return r, fmt.Errorf("backup: %w", err)
	}
	work, err := os.MkdirTemp(o.Dest, ".under-way-")
	if err != nil {
		return r, fmt.Errorf("backup: %w", err)
	}
	defer os.RemoveAll(work)
	snapshot := filepath.Join(work, databaseName)
	// The database first: whatever it names is on the disk by then.
	if err := o.Snapshot(ctx, snapshot); err != nil {
		return r, fmt.Errorf("backup: %w", err)
	}
	m := manifest{Version: manifestVersion, At: o.Now.UTC()}
	paths := map[string]string{databaseName: snapshot}
	for _, dir := range []struct{ name, path string }{{"keys", o.Keys}, {"ca", o.CA}} {
		err := walk(dir.path, func(rel, path string) error {
			paths[dir.name+"/"+rel] = path
			return nil
		})
		if err != nil {
			return r, fmt.Errorf("backup: %w", err)
		}
	}
	for _, name := range sortedKeys(paths) {
		f, err := describe(name, paths[name])
		if err != nil {
			return r, fmt.Errorf("backup: %w", err)
		}
		m.Files = append(m.Files, f)
		r.NewBytes += f.Size
	}
	if err := o.blobs(ctx, &m, &r); err != nil {
		return r, fmt.Errorf("backup: %w", err)
	}
	r.Archive = filepath.Join(o.Dest, archivePrefix+o.Now.UTC().Format(timeForm)+archiveSuffix+o.Lock.suffix())
	err = put(r.Archive, work, o.Lock, func(w io.Writer) error { return writeArchive(w, m, paths) })
	if err != nil {
		return r, fmt.Errorf("backup: %w", err)
	}
	return r, nil
}

func isDigest(name string) bool {
	_, err := protocol.ParseDigest(name)
	return err == nil
}

// blobs copies those that the backup's folder does not have yet.
func (o Options) blobs(ctx context.Context, m *manifest, r *Report) error {
	return walk(o.Blobs, func(rel, path string) error {
		name := filepath.Base(rel)
		if !isDigest(name) {
			return nil // under way: it is in no database yet
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		m.Blobs = append(m.Blobs, file{Name: name, Size: info.Size(), Digest: name})
		r.Blobs++
		to := filepath.Join(o.Dest, blobFolder, name[:2], name+o.Lock.suffix())
		if _, err := os.Stat(to); err == nil {
			return nil
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		r.NewBlobs++
		r.NewBytes += info.Size()
		return put(to, o.Dest, o.Lock, func(w io.Writer) error { return copyChecked(w, path, name) })
	})
}

// writeArchive writes the manifest, then the files that it names.
func writeArchive(w io.Writer, m manifest, paths map[string]string) error {
	t := tar.NewWriter(w)
	list, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Name: manifestName, Mode: 0o600, Size: int64(len(list)), ModTime: m.At}); err != nil {
		return err
	}
	if _, err := t.Write(list); err != nil {
		return err
	}
	for _, f := range m.Files {
		if err := t.WriteHeader(&tar.Header{Name: f.Name, Mode: 0o600, Size: f.Size, ModTime: m.At}); err != nil {
			return err
		}
		if err := copyChecked(t, paths[f.Name], f.Digest); err != nil {
			return err
		}
	}
	return t.Close()
}

// describe measures a file.
func describe(name, path string) (file, error) {
	f, err := os.Open(path)
	if err != nil {
		return file{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return file{Name: name, Size: n, Digest: fmt.Sprintf("%x", h.Sum(nil))}, err
}

// errDamaged: bytes that are not what their name or the manifest says.
var errDamaged = errors.New("damaged")

// copyChecked copies a file and fails if it is not what its digest says.
func copyChecked(w io.Writer, path, digest string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return checkedCopy(w, f, path, digest)
}

func checkedCopy(w io.Writer, r io.Reader, name, digest string) error {
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, h), r); err != nil {
		return err
	}
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != digest {
		return fmt.Errorf("%s: %w", name, errDamaged)
	}
	return nil
}

// put writes a file through a temporary one, so that it is there whole or not.
func put(to, tmp string, lock *Lock, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(tmp, ".put-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(full(err), f.Close(), os.Remove(f.Name()))
		}
	}()
	w, finish, err := lock.encrypt(f)
	if err != nil {
		return err
	}
	if err := write(w); err != nil {
		return err
	}
	if err := finish(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

// full says in the caller's words that the disk is full.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w (%w)", problem.ErrFull, err)
	}
	return err
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// newest returns the newest archive of a folder.
func newest(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	found := ""
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, archivePrefix) && (strings.HasSuffix(name, archiveSuffix) || strings.HasSuffix(name, archiveSuffix+ageSuffix)) {
			found = max(found, name)
		}
	}
	if found == "" {
		return "", fmt.Errorf("no backup in %s: %w", dir, fs.ErrNotExist)
	}
	return filepath.Join(dir, found), nil
}
