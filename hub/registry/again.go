package registry

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// SignAgain signs the places of a unit's devices and the populations in and below it
// anew, as they stand: what a registrar signed whose key was replaced counts no more.
// What another registrar signed and still counts is left. It returns how many
// documents that are. Errors: problem.ErrForbidden, ErrUnavailable.
func (s *Service) SignAgain(ctx context.Context, unit protocol.UnitID, registrar string, by protocol.PersonID) (int, error) {
	tree, err := s.Tree(ctx)
	if err != nil {
		return 0, err
	}
	signer, err := s.registrar(ctx, tree, registrar, tree.paths([]protocol.UnitID{unit}))
	if err != nil {
		return 0, err
	}
	others, err := s.Others(ctx, signer)
	if err != nil {
		return 0, err
	}
	devices, err := s.Devices(ctx)
	if err != nil {
		return 0, err
	}
	now, n := time.Now(), 0
	for _, d := range devices {
		if !d.Revoked.IsZero() || !slices.Contains(d.Placement.Path, unit) {
			continue
		}
		held, err := s.SignedPlacement(ctx, d.ID)
		if err != nil {
			return n, err
		}
		if others(held, d.Placement.Path) {
			continue
		}
		d.Placement.Number, d.Placement.From = max(d.Placement.Number+1, uint64(now.UnixMilli())), protocol.InstantOf(now)
		doc, err := SealDocument(signer, envelope.KindPlacement, string(d.ID), d.Placement.Number, &d.Placement, now)
		if err != nil {
			return n, err
		}
		c := audit.Act{By: by, At: now, Name: "device placed", Subject: string(d.ID), Unit: d.Unit}
		if err := s.store.PlaceDevice(ctx, d, doc, c); err != nil {
			return n, fmt.Errorf("place of %s signed again: %w", d.ID, err)
		}
		n++
	}
	held, err := s.store.Documents(ctx, envelope.KindPopulations, "")
	if err != nil {
		return n, fmt.Errorf("populations: %w", err)
	}
	var docs []Document
	for i, old := range held { // by subject and number: the last of each counts
		path := tree.Path(protocol.UnitID(old.Subject))
		if i+1 < len(held) && held[i+1].Subject == old.Subject || !slices.Contains(path, unit) || others(old, path) {
			continue
		}
		p, err := decode[protocol.Populations](old)
		if err != nil {
			return n, err
		}
		p.Number, p.From = max(p.Number+1, uint64(now.UnixMilli())), protocol.InstantOf(now)
		doc, err := SealDocument(signer, envelope.KindPopulations, old.Subject, p.Number, &p, now)
		if err != nil {
			return n, err
		}
		docs = append(docs, doc)
	}
	c := audit.Act{By: by, At: now, Name: "signed again", Subject: string(unit), Unit: unit, After: map[string]string{"places": strconv.Itoa(n), "populations": strconv.Itoa(len(docs))}}
	if err := s.store.PutUnits(ctx, nil, docs, c); err != nil {
		return n, fmt.Errorf("populations signed again: %w", err)
	}
	return n + len(docs), nil
}
