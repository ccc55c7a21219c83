package programme_test

import (
	"strings"
	"testing"

	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// What an airing meets is said before anybody signs it: by the devices' own function,
// for the devices that it is for.
func TestAPreviewSaysWhatAnAiringMeets(t *testing.T) {
	o := newOffice(t)
	o.devices = []registry.Device{
		{ID: "a", Sound: true, Placement: protocol.Placement{Path: []protocol.UnitID{"tinh", "xa-a", "dong"}}},
		{ID: "b", Sound: true, Placement: protocol.Placement{Path: []protocol.UnitID{"tinh", "xa-a"}}},
		{ID: "c", Sound: true, Placement: protocol.Placement{Path: []protocol.UnitID{"tinh", "xa-b"}}},
		{ID: "d", Board: &protocol.Display{}, Placement: protocol.Placement{Path: []protocol.UnitID{"tinh", "xa-a", "dong"}}},
	}
	o.stock()
	o.approve("tin-2", "2026-12-31", "tinh")
	r := morning() // the chime, tin-2 until 05:01:33, tin-1 until 05:02:33
	r.Items[1], r.Items[2] = r.Items[2], r.Items[1]
	o.save(r)
	o.bulletin("tin-moi", "xa-a", protocol.ClassNormal, 30)
	b, err := o.bulletins.Bulletin(t.Context(), "tin-moi")
	must(t, err)
	for _, x := range []struct {
		name   string
		wish   bulletin.Wish
		notice []string
	}{
		{"where nothing sounds", bulletin.Wish{Units: []protocol.UnitID{"tinh"}, When: bulletin.At, Start: "2026-12-01T09:00:00"}, nil},
		{"where a programme sounds, from above", bulletin.Wish{Units: []protocol.UnitID{"tinh"}, When: bulletin.At, Start: "2026-12-01T05:00:10", Order: 9}, []string{"2 loudspeakers will begin late, by 1m23s"}},
		{"behind one, in its own commune", bulletin.Wish{Units: []protocol.UnitID{"xa-a"}, When: bulletin.At, Start: "2026-12-01T05:00:10"}, []string{"2 loudspeakers will begin late, by 2m23s"}},
		{"with too little time", bulletin.Wish{Units: []protocol.UnitID{"xa-a", "xa-b"}, When: bulletin.At, Start: "2026-12-01T05:00:10", Lateness: 1}, []string{"2 loudspeakers will not carry it"}},
	} {
		p, err := o.service.Preview(t.Context(), operator(), b, x.wish)
		must(t, err)
		var got []string
		for _, w := range p.Warnings {
			if strings.Contains(w.En, "The first time") {
				got = append(got, w.En)
			}
		}
		if len(got) != len(x.notice) {
			t.Errorf("%s: %q, want %q", x.name, got, x.notice)
			continue
		}
		for i, want := range x.notice {
			if !strings.Contains(got[i], want) {
				t.Errorf("%s: %q, want %q", x.name, got[i], want)
			}
		}
	}
}
