package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/console"
	"github.com/loa-vn/loa/protocol"
)

// needed skips a test whose program is missing, unless `make test` has promised
// to install it.
func needed(t *testing.T, ok bool, what string) {
	t.Helper()
	switch {
	case ok:
	case os.Getenv("LOA_TEST_ALL") != "":
		t.Fatalf("%s is missing although it was to be installed", what)
	default:
		t.Skipf("%s is missing: `make test` installs it", what)
	}
}

// In a real browser: compose, listen, submit, approve as another person, until the
// receipts of real agents say that it was played; DỪNG on every page; no findings
// of axe.
func TestBrowserFromComposingToConfirmed(t *testing.T) {
	_, node := exec.LookPath("node")
	_, chromium := exec.LookPath("chromium")
	needed(t, node == nil && chromium == nil, "node or chromium")
	pages, built := console.Handler()
	needed(t, built, "the built console")

	w := newWorld(t, atLocalhost(t)) // a name, for passkeys
	w.stop()
	w.pages = pages
	w.start()
	dong := w.device(speaker("loa-dong", "thon-dong", 1000))
	both := speaker("loa-bang-doai", "thon-doai", 1000)
	both.Board = &protocol.Display{Width: 192, Height: 32, Row: 16}
	w.online(dong, w.device(both))

	// Another commune, whose editor must see nothing of this one.
	_, err := w.Registry.Import(t.Context(), strings.NewReader(strings.SplitN(villages, "\n", 2)[0]+
		"\nxa-kia,99002,Xã Kia (mẫu),commune,,2025-07-01,,,,\nthon-kia,,Thôn Kia,village,xa-kia,2025-07-01,,,,\n"), false, registrar, "quantri")
	must(t, err)
	must(t, w.Account.Add(t.Context(), account.NewPerson{
		ID: "soan-kia", Name: "soan-kia", Password: password, Grants: []account.Grant{{Unit: "xa-kia", Role: account.Editor}},
	}, registrar, "quantri"))

	out := os.Getenv("LOA_SCREENSHOTS") // to look at
	if out == "" {
		out = t.TempDir()
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("..", "console", "browser", "flow.mjs"))
	cmd.Env = append(os.Environ(), "BASE_URL="+w.config.Console.URL, "OUT="+out,
		"AUTHOR_PASSWORD="+password, "APPROVER_PASSWORD="+password, "REGISTRAR_PASSWORD="+registrar)
	printed, err := cmd.CombinedOutput()
	t.Logf("%s", printed)
	if err != nil {
		t.Errorf("the browser's flow: %v", err)
	}
	if n := strings.Count(string(printed), "PASS "); n < 5 || strings.Contains(string(printed), "FAIL ") {
		t.Errorf("%d parts passed", n)
	}
}
