package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A hub comes back from an encrypted backup by one command, and its book of acts says so.
func TestABackupComesBackAndTheBookSaysSo(t *testing.T) {
	l := newLine(t)
	l.init(exitDone)
	l.run(exitDone, "backup", "--passphrase-file", "DIR/pw", "DIR/backups")
	l.run(exitRefused, "restore", "--passphrase-file", "DIR/pw", "DIR/backups") // there is a hub
	before, _ := l.run(exitDone, "verify", "--root", "DIR/usb/loa-root.pem")
	// An act that the backup does not have, and that an export has seen.
	day := time.Now().In(hanoi(t)).Format(time.DateOnly)
	l.run(exitDone, "export", "--from", day, "--to", day, "DIR/held.zip")

	if err := os.Rename(filepath.Join(l.dir, "data"), filepath.Join(l.dir, "lost")); err != nil {
		t.Fatal(err)
	}
	l.run(exitRefused, "restore", "DIR/backups") // it is encrypted
	l.run(exitDone, "restore", "--passphrase-file", "DIR/pw", "DIR/backups")
	after, _ := l.run(exitDone, "verify", "--root", "DIR/usb/loa-root.pem")
	if !strings.Contains(before, "2 records of acts") || !strings.Contains(after, "3 records of acts") {
		t.Errorf("verify says before: %s\nand after: %s", before, after)
	}
	for _, want := range []string{"restored: ", "from loa-", "(record 3)"} {
		if !strings.Contains(after, want) {
			t.Errorf("verify does not tell of the restore: no %q in %s", want, after)
		}
	}
	var out, lost bytes.Buffer
	args := []string{"--config", filepath.Join(l.dir, "hub.yaml"), "verify", "--root", filepath.Join(l.dir, "usb", "loa-root.pem"), "--held", filepath.Join(l.dir, "held.zip")}
	if got := run(t.Context(), args, nil, strings.NewReader(""), &out, &lost); got != exitFailed {
		t.Errorf("verify with what was lost: status %d", got)
	}
	if want := "record 3, which checkpoint 2 of an export signs, was lost with the restore that record 3 tells of"; !strings.Contains(lost.String(), want) {
		t.Errorf("verify with an export from before the restore says: %s\nwant %s", lost.String(), want)
	}
}

func hanoi(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
