// Package stepca asks a step-ca for devices' certificates: it signs the one-time
// tokens of a JWK provisioner and sends on the requests that devices made. It
// decides nothing about who is enrolled, and the hub does not believe the
// authority in it: a certificate counts only with the key that is bound to its
// device.
package stepca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/loa-vn/loa/protocol"
)

const (
	// tokenLife is how long a token counts.
	tokenLife = 5 * time.Minute
	// patience is how long the authority may take.
	patience = 20 * time.Second
	// maxAnswer is the longest answer, in bytes.
	maxAnswer = 1 << 20
	// maxChain is how many certificates an answer holds: devices read as many.
	maxChain = 5
)

// Failures.
var (
	ErrSettings = errors.New("bad settings of the issuing authority")
	ErrRefused  = errors.New("the issuing authority refuses")
	ErrAnswer   = errors.New("the issuing authority's answer is not what was asked for")
)

// Config is what New needs.
type Config struct {
	URL         string // https://ca.example:9000
	Root        string // file: the authority's root (PEM)
	Provisioner string // name of a JWK provisioner
	Key         string // file: its private key, EC P-256 (PEM, PKCS#8 or SEC 1)
}

// CA is a step-ca. Use New; it is safe for concurrent use.
type CA struct {
	base        *url.URL
	root        *x509.Certificate
	provisioner string
	signer      jose.Signer
	client      *http.Client
}

// New reads the files of the settings; the authority is asked when it is needed.
// Error: ErrSettings.
func New(c Config) (*CA, error) {
	base, err := url.Parse(c.URL)
	if err != nil || base.Scheme != "https" || base.Host == "" || c.Provisioner == "" {
		return nil, fmt.Errorf("url or provisioner: %w", ErrSettings)
	}
	block, err := readPEM(c.Root)
	if err != nil {
		return nil, err
	}
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !root.IsCA {
		return nil, fmt.Errorf("%s is no authority's certificate: %w", c.Root, ErrSettings)
	}
	if block, err = readPEM(c.Key); err != nil {
		return nil, err
	}
	key, err := parseKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Key, err)
	}
	signer, err := signer(key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Key, err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return &CA{base: base, root: root, provisioner: c.Provisioner, signer: signer, client: &http.Client{
		Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}},
	}}, nil
}

func readPEM(file string) (*pem.Block, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM: %w", file, ErrSettings)
	}
	return block, nil
}

func parseKey(der []byte) (*ecdsa.PrivateKey, error) {
	if key, err := x509.ParseECPrivateKey(der); err == nil && key.Curve == elliptic.P256() {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if key, ok := parsed.(*ecdsa.PrivateKey); err == nil && ok && key.Curve == elliptic.P256() {
		return key, nil
	}
	return nil, fmt.Errorf("not a key on P-256: %w", ErrSettings)
}

// signer signs tokens with a key that step-ca knows by its thumbprint (RFC 7638).
func signer(key *ecdsa.PrivateKey) (jose.Signer, error) {
	public := jose.JSONWebKey{Key: key.Public()}
	sum, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	kid := base64.RawURLEncoding.EncodeToString(sum)
	return jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, new(jose.SignerOptions).WithType("JWT").WithHeader("kid", kid))
}

// Root returns the authority's root in DER.
func (c *CA) Root() []byte { return bytes.Clone(c.root.Raw) }

// Issue returns a certificate for a request, with those between it and the root
// behind it, in DER. The request must carry the name. Errors: ErrRefused,
// ErrAnswer, those of the connection.
func (c *CA) Issue(ctx context.Context, name string, request []byte, from, until time.Time) ([][]byte, error) {
	now := time.Now()
	address := c.base.JoinPath("/1.0/sign").String()
	token, err := c.token(name, address, now)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]any{
		"csr": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request})), "ott": token,
		"notBefore": from.UTC().Format(time.RFC3339), "notAfter": until.UTC().Format(time.RFC3339),
	})
	if err != nil {
		return nil, fmt.Errorf("issue: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("issue: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("issue: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("issue: %w", err)
	}
	if res.StatusCode != http.StatusCreated && res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: status %d: %.300q", ErrRefused, res.StatusCode, answer)
	}
	return c.chain(name, request, answer, now)
}

// token is a one-time token by which a JWK provisioner lets one name be signed.
func (c *CA) token(name, audience string, now time.Time) (string, error) {
	token, err := jwt.Signed(c.signer).Claims(jwt.Claims{
		Issuer: c.provisioner, Audience: jwt.Audience{audience}, Subject: name, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(tokenLife)),
	}).Claims(map[string]any{"sans": []string{name}}).Serialize()
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return token, nil
}

// chain reads an answer, and checks that it is a client's certificate of that name
// on the key of the request, under the root.
func (c *CA) chain(name string, request, answer []byte, now time.Time) ([][]byte, error) {
	// One more than may be, so that a longer chain shows, and takes no more memory.
	var got struct {
		Chain [maxChain + 1]string `json:"certChain"`
		Leaf  string               `json:"crt"`
		CA    string               `json:"ca"`
	}
	if err := protocol.DecodeJSON(answer, &got); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	chain := got.Chain[:]
	if chain[0] == "" {
		chain = []string{got.Leaf, got.CA}
	}
	for len(chain) > 0 && chain[len(chain)-1] == "" {
		chain = chain[:len(chain)-1]
	}
	if len(chain) > maxChain {
		return nil, fmt.Errorf("a chain of more than %d certificates: %w", maxChain, ErrAnswer)
	}
	asked, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(c.root)
	var leaf *x509.Certificate
	var out [][]byte
	for _, text := range chain {
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			return nil, fmt.Errorf("not PEM: %w", ErrAnswer)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		if leaf == nil {
			leaf = cert
		} else {
			between.AddCert(cert)
		}
		if !cert.Equal(c.root) {
			out = append(out, cert.Raw)
		}
	}
	if leaf == nil || leaf.Subject.CommonName != name {
		return nil, fmt.Errorf("a certificate of another name: %w", ErrAnswer)
	}
	if !bytes.Equal(leaf.RawSubjectPublicKeyInfo, asked.RawSubjectPublicKeyInfo) {
		return nil, fmt.Errorf("a certificate on another key: %w", ErrAnswer)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return out, nil
}
