package hub

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/signing"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Standing is who stands for the roots at present.
type Standing struct {
	Roots       protocol.Roots
	Delegations []protocol.Delegation
	chain       *envelope.Chain
}

// standing reads lists of roots and delegations in the order of their numbers.
func standing(ctx context.Context, store registry.Store, first protocol.Roots) (Standing, error) {
	roots, err := store.Documents(ctx, envelope.KindRoots, "")
	if err != nil {
		return Standing{}, fmt.Errorf("roots: %w", err)
	}
	s := Standing{chain: envelope.NewChainOf(first)}
	for _, d := range roots {
		if _, err := s.chain.AddRoots(d.Bytes); err != nil {
			return Standing{}, fmt.Errorf("roots %d: %w", d.Number, err)
		}
	}
	s.Roots = s.chain.Roots()
	docs, err := store.Documents(ctx, envelope.KindDelegation, "")
	if err != nil {
		return Standing{}, fmt.Errorf("delegations: %w", err)
	}
	slices.SortStableFunc(docs, func(a, b registry.Document) int { return cmp.Compare(a.Number, b.Number) })
	for _, d := range docs {
		_, err := s.chain.AddDelegation(d.Bytes)
		_ = err // of former roots, or superseded: it counts for nothing
	}
	s.Delegations = s.chain.Delegations()
	return s, nil
}

// chain returns roots and delegations as they stand at present.
func (b *Base) chain(ctx context.Context) (*envelope.Chain, error) {
	s, err := b.Standing(ctx)
	return s.chain, err
}

// rootsInForce returns the newest list of roots.
func rootsInForce(ctx context.Context, store registry.Store, first protocol.Roots) (protocol.Roots, error) {
	s, err := standing(ctx, store, first)
	return s.Roots, err
}

// Standing returns who stands for the roots at present.
func (b *Base) Standing(ctx context.Context) (Standing, error) {
	return standing(ctx, b.DB.Registry(), b.FirstRoots)
}

// DelegationAct is the act of giving a key a role until a day; until at or before
// now revokes it.
func DelegationAct(role protocol.Role, key protocol.Key, units []protocol.UnitID, now, until time.Time) (signing.Act, error) {
	d := delegation(role, key, units, now)
	d.Until = max(protocol.InstantOf(until), d.From+1)
	return act(envelope.KindDelegation, &d)
}

func act(kind envelope.Kind, m interface{ Validate() error }) (signing.Act, error) {
	payload, err := protocol.Marshal(m)
	if err != nil {
		return signing.Act{}, err
	}
	return signing.Act{Documents: []signing.ActDocument{{Kind: kind, Payload: payload}}}, nil
}

// RootsAct is the act of replacing the list of roots: without lost ones, with new
// ones. The delegations in force are signed anew with it, since those that the
// lost ones signed count no more. Error: problem.ErrInvalid.
func (b *Base) RootsAct(ctx context.Context, lost []protocol.KeyID, added []protocol.Key, threshold uint64, now time.Time) (signing.Act, error) {
	s, err := b.Standing(ctx)
	if err != nil {
		return signing.Act{}, err
	}
	next := protocol.Roots{
		Version: protocol.Version, Number: max(s.Roots.Number+1, uint64(now.UnixMilli())), At: protocol.InstantOf(now), Threshold: threshold,
	}
	if threshold == 0 {
		next.Threshold = s.Roots.Threshold
	}
	for _, k := range s.Roots.Keys {
		if !slices.Contains(lost, k.ID()) {
			next.Keys = append(next.Keys, k)
		}
	}
	if len(s.Roots.Keys)-len(next.Keys) != len(lost) {
		return signing.Act{}, problem.New(problem.ErrInvalid, "unknown-root", "lost", "Không có khoá gốc mang mã đó; hãy xem bằng lệnh loa-hub trust show.", "There is no root of that id; see loa-hub trust show.")
	}
	next.Keys = append(next.Keys, added...)
	a, err := act(envelope.KindRoots, &next)
	if err != nil {
		return signing.Act{}, problem.New(problem.ErrInvalid, "bad-roots", "threshold", "Danh sách khoá gốc không đúng; hãy kiểm tra số khoá và ngưỡng.", "The list of roots is not right; check their number and the threshold.").Because(err)
	}
	for _, d := range s.Delegations {
		d.Number = max(d.Number+1, next.Number)
		again, err := act(envelope.KindDelegation, &d)
		if err != nil {
			return signing.Act{}, err
		}
		a.Documents = append(a.Documents, again.Documents...)
	}
	return a, nil
}

// TakeAct checks an act as devices will, stores it, and puts a key that waited
// for it into force. Plans name the new documents within seconds. Errors:
// problem.ErrForbidden while too few roots have signed, or for one that is older.
func (b *Base) TakeAct(ctx context.Context, a signing.Act, now time.Time) error {
	s, err := b.Standing(ctx)
	if err != nil {
		return err
	}
	var docs []registry.Document
	var keys []protocol.Delegation
	for _, d := range a.Documents {
		if len(d.Signatures) == 0 {
			return unsigned(fmt.Errorf("no signature: %w", envelope.ErrNotPermitted))
		}
		signed, err := d.Endorsed()
		if err != nil {
			return err
		}
		switch d.Kind {
		case envelope.KindRoots:
			r, err := s.chain.AddRoots(signed)
			if err != nil {
				return unsigned(err)
			}
			docs = append(docs, registry.NewDocument(d.Kind, "roots", r.Number, signed, now))
		case envelope.KindDelegation:
			v, err := s.chain.AddDelegation(signed)
			if err != nil {
				return unsigned(err)
			}
			docs = append(docs, registry.NewDocument(d.Kind, fmt.Sprintf("%x", string(v.Key.ID())), v.Number, signed, now))
			keys = append(keys, v)
		default:
			return unsigned(fmt.Errorf("%s: %w", d.Kind, protocol.ErrInvalid))
		}
	}
	if err := b.DB.Registry().AddDocuments(ctx, docs); err != nil {
		return fmt.Errorf("act: %w", err)
	}
	for _, v := range keys {
		if err := b.Keys.Promote(v.Role, v.Key); err != nil {
			return fmt.Errorf("act: %w", err)
		}
	}
	b.Roots = s.chain.Roots()
	return nil
}

func unsigned(err error) error {
	return problem.New(problem.ErrForbidden, "act-refused", "", "Chưa đủ khoá gốc ký việc này, hoặc đã có bản mới hơn; hãy xem bằng lệnh loa-hub trust show, ký thêm bằng loa-hub trust sign.",
		"Too few roots have signed this, or there is a newer one; see loa-hub trust show, and sign on with loa-hub trust sign.").Because(err)
}
