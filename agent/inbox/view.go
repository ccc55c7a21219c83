package inbox

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/schedule"
)

// view is what the playout has been told.
type view struct {
	units map[protocol.AiringID]protocol.UnitID // of accepted airings
	there map[protocol.AiringID]Content
	sure  bool
}

func newView() view {
	return view{units: map[protocol.AiringID]protocol.UnitID{}, there: map[protocol.AiringID]Content{}}
}

// reconcile tells the playout where the held airings differ from what it knows,
// and the cache what is needed. The caller holds mu.
func (in *Inbox) reconcile(now timesync.Reading) {
	in.stale = false
	best := make(map[protocol.AiringID]copied, len(in.state.airings))
	for k, a := range in.state.airings {
		c := copied{key: k, depth: in.state.depth(k.Unit), arrived: a.Arrived}
		if other, ok := best[k.Airing]; ok {
			arrived := min(c.arrived, other.arrived)
			if other.depth < c.depth {
				c = other
			}
			c.arrived = arrived
		}
		best[k.Airing] = c
	}
	for _, id := range slices.Sorted(maps.Keys(in.view.units)) {
		if _, ok := best[id]; !ok {
			delete(in.view.units, id)
			delete(in.view.there, id)
			in.push(Dropped{Airing: id})
		}
	}
	var news []copied
	for id, c := range best {
		a := in.state.airings[c.key]
		unit, known := in.view.units[id]
		c.accept = unit != c.key.Unit && (known || in.ready(a, now))
		c.there = in.there(a.Airing)
		if c.accept || (known && c.there != in.saidOf(id)) {
			news = append(news, c)
		}
	}
	slices.SortFunc(news, func(a, b copied) int {
		return cmp.Or(cmp.Compare(a.arrived, b.arrived), cmp.Compare(a.key.Airing, b.key.Airing))
	})
	for _, c := range news {
		id, a := c.key.Airing, in.state.airings[c.key]
		if c.accept {
			in.view.units[id] = c.key.Unit
			in.push(Accepted{Airing: a.Airing, Zone: a.Zone, Arrived: c.arrived})
		}
		if c.there != in.saidOf(id) {
			in.view.there[id] = c.there
			in.push(c.there)
		}
	}
	in.push(in.after...)
	in.after = nil
	in.need(now)
}

// copied is the copy of an airing that counts, and what is new about it.
type copied struct {
	key     store.AiringKey
	depth   int
	arrived protocol.Instant
	accept  bool
	there   Content
}

// saidOf is what the playout knows of an airing's content.
func (in *Inbox) saidOf(id protocol.AiringID) Content {
	if c, ok := in.view.there[id]; ok {
		return c
	}
	return Content{Airing: id}
}

// ready says whether an airing may be told to the playout. An emergency needs no
// content and no sure clock once it is accepted, so that is where both are asked
// for: its documents must be here, whatever they are worth, and with an unsure
// clock it must have answered this session's nonce. One whose time is over
// without that is told for the record alone.
func (in *Inbox) ready(a store.HeldAiring, now timesync.Reading) bool {
	if a.Airing.Class != protocol.ClassEmergency {
		return true
	}
	if now.Sure && a.Airing.Until <= now.Instant() {
		return true
	}
	return (now.Sure || in.proven[a.Airing.ID]) && in.documented(a.Airing)
}

func (in *Inbox) documented(a protocol.Airing) bool {
	return in.state.documents[a.Bulletin.Digest] && in.state.documents[a.Approval.Digest]
}

func (in *Inbox) there(a protocol.Airing) Content {
	c := Content{Airing: a.ID, There: in.documented(a) && (a.Sound == nil || in.cfg.Contents.Has(a.Sound.Digest))}
	if p := in.picture(a); p != nil && c.There {
		c.Unpictured = !in.cfg.Contents.Has(p.Digest)
	}
	return c
}

// picture is what an airing's bulletin shows beside its text; nil if there is none,
// if this device has no board, or if the bulletin is not here.
func (in *Inbox) picture(a protocol.Airing) *protocol.Content {
	if !in.cfg.Pictures || a.BoardFor == 0 || !in.state.documents[a.Bulletin.Digest] {
		return nil
	}
	if p, ok := in.pictures[a.Bulletin.Digest]; ok {
		return p
	}
	var picture *protocol.Content
	if b, err := in.document(a.Bulletin.Digest); err == nil {
		if b, err := protocol.Unmarshal[protocol.Bulletin](b, protocol.MaxBulletin); err == nil && b.Board != nil && b.Board.Picture != nil {
			picture = &b.Board.Picture.Content
		}
	}
	if len(in.pictures) > 4*protocol.MaxAirings {
		clear(in.pictures)
	}
	in.pictures[a.Bulletin.Digest] = picture
	return picture
}

// need tells the cache what plans name, most urgent first: who may sign, then
// what is planned, then what is to sound next. What is in the store already is
// not needed in the cache, nor is what has no start any more.
func (in *Inbox) need(now timesync.Reading) {
	needs := in.wantedLists()
	for _, u := range in.state.placement.Units() {
		if p, ok := in.state.plans[u]; ok && p.Next != nil {
			needs = append(needs, p.NextPlan)
		}
	}
	type wish struct {
		at  time.Time
		key store.AiringKey
	}
	wishes := make([]wish, 0, len(in.state.airings))
	if len(in.starts) > 2*len(in.state.airings) {
		clear(in.starts)
	}
	for k, a := range in.state.airings {
		if at, ok := in.next(k, a, now.Now); ok {
			wishes = append(wishes, wish{at: at, key: k})
		}
	}
	slices.SortFunc(wishes, func(a, b wish) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.key.Airing, b.key.Airing)) })
	for _, w := range wishes {
		a := in.state.airings[w.key].Airing
		for _, c := range documentsOf(a) {
			if !in.state.documents[c.Digest] && c.Size <= maxDocument {
				needs = append(needs, c)
			}
		}
		if a.Sound != nil {
			needs = append(needs, *a.Sound)
		}
		if p := in.picture(a); p != nil {
			needs = append(needs, *p)
		}
	}
	in.cfg.Contents.Need(needs)
}

// start is an airing's next start as of an instant.
type start struct {
	asOf time.Time
	at   time.Time // zero: there is none
	over time.Time // when this start can be asked for no more
}

// next returns an airing's next start, or the one that may still begin or go on;
// false if there will be none. Whose rule cannot be read is urgent: its outcome is
// the schedule's to tell.
func (in *Inbox) next(k store.AiringKey, a store.HeldAiring, now time.Time) (time.Time, bool) {
	if a.Airing.Class == protocol.ClassEmergency {
		return time.Time{}, true
	}
	s, ok := in.starts[k]
	if !ok || now.Before(s.asOf) || (!s.at.IsZero() && now.After(s.over)) {
		s = in.state.next(a, now)
		in.starts[k] = s
	}
	return s.at, !s.at.IsZero()
}

func (s *state) next(a store.HeldAiring, now time.Time) start {
	window := a.Airing.Lateness.Duration() + max(a.Airing.SoundFor, a.Airing.BoardFor).Duration()
	loc, err := s.zone(a.Zone)
	if err != nil {
		return start{asOf: now, at: now, over: now}
	}
	r, err := schedule.RecurrenceOf(a.Airing)
	if err != nil {
		return start{asOf: now, at: now, over: now}
	}
	for t := range schedule.Expand(r, loc, now.Add(-window), time.Time{}) {
		return start{asOf: now, at: t, over: t.Add(window)}
	}
	return start{asOf: now}
}

// judgement names a check of an approval; it counts until the chain changes.
type judgement struct {
	key        store.AiringKey
	generation int
	checked    protocol.Instant
}

type judged struct {
	grant envelope.Grant
	err   error
}

// Verdict judges an airing by the documents held: the question of the schedule's
// machine when an occurrence becomes due. Days and plays a day are judged there,
// by the Grant. Lists count as they stood when the airing was new. ReasonOf says
// what a receipt calls the error. Errors: ErrMissing; those of
// envelope.Chain.CheckApproval.
func (in *Inbox) Verdict(a protocol.Airing) (envelope.Grant, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.verdict(a)
}

func (in *Inbox) verdict(a protocol.Airing) (envelope.Grant, error) {
	key := store.AiringKey{Airing: a.ID, Unit: a.Unit}
	held, ok := in.state.airings[key]
	if !ok || held.Airing.Bulletin != a.Bulletin || held.Airing.Approval != a.Approval {
		return envelope.Grant{}, ErrMissing
	}
	j := judgement{key, in.state.generation, held.Checked}
	if v, ok := in.judged[j]; ok {
		return v.grant, v.err
	}
	if !in.documented(a) {
		return envelope.Grant{}, ErrMissing
	}
	bulletin, err := in.document(a.Bulletin.Digest)
	if err != nil {
		return envelope.Grant{}, err
	}
	approval, err := in.document(a.Approval.Digest)
	if err != nil {
		return envelope.Grant{}, err
	}
	var at time.Time
	if held.Checked != 0 {
		at = held.Checked.Time()
	}
	var v judged
	v.grant, v.err = in.state.judge(held.Airing, bulletin, approval, at)
	if len(in.judged) > 4*protocol.MaxAirings {
		clear(in.judged)
	}
	in.judged[j] = v
	return v.grant, v.err
}

// Bulletin returns an airing's bulletin. Errors: ErrMissing; the codec's.
func (in *Inbox) Bulletin(a protocol.Airing) (protocol.Bulletin, error) {
	in.mu.Lock()
	b, err := in.document(a.Bulletin.Digest)
	in.mu.Unlock()
	if err != nil {
		return protocol.Bulletin{}, err
	}
	return protocol.Unmarshal[protocol.Bulletin](b, protocol.MaxBulletin)
}

// document returns a bulletin or approval. The caller holds mu.
func (in *Inbox) document(d protocol.Digest) ([]byte, error) {
	if b, ok := in.loose[d]; ok {
		return b, nil
	}
	b, err := in.cfg.Store.Document(d)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	return b, nil
}

// allowed returns the last day on which an airing may sound, "" if its approval is not
// here or cannot be read, and whether that approval holds. One that does not tells its
// last day all the same: the airing names it by digest, and will have no other. The
// caller holds mu.
func (in *Inbox) allowed(a protocol.Airing) (protocol.Date, bool) {
	if grant, err := in.verdict(a); err == nil {
		return grant.Statement.LastDay, true
	}
	b, err := in.document(a.Approval.Digest)
	if err != nil {
		return "", false
	}
	approval, err := protocol.Unmarshal[protocol.Approval](b, protocol.MaxApproval)
	if err != nil {
		return "", false
	}
	s, err := protocol.Unmarshal[protocol.Statement](approval.Statement, protocol.MaxApproval)
	if err != nil {
		return "", false
	}
	return s.LastDay, false
}

// Holds says whether an airing is held, under whichever unit.
func (in *Inbox) Holds(id protocol.AiringID) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, u := range in.state.placement.Units() {
		if _, ok := in.state.airings[store.AiringKey{Airing: id, Unit: u}]; ok {
			return true
		}
	}
	return false
}

// Holdings is what a heartbeat says of the inbox.
type Holdings struct {
	Plans     []protocol.Held // those whose bodies are here
	Lists     []protocol.Digest
	Placement uint64
	Muted     bool
	Stops     []protocol.StopID
}

// Holdings returns what is held, in a fixed order.
func (in *Inbox) Holdings() Holdings {
	in.mu.Lock()
	defer in.mu.Unlock()
	h := Holdings{Placement: in.state.placement.Number, Muted: in.state.muted || in.state.here}
	for _, u := range in.state.placement.Units() {
		if p := in.state.plans[u]; p.Number != 0 {
			h.Plans = append(h.Plans, protocol.Held{Unit: u, Number: p.Number})
		}
	}
	for _, doc := range in.state.lists {
		h.Lists = append(h.Lists, protocol.DigestOf(doc))
	}
	slices.SortFunc(h.Lists, func(a, b protocol.Digest) int { return slices.Compare(a[:], b[:]) })
	h.Stops = slices.Sorted(maps.Keys(in.state.stops))
	return h
}

// sorted returns a map's values in the order of their instants.
func sorted[K comparable, V interface {
	protocol.Stop | store.HeldWithdrawal
}](m map[K]V) []V {
	at := func(v V) (protocol.Instant, string) {
		switch v := any(v).(type) {
		case protocol.Stop:
			return v.At, string(v.ID)
		case store.HeldWithdrawal:
			return v.At, string(v.Airing)
		}
		return 0, ""
	}
	return slices.SortedFunc(maps.Values(m), func(a, b V) int {
		atA, idA := at(a)
		atB, idB := at(b)
		return cmp.Or(cmp.Compare(atA, atB), cmp.Compare(idA, idB))
	})
}
