package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	agentconfig "github.com/loa-vn/loa/agent/config"
	"github.com/loa-vn/loa/agent/display/fb"
	"github.com/loa-vn/loa/agent/display/outputs"
	"github.com/loa-vn/loa/hub/alert"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/protocol"
)

// A text for the ticker stands in that part of a board while another bulletin stands
// where bulletins do; both are rendered as the hub renders them, each for its part. A
// board without that part shows it where bulletins stand, after the other one. An
// emergency then takes the whole of both.
func TestATextForTheTickerLeavesTheRestOfABoardAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	zoned := func(d *device) {
		p := d.config.Profile.Board
		p.Main = &agentconfig.Area{Width: 384, Height: 160}
		p.Zones = []agentconfig.Zone{{Shows: protocol.ZoneTicker, Y: 160, Width: 384, Height: 32, Row: 32}}
	}
	plain := protocol.Display{Width: 192, Height: 32, Row: 16}
	w.online(
		w.device(board("bang-dong", "thon-dong", protocol.Display{Width: 384, Height: 192, Row: 32}), zoned),
		w.device(board("bang-doai", "thon-doai", plain)),
	)
	c := w.client("soan")
	w.until("the parts of the board are known", func() bool {
		st, err := w.Registry.State(t.Context(), "bang-dong")
		return err == nil && len(st.Heartbeat.Zones) == 1
	})
	for name, body := range map[string]map[string]any{
		"an emergency for the ticker": {"class": "emergency", "text": "Lũ", "board": "Lũ", "board_zone": "ticker"},
		"no text for boards":          {"class": "normal", "text": "Họp", "options": map[string]any{"wanted": true}, "board_zone": "ticker"},
	} {
		body["unit"] = commune
		if a := c.post("/bulletins", body); a.status != http.StatusUnprocessableEntity || a.Code != "board-zone" {
			t.Errorf("%s: %d %s", name, a.status, a.Code)
		}
	}

	both := []protocol.UnitID{"thon-dong", "thon-doai"}
	body := w.ready(bulletin.Content{Title: "Họp thôn", Board: "Nhà văn hoá, lúc 19:30."})
	ticker := w.ready(bulletin.Content{Title: "Tiêm phòng", Board: "Trạm Y tế xã, 7:30.", BoardZone: protocol.ZoneTicker})
	first := w.air(body, bulletin.Wish{When: bulletin.Now, Units: both}, "duyet1")
	second := w.air(ticker, bulletin.Wish{When: bulletin.Now, Units: both}, "duyet1")
	frozen, err := protocol.Unmarshal[protocol.Bulletin](second.Bulletin.Bytes, protocol.MaxBulletin)
	must(t, err)
	want := []protocol.Pages{{Width: 192, Height: 32, Row: 16}, {Width: 384, Height: 32, Row: 32}}
	if b := frozen.Board; b.Zone != protocol.ZoneTicker || len(b.Sizes) != 2 || b.Sizes[0].Width != want[0].Width || b.Sizes[1].Width != want[1].Width || b.Sizes[1].Height != 32 {
		t.Errorf("signed for %+v in zone %q", b.Sizes, b.Zone)
	}
	if first.Digest == second.Digest {
		t.Fatal("one request for both")
	}
	began := map[protocol.DeviceID]map[protocol.BulletinID][2]time.Time{"bang-dong": {}, "bang-doai": {}}
	for _, b := range []bulletin.Bulletin{body, ticker} {
		for _, l := range w.settled(b, 2).Lines {
			if l.Answer.Outcome != protocol.OutcomePlayed || l.Answer.Proof != protocol.ProofRendered {
				t.Errorf("%s on %s: %+v", b.Title, l.Device, l.Answer)
			}
			began[l.Device][b.ID] = [2]time.Time{l.Answer.Began, l.Answer.Ended}
		}
	}
	overlap := func(d protocol.DeviceID) bool {
		a, b := began[d][body.ID], began[d][ticker.ID]
		return a[0].Before(b[1]) && b[0].Before(a[1])
	}
	if !overlap("bang-dong") || overlap("bang-doai") {
		t.Errorf("beside each other: on the board with a ticker %t, on the other %t", overlap("bang-dong"), overlap("bang-doai"))
	}

	flood := w.ready(bulletin.Content{Class: protocol.ClassEmergency, Title: "Lũ đang lên", Text: "Nước lũ đang lên.", Board: "Rời nhà ngay."})
	w.air(flood, bulletin.Wish{When: bulletin.Now, Units: both, Passes: 1}, "duyet1", "duyet2")
	for _, l := range w.settled(flood, 2).Lines {
		if l.Answer.Outcome != protocol.OutcomePlayed || l.Answer.Proof != protocol.ProofRendered {
			t.Errorf("emergency on %s: %+v", l.Device, l.Answer)
		}
	}
	if v := w.verified(); len(v.Problems) > 0 {
		t.Errorf("verify: %q", v.Problems)
	}
}

// A board that is not as the registry has it: bulletins are laid out for what the
// device says, and operators are told of both sizes. One that is not as its own
// profile has it shows nothing wrong, is a fault with its reason, and keeps nobody from
// hearing the loudspeaker beside it.
func TestABoardOfAnotherSizeIsSaidAndHarmsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	memory := filepath.Join(t.TempDir(), "fb0") // of a screen of 160x80 px
	must(t, os.WriteFile(memory, make([]byte, 160*80*4), 0o600))
	other := w.device(board("bang-dong", "thon-dong", protocol.Display{Width: 192, Height: 32, Row: 16}), func(d *device) {
		d.config.Profile.Board.Width, d.config.Profile.Board.Height, d.config.Profile.Board.Row = 384, 192, 32
	})
	n := speaker("loa-bang-doai", "thon-doai", 1000)
	n.Board = &protocol.Display{Width: 320, Height: 160, Row: 32}
	small := w.device(n, func(d *device) {
		d.config.Profile.Board.Output = "fb:" + memory
		d.screen = outputs.Screen{Layout: fb.Layout{Width: 160, Height: 80, Stride: 640, Format: fb.XRGB8888}}
	})
	w.online(other, small)
	w.until("the devices say how their boards are", func() bool {
		st, err := w.Registry.State(t.Context(), "loa-bang-doai")
		o, err2 := w.Registry.State(t.Context(), "bang-dong")
		return err == nil && err2 == nil && o.Heartbeat.Board != nil && slices.Contains(st.Heartbeat.Faults, "board-size")
	})
	must(t, w.Alerts.Look(t.Context(), time.Now()))
	list, err := w.Alerts.List(t.Context(), w.actor("quantri"), time.Time{})
	must(t, err)
	for _, want := range []alert.Alert{
		{Kind: alert.Board, Device: "bang-dong", Reason: "384x192, 32 px / 192x32, 16 px"},
		{Kind: alert.Fault, Device: "loa-bang-doai", Reason: "board-size"},
	} {
		if !slices.ContainsFunc(list, func(a alert.Alert) bool {
			return a.Kind == want.Kind && a.Device == want.Device && a.Reason == want.Reason
		}) {
			t.Errorf("operators are not told: %+v; only %+v", want, list)
		}
	}

	b := w.ready(bulletin.Content{Title: "Họp thôn", Text: "Mời bà con đi họp.", Board: "Nhà văn hoá, lúc 19:30.", Options: bulletin.SoundOptions{Wanted: true}})
	w.air(b, bulletin.Wish{When: bulletin.Now, Units: []protocol.UnitID{"thon-dong", "thon-doai"}}, "duyet1")
	for _, l := range w.settled(b, 3).Lines {
		switch {
		case l.Device == "bang-dong" && (l.Answer.Outcome != protocol.OutcomePlayed || l.Answer.Proof != protocol.ProofRendered):
			t.Errorf("what the device has is not what the hub drew: %+v", l.Answer)
		case l.Medium == protocol.MediumSound && l.Answer.Outcome != protocol.OutcomePlayed:
			t.Errorf("the loudspeaker beside a wrong board: %+v", l.Answer)
		case l.Device == "loa-bang-doai" && l.Medium == protocol.MediumBoard && (l.Answer.Outcome == protocol.OutcomePlayed || l.Answer.Proof != 0):
			t.Errorf("shown on a board that shows nothing: %+v", l.Answer)
		}
	}
	if got, err := os.ReadFile(memory); err != nil || slices.Max(got) != 0 {
		t.Errorf("something was drawn on a board of another size (%v)", err)
	}
}
