package relay

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// Airing is an airing of a relay bulletin that is not withdrawn or replaced.
type Airing struct {
	Wire   protocol.Airing
	Stream Stream
}

// Event is something that happened to a stream.
type Event struct {
	Session protocol.SessionID
	At      time.Time
	What    string
}

// Store keeps sessions and what happened to them. Each method is one transaction.
type Store interface {
	AddSession(ctx context.Context, st Stream, at time.Time) error
	// RelayAirings lists the airings of relays whose windows reach beyond now.
	RelayAirings(ctx context.Context, now time.Time) ([]Airing, error)
	// SessionUnits lists the units whose plans hold an airing of a session that is
	// not over.
	SessionUnits(ctx context.Context, id protocol.SessionID, now time.Time) ([]protocol.UnitID, error)
	AddRelayEvent(ctx context.Context, e Event) error
	// RelayEvents lists the newest hundred, newest first.
	RelayEvents(ctx context.Context, id protocol.SessionID) ([]Event, error)
}

// Config is what a service needs.
type Config struct {
	Store   Store
	Run     Run
	Publish func(topic string, payload []byte, qos byte) error
	// Tell hears of every event.
	Tell func(protocol.SessionID)
	Zone *time.Location
	Log  *slog.Logger
}

// Service runs the sessions whose airings may sound.
type Service struct {
	cfg Config

	mu      sync.Mutex
	running map[protocol.SessionID]*session
}

// New returns a service that runs nothing yet.
func New(cfg Config) *Service {
	return &Service{cfg: cfg, running: map[protocol.SessionID]*session{}}
}

// Tail is how long after the last that may sound a session is still sent: devices
// hear it two seconds late.
const Tail = 4 * time.Second

const (
	// lead is how long before a start its stream is taken in: for a busy machine to begin,
	// the leveller, the cushion, and what devices keep.
	lead = 12 * time.Second
	tail = Tail
	// look is how often is looked for new airings.
	look = 2 * time.Second
)

// NewKey returns a session's id and key.
func NewKey(now time.Time) (protocol.SessionID, ed25519.PrivateKey, error) {
	id, err := protocol.NewID(now, rand.Reader)
	if err != nil {
		return "", nil, err
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", nil, fmt.Errorf("session key: %w", err)
	}
	return protocol.SessionID(id), private, nil
}

// Add keeps a new session's key.
func (s *Service) Add(ctx context.Context, st Stream) error {
	return s.cfg.Store.AddSession(ctx, st, time.Now())
}

// Run runs sessions around their airings until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	cancels := map[protocol.SessionID]context.CancelFunc{}
	defer func() {
		for _, cancel := range cancels {
			cancel()
		}
	}()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		wanted, err := s.wanted(ctx, time.Now())
		if err != nil && ctx.Err() == nil {
			s.cfg.Log.ErrorContext(ctx, "relays unknown", "error", err)
		}
		for id, st := range wanted {
			if cancels[id] != nil {
				continue
			}
			ses, err := newSession(st, s)
			if err != nil {
				s.cfg.Log.ErrorContext(ctx, "relay not begun", "session", id, "error", err)
				continue
			}
			one, cancel := context.WithCancel(ctx)
			cancels[id] = cancel
			s.set(id, ses)
			wg.Go(func() { ses.serve(one) })
		}
		for id, cancel := range cancels {
			if _, ok := wanted[id]; !ok && err == nil {
				cancel()
				delete(cancels, id)
				s.set(id, nil)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *Service) set(id protocol.SessionID, ses *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ses == nil {
		delete(s.running, id)
		return
	}
	s.running[id] = ses
}

// wanted lists the streams of which something may sound now or soon.
func (s *Service) wanted(ctx context.Context, now time.Time) (map[protocol.SessionID]Stream, error) {
	airings, err := s.cfg.Store.RelayAirings(ctx, now.Add(-tail))
	if err != nil {
		return nil, err
	}
	out := map[protocol.SessionID]Stream{}
	for _, a := range airings {
		if inWindow(a.Wire, s.cfg.Zone, now) {
			out[a.Stream.Relay.Session] = a.Stream
		}
	}
	return out, nil
}

// inWindow says whether a start of an airing is near, or may be sounding.
func inWindow(a protocol.Airing, zone *time.Location, now time.Time) bool {
	rec, err := schedule.RecurrenceOf(a)
	if err != nil {
		return false
	}
	window := a.SoundFor.Duration() + a.Lateness.Duration() + tail
	for range schedule.Expand(rec, zone, now.Add(-window), now.Add(lead)) {
		return true
	}
	return false
}

// note keeps an event and tells of it.
func (s *Service) note(st Stream, what string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	id := st.Relay.Session
	log := s.cfg.Log.InfoContext
	if what == Lost || what == DeadAir {
		log = s.cfg.Log.WarnContext
	}
	log(ctx, "relay", "session", id, "bulletin", st.Bulletin, "event", what)
	if err := s.cfg.Store.AddRelayEvent(ctx, Event{Session: id, At: time.Now(), What: what}); err != nil {
		s.cfg.Log.ErrorContext(ctx, "relay's event not kept", "session", id, "error", err)
	}
	s.cfg.Tell(id)
}

// Events lists what happened to a session's stream, newest first.
func (s *Service) Events(ctx context.Context, id protocol.SessionID) ([]Event, error) {
	return s.cfg.Store.RelayEvents(ctx, id)
}

// Hears says whether a device with this path of units may read a session now.
func (s *Service) Hears(ctx context.Context, id protocol.SessionID, path []protocol.UnitID) bool {
	units, err := s.cfg.Store.SessionUnits(ctx, id, time.Now().Add(-tail))
	if err != nil {
		s.cfg.Log.ErrorContext(ctx, "session's units unknown", "session", id, "error", err)
		return false
	}
	for _, u := range units {
		for _, p := range path {
			if u == p {
				return true
			}
		}
	}
	return false
}

// Feed gives sound that is spoken at the console to its session: any container
// that ffmpeg reads from a pipe, chunk after chunk. Errors: a problem if the
// session is not under way.
func (s *Service) Feed(ctx context.Context, id protocol.SessionID, sound io.Reader) error {
	s.mu.Lock()
	ses := s.running[id]
	s.mu.Unlock()
	closed := problem.New(problem.ErrConflict, "not-live", "", "Chưa đến giờ phát trực tiếp, hoặc đã hết giờ. Hãy xem lại lịch phát.", "The live window has not begun or is over. Look at the schedule.")
	if ses == nil || ses.stream.Relay.URL != "" {
		return closed
	}
	err := ses.write(sound)
	if errors.Is(err, io.ErrClosedPipe) {
		return closed.Because(err)
	}
	return err
}
