// Package totp is the second factor of an authenticator app (RFC 6238): it holds
// the library that computes codes. It keeps no secret and
// decides nothing about who needs one.
package totp

import (
	"fmt"
	"net/url"
	"time"

	"github.com/loa-vn/loa/hub/enrol"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
)

// Codes have six digits and change every step; one step either way is forgiven.
const (
	step = 30 * time.Second
	skew = 1
)

// Codes implements account.Codes.
type Codes struct {
	// Issuer stands in the person's app.
	Issuer string
}

// New makes a secret and the address that an app takes it from.
func (c Codes) New(person string) (secret, address string, err error) {
	k, err := totp.Generate(totp.GenerateOpts{Issuer: c.Issuer, AccountName: person, Period: uint(step / time.Second), Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return "", "", fmt.Errorf("second factor: %w", err)
	}
	return k.Secret(), k.URL(), nil
}

// Picture draws an address as a QR code, in PNG.
func (c Codes) Picture(address string) ([]byte, error) {
	if u, err := url.Parse(address); err != nil || u.Scheme != "otpauth" {
		return nil, fmt.Errorf("second factor: no address of an app")
	}
	code, err := enrol.Draw(address)
	if err != nil {
		return nil, fmt.Errorf("second factor: %w", err)
	}
	return code.PNG(), nil
}

// Check returns the step that a code is of, if it is right now and later than
// the last step that was used: a code counts once.
func (c Codes) Check(secret, code string, now time.Time, last int64) (int64, bool) {
	at := now.Unix() / int64(step/time.Second)
	for n := at - skew; n <= at+skew; n++ {
		ok, err := hotp.ValidateCustom(code, uint64(n), secret, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && ok && n > last {
			return n, true
		}
	}
	return 0, false
}
