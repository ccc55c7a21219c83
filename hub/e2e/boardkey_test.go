package e2e

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	agentconfig "github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/agent/technician"
	"github.com/loa-vn/loa/hub/alert"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// shown is the digest of the picture that a device's board shows, as its newest file.
func (d *device) shown() protocol.Digest {
	d.t.Helper()
	files, err := filepath.Glob(filepath.Join(d.config.Data, "out/board", "*.png"))
	must(d.t, err)
	if len(files) == 0 {
		return protocol.Digest{}
	}
	b, err := os.ReadFile(slices.Max(files))
	must(d.t, err)
	return levels(d.t, b).Digest()
}

// pressed is what an input device of the kernel tells when its key goes down or up.
func pressed(code uint16, down bool) []byte {
	b := make([]byte, strconv.IntSize/4+8)
	e := b[len(b)-8:]
	binary.NativeEndian.PutUint16(e, 1) // EV_KEY
	binary.NativeEndian.PutUint16(e[2:], code)
	if down {
		binary.NativeEndian.PutUint32(e[4:], 1)
	}
	return b
}

// Somebody who can reach the key inside a board's case ends the emergency on that
// board: it says so for a minute, its receipt and its heartbeat name it, operators are
// told, and it stays so. The other boards go on. The command of a technician at the
// device does the same.
func TestAKeyAtTheBoardEndsTheEmergencyThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	size := protocol.Display{Width: 192, Height: 32, Row: 16}
	pipe := filepath.Join(t.TempDir(), "event0") // the input device
	must(t, syscall.Mkfifo(pipe, 0o600))
	button, err := os.OpenFile(pipe, os.O_RDWR, 0)
	must(t, err)
	defer button.Close()
	d := w.device(board("bang-dong", "thon-dong", size), func(d *device) {
		d.config.Profile.Board.Key = &agentconfig.Key{Input: pipe, Code: 148, Hold: agentconfig.Duration(200 * time.Millisecond)}
	})
	other := w.device(board("bang-doai", "thon-doai", size))
	w.online(d, other)

	over, err := page.Over(page.Board{Width: 192, Height: 32, Row: 16}, "Lũ đang lên", false)
	must(t, err)
	said := func(d *device) bool { return slices.Contains(page.Digests(over), d.shown()) }
	standing := func(airing protocol.AiringID, d *device) bool {
		st, err := w.Registry.State(t.Context(), d.id)
		return err == nil && st.Heartbeat.Playing == airing
	}
	var ended []protocol.AiringID
	for name, end := range map[string]func(){
		"key": func() {
			_, err := button.Write(pressed(148, true))
			must(t, err)
		},
		"command": func() { must(t, technician.Clear{Dir: d.config.Data}.Give()) },
	} {
		b := w.ready(bulletin.Content{Class: protocol.ClassEmergency, Title: "Lũ đang lên", Text: "Nước lũ đang lên.", Board: "Rời nhà ngay, đến trường tiểu học."})
		w.air(b, bulletin.Wish{When: bulletin.Now, Units: []protocol.UnitID{"thon-dong", "thon-doai"}}, "duyet1", "duyet2")
		var airing protocol.AiringID
		w.until("the emergency is on both boards", func() bool {
			r := w.report(b)
			if len(r.Lines) == 0 {
				return false
			}
			airing = r.Lines[0].Airing
			return standing(airing, d) && standing(airing, other)
		})
		end()
		w.until(name+" ends the emergency on the board", func() bool { return said(d) })
		if name == "key" {
			_, err := button.Write(pressed(148, false))
			must(t, err)
		}
		ended = append(ended, airing)
		w.until("its receipt names the key", func() bool {
			for _, l := range w.report(b).Lines {
				if l.Device == d.id && l.Answer != nil {
					if l.Answer.Keyed.IsZero() || l.Answer.Reason != protocol.ReasonStopped && l.Answer.Outcome != protocol.OutcomePlayed {
						t.Errorf("%s: %+v", name, l.Answer)
					}
					return true
				}
			}
			return false
		})
		if said(other) {
			t.Errorf("%s: the emergency ended on another board", name)
		}
		_, err := w.Programme.Stop(t.Context(), w.actor("duyet1"), "", airing)
		must(t, err)
		w.until("the other board's word", func() bool { return said(other) })
	}

	var body struct {
		Ended []struct{ Airing protocol.AiringID } `json:"ended_at_board"`
	}
	w.until("the heartbeat says what was ended", func() bool {
		status, b := w.client("quantri").do(http.MethodGet, "/devices/bang-dong", nil)
		must(t, json.Unmarshal(b, &body))
		return status == http.StatusOK && len(body.Ended) == 2
	})
	must(t, w.Alerts.Look(t.Context(), time.Now()))
	list, err := w.Alerts.List(t.Context(), w.actor("quantri"), time.Time{})
	must(t, err)
	for _, id := range ended {
		if !slices.ContainsFunc(list, func(a alert.Alert) bool {
			return a.Kind == alert.Ended && a.Device == "bang-dong" && a.Subject == string(id)
		}) {
			t.Errorf("operators are not told that %s was ended at the board", id)
		}
		if !slices.ContainsFunc(body.Ended, func(e struct{ Airing protocol.AiringID }) bool { return e.Airing == id }) {
			t.Errorf("the heartbeat does not say that %s was ended", id)
		}
	}

	// A power cut brings nothing of it back.
	d.stop()
	d.start()
	w.online(d)
	w.until("the device has its plan", func() bool {
		st, err := w.Registry.State(t.Context(), d.id)
		return err == nil && st.Heartbeat.Missing == 0 && len(st.Heartbeat.Keyed) == 2
	})
	if st, err := w.Registry.State(t.Context(), d.id); err != nil || slices.Contains(ended, st.Heartbeat.Playing) {
		t.Errorf("after a restart %s is on again (%v)", st.Heartbeat.Playing, err)
	}
	if v := w.verified(); len(v.Problems) > 0 {
		t.Errorf("verify: %q", v.Problems)
	}
}
