package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A hub comes back from an encrypted backup by one command, and its book of acts says so.
func TestABackupComesBackAndTheBookSaysSo(t *testing.T) {
	l := newLine(t)
	l.init(exitDone)
	l.run(exitDone, "backup", "--passphrase-file", "DIR/pw", "DIR/backups")
	l.run(exitRefused, "restore", "--passphrase-file", "DIR/pw", "DIR/backups") // there is a hub
	before, _ := l.run(exitDone, "verify", "--root", "DIR/usb/loa-root.pem")

	if err := os.Rename(filepath.Join(l.dir, "data"), filepath.Join(l.dir, "lost")); err != nil {
		t.Fatal(err)
	}
	l.run(exitRefused, "restore", "DIR/backups") // it is encrypted
	l.run(exitDone, "restore", "--passphrase-file", "DIR/pw", "DIR/backups")
	after, _ := l.run(exitDone, "verify", "--root", "DIR/usb/loa-root.pem")
	if !strings.Contains(before, "2 records of acts") || !strings.Contains(after, "3 records of acts") {
		t.Errorf("verify says before: %s\nand after: %s", before, after)
	}
}
