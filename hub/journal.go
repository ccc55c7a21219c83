package hub

import (
	"context"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/hub/verify"
	"github.com/loa-vn/loa/protocol"
)

// Journal is the record of acts for the API, with its check by the roots that this
// hub knows.
type Journal struct {
	*store.Audit
	db    *store.DB
	roots protocol.Roots // the first ones: those that followed are in the database
	zone  *time.Location
}

// Journal returns the record of acts.
func (b *Base) Journal() Journal {
	return Journal{Audit: b.DB.Audit(), db: b.DB, roots: b.FirstRoots, zone: b.Zone}
}

// Check implements api.Journal.
func (j Journal) Check(ctx context.Context) (audit.Report, error) {
	m, err := j.db.AuditMaterial(ctx)
	if err != nil {
		return audit.Report{}, err
	}
	m.Roots, m.Zone, m.Now = j.roots, j.zone, time.Now()
	r := verify.Check(m)
	return audit.Report{Problems: r.Problems, Records: r.Records, Checkpoints: r.Checkpoints, Unsigned: r.Unsigned}, nil
}
