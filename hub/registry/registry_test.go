package registry_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// keyring opens one key with the password "đúng".
type keyring struct{ signer *envelope.Signer }

func (k keyring) Registrar(password string, keys ...protocol.KeyID) (*envelope.Signer, error) {
	if password != "đúng" || !slices.Contains(keys, k.signer.Key().ID()) {
		return nil, problem.ErrForbidden
	}
	return k.signer, nil
}

const commune = `id,code,name,kind,parent,valid_from,valid_until,people,source,counted
xa,99001,Xã mẫu,commune,,2025-07-01,,,,
dong,,Thôn Đông,village,xa,2025-07-01,,820,Công an xã,2026-01-01
doai,,Thôn Đoài,village,xa,2025-07-01,,610,Công an xã,2026-01-01
`

func newService(t *testing.T) (*registry.Service, *store.DB, *envelope.Signer) {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	_, priv, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := envelope.NewSigner(priv)
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		t.Fatal(err)
	}
	return registry.New(registry.Config{Store: db.Registry(), Keyring: keyring{signer}, Standing: everywhere(t, db, signer), Zone: zone}), db, signer
}

// everywhere has a root give a registrar the units that are there, and "xa".
func everywhere(t *testing.T, db *store.DB, signer *envelope.Signer) func(context.Context) (*envelope.Chain, error) {
	return func(ctx context.Context) (*envelope.Chain, error) {
		held, err := db.Registry().Units(ctx)
		if err != nil {
			return nil, err
		}
		units := []protocol.UnitID{"xa"}
		for _, u := range held {
			units = append(units, u.ID)
		}
		return standing(t, delegation(signer, units...)), nil
	}
}

// delegation is a registrar's, of these units, from long ago.
func delegation(signer *envelope.Signer, units ...protocol.UnitID) protocol.Delegation {
	d := protocoltest.Delegation(protocol.RoleRegistrar, signer.Key())
	d.Units = slices.Compact(slices.Sorted(slices.Values(units)))
	d.From, d.Until = 1, protocol.InstantOf(time.Now().AddDate(1, 0, 0))
	return d
}

// standing is the chain of a root that signed these delegations.
func standing(t *testing.T, all ...protocol.Delegation) *envelope.Chain {
	t.Helper()
	w := protocoltest.NewWorld(t)
	chain := envelope.NewChainOf(protocoltest.Roots(1, w.Root.Key()))
	for _, d := range all {
		if _, err := chain.AddDelegation(protocoltest.Seal(t, w.Root, envelope.KindDelegation, d)); err != nil {
			t.Fatal(err)
		}
	}
	return chain
}

func load(t *testing.T, s *registry.Service, text string) registry.Imported {
	t.Helper()
	done, err := s.Import(t.Context(), strings.NewReader(text), false, "đúng", "")
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestImportIsAllOrNothingAndIdempotent(t *testing.T) {
	s, _, _ := newService(t)
	ctx := t.Context()
	want := registry.Imported{Added: 3, Counted: 2}
	got, err := s.Import(ctx, strings.NewReader(commune), true, "", "")
	if err != nil || got != want {
		t.Errorf("dry run %+v, %v", got, err)
	}
	if tree, err := s.Tree(ctx); err != nil || len(tree.Top()) != 0 {
		t.Errorf("a dry run stored %v, %v", tree.Top(), err)
	}
	if _, err := s.Import(ctx, strings.NewReader(commune), false, "sai", ""); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("wrong password: %v", err)
	}
	if tree, err := s.Tree(ctx); err != nil || len(tree.Top()) != 0 {
		t.Errorf("a refused import stored %v, %v", tree.Top(), err)
	}
	if got := load(t, s, commune); got != want {
		t.Errorf("import %+v", got)
	}
	if got := load(t, s, commune); got != (registry.Imported{Same: 3}) {
		t.Errorf("again %+v", got)
	}
	// One village's new count signs the whole commune anew.
	if got := load(t, s, strings.Replace(commune, "820", "821", 1)); got != (registry.Imported{Changed: 1, Same: 2, Counted: 2}) {
		t.Errorf("new count %+v", got)
	}
	people, err := s.Populations(ctx, time.Now().Add(time.Second))
	if err != nil || people["dong"].People != 821 || people["doai"].People != 610 {
		t.Errorf("populations %v, %v", people, err)
	}
}

func TestAParentIsFoundByItsCode(t *testing.T) {
	s, _, _ := newService(t)
	byCode := strings.ReplaceAll(commune, ",village,xa,", ",village,99001,")
	load(t, s, byCode)
	load(t, s, "id,code,name,kind,parent,valid_from\ntrung,,Thôn Trung,village,99001,2025-07-01\n")
	tree, err := s.Tree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []protocol.UnitID{"dong", "doai", "trung"} {
		if u, _ := tree.Unit(id); u.Parent != "xa" {
			t.Errorf("%s is below %q", id, u.Parent)
		}
	}
	if got := load(t, s, byCode); got.Same != 3 {
		t.Errorf("again %+v", got)
	}
}

// A village that was moved counts with what its new unit signed, though the one that
// it left still has the old count.
func TestTheNewestCountOfAVillageStands(t *testing.T) {
	day := protocoltest.Now()
	counted := func(unit protocol.UnitID, number uint64, from time.Time, people uint64) protocol.Populations {
		return protocol.Populations{Unit: unit, Number: number, From: protocol.InstantOf(from), Villages: []protocol.Population{{Village: "dong", People: people}}}
	}
	got := registry.Newest([]protocol.Populations{
		counted("a", 3, day, 30), counted("a", 5, day.Add(time.Hour), 50), // not yet
		counted("z", 1, day, 10), counted("z", 2, day, 20),
		counted("late", 7, day.Add(2*time.Hour), 70), counted("late", 6, day.Add(time.Hour), 60), // counted only later
	}, day)
	want := []protocol.Populations{counted("z", 2, day, 20), counted("a", 3, day, 30), counted("late", 6, day.Add(time.Hour), 60)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Nobody is counted in a village that has ended, be it the last one of its commune, but
// whoever lived there still is in what was aired before.
func TestAVillageThatHasEndedIsCountedUntilThen(t *testing.T) {
	s, _, _ := newService(t)
	load(t, s, commune)
	people := func(at time.Time) (n uint64) {
		t.Helper()
		held, err := s.Populations(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range held {
			n += p.People
		}
		return n
	}
	for _, step := range []struct {
		village     string
		before, now uint64
	}{{"dong", 1430, 610}, {"doai", 610, 0}} {
		before := time.Now()
		for time.Now().UnixMilli() == before.UnixMilli() { // by which counts are numbered
			runtime.Gosched()
		}
		heading, lines, _ := strings.Cut(commune, "\n")
		for line := range strings.Lines(lines) {
			if strings.HasPrefix(line, step.village+",") {
				load(t, s, heading+"\n"+strings.Replace(line, "2025-07-01,,", "2025-07-01,2026-07-01,", 1))
			}
		}
		if n := people(time.Now()); n != step.now {
			t.Errorf("%s has ended: %d people, want %d", step.village, n, step.now)
		}
		if n := people(before); n != step.before {
			t.Errorf("before %s ended: %d people, want %d", step.village, n, step.before)
		}
	}
}

func TestImportNormalisesNames(t *testing.T) {
	s, _, _ := newService(t)
	decomposed := "Xa\u0303 ma\u0302\u0303u"
	load(t, s, "\ufeff"+strings.Replace(commune, "Xã mẫu", decomposed, 1))
	tree, err := s.Tree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if u, _ := tree.Unit("xa"); u.Name != "Xã mẫu" {
		t.Errorf("name %+q", u.Name)
	}
}

func TestBadLineIsNamed(t *testing.T) {
	const head = "id,code,name,kind,parent,valid_from,valid_until,people,source,counted\n"
	for _, c := range []struct{ name, text, want string }{
		{"no heading", "", "Line 1, column id"},
		{"missing column", "id,code,name\n", "Line 1, column kind"},
		{"unknown column", "id,code,name,kind,parent,valid_from,dan_so\n", `"dan_so"`},
		{"column twice", "id,id,code,name,kind,parent,valid_from\n", `"id"`},
		{"id", head + "xa,99001,X,commune,,2025-07-01,,,,\nXÃ,99002,X,commune,,2025-07-01,,,,\n", "Line 3, column id"},
		{"id twice", head + "xa,99001,X,commune,,2025-07-01,,,,\nxa,99001,X,commune,,2025-07-01,,,,\n", "Line 3, column id: the id stands on line 2"},
		{"code", head + "xa,9900,X,commune,,2025-07-01,,,,\n", "Line 2, column code"},
		{"kind", head + "xa,99001,X,huyện,,2025-07-01,,,,\n", "Line 2, column kind"},
		{"village on top", head + "dong,,X,village,,2025-07-01,,,,\n", "Line 2, column parent"},
		{"own parent", head + "xa,99001,X,commune,xa,2025-07-01,,,,\n", "Line 2, column parent"},
		{"unknown parent", head + "dong,,X,village,xa,2025-07-01,,,,\n", "Line 2, column parent"},
		{"ring", head + "a,99001,X,commune,b,2025-07-01,,,,\nb,99002,X,commune,a,2025-07-01,,,,\n", "column parent"},
		{"day", head + "xa,99001,X,commune,,1/7/2025,,,,\n", "Line 2, column valid_from"},
		{"ends before it begins", head + "xa,99001,X,commune,,2025-07-01,2025-07-01,,,\n", "Line 2, column valid_until"},
		{"people of a commune", head + "xa,99001,X,commune,,2025-07-01,,10,Y,2026-01-01\n", "Line 2, column people"},
		{"people in words", head + "xa,99001,X,commune,,2025-07-01,,,,\nd,,X,village,xa,2025-07-01,,nhiều,Y,2026-01-01\n", "Line 3, column people"},
		{"count without a source", head + "xa,99001,X,commune,,2025-07-01,,,,\nd,,X,village,xa,2025-07-01,,10,,2026-01-01\n", "Line 3, column source"},
		{"count without a day", head + "xa,99001,X,commune,,2025-07-01,,,,\nd,,X,village,xa,2025-07-01,,10,Y,\n", "Line 3, column counted"},
		{"source without a count", head + "xa,99001,X,commune,,2025-07-01,,,Y,\n", "Line 2, column people"},
		{"quote left open", head + "xa,99001,\"X,commune,,2025-07-01,,,,\n", "column ?"},
		{"not UTF-8", head + "xa,99001,X\xff,commune,,2025-07-01,,,,\n", "UTF-8"},
		{"control character", head + "xa,99001,\"X\aY\",commune,,2025-07-01,,,,\n", "Line 2, column name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _, _ := newService(t)
			_, err := s.Import(t.Context(), strings.NewReader(c.text), false, "đúng", "")
			if !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a refusal that says %s", err, c.want)
			}
			if tree, err := s.Tree(t.Context()); err != nil || len(tree.Top()) != 0 {
				t.Errorf("stored %v, %v", tree.Top(), err)
			}
		})
	}
}

func TestUnitNeverHangsBelowItself(t *testing.T) {
	s, _, _ := newService(t)
	load(t, s, "id,code,name,kind,parent,valid_from\na,99001,A,commune,,2025-07-01\nb,99002,B,commune,a,2025-07-01\n")
	_, err := s.Import(t.Context(), strings.NewReader("id,code,name,kind,parent,valid_from\na,99001,A,commune,b,2025-07-01\n"), false, "", "")
	if !errors.Is(err, problem.ErrInvalid) {
		t.Errorf("a ring through the stored units: %v", err)
	}
}

func TestPlacementsKeepTheirHistory(t *testing.T) {
	s, _, signer := newService(t)
	ctx := t.Context()
	load(t, s, commune)
	n := registry.NewDevice{ID: "loa", Name: "Loa", Unit: "dong", Sound: true, Tags: []string{"b", "a", "b"}, Serves: map[protocol.UnitID]uint64{"dong": 1000}}
	first, err := s.AddDevice(ctx, n, "đúng", "quantri")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddDevice(ctx, n, "đúng", "quantri"); !errors.Is(err, problem.ErrConflict) {
		t.Errorf("the same id again: %v", err)
	}
	n.Unit, n.Serves = "doai", map[protocol.UnitID]uint64{"doai": 400, "dong": 100}
	second, err := s.Place(ctx, n, "đúng", "quantri")
	if err != nil {
		t.Fatal(err)
	}
	if second.Placement.Number <= first.Placement.Number {
		t.Errorf("number %d after %d", second.Placement.Number, first.Placement.Number)
	}
	if diff := cmp.Diff([]protocol.UnitID{"xa", "doai"}, second.Placement.Path); diff != "" {
		t.Error(diff)
	}
	got, err := s.Devices(ctx)
	if err != nil || len(got) != 1 || got[0].Unit != "doai" || cmp.Diff([]string{"a", "b"}, got[0].Tags) != "" || cmp.Diff(second.Placement, got[0].Placement) != "" {
		t.Errorf("devices %+v, %v", got, err)
	}
	doc, err := s.SignedPlacement(ctx, "loa")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := envelope.Open(envelope.KindPlacement, doc.Bytes, envelope.MaxDocument, envelope.One(signer.Key())); err != nil {
		t.Errorf("the placement's signature: %v", err)
	}
	all, err := s.Placements(ctx)
	if diff := cmp.Diff([]protocol.Placement{first.Placement, second.Placement}, all["loa"]); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func beat(connection uint64, online bool, software string) protocol.Heartbeat {
	return protocol.Heartbeat{Version: protocol.Version, Device: "loa", Connection: connection, Online: online, Software: software}
}

func TestHeartbeatsAndWills(t *testing.T) {
	s, _, _ := newService(t)
	ctx := t.Context()
	load(t, s, commune)
	if _, err := s.AddDevice(ctx, registry.NewDevice{ID: "loa", Name: "Loa", Unit: "dong", Sound: true}, "đúng", ""); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)
	for i, c := range []struct {
		h        protocol.Heartbeat
		stored   bool
		online   bool
		software string
	}{
		{beat(5, true, "1"), true, true, "1"},
		{beat(5, true, "2"), true, true, "2"},
		{beat(4, false, ""), false, true, "2"}, // the will of a connection before
		{beat(4, true, "0"), false, true, "2"}, // and what it said last
		{beat(5, false, ""), true, false, "2"}, // a will keeps what was known
		{beat(6, true, "3"), true, true, "3"},  // reconnected
		{beat(5, false, ""), false, true, "3"}, // the old will comes late
		{beat(9, false, ""), true, false, ""},  // a will without any heartbeat before it
	} {
		stored, err := s.SaveStates(ctx, []protocol.Heartbeat{c.h}, now.Add(time.Duration(i)*time.Second))
		if err != nil || stored[0] != c.stored {
			t.Errorf("step %d: stored %v, %v", i, stored, err)
		}
		st, err := s.State(ctx, "loa")
		if err != nil || st.Online != c.online || st.Heartbeat.Online != c.online || st.Heartbeat.Software != c.software {
			t.Errorf("step %d: %+v, %v", i, st, err)
		}
	}
	unknown := beat(1, true, "")
	unknown.Device = "khong"
	stored, err := s.SaveStates(ctx, []protocol.Heartbeat{unknown, beat(10, true, "")}, now)
	if err != nil || stored[0] || !stored[1] {
		t.Errorf("an unknown device and a known one: stored %v, %v", stored, err)
	}
	if err := s.MarkOffline(ctx); err != nil {
		t.Fatal(err)
	}
	if st, err := s.State(ctx, "loa"); err != nil || st.Online {
		t.Errorf("after a restart: %+v, %v", st, err)
	}
}

func TestRevokedDeviceIsOutForGood(t *testing.T) {
	s, _, _ := newService(t)
	ctx := t.Context()
	load(t, s, commune)
	n := registry.NewDevice{ID: "loa", Name: "Loa", Unit: "dong", Sound: true}
	if _, err := s.AddDevice(ctx, n, "đúng", ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Revoke(ctx, "loa", "quantri"); err != nil {
		t.Fatal(err)
	}
	if err := s.Revoke(ctx, "loa", "quantri"); !errors.Is(err, problem.ErrConflict) {
		t.Errorf("again: %v", err)
	}
	if _, err := s.Place(ctx, n, "đúng", ""); !errors.Is(err, problem.ErrConflict) {
		t.Errorf("placed: %v", err)
	}
	devices, err := s.Devices(ctx)
	if err != nil || len(registry.Targets(devices, []protocol.UnitID{"xa"})) != 0 {
		t.Errorf("still a target: %v, %v", devices, err)
	}
	if err := s.Admit(context.Background(), "loa", nil); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("admitted: %v", err)
	}
}

func TestLimitsOfOneKindAreReplacedWhole(t *testing.T) {
	s, _, _ := newService(t)
	ctx := t.Context()
	load(t, s, commune)
	light := []protocol.Limit{{Of: protocol.CapLight, From: 21, To: 6, Percent: 30}}
	volume := []protocol.Limit{{Of: protocol.CapVolume, From: 5, To: 6, Percent: 60}, {Of: protocol.CapVolume, From: 20, To: 22, Percent: 50}}
	for _, l := range [][]protocol.Limit{{{Of: protocol.CapVolume, From: 1, To: 2, Percent: 10}}, light, volume} {
		if err := s.SetLimits(ctx, "xa", l[0].Of, l, ""); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Limits(ctx, "xa")
	if err != nil || cmp.Diff(append(volume, light...), got) != "" {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range [][]protocol.Limit{{{Of: protocol.CapVolume, From: 1, To: 2, Percent: 9}}, {{Of: protocol.CapVolume, From: 24, To: 2, Percent: 90}}, light, {volume[0], volume[0]}} {
		if err := s.SetLimits(ctx, "xa", protocol.CapVolume, bad, ""); !errors.Is(err, problem.ErrInvalid) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if err := s.SetLimits(ctx, "khong", protocol.CapVolume, nil, ""); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("unknown unit: %v", err)
	}
}

func TestQuietHoursAreReplacedWhole(t *testing.T) {
	s, _, _ := newService(t)
	ctx := t.Context()
	load(t, s, commune)
	want := []protocol.Quiet{{Start: 12 * 60, End: 13 * 60}, {Start: 21*60 + 30, End: 5 * 60}}
	for _, q := range [][]protocol.Quiet{{{Start: 0, End: 1}}, want} {
		if err := s.SetQuiet(ctx, "xa", q, ""); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Quiet(ctx, "xa")
	if err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := s.Quiet(ctx, "dong"); err != nil || len(got) != 0 {
		t.Errorf("a village has its own: %v, %v", got, err)
	}
	for _, bad := range [][]protocol.Quiet{{{Start: 1440}}, {{End: 1440}}, {want[0], want[0]}, make([]protocol.Quiet, 9)} {
		if err := s.SetQuiet(ctx, "xa", bad, ""); !errors.Is(err, problem.ErrInvalid) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if err := s.SetQuiet(ctx, "khong", nil, ""); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("unknown unit: %v", err)
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(commune))
	f.Add([]byte("id\n\"\n"))
	f.Add([]byte("\ufeffid,code,name,kind,parent,valid_from\n,,,,,\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := registry.New(registry.Config{Store: empty{}, Zone: time.UTC})
		protocoltest.HoldMemory(t, "list of units", len(b), func() { _, _ = s.Import(t.Context(), bytes.NewReader(b), true, "", "") })
		_, err := s.Import(t.Context(), bytes.NewReader(b), true, "", "")
		if err != nil && !errors.Is(err, problem.ErrInvalid) && !errors.Is(err, problem.ErrTooLarge) {
			t.Errorf("%v is no refusal", err)
		}
	})
}

// empty is a registry without units.
type empty struct{ registry.Store }

func (empty) Units(context.Context) ([]registry.Unit, error) { return nil, nil }

func (empty) Documents(context.Context, envelope.Kind, string) ([]registry.Document, error) {
	return nil, nil
}
