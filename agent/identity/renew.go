package identity

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/agent/kept"
	"github.com/loa-vn/loa/protocol"
)

// RenewBefore is how long before its end a certificate is renewed.
const RenewBefore = 60 * 24 * time.Hour

// Due says whether the certificates should be renewed at an instant; one that has
// ended still may be.
func (id *Identity) Due(at time.Time) bool {
	return id.Hub != "" && at.Add(RenewBefore).After(id.Certificate.Leaf.NotAfter)
}

// Renew asks the hub for new certificates on the same key, and keeps them in dir.
// The requests, made with that key, are the proof; an expired certificate is no
// hindrance. Errors: the package's.
func (id *Identity) Renew(ctx context.Context, dir string) (*Identity, error) {
	base, err := url.Parse(id.Hub)
	if err != nil {
		return nil, fmt.Errorf("renew: %w", ErrAnswer)
	}
	csr, csrBulk, err := requests(id.Key, id.Device)
	if err != nil {
		return nil, fmt.Errorf("renew: %w", err)
	}
	body, err := json.Marshal(protocol.RenewRequest{Device: id.Device, CSR: csr, CSRBulk: csrBulk})
	if err != nil {
		return nil, fmt.Errorf("renew: %w", err)
	}
	var answer protocol.EnrolAnswer
	settings := ClientTLS(id.CA, "", func() time.Time { return time.Time{} })
	if err := call(ctx, nil, settings, http.MethodPost, base.JoinPath(protocol.RenewPath), body, &answer); err != nil {
		return nil, err
	}
	// Roots, CA and place stay those that were pinned: only certificates are new.
	held, err := loadAnswer(dir)
	if err != nil {
		return nil, err
	}
	held.Certificate, held.CertificateBulk, held.Issuer = answer.Certificate, answer.CertificateBulk, answer.Issuer
	next, err := fromAnswer(id.Key, held)
	if err != nil {
		return nil, err
	}
	if !next.Certificate.Leaf.NotAfter.After(id.Certificate.Leaf.NotAfter) || !id.Key.Public().(ed25519.PublicKey).Equal(next.Certificate.Leaf.PublicKey) {
		return nil, fmt.Errorf("renewed certificates: %w", ErrAnswer)
	}
	raw, err := json.MarshalIndent(held, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("renew: %w", err)
	}
	return next, kept.File{Path: filepath.Join(dir, answerFile)}.Save(raw)
}
