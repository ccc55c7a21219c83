package passkey

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	webauthn "github.com/go-webauthn/webauthn/protocol"
	server "github.com/go-webauthn/webauthn/webauthn"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
)

// tickets keeps questions to browsers outside of the hub, where strangers may ask
// for as many as they like: a ticket is the question, sealed. Only those that were
// used are noted, until they end.
type tickets struct {
	aead cipher.AEAD
	mu   sync.Mutex
	used map[string]time.Time // by challenge, with its end
}

func newTickets() (*tickets, error) {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("tickets: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("tickets: %w", err)
	}
	return &tickets{aead: aead, used: map[string]time.Time{}}, nil
}

func (t *tickets) seal(s server.SessionData) (string, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("ticket: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(t.aead.Seal(nil, nil, text, nil)), nil
}

var errTicket = errors.New("not a ticket that counts")

func (t *tickets) open(ticket string, now time.Time) (server.SessionData, error) {
	var s server.SessionData
	sealed, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil {
		return s, errTicket
	}
	text, err := t.aead.Open(nil, nil, sealed, nil)
	if err != nil || json.Unmarshal(text, &s) != nil || !now.Before(s.Expires) {
		return s, errTicket
	}
	return s, nil
}

// use notes that a ticket was used; false if it was before.
func (t *tickets) use(s server.SessionData, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c, until := range t.used {
		if now.After(until) {
			delete(t.used, c)
		}
	}
	_, was := t.used[s.Challenge]
	t.used[s.Challenge] = s.Expires
	return !was
}

// Ask implements account.Prover.
func (c *Ceremonies) Ask(credentials [][]byte, now time.Time) (string, json.RawMessage, error) {
	opts := []server.LoginOption{server.WithUserVerification(webauthn.VerificationRequired)}
	if len(credentials) > 0 {
		opts = append(opts, server.WithAllowedCredentials(server.Credentials(user{held: credentials}.WebAuthnCredentials()).CredentialDescriptors()))
	}
	assertion, session, err := c.auth.BeginDiscoverableLogin(opts...)
	if err != nil {
		return "", nil, fmt.Errorf("ask: %w", err)
	}
	session.Expires = now.Add(life)
	session.AllowedCredentialIDs = credentials
	options, err := json.Marshal(assertion.Response)
	if err != nil {
		return "", nil, fmt.Errorf("ask: %w", err)
	}
	ticket, err := c.tickets.seal(*session)
	return ticket, options, err
}

// owner is who holds one passkey.
type owner struct{ account.Passkey }

func (o owner) WebAuthnID() []byte          { return []byte(o.Person) }
func (o owner) WebAuthnName() string        { return string(o.Person) }
func (o owner) WebAuthnDisplayName() string { return string(o.Person) }

func (o owner) WebAuthnCredentials() []server.Credential {
	return []server.Credential{{
		ID: o.ID, PublicKey: o.Key.Public, Flags: server.CredentialFlags{BackupEligible: o.Synced}, Authenticator: server.Authenticator{SignCount: o.Counter},
	}}
}

// Prove implements account.Prover.
func (c *Ceremonies) Prove(ticket string, response []byte, held func(credential []byte) (account.Passkey, error), now time.Time) (account.Passkey, uint32, error) {
	refused := func(cause error) error {
		return problem.New(problem.ErrUnauthorized, "passkey-refused", "", "Khoá không được chấp nhận; hãy thử lại.", "The passkey is refused; try again.").Because(cause)
	}
	session, err := c.tickets.open(ticket, now)
	if err != nil {
		return account.Passkey{}, 0, refused(err)
	}
	parsed, err := webauthn.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return account.Passkey{}, 0, refused(err)
	}
	p, err := held(parsed.RawID)
	if errors.Is(err, problem.ErrNotFound) {
		return account.Passkey{}, 0, refused(err)
	}
	if err != nil {
		return account.Passkey{}, 0, err
	}
	if len(session.AllowedCredentialIDs) > 0 {
		// The list named all of one person's; the library wants this one's alone.
		if !slices.ContainsFunc(session.AllowedCredentialIDs, func(id []byte) bool { return bytes.Equal(id, p.ID) }) {
			return account.Passkey{}, 0, refused(errTicket)
		}
		session.AllowedCredentialIDs = [][]byte{p.ID}
	}
	session.UserID = []byte(p.Person)
	proved, err := c.auth.ValidateLogin(owner{p}, session, parsed)
	if err != nil {
		return account.Passkey{}, 0, refused(err)
	}
	if !c.tickets.use(session, now) {
		return account.Passkey{}, 0, refused(errTicket)
	}
	return p, proved.Authenticator.SignCount, nil
}
