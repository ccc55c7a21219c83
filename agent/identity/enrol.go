package identity

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// enrolTime bounds each of the two requests.
const enrolTime = 30 * time.Second

// Enrol exchanges a claim for an identity and keeps it in dir. The hub's roots
// and CA are asked for first and compared with the claim's fingerprint; only then
// is the secret said, over a connection to a server of that CA. Whoever is in
// between sees no secret. Errors: the package's; protocol.ErrClaim.
func Enrol(ctx context.Context, hubURL, claim, dir string) (*Identity, error) {
	return EnrolOver(ctx, nil, hubURL, claim, dir)
}

// Dial opens a TCP connection; nil stands for the network's own.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// EnrolOver is Enrol by a way of its own to the hub.
func EnrolOver(ctx context.Context, dial Dial, hubURL, claim, dir string) (*Identity, error) {
	c, err := protocol.ParseClaim(claim)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(hubURL)
	if err != nil || base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("address %.100q is not of the form https://hub:8443: %w", hubURL, protocol.ErrInvalid)
	}
	if _, err := os.Stat(filepath.Join(dir, answerFile)); err == nil {
		return nil, ErrEnrolled
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	key, err := deviceKey(dir)
	if err != nil {
		return nil, fmt.Errorf("enrol: device key: %w", err)
	}
	ca, err := anchors(ctx, dial, base, c.Fingerprint)
	if err != nil {
		return nil, err
	}
	answer, err := exchange(ctx, dial, base, ca, c, key, "")
	if err == nil && answer.NamesWanted && protocol.ValidID(answer.Device) {
		answer, err = exchange(ctx, dial, base, ca, c, key, answer.Device)
	}
	if err != nil {
		return nil, err
	}
	return keep(answer, key, c.Fingerprint, hubURL, dir)
}

// anchors asks anybody for roots and CA, and believes them by their fingerprint.
func anchors(ctx context.Context, dial Dial, base *url.URL, want protocol.Fingerprint) (*x509.Certificate, error) {
	// Nothing is known of the server yet and nothing secret is said to it.
	settings := &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true} //nolint:gosec // the anchors are believed by the claim's fingerprint alone
	var got protocol.Anchors
	if err := call(ctx, dial, settings, http.MethodGet, base.JoinPath(protocol.AnchorsPath), nil, &got); err != nil {
		return nil, err
	}
	roots, err := got.RootList()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	ca, err := parseCertificate(got.CA)
	if err != nil {
		return nil, fmt.Errorf("CA: %w", ErrAnswer)
	}
	if !ca.IsCA || protocol.FingerprintOf(roots, ca.Raw) != want {
		return nil, ErrFingerprint
	}
	return ca, nil
}

// exchange says the secret to a server of the pinned CA. The name in the address
// is not compared: a technician may use an IP address, and that CA makes
// certificates for servers to nobody but the hub.
func exchange(ctx context.Context, dial Dial, base *url.URL, ca *x509.Certificate, c protocol.Claim, key ed25519.PrivateKey, device protocol.DeviceID) (protocol.EnrolAnswer, error) {
	var answer protocol.EnrolAnswer
	csr, csrBulk, err := requests(key, device)
	if err != nil {
		return answer, fmt.Errorf("enrol: %w", err)
	}
	body, err := json.Marshal(protocol.EnrolRequest{
		Secret: c.Secret[:], DeviceKey: key.Public().(ed25519.PublicKey), CSR: csr, CSRBulk: csrBulk,
	})
	if err != nil {
		return answer, fmt.Errorf("enrol: %w", err)
	}
	// A new device's clock is not sure: dates are left out.
	settings := ClientTLS(ca, "", func() time.Time { return time.Time{} })
	err = call(ctx, dial, settings, http.MethodPost, base.JoinPath(protocol.EnrolPath), body, &answer)
	return answer, err
}

// requests are PKCS#10 requests for the device's key under its two names; a device
// that does not know its id yet leaves them to the hub.
func requests(key ed25519.PrivateKey, device protocol.DeviceID) (own, bulk string, err error) {
	names := []string{"loa-agent", "loa-agent"}
	if device != "" {
		names = []string{protocol.Client{Device: device}.String(), protocol.Client{Device: device, Bulk: true}.String()}
	}
	if own, err = request(key, names[0]); err != nil {
		return "", "", err
	}
	bulk, err = request(key, names[1])
	return own, bulk, err
}

func request(key ed25519.PrivateKey, name string) (string, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: name}, SignatureAlgorithm: x509.PureEd25519,
	}, key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), nil
}

// call makes one request of its own connection and reads the JSON answer.
func call(ctx context.Context, dial Dial, settings *tls.Config, method string, u *url.URL, body []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, enrolTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{
		Transport:     &http.Transport{DialContext: dial, TLSClientConfig: settings, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if errors.Is(err, ErrServer) {
		return fmt.Errorf("%w: %w", ErrFingerprint, err)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK, http.StatusCreated:
	case http.StatusForbidden, http.StatusUnauthorized:
		return ErrClaimUnknown
	case http.StatusGone:
		return ErrClaimUsed
	case http.StatusConflict:
		return ErrEnrolled
	case http.StatusTooManyRequests:
		return ErrBusy
	default:
		return fmt.Errorf("status %d: %w", resp.StatusCode, ErrAnswer)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, protocol.MaxEnrol+1))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if len(raw) > protocol.MaxEnrol {
		return fmt.Errorf("%d bytes: %w", len(raw), ErrAnswer)
	}
	return parse(raw, answer)
}

// parse reads a hub's answer. Error: ErrAnswer.
func parse(raw []byte, answer any) error {
	if err := protocol.DecodeJSON(raw, answer); err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return nil
}
