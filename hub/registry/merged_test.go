package registry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// Đông and Đoài become Mới today.
const mergedToday = `id,code,name,kind,parent,valid_from,valid_until,people,source,counted
xa,99001,Xã mẫu,commune,,2025-07-01,,,,
dong,,Thôn Đông,village,xa,2025-07-01,TODAY,820,Công an xã,2026-01-01
doai,,Thôn Đoài,village,xa,2025-07-01,TODAY,610,Công an xã,2026-01-01
moi,,Thôn Mới,village,xa,TODAY,,1430,Công an xã,2026-01-01
`

// A device keeps the unit that was merged as a predecessor, as long as it stands
// beside it or in its place; one that it merely left, it does not.
func TestAMergedUnitStaysAsPredecessor(t *testing.T) {
	s, _, _ := newService(t)
	load(t, s, commune)
	device := registry.NewDevice{ID: "loa-1", Name: "Loa", Unit: "dong", Sound: true}
	if _, err := s.AddDevice(t.Context(), device, "đúng", ""); err != nil {
		t.Fatal(err)
	}
	place := func(unit protocol.UnitID, want ...protocol.UnitID) {
		t.Helper()
		device.Unit = unit
		d, err := s.Place(t.Context(), device, "đúng", "")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, d.Placement.Predecessors); diff != "" {
			t.Errorf("in %s (-want +got):\n%s", unit, diff)
		}
		if err := d.Placement.Validate(); err != nil {
			t.Error(err)
		}
	}
	place("doai")
	place("dong")
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		t.Fatal(err)
	}
	load(t, s, strings.ReplaceAll(mergedToday, "TODAY", string(protocol.DateOf(time.Now().In(zone)))))
	place("moi", "dong")
	place("moi", "dong")
	place("xa")
}
