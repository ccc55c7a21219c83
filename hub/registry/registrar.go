package registry

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Registrar opens the key of a registrar whom the roots let sign for all these
// units at present: of the nearest one that the password opens. Devices refuse what
// any other signs. Errors: problem.ErrForbidden, ErrUnavailable.
func (s *Service) Registrar(ctx context.Context, password string, units ...protocol.UnitID) (*envelope.Signer, error) {
	tree, err := s.Tree(ctx)
	if err != nil {
		return nil, err
	}
	return s.registrar(ctx, tree, password, tree.paths(units))
}

// paths returns the path of each unit; nil for one that is unknown.
func (t Tree) paths(units []protocol.UnitID) [][]protocol.UnitID {
	out := make([][]protocol.UnitID, len(units))
	for i, u := range units {
		out[i] = t.Path(u)
	}
	return out
}

// registrar is Registrar for the last unit of each path.
func (s *Service) registrar(ctx context.Context, tree Tree, password string, paths [][]protocol.UnitID) (*envelope.Signer, error) {
	if password == "" {
		return nil, problem.New(problem.ErrForbidden, "registrar-password", "registrar_password",
			"Việc này cần chữ ký của người giữ sổ đăng ký; hãy nhập mật khẩu của khoá đó.",
			"This needs the registrar's signature; give the registrar's password.")
	}
	chain, err := s.standing(ctx)
	if err != nil {
		return nil, fmt.Errorf("registrars: %w", err)
	}
	keys := registrars(chain.Delegations(), tree, paths, time.Now())
	if len(keys) == 0 {
		return nil, problem.New(problem.ErrForbidden, "registrar-elsewhere", "registrar_password",
			"Không người giữ sổ đăng ký nào có quyền ở tất cả các đơn vị này. Hãy làm riêng cho từng đơn vị; quản trị viên xem được ai có quyền bằng lệnh loa-hub trust show.",
			"No registrar may sign for all of these units. Do it for each unit by itself; the administrator sees who may by loa-hub trust show.")
	}
	return s.keyring.Registrar(password, keys...)
}

// registrars returns the keys of those who may sign for the last unit of every path
// at an instant, the one with the deepest units first.
func registrars(all []protocol.Delegation, tree Tree, paths [][]protocol.UnitID, at time.Time) []protocol.KeyID {
	covering := slices.DeleteFunc(slices.Clone(all), func(d protocol.Delegation) bool {
		return d.Role != protocol.RoleRegistrar || at.Before(d.From.Time()) || !at.Before(d.Until.Time()) ||
			slices.ContainsFunc(paths, func(path []protocol.UnitID) bool {
				return len(path) == 0 || !envelope.Covers(d.Units, path, path[len(path)-1])
			})
	})
	depth := func(d protocol.Delegation) (n int) {
		for _, u := range d.Units {
			n = max(n, len(tree.Path(u)))
		}
		return n
	}
	slices.SortStableFunc(covering, func(a, b protocol.Delegation) int { return cmp.Compare(depth(b), depth(a)) })
	keys := make([]protocol.KeyID, len(covering))
	for i, d := range covering {
		keys[i] = d.Key.ID()
	}
	return keys
}

// placing returns the paths of the units for which a placement speaks: where the
// device will stand, the villages whose people it is said to serve, and where it
// stands by its own placement, as it will judge itself.
func placing(tree Tree, n NewDevice, held protocol.Placement) [][]protocol.UnitID {
	out := append(tree.paths([]protocol.UnitID{n.Unit}), tree.paths(slices.Sorted(maps.Keys(n.Serves)))...)
	if len(held.Path) > 0 {
		out = append(out, held.Path)
	}
	return out
}

// Others returns what tells of a list, placement or count of populations whether
// somebody else than a signer signed it and that still counts on a path: then the
// signer need not sign it again. It is not for concurrent use.
func (s *Service) Others(ctx context.Context, signer *envelope.Signer) (func(d Document, path []protocol.UnitID) bool, error) {
	chain, err := s.standing(ctx)
	if err != nil {
		return nil, fmt.Errorf("registrars: %w", err)
	}
	return func(d Document, path []protocol.UnitID) bool {
		by, err := envelope.SignedBy(d.Bytes)
		if err != nil || by == signer.Key().ID() {
			return false
		}
		switch d.Kind {
		case envelope.KindApprovers:
			_, err = chain.AddApprovers(d.Bytes, path)
		case envelope.KindPlacement:
			_, err = chain.OpenPlacement(d.Bytes, nil, time.Time{})
		case envelope.KindPopulations:
			_, err = chain.OpenPopulations(d.Bytes, path)
		default:
			return false
		}
		return err == nil
	}, nil
}
