package envelope

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/loa-vn/loa/protocol"
)

// Challenge is what a passkey signs for a statement: SHA-256 of "loa/1/approval",
// a zero byte, and the statement's bytes. No other use of a passkey has it.
func Challenge(statement []byte) [sha256.Size]byte {
	return sha256.Sum256(append(append(KindApproval.aad(), 0), statement...))
}

// A passkey's public key has one form: a COSE_Key (RFC 9053) of kind EC2 for
// ES256 on P-256, {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
const (
	coseHead   = "\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"
	coseMiddle = "\x22\x58\x20"
	coseSize   = len(coseHead) + 32 + len(coseMiddle) + 32
)

// PasskeyOf returns the key of a point on P-256. Error: protocol.ErrInvalid.
func PasskeyOf(public *ecdsa.PublicKey) (protocol.Key, error) {
	if public.Curve != elliptic.P256() {
		return protocol.Key{}, fmt.Errorf("passkey's curve: %w", protocol.ErrInvalid)
	}
	point, err := public.Bytes()
	if err != nil {
		return protocol.Key{}, fmt.Errorf("passkey: %w", protocol.ErrInvalid)
	}
	cose := slices.Concat([]byte(coseHead), point[1:33], []byte(coseMiddle), point[33:])
	return protocol.Key{Kind: protocol.KeyPasskey, Public: cose}, nil
}

// passkey reads what PasskeyOf writes. Error: ErrNotPermitted.
func passkey(key protocol.Key) (*ecdsa.PublicKey, error) {
	b := key.Public
	if key.Kind != protocol.KeyPasskey || len(b) != coseSize || string(b[:len(coseHead)]) != coseHead ||
		string(b[len(coseHead)+32:coseSize-32]) != coseMiddle {
		return nil, fmt.Errorf("no passkey for ES256: %w", ErrNotPermitted)
	}
	point := slices.Concat([]byte{4}, b[len(coseHead):len(coseHead)+32], b[coseSize-32:])
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, fmt.Errorf("passkey off the curve: %w", ErrNotPermitted)
	}
	return public, nil
}

// The flags of authenticator data (WebAuthn level 2, section 6.1).
const (
	flagPresent    = 1 << 0
	flagVerified   = 1 << 2
	flagEligible   = 1 << 3 // for backup
	flagBackedUp   = 1 << 4
	flagAttested   = 1 << 6
	flagExtensions = 1 << 7
	plainData      = 37 // without extensions
)

// Assert decides whether an assertion is that of a passkey of this site for this
// challenge, with the user verified. Counters are not looked at: synced passkeys
// have none, and a statement is approved once and for all. Errors:
// protocol.ErrMalformed; ErrNotPermitted for another site or an unverified user;
// ErrSignature, also for another challenge.
func Assert(a protocol.Assertion, key protocol.Key, site protocol.Site, challenge [sha256.Size]byte) error {
	public, err := passkey(key)
	if err != nil {
		return err
	}
	data := a.AuthenticatorData
	if len(data) < plainData {
		return fmt.Errorf("authenticator data of %d bytes: %w", len(data), protocol.ErrMalformed)
	}
	flags, host := data[32], sha256.Sum256([]byte(site.ID))
	switch {
	case flags&flagAttested != 0, (flags&flagExtensions == 0) != (len(data) == plainData), flags&flagBackedUp != 0 && flags&flagEligible == 0:
		return fmt.Errorf("authenticator data: %w", protocol.ErrMalformed)
	case subtle.ConstantTimeCompare(data[:32], host[:]) != 1:
		return fmt.Errorf("assertion for another host: %w", ErrNotPermitted)
	case flags&flagPresent == 0 || flags&flagVerified == 0:
		return fmt.Errorf("assertion without user verification: %w", ErrNotPermitted)
	}
	if err := checkClient(a.ClientData, site, challenge); err != nil {
		return err
	}
	client := sha256.Sum256(a.ClientData)
	digest := sha256.Sum256(slices.Concat(data, client[:]))
	if !ecdsa.VerifyASN1(public, digest[:], a.Signature) {
		return fmt.Errorf("assertion: %w", ErrSignature)
	}
	return nil
}

// checkClient reads the client data (WebAuthn level 2, section 5.8.1). Browsers
// may add members, so it is read and never compared as text.
func checkClient(b []byte, site protocol.Site, challenge [sha256.Size]byte) error {
	members, err := readObject(b)
	if err != nil {
		return err
	}
	var kind, text, origin string
	for name, to := range map[string]*string{"type": &kind, "challenge": &text, "origin": &origin} {
		if err := json.Unmarshal(members[name], to); err != nil {
			return fmt.Errorf("client data's %s: %w", name, protocol.ErrMalformed)
		}
	}
	cross := false
	if raw, ok := members["crossOrigin"]; ok {
		if err := json.Unmarshal(raw, &cross); err != nil {
			return fmt.Errorf("client data's crossOrigin: %w", protocol.ErrMalformed)
		}
	}
	_, framed := members["topOrigin"]
	got, err := base64.RawURLEncoding.Strict().DecodeString(text)
	switch {
	case err != nil:
		return fmt.Errorf("client data's challenge: %w", protocol.ErrMalformed)
	case kind != "webauthn.get", cross, framed, !slices.Contains(site.Origins, origin):
		return fmt.Errorf("assertion of another kind or from another origin: %w", ErrNotPermitted)
	case subtle.ConstantTimeCompare(got, challenge[:]) != 1:
		return fmt.Errorf("assertion on another challenge: %w", ErrSignature)
	}
	return nil
}

// readObject reads one JSON object whose members are all different. (Package
// json would let the last of two win, and match names in either case.)
func readObject(b []byte) (map[string]json.RawMessage, error) {
	malformed := fmt.Errorf("client data is no JSON object: %w", protocol.ErrMalformed)
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, malformed
	}
	members := map[string]json.RawMessage{}
	for d.More() {
		name, err := d.Token()
		key, ok := name.(string)
		if err != nil || !ok {
			return nil, malformed
		}
		if _, twice := members[key]; twice {
			return nil, malformed
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, malformed
		}
		members[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, malformed
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, malformed
	}
	return members, nil
}
