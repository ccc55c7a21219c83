package protocoltest

import (
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// World is the commune with everything signed: a root that delegates to the
// registrar and to the hub, two approvers, three speakers in three villages.
type World struct {
	Root, Registrar, Hub *envelope.Signer
	First, Second        *envelope.Signer // of the approvers duyet1 and duyet2
	Devices              map[protocol.DeviceID]*envelope.Signer

	Delegations [][]byte // signed: the registrar's, the hub's
	Approvers   []byte   // signed
	Populations []byte   // signed
	Placements  map[protocol.DeviceID][]byte
}

// NewWorld returns the world, always the same to the byte.
func NewWorld(tb testing.TB) *World {
	tb.Helper()
	w := &World{
		Root: Signer(tb, "root"), Registrar: Signer(tb, "registrar"), Hub: Signer(tb, "hub"),
		First: Signer(tb, "duyet1"), Second: Signer(tb, "duyet2"),
		Devices:    map[protocol.DeviceID]*envelope.Signer{},
		Placements: map[protocol.DeviceID][]byte{},
	}
	w.Delegations = [][]byte{
		Seal(tb, w.Root, envelope.KindDelegation, Delegation(protocol.RoleRegistrar, w.Registrar.Key())),
		Seal(tb, w.Root, envelope.KindDelegation, Delegation(protocol.RoleHub, w.Hub.Key())),
	}
	w.Approvers = Seal(tb, w.Registrar, envelope.KindApprovers, Approvers(
		Approver(First, "Nguyễn Thị Duyệt", w.First.Key()),
		Approver(Second, "Trần Văn Duyệt", w.Second.Key()),
	))
	w.Populations = Seal(tb, w.Registrar, envelope.KindPopulations, Populations())
	for device, village := range map[protocol.DeviceID]protocol.UnitID{Speaker: Dong, "loa-doai": Doai, "loa-trung": Trung} {
		w.Devices[device] = Signer(tb, string(device))
		w.Placements[device] = Seal(tb, w.Registrar, envelope.KindPlacement, Placement(device, village))
	}
	return w
}

// Path is the units of the speaker loa-dong, from the top.
func (w *World) Path() []protocol.UnitID { return []protocol.UnitID{Commune, Dong} }

// Chain returns a new chain that trusts the root and holds the delegations and
// the commune's approvers.
func (w *World) Chain(tb testing.TB) *envelope.Chain {
	tb.Helper()
	c := envelope.NewChainOf(Roots(1, w.Root.Key()))
	for _, d := range w.Delegations {
		if _, err := c.AddDelegation(d); err != nil {
			tb.Fatalf("%v", err)
		}
	}
	if _, err := c.AddApprovers(w.Approvers, w.Path()); err != nil {
		tb.Fatalf("%v", err)
	}
	return c
}

// Approve returns the encoded approval of a statement by these signers.
func Approve(tb testing.TB, s protocol.Statement, signers ...*envelope.Signer) []byte {
	tb.Helper()
	a := protocol.Approval{Statement: Encode(tb, s)}
	for _, signer := range signers {
		sig, err := signer.Sign(envelope.KindApproval, a.Statement)
		if err != nil {
			tb.Fatalf("approve: %v", err)
		}
		a.Signatures = append(a.Signatures, sig)
	}
	return Encode(tb, a)
}

// Claim returns a bulletin's airing for loa-dong with an approval that stands:
// by duyet1, and by duyet2 too for an emergency.
func (w *World) Claim(tb testing.TB, b protocol.Bulletin) envelope.Claim {
	tb.Helper()
	bulletin := Encode(tb, b)
	signers := []*envelope.Signer{w.First}
	if b.Class == protocol.ClassEmergency {
		signers = append(signers, w.Second)
	}
	approval := Approve(tb, Statement(bulletin, b.Class), signers...)
	return envelope.Claim{Airing: Airing(b, bulletin, approval), Bulletin: bulletin, Approval: approval, Path: w.Path()}
}

// Alert returns the alert of the emergency bulletin.
func (w *World) Alert(tb testing.TB) protocol.Alert {
	tb.Helper()
	c := w.Claim(tb, Emergency())
	return protocol.Alert{Version: protocol.Version, Airing: &c.Airing, Bulletin: c.Bulletin, Approval: c.Approval, Zone: Zone}
}

// PlanHead returns the signed head of the commune's plan with one airing.
func (w *World) PlanHead(tb testing.TB) []byte {
	tb.Helper()
	p := Plan(w.Claim(tb, Bulletin()).Airing)
	return Seal(tb, w.Hub, envelope.KindPlan, PlanHead(Encode(tb, p), p.Number, w.Delegations[0], w.Delegations[1], w.Approvers))
}

// Batch returns the speaker's signed batch of Entries.
func (w *World) Batch(tb testing.TB) protocol.Batch {
	tb.Helper()
	entries := Entries(tb)
	return protocol.Batch{Head: Seal(tb, w.Devices[Speaker], envelope.KindReceipt, Head(entries, 5)), Entries: entries}
}
