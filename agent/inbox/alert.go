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

// Kinds of refusal beside those of protocol and envelope.
var (
	// ErrUnsure: with an unsure clock only an answer to this session's nonce counts.
	ErrUnsure = errors.New("the clock is not sure and the alert is no answer to our nonce")
	// ErrMissing: the documents to judge by are not here yet.
	ErrMissing = errors.New("bulletin or approval missing")
)

// ReasonOf returns the reason that receipts and verdicts give for a refusal.
func ReasonOf(err error) protocol.Reason {
	switch {
	case err == nil:
		return protocol.ReasonNone
	case errors.Is(err, envelope.ErrSignature), errors.Is(err, envelope.ErrStranger):
		return protocol.ReasonBadSignature
	case errors.Is(err, envelope.ErrExpired):
		return protocol.ReasonExpired
	case errors.Is(err, ErrUnsure):
		return protocol.ReasonClockUnsure
	case errors.Is(err, ErrMissing):
		return protocol.ReasonNoContent
	case errors.Is(err, envelope.ErrNotPermitted), errors.Is(err, ErrConflict), errors.Is(err, envelope.ErrOlder):
		return protocol.ReasonNotPermitted
	default:
		return protocol.ReasonFault
	}
}

// alert decides about an alert or a stop. unit is the topic's, or "" on the
// device's own topic; nonces are those of this session. Errors: errSame for what
// was accepted already; otherwise why it is refused (ReasonOf).
func (s *state) alert(b []byte, unit protocol.UnitID, nonces [][]byte, now timesync.Reading) (decision, protocol.Alert, error) {
	payload, err := s.open(envelope.KindAlert, b, protocol.MaxAlert)
	if err != nil {
		return decision{}, protocol.Alert{}, err
	}
	a, err := protocol.Unmarshal[protocol.Alert](payload, protocol.MaxAlert)
	if err != nil {
		return decision{}, protocol.Alert{}, err
	}
	var to protocol.UnitID
	if a.Stop != nil {
		to = a.Stop.Unit
	} else {
		to = a.Airing.Unit
	}
	if unit != "" && unit != to {
		return decision{}, a, fmt.Errorf("alert for %s under the topic of %s: %w", to, unit, envelope.ErrNotPermitted)
	}
	if err := s.entitled(envelope.KindAlert, b, to, now.Trusted()); err != nil {
		return decision{}, a, err
	}
	if a.Stop != nil {
		if err := s.takeStop(*a.Stop, now); err != nil {
			return decision{}, a, err
		}
		return decision{
			change: store.Change{Stops: []protocol.Stop{*a.Stop}},
			after:  []Update{Stopped{Stop: *a.Stop}},
		}, a, nil
	}
	d, err := s.emergency(a, nonces, now)
	return d, a, err
}

// emergency decides about an alert's airing.
func (s *state) emergency(a protocol.Alert, nonces [][]byte, now timesync.Reading) (decision, error) {
	if a.Airing.Until <= latest(now) {
		return decision{}, fmt.Errorf("emergency %s is over: %w", a.Airing.ID, envelope.ErrExpired)
	}
	if !now.Sure && !slices.ContainsFunc(nonces, func(n []byte) bool { return slices.Equal(n, a.Nonce) }) {
		return decision{}, fmt.Errorf("emergency %s: %w", a.Airing.ID, ErrUnsure)
	}
	grant, err := s.judge(*a.Airing, a.Bulletin, a.Approval, now.Trusted())
	if err != nil {
		return decision{}, err
	}
	if err := grant.Day(protocol.Date(a.Airing.Start[:min(len(a.Airing.Start), len(time.DateOnly))])); err != nil {
		return decision{}, err
	}
	documents := [][]byte{a.Bulletin, a.Approval}
	taken, err := s.takeAiring(*a.Airing, a.Zone, now)
	if errors.Is(err, errSame) {
		// The plan brought it first: what is new is the proof.
		return decision{change: store.Change{Documents: documents}}, nil
	}
	if err != nil {
		return decision{}, err
	}
	taken.Alert = true
	return decision{change: store.Change{Airings: []store.HeldAiring{taken}, Documents: documents}}, nil
}

// judge checks an airing's approval, and that an emergency ends no later than a
// day after the last approved one, wherever midnight is. at is when the airing
// counts as new material; zero leaves the dates of lists out.
func (s *state) judge(a protocol.Airing, bulletin, approval []byte, at time.Time) (envelope.Grant, error) {
	claim := envelope.Claim{Airing: a, Bulletin: bulletin, Approval: approval, Path: s.placement.Units()}
	grant, err := s.chain.CheckApproval(claim, at)
	if err != nil || a.Class != protocol.ClassEmergency {
		return grant, err
	}
	last, err := time.Parse(time.DateOnly, string(grant.Statement.LastDay))
	if err != nil {
		return envelope.Grant{}, fmt.Errorf("last day: %w", protocol.ErrInvalid)
	}
	if a.Until.Time().After(last.AddDate(0, 0, 2)) {
		return envelope.Grant{}, fmt.Errorf("emergency %s outlives its approval: %w", a.ID, envelope.ErrNotPermitted)
	}
	return grant, nil
}
