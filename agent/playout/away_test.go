package playout_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/protocol"
)

// A device that was away for a week learns of what it missed and answers for it: it
// is skipped, not played late, though all answers of two days ago were forgotten as
// long as every plan was known. What it has answered for comes up no more.
func TestWhatWasMissedForAWeekIsAnsweredFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, protocol.MediumBoard)
		defer w.stop()
		w.tell(w.place(1, "xa"))
		daily := func(id protocol.AiringID, published time.Time) inbox.Accepted {
			w.document(id, nil)
			return inbox.Accepted{Airing: protocol.Airing{
				ID: id, Unit: "xa", Class: protocol.ClassNormal, Start: published.Add(time.Hour).Format("2006-01-02T15:04:05"),
				Published: protocol.InstantOf(published), BoardFor: 30_000, Lateness: 600_000, Volume: 80,
			}, Zone: "UTC", Arrived: protocol.InstantOf(time.Now())}
		}
		w.tell(daily("lp-known", time.Now()), inbox.Content{Airing: "lp-known", There: true})
		time.Sleep(72 * time.Hour) // long enough to forget that answer
		w.away.Store(true)
		left := time.Now()
		time.Sleep(7 * 24 * time.Hour)
		w.away.Store(false)
		w.tell(daily("lp-missed", left))
		synctest.Wait()
		receipts := w.receipts()
		for id, want := range map[string]string{"lp-known": "played", "lp-missed": "skipped"} {
			of := slices.DeleteFunc(slices.Clone(receipts), func(r string) bool { return !strings.Contains(r, id) })
			if len(of) != 1 || !strings.Contains(of[0], want) {
				t.Errorf("%s: %q, want one that it was %s", id, of, want)
			}
		}
	})
}
