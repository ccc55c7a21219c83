package bulletin

import (
	"context"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// tree is a registry of units that stands still.
type tree []registry.Unit

func (t tree) Tree(context.Context) (registry.Tree, error) { return registry.NewTree(t), nil }

// A unit's days are those of the hub's zone, wherever the server's clock thinks it is:
// a commune that begins today can write from midnight on.
func TestAUnitBeginsAtItsOwnMidnight(t *testing.T) {
	zone := time.FixedZone("", 7*60*60)
	units := tree{{ID: "xa", Code: "1", Name: "Xã", Kind: registry.Commune, ValidFrom: "2026-11-27", ValidUntil: "2026-11-28"}}
	actor := account.Actor{Person: "soan", Grants: []account.Grant{{Role: account.Editor, Unit: "xa"}}}
	for at, want := range map[string]bool{
		"2026-11-26T16:59:59Z": false, "2026-11-26T17:00:00Z": true, "2026-11-27T16:59:59Z": true, "2026-11-27T17:00:00Z": false,
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		s := New(nil, nil, nil, units, zone, func() time.Time { return now })
		if err := s.may(t.Context(), actor, account.Write, protocol.UnitID("xa")); (err == nil) != want {
			t.Errorf("at %s: %v, want %t", at, err, want)
		}
	}
}
