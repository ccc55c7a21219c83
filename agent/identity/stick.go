package identity

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/agent/kept"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/envelope"
)

// Kinds of failure of an installation by file.
var (
	ErrNoFile     = errors.New("no file of Loa is there: make one with `loa-hub device stick` and name it")
	ErrManyFiles  = errors.New("several files of Loa are there: name one")
	ErrForged     = errors.New("the file is not genuine: its place is not signed by this hub's registrar, or not for this device")
	ErrNotStarted = errors.New("no installation was begun here: bring the file of `loa-hub device stick` first")
)

// installationFile holds what a technician brought, until the hub has answered.
const installationFile = "installation.json"

// Waits between tries of a device that waits for its hub.
const (
	awaitFirst = time.Second
	awaitMost  = 2 * time.Minute
)

// FindStick returns the file of Loa that a path names: itself, or the only one in
// that folder. Errors: ErrNoFile, ErrManyFiles.
func FindStick(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: %w", path, ErrNoFile)
	}
	if err != nil {
		return "", fmt.Errorf("enrol: %w", err)
	}
	if !info.IsDir() {
		return path, nil
	}
	return only(filepath.Join(path, "*.loa.json"))
}

// FindMedia returns the only file of Loa on what is plugged in under a root.
// Errors: ErrNoFile, ErrManyFiles.
func FindMedia(root string) (string, error) {
	return only(filepath.Join(root, "media/*/*.loa.json"), filepath.Join(root, "media/*/*/*.loa.json"),
		filepath.Join(root, "run/media/*/*/*.loa.json"), filepath.Join(root, "mnt/*.loa.json"), filepath.Join(root, "mnt/*/*.loa.json"))
}

// only returns the one file that is no request of a device.
func only(patterns ...string) (string, error) {
	var found []string
	for _, p := range patterns {
		files, err := filepath.Glob(p)
		if err != nil {
			return "", fmt.Errorf("enrol: %w", err)
		}
		found = append(found, files...)
	}
	found = slices.DeleteFunc(found, func(f string) bool { return strings.HasSuffix(f, requestSuffix) })
	switch len(found) {
	case 0:
		return "", ErrNoFile
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%s: %w", strings.Join(found, ", "), ErrManyFiles)
}

// requestSuffix ends the name of the file that a device writes.
const requestSuffix = ".request.loa.json"

// ReadStick reads a file of a technician's. Error: protocol.ErrInvalid.
func ReadStick(file string) (s protocol.Stick, err error) {
	f, err := os.Open(file)
	if err != nil {
		return s, fmt.Errorf("enrol: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b, err := io.ReadAll(io.LimitReader(f, protocol.MaxEnrol+1))
	if err != nil {
		return s, fmt.Errorf("enrol: %w", err)
	}
	return protocol.ParseStick(b)
}

// Begin takes an installation that a technician brought: it is believed by the
// claim's fingerprint, and the place in it by the registrar's signature. It makes
// the device's key and returns its request, for the way back. The hub may be
// reached later instead, see Await. Errors: ErrEnrolled, ErrFingerprint,
// ErrForged, ErrAnswer, protocol.ErrClaim.
func Begin(i protocol.Installation, dir string) (protocol.EnrolRequest, protocol.Placement, error) {
	none := func(err error) (protocol.EnrolRequest, protocol.Placement, error) {
		return protocol.EnrolRequest{}, protocol.Placement{}, err
	}
	claim, err := protocol.ParseClaim(i.Claim)
	if err != nil {
		return none(err)
	}
	place, err := genuine(i, claim)
	if err != nil {
		return none(err)
	}
	if _, err := os.Stat(filepath.Join(dir, answerFile)); err == nil {
		return none(ErrEnrolled)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return none(fmt.Errorf("enrol: %w", err))
	}
	key, err := deviceKey(dir)
	if err != nil {
		return none(fmt.Errorf("enrol: device key: %w", err))
	}
	csr, csrBulk, err := requests(key, place.Device)
	if err != nil {
		return none(fmt.Errorf("enrol: %w", err))
	}
	raw, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return none(fmt.Errorf("enrol: %w", err))
	}
	if err := (kept.File{Path: filepath.Join(dir, installationFile)}).Save(raw); err != nil {
		return none(fmt.Errorf("enrol: keep installation: %w", err))
	}
	return protocol.EnrolRequest{Secret: claim.Secret[:], DeviceKey: key.Public().(ed25519.PublicKey), CSR: csr, CSRBulk: csrBulk}, place, nil
}

// genuine checks an installation against its claim.
func genuine(i protocol.Installation, claim protocol.Claim) (protocol.Placement, error) {
	roots, err := i.Held.RootList()
	if err != nil {
		return protocol.Placement{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	ca, err := parseCertificate(i.Held.CA)
	if err != nil {
		return protocol.Placement{}, fmt.Errorf("CA: %w", ErrAnswer)
	}
	if !ca.IsCA || protocol.FingerprintOf(roots, ca.Raw) != claim.Fingerprint {
		return protocol.Placement{}, ErrFingerprint
	}
	chain := envelope.NewChainOf(roots)
	// Twice, so that each list finds its signer in whatever order they came. What
	// is of another kind, or not genuine, is passed over: the placement then fails.
	for range 2 {
		for _, l := range i.Held.Lists {
			if _, err := chain.AddRoots(l); err != nil {
				_, _ = chain.AddDelegation(l)
			}
		}
	}
	p, err := chain.OpenPlacement(i.Held.Placement, nil, time.Time{})
	if err != nil {
		return protocol.Placement{}, fmt.Errorf("%w: %w", ErrForged, err)
	}
	if p.Device != i.Held.Device {
		return protocol.Placement{}, fmt.Errorf("place of %s: %w", p.Device, ErrForged)
	}
	return p, nil
}

// pending returns the installation that was begun. Error: ErrNotStarted.
func pending(dir string) (protocol.Installation, error) {
	var i protocol.Installation
	raw, err := os.ReadFile(filepath.Join(dir, installationFile))
	if errors.Is(err, fs.ErrNotExist) {
		return i, ErrNotStarted
	}
	if err != nil {
		return i, fmt.Errorf("enrol: %w", err)
	}
	if err := json.Unmarshal(raw, &i); err != nil {
		return i, fmt.Errorf("installation: %w: %w", ErrAnswer, err)
	}
	return i, nil
}

// Finish takes the hub's answer to the request that Begin made. Errors:
// ErrNotStarted, ErrFingerprint, ErrForged, ErrAnswer.
func Finish(answer protocol.EnrolAnswer, dir string) (*Identity, error) {
	i, err := pending(dir)
	if err != nil {
		return nil, err
	}
	claim, err := protocol.ParseClaim(i.Claim)
	if err != nil {
		return nil, err
	}
	if answer.Device != i.Held.Device {
		return nil, fmt.Errorf("answer for %s: %w", answer.Device, ErrForged)
	}
	key, err := loadKey(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, fmt.Errorf("enrol: device key: %w", err)
	}
	return keep(answer, key, claim.Fingerprint, i.Hub, dir)
}

// keep checks an answer and makes it the device's identity.
func keep(answer protocol.EnrolAnswer, key ed25519.PrivateKey, want protocol.Fingerprint, hubURL, dir string) (*Identity, error) {
	id, err := fromAnswer(key, answer)
	if err != nil {
		return nil, err
	}
	if protocol.FingerprintOf(id.Roots, id.CA.Raw) != want {
		return nil, ErrFingerprint
	}
	answer.Hub, id.Hub = hubURL, hubURL
	raw, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	if err := (kept.File{Path: filepath.Join(dir, answerFile)}).Save(raw); err != nil {
		return nil, fmt.Errorf("enrol: keep identity: %w", err)
	}
	// The claim is used: nothing of it stays.
	if err := os.Remove(filepath.Join(dir, installationFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	return id, nil
}

// Await waits until this device has an identity, if an installation was begun:
// until the hub can be reached, or a technician brings its answer. Errors: those
// of Enrol that do not pass by themselves; ErrNotEnrolled if nothing was begun.
func Await(ctx context.Context, dir string, log *slog.Logger) error {
	for wait := awaitFirst; ; wait = min(2*wait, awaitMost) {
		if _, err := Load(dir); err == nil || !errors.Is(err, ErrNotEnrolled) {
			return err
		}
		i, err := pending(dir)
		if errors.Is(err, ErrNotStarted) {
			return ErrNotEnrolled
		}
		if err != nil {
			return err
		}
		id, err := Enrol(ctx, i.Hub, i.Claim, dir)
		if err == nil {
			log.InfoContext(ctx, "enrolled at last", "device", string(id.Device))
			return nil
		}
		if !errors.Is(err, ErrUnreachable) {
			return err
		}
		log.InfoContext(ctx, "installed and waiting for the hub", "hub", i.Hub, "device", string(i.Held.Device), "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// WriteRequest writes a device's request beside the file that it came with.
func WriteRequest(beside string, device protocol.DeviceID, r protocol.EnrolRequest) (string, error) {
	raw, err := json.MarshalIndent(protocol.Stick{Version: protocol.StickVersion, Request: &r}, "", "  ")
	if err != nil {
		return "", fmt.Errorf("enrol: %w", err)
	}
	file := filepath.Join(filepath.Dir(beside), string(device)+requestSuffix)
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return "", fmt.Errorf("enrol: %w", err)
	}
	return file, nil
}
