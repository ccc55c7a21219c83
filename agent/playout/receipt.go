package playout

import (
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// circumstances are what a receipt says beside the outcome.
type circumstances struct {
	medium      protocol.Medium
	uncertainty time.Duration
	config      protocol.Digest
	placement   uint64
}

// receiptOf turns what became of an occurrence into a receipt. What the schedule
// has as played but the output has not proved whole is cut by a fault: "played"
// is the card's word.
func receiptOf(f schedule.Final, wire protocol.Airing, t *tally, c circumstances) protocol.Receipt {
	r := protocol.Receipt{
		Airing: wire.ID, Unit: wire.Unit, Start: protocol.InstantOf(f.Start), Medium: c.medium, Bulletin: wire.Bulletin.Digest,
		Outcome: f.Outcome, Reason: f.Reason, Uncertainty: protocol.MillisOf(c.uncertainty), Config: c.config, Placement: c.placement,
	}
	r.Plays = stretches(f.Plays)
	if t != nil {
		r.Frames, r.Proof, r.Voice, r.Volume, r.Pixels = t.Frames, t.Proof, t.Voice, uint64(t.Volume), t.Pixels
		if r.Proof == protocol.ProofConsumed {
			r.Heard = t.Heard
		}
		r.Keyed = t.Keyed
	}
	if r.Outcome == protocol.OutcomePlayed && (t == nil || !t.Whole) {
		r.Outcome, r.Reason = protocol.OutcomeCut, protocol.ReasonFault
	}
	if r.Reason == protocol.ReasonFault && c.medium == protocol.MediumSound && t != nil && t.Unsaid == 0 && t.Frames == 0 {
		r.Outcome = protocol.OutcomeSkipped // the card says that nothing of it sounded
	}
	if r.Outcome == protocol.OutcomeSkipped {
		r.Plays, r.Frames, r.Proof, r.Voice, r.Volume, r.Pixels, r.Heard = nil, 0, 0, 0, 0, nil, nil
		r.Keyed = 0
	}
	if r.Validate() != nil {
		// A receipt that the chain refuses would hold up all that follow: the outcome
		// is said without the rest.
		r.Plays, r.Frames, r.Proof, r.Voice, r.Pixels, r.Heard = nil, 0, 0, 0, nil, nil
		if r.Outcome == protocol.OutcomePlayed {
			r.Outcome, r.Reason = protocol.OutcomeCut, protocol.ReasonFault
		}
	}
	return r
}

// stretches puts plays as a receipt has them: in order and apart. They overlap
// only if the clock was set back meanwhile; then the later one is shortened.
func stretches(plays []schedule.Stretch) []protocol.Stretch {
	var out []protocol.Stretch
	last := protocol.Instant(0)
	for _, p := range plays {
		s := protocol.Stretch{From: max(protocol.InstantOf(p.From), last), To: protocol.InstantOf(p.To)}
		if s.To > s.From && len(out) < protocol.MaxPlays {
			out = append(out, s)
			last = s.To
		}
	}
	return out
}
