package e2e

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// What stands on a board when it has no bulletin to show: the clock when nothing is on,
// when something that it lacks should be on, and when the hub is away; the name of its
// place, and no time, while nobody vouches for that. (A board that was never set up:
// TestABoardThatNobodySetUpSaysSo; after a restart: TestWhatStoodComesBackAfterARestart.)
func TestABoardWithNothingToShow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := protocol.Display{Width: 384, Height: 192, Row: 16}
	size := page.Board{Width: 384, Height: 192, Row: 16}
	d := w.device(board("bang-dong", "thon-dong", plain))
	lost := w.device(board("bang-doai", "thon-doai", plain), func(d *device) {
		d.system = func() timesync.System { return timesync.System{} }
		d.dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no line") }
	})
	w.online(d)
	name := func(id protocol.DeviceID) string {
		r, err := w.Registry.Device(t.Context(), id)
		must(t, err)
		return r.Placement.Name
	}
	here, there, zone := name(d.id), name(lost.id), w.Zone
	clock := func() bool {
		shown := d.shown()
		return slices.ContainsFunc([]time.Duration{0, -time.Minute}, func(ago time.Duration) bool {
			pages, err := page.Clock(size, here, time.Now().Add(ago).In(zone).Truncate(time.Minute))
			must(t, err)
			return slices.Contains(page.Digests(pages), shown)
		})
	}
	standby, err := page.Standby(size, there)
	must(t, err)
	w.until("the clock stands when nothing is on", clock)
	w.until("the name stands without a time to trust", func() bool { return slices.Contains(page.Digests(standby), lost.shown()) })

	// A picture that was lost at the hub before any board had it.
	picture, err := w.Bulletins.AddPicture(t.Context(), w.actor("soan"), photo(t))
	must(t, err)
	b := w.ready(bulletin.Content{Title: "Họp thôn", Board: "Nhà văn hoá, lúc 19:30.", Layout: "picture", Picture: picture.Content.Digest})
	r, err := w.Approvals.Submit(t.Context(), w.actor("soan"), b.ID, bulletin.Wish{When: bulletin.Now, Lateness: 1, Units: []protocol.UnitID{"thon-dong"}})
	must(t, err)
	file, err := w.Blobs.Path(picture.Content.Digest)
	must(t, err)
	must(t, os.Remove(file))
	_, err = w.Approvals.Approve(t.Context(), w.actor("duyet1"), r.Digest, password)
	must(t, err)
	if a := w.settled(b, 1).Lines[0].Answer; a.Outcome != protocol.OutcomeSkipped || a.Reason != protocol.ReasonNoContent || a.Proof != 0 {
		t.Errorf("without its picture: %+v", a)
	}
	w.until("the clock stands when what should be on is missing", clock)

	w.stop()
	w.until("the hub is known to be away", func() bool { return !d.Online() })
	w.until("the clock goes on without the hub", clock)
}
