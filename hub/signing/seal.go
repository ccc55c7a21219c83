package signing

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/chacha20poly1305"
)

// sealFile holds the key by which the hub seals what its database keeps.
const sealFile = "seal.key"

const pemSeal = "LOA SEALING KEY"

// Seal encrypts a secret under the hub's sealing key, bound to a name. The key is
// made on first use; it lies beside the others, not in the database.
func (k *Keyring) Seal(secret []byte, name string) ([]byte, error) {
	aead, err := k.sealing()
	if err != nil {
		return nil, err
	}
	nonce := random(chacha20poly1305.NonceSizeX)
	return aead.Seal(nonce, nonce, secret, []byte(name)), nil
}

// OpenSealed opens what Seal returned. Error: ErrMalformed.
func (k *Keyring) OpenSealed(sealed []byte, name string) ([]byte, error) {
	aead, err := k.sealing()
	if err != nil {
		return nil, err
	}
	if len(sealed) < chacha20poly1305.NonceSizeX {
		return nil, fmt.Errorf("sealed: %w", ErrMalformed)
	}
	secret, err := aead.Open(nil, sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:], []byte(name))
	if err != nil {
		return nil, fmt.Errorf("sealed: %w", ErrMalformed)
	}
	return secret, nil
}

func (k *Keyring) sealing() (aead interface {
	Seal(dst, nonce, plaintext, additionalData []byte) []byte
	Open(dst, nonce, ciphertext, additionalData []byte) ([]byte, error)
}, err error,
) {
	k.mu.Lock()
	defer k.mu.Unlock()
	file := filepath.Join(k.dir, sealFile)
	key, err := readPrivate(file, pemSeal)
	if errors.Is(err, fs.ErrNotExist) {
		key = random(chacha20poly1305.KeySize)
		if err = writeNew(file, pem.EncodeToMemory(&pem.Block{Type: pemSeal, Bytes: key}), 0o600); errors.Is(err, os.ErrExist) {
			key, err = readPrivate(file, pemSeal) // a command beside the hub was first
		}
	}
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	return chacha20poly1305.NewX(key)
}
