// Package passkey registers passkeys and takes them at log-in: it holds the
// WebAuthn library, and does nothing else. Approvals by passkeys are checked by protocol/envelope, with the
// same code on the hub and on devices.
package passkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	webauthn "github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	server "github.com/go-webauthn/webauthn/webauthn"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// life is how long a registration waits for its answer, most how many do at once.
const (
	life = 5 * time.Minute
	most = 1000
)

// SiteOf returns the site of a console's address. A host that is a number, or
// plain HTTP elsewhere than on localhost, can have no passkeys: then it is nil.
func SiteOf(console string) *protocol.Site {
	u, err := url.Parse(console)
	if err != nil || u.Host == "" || net.ParseIP(u.Hostname()) != nil {
		return nil
	}
	host := strings.ToLower(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || host != "localhost") {
		return nil
	}
	return &protocol.Site{ID: host, Origins: []string{u.Scheme + "://" + strings.ToLower(u.Host)}}
}

// waiting is a registration that was begun.
type waiting struct {
	person  protocol.PersonID
	session server.SessionData
	until   time.Time
}

// Ceremonies registers passkeys for one site. It implements account.Ceremony and
// is safe for concurrent use.
type Ceremonies struct {
	auth *server.WebAuthn
	mu   sync.Mutex
	open map[string]waiting

	tickets *tickets
}

// New returns the registration of a site; name is shown by browsers.
func New(site protocol.Site, name string) (*Ceremonies, error) {
	auth, err := server.New(&server.Config{
		RPID: site.ID, RPDisplayName: name, RPOrigins: site.Origins, AttestationPreference: webauthn.PreferNoAttestation,
		AuthenticatorSelection: webauthn.AuthenticatorSelection{
			ResidentKey: webauthn.ResidentKeyRequirementPreferred, UserVerification: webauthn.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	t, err := newTickets()
	if err != nil {
		return nil, err
	}
	return &Ceremonies{auth: auth, open: map[string]waiting{}, tickets: t}, nil
}

// user is who registers.
type user struct {
	id   protocol.PersonID
	name string
	held [][]byte
}

func (u user) WebAuthnID() []byte          { return []byte(u.id) }
func (u user) WebAuthnName() string        { return string(u.id) }
func (u user) WebAuthnDisplayName() string { return u.name }

func (u user) WebAuthnCredentials() []server.Credential {
	var all []server.Credential
	for _, id := range u.held {
		all = append(all, server.Credential{ID: id})
	}
	return all
}

// Begin implements account.Ceremony.
func (c *Ceremonies) Begin(person protocol.PersonID, name string, held [][]byte, now time.Time) (string, json.RawMessage, error) {
	u := user{id: person, name: name, held: held}
	creation, session, err := c.auth.BeginRegistration(u,
		server.WithCredentialParameters([]webauthn.CredentialParameter{{Type: webauthn.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256}}),
		server.WithExclusions(server.Credentials(u.WebAuthnCredentials()).CredentialDescriptors()))
	if err != nil {
		return "", nil, fmt.Errorf("begin registration: %w", err)
	}
	options, err := json.Marshal(creation.Response)
	if err != nil {
		return "", nil, fmt.Errorf("begin registration: %w", err)
	}
	id, err := protocol.NewID(now, rand.Reader)
	if err != nil {
		return "", nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, w := range c.open {
		if now.After(w.until) {
			delete(c.open, k)
		}
	}
	if len(c.open) >= most {
		return "", nil, problem.New(problem.ErrBusy, "registrations", "", "Quá nhiều người đang đăng ký khoá; hãy đợi vài phút.", "Too many registrations are under way; wait some minutes.")
	}
	c.open[id] = waiting{person: person, session: *session, until: now.Add(life)}
	return id, options, nil
}

// Finish implements account.Ceremony.
func (c *Ceremonies) Finish(id string, person protocol.PersonID, response []byte, now time.Time) (account.Credential, error) {
	c.mu.Lock()
	w, ok := c.open[id]
	delete(c.open, id)
	c.mu.Unlock()
	if !ok || w.person != person || now.After(w.until) {
		return account.Credential{}, problem.New(problem.ErrConflict, "registration-over", "registration", "Lượt đăng ký khoá này đã hết hạn; hãy bắt đầu lại.", "This registration is over; begin again.")
	}
	bad := problem.New(problem.ErrInvalid, "bad-passkey", "credential", "Thiết bị trả lời không đúng; hãy thử lại, và bật vân tay hoặc mã khoá màn hình.",
		"The authenticator's answer is not right; try again, with a fingerprint or a screen lock switched on.")
	parsed, err := webauthn.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return account.Credential{}, bad.Because(err)
	}
	made, err := c.auth.CreateCredential(user{id: person}, w.session, parsed)
	if err != nil {
		return account.Credential{}, bad.Because(err)
	}
	key, err := keyOf(made.PublicKey)
	if err != nil {
		return account.Credential{}, bad.Because(err)
	}
	return account.Credential{
		ID: slices.Clone(made.ID), Key: key, Synced: made.Flags.BackupEligible, Counter: made.Authenticator.SignCount,
	}, nil
}

var errKey = errors.New("not a key on P-256 for ES256")

// keyOf brings a COSE_Key into the one form that devices read.
func keyOf(cose []byte) (protocol.Key, error) {
	parsed, err := webauthncose.ParsePublicKey(cose)
	if err != nil {
		return protocol.Key{}, err
	}
	k, ok := parsed.(webauthncose.EC2PublicKeyData)
	if !ok || k.Algorithm != int64(webauthncose.AlgES256) || len(k.XCoord) != 32 || len(k.YCoord) != 32 {
		return protocol.Key{}, errKey
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, k.XCoord, k.YCoord))
	if err != nil {
		return protocol.Key{}, err
	}
	return envelope.PasskeyOf(public)
}
