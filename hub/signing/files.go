package signing

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Types of the PEM blocks in key files.
const (
	pemPlain   = "PRIVATE KEY"     // PKCS#8
	pemWrapped = "LOA WRAPPED KEY" // as Wrap returns it
	pemPublic  = "PUBLIC KEY"      // PKIX
)

// Files under the folder of keys. The registrar of a unit below the hub's own has
// registrar-UNIT.key.
const (
	hubFile       = "hub.key"
	keySuffix     = ".key"
	nextSuffix    = ".next" // of a key whose delegation is being signed
	registrarName = "registrar"
	registrarFile = registrarName + keySuffix
	rootsFile     = "roots.pem" // public halves
)

// maxKeyFile is the longest key file, in bytes.
const maxKeyFile = 64 << 10

// WriteKey writes a private key for its owner only; the file must not exist.
func WriteKey(file string, priv ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return writeNew(file, pem.EncodeToMemory(&pem.Block{Type: pemPlain, Bytes: der}), 0o600)
}

// ReadKey reads what WriteKey wrote. Errors: ErrMode, ErrMalformed.
func ReadKey(file string) (ed25519.PrivateKey, error) {
	der, err := readPrivate(file, pemPlain)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	priv, ok := key.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("key file %s: %w", file, ErrMalformed)
	}
	return priv, nil
}

// WriteWrapped writes a private key wrapped by a password; the file must not
// exist.
func WriteWrapped(file string, priv ed25519.PrivateKey, password string, cost Cost) error {
	blob, err := Wrap(priv, password, cost)
	if err != nil {
		return err
	}
	return writeNew(file, pem.EncodeToMemory(&pem.Block{Type: pemWrapped, Bytes: blob}), 0o600)
}

// ReadWrapped opens what WriteWrapped wrote. Errors: ErrMode, ErrMalformed,
// ErrWrongPassword.
func ReadWrapped(file, password string) (ed25519.PrivateKey, error) {
	blob, err := readPrivate(file, pemWrapped)
	if err != nil {
		return nil, err
	}
	priv, err := Unwrap(blob, password)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", file, err)
	}
	return priv, nil
}

// readPrivate reads one PEM block of a file that is its owner's only.
func readPrivate(file, kind string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %o, wants 600: %w", file, info.Mode().Perm(), ErrMode)
	}
	if info.Size() > maxKeyFile {
		return nil, fmt.Errorf("key file %s: %w", file, ErrMalformed)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("key file %s: %w", file, ErrMalformed)
	}
	return block.Bytes, nil
}

// writeNew writes a file that must not exist, and puts it on the disk.
func writeNew(file string, b []byte, mode fs.FileMode) (err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(file), err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(b); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(file), err)
	}
	return f.Sync()
}

// Keyring is the folder of keys in the hub's data folder. It implements the
// keyrings of packages account and registry. It is safe for concurrent use; keys
// are opened one at a time, since each takes 64 MiB.
type Keyring struct {
	dir  string
	cost Cost
	mu   sync.Mutex
}

// OpenKeyring returns the keyring of a folder. New keys are wrapped at that cost.
func OpenKeyring(dir string, cost Cost) *Keyring { return &Keyring{dir: dir, cost: cost} }

// Create writes the hub's and the registrar's keys and the roots' public halves
// into the folder, which must not hold any.
func (k *Keyring) Create(hub, registrar ed25519.PrivateKey, password string, roots protocol.Roots) error {
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	if err := WriteRoots(filepath.Join(k.dir, rootsFile), roots); err != nil {
		return err
	}
	if err := WriteWrapped(filepath.Join(k.dir, registrarFile), registrar, password, k.cost); err != nil {
		return err
	}
	return WriteKey(filepath.Join(k.dir, hubFile), hub)
}

// thresholdHeader stands in the first block of a file of roots if more than one
// of them must sign.
const thresholdHeader = "Threshold"

// WriteRoots writes the public halves of roots; the file must not exist.
func WriteRoots(file string, roots protocol.Roots) error {
	var b []byte
	for i, r := range roots.Keys {
		der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(r.Public))
		if err != nil {
			return fmt.Errorf("root: %w", err)
		}
		block := &pem.Block{Type: pemPublic, Bytes: der}
		if i == 0 && roots.Threshold > 1 {
			block.Headers = map[string]string{thresholdHeader: strconv.FormatUint(roots.Threshold, 10)}
		}
		b = append(b, pem.EncodeToMemory(block)...)
	}
	return writeNew(file, b, 0o644)
}

// ReadRoots reads what WriteRoots wrote. Error: ErrMalformed.
func ReadRoots(file string) (protocol.Roots, error) {
	info, err := os.Stat(file)
	if err != nil {
		return protocol.Roots{}, fmt.Errorf("roots: %w", err)
	}
	if info.Size() > maxKeyFile {
		return protocol.Roots{}, fmt.Errorf("roots %s: %w", file, ErrMalformed)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return protocol.Roots{}, fmt.Errorf("roots: %w", err)
	}
	return parseRoots(b)
}

func parseRoots(b []byte) (protocol.Roots, error) {
	r := protocol.Roots{Version: protocol.Version, Threshold: 1}
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		public, ok := key.(ed25519.PublicKey)
		if err != nil || !ok || block.Type != pemPublic {
			return protocol.Roots{}, fmt.Errorf("roots: %w", ErrMalformed)
		}
		if text, ok := block.Headers[thresholdHeader]; ok {
			if r.Threshold, err = strconv.ParseUint(text, 10, 8); err != nil {
				return protocol.Roots{}, fmt.Errorf("roots' threshold: %w", ErrMalformed)
			}
		}
		r.Keys = append(r.Keys, protocol.Key{Kind: protocol.KeyEd25519, Public: public})
	}
	if r.Threshold == 0 || r.Threshold > uint64(len(r.Keys)) || len(r.Keys) > protocol.MaxRoots {
		return protocol.Roots{}, fmt.Errorf("%d of %d roots: %w", r.Threshold, len(r.Keys), ErrMalformed)
	}
	return r, nil
}

// Roots returns the roots that init made. Error: ErrMalformed.
func (k *Keyring) Roots() (protocol.Roots, error) { return ReadRoots(filepath.Join(k.dir, rootsFile)) }

// Hub opens the hub's own key. Errors: ErrMode, ErrMalformed.
func (k *Keyring) Hub() (*envelope.Signer, error) {
	priv, err := ReadKey(filepath.Join(k.dir, hubFile))
	if err != nil {
		return nil, err
	}
	return envelope.NewSigner(priv)
}

// Registrar opens the first of these registrars' keys that the password opens; those
// that this hub does not hold are passed over. Errors: problem.ErrForbidden if the
// password opens none, problem.ErrUnavailable if this hub holds none.
func (k *Keyring) Registrar(password string, keys ...protocol.KeyID) (*envelope.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	files, err := k.registrarFiles("")
	if err != nil {
		return nil, err
	}
	err = problem.New(problem.ErrUnavailable, "no-registrar", "", "Trung tâm này không giữ khoá của người giữ sổ đăng ký. Hãy để người giữ khoá đó ký trên máy của họ.",
		"This hub does not hold the registrar's key. Have its holder sign on their own machine.")
	for _, id := range keys {
		file, ok := files[id]
		if !ok {
			continue
		}
		priv, readErr := ReadWrapped(file, password)
		switch {
		case readErr == nil:
			return envelope.NewSigner(priv)
		case !errors.Is(readErr, ErrWrongPassword):
			return nil, readErr
		}
		err = problem.New(problem.ErrForbidden, "wrong-registrar-password", "registrar_password",
			"Mật khẩu không phải của người giữ sổ đăng ký có quyền ở đơn vị này. Hãy nhập lại.", "This is not the password of a registrar who may sign for this unit. Type it again.")
	}
	return nil, err
}

// registrarFiles returns the files of registrars' keys, of those in force or with
// nextSuffix of those that wait.
func (k *Keyring) registrarFiles(suffix string) (map[protocol.KeyID]string, error) {
	names, err := filepath.Glob(filepath.Join(k.dir, registrarName+"*"+keySuffix+suffix))
	if err != nil {
		return nil, fmt.Errorf("registrars' keys: %w", err)
	}
	files := make(map[protocol.KeyID]string, len(names))
	for _, file := range names {
		public, err := PublicOf(file)
		if err != nil {
			return nil, err
		}
		files[protocol.Key{Kind: protocol.KeyEd25519, Public: public}.ID()] = file
	}
	return files, nil
}

// NewKey makes a key pair and wraps its private half.
func (k *Keyring) NewKey(password string) (protocol.Key, []byte, error) {
	public, priv, err := ed25519.GenerateKey(nil)
	if err != nil {
		return protocol.Key{}, nil, fmt.Errorf("new key: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	wrapped, err := Wrap(priv, password, k.cost)
	if err != nil {
		return protocol.Key{}, nil, err
	}
	return protocol.Key{Kind: protocol.KeyEd25519, Public: public}, wrapped, nil
}

// Open unwraps a person's key. Error: problem.ErrForbidden for a wrong password.
func (k *Keyring) Open(wrapped []byte, password string) (*envelope.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	priv, err := Unwrap(wrapped, password)
	if errors.Is(err, ErrWrongPassword) {
		return nil, problem.New(problem.ErrForbidden, "wrong-password", "password", "Mật khẩu không đúng. Hãy nhập lại.", "The password is wrong. Type it again.")
	}
	if err != nil {
		return nil, err
	}
	return envelope.NewSigner(priv)
}

// Rewrap changes the password of a wrapped key. Errors: those of Unwrap.
func (k *Keyring) Rewrap(wrapped []byte, old, password string) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	priv, err := Unwrap(wrapped, old)
	if err != nil {
		return nil, err
	}
	return Wrap(priv, password, k.cost)
}

// PublicOf returns the public half of a wrapped key's file, which needs no
// password, for those who only check.
func PublicOf(file string) (ed25519.PublicKey, error) {
	blob, err := readPrivate(file, pemWrapped)
	if err != nil {
		return nil, err
	}
	public, err := Public(blob)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", file, err)
	}
	return public, nil
}
