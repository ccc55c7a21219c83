package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/fleet"
)

// The command, as a person runs it: several processes that are killed while they
// play, full disks, and the report.
func TestSoakTheFleetCommandReports(t *testing.T) {
	soak(t)
	w := newWorld(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "loa-fleet")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", "nomsgpack oto", "-o", program, "../../agent/cmd/loa-fleet").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, text := range map[string]string{"password": password, "registrar": registrar} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600))
	}
	report := filepath.Join(dir, "report.json")
	cmd := exec.CommandContext(t.Context(), program, "run", "--hub", "https://localhost:"+port(w.EnrolAddr()), "--api", "http://"+w.WebAddr().String(),
		"--user", "quantri", "--password-file", filepath.Join(dir, "password"), "--registrar-password-file", filepath.Join(dir, "registrar"),
		"--unit", "thon-dong", "--devices", "40", "--processes", "2", "--dir", filepath.Join(dir, "fleet"), "--weather", "all", "--every", "20s", "--for", "5s",
		"--half-at", "20s", "--half-for", "5s", "--storm-at", "30s", "--power-at", "36s", "--during", "45s", "--settle", "100s", "--report", report)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	must(t, cmd.Start())
	defer func() { t.Log(said.String()) }() // it has ended by then
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	w.within(4*time.Minute, "all devices are online", func() bool {
		states, err := w.Registry.States(t.Context())
		must(t, err)
		return len(states) == 40
	})
	for over := false; !over; {
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the command: %v", err)
			}
			over = true
		case <-time.After(7 * time.Second):
			if w.enough() {
				continue
			}
			w.everywhere("Họp thôn 7h30")
		}
	}
	var r fleet.Report
	must(t, json.Unmarshal(readAll(t, report), &r))
	if !r.Good() || r.Devices != 40 || r.Seed == 0 || r.Said["played"] < 100 || r.Faults[fleet.Reboot] < 40 {
		t.Errorf("%+v", r)
	}
}

// enough says whether four bulletins were written.
func (w *world) enough() bool { return w.stored()["bulletin"] >= 4 }
