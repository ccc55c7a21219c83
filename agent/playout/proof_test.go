package playout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/protocol"
)

// TestAPlayIsProvedNoHigherThanItself: the screen is unplugged while a bulletin that was
// cut waits to return. What was shown then was not whole, and what is whole was not shown.
func TestAPlayIsProvedNoHigherThanItself(t *testing.T) {
	for _, x := range []struct {
		after         protocol.AfterCut
		before, later protocol.Proof
		want          protocol.Proof
	}{
		{protocol.Restart, protocol.ProofShown, protocol.ProofRendered, protocol.ProofRendered},
		{protocol.Restart, protocol.ProofRendered, protocol.ProofShown, protocol.ProofShown},
		{protocol.Resume, protocol.ProofShown, protocol.ProofRendered, protocol.ProofRendered},
		{protocol.Resume, protocol.ProofRendered, protocol.ProofShown, protocol.ProofRendered},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorldWith(t, protocol.MediumBoard, "", func(o *output) playout.Output { return o })
			defer func() { w.stop() }()
			w.document("a", nil)
			a := w.airing("a", []string{"board"})
			a.AfterCut = x.after
			w.tell(inbox.Accepted{Airing: a, Zone: "UTC", Arrived: protocol.InstantOf(w.now())}, inbox.Content{Airing: "a", There: true})
			time.Sleep(30 * time.Second)
			w.proves.Store(int64(x.before))
			w.tell(inbox.Muted{Muted: true})
			synctest.Wait()
			w.proves.Store(int64(x.later))
			w.tell(inbox.Muted{})
			time.Sleep(time.Minute)
			synctest.Wait()
			if len(w.stored) != 1 || w.stored[0].Outcome != protocol.OutcomePlayed || w.stored[0].Proof != x.want {
				t.Errorf("%s, %s and then %s: %+v, want %s", x.after, x.before, x.later, w.stored, x.want)
			}
		})
	}
}
