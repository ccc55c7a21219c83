package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/console"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/protocol"
)

// atLocalhost gives the console a name under which browsers have passkeys. Its
// port is chosen before, since the origin is part of what is signed.
func atLocalhost(t *testing.T) func(*config.Config) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	at := port(ln.Addr())
	must(t, ln.Close())
	return func(c *config.Config) {
		c.Console.Listen, c.Console.URL = "127.0.0.1:"+at, "http://localhost:"+at
	}
}

// In a real browser with a virtual authenticator: a passkey is registered, signed
// into the list by the registrar, logs its person in, and approves in that session;
// the device checks the assertion by itself and plays.
func TestPasskeyFromTheBrowserToTheDevice(t *testing.T) {
	_, node := exec.LookPath("node")
	_, chromium := exec.LookPath("chromium")
	needed(t, node == nil && chromium == nil, "node or chromium")
	pages, _ := console.Handler() // its origin is needed, not its screens

	w := newWorld(t, atLocalhost(t))
	w.stop()
	w.pages = pages
	w.start()
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	b := w.ready(spokenText(1))
	must(t, w.Account.DemandPasskeys(t.Context(), commune, []protocol.Class{protocol.ClassNormal}, registrar, "quantri"))
	r := w.air(b, bulletin.Wish{When: bulletin.Now})
	if _, err := w.Approvals.Approve(t.Context(), w.actor("duyet1"), r.Digest, password); code(err) != "passkey-demanded" {
		t.Fatalf("a password where a passkey is demanded: %v", err)
	}

	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("..", "console", "browser", "passkey.mjs"))
	cmd.Env = append(os.Environ(), "BASE_URL="+w.config.Console.URL, "APPROVAL="+r.Digest.String(), "APPROVER=duyet1", "ADMIN=quantri",
		"APPROVER_PASSWORD="+password, "ADMIN_PASSWORD="+password, "REGISTRAR_PASSWORD="+registrar)
	printed, err := cmd.CombinedOutput()
	t.Logf("%s", printed)
	if err != nil || strings.Count(string(printed), "PASS ") < 13 {
		t.Fatalf("the browser's flow: %v", err)
	}
	w.settled(b, 1)
	w.countedOnce(b, reach.Count{Expected: 1, Played: 1})
}
