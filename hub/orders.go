package hub

import (
	"context"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/dispatch"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
	"github.com/loa-vn/loa/protocol"
)

// orders asks devices for test tones, and records on whose act. It is api.Orders.
type orders struct {
	dispatch *dispatch.Dispatcher
	journal  *store.Audit
}

// Tone implements api.Orders.
func (o orders) Tone(ctx context.Context, d registry.Device, t protocol.Tone, by protocol.PersonID) (uint64, error) {
	if err := o.record(ctx, "test tone asked for", d, by); err != nil {
		return 0, err
	}
	return o.dispatch.Tone(ctx, d.ID, t)
}

func (o orders) record(ctx context.Context, name string, d registry.Device, by protocol.PersonID) error {
	return o.journal.Record(ctx, audit.Act{By: by, At: time.Now(), Name: name, Subject: string(d.ID), Unit: d.Unit})
}
