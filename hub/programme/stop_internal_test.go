package programme

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// What a stop's taking back airs anew stays within the units of the airing that was
// stopped, and of the stop.
func TestTakenBackIsAiredWhereItWasStopped(t *testing.T) {
	tree := registry.NewTree([]registry.Unit{
		{ID: "xa", Kind: registry.Commune},
		{ID: "dong", Kind: registry.Village, Parent: "xa"},
		{ID: "doai", Kind: registry.Village, Parent: "xa"},
		{ID: "kia", Kind: registry.Commune},
	})
	type units = []protocol.UnitID
	for name, c := range map[string]struct {
		of      units
		stopped protocol.UnitID
		want    units
	}{
		"two villages, the commune stopped": {units{"dong", "doai"}, "xa", units{"dong", "doai"}},
		"the commune, itself stopped":       {units{"xa"}, "xa", units{"xa"}},
		"the commune, a village stopped":    {units{"xa"}, "doai", units{"doai"}},
		"a village, another stopped":        {units{"dong"}, "doai", nil},
		"two communes, one of them stopped": {units{"xa", "kia"}, "kia", units{"kia"}},
	} {
		if diff := cmp.Diff(c.want, silenced(tree, c.of, c.stopped)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
