package e2e

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/signing"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

const rootPassword = "mat khau cua khoa goc"

func (w *world) signAct(a *signing.Act, files ...string) {
	w.t.Helper()
	for _, f := range files {
		priv, err := signing.ReadWrapped(f, rootPassword)
		must(w.t, err)
		must(w.t, a.Sign(priv))
	}
}

// holdsNewest waits until a device says that it holds the newest document of a kind.
func (w *world) holdsNewest(d *device, kind envelope.Kind) {
	w.t.Helper()
	docs, err := w.DB.Registry().Documents(w.t.Context(), kind, "")
	must(w.t, err)
	newest := slices.MaxFunc(docs, func(a, b registry.Document) int { return cmp.Compare(a.Number, b.Number) })
	w.until(string(d.id)+" holds the newest "+string(kind), func() bool {
		s, err := w.Registry.State(w.t.Context(), d.id)
		return err == nil && slices.Contains(s.Heartbeat.Lists, newest.Digest)
	})
}

// Two of three roots sign. One is lost: the others replace it, devices take the new
// list, and what follows is signed by an old and a new root. The hub's key is
// rotated; the registrar's is revoked, after which devices take nothing new.
func TestALostRootIsReplacedByTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, 3, 2)
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	first := w.ready(spokenText(1))
	w.air(first, bulletin.Wish{When: bulletin.Now}, "duyet1")
	w.settled(first, 1)

	fourth := filepath.Join(t.TempDir(), "root-4.pem")
	key, err := signing.NewRoot(fourth, rootPassword)
	must(t, err)
	lost := w.FirstRoots.Keys[2].ID()
	act, err := w.RootsAct(t.Context(), []protocol.KeyID{lost}, []protocol.Key{key}, 0, time.Now())
	must(t, err)
	w.signAct(&act, w.roots[0])
	if err := w.TakeAct(t.Context(), act, time.Now()); !errors.Is(err, problem.ErrForbidden) {
		t.Fatalf("by one root of the two needed: %v", err)
	}
	w.signAct(&act, fourth)
	if err := w.TakeAct(t.Context(), act, time.Now()); !errors.Is(err, problem.ErrForbidden) {
		t.Fatalf("by one root and the one that is to come: %v", err)
	}
	w.signAct(&act, w.roots[1])
	must(t, w.TakeAct(t.Context(), act, time.Now()))
	must(t, w.Publisher.Renew(t.Context()))
	w.holdsNewest(d, envelope.KindRoots)

	// The hub gets a new key, by an old and the new root, while one device is away.
	d.stop()
	now := time.Now()
	next, err := w.Keys.Next(protocol.RoleHub, "", "")
	must(t, err)
	turn, err := hub.DelegationAct(protocol.RoleHub, next, []protocol.UnitID{commune}, now, now.Add(24*time.Hour))
	must(t, err)
	stolen := turn
	stolen.Documents = slices.Clone(turn.Documents)
	w.signAct(&stolen, w.roots[0], w.roots[2])
	if err := w.TakeAct(t.Context(), stolen, now); !errors.Is(err, problem.ErrForbidden) {
		t.Fatalf("by the root that was replaced: %v", err)
	}
	w.signAct(&turn, w.roots[0], fourth)
	must(t, w.TakeAct(t.Context(), turn, now))
	w.stop()
	w.start()
	must(t, w.Publisher.Renew(t.Context()))
	d.start()
	w.holdsNewest(d, envelope.KindDelegation)
	second := w.ready(spokenText(1))
	w.air(second, bulletin.Wish{When: bulletin.Now}, "duyet1")
	w.settled(second, 1)
	w.countedOnce(second, reach.Count{Expected: 1, Played: 1})

	// Who joins now pins the new list.
	w.online(w.device(speaker("loa-doai", "thon-doai", 1000)))
	if r := w.verified(); len(r.Problems) > 0 {
		t.Errorf("verify: %q", r.Problems)
	}

	stand, err := w.Standing(t.Context())
	must(t, err)
	at := slices.IndexFunc(stand.Delegations, func(d protocol.Delegation) bool { return d.Role == protocol.RoleRegistrar })
	now = time.Now()
	end, err := hub.DelegationAct(protocol.RoleRegistrar, stand.Delegations[at].Key, []protocol.UnitID{commune}, now, now)
	must(t, err)
	w.signAct(&end, w.roots[1], fourth)
	must(t, w.TakeAct(t.Context(), end, now))
	third := w.ready(spokenText(1))
	r, err := w.Approvals.Submit(t.Context(), w.actor("soan"), third.ID, bulletin.Wish{When: bulletin.Now, Units: []protocol.UnitID{commune}})
	must(t, err)
	if _, err := w.Approvals.Approve(t.Context(), w.actor("duyet1"), r.Digest, password); !errors.Is(err, envelope.ErrExpired) {
		t.Errorf("approved under a revoked registrar: %v", err)
	}
}

// The registrar's key is replaced: what the former one signed counts no more, and one
// act has the new one sign all of it, as it stands.
func TestANewRegistrarSignsAllOfItAgainInOneStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.device(speaker("loa-dong", "thon-dong", 1000))
	w.online(d)
	place := w.heartbeat(d).Placement
	now := time.Now()
	const changed = "mat khau cua nguoi dang ky moi"
	key, err := w.Keys.Next(protocol.RoleRegistrar, "", changed)
	must(t, err)
	act, err := hub.DelegationAct(protocol.RoleRegistrar, key, []protocol.UnitID{commune}, now, now.Add(24*time.Hour))
	must(t, err)
	w.signAct(&act, w.root)
	must(t, w.TakeAct(t.Context(), act, now))
	b := w.ready(spokenText(1))
	r := w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100})
	if _, err := w.Approvals.Approve(t.Context(), w.actor("duyet1"), r.Digest, password); code(err) != "not-on-list" {
		t.Errorf("by the former registrar's list: %v", err)
	}
	if _, err := w.Account.SignAgain(t.Context(), commune, registrar, "quantri"); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("by the former registrar's password: %v", err)
	}
	lists, err := w.Account.SignAgain(t.Context(), commune, changed, "quantri")
	must(t, err)
	rest, err := w.Registry.SignAgain(t.Context(), commune, changed, "quantri")
	must(t, err)
	if lists != 1 || rest < 2 {
		t.Errorf("%d lists, %d places and populations", lists, rest)
	}
	must(t, w.Publisher.Renew(t.Context()))
	d.stop()
	d.start() // as it connects, the hub sends what it lacks
	w.until("the device stands where it stood, by the new registrar's word", func() bool { return w.heartbeat(d).Placement > place })
	_, err = w.Approvals.Approve(t.Context(), w.actor("duyet1"), r.Digest, password)
	must(t, err)
	w.settled(b, 1)
	w.countedOnce(b, reach.Count{Expected: 1, Played: 1})
	if got := w.report(b); len(got.Villages) != 3 || got.People == 0 || got.Reached == 0 {
		t.Errorf("%.0f of %d people in %d villages", got.Reached, got.People, len(got.Villages))
	}
	if r := w.verified(); len(r.Problems) > 0 {
		t.Errorf("verify: %q", r.Problems)
	}
}
