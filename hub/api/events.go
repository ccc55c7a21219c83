package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/protocol"
)

// Notice says that something has changed, for those who watch: "device",
// "receipt" or "alert" with a device's id, "bulletin" with a bulletin's, "airing" with an
// airing's or none, "relay" without one, "missed" if some changes were left out. Seq counts all
// changes of the hub; it is the event's id on the stream.
type Notice struct {
	Seq  int64  `json:"-"`
	Kind string `json:"kind"`
	ID   string `json:"id,omitempty"`
}

// Changes are passed on to whoever watches.
type Changes interface {
	// Watch tells of all changes after a number; of those from now on after 0.
	Watch(since int64) (<-chan Notice, func())
	// Tell passes on what a request has changed.
	Tell(n Notice)
}

// Beat is sent at the beginning, and when nothing else was for a while.
type Beat struct {
	At time.Time `json:"at"`
}

// Over says that the log-in has ended; the stream ends with it.
type Over struct {
	At time.Time `json:"at"`
}

// beatEvery keeps proxies from cutting a quiet stream.
const beatEvery = 15 * time.Second

type eventsInput struct {
	Since  int64  `query:"since" minimum:"0" doc:"number of the last change that was heard of"`
	LastID string `header:"Last-Event-ID" maxLength:"20" doc:"the same, as browsers send it"`
}

// since is the number after which changes are wanted.
func (in *eventsInput) since() int64 {
	if n, err := strconv.ParseInt(in.LastID, 10, 64); err == nil && n > 0 {
		return n
	}
	return in.Since
}

func registerEvents(api huma.API, s *Server) {
	op := s.operation(s.guarded(huma.Operation{
		OperationID: "events", Method: http.MethodGet, Path: "/events", Summary: "What changes, as it changes (SSE), resumed after a number", Tags: []string{"events"},
	}))
	sse.Register(api, op, map[string]any{"change": Notice{}, "beat": Beat{}, "over": Over{}}, func(ctx context.Context, in *eventsInput, send sse.Sender) {
		actor := actorOf(ctx)
		changes, end := s.Changes.Watch(in.since())
		defer end()
		beat := time.NewTicker(beatEvery)
		defer beat.Stop()
		var last int64
		for {
			var data any
			select {
			case <-ctx.Done():
				return
			case c := <-changes:
				last = c.Seq
				switch {
				case c.Kind == "now":
					data = Beat{At: time.Now().UTC()}
				case s.sees(ctx, actor, c):
					data = c
				default:
					continue
				}
			case now := <-beat.C:
				if !s.stillIn(ctx) {
					_ = send(sse.Message{ID: int(last), Data: Over{At: now.UTC()}}) // the stream ends either way
					return
				}
				data = Beat{At: now.UTC()}
			}
			if send(sse.Message{ID: int(last), Data: data}) != nil {
				return
			}
		}
	})
}

// stillIn says whether the log-in that a stream was opened with still holds.
func (s *Server) stillIn(ctx context.Context) bool {
	login := s.sessions.GetString(ctx, keyLogin)
	if login == "" {
		return true // a token, checked when the stream was opened
	}
	if s.sessions.Deadline(ctx).Before(time.Now()) {
		return false
	}
	_, err := s.Account.Actor(ctx, login)
	status, known := statusOf(err)
	return !known || status != http.StatusUnauthorized
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
