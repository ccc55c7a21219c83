package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// riverside is a province of two communes, each with a village, and one that is in no group.
const riverside = `id,code,name,kind,parent,valid_from,valid_until,people,source,counted
xa-binh-an,99001,Xã Bình An (mẫu),commune,tinh-mau,2025-07-01,,,,
thon-dong,9900101,Thôn Đông,village,xa-binh-an,2025-07-01,,820,UBND xã (mẫu),2026-06-30
xa-phu-le,99002,Xã Phú Lễ (mẫu),commune,tinh-mau,2025-07-01,,,,
xa-ngoai,99003,Xã Ngoài (mẫu),commune,tinh-mau,2025-07-01,,,,
thon-ha,9900201,Thôn Hạ,village,xa-phu-le,2025-07-01,,540,UBND xã (mẫu),2026-06-30
`

// In a real browser: an operator above names a group of communes and makes one programme
// for it; one commune accepts in advance, the other declines, and it is heard on the real
// agent of the first alone.
func TestBrowserAGroupOfCommunes(t *testing.T) {
	t.Parallel()
	pages := browserPages(t)

	w := initialisedAt(t, registry.Unit{ID: "tinh-mau", Code: "99", Name: "Tỉnh Mẫu", Kind: registry.Province, ValidFrom: "2025-07-01"}, 1, 1, atLocalhost(t))
	w.pages = pages
	w.start()
	t.Cleanup(func() {
		w.stop()
		if t.Failed() {
			t.Log(w.log.String())
		}
	})
	_, err := w.Registry.Import(t.Context(), strings.NewReader(riverside), false, registrar, "quantri")
	must(t, err)
	w.quiet("tinh-mau", w.elsewhen())
	for id, p := range map[protocol.PersonID]struct {
		name string
		account.Grant
	}{
		"van-hanh": {"Đỗ Thị Vận", account.Grant{Unit: "tinh-mau", Role: account.Operator}}, "duyet-tinh": {"Phạm Văn Duyệt", account.Grant{Unit: "tinh-mau", Role: account.Approver}},
		"soan": {"Nguyễn Thị Soạn", account.Grant{Unit: commune, Role: account.Editor}}, "soan-phu-le": {"Hoàng Thị Lễ", account.Grant{Unit: "xa-phu-le", Role: account.Editor}},
		"soan-ngoai": {"Vũ Văn Ngoài", account.Grant{Unit: "xa-ngoai", Role: account.Editor}},
	} {
		must(t, w.Account.Add(t.Context(), account.NewPerson{ID: id, Name: p.name, Password: password, Grants: []account.Grant{p.Grant}}, registrar, "quantri"))
	}
	accepts, declines := w.device(speaker("loa-dong", "thon-dong", 1000)), w.device(speaker("loa-ha", "thon-ha", 1000))
	w.online(accepts, declines)

	printed := w.browse("group.mjs")
	if strings.Count(printed, "PASS ") < 4 || strings.Contains(printed, "FAIL ") {
		t.Error("not passed")
	}
	if n := len(soundsOf(t, declines)); n != 0 {
		t.Errorf("the commune that declined has heard it, in %d files", n)
	}
	if n := len(soundsOf(t, accepts)); n != 1 {
		t.Errorf("the commune that accepted has heard it in %d files", n)
	}
}

// soundsOf lists the files of sound that a device wrote.
func soundsOf(t *testing.T, d *device) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(d.config.Data, "out/sound", "*.wav"))
	must(t, err)
	return files
}
