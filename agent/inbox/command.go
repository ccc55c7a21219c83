package inbox

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/agent/timesync"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// errWait: a placement whose lists are not here, or whose day has not come.
var errWait = errors.New("not yet")

// readCommand opens a command to this device. Errors: those of the envelope and
// the codec; envelope.ErrOlder.
func (s *state) readCommand(b []byte, now timesync.Reading) (protocol.Command, error) {
	payload, err := s.open(envelope.KindCommand, b, protocol.MaxControl)
	if err != nil {
		return protocol.Command{}, err
	}
	c, err := protocol.Unmarshal[protocol.Command](payload, protocol.MaxControl)
	if err != nil {
		return protocol.Command{}, err
	}
	if err := s.entitled(envelope.KindCommand, b, s.own(), now.Trusted()); err != nil {
		return protocol.Command{}, err
	}
	if c.Device != s.device {
		return protocol.Command{}, fmt.Errorf("command to %s: %w", c.Device, envelope.ErrNotPermitted)
	}
	return c, envelope.Replay(s.command, c.Number, now.Trusted())
}

// mute decides about a command to be silent or to sound again.
func (s *state) mute(c protocol.Command) decision {
	muted := c.Action == protocol.ActionMute
	d := decision{change: store.Change{Command: c.Number}}
	if muted != s.muted {
		d.change.Muted = &muted
		d.first = append(d.first, Muted{Muted: muted || s.here})
	}
	return d
}

// tone decides about a command to sound a test tone.
func (s *state) tone(c protocol.Command) decision {
	return decision{
		change: store.Change{Command: c.Number},
		first: []Update{Tone{
			Number: c.Number, Length: c.Tone.Length.Duration(), Volume: int(c.Tone.Volume),
			Until: (c.At + protocol.Instant(protocol.ToneValid)).Time(),
		}},
	}
}

// place decides about a command with a new placement. doc returns a trust
// document that is on the device, or nil. Errors: errWait; those of the envelope.
func (s *state) place(c protocol.Command, doc func(protocol.Content) []byte, now timesync.Reading) (decision, error) {
	lists := s.listDocuments()
	for _, content := range c.Lists {
		if slices.ContainsFunc(lists, func(l []byte) bool { return protocol.DigestOf(l) == content.Digest }) {
			continue
		}
		b := doc(content)
		if b == nil {
			return decision{}, errWait
		}
		lists = append(lists, b)
	}
	next := *s
	next.lists = map[string][]byte{}
	var taken []store.List
	add := func(path []protocol.UnitID) {
		taken = nil
		next.lists = map[string][]byte{}
		// Twice, so that approvers find their registrar in whatever order they came.
		for range 2 {
			for _, b := range lists {
				if l, err := next.takeList(b, path); err == nil {
					next.lists[l.Slot] = l.Doc
					taken = append(taken, l)
				}
			}
		}
	}
	add(s.placement.Units())
	var current *protocol.Placement
	if s.placement.Number != 0 {
		current = &s.placement
	}
	chain := buildChain(s.roots, next.lists, s.placement.Units())
	p, err := chain.OpenPlacement(c.Placement, current, now.Trusted())
	switch {
	case err != nil:
		return decision{}, err
	case p.Device != s.device:
		return decision{}, fmt.Errorf("placement of %s: %w", p.Device, envelope.ErrNotPermitted)
	case now.Sure && p.From.Time().After(now.Now):
		return decision{}, errWait
	}
	add(p.Units())
	raw, err := protocol.Marshal(p)
	if err != nil {
		return decision{}, err
	}
	d := decision{
		change: store.Change{Placement: raw, Command: c.Number, Lists: taken},
		first:  []Update{Placed{Placement: p}}, moved: true,
	}
	for u := range s.plans {
		if !slices.Contains(p.Units(), u) {
			d.change.DropPlans = append(d.change.DropPlans, u)
		}
	}
	for k := range s.airings {
		if !slices.Contains(p.Units(), k.Unit) {
			d.change.DropAirings = append(d.change.DropAirings, k)
		}
	}
	slices.Sort(d.change.DropPlans)
	for _, u := range d.change.DropPlans {
		d.first = append(d.first, QuietHours{Unit: u})
	}
	return d, nil
}

func (s *state) listDocuments() [][]byte {
	var docs [][]byte
	for _, doc := range s.lists {
		docs = append(docs, doc)
	}
	return docs
}

// ack opens an acknowledgement. Whether it is of our own chain is the store's
// matter. Errors: those of the envelope and the codec.
func (s *state) ack(b []byte, now timesync.Reading) (protocol.Head, error) {
	payload, err := s.open(envelope.KindAck, b, protocol.MaxControl)
	if err != nil {
		return protocol.Head{}, err
	}
	h, err := protocol.Unmarshal[protocol.Head](payload, protocol.MaxControl)
	if err != nil {
		return protocol.Head{}, err
	}
	if h.Device != s.device {
		return protocol.Head{}, fmt.Errorf("acknowledgement to %s: %w", h.Device, envelope.ErrNotPermitted)
	}
	return h, s.entitled(envelope.KindAck, b, s.own(), now.Trusted())
}

// time opens an answer to one of the asked nonces and returns when that one was
// asked. The signer must be entitled now and at the instant that it claims, so
// that it cannot set a clock beyond its own delegation. Errors: those of the
// envelope and the codec.
func (s *state) time(b []byte, asked []asked, now timesync.Reading) (protocol.TimeAnswer, time.Time, error) {
	fail := func(err error) (protocol.TimeAnswer, time.Time, error) {
		return protocol.TimeAnswer{}, time.Time{}, err
	}
	payload, err := s.open(envelope.KindTime, b, protocol.MaxControl)
	if err != nil {
		return fail(err)
	}
	a, err := protocol.Unmarshal[protocol.TimeAnswer](payload, protocol.MaxControl)
	if err != nil {
		return fail(err)
	}
	for _, at := range []time.Time{now.Trusted(), a.At.Time()} {
		if err := s.entitled(envelope.KindTime, b, s.own(), at); err != nil {
			return fail(err)
		}
	}
	for _, q := range asked {
		if a.Device == s.device && !q.answered && slices.Equal(q.nonce, a.Nonce) {
			return a, q.sent, nil
		}
	}
	return fail(fmt.Errorf("answer to a question that was not asked: %w", envelope.ErrNotPermitted))
}

// asked is a nonce of this session and when it was sent, by the local clock.
type asked struct {
	nonce    []byte
	sent     time.Time
	answered bool // with the time; a second answer would only be later
}
