package envelope_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// passkeys gives approvals by passkeys, and every way in which one is refused.
func (t *teller) passkeys() {
	type (
		A = protocoltest.Asked
		L = protocol.Approvers
	)
	w, key := t.w, protocoltest.NewPasskey(t.tb, "duyet1")
	second := protocoltest.NewPasskey(t.tb, "duyet2")
	list := func(change ...func(*L)) []byte {
		l := protocoltest.Approvers(
			protocoltest.Approver(protocoltest.First, "Nguyễn Thị Duyệt", key.Key()),
			protocoltest.Approver(protocoltest.First, "Nguyễn Thị Duyệt", w.First.Key()),
			protocoltest.Approver(protocoltest.Second, "Trần Văn Duyệt", w.Second.Key()),
			protocoltest.Approver(protocoltest.Second, "Trần Văn Duyệt", second.Key()))
		site := protocoltest.Site()
		l.Site = &site
		return seal(t, w.Registrar, envelope.KindApprovers, l, change...)
	}
	claim := func(b protocol.Bulletin, fill func(*protocol.Approval)) envelope.Claim {
		c := t.build(claimed{bulletin: b, signers: []*envelope.Signer{w.First}})
		a, err := protocol.Unmarshal[protocol.Approval](c.Approval, protocol.MaxApproval)
		if err != nil {
			t.tb.Fatalf("%v", err)
		}
		a.Signatures, a.Assertions = [][]byte{}, nil
		fill(&a)
		c.Approval = protocoltest.Encode(t.tb, a)
		c.Airing.Approval = protocol.ContentOf(c.Approval)
		return c
	}
	normal, emergency := protocoltest.Bulletin(), protocoltest.Emergency()
	by := func(keys ...*protocoltest.Passkey) func(*protocol.Approval) {
		return func(a *protocol.Approval) {
			for _, k := range keys {
				a.Assertions = append(a.Assertions, k.Assert(a.Statement))
			}
		}
	}
	held := func(a *protocol.Approval, s *envelope.Signer) {
		sig, err := s.Sign(envelope.KindApproval, a.Statement)
		if err != nil {
			t.tb.Fatalf("%v", err)
		}
		a.Signatures = append(a.Signatures, sig)
	}
	give := func(name, expect string, change func(*A)) {
		t.delegated("passkey: "+name).give("approvers", "ok", list()).claim(expect, claim(normal, func(a *protocol.Approval) {
			a.Assertions = append(a.Assertions, key.Assert(a.Statement, change))
		}))
	}
	give("normal bulletin", "ok", func(*A) {})
	give("of a security key, not backed up", "ok", func(a *A) { a.Flags = 0x05 })
	give("with extensions", "ok", func(a *A) { a.Flags |= 0x80; a.Extra = []byte{0xa0} })
	give("client data with more members", "ok", func(a *A) { a.Client["other_keys_can_be_added_here"] = "x" })
	give("user not verified", "not-permitted", func(a *A) { a.Flags &^= 0x04 })
	give("user not present", "not-permitted", func(a *A) { a.Flags &^= 0x01 })
	give("backed up though it cannot be", "malformed", func(a *A) { a.Flags &^= 0x08 })
	give("attested data in it", "malformed", func(a *A) { a.Flags |= 0x40 })
	give("bytes behind the data", "malformed", func(a *A) { a.Extra = []byte{0} })
	give("extensions promised, none there", "malformed", func(a *A) { a.Flags |= 0x80 })
	give("for another host", "not-permitted", func(a *A) { a.Host = "loa.example.evil" })
	give("from another origin", "not-permitted", func(a *A) { a.Client["origin"] = "https://loa.example.evil" })
	give("from a subdomain", "not-permitted", func(a *A) { a.Client["origin"] = "https://x.loa.example" })
	give("from another port", "not-permitted", func(a *A) { a.Client["origin"] = "https://loa.example:8443" })
	give("from a frame of another site", "not-permitted", func(a *A) { a.Client["crossOrigin"] = true })
	give("under another top", "not-permitted", func(a *A) { a.Client["topOrigin"] = "https://evil.example" })
	give("under its own top", "not-permitted", func(a *A) { a.Client["topOrigin"] = protocoltest.Site().Origins[0] })
	give("made to register", "not-permitted", func(a *A) { a.Client["type"] = "webauthn.create" })
	give("no origin", "malformed", func(a *A) { delete(a.Client, "origin") })
	give("on another challenge", "bad-signature", func(a *A) {
		a.Client["challenge"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	})
	give("challenge with padding", "malformed", func(a *A) { a.Client["challenge"] = a.Client["challenge"].(string) + "=" })
	give("challenge in the other alphabet", "malformed", func(a *A) { a.Client["challenge"] = "+" + a.Client["challenge"].(string)[1:] })
	give("challenge with loose bits", "malformed", func(a *A) {
		c := a.Client["challenge"].(string)
		a.Client["challenge"] = c[:len(c)-1] + string(c[len(c)-1]+1)
	})
	give("client data no object", "malformed", func(a *A) { a.Raw = []byte(`"webauthn.get"`) })
	give("client data with something behind", "malformed", func(a *A) { a.Raw = []byte(`{"type":"webauthn.get"} {}`) })
	give("a member twice", "malformed", func(a *A) {
		a.Raw = []byte(`{"type":"webauthn.get","origin":"https://evil.example","origin":"https://loa.example","challenge":"` + a.Client["challenge"].(string) + `"}`)
	})
	give("members in another case", "malformed", func(a *A) {
		a.Raw = []byte(`{"Type":"webauthn.get","Origin":"https://loa.example","Challenge":"` + a.Client["challenge"].(string) + `"}`)
	})
	changed := func(name, expect string, change func(*protocol.Assertion)) {
		t.delegated("passkey: "+name).give("approvers", "ok", list()).claim(expect, claim(normal, func(a *protocol.Approval) {
			one := key.Assert(a.Statement)
			change(&one)
			a.Assertions = append(a.Assertions, one)
		}))
	}
	changed("signature with a bit changed", "bad-signature", func(a *protocol.Assertion) { a.Signature[20] ^= 1 })
	changed("no signature in DER", "bad-signature", func(a *protocol.Assertion) { a.Signature = make([]byte, 64) })
	changed("flags changed after it was signed", "bad-signature", func(a *protocol.Assertion) { a.AuthenticatorData[32] ^= 0x10 })
	changed("client data changed after it was signed", "bad-signature", func(a *protocol.Assertion) {
		a.ClientData = bytes.Replace(a.ClientData, []byte(`{`), []byte(`{ `), 1)
	})
	changed("under another's name", "bad-signature", func(a *protocol.Assertion) { a.Key = []byte(second.Key().ID()) })
	changed("under the name of a key held by the hub", "not-permitted", func(a *protocol.Assertion) { a.Key = []byte(w.First.Key().ID()) })
	changed("of a stranger", "stranger", func(a *protocol.Assertion) { a.Key = []byte(protocoltest.NewPasskey(t.tb, "stranger").Key().ID()) })

	t.begun("passkey: on a list without it").claim("stranger", claim(normal, by(key)))
	t.delegated("passkey: on a list without a site").
		give("approvers", "ok", list(func(l *L) { l.Site = nil })).claim("not-permitted", claim(normal, by(key)))
	t.delegated("passkey: on a list of another site").
		give("approvers", "ok", list(func(l *L) { l.Site = &protocol.Site{ID: "other.example", Origins: protocoltest.Site().Origins} })).
		claim("not-permitted", claim(normal, by(key)))
	t.delegated("passkey: its right over").
		give("approvers", "ok", list(func(l *L) { l.People[0].From, l.People[0].Until = protocoltest.At(-2*day), protocoltest.At(-day) })).
		claim("expired", claim(normal, by(key)))
	off := key.Key()
	off.Public[40] ^= 1
	t.delegated("passkey: a key off the curve").
		give("approvers", "ok", list(func(l *L) { l.People[0].Key = off })).
		claim("not-permitted", claim(normal, func(a *protocol.Approval) { by(key)(a); a.Assertions[0].Key = []byte(off.ID()) }))
	t.delegated("passkey: by its author").give("approvers", "ok", list()).
		claim("not-permitted", claim(func() protocol.Bulletin { b := normal; b.Author = protocoltest.First; return b }(), by(key)))
	t.delegated("passkey: emergency by two").give("approvers", "ok", list()).claim("ok", claim(emergency, by(key, second)))
	t.delegated("passkey: emergency by one").give("approvers", "ok", list()).claim("not-permitted", claim(emergency, by(key)))
	t.delegated("passkey: emergency by a passkey and a key held by the hub").give("approvers", "ok", list()).
		claim("ok", claim(emergency, func(a *protocol.Approval) { by(key)(a); held(a, w.Second) }))
	t.delegated("passkey: emergency by one person with both kinds of key").give("approvers", "ok", list()).
		claim("not-permitted", claim(emergency, func(a *protocol.Approval) { by(key)(a); held(a, w.First) }))
	other := claim(emergency, by(key))
	t.delegated("passkey: halves of two emergencies").give("approvers", "ok", list()).
		claim("bad-signature", claim(emergency, func(a *protocol.Approval) {
			by(key)(a)
			s := bytes.Replace(a.Statement, []byte("2026-12-31"), []byte("2026-12-30"), 1)
			a.Assertions = append(a.Assertions, second.Assert(s))
		})).claim("not-permitted", other)

	demand := func(cs ...protocol.Class) []byte { return list(func(l *L) { l.Passkeys = cs }) }
	signed := claim(normal, func(a *protocol.Approval) { held(a, w.First) })
	t.delegated("unit that demands passkeys: key held by the hub").give("approvers", "ok", demand(protocol.ClassNormal)).
		claim("not-permitted", signed).claim("ok", claim(normal, by(key)))
	t.delegated("unit that demands passkeys for another class").give("approvers", "ok", demand(protocol.ClassEmergency)).
		claim("ok", signed).
		claim("not-permitted", claim(emergency, func(a *protocol.Approval) { by(key)(a); held(a, w.Second) })).
		claim("ok", claim(emergency, by(key, second)))
	below := claim(normal, func(a *protocol.Approval) { held(a, w.First) })
	below.Airing.Unit = protocoltest.Dong
	village := seal(t, w.Registrar, envelope.KindApprovers, protocoltest.Approvers(), func(l *L) {
		l.Unit, l.Passkeys = protocoltest.Dong, []protocol.Class{protocol.ClassNormal}
	})
	t.begun("village that demands passkeys").give("approvers", "ok", village).claim("ok", signed).claim("not-permitted", below)
}

// What is no assertion of this passkey on this statement is never taken for one.
func FuzzAssert(f *testing.F) {
	key, statement := protocoltest.NewPasskey(f, "duyet1"), []byte("statement")
	right := key.Assert(statement)
	f.Add(right.AuthenticatorData, right.ClientData, right.Signature, key.Key().Public)
	for _, s := range protocoltest.Load[protocoltest.Story](f, filepath.Join(vectorDir, "chain.json")) {
		for _, step := range s.Steps {
			if a, err := protocol.Unmarshal[protocol.Approval](step.Approval, protocol.MaxApproval); err == nil && strings.HasPrefix(s.Name, "passkey") {
				for _, one := range a.Assertions {
					f.Add(one.AuthenticatorData, one.ClientData, one.Signature, key.Key().Public)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, data, client, sig, public []byte) {
		a := protocol.Assertion{Key: right.Key, AuthenticatorData: data, ClientData: client, Signature: sig}
		err := envelope.Assert(a, protocol.Key{Kind: protocol.KeyPasskey, Public: public}, protocoltest.Site(), envelope.Challenge(statement))
		held(t, len(data)+len(client)+len(sig)+len(public), func() {
			_ = envelope.Assert(a, protocol.Key{Kind: protocol.KeyPasskey, Public: public}, protocoltest.Site(), envelope.Challenge(statement))
		})
		if word := protocoltest.KindOf(err); err != nil && word != "malformed" && word != "not-permitted" && word != "bad-signature" {
			t.Fatalf("refused as %s", word)
		}
		if err == nil && (!bytes.Equal(data, right.AuthenticatorData) || !bytes.Equal(client, right.ClientData)) {
			t.Fatalf("another assertion was taken: %x %s", data, client)
		}
	})
}

func BenchmarkCheckPasskey(b *testing.B) {
	w, key := protocoltest.NewWorld(b), protocoltest.NewPasskey(b, "duyet1")
	l := protocoltest.Approvers(protocoltest.Approver(protocoltest.First, "Nguyễn Thị Duyệt", key.Key()))
	site := protocoltest.Site()
	l.Site = &site
	chain := envelope.NewChainOf(protocoltest.Roots(1, w.Root.Key()))
	for _, d := range w.Delegations {
		if _, err := chain.AddDelegation(d); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := chain.AddApprovers(protocoltest.Seal(b, w.Registrar, envelope.KindApprovers, l), w.Path()); err != nil {
		b.Fatal(err)
	}
	bulletin := protocoltest.Encode(b, protocoltest.Bulletin())
	statement := protocoltest.Encode(b, protocoltest.Statement(bulletin, protocol.ClassNormal))
	approval := protocoltest.Encode(b, protocol.Approval{Statement: statement, Signatures: [][]byte{}, Assertions: []protocol.Assertion{key.Assert(statement)}})
	claim := envelope.Claim{Airing: protocoltest.Airing(protocoltest.Bulletin(), bulletin, approval), Bulletin: bulletin, Approval: approval, Path: w.Path()}
	b.ReportMetric(float64(len(approval)), "bytes")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := chain.CheckApproval(claim, protocoltest.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
