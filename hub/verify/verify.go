// Package verify recomputes what the hub says from signed material alone: the
// chain of trust from a root that is brought from outside, plans, approvals,
// receipts and the coverage that follows. It names each thing that does not add
// up. It reads no derived table and believes the hub's database in nothing that
// a signature could cover: which devices there are, with which media and keys,
// is the hub's word, and said so in the report.
package verify

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/ledger"
	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Document is a signed trust document.
type Document struct {
	Kind  envelope.Kind `json:"kind"`
	Bytes []byte        `json:"bytes"`
}

// Device is the hub's word on a device.
type Device struct {
	ID     protocol.DeviceID `json:"id"`
	Media  []protocol.Medium `json:"media"`
	Public ed25519.PublicKey `json:"public"` // nil if it never enrolled
	// Earlier are the keys of its hardware that was replaced.
	Earlier []ed25519.PublicKey `json:"earlier,omitempty"`
}

// Plan is a plan as it was signed.
type Plan struct {
	Unit protocol.UnitID `json:"unit"`
	Head []byte          `json:"head"`
	Body []byte          `json:"body"`
	At   time.Time       `json:"at"` // by the hub's clock
}

// Head is the signed head of a batch of receipts.
type Head struct {
	Device   protocol.DeviceID `json:"device"`
	Chain    protocol.Digest   `json:"chain"`
	Seq      uint64            `json:"seq"`
	Sealed   []byte            `json:"sealed"`
	Received time.Time         `json:"received"`
}

// Entry is one entry of a device's chain.
type Entry struct {
	Device   protocol.DeviceID `json:"device"`
	Chain    protocol.Digest   `json:"chain"`
	Bytes    []byte            `json:"bytes"`
	Received time.Time         `json:"received"`
}

// Material is everything that is looked at.
type Material struct {
	Roots   protocol.Roots // as they were brought from outside
	Trust   []Document
	Devices []Device
	Plans   []Plan
	Heads   []Head
	Entries []Entry
	// Document finds an encoded bulletin or approval.
	Document func(protocol.Digest) ([]byte, error)
	Zone     *time.Location
	Now      time.Time
	Audit    audit.Material
	// From and To bound the starts that count; zero for all. Of a stretch, taken
	// out by Between, chains of receipts begin at a signed head.
	From, To time.Time
	Stretch  bool
	// Held are heads of receipts that earlier exports have seen: whatever leads to them
	// must still be there.
	Held []Head
}

// Bulletin is the figure for one bulletin, recomputed.
type Bulletin struct {
	ID     protocol.BulletinID `json:"bulletin"`
	Title  string              `json:"title"`
	Digest protocol.Digest     `json:"-"`
	reach.Count
	People  uint64  `json:"people"`
	Reached float64 `json:"reached"`
}

// Report is what was found.
type Report struct {
	// Problems name each thing that does not add up.
	Problems  []string
	Bulletins []Bulletin
	Plans     int
	Approvals int
	// Passkeys and HubKeys are how many people approved by either kind of key.
	Passkeys, HubKeys int
	// ByWord are devices whose media or key no registrar has signed.
	ByWord   []protocol.DeviceID
	Receipts int
	Outcomes map[reach.Key]reach.Answer
	// Records of acts, checkpoints over them, and records after the last.
	Records     int
	Checkpoints int
	Unsigned    int
	// Restores are where the record of acts went on from a backup.
	Restores []audit.Restore
}

// checker collects what is believed on the way.
type checker struct {
	Material
	Report
	acts       []act
	epochs     []epoch
	chains     map[[2]int]*envelope.Chain // as at returned them
	paths      map[protocol.UnitID][]protocol.UnitID
	placements map[protocol.DeviceID][]protocol.Placement
	counts     []protocol.Populations
	airings    map[protocol.AiringID]*reach.Aired
	lists      []list
	answered   map[protocol.AiringID][]reach.Key    // keys of Outcomes
	relays     map[protocol.AiringID]protocol.Relay // of airings that are relays
	unplanned  map[protocol.AiringID]bool           // named as such
}

// counted is how many people live in a village, as counted by a unit.
type counted struct {
	people uint64
	by     protocol.UnitID
}

// list is a list of approvers with the instant from which it holds.
type list struct {
	from  protocol.Instant
	unit  protocol.UnitID
	bytes []byte
}

// Check looks at everything.
func Check(m Material) Report {
	c := checker{
		Material: m, chains: map[[2]int]*envelope.Chain{}, paths: map[protocol.UnitID][]protocol.UnitID{},
		placements: map[protocol.DeviceID][]protocol.Placement{},
		airings:    map[protocol.AiringID]*reach.Aired{}, answered: map[protocol.AiringID][]reach.Key{},
		relays: map[protocol.AiringID]protocol.Relay{}, unplanned: map[protocol.AiringID]bool{},
	}
	c.Outcomes = map[reach.Key]reach.Answer{}
	c.delegations()
	c.placed()
	c.approvers()
	c.populations()
	c.plans()
	c.approvals()
	c.receipts()
	c.slots()
	c.coverage()
	c.audit()
	slices.Sort(c.Problems)
	return c.Report
}

func (c *checker) problem(format string, args ...any) {
	c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
}

func (c *checker) plans() {
	for _, p := range c.Material.Plans {
		path, ok := c.paths[p.Unit]
		if !ok {
			continue // no device ever stood there
		}
		var payload []byte
		err := c.during(turnover, func(chain *envelope.Chain) (protocol.Instant, error) {
			var err error
			if payload, err = chain.OpenHub(envelope.KindPlan, p.Head, protocol.MaxControl, path, p.Unit, time.Time{}); err != nil {
				return 0, err
			}
			head, err := protocol.Unmarshal[protocol.PlanHead](payload, protocol.MaxControl)
			return protocol.Instant(head.Number), err
		})
		if err != nil {
			c.problem("plan of %s: %v", p.Unit, err)
			continue
		}
		head, err := protocol.Unmarshal[protocol.PlanHead](payload, protocol.MaxControl)
		if err != nil || head.Unit != p.Unit || head.Plan.Digest != protocol.DigestOf(p.Body) {
			c.problem("plan of %s: its body is not what was signed", p.Unit)
			continue
		}
		body, err := protocol.Unmarshal[protocol.Plan](p.Body, protocol.MaxPlan)
		if err != nil || body.Unit != p.Unit || body.Number != head.Number {
			c.problem("plan %d of %s: its body is not its head's", head.Number, p.Unit)
			continue
		}
		c.Report.Plans++
		c.take(body)
	}
}

func (c *checker) take(p protocol.Plan) {
	for _, a := range p.Airings {
		held := c.airings[a.ID]
		if held == nil {
			held = &reach.Aired{Airing: a}
			c.airings[a.ID] = held
		}
		again := a
		again.Unit = held.Unit
		one, errOne := protocol.Marshal(held.Airing)
		two, errTwo := protocol.Marshal(again)
		if errOne != nil || errTwo != nil || !bytes.Equal(one, two) {
			c.problem("airing %s was changed between plans", a.ID)
		}
		if !slices.Contains(held.Units, a.Unit) {
			held.Units = append(held.Units, a.Unit)
		}
	}
	for _, w := range p.Withdrawals {
		if a := c.airings[w.Airing]; a != nil && (a.Withdrawn.IsZero() || w.At.Time().Before(a.Withdrawn)) {
			a.Withdrawn = w.At.Time()
		}
	}
}

// approvals checks that each airing was approved for each of its units by those
// who might at the time.
func (c *checker) approvals() {
	for _, id := range slices.Sorted(maps.Keys(c.airings)) {
		a := c.airings[id]
		if !c.touches(a) {
			continue
		}
		bulletin, err := c.Document(a.Bulletin.Digest)
		if err != nil {
			c.problem("airing %s: its bulletin is missing", id)
			continue
		}
		approval, err := c.Document(a.Approval.Digest)
		if err != nil {
			c.problem("airing %s: its approval is missing", id)
			continue
		}
		if b, err := protocol.Unmarshal[protocol.Bulletin](bulletin, protocol.MaxBulletin); err == nil && b.Relay != nil {
			c.relays[id] = *b.Relay
		}
		chain := c.at(a.Published)
		for _, u := range a.Units {
			wire := a.Airing
			wire.Unit = u
			grant, err := chain.CheckApproval(envelope.Claim{Airing: wire, Bulletin: bulletin, Approval: approval, Path: c.paths[u]}, time.Time{})
			if err != nil {
				c.problem("airing %s in %s: %v", id, u, err)
			}
			if u == a.Units[0] {
				c.count(grant)
			}
		}
		c.Report.Approvals++
	}
}

// chainKey names a chain of receipts.
type chainKey struct {
	device protocol.DeviceID
	chain  protocol.Digest
}

// receipts checks every chain: each entry must be linked up to a signed head.
func (c *checker) receipts() {
	keys := c.keys()
	entries, came := map[chainKey][][]byte{}, map[chainKey]time.Time{}
	for _, e := range c.Entries {
		k := chainKey{e.Device, e.Chain}
		entries[k] = append(entries[k], e.Bytes)
		if at, ok := came[k]; !ok || e.Received.Before(at) {
			came[k] = e.Received
		}
	}
	heads := map[chainKey]map[uint64]protocol.Digest{}
	for _, h := range slices.Concat(c.Heads, c.heldHeads()) {
		head, by, err := openHead(h, keys[h.Device].at(h.Received))
		if errors.Is(err, envelope.ErrStranger) {
			c.problem("receipts of %s: by a key that is not known to be its own; after a replacement loa-hub device attest has the registrar sign it", h.Device)
			continue
		}
		if err != nil {
			c.problem("receipts of %s: %v", h.Device, err)
			continue
		}
		c.rests(h.Device, keys[h.Device], by)
		k := chainKey{h.Device, h.Chain}
		if heads[k] == nil {
			heads[k] = map[uint64]protocol.Digest{}
		}
		if other, ok := heads[k][head.Seq]; ok && other != head.Hash {
			c.problem("receipts of %s: two heads at %d: a cloned device?", h.Device, head.Seq)
		}
		heads[k][head.Seq] = head.Hash
	}
	// In the order in which they came: of two words on one start, which replaced hardware
	// leaves, the first counts, at the hub as here.
	for _, k := range slices.SortedFunc(maps.Keys(entries), func(a, b chainKey) int {
		return cmp.Or(came[a].Compare(came[b]), bytes.Compare(a.chain[:], b.chain[:]))
	}) {
		c.linked(k, entries[k], heads[k])
	}
	for k := range heads {
		if entries[k] == nil {
			c.problem("receipts of %s: entries of chain %s are missing", k.device, short(k.chain))
		}
	}
}

// heldHeads are those of earlier exports that must be among what is checked: in a
// stretch, those that came in it.
func (c *checker) heldHeads() []Head {
	return slices.DeleteFunc(slices.Clone(c.Held), func(h Head) bool { return c.Stretch && h.Received.Before(c.From) })
}

func openHead(h Head, keys []protocol.Key) (protocol.Head, protocol.Key, error) {
	payload, key, err := envelope.Open(envelope.KindReceipt, h.Sealed, protocol.MaxControl, func(id protocol.KeyID) (protocol.Key, bool) {
		for _, k := range keys {
			if k.ID() == id {
				return k, true
			}
		}
		return protocol.Key{}, false
	})
	if err != nil {
		return protocol.Head{}, key, err
	}
	head, err := protocol.Unmarshal[protocol.Head](payload, protocol.MaxControl)
	if err == nil && (head.Device != h.Device || head.Chain != h.Chain) {
		err = ledger.ErrNotMine
	}
	return head, key, err
}

// linked walks one chain from its first entry. What stands after the last signed
// head, or behind a gap, is not believed.
func (c *checker) linked(k chainKey, encoded [][]byte, heads map[uint64]protocol.Digest) {
	type link struct {
		protocol.Entry
		hash protocol.Digest
	}
	var chain []link
	for _, b := range encoded {
		e, err := protocol.Unmarshal[protocol.Entry](b, protocol.MaxControl)
		if err != nil {
			c.problem("receipts of %s: an entry does not decode: %v", k.device, err)
			continue
		}
		chain = append(chain, link{e, protocol.DigestOf(b)})
	}
	slices.SortStableFunc(chain, func(a, b link) int { return cmp.Compare(a.Seq, b.Seq) })
	var prev protocol.Digest
	next := uint64(1)
	signed := 0 // how many links a head covers
	seen := map[uint64]bool{}
	if c.Stretch && len(chain) > 0 {
		if hash, ok := heads[chain[0].Seq-1]; ok {
			prev, next = hash, chain[0].Seq
			seen[next-1] = true
		}
	}
	for i, l := range chain {
		if l.Seq != next || l.Prev != prev {
			c.problem("receipts of %s: chain %s is broken at entry %d", k.device, short(k.chain), l.Seq)
			break
		}
		prev, next = l.hash, l.Last()+1
		if hash, ok := heads[l.Last()]; ok {
			if hash != l.hash {
				c.problem("receipts of %s: entry %d is not what the device signed", k.device, l.Seq)
				break
			}
			signed = i + 1
			seen[l.Last()] = true
		}
	}
	for seq := range heads {
		if !seen[seq] {
			c.problem("receipts of %s: the entries up to %d are not all there", k.device, seq)
		}
	}
	if signed < len(chain) && len(heads) == len(seen) {
		c.problem("receipts of %s: entry %d has no signature", k.device, chain[signed].Seq)
	}
	for _, l := range chain[:signed] {
		c.Report.Receipts++
		if l.Receipt != nil {
			c.outcome(k.device, *l.Receipt)
		}
	}
}

func (c *checker) outcome(device protocol.DeviceID, r protocol.Receipt) {
	key := reach.Key{Airing: r.Airing, Device: device, Medium: r.Medium, Start: int64(r.Start)}
	if _, twice := c.Outcomes[key]; twice {
		return // the first word counts
	}
	switch a := c.airings[r.Airing]; {
	case a != nil && a.Bulletin.Digest != r.Bulletin:
		c.problem("receipt of %s for airing %s speaks of another bulletin", device, r.Airing)
		return
	case a == nil && !c.Stretch && !c.unplanned[r.Airing]:
		// A plan of before the days of a stretch may have named it.
		c.unplanned[r.Airing] = true
		c.problem("receipt of %s for airing %s, which no plan names: plans were removed, or lost with a restore", device, r.Airing)
	}
	a := reach.Answer{Outcome: r.Outcome, Reason: r.Reason, Proof: r.Level(), Frames: r.Frames, Voice: r.Voice, Pixels: append([]protocol.Digest{}, r.Pixels...)}
	if n := len(r.Plays); n > 0 {
		a.Began, a.Ended = r.Plays[0].From.Time(), r.Plays[n-1].To.Time()
	}
	c.Outcomes[key] = a
	c.answered[key.Airing] = append(c.answered[key.Airing], key)
}

// slots checks that relays sounded in the part of the day, and no longer, than was
// approved: there the bulletin binds a window and not what is said in it.
func (c *checker) slots() {
	for id, r := range c.relays {
		a := c.airings[id]
		latest := a.SoundFor.Duration() + a.Lateness.Duration()
		for _, k := range c.answered[id] {
			answer, start := c.Outcomes[k], time.UnixMilli(k.Start)
			if answer.Began.IsZero() {
				continue
			}
			switch {
			case !r.Within(start.In(c.Zone), latest):
				c.problem("relay %s sounded on %s at %s, outside of its slot", id, k.Device, start.In(c.Zone).Format(time.DateTime))
			case answer.Began.Before(start) || answer.Ended.After(start.Add(latest)):
				c.problem("relay %s sounded on %s outside of its window at %s", id, k.Device, start.In(c.Zone).Format(time.DateTime))
			case answer.Ended.Sub(answer.Began) > r.Length.Duration():
				c.problem("relay %s sounded on %s for %s, approved are %s", id, k.Device, answer.Ended.Sub(answer.Began), r.Length.Duration())
			}
		}
	}
}

// coverage computes the figure of each bulletin.
func (c *checker) coverage() {
	var placed []reach.Placed
	for _, d := range c.Devices {
		placed = append(placed, reach.Placed{Device: d.ID, Placements: c.placements[d.ID], Media: c.media(d)})
	}
	works := map[protocol.Digest][]reach.Aired{}
	for _, id := range slices.Sorted(maps.Keys(c.airings)) {
		a := c.airings[id]
		if !c.touches(a) {
			continue
		}
		works[a.Bulletin.Digest] = append(works[a.Bulletin.Digest], *a)
	}
	for digest, aired := range works {
		b, err := c.figure(digest, aired, placed)
		if err != nil {
			c.problem("bulletin %s: %v", short(digest), err)
			continue
		}
		c.Bulletins = append(c.Bulletins, b)
	}
	slices.SortFunc(c.Bulletins, func(a, b Bulletin) int { return cmp.Compare(a.ID, b.ID) })
}

func (c *checker) figure(digest protocol.Digest, aired []reach.Aired, placed []reach.Placed) (Bulletin, error) {
	encoded, err := c.Document(digest)
	if err != nil {
		return Bulletin{}, err
	}
	doc, err := protocol.Unmarshal[protocol.Bulletin](encoded, protocol.MaxBulletin)
	if err != nil {
		return Bulletin{}, err
	}
	beside := reach.Beside(aired, c.airings)
	answers := map[reach.Key]reach.Answer{}
	for _, a := range slices.Concat(aired, beside) {
		for _, k := range c.answered[a.ID] {
			answers[k] = c.Outcomes[k]
		}
	}
	for i := range aired {
		aired[i].Signed = &doc
	}
	in, err := reach.Gather(aired, beside, placed, answers, c.Zone, c.end())
	if err != nil {
		return Bulletin{}, err
	}
	in.Now = c.Now
	began := in.Began()
	in.Expected = slices.DeleteFunc(in.Expected, func(e reach.Expected) bool { return !c.within(e.Start) })
	in.Villages = c.villages(aired, began)
	r := reach.Compute(in)
	return Bulletin{ID: doc.ID, Title: doc.Title, Digest: digest, Count: r.Count, People: r.People, Reached: r.Reached}, nil
}

func short(d protocol.Digest) string { return d.String()[:12] }
