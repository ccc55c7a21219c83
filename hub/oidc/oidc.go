// Package oidc logs people in by a provider of log-ins elsewhere (OpenID Connect,
// authorization code with PKCE): it holds the libraries for that, and proves who
// somebody is at the provider. It never decides whom of the hub that is, nor what
// they may.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/problem"
	"golang.org/x/oauth2"
)

const (
	// life is how long somebody may take at the provider.
	life = 10 * time.Minute
	// patience is how long the provider may take for one answer.
	patience = 10 * time.Second
	// maxAnswer is the longest answer of the provider that is read, in bytes.
	maxAnswer = 1 << 20
	// ticketName binds sealed tickets to what they are for.
	ticketName = "log-in at the provider"
)

// Sealer keeps what the browser carries from who holds the browser.
type Sealer interface {
	Seal(secret []byte, name string) ([]byte, error)
	OpenSealed(sealed []byte, name string) ([]byte, error)
}

// Config is what New needs.
type Config struct {
	Issuer, ClientID, Secret string
	Name                     string // for people
	Return                   string // URL to which the provider sends browsers back
	Claim                    string // which claim names a person
	Scopes                   []string
	// Factors are values of amr (RFC 8176) that say that a second factor was checked.
	Factors []string
	Sealer  Sealer
}

// Provider logs people in. Use New; it is safe for concurrent use.
type Provider struct {
	c      Config
	client *http.Client
	mu     sync.Mutex
	found  *oidc.Provider // nil until the provider was asked
}

// New returns a provider, which is asked when it is first needed: one that is away
// keeps no hub from starting.
func New(c Config) *Provider {
	return &Provider{c: c, client: &http.Client{Timeout: patience, Transport: bounded{http.DefaultTransport}}}
}

// bounded cuts answers off at maxAnswer: the library reads them to their end.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}

// ticket is what belongs to one log-in that is under way.
type ticket struct {
	State, Nonce, Verifier string
	Until                  time.Time
}

// Name returns what people call the provider.
func (p *Provider) Name() string { return p.c.Name }

// discovered asks the provider once what it is.
func (p *Provider) discovered(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.c.Issuer)
	if err != nil {
		return nil, away(err)
	}
	p.found = found
	return found, nil
}

func away(cause error) error {
	return problem.New(problem.ErrUnavailable, "provider-away", "", "Nơi đăng nhập chung không trả lời; hãy thử lại, hoặc đăng nhập bằng mật khẩu.",
		"The provider of log-ins does not answer; try again, or log in by password.").Because(cause)
}

func refused(cause error) error {
	return problem.New(problem.ErrForbidden, "provider-refused", "", "Nơi đăng nhập chung không xác nhận được anh/chị; hãy đăng nhập lại.",
		"The provider of log-ins did not confirm who you are; log in again.").Because(cause)
}

func (p *Provider) flow(found *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.c.ClientID, ClientSecret: p.c.Secret, Endpoint: found.Endpoint(), RedirectURL: p.c.Return,
		Scopes: append([]string{oidc.ScopeOpenID}, p.c.Scopes...),
	}
}

// Begin returns where the browser is sent, and a ticket that it brings back. Error:
// problem.ErrUnavailable.
func (p *Provider) Begin(ctx context.Context) (address, sealed string, err error) {
	found, err := p.discovered(ctx)
	if err != nil {
		return "", "", err
	}
	t := ticket{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Until: time.Now().Add(life)}
	text, err := json.Marshal(t)
	if err != nil {
		return "", "", fmt.Errorf("ticket: %w", err)
	}
	b, err := p.c.Sealer.Seal(text, ticketName)
	if err != nil {
		return "", "", fmt.Errorf("ticket: %w", err)
	}
	address = p.flow(found).AuthCodeURL(t.State, oidc.Nonce(t.Nonce), oauth2.S256ChallengeOption(t.Verifier))
	return address, base64.RawURLEncoding.EncodeToString(b), nil
}

// Finish takes what the browser brings back from the provider. Errors:
// problem.ErrForbidden, ErrUnavailable.
func (p *Provider) Finish(ctx context.Context, sealed string, query url.Values) (account.Identity, error) {
	t, err := p.open(sealed)
	if err != nil {
		return account.Identity{}, refused(err)
	}
	if subtle.ConstantTimeCompare([]byte(t.State), []byte(query.Get("state"))) != 1 {
		return account.Identity{}, refused(errState)
	}
	// RFC 9207: an answer of another provider.
	if iss := query.Get("iss"); iss != "" && iss != p.c.Issuer {
		return account.Identity{}, refused(errIssuer)
	}
	if e := query.Get("error"); e != "" {
		return account.Identity{}, refused(fmt.Errorf("%w: %.100q", errSaid, e))
	}
	found, err := p.discovered(ctx)
	if err != nil {
		return account.Identity{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.flow(found).Exchange(ctx, query.Get("code"), oauth2.VerifierOption(t.Verifier))
	if err != nil {
		var answered *oauth2.RetrieveError
		if errors.As(err, &answered) {
			return account.Identity{}, refused(err)
		}
		return account.Identity{}, away(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return account.Identity{}, refused(errNoToken)
	}
	id, err := found.VerifierContext(ctx, &oidc.Config{ClientID: p.c.ClientID}).Verify(ctx, raw)
	if err != nil {
		return account.Identity{}, refused(err)
	}
	return p.identity(id, t)
}

var (
	errState    = errors.New("another state: not the log-in that this browser began")
	errIssuer   = errors.New("the answer of another provider")
	errSaid     = errors.New("the provider says")
	errNoToken  = errors.New("no id_token")
	errNonce    = errors.New("another nonce: not the token of this log-in")
	errParty    = errors.New("the token is for another party")
	errOver     = errors.New("the ticket is over")
	errNoClaim  = errors.New("the token lacks the claim that names people")
	errUnproved = errors.New("the e-mail address is not verified")
)

func (p *Provider) open(sealed string) (ticket, error) {
	var t ticket
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return t, fmt.Errorf("ticket: %w", err)
	}
	text, err := p.c.Sealer.OpenSealed(b, ticketName)
	if err != nil {
		return t, fmt.Errorf("ticket: %w", err)
	}
	if err := json.Unmarshal(text, &t); err != nil {
		return t, fmt.Errorf("ticket: %w", err)
	}
	if !time.Now().Before(t.Until) {
		return t, errOver
	}
	return t, nil
}

// identity reads a verified token.
func (p *Provider) identity(id *oidc.IDToken, t ticket) (account.Identity, error) {
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(t.Nonce)) != 1 {
		return account.Identity{}, refused(errNonce)
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return account.Identity{}, refused(err)
	}
	// With several audiences the party that the token was made for is named (OpenID
	// Connect Core 3.1.3.7, 4 and 5).
	if azp, said := claims["azp"].(string); said && azp != p.c.ClientID || !said && len(id.Audience) > 1 {
		return account.Identity{}, refused(errParty)
	}
	name, ok := claims[p.c.Claim].(string)
	if !ok || strings.TrimSpace(name) == "" || len(name) > 320 {
		return account.Identity{}, problem.New(problem.ErrForbidden, "provider-claim", "",
			"Nơi đăng nhập chung không cho biết "+p.c.Claim+"; hãy báo quản trị viên.", "The provider does not tell "+p.c.Claim+"; tell an administrator.").Because(errNoClaim)
	}
	if p.c.Claim == "email" && !isTrue(claims["email_verified"]) {
		return account.Identity{}, problem.New(problem.ErrForbidden, "provider-unverified", "",
			"Địa chỉ thư của anh/chị ở nơi đăng nhập chung chưa được xác minh; hãy xác minh ở đó.", "Your e-mail address is not verified at the provider; verify it there.").Because(errUnproved)
	}
	return account.Identity{Issuer: id.Issuer, Subject: id.Subject, Name: name, Strong: p.strong(claims["amr"])}, nil
}

// isTrue takes a boolean as some providers write it.
func isTrue(v any) bool { return v == true || v == "true" }

func (p *Provider) strong(amr any) bool {
	all, _ := amr.([]any)
	return slices.ContainsFunc(all, func(v any) bool {
		method, ok := v.(string)
		return ok && slices.Contains(p.c.Factors, method)
	})
}
