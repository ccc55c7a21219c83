package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loa-vn/loa/agent/identity"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/console"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/sheet"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// needed skips a test whose program is missing.
func needed(t *testing.T, ok bool, what string) {
	t.Helper()
	if !ok {
		protocoltest.Missing(t, what)
	}
}

// browserPages returns the built console; the test is skipped if there is no browser.
func browserPages(t *testing.T) http.Handler {
	t.Helper()
	_, node := exec.LookPath("node")
	_, chromium := exec.LookPath("chromium")
	needed(t, node == nil && chromium == nil, "node or chromium")
	pages, built := console.Handler()
	needed(t, built, "the built console")
	return pages
}

// browse runs a script of the console's browser tests and returns what it printed.
func (w *world) browse(script string, env ...string) string {
	w.t.Helper()
	out, shots := os.Getenv("LOA_SCREENSHOTS"), "1" // to look at
	if out == "" {
		out, shots = w.t.TempDir(), ""
	}
	cmd := exec.CommandContext(w.t.Context(), "node", filepath.Join("..", "console", "browser", script))
	cmd.Env = append(append(os.Environ(), env...), "BASE_URL="+w.config.Console.URL, "OUT="+out, "SHOTS="+shots,
		"AUTHOR_PASSWORD="+password, "APPROVER_PASSWORD="+password, "REGISTRAR_PASSWORD="+registrar)
	printed, err := cmd.CombinedOutput()
	w.t.Logf("%s", printed)
	if err != nil {
		w.t.Errorf("%s: %v", script, err)
	}
	return string(printed)
}

// In a real browser: compose, listen, submit, approve as another person, until the
// receipts of real agents say that it was played; DỪNG on every page; no findings
// of axe.
func TestBrowserFromComposingToConfirmed(t *testing.T) {
	t.Parallel()
	pages := browserPages(t)
	// Two communes, side by side: they mostly wait for what sounds.
	const half = "path,others"
	sides := []string{"PARTS=" + half, "BUT=" + half}
	if chosen := os.Getenv("PARTS"); chosen != "" {
		sides = []string{"PARTS=" + chosen}
	}
	for _, parts := range sides {
		t.Run(parts, func(t *testing.T) {
			t.Parallel()
			browseCommune(t, pages, parts)
		})
	}
}

// browseCommune goes through parts of the flow, PARTS or BUT as flow.mjs says, in a
// commune of two loudspeakers and a board.
func browseCommune(t *testing.T, pages http.Handler, parts string) {
	t.Helper()
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

	// A workbook as a commune has it: its population is a number.
	var book bytes.Buffer
	must(t, sheet.Write(&book, sheet.Table{
		Name: "Thôn", Columns: strings.Split("id,code,name,kind,parent,valid_from,valid_until,people,source,counted", ","),
		Rows: [][]any{{"thon-moi", "", "Thôn Mới Mở", "village", commune, "2025-07-01", "", 120, "Công an xã", "2026-01-01"}},
	}))
	more := filepath.Join(t.TempDir(), "thon.xlsx")
	must(t, os.WriteFile(more, book.Bytes(), 0o600))

	printed := w.browse("flow.mjs", "VILLAGES="+more, parts)
	if n := strings.Count(printed, "PASS "); n < 5 || strings.Contains(printed, "FAIL ") {
		t.Errorf("%d steps passed", n)
	}
}

// In a real browser, with a commune of 24 loudspeakers: the sound cards of two fail, the result says
// so, and the bulletin is sent again to those two alone.
func TestBrowserSendsAgainToWhoMissedIt(t *testing.T) {
	pages := browserPages(t)

	w := newWorld(t)
	w.stop()
	w.pages = pages
	w.start()
	w.config.Console.URL = "http://" + w.WebAddr().String()
	units, devices := strings.SplitN(villages, "\n", 2)[0]+"\n", "id,name,unit,sound,serves\n"
	for i := 1; i <= 24; i++ {
		units += fmt.Sprintf("xom-%02d,,Xóm %d,village,%s,2025-07-01,,100,Công an xã,2026-01-01\n", i, i, commune)
		devices += fmt.Sprintf("loa-%02d,Loa xóm %d,xom-%02d,yes,xom-%02d=1\n", i, i, i, i)
	}
	_, err := w.Registry.Import(t.Context(), strings.NewReader(units), false, registrar, "quantri")
	must(t, err)
	ids, err := w.Registry.ImportDevices(t.Context(), strings.NewReader(devices), false, registrar, "quantri")
	must(t, err)
	var all []*device
	for _, id := range ids {
		d := w.unenrolled(registry.NewDevice{ID: id, Sound: true})
		// As by stick: over the network one address does not enrol so many at once.
		i, err := w.Base.Enrol.Installation(t.Context(), id, "https://localhost:"+port(w.EnrolAddr()), "quantri")
		must(t, err)
		dir := filepath.Join(d.config.Data, "identity")
		request, _, err := identity.Begin(i, dir)
		must(t, err)
		answer, err := w.Base.Enrol.EnrolAs(t.Context(), id, request)
		must(t, err)
		_, err = identity.Finish(answer, dir)
		must(t, err)
		d.start()
		t.Cleanup(d.stop)
		all = append(all, d)
	}
	var sounds []string // the sound cards of two, which the script breaks and mends
	for _, d := range all {
		if d.id == "loa-07" || d.id == "loa-19" {
			sounds = append(sounds, filepath.Join(d.config.Data, "out", "sound"))
		}
	}
	if printed := w.browse("crowd.mjs", "SOUNDS="+strings.Join(sounds, ",")); !strings.Contains(printed, "PASS ") {
		t.Error("nothing passed")
	}
}
