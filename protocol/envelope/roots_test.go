package envelope_test

import (
	"fmt"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// roots gives documents to a device that trusts two of three roots.
func (t *teller) roots() {
	type R = protocol.Roots
	w := t.w
	root := make([]*envelope.Signer, 4)
	for i := range root {
		root[i] = protocoltest.Signer(t.tb, fmt.Sprint("root ", i+1))
	}
	of := func(name string) told {
		s := t.story("roots: " + name)
		s.story.Threshold, s.story.Roots = 2, nil
		for _, r := range root[:3] {
			s.story.Roots = append(s.story.Roots, protocoltest.Hex(r.Key().Public))
		}
		return s
	}
	registrar := protocoltest.Delegation(protocol.RoleRegistrar, w.Registrar.Key())
	by := func(signers ...*envelope.Signer) []byte {
		return protocoltest.Endorse(t.tb, envelope.KindDelegation, registrar, signers...)
	}
	next := func(keys []*envelope.Signer, change func(*R), signers ...*envelope.Signer) []byte {
		r := protocoltest.Roots(2)
		for _, k := range keys {
			r.Keys = append(r.Keys, k.Key())
		}
		change(&r)
		return protocoltest.Endorse(t.tb, envelope.KindRoots, r, signers...)
	}
	same := func(*R) {}
	one, two, three, four := root[0], root[1], root[2], root[3]
	replaced := []*envelope.Signer{one, two, four}

	of("delegation by two").give("delegation", "ok", by(one, three)).give("approvers", "ok", w.Approvers).
		claim("ok", w.Claim(t.tb, protocoltest.Bulletin()))
	of("delegation by all").give("delegation", "ok", by(one, two, three))
	of("delegation by one").give("delegation", "not-permitted", by(one))
	of("delegation by one, twice").give("delegation", "not-permitted", by(one, one))
	of("delegation by one and a stranger").give("delegation", "not-permitted", by(one, four))
	of("delegation by strangers").give("delegation", "stranger", by(four))
	of("delegation by two and a stranger").give("delegation", "ok", by(one, four, two))
	of("delegation in one root's envelope").give("delegation", "not-permitted", seal(t, one, envelope.KindDelegation, registrar))
	of("delegation signed as a list of roots").
		give("delegation", "bad-signature", protocoltest.Endorse(t.tb, envelope.KindRoots, registrar, one, two))
	of("halves of two delegations").give("delegation", "bad-signature", func() []byte {
		other := registrar
		other.Number++
		a, errA := protocol.Unmarshal[protocol.Endorsed](by(one), envelope.MaxDocument)
		b, errB := protocol.Unmarshal[protocol.Endorsed](protocoltest.Endorse(t.tb, envelope.KindDelegation, other, two), envelope.MaxDocument)
		if errA != nil || errB != nil {
			t.tb.Fatalf("%v, %v", errA, errB)
		}
		a.Signatures = append(a.Signatures, b.Signatures...)
		return protocoltest.Encode(t.tb, a)
	}())
	of("list by a registrar").give("delegation", "ok", by(one, two)).
		give("roots", "stranger", next(replaced, same, w.Registrar))
	of("a lost root replaced by the others").give("delegation", "ok", by(one, two)).give("approvers", "ok", w.Approvers).
		give("roots", "ok", next(replaced, same, one, two)).
		claim("ok", w.Claim(t.tb, protocoltest.Bulletin())).
		give("delegation", "ok", protocoltest.Endorse(t.tb, envelope.KindDelegation, func() protocol.Delegation {
			d := registrar
			d.Number++
			return d
		}(), four, one))
	of("what the replaced root signed counts no more").give("delegation", "ok", by(one, three)).give("approvers", "ok", w.Approvers).
		give("roots", "ok", next(replaced, same, one, two)).
		claim("not-permitted", w.Claim(t.tb, protocoltest.Bulletin())).
		give("delegation", "not-permitted", by(one, three)).
		give("delegation", "ok", by(one, two))
	of("list by one").give("roots", "not-permitted", next(replaced, same, one))
	of("list by one and the new root").give("roots", "not-permitted", next(replaced, same, one, four))
	of("list of a lower threshold, by two").give("roots", "ok", next(replaced, func(r *R) { r.Threshold = 1 }, one, two)).
		give("delegation", "ok", by(four))
	of("older list").give("roots", "ok", next(replaced, same, one, two)).
		give("roots", "older", next(root[:3], func(r *R) { r.Number-- }, one, two))
	of("the replaced root comes back by the old list").give("roots", "ok", next(replaced, same, one, two)).
		give("roots", "older", next(root[:3], same, one, two))
	of("delegation sealed as roots").give("roots", "bad-signature", by(one, two))
}
