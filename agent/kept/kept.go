// Package kept keeps small files of the device's folder over restarts and power
// cuts: each is replaced as a whole, and what was said to be written is on the disk.
// It knows nothing of what stands in them.
package kept

import (
	"errors"
	"os"
	"path/filepath"
)

// File is a small file, readable by its owner alone.
type File struct{ Path string }

// Load reads the file. Error: fs.ErrNotExist if there is none.
func (f File) Load() ([]byte, error) { return os.ReadFile(f.Path) }

// Save replaces the file, or removes it if b is nil. A power cut leaves the one or
// the other; once Save has returned, the new one.
func (f File) Save(b []byte) error {
	if b == nil {
		return errors.Join(os.Remove(f.Path), SyncDir(filepath.Dir(f.Path)))
	}
	next, err := os.CreateTemp(filepath.Dir(f.Path), filepath.Base(f.Path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = next.Write(b)
	err = errors.Join(err, next.Sync(), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), f.Path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(next.Name()))
	}
	return SyncDir(filepath.Dir(f.Path))
}

// SyncDir makes durable what was made, renamed or removed in a folder.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
