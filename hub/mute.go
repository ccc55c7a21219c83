package hub

import (
	"context"
	"errors"
	"time"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/dispatch"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/hub/store"
)

// mutes silences single devices from afar, with a record of who did it.
type mutes struct {
	registry *registry.Service
	dispatch *dispatch.Dispatcher
	journal  *store.Audit
}

// Mute implements api.Mutes.
func (m mutes) Mute(ctx context.Context, d registry.Device, muted bool) error {
	st, err := m.registry.State(ctx, d.ID)
	if err != nil && !errors.Is(err, problem.ErrNotFound) {
		return err
	}
	if !st.Online {
		return problem.New(problem.ErrConflict, "device-away", "", "Thiết bị đang mất liên lạc nên không nhận được lệnh. Hãy tắt tiếng tại chỗ, hoặc thử lại khi nó nối lại.",
			"The device is not connected and cannot hear this. Mute it on the spot, or try again when it is back.")
	}
	name := "device unmuted"
	if muted {
		name = "device muted"
	}
	if err := m.journal.Record(ctx, audit.Act{At: time.Now(), Name: name, Subject: string(d.ID), Unit: d.Unit}); err != nil {
		return err
	}
	return m.dispatch.Mute(ctx, d.ID, muted)
}
