package protocol_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

func trustExamples(tb testing.TB) []example {
	tb.Helper()
	key := protocoltest.Signer(tb, "registrar").Key()
	first, second := protocoltest.Signer(tb, "duyet1").Key(), protocoltest.Signer(tb, "duyet2").Key()
	return []example{
		{"roots", func() protocoltest.Message { return ptr(protocoltest.Roots(2, key, first, second)) }, rootsEdits()},
		{"endorsed", func() protocoltest.Message {
			return &protocol.Endorsed{Payload: []byte("payload"), Signatures: [][]byte{[]byte("first"), []byte("second")}}
		}, []edit{
			of("invalid", "no payload", func(e *protocol.Endorsed) { e.Payload = []byte{} }),
			refused("no signature", func(e *protocol.Endorsed) { e.Signatures = [][]byte{} }),
			refused("17 signatures", func(e *protocol.Endorsed) { e.Signatures = repeat(17, []byte("x")) }),
			taken("16 signatures", func(e *protocol.Endorsed) { e.Signatures = repeat(16, []byte("x")) }),
		}},
		{"delegation", func() protocoltest.Message {
			return ptr(protocoltest.Delegation(protocol.RoleRegistrar, key))
		}, delegationEdits()},
		{"approvers", func() protocoltest.Message {
			return ptr(protocoltest.Approvers(
				protocoltest.Approver(protocoltest.First, "Nguyễn Thị Duyệt", first),
				protocoltest.Approver(protocoltest.Second, "Trần Văn Duyệt", second)))
		}, approversEdits()},
		{"placement", func() protocoltest.Message {
			return ptr(protocoltest.Placement(protocoltest.Speaker, protocoltest.Dong))
		}, placementEdits()},
		{"populations", func() protocoltest.Message { return ptr(protocoltest.Populations()) }, populationsEdits()},
	}
}

func rootsEdits() []edit {
	type T = protocol.Roots
	return append(version(func(r *T, v uint64) { r.Version = v }),
		refused("number 0", func(r *T) { r.Number = 0 }),
		refused("threshold 0", func(r *T) { r.Threshold = 0 }),
		taken("all of them", func(r *T) { r.Threshold = 3 }),
		refused("more than there are", func(r *T) { r.Threshold = 4 }),
		refused("nobody", func(r *T) { r.Keys = []protocol.Key{} }),
		refused("one twice", func(r *T) { r.Keys[1] = r.Keys[0] }),
		refused("a passkey", func(r *T) { r.Keys[1] = protocol.Key{Kind: protocol.KeyPasskey, Public: make([]byte, 77)} }),
		refused("17 of them", func(r *T) { r.Keys = repeat(17, r.Keys[0]) }),
	)
}

func delegationEdits() []edit {
	type T = protocol.Delegation
	return append(version(func(d *T, v uint64) { d.Version = v }),
		taken("hub", func(d *T) { d.Role = protocol.RoleHub }),
		refused("role 0", func(d *T) { d.Role = 0 }),
		refused("role 3", func(d *T) { d.Role = 3 }),
		refused("key of 31 bytes", func(d *T) { d.Key.Public = d.Key.Public[:31] }),
		refused("kind of key 3", func(d *T) { d.Key.Kind = 3 }),
		taken("passkey", func(d *T) { d.Key = protocol.Key{Kind: protocol.KeyPasskey, Public: make([]byte, 77)} }),
		refused("passkey of 257 bytes", func(d *T) { d.Key = protocol.Key{Kind: protocol.KeyPasskey, Public: make([]byte, 257)} }),
		refused("no units", func(d *T) { d.Units = []protocol.UnitID{} }),
		refused("units out of order", func(d *T) { d.Units = []protocol.UnitID{"b", "a"} }),
		refused("no classes", func(d *T) { d.Classes = []protocol.Class{} }),
		refused("classes out of order", func(d *T) { d.Classes = []protocol.Class{2, 1} }),
		refused("class 4", func(d *T) { d.Classes = []protocol.Class{4} }),
		taken("one class", func(d *T) { d.Classes = d.Classes[:1] }),
		refused("until before from", func(d *T) { d.Until = d.From }),
		refused("number 0", func(d *T) { d.Number = 0 }),
	)
}

func approversEdits() []edit {
	type T = protocol.Approvers
	return append(version(func(l *T, v uint64) { l.Version = v }),
		refused("no unit", func(l *T) { l.Unit = "" }),
		refused("number 0", func(l *T) { l.Number = 0 }),
		refused("expired when issued", func(l *T) { l.Expires = l.Issued }),
		taken("nobody", func(l *T) { l.People = nil }),
		refused("101 people", func(l *T) { l.People = repeat(101, l.People[0]) }),
		refused("person without id", func(l *T) { l.People[0].Person = "" }),
		refused("one key of two people", func(l *T) { l.People[1].Key = l.People[0].Key }),
		taken("one person twice", func(l *T) {
			l.People[1].Person, l.People[1].Key, l.People[1].Deputy = l.People[0].Person, l.People[0].Key, "chu-tich"
		}),
		refused("right of no time", func(l *T) { l.People[0].Until = l.People[0].From }),
		refused("name of 201 letters", func(l *T) { l.People[0].Name = strings.Repeat("ễ", 201) }),
		refused("deputy of a bad id", func(l *T) { l.People[0].Deputy = "A" }),
		refused("no classes", func(l *T) { l.People[0].Classes = []protocol.Class{} }),
		refused("a class twice", func(l *T) { l.People[0].Classes = []protocol.Class{1, 1} }),
		refused("key of 33 bytes", func(l *T) { l.People[0].Key.Public = make([]byte, 33) }),
		taken("demands passkeys", func(l *T) { l.Passkeys = []protocol.Class{1, 3} }),
		refused("demands passkeys out of order", func(l *T) { l.Passkeys = []protocol.Class{3, 1} }),
		refused("demands passkeys for class 4", func(l *T) { l.Passkeys = []protocol.Class{4} }),
		taken("a site of passkeys", func(l *T) { l.Site = ptr(protocoltest.Site()) }),
		refused("a site without a host", func(l *T) { l.Site = ptr(protocoltest.Site()); l.Site.ID = "" }),
		refused("a site without origins", func(l *T) { l.Site = &protocol.Site{ID: "loa.example", Origins: []string{}} }),
		refused("an origin twice", func(l *T) { l.Site = &protocol.Site{ID: "loa.example", Origins: repeat(2, "https://loa.example")} }),
		refused("9 origins", func(l *T) { l.Site = &protocol.Site{ID: "loa.example", Origins: repeat(9, "https://loa.example")} }),
	)
}

func placementEdits() []edit {
	type T = protocol.Placement
	share := func(do func(*protocol.Share)) func(*T) { return func(p *T) { do(&p.Serves[0]) } }
	return append(version(func(p *T, v uint64) { p.Version = v }),
		refused("no device", func(p *T) { p.Device = "" }),
		refused("number 0", func(p *T) { p.Number = 0 }),
		refused("nowhere", func(p *T) { p.Path = []protocol.UnitID{} }),
		refused("9 units deep", func(p *T) { p.Path = path(9) }),
		taken("8 units deep", func(p *T) { p.Path = path(8) }),
		refused("a unit under itself", func(p *T) { p.Path = []protocol.UnitID{"a", "b", "a"} }),
		refused("unit of a bad id", func(p *T) { p.Path[0] = "+" }),
		refused("33 predecessors", func(p *T) { p.Predecessors = repeat(33, protocol.UnitID("cu")) }),
		refused("predecessor of a bad id", func(p *T) { p.Predecessors = []protocol.UnitID{"A"} }),
		taken("predecessors", func(p *T) { p.Predecessors = []protocol.UnitID{"xa-cu-1", "xa-cu-2"} }),
		refused("17 tags", func(p *T) { p.Tags = repeat(17, "cho") }),
		refused("tag with a space", func(p *T) { p.Tags = []string{"nha van hoa"} }),
		refused("name of 201 letters", func(p *T) { p.Name = strings.Repeat("ố", 201) }),
		taken("serves nobody", func(p *T) { p.Serves = nil }),
		refused("65 villages", func(p *T) { p.Serves = repeat(65, p.Serves[0]) }),
		refused("a village twice", func(p *T) { p.Serves = repeat(2, p.Serves[0]) }),
		refused("share 0", share(func(s *protocol.Share) { s.Share = 0 })),
		refused("share 1001", share(func(s *protocol.Share) { s.Share = 1001 })),
		refused("share by nobody", share(func(s *protocol.Share) { s.By = "" })),
		refused("share of no day", share(func(s *protocol.Share) { s.On = "hôm nay" })),
		taken("its media and its key", func(p *T) {
			p.Media, p.Key = []protocol.Medium{1, 2}, &protocol.Key{Kind: protocol.KeyEd25519, Public: make([]byte, 32)}
		}),
		refused("a medium twice", func(p *T) { p.Media = []protocol.Medium{1, 1} }),
		refused("medium 3", func(p *T) { p.Media = []protocol.Medium{3} }),
		refused("its key a passkey", func(p *T) { p.Key = &protocol.Key{Kind: protocol.KeyPasskey, Public: make([]byte, 77)} }),
		refused("share of no village", share(func(s *protocol.Share) { s.Village = "" })),
	)
}

func path(n int) []protocol.UnitID {
	units := make([]protocol.UnitID, n)
	for i := range units {
		units[i] = protocol.UnitID(fmt.Sprint("u", i))
	}
	return units
}

func populationsEdits() []edit {
	type T = protocol.Populations
	return append(version(func(p *T, v uint64) { p.Version = v }),
		refused("no unit", func(p *T) { p.Unit = "" }),
		refused("number 0", func(p *T) { p.Number = 0 }),
		refused("no village", func(p *T) { p.Villages = []protocol.Population{} }),
		refused("1001 villages", func(p *T) { p.Villages = repeat(1001, p.Villages[0]) }),
		refused("out of order", func(p *T) { p.Villages[0], p.Villages[1] = p.Villages[1], p.Villages[0] }),
		refused("a village twice", func(p *T) { p.Villages[1] = p.Villages[0] }),
		refused("village of a bad id", func(p *T) { p.Villages[0].Village = "" }),
		refused("over 100 million", func(p *T) { p.Villages[0].People = 100_000_001 }),
		taken("a village that nobody lives in", func(p *T) { p.Villages[0].People = 0 }),
		refused("no source", func(p *T) { p.Villages[0].Source = "" }),
		refused("source of 161 bytes", func(p *T) { p.Villages[0].Source = string(repeat(161, byte('s'))) }),
		refused("no day", func(p *T) { p.Villages[0].On = "" }),
	)
}
