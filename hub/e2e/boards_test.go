package e2e

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// board is a device with a board and nothing else.
func board(id protocol.DeviceID, unit protocol.UnitID, size protocol.Display) registry.NewDevice {
	n := speaker(id, unit, 1000)
	n.Sound, n.Board = false, &size
	return n
}

// photo is a file as an author uploads one.
func photo(t *testing.T) []byte {
	t.Helper()
	im := image.NewRGBA(image.Rect(0, 0, 900, 600))
	for y := range 600 {
		for x := range 900 {
			im.Set(x, y, color.RGBA{uint8(x * y), uint8(x), uint8(y), 255})
		}
	}
	var b bytes.Buffer
	must(t, png.Encode(&b, im))
	return b.Bytes()
}

// A picture, two lines and a ticker travel from an author to boards of other
// sizes, which draw what the hub draws: that is what "rendered" says.
func TestPicturesAndRunningTextAreRenderedAsTheHubRendersThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.online(
		w.device(board("bang-dong", "thon-dong", protocol.Display{Width: 384, Height: 192, Row: 32})),
		w.device(board("bang-doai", "thon-doai", protocol.Display{Width: 192, Height: 96, Row: 16})),
	)
	_, err := w.Bulletins.AddPicture(t.Context(), w.actor("soan"), photo(t)[:500])
	if code(err) != "picture" {
		t.Errorf("a file that is cut off: %v", err)
	}
	picture, err := w.Bulletins.AddPicture(t.Context(), w.actor("soan"), photo(t))
	must(t, err)

	aired := map[string]bulletin.Bulletin{}
	for layout, units := range map[string][]protocol.UnitID{"picture": {"thon-dong"}, "ticker": {"thon-doai"}} {
		c := bulletin.Content{Title: "Họp thôn", Board: "Nhà văn hoá\nLúc 19:30", Layout: layout}
		if layout == "picture" {
			c.Picture = picture.Content.Digest
		}
		b := w.ready(c)
		r := w.air(b, bulletin.Wish{When: bulletin.Now, Units: units}, "duyet1")
		frozen, err := protocol.Unmarshal[protocol.Bulletin](r.Bulletin.Bytes, protocol.MaxBulletin)
		must(t, err)
		if frozen.Board.Layout != layout || (frozen.Board.Picture != nil) != (layout == "picture") || len(frozen.Board.Sizes[0].Digests) == 0 {
			t.Errorf("%s: signed %+v", layout, frozen.Board)
		}
		aired[layout] = b
	}
	for layout, b := range aired {
		r := w.settled(b, 1)
		if r.Count.Played != 1 || r.Lines[0].Answer.Proof != protocol.ProofRendered {
			t.Errorf("%s: %+v, proof %s", layout, r.Count, r.Lines[0].Answer.Proof)
		}
	}
	if v := w.verified(); len(v.Problems) > 0 {
		t.Errorf("verify: %q", v.Problems)
	}
}

// What a board cannot show is refused before anybody signs it, by the boards'
// names; boards that were never heard of are not in the way.
func TestALayoutIsRefusedForBoardsThatDoNotKnowIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	size := protocol.Display{Width: 384, Height: 192, Row: 16}
	for _, n := range []registry.NewDevice{board("bang-moi", "thon-dong", size), board("bang-cu", "thon-doai", size), board("bang-la", "thon-doai", size)} {
		_, err := w.Registry.AddDevice(t.Context(), n, registrar, "quantri")
		must(t, err)
	}
	heard := func(d protocol.DeviceID, features ...string) {
		_, err := w.Registry.SaveStates(t.Context(), []protocol.Heartbeat{{
			Version: protocol.Version, Device: d, Connection: 1, Online: true, At: protocol.InstantOf(time.Now()), Features: features, Config: protocol.DigestOf(nil),
		}}, time.Now())
		must(t, err)
	}
	heard("bang-moi", protocol.FeatureBoard, protocol.FeaturePage1, protocol.FeatureLayouts, protocol.FeaturePicture)
	heard("bang-cu", protocol.FeatureBoard, protocol.FeaturePage1)
	picture, err := w.Bulletins.AddPicture(t.Context(), w.actor("soan"), photo(t))
	must(t, err)

	pictured := w.ready(bulletin.Content{Board: "Họp thôn 7h30", Layout: "picture", Picture: picture.Content.Digest})
	wish := bulletin.Wish{When: bulletin.Now, Units: []protocol.UnitID{"thon-doai"}}
	_, err = w.Approvals.Submit(t.Context(), w.actor("soan"), pictured.ID, wish)
	if code(err) != "board-lacks-layout" || !strings.Contains(err.Error(), "bang-cu") || strings.Contains(err.Error(), "bang-la") {
		t.Errorf("submitted for a board that knows no pictures: %v", err)
	}
	plain := w.ready(bulletin.Content{Board: "Họp thôn 7h30"})
	_, err = w.Approvals.Submit(t.Context(), w.actor("soan"), plain.ID, wish)
	must(t, err)

	// A board that is replaced by an older one after submission stops the approval.
	wish.Units = []protocol.UnitID{"thon-dong"}
	r, err := w.Approvals.Submit(t.Context(), w.actor("soan"), pictured.ID, wish)
	must(t, err)
	heard("bang-moi", protocol.FeatureBoard, protocol.FeaturePage1)
	if _, err := w.Approvals.Approve(t.Context(), w.actor("duyet1"), r.Digest, password); code(err) != "board-lacks-layout" {
		t.Errorf("approved for a board that knows no pictures any more: %v", err)
	}
}
