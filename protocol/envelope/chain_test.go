package envelope_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// teller makes the stories of the chain of trust.
type teller struct {
	tb      testing.TB
	w       *protocoltest.World
	stories []protocoltest.Story
}

// told is one story under way.
type told struct {
	*teller
	story *protocoltest.Story
}

// story begins one: the world's root, on the path of loa-dong.
func (t *teller) story(name string) told {
	t.stories = append(t.stories, protocoltest.Story{
		Name: name + "/v1", Roots: []protocoltest.Hex{t.w.Root.Key().Public}, Path: t.w.Path(),
	})
	return told{t, &t.stories[len(t.stories)-1]}
}

// begun begins one on a device that holds the delegations and the approvers.
func (t *teller) begun(name string) told {
	return t.delegated(name).give("approvers", "ok", t.w.Approvers)
}

// delegated begins one on a device that holds the delegations alone.
func (t *teller) delegated(name string) told {
	return t.story(name).give("delegation", "ok", t.w.Delegations[0]).give("delegation", "ok", t.w.Delegations[1])
}

func (t told) give(do, expect string, b []byte) told {
	return t.step(protocoltest.Step{Do: do, Hex: b, Now: protocoltest.At(0), Expect: expect})
}

func (t told) step(s protocoltest.Step) told {
	t.story.Steps = append(t.story.Steps, s)
	return t
}

// claim gives an airing with its documents, now.
func (t told) claim(expect string, c envelope.Claim) told {
	return t.claimAt(expect, c, protocoltest.At(0))
}

func (t told) claimAt(expect string, c envelope.Claim, now protocol.Instant) told {
	return t.step(protocoltest.Step{
		Do: "claim", Hex: protocoltest.Encode(t.tb, c.Airing), Bulletin: c.Bulletin, Approval: c.Approval, Now: now, Expect: expect,
	})
}

// seal seals a message after changing it.
func seal[T protocoltest.Message](t *teller, s *envelope.Signer, kind envelope.Kind, v T, change ...func(*T)) []byte {
	t.tb.Helper()
	for _, c := range change {
		c(&v)
	}
	return protocoltest.Seal(t.tb, s, kind, v)
}

func stories(tb testing.TB) []protocoltest.Story {
	tb.Helper()
	t := &teller{tb: tb, w: protocoltest.NewWorld(tb)}
	t.delegations()
	t.lists()
	t.placements()
	t.hub()
	t.approvals()
	t.rights()
	t.passkeys()
	t.roots()
	return t.stories
}

func (t *teller) registrar(signer *envelope.Signer, change ...func(*protocol.Delegation)) []byte {
	return seal(t, t.w.Root, envelope.KindDelegation, protocoltest.Delegation(protocol.RoleRegistrar, signer.Key()), change...)
}

func (t *teller) delegations() {
	type D = protocol.Delegation
	w, other := t.w, protocoltest.Signer(t.tb, "registrar 2")
	later := func(d *D) { d.Number++ }
	province := func(d *D) { d.Units = []protocol.UnitID{"binh-an", "tan-lap"} }
	of := func(s *envelope.Signer) []byte {
		return seal(t, s, envelope.KindDelegation, protocoltest.Delegation(protocol.RoleRegistrar, other.Key()))
	}
	t.begun("whole chain").
		step(protocoltest.Step{Do: "placement", Hex: w.Placements[protocoltest.Speaker], Now: protocoltest.At(0), Expect: "ok"}).
		give("populations", "ok", w.Populations).
		step(protocoltest.Step{Do: "plan", Hex: w.PlanHead(t.tb), Unit: protocoltest.Commune, Now: protocoltest.At(0), Expect: "ok"}).
		claim("ok", w.Claim(t.tb, protocoltest.Bulletin()))
	t.story("delegation by a stranger").give("delegation", "stranger", of(protocoltest.Signer(t.tb, "stranger")))
	t.delegated("delegation by a registrar").give("delegation", "not-permitted", of(w.Registrar))
	t.begun("delegation by an approver").give("delegation", "not-permitted", of(w.First))
	t.story("delegation sealed as a list of approvers").give("delegation", "bad-signature",
		seal(t, w.Root, envelope.KindApprovers, protocoltest.Delegation(protocol.RoleRegistrar, other.Key())))
	t.story("delegation of another message").give("delegation", "malformed",
		seal(t, w.Root, envelope.KindDelegation, protocoltest.Populations()))
	t.delegated("delegation again").give("delegation", "ok", w.Delegations[0])
	t.delegated("delegation of the same number, changed").
		give("delegation", "older", t.registrar(w.Registrar, func(d *D) { d.Until++ }))
	t.delegated("replaced registrar comes back").
		give("delegation", "ok", t.registrar(other, later)).give("delegation", "older", w.Delegations[0])
	t.delegated("replaced registrar signs").
		give("delegation", "ok", t.registrar(other, later)).give("approvers", "stranger", w.Approvers)
	t.begun("replaced registrar's list counts no more").
		give("delegation", "ok", t.registrar(other, later)).claim("not-permitted", t.w.Claim(t.tb, protocoltest.Bulletin()))
	t.begun("renewed registrar's list still counts").
		give("delegation", "ok", t.registrar(w.Registrar, later)).claim("ok", t.w.Claim(t.tb, protocoltest.Bulletin()))
	t.story("narrowed registrar gets its old reach back by a replay").
		give("delegation", "ok", t.registrar(w.Registrar, province)).
		give("delegation", "ok", t.registrar(w.Registrar, later)).
		give("delegation", "older", t.registrar(w.Registrar, province))
	t.story("older delegation of the same key for other units").
		give("delegation", "ok", t.registrar(w.Registrar)).
		give("delegation", "older", t.registrar(w.Registrar, province, func(d *D) { d.Number-- }))
	t.story("replaced key comes back through a slot left empty").
		give("delegation", "ok", t.registrar(w.Registrar)).
		give("delegation", "ok", t.registrar(other, later)).
		give("delegation", "ok", t.registrar(other, province, later, later)).
		give("delegation", "older", t.registrar(w.Registrar))
}

func (t *teller) lists() {
	type L = protocol.Approvers
	w, stranger := t.w, protocoltest.Signer(t.tb, "stranger")
	by := func(s *envelope.Signer, change ...func(*L)) []byte {
		list := protocoltest.Approvers(protocoltest.Approver(protocoltest.First, "Nguyễn Thị Duyệt", w.First.Key()))
		return seal(t, s, envelope.KindApprovers, list, change...)
	}
	unit := func(u protocol.UnitID) func(*L) { return func(l *L) { l.Unit = u } }
	t.delegated("approvers by the hub").give("approvers", "not-permitted", by(w.Hub))
	t.delegated("approvers by the root").give("approvers", "not-permitted", by(w.Root))
	t.begun("approvers by an approver").give("approvers", "not-permitted", by(w.First))
	t.delegated("approvers by a stranger").give("approvers", "stranger", by(stranger))
	t.delegated("approvers of a village").give("approvers", "ok", by(w.Registrar, unit(protocoltest.Dong)))
	t.delegated("approvers of a unit off the path").give("approvers", "not-permitted", by(w.Registrar, unit(protocoltest.Doai)))
	t.story("approvers of a unit above the registrar's").
		give("delegation", "ok", t.registrar(w.Registrar, func(d *protocol.Delegation) { d.Units = []protocol.UnitID{protocoltest.Dong} })).
		give("approvers", "not-permitted", by(w.Registrar))
	t.delegated("approvers issued when the delegation ends").
		give("approvers", "expired", by(w.Registrar, func(l *L) { l.Issued, l.Expires = protocoltest.At(year), protocoltest.At(2*year) }))
	t.delegated("approvers issued before the delegation begins").
		give("approvers", "expired", by(w.Registrar, func(l *L) { l.Issued = protocoltest.At(-25 * time.Hour) }))
	t.begun("approvers of a lower number").give("approvers", "older", by(w.Registrar, func(l *L) { l.Number-- }))
	t.begun("approvers of the same number, changed").give("approvers", "older", by(w.Registrar))
	t.begun("approvers again").give("approvers", "ok", w.Approvers)
	t.begun("newer approvers without one who signed").
		give("approvers", "ok", by(w.Registrar, func(l *L) { l.Number++; l.People[0].Person, l.People[0].Key = protocoltest.Second, w.Second.Key() })).
		claim("stranger", w.Claim(t.tb, protocoltest.Bulletin()))
	t.delegated("populations by the hub").
		give("populations", "not-permitted", seal(t, w.Hub, envelope.KindPopulations, protocoltest.Populations()))
	t.delegated("populations of a unit off the path").
		give("populations", "not-permitted", seal(t, w.Registrar, envelope.KindPopulations, protocoltest.Populations(),
			func(p *protocol.Populations) { p.Unit = "tan-lap" }))
	t.delegated("populations from after the delegation ends").
		give("populations", "expired", seal(t, w.Registrar, envelope.KindPopulations, protocoltest.Populations(),
			func(p *protocol.Populations) { p.From = protocoltest.At(year) }))
}

func (t *teller) placements() {
	type P = protocol.Placement
	w, neighbour, above := t.w, protocoltest.Signer(t.tb, "registrar of tan-lap"), protocoltest.Signer(t.tb, "registrar of the province")
	units := func(us ...protocol.UnitID) func(*protocol.Delegation) {
		return func(d *protocol.Delegation) { d.Units = us }
	}
	here := protocoltest.Encode(t.tb, protocoltest.Placement(protocoltest.Speaker, protocoltest.Dong))
	give := func(name, expect string, now protocol.Instant, current []byte, signer *envelope.Signer, change ...func(*P)) {
		p := protocoltest.Placement(protocoltest.Speaker, protocoltest.Dong)
		p.Number++
		t.delegated(name).
			give("delegation", "ok", t.registrar(neighbour, units("tan-lap"))).
			give("delegation", "ok", t.registrar(above, units("binh-an", "tan-lap"))).
			step(protocoltest.Step{
				Do: "placement", Hex: seal(t, signer, envelope.KindPlacement, p, change...),
				Current: current, Now: now, Expect: expect,
			})
	}
	to := func(path ...protocol.UnitID) func(*P) { return func(p *P) { p.Path, p.Serves = path, nil } }
	number := func(n uint64) func(*P) { return func(p *P) { p.Number = n } }
	now := protocoltest.At(0)
	held := protocoltest.Number(-22 * time.Hour)
	give("first placement", "ok", now, nil, w.Registrar)
	give("placement in the same unit", "ok", now, here, w.Registrar)
	give("placement in another village", "ok", now, here, w.Registrar, to("binh-an", "binh-an-doai"))
	give("placement by the hub", "not-permitted", now, nil, w.Hub)
	give("placement by an approver", "stranger", now, nil, w.First)
	give("placement by the neighbour's registrar", "not-permitted", now, here, neighbour)
	give("device taken into the neighbour's commune", "not-permitted", now, here, neighbour, to("tan-lap"))
	give("device taken under the neighbour's unit by a false path", "not-permitted", now, here, neighbour, to("tan-lap", "binh-an-dong"))
	give("device given to the neighbour's commune", "not-permitted", now, here, w.Registrar, to("tan-lap"))
	give("device moved by the registrar of both", "ok", now, here, above, to("tan-lap"))
	give("placement of another device", "not-permitted", now, here, w.Registrar, func(p *P) { p.Device = "loa-doai" })
	give("placement of the number held", "older", now, here, w.Registrar, number(held))
	give("placement of a lower number", "older", now, here, w.Registrar, number(held-1))
	give("placement a day ahead", "ok", now, here, w.Registrar, number(protocoltest.Number(day)))
	give("placement over a day ahead", "not-permitted", now, here, w.Registrar, number(protocoltest.Number(day)+1))
	give("first placement over a day ahead", "not-permitted", now, nil, w.Registrar, number(protocoltest.Number(day)+1))
	give("placement over a day ahead of an unsure clock", "ok", 0, here, w.Registrar, number(protocoltest.Number(2*day)))
	give("placement from before the delegation", "expired", now, nil, w.Registrar, func(p *P) { p.From = protocoltest.At(-25 * time.Hour) })
	give("placement from after the delegation", "expired", now, nil, w.Registrar, func(p *P) { p.From = protocoltest.At(year) })
}

func (t *teller) hub() {
	w := t.w
	command := protocoltest.Command()
	give := func(name, expect string, unit protocol.UnitID, now protocol.Instant, kind envelope.Kind, b []byte) {
		t.begun(name).step(protocoltest.Step{Do: string(kind), Hex: b, Unit: unit, Now: now, Expect: expect})
	}
	now := protocoltest.At(0)
	by := func(s *envelope.Signer, kind envelope.Kind) []byte { return protocoltest.Seal(t.tb, s, kind, command) }
	give("command", "ok", protocoltest.Dong, now, envelope.KindCommand, by(w.Hub, envelope.KindCommand))
	give("command sealed as a plan", "bad-signature", protocoltest.Dong, now, envelope.KindCommand, by(w.Hub, envelope.KindPlan))
	give("command by the registrar", "not-permitted", protocoltest.Dong, now, envelope.KindCommand, by(w.Registrar, envelope.KindCommand))
	give("command by an approver", "not-permitted", protocoltest.Dong, now, envelope.KindCommand, by(w.First, envelope.KindCommand))
	give("command by the root", "not-permitted", protocoltest.Dong, now, envelope.KindCommand, by(w.Root, envelope.KindCommand))
	give("command by a device", "stranger", protocoltest.Dong, now, envelope.KindCommand, by(w.Devices[protocoltest.Speaker], envelope.KindCommand))
	give("command for a unit off the path", "not-permitted", protocoltest.Doai, now, envelope.KindCommand, by(w.Hub, envelope.KindCommand))
	give("command by a hub whose time is over", "expired", protocoltest.Dong, protocoltest.At(year), envelope.KindCommand, by(w.Hub, envelope.KindCommand))
	give("command by a hub before its time", "expired", protocoltest.Dong, protocoltest.At(-25*time.Hour), envelope.KindCommand, by(w.Hub, envelope.KindCommand))
	give("command by a hub to an unsure clock", "ok", protocoltest.Dong, 0, envelope.KindCommand, by(w.Hub, envelope.KindCommand))
	other := protocoltest.Signer(t.tb, "hub of tan-lap")
	t.begun("command by the neighbour's hub").
		give("delegation", "ok", seal(t, w.Root, envelope.KindDelegation, protocoltest.Delegation(protocol.RoleHub, other.Key()),
			func(d *protocol.Delegation) { d.Units = []protocol.UnitID{"tan-lap"} })).
		step(protocoltest.Step{Do: "command", Hex: by(other, envelope.KindCommand), Unit: protocoltest.Dong, Now: now, Expect: "not-permitted"})
}

// run plays a story and compares every step with what it expects; the chain uses a
// memory, if there is one.
func run(s protocoltest.Story, m *envelope.Memory) error {
	roots := make([]protocol.Key, 0, len(s.Roots))
	for _, r := range s.Roots {
		roots = append(roots, protocol.Key{Kind: protocol.KeyEd25519, Public: r})
	}
	chain := envelope.NewChainOf(protocol.Roots{Threshold: max(1, s.Threshold), Keys: roots})
	chain.Remember(m)
	for i, step := range s.Steps {
		err := take(chain, s.Path, step)
		if got := protocoltest.KindOf(err); got != step.Expect {
			return fmt.Errorf("step %d, %s: %s, want %s (%v)", i+1, step.Do, got, step.Expect, err)
		}
	}
	return nil
}

func take(c *envelope.Chain, path []protocol.UnitID, s protocoltest.Step) error {
	var now time.Time
	if s.Now != 0 {
		now = s.Now.Time()
	}
	var err error
	switch s.Do {
	case "roots":
		_, err = c.AddRoots(s.Hex)
	case "delegation":
		_, err = c.AddDelegation(s.Hex)
	case "approvers":
		_, err = c.AddApprovers(s.Hex, path)
	case "placement":
		var current *protocol.Placement
		if s.Current != nil {
			p, err := protocol.Unmarshal[protocol.Placement](s.Current, envelope.MaxDocument)
			if err != nil {
				return err
			}
			current = &p
		}
		_, err = c.OpenPlacement(s.Hex, current, now)
	case "populations":
		_, err = c.OpenPopulations(s.Hex, path)
	case "claim":
		a, err := protocol.Unmarshal[protocol.Airing](s.Hex, protocol.MaxControl)
		if err != nil {
			return err
		}
		_, err = c.CheckApproval(envelope.Claim{Airing: a, Bulletin: s.Bulletin, Approval: s.Approval, Path: path}, now)
		return err
	default:
		_, err = c.OpenHub(envelope.Kind(s.Do), s.Hex, protocol.MaxControl, path, s.Unit, now)
	}
	return err
}

// Every story of the chain of trust ends as its example says. Signed examples
// never change.
func TestStories(t *testing.T) {
	file := filepath.Join(vectorDir, "chain.json")
	merged := protocoltest.Merge(t, file, stories(t), func(s protocoltest.Story) string { return s.Name })
	if updating() {
		protocoltest.Save(t, file, merged)
	}
	held := protocoltest.Load[protocoltest.Story](t, file)
	if len(held) != len(merged) {
		t.Errorf("%s lacks %d stories, see -update", file, len(merged)-len(held))
	}
	// A chain that remembers what was good, in this story and in all others, even in
	// another order, ends each of them as one that does not.
	large, small := envelope.NewMemory(1000), envelope.NewMemory(3)
	for _, memory := range []*envelope.Memory{nil, large, large, small, new(envelope.Memory)} {
		for _, s := range held {
			if err := run(s, memory); err != nil {
				t.Errorf("%s: %v", s.Name, err)
			}
		}
		slices.Reverse(held)
	}
}

// What was checked once is not checked again, by whichever kind of key.
func BenchmarkCheckAgain(b *testing.B) {
	w := protocoltest.NewWorld(b)
	chain, claim := w.Chain(b), w.Claim(b, protocoltest.Bulletin())
	for name, m := range map[string]*envelope.Memory{"forgetful": nil, "remembering": envelope.NewMemory(10)} {
		b.Run(name, func(b *testing.B) {
			chain.Remember(m)
			for b.Loop() {
				if _, err := chain.CheckApproval(claim, protocoltest.Now()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A number grows, and runs at most a day ahead of trusted time.
func TestReplay(t *testing.T) {
	now := protocoltest.Now()
	tomorrow := protocoltest.Number(day)
	for _, c := range []struct {
		name      string
		held, got uint64
		now       time.Time
		want      error
	}{
		{"first", 0, 1, now, nil},
		{"next", 5, 6, now, nil},
		{"same", 5, 5, now, envelope.ErrOlder},
		{"older", 5, 4, now, envelope.ErrOlder},
		{"none", 0, 0, now, envelope.ErrOlder},
		{"a day ahead", 0, tomorrow, now, nil},
		{"over a day ahead", 0, tomorrow + 1, now, envelope.ErrNotPermitted},
		{"the last number", 0, 1<<64 - 1, now, envelope.ErrNotPermitted},
		{"over a day ahead of an unsure clock", 0, tomorrow + 1, time.Time{}, nil},
		{"a clock before 1970", 0, 1, time.Unix(-2*86400, 0), envelope.ErrNotPermitted},
	} {
		if err := envelope.Replay(c.held, c.got, c.now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// A unit covers itself and what stands below it on the path.
func TestCovers(t *testing.T) {
	path := []protocol.UnitID{"tinh", "xa", "thon"}
	for _, c := range []struct {
		units []protocol.UnitID
		unit  protocol.UnitID
		want  bool
	}{
		{[]protocol.UnitID{"tinh"}, "thon", true},
		{[]protocol.UnitID{"xa"}, "xa", true},
		{[]protocol.UnitID{"khac", "xa"}, "thon", true},
		{[]protocol.UnitID{"thon"}, "xa", false},
		{[]protocol.UnitID{"khac"}, "khac", false},
		{[]protocol.UnitID{"khac"}, "thon", false},
		{nil, "thon", false},
	} {
		if got := envelope.Covers(c.units, path, c.unit); got != c.want {
			t.Errorf("%v covers %s: %t, want %t", c.units, c.unit, got, c.want)
		}
	}
}

// The zero value trusts nobody.
func TestZeroChainTrustsNobody(t *testing.T) {
	w := protocoltest.NewWorld(t)
	var c envelope.Chain
	if _, err := c.AddDelegation(w.Delegations[0]); !errors.Is(err, envelope.ErrStranger) {
		t.Errorf("delegation: %v", err)
	}
	if _, err := c.CheckApproval(w.Claim(t, protocoltest.Bulletin()), protocoltest.Now()); !errors.Is(err, envelope.ErrStranger) {
		t.Errorf("claim: %v", err)
	}
}
