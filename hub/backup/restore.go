package backup

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// maxManifest bounds the list of a backup, in bytes: a million blobs.
const maxManifest = 256 << 20

// Restored is what came back.
type Restored struct {
	Archive string
	At      time.Time // when the backup was made
	Blobs   int
}

// Restore brings a backup back into folders that hold no hub. from is a backup's
// folder, for its newest archive, or an archive in it. All is checked against its
// digests before anything stands in its place, the database last: an interrupted
// restore leaves no hub, and can be begun again. Errors: problem.ErrConflict if
// there is a hub, ErrLocked, problem.ErrInvalid for a damaged backup.
func Restore(ctx context.Context, from string, key Key, to Folders) (Restored, error) {
	for _, p := range []string{to.Database, to.Keys, to.CA} {
		if _, err := os.Lstat(p); !errors.Is(err, fs.ErrNotExist) {
			return Restored{}, problem.New(problem.ErrConflict, "initialised", "data",
				"Thư mục dữ liệu đã có trung tâm; hãy khôi phục vào thư mục trống.",
				"The data folder holds a hub already; restore into an empty one.").Because(err)
		}
	}
	archive := from
	info, err := os.Stat(from)
	if err == nil && info.IsDir() {
		archive, err = newest(from)
	}
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	if err := os.MkdirAll(to.Data, 0o750); err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	work, err := os.MkdirTemp(to.Data, ".restore-")
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	defer os.RemoveAll(work)
	m, err := unpack(archive, key, work)
	if err != nil {
		return Restored{}, damaged(err)
	}
	if err := blobsBack(ctx, filepath.Dir(archive), key, m, to.Blobs); err != nil {
		return Restored{}, damaged(err)
	}
	for _, move := range []struct{ from, to string }{{"keys", to.Keys}, {"ca", to.CA}, {databaseName, to.Database}} {
		if err := os.Rename(filepath.Join(work, move.from), move.to); err != nil {
			return Restored{}, fmt.Errorf("restore: %w", err)
		}
		if err := syncDir(filepath.Dir(move.to)); err != nil {
			return Restored{}, fmt.Errorf("restore: %w", err)
		}
	}
	return Restored{Archive: archive, At: m.At, Blobs: len(m.Blobs)}, nil
}

// damaged says what to do about a backup that is not whole.
func damaged(err error) error {
	if !errors.Is(err, errDamaged) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, tar.ErrHeader) {
		return fmt.Errorf("restore: %w", err)
	}
	return problem.New(problem.ErrInvalid, "backup-damaged", "",
		"Bản sao lưu bị hỏng hoặc thiếu tệp; hãy dùng bản sao lưu trước đó (ghi tên tệp .tar).",
		"The backup is damaged or incomplete; use an earlier one (name its .tar file).").Because(err)
}

// unpack writes the files of an archive into a folder.
func unpack(archive string, key Key, dir string) (manifest, error) {
	f, err := os.Open(archive)
	if err != nil {
		return manifest{}, err
	}
	defer f.Close()
	r, err := key.decrypt(f, filepath.Dir(archive), archive)
	if err != nil {
		return manifest{}, err
	}
	return unpackFrom(r, dir)
}

func unpackFrom(r io.Reader, dir string) (manifest, error) {
	var m manifest
	t := tar.NewReader(r)
	if h, err := t.Next(); err != nil || h.Name != manifestName || h.Size > maxManifest {
		return m, errors.Join(errDamaged, err)
	}
	if err := json.NewDecoder(t).Decode(&m); err != nil || m.Version != manifestVersion {
		return m, errors.Join(errDamaged, err)
	}
	for _, want := range m.Files {
		h, err := t.Next()
		if err != nil || h.Name != want.Name || !inside(want.Name) {
			return m, errors.Join(errDamaged, err)
		}
		to := filepath.Join(dir, filepath.FromSlash(want.Name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return m, err
		}
		if err := put(to, filepath.Dir(to), nil, func(w io.Writer) error { return checkedCopy(w, t, want.Name, want.Digest) }); err != nil {
			return m, err
		}
	}
	return m, nil
}

// inside says whether a name of an archive is one that Write gives.
func inside(name string) bool {
	folder, base, ok := strings.Cut(name, "/")
	return name == databaseName || ok && (folder == "keys" || folder == "ca") && base != "." && path.Clean(base) == base && filepath.IsLocal(base)
}

// blobsBack copies the blobs that a manifest names.
func blobsBack(ctx context.Context, from string, key Key, m manifest, to string) error {
	for _, b := range m.Blobs {
		if _, err := protocol.ParseDigest(b.Name); err != nil {
			return fmt.Errorf("%s: %w", b.Name, errDamaged)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		dir := filepath.Join(to, b.Name[:2])
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := blobBack(from, key, b, filepath.Join(dir, b.Name)); err != nil {
			return err
		}
	}
	return nil
}

func blobBack(from string, key Key, b file, to string) error {
	if info, err := os.Stat(to); err == nil && info.Size() == b.Size {
		return nil // of an interrupted restore: it was put there whole
	}
	name := filepath.Join(from, blobFolder, b.Name[:2], b.Name)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		name += ageSuffix
		f, err = os.Open(name)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := key.decrypt(f, from, name)
	if err != nil {
		return err
	}
	return put(to, filepath.Dir(to), nil, func(w io.Writer) error { return checkedCopy(w, r, b.Name, b.Digest) })
}
