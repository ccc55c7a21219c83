package backup_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/backup"
	"github.com/loa-vn/loa/hub/problem"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func at(dir string) backup.Folders {
	return backup.Folders{
		Data: dir, Database: filepath.Join(dir, "hub.db"), Keys: filepath.Join(dir, "keys"), CA: filepath.Join(dir, "ca"), Blobs: filepath.Join(dir, "blobs"),
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path, []byte(content), 0o600))
}

// blob puts a blob where hub/blob would.
func blob(t *testing.T, f backup.Folders, content string) string {
	t.Helper()
	name := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
	write(t, filepath.Join(f.Blobs, name[:2], name), content)
	return name
}

// source is a hub's folder with two blobs and one that is under way.
func source(t *testing.T) backup.Folders {
	t.Helper()
	f := at(t.TempDir())
	write(t, f.Database, "rows")
	write(t, filepath.Join(f.Keys, "hub.key"), "secret")
	write(t, filepath.Join(f.CA, "ca.key"), "authority")
	blob(t, f, "one")
	blob(t, f, strings.Repeat("two", 100_000))
	write(t, filepath.Join(f.Blobs, "tmp", "put-1"), "under way")
	return f
}

func options(f backup.Folders, dest string, minute int, lock *backup.Lock) backup.Options {
	return backup.Options{
		Folders: f, Dest: dest, Lock: lock, Now: time.Date(2026, 11, 24, 5, minute, 0, 0, time.UTC),
		Snapshot: func(_ context.Context, to string) error {
			b, err := os.ReadFile(f.Database)
			return errors.Join(err, os.WriteFile(to, b, 0o600))
		},
	}
}

// contents returns every file below a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[rel] = string(b)
		return err
	}))
	return out
}

func TestABackupBringsEverythingBack(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	must(t, err)
	for _, c := range []struct {
		name string
		lock func(dest string) (*backup.Lock, error)
		key  backup.Key
	}{
		{"readable", func(string) (*backup.Lock, error) { return nil, nil }, backup.Key{}},
		{"for a public key", func(string) (*backup.Lock, error) { return backup.ForRecipients([]string{id.Recipient().String()}) }, backup.Key{Identities: id.String()}},
		{"with a passphrase", func(d string) (*backup.Lock, error) { return backup.ForPassphrase(d, "mat khau sao luu") }, backup.Key{Passphrase: "mat khau sao luu"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, dest := source(t), t.TempDir()
			lock, err := c.lock(dest)
			must(t, err)
			r, err := backup.Write(t.Context(), options(f, dest, 0, lock))
			must(t, err)
			if r.Blobs != 2 || r.NewBlobs != 2 {
				t.Errorf("%+v, want two blobs, both new", r)
			}
			if lock != nil {
				for name, b := range contents(t, dest) {
					if strings.Contains(b, "secret") || strings.Contains(b, "twotwo") {
						t.Errorf("%s can be read", name)
					}
				}
			}
			to := at(t.TempDir())
			_, err = backup.Restore(t.Context(), dest, c.key, to)
			must(t, err)
			want := contents(t, f.Data)
			delete(want, filepath.Join("blobs", "tmp", "put-1"))
			if diff := cmp.Diff(want, contents(t, to.Data)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheNextBackupWritesOnlyWhatIsNew(t *testing.T) {
	f, dest := source(t), t.TempDir()
	first, err := backup.Write(t.Context(), options(f, dest, 0, nil))
	must(t, err)
	blob(t, f, "three")
	write(t, f.Database, "more rows")
	second, err := backup.Write(t.Context(), options(f, dest, 1, nil))
	must(t, err)
	if second.Blobs != 3 || second.NewBlobs != 1 {
		t.Errorf("%+v, want one new blob of three", second)
	}
	for archive, rows := range map[string]string{dest: "more rows", first.Archive: "rows"} {
		to := at(t.TempDir())
		_, err := backup.Restore(t.Context(), archive, backup.Key{}, to)
		must(t, err)
		if got := contents(t, to.Data)["hub.db"]; got != rows {
			t.Errorf("%s: %q", archive, got)
		}
	}
}

func TestADamagedBackupLeavesNoHub(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, archive, blob string)
	}{
		{"blob of other bytes", func(t *testing.T, _, blob string) { write(t, blob, "One") }},
		{"blob that is missing", func(t *testing.T, _, blob string) { must(t, os.Remove(blob)) }},
		{"archive cut short", func(t *testing.T, archive, _ string) { must(t, os.Truncate(archive, 2000)) }},
		{"archive of other bytes", func(t *testing.T, archive, _ string) {
			b, err := os.ReadFile(archive)
			must(t, err)
			must(t, os.WriteFile(archive, bytes.Replace(b, []byte("authority"), []byte("Authority"), 1), 0o600))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, dest := source(t), t.TempDir()
			r, err := backup.Write(t.Context(), options(f, dest, 0, nil))
			must(t, err)
			name := fmt.Sprintf("%x", sha256.Sum256([]byte("one")))
			c.spoil(t, r.Archive, filepath.Join(dest, "blobs", name[:2], name))
			to := at(t.TempDir())
			if _, err := backup.Restore(t.Context(), dest, backup.Key{}, to); !errors.Is(err, problem.ErrInvalid) {
				t.Errorf("error %v, want ErrInvalid", err)
			}
			for _, p := range []string{to.Database, to.Keys, to.CA} {
				if _, err := os.Lstat(p); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s is there", p)
				}
			}
		})
	}
}

func TestARestoreTouchesNoHub(t *testing.T) {
	f, dest := source(t), t.TempDir()
	_, err := backup.Write(t.Context(), options(f, dest, 0, nil))
	must(t, err)
	before := contents(t, f.Data)
	if _, err := backup.Restore(t.Context(), dest, backup.Key{}, f); !errors.Is(err, problem.ErrConflict) {
		t.Errorf("error %v, want ErrConflict", err)
	}
	if diff := cmp.Diff(before, contents(t, f.Data)); diff != "" {
		t.Error(diff)
	}
}

func TestAWrongPassphraseOpensNothing(t *testing.T) {
	f, dest := source(t), t.TempDir()
	lock, err := backup.ForPassphrase(dest, "mat khau sao luu")
	must(t, err)
	_, err = backup.Write(t.Context(), options(f, dest, 0, lock))
	must(t, err)
	if _, err := backup.ForPassphrase(dest, "mat khau khac"); !errors.Is(err, backup.ErrLocked) {
		t.Errorf("another passphrase for the same folder: %v", err)
	}
	for _, k := range []backup.Key{{}, {Passphrase: "mat khau khac"}} {
		if _, err := backup.Restore(t.Context(), dest, k, at(t.TempDir())); !errors.Is(err, backup.ErrLocked) {
			t.Errorf("error %v, want ErrLocked", err)
		}
	}
}
