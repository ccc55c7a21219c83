package totp_test

import (
	"bytes"
	"encoding/base32"
	"image/png"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/totp"
)

// The codes of RFC 6238, appendix B, cut to six digits.
func TestCodesAreThoseOfTheStandardAndCountOnce(t *testing.T) {
	secret := base32.StdEncoding.EncodeToString([]byte("12345678901234567890"))
	var c totp.Codes
	for at, code := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 2000000000: "279037"} {
		n, ok := c.Check(secret, code, time.Unix(at, 0), 0)
		if !ok || n != at/30 {
			t.Errorf("at %d: %v %d", at, ok, n)
		}
		if _, again := c.Check(secret, code, time.Unix(at, 0), n); again {
			t.Errorf("at %d: the same code counted twice", at)
		}
		if _, late := c.Check(secret, code, time.Unix(at+61, 0), 0); late {
			t.Errorf("at %d: a code of two steps ago counts", at)
		}
	}
	for _, bad := range []string{"", "28708", "2870822", "abcdef", "000000"} {
		if _, ok := c.Check(secret, bad, time.Unix(59, 0), 0); ok {
			t.Errorf("%q counts", bad)
		}
	}
}

func TestQRCodeIsAPicture(t *testing.T) {
	c := totp.Codes{Issuer: "Loa"}
	_, address, err := c.New("soan")
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Picture(address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(b)); err != nil {
		t.Error(err)
	}
	if _, err := c.Picture("https://example.com"); err == nil {
		t.Error("drew something else")
	}
}
