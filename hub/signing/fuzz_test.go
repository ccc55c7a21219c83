package signing

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// FuzzRoots reads the file of roots that an auditor or a new hub is given.
func FuzzRoots(f *testing.F) {
	one, two := protocoltest.PrivateKey("one"), protocoltest.PrivateKey("two")
	roots := protocol.Roots{Version: protocol.Version, Threshold: 2}
	for _, k := range []ed25519.PrivateKey{one, two} {
		roots.Keys = append(roots.Keys, protocol.Key{Kind: protocol.KeyEd25519, Public: k.Public().(ed25519.PublicKey)})
	}
	file := filepath.Join(f.TempDir(), "roots")
	if err := WriteRoots(file, roots); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	if r, err := parseRoots(whole); err != nil || len(r.Keys) != 2 || r.Threshold != 2 {
		f.Fatal(r, err)
	}
	f.Add(whole)
	f.Add([]byte(strings.Repeat("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", 20)))
	f.Fuzz(func(t *testing.T, b []byte) {
		protocoltest.HoldMemory(t, "file of roots", len(b), func() { _, _ = parseRoots(b) })
		r, err := parseRoots(b)
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("refused as %v", err)
		}
		if err == nil && (r.Threshold < 1 || r.Threshold > uint64(len(r.Keys)) || len(r.Keys) > protocol.MaxRoots) {
			t.Errorf("%d of %d roots", r.Threshold, len(r.Keys))
		}
	})
}

// FuzzAct reads the file that goes round between the roots' holders, and what it says
// to them.
func FuzzAct(f *testing.F) {
	w := protocoltest.NewWorld(f)
	a := Act{Documents: []ActDocument{{Kind: envelope.KindDelegation, Payload: protocoltest.Encode(f, protocoltest.Delegation(protocol.RoleHub, w.Hub.Key()))}}}
	if err := a.Sign(protocoltest.PrivateKey("root")); err != nil {
		f.Fatal(err)
	}
	whole, err := json.Marshal(a)
	if err != nil {
		f.Fatal(err)
	}
	if got, err := parseAct(whole); err != nil || len(got.Documents) != 1 || len(got.Documents[0].Signatures) != 1 {
		f.Fatal(got, err)
	}
	f.Add(whole)
	f.Add([]byte(`{"documents":[` + strings.Repeat("{},", 2000) + `{}]}`))
	f.Add([]byte(`{"documents":[{"` + strings.Repeat("\x81", 3000) + `":""}]}`)) // not UTF-8
	f.Add([]byte(`{"documents":[{"kind":"roots","payload":"oA==","signatures":[` + strings.Repeat(`"",`, 2000) + `""]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		protocoltest.HoldMemory(t, "act", len(b), func() {
			if a, err := parseAct(b); err == nil {
				for _, d := range a.Documents {
					_, _ = d.Says()
				}
			}
		})
		a, err := parseAct(b)
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("refused as %v", err)
		}
		for _, d := range a.Documents {
			if says, err := d.Says(); (err == nil) != (says != "") {
				t.Errorf("says %q, %v", says, err)
			}
		}
	})
}
