package signing_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/signing"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, priv, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return priv
}

func TestWrappedKeyOpensOnlyWithItsPassword(t *testing.T) {
	priv := newKey(t)
	blob, err := signing.Wrap(priv, "đúng mật khẩu", signing.Cost{})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(blob, priv.Seed()) {
		t.Error("the seed lies open")
	}
	got, err := signing.Unwrap(blob, "đúng mật khẩu")
	if err != nil || !got.Equal(priv) {
		t.Errorf("own password: %v", err)
	}
	public, err := signing.Public(blob)
	if err != nil || !public.Equal(priv.Public()) {
		t.Errorf("public: %v", err)
	}
	for _, p := range []string{"", "sai", "đúng mật khẩu "} {
		if _, err := signing.Unwrap(blob, p); !errors.Is(err, signing.ErrWrongPassword) {
			t.Errorf("%q: %v", p, err)
		}
	}
	if _, err := signing.Wrap(priv, "", signing.Cost{}); !errors.Is(err, signing.ErrWrongPassword) {
		t.Errorf("wrapped without a password: %v", err)
	}
}

func TestChangedWrappedKeyIsRefused(t *testing.T) {
	blob, err := signing.Wrap(newKey(t), "mật khẩu", signing.Cost{})
	if err != nil {
		t.Fatal(err)
	}
	// One bit in each part: memory, lanes, salt, public key, nonce, seed, tag.
	for _, at := range []int{0, 9, 13, 16, 20, 40, 70, 100, len(blob) - 1} {
		bad := bytes.Clone(blob)
		bad[at] ^= 1
		if _, err := signing.Unwrap(bad, "mật khẩu"); !errors.Is(err, signing.ErrWrongPassword) && !errors.Is(err, signing.ErrMalformed) {
			t.Errorf("byte %d: %v", at, err)
		}
	}
	greedy := bytes.Clone(blob)
	greedy[12] = 0xff // 4 TiB of memory
	if _, err := signing.Unwrap(greedy, "mật khẩu"); !errors.Is(err, signing.ErrMalformed) {
		t.Errorf("greedy: %v", err)
	}
	for _, b := range [][]byte{nil, blob[:len(blob)-1], append(bytes.Clone(blob), 0)} {
		if _, err := signing.Unwrap(b, "mật khẩu"); !errors.Is(err, signing.ErrMalformed) {
			t.Errorf("%d bytes: %v", len(b), err)
		}
	}
}

func FuzzPublicNeverPanics(f *testing.F) {
	f.Add([]byte("loakey1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		protocoltest.HoldMemory(t, "wrapped key", len(b), func() { _, _ = signing.Public(b) })
		if p, err := signing.Public(b); (err == nil) != (len(p) == ed25519.PublicKeySize) {
			t.Errorf("%d bytes, %v", len(p), err)
		}
	})
}

func TestKeyFilesAreTheirOwnersOnly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hub.key")
	priv := newKey(t)
	if err := signing.WriteKey(file, priv); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got, err := signing.ReadKey(file); err != nil || !got.Equal(priv) {
		t.Errorf("read: %v", err)
	}
	if err := signing.WriteKey(file, newKey(t)); !errors.Is(err, os.ErrExist) {
		t.Errorf("overwritten: %v", err)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := signing.ReadKey(file); !errors.Is(err, signing.ErrMode) {
		t.Errorf("open to others: %v", err)
	}
}

func TestKeyring(t *testing.T) {
	k := signing.OpenKeyring(filepath.Join(t.TempDir(), "keys"), signing.Cost{})
	hub, registrar, root := newKey(t), newKey(t), newKey(t)
	rootKey := protocol.Key{Kind: protocol.KeyEd25519, Public: root.Public().(ed25519.PublicKey)}
	of := protocol.Key{Kind: protocol.KeyEd25519, Public: registrar.Public().(ed25519.PublicKey)}.ID()
	if _, err := k.Registrar("x", of); !errors.Is(err, problem.ErrUnavailable) {
		t.Errorf("without a key: %v", err)
	}
	if err := k.Create(hub, registrar, "mật khẩu", protocol.Roots{Threshold: 1, Keys: []protocol.Key{rootKey}}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Registrar("sai", of); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("wrong password: %v", err)
	}
	s, err := k.Registrar("mật khẩu", of)
	if err != nil || !bytes.Equal(s.Key().Public, registrar.Public().(ed25519.PublicKey)) {
		t.Errorf("registrar: %v", err)
	}
	// A commune's registrar has a key of their own, once its delegation is in force; each
	// password opens its own key alone.
	below, err := k.Next(protocol.RoleRegistrar, "xa", "mật khẩu của xã")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Registrar("mật khẩu của xã", below.ID()); !errors.Is(err, problem.ErrUnavailable) {
		t.Errorf("before its delegation: %v", err)
	}
	if err := k.Promote(protocol.RoleRegistrar, below); err != nil {
		t.Fatal(err)
	}
	if s, err := k.Registrar("mật khẩu của xã", of, below.ID()); err != nil || s.Key().ID() != below.ID() {
		t.Errorf("the commune's: %v", err)
	}
	if _, err := k.Registrar("mật khẩu của xã", of); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("the commune's password for the province's key: %v", err)
	}
	if _, err := k.Registrar("mật khẩu", below.ID()); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("the province's password for the commune's key: %v", err)
	}
	if _, err := k.Registrar("mật khẩu"); !errors.Is(err, problem.ErrUnavailable) {
		t.Errorf("for nobody's key: %v", err)
	}
	if _, err := k.Next(protocol.RoleRegistrar, "../xa", "mật khẩu"); !errors.Is(err, protocol.ErrInvalid) {
		t.Errorf("a unit that is no id: %v", err)
	}
	roots, err := k.Roots()
	if err != nil || len(roots.Keys) != 1 || roots.Keys[0].ID() != rootKey.ID() {
		t.Errorf("roots %v: %v", roots, err)
	}
	public, wrapped, err := k.NewKey("một")
	if err != nil {
		t.Fatal(err)
	}
	if wrapped, err = k.Rewrap(wrapped, "một", "hai"); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Open(wrapped, "một"); !errors.Is(err, problem.ErrForbidden) {
		t.Errorf("old password: %v", err)
	}
	if s, err = k.Open(wrapped, "hai"); err != nil || s.Key().ID() != public.ID() {
		t.Errorf("new password: %v", err)
	}
}

func TestAuthorityIsReadBackAndNeverOverwritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	ca, err := signing.CreateCA(dir, "Loa", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	again, err := signing.OpenCA(dir)
	if err != nil || !bytes.Equal(ca.Certificate(), again.Certificate()) {
		t.Errorf("read back: %v", err)
	}
	if _, err := signing.CreateCA(dir, "Loa", time.Now()); !errors.Is(err, os.ErrExist) {
		t.Errorf("overwritten: %v", err)
	}
}
