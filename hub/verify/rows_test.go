package verify

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// otherwise is what a commune is to have done in another way; nil as usual.
type otherwise struct {
	approve func(*protocoltest.World, *envelope.Claim)
	plan    func(*protocol.Plan)
	receipt func(*protocol.Receipt)
}

// commune is what a hub holds of two speakers that played a bulletin on two evenings,
// and signed each evening's receipt by itself.
func commune(t *testing.T, o otherwise) Material {
	t.Helper()
	w := protocoltest.NewWorld(t)
	claim := w.Claim(t, protocoltest.Bulletin())
	if o.approve != nil {
		o.approve(w, &claim)
	}
	claim.Airing.Approval = protocol.ContentOf(claim.Approval)
	claim.Airing.Rule, claim.Airing.ExDates, claim.Airing.RDates = "FREQ=DAILY;COUNT=2", nil, nil
	plan := protocoltest.Plan(claim.Airing)
	plan.Withdrawals, plan.Stops = nil, nil
	if o.plan != nil {
		o.plan(&plan)
	}
	body := protocoltest.Encode(t, plan)
	zone, err := time.LoadLocation(protocoltest.Zone)
	if err != nil {
		t.Fatal(err)
	}
	m := Material{
		Roots: protocoltest.Roots(1, w.Root.Key()), Zone: zone, Now: protocoltest.Now().AddDate(0, 0, 3),
		Trust: []Document{
			{envelope.KindDelegation, w.Delegations[0]},
			{envelope.KindDelegation, w.Delegations[1]},
			{envelope.KindApprovers, w.Approvers},
			{envelope.KindPopulations, w.Populations},
		},
		Plans: []Plan{{Unit: plan.Unit, Head: protocoltest.Seal(t, w.Hub, envelope.KindPlan, protocoltest.PlanHead(body, plan.Number)), Body: body, At: protocoltest.Now()}},
		Document: func(d protocol.Digest) ([]byte, error) {
			return map[protocol.Digest][]byte{claim.Airing.Bulletin.Digest: claim.Bulletin, claim.Airing.Approval.Digest: claim.Approval}[d], nil
		},
	}
	for i, id := range []protocol.DeviceID{protocoltest.Speaker, "loa-doai"} {
		m.Trust = append(m.Trust, Document{envelope.KindPlacement, w.Placements[id]})
		m.Devices = append(m.Devices, Device{ID: id, Media: []protocol.Medium{protocol.MediumSound}, Public: w.Devices[id].Key().Public})
		chain := protocol.DigestOf([]byte(id))
		prev := protocol.Digest{}
		add := func(e protocol.Entry, at time.Time) {
			e.Prev, e.At = prev, protocol.InstantOf(at)
			b := protocoltest.Encode(t, e)
			prev = protocol.DigestOf(b)
			m.Entries = append(m.Entries, Entry{Device: id, Chain: chain, Bytes: b, Received: at})
			head := protocol.Head{Device: id, Chain: chain, Seq: e.Seq, Hash: prev}
			m.Heads = append(m.Heads, Head{Device: id, Chain: chain, Seq: e.Seq, Sealed: protocoltest.Seal(t, w.Devices[id], envelope.KindReceipt, head), Received: at})
		}
		add(protocol.Entry{Seq: 1, Genesis: protocol.GenesisNew}, protocoltest.Now())
		for day := range 2 {
			start := protocoltest.Now().Add(7*time.Hour).AddDate(0, 0, day)
			r := protocoltest.Receipt()
			r.Airing, r.Bulletin, r.Start = claim.Airing.ID, claim.Airing.Bulletin.Digest, protocol.InstantOf(start)
			r.Plays, r.Volume = []protocol.Stretch{{From: r.Start, To: r.Start + 2500}}, uint64(70+i)
			if o.receipt != nil {
				o.receipt(&r)
			}
			add(protocol.Entry{Seq: uint64(day) + 2, Receipt: &r}, start.Add(time.Minute))
		}
	}
	return m
}

// Whoever edits rows of the database is named, for rows that were swapped too, and for
// a chain of which an earlier export has seen more.
func TestSwappedAndRemovedRowsAreNamed(t *testing.T) {
	whole := commune(t, otherwise{})
	if r := Check(whole); len(r.Problems) > 0 || r.Receipts != 6 || len(r.Bulletins) != 1 || r.Bulletins[0].Played != 4 {
		t.Fatalf("untouched: %q, %d receipts, %+v", r.Problems, r.Receipts, r.Bulletins)
	}
	cut := func(m *Material) { // the last evening of both, with what they signed of it
		last := func(at time.Time) bool { return at.After(protocoltest.Now().AddDate(0, 0, 1)) }
		m.Entries = slices.DeleteFunc(m.Entries, func(e Entry) bool { return last(e.Received) })
		m.Heads = slices.DeleteFunc(m.Heads, func(h Head) bool { return last(h.Received) })
	}
	for name, x := range map[string]struct {
		change func(*Material)
		want   string // part of a problem
	}{
		"entries of two devices":        {func(m *Material) { m.Entries[1].Bytes, m.Entries[4].Bytes = m.Entries[4].Bytes, m.Entries[1].Bytes }, "entry 2 is not what the device signed"},
		"heads of two devices":          {func(m *Material) { m.Heads[1].Sealed, m.Heads[4].Sealed = m.Heads[4].Sealed, m.Heads[1].Sealed }, "by a key that is not known"},
		"a head of the evening before":  {func(m *Material) { m.Heads[2] = m.Heads[1] }, "has no signature"},
		"one receipt put twice":         {func(m *Material) { m.Entries[2].Bytes = m.Entries[1].Bytes }, "is broken at entry 2"},
		"all of a device under another": {func(m *Material) { m.Devices[0].Public, m.Devices[1].Public = m.Devices[1].Public, m.Devices[0].Public }, "by a key that is not known"},
		"a chain without its beginning": {func(m *Material) { m.Entries = m.Entries[1:]; m.Heads = m.Heads[1:] }, "is broken at entry 2"},
		"an entry that a later one signs": {func(m *Material) {
			m.Heads = slices.Delete(m.Heads, 1, 2)
			m.Entries[1].Bytes = m.Entries[4].Bytes
		}, "is broken at entry 3"},
		"a plan's body": {func(m *Material) {
			p, err := protocol.Unmarshal[protocol.Plan](m.Plans[0].Body, protocol.MaxPlan)
			if err != nil {
				t.Fatal(err)
			}
			p.Airings[0].Volume--
			m.Plans = slices.Clone(m.Plans)
			m.Plans[0].Body = protocoltest.Encode(t, p)
		}, "its body is not what was signed"},
		"the plan removed":                 {func(m *Material) { m.Plans = nil }, "which no plan names"},
		"the evening that an export holds": {func(m *Material) { m.Held = whole.Heads; cut(m) }, "the entries up to 3 are not all there"},
		"a device that an export holds": {func(m *Material) {
			m.Held, m.Entries, m.Heads = whole.Heads, m.Entries[:3], m.Heads[:3]
		}, "are missing"},
	} {
		t.Run(name, func(t *testing.T) {
			m := whole
			m.Entries, m.Heads, m.Devices = slices.Clone(m.Entries), slices.Clone(m.Heads), slices.Clone(m.Devices)
			x.change(&m)
			r := Check(m)
			if !slices.ContainsFunc(r.Problems, func(p string) bool { return x.want != "" && strings.Contains(p, x.want) }) {
				t.Errorf("problems %q, want one that says %q", r.Problems, x.want)
			}
		})
	}

	// Rows in another order are the same rows. A tail that was cut off with its signature is
	// unknown, which is nobody reached, until somebody holds what was there.
	m := whole
	m.Entries, m.Heads = slices.Clone(m.Entries), slices.Clone(m.Heads)
	slices.Reverse(m.Entries)
	slices.Reverse(m.Heads)
	m.Held = whole.Heads
	if r := Check(m); len(r.Problems) > 0 || r.Bulletins[0].Count != (reach.Count{Expected: 4, Played: 4}) {
		t.Errorf("in another order: %q, %+v", r.Problems, r.Bulletins)
	}
	cut(&m)
	m.Held = nil
	if r := Check(m); r.Bulletins[0].Count != (reach.Count{Expected: 4, Played: 2, Unknown: 2}) {
		t.Errorf("a tail cut off counts as %+v", r.Bulletins[0].Count)
	}
}

// The report says by which kind of key people approved; what one kind approved does not
// count for the other.
func TestKindsOfKeysAreTold(t *testing.T) {
	byPhone := func(w *protocoltest.World, c *envelope.Claim) {
		phone, site := protocoltest.NewPasskey(t, string(protocoltest.First)), protocoltest.Site()
		list := protocoltest.Approvers(protocoltest.Approver(protocoltest.First, "Nguyễn Thị Duyệt", phone.Key()))
		list.Site, list.Passkeys = &site, []protocol.Class{protocol.ClassNormal}
		w.Approvers = protocoltest.Seal(t, w.Registrar, envelope.KindApprovers, list)
		statement := protocoltest.Encode(t, protocoltest.Statement(c.Bulletin, c.Airing.Class))
		c.Approval = protocoltest.Encode(t, protocol.Approval{Statement: statement, Signatures: [][]byte{}, Assertions: []protocol.Assertion{phone.Assert(statement)}})
	}
	r := Check(commune(t, otherwise{}))
	if len(r.Problems) > 0 || r.HubKeys != 1 || r.Passkeys != 0 {
		t.Errorf("by a key held by the hub: %d passkeys, %d others, %q", r.Passkeys, r.HubKeys, r.Problems)
	}
	r = Check(commune(t, otherwise{approve: byPhone}))
	if len(r.Problems) > 0 || r.HubKeys != 0 || r.Passkeys != 1 {
		t.Errorf("by a passkey: %d passkeys, %d others, %q", r.Passkeys, r.HubKeys, r.Problems)
	}
	// The list demands passkeys: a signature by the key on the hub is named.
	r = Check(commune(t, otherwise{approve: func(w *protocoltest.World, c *envelope.Claim) {
		held := c.Approval
		byPhone(w, c)
		c.Approval = held
	}}))
	if len(r.Problems) != 1 || r.HubKeys != 0 {
		t.Errorf("by a key that the list does not take: %d others, %q", r.HubKeys, r.Problems)
	}
}

// What a device signed of another bulletin than was planned counts for none.
func TestReceiptsOfAnotherBulletinAreNamed(t *testing.T) {
	r := Check(commune(t, otherwise{receipt: func(r *protocol.Receipt) { r.Bulletin = protocol.DigestOf([]byte("another")) }}))
	if len(r.Problems) == 0 || !strings.Contains(r.Problems[0], "speaks of another bulletin") || r.Bulletins[0].Count != (reach.Count{Expected: 4, Unknown: 4}) {
		t.Errorf("%q, %+v", r.Problems, r.Bulletins)
	}
}

// A hub's key that was replaced may finish what it was at, and no more.
func TestAReplacedKeysPlansAreNamed(t *testing.T) {
	w := protocoltest.NewWorld(t)
	next := protocoltest.Delegation(protocol.RoleHub, protocoltest.Signer(t, "the next hub").Key())
	next.Number = protocoltest.Number(time.Hour)
	doc := Document{envelope.KindDelegation, protocoltest.Seal(t, w.Root, envelope.KindDelegation, next)}
	for since, named := range map[time.Duration]bool{0: false, 24 * time.Hour: false, 26 * time.Hour: true} {
		m := commune(t, otherwise{plan: func(p *protocol.Plan) { p.Number = protocoltest.Number(since) }})
		m.Trust = append(m.Trust, doc)
		r := Check(m)
		if got := slices.ContainsFunc(r.Problems, func(p string) bool { return strings.Contains(p, "who was replaced before") }); got != named {
			t.Errorf("%s after it was replaced: %q", since-time.Hour, r.Problems)
		}
	}
}

// Keys that are the hub's word count only until the registrar signs one.
func TestTheHubsWordCountsUntilARegistrarSigns(t *testing.T) {
	key := func(name string) protocol.Key { return protocoltest.Signer(t, name).Key() }
	since := protocoltest.Now()
	k := keyring{signed: []protocol.Key{key("signed")}, since: since, word: []protocol.Key{key("before")}}
	if got := len(k.at(since.Add(-time.Millisecond))); got != 2 {
		t.Errorf("before: %d keys", got)
	}
	if got := k.at(since); len(got) != 1 || got[0].ID() != k.signed[0].ID() {
		t.Errorf("from then on: %v", got)
	}
	if got := (keyring{word: k.word}).at(since); len(got) != 1 {
		t.Errorf("while none is signed: %v", got)
	}
}
