package playout_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
)

// TestAPlanThatIsDroppedLeavesTheZone: a device that moves to another village drops the
// old one's plan, which says nothing of a zone; what the commune airs stays where its own
// plan has it.
func TestAPlanThatIsDroppedLeavesTheZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, protocol.MediumSound)
		zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
		if err != nil {
			t.Fatal(err)
		}
		a := w.airing("a", nil)
		a.Start = w.now().Add(20 * time.Second).In(zone).Format("2006-01-02T15:04:05")
		w.document("a", nil)
		w.tell(
			inbox.QuietHours{Unit: "xa", Zone: zone.String()},
			inbox.Accepted{Airing: a, Zone: zone.String(), Arrived: a.Published}, inbox.Content{Airing: "a", There: true},
		)
		w.tell(w.place(2, "xa", "ban"), inbox.QuietHours{Unit: "thon"})
		time.Sleep(time.Minute)
		w.stop()
		if got := w.receipts(); len(got) != 1 || !strings.Contains(got[0], "a 00:00:20.000 played") {
			t.Errorf("receipts %q, want one that it was played at 20 s", got)
		}
	})
}

// TestContentIsToldAnewToADeviceThatComesBack: what was there of an airing that the
// device left may have gone since.
func TestContentIsToldAnewToADeviceThatComesBack(t *testing.T) {
	for name, x := range map[string]struct {
		there bool
		want  string
	}{
		"gone":  {false, "a 00:01:00.000 skipped no content"},
		"there": {true, "a 00:01:00.000 played"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, protocol.MediumSound)
				accepted := inbox.Accepted{Airing: w.airing("a", []string{"unit=thon", "in=60s", "late=10s"}), Zone: "UTC", Arrived: protocol.InstantOf(w.now())}
				content := inbox.Content{Airing: "a", There: true}
				w.document("a", nil)
				w.tell(accepted, content)
				w.tell(w.place(2, "xa", "ban"), inbox.Dropped{Airing: "a"})
				w.tell(w.place(3, "xa", "thon"), accepted)
				if x.there {
					w.tell(content)
				}
				time.Sleep(2 * time.Minute)
				w.stop()
				if got := w.receipts(); len(got) != 1 || !strings.Contains(got[0], x.want) {
					t.Errorf("receipts %q, want one of %s", got, x.want)
				}
			})
		})
	}
}

// TestAPartThatWasMovedWritesOnlyItsOwn: an emergency that a part of the board made room
// for when the device went off, to come back elsewhere, is another loop's to keep.
func TestAPartThatWasMovedWritesOnlyItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldWith(t, protocol.MediumBoard, protocol.ZoneTicker, func(o *output) playout.Output { return o })
		w.document("e", nil)
		w.tell(inbox.Accepted{Airing: w.airing("e", []string{"unit=thon", "emergency", "in=0s"}), Zone: "UTC", Arrived: protocol.InstantOf(w.now())})
		time.Sleep(5 * time.Second)
		w.crash()
		w.held = append(w.held, w.place(2, "xa", "ban"))
		w.boot()
		w.stop()
		all, err := w.disk.Occurrences()
		if err != nil {
			t.Fatal(err)
		}
		all = slices.DeleteFunc(all, func(o store.Occurrence) bool { return o.Airing != "e" || o.Start == 0 })
		var media []protocol.Medium
		for _, o := range all {
			media = append(media, o.Medium)
		}
		if diff := cmp.Diff([]protocol.Medium{102}, media); diff != "" { // the ticker's own
			t.Errorf("kept under (-want +got):\n%s", diff)
		}
	})
}
