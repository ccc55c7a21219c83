package registry_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

const fleet = `id,name,unit,sound,board,serves,tags
loa-dong,Nhà văn hoá,dong,có,192x32x16,dong=0.6 doai=0.25,nha-van-hoa
loa-xa,Uỷ ban,99001,yes,,,
`

func TestDevicesAreImportedAllOrNone(t *testing.T) {
	s, _, _ := newService(t)
	load(t, s, commune)
	ctx := t.Context()
	count := func(want int) []registry.Device {
		t.Helper()
		held, err := s.Devices(ctx)
		if err != nil || len(held) != want {
			t.Fatalf("%d devices, want %d: %v", len(held), want, err)
		}
		return held
	}
	if ids, err := s.ImportDevices(ctx, strings.NewReader(fleet), true, "", ""); err != nil || len(ids) != 2 {
		t.Errorf("dry run: %v, %v", ids, err)
	}
	count(0)
	if _, err := s.ImportDevices(ctx, strings.NewReader(fleet), false, "sai", ""); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("without the registrar: %v", err)
	}
	count(0)
	if _, err := s.ImportDevices(ctx, strings.NewReader(fleet), false, "đúng", "quantri"); err != nil {
		t.Fatal(err)
	}
	held := count(2)
	if d := held[0]; d.Unit != "dong" || !d.Sound || *d.Board != (protocol.Display{Width: 192, Height: 32, Row: 16}) || d.Tags[0] != "nha-van-hoa" ||
		len(d.Placement.Serves) != 2 || d.Placement.Serves[1].Share != 600 || d.Placement.Serves[1].By != "quantri" || held[1].Unit != "xa" {
		t.Errorf("devices %+v", held)
	}
	const head = "id,name,unit,sound,board,serves\n"
	for _, c := range []struct{ name, text, want string }{
		{"no heading", "", "Line 1, column id"},
		{"missing column", "id,name\n", "Line 1, column unit"},
		{"unknown column", "id,name,unit,gps\n", `"gps"`},
		{"id", head + "LOA,X,dong,yes,,\n", "Line 2, column id"},
		{"there already", head + "loa-moi,X,dong,yes,,\nloa-dong,X,dong,yes,,\n", "Line 3, column id: there is a device"},
		{"twice", head + "loa-moi,X,dong,yes,,\nloa-moi,X,dong,yes,,\n", "Line 3, column id: the id stands on line 2"},
		{"name", head + "loa-moi,,dong,yes,,\n", "Line 2, column name"},
		{"unit", head + "loa-moi,X,tay,yes,,\n", "Line 2, column unit"},
		{"no medium", head + "loa-moi,X,dong,no,,\n", "Line 2, column sound"},
		{"medium in words", head + "loa-moi,X,dong,to,,\n", "Line 2, column sound"},
		{"board", head + "loa-moi,X,dong,,192x32,\n", "Line 2, column board"},
		{"board with more", head + "loa-moi,X,dong,,192x32x16x2,\n", "Line 2, column board"},
		{"board too large", head + "loa-moi,X,dong,,9999x32x16,\n", "Line 2, column board"},
		{"share", head + "loa-moi,X,dong,yes,,dong=1.5\n", "Line 2, column serves"},
		{"share that is none", head + "loa-moi,X,dong,yes,,dong=NaN\n", "Line 2, column serves"},
		{"share of a commune", head + "loa-moi,X,dong,yes,,xa=1\n", "Line 2, column serves"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.ImportDevices(ctx, strings.NewReader(c.text), false, "đúng", "")
			if !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a refusal that says %s", err, c.want)
			}
			count(2)
		})
	}
}
