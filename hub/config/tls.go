package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// TLS is how the console is served over https; the microphone and passkeys of
// browsers need it.
type TLS struct {
	// Mode is off (plain HTTP, or a proxy's TLS), files (a certificate of one's
	// own), lan (one of the hub's own authority) or acme (one from a public
	// authority such as Let's Encrypt).
	Mode string `yaml:"mode"`
	// Certificate and Key are files (PEM) of mode files; they are read again when
	// they change.
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	// Email is told to the public authority, Directory is its address.
	Email     string `yaml:"email"`
	Directory string `yaml:"directory"`
	// CA is a file with the root (PEM) of the server at Directory, where it is one's
	// own; "" for the roots of the system.
	CA string `yaml:"ca"`
	// Redirect is an address for plain HTTP that sends browsers to https, and that
	// a public authority asks on; "" for none.
	Redirect string `yaml:"redirect"`
}

func (c Console) checkTLS(bad func(key, want string) error) error {
	t := c.TLS
	switch {
	case !slices.Contains([]string{"off", "files", "lan", "acme"}, t.Mode):
		return bad("console.tls.mode", "off, files, lan or acme")
	case t.Mode != "off" && !strings.HasPrefix(c.URL, "https://"):
		return bad("console.url", "https:// where console.tls is on")
	case t.Mode == "files" && (t.Certificate == "" || t.Key == ""):
		return bad("console.tls.certificate and key", "both files")
	case t.Redirect != "" && (t.Mode == "off" || !validListen(t.Redirect)):
		return bad("console.tls.redirect", `an address like ":80", with tls on`)
	}
	if _, err := netip.ParseAddr(c.Host()); t.Mode == "acme" && (err == nil || !strings.Contains(c.Host(), ".")) {
		return bad("console.url", "a name such as https://loa.example where console.tls.mode is acme")
	}
	if u, err := url.Parse(t.Directory); t.Mode == "acme" && (err != nil || u.Scheme != "https") {
		return bad("console.tls.directory", "a URL with https://")
	}
	return nil
}

// Issuer is a step-ca that issues devices' certificates instead of the hub's own
// authority, by a JWK provisioner.
type Issuer struct {
	URL         string `yaml:"url"`         // https://ca.example:9000; "" for none
	Root        string `yaml:"root"`        // file: its root (PEM)
	Provisioner string `yaml:"provisioner"` // name
	Key         string `yaml:"key"`         // file: the provisioner's private key (PEM)
}
