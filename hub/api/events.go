package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/protocol"
)

// Notice says that something has changed, for those who watch: "device",
// "receipt" or "alert" with a device's id, "bulletin" with a bulletin's, "airing" with an
// airing's or none, "missed" if some changes were left out.
type Notice struct {
	Kind string `json:"kind"`
	ID   string `json:"id,omitempty"`
}

// Changes are passed on to whoever watches.
type Changes interface {
	Watch() (<-chan Notice, func())
	// Tell passes on what a request has changed.
	Tell(n Notice)
}

// Beat is sent when nothing else was for a while.
type Beat struct {
	At time.Time `json:"at"`
}

// beatEvery keeps proxies from cutting a quiet stream.
const beatEvery = 15 * time.Second

func registerEvents(api huma.API, s *Server) {
	op := s.operation(huma.Operation{
		OperationID: "events", Method: http.MethodGet, Path: "/events", Summary: "What changes, as it changes (SSE)", Tags: []string{"events"},
		Security: []map[string][]string{{"session": {}}, {"token": {}}},
	})
	sse.Register(api, op, map[string]any{"change": Notice{}, "beat": Beat{}}, func(ctx context.Context, _ *nothing, send sse.Sender) {
		actor := actorOf(ctx)
		if actor.Person == "" {
			return
		}
		changes, end := s.Changes.Watch()
		defer end()
		beat := time.NewTicker(beatEvery)
		defer beat.Stop()
		if send.Data(Beat{At: time.Now().UTC()}) != nil {
			return
		}
		for {
			select {
			case <-ctx.Done():
				return
			case c := <-changes:
				if s.sees(ctx, actor, c) && send.Data(c) != nil {
					return
				}
			case now := <-beat.C:
				if send.Data(Beat{At: now.UTC()}) != nil {
					return
				}
			}
		}
	})
}

// tell passes on that something has changed, if anybody can watch.
func (s *Server) tell(kind, id string) {
	if s.Changes != nil {
		s.Changes.Tell(Notice{Kind: kind, ID: id})
	}
}

// sees says whether a change is about something that the actor may read.
func (s *Server) sees(ctx context.Context, a account.Actor, c Notice) bool {
	switch c.Kind {
	case "device", "receipt", "alert":
		d, err := s.Registry.Device(ctx, protocol.DeviceID(c.ID))
		return err == nil && a.May(account.Read, d.Placement.Path)
	case "bulletin":
		_, err := s.Bulletins.Get(ctx, a, protocol.BulletinID(c.ID))
		return err == nil
	case "airing":
		if c.ID == "" {
			return true
		}
		_, err := s.Programme.Get(ctx, a, protocol.AiringID(c.ID))
		return err == nil
	}
	return true
}
