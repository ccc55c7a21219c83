package signing

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Act is what roots sign together: it goes round as a file, from holder to
// holder, and back to the hub. Nothing in it is secret.
type Act struct {
	Documents []ActDocument `json:"documents"`
}

// ActDocument is one list of roots or delegation, with the signatures so far.
type ActDocument struct {
	Kind       envelope.Kind      `json:"kind"`
	Payload    []byte             `json:"payload"`
	Signatures protocol.Documents `json:"signatures,omitempty"`
}

// maxAct is the longest act, in bytes.
const maxAct = 4 << 20

// ReadAct reads what Write wrote. Error: ErrMalformed.
func ReadAct(file string) (Act, error) {
	info, err := os.Stat(file)
	if err != nil {
		return Act{}, fmt.Errorf("act: %w", err)
	}
	if info.Size() > maxAct {
		return Act{}, fmt.Errorf("act %s: %w", file, ErrMalformed)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return Act{}, fmt.Errorf("act: %w", err)
	}
	a, err := parseAct(b)
	if err != nil {
		return Act{}, fmt.Errorf("act %s: %w", file, err)
	}
	return a, nil
}

// maxDocuments is how many one act has at most: a list of roots, and a delegation of
// each role for each of a province's units is far less.
const maxDocuments = 1000

// parseAct reads an act document by document, so that what says nothing takes no
// memory. Error: ErrMalformed.
func parseAct(b []byte) (Act, error) {
	var parts struct {
		Documents json.RawMessage `json:"documents"`
	}
	if err := protocol.DecodeJSON(b, &parts); err != nil {
		return Act{}, ErrMalformed
	}
	d := json.NewDecoder(bytes.NewReader(parts.Documents))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return Act{}, ErrMalformed
	}
	var a Act
	for d.More() {
		var one ActDocument
		if err := d.Decode(&one); err != nil || one.Kind == "" || len(one.Payload) == 0 || len(a.Documents) == maxDocuments {
			return Act{}, ErrMalformed
		}
		a.Documents = append(a.Documents, one)
	}
	if len(a.Documents) == 0 {
		return Act{}, ErrMalformed
	}
	return a, nil
}

// Write replaces the file as a whole.
func (a Act) Write(file string) error {
	b, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		return fmt.Errorf("act: %w", err)
	}
	next := file + ".new"
	if err := os.WriteFile(next, b, 0o644); err != nil {
		return fmt.Errorf("act: %w", err)
	}
	return os.Rename(next, file)
}

// Sign adds a root's signature to every document that lacks it.
func (a *Act) Sign(root ed25519.PrivateKey) error {
	s, err := envelope.NewSigner(root)
	if err != nil {
		return err
	}
	for i, d := range a.Documents {
		sig, err := s.Sign(d.Kind, d.Payload)
		if err != nil {
			return err
		}
		signed := false
		for _, held := range d.Signatures {
			by, err := envelope.SignedBy(held)
			signed = signed || (err == nil && by == s.Key().ID())
		}
		if !signed {
			a.Documents[i].Signatures = append(d.Signatures, sig)
		}
	}
	return nil
}

// Endorsed returns the document as it is stored and sent.
func (d ActDocument) Endorsed() ([]byte, error) {
	return protocol.Marshal(protocol.Endorsed{Payload: d.Payload, Signatures: d.Signatures})
}

// Says reads what is signed, for the person who signs it: the payload, never
// what somebody wrote beside it. Error: that of protocol.Unmarshal.
func (d ActDocument) Says() (string, error) {
	switch d.Kind {
	case envelope.KindRoots:
		r, err := protocol.Unmarshal[protocol.Roots](d.Payload, envelope.MaxDocument)
		if err != nil {
			return "", err
		}
		var ids []string
		for _, k := range r.Keys {
			ids = append(ids, fmt.Sprintf("%x", string(k.ID())))
		}
		return fmt.Sprintf("roots %d: %d of %d must sign: %s", r.Number, r.Threshold, len(r.Keys), strings.Join(ids, ", ")), nil
	case envelope.KindDelegation:
		v, err := protocol.Unmarshal[protocol.Delegation](d.Payload, envelope.MaxDocument)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%x is the %s of %v, classes %v, from %s until %s", string(v.Key.ID()), v.Role, v.Units, v.Classes,
			v.From.Time().Format("2006-01-02"), v.Until.Time().Format("2006-01-02")), nil
	}
	return "", fmt.Errorf("%s: %w", d.Kind, ErrMalformed)
}

// roleFile is the file of a role's key; a registrar's is that of a unit below the
// hub's own, or of this one for "".
func roleFile(role protocol.Role, unit protocol.UnitID) string {
	switch {
	case role == protocol.RoleHub:
		return hubFile
	case unit == "":
		return registrarFile
	}
	return registrarName + "-" + string(unit) + keySuffix
}

// Next makes the key that will follow a role's, once its delegation is signed and
// Promote is called. A registrar's is wrapped by password, and has the file of its
// unit, "" for the hub's own. A next key that was made before is replaced.
func (k *Keyring) Next(role protocol.Role, unit protocol.UnitID, password string) (protocol.Key, error) {
	if unit != "" && !protocol.ValidID(unit) {
		return protocol.Key{}, fmt.Errorf("next key of %.64q: %w", unit, protocol.ErrInvalid)
	}
	public, priv, err := ed25519.GenerateKey(nil)
	if err != nil {
		return protocol.Key{}, fmt.Errorf("next key: %w", err)
	}
	file := filepath.Join(k.dir, roleFile(role, unit)+nextSuffix)
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return protocol.Key{}, fmt.Errorf("next key: %w", err)
	}
	if role == protocol.RoleHub {
		err = WriteKey(file, priv)
	} else {
		err = WriteWrapped(file, priv, password, k.cost)
	}
	return protocol.Key{Kind: protocol.KeyEd25519, Public: public}, err
}

// Promote puts a role's next key into force if it is this one; otherwise it does
// nothing.
func (k *Keyring) Promote(role protocol.Role, key protocol.Key) error {
	if role == protocol.RoleRegistrar {
		files, err := k.registrarFiles(nextSuffix)
		if err != nil {
			return err
		}
		file, ok := files[key.ID()]
		if !ok {
			return nil
		}
		return os.Rename(file, strings.TrimSuffix(file, nextSuffix))
	}
	file := filepath.Join(k.dir, hubFile)
	priv, err := ReadKey(file + nextSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if public, _ := priv.Public().(ed25519.PublicKey); !public.Equal(ed25519.PublicKey(key.Public)) {
		return nil
	}
	return os.Rename(file+nextSuffix, file)
}

// NewRoot makes a root key in a file, wrapped by a password, and its public half
// in the same name with .pub, for the hub.
func NewRoot(file, password string) (protocol.Key, error) {
	public, priv, err := ed25519.GenerateKey(nil)
	if err != nil {
		return protocol.Key{}, fmt.Errorf("new root: %w", err)
	}
	if err := WriteWrapped(file, priv, password, Cost{}); err != nil {
		return protocol.Key{}, err
	}
	key := protocol.Key{Kind: protocol.KeyEd25519, Public: public}
	return key, WriteRoots(file+".pub", protocol.Roots{Threshold: 1, Keys: []protocol.Key{key}})
}
