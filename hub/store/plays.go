package store

import (
	"context"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Played implements programme.Store.
func (s *Programme) Played(ctx context.Context, statement protocol.Digest, from, to time.Time) (int, error) {
	return one(ctx, s.db.read, func(r row) (int, error) {
		var n int
		err := r.Scan(&n)
		return n, err
	}, `SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM outcome o JOIN airing a ON a.id = o.airing
		WHERE a.statement = ? AND o.start >= ? AND o.start < ? AND o.outcome = ? GROUP BY o.device, o.medium)`,
		statement[:], ms(from), ms(to), protocol.OutcomePlayed)
}
