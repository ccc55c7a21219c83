package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

// ErrLocked: the backup is encrypted, and this is not what opens it.
var ErrLocked = errors.New("encrypted for another key or passphrase")

// Lock encrypts what is written. A nil Lock leaves it readable.
type Lock struct{ recipients []age.Recipient }

// ForRecipients locks for the holders of these public keys ("age1..."): whoever
// makes the backup can't read it.
func ForRecipients(keys []string) (*Lock, error) {
	list, err := age.ParseRecipients(strings.NewReader(strings.Join(keys, "\n")))
	if err != nil {
		return nil, fmt.Errorf("recipients: %w", err)
	}
	return &Lock{recipients: list}, nil
}

// ForPassphrase locks for whoever knows a passphrase. The passphrase wraps a key that
// stands in the backup's folder, made when it is first needed: stretching a
// passphrase takes a second, and there are thousands of blobs. Error: ErrLocked if the
// folder's key has another passphrase.
func ForPassphrase(dest, passphrase string) (*Lock, error) {
	held, err := openKey(dest, passphrase)
	if err == nil {
		return &Lock{recipients: []age.Recipient{held.Recipient()}}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	wrap, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, fmt.Errorf("passphrase: %w", err)
	}
	if err := os.MkdirAll(dest, 0o700); err != nil {
		return nil, err
	}
	err = put(filepath.Join(dest, keyFile), dest, &Lock{recipients: []age.Recipient{wrap}}, func(w io.Writer) error {
		_, err := io.WriteString(w, id.String()+"\n")
		return err
	})
	return &Lock{recipients: []age.Recipient{id.Recipient()}}, err
}

// openKey opens the folder's key. Errors: fs.ErrNotExist, ErrLocked.
func openKey(dir, passphrase string) (*age.X25519Identity, error) {
	b, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, err
	}
	wrap, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, fmt.Errorf("passphrase: %w", err)
	}
	r, err := age.Decrypt(bytes.NewReader(b), wrap)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrLocked, err)
	}
	text, err := io.ReadAll(io.LimitReader(r, 1<<10))
	if err != nil {
		return nil, err
	}
	return age.ParseX25519Identity(strings.TrimSpace(string(text)))
}

func (l *Lock) suffix() string {
	if l == nil {
		return ""
	}
	return ageSuffix
}

// encrypt returns a writer to w, and what finishes it.
func (l *Lock) encrypt(w io.Writer) (io.Writer, func() error, error) {
	if l == nil {
		return w, func() error { return nil }, nil
	}
	e, err := age.Encrypt(w, l.recipients...)
	if err != nil {
		return nil, nil, err
	}
	return e, e.Close, nil
}

// Key opens what was locked. The zero Key opens what is readable.
type Key struct {
	// Passphrase opens the key that stands in the backup's folder.
	Passphrase string
	// Identities are private keys ("AGE-SECRET-KEY-1..."), a line each.
	Identities string
}

// decrypt returns a reader of a file of a backup. Errors: ErrLocked.
func (k Key) decrypt(r io.Reader, dir, name string) (io.Reader, error) {
	if !strings.HasSuffix(name, ageSuffix) {
		return r, nil
	}
	ids, err := k.identities(dir)
	if err != nil {
		return nil, err
	}
	d, err := age.Decrypt(r, ids...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w (%w)", filepath.Base(name), ErrLocked, err)
	}
	return d, nil
}

func (k Key) identities(dir string) ([]age.Identity, error) {
	switch {
	case k.Identities != "":
		ids, err := age.ParseIdentities(strings.NewReader(k.Identities))
		if err != nil {
			return nil, fmt.Errorf("identities: %w", err)
		}
		return ids, nil
	case k.Passphrase != "":
		id, err := openKey(dir, k.Passphrase)
		if err != nil {
			return nil, err
		}
		return []age.Identity{id}, nil
	}
	return nil, fmt.Errorf("a key or a passphrase is needed: %w", ErrLocked)
}
