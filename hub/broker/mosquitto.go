package broker

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Grant is what one client of an external broker may hear and say.
type Grant struct {
	ClientID string
	Hear     []string // topics or filters
	Say      []string
}

// ErrInvalidGrant: a name or topic that would mean something else in an access list.
var ErrInvalidGrant = errors.New("invalid grant")

// MosquittoACL writes an acl_file for mosquitto (mosquitto.conf(5)) that holds what a
// Policy holds in the embedded broker: hub may do all below root, each client what it is granted. It
// belongs with require_certificate, use_identity_as_username and
// use_username_as_clientid; without the last one a device can throw out another.
func MosquittoACL(hub, root string, grants []Grant) ([]byte, error) {
	var b bytes.Buffer
	user := func(g Grant) error {
		if g.ClientID == "" || strings.ContainsAny(g.ClientID, "+#/ \t\r\n%") {
			return fmt.Errorf("client id %q: %w", g.ClientID, ErrInvalidGrant)
		}
		fmt.Fprintf(&b, "user %s\n", g.ClientID)
		for i, t := range append(slices.Clone(g.Hear), g.Say...) {
			if t == "" || strings.ContainsAny(t, "\r\n\x00") || t != strings.TrimSpace(t) {
				return fmt.Errorf("topic %q of %s: %w", t, g.ClientID, ErrInvalidGrant)
			}
			verb := "read"
			if i >= len(g.Hear) {
				verb = "write"
			}
			fmt.Fprintf(&b, "topic %s %s\n", verb, t)
		}
		return nil
	}
	all := []string{root + "/#"}
	if err := user(Grant{ClientID: hub, Hear: all, Say: all}); err != nil {
		return nil, err
	}
	for _, g := range grants {
		if err := user(g); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}
