package config

import (
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"strings"
)

// OIDC is a provider that logs people in besides the hub itself (OpenID Connect).
type OIDC struct {
	// Issuer is the provider's URL, under which it tells what it is; "" is none.
	Issuer   string `yaml:"issuer"`
	ClientID string `yaml:"client_id"`
	// SecretFile holds the client's secret; "" for a public client.
	SecretFile string `yaml:"secret_file"`
	// Name is what people read on the button.
	Name string `yaml:"label"`
	// Claim names a person; email counts only where the provider says that it
	// verified it.
	Claim  string   `yaml:"claim"`
	Scopes []string `yaml:"scopes"`
	// Factors are values of amr that say that a second factor was checked.
	Factors []string `yaml:"amr"`
}

// maxSecret is the longest secret of a client, in bytes.
const maxSecret = 4096

func (o OIDC) check(bad func(key, want string) error) error {
	if o.Issuer == "" {
		return nil
	}
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return bad("console.oidc.issuer", "a URL with https://, without a query")
	}
	if o.ClientID == "" || o.Claim == "" || o.Name == "" {
		return bad("console.oidc", "client_id, claim and label")
	}
	return nil
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// Secret reads the client's secret.
func (o OIDC) Secret() (secret string, err error) {
	if o.SecretFile == "" {
		return "", nil
	}
	f, err := os.Open(o.SecretFile)
	if err != nil {
		return "", fmt.Errorf("console.oidc.secret_file: %w", err)
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret))
	return strings.TrimSpace(string(b)), err
}
