package inbox

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// state is what the device holds, as the store has it. Decisions read it; only
// apply changes it, after the store has taken the same change.
type state struct {
	device protocol.DeviceID
	roots  protocol.Roots // as of the enrolment

	placement   protocol.Placement
	command     uint64
	muted       bool // by a command
	here        bool // muted at the device
	plans       map[protocol.UnitID]store.HeldPlan
	floors      map[protocol.UnitID]uint64
	airings     map[store.AiringKey]store.HeldAiring
	withdrawals map[store.AiringKey]store.HeldWithdrawal
	stops       map[protocol.StopID]protocol.Stop
	verdicts    map[protocol.Digest]store.Verdict
	lists       map[string][]byte
	documents   map[protocol.Digest]bool
	zones       map[string]*time.Location // those that were looked up

	// chain follows from roots, lists and placement; generation counts its changes, and
	// memory outlives them.
	chain      *envelope.Chain
	generation int
	memory     *envelope.Memory
}

func newState(device protocol.DeviceID, roots protocol.Roots, h store.Held) (*state, error) {
	s := &state{
		device: device, roots: roots, command: h.Meta.Command, muted: h.Meta.Muted,
		plans: map[protocol.UnitID]store.HeldPlan{}, floors: maps.Clone(h.Floors),
		airings: map[store.AiringKey]store.HeldAiring{}, withdrawals: map[store.AiringKey]store.HeldWithdrawal{},
		stops: map[protocol.StopID]protocol.Stop{}, verdicts: map[protocol.Digest]store.Verdict{},
		lists: map[string][]byte{}, documents: map[protocol.Digest]bool{}, zones: map[string]*time.Location{},
		memory: envelope.NewMemory(4 * protocol.MaxAirings),
	}
	for _, d := range h.Documents {
		s.documents[d] = true
	}
	err := s.apply(store.Change{
		Placement: h.Meta.Placement, Plans: h.Plans, Airings: h.Airings, Withdrawals: h.Withdrawals,
		Stops: h.Stops, Verdicts: h.Verdicts, Lists: h.Lists,
	})
	return s, err
}

// apply does to the state what Store.Apply does to the store.
func (s *state) apply(c store.Change) error {
	if c.Placement != nil {
		p, err := protocol.Unmarshal[protocol.Placement](c.Placement, envelope.MaxDocument)
		if err != nil {
			return fmt.Errorf("placement held: %w", err)
		}
		s.placement = p
	}
	if c.Command != 0 {
		s.command = c.Command
	}
	if c.Muted != nil {
		s.muted = *c.Muted
	}
	for _, u := range c.DropPlans {
		delete(s.plans, u)
		maps.DeleteFunc(s.withdrawals, func(k store.AiringKey, _ store.HeldWithdrawal) bool { return k.Unit == u })
	}
	for _, k := range c.DropAirings {
		delete(s.airings, k)
	}
	for _, k := range c.DropWithdrawn {
		delete(s.withdrawals, k)
	}
	for _, id := range c.DropStops {
		delete(s.stops, id)
	}
	for _, d := range c.DropVerdicts {
		delete(s.verdicts, d)
	}
	for _, d := range c.DropDocuments {
		delete(s.documents, d)
	}
	for _, p := range c.Plans {
		s.plans[p.Unit] = p
		s.floors[p.Unit] = max(s.floors[p.Unit], p.Newest())
	}
	for _, a := range c.Airings {
		s.airings[store.AiringKey{Airing: a.Airing.ID, Unit: a.Airing.Unit}] = a
	}
	for _, w := range c.Withdrawals {
		s.withdrawals[store.AiringKey{Airing: w.Airing, Unit: w.Unit}] = w
	}
	for _, st := range c.Stops {
		s.stops[st.ID] = st
	}
	for _, v := range c.Verdicts {
		s.verdicts[v.Seen.Alert] = v
	}
	for _, l := range c.Lists {
		s.lists[l.Slot] = l.Doc
	}
	for _, doc := range c.Documents {
		s.documents[protocol.DigestOf(doc)] = true
	}
	if len(c.Lists) > 0 || c.Placement != nil || s.chain == nil {
		s.chain = buildChain(s.roots, s.lists, s.placement.Units())
		s.chain.Remember(s.memory)
		s.generation++
	}
	return nil
}

// own is the unit in which the device stands.
func (s *state) own() protocol.UnitID {
	if len(s.placement.Path) == 0 {
		return ""
	}
	return s.placement.Path[len(s.placement.Path)-1]
}

func (s *state) depth(u protocol.UnitID) int { return slices.Index(s.placement.Units(), u) }

// buildChain adds the held documents in an order in which each finds its signer:
// lists of roots by their numbers, delegations, then approvers. What is signed by
// a key that was replaced since, or is for a unit off the path, stays out.
func buildChain(roots protocol.Roots, lists map[string][]byte, path []protocol.UnitID) *envelope.Chain {
	chain := envelope.NewChainOf(roots)
	var rest [][]byte
	slots := slices.Sorted(maps.Keys(lists))
	for _, slot := range slots {
		if strings.HasPrefix(slot, rootsSlot) {
			_, err := chain.AddRoots(lists[slot])
			_ = err // of a time before this enrolment
		}
	}
	for _, slot := range slots {
		if strings.HasPrefix(slot, rootsSlot) {
			continue
		}
		if _, err := chain.AddDelegation(lists[slot]); err != nil {
			rest = append(rest, lists[slot])
		}
	}
	for _, doc := range rest {
		_, err := chain.AddApprovers(doc, path)
		_ = err // off the path or of a former registrar: it counts for nothing
	}
	return chain
}

// takeList decides about a trust document: which place it fills. Errors: those
// of envelope.Chain; ErrOlder if a newer one fills the place.
func (s *state) takeList(doc []byte, path []protocol.UnitID) (store.List, error) {
	if len(doc) > envelope.MaxDocument {
		return store.List{}, fmt.Errorf("trust document of %d bytes: %w", len(doc), protocol.ErrTooLarge)
	}
	chain := buildChain(s.roots, s.lists, path)
	d, err := chain.AddDelegation(doc)
	if err == nil {
		return store.List{Slot: delegationSlot(d), Doc: doc}, nil
	}
	if !errors.Is(err, envelope.ErrStranger) && !errors.Is(err, envelope.ErrSignature) {
		return store.List{}, err
	}
	if r, err := chain.AddRoots(doc); err == nil {
		return store.List{Slot: fmt.Sprintf("%s%020d", rootsSlot, r.Number), Doc: doc}, nil
	} else if errors.Is(err, envelope.ErrOlder) {
		return store.List{}, err
	}
	l, err := chain.AddApprovers(doc, path)
	if err != nil {
		return store.List{}, err
	}
	return store.List{Slot: "approvers/" + string(l.Unit), Doc: doc}, nil
}

// rootsSlot begins the places of lists of roots; each stays, since it vouches for
// the next.
const rootsSlot = "roots/"

// succeed takes a list of roots together with what others hold: delegations that
// it signed anew. A list that would leave the hub without a delegation waits for
// that one, or nothing more could be told to this device. Error: errWait.
func (s *state) succeed(list store.List, others [][]byte) ([]store.List, error) {
	next := *s
	next.lists = maps.Clone(s.lists)
	next.lists[list.Slot] = list.Doc
	taken := []store.List{list}
	for _, doc := range others {
		if l, err := next.takeList(doc, s.placement.Units()); err == nil && !strings.HasPrefix(l.Slot, rootsSlot) {
			next.lists[l.Slot] = l.Doc
			taken = append(taken, l)
		}
	}
	if !buildChain(s.roots, next.lists, s.placement.Units()).HasHub(s.placement.Units(), s.own()) {
		return nil, fmt.Errorf("roots without the hub's delegation: %w", errWait)
	}
	return taken, nil
}

// delegationSlot is one for each role and set of units, as in envelope.Chain.
func delegationSlot(d protocol.Delegation) string {
	var units bytes.Buffer
	for _, u := range d.Units {
		units.WriteString(string(u))
		units.WriteByte(0)
	}
	return fmt.Sprintf("delegation/%s/%s", d.Role, protocol.DigestOf(units.Bytes()))
}

// open opens what the hub signed. The unit that a document is for, and the
// instant at which its signer must have been entitled, may stand inside, so the
// signature is checked before the payload is read and the entitlement after.
func (s *state) open(kind envelope.Kind, b []byte, limit int) ([]byte, error) {
	return s.chain.OpenHub(kind, b, limit, s.placement.Units(), s.own(), time.Time{})
}

// entitled checks that the hub's key that signed b, which was opened, may speak for a
// unit at an instant; zero leaves the dates out.
func (s *state) entitled(kind envelope.Kind, b []byte, unit protocol.UnitID, at time.Time) error {
	by, err := envelope.SignedBy(b)
	if err != nil {
		return fmt.Errorf("%s for %s: %w", kind, unit, err)
	}
	return s.chain.Entitled(kind, by, s.placement.Units(), unit, at)
}

// latest is an instant by which it is at least: for what runs out.
func latest(r timesync.Reading) protocol.Instant {
	if r.Sure {
		return r.Instant()
	}
	return protocol.InstantOf(r.Floor)
}

// documentsOf are what an airing is judged by.
func documentsOf(a protocol.Airing) []protocol.Content {
	return []protocol.Content{a.Bulletin, a.Approval}
}
