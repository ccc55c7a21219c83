package api

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/relay"
	"github.com/loa-vn/loa/protocol"
)

// NewRelay is a relay or live bulletin to be made; times of day are minutes.
type NewRelay struct {
	Unit    protocol.UnitID
	Class   protocol.Class
	Station string // "" for what is spoken at the console
	Source  string // who speaks, without a station
	Title   string
	Board   string
	Length  time.Duration // of one occurrence, at most
	From    int           // the slot
	To      int
	Silence time.Duration
}

// Relays is what the routes of relays need.
type Relays interface {
	Stations() []StationBody
	Create(ctx context.Context, a account.Actor, n NewRelay) (bulletin.Bulletin, error)
	Events(ctx context.Context, id protocol.SessionID) ([]relay.Event, error)
	// Feed gives sound to a session that is spoken at the console.
	Feed(ctx context.Context, id protocol.SessionID, sound io.Reader) error
}

// StationBody is a station that the hub is set to relay.
type StationBody struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// RelayContent is what an author gives of a relay.
type RelayContent struct {
	Unit    protocol.UnitID `json:"unit" maxLength:"64"`
	Class   string          `json:"class,omitempty" enum:"normal,priority" doc:"priority by default, so that it goes first in its slot"`
	Station string          `json:"station,omitempty" maxLength:"64" doc:"a configured station; without one it is live speech from the console"`
	Source  string          `json:"source,omitempty" maxLength:"200" doc:"who speaks live"`
	Title   string          `json:"title,omitempty" maxLength:"200"`
	Board   string          `json:"board,omitempty"`
	Minutes int             `json:"minutes" minimum:"1" maximum:"240" doc:"of one occurrence, at most; the device ends it"`
	From    string          `json:"from" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$" doc:"the slot, local time of day"`
	To      string          `json:"to" pattern:"^([01][0-9]|2[0-4]):[0-5][0-9]$" doc:"its end; 24:00 at most"`
	Silence int             `json:"silence,omitempty" minimum:"0" maximum:"600" doc:"seconds of silence that are a fault; 20 by default"`
}

// RelayEvent is something that happened to a stream.
type RelayEvent struct {
	At   time.Time `json:"at"`
	What string    `json:"what" enum:"began,lost,dead-air,restored,ended"`
}

const defaultSilence = 20 * time.Second

func (c RelayContent) domain() (NewRelay, error) {
	n := NewRelay{
		Unit: c.Unit, Class: protocol.ClassPriority, Station: c.Station, Source: strings.TrimSpace(c.Source), Title: c.Title, Board: c.Board,
		Length: time.Duration(c.Minutes) * time.Minute, From: minuteOf(c.From), To: minuteOf(c.To), Silence: time.Duration(c.Silence) * time.Second,
	}
	if c.Class == protocol.ClassNormal.String() {
		n.Class = protocol.ClassNormal
	}
	if n.Silence == 0 {
		n.Silence = defaultSilence
	}
	if n.Station == "" && n.Source == "" {
		return n, problem.New(problem.ErrInvalid, "source", "source", "Hãy chọn đài hoặc ghi người nói trực tiếp.", "Choose a station, or say who speaks live.")
	}
	return n, nil
}

// minuteOf reads "05:30" as minutes of the day, up to "24:00"; the schema has
// checked it.
func minuteOf(clock string) int {
	if len(clock) != len("05:30") {
		return 0
	}
	return (int(clock[0]-'0')*10+int(clock[1]-'0'))*60 + int(clock[3]-'0')*10 + int(clock[4]-'0')
}

type (
	relayInput     struct{ Body RelayContent }
	stationsOutput struct{ Body []StationBody }
	eventsOutput   struct{ Body []RelayEvent }
)

// maxLiveChunk bounds one chunk of live sound, in bytes.
const maxLiveChunk = 4 << 20

func registerRelays(api huma.API, s *Server) {
	tags := []string{"relays"}
	route(api, s, huma.Operation{
		OperationID: "list-stations", Method: http.MethodGet, Path: "/stations", Summary: "Stations that this hub can relay", Tags: tags,
	}, func(context.Context, account.Actor, *struct{}) (*stationsOutput, error) {
		out := s.Relays.Stations()
		slices.SortFunc(out, func(a, b StationBody) int { return strings.Compare(a.ID, b.ID) })
		return &stationsOutput{Body: out}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "create-relay", Method: http.MethodPost, Path: "/relays", Summary: "Make a bulletin of a station's stream or of live speech, to be approved", Tags: tags,
		DefaultStatus: http.StatusCreated,
	}, func(ctx context.Context, a account.Actor, in *relayInput) (*bulletinOutput, error) {
		n, err := in.Body.domain()
		if err != nil {
			return nil, err
		}
		b, err := s.Relays.Create(ctx, a, n)
		if err != nil {
			return nil, err
		}
		s.tell("bulletin", string(b.ID))
		return &bulletinOutput{Body: bulletinBody(b, s.calling(ctx))}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "list-relay-events", Method: http.MethodGet, Path: "/relays/{id}/events", Summary: "What happened to a relay's stream, newest first", Tags: tags,
	}, func(ctx context.Context, a account.Actor, in *BulletinPath) (*eventsOutput, error) {
		b, err := s.relayBulletin(ctx, a, in.ID)
		if err != nil {
			return nil, err
		}
		list, err := s.Relays.Events(ctx, b.Relay.Session)
		out := &eventsOutput{Body: []RelayEvent{}}
		for _, e := range list {
			out.Body = append(out.Body, RelayEvent{At: e.At, What: e.What})
		}
		return out, err
	})
	streamed(api, s, huma.Operation{
		OperationID: "send-live-sound", Method: http.MethodPost, Path: "/relays/{id}/sound", Summary: "Speak live: a chunk of what a browser records, one after the other", Tags: tags,
		DefaultStatus: http.StatusNoContent,
	}, maxLiveChunk, func(ctx context.Context, a account.Actor, in *BulletinPath, body io.Reader) (*nothing, error) {
		b, err := s.relayBulletin(ctx, a, in.ID)
		if err != nil {
			return nil, err
		}
		if _, err := s.path(ctx, a, account.Write, b.Unit); err != nil {
			return nil, err
		}
		return &nothing{}, s.Relays.Feed(ctx, b.Relay.Session, body)
	})
}

func (s *Server) relayBulletin(ctx context.Context, a account.Actor, id protocol.BulletinID) (bulletin.Bulletin, error) {
	b, err := s.Bulletins.Get(ctx, a, id)
	if err == nil && b.Relay == nil {
		return b, problem.ErrNotFound
	}
	return b, err
}

// RelayBody is the stream of a bulletin, as approvers see it.
type RelayBody struct {
	Source  string `json:"source"`
	URL     string `json:"url,omitempty" doc:"empty: spoken at the console"`
	Minutes int    `json:"minutes"`
	From    string `json:"from"`
	To      string `json:"to"`
	Silence int    `json:"silence" doc:"seconds of silence that are a fault"`
}

func relayBody(r *protocol.Relay) *RelayBody {
	if r == nil {
		return nil
	}
	return &RelayBody{
		Source: r.Source, URL: r.URL, Minutes: int(r.Length.Duration().Minutes()), From: clock(r.From), To: clock(r.To),
		Silence: int(r.Silence.Duration().Seconds()),
	}
}
