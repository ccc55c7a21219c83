package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Each act of deploy/CEREMONY.md is one command: with enough roots at hand it is
// done at once; else it goes from holder to holder in a file.
func TestEachActOfTheCeremonyIsOneCommand(t *testing.T) {
	l := newLine(t)
	l.init(exitDone, "--roots", "3", "--threshold", "2")
	for _, id := range []string{"duyet1", "duyet2"} {
		l.run(exitDone, "user", "add", "--id", id, "--name", id, "--role", "approver", "--unit", "99001", "--password-file", "DIR/pw", "--registrar-password-file", "DIR/pw")
	}
	pw := []string{"--root-password-file", "DIR/pw"}
	two := append([]string{"--root", "DIR/usb/loa-root-1.pem", "--root", "DIR/usb/loa-root-2.pem"}, pw...)
	with := func(args ...string) []string { return append(args, two...) }

	l.run(exitDone, with("trust", "delegate", "--role", "hub")...)
	l.run(exitDone, with("trust", "rotate", "--role", "hub")...)
	l.run(exitDone, with("trust", "rotate", "--role", "registrar", "--new-registrar-password-file", "DIR/pw")...)
	l.run(exitRefused, "trust", "deputy", "duyet2", "--for", "duyet1", "--unit", "99001", "--through", "2020-01-01", "--registrar-password-file", "DIR/pw")
	if out, _ := l.run(exitDone, "trust", "sign-again", "--registrar-password-file", "DIR/pw"); !strings.Contains(out, "signed again: 1") {
		t.Errorf("the new registrar: %s", out)
	}
	l.run(exitDone, "trust", "deputy", "duyet2", "--for", "duyet1", "--unit", "99001", "--through", time.Now().AddDate(0, 1, 0).Format(time.DateOnly), "--registrar-password-file", "DIR/pw")
	l.run(exitDone, "trust", "strike", "duyet1", "--unit", "99001", "--registrar-password-file", "DIR/pw")
	l.run(exitRefused, "trust", "strike", "duyet1", "--unit", "99001", "--registrar-password-file", "DIR/pw")
	l.run(exitDone, "trust", "passkeys", "99001", "emergency", "--registrar-password-file", "DIR/pw")

	// One root is not enough: the act goes into a file, is signed elsewhere, and comes back.
	act := filepath.Join(l.dir, "act.json")
	l.run(exitDone, append([]string{"trust", "delegate", "--role", "registrar", "--root", "DIR/usb/loa-root-1.pem", "--out", "DIR/act.json"}, pw...)...)
	l.run(exitRefused, "trust", "take", "DIR/act.json")
	l.run(exitRefused, append([]string{"trust", "sign", "DIR/act.json", "--root", "DIR/usb/loa-root-3.pem"}, pw...)...) // nobody read it
	l.run(exitDone, append([]string{"trust", "sign", "DIR/act.json", "--yes", "--root", "DIR/usb/loa-root-3.pem"}, pw...)...)
	l.run(exitDone, "trust", "take", "DIR/act.json")
	if _, err := os.Stat(act); err == nil {
		t.Error("an act that was taken lies there still")
	}

	// A root is lost: a new holder makes one, and the others put it in its place.
	shown, _ := l.run(exitDone, "trust", "show")
	ids := regexp.MustCompile(`\b[0-9a-f]{32}\b`).FindAllString(shown, 3)
	if len(ids) != 3 {
		t.Fatalf("roots are not named: %s", shown)
	}
	l.run(exitDone, append([]string{"trust", "new-root", "DIR/moi.pem"}, pw...)...)
	l.run(exitDone, with("trust", "replace-root", "--lost", ids[2], "--new", "DIR/moi.pem.pub")...)
	if after, _ := l.run(exitDone, "trust", "show"); strings.Contains(after, ids[2]) || !strings.Contains(after, ids[0]) {
		t.Errorf("roots after the replacement: %s", after)
	}
	l.run(exitRefused, append([]string{"trust", "delegate", "--role", "hub", "--root", "DIR/usb/loa-root-3.pem", "--root", "DIR/usb/loa-root-1.pem"}, pw...)...)
	l.run(exitDone, append([]string{"trust", "delegate", "--role", "hub", "--root", "DIR/moi.pem", "--root", "DIR/usb/loa-root-1.pem"}, pw...)...)
	l.run(exitDone, with("trust", "revoke", "--role", "registrar")...)
	l.run(exitRefused, "trust", "passkeys", "99001", "--registrar-password-file", "DIR/pw", "nonsense")
}

// A registrar of a unit below the hub's own: own key, own password, and nothing outside
// of its subtree; each act is one command.
func TestAUnitsOwnRegistrarIsOneCommand(t *testing.T) {
	l := newLine(t)
	l.init(exitDone)
	root := []string{"--root", "DIR/usb/loa-root.pem", "--root-password-file", "DIR/pw"}
	with := func(args ...string) []string { return append(args, root...) }
	l.file("units.csv", "id,code,name,kind,parent,valid_from\ndong,,Thôn Đông,village,99001,2025-07-01\ndoai,,Thôn Đoài,village,99001,2025-07-01\n")
	l.run(exitDone, "unit", "import", "DIR/units.csv")
	l.file("own", "mat khau cua thon dong\n")
	own := []string{"--registrar-password-file", "DIR/own"}
	add := func(id, unit string) []string {
		return append([]string{"device", "add", "--id", id, "--name", id, "--unit", unit, "--sound", "--serves", unit + "=1"}, own...)
	}
	l.run(exitRefused, with("trust", "registrar", "99001", "--new-registrar-password-file", "DIR/own")...) // has one
	l.run(exitRefused, add("loa-dong", "dong")...)
	l.run(exitDone, with("trust", "registrar", "dong", "--new-registrar-password-file", "DIR/own")...)
	l.run(exitRefused, with("trust", "registrar", "dong", "--new-registrar-password-file", "DIR/own")...)
	l.run(exitDone, add("loa-dong", "dong")...)
	l.run(exitRefused, add("loa-doai", "doai")...)
	l.run(exitRefused, append([]string{"trust", "passkeys", "doai", "normal"}, own...)...)
	l.run(exitDone, append([]string{"trust", "passkeys", "dong", "normal"}, own...)...)
	if out, _ := l.run(exitDone, "trust", "sign-again", "--registrar-password-file", "DIR/pw"); !strings.Contains(out, "signed again: 0") {
		t.Errorf("the commune's registrar signs what the village's has signed: %s", out)
	}
	l.file("next", "mat khau moi cua thon dong\n")
	l.run(exitDone, with("trust", "rotate", "--role", "registrar", "--unit", "dong", "--new-registrar-password-file", "DIR/next")...)
	l.run(exitRefused, append([]string{"trust", "sign-again", "--unit", "dong"}, own...)...)
	if out, _ := l.run(exitDone, "trust", "sign-again", "--unit", "dong", "--registrar-password-file", "DIR/next"); !strings.Contains(out, "signed again: 2") {
		t.Errorf("the village's new registrar: %s", out)
	}
	l.run(exitDone, with("trust", "delegate", "--role", "registrar", "--unit", "dong", "--until", "2099-12-31")...)
	l.run(exitDone, with("trust", "revoke", "--role", "registrar", "--unit", "dong")...)
	l.run(exitRefused, "trust", "passkeys", "dong", "--registrar-password-file", "DIR/next")
	if out, _ := l.run(exitDone, "trust", "sign-again", "--unit", "dong", "--registrar-password-file", "DIR/pw"); !strings.Contains(out, "signed again: 2") {
		t.Errorf("the commune's registrar after the village's: %s", out)
	}
}
