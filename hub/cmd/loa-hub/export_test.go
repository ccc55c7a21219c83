package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An auditor far away checks an export with a root key's file and nothing else.
func TestExportIsCheckedWithoutTheHub(t *testing.T) {
	l := newLine(t)
	l.init(exitDone)
	l.run(exitDone, "user", "add", "--id", "duyet1", "--name", "Trần Thị Duyệt", "--role", "approver", "--unit", "99001", "--password-file", "DIR/pw", "--registrar-password-file", "DIR/pw")
	l.run(exitDone, "verify", "--root", "DIR/usb/loa-root.pem")
	l.run(exitRefused, "export", "--from", "2020-01-01", "--to", "hôm nay", "DIR/out.loa")
	l.run(exitRefused, "export", "--from", "2020-01-02", "--to", "2020-01-01", "DIR/out.loa")
	l.run(exitDone, "export", "--from", "2020-01-01", "--to", "2100-01-01", "DIR/out.loa")
	l.run(exitRefused, "export", "--from", "2020-01-01", "--to", "2100-01-01", "DIR/out.loa")
	l.run(exitDone, "export", "--from", "2020-01-01", "--to", "2100-01-01", "--anonymous", "DIR/anonymous.loa")

	away := newLine(t) // no hub here
	for _, f := range []string{"out.loa", "anonymous.loa", "usb/loa-root.pem"} {
		b, err := os.ReadFile(filepath.Join(l.dir, f))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(away.dir, filepath.Base(f)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := away.run(exitDone, "verify", "--root", "DIR/loa-root.pem", "--export", "DIR/out.loa")
	if !strings.Contains(out, "4 records of acts") || !strings.Contains(out, "0 things wrong") {
		t.Errorf("verify says %s", out)
	}
	away.run(exitDone, "verify", "--root", "DIR/loa-root.pem", "--export", "DIR/anonymous.loa")
	if b, err := os.ReadFile(filepath.Join(away.dir, "anonymous.loa")); err != nil || strings.Contains(unpacked(t, b), "duyet1\"") {
		t.Errorf("anonymous: %v", err)
	}
	away.file("not.loa", "PK nothing")
	away.run(exitRefused, "verify", "--root", "DIR/loa-root.pem", "--export", "DIR/not.loa")

	// What an auditor changed, or was handed changed, does not add up.
	b, err := os.ReadFile(filepath.Join(away.dir, "out.loa"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"records.cbor", "people.cbor", "checkpoints.cbor"} {
		away.file("changed.loa", string(rezipped(t, b, part)))
		var o, e bytes.Buffer
		args := []string{"verify", "--root", filepath.Join(away.dir, "loa-root.pem"), "--export", filepath.Join(away.dir, "changed.loa")}
		if got := run(t.Context(), args, nil, strings.NewReader(""), &o, &e); got != exitFailed || !strings.Contains(e.String(), "WRONG: audit: ") {
			t.Errorf("%s changed: status %d: %s", part, got, e.String())
		}
	}
	// A later chain must still hold what an earlier export has seen.
	l.run(exitDone, "user", "disable", "duyet1", "--registrar-password-file", "DIR/pw")
	l.run(exitDone, "verify", "--root", "DIR/usb/loa-root.pem", "--held", "DIR/out.loa")

	// Erasure keeps all of it whole.
	l.run(exitRefused, "user", "erase", "quantri")
	l.run(exitDone, "user", "erase", "duyet1")
	l.run(exitDone, "verify", "--root", "DIR/usb/loa-root.pem", "--held", "DIR/out.loa")
	if out, _ := l.run(exitDone, "user", "list"); strings.Contains(out, "Trần Thị Duyệt") {
		t.Errorf("people: %s", out)
	}
}

func files(t *testing.T, b []byte) *zip.Reader {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func unpacked(t *testing.T, b []byte) string {
	t.Helper()
	var all strings.Builder
	for _, f := range files(t, b).File {
		if f.Name == "trust.cbor" {
			continue // lists name who may approve
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&all, r); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// rezipped changes one byte in the middle of one part.
func rezipped(t *testing.T, b []byte, part string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files(t, b).File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == part {
			raw[len(raw)-10] ^= 1 // inside of the last item's bytes
		}
		to, err := w.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
