package kept_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/loa-vn/loa/agent/kept"
)

// A file is replaced as a whole, for its owner alone; a write that fails leaves the
// file of before, and nothing beside it.
func TestAFileIsReplacedAsAWhole(t *testing.T) {
	dir := t.TempDir()
	f := kept.File{Path: filepath.Join(dir, "ended.json")}
	if _, err := f.Load(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before anything was kept: %v", err)
	}
	for _, text := range []string{"một hai ba", "bốn"} {
		if err := f.Save([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := f.Load(); err != nil || string(b) != text {
			t.Errorf("kept %q, %v", b, err)
		}
	}
	if info, err := os.Stat(f.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info, err)
	}
	blocked := kept.File{Path: filepath.Join(dir, "folder")}
	if err := os.MkdirAll(filepath.Join(blocked.Path, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := blocked.Save([]byte("x")); err == nil {
		t.Error("a folder was replaced")
	}
	if err := f.Save(nil); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "folder" {
		t.Errorf("left: %v, %v", left, err)
	}
}
