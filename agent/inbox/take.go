package inbox

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// maxDocument bounds a bulletin or an approval, in bytes.
const maxDocument = max(protocol.MaxBulletin, protocol.MaxApproval)

func (in *Inbox) takeHead(b []byte, unit protocol.UnitID, now timesync.Reading) error {
	d, err := in.state.head(b, unit, in.content(protocol.MaxPlan), now)
	if errors.Is(err, envelope.ErrStranger) {
		in.offer(b, now)
	}
	if err != nil {
		return err
	}
	return in.commit(d, false)
}

// maxOffered is how many trust documents a head of a stranger may name.
const maxOffered = 16

// offer looks into a plan head by a key that nobody vouches for: the hub may have
// a new key, whose delegation this device missed. Nothing of the head is believed;
// the trust documents that it names are fetched, and prove themselves.
func (in *Inbox) offer(b []byte, now timesync.Reading) {
	payload, err := envelope.Unverified(b)
	if err != nil {
		return
	}
	h, err := protocol.Unmarshal[protocol.PlanHead](payload, protocol.MaxControl)
	if err != nil || in.state.depth(h.Unit) < 0 || len(h.Lists) > maxOffered {
		return
	}
	in.offered = h.Lists
	in.need(now)
}

// content returns a reader of what is whole in the cache, nil for the rest.
func (in *Inbox) content(limit int) func(protocol.Content) []byte {
	return func(c protocol.Content) []byte {
		if !in.cfg.Contents.Has(c.Digest) {
			return nil
		}
		b, err := in.cfg.Contents.Bytes(c.Digest, limit)
		if err != nil {
			in.cfg.Log.Warn("content not read", "digest", c.Digest.String(), "error", err)
			return nil
		}
		return b
	}
}

// takeAlert decides about an alert and says so on d/{device}/seen.
func (in *Inbox) takeAlert(m message, unit protocol.UnitID, now timesync.Reading) error {
	b := m.payload
	digest := protocol.DigestOf(b)
	if v, ok := in.state.verdicts[digest]; ok && v.Seen.Accepted && !in.unproven(b, now) {
		in.say(v.Seen)
		return errSame
	}
	var nonces [][]byte
	for _, q := range in.asked {
		nonces = append(nonces, q.nonce)
	}
	d, a, err := in.state.alert(b, unit, nonces, now)
	if errors.Is(err, errSame) {
		err = nil
	}
	seen := protocol.Seen{Alert: digest, Accepted: err == nil, Reason: ReasonOf(err), At: now.Instant()}
	if err != nil {
		in.say(seen)
		return err
	}
	var until protocol.Instant
	var subject slog.Attr
	if a.Stop != nil {
		subject, until = slog.String("stop", string(a.Stop.ID)), a.Stop.Expires
	} else {
		subject, until = slog.String("airing", string(a.Airing.ID)), a.Airing.Until
		in.proven[a.Airing.ID] = true
	}
	d.change.Verdicts = []store.Verdict{{Seen: seen, Until: until}}
	if err := in.commit(d, true); err != nil {
		return err
	}
	in.say(seen)
	in.cfg.Log.Info("alert taken", subject, slog.Time("came", m.at.UTC()))
	return nil
}

// unproven says whether an alert that was accepted before must show itself again,
// because this device has started anew since and does not know the time.
func (in *Inbox) unproven(b []byte, now timesync.Reading) bool {
	if now.Sure {
		return false
	}
	payload, err := in.state.open(envelope.KindAlert, b, protocol.MaxAlert)
	if err != nil {
		return true
	}
	a, err := protocol.Unmarshal[protocol.Alert](payload, protocol.MaxAlert)
	return err != nil || (a.Airing != nil && !in.proven[a.Airing.ID])
}

func (in *Inbox) say(seen protocol.Seen) {
	b, err := protocol.Marshal(seen)
	if err != nil {
		in.cfg.Log.Error("verdict not encoded", "error", err)
		return
	}
	in.publish(protocol.VerbSeen, b)
}

func (in *Inbox) takeCommand(b []byte, now timesync.Reading) error {
	c, err := in.state.readCommand(b, now)
	if err != nil {
		return err
	}
	switch c.Action {
	case protocol.ActionMute, protocol.ActionUnmute:
		return in.commit(in.state.mute(c), true)
	case protocol.ActionTone:
		return in.commit(in.state.tone(c), false)
	case protocol.ActionResync:
		if err := in.commit(decision{change: store.Change{Command: c.Number}}, false); err != nil {
			return err
		}
		if err := in.cfg.Store.Resend(c.Seq); err != nil {
			return err
		}
		in.cfg.Acked()
		return nil
	}
	err = in.place(c, now)
	if errors.Is(err, errWait) {
		in.pending = []protocol.Command{c} // the newest stands for those before
		in.need(now)
	}
	return err
}

func (in *Inbox) place(c protocol.Command, now timesync.Reading) error {
	d, err := in.state.place(c, in.content(envelope.MaxDocument), now)
	if err != nil {
		return err
	}
	// A mute may have come while the placement waited.
	d.change.Command = max(d.change.Command, in.state.command)
	if err := in.commit(d, false); err != nil {
		return err
	}
	in.pending = nil
	in.cfg.Log.Info("new placement", "unit", string(in.state.own()), "number", in.state.placement.Number)
	return nil
}

func (in *Inbox) takeAck(b []byte, now timesync.Reading) error {
	h, err := in.state.ack(b, now)
	if err != nil {
		return err
	}
	if err := in.cfg.Store.Ack(h.Chain, h.Seq, h.Hash); err != nil {
		return err
	}
	in.cfg.Acked()
	return nil
}

func (in *Inbox) takeTime(m message, now timesync.Reading) error {
	a, sent, err := in.state.time(m.payload, in.asked, now)
	if err != nil {
		return err
	}
	if in.cfg.Content != nil {
		in.cfg.Content(a.Content)
	}
	for i := range in.asked {
		if slices.Equal(in.asked[i].nonce, a.Nonce) {
			in.asked[i].answered = true
		}
	}
	return in.cfg.Clock.Answer(a, sent, m.at)
}

// clock passes on that the clock became sure or unsure.
func (in *Inbox) clock() {
	in.mu.Lock()
	now := in.cfg.Clock.Read()
	if now.Sure != in.view.sure {
		in.view.sure = now.Sure
		if now.Sure {
			in.check(now)
		}
		in.push(ClockSure{Sure: now.Sure})
		in.reconcile(now)
	}
	in.mu.Unlock()
	in.cfg.Heartbeat()
}

// check dates what came while the clock was unsure: it is new material now.
func (in *Inbox) check(now timesync.Reading) {
	var c store.Change
	for _, a := range in.state.airings {
		if a.Checked == 0 {
			a.Checked = now.Instant()
			c.Airings = append(c.Airings, a)
		}
	}
	if err := in.commit(decision{change: c}, true); err != nil {
		in.cfg.Log.Error("dates of arrival not kept", "error", err)
	}
}

// arrived looks for what has come.
func (in *Inbox) arrived() {
	in.mu.Lock()
	in.look(in.cfg.Clock.Read())
	in.mu.Unlock()
	in.cfg.Heartbeat()
}

// look takes from the cache what waits there: trust lists, plan bodies, documents, and
// the placements that waited for them. What the disk refuses is taken later.
func (in *Inbox) look(now timesync.Reading) {
	in.behind = false
	in.takeLists()
	for _, c := range in.pending {
		if err := in.place(c, now); err != nil && !errors.Is(err, errWait) {
			in.cfg.Log.Warn("placement refused", "error", err)
			in.pending = nil
		}
	}
	in.takeBodies(now)
	in.takeDocuments()
	in.reconcile(now)
}

// takeLists tries the wanted lists that are here until none of them helps
// another one any more.
func (in *Inbox) takeLists() {
	for again := true; again; {
		again = false
		for _, c := range in.wantedLists() {
			if g, ok := in.tried[c.Digest]; ok && g == in.state.generation {
				continue
			}
			doc := in.content(envelope.MaxDocument)(c)
			if doc == nil {
				continue
			}
			l, err := in.state.takeList(doc, in.state.placement.Units())
			taken := []store.List{l}
			if err == nil && strings.HasPrefix(l.Slot, rootsSlot) {
				taken, err = in.state.succeed(l, in.arrivedLists())
			}
			switch {
			case errors.Is(err, errWait):
				in.cfg.Log.Debug("list of roots waits for what it signed", "digest", c.Digest.String())
			case errors.Is(err, envelope.ErrOlder):
				in.settled[c.Digest] = true
			case err != nil:
				in.tried[c.Digest] = in.state.generation
				in.cfg.Log.Warn("trust document refused", "digest", c.Digest.String(), "error", err)
			default:
				if err := in.commit(decision{change: store.Change{Lists: taken}}, false); err != nil {
					in.cfg.Log.Error("trust document not stored", "error", err)
					in.behind = true
					return
				}
				again = true
				if slices.Contains(in.offered, c) {
					in.ask(true) // for what its signer has said before
				}
			}
		}
	}
}

// arrivedLists are the wanted lists that are here.
func (in *Inbox) arrivedLists() [][]byte {
	var docs [][]byte
	for _, c := range in.wantedLists() {
		if doc := in.content(envelope.MaxDocument)(c); doc != nil {
			docs = append(docs, doc)
		}
	}
	return docs
}

// wantedLists are those that plan heads and waiting placements name and that are
// not held.
func (in *Inbox) wantedLists() []protocol.Content {
	held := map[protocol.Digest]bool{}
	for _, doc := range in.state.lists {
		held[protocol.DigestOf(doc)] = true
	}
	var wanted []protocol.Content
	add := func(lists []protocol.Content) {
		for _, c := range lists {
			if !held[c.Digest] && !in.settled[c.Digest] && !slices.Contains(wanted, c) && c.Size <= envelope.MaxDocument {
				wanted = append(wanted, c)
			}
		}
	}
	for _, c := range in.pending {
		add(c.Lists)
	}
	for _, u := range in.state.placement.Units() {
		add(in.state.plans[u].Lists)
	}
	add(in.offered)
	return wanted
}

func (in *Inbox) takeBodies(now timesync.Reading) {
	for _, u := range in.state.placement.Units() {
		p, ok := in.state.plans[u]
		if !ok || p.Next == nil {
			continue
		}
		raw := in.content(protocol.MaxPlan)(p.NextPlan)
		if raw == nil {
			continue
		}
		d, err := in.state.body(p, raw, now)
		if err != nil {
			// Its number is used up; the one before stands until a newer one comes.
			in.cfg.Log.Warn("plan refused", "unit", string(u), "error", err)
			p.Next, p.NextNumber, p.NextPlan = nil, 0, protocol.Content{}
			d = decision{change: store.Change{Plans: []store.HeldPlan{p}}}
		}
		if err := in.commit(d, false); err != nil {
			in.cfg.Log.Error("plan not stored", "unit", string(u), "error", err)
			in.behind = true
		}
	}
}

// takeDocuments moves bulletins and approvals from the cache into the store.
func (in *Inbox) takeDocuments() {
	var c store.Change
	taken := map[protocol.Digest]bool{}
	for _, a := range in.state.airings {
		for _, content := range documentsOf(a.Airing) {
			if in.state.documents[content.Digest] || taken[content.Digest] || content.Size > maxDocument {
				continue
			}
			if doc := in.content(maxDocument)(content); doc != nil {
				taken[content.Digest] = true
				c.Documents = append(c.Documents, doc)
			}
		}
	}
	if err := in.commit(decision{change: c}, false); err != nil {
		in.cfg.Log.Error("documents not stored", "error", err)
		in.behind = true
	}
}

// tick does what only time brings about.
func (in *Inbox) tick() {
	local := time.Now()
	in.mu.Lock()
	now := in.cfg.Clock.Read()
	if len(in.pending) > 0 {
		if err := in.place(in.pending[0], now); err != nil && !errors.Is(err, errWait) {
			in.cfg.Log.Warn("placement refused", "error", err)
			in.pending = nil
		}
	}
	if local.Sub(in.swept) >= sweepEach {
		in.swept = local
		if err := in.commit(decision{change: in.state.sweep(now, in.allowed)}, false); err != nil {
			in.cfg.Log.Error("what is over was not removed", "error", err)
		}
	}
	if local.Sub(in.told) >= time.Minute {
		in.told = local
		in.reconcile(now)
	}
	caught := in.behind
	if caught {
		in.look(now)
		caught = !in.behind
	}
	due := !in.due.IsZero() && !local.Before(in.due)
	if due {
		in.due = local.Add(askUnsure)
		if now.Sure {
			in.due = local.Add(askSure)
		}
	}
	if due {
		in.ask(false)
	}
	in.mu.Unlock()
	if caught {
		in.cfg.Heartbeat()
	}
}
