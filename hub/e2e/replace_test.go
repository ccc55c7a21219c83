package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loa-vn/loa/agent/identity"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
)

// Broken hardware is replaced by one claim: the new one stands in the old one's place
// and plays what is planned there, the old one is out, and what it had confirmed adds up
// as before. Where the registrar signs keys, a new one counts once they have signed it.
func TestABrokenDeviceIsReplacedInItsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := speaker("loa-dong", "thon-dong", 1000)
	old := w.device(n)
	w.online(old)
	before := w.ready(spokenText(1))
	w.air(before, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	w.settled(before, 1)
	w.until("its receipts are acknowledged", func() bool { return w.heartbeat(old).Unacked == 0 })
	place := w.heartbeat(old).Placement

	replaced := w.replacement(n)
	old.stop()
	replaced.start()
	t.Cleanup(replaced.stop)
	w.until("the new hardware is online", func() bool { return replaced.Online() })
	after := w.ready(spokenText(1))
	w.air(after, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	w.settled(after, 1)
	// The new hardware, within the window of what the old one had played, plays it too.
	if c := w.report(before).Count; c.Expected != 1 || c.Played != 1 {
		t.Errorf("what the old hardware played: %+v", c)
	}
	w.countedOnce(after, reach.Count{Expected: 1, Played: 1})
	if got := w.heartbeat(replaced).Placement; got != place {
		t.Errorf("its place is %d, before %d", got, place)
	}
	if r := w.verified(); len(r.Problems) > 0 || len(r.Bulletins) != 2 || !slices.Contains(r.ByWord, n.ID) {
		t.Errorf("verify: %q, %d bulletins, by the hub's word: %v", r.Problems, len(r.Bulletins), r.ByWord)
	}

	// The old hardware is mended, and tries to come back.
	said := len(w.log.String())
	old.start()
	w.until("it is refused", func() bool { return strings.Contains(w.log.String()[said:], "no connection to the broker") })
	if old.Online() {
		t.Error("the replaced hardware is connected")
	}
	old.stop()

	// The registrar signs the key in force: what came before rests on the hub's word, and
	// from now on nothing else does. Replaced once more, it is nobody's until it is signed.
	_, err := w.Registry.Attest(t.Context(), n.ID, registrar, "quantri")
	must(t, err)
	if r := w.verified(); len(r.Problems) > 0 || !slices.Contains(r.ByWord, n.ID) {
		t.Errorf("verify after the key was signed: %q, by the hub's word: %v", r.Problems, r.ByWord)
	}
	chain := w.heartbeat(replaced).Chain.Chain
	replaced.stop()
	third := w.replacement(n)
	third.start()
	t.Cleanup(third.stop)
	w.until("the third's receipts are acknowledged", func() bool {
		h := w.heartbeat(third)
		return third.Online() && h.Chain != nil && h.Chain.Chain != chain && h.Unacked == 0
	})
	if r := w.verified(); len(r.Problems) == 0 || !strings.Contains(r.Problems[0], "device attest") {
		t.Errorf("verify with a key that nobody signed: %q", r.Problems)
	}
	_, err = w.Registry.Attest(t.Context(), n.ID, registrar, "quantri")
	must(t, err)
	if r := w.verified(); len(r.Problems) > 0 {
		t.Errorf("verify once it was: %q", r.Problems)
	}
}

// replacement is new hardware that was enrolled in the place of a device.
func (w *world) replacement(n registry.NewDevice) *device {
	w.t.Helper()
	claim, err := w.Base.Enrol.Claim(w.t.Context(), n.ID, "quantri")
	must(w.t, err)
	d := w.unenrolled(n)
	_, err = identity.Enrol(w.t.Context(), "https://localhost:"+port(w.EnrolAddr()), claim.Text, filepath.Join(d.config.Data, "identity"))
	must(w.t, err)
	return d
}
