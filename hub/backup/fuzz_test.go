package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loa-vn/loa/protocol/protocoltest"
)

// archived writes an archive of one manifest and files by their names.
func archived(tb testing.TB, manifest []byte, files ...string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, name := range append([]string{manifestName}, files...) {
		content := manifest
		if i > 0 {
			content = []byte(name)
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: int64(len(content))}); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// FuzzRestore unpacks an archive that somebody may have changed: what stands in the
// folder then is what Write puts there, and nothing is written beside it.
func FuzzRestore(f *testing.F) {
	list := func(names ...string) []byte {
		m := manifest{Version: manifestVersion}
		for _, name := range names {
			m.Files = append(m.Files, file{Name: name, Size: int64(len(name)), Digest: fmt.Sprintf("%x", sha256.Sum256([]byte(name)))})
		}
		b, err := json.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	for _, names := range [][]string{{databaseName, "keys/hub.key", "ca/ca.pem"}, {"keys/../../beside"}, {"keys/."}, {"/etc/beside"}} {
		f.Add(list(names...), strings.Join(names, "\n"))
	}
	f.Add([]byte(`{"version":1,"files":[`+strings.Repeat("{},", 2000)+`{}]}`), "")
	f.Add([]byte(`{"version":1,"blobs":[`+strings.Repeat("{},", 2000)+`{}]}`), "")
	top := f.TempDir()
	f.Fuzz(func(t *testing.T, manifest []byte, names string) {
		var files []string
		for name := range strings.SplitSeq(names, "\n") {
			if name != "" && len(name) < 100 && !strings.ContainsRune(name, 0) && !strings.HasSuffix(name, "/") {
				files = append(files, name)
			}
		}
		b := archived(t, manifest, files...)
		dir := filepath.Join(top, "restored")
		read := func() error {
			if err := os.RemoveAll(top); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			_, err := unpackFrom(bytes.NewReader(b), dir)
			return err
		}
		// Beside it, the copying of each file.
		protocoltest.HoldMemoryBeside(t, "archive", len(b), 64<<10*(1+len(files)), func() { _ = read() })
		taken := read() == nil
		if err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name, err := filepath.Rel(dir, path)
			if err == nil && taken && !inside(filepath.ToSlash(name)) {
				t.Errorf("wrote %s", path)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}
