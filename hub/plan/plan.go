// Package plan makes the signed plans of units: which airings, withdrawals,
// stops and quiet hours stand in them, under a number that only grows. It
// decides what a plan holds. It never decides what may be aired (programme has),
// and never sends anything itself.
package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Keep is how long after its last start an airing stays in a plan, so that every
// device can answer for every start.
const Keep = 62 * 24 * time.Hour

// Source is what a unit's plan is built from.
type Source struct {
	Unit    protocol.UnitID
	Held    uint64 // the number of the plan before, 0 for none
	Airings []programme.Airing
	Stops   []protocol.Stop
	Quiet   []protocol.Quiet
	Limits  []protocol.Limit
	// Replaced are airings whose successors have ended for so long that they are not
	// among Airings any more, with the instants at which these were published.
	Replaced map[protocol.AiringID]time.Time
}

// Build returns a unit's plan at an instant: what has not ended for longer than
// Keep, and the stops that have not expired.
func Build(s Source, zone string, now time.Time) protocol.Plan {
	p := protocol.Plan{
		Version: protocol.Version, Unit: s.Unit, Number: max(s.Held+1, uint64(now.UnixMilli())), Zone: zone,
		At: protocol.InstantOf(now), Quiet: s.Quiet, Limits: s.Limits,
	}
	for _, a := range s.Airings {
		if a.Last.Add(Keep).Before(now) {
			continue
		}
		p.Airings = append(p.Airings, a.In(s.Unit))
		out := a.Withdrawn
		if at, replaced := s.Replaced[a.Wire.ID]; out.IsZero() && replaced {
			out = at // a device that never heard of the successor must not air it
		}
		if !out.IsZero() {
			p.Withdrawals = append(p.Withdrawals, protocol.Withdrawal{Airing: a.Wire.ID, At: protocol.InstantOf(out)})
		}
	}
	for _, st := range s.Stops {
		if st.Expires.Time().After(now) {
			p.Stops = append(p.Stops, st)
		}
	}
	slices.SortFunc(p.Airings, func(a, b protocol.Airing) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(p.Withdrawals, func(a, b protocol.Withdrawal) int { return cmp.Compare(a.Airing, b.Airing) })
	slices.SortFunc(p.Stops, func(a, b protocol.Stop) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID)) })
	return p
}

// Published is a plan as it was signed.
type Published struct {
	Unit   protocol.UnitID
	Number uint64
	Head   []byte // signed protocol.PlanHead
	Body   []byte // encoded protocol.Plan
	At     time.Time
}

// Store keeps plans. Each method is one transaction.
type Store interface {
	// PlanSource reads what a unit's plan is built from, airings that ended after
	// since.
	PlanSource(ctx context.Context, unit protocol.UnitID, since time.Time) (Source, error)
	// SavePlans keeps the plans of all units that belong together, or none.
	SavePlans(ctx context.Context, plans []Published) error
	// StalePlans lists units with an airing, a withdrawal or a stop that is newer
	// than their newest plan, or with quiet hours but no plan.
	StalePlans(ctx context.Context) ([]protocol.UnitID, error)
	// NewestPlans returns each unit's newest plan.
	NewestPlans(ctx context.Context) ([]Published, error)
	// SaveAlert keeps a signed alert until it expires.
	SaveAlert(ctx context.Context, a Alert) error
}

// Alert is an alert as it was signed.
type Alert struct {
	Digest  protocol.Digest // of Bytes
	Unit    protocol.UnitID
	Airing  protocol.AiringID
	Stop    protocol.StopID
	Bytes   []byte
	At      time.Time
	Expires time.Time
}

// Documents keeps documents by digest.
type Documents interface {
	Document(b []byte) (protocol.Content, error)
}

// Trust names the trust documents that devices in a unit must hold.
type Trust interface {
	Lists(ctx context.Context, unit protocol.UnitID) ([]protocol.Content, error)
}

// Announcer sends what was signed to devices.
type Announcer interface {
	AnnouncePlan(p Published)
	AnnounceAlert(a Alert)
}

// Publisher makes plans and alerts, keeps them, and has them announced.
type Publisher struct {
	store     Store
	documents Documents
	trust     Trust
	signer    *envelope.Signer
	announcer Announcer
	zone      *time.Location
	now       func() time.Time

	mu sync.Mutex // plans of one unit are made one after another
}

// NewPublisher returns a publisher that signs with the hub's operating key.
func NewPublisher(store Store, docs Documents, trust Trust, signer *envelope.Signer, to Announcer, zone *time.Location, now func() time.Time) *Publisher {
	return &Publisher{store: store, documents: docs, trust: trust, signer: signer, announcer: to, zone: zone, now: now}
}

// Renew publishes the plans that are not what they should be: of units that were
// aired in but not published before a crash, or whose trust lists or quiet hours
// have changed since.
func (p *Publisher) Renew(ctx context.Context) error {
	units, err := p.store.StalePlans(ctx)
	if err != nil {
		return fmt.Errorf("stale plans: %w", err)
	}
	newest, err := p.store.NewestPlans(ctx)
	if err != nil {
		return fmt.Errorf("newest plans: %w", err)
	}
	for _, pub := range newest {
		if slices.Contains(units, pub.Unit) {
			continue
		}
		same, err := p.current(ctx, pub)
		if err != nil {
			return fmt.Errorf("plan of %s: %w", pub.Unit, err)
		}
		if !same {
			units = append(units, pub.Unit)
		}
	}
	if len(units) == 0 {
		return nil
	}
	return p.Publish(ctx, units)
}

// current says whether a plan names the trust lists, quiet hours and limits of today.
func (p *Publisher) current(ctx context.Context, pub Published) (bool, error) {
	payload, _, err := envelope.Open(envelope.KindPlan, pub.Head, protocol.MaxControl, envelope.One(p.signer.Key()))
	if err != nil {
		return false, nil //nolint:nilerr // signed by an earlier key: it is to be made anew
	}
	head, err := protocol.Unmarshal[protocol.PlanHead](payload, protocol.MaxControl)
	if err != nil {
		return false, err
	}
	body, err := protocol.Unmarshal[protocol.Plan](pub.Body, protocol.MaxPlan)
	if err != nil {
		return false, err
	}
	lists, err := p.trust.Lists(ctx, pub.Unit)
	if err != nil {
		return false, err
	}
	source, err := p.store.PlanSource(ctx, pub.Unit, p.now())
	if err != nil {
		return false, err
	}
	return slices.Equal(head.Lists, lists) && slices.Equal(body.Quiet, source.Quiet) && slices.Equal(body.Limits, source.Limits), nil
}

// Publish makes the plans of units anew, keeps all of them in one transaction,
// and announces them.
func (p *Publisher) Publish(ctx context.Context, units []protocol.UnitID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	plans := make([]Published, 0, len(units))
	for _, u := range units {
		pub, err := p.make(ctx, u)
		if err != nil {
			return fmt.Errorf("plan of %s: %w", u, err)
		}
		plans = append(plans, pub)
	}
	if err := p.store.SavePlans(ctx, plans); err != nil {
		return fmt.Errorf("save plans: %w", err)
	}
	for _, pub := range plans {
		p.announcer.AnnouncePlan(pub)
	}
	return nil
}

func (p *Publisher) make(ctx context.Context, unit protocol.UnitID) (Published, error) {
	now := p.now()
	source, err := p.store.PlanSource(ctx, unit, now.Add(-Keep))
	if err != nil {
		return Published{}, err
	}
	built := Build(source, p.zone.String(), now)
	body, err := protocol.Marshal(built)
	if err != nil {
		return Published{}, err
	}
	content, err := p.documents.Document(body)
	if err != nil {
		return Published{}, err
	}
	lists, err := p.trust.Lists(ctx, unit)
	if err != nil {
		return Published{}, err
	}
	head := protocol.PlanHead{Version: protocol.Version, Unit: unit, Number: built.Number, Plan: content, Lists: lists}
	if len(body) <= protocol.MaxInlinePlan {
		head.Body = body
	}
	payload, err := protocol.Marshal(head)
	if err != nil {
		return Published{}, err
	}
	sealed, err := p.signer.Seal(envelope.KindPlan, payload)
	if err != nil {
		return Published{}, err
	}
	return Published{Unit: unit, Number: built.Number, Head: sealed, Body: body, At: now}, nil
}

// Alert signs an emergency or a stop for a unit, keeps it and has it sent ahead
// of everything. Errors: protocol.ErrTooLarge if it does not fit into an alert.
func (p *Publisher) Alert(ctx context.Context, unit protocol.UnitID, a protocol.Alert, expires time.Time) error {
	payload, err := protocol.Marshal(a)
	if err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	sealed, err := p.signer.Seal(envelope.KindAlert, payload)
	if err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	if len(sealed) > protocol.MaxAlert {
		return fmt.Errorf("alert of %d bytes: %w", len(sealed), protocol.ErrTooLarge)
	}
	alert := Alert{Digest: protocol.DigestOf(sealed), Unit: unit, Bytes: sealed, At: p.now(), Expires: expires}
	if a.Airing != nil {
		alert.Airing = a.Airing.ID
	}
	if a.Stop != nil {
		alert.Stop = a.Stop.ID
	}
	if err := p.store.SaveAlert(ctx, alert); err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	p.announcer.AnnounceAlert(alert)
	return nil
}
