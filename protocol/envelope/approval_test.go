package envelope_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// claimed is a claim in the making: what is approved, by whom, and how it is used.
type claimed struct {
	bulletin  protocol.Bulletin
	statement func(*protocol.Statement)
	airing    func(*protocol.Airing)
	signers   []*envelope.Signer
}

// build makes the claim; airings and statements fit unless they are changed.
func (t *teller) build(c claimed) envelope.Claim {
	t.tb.Helper()
	bulletin := protocoltest.Encode(t.tb, c.bulletin)
	s := protocoltest.Statement(bulletin, c.bulletin.Class)
	if c.statement != nil {
		c.statement(&s)
	}
	approval := protocoltest.Approve(t.tb, s, c.signers...)
	a := protocoltest.Airing(c.bulletin, bulletin, approval)
	if c.airing != nil {
		c.airing(&a)
	}
	return envelope.Claim{Airing: a, Bulletin: bulletin, Approval: approval, Path: t.w.Path()}
}

func (t *teller) approvals() {
	type (
		S = protocol.Statement
		A = protocol.Airing
		B = protocol.Bulletin
	)
	w := t.w
	one, two := []*envelope.Signer{w.First}, []*envelope.Signer{w.First, w.Second}
	normal, emergency := protocoltest.Bulletin(), protocoltest.Emergency()
	give := func(name, expect string, b B, signers []*envelope.Signer, s func(*S), a func(*A)) {
		t.begun(name).claim(expect, t.build(claimed{bulletin: b, signers: signers, statement: s, airing: a}))
	}
	change := func(b B, do func(*B)) B { do(&b); return b }
	drill := func(s *S) { s.Drill = true }
	drilled := func(a *A) { a.Drill = true }
	give("normal bulletin", "ok", normal, one, nil, nil)
	give("normal bulletin by two", "ok", normal, two, nil, nil)
	give("priority bulletin", "ok", change(normal, func(b *B) { b.Class = protocol.ClassPriority }), one, nil, nil)
	give("emergency by two", "ok", emergency, two, nil, nil)
	give("drill by two", "ok", emergency, two, drill, drilled)
	give("emergency by one", "not-permitted", emergency, one, nil, nil)
	give("drill by one", "not-permitted", emergency, one, drill, drilled)
	give("emergency by one person twice", "not-permitted", emergency, []*envelope.Signer{w.First, w.First}, nil, nil)
	give("by its author", "not-permitted", change(normal, func(b *B) { b.Author = protocoltest.First }), one, nil, nil)
	give("emergency by its author and another", "not-permitted", change(emergency, func(b *B) { b.Author = protocoltest.Second }), two, nil, nil)
	give("by a stranger", "stranger", normal, []*envelope.Signer{protocoltest.Signer(t.tb, "stranger")}, nil, nil)
	give("by a stranger beside an approver", "stranger", emergency, []*envelope.Signer{w.First, protocoltest.Signer(t.tb, "stranger")}, nil, nil)
	give("by the registrar", "not-permitted", normal, []*envelope.Signer{w.Registrar}, nil, nil)
	give("by the hub", "not-permitted", normal, []*envelope.Signer{w.Hub}, nil, nil)
	give("drill approved, actual aired", "not-permitted", emergency, two, drill, nil)
	give("actual approved, drill aired", "not-permitted", emergency, two, nil, drilled)
	give("aired as another class", "not-permitted", normal, one, nil, func(a *A) { a.Class = protocol.ClassPriority })
	give("approved as another class", "not-permitted", normal, one, func(s *S) { s.Class = protocol.ClassPriority }, nil)
	give("night without permission", "not-permitted", normal, one, nil, func(a *A) { a.Night = true })
	give("night with permission", "ok", normal, one, func(s *S) { s.Night, s.NightReason = true, "bão" }, func(a *A) { a.Night = true })
	give("day airing with night permission", "ok", normal, one, func(s *S) { s.Night, s.NightReason = true, "bão" }, nil)
	give("for another unit", "not-permitted", normal, one, func(s *S) { s.Units = []protocol.UnitID{"tan-lap"} }, nil)
	give("for a village, aired in the commune", "not-permitted", normal, one, func(s *S) { s.Units = []protocol.UnitID{protocoltest.Dong} }, nil)
	give("for a village, aired there", "ok", normal, one,
		func(s *S) { s.Units = []protocol.UnitID{protocoltest.Dong} }, func(a *A) { a.Unit = protocoltest.Dong })
	give("for another village, aired here", "not-permitted", normal, one,
		func(s *S) { s.Units = []protocol.UnitID{protocoltest.Doai} }, func(a *A) { a.Unit = protocoltest.Dong })
	give("for the commune, aired in a village", "ok", normal, one, nil, func(a *A) { a.Unit = protocoltest.Dong })
	give("aired in a unit off the path", "not-permitted", normal, one, nil, func(a *A) { a.Unit = protocoltest.Doai })
	give("another bulletin approved", "not-permitted", normal, one, func(s *S) { s.Bulletin = protocol.DigestOf([]byte("other")) }, nil)
	give("airing of another bulletin", "not-permitted", normal, one, nil, func(a *A) { a.Bulletin = protocol.ContentOf([]byte("other")) })
	give("airing of another approval", "not-permitted", normal, one, nil, func(a *A) { a.Approval = protocol.ContentOf([]byte("other")) })
	other := protocol.ContentOf([]byte("another sound"))
	give("another sound", "not-permitted", normal, one, nil, func(a *A) { a.Sound = &other })
	give("sound of a bulletin that has none", "not-permitted", change(normal, func(b *B) { b.Sound = nil }), one, nil,
		func(a *A) { a.Sound, a.SoundFor = &other, 2500 })
	give("sound cut short", "not-permitted", normal, one, nil, func(a *A) { a.SoundFor-- })
	give("sound drawn out", "not-permitted", normal, one, nil, func(a *A) { a.SoundFor++ })
	give("emergency with time to be spoken", "ok", emergency, two, nil, func(a *A) { a.SoundFor += 5000 })
	give("emergency cut short", "not-permitted", emergency, two, nil, func(a *A) { a.SoundFor-- })
	give("emergency without its sound", "ok", emergency, two, nil, func(a *A) { a.Sound = nil })
	give("board of a bulletin that has none", "not-permitted", change(normal, func(b *B) { b.Board = nil }), one, nil,
		func(a *A) { a.BoardFor = 1000 })

	relay := protocoltest.RelayBulletin()
	give("relay", "ok", relay, one, nil, nil)
	give("relay of less time", "ok", relay, one, nil, func(a *A) { a.SoundFor -= 60_000 })
	give("relay of more time", "not-permitted", relay, one, nil, func(a *A) { a.SoundFor++ })
	give("relay with a sound", "not-permitted", relay, one, nil, func(a *A) { a.Sound = &other })
	give("sound in the place of its bulletin", "not-permitted", normal, one, nil, func(a *A) { a.Sound = &a.Bulletin })

	t.broken(normal, emergency)
}

// broken gives approvals whose bytes were tampered with.
func (t *teller) broken(normal, emergency protocol.Bulletin) {
	w := t.w
	give := func(name, expect string, b protocol.Bulletin, change func(*protocol.Approval)) {
		signers := []*envelope.Signer{w.First}
		if b.Class == protocol.ClassEmergency {
			signers = append(signers, w.Second)
		}
		c := t.build(claimed{bulletin: b, signers: signers})
		a, err := protocol.Unmarshal[protocol.Approval](c.Approval, protocol.MaxApproval)
		if err != nil {
			t.tb.Fatalf("%v", err)
		}
		change(&a)
		c.Approval = protocoltest.Encode(t.tb, a)
		c.Airing.Approval = protocol.ContentOf(c.Approval)
		t.begun(name).claim(expect, c)
	}
	sign := func(s *envelope.Signer, kind envelope.Kind, b []byte) []byte {
		sig, err := s.Sign(kind, b)
		if err != nil {
			t.tb.Fatalf("%v", err)
		}
		return sig
	}
	statement := func(change func(*protocol.Statement)) []byte {
		s := protocoltest.Statement(protocoltest.Encode(t.tb, emergency), protocol.ClassEmergency)
		change(&s)
		return protocoltest.Encode(t.tb, s)
	}
	give("halves of two emergencies", "bad-signature", emergency, func(a *protocol.Approval) {
		a.Signatures[1] = sign(w.Second, envelope.KindApproval, statement(func(s *protocol.Statement) { s.LastDay = "2026-12-30" }))
	})
	give("half of an emergency, half of its drill", "bad-signature", emergency, func(a *protocol.Approval) {
		a.Signatures[1] = sign(w.Second, envelope.KindApproval, statement(func(s *protocol.Statement) { s.Drill = true }))
	})
	give("statement changed after it was signed", "bad-signature", normal, func(a *protocol.Approval) {
		a.Statement = bytes.Replace(a.Statement, []byte("2026-12-31"), []byte("2027-12-31"), 1)
	})
	give("signature for another kind", "bad-signature", normal, func(a *protocol.Approval) {
		a.Signatures[0] = sign(w.First, envelope.KindPlan, a.Statement)
	})
	give("signature with the statement inside", "malformed", normal, func(a *protocol.Approval) {
		sealed, err := w.First.Seal(envelope.KindApproval, a.Statement)
		if err != nil {
			t.tb.Fatalf("%v", err)
		}
		a.Signatures[0] = sealed
	})
	give("no signature at all", "malformed", normal, func(a *protocol.Approval) { a.Signatures[0] = []byte("yes") })
	give("statement with an unknown key", "unknown-key", normal, func(a *protocol.Approval) {
		a.Statement = append([]byte{a.Statement[0] + 1}, append(bytes.Clone(a.Statement[1:]), 12, 0)...)
		a.Signatures[0] = sign(w.First, envelope.KindApproval, a.Statement)
	})
	give("statement with an optional key", "ok", normal, func(a *protocol.Approval) {
		a.Statement = append([]byte{a.Statement[0] + 1}, append(bytes.Clone(a.Statement[1:]), 0x19, 0x03, 0xe8, 0)...)
		a.Signatures[0] = sign(w.First, envelope.KindApproval, a.Statement)
	})
	c := t.build(claimed{bulletin: normal, signers: []*envelope.Signer{w.First}})
	c.Bulletin = bytes.Replace(c.Bulletin, []byte("7h30"), []byte("9h30"), 1)
	t.begun("bulletin changed after it was approved").claim("not-permitted", c)
}

// rights gives approvals by people whose rights end somewhere.
func (t *teller) rights() {
	type P = protocol.Approver
	w, normal := t.w, protocoltest.Bulletin()
	classes := func(cs ...protocol.Class) func(*P) { return func(p *P) { p.Classes = cs } }
	list := func(unit protocol.UnitID, people ...P) []byte {
		return seal(t, w.Registrar, envelope.KindApprovers, protocoltest.Approvers(people...), func(l *protocol.Approvers) { l.Unit = unit })
	}
	person := func(change ...func(*P)) P {
		p := protocoltest.Approver(protocoltest.First, "Nguyễn Thị Duyệt", w.First.Key())
		for _, c := range change {
			c(&p)
		}
		return p
	}
	claim := t.build(claimed{bulletin: normal, signers: []*envelope.Signer{w.First}})
	village := t.build(claimed{
		bulletin: normal, signers: []*envelope.Signer{w.First},
		airing: func(a *protocol.Airing) { a.Unit = protocoltest.Dong },
	})
	priority := normal
	priority.Class = protocol.ClassPriority
	urgent := t.build(claimed{bulletin: priority, signers: []*envelope.Signer{w.First}})
	at := func(from, until time.Duration) func(*P) {
		return func(p *P) { p.From, p.Until = protocoltest.At(from), protocoltest.At(until) }
	}

	t.delegated("approver of a village, for the commune").give("approvers", "ok", list(protocoltest.Dong, person())).claim("not-permitted", claim)
	t.delegated("approver of a village, for that village").give("approvers", "ok", list(protocoltest.Dong, person())).claim("ok", village)
	t.delegated("approver for a lower class").
		give("approvers", "ok", list(protocoltest.Commune, person(classes(protocol.ClassNormal)))).claim("not-permitted", urgent)
	t.delegated("approver for another class").
		give("approvers", "ok", list(protocoltest.Commune, person(classes(protocol.ClassEmergency)))).claim("not-permitted", claim)
	t.story("registrar for a lower class").
		give("delegation", "ok", t.registrar(w.Registrar, func(d *protocol.Delegation) { d.Classes = d.Classes[:1] })).
		give("approvers", "ok", w.Approvers).claim("ok", claim).claim("not-permitted", urgent)
	t.story("registrar for a smaller unit since then").
		give("delegation", "ok", t.registrar(w.Registrar)).give("approvers", "ok", w.Approvers).
		give("delegation", "ok", t.registrar(w.Registrar, func(d *protocol.Delegation) {
			d.Units, d.Number = []protocol.UnitID{protocoltest.Dong}, d.Number+1
		})).claim("not-permitted", claim)
	t.delegated("approver before their time").
		give("approvers", "ok", list(protocoltest.Commune, person(at(0, year)))).claim("expired", claim)
	t.delegated("approver after their time").
		give("approvers", "ok", list(protocoltest.Commune, person(at(-2*day, -time.Hour)))).claim("expired", claim)
	t.delegated("approver in the first millisecond of their time").
		give("approvers", "ok", list(protocoltest.Commune, person(at(-time.Hour, year)))).claim("ok", claim)
	t.delegated("deputy with a second right").
		give("approvers", "ok", list(protocoltest.Commune,
			person(classes(protocol.ClassNormal)),
			person(classes(protocol.ClassPriority), at(-day, day), func(p *P) { p.Deputy = "chu-tich" }),
		)).claim("ok", claim).claim("ok", urgent)
	t.delegated("deputy whose second right is over").
		give("approvers", "ok", list(protocoltest.Commune,
			person(classes(protocol.ClassNormal)),
			person(classes(protocol.ClassPriority), at(-3*day, -2*day), func(p *P) { p.Deputy = "chu-tich" }),
		)).claim("ok", claim).claim("expired", urgent)
	t.begun("when the list expires").claimAt("expired", claim, protocoltest.At(year))
	t.begun("just before the list expires").claimAt("ok", claim, protocoltest.At(year)-1)
	week := seal(t, w.Registrar, envelope.KindApprovers, protocoltest.Approvers(person()),
		func(l *protocol.Approvers) { l.Expires = protocoltest.At(7 * day) })
	t.delegated("list of a week").give("approvers", "ok", week).
		claimAt("ok", claim, protocoltest.At(7*day)-1).claimAt("expired", claim, protocoltest.At(7*day)).claimAt("ok", claim, 0)
	t.begun("accepted long ago, seen again").claimAt("ok", claim, 0)
	t.story("when the registrar's delegation has ended").
		give("delegation", "ok", t.registrar(w.Registrar, func(d *protocol.Delegation) { d.Until = protocoltest.At(0) })).
		give("approvers", "ok", w.Approvers).claim("expired", claim)

	second := protocoltest.Approver(protocoltest.First, "Nguyễn Thị Duyệt", w.Second.Key())
	alarm := t.build(claimed{bulletin: protocoltest.Emergency(), signers: []*envelope.Signer{w.First, w.Second}})
	t.delegated("emergency by one person with two keys").
		give("approvers", "ok", list(protocoltest.Commune, person(), second)).claim("not-permitted", alarm)
	twice := t.build(claimed{bulletin: protocoltest.Emergency(), signers: []*envelope.Signer{w.First, w.First}})
	t.delegated("emergency by one key under two names").
		give("approvers", "ok", list(protocoltest.Commune, person())).
		give("approvers", "ok", list(protocoltest.Dong, person(func(p *P) { p.Person = protocoltest.Second }))).
		claim("not-permitted", twice)
}

// An approval covers its days, both included.
func TestGrantDay(t *testing.T) {
	g := envelope.Grant{Statement: protocol.Statement{FirstDay: "2026-11-23", LastDay: "2026-12-31"}}
	for d, want := range map[protocol.Date]error{
		"2026-11-22": envelope.ErrNotPermitted,
		"2026-11-23": nil,
		"2026-12-31": nil,
		"2027-01-01": envelope.ErrExpired,
	} {
		if err := g.Day(d); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", d, err, want)
		}
	}
}

// A grant names those who gave it, in the order of their signatures.
func TestGrantNamesPeople(t *testing.T) {
	w := protocoltest.NewWorld(t)
	g, err := w.Chain(t).CheckApproval(w.Claim(t, protocoltest.Emergency()), protocoltest.Now())
	if err != nil || len(g.People) != 2 || g.People[0] != protocoltest.First || g.People[1] != protocoltest.Second {
		t.Errorf("given by %v, %v", g.People, err)
	}
	if g.Statement.PlaysPerDay != 4 {
		t.Errorf("%d plays a day", g.Statement.PlaysPerDay)
	}
}

// Nothing that is not the approval of this airing is taken for it.
func FuzzCheckApproval(f *testing.F) {
	for _, s := range protocoltest.Load[protocoltest.Story](f, filepath.Join(vectorDir, "chain.json")) {
		for _, step := range s.Steps {
			if step.Do == "claim" {
				f.Add([]byte(step.Bulletin), []byte(step.Approval))
			}
		}
	}
	w := protocoltest.NewWorld(f)
	chain := w.Chain(f)
	f.Fuzz(func(t *testing.T, bulletin, approval []byte) {
		claim := w.Claim(t, protocoltest.Bulletin())
		same := bytes.Equal(claim.Bulletin, bulletin) && bytes.Equal(claim.Approval, approval)
		claim.Bulletin, claim.Approval = bulletin, approval
		_, err := chain.CheckApproval(claim, protocoltest.Now())
		held(t, len(bulletin)+len(approval), func() { _, _ = chain.CheckApproval(claim, protocoltest.Now()) })
		if (err == nil) != same {
			t.Fatalf("the same documents: %t; %v", same, err)
		}
		claim.Airing.Bulletin, claim.Airing.Approval = protocol.ContentOf(bulletin), protocol.ContentOf(approval)
		if g, err := chain.CheckApproval(claim, protocoltest.Now()); err == nil && g.Statement.Bulletin != protocol.DigestOf(bulletin) {
			t.Fatalf("a statement on another bulletin was taken")
		}
	})
}

func FuzzTrustDocuments(f *testing.F) {
	for _, s := range protocoltest.Load[protocoltest.Story](f, filepath.Join(vectorDir, "chain.json")) {
		for _, step := range s.Steps {
			if step.Do != "claim" {
				f.Add(step.Do, []byte(step.Hex))
			}
		}
	}
	w := protocoltest.NewWorld(f)
	f.Fuzz(func(t *testing.T, do string, b []byte) {
		chain := w.Chain(t)
		err := take(chain, w.Path(), protocoltest.Step{Do: do, Hex: b, Unit: protocoltest.Commune, Now: protocoltest.At(0)})
		if word := protocoltest.KindOf(err); strings.Contains(word, "kinds:") {
			t.Fatalf("refused as %s", word)
		}
		held(t, len(b), func() {
			_ = take(chain, w.Path(), protocoltest.Step{Do: do, Hex: b, Unit: protocoltest.Commune, Now: protocoltest.At(0)})
		})
		if _, err := chain.CheckApproval(w.Claim(t, protocoltest.Bulletin()), protocoltest.Now()); err != nil && do != "roots" && do != "delegation" && do != "approvers" {
			t.Fatalf("%s changed who may approve: %v", do, err)
		}
	})
}

func BenchmarkCheckApproval(b *testing.B) {
	w := protocoltest.NewWorld(b)
	chain, claim := w.Chain(b), w.Claim(b, protocoltest.Bulletin())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := chain.CheckApproval(claim, protocoltest.Now()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckEmergency(b *testing.B) {
	w := protocoltest.NewWorld(b)
	chain, claim := w.Chain(b), w.Claim(b, protocoltest.Emergency())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := chain.CheckApproval(claim, protocoltest.Now()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenAlert(b *testing.B) {
	w := protocoltest.NewWorld(b)
	chain := w.Chain(b)
	sealed := protocoltest.Seal(b, w.Hub, envelope.KindAlert, w.Alert(b))
	b.ReportMetric(float64(len(sealed)), "bytes")
	b.ReportAllocs()
	for b.Loop() {
		payload, err := chain.OpenHub(envelope.KindAlert, sealed, protocol.MaxAlert, w.Path(), protocoltest.Commune, protocoltest.Now())
		if err != nil {
			b.Fatal(err)
		}
		a, err := protocol.Unmarshal[protocol.Alert](payload, protocol.MaxAlert)
		if err != nil {
			b.Fatal(err)
		}
		claim := envelope.Claim{Airing: *a.Airing, Bulletin: a.Bulletin, Approval: a.Approval, Path: w.Path()}
		if _, err := chain.CheckApproval(claim, protocoltest.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
