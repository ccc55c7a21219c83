package account

import (
	"context"
	"log/slog"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Person is somebody who uses the hub.
type Person struct {
	ID       protocol.PersonID
	Name     string
	Created  time.Time
	Disabled time.Time // zero if not
	Grants   []Grant
	// MustChange: the password was given for one log-in.
	MustChange bool
	// Key is the public key by which the person approves; nil for none.
	Key *protocol.Key
}

// NewPerson is what Add needs.
type NewPerson struct {
	ID       protocol.PersonID
	Name     string
	Password string
	Grants   []Grant
	// OneTime passwords have to be changed at the first log-in.
	OneTime bool
}

// Scope is what a token may be used for.
type Scope string

// The scopes.
const (
	ScopeAll  Scope = "all"  // all that its person may
	ScopeRead Scope = "read" // changes nothing
)

// Token is an API token without its secret.
type Token struct {
	ID      string
	Person  protocol.PersonID
	Name    string
	Scope   Scope
	Created time.Time
	Expires time.Time
	Revoked time.Time // zero if not
}

// WrappedKey is a signing key that only its owner's password opens.
type WrappedKey struct {
	Public  protocol.Key
	Wrapped []byte
	Created time.Time
}

// Store keeps people. Each method is one transaction. Missing rows are
// problem.ErrNotFound, rows that are there already problem.ErrConflict.
type Store interface {
	Person(ctx context.Context, id protocol.PersonID) (Person, error)
	People(ctx context.Context) ([]Person, error)
	// Name returns a person's name, "" once it was erased, and whether somebody else has the same.
	Name(ctx context.Context, id protocol.PersonID) (name string, shared bool, err error)
	PasswordHash(ctx context.Context, id protocol.PersonID) (string, error)
	Key(ctx context.Context, id protocol.PersonID) (WrappedKey, error)
	// AddPerson stores a person with key (nil for none) and new lists.
	AddPerson(ctx context.Context, p Person, hash string, key *WrappedKey, lists []registry.Document, c audit.Act) error
	// SetPassword replaces hash, whether it is for one log-in, key (nil leaves it) and adds lists.
	SetPassword(ctx context.Context, id protocol.PersonID, hash string, oneTime bool, key *WrappedKey, lists []registry.Document, c audit.Act) error
	// SetGrants replaces the roles, stores key unless nil, and adds lists.
	SetGrants(ctx context.Context, id protocol.PersonID, grants []Grant, key *WrappedKey, lists []registry.Document, c audit.Act) error
	// Disable ends log-in, tokens and the wrapped key, and adds lists.
	Disable(ctx context.Context, id protocol.PersonID, lists []registry.Document, c audit.Act) error
	// Erase forgets what is personal of somebody, in the record of acts too.
	Erase(ctx context.Context, id protocol.PersonID, c audit.Act) error
	// Record writes an act that changes nothing else.
	Record(ctx context.Context, a audit.Act) error
	// Approvers returns the newest signed list of a unit.
	Approvers(ctx context.Context, unit protocol.UnitID) ([]byte, error)

	AddToken(ctx context.Context, t Token, hash [32]byte) error
	TokenByHash(ctx context.Context, hash [32]byte) (Token, error)
	Tokens(ctx context.Context, person protocol.PersonID) ([]Token, error)
	RevokeToken(ctx context.Context, person protocol.PersonID, id string, at time.Time) error
}

// Keyring opens and wraps people's signing keys.
type Keyring interface {
	// NewKey makes a key pair and wraps its private half.
	NewKey(password string) (protocol.Key, []byte, error)
	// Open unwraps a key. Error: problem.ErrForbidden for a wrong password.
	Open(wrapped []byte, password string) (*envelope.Signer, error)
	// Rewrap changes the password of a wrapped key.
	Rewrap(wrapped []byte, old, password string) ([]byte, error)
}

// Units knows the units in which people have roles, and their registrars.
type Units interface {
	Tree(ctx context.Context) (registry.Tree, error)
	// Registrar opens the key of a registrar of all these units. Errors:
	// problem.ErrForbidden, problem.ErrUnavailable.
	Registrar(ctx context.Context, password string, units ...protocol.UnitID) (*envelope.Signer, error)
	// Others tells what others than a signer signed that still counts.
	Others(ctx context.Context, signer *envelope.Signer) (func(d registry.Document, path []protocol.UnitID) bool, error)
}

// Config is what New needs.
type Config struct {
	Store   Store
	Keyring Keyring
	Units   Units
	Log     *slog.Logger
	// Sessions keeps log-ins, Identities how a provider of log-ins calls people.
	Sessions   SessionStore
	Identities IdentityStore
	// Passkeys keeps passkeys, Ceremony registers them at Site, Prover takes them
	// for log-ins; the last three are nil where the console has no name under https.
	Passkeys PasskeyStore
	Ceremony Ceremony
	Prover   Prover
	Site     *protocol.Site
	// Second keeps second factors, Codes computes their codes, Sealer keeps their
	// secrets from who holds the database; all nil where there are none.
	Second SecondStore
	Codes  Codes
	Sealer Sealer
	// Demand are roles that log in with a second factor only, Demands keeps those
	// of units.
	Demand  []Role
	Demands DemandStore
	// Hash is the cost of a password; the zero value takes DefaultHash.
	Hash argon2id.Params
}

// DefaultHash is the cost of checking a password: 46 MiB and about 60 ms.
func DefaultHash() argon2id.Params {
	return argon2id.Params{Memory: 46 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// Login is somebody who has just logged in.
type Login struct {
	Actor   Actor
	Session string // its id
}
