package e2e

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/identity"
)

// A device renews its certificates with its own key, before their end or after it;
// a revoked one does not, and nobody does with another key.
func TestCertificatesAreRenewedByTheirOwnKeyAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.enrolled(speaker("loa-dong", "thon-dong", 1000)), w.enrolled(speaker("loa-doai", "thon-doai", 1000))
	dir := filepath.Join(a.config.Data, "identity")
	id, err := identity.Load(dir)
	must(t, err)
	end := id.Certificate.Leaf.NotAfter
	for name, c := range map[string]struct {
		at   time.Time
		want bool
	}{"new": {time.Now(), false}, "two months before": {end.Add(-59 * 24 * time.Hour), true}, "after its end": {end.Add(time.Hour), true}} {
		if id.Due(c.at) != c.want {
			t.Errorf("%s: due is %t", name, !c.want)
		}
	}
	w.until("the second has changed", func() bool { return time.Now().After(end.Add(-identity365 + time.Second)) })
	next, err := id.Renew(t.Context(), dir)
	must(t, err)
	if !next.Certificate.Leaf.NotAfter.After(end) {
		t.Errorf("ends %s, before %s", next.Certificate.Leaf.NotAfter, end)
	}
	kept, err := identity.Load(dir)
	must(t, err)
	if !kept.Certificate.Leaf.Equal(next.Certificate.Leaf) || kept.Hub != id.Hub {
		t.Error("the new certificates were not kept")
	}
	a.start()
	t.Cleanup(a.stop)
	w.online(a)

	other, err := identity.Load(filepath.Join(b.config.Data, "identity"))
	must(t, err)
	other.Device = "loa-dong"
	if _, err := other.Renew(t.Context(), t.TempDir()); err == nil {
		t.Error("renewed by another device's key")
	}
	must(t, w.Registry.Revoke(t.Context(), "loa-doai", "quantri"))
	other.Device = "loa-doai"
	if _, err := other.Renew(t.Context(), filepath.Join(b.config.Data, "identity")); !errors.Is(err, identity.ErrClaimUnknown) {
		t.Errorf("a revoked device: %v", err)
	}
}

// identity365 is how long a certificate lasts.
const identity365 = 365 * 24 * time.Hour
