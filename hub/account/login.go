package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// SessionLife is how long a log-in holds.
const SessionLife = 12 * time.Hour

// Way is how somebody logged in.
type Way string

// The ways.
const (
	WayPassword Way = "password" // the password alone
	WayCode     Way = "code"     // password, and a code of a second factor
	WayPasskey  Way = "passkey"  // a passkey, whose person was verified
	WayProvider Way = "provider" // a provider of log-ins (OpenID Connect)
)

// From is where a log-in comes from.
type From struct {
	Address string
	Browser string // as it calls itself
}

// maxBrowser is how much of a browser's name is kept.
const maxBrowser = 200

// Session is one log-in that holds.
type Session struct {
	ID     string
	Person protocol.PersonID
	Way    Way
	// Strong: two factors were checked.
	Strong         bool
	Began, Expires time.Time
	From
}

// SessionStore keeps log-ins. Each method is one transaction.
type SessionStore interface {
	// AddSession stores a log-in of somebody whose password has this hash still.
	// Error: problem.ErrConflict.
	AddSession(ctx context.Context, s Session, hash string, a audit.Act) error
	// Session returns a log-in that holds at an instant. Error: problem.ErrNotFound.
	Session(ctx context.Context, id string, now time.Time) (Session, error)
	// Sessions returns a person's that hold, newest first.
	Sessions(ctx context.Context, person protocol.PersonID, now time.Time) ([]Session, error)
	// EndSession ends one of a person's. Error: problem.ErrNotFound.
	EndSession(ctx context.Context, person protocol.PersonID, id string, a audit.Act) error
	// EndSessions ends all of a person's but one, "" for none.
	EndSessions(ctx context.Context, person protocol.PersonID, but string, a audit.Act) error
}

// enter begins a log-in of somebody who has proved who they are.
func (s *Service) enter(ctx context.Context, id protocol.PersonID, hash string, way Way, strong bool, from From) (Login, error) {
	now := time.Now()
	session := Session{ID: rand.Text(), Person: id, Way: way, Strong: strong, Began: now, Expires: now.Add(SessionLife), From: from}
	session.Browser = cleaned(from.Browser)
	actor, err := s.actor(ctx, id, session.Strong)
	if err != nil {
		return Login{}, err
	}
	ctx = audit.With(ctx, audit.Origin{Person: id, Address: from.Address, Via: "session"})
	act := audit.Act{At: now, Name: "logged in", Unit: firstUnit(actor.Grants), After: map[string]string{"way": string(way)}}
	err = s.sessions.AddSession(ctx, session, hash, act)
	if errors.Is(err, problem.ErrConflict) {
		return Login{}, errWrong() // the password was changed meanwhile
	}
	if err != nil {
		return Login{}, fmt.Errorf("log in: %w", err)
	}
	return Login{Actor: actor, Session: session.ID}, nil
}

// cleaned is what is kept of a browser's name.
func cleaned(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if r := []rune(name); len(r) > maxBrowser {
		name = string(r[:maxBrowser])
	}
	return name
}

// Actor returns who is logged in by a session. Error: problem.ErrUnauthorized if
// it is over, or the person is disabled.
func (s *Service) Actor(ctx context.Context, session string) (Actor, error) {
	held, err := s.sessions.Session(ctx, session, time.Now())
	if errors.Is(err, problem.ErrNotFound) {
		return Actor{}, problem.New(problem.ErrUnauthorized, "session-over", "", "Phiên đăng nhập đã kết thúc; hãy đăng nhập lại.", "The session is over; log in again.")
	}
	if err != nil {
		return Actor{}, fmt.Errorf("actor: %w", err)
	}
	return s.actor(ctx, held.Person, held.Strong)
}

func (s *Service) actor(ctx context.Context, id protocol.PersonID, strong bool) (Actor, error) {
	p, err := s.store.Person(ctx, id)
	if errors.Is(err, problem.ErrNotFound) || (err == nil && !p.Disabled.IsZero()) {
		return Actor{}, errWrong()
	}
	if err != nil {
		return Actor{}, fmt.Errorf("actor: %w", err)
	}
	due, err := s.due(ctx, p, strong)
	return Actor{Person: p.ID, Name: p.Name, Grants: p.Grants, Due: due}, err
}

// Sessions returns a person's log-ins that hold, newest first.
func (s *Service) Sessions(ctx context.Context, person protocol.PersonID) ([]Session, error) {
	return s.sessions.Sessions(ctx, person, time.Now())
}

// EndSession ends one of a person's log-ins. Error: problem.ErrNotFound.
func (s *Service) EndSession(ctx context.Context, person protocol.PersonID, id string, by protocol.PersonID) error {
	return s.sessions.EndSession(ctx, person, id, audit.Act{At: time.Now(), By: by, About: person, Name: "session ended"})
}

// EndSessions ends all of a person's log-ins but one, "" for none.
func (s *Service) EndSessions(ctx context.Context, person protocol.PersonID, but string, by protocol.PersonID) error {
	return s.sessions.EndSessions(ctx, person, but, audit.Act{At: time.Now(), By: by, About: person, Name: "sessions ended"})
}
